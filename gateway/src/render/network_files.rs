//! Names and addresses of the network sockets, and who tells the time.

use crate::config::{Appliance, Side};
use std::{collections::BTreeMap, fmt::Write as _};

/// Files for systemd-networkd.
pub fn networkd(appliance: &Appliance) -> BTreeMap<String, String> {
    let mut files = BTreeMap::new();
    for side in std::iter::once(&appliance.counter).chain(appliance.lines()) {
        let name = &side.interface;
        if let Some(socket) = &side.socket {
            let link = format!(
                "# Made by `madoguchi render networkd`.\n[Match]\nPath={socket}\n\n[Link]\nName={name}\n"
            );
            files.insert(format!("10-madoguchi-{name}.link"), link);
        }
        files.insert(format!("10-madoguchi-{name}.network"), network(side));
    }
    files
}

fn network(side: &Side) -> String {
    let mut text =
        format!("# Made by `madoguchi render networkd`.\n[Match]\nName={}\n\n[Network]\n", side.interface);
    let _ = writeln!(
        text,
        "LLMNR=no\nMulticastDNS=no\nLLDP=no\nIPv6AcceptRA=no\nIPv4Forwarding=no\nIPv6Forwarding=no"
    );
    match &side.address {
        Some(address) => {
            let _ = writeln!(text, "Address={address}");
        }
        None => {
            let _ = writeln!(text, "DHCP=ipv4");
        }
    }
    if let Some(router) = side.router {
        let _ = writeln!(text, "Gateway={router}");
    }
    text
}

/// Sources for chrony.
pub fn chrony(appliance: &Appliance) -> String {
    let mut text = String::from("# Made by `madoguchi render chrony`.\n");
    for server in &appliance.time_servers {
        let _ = writeln!(text, "server {server} iburst");
    }
    text
}
