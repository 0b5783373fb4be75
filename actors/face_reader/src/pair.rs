//! The certificate that the box shows to whoever connects, with its key, followed as the files change.
//!
//! A new one is shown to whoever connects next once it is sound: key and certificate belong together, it is valid now, it
//! bears every name that the one before bore (whoever connects was given one of these), and a TLS handshake with it
//! succeeds. Until then the one before stays. Connections that stand are not touched.

use crate::tls::LinkSetupError;
use rustls::{
    ClientConfig, ClientConnection, DigitallySignedStruct, ServerConfig, ServerConnection, SignatureScheme,
    client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    crypto::{CryptoProvider, aws_lc_rs, verify_tls13_signature},
    pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime, pem::PemObject},
    server::{ClientHello, ResolvesServerCert},
    sign::CertifiedKey,
};
use std::{
    collections::BTreeSet,
    fs,
    net::Ipv4Addr,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    sync::{Arc, PoisonError, RwLock, Weak},
    time::Duration,
};
use tokio::{
    task::spawn_blocking,
    time::{MissedTickBehavior, interval},
};
use x509_parser::{certificate::X509Certificate, extensions::GeneralName, prelude::FromDer};

/// How often the files are looked at.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// A handshake is over after fewer turns.
const TURNS: usize = 8;

/// See the module. It answers rustls's question which certificate to show.
#[derive(Debug)]
pub struct ShownPair {
    certificate: PathBuf,
    key: PathBuf,
    /// Who else than its owner might use the key's file when it was read first.
    others: u32,
    shown: RwLock<Arc<CertifiedKey>>,
}

impl ShownPair {
    /// Reads certificate and key, PEM both; the certificate may have ended.
    ///
    /// # Errors
    /// [`LinkSetupError`] where they are none or don't belong together.
    pub fn read(certificate: &Path, key: &Path) -> Result<Arc<Self>, LinkSetupError> {
        let shown = RwLock::new(Arc::new(read(certificate, key)?));
        let others = others(key).unwrap_or_default();
        Ok(Arc::new(Self { certificate: certificate.into(), key: key.into(), others, shown }))
    }

    /// Follows the files for as long as somebody shows the pair. `told` hears whether changed files are not taken up,
    /// each time they were looked at. Needs a Tokio runtime.
    pub fn follow(self: &Arc<Self>, told: impl Fn(bool) + Send + 'static) {
        tokio::spawn(follow(Arc::downgrade(self), self.marks(), told));
    }

    fn shown(&self) -> Arc<CertifiedKey> {
        self.shown.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Shows what the files have now, where that is sound.
    fn take_up(&self) -> Result<(), LinkSetupError> {
        let new = Arc::new(read(&self.certificate, &self.key)?);
        if others(&self.key).unwrap_or_default() & !self.others != 0 {
            return Err(LinkSetupError::Tls("others can read the new key; chmod 600 it".into()));
        }
        check(&new, &self.shown()).map_err(LinkSetupError::Tls)?;
        *self.shown.write().unwrap_or_else(PoisonError::into_inner) = new;
        Ok(())
    }

    fn marks(&self) -> [Mark; 2] {
        [&self.certificate, &self.key].map(|file| {
            let data = fs::metadata(file).ok()?;
            Some((data.len(), data.mtime(), data.mtime_nsec(), data.ino()))
        })
    }
}

impl ResolvesServerCert for ShownPair {
    fn resolve(&self, _hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.shown())
    }
}

/// What tells that a file was changed: size, time of change in nanoseconds, and the file itself.
type Mark = Option<(u64, i64, i64, u64)>;

async fn follow(pair: Weak<ShownPair>, mut seen: [Mark; 2], told: impl Fn(bool)) {
    let mut ticks = interval(LOOK_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut changed = false;
    let mut said = String::new();
    loop {
        ticks.tick().await;
        let Some(pair) = pair.upgrade() else { return };
        // A disk may hang.
        let looked = spawn_blocking(move || {
            let marks = pair.marks();
            // Once more after a change: two files are seldom changed in the same instant.
            let settled = changed && marks == seen;
            (marks, settled.then(|| pair.take_up()))
        });
        let Ok((marks, taken)) = looked.await else { continue };
        changed |= marks != seen;
        seen = marks;
        match taken {
            None => {}
            Some(Ok(())) => {
                changed = false;
                said.clear();
                tracing::info!("changed certificate files are taken up");
                told(false);
            }
            // They are looked at again and again: what has not begun may do so.
            Some(Err(why)) => {
                let why = why.to_string();
                if said != why {
                    tracing::warn!(why, "changed certificate files are not taken up");
                    said = why;
                }
                told(true);
            }
        }
    }
}

/// The bits of a file's mode that are not its owner's.
fn others(file: &Path) -> Option<u32> {
    Some(fs::metadata(file).ok()?.mode() & 0o077)
}

fn read(certificate: &Path, key: &Path) -> Result<CertifiedKey, LinkSetupError> {
    let chain = certificates(certificate)?;
    let key = PrivateKeyDer::from_pem_file(key).map_err(pem(key))?;
    CertifiedKey::from_der(chain, key, &aws_lc_rs::default_provider())
        .map_err(|error| LinkSetupError::Tls(error.to_string()))
}

/// All certificates of a PEM file, of which there is one at least.
pub(crate) fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, LinkSetupError> {
    let found: Vec<_> = CertificateDer::pem_file_iter(path).and_then(Iterator::collect).map_err(pem(path))?;
    if found.is_empty() {
        return Err(pem(path)(rustls::pki_types::pem::Error::NoItemsFound));
    }
    Ok(found)
}

fn pem(path: &Path) -> impl FnOnce(rustls::pki_types::pem::Error) -> LinkSetupError {
    move |source| LinkSetupError::Pem { path: path.to_owned(), source }
}

/// Whether `new` can take the place of `old`, or why not.
fn check(new: &Arc<CertifiedKey>, old: &CertifiedKey) -> Result<(), String> {
    let [leaf, former] = [&**new, old].map(|pair| pair.end_entity_cert().map_err(|error| error.to_string()));
    let (leaf, former) = (leaf?, former?);
    let parsed = parse(leaf)?;
    if !parsed.validity().is_valid() {
        return Err("the certificate has ended or not begun".into());
    }
    let missing: Vec<_> = names(&parse(former)?).difference(&names(&parsed)).cloned().collect();
    if !missing.is_empty() {
        return Err(format!("the certificate lacks what the one before bore: {}", missing.join(", ")));
    }
    prove(new).map_err(|error| error.to_string())
}

fn parse<'a>(der: &'a CertificateDer<'_>) -> Result<X509Certificate<'a>, String> {
    X509Certificate::from_der(der).map(|(_, certificate)| certificate).map_err(|error| error.to_string())
}

fn names(certificate: &X509Certificate<'_>) -> BTreeSet<String> {
    let found = certificate.subject_alternative_name().ok().flatten();
    let names = found.iter().flat_map(|names| &names.value.general_names);
    let written = |name: &GeneralName<'_>| match name {
        GeneralName::DNSName(name) => (*name).to_owned(),
        GeneralName::IPAddress([a, b, c, d]) => Ipv4Addr::new(*a, *b, *c, *d).to_string(),
        other => other.to_string(),
    };
    names.map(written).collect()
}

/// A handshake in memory, in which the other end looks whether the certificate's key signs.
fn prove(pair: &Arc<CertifiedKey>) -> Result<(), Box<dyn std::error::Error>> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let versions = &[&rustls::version::TLS13];
    let server = ServerConfig::builder_with_provider(provider.clone())
        .with_protocol_versions(versions)?
        .with_no_client_auth()
        .with_cert_resolver(Arc::new(Just(pair.clone())));
    let client = ClientConfig::builder_with_provider(provider.clone())
        .with_protocol_versions(versions)?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Signed(provider)))
        .with_no_client_auth();
    let mut server = ServerConnection::new(Arc::new(server))?;
    let mut client = ClientConnection::new(Arc::new(client), ServerName::try_from("localhost")?)?;
    for _ in 0..TURNS {
        let (mut out, mut back) = (Vec::new(), Vec::new());
        while client.wants_write() {
            client.write_tls(&mut out)?;
        }
        server.read_tls(&mut &out[..])?;
        server.process_new_packets()?;
        while server.wants_write() {
            server.write_tls(&mut back)?;
        }
        client.read_tls(&mut &back[..])?;
        client.process_new_packets()?;
        if !client.is_handshaking() && !server.is_handshaking() {
            return Ok(());
        }
    }
    Err("no handshake came about".into())
}

/// One certificate for whoever asks.
#[derive(Debug)]
struct Just(Arc<CertifiedKey>);

impl ResolvesServerCert for Just {
    fn resolve(&self, _hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.0.clone())
    }
}

/// Looks at the signature only: which authorities those who connect trust is not known here.
#[derive(Debug)]
struct Signed(Arc<CryptoProvider>);

impl ServerCertVerifier for Signed {
    fn verify_server_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _certificate: &CertificateDer<'_>,
        _signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Err(rustls::Error::General("TLS 1.3 only".into()))
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signed, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
mod tests {
    use super::*;
    use rcgen::{CertificateParams, KeyPair, date_time_ymd};
    use std::os::unix::fs::PermissionsExt;

    /// A pair for these names that ends in this year.
    fn pair(names: &[&str], ends: i32) -> Arc<CertifiedKey> {
        let key = KeyPair::generate().unwrap();
        let mut parameters =
            CertificateParams::new(names.iter().map(ToString::to_string).collect::<Vec<_>>()).unwrap();
        (parameters.not_before, parameters.not_after) =
            (date_time_ymd(2020, 1, 1), date_time_ymd(ends, 1, 1));
        let certificate = parameters.self_signed(&key).unwrap();
        let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
        let chain = vec![certificate.der().clone()];
        Arc::new(CertifiedKey::from_der(chain, key, &aws_lc_rs::default_provider()).unwrap())
    }

    #[test]
    fn what_is_valid_and_bears_the_same_names_takes_the_place_of_the_one_before() {
        let old = pair(&["localhost", "192.0.2.1"], 2024);
        assert_eq!(check(&pair(&["192.0.2.1", "new.example", "localhost"], 2099), &old), Ok(()));
        let ended = check(&pair(&["localhost", "192.0.2.1"], 2024), &old).unwrap_err();
        assert!(ended.contains("has ended"), "{ended}");
        let nameless = check(&pair(&["localhost"], 2099), &old).unwrap_err();
        assert!(nameless.contains("192.0.2.1"), "{nameless}");
    }

    #[test]
    fn a_key_that_others_can_read_is_not_taken_up() {
        let folder = tempfile::tempdir().unwrap();
        let [certificate, key] = ["pem", "key"].map(|name| folder.path().join(name));
        let write = |mode| {
            let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
            fs::write(&certificate, made.cert.pem()).unwrap();
            fs::write(&key, made.signing_key.serialize_pem()).unwrap();
            fs::set_permissions(&key, fs::Permissions::from_mode(mode)).unwrap();
            made.cert.der().clone()
        };
        let first = write(0o600);
        let pair = ShownPair::read(&certificate, &key).unwrap();
        write(0o644);
        assert!(pair.take_up().unwrap_err().to_string().contains("others can read"));
        assert_eq!(pair.shown().cert, [first]);
        let third = write(0o600);
        pair.take_up().unwrap();
        assert_eq!(pair.shown().cert, [third]);
    }

    #[test]
    fn a_key_that_is_another_ones_does_not_pass_the_handshake() {
        let (one, other) = (pair(&["localhost"], 2099), pair(&["localhost"], 2099));
        let mixed = CertifiedKey::new(one.cert.clone(), other.key.clone());
        assert!(prove(&Arc::new(mixed)).is_err());
        assert!(prove(&one).is_ok());
    }
}
