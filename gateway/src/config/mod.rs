//! The configuration: one TOML file, typed, composed of each actor's own settings.

mod appliance;
pub mod catalogue;
pub mod compatibility;
pub mod credentials;
pub mod difference;
pub mod document;
pub mod durable;
pub mod format;
mod holidays;
mod log;
mod makers;
mod metrics;
mod mistake;
pub mod parcel;
mod reason;
pub mod restore;
mod sound;
pub mod store;

pub use appliance::{Appliance, Side};
pub use holidays::{HolidaysError, shipped_holidays};
pub use log::{Level, Log};
pub use makers::MakersError;
pub use metrics::{Metrics, MetricsPassword, MetricsTls};
pub use mistake::{ConfigError, Mistake};
pub use reason::Reason;
pub use sound::validate;

use madoguchi_protocol::{ActorKind, Address, LaneId, texts::Language};
use madoguchi_reception::compatibility::CompatibilityTable;
use serde::Deserialize;
use std::{
    collections::BTreeSet,
    fs::File,
    io::Read,
    net::SocketAddr,
    path::{Path, PathBuf},
};

/// The largest configuration file, in bytes.
const MAX_BYTES: u64 = 1024 * 1024;

/// Everything that can be configured.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The configuration's own format, see [`mod@format`].
    #[serde(default = "first_format")]
    pub format: u32,
    /// The hospital and this box.
    pub site: Site,
    /// The broker.
    #[serde(default)]
    pub broker: Broker,
    /// The page.
    #[serde(default)]
    pub web: Web,
    /// The appliance's network sockets and clock.
    #[serde(default)]
    pub appliance: Appliance,
    /// Where Prometheus finds the metrics.
    #[serde(default)]
    pub metrics: Metrics,
    /// What is logged.
    #[serde(default)]
    pub log: Log,
    /// The line and the eligibility centre.
    pub uplink: madoguchi_uplink::Settings,
    /// The queue of confirmations.
    #[serde(default)]
    pub offline_queue: madoguchi_offline_queue::Settings,
    /// The receipt computer's folders.
    pub receipt_computer: madoguchi_receipt_computer::Settings,
    /// The audit log.
    #[serde(default)]
    pub audit_log: madoguchi_audit_log::Settings,
    /// The keeper of PINs.
    #[serde(default)]
    pub pin_session: madoguchi_pin_session::Settings,
    /// Pairs of readers that the hospital adds to the list: see [`Config::compatibility`].
    #[serde(default)]
    pub compatibility: CompatibilityTable,
    /// The reception counters.
    pub lane: Vec<Lane>,
}

fn first_format() -> u32 {
    1
}

/// The hospital and this box.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Site {
    /// Medical institution code, 10 digits.
    pub institution: String,
    /// The name of this terminal in its client certificate.
    pub terminal: String,
    /// Where the box keeps what lasts.
    pub state_directory: PathBuf,
    /// The first language of screens and page.
    #[serde(default)]
    pub language: Language,
    /// スマホによる本人確認の利用有無 for the whole site; a lane can say no for itself.
    #[serde(default)]
    pub phones: Phones,
    /// The Cabinet Office's list of holidays (`syukujitsu.csv`), in place of the one that is shipped.
    pub holidays: Option<PathBuf>,
    /// The makers' profiles, in place of those that are shipped.
    pub makers: Option<PathBuf>,
    /// The list of compatible readers, in place of the one that `madoguchi compatibility import` keeps in the state
    /// directory.
    pub compatibility: Option<PathBuf>,
    /// How long phones may be down, in hours, before the page asks to phone the call centre.
    #[serde(default = "phones_down_hours")]
    pub phones_down_hours: u16,
}

fn phones_down_hours() -> u16 {
    24
}

/// スマホによる本人確認の利用有無.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phones {
    /// 利用する
    #[default]
    Use,
    /// 利用しない
    DoNotUse,
}

/// The broker.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(tag = "mode", rename_all = "snake_case", deny_unknown_fields)]
pub enum Broker {
    /// A child of the gateway, configured from the manifest, below the state directory.
    // Braces, since serde takes any key beside a tag without fields.
    Managed {},
    /// One that runs already, with the manifest's accounts and access list.
    External {
        /// Its Unix socket.
        socket: PathBuf,
        /// A directory with one file for each account, its password in it.
        passwords: PathBuf,
    },
    /// The appliance's: a unit beside the actors' units, made by `madoguchi render`. Each unit gets its password from
    /// systemd.
    Appliance {},
}

impl Default for Broker {
    fn default() -> Self {
        Self::Managed {}
    }
}

/// The page.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Web {
    /// Where it listens: loopback, or one address of the counter network, there over TLS.
    pub listen: SocketAddr,
    /// A Unix socket to listen on instead, for a program on the box that serves it on.
    pub socket: Option<PathBuf>,
    /// Names by which browsers may reach it, beside its address.
    pub names: Vec<String>,
    /// Its certificate with its chain, PEM. Without one the box makes its own.
    pub tls_certificate: Option<PathBuf>,
    /// The certificate's private key, PEM.
    pub tls_key: Option<PathBuf>,
}

impl Web {
    /// Whether it is served over TLS: wherever it is not only the box itself that can reach it.
    pub fn is_tls(&self) -> bool {
        self.socket.is_none() && (self.tls_certificate.is_some() || !self.listen.ip().is_loopback())
    }

    /// What is wrong although each value is right by itself.
    fn contradiction(&self) -> Option<Reason> {
        if self.tls_certificate.is_some() != self.tls_key.is_some() {
            return Some(Reason::of("web", "mistake-web-pair", &[]));
        }
        if self.listen.ip().is_unspecified() {
            let listen = self.listen.to_string();
            return Some(Reason::of("web.listen", "mistake-web-everywhere", &[("listen", &listen)]));
        }
        None
    }
}

impl Default for Web {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 8480)),
            socket: None,
            names: Vec::new(),
            tls_certificate: None,
            tls_key: None,
        }
    }
}

/// A reception counter.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lane {
    /// The number on the counter's sign.
    pub number: LaneId,
    /// スマホによる本人確認の利用有無 for this lane.
    #[serde(default)]
    pub phones: Phones,
    /// The face-auth reader.
    pub face_reader: madoguchi_face_reader::Settings,
    /// The generic NFC reader; a lane without one takes cards in the face-auth reader's slot only.
    pub nfc_reader: Option<madoguchi_nfc_reader::Settings>,
}

impl Config {
    /// Reads and checks the file.
    pub fn load(path: &Path) -> Result<Self, ConfigError> {
        Self::parse(path, &Self::read(path)?)
    }

    /// Reads the file.
    pub fn read(path: &Path) -> Result<String, ConfigError> {
        let unreadable = |source| ConfigError::Unreadable { path: path.into(), source };
        let file = File::open(path).map_err(unreadable)?;
        // One byte more than allowed, so that what is not a file and never ends is found out, too.
        let mut text = String::new();
        file.take(MAX_BYTES + 1).read_to_string(&mut text).map_err(unreadable)?;
        if text.len() as u64 > MAX_BYTES {
            return Err(ConfigError::TooLarge { path: path.into() });
        }
        Ok(text)
    }

    /// Checks the text of the file at `path`.
    pub fn parse(path: &Path, text: &str) -> Result<Self, ConfigError> {
        let mut config: Self =
            toml::from_str(text).map_err(|error| ConfigError::mistake(path, text, &error))?;
        if let Some(reason) = config.contradiction().or_else(|| config.out_of_bounds()) {
            return Err(ConfigError::Contradiction { path: path.into(), reason });
        }
        config.place();
        Ok(config)
    }

    /// The lanes' numbers, in order.
    pub fn lanes(&self) -> Vec<LaneId> {
        let numbers: BTreeSet<_> = self.lane.iter().map(|lane| lane.number).collect();
        numbers.into_iter().collect()
    }

    /// Whether the configuration has this actor: a lane may have no generic reader.
    pub fn has(&self, address: Address) -> bool {
        match (address.kind, address.lane) {
            (ActorKind::NfcReader, Some(number)) => {
                self.lane.iter().any(|lane| lane.number == number && lane.nfc_reader.is_some())
            }
            _ => true,
        }
    }

    /// Tells the actors what is the site's: its code, and where each keeps what lasts (as in the manifest).
    fn place(&mut self) {
        let state = &self.site.state_directory;
        self.offline_queue.folder = state.join("queue");
        self.audit_log.folder = state.join("audit");
        self.uplink.state_folder = Some(state.join("line"));
        self.uplink.terminal = self.site.terminal.clone();
        let interface = |way| (way, self.appliance.interface(way).to_owned());
        self.uplink.interfaces = self.uplink.vpn.ways().into_iter().map(interface).collect();
        let link = |lane: &Lane| (lane.number, lane.face_reader.certificate.clone());
        self.uplink.device_links = self.lane.iter().map(link).collect();
        self.receipt_computer.state_folder = state.join("receipt");
        self.receipt_computer.institution = self.site.institution.clone();
    }

    /// What is wrong although each value is right by itself.
    fn contradiction(&self) -> Option<Reason> {
        if self.format != format::CURRENT {
            let (ours, theirs) = (format::CURRENT.to_string(), self.format.to_string());
            return Some(Reason::of("format", "mistake-format", &[("ours", &ours), ("theirs", &theirs)]));
        }
        let site = &self.site;
        if site.institution.len() != 10 || !site.institution.bytes().all(|b| b.is_ascii_digit()) {
            return Some(Reason::of("site.institution", "mistake-institution", &[]));
        }
        if let Some(reason) = self.web.contradiction() {
            return Some(reason);
        }
        let host = self.uplink.url.trim_start_matches("https://");
        let centre = host.parse().ok().or_else(|| host.rsplit_once(':')?.0.parse().ok());
        let centre = centre.or_else(|| self.uplink.addresses.first().copied());
        if let Some(wrong) = self.metrics.contradiction(centre) {
            return Some(wrong);
        }
        if self.lane.is_empty() {
            return Some(Reason::of("lane", "mistake-no-lane", &[]));
        }
        if let Some(reason) = self.appliance.contradiction() {
            return Some(reason);
        }
        let mut seen = BTreeSet::new();
        if let Some(twice) = self.lane.iter().find(|lane| !seen.insert(lane.number)) {
            let number = twice.number.to_string();
            return Some(Reason::of("lane", "mistake-lane-twice", &[("number", &number)]));
        }
        let mut listens = BTreeSet::new();
        if let Some(twice) = self.lane.iter().find(|lane| !listens.insert(lane.face_reader.listen)) {
            let setting = format!("lane.{}.face_reader.listen", twice.number);
            let listen = twice.face_reader.listen.to_string();
            return Some(Reason::of(&setting, "mistake-listen-twice", &[("listen", &listen)]));
        }
        None
    }
}
