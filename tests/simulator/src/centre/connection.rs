//! What the centre keeps about a connection: who is at the other end, and a way to cut it.

use std::net::{Shutdown, TcpStream};
use std::os::fd::AsFd;

use tokio::net::TcpStream as AsyncStream;
use tokio_rustls::server::TlsStream;

/// Attached to each connection once its TLS handshake is through.
pub(super) struct Connection {
    /// The common name of the client certificate; empty when it has none, which fits no statement.
    pub terminal: String,
    /// A second handle on the same socket. `None` when the machine is out of descriptors.
    socket: Option<TcpStream>,
}

impl Connection {
    pub(super) fn of(stream: &TlsStream<AsyncStream>) -> Self {
        let (socket, session) = stream.get_ref();
        let terminal = session.peer_certificates().and_then(|chain| common_name(chain.first()?));
        Self {
            terminal: terminal.unwrap_or_default(),
            socket: socket.as_fd().try_clone_to_owned().ok().map(TcpStream::from),
        }
    }

    /// Cuts the connection: what is written to it from now on reaches nobody.
    pub(super) fn cut(&self) {
        if let Some(socket) = &self.socket
            && let Err(error) = socket.shutdown(Shutdown::Both)
        {
            tracing::debug!(%error, "the connection was gone already");
        }
    }
}

fn common_name(der: &[u8]) -> Option<String> {
    let (_, certificate) = x509_parser::parse_x509_certificate(der).ok()?;
    let name = certificate.subject().iter_common_name().next()?;
    name.as_str().ok().map(str::to_owned)
}
