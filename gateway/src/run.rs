//! `madoguchi run`.

use crate::{
    annals,
    board::Boards,
    cli,
    config::{Config, store::Author},
    front::Front,
    house::{House, Shown, blueprints},
    keeper::{self, Household, Start, Task, Why, follow, in_effect, page_of, whereabouts},
    logging,
    metrics::Scrapes,
    pcsc, phones, signals,
    sole::Sole,
    watchdog,
    web::{self, Told},
};
use anyhow::{Context, Result, bail};
use madoguchi_bus::manifest::Manifest;
use madoguchi_protocol::{ActorKind, Address};
use std::{process::ExitCode, sync::Arc, time::Duration};
use tokio::sync::watch;

/// Runs until SIGTERM or SIGINT.
pub fn run(arguments: &cli::Run) -> Result<ExitCode> {
    logging::start();
    madoguchi_pin_session::disable_core_dumps()
        .context("this process can't be kept from writing core files")?;
    install_cryptography();
    let gateway = Address::of_box(ActorKind::Gateway);
    let system = actix::System::with_tokio_rt(runtime);
    if arguments.only.is_empty() || arguments.only.contains(&gateway) {
        system.block_on(run_gateway(arguments))?;
    } else {
        system.block_on(run_actors(arguments))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// The runtime of the supervisor, the broker's keeper and the page; each actor has a thread of its own.
fn runtime() -> tokio::runtime::Runtime {
    match tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build() {
        Ok(runtime) => runtime,
        // Without threads and timers nothing can run, and actix wants a runtime here, not an error.
        Err(error) => panic!("no runtime: {error}"),
    }
}

/// TLS comes from one library everywhere.
pub fn install_cryptography() {
    // A second call, as in tests, finds the same provider installed.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
}

/// Refuses actors that the configuration does not have.
fn know(config: &Config, only: &[Address]) -> Result<()> {
    let all = Manifest::get().addresses(&config.lanes());
    match only.iter().find(|address| !all.contains(address) || !config.has(**address)) {
        Some(unknown) => bail!("--only {unknown}: the configuration has no such actor"),
        None => Ok(()),
    }
}

/// Has the process talk to the PC/SC service that its actors need.
fn choose_pcsc(config: &Config, only: &[Address]) -> Result<()> {
    pcsc::choose(config, &blueprints(config, only)?.into_keys().collect())
}

/// A process of single actors: it follows what the gateway's process puts into effect.
async fn run_actors(arguments: &cli::Run) -> Result<()> {
    let (config, text) = in_effect(&arguments.config)?;
    know(&config, &arguments.only)?;
    choose_pcsc(&config, &arguments.only)?;
    let shown = Shown { boards: Boards::default(), desk: watch::channel(None).0 };
    let mut house = House::new(arguments.only.clone(), shown);
    house.settle(Some(&config)).await?;
    tracing::info!(actors = arguments.only.len(), "started");
    let fed = watchdog::serve(house.supervisor().pulse());
    let why = tokio::select! {
        signal = signals::stop() => signal?,
        () = fed => "the watchdog",
        () = follow(&arguments.config, &mut house, text) => "the configuration has none of these actors any more",
    };
    tracing::info!(why, "stopping");
    watchdog::stopping();
    house.close().await;
    Ok(())
}

/// The gateway's actors, its page and its metrics, as the keeper of the configuration has them.
struct Whole {
    house: House,
    front: Option<Front>,
    scrapes: Scrapes,
    told: watch::Sender<Arc<Told>>,
}

impl Household for Whole {
    async fn settle(&mut self, config: Option<&Config>) -> Result<()> {
        let told = Told::by(config)?;
        // The page first: where it can't move, nothing else need be touched.
        if let (Some(front), Some(config)) = (&self.front, config) {
            front.settle(&config.web)?;
        }
        if let Some(config) = config {
            self.scrapes.settle(config).await?;
        }
        self.house.settle(config).await?;
        self.told.send_replace(Arc::new(told));
        Ok(())
    }

    fn refuses(&self, config: &Config) -> Option<&'static str> {
        // The library learns once in a process's life which service it talks to.
        let actors = blueprints(config, self.house.only()).map(|all| all.into_keys().collect::<Vec<_>>());
        pcsc::is_another(config, actors.unwrap_or_default()).then_some("lane.nfc_reader.pcscd")
    }

    fn note(&mut self, _number: u32, _by: Option<Author>, _why: Option<Why>) {}
}

async fn run_gateway(arguments: &cli::Run) -> Result<()> {
    let file = &arguments.config;
    if let Ok(config) = Config::load(file) {
        choose_pcsc(&config, &arguments.only)?;
    }
    // Before anything is written: a second gateway would take the broker away from the first.
    let state_directory = whereabouts(file, arguments.state_directory.as_deref());
    let _sole = Sole::of(&state_directory)?;
    let start = Start::look(file, &state_directory)?;
    let web = match start.sound() {
        Some(config) => {
            know(config, &arguments.only)?;
            config.web.clone()
        }
        None => page_of(file, arguments.listen),
    };
    let boards = Boards::default();
    let (desk, staff_desk) = watch::channel(None);
    let (told, page_told) = watch::channel(Arc::new(Told::by(None)?));
    tokio::spawn(annals::keep(boards.states.subscribe(), state_directory.clone()));
    tokio::spawn(phones::keep(
        boards.phones_wanted.subscribe(),
        boards.states.subscribe(),
        boards.phones_down.clone(),
        state_directory.clone(),
    ));
    let scrapes = Scrapes::new(boards.clone(), staff_desk.clone());
    let house = House::new(arguments.only.clone(), Shown { boards: boards.clone(), desk });
    let (standings, pulse) = (house.supervisor().standings(), house.supervisor().pulse());
    let restarter = house.supervisor().restarter();
    let (keeper, ends) = keeper::channel();
    let pages =
        web::Pages::new(page_told, &boards, standings, restarter, staff_desk, &state_directory, keeper)?;
    let within = arguments.confirm_within.map(Duration::from_secs);
    let mut task = Task::new(start, Whole { house, front: None, scrapes, told }, ends, within)?;
    task.open().await?;
    task.house_mut().front = Some(Front::open(pages, &web)?);
    tracing::info!(actors = task.house().house.actors().count(), "started");

    let fed = watchdog::serve(pulse);
    let signal = tokio::select! {
        signal = signals::stop() => signal?,
        () = fed => "the watchdog",
        () = task.work() => "the keeper",
    };
    tracing::info!(signal, "stopping");
    watchdog::stopping();
    let Whole { house, front, mut scrapes, .. } = task.into_house();
    scrapes.close().await;
    if let Some(front) = front {
        front.close().await;
    }
    house.close().await;
    Ok(())
}
