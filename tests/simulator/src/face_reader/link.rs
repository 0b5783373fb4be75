//! The reader's end of the device link: TLS 1.3 with a client certificate, frames, reconnecting.

use super::reader::{Inner, ReaderConfig};
use madoguchi_protocol::device::{self, FrameBuffer, FromReader, ToReader};
use rustls::{ClientConfig, RootCertStore, pki_types::ServerName};
use std::{io, sync::Arc, time::Duration};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::{sleep, timeout},
};
use tokio_rustls::{TlsConnector, client::TlsStream};

/// The pause before the next attempt to connect.
const RETRY: Duration = Duration::from_millis(100);
/// How long the box may take for TCP, TLS and the welcome.
const WELCOME_WITHIN: Duration = Duration::from_secs(10);

/// What the reader trusts and who it is.
pub(super) fn client_config(config: &ReaderConfig) -> Result<Arc<ClientConfig>, rustls::Error> {
    let mut roots = RootCertStore::empty();
    roots.add(config.authority.clone())?;
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let client = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])?
        .with_root_certificates(roots)
        .with_client_auth_cert(vec![config.identity.certificate_der()], config.identity.key_der())?;
    Ok(Arc::new(client))
}

/// Connects, serves, and connects again, for as long as the reader is switched on.
pub(super) async fn keep_connected(inner: Arc<Inner>, tls: Arc<ClientConfig>) {
    let mut power = inner.power.subscribe();
    loop {
        // Never fails: `inner` holds the sender.
        let Ok(now) = power.wait_for(|power| power.connect).await.map(|power| *power) else { return };
        let changed = async {
            power.wait_for(|power| *power != now).await.ok();
        };
        tokio::select! {
            result = one_connection(&inner, &tls) => {
                if let Err(error) = result {
                    tracing::debug!(address = %inner.config.address, %error, "device link");
                }
            }
            () = changed => {}
        }
        inner.lost();
        if inner.power.borrow().connect {
            sleep(RETRY).await;
        }
    }
}

async fn one_connection(inner: &Arc<Inner>, tls: &Arc<ClientConfig>) -> io::Result<()> {
    let mut wire = timeout(WELCOME_WITHIN, Wire::connect(inner, tls)).await??;
    wire.say(&FromReader::Hello(inner.hello())).await?;
    let lane = match timeout(WELCOME_WITHIN, wire.hear()).await?? {
        Some(ToReader::Welcome { lane, .. }) => lane,
        Some(other) => {
            inner.obey(other);
            return Ok(());
        }
        None => return Ok(()),
    };
    let mut to_send = inner.welcomed(lane);
    loop {
        tokio::select! {
            heard = wire.hear() => match heard? {
                Some(frame) => inner.obey(frame),
                None => return Ok(()),
            },
            Some(frame) = to_send.recv() => wire.say(&frame).await?,
        }
    }
}

struct Wire {
    stream: TlsStream<TcpStream>,
    buffer: FrameBuffer,
}

impl Wire {
    async fn connect(inner: &Inner, tls: &Arc<ClientConfig>) -> io::Result<Self> {
        let stream = TcpStream::connect(inner.config.address).await?;
        stream.set_nodelay(true)?;
        let name = ServerName::try_from(inner.config.server_name.clone()).map_err(io::Error::other)?;
        let stream = TlsConnector::from(tls.clone()).connect(name, stream).await?;
        Ok(Self { stream, buffer: FrameBuffer::default() })
    }

    async fn say(&mut self, frame: &FromReader) -> io::Result<()> {
        let bytes = device::encode_frame(frame).map_err(io::Error::other)?;
        self.stream.write_all(&bytes).await?;
        self.stream.flush().await
    }

    /// The next frame; nothing at the end. Cancel-safe: what has arrived stays in the buffer.
    async fn hear(&mut self) -> io::Result<Option<ToReader>> {
        loop {
            if let Some(body) = self.buffer.next_body().map_err(io::Error::other)? {
                return device::decode_frame(&body).map(Some).map_err(io::Error::other);
            }
            let mut piece = [0; 4096];
            match self.stream.read(&mut piece).await? {
                0 => return Ok(None),
                length => self.buffer.push(&piece[..length]),
            }
        }
    }
}
