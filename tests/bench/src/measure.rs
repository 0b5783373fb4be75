//! One number of lanes, measured in a process of its own: libpcsclite reads once per process which pcscd to
//! use, and no run inherits another's memory or threads.

use crate::{
    figures::{Comparison, Report, Visits},
    floor,
    gateway::Gateway,
    pattern::Pattern,
};
use anyhow::{Context, Result};
use madoguchi_simulator::hospital::{Hospital, Lane, Options};
use std::{
    path::{Path, PathBuf},
    sync::Arc,
};
use tokio::runtime::Handle;

/// The PIN of every simulated phone.
pub const PIN: &str = "1234";
/// Threads on which cards, readers and patients live. More than processors: a card that signs must not hold up
/// the screens of another lane.
const HOSPITAL_THREADS: usize = 16;
/// Visits that are made and not counted: connections are opened, caches filled.
const WARM_UP: u32 = 4;

/// The simulated hospital, as the floor and the gateway's patients use it.
pub struct Site {
    /// Where everything is written.
    pub directory: PathBuf,
    /// The hospital.
    pub hospital: Hospital,
    /// Where its tasks run.
    pub runtime: Handle,
}

impl Site {
    /// How many lanes there are; they are numbered from 1.
    pub fn lanes(&self) -> u16 {
        u16::try_from(self.hospital.lanes.len()).unwrap_or(u16::MAX)
    }

    /// One of them.
    pub fn lane(&self, number: u16) -> Result<&Lane> {
        self.hospital.lanes.get(&number).with_context(|| format!("there is no lane {number}"))
    }
}

/// The phone of a lane's patients.
pub fn card_name(lane: u16) -> String {
    format!("android#{lane}")
}

/// How much is measured.
#[derive(Clone, Copy, Debug)]
pub struct Amount {
    /// When patients come.
    pub pattern: Pattern,
    /// How many of them at each lane.
    pub visits: u32,
}

/// Measures gateway and floor with `lanes` lanes. The floor comes half before and half after the gateway, so
/// that a machine that slows down does so for both.
pub fn measure(lanes: u16, directory: &Path, program: &Path, amounts: &[Amount]) -> Result<Report> {
    // A second call would find the same provider installed.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(HOSPITAL_THREADS).enable_all().build()?;
    let options = Options {
        lanes,
        directory: directory.into(),
        own_card: Vec::new(),
        trust_ca: Vec::new(),
        hotplug: false,
        stock_vpcd: false,
        readers_elsewhere: false,
        free_ports: true,
    };
    let hospital = runtime.block_on(Hospital::open(&options))?;
    for lane in 1..=lanes {
        hospital.wallet.card(&card_name(lane))?;
    }
    let directory = directory.canonicalize()?;
    let site = Arc::new(Site { directory, hospital, runtime: runtime.handle().clone() });

    let mut floors = halves_of_floor(&site, amounts)?;
    let (gateways, (gateway_mib, broker_mib)) = runtime.block_on(through_gateway(&site, program, amounts))?;
    for (first, second) in floors.iter_mut().zip(halves_of_floor(&site, amounts)?) {
        first.all.extend(second.all);
        first.cpu_ms = (first.cpu_ms + second.cpu_ms) / 2.0;
    }
    let comparisons = amounts
        .iter()
        .zip(gateways.into_iter().zip(floors))
        .map(|(amount, (gateway, floor))| Comparison { pattern: amount.pattern, gateway, floor })
        .collect();
    Ok(Report { lanes, comparisons, gateway_mib, broker_mib })
}

fn halves_of_floor(site: &Arc<Site>, amounts: &[Amount]) -> Result<Vec<Visits>> {
    floor::run(site, Pattern::AtOnce, WARM_UP)?;
    amounts.iter().map(|amount| floor::run(site, amount.pattern, amount.visits.div_ceil(2))).collect()
}

/// The visits, and the memory of gateway and broker after them.
async fn through_gateway(
    site: &Arc<Site>,
    program: &Path,
    amounts: &[Amount],
) -> Result<(Vec<Visits>, (f64, f64))> {
    let gateway = Gateway::start(program, site).await?;
    gateway.run(site, Pattern::AtOnce, WARM_UP).await?;
    let mut all = Vec::new();
    for amount in amounts {
        all.push(gateway.run(site, amount.pattern, amount.visits).await?);
    }
    let resident = gateway.resident_mib()?;
    gateway.stop().await?;
    Ok((all, resident))
}
