//! The wiring: which actor is built from which settings, and how a house becomes another one.
//!
//! What an actor is built from is its [`Blueprint`]. When the configuration changes, only actors whose blueprint
//! changed are rebuilt; their neighbours, and everybody else's connection to the broker, are not touched.

use crate::{
    board::{BoardKeeper, Boards},
    config::{Broker, Config, Lane, Phones, credentials},
    logging, phones,
};
use anyhow::{Context, Result};
use jiff::Timestamp;
use madoguchi::{render, update};
use madoguchi_audit_log::AuditLog;
use madoguchi_bus::{
    Bus, Supervisor,
    broker::{Access, ManagedBroker},
    manifest::Manifest,
};
use madoguchi_face_reader::{FaceReader, Surroundings};
use madoguchi_nfc_reader::NfcReader;
use madoguchi_offline_queue::OfflineQueue;
use madoguchi_pin_session::PinSession;
use madoguchi_protocol::{ActorKind, Address, LaneId};
use madoguchi_receipt_computer::ReceiptComputer;
use madoguchi_reception::{Premises, readiness::Boot};
use madoguchi_uplink::Uplink;
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};
use tokio::sync::watch;

fn find(config: &Config, number: LaneId) -> Option<&Lane> {
    config.lane.iter().find(|lane| lane.number == number)
}

/// What the gateway's own actor shows to the page.
pub struct Shown {
    /// What it gathers.
    pub boards: Boards,
    /// The actor's handle to the bus, new each time it is rebuilt.
    pub desk: watch::Sender<Option<Bus>>,
}

/// The box's present start, by which a restart after setup is seen.
pub fn box_boot() -> Result<Boot> {
    let what = "the kernel does not tell when the box was started";
    let id = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").context(what)?.trim().to_string();
    let statistics = std::fs::read_to_string("/proc/stat").context(what)?;
    let seconds = statistics.lines().find_map(|line| line.strip_prefix("btime ")).context(what)?;
    Ok(Boot { id, seen: Timestamp::from_second(seconds.trim().parse().context(what)?).context(what)? })
}

/// Everything that one actor is built from. Equal blueprints make equal actors.
#[derive(Clone, PartialEq)]
pub enum Blueprint {
    /// A lane's face-auth reader.
    FaceReader(Box<(madoguchi_face_reader::Settings, Surroundings)>),
    /// A lane's generic reader.
    NfcReader(LaneId, madoguchi_nfc_reader::Settings),
    /// The keeper of PINs.
    PinSession(madoguchi_pin_session::Settings),
    /// The line.
    Uplink(Box<madoguchi_uplink::Settings>),
    /// The queue.
    OfflineQueue(madoguchi_offline_queue::Settings),
    /// The receipt computer's folders.
    ReceiptComputer(madoguchi_receipt_computer::Settings),
    /// The audit log.
    AuditLog(madoguchi_audit_log::Settings),
    /// The gateway's own actor, with the state directory.
    Gateway(PathBuf),
}

impl Blueprint {
    /// Of the actor at `address`.
    pub fn of(config: &Config, address: Address) -> Result<Self> {
        let lane = address.lane.map(|number| {
            find(config, number).with_context(|| format!("{address}: the configuration has no such actor"))
        });
        Ok(match (address.kind, lane.transpose()?) {
            (ActorKind::FaceReader, Some(lane)) => {
                Self::FaceReader(Box::new((lane.face_reader.clone(), surroundings(config, lane)?)))
            }
            (ActorKind::NfcReader, Some(lane)) => {
                let settings = lane
                    .nfc_reader
                    .clone()
                    .with_context(|| format!("{address}: the lane has no generic reader"))?;
                Self::NfcReader(lane.number, settings)
            }
            (ActorKind::PinSession, _) => Self::PinSession(config.pin_session.clone()),
            (ActorKind::Uplink, _) => Self::Uplink(Box::new(config.uplink.clone())),
            (ActorKind::OfflineQueue, _) => Self::OfflineQueue(config.offline_queue.clone()),
            (ActorKind::ReceiptComputer, _) => Self::ReceiptComputer(config.receipt_computer.clone()),
            (ActorKind::AuditLog, _) => Self::AuditLog(config.audit_log.clone()),
            (ActorKind::Gateway, _) => Self::Gateway(config.site.state_directory.clone()),
            (ActorKind::FaceReader | ActorKind::NfcReader, None) => {
                anyhow::bail!("{address}: an actor of a lane needs its lane, as {address}@1")
            }
        })
    }
}

fn surroundings(config: &Config, lane: &Lane) -> Result<Surroundings> {
    let makers = config.site.makers()?;
    Ok(Surroundings {
        premises: Premises {
            institution: config.site.institution.clone(),
            terminal: config.site.terminal.clone(),
            lane: lane.number,
        },
        language: config.site.language,
        site_uses_phones: config.site.phones == Phones::Use,
        lane_uses_phones: lane.phones == Phones::Use,
        // Cards are taken whatever is wrong with a list: its pairs are not set up then.
        compatibility: config.compatibility(&makers).unwrap_or_else(|error| {
            tracing::error!(%error, "the list of compatible readers can't be used");
            config.compatibility.clone()
        }),
        makers,
        box_boot: box_boot()?,
    })
}

/// The blueprints of all actors that a process with `only` these runs; with none named, of all that there are.
pub fn blueprints(config: &Config, only: &[Address]) -> Result<BTreeMap<Address, Blueprint>> {
    let all = Manifest::get().addresses(&config.lanes());
    let ours = |address: &Address| config.has(*address) && (only.is_empty() || only.contains(address));
    all.into_iter().filter(ours).map(|address| Ok((address, Blueprint::of(config, address)?))).collect()
}

/// The actors of this process, and the broker where this process keeps it.
pub struct House {
    /// Empty: all that the configuration has.
    only: Vec<Address>,
    supervisor: Supervisor,
    broker: Option<ManagedBroker>,
    /// Those that the broker knows.
    lanes: Vec<LaneId>,
    built: BTreeMap<Address, Blueprint>,
    shown: Shown,
}

impl House {
    /// An empty house. Call it inside an actix system.
    pub fn new(only: Vec<Address>, shown: Shown) -> Self {
        // Nobody uses this way to a broker before there are actors, and then it is the configuration's.
        let nowhere = Access { socket: Path::new("/").into(), passwords: Path::new("/").into() };
        Self {
            only,
            supervisor: Supervisor::new(nowhere),
            broker: None,
            lanes: Vec::new(),
            built: BTreeMap::new(),
            shown,
        }
    }

    /// The supervisor, to look at.
    pub fn supervisor(&self) -> &Supervisor {
        &self.supervisor
    }

    /// The actors that it has now.
    pub fn actors(&self) -> impl Iterator<Item = Address> {
        self.built.keys().copied()
    }

    /// The actors that this process is to have; none named: all.
    pub fn only(&self) -> &[Address] {
        &self.only
    }

    /// Whether this process keeps the broker and the page.
    pub fn is_gateway(&self) -> bool {
        self.only.is_empty() || self.only.contains(&Address::of_box(ActorKind::Gateway))
    }

    /// Makes the house what the configuration says, or an empty one. Touches only what has to change.
    pub async fn settle(&mut self, config: Option<&Config>) -> Result<()> {
        let mut config = config.cloned();
        if let (Some(config), Some(handed_over)) = (&mut config, credentials::directory()) {
            config.take_credentials(&handed_over);
        }
        let config = config.as_ref();
        if let Some(config) = config {
            logging::settle(&config.log);
        }
        let wanted = config.map(|config| blueprints(config, &self.only)).transpose()?.unwrap_or_default();
        let lanes = config.map(Config::lanes).unwrap_or_default();
        for address in self.supervisor.actors() {
            if self.built.get(&address) != wanted.get(&address) {
                self.supervisor.let_go(address, !wanted.contains_key(&address)).await;
                self.built.remove(&address);
            }
        }
        // Of one process only its own actors are known here; a lane that is gone is gone in every process.
        let is_there = |address: &Address| {
            address.lane.is_none_or(|lane| lanes.contains(&lane))
                && config.is_some_and(|config| config.has(*address))
        };
        let boards = &self.shown.boards;
        boards.states.send_modify(|board| board.retain(|address, _| is_there(address)));
        boards.tallies.send_modify(|tallies| tallies.retain(|address, _| is_there(address)));
        boards.phones_wanted.send_replace(config.map(phones::wanted));
        match config {
            Some(config) => self.reach_broker(config, &lanes).await?,
            None => self.broker = None,
        }
        for (address, blueprint) in wanted {
            if !self.built.contains_key(&address) {
                self.take_in(address, blueprint.clone());
                self.built.insert(address, blueprint);
            }
        }
        Ok(())
    }

    /// Stops every actor, and the broker last: they say goodbye over it.
    pub async fn close(self) {
        self.supervisor.stop().await;
        drop(self.broker);
    }

    /// Starts the managed broker where this process keeps it, or has it follow the lanes; else only learns the way.
    async fn reach_broker(&mut self, config: &Config, lanes: &[LaneId]) -> Result<()> {
        let directory = config.site.state_directory.join("broker");
        let access = match &config.broker {
            Broker::External { socket, passwords } => {
                Access { socket: socket.clone(), passwords: passwords.clone() }
            }
            Broker::Appliance {} => {
                let passwords = credentials::directory().context(
                    "[broker]: mode = \"appliance\" is for the appliance's units; elsewhere use \"managed\"",
                )?;
                Access { socket: render::BUS_SOCKET.into(), passwords }
            }
            Broker::Managed {} if self.is_gateway() => {
                match &self.broker {
                    Some(broker) if self.lanes != lanes => broker.set_lanes(lanes)?,
                    Some(_) => {}
                    None => self.broker = Some(ManagedBroker::start(&directory, lanes).await?),
                }
                self.lanes = lanes.to_vec();
                Access { socket: directory.join("broker.sock"), passwords: directory.join("accounts") }
            }
            Broker::Managed {} => {
                Access { socket: directory.join("broker.sock"), passwords: directory.join("accounts") }
            }
        };
        self.supervisor.move_to(access);
        Ok(())
    }

    /// Has the supervisor look after the actor at `address`.
    fn take_in(&mut self, address: Address, blueprint: Blueprint) {
        let supervisor = &mut self.supervisor;
        match blueprint {
            Blueprint::FaceReader(it) => supervisor.look_after(address, move |bus| {
                let (settings, surroundings) = &*it;
                Ok(FaceReader::new(bus, settings, surroundings.clone())?)
            }),
            Blueprint::NfcReader(lane, settings) => {
                supervisor.look_after(address, move |bus| NfcReader::new(bus, lane, settings.clone()));
            }
            Blueprint::PinSession(settings) => {
                supervisor.look_after(address, move |bus| PinSession::new(bus, &settings));
            }
            Blueprint::Uplink(settings) => {
                supervisor.look_after(address, move |bus| Ok(Uplink::new(bus, &settings)?));
            }
            Blueprint::OfflineQueue(settings) => {
                supervisor.look_after(address, move |bus| Ok(OfflineQueue::new(bus, settings.clone())));
            }
            Blueprint::ReceiptComputer(settings) => {
                supervisor.look_after(address, move |bus| Ok(ReceiptComputer::new(bus, &settings)?));
            }
            Blueprint::AuditLog(settings) => {
                supervisor.look_after(address, move |bus| Ok(AuditLog::new(bus, settings.clone())?));
            }
            Blueprint::Gateway(state) => {
                let (boards, desk) = (self.shown.boards.clone(), self.shown.desk.clone());
                let standings = supervisor.standings();
                supervisor.look_after(address, move |bus| {
                    desk.send_replace(Some(bus.clone()));
                    let fell_back = update::fell_back(&state);
                    Ok(BoardKeeper::new(bus, boards.clone(), standings.clone(), fell_back))
                });
            }
        }
    }
}
