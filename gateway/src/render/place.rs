//! Where things are on the appliance, and what its accounts are called: one place for all renderers.

use madoguchi_bus::manifest::Manifest;
use madoguchi_protocol::{Address, LaneId};
use std::path::{Path, PathBuf};

/// The program.
pub const PROGRAM: &str = "/usr/bin/madoguchi";
/// The configuration file; the hospital's files are in a directory of the encrypted partition, mounted here.
pub const CONFIG: &str = "/etc/madoguchi/madoguchi.toml";
/// What is made anew at every boot: the broker's files and the accounts' passwords. For root alone.
pub const BROKER_FILES: &str = "/run/madoguchi-broker";
/// The directory of the broker's socket.
pub const BUS: &str = "/run/madoguchi-bus";
/// The broker's socket.
pub const BUS_SOCKET: &str = "/run/madoguchi-bus/broker.sock";
/// Members may open the broker's socket.
pub const BUS_GROUP: &str = "madoguchi-bus";
/// The broker's account.
pub const BROKER_ACCOUNT: &str = "madoguchi-broker";
/// The queue's key as systemd keeps it: sealed to the TPM where there is one.
pub const QUEUE_KEY: &str = "/var/lib/madoguchi-keys/queue-key.cred";
/// The unit that wants all of the house.
pub const TARGET: &str = "madoguchi.target";
/// The slice in which the house lives, so that it as a whole leaves the system room.
pub const SLICE: &str = "madoguchi.slice";

/// The account of an actor's process. Each lane's actors have accounts of their own: one lane can't touch another.
pub fn account(address: Address) -> String {
    let account = &Manifest::get().entry(address.kind).account;
    match address.lane {
        Some(lane) => format!("{account}-{lane}"),
        None => account.clone(),
    }
}

/// The account of a lane's PC/SC service.
pub fn pcsc_account(lane: LaneId) -> String {
    format!("madoguchi-pcsc-{lane}")
}

/// The directory of the socket of a lane's PC/SC service.
pub fn pcsc_directory(lane: LaneId) -> PathBuf {
    Path::new("/run/madoguchi-pcsc").join(lane.to_string())
}

/// The socket of a lane's PC/SC service.
pub fn pcsc_socket(lane: LaneId) -> PathBuf {
    pcsc_directory(lane).join("pcscd.sock")
}

/// The name of an actor's unit, without its kind: `madoguchi-nfc_reader-2`.
pub fn unit(address: Address) -> String {
    match address.lane {
        Some(lane) => format!("madoguchi-{}-{lane}", address.kind),
        None => format!("madoguchi-{}", address.kind),
    }
}

/// The name of a lane's PC/SC units, without their kind.
pub fn pcsc_unit(lane: LaneId) -> String {
    format!("madoguchi-pcscd-{lane}")
}
