//! What the centre shows and whom it lets in, as files that may change while it runs.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::pki_types::{CertificateDer, CertificateRevocationListDer, PrivateKeyDer, pem::PemObject};
use rustls::server::ServerConfig;

use super::CentreError;
use super::server::tls_config;
use crate::pki::tls::Identity;

/// The centre's certificate; its key is beside it as [`KEY`].
const CERTIFICATE: &str = "centre.pem";
const KEY: &str = "centre.key";
/// The authorities of the terminals' certificates.
const TERMINALS: &str = "terminal-ca.pem";
/// Lists of the terminals' revoked certificates; may be missing.
const REVOKED: &str = "terminals.crl.pem";

/// Where the centre's certificate, its key and the terminals' authorities come from.
#[derive(Clone)]
pub enum CentrePapers {
    /// They stay as they are.
    Fixed {
        /// The centre's server certificate.
        identity: Box<Identity>,
        /// The authorities whose client certificates are let in.
        terminal_authorities: Vec<CertificateDer<'static>>,
    },
    /// `centre.pem`, `centre.key`, `terminal-ca.pem` and, where it is there, `terminals.crl.pem` in this folder, read anew
    /// for each connection. A connection that stands is left alone.
    Files(PathBuf),
}

impl CentrePapers {
    /// For the next connection.
    pub(super) fn tls(&self) -> Result<Arc<ServerConfig>, CentreError> {
        let config = match self {
            Self::Fixed { identity, terminal_authorities } => tls_config(
                vec![identity.certificate_der()],
                identity.key_der(),
                terminal_authorities,
                Vec::new(),
            ),
            Self::Files(folder) => read(folder),
        };
        config.map(Arc::new)
    }
}

fn read(folder: &Path) -> Result<ServerConfig, CentreError> {
    let certificates = certificates(&folder.join(CERTIFICATE))?;
    let at = folder.join(KEY);
    let key = PrivateKeyDer::from_pem_file(&at).map_err(|error| unusable(&at, &error))?;
    let authorities = self::certificates(&folder.join(TERMINALS))?;
    let at = folder.join(REVOKED);
    let revoked = match std::fs::read(&at) {
        Ok(pem) => CertificateRevocationListDer::pem_slice_iter(&pem).collect::<Result<_, _>>(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => return Err(unusable(&at, &error)),
    };
    tls_config(certificates, key, &authorities, revoked.map_err(|error| unusable(&at, &error))?)
}

fn certificates(at: &Path) -> Result<Vec<CertificateDer<'static>>, CentreError> {
    let found = CertificateDer::pem_file_iter(at).and_then(Iterator::collect);
    found.map_err(|error| unusable(at, &error))
}

fn unusable(at: &Path, error: &dyn std::error::Error) -> CentreError {
    CentreError::File { path: at.to_owned(), problem: error.to_string() }
}
