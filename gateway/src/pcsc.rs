//! Which PC/SC service a lane's reader is at. A process can talk to one only, the one that its environment names when
//! the library first asks: so a process that needs another begins anew, and one that needs several is refused.

use crate::config::{Broker, Config};
use anyhow::{Context, Result, bail};
use madoguchi::render;
use madoguchi_nfc_reader::pcsc::{
    ListError,
    binding::{Found, ReaderBinding},
    find_readers,
};
use madoguchi_protocol::{ActorKind, Address, LaneId, messages::nfc_reader::ReaderTested};
use std::{
    collections::BTreeSet,
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{Command, ExitCode},
    time::Duration,
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

/// The readers that a PC/SC service has; `None` is this process's own. Another one is asked by another process.
///
/// # Errors
/// [`ListError`] where the service does not say.
pub fn find(service: Option<&Path>, patience: Duration) -> Result<Vec<Found>, ListError> {
    let own = std::env::var_os(SOCKET).map(PathBuf::from);
    match service {
        Some(wanted) if own.as_deref() != Some(wanted) => {
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
        _ => find_readers(patience),
    }
}

/// The names of the readers that a lane's service has.
///
/// # Errors
/// [`ListError`] where the service does not say.
pub fn readers(config: &Config, lane: LaneId, patience: Duration) -> Result<Vec<String>, ListError> {
    let found = find(socket(config, lane).as_deref(), patience)?;
    Ok(found.into_iter().map(|reader| reader.name).collect())
}

/// The exit code by which `madoguchi list-readers` says that the service hangs.
const HUNG: u8 = 3;

/// `madoguchi list-readers`: prints what there is as JSON, for [`find`].
pub fn list(patience: Duration) -> Result<ExitCode> {
    match find_readers(patience) {
        Ok(found) => {
            println!("{}", serde_json::to_string(&found)?);
            Ok(ExitCode::SUCCESS)
        }
        Err(ListError::Hung) => Ok(ExitCode::from(HUNG)),
        Err(ListError::Down) => Ok(ExitCode::FAILURE),
    }
}

/// How much longer than its wait a trial may take: reading the medium, and the process's beginning.
const BEYOND: Duration = Duration::from_secs(15);

/// Tries a reader that no lane has yet, in a process of its own: a PC/SC call that never returns ends with it, and holds
/// up neither page nor patients. Nothing where that process says nothing.
pub async fn try_out(
    service: Option<&Path>,
    binding: &ReaderBinding,
    wait: Duration,
) -> Option<ReaderTested> {
    let mut command = tokio::process::Command::new(program().ok()?);
    command.args(["try-reader", "--wait-ms", &wait.as_millis().to_string(), "--binding"]);
    command.arg(serde_json::to_string(binding).ok()?).kill_on_drop(true);
    if let Some(service) = service {
        command.env(SOCKET, service);
    }
    let said = tokio::time::timeout(wait + BEYOND, command.output()).await;
    let said = said.ok()?.inspect_err(|error| tracing::error!(%error, "a reader can't be tried")).ok()?;
    serde_json::from_slice(&said.stdout).ok()
}

/// `madoguchi try-reader`: prints what came of it as JSON, for [`try_out`].
pub fn trial(binding: &str, wait: Duration) -> Result<ExitCode> {
    let binding = serde_json::from_str(binding).context("the binding")?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let tested = runtime.block_on(madoguchi_nfc_reader::trial::try_out(binding, wait));
    println!("{}", serde_json::to_string(&tested)?);
    Ok(ExitCode::SUCCESS)
}
