//! A busy morning: many patients at many lanes, mishaps, faults of line, centre and readers; and an oracle that
//! judges what came of it.
//!
//! The simulated hospital runs in this process, which spares the HTTP between a patient's hand and the screen; the
//! gateway is a process of its own, as always.

mod counter;
mod oracle;
mod outcome;
mod patient;
mod plan;
mod report;
mod weather;

pub use oracle::Offence;
pub use outcome::{End, Outcome};
pub use plan::{Mishap, Options, Patient};

use crate::{house::program, http::Http, person, process::Process};
use anyhow::{Context, Result, bail};
use counter::Counter;
use madoguchi_audit_log::usage::Usage;
use madoguchi_simulator::hospital::{Hospital, Options as HospitalOptions};
use oracle::Evidence;
use serde_json::Value;
use std::{
    collections::VecDeque,
    path::Path,
    process::Command,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};
use tokio::sync::mpsc;

/// How long every lane may take to be ready.
const READY_WITHIN: Duration = Duration::from_secs(60);
/// How long the queue may take to empty when all is well again.
const SETTLED_WITHIN: Duration = Duration::from_secs(90);
/// Keys that the cards share; each card has a certificate of its own.
const KEYS: usize = 40;
/// Short deadlines, so that whoever walks away blocks a lane for seconds only; in seconds.
const DEADLINES: &str = "[lane.face_reader.deadlines]
choose = 3
enter_pin = 3
phone_authenticates = 3
insert_card = 3
hold = 4
reading = 4
hint = 3
slot = 5
authenticate = 4
consent = 4
settle = 3
result = 3
fallback = 3

[lane.face_reader.phone_setup]";

/// What a morning came to.
pub struct Verdict {
    /// What became of each patient, in no order.
    pub outcomes: Vec<Outcome>,
    /// What must not be; none in a clean morning.
    pub offences: Vec<Offence>,
    /// Tables for people.
    pub report: String,
}

/// What goes on, for the progress line.
#[derive(Default)]
struct Tally {
    arrived: AtomicUsize,
    served: AtomicUsize,
    outcomes: Mutex<Vec<Outcome>>,
    now: Mutex<String>,
}

impl Tally {
    fn note(&self, outcome: Outcome) {
        self.served.fetch_add(1, Ordering::Relaxed);
        self.outcomes.lock().unwrap_or_else(PoisonError::into_inner).push(outcome);
    }

    fn set_now(&self, text: String) {
        *self.now.lock().unwrap_or_else(PoisonError::into_inner) = text;
    }
}

/// Plays the morning; `progress` is told a line each second.
pub async fn play(options: Options, progress: impl Fn(&str) + Send + 'static) -> Result<Verdict> {
    if !(options.speed.is_finite() && options.speed > 0.0) {
        bail!("--speed must be above 0");
    }
    if usize::from(options.mishaps) * Mishap::ALL.len() > 100 {
        bail!("--mishaps: {} kinds at {} % are more than all patients", Mishap::ALL.len(), options.mishaps);
    }
    if options.patients == 0 || options.patients > 20_000 {
        bail!("--patients must be from 1 to 20000");
    }
    let directory = tempfile::Builder::new().prefix("madoguchi-morning-").tempdir()?;
    let played = play_in(directory.path(), &options, progress).await;
    // For whoever looks into it.
    if played.as_ref().is_ok_and(|verdict| verdict.offences.is_empty()) {
        return played;
    }
    let kept = format!("everything is kept in {}", directory.keep().display());
    let mut verdict = played.with_context(|| kept.clone())?;
    verdict.report = format!("{}\n{kept}", verdict.report);
    Ok(verdict)
}

async fn play_in(
    directory: &Path,
    options: &Options,
    progress: impl Fn(&str) + Send + 'static,
) -> Result<Verdict> {
    let hospital = Arc::new(open(options, directory).await?);
    let patients = plan::plan(options);
    make_cards(&hospital, &patients, &progress).await?;
    let gateway = start_gateway(&hospital, directory)?;
    let mut people = Command::new(program("madoguchi"));
    people.args(["people", "--config"]).arg(&hospital.addresses.gateway_config);
    let token = person::token(people, "busy morning", &["watch"]);
    let page = Http::new(&hospital.addresses.gateway_page).with_token(&token);
    ready(&hospital, &page, options).await.with_context(|| gateway.tail())?;

    let tally = Arc::new(Tally::default());
    let ticker = tokio::spawn(tick(hospital.clone(), tally.clone(), options.patients, progress));
    let began = Instant::now();
    let played = serve_all(&hospital, options, patients, &tally).await;
    ticker.abort();
    played.with_context(|| gateway.tail())?;
    let took = began.elapsed();

    let outcomes = std::mem::take(&mut *tally.outcomes.lock().unwrap_or_else(PoisonError::into_inner));
    let (evidence, restarted) = settle(&hospital, &page, directory).await?;
    let mut offences = oracle::judge(&outcomes, options.patients.into(), &evidence, &hospital);
    offences.extend(restarted.into_iter().map(|what| Offence { patient: None, what }));
    let report = format!(
        "{}\n\n{}\nin {:.0} s",
        report::table(&outcomes),
        report::sums(&outcomes, &evidence),
        took.as_secs_f64(),
    );
    Ok(Verdict { outcomes, offences, report })
}

async fn open(options: &Options, directory: &Path) -> Result<Hospital> {
    // A second call finds the same provider installed.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let mut hospital = Hospital::open(&HospitalOptions {
        lanes: options.lanes,
        directory: directory.to_owned(),
        own_card: Vec::new(),
        trust_ca: Vec::new(),
        hotplug: true,
        free_ports: true,
        stock_vpcd: false,
        readers_elsewhere: false,
    })
    .await?;
    hospital.wallet.share_keys(KEYS);
    let file = &hospital.addresses.gateway_config;
    let text = std::fs::read_to_string(file)?;
    std::fs::write(
        file,
        text.replace("[lane.face_reader.phone_setup]", DEADLINES)
            .replace("[lane.nfc_reader]\n", "[lane.nfc_reader]\nread_limit_ms = 2000\n"),
    )?;
    Ok(hospital)
}

/// Keys take time, so all are made before the doors open, on every processor.
async fn make_cards(hospital: &Arc<Hospital>, patients: &[Patient], progress: &impl Fn(&str)) -> Result<()> {
    let names: Vec<String> =
        patients.iter().flat_map(|it| [Some(it.card.clone()), it.other.clone()]).flatten().collect();
    let (total, names) = (names.len(), Arc::new(Mutex::new(names)));
    let workers = std::thread::available_parallelism().map_or(1, usize::from);
    let mut making = tokio::task::JoinSet::new();
    for _ in 0..workers {
        let (hospital, names) = (hospital.clone(), names.clone());
        making.spawn_blocking(move || {
            loop {
                let Some(name) = names.lock().unwrap_or_else(PoisonError::into_inner).pop() else { break };
                hospital.wallet.card(&name)?;
            }
            Ok::<_, anyhow::Error>(())
        });
    }
    let mut second = tokio::time::interval(Duration::from_secs(1));
    loop {
        tokio::select! {
            made = making.join_next() => match made {
                None => return Ok(()),
                Some(made) => made??,
            },
            _ = second.tick() => {
                let left = names.lock().unwrap_or_else(PoisonError::into_inner).len();
                progress(&format!("making cards and phones: {} of {total}", total - left));
            }
        }
    }
}

fn start_gateway(hospital: &Hospital, directory: &Path) -> Result<Process> {
    let mut command = Command::new(program("madoguchi"));
    command.args(["run", "--config"]).arg(&hospital.addresses.gateway_config);
    command.env("PCSCLITE_CSOCK_NAME", &hospital.addresses.pcscd_socket);
    command.env("MADOGUCHI_LOG", std::env::var("MADOGUCHI_LOG").unwrap_or_else(|_| "info".into()));
    Ok(Process::start("gateway", command, directory))
}

async fn state(page: &Http) -> Value {
    let text = page.text("api/v1/state").await.unwrap_or_default();
    serde_json::from_str(&text).unwrap_or_default()
}

/// Waits until every lane offers smartphones and can read them.
async fn ready(hospital: &Hospital, page: &Http, options: &Options) -> Result<()> {
    let asked = Instant::now();
    loop {
        let all = state(page).await;
        let states = &all["states"];
        let waiting: Vec<u16> = (1..=options.lanes)
            .filter(|lane| {
                let nfc = &states[format!("nfc_reader@{lane}")]["detail"]["nfc_reader"];
                let face = &states[format!("face_reader@{lane}")]["detail"]["face_reader"];
                nfc["ready"] != true || face["phones_offered"] != true
            })
            .collect();
        if waiting.is_empty() && states["uplink"]["detail"]["uplink"]["reachable"] == true {
            break;
        }
        if asked.elapsed() > READY_WITHIN {
            bail!("lanes {waiting:?} are not ready: {all:#}");
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    for number in 1..=options.lanes {
        let counter = Counter::new(hospital, options, number).context("a lane")?;
        if !counter.becomes_idle(READY_WITHIN).await {
            bail!("lane {number} shows no first screen");
        }
    }
    Ok(())
}

/// The waiting room: patients come as planned and go to the lane that is free first.
async fn serve_all(
    hospital: &Arc<Hospital>,
    options: &Options,
    patients: Vec<Patient>,
    tally: &Arc<Tally>,
) -> Result<()> {
    let (enter, room) = mpsc::unbounded_channel();
    let room = Arc::new(tokio::sync::Mutex::new(room));
    let opened = tokio::time::Instant::now();
    let mut lanes = tokio::task::JoinSet::new();
    for number in 1..=options.lanes {
        let (hospital, options, tally, room) =
            (hospital.clone(), options.clone(), tally.clone(), room.clone());
        lanes.spawn(async move {
            let counter = Counter::new(&hospital, &options, number).context("a lane")?;
            loop {
                let next = room.lock().await.recv().await;
                let Some(patient) = next else { return Ok::<_, anyhow::Error>(()) };
                tally.note(patient::serve(&counter, patient).await?);
            }
        });
    }
    let weather = {
        let (hospital, options, tally) = (hospital.clone(), options.clone(), tally.clone());
        tokio::spawn(async move {
            for (at, event) in weather::forecast(&options) {
                tokio::time::sleep_until(opened + options.at_speed(at)).await;
                tally.set_now(event.name());
                weather::happen(&hospital, &options, &event).await?;
                tally.set_now(String::new());
            }
            Ok::<_, anyhow::Error>(())
        })
    };
    for patient in VecDeque::from(patients) {
        tokio::time::sleep_until(opened + options.at_speed(patient.arrives)).await;
        tally.arrived.fetch_add(1, Ordering::Relaxed);
        enter.send(patient).ok();
    }
    drop(enter);
    while let Some(lane) = lanes.join_next().await {
        lane??;
    }
    weather.await??;
    Ok(())
}

async fn tick(hospital: Arc<Hospital>, tally: Arc<Tally>, patients: u16, progress: impl Fn(&str)) {
    let mut second = tokio::time::interval(Duration::from_secs(1));
    loop {
        second.tick().await;
        let served = tally.served.load(Ordering::Relaxed);
        let arrived = tally.arrived.load(Ordering::Relaxed);
        let now = tally.now.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let event = if now.is_empty() { now } else { format!("; {now}") };
        let idle: Vec<_> = hospital
            .lanes
            .values()
            .filter_map(|lane| lane.reader.view().screen)
            .filter(|screen| screen.kind == "idle")
            .collect();
        let no_phones = idle.iter().filter(|it| it.choices.iter().all(|it| it.id != "use_phone")).count();
        progress(&format!(
            "{served} of {patients} served, {} here, {} lanes free ({no_phones} without phones){event}",
            arrived - served,
            idle.len(),
        ));
    }
}

/// Waits until the queue is empty and nothing comes any more, and gathers what there is to compare; and what
/// the supervisor had to restart.
async fn settle(hospital: &Hospital, page: &Http, directory: &Path) -> Result<(Evidence, Vec<String>)> {
    hospital.centre().faults().clear();
    let asked = Instant::now();
    let (mut all, mut quiet) = (state(page).await, 0);
    // Quiet for a while: the audit log is told last.
    while quiet < 5 && asked.elapsed() < SETTLED_WITHIN {
        tokio::time::sleep(Duration::from_millis(300)).await;
        all = state(page).await;
        let effects = hospital.centre().effects().len();
        let files = hospital.receipts()?.iter().filter(|file| file.folder == "Face").count();
        let empty = all["states"]["offline_queue"]["detail"]["offline_queue"]["waiting"] == 0;
        quiet = if empty && effects == files { quiet + 1 } else { 0 };
    }
    let queue = &all["states"]["offline_queue"]["detail"]["offline_queue"];
    let count = |key: &str| queue[key].as_u64().unwrap_or(u64::MAX);
    let is_idle = |number: &u16| {
        let screen = hospital.lanes.get(number).and_then(|lane| lane.reader.view().screen);
        screen.is_some_and(|screen| screen.kind == "idle")
    };
    let audit = directory.join("state/audit");
    let usage = Usage::of_log(&audit)?;
    let evidence = Evidence {
        effects: hospital.centre().effects(),
        receipts: hospital.receipts()?,
        logged: oracle::read_audit_log(&audit)?,
        counted: usage.months.values().map(|month| month.counted).sum(),
        queue: (count("waiting"), count("set_aside")),
        not_idle: hospital.lanes.keys().copied().filter(|number| !is_idle(number)).collect(),
    };
    let actors = all["actors"].as_array().cloned().unwrap_or_default();
    let restarted = actors
        .iter()
        .filter(|actor| actor["restarts"].as_u64() != Some(0))
        .map(|actor| format!("{} was restarted {} times", actor["address"], actor["restarts"]))
        .collect();
    Ok((evidence, restarted))
}
