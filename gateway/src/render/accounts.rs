//! The accounts of the house, and the directories that belong to them.

use super::{
    Readers,
    place::{self, BROKER_ACCOUNT, BROKER_FILES, BUS, BUS_GROUP},
};
use crate::config::Config;
use madoguchi_bus::manifest::Manifest;
use madoguchi_protocol::Address;
use std::fmt::Write as _;

/// For systemd-sysusers: no account has a shell, a home or a password. A colon would end the field.
pub fn sysusers(actors: &[Address], readers: &Readers) -> String {
    let mut text = String::from("# Made by `madoguchi render sysusers`.\n");
    let _ = writeln!(text, "g {BUS_GROUP} -");
    let mut user = |name: &str, what: &str| {
        let _ = writeln!(text, "u {name} - \"Madoguchi {what}\" - -");
    };
    user(BROKER_ACCOUNT, "broker");
    for address in actors {
        user(&place::account(*address), &address.to_string());
    }
    for lane in readers.keys() {
        user(&place::pcsc_account(*lane), &format!("PC/SC service of lane {lane}"));
    }
    text
}

/// For systemd-tmpfiles: each actor's directories are its own, and nobody else reads them.
pub fn tmpfiles(config: &Config, actors: &[Address]) -> String {
    let mut text = String::from("# Made by `madoguchi render tmpfiles`.\n");
    let state = config.site.state_directory.display();
    let _ = writeln!(text, "d {state} 0755 root root -");
    let _ = writeln!(text, "d {BUS} 0750 {BROKER_ACCOUNT} {BUS_GROUP} -");
    let _ = writeln!(text, "d {BROKER_FILES} 0700 root root -");
    for address in actors {
        let own = place::account(*address);
        // What is shared belongs to whoever shares it.
        for directory in Manifest::get().entry(address.kind).writes.iter().filter(|name| *name != "shared") {
            let _ = writeln!(text, "d {state}/{directory} 0700 {own} {own} -");
        }
    }
    text
}
