//! The listener and its connections, on a thread of their own.
//!
//! actix-web's own server can neither refuse connections while it lives nor reset them, so its HTTP service is run
//! here behind a listener that can.

use std::io;
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use actix_http::{HttpService, Protocol};
use actix_service::{IntoServiceFactory, Service, ServiceFactory, map_config};
use actix_web::App;
use actix_web::dev::AppConfig;
use actix_web::middleware::from_fn;
use actix_web::web::Data;
use rustls::RootCertStore;
use rustls::pki_types::{CertificateDer, CertificateRevocationListDer, PrivateKeyDer};
use rustls::server::{NoServerSessionStorage, ServerConfig, WebPkiClientVerifier};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use super::connection::Connection;
use super::state::CentreState;
use super::{CentreError, CentrePapers, api};

const KEEP_ALIVE: Duration = Duration::from_secs(75);
const HANDSHAKE: Duration = Duration::from_secs(5);
const MOST_CONNECTIONS: usize = 1_024;
const BACKLOG: u32 = 256;
/// Between two tries when accepting or listening fails for want of resources.
const PAUSE: Duration = Duration::from_millis(50);

/// TLS 1.3 with a client certificate of one of `terminal_authorities`, required and on none of the lists `revoked`. No
/// resumption: it would let a client in on the strength of an earlier check.
pub(super) fn tls_config(
    certificates: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
    terminal_authorities: &[CertificateDer<'static>],
    revoked: Vec<CertificateRevocationListDer<'static>>,
) -> Result<ServerConfig, CentreError> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut roots = RootCertStore::empty();
    for authority in terminal_authorities {
        roots.add(authority.clone())?;
    }
    let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider));
    let verifier = verifier.with_crls(revoked).build()?;
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])?
        .with_client_cert_verifier(verifier)
        .with_single_cert(certificates, key)?;
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config.send_tls13_tickets = 0;
    Ok(config)
}

/// Takes the port. The socket never listens: it holds the port while the line is down, so that it can come back.
pub(super) fn reserve(address: SocketAddr) -> io::Result<(TcpSocket, SocketAddr)> {
    let socket = bound(address)?;
    let address = socket.local_addr()?;
    Ok((socket, address))
}

fn bound(address: SocketAddr) -> io::Result<TcpSocket> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    // Lets this listener share the port with the reserving socket, never with another listener.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    Ok(socket)
}

/// Serves until `stop` turns true or its sender is gone. `ready` is told once how the first listening went.
pub(super) async fn serve(
    address: SocketAddr,
    state: Arc<CentreState>,
    papers: CentrePapers,
    mut stop: watch::Receiver<bool>,
    ready: std::sync::mpsc::Sender<io::Result<()>>,
) {
    let mut ready = Some(ready);
    let http = match service(Arc::clone(&state)).await {
        Ok(http) => Rc::new(http),
        Err(error) => return report(&mut ready, Err(error)),
    };
    let mut line = state.faults().watch_line();
    let mut connections = JoinSet::new();
    loop {
        if *line.borrow_and_update() {
            connections.shutdown().await;
            report(&mut ready, Ok(()));
            tokio::select! {
                _ = line.changed() => continue,
                _ = stop.changed() => break,
            }
        }
        let listener = match bound(address).and_then(|socket| socket.listen(BACKLOG)) {
            Ok(listener) => listener,
            Err(error) if ready.is_some() => {
                report(&mut ready, Err(error));
                break;
            }
            Err(error) => {
                tracing::warn!(%error, "the centre can't listen again yet");
                tokio::time::sleep(PAUSE).await;
                continue;
            }
        };
        report(&mut ready, Ok(()));
        tokio::select! {
            () = accept(&listener, &state, &papers, &http, &mut connections) => {}
            _ = line.changed() => {}
            _ = stop.changed() => break,
        }
    }
    connections.shutdown().await;
}

fn report(ready: &mut Option<std::sync::mpsc::Sender<io::Result<()>>>, outcome: io::Result<()>) {
    if let Some(ready) = ready.take() {
        // The receiver waits in `Centre::start`; if it is gone, so is the centre.
        let _ = ready.send(outcome);
    }
}

async fn accept<S>(
    listener: &TcpListener,
    state: &CentreState,
    papers: &CentrePapers,
    http: &Rc<S>,
    connections: &mut JoinSet<()>,
) where
    S: Service<Accepted, Response = ()> + 'static,
    S::Future: 'static,
{
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) if state.faults().take_connection_reset() => reset(stream),
                Ok((stream, peer)) if connections.len() < MOST_CONNECTIONS => match papers.tls() {
                    Ok(tls) => {
                        connections.spawn_local(connection(stream, peer, tls.into(), Rc::clone(http)));
                    }
                    Err(error) => tracing::warn!(%error, "the centre has no papers to show"),
                },
                Ok((stream, _)) => drop(stream),
                Err(error) => {
                    tracing::warn!(%error, "the centre could not accept a connection");
                    tokio::time::sleep(PAUSE).await;
                }
            },
            Some(_) = connections.join_next() => {}
        }
    }
}

/// One connection, from its handshake to its end.
async fn connection<S>(stream: TcpStream, peer: SocketAddr, tls: TlsAcceptor, http: Rc<S>)
where
    S: Service<Accepted, Response = ()>,
{
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "the connection was gone at once");
        return;
    }
    let stream = match tokio::time::timeout(HANDSHAKE, tls.accept(stream)).await {
        Ok(Ok(stream)) => stream,
        Ok(Err(error)) => return tracing::info!(%error, "the centre turned a client away"),
        Err(_) => return tracing::info!("a client did not finish its TLS handshake"),
    };
    if std::future::poll_fn(|context| http.poll_ready(context)).await.is_ok() {
        // How a connection ends, well or badly, concerns nobody else.
        let _ = http.call((stream, Protocol::Http1, Some(peer))).await;
    }
}

/// Closes with RST instead of FIN.
fn reset(stream: TcpStream) {
    if let Err(error) = stream.set_zero_linger() {
        tracing::debug!(%error, "the connection is closed instead of reset");
    }
}

/// What the HTTP service takes: a connection that is through its handshake.
type Accepted = (TlsStream<TcpStream>, Protocol, Option<SocketAddr>);

async fn service(
    state: Arc<CentreState>,
) -> io::Result<impl Service<Accepted, Response = (), Future: 'static>> {
    let app = App::new().app_data(Data::from(state)).wrap(from_fn(api::faulty)).configure(api::configure);
    let factory = HttpService::build()
        .keep_alive(KEEP_ALIVE)
        .secure()
        .on_connect_ext(|stream, extensions| {
            extensions.insert(Connection::of(stream));
        })
        .finish(map_config(app.into_factory(), |()| AppConfig::default()));
    factory.new_service(()).await.map_err(|()| io::Error::other("the HTTP service could not be built"))
}
