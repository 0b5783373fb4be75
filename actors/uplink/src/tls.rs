//! The line's TLS: version 1.3, pinned CAs, a client certificate.

use crate::{
    settings::{Settings, SetupError},
    token::{TokenKey, TokenSettings},
};
use rustls::{
    ClientConfig, InconsistentKeys, RootCertStore,
    client::{Resumption, WebPkiServerVerifier},
    crypto::{CryptoProvider, aws_lc_rs},
    pki_types::{CertificateDer, CertificateRevocationListDer, PrivateKeyDer, pem::PemObject},
    sign::{CertifiedKey, SigningKey, SingleCertAndKey},
};
use std::{
    fs::File,
    io::Read,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    sync::Arc,
};
use zeroize::Zeroizing;

/// No certificate or key file is larger, in bytes.
const MAX_FILE: u64 = 256 * 1024;

pub(crate) fn file_error(path: &Path, problem: impl Into<String>) -> SetupError {
    SetupError::File { path: path.into(), problem: problem.into() }
}

fn read_file(path: &Path) -> Result<Vec<u8>, SetupError> {
    let unreadable = |error: std::io::Error| {
        file_error(path, format!("{error}; install the file or correct uplink's setting"))
    };
    let file = File::open(path).map_err(unreadable)?;
    let mut bytes = Vec::new();
    file.take(MAX_FILE + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    if bytes.len() as u64 > MAX_FILE {
        return Err(file_error(
            path,
            format!("larger than {MAX_FILE} bytes, so it is no certificate or key"),
        ));
    }
    Ok(bytes)
}

/// Every certificate of a PEM file; at least one.
pub(crate) fn read_certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, SetupError> {
    parse_certificates(&read_file(path)?, path)
}

/// Every certificate of a PEM text that stands at `path`, or is to; at least one.
pub(crate) fn parse_certificates(
    bytes: &[u8],
    path: &Path,
) -> Result<Vec<CertificateDer<'static>>, SetupError> {
    let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(bytes).collect();
    match certificates {
        Ok(certificates) if !certificates.is_empty() => Ok(certificates),
        Ok(_) => {
            Err(file_error(path, "holds no certificate; install one in PEM (-----BEGIN CERTIFICATE-----)"))
        }
        Err(error) => Err(file_error(path, format!("is no sound PEM ({error}); install it anew"))),
    }
}

/// Every list of revoked certificates in a PEM file; at least one.
pub(crate) fn read_crls(path: &Path) -> Result<Vec<CertificateRevocationListDer<'static>>, SetupError> {
    let bytes = read_file(path)?;
    let lists: Result<Vec<_>, _> = CertificateRevocationListDer::pem_slice_iter(&bytes).collect();
    match lists {
        Ok(lists) if !lists.is_empty() => Ok(lists),
        Ok(_) => Err(file_error(
            path,
            "holds no list of revoked certificates; install one in PEM (-----BEGIN X509 CRL-----)",
        )),
        Err(error) => Err(file_error(path, format!("is no sound PEM ({error}); install it anew"))),
    }
}

/// A private key's file as it is, after a look whether it holds one and who else may read it.
pub(crate) fn read_key_file(path: &Path) -> Result<Zeroizing<Vec<u8>>, SetupError> {
    read_key(path)?;
    Ok(Zeroizing::new(read_file(path)?))
}

/// A secret's file, after a look who else may read it.
pub(crate) fn read_secret(path: &Path) -> Result<Zeroizing<Vec<u8>>, SetupError> {
    let mode = std::fs::metadata(path).map(|data| data.permissions().mode()).unwrap_or(0);
    if mode & 0o007 != 0 {
        return Err(file_error(path, "every account of the box can read or write this secret; chmod 640 it"));
    }
    read_file(path).map(Zeroizing::new)
}

pub(crate) fn read_key(path: &Path) -> Result<PrivateKeyDer<'static>, SetupError> {
    let pem = read_secret(path)?;
    PrivateKeyDer::from_pem_slice(&pem).map_err(|error| {
        file_error(path, format!("holds no usable private key in PEM ({error}); install it anew"))
    })
}

fn roots(files: &[PathBuf]) -> Result<RootCertStore, SetupError> {
    if files.is_empty() {
        let problem = "names no file; name the CA of the centre's certificate".into();
        return Err(SetupError::Setting { key: "ca", problem });
    }
    let mut store = RootCertStore::empty();
    for path in files {
        for certificate in read_certificates(path)? {
            store.add(certificate).map_err(|error| file_error(path, format!("is no usable CA ({error})")))?;
        }
    }
    Ok(store)
}

/// The line's certificates, read, checked against each other and ready for use.
#[derive(Clone)]
pub struct Papers(pub(crate) ClientConfig);

impl Papers {
    /// Reads the settings' files.
    pub fn read(settings: &Settings) -> Result<Self, SetupError> {
        client_config(settings).map(Self)
    }
}

/// Judges the centre's certificate. With lists of revoked certificates, each of its chain must be covered by one that is
/// not outdated: a list that somebody holds back must not let a revoked certificate pass.
fn verifier(
    roots: RootCertStore,
    provider: Arc<CryptoProvider>,
    settings: &Settings,
) -> Result<Arc<WebPkiServerVerifier>, SetupError> {
    let mut lists = vec![];
    for path in &settings.crl {
        lists.extend(read_crls(path)?);
    }
    let builder = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider);
    let builder =
        if lists.is_empty() { builder } else { builder.with_crls(lists).enforce_revocation_expiration() };
    builder.build().map_err(|error| SetupError::Setting {
        key: "crl",
        problem: format!("can't be used ({error}); install the lists of the centre's CAs anew"),
    })
}

/// A certificate with its chain, and the private key that belongs to it, in a file or in a token.
pub(crate) fn pair(
    certificate: &Path,
    key: &Path,
    token: Option<&TokenSettings>,
) -> Result<CertifiedKey, SetupError> {
    let chain = read_certificates(certificate)?;
    let private: Arc<dyn SigningKey> =
        match (token, chain.first()) {
            (Some(token), Some(own)) => Arc::new(TokenKey::of(token, own)?),
            _ => aws_lc_rs::default_provider().key_provider.load_private_key(read_key(key)?).map_err(
                |error| file_error(key, format!("holds no usable private key ({error}); install it anew")),
            )?,
        };
    let pair = CertifiedKey::new(chain, private);
    // A token's key was found by the certificate; and a key that does not tell its public half is believed.
    match pair.keys_match() {
        Ok(()) | Err(rustls::Error::InconsistentKeys(InconsistentKeys::Unknown)) => Ok(pair),
        Err(error) => Err(SetupError::Pair {
            certificate: certificate.into(),
            key: key.into(),
            problem: error.to_string(),
        }),
    }
}

/// The client's configuration. Resumption is off: it would let a session outlive its certificates.
fn client_config(settings: &Settings) -> Result<ClientConfig, SetupError> {
    let roots = roots(&settings.ca)?;
    let provider = Arc::new(aws_lc_rs::default_provider());
    let verifier = verifier(roots, provider.clone(), settings)?;
    let pair = pair(&settings.certificate, &settings.key, settings.token.as_ref())?;
    let builder = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])
        .map_err(|error| SetupError::Client(error.to_string()))?;
    let mut config = builder
        .with_webpki_verifier(verifier)
        .with_client_cert_resolver(Arc::new(SingleCertAndKey::from(pair)));
    config.resumption = Resumption::disabled();
    Ok(config)
}
