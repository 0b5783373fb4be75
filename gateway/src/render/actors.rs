//! One unit for each actor.

use super::{
    place::{self, BUS, BUS_GROUP, CONFIG, PROGRAM, SLICE, TARGET},
    sandbox::Doors,
    unit::Unit,
};
use crate::config::{Config, Lane};
use madoguchi_bus::{broker, manifest::Manifest};
use madoguchi_protocol::{ActorKind, Address};
use std::path::{Path, PathBuf};

/// How long an actor may be silent before it is started anew.
const WATCHDOG: &str = "30s";

/// The unit of the actor at `address`.
pub fn unit(config: &Config, address: Address) -> Unit {
    let lane = config.lane.iter().find(|lane| Some(lane.number) == address.lane);
    let pcsc = address.lane.filter(|_| uses_pcsc(address.kind));
    let unit = Unit::new(format_args!("Madoguchi: {address}"))
        .line("PartOf", TARGET)
        .line("Wants", "madoguchi-broker.service")
        .line("After", "madoguchi-broker.service madoguchi-configure.service")
        // Started again for ever: a reader gets replugged, a file gets installed.
        .line("StartLimitIntervalSec", "0");
    let unit = match pcsc {
        Some(lane) => {
            let socket = place::pcsc_unit(lane);
            unit.line("Wants", format_args!("{socket}.socket")).line("After", format_args!("{socket}.socket"))
        }
        None => unit,
    };
    unit.section("Service")
        .line("Type", "notify")
        .line("ExecStart", format_args!("{PROGRAM} run --only {address} --config {CONFIG}"))
        .line("User", place::account(address))
        .line("Group", place::account(address))
        .line("SupplementaryGroups", BUS_GROUP)
        .line("Slice", SLICE)
        .line("WatchdogSec", WATCHDOG)
        .line("Restart", "always")
        .line("RestartSec", "1s")
        .line("RestartSteps", "6")
        .line("RestartMaxDelaySec", "60s")
        .line("TimeoutStartSec", "60s")
        .line("TimeoutStopSec", "15s")
        .with(|unit| credentials(unit, config, address, lane))
        .with(|unit| files(unit, config, address))
        .with(|unit| match pcsc {
            Some(lane) => unit
                .line(
                    "Environment",
                    format_args!("PCSCLITE_CSOCK_NAME={}", place::pcsc_socket(lane).display()),
                )
                .line("BindReadOnlyPaths", place::pcsc_directory(lane).display()),
            None => unit,
        })
        .with(|unit| doors(address.kind).apply(unit))
}

/// Whether the manifest gives it the PC/SC service.
fn uses_pcsc(kind: ActorKind) -> bool {
    Manifest::get().entry(kind).devices.iter().any(|device| device == "pcscd")
}

/// What its duty needs. Memory is some three times what was seen in use, with room for a burst.
fn doors(kind: ActorKind) -> Doors {
    let memory_mib = match kind {
        ActorKind::NfcReader | ActorKind::PinSession => 64,
        ActorKind::FaceReader | ActorKind::Uplink | ActorKind::ReceiptComputer | ActorKind::AuditLog => 128,
        ActorKind::OfflineQueue | ActorKind::Gateway => 384,
    };
    // When the box was started is told by /proc/stat, which two want to know.
    let proc = matches!(kind, ActorKind::FaceReader | ActorKind::Gateway);
    Doors { network: Manifest::get().entry(kind).network, usb: false, proc, memory_mib, tasks: 64 }
}

/// Its secrets: its password at the broker, and its key. systemd reads the files, the process never can.
fn credentials(unit: Unit, config: &Config, address: Address, lane: Option<&Lane>) -> Unit {
    let account = broker::account(address);
    let passwords = Path::new(place::BROKER_FILES).join("accounts");
    let unit = unit.line("LoadCredential", format_args!("{account}:{}", passwords.join(&account).display()));
    match (address.kind, lane) {
        (ActorKind::Uplink, _) => {
            unit.line("LoadCredential", format_args!("line-key:{}", config.uplink.key.display()))
        }
        (ActorKind::FaceReader, Some(lane)) => {
            unit.line("LoadCredential", format_args!("link-key:{}", lane.face_reader.key.display()))
        }
        (ActorKind::OfflineQueue, _) => {
            unit.line("LoadCredentialEncrypted", format_args!("queue-key:{}", place::QUEUE_KEY))
        }
        _ => unit,
    }
}

/// What it sees of the files of the house: the broker's socket, and its own directories, which it may write.
fn files(unit: Unit, config: &Config, address: Address) -> Unit {
    let state = &config.site.state_directory;
    let unit = unit
        .line("BindReadOnlyPaths", BUS)
        .line("TemporaryFileSystem", format_args!("{}:ro,mode=0755", state.display()))
        .line("InaccessiblePaths", "-/var/log -/boot -/efi -/var/lib/madoguchi-keys -/run/madoguchi-broker");
    let entry = Manifest::get().entry(address.kind);
    let bind = |unit: Unit, directory: &String| match directory.as_str() {
        // Others write here too: the receipt computer.
        "shared" => shared(config)
            .iter()
            .fold(unit, |unit, folder| unit.line("ReadWritePaths", format_args!("-{}", folder.display()))),
        own => unit.line("BindPaths", state.join(own).display()),
    };
    entry.writes.iter().fold(unit, bind)
}

/// The receipt computer's folders.
fn shared(config: &Config) -> [PathBuf; 3] {
    let folders = &config.receipt_computer;
    [folders.request_folder.clone(), folders.result_folder.clone(), folders.face_folder.clone()]
}
