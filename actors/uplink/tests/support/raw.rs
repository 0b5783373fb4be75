//! A centre that says exactly the bytes it is told to, behind the same TLS.

use super::{CENTRE, Papers};
use madoguchi_simulator::pki::tls::Validity;
use madoguchi_uplink::Settings;
use rustls::{ServerConfig, server::WebPkiClientVerifier};
use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};
use tokio_rustls::{TlsAcceptor, server::TlsStream};

/// What to say to a request: its head in, a whole HTTP response out.
pub type Script = Arc<dyn Fn(&str) -> Vec<u8> + Send + Sync>;

pub struct RawCentre {
    pub address: SocketAddr,
    pub papers: Papers,
    pub connections: Arc<AtomicUsize>,
    pub requests: Arc<AtomicUsize>,
    task: JoinHandle<()>,
}

impl Drop for RawCentre {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl RawCentre {
    pub async fn open(script: impl Fn(&str) -> Vec<u8> + Send + Sync + 'static) -> Self {
        Self::open_as(Validity::days(30), &[&rustls::version::TLS13], script).await
    }

    pub async fn open_as(
        validity: Validity,
        versions: &[&'static rustls::SupportedProtocolVersion],
        script: impl Fn(&str) -> Vec<u8> + Send + Sync + 'static,
    ) -> Self {
        let papers = Papers::new();
        let identity = papers.servers.server(&[CENTRE], validity).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let mut roots = rustls::RootCertStore::empty();
        roots.add(papers.terminals.certificate_der()).unwrap();
        let verifier =
            WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider.clone()).build().unwrap();
        let config = ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(versions)
            .unwrap()
            .with_client_cert_verifier(verifier)
            .with_single_cert(vec![identity.certificate_der()], identity.key_der())
            .unwrap();
        let tls = TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (connections, requests) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let (script, counts): (Script, _) = (Arc::new(script), (connections.clone(), requests.clone()));
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (tls, script, requests) = (tls.clone(), script.clone(), counts.1.clone());
                counts.0.fetch_add(1, Ordering::SeqCst);
                tokio::spawn(async move {
                    if let Ok(stream) = tls.accept(stream).await {
                        serve(stream, &script, &requests).await;
                    }
                });
            }
        });
        Self { address, papers, connections, requests, task }
    }

    pub fn settings(&self) -> Settings {
        self.papers.settings(self.address)
    }

    pub fn requests(&self) -> usize {
        self.requests.load(Ordering::SeqCst)
    }
}

async fn serve(mut stream: TlsStream<TcpStream>, script: &Script, requests: &AtomicUsize) {
    while let Some(head) = read_request(&mut stream).await {
        requests.fetch_add(1, Ordering::SeqCst);
        if stream.write_all(&script(&head)).await.is_err() || stream.flush().await.is_err() {
            return;
        }
    }
}

/// Reads one request with its body; `None` when the client has gone.
async fn read_request(stream: &mut TlsStream<TcpStream>) -> Option<String> {
    let mut bytes = Vec::new();
    let mut chunk = [0; 4096];
    loop {
        let end = bytes.windows(4).position(|four| four == b"\r\n\r\n").map(|at| at + 4);
        if let Some(end) = end {
            let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
            let length = head
                .lines()
                .find_map(|line| {
                    line.to_ascii_lowercase().strip_prefix("content-length:")?.trim().parse().ok()
                })
                .unwrap_or(0);
            if bytes.len() >= end + length {
                return Some(head);
            }
        }
        let read = stream.read(&mut chunk).await.ok().filter(|read| *read > 0)?;
        bytes.extend_from_slice(&chunk[..read]);
    }
}

/// A whole response with this status line, headers and body.
pub fn response(status: &str, headers: &str, body: &[u8]) -> Vec<u8> {
    let head = format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\n{headers}\r\n", body.len());
    [head.as_bytes(), body].concat()
}
