//! What the hospital sets.

use crate::{token::TokenSettings, vpn::Vpn};
use madoguchi_protocol::{LaneId, messages::line::Way};
use serde::Deserialize;
use std::{net::IpAddr, path::PathBuf, time::Duration};

/// `[uplink]` of the configuration. Durations are in milliseconds.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Where the centre is: `https://NAME_OR_ADDRESS[:PORT]`, nothing after it.
    pub url: String,
    /// The name in the centre's certificate, where it is not the one in `url`.
    pub server_name: Option<String>,
    /// The centre's addresses, where `url` gives a name. With them nobody is asked for the name's address; behind tunnels
    /// of the box they are required, since a name server outside of them must not hear of it.
    pub addresses: Vec<IpAddr>,
    /// The CAs that may have issued the centre's certificate, PEM files. The system's own CAs are not trusted.
    pub ca: Vec<PathBuf>,
    /// Lists of revoked certificates of these CAs, PEM files. With one, a centre whose certificate no sound list covers is
    /// refused.
    pub crl: Vec<PathBuf>,
    /// This terminal's client certificate with its chain, a PEM file.
    pub certificate: PathBuf,
    /// Its private key, a PEM file that others may not read.
    pub key: PathBuf,
    /// The token that holds the private key, in place of `key`; the key is the one that belongs to the certificate.
    pub token: Option<TokenSettings>,
    /// The longest wait for a connection, TLS handshake included.
    pub connect_ms: u64,
    /// The longest wait for a verdict while the patient stands there; then the visit is deferred.
    pub authenticate_ms: u64,
    /// The longest wait for a confirmation; then it is asked for again with the same request id.
    pub confirm_ms: u64,
    /// The longest wait for the answer to a receipt computer's query.
    pub query_ms: u64,
    /// How often the line is probed.
    pub probe_every_ms: u64,
    /// The longest wait for a probe's answer.
    pub probe_ms: u64,
    /// The longest pause that the centre can ask for by `Retry-After`.
    pub longest_pause_ms: u64,
    /// How many requests may be under way at once. Deferred confirmations take half of it at most.
    pub in_flight: usize,
    /// How long the primary line must have been well before requests return to it from a second line that is well.
    pub return_s: u64,
    /// Who holds the tunnel, and over which lines.
    pub vpn: Vpn,
    /// Where the months are kept; the gateway puts it below the state directory. Nothing is kept without it.
    #[serde(skip)]
    pub state_folder: Option<PathBuf>,
    /// By which network socket each line comes, so that its cable can be looked at; set by the gateway.
    #[serde(skip)]
    pub interfaces: Vec<(Way, String)>,
    /// The terminal's name, which its certificate must bear; set by the gateway.
    #[serde(skip)]
    pub terminal: String,
    /// The certificates of the lanes' device links, so that their ends are watched, too; set by the gateway.
    #[serde(skip)]
    pub device_links: Vec<(LaneId, PathBuf)>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            url: String::new(),
            server_name: None,
            addresses: vec![],
            ca: vec!["/etc/madoguchi/line/centre-ca.pem".into()],
            crl: vec![],
            certificate: "/etc/madoguchi/line/terminal.pem".into(),
            key: "/etc/madoguchi/line/terminal.key".into(),
            token: None,
            connect_ms: 2_000,
            authenticate_ms: 4_000,
            confirm_ms: 10_000,
            query_ms: 10_000,
            probe_every_ms: 500,
            probe_ms: 1_000,
            longest_pause_ms: 30_000,
            in_flight: 64,
            return_s: 10,
            vpn: Vpn::default(),
            state_folder: None,
            interfaces: vec![],
            terminal: String::new(),
            device_links: vec![],
        }
    }
}

/// Why the line can't be set up. Says which key or file, and what to do.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// A setting makes no sense.
    #[error("uplink.{key}: {problem}")]
    Setting {
        /// Which.
        key: &'static str,
        /// What is wrong and what would be right.
        problem: String,
    },
    /// A file can't be used.
    #[error("{path}: {problem}", path = path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// What is wrong and what to do.
        problem: String,
    },
    /// Certificate, key and CAs don't fit together.
    #[error("{certificate} and {key} can't be used together: {problem}; install the key that belongs to the certificate",
        certificate = certificate.display(), key = key.display())]
    Pair {
        /// The certificate's file.
        certificate: PathBuf,
        /// The key's file.
        key: PathBuf,
        /// What TLS says.
        problem: String,
    },
    /// The HTTP client can't be built.
    #[error("the line can't be set up: {0}")]
    Client(String),
}

/// Where the centre is, taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Target {
    /// `https://server-name:port`
    pub(crate) base: String,
    /// What is looked up and connected to, where `addresses` are none.
    pub(crate) host: String,
    /// What is connected to.
    pub(crate) addresses: Vec<IpAddr>,
    /// From where; from anywhere if not set.
    pub(crate) source: Option<IpAddr>,
}

impl Settings {
    /// Refuses values that can't work, without looking at the files.
    ///
    /// # Errors
    /// [`SetupError::Setting`] with the setting's key.
    pub fn verify(&self) -> Result<(), SetupError> {
        self.check().map(|_| ())
    }

    /// Refuses values that can't work, among them deadlines beyond those of the commands on the bus.
    pub(crate) fn check(&self) -> Result<Target, SetupError> {
        let bounds = [
            ("connect_ms", self.connect_ms, 100, 10_000),
            ("authenticate_ms", self.authenticate_ms, 500, 5_500),
            ("confirm_ms", self.confirm_ms, 1_000, 11_500),
            ("query_ms", self.query_ms, 1_000, 11_500),
            ("probe_every_ms", self.probe_every_ms, 100, 60_000),
            ("probe_ms", self.probe_ms, 100, 60_000),
            ("longest_pause_ms", self.longest_pause_ms, 0, 600_000),
            ("in_flight", self.in_flight as u64, 2, 1_024),
            ("return_s", self.return_s, 0, 3_600),
        ];
        for (key, value, least, most) in bounds {
            if !(least..=most).contains(&value) {
                let problem = format!("{value} is out of bounds; give {least} to {most}");
                return Err(SetupError::Setting { key, problem });
            }
        }
        self.vpn.check()?;
        self.target()
    }

    fn target(&self) -> Result<Target, SetupError> {
        let wrong = |key, problem: String| SetupError::Setting { key, problem };
        if self.url.is_empty() {
            return Err(wrong("url", "is not set; give the centre's address as https://NAME[:PORT]".into()));
        }
        let url = reqwest::Url::parse(&self.url)
            .map_err(|error| wrong("url", format!("{error}; give https://NAME[:PORT]")))?;
        let bare = url.path() == "/" && url.query().is_none() && url.fragment().is_none();
        let anonymous = url.username().is_empty() && url.password().is_none();
        let host = match url.host_str() {
            Some(host) if url.scheme() == "https" && bare && anonymous => host,
            _ => return Err(wrong("url", "must be https://NAME[:PORT] and nothing else".into())),
        };
        let name = self.server_name.as_deref().unwrap_or(host);
        // What follows a name would become part of the path.
        if name.is_empty()
            || name.contains(|c: char| matches!(c, '/' | '?' | '#' | '@' | '\\') || c.is_whitespace())
        {
            return Err(wrong(
                "server_name",
                "must be the name in the centre's certificate, nothing else".into(),
            ));
        }
        let port = url.port_or_known_default().unwrap_or(443);
        let host = host.trim_matches(['[', ']']);
        let mut addresses = self.addresses.clone();
        if let Ok(address) = host.parse() {
            addresses = vec![address];
        }
        if addresses.is_empty() && matches!(self.vpn, Vpn::Strongswan { .. }) {
            let problem = format!(
                "give the addresses of {host} inside the tunnel: no name server outside of it may be asked for them"
            );
            return Err(wrong("addresses", problem));
        }
        Ok(Target { base: format!("https://{name}:{port}"), host: host.into(), addresses, source: None })
    }
}

/// A setting in milliseconds.
pub(crate) const fn ms(value: u64) -> Duration {
    Duration::from_millis(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with_url(url: &str) -> Settings {
        Settings { url: url.into(), ..Settings::default() }
    }

    #[test]
    fn the_url_names_the_centre_and_nothing_else() {
        let target = with_url("https://centre.example").check().unwrap();
        assert_eq!(target.base, "https://centre.example:443");
        let named =
            Settings { server_name: Some("centre.example".into()), ..with_url("https://10.1.2.3:8443/") };
        let target = named.check().unwrap();
        assert_eq!((target.base.as_str(), target.host.as_str()), ("https://centre.example:8443", "10.1.2.3"));
        let target = with_url("https://[fd00::1]:8443").check().unwrap();
        assert_eq!((target.base.as_str(), target.host.as_str()), ("https://[fd00::1]:8443", "fd00::1"));
        for bad in [
            "",
            "centre",
            "http://centre.example",
            "https://a/b",
            "https://a/?q",
            "https://u:p@a",
            "https://a#f",
        ] {
            assert!(matches!(with_url(bad).check(), Err(SetupError::Setting { key: "url", .. })), "{bad}");
        }
    }

    #[test]
    fn behind_a_tunnel_of_the_box_no_name_is_looked_up() {
        let vpn = "mode = \"strongswan\"\n[primary]\nlocal = \"192.0.2.1\"\nremote = \"192.0.2.2\"\nidentity = \"a\"\n\
                   remote_identity = \"b\"\nnetworks = [\"198.18.0.0/24\"]";
        let behind = |url| Settings { vpn: toml::from_str(vpn).unwrap(), ..with_url(url) };
        let refused = behind("https://centre.example").check().unwrap_err().to_string();
        assert!(refused.starts_with("uplink.addresses: give the addresses of centre.example"), "{refused}");
        let address: IpAddr = [198, 18, 0, 1].into();
        let named = Settings { addresses: vec![address], ..behind("https://centre.example") };
        let target = named.check().unwrap();
        assert_eq!((target.base.as_str(), target.addresses), ("https://centre.example:443", vec![address]));
        assert_eq!(behind("https://198.18.0.1").check().unwrap().addresses, [address]);
    }

    #[test]
    fn a_deadline_beyond_the_bus_is_refused_by_its_key() {
        let settings = Settings { confirm_ms: 12_000, ..with_url("https://centre.example") };
        let error = settings.check().unwrap_err().to_string();
        assert_eq!(error, "uplink.confirm_ms: 12000 is out of bounds; give 1000 to 11500");
    }

    #[test]
    fn settings_read_from_toml_with_defaults_and_refuse_unknown_keys() {
        let settings: Settings = toml::from_str("url = \"https://centre.example\"\nin_flight = 8").unwrap();
        assert_eq!(settings, Settings { in_flight: 8, ..with_url("https://centre.example") });
        assert!(
            toml::from_str::<Settings>("probe = 1")
                .unwrap_err()
                .to_string()
                .contains("unknown field `probe`")
        );
    }
}
