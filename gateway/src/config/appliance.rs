//! What only the appliance needs to know: the network sockets of its two sides, and who tells the time.

use super::Reason;
use madoguchi_protocol::messages::line::Way;
use serde::Deserialize;
use std::net::IpAddr;

/// `[appliance]`
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Appliance {
    /// The hospital's side.
    pub counter: Side,
    /// The closed line's side.
    pub line: Side,
    /// The second line's, where it comes by a network socket of its own.
    pub second_line: Option<Side>,
    /// The time servers of the line's provider, by address; without any, those that DHCP names.
    pub time_servers: Vec<IpAddr>,
}

impl Default for Appliance {
    fn default() -> Self {
        Self {
            counter: Side::named("counter0"),
            line: Side::named("line0"),
            second_line: None,
            time_servers: Vec::new(),
        }
    }
}

/// One side of the box.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Side {
    /// What the network socket is called.
    pub interface: String,
    /// Which socket of the box it is, as udev's `ID_PATH` names it; one that bears its name already if not set.
    #[serde(default)]
    pub socket: Option<String>,
    /// Address with the length of its prefix; by DHCP if not set.
    #[serde(default)]
    pub address: Option<String>,
    /// The way to other networks of this side.
    #[serde(default)]
    pub router: Option<IpAddr>,
}

impl Side {
    fn named(interface: &str) -> Self {
        Self { interface: interface.to_owned(), socket: None, address: None, router: None }
    }

    /// What is wrong with it. These texts go into rules and units, so nothing else than names and addresses may.
    fn mistake(&self, side: &str) -> Option<Reason> {
        let wrong = |name, key, arguments: &[_]| {
            Some(Reason::of(&format!("appliance.{side}.{name}"), key, arguments))
        };
        let plain = |text: &str, also: &str| {
            !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || also.contains(c))
        };
        if self.interface.len() > 15 || !plain(&self.interface, "-_.") {
            return wrong("interface", "mistake-interface", &[]);
        }
        if self.socket.as_ref().is_some_and(|socket| !plain(socket, "-_.:")) {
            return wrong("socket", "mistake-socket", &[]);
        }
        let address = self.address.as_deref().filter(|address| !is_network_address(address))?;
        wrong("address", "mistake-network-address", &[("address", address)])
    }
}

fn is_network_address(text: &str) -> bool {
    let Some((address, prefix)) = text.split_once('/') else { return false };
    let longest = match address.parse() {
        Ok(IpAddr::V4(_)) => 32,
        Ok(IpAddr::V6(_)) => 128,
        Err(_) => return false,
    };
    prefix.parse::<u8>().is_ok_and(|length| (1..=longest).contains(&length))
}

impl Appliance {
    /// The network sockets of the closed lines.
    pub fn lines(&self) -> impl Iterator<Item = &Side> {
        std::iter::once(&self.line).chain(&self.second_line)
    }

    /// The network socket by which a line comes.
    pub fn interface(&self, way: Way) -> &str {
        let second = self.second_line.as_ref().filter(|_| way == Way::Second);
        &second.unwrap_or(&self.line).interface
    }

    /// What is wrong although each value is of its kind.
    pub(super) fn contradiction(&self) -> Option<Reason> {
        if self.lines().any(|line| line.interface == self.counter.interface) {
            return Some(Reason::of("appliance", "mistake-one-interface", &[]));
        }
        if self.second_line.as_ref().is_some_and(|second| second.interface == self.line.interface) {
            return Some(Reason::of("appliance.second_line", "mistake-same-line", &[]));
        }
        let second = || self.second_line.as_ref().and_then(|second| second.mistake("second_line"));
        self.counter.mistake("counter").or_else(|| self.line.mistake("line")).or_else(second)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mistake(text: &str) -> Option<Reason> {
        toml::from_str::<Appliance>(text).unwrap().contradiction()
    }

    #[test]
    fn sides_are_two_and_their_texts_fit_into_rules() {
        assert_eq!(mistake(""), None);
        assert_eq!(mistake("[counter]\ninterface = \"lan\"\naddress = \"192.168.10.1/24\""), None);
        for bad in [
            "[counter]\ninterface = \"line0\"",
            "[second_line]\ninterface = \"line0\"",
            "[second_line]\ninterface = \"counter0\"",
            "[second_line]\ninterface = \"a b\"",
            "[counter]\ninterface = \"a\\\" accept\"",
            "[counter]\ninterface = \"abcdefghijklmnop\"",
            "[line]\ninterface = \"l\"\nsocket = \"pci;x\"",
            "[line]\ninterface = \"l\"\naddress = \"10.0.0.1\"",
            "[line]\ninterface = \"l\"\naddress = \"10.0.0.1/33\"",
        ] {
            assert!(mistake(bad).is_some(), "{bad}");
        }
    }
}
