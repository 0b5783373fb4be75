//! `madoguchi-sim`: the simulated hospital as a program; with `--gateway` it runs a gateway beside it.

use anyhow::{Context, Result, bail};
use clap::Parser;
use madoguchi_simulator::{
    administrator::Administrator,
    control,
    hospital::{Addresses, Hospital, Options},
};
use std::{net::SocketAddr, path::PathBuf, sync::Arc, time::Duration};
use tokio::{
    process::{Child, Command},
    signal::unix::{SignalKind, signal},
    time::timeout,
};

/// How long the gateway may take to stop.
const GATEWAY_STOPS_WITHIN: Duration = Duration::from_secs(6);

/// A simulated hospital around a Madoguchi Gateway: readers, cards, phones and the eligibility centre.
#[derive(Debug, Parser)]
#[command(version, about)]
struct Arguments {
    /// Reception counters, 1 to 16.
    #[arg(long, default_value_t = 3)]
    lanes: u16,
    /// Where everything is written: hospital.json (addresses), gateway.toml, certificates, receipts.
    #[arg(long, value_name = "DIR", default_value = ".run")]
    directory: PathBuf,
    /// Leave this lane's virtual reader to somebody else's card (vpcd's protocol on the port that is printed).
    #[arg(long, value_name = "LANE")]
    own_card: Vec<u16>,
    /// Let the centre accept cards of this authority too.
    #[arg(long, value_name = "PEM")]
    trust_ca: Vec<PathBuf>,
    /// USB readers on a mocked bus, which can be unplugged.
    #[arg(long)]
    hotplug: bool,
    /// Use Debian's virtual reader (package vsmartcard-vpcd) instead of the simulator's own driver: it polls, and
    /// tells a torn card less clearly.
    #[arg(long, conflicts_with = "hotplug")]
    stock_vpcd: bool,
    /// The readers and their PC/SC service are on another machine: the documented ports lead to its virtual readers and
    /// device links. Used with an appliance in an emulator.
    #[arg(long, conflicts_with_all = ["hotplug", "stock_vpcd", "free_ports"])]
    readers_elsewhere: bool,
    /// Take any free ports instead of the documented ones.
    #[arg(long)]
    free_ports: bool,
    /// Where the control interface and the readers' pages listen.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8470")]
    control: SocketAddr,
    /// Run this gateway program with the hospital, and end it with the hospital.
    #[arg(long, value_name = "PROGRAM")]
    gateway: Option<PathBuf>,
}

fn main() -> Result<()> {
    tracing_subscriber::fmt().with_env_filter("warn").with_writer(std::io::stderr).init();
    let arguments = Arguments::parse();
    // A second call would find the same provider installed.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    actix_web::rt::System::with_tokio_rt(|| {
        tokio::runtime::Builder::new_multi_thread()
            .enable_all()
            .build()
            .unwrap_or_else(|error| panic!("no threads: {error}"))
    })
    .block_on(serve(arguments))
}

async fn serve(arguments: Arguments) -> Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    if !arguments.control.ip().is_loopback() {
        bail!("--control: {} is not a loopback address; anybody could play patient", arguments.control);
    }
    let options = Options {
        lanes: arguments.lanes,
        directory: arguments.directory.clone(),
        own_card: arguments.own_card.clone(),
        trust_ca: arguments.trust_ca.clone(),
        hotplug: arguments.hotplug,
        stock_vpcd: arguments.stock_vpcd,
        readers_elsewhere: arguments.readers_elsewhere,
        free_ports: arguments.free_ports,
    };
    let mut hospital = Hospital::open(&options).await?;
    if let Some(program) = &arguments.gateway {
        let met = Administrator::meet(program, &hospital.addresses, &arguments.directory);
        hospital.administrator = Some(met?);
    }
    let listener = std::net::TcpListener::bind(arguments.control).with_context(|| {
        format!("--control {}; is a simulated hospital running already?", arguments.control)
    })?;
    hospital.addresses.control = format!("http://{}/", listener.local_addr()?);
    let addresses = hospital.addresses.clone();
    let file = arguments.directory.join("hospital.json");
    let server = control::start(Arc::new(hospital), listener)?;
    // Written last: who waits for the file finds everything listening.
    let being_written = file.with_extension("tmp");
    std::fs::write(&being_written, serde_json::to_vec_pretty(&addresses)?)?;
    std::fs::rename(&being_written, &file)?;
    print(&addresses, &arguments);

    let mut gateway = match &arguments.gateway {
        Some(program) => Some(start_gateway(program, &addresses)?),
        None => None,
    };
    let ended = async {
        match &mut gateway {
            Some(child) => child.wait().await,
            None => std::future::pending().await,
        }
    };
    let outcome = tokio::select! {
        _ = terminate.recv() => Ok(()),
        _ = interrupt.recv() => Ok(()),
        status = ended => Err(anyhow::anyhow!("the gateway ended by itself: {}", status?)),
    };
    if let Some(child) = gateway {
        stop_gateway(child).await;
    }
    server.stop(false).await;
    std::fs::remove_file(&file).ok();
    outcome
}

fn print(addresses: &Addresses, arguments: &Arguments) {
    println!("Simulated hospital with {} lane(s)", arguments.lanes);
    println!("  readers' screens   {}", addresses.control);
    println!("  control interface  {}openapi.json", addresses.control);
    println!("  eligibility centre {}", addresses.centre);
    println!("  gateway's page     {}", addresses.gateway_page);
    println!("  gateway's metrics  {}metrics", addresses.gateway_metrics);
    if arguments.gateway.is_some() {
        println!(
            "  to log in there    {}administrator (name, password, and the code of the moment)",
            addresses.control
        );
    }
    println!("  receipt folders    {}", addresses.receipts.display());
    for lane in &arguments.own_card {
        if let Some(port) = addresses.card_ports.get(lane) {
            println!("  lane {lane}: put your own card on 127.0.0.1:{port} (vpcd's protocol)");
        }
    }
    if arguments.gateway.is_none() {
        println!("Start a gateway with");
        println!(
            "  PCSCLITE_CSOCK_NAME={} madoguchi run --config {}",
            addresses.pcscd_socket.display(),
            addresses.gateway_config.display()
        );
    }
    println!("Ctrl-C ends it.");
}

fn start_gateway(program: &PathBuf, addresses: &Addresses) -> Result<Child> {
    Command::new(program)
        .args(["run", "--config"])
        .arg(&addresses.gateway_config)
        .env("PCSCLITE_CSOCK_NAME", &addresses.pcscd_socket)
        // Ctrl-C reaches the whole process group; the hospital stops the gateway itself, in good order.
        .process_group(0)
        .kill_on_drop(true)
        .spawn()
        .with_context(|| format!("--gateway {}", program.display()))
}

async fn stop_gateway(mut child: Child) {
    if let Some(pid) = child.id().and_then(|id| rustix::process::Pid::from_raw(id.cast_signed())) {
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).ok();
    }
    if timeout(GATEWAY_STOPS_WITHIN, child.wait()).await.is_err() {
        eprintln!("the gateway does not stop; it is killed");
        child.kill().await.ok();
    }
}
