//! The one adapter of [`FaceReaderLink`]: frames over mutually authenticated TLS 1.3 on the counter network.
//!
//! The box listens, each lane on an address of its own, so that nothing a reader does can reach another
//! lane. `DEVICE_LINK.md` tells makers what to build at the other end.

use crate::{
    connection::{Framed, Timings},
    link::{FaceReaderLink, LinkEnd, LinkEvent, NotConnected},
    pair::{ShownPair, certificates},
};
use madoguchi_protocol::{LaneId, device::ToReader};
use rustls::{
    RootCertStore, ServerConfig,
    pki_types::CertificateDer,
    server::{NoServerSessionStorage, WebPkiClientVerifier},
};
use serde::Deserialize;
use std::{
    collections::BTreeMap,
    net::SocketAddr,
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{Semaphore, mpsc, oneshot, watch},
    task::{JoinHandle, JoinSet},
    time::{sleep, timeout},
};
use tokio_rustls::{TlsAcceptor, server::TlsStream};

/// The device link of one lane.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LinkSettings {
    /// Where the box listens for this lane's reader, on the counter network. One address for each lane.
    pub listen: SocketAddr,
    /// The box's certificate chain for the device link, PEM.
    pub certificate: PathBuf,
    /// Its private key, PKCS#8 PEM.
    pub key: PathBuf,
    /// The authority that issues the readers' client certificates, PEM.
    pub client_ca: PathBuf,
    /// Common name in this reader's client certificate; `face-reader-<lane>` where absent.
    #[serde(default)]
    pub reader_name: Option<String>,
    /// The maker's short name that the reader must give; any where absent.
    #[serde(default)]
    pub maker: Option<String>,
}

impl LinkSettings {
    /// Refuses files that are no certificates or keys, or don't fit together. Listens to nobody.
    ///
    /// # Errors
    /// [`LinkSetupError`] with the file.
    pub fn verify(&self) -> Result<(), LinkSetupError> {
        let pair = ShownPair::read(&self.certificate, &self.key)?;
        server_config(self, pair).map(|_| ())
    }
}

/// Why the link can't be set up.
#[derive(Debug, thiserror::Error)]
pub enum LinkSetupError {
    /// A PEM file is missing, unreadable, or holds something else.
    #[error("{path}: {source}; it must be a readable PEM file with a certificate or key", path = path.display())]
    Pem {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: rustls::pki_types::pem::Error,
    },
    /// Certificate, key and authority don't make a working server.
    #[error("certificate, key and authority don't fit together: {0}")]
    Tls(String),
}

/// Handshakes and greetings in progress at once on one lane's address; a lane has one reader.
const GREETINGS: usize = 16;
/// Events that may wait for the conductor; beyond that the reader waits.
const EVENTS: usize = 32;
/// Frames that may wait for the reader; beyond that it counts as slow.
const OUTBOX: usize = 16;
/// How much of a stranger's common name is worth repeating.
const NAME_SHOWN: usize = 64;
/// How long after a failed bind or accept the next try comes.
const RETRY: Duration = Duration::from_millis(500);

/// The way to one lane's reader over TLS. Dropping it ends its connections and stops listening.
pub struct TlsLink {
    events: mpsc::Receiver<(u64, LinkEvent)>,
    /// The connection that the conductor knows of.
    known: u64,
    shared: Arc<Shared>,
    untaken: watch::Receiver<bool>,
    task: JoinHandle<()>,
}

struct Shared {
    lane: LaneId,
    reader_name: String,
    maker: Option<String>,
    timings: Timings,
    events: mpsc::Sender<(u64, LinkEvent)>,
    current: Mutex<Current>,
    counts: LinkCounts,
}

impl Shared {
    fn note(&self, end: &LinkEnd) {
        tracing::info!(lane = %self.lane, reason = end.name(), %end, "device link ended");
        self.counts.count(end);
    }

    /// Notes somebody who was not welcomed. Strangers may be many: they never wait for, nor hold up, the
    /// conductor.
    fn refuse(&self, end: &LinkEnd) {
        self.note(end);
        let number = lock(&self.current).number;
        self.events.try_send((number, LinkEvent::Refused(end.clone()))).ok();
    }
}

/// The newest connection that was welcomed. They are numbered from 1.
#[derive(Default)]
struct Current {
    number: u64,
    handle: Option<Handle>,
}

struct Handle {
    outbox: mpsc::Sender<ToReader>,
    end: oneshot::Sender<LinkEnd>,
}

/// How often connections ended, by [`LinkEnd::name`]. Clones share the counters.
#[derive(Clone, Default)]
pub struct LinkCounts(Arc<Mutex<BTreeMap<&'static str, u64>>>);

impl LinkCounts {
    fn count(&self, end: &LinkEnd) {
        *lock(&self.0).entry(end.name()).or_default() += 1;
    }

    /// The count of one name.
    pub fn of(&self, name: &str) -> u64 {
        lock(&self.0).get(name).copied().unwrap_or_default()
    }

    /// All that have happened.
    pub fn all(&self) -> BTreeMap<&'static str, u64> {
        lock(&self.0).clone()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Nothing between lock and unlock can panic half-way through a change.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl TlsLink {
    /// Reads the certificates and begins to listen. Needs a Tokio runtime. An address that is taken, or not
    /// there yet, is tried again until it is free: the lane shows "reader lost" meanwhile.
    pub fn start(lane: LaneId, settings: &LinkSettings, timings: Timings) -> Result<Self, LinkSetupError> {
        let pair = ShownPair::read(&settings.certificate, &settings.key)?;
        let acceptor = TlsAcceptor::from(Arc::new(server_config(settings, pair.clone())?));
        let (told, untaken) = watch::channel(false);
        pair.follow(move |is| {
            told.send_if_modified(|was| std::mem::replace(was, is) != is);
        });
        let (sender, events) = mpsc::channel(EVENTS);
        let shared = Arc::new(Shared {
            lane,
            reader_name: settings.reader_name.clone().unwrap_or_else(|| format!("face-reader-{lane}")),
            maker: settings.maker.clone(),
            timings,
            events: sender,
            current: Mutex::default(),
            counts: LinkCounts::default(),
        });
        let task = tokio::spawn(listen(settings.listen, acceptor, shared.clone()));
        Ok(Self { events, known: 0, shared, untaken, task })
    }

    /// Follows whether changed certificate files are not taken up, since they are not sound.
    pub fn certificate_untaken(&self) -> watch::Receiver<bool> {
        self.untaken.clone()
    }

    /// How connections ended so far.
    pub fn counts(&self) -> LinkCounts {
        self.shared.counts.clone()
    }
}

impl Drop for TlsLink {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl FaceReaderLink for TlsLink {
    async fn send(&mut self, frame: ToReader) -> Result<(), NotConnected> {
        let mut current = lock(&self.shared.current);
        if current.number != self.known {
            return Err(NotConnected);
        }
        let handle = current.handle.as_ref().ok_or(NotConnected)?;
        match handle.outbox.try_send(frame) {
            Ok(()) => Ok(()),
            Err(_) => {
                if let Some(handle) = current.handle.take() {
                    handle.end.send(LinkEnd::Slow).ok();
                }
                Err(NotConnected)
            }
        }
    }

    async fn receive(&mut self) -> LinkEvent {
        loop {
            match self.events.recv().await {
                // What an older connection still said when the newer one was already welcomed.
                Some((number, _)) if number < self.known => {}
                Some((number, event)) => {
                    self.known = number;
                    return event;
                }
                // Can't be: `shared` holds a sender.
                None => std::future::pending().await,
            }
        }
    }
}

async fn listen(address: SocketAddr, acceptor: TlsAcceptor, shared: Arc<Shared>) {
    let lane = shared.lane;
    let listener = loop {
        match TcpListener::bind(address).await {
            Ok(listener) => break listener,
            Err(error) => {
                tracing::warn!(%lane, %address, %error, "can't listen for the face-auth reader; trying again");
                sleep(RETRY).await;
            }
        }
    };
    let greetings = Arc::new(Semaphore::new(GREETINGS));
    let mut connections = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            Some(_) = connections.join_next() => continue,
        };
        match accepted {
            Ok((stream, _)) => {
                // A flood of strangers is dropped, not queued.
                if let Ok(permit) = greetings.clone().try_acquire_owned() {
                    connections.spawn(one_connection(stream, acceptor.clone(), shared.clone(), permit));
                }
            }
            Err(error) => {
                tracing::warn!(%lane, %error, "can't accept a connection; trying again");
                sleep(RETRY).await;
            }
        }
    }
}

async fn one_connection(
    stream: TcpStream,
    acceptor: TlsAcceptor,
    shared: Arc<Shared>,
    greeting: tokio::sync::OwnedSemaphorePermit,
) {
    let (stream, name) = match shake_hands(stream, &acceptor, shared.timings).await {
        Ok(peer) => peer,
        Err(end) => return shared.refuse(&end),
    };
    let mut framed = Framed::new(stream, shared.timings);
    let greeted = match name {
        Some(name) if name == shared.reader_name => framed.greet(shared.lane, shared.maker.as_deref()).await,
        found => Err(LinkEnd::WrongCertificate {
            found: found.unwrap_or_default().chars().take(NAME_SHOWN).collect(),
            expected: shared.reader_name.clone(),
        }),
    };
    let end = match greeted {
        Err(end) => {
            shared.refuse(&end);
            end
        }
        Ok(hello) => {
            drop(greeting);
            let end = welcomed(&mut framed, hello, &shared).await;
            shared.note(&end);
            end
        }
    };
    framed.part(&end).await;
}

/// TLS, and the common name of the client's certificate.
async fn shake_hands(
    stream: TcpStream,
    acceptor: &TlsAcceptor,
    timings: Timings,
) -> Result<(TlsStream<TcpStream>, Option<String>), LinkEnd> {
    // A frame is small and somebody waits for it.
    stream.set_nodelay(true).map_err(|error| LinkEnd::Broken(error.kind()))?;
    let stream = timeout(timings.hello, acceptor.accept(stream))
        .await
        .map_err(|_| LinkEnd::Handshake("not finished in time".into()))?
        .map_err(|error| LinkEnd::Handshake(error.to_string()))?;
    let certificate = stream.get_ref().1.peer_certificates().and_then(<[_]>::first);
    let name = certificate.and_then(common_name);
    Ok((stream, name))
}

fn common_name(certificate: &CertificateDer<'_>) -> Option<String> {
    let (_, certificate) = x509_parser::parse_x509_certificate(certificate).ok()?;
    let mut names = certificate.subject().iter_common_name();
    let name = names.next()?.as_str().ok()?.to_owned();
    // Two names would let a certificate pass for two readers.
    if names.next().is_some() { None } else { Some(name) }
}

async fn welcomed(
    framed: &mut Framed<TlsStream<TcpStream>>,
    hello: madoguchi_protocol::device::Hello,
    shared: &Shared,
) -> LinkEnd {
    let (outbox, mut to_send) = mpsc::channel(OUTBOX);
    let (end, mut ended) = oneshot::channel();
    let (number, replaced) = {
        let mut current = lock(&shared.current);
        current.number += 1;
        (current.number, current.handle.replace(Handle { outbox, end }))
    };
    if let Some(replaced) = replaced {
        replaced.end.send(LinkEnd::Replaced).ok();
    }
    shared.events.send((number, LinkEvent::Up(hello))).await.ok();
    let end = tokio::select! {
        Ok(end) = &mut ended => end,
        end = framed.serve(&mut to_send, &shared.events, number) => end,
    };
    let newest = {
        let mut current = lock(&shared.current);
        let newest = current.number == number;
        if newest {
            current.handle = None;
        }
        newest
    };
    if newest {
        shared.events.send((number, LinkEvent::Down(end.clone()))).await.ok();
    }
    end
}

fn server_config(settings: &LinkSettings, pair: Arc<ShownPair>) -> Result<ServerConfig, LinkSetupError> {
    let tls = |error: &dyn std::fmt::Display| LinkSetupError::Tls(error.to_string());
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut authorities = RootCertStore::empty();
    for certificate in certificates(&settings.client_ca)? {
        authorities.add(certificate).map_err(|e| tls(&e))?;
    }
    let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(authorities), provider.clone())
        .build()
        .map_err(|e| tls(&e))?;
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])
        .map_err(|e| tls(&e))?
        .with_client_cert_verifier(verifier)
        .with_cert_resolver(pair);
    // Every connection shows its certificate: nothing is resumed.
    config.send_tls13_tickets = 0;
    config.session_storage = Arc::new(NoServerSessionStorage {});
    Ok(config)
}
