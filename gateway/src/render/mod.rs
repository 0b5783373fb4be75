//! `madoguchi render`: what the appliance's operating system is told, from manifest and configuration.
//!
//! Units, accounts, directories, device rules, the broker's files, packet filter, network and time. The appliance
//! renders all of it anew at every boot, so there is no second place where rights could be written down.

mod accounts;
mod actors;
mod network;
mod network_files;
mod place;
mod sandbox;
mod services;
mod udev;
mod unit;

pub use place::{BUS_SOCKET, pcsc_socket};

use crate::config::{Broker, Config};
use madoguchi_bus::{
    broker::{self, BrokerError},
    manifest::Manifest,
};
use madoguchi_nfc_reader::pcsc::binding::ReaderBinding;
use madoguchi_protocol::{Address, LaneId};
use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
};

/// What can be rendered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum What {
    /// Units: one for each actor, the broker, a PC/SC service for each lane.
    Systemd,
    /// Accounts, for systemd-sysusers.
    Sysusers,
    /// Directories and whose they are, for systemd-tmpfiles.
    Tmpfiles,
    /// Which USB devices are let in, and which reader is whose.
    Udev,
    /// The broker's configuration, access list, accounts and their new passwords.
    Mosquitto,
    /// The packet filter.
    Nftables,
    /// Names and addresses of the network sockets, for systemd-networkd.
    Networkd,
    /// Who tells the time, for chrony.
    Chrony,
}

/// Why it can't be rendered.
#[derive(Debug, thiserror::Error)]
pub enum RenderError {
    /// The configuration is not one for the appliance.
    #[error("not for the appliance: {0}")]
    Configuration(String),
    /// A file.
    #[error("{path}: {source}")]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The broker's accounts.
    #[error(transparent)]
    Broker(#[from] BrokerError),
}

/// Each lane with a generic reader, and which reader that is.
pub type Readers = BTreeMap<LaneId, ReaderBinding>;

/// Renders `what` into files below `output`, which is made if need be. What else is there stays.
pub fn render(what: What, config: &Config, output: &Path) -> Result<(), RenderError> {
    fits(config)?;
    let at = |path: &Path| {
        let path = path.to_path_buf();
        move |source| RenderError::File { path, source }
    };
    fs::create_dir_all(output).map_err(at(output))?;
    if what == What::Mosquitto {
        return mosquitto(config, output);
    }
    for (name, text) in files(what, config) {
        let path = output.join(name);
        fs::write(&path, text).map_err(at(&path))?;
    }
    Ok(())
}

/// The files without secrets in them, by name.
pub fn files(what: What, config: &Config) -> BTreeMap<String, String> {
    let actors = actors(config);
    let readers = readers(config);
    let one = |name: &str, text: String| BTreeMap::from([(name.to_owned(), text)]);
    match what {
        What::Systemd => systemd(config, &actors, &readers),
        What::Sysusers => one("madoguchi.conf", accounts::sysusers(&actors, &readers)),
        What::Tmpfiles => one("madoguchi.conf", accounts::tmpfiles(config, &actors)),
        What::Udev => one("70-madoguchi.rules", udev::rules(&readers)),
        What::Nftables => one("madoguchi.nft", network::nftables(config, &actors, &readers)),
        What::Networkd => network_files::networkd(&config.appliance),
        What::Chrony => one("madoguchi.sources", network_files::chrony(&config.appliance)),
        // Its files bear passwords: they are written, never shown.
        What::Mosquitto => BTreeMap::new(),
    }
}

fn systemd(config: &Config, actors: &[Address], readers: &Readers) -> BTreeMap<String, String> {
    let mut units = BTreeMap::from([
        ("madoguchi-broker.service".to_owned(), services::broker().to_string()),
        (place::SLICE.to_owned(), services::slice().to_string()),
    ]);
    for lane in readers.keys() {
        let name = place::pcsc_unit(*lane);
        units.insert(format!("{name}.socket"), services::pcsc_socket(*lane).to_string());
        units.insert(format!("{name}.service"), services::pcsc_service(*lane).to_string());
    }
    for address in actors {
        units
            .insert(format!("{}.service", place::unit(*address)), actors::unit(config, *address).to_string());
    }
    // The target wants what can be started; a PC/SC service is started by its socket.
    let sockets =
        |name: &str| readers.keys().any(|lane| name == format!("{}.service", place::pcsc_unit(*lane)));
    let wanted: Vec<_> =
        units.keys().filter(|name| **name != place::SLICE && !sockets(name)).cloned().collect();
    units.insert(place::TARGET.to_owned(), services::target(&wanted).to_string());
    units
}

fn mosquitto(config: &Config, output: &Path) -> Result<(), RenderError> {
    let credentials = Path::new("/run/credentials/madoguchi-broker.service");
    let text = broker::configuration(credentials, Path::new(BUS_SOCKET), place::BROKER_ACCOUNT);
    broker::prepare(output, &config.lanes(), &text)?;
    Ok(())
}

/// Every actor that the configuration has.
pub fn actors(config: &Config) -> Vec<Address> {
    Manifest::get().addresses(&config.lanes()).into_iter().filter(|address| config.has(*address)).collect()
}

fn readers(config: &Config) -> Readers {
    let reader = |lane: &crate::config::Lane| Some((lane.number, lane.nfc_reader.as_ref()?.reader.clone()));
    config.lane.iter().filter_map(reader).collect()
}

/// Whether the appliance can be made from it, lane by lane.
fn fits(config: &Config) -> Result<(), RenderError> {
    let refuse = |why: String| Err(RenderError::Configuration(why));
    if !matches!(config.broker, Broker::Appliance {}) {
        return refuse("[broker]: write mode = \"appliance\"; the broker is a unit of its own there".into());
    }
    let mut tokens = config.uplink.vpn.tunnels().into_iter().map(|(_, tunnel)| &tunnel.token);
    if config.uplink.token.is_some() || tokens.any(Option::is_some) {
        return refuse(
            "[uplink]: the appliance opens no PKCS#11 tokens yet; leave token out and give key".into(),
        );
    }
    if let Some(lane) = config.lane.iter().find(|lane| {
        let elsewhere = lane.nfc_reader.as_ref().and_then(|settings| settings.pcscd.as_deref());
        elsewhere.is_some_and(|socket| socket != pcsc_socket(lane.number))
    }) {
        return refuse(format!(
            "lane {}: it has a PC/SC service of its own there; leave lane.nfc_reader.pcscd out",
            lane.number
        ));
    }
    let readers = readers(config);
    for (lane, binding) in &readers {
        match binding {
            ReaderBinding::Name(_) => {
                return refuse(format!(
                    "lane {lane}: the kernel does not know readers by their PC/SC name; bind it by its USB socket \
                     or its serial number (lane.nfc_reader.reader)"
                ));
            }
            ReaderBinding::Only if readers.len() > 1 => {
                return refuse(format!(
                    "lane {lane}: \"only\" means the box's only reader, and there are more"
                ));
            }
            _ => {}
        }
    }
    Ok(())
}
