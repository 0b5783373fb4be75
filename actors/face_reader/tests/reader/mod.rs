//! The other end of the device link for tests: certificates made on the spot and a reader that says
//! exactly what it is told, sound or not.

use madoguchi_face_reader::{
    Timings,
    link::{FaceReaderLink, LinkEvent},
    tls::{LinkSettings, TlsLink},
};
use madoguchi_protocol::{
    LaneId,
    device::{self, FrameBuffer, FromReader, Hello, Screen, ToReader},
};
use rcgen::{BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair};
use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, PrivateKeyDer, ServerName},
};
use std::{sync::Arc, time::Duration};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::{sleep, timeout},
};
use tokio_rustls::{TlsConnector, client::TlsStream};

pub struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pub pem: String,
    der: CertificateDer<'static>,
}

pub struct Identity {
    pub pem: String,
    pub key_pem: String,
    der: CertificateDer<'static>,
    key: PrivateKeyDer<'static>,
}

impl Authority {
    pub fn new() -> Self {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let certificate = params.self_signed(&key).unwrap();
        Self { pem: certificate.pem(), der: certificate.der().clone(), issuer: Issuer::new(params, key) }
    }

    pub fn issue(&self, name: &str, client: bool) -> Identity {
        let key = KeyPair::generate().unwrap();
        let names = if client { vec![] } else { vec![name.to_string()] };
        let mut params = CertificateParams::new(names).unwrap();
        params.distinguished_name.push(DnType::CommonName, name);
        params.extended_key_usages = vec![if client {
            ExtendedKeyUsagePurpose::ClientAuth
        } else {
            ExtendedKeyUsagePurpose::ServerAuth
        }];
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        Identity {
            pem: certificate.pem(),
            der: certificate.der().clone(),
            key_pem: key.serialize_pem(),
            key: PrivateKeyDer::try_from(key.serialize_der()).unwrap(),
        }
    }
}

/// Certificates in a folder of their own and a free address.
pub struct Bench {
    pub folder: tempfile::TempDir,
    pub settings: LinkSettings,
    authority: Authority,
}

impl Bench {
    pub fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let authority = Authority::new();
        let server = authority.issue("localhost", false);
        let write = |name: &str, text: &str| {
            let path = folder.path().join(name);
            std::fs::write(&path, text).unwrap();
            path
        };
        let settings = LinkSettings {
            listen: std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap(),
            certificate: write("server.pem", &server.pem),
            key: write("server.key", &server.key_pem),
            client_ca: write("ca.pem", &authority.pem),
            reader_name: None,
            maker: None,
        };
        Self { folder, settings, authority }
    }

    /// Puts this in the place of the box's certificate.
    pub fn replace_certificate(&self, by: &Identity) {
        std::fs::write(&self.settings.certificate, &by.pem).unwrap();
    }

    /// Puts this in the place of the box's key.
    pub fn replace_key(&self, by: &Identity) {
        std::fs::write(&self.settings.key, &by.key_pem).unwrap();
    }

    /// Another certificate of the box.
    pub fn another(&self) -> Identity {
        self.authority.issue("localhost", false)
    }

    /// Waits until whoever connects is shown this certificate.
    pub async fn until_shown(&self, expected: &Identity) {
        for _ in 0..200 {
            let reader = self.reader("face-reader-1").await;
            if reader.stream.get_ref().1.peer_certificates().unwrap()[0] == expected.der {
                return;
            }
            sleep(Duration::from_millis(100)).await;
        }
        panic!("the new certificate is not shown");
    }

    pub fn link(&self, timings: Timings) -> TlsLink {
        TlsLink::start(LaneId::new(1).unwrap(), &self.settings, timings).unwrap()
    }

    pub async fn tcp(&self) -> TcpStream {
        for _ in 0..200 {
            if let Ok(stream) = TcpStream::connect(self.settings.listen).await {
                return stream;
            }
            sleep(Duration::from_millis(20)).await;
        }
        panic!("the link does not listen on {}", self.settings.listen);
    }

    pub async fn connect(&self, identity: Option<Identity>) -> std::io::Result<Reader> {
        let mut roots = RootCertStore::empty();
        roots.add(self.authority.der.clone()).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots);
        let config = match identity {
            Some(identity) => config.with_client_auth_cert(vec![identity.der], identity.key).unwrap(),
            None => config.with_no_client_auth(),
        };
        let name = ServerName::try_from("localhost").unwrap();
        let stream = TlsConnector::from(Arc::new(config)).connect(name, self.tcp().await).await?;
        Ok(Reader { stream, buffer: FrameBuffer::default() })
    }

    pub async fn reader(&self, name: &str) -> Reader {
        self.connect(Some(self.authority.issue(name, true))).await.unwrap()
    }

    /// A reader that was welcomed and that `link` has heard of.
    pub async fn greeted(&self, link: &mut TlsLink) -> Reader {
        let mut reader = self.reader("face-reader-1").await;
        reader.say(&FromReader::Hello(hello())).await;
        assert!(matches!(reader.hear().await, Some(ToReader::Welcome { .. })));
        loop {
            match timeout(Duration::from_secs(5), link.receive()).await.unwrap() {
                // Somebody before.
                LinkEvent::Refused(_) => {}
                up => {
                    assert_eq!(up, LinkEvent::Up(hello()));
                    return reader;
                }
            }
        }
    }
}

pub struct Reader {
    stream: TlsStream<TcpStream>,
    buffer: FrameBuffer,
}

impl Reader {
    pub async fn say(&mut self, frame: &FromReader) {
        self.say_raw(&device::encode_frame(frame).unwrap()).await;
    }

    pub async fn try_say(&mut self, frame: &FromReader) -> bool {
        self.try_say_raw(&device::encode_frame(frame).unwrap()).await
    }

    pub async fn say_raw(&mut self, bytes: &[u8]) {
        assert!(self.try_say_raw(bytes).await, "the box takes what the reader says");
    }

    pub async fn try_say_raw(&mut self, bytes: &[u8]) -> bool {
        self.stream.write_all(bytes).await.is_ok() && self.stream.flush().await.is_ok()
    }

    /// The next frame, or nothing when the box has closed.
    pub async fn hear(&mut self) -> Option<ToReader> {
        loop {
            if let Some(body) = self.buffer.next_body().unwrap() {
                return Some(device::decode_frame(&body).unwrap());
            }
            let mut piece = [0; 4096];
            let read = timeout(Duration::from_secs(5), self.stream.read(&mut piece)).await;
            match read.expect("the box says something or closes within 5 s") {
                Ok(0) | Err(_) => return None,
                Ok(length) => self.buffer.push(&piece[..length]),
            }
        }
    }
}

pub fn framed(body: &[u8]) -> Vec<u8> {
    [&(body.len() as u32).to_be_bytes()[..], body].concat()
}

pub fn hello() -> Hello {
    Hello {
        version: 1,
        maker: "panasonic".into(),
        model: "test".into(),
        software: "1.2.3".into(),
        boot: "b1".into(),
        reads_phones: false,
        visit: None,
    }
}

pub fn screen(number: u32) -> Screen {
    Screen {
        number,
        kind: "idle".into(),
        language: "ja".into(),
        title: String::new(),
        text: String::new(),
        choices: vec![],
        pin_pad: None,
        visit: None,
    }
}
