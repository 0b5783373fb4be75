//! The units beside the actors: the broker, a PC/SC service for each lane, and what holds them together.

use super::{
    place::{self, BROKER_ACCOUNT, BROKER_FILES, BUS, BUS_GROUP, SLICE, TARGET},
    sandbox::Doors,
    unit::Unit,
};
use madoguchi_bus::manifest::Network;
use madoguchi_protocol::LaneId;

/// The broker. Its files are handed over as credentials: they hold the accounts' hashed passwords.
pub fn broker() -> Unit {
    let credential =
        |unit: Unit, name| unit.line("LoadCredential", format_args!("{name}:{BROKER_FILES}/{name}"));
    Unit::new("Madoguchi: broker")
        .line("PartOf", TARGET)
        .line("After", "madoguchi-configure.service")
        .line("StartLimitIntervalSec", "0")
        .section("Service")
        .line("Type", "notify")
        .line("NotifyAccess", "main")
        .line("ExecStart", "/usr/sbin/mosquitto -c %d/mosquitto.conf")
        .line("User", BROKER_ACCOUNT)
        // Its socket belongs to those who may open it.
        .line("Group", BUS_GROUP)
        .line("Slice", SLICE)
        .line("Restart", "always")
        .line("RestartSec", "100ms")
        .line("TimeoutStopSec", "5s")
        .with(|unit| ["mosquitto.conf", "passwords", "access-list"].into_iter().fold(unit, credential))
        .line("ReadWritePaths", BUS)
        .line(
            "InaccessiblePaths",
            "-/var/log -/boot -/efi -/var/lib/madoguchi-keys -/etc/madoguchi -/var/lib/madoguchi",
        )
        .with(|unit| {
            let doors = Doors { network: Network::None, usb: false, proc: false, memory_mib: 128, tasks: 16 };
            doors.apply(unit)
        })
        // Later than the cage's: members of the group open the socket.
        .line("UMask", "0007")
}

/// The socket of a lane's PC/SC service; the lane's `nfc_reader` alone may open it.
pub fn pcsc_socket(lane: LaneId) -> Unit {
    let nfc = madoguchi_protocol::Address::of_lane(madoguchi_protocol::ActorKind::NfcReader, lane);
    Unit::new(format_args!("Madoguchi: socket of the PC/SC service of lane {lane}"))
        .line("PartOf", TARGET)
        .line("After", "madoguchi-configure.service")
        .section("Socket")
        .line("ListenStream", place::pcsc_socket(lane).display())
        .line("DirectoryMode", "0755")
        .line("SocketUser", place::pcsc_account(lane))
        .line("SocketGroup", place::account(nfc))
        .line("SocketMode", "0660")
}

/// A lane's PC/SC service. It sees the lane's reader only, since no other belongs to its account (udev).
pub fn pcsc_service(lane: LaneId) -> Unit {
    let name = place::pcsc_unit(lane);
    Unit::new(format_args!("Madoguchi: PC/SC service of lane {lane}"))
        .line("PartOf", TARGET)
        .line("Requires", format_args!("{name}.socket"))
        .line("After", format_args!("{name}.socket"))
        .line("StartLimitIntervalSec", "0")
        .section("Service")
        // Who may connect is said by the socket's group.
        .line("ExecStart", "/usr/sbin/pcscd --foreground --disable-polkit")
        .line("User", place::pcsc_account(lane))
        .line("Group", place::pcsc_account(lane))
        .line("Slice", SLICE)
        .line("Restart", "always")
        .line("RestartSec", "200ms")
        // A hung one does not hear SIGTERM; its lane waits.
        .line("TimeoutStopSec", "2s")
        // It keeps its process id in a fixed place.
        .line("RuntimeDirectory", format_args!("madoguchi-pcscd/{lane}"))
        .line("BindPaths", format_args!("/run/madoguchi-pcscd/{lane}:/run/pcscd"))
        .line(
            "InaccessiblePaths",
            "-/var/log -/boot -/efi -/var/lib/madoguchi-keys -/etc/madoguchi -/var/lib/madoguchi -/run/madoguchi-bus",
        )
        .with(|unit| {
            let doors = Doors { network: Network::None, usb: true, proc: false, memory_mib: 48, tasks: 64 };
            doors.apply(unit)
        })
}

/// All of the house.
pub fn target(wanted: &[String]) -> Unit {
    Unit::new("Madoguchi: all of the house")
        .line("After", "madoguchi-configure.service")
        .line("Wants", wanted.join(" "))
}

/// What the house as a whole may take: the system keeps room to be looked at and mended.
pub fn slice() -> Unit {
    Unit::new("Madoguchi: what the house may take")
        .section("Slice")
        .line("MemoryMax", "80%")
        .line("TasksMax", "4096")
        .line("CPUWeight", "200")
}
