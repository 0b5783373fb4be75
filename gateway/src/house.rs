//! The wiring: which actor is built from which settings.

use crate::{
    board::{BoardKeeper, Boards},
    config::{Config, Lane, Phones},
};
use anyhow::{Context, Result};
use jiff::Timestamp;
use madoguchi::update;
use madoguchi_audit_log::AuditLog;
use madoguchi_bus::{Bus, Supervisor};
use madoguchi_face_reader::{FaceReader, Surroundings};
use madoguchi_nfc_reader::NfcReader;
use madoguchi_offline_queue::OfflineQueue;
use madoguchi_pin_session::PinSession;
use madoguchi_protocol::{ActorKind, Address, LaneId};
use madoguchi_receipt_computer::ReceiptComputer;
use madoguchi_reception::{Premises, readiness::Boot};
use madoguchi_uplink::Uplink;
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
fn box_boot() -> Result<Boot> {
    let what = "the kernel does not tell when the box was started";
    let id = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").context(what)?.trim().to_string();
    let statistics = std::fs::read_to_string("/proc/stat").context(what)?;
    let seconds = statistics.lines().find_map(|line| line.strip_prefix("btime ")).context(what)?;
    Ok(Boot { id, seen: Timestamp::from_second(seconds.trim().parse().context(what)?).context(what)? })
}

/// Has the supervisor look after the actor at `address`.
pub fn start(supervisor: &mut Supervisor, config: &Config, address: Address, shown: &Shown) -> Result<()> {
    let lane = match address.lane {
        Some(number) => {
            Some(find(config, number).with_context(|| format!("{address}: no such lane"))?.clone())
        }
        None => None,
    };
    match (address.kind, lane) {
        (ActorKind::FaceReader, Some(lane)) => {
            let makers = config.site.makers()?;
            let surroundings = Surroundings {
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
            };
            supervisor.look_after(address, move |bus| {
                Ok(FaceReader::new(bus, &lane.face_reader, surroundings.clone())?)
            });
        }
        (ActorKind::NfcReader, Some(lane)) => {
            let settings =
                lane.nfc_reader.with_context(|| format!("{address}: the lane has no generic reader"))?;
            supervisor.look_after(address, move |bus| NfcReader::new(bus, lane.number, settings.clone()));
        }
        (ActorKind::PinSession, _) => {
            let settings = config.pin_session.clone();
            supervisor.look_after(address, move |bus| PinSession::new(bus, &settings));
        }
        (ActorKind::Uplink, _) => {
            let settings = config.uplink.clone();
            supervisor.look_after(address, move |bus| Ok(Uplink::new(bus, &settings)?));
        }
        (ActorKind::OfflineQueue, _) => {
            let settings = config.offline_queue.clone();
            supervisor.look_after(address, move |bus| Ok(OfflineQueue::new(bus, settings.clone())));
        }
        (ActorKind::ReceiptComputer, _) => {
            let settings = config.receipt_computer.clone();
            supervisor.look_after(address, move |bus| Ok(ReceiptComputer::new(bus, &settings)?));
        }
        (ActorKind::AuditLog, _) => {
            let settings = config.audit_log.clone();
            supervisor.look_after(address, move |bus| Ok(AuditLog::new(bus, settings.clone())?));
        }
        (ActorKind::Gateway, _) => {
            let (boards, desk) = (shown.boards.clone(), shown.desk.clone());
            let standings = supervisor.standings();
            let state = config.site.state_directory.clone();
            supervisor.look_after(address, move |bus| {
                desk.send_replace(Some(bus.clone()));
                let fell_back = update::fell_back(&state);
                Ok(BoardKeeper::new(bus, boards.clone(), standings.clone(), fell_back))
            });
        }
        (ActorKind::FaceReader | ActorKind::NfcReader, None) => {
            anyhow::bail!("{address}: an actor of a lane needs its lane, as {address}@1")
        }
    }
    Ok(())
}
