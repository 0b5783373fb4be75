//! The gateway: its program as a child, and visits through it as a patient makes them.

use crate::{
    figures::{PARTS, Visit, Visits},
    measure::{PIN, Site, card_name},
    pattern::{Gate, Pattern},
};
use anyhow::{Context, Result, bail};
use jiff::Timestamp;
use madoguchi_simulator::{
    face_reader::{Shown, SimulatedReader},
    pcscd::SOCKET_VARIABLE,
};
use pcsc::{ReaderState, Scope, State};
use rustix::process::{Pid, Signal, kill_process};
use std::{
    ffi::{CStr, CString},
    fs::{self, File},
    path::Path,
    sync::Arc,
    time::Duration,
};
use tokio::{
    process::{Child, Command},
    task::JoinSet,
    time::timeout,
};

/// Nothing takes so long unless something is broken.
const PATIENCE: Duration = Duration::from_secs(10);
const STOPS_WITHIN: Duration = Duration::from_secs(6);

/// A running gateway.
pub struct Gateway {
    child: Child,
    pid: u32,
}

impl Gateway {
    /// Starts `program` beside the hospital and waits until every lane offers phones.
    pub async fn start(program: &Path, site: &Site) -> Result<Self> {
        let log = File::create(site.directory.join("gateway.log"))?;
        let child = Command::new(program)
            .args(["run", "--config"])
            .arg(&site.hospital.addresses.gateway_config)
            .env(SOCKET_VARIABLE, &site.hospital.addresses.pcscd_socket)
            .stdout(log.try_clone()?)
            .stderr(log)
            .kill_on_drop(true)
            .spawn()
            .with_context(|| {
                format!("{}: build it with `cargo build --release --workspace`", program.display())
            })?;
        let pid = child.id().context("the gateway ended at once")?;
        for lane in site.hospital.lanes.values() {
            let ready =
                |shown: &Shown| shown.kind == "idle" && shown.choices.iter().any(|it| it.id == "use_phone");
            seen(&lane.reader, "idle with phones", ready).await?;
        }
        Ok(Self { child, pid })
    }

    /// Makes `visits` visits at each lane, all lanes at the same time.
    pub async fn run(&self, site: &Arc<Site>, pattern: Pattern, visits: u32) -> Result<Visits> {
        let gate = Arc::new(Gate::new(pattern, site.lanes()));
        let before = self.cpu_ms()?;
        let mut lanes = JoinSet::new();
        for lane in 1..=site.lanes() {
            let (site, gate) = (site.clone(), gate.clone());
            lanes.spawn(async move {
                let mut made = Vec::new();
                for number in 0..visits {
                    let visit = visit(&site, &gate, lane, number).await;
                    made.push(visit.with_context(|| format!("gateway, lane {lane}, visit {number}"))?);
                }
                anyhow::Ok(made)
            });
        }
        let mut all = Vec::new();
        while let Some(lane) = lanes.join_next().await {
            all.extend(lane??);
        }
        let cpu_ms = (self.cpu_ms()? - before) / all.len() as f64;
        Ok(Visits { all, cpu_ms })
    }

    /// Resident memory of the gateway and of its broker, in MiB.
    pub fn resident_mib(&self) -> Result<(f64, f64)> {
        let broker = children(self.pid)?.into_iter().map(resident_mib).sum::<Result<f64>>()?;
        Ok((resident_mib(self.pid)?, broker))
    }

    /// Processor time of the gateway and of its broker so far.
    fn cpu_ms(&self) -> Result<f64> {
        let processes = children(self.pid)?.into_iter().chain([self.pid]);
        processes.map(cpu_ms).sum()
    }

    /// Asks it to end, and makes it end.
    pub async fn stop(mut self) -> Result<()> {
        if let Some(pid) = Pid::from_raw(self.pid.cast_signed()) {
            kill_process(pid, Signal::TERM)?;
        }
        if timeout(STOPS_WITHIN, self.child.wait()).await.is_err() {
            self.child.kill().await?;
        }
        Ok(())
    }
}

/// One patient with an Android phone, from the idle screen to the idle screen.
async fn visit(site: &Site, gate: &Gate, number: u16, count: u32) -> Result<Visit> {
    let lane = site.lane(number)?;
    let reader = &lane.reader;
    screen(reader, "idle").await?;
    reader.touch("use_phone")?;
    screen(reader, "choose_phone").await?;
    reader.touch("android")?;
    screen(reader, "enter_pin").await?;
    reader.type_pin(PIN)?;
    let invited = screen(reader, "hold_medium").await?;
    gate.hold(number, count).await;

    let held = Timestamp::now();
    lane.hold(&site.hospital.wallet, &card_name(number)).await?;
    let consent = screen(reader, "consent").await?;

    gate.agree().await;
    let agreed = Timestamp::now();
    reader.touch("agree_all")?;
    let done = screen(reader, "done").await?;

    lane.take_away().await;
    let name = CString::new(lane.nfc.pcsc_name())?;
    tokio::task::spawn_blocking(move || until_empty(&name)).await??;
    reader.touch("finish")?;

    let all = reader.screens_since(invited.sequence);
    let at = |kind: &str| {
        let shown = all.iter().find(|shown| shown.kind == kind).map(|shown| shown.at);
        shown.with_context(|| format!("there was no screen {kind:?}"))
    };
    let read = at("authenticating")?;
    // The event that brings this screen may be overtaken by the phone's answer.
    let noticed = at("reading").unwrap_or(read);
    let ms = |from: Timestamp, to: Timestamp| to.duration_since(from).as_secs_f64() * 1000.0;
    let parts: [f64; PARTS.len()] =
        [ms(held, noticed), ms(noticed, read), ms(read, consent.at), ms(agreed, done.at)];
    Ok(Visit(parts))
}

/// Waits until pcscd has noticed that the phone is gone: what is measured begins with an empty reader, as in the floor.
fn until_empty(reader: &CStr) -> Result<()> {
    let context = pcsc::Context::establish(Scope::System)?;
    let mut seen = [ReaderState::new(reader, State::UNAWARE)];
    while !seen[0].event_state().contains(State::EMPTY) {
        context.get_status_change(PATIENCE, &mut seen)?;
        seen[0].sync_current_state();
    }
    Ok(())
}

async fn screen(reader: &SimulatedReader, kind: &str) -> Result<Shown> {
    seen(reader, kind, |shown| shown.kind == kind).await
}

/// Waits for a screen; a visit that takes another way is an error, and says what the patient saw.
async fn seen(reader: &SimulatedReader, what: &str, is_it: impl Fn(&Shown) -> bool) -> Result<Shown> {
    let found = reader.wait_for(PATIENCE, |view| view.screen.as_ref().is_some_and(&is_it)).await;
    match found.and_then(|view| view.screen) {
        Some(shown) => Ok(shown),
        None => {
            let now = reader
                .view()
                .screen
                .map_or("nothing".into(), |shown| format!("{}: {}", shown.kind, shown.text));
            bail!("waited for the screen {what:?}, and the reader shows {now}")
        }
    }
}

/// The processes that `pid` started and that still run.
fn children(pid: u32) -> Result<Vec<u32>> {
    let mut found = Vec::new();
    for process in fs::read_dir("/proc")? {
        let Some(other) = process?.file_name().to_str().and_then(|name| name.parse().ok()) else { continue };
        // Any process may end in between.
        if statistics(other)
            .is_ok_and(|fields| fields.get(1).is_some_and(|parent| *parent == pid.to_string()))
        {
            found.push(other);
        }
    }
    Ok(found)
}

/// What follows the name in `/proc/PID/stat` (proc(5)), which begins with its third field.
fn statistics(pid: u32) -> Result<Vec<String>> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat"))?;
    let after_name = stat.rsplit(')').next().unwrap_or_default();
    Ok(after_name.split_whitespace().map(str::to_owned).collect())
}

/// User and system time of a process and its ended threads (fields 14 and 15).
fn cpu_ms(pid: u32) -> Result<f64> {
    let fields = statistics(pid)?;
    let ticks = |field: usize| fields.get(field).and_then(|text| text.parse::<f64>().ok());
    let ticks = ticks(11).zip(ticks(12)).context("the kernel does not tell the processor time")?;
    let per_second = rustix::param::clock_ticks_per_second() as f64;
    Ok((ticks.0 + ticks.1) * 1000.0 / per_second)
}

fn resident_mib(pid: u32) -> Result<f64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line.and_then(|text| text.trim().strip_suffix(" kB")?.trim().parse::<f64>().ok());
    Ok(kib.context("the kernel does not tell the memory")? / 1024.0)
}
