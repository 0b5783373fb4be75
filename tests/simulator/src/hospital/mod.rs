//! The whole hospital in one place: readers, cards, the PC/SC service, the centre, and the files that a
//! gateway needs to serve it.

mod cards;
mod gateway_files;
mod pcsc;
mod receipts;

pub use cards::{CardError, Wallet};
pub use pcsc::{PcscError, PcscKind, PcscService};
pub use receipts::Receipt;

use crate::{
    administrator::Administrator,
    cards::{Insertion, ServeError, serve},
    centre::{Centre, CentreConfig, CentrePapers, CentreRules, CentreState, TrustedAuthority},
    face_reader::{ReaderConfig, SimulatedReader, SlotCard},
    pcscd::{Driver, LANE_PORT_BASE, ReaderSpec},
    pki::{
        jpki::JpkiAuthority,
        tls::{TlsAuthority, Validity},
    },
};
use anyhow::{Context, Result, bail};
use serde::Serialize;
use std::{
    collections::BTreeMap,
    hash::{BuildHasher, RandomState},
    net::{Ipv4Addr, SocketAddr, TcpListener},
    os::{
        linux::net::SocketAddrExt,
        unix::net::{SocketAddr as AbstractAddr, UnixListener},
    },
    path::{Path, PathBuf},
    sync::Arc,
};
use tokio::sync::Mutex;

/// The invented medical institution.
pub const INSTITUTION: &str = "1310000001";
/// The name in the gateway's client certificate.
pub const TERMINAL: &str = "madoguchi-sim-1";
/// The maker and model that the simulated face-auth readers give.
pub const MAKER: &str = "panasonic";
/// See [`MAKER`].
pub const MODEL: &str = "SIM-1";
/// Certificates of the simulated hospital hold so long.
const CERTIFICATE_DAYS: u32 = 365;

/// How a hospital is to be.
#[derive(Clone, Debug)]
pub struct Options {
    /// Lanes, numbered from 1; at most 16, as one PC/SC service has no more readers.
    pub lanes: u16,
    /// Where everything is written.
    pub directory: PathBuf,
    /// Lanes whose virtual reader is left to somebody else's card.
    pub own_card: Vec<u16>,
    /// PEM files of further authorities whose cards the centre accepts.
    pub trust_ca: Vec<PathBuf>,
    /// USB readers that can be pulled.
    pub hotplug: bool,
    /// Debian's virtual readers instead of ours.
    pub stock_vpcd: bool,
    /// The readers and their PC/SC service are on another machine, to which their ports lead.
    pub readers_elsewhere: bool,
    /// Any free ports instead of the documented ones, for tests side by side.
    pub free_ports: bool,
}

/// One counter.
pub struct Lane {
    /// Its face-auth reader.
    pub reader: SimulatedReader,
    /// Its generic reader.
    pub nfc: ReaderSpec,
    /// Whether somebody else's card uses the generic reader.
    pub own_card: bool,
    held: Mutex<Option<(String, Insertion)>>,
    beside: Mutex<Option<(String, Insertion)>>,
}

/// What a gateway, a script and a person need to know; also written as `hospital.json`.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct Addresses {
    /// The gateway's configuration, ready to use.
    #[schema(value_type = String)]
    pub gateway_config: PathBuf,
    /// `PCSCLITE_CSOCK_NAME` for the gateway.
    #[schema(value_type = String)]
    pub pcscd_socket: PathBuf,
    /// The gateway's page.
    pub gateway_page: String,
    /// Where the gateway serves `/metrics`.
    pub gateway_metrics: String,
    /// The centre.
    pub centre: String,
    /// The control interface, once it listens.
    pub control: String,
    /// Ports of the generic readers, by lane, where a card can be put by TCP (vpcd's protocol).
    pub card_ports: BTreeMap<u16, u16>,
    /// The receipt computer's folders: Req, Res and Face are in it.
    #[schema(value_type = String)]
    pub receipts: PathBuf,
}

/// A running hospital.
pub struct Hospital {
    /// Its lanes, by number.
    pub lanes: BTreeMap<u16, Lane>,
    /// Its cards.
    pub wallet: Wallet,
    /// Its PC/SC service.
    pub pcsc: Mutex<PcscService>,
    /// Where everything is.
    pub addresses: Addresses,
    /// Of the gateway that runs beside it, where one does.
    pub administrator: Option<Administrator>,
    centre: Centre,
    /// Reserved as long as the hospital is open.
    _ports: Ports,
}

/// A card that can't be held or put.
#[derive(Debug, thiserror::Error)]
pub enum HoldError {
    /// No such card.
    #[error(transparent)]
    Card(#[from] CardError),
    /// The reader takes none.
    #[error("the reader takes no card now: {0}")]
    Reader(#[from] ServeError),
    /// Somebody else's.
    #[error("this lane's reader is left to somebody else's card (--own-card)")]
    NotOurs,
}

impl Hospital {
    /// Opens the hospital. The gateway is started by somebody else, with [`Addresses::gateway_config`].
    pub async fn open(options: &Options) -> Result<Self> {
        if options.lanes == 0 || options.lanes > 16 {
            bail!("--lanes must be from 1 to 16: one PC/SC service has 16 readers at most");
        }
        let directory = &options.directory;
        let pki = directory.join("pki");
        std::fs::create_dir_all(&pki).with_context(|| format!("{}", pki.display()))?;
        let directory = &directory.canonicalize()?;
        let pki = directory.join("pki");
        let receipts = directory.join("receipts");
        for folder in ["Req", "Res", "Face"] {
            std::fs::create_dir_all(receipts.join(folder))?;
        }

        let jpki = tokio::task::spawn_blocking(|| JpkiAuthority::generate(1)).await??;
        std::fs::write(pki.join("jpki-ca.pem"), jpki.certificate_pem())?;
        let state = centre_state(&jpki, &options.trust_ca)?;
        let terminals = TlsAuthority::new("Invented terminal authority")?;
        let servers = TlsAuthority::new("Invented centre authority")?;
        servers.write(&pki, "centre-ca")?;
        terminals.client(TERMINAL, Validity::days(CERTIFICATE_DAYS))?.write(&pki, "uplink")?;
        terminals.write(&pki, "terminal-ca")?;
        servers
            .server(&["127.0.0.1", "localhost"], Validity::days(CERTIFICATE_DAYS))?
            .write(&pki, "centre")?;
        let centre = Centre::start(CentreConfig {
            address: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            papers: CentrePapers::Files(pki.clone()),
            state,
        })?;

        let mut ports = Ports::new(options.free_ports, options.stock_vpcd);
        let specs = (1..=options.lanes).map(|lane| ports.nfc_reader(lane)).collect::<Result<Vec<_>>>()?;
        let pcsc = PcscService::start(&directory.join("pcscd"), &specs, kind(options))?;
        let devices = Devices::new(&pki, options.lanes)?;
        let mut lanes = BTreeMap::new();
        let mut files = Vec::new();
        for (lane, nfc) in (1..).zip(specs) {
            let listen = ports.face_reader(lane)?;
            let reader = SimulatedReader::start(devices.reader(lane, listen)?)?;
            files.push(gateway_files::LaneFile { lane, listen, nfc_reader: pcsc.reader_name(&nfc) });
            let own_card = options.own_card.contains(&lane);
            lanes.insert(
                lane,
                Lane { reader, nfc, own_card, held: Mutex::default(), beside: Mutex::default() },
            );
        }
        let (page, metrics) = (ports.page()?, ports.metrics()?);
        let gateway_config = gateway_files::write(directory, &centre, page, metrics, &files)?;
        let addresses = Addresses {
            gateway_config,
            pcscd_socket: pcsc.socket(),
            gateway_page: format!("http://{page}/"),
            gateway_metrics: format!("http://{metrics}/"),
            centre: format!("https://{}/", centre.address()),
            control: String::new(),
            card_ports: lanes.iter().map(|(lane, it)| (*lane, it.nfc.port())).collect(),
            receipts,
        };
        let wallet = Wallet::new(jpki, centre.state().clone());
        let pcsc = Mutex::new(pcsc);
        Ok(Self { lanes, wallet, pcsc, addresses, administrator: None, centre, _ports: ports })
    }

    /// What the centre knows.
    pub fn centre(&self) -> &Arc<CentreState> {
        self.centre.state()
    }

    /// The files in the receipt computer's folders.
    pub fn receipts(&self) -> std::io::Result<Vec<Receipt>> {
        receipts::list(&self.addresses.receipts)
    }
}

impl Lane {
    /// Holds the card of this name over the generic reader, or over the face-auth reader where that takes phones
    /// itself, instead of what was held.
    pub async fn hold(&self, wallet: &Wallet, name: &str) -> Result<(), HoldError> {
        if self.own_card {
            return Err(HoldError::NotOurs);
        }
        let card = wallet.card(name)?;
        let mut held = self.held.lock().await;
        if let Some((_, before)) = held.take() {
            before.remove().await;
        }
        if self.reader.reads_phones() {
            self.reader.set_held(Some(SlotCard { id: name.to_owned(), card }));
            return Ok(());
        }
        *held = Some((name.to_owned(), serve(card, self.nfc.address()).await?));
        Ok(())
    }

    /// Holds the card of this name over the generic reader while another is held there: two phones at once. The reader
    /// notices it when the first is taken away.
    pub async fn hold_beside(&self, wallet: &Wallet, name: &str) -> Result<(), HoldError> {
        if self.own_card {
            return Err(HoldError::NotOurs);
        }
        let card = serve(wallet.card(name)?, self.nfc.address()).await?;
        *self.beside.lock().await = Some((name.to_owned(), card));
        Ok(())
    }

    /// Takes away what is held; what was held beside it stays. Nothing happens when nothing is held.
    pub async fn take_away(&self) {
        self.reader.set_held(None);
        let mut held = self.held.lock().await;
        if let Some((_, held)) = held.take() {
            held.remove().await;
        }
        *held = self.beside.lock().await.take();
    }

    /// What is held and still there.
    pub async fn held(&self) -> Option<String> {
        self.held
            .lock()
            .await
            .as_ref()
            .filter(|(_, insertion)| insertion.is_in())
            .map(|(name, _)| name.clone())
    }

    /// Puts the card of this name into the face-auth reader's slot.
    pub fn insert(&self, wallet: &Wallet, name: &str) -> Result<(), CardError> {
        let card = wallet.card(name)?;
        self.reader.set_slot(Some(SlotCard { id: name.to_owned(), card }));
        Ok(())
    }
}

fn centre_state(jpki: &JpkiAuthority, trust_ca: &[PathBuf]) -> Result<Arc<CentreState>> {
    let state = CentreState::new(CentreRules {
        authorities: vec![TrustedAuthority::jpki(jpki.certificate_der())?],
        institutions: [INSTITUTION.to_owned()].into(),
        // A stranger's card from a trusted authority belongs to a generic invented patient.
        accept_unknown: !trust_ca.is_empty(),
        ..CentreRules::default()
    });
    for file in trust_ca {
        let pem = std::fs::read(file).with_context(|| format!("--trust-ca {}", file.display()))?;
        for authority in TrustedAuthority::foreign_from_pem(&pem)? {
            state.trust(authority);
        }
    }
    Ok(state)
}

fn kind(options: &Options) -> PcscKind {
    if options.readers_elsewhere {
        return PcscKind::Elsewhere;
    }
    match (options.hotplug, options.stock_vpcd) {
        (true, _) => PcscKind::Hotplug,
        (false, true) => PcscKind::Fixed(Driver::StockVpcd),
        (false, false) => PcscKind::Fixed(Driver::Madoguchi),
    }
}

/// Certificates of the device links.
struct Devices {
    authority: TlsAuthority,
}

impl Devices {
    fn new(pki: &Path, _lanes: u16) -> Result<Self> {
        let authority = TlsAuthority::new("Invented device authority")?;
        authority.write(pki, "device-ca")?;
        authority
            .server(&["127.0.0.1", "localhost"], Validity::days(CERTIFICATE_DAYS))?
            .write(pki, "device-link")?;
        Ok(Self { authority })
    }

    fn reader(&self, lane: u16, address: SocketAddr) -> Result<ReaderConfig> {
        Ok(ReaderConfig {
            address,
            server_name: "localhost".into(),
            authority: self.authority.certificate_der(),
            identity: self
                .authority
                .client(&format!("face-reader-{lane}"), Validity::days(CERTIFICATE_DAYS))?,
            maker: MAKER.into(),
            model: MODEL.into(),
            software: "9.9.9".into(),
            reads_phones: false,
        })
    }
}

/// Keeps every other hospital of this machine off a port of loopback, as long as what is given back lives; nothing where
/// one has it or somebody listens there.
#[must_use]
pub fn reserve_port(port: u16) -> Option<UnixListener> {
    let name = AbstractAddr::from_abstract_name(format!("madoguchi-sim-port-{port}")).ok()?;
    let reserved = UnixListener::bind_addr(&name).ok()?;
    TcpListener::bind((Ipv4Addr::LOCALHOST, port)).ok()?;
    Some(reserved)
}

/// Documented ports, or any free ones.
struct Ports {
    free: bool,
    /// Debian's virtual reader has two slots, and takes the port after its own for the second one.
    two_for_a_reader: bool,
    /// What keeps other hospitals of this machine off the chosen ports: abstract sockets, which end with the program.
    reserved: Vec<UnixListener>,
}

impl Ports {
    /// The gateway's page.
    const PAGE: u16 = 8480;
    /// The gateway's metrics.
    const METRICS: u16 = 9480;
    /// Lane n's device link listens on this plus n.
    const FACE_READER: u16 = 28_200;
    /// Free ports are taken from here: below those from which the kernel serves whoever connects, since between being
    /// chosen and being listened on they would be anybody's.
    const FREE: std::ops::Range<u16> = 10_000..32_000;
    /// A machine on which so many are taken has none to give.
    const TRIES: u64 = 10_000;

    fn new(free: bool, two_for_a_reader: bool) -> Self {
        Self { free, two_for_a_reader, reserved: Vec::new() }
    }

    /// The first of `count` free ports in a row.
    fn free_ports(&mut self, count: u16) -> Result<u16> {
        let chance = RandomState::new();
        let many = u64::from(Self::FREE.end - Self::FREE.start - count);
        for attempt in 0..Self::TRIES {
            let first = Self::FREE.start + u16::try_from(chance.hash_one(attempt) % many)?;
            let reserved: Option<Vec<_>> = (first..first + count).map(reserve_port).collect();
            if let Some(reserved) = reserved {
                self.reserved.extend(reserved);
                return Ok(first);
            }
        }
        bail!("no free port between {} and {}", Self::FREE.start, Self::FREE.end)
    }

    fn port(&mut self, documented: u16) -> Result<u16> {
        if self.free { self.free_ports(1) } else { Ok(documented) }
    }

    fn nfc_reader(&mut self, lane: u16) -> Result<ReaderSpec> {
        let name = format!("LANE{lane}");
        match (self.free, self.two_for_a_reader) {
            (false, false) => Ok(ReaderSpec::for_lane(lane)),
            (false, true) => Ok(ReaderSpec::new(&name, LANE_PORT_BASE + 2 * lane)?),
            (true, two) => Ok(ReaderSpec::new(&name, self.free_ports(if two { 2 } else { 1 })?)?),
        }
    }

    fn face_reader(&mut self, lane: u16) -> Result<SocketAddr> {
        Ok(SocketAddr::from((Ipv4Addr::LOCALHOST, self.port(Self::FACE_READER + lane)?)))
    }

    fn page(&mut self) -> Result<SocketAddr> {
        Ok(SocketAddr::from((Ipv4Addr::LOCALHOST, self.port(Self::PAGE)?)))
    }

    fn metrics(&mut self) -> Result<SocketAddr> {
        Ok(SocketAddr::from((Ipv4Addr::LOCALHOST, self.port(Self::METRICS)?)))
    }
}
