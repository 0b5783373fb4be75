//! Which PC/SC service a lane's reader is at. A process can talk to one only, the one that its environment names when
//! the library first asks: so a process that needs another begins anew, and one that needs several is refused.

use crate::config::{Broker, Config};
use anyhow::{Context, Result, bail};
use madoguchi::render;
use madoguchi_nfc_reader::pcsc::{ListError, list_readers};
use madoguchi_protocol::{ActorKind, Address, LaneId};
use std::{
    collections::BTreeSet, os::unix::process::CommandExt, path::PathBuf, process::Command, time::Duration,
};

/// What names the service's socket to the library.
const SOCKET: &str = "PCSCLITE_CSOCK_NAME";

/// The socket of a lane's PC/SC service; `None` is the library's own choice.
pub fn socket(config: &Config, lane: LaneId) -> Option<PathBuf> {
    let settings = config.lane.iter().find(|one| one.number == lane)?.nfc_reader.as_ref()?;
    match config.broker {
        Broker::Appliance {} => Some(render::pcsc_socket(lane)),
        _ => settings.pcscd.clone(),
    }
}

/// Whether this process would have to talk to another service for these actors.
pub fn is_another(config: &Config, actors: impl IntoIterator<Item = Address>) -> bool {
    let mut lanes = actors.into_iter().filter(|a| a.kind == ActorKind::NfcReader).filter_map(|a| a.lane);
    let own = std::env::var_os(SOCKET).map(PathBuf::from);
    lanes.any(|lane| socket(config, lane).is_some_and(|wanted| own.as_ref() != Some(&wanted)))
}

/// Has this process talk to the service that its actors need, by starting the program anew if need be.
pub fn choose(config: &Config, actors: &BTreeSet<Address>) -> Result<()> {
    let lanes = actors.iter().filter(|a| a.kind == ActorKind::NfcReader).filter_map(|a| a.lane);
    let sockets: BTreeSet<_> = lanes.map(|lane| socket(config, lane)).collect();
    if sockets.len() > 1 {
        bail!(
            "these lanes' readers are at different PC/SC services (lane.nfc_reader.pcscd), and a process can talk to \
             one: run each in a process of its own, as madoguchi run --only nfc_reader@1"
        );
    }
    let Some(Some(wanted)) = sockets.into_iter().next() else { return Ok(()) };
    if std::env::var_os(SOCKET).is_some_and(|named| named == wanted.as_os_str()) {
        return Ok(());
    }
    let error = Command::new(program()?).args(std::env::args_os().skip(1)).env(SOCKET, &wanted).exec();
    Err(error).with_context(|| format!("the program can't be started anew for {}", wanted.display()))
}

fn program() -> Result<PathBuf> {
    std::env::current_exe().context("where this program is can't be told")
}

/// The readers that a lane's service has. Another service than this process's is asked by another process.
pub fn readers(config: &Config, lane: LaneId, patience: Duration) -> Result<Vec<String>, ListError> {
    let wanted = socket(config, lane);
    let own = std::env::var_os(SOCKET).map(PathBuf::from);
    match wanted {
        Some(wanted) if own.as_ref() != Some(&wanted) => {
            let asked = Command::new(program().map_err(|_| ListError::Down)?)
                .args(["list-readers", "--patience-ms", &patience.as_millis().to_string()])
                .env(SOCKET, wanted)
                .output()
                .map_err(|_| ListError::Down)?;
            match asked.status.code() {
                Some(0) => serde_json::from_slice(&asked.stdout).map_err(|_| ListError::Down),
                Some(code) if code == i32::from(HUNG) => Err(ListError::Hung),
                _ => Err(ListError::Down),
            }
        }
        _ => list_readers(patience),
    }
}

/// The exit code by which `madoguchi list-readers` says that the service hangs.
const HUNG: u8 = 3;

/// `madoguchi list-readers`: prints the names as JSON, for [`readers`].
pub fn list(patience: Duration) -> Result<std::process::ExitCode> {
    match list_readers(patience) {
        Ok(names) => {
            println!("{}", serde_json::to_string(&names)?);
            Ok(std::process::ExitCode::SUCCESS)
        }
        Err(ListError::Hung) => Ok(std::process::ExitCode::from(HUNG)),
        Err(ListError::Down) => Ok(std::process::ExitCode::FAILURE),
    }
}
