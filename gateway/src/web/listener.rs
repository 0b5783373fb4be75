//! Where the page is reached, and what protects the gateway from whoever reaches it: TLS wherever that is not the box
//! itself, and limits on size, time and number (`guard` adds those on rate). The page has a thread of its own that
//! yields to the actors' threads: visits go first.

use super::{certificate, guard, routes, site::Site};
use crate::config::Web;
use actix_web::{
    App, HttpServer,
    dev::{Server, ServerHandle},
    http::header,
    middleware::{DefaultHeaders, from_fn},
    web::{Data, FormConfig, JsonConfig, PayloadConfig},
};
use anyhow::{Context, Result};
use std::{
    fs,
    net::TcpListener,
    os::unix::{fs::PermissionsExt, net::UnixListener},
    path::Path,
    time::Duration,
};
use tokio::sync::watch;

/// The largest request body: a configuration of many lanes, whose every character is escaped.
pub(super) const MAX_BODY: usize = 1024 * 1024;
/// The largest JSON of a program: an act is a few words.
const MAX_JSON: usize = 4 * 1024;
/// How long a client may take to send the head of a request. A slower one is let go.
pub(super) const HEAD_WITHIN: Duration = Duration::from_secs(5);
/// How long a connection may wait for its next request.
const KEPT_ALIVE: Duration = Duration::from_secs(30);
/// How long a TLS handshake may take.
const HANDSHAKE_WITHIN: Duration = Duration::from_secs(5);
/// Connections at once. A browser has six, and a hospital a few dozen of these.
const CONNECTIONS: usize = 512;
/// TLS handshakes at once: each takes a processor for a millisecond.
const HANDSHAKES: usize = 16;
/// How far the page's thread stands behind all others when they want the processor too.
const YIELDS: i32 = 10;

/// What may be loaded and where forms may go: this page's own files, and nothing inline.
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; \
     connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'";

/// How the page is reached.
pub(super) enum Way {
    /// On the box itself.
    Plain(TcpListener),
    /// From the counter network.
    Tls(TcpListener, Box<rustls::ServerConfig>),
    /// By a program on the box, such as a reverse proxy, that may use the socket.
    Unix(UnixListener),
}

impl Way {
    /// As the configuration wants it; listens already. `untaken` says whether changed certificate files are not taken up.
    pub(super) fn of(web: &Web, state_directory: &Path, untaken: &watch::Sender<bool>) -> Result<Self> {
        untaken.send_replace(false);
        if let Some(socket) = &web.socket {
            let what = || format!("the page can't listen on {} (web.socket)", socket.display());
            // Left by a gateway that was killed; a running one holds the state directory's lock.
            if socket.exists() {
                fs::remove_file(socket).with_context(what)?;
            }
            let listener = UnixListener::bind(socket).with_context(what)?;
            // Whoever may use it is said by its group.
            fs::set_permissions(socket, fs::Permissions::from_mode(0o660)).with_context(what)?;
            return Ok(Self::Unix(listener));
        }
        let listener = TcpListener::bind(web.listen).with_context(|| {
            format!("the page can't listen on {} (web.listen); is the gateway running already?", web.listen)
        })?;
        Ok(match certificate::of(web, state_directory, untaken)? {
            Some(tls) => Self::Tls(listener, Box::new(tls)),
            None => Self::Plain(listener),
        })
    }

    /// What a browser is told.
    pub(super) fn address(&self) -> String {
        let of =
            |listener: &TcpListener| listener.local_addr().map_or("?".into(), |address| address.to_string());
        match self {
            Self::Plain(listener) => format!("http://{}", of(listener)),
            Self::Tls(listener, _) => format!("https://{}", of(listener)),
            Self::Unix(_) => "the page".into(),
        }
    }
}

/// Headers of every answer that has not its own.
fn headers(secure: bool) -> DefaultHeaders {
    let headers = DefaultHeaders::new()
        .add((header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY))
        .add((header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .add((header::X_FRAME_OPTIONS, "DENY"))
        // Without the origin, which "no-referrer" takes away, forms could not be told from forged ones.
        .add((header::REFERRER_POLICY, "same-origin"))
        .add((header::CACHE_CONTROL, "no-store"))
        .add(("cross-origin-opener-policy", "same-origin"))
        .add(("cross-origin-resource-policy", "same-origin"));
    if secure { headers.add((header::STRICT_TRANSPORT_SECURITY, "max-age=31536000")) } else { headers }
}

/// Serves the page until the handle is stopped.
pub(super) fn serve(site: Data<Site>, way: Way) -> Result<ServerHandle> {
    let server = HttpServer::new(move || {
        // Of the calling thread only; one that can't be made to yield serves all the same.
        let _ = rustix::process::setpriority_process(None, YIELDS);
        App::new()
            .app_data(site.clone())
            .app_data(PayloadConfig::new(MAX_BODY))
            .app_data(FormConfig::default().limit(MAX_BODY))
            .app_data(JsonConfig::default().limit(MAX_JSON))
            .wrap(from_fn(guard::guard))
            .wrap(headers(site.secure()))
            .configure(routes)
    })
    .workers(1)
    .max_connections(CONNECTIONS)
    .max_connection_rate(HANDSHAKES)
    .client_request_timeout(HEAD_WITHIN)
    .keep_alive(KEPT_ALIVE)
    .tls_handshake_timeout(HANDSHAKE_WITHIN)
    .shutdown_timeout(1)
    .disable_signals();
    let server: Server = match way {
        Way::Plain(listener) => server.listen(listener)?,
        Way::Tls(listener, tls) => server.listen_rustls_0_23(listener, *tls)?,
        Way::Unix(listener) => server.listen_uds(listener)?,
    }
    .run();
    let handle = server.handle();
    tokio::spawn(server);
    Ok(handle)
}
