//! `madoguchi run`.

use crate::{
    board::Boards,
    cli,
    config::{Broker, Config, credentials},
    house::{self, Shown},
    logging, pcsc, signals,
    sole::Sole,
    watchdog, web,
};
use anyhow::{Context, Result};
use madoguchi::render;
use madoguchi_bus::{
    Supervisor,
    broker::{Access, ManagedBroker},
    manifest::Manifest,
};
use madoguchi_protocol::{ActorKind, Address};
use std::{collections::BTreeSet, process::ExitCode};
use tokio::sync::watch;

/// Runs until SIGTERM or SIGINT.
pub fn run(arguments: &cli::Run) -> Result<ExitCode> {
    logging::start();
    madoguchi_pin_session::disable_core_dumps()
        .context("this process can't be kept from writing core files")?;
    let mut config = Config::load(&arguments.config)?;
    if let Some(handed_over) = credentials::directory() {
        config.take_credentials(&handed_over);
    }
    let chosen = chosen(&config, &arguments.only)?;
    pcsc::choose(&config, &chosen)?;
    install_cryptography();
    actix::System::with_tokio_rt(runtime).block_on(serve(config, chosen))?;
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

/// The actors that this process runs.
fn chosen(config: &Config, only: &[Address]) -> Result<BTreeSet<Address>> {
    let all: BTreeSet<_> = Manifest::get()
        .addresses(&config.lanes())
        .into_iter()
        .filter(|address| config.has(*address))
        .collect();
    if only.is_empty() {
        return Ok(all);
    }
    match only.iter().find(|address| !all.contains(address)) {
        Some(unknown) => anyhow::bail!("--only {unknown}: the configuration has no such actor"),
        None => Ok(only.iter().copied().collect()),
    }
}

async fn serve(config: Config, chosen: BTreeSet<Address>) -> Result<()> {
    let gateway = Address::of_box(ActorKind::Gateway);
    // Before anything is written: a second gateway would take the broker away from the first.
    let _sole = if chosen.contains(&gateway) { Some(Sole::of(&config.site.state_directory)?) } else { None };
    let (access, broker) = reach_broker(&config, chosen.contains(&gateway)).await?;
    let mut supervisor = Supervisor::new(access);
    let boards = Boards::default();
    let (desk, staff_desk) = watch::channel(None);
    let shown = Shown { boards: boards.clone(), desk };
    for address in &chosen {
        house::start(&mut supervisor, &config, *address, &shown)?;
    }
    let page = if chosen.contains(&gateway) {
        let token = web::staff_token(&config.site.state_directory)?;
        Some(web::start(&config, &boards, supervisor.standings(), staff_desk, token)?)
    } else {
        None
    };
    tracing::info!(actors = chosen.len(), "started");

    let fed = watchdog::serve(supervisor.pulse());
    let signal = tokio::select! {
        signal = signals::stop() => signal?,
        () = fed => "the watchdog",
    };
    tracing::info!(signal, "stopping");
    watchdog::stopping();
    if let Some(page) = page {
        page.stop(false).await;
    }
    supervisor.stop().await;
    // Last: the actors say goodbye over it.
    drop(broker);
    Ok(())
}

/// Starts the managed broker where this process keeps it; else only says how to reach it.
async fn reach_broker(config: &Config, keeps_it: bool) -> Result<(Access, Option<ManagedBroker>)> {
    let directory = config.site.state_directory.join("broker");
    match &config.broker {
        Broker::External { socket, passwords } => {
            Ok((Access { socket: socket.clone(), passwords: passwords.clone() }, None))
        }
        Broker::Appliance {} => {
            let passwords = credentials::directory().context(
                "[broker]: mode = \"appliance\" is for the appliance's units; elsewhere use \"managed\"",
            )?;
            Ok((Access { socket: render::BUS_SOCKET.into(), passwords }, None))
        }
        Broker::Managed {} if keeps_it => {
            let broker = ManagedBroker::start(&directory, &config.lanes()).await?;
            Ok((broker.access().clone(), Some(broker)))
        }
        Broker::Managed {} => Ok((
            Access { socket: directory.join("broker.sock"), passwords: directory.join("accounts") },
            None,
        )),
    }
}
