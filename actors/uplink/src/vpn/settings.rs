//! `[uplink.vpn]`: who holds the tunnel, and over which lines.

use crate::{settings::SetupError, token::TokenSettings};
use madoguchi_protocol::messages::line::Way;
use serde::Deserialize;
use std::{net::IpAddr, path::PathBuf};

/// Who holds the tunnel.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(tag = "mode", rename_all = "snake_case", deny_unknown_fields)]
pub enum Vpn {
    /// Nobody: the centre is reached over the line as the box finds it.
    // Braces, since serde takes any key beside a tag without fields.
    #[serde(rename = "none")]
    Nobody {},
    /// strongSwan on this box, told by its VICI socket.
    Strongswan {
        /// Its socket.
        #[serde(default = "socket")]
        socket: PathBuf,
        /// The line that is used when both are well.
        primary: Box<TunnelSettings>,
        /// The line that steps in.
        second: Option<Box<TunnelSettings>>,
    },
    /// Routers of the hospital: the box only probes what is behind them.
    External {
        /// The line that is used when both are well.
        #[serde(default)]
        primary: ExternalLine,
        /// The line that steps in.
        second: Option<ExternalLine>,
    },
}

impl Default for Vpn {
    fn default() -> Self {
        Self::Nobody {}
    }
}

fn socket() -> PathBuf {
    "/run/charon.vici".into()
}

/// A line behind a router of the hospital.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ExternalLine {
    /// The box's address on this line, from which requests are sent; needed where there are two lines.
    pub source: Option<IpAddr>,
}

/// One tunnel.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TunnelSettings {
    /// The box's address on this line, IPv4 or IPv6.
    pub local: IpAddr,
    /// The gateway at the other end.
    pub remote: IpAddr,
    /// Who the box says it is: a name or address in its certificate.
    pub identity: String,
    /// Who the gateway must be: a name or address in *its* certificate.
    pub remote_identity: String,
    /// The centre's networks, reached through the tunnel: `ADDRESS/LENGTH`.
    pub networks: Vec<String>,
    /// The box's address inside the tunnel, where it is agreed; the gateway assigns one if not set.
    #[serde(default)]
    pub inner: Option<IpAddr>,
    /// The box's certificate for this tunnel, a PEM file.
    #[serde(default = "certificate")]
    pub certificate: PathBuf,
    /// Its private key, a PEM file that others may not read.
    #[serde(default = "key")]
    pub key: PathBuf,
    /// The token that holds the private key, in place of `key`; the key is the one that belongs to the certificate.
    pub token: Option<TokenSettings>,
    /// The authorities that may have issued the gateway's certificate, PEM files.
    #[serde(default = "ca")]
    pub ca: Vec<PathBuf>,
    /// Lists of revoked certificates of these authorities, PEM files. With one, a gateway whose certificate no sound
    /// list covers is refused.
    #[serde(default)]
    pub crl: Vec<PathBuf>,
    /// Whether ESP always goes in UDP, where something on the way lets nothing else pass.
    #[serde(default)]
    pub force_udp: bool,
    /// After how many minutes the tunnel's keys are changed.
    #[serde(default = "rekey_minutes")]
    pub rekey_minutes: u32,
}

fn certificate() -> PathBuf {
    "/etc/madoguchi/line/vpn.pem".into()
}

fn key() -> PathBuf {
    "/etc/madoguchi/line/vpn.key".into()
}

fn ca() -> Vec<PathBuf> {
    vec!["/etc/madoguchi/line/vpn-ca.pem".into()]
}

fn rekey_minutes() -> u32 {
    60
}

impl Vpn {
    /// The lines that there are, the primary first.
    pub fn ways(&self) -> Vec<Way> {
        let second = match self {
            Self::Nobody {} => false,
            Self::Strongswan { second, .. } => second.is_some(),
            Self::External { second, .. } => second.is_some(),
        };
        if second { vec![Way::Primary, Way::Second] } else { vec![Way::Primary] }
    }

    /// The tunnels that strongSwan is to hold, with their lines.
    pub fn tunnels(&self) -> Vec<(Way, &TunnelSettings)> {
        match self {
            Self::Strongswan { primary, second, .. } => {
                let second = second.as_deref().map(|second| (Way::Second, second));
                std::iter::once((Way::Primary, &**primary)).chain(second).collect()
            }
            _ => vec![],
        }
    }

    /// Refuses what can't work.
    pub(crate) fn check(&self) -> Result<(), SetupError> {
        let wrong = |key, problem: String| Err(SetupError::Setting { key, problem });
        if let Self::External { primary, second: Some(second) } = self
            && (primary.source.is_none() || second.source.is_none() || primary.source == second.source)
        {
            let problem =
                "two lines are told apart by the box's address on each; give both a source of its own";
            return wrong("vpn", problem.into());
        }
        for (way, tunnel) in self.tunnels() {
            let name = way.name();
            if tunnel.local.is_ipv4() != tunnel.remote.is_ipv4() {
                return wrong("vpn", format!("{name}: local and remote must both be IPv4 or both IPv6"));
            }
            if tunnel.identity.is_empty() || tunnel.remote_identity.is_empty() {
                return wrong("vpn", format!("{name}: identity and remote_identity must not be empty"));
            }
            if tunnel.networks.is_empty() {
                return wrong("vpn", format!("{name}: name the centre's networks as ADDRESS/LENGTH"));
            }
            if let Some(bad) = tunnel.networks.iter().find(|network| !is_network(network)) {
                return wrong("vpn", format!("{name}: {bad:?} is no network; give ADDRESS/LENGTH"));
            }
            if let Some(token) = &tunnel.token
                && (token.label.is_empty() || !token.module.is_absolute())
            {
                let problem = "token needs the whole path of its library (module) and its label";
                return wrong("vpn", format!("{name}: {problem}"));
            }
            if !(1..=1_440).contains(&tunnel.rekey_minutes) {
                return wrong("vpn", format!("{name}: rekey_minutes is out of bounds; give 1 to 1440"));
            }
        }
        Ok(())
    }
}

/// Whether a text is `ADDRESS/LENGTH`.
fn is_network(text: &str) -> bool {
    let Some((address, length)) = text.split_once('/') else { return false };
    let (Ok(address), Ok(length)) = (address.parse::<IpAddr>(), length.parse::<u8>()) else { return false };
    length <= if address.is_ipv4() { 32 } else { 128 }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STRONGSWAN: &str = r#"
        mode = "strongswan"
        [primary]
        local = "203.0.113.10"
        remote = "198.51.100.1"
        identity = "terminal.example"
        remote_identity = "gateway-a.example"
        networks = ["10.99.0.0/24"]
        [second]
        local = "2001:db8:2::10"
        remote = "2001:db8:f::1"
        identity = "terminal.example"
        remote_identity = "gateway-b.example"
        networks = ["10.99.0.0/24"]
    "#;

    fn problem(text: &str) -> String {
        toml::from_str::<Vpn>(text).unwrap().check().unwrap_err().to_string()
    }

    #[test]
    fn both_lines_are_read_with_their_defaults_and_either_family() {
        let vpn: Vpn = toml::from_str(STRONGSWAN).unwrap();
        vpn.check().unwrap();
        assert_eq!(vpn.ways(), [Way::Primary, Way::Second]);
        let (_, second) = vpn.tunnels()[1];
        assert!(second.local.is_ipv6() && second.inner.is_none() && second.rekey_minutes == 60);
        assert_eq!(toml::from_str::<Vpn>("mode = \"none\"").unwrap(), Vpn::default());
        assert!(
            toml::from_str::<Vpn>("mode = \"none\"\nsocket = \"/x\"").is_err(),
            "an unknown key is refused"
        );
    }

    #[test]
    fn a_tunnel_between_two_families_or_to_no_network_is_refused_by_name() {
        let mixed = STRONGSWAN.replace("198.51.100.1", "2001:db8::1");
        assert!(problem(&mixed).contains("primary: local and remote"), "{}", problem(&mixed));
        let nowhere = STRONGSWAN.replace("10.99.0.0/24", "10.99.0.0/33");
        assert!(problem(&nowhere).contains("is no network"), "{}", problem(&nowhere));
    }

    #[test]
    fn a_token_is_named_by_its_library_and_label_or_refused_by_line() {
        let with = |token: &str| STRONGSWAN.replacen("[second]", &format!("token = {token}\n[second]"), 1);
        let sound = "{ module = \"/usr/lib/t.so\", label = \"madoguchi\", pin_file = \"/etc/pin\" }";
        let vpn: Vpn = toml::from_str(&with(sound)).unwrap();
        vpn.check().unwrap();
        assert!(vpn.tunnels()[0].1.token.is_some() && vpn.tunnels()[1].1.token.is_none());
        for bad in [sound.replace("/usr/lib/", ""), sound.replace("madoguchi", "")] {
            assert!(problem(&with(&bad)).contains("primary: token needs"), "{}", problem(&with(&bad)));
        }
        assert!(
            toml::from_str::<Vpn>(&with("{ module = \"/t.so\", pin = \"1\" }")).is_err(),
            "no PIN in here"
        );
    }

    #[test]
    fn two_external_lines_need_a_source_each() {
        assert!(
            problem("mode = \"external\"\n[second]\nsource = \"10.0.0.2\"").contains("a source of its own")
        );
        let one: Vpn = toml::from_str("mode = \"external\"").unwrap();
        one.check().unwrap();
        assert_eq!(one.ways(), [Way::Primary]);
    }
}
