//! The two sides of the box: the packet filter between them and around every account.

use super::{
    Readers,
    place::{self, BROKER_ACCOUNT},
};
use crate::config::{Appliance, Config};
use madoguchi_bus::manifest::{Manifest, Network};
use madoguchi_protocol::Address;
use std::{collections::BTreeSet, fmt::Write as _};

/// Rules for nftables. Nothing is forwarded; each account gets to its own side only; who comes in from the hospital's
/// side finds the ports of readers, page and metrics, and who comes from the line finds nothing.
pub fn nftables(config: &Config, actors: &[Address], readers: &Readers) -> String {
    let Appliance { counter, .. } = &config.appliance;
    let lines = interfaces(config.appliance.lines().map(|line| line.interface.as_str()));
    let mut text =
        String::from("# Made by `madoguchi render nftables`. Replaces what was there, in one step.\n");
    let _ = writeln!(text, "table inet madoguchi\ndelete table inet madoguchi\n\ntable inet madoguchi {{");

    let _ = writeln!(text, "    chain forward {{");
    let _ = writeln!(text, "        type filter hook forward priority filter; policy drop;");
    let _ = writeln!(text, "        # The closed line and the hospital never meet.");
    let _ = writeln!(text, "        counter comment \"forwarding is refused\"");
    let _ = writeln!(text, "    }}\n");

    let _ = writeln!(text, "    chain input {{");
    let _ = writeln!(text, "        type filter hook input priority filter; policy drop;");
    let _ = writeln!(text, "        iif lo accept");
    let _ = writeln!(text, "        ct state established,related accept");
    let _ = writeln!(text, "        ct state invalid drop");
    let _ = writeln!(text, "        meta l4proto {{ icmp, icmpv6 }} limit rate 20/second accept");
    let _ =
        writeln!(text, "        iifname \"{}\" tcp dport {{ {} }} accept", counter.interface, ports(config));
    let _ = writeln!(text, "        counter comment \"knocked in vain\"");
    let _ = writeln!(text, "    }}\n");

    let _ = writeln!(text, "    chain output {{");
    let _ = writeln!(text, "        type filter hook output priority filter; policy drop;");
    let _ = writeln!(text, "        oif lo accept");
    if !config.uplink.vpn.tunnels().is_empty() {
        let _ = writeln!(
            text,
            "        # What the line's accounts say goes through the tunnel or nowhere: also what was"
        );
        let _ = writeln!(text, "        # begun inside of it, should it fall down.");
        for account in accounts(actors, Network::Line) {
            let _ = writeln!(text, "        meta skuid \"{account}\" rt ipsec missing counter drop");
        }
    }
    let counter = interfaces([counter.interface.as_str()]);
    for (network, interface) in [(Network::Counter, &counter), (Network::Line, &lines)] {
        let _ = writeln!(text, "        # Accounts that may speak on {interface} only.");
        for account in accounts(actors, network) {
            let state = if network == Network::Counter { "ct state established,related " } else { "" };
            let _ = writeln!(text, "        oifname {interface} meta skuid \"{account}\" {state}accept");
        }
    }
    let _ = writeln!(text, "        # No other account of the house speaks on any network.");
    let pcsc = readers.keys().map(|lane| place::pcsc_account(*lane));
    let silent = accounts(actors, Network::None).into_iter().chain([BROKER_ACCOUNT.to_owned()]).chain(pcsc);
    for account in silent {
        let _ = writeln!(text, "        meta skuid \"{account}\" counter drop");
    }
    let _ = writeln!(
        text,
        "        # The system itself: keys and the tunnel, time, an address. Names are looked up nowhere."
    );
    let _ = writeln!(text, "        oifname {lines} udp dport {{ 500, 4500 }} accept");
    let _ = writeln!(text, "        oifname {lines} meta l4proto esp accept");
    let _ = writeln!(text, "        udp dport {{ 67, 123, 547 }} accept");
    let _ = writeln!(text, "        ct state established,related accept");
    let _ = writeln!(text, "        meta l4proto {{ icmp, icmpv6 }} limit rate 20/second accept");
    let _ = writeln!(text, "    }}\n}}");
    text
}

/// One network socket, or a set of them.
fn interfaces<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    let names: Vec<_> = names.into_iter().map(|name| format!("\"{name}\"")).collect();
    if let [one] = &names[..] { one.clone() } else { format!("{{ {} }}", names.join(", ")) }
}

/// Where readers, browsers and monitoring of the hospital are let in.
fn ports(config: &Config) -> String {
    let mut ports: BTreeSet<_> = config.lane.iter().map(|lane| lane.face_reader.listen.port()).collect();
    if !config.web.listen.ip().is_loopback() {
        ports.insert(config.web.listen.port());
    }
    if !config.metrics.listen.ip().is_loopback() {
        ports.insert(config.metrics.listen.port());
    }
    ports.iter().map(u16::to_string).collect::<Vec<_>>().join(", ")
}

/// The accounts with this network.
fn accounts(actors: &[Address], network: Network) -> BTreeSet<String> {
    let of = |address: &&Address| Manifest::get().entry(address.kind).network == network;
    actors.iter().filter(of).map(|address| place::account(*address)).collect()
}
