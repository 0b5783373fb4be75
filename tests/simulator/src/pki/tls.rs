//! Invented TLS authorities: one per purpose (the centre's servers, the terminals, the device link), so that a
//! certificate made for one purpose is worth nothing for another.
//!
//! All keys are ECDSA P-256. Nothing here is secret: the authorities live as long as the simulated hospital.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use rcgen::{
    BasicConstraints, Certificate, CertificateParams, CertificateRevocationListParams,
    CertificateSigningRequestParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer,
    KeyIdMethod, KeyPair, KeyUsagePurpose, RevokedCertParams, SerialNumber,
};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};

const DAY: Duration = Duration::from_secs(86_400);

/// Why a certificate or its file could not be made.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// The certificate could not be built: most often a subject alternative name that is no DNS name.
    #[error("the certificate could not be made: {0}")]
    Certificate(#[from] rcgen::Error),
    /// A PEM file could not be written.
    #[error("{path} could not be written: {source}; check that the folder exists and is writable", path = path.display())]
    Write {
        /// The file in question.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
}

/// When a certificate is valid.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Validity {
    /// First moment of validity.
    pub from: SystemTime,
    /// Last moment of validity.
    pub until: SystemTime,
}

impl Validity {
    /// Valid since yesterday and for `days` days from now.
    pub fn days(days: u32) -> Self {
        let now = SystemTime::now();
        Self { from: now - DAY, until: now + DAY * days }
    }

    /// Was valid once and has been expired for a day.
    pub fn expired() -> Self {
        let now = SystemTime::now();
        Self { from: now - DAY * 30, until: now - DAY }
    }
}

/// A certificate authority for one purpose.
pub struct TlsAuthority {
    issuer: Issuer<'static, KeyPair>,
    certificate: Certificate,
}

impl TlsAuthority {
    /// Makes an authority with a fresh P-256 key, valid for ten years.
    pub fn new(common_name: &str) -> Result<Self, TlsError> {
        let key = KeyPair::generate()?;
        let mut params = parameters(common_name, Validity::days(3_650), &[])?;
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let certificate = params.self_signed(&key)?;
        Ok(Self { issuer: Issuer::new(params, key), certificate })
    }

    /// The authority's own certificate, for the other side's list of trusted roots.
    pub fn certificate_der(&self) -> CertificateDer<'static> {
        self.certificate.der().clone()
    }

    /// The same as PEM text.
    pub fn certificate_pem(&self) -> String {
        self.certificate.pem()
    }

    /// Writes the authority's certificate (never its key) to `<folder>/<name>.pem` and returns the path.
    pub fn write(&self, folder: &Path, name: &str) -> Result<PathBuf, TlsError> {
        let path = folder.join(format!("{name}.pem"));
        write_file(&path, &self.certificate_pem(), 0o644)?;
        Ok(path)
    }

    /// Issues a server certificate for `names` (DNS names or IP addresses; the first one is the common name too).
    pub fn server(&self, names: &[&str], validity: Validity) -> Result<Identity, TlsError> {
        let common_name = names.first().copied().unwrap_or("localhost");
        self.issue(common_name, names, validity, ExtendedKeyUsagePurpose::ServerAuth)
    }

    /// Issues a client certificate whose common name is the terminal's or device's name.
    pub fn client(&self, common_name: &str, validity: Validity) -> Result<Identity, TlsError> {
        self.issue(common_name, &[], validity, ExtendedKeyUsagePurpose::ClientAuth)
    }

    /// The answer to a terminal's request (PKCS#10, PEM): a client certificate for its key and its name, PEM.
    pub fn answer(&self, request: &str, validity: Validity) -> Result<String, TlsError> {
        let mut request = CertificateSigningRequestParams::from_pem(request)?;
        let params = &mut request.params;
        (params.not_before, params.not_after) = (validity.from.into(), validity.until.into());
        params.is_ca = IsCa::ExplicitNoCa;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        Ok(request.signed_by(&self.issuer)?.pem())
    }

    /// A list of revoked certificates: these of its own. It is outdated from `until` on, and newer than those made before
    /// it.
    pub fn revoke(&self, revoked: &[&Identity], until: SystemTime) -> Result<String, TlsError> {
        let now = SystemTime::now();
        let since = now.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let number = u64::try_from(since.as_nanos()).unwrap_or(u64::MAX);
        let revoked = revoked.iter().map(|identity| RevokedCertParams {
            serial_number: identity.serial.clone(),
            revocation_time: (now - DAY).into(),
            reason_code: None,
            invalidity_date: None,
        });
        let list = CertificateRevocationListParams {
            this_update: (now - DAY * 2).into(),
            next_update: until.into(),
            crl_number: SerialNumber::from(number),
            issuing_distribution_point: None,
            revoked_certs: revoked.collect(),
            key_identifier_method: KeyIdMethod::Sha256,
        };
        Ok(list.signed_by(&self.issuer)?.pem()?)
    }

    fn issue(
        &self,
        common_name: &str,
        names: &[&str],
        validity: Validity,
        usage: ExtendedKeyUsagePurpose,
    ) -> Result<Identity, TlsError> {
        let key = KeyPair::generate()?;
        let mut params = parameters(common_name, validity, names)?;
        params.is_ca = IsCa::ExplicitNoCa;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![usage];
        params.use_authority_key_identifier_extension = true;
        // Below 2^63, so that it is positive in DER as it stands.
        let serial = SerialNumber::from(uuid::Uuid::new_v4().as_u64_pair().0 >> 1);
        params.serial_number = Some(serial.clone());
        let certificate = params.signed_by(&key, &self.issuer)?;
        Ok(Identity { certificate, serial, key: Arc::new(key) })
    }
}

fn parameters(common_name: &str, validity: Validity, names: &[&str]) -> Result<CertificateParams, TlsError> {
    let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    let mut params = CertificateParams::new(names)?;
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::OrganizationName, "Madoguchi simulator (invented)");
    params.distinguished_name.push(DnType::CommonName, common_name);
    params.not_before = validity.from.into();
    params.not_after = validity.until.into();
    Ok(params)
}

/// A leaf certificate with its key.
#[derive(Clone)]
pub struct Identity {
    certificate: Certificate,
    serial: SerialNumber,
    key: Arc<KeyPair>,
}

impl Identity {
    /// The certificate in DER.
    pub fn certificate_der(&self) -> CertificateDer<'static> {
        self.certificate.der().clone()
    }

    /// The private key in PKCS#8 DER.
    pub fn key_der(&self) -> PrivateKeyDer<'static> {
        PrivatePkcs8KeyDer::from(self.key.serialize_der()).into()
    }

    /// The certificate as PEM text.
    pub fn certificate_pem(&self) -> String {
        self.certificate.pem()
    }

    /// The private key as PKCS#8 PEM text.
    pub fn key_pem(&self) -> String {
        self.key.serialize_pem()
    }

    /// Writes `<folder>/<name>.pem` and `<folder>/<name>.key` (mode 0600).
    pub fn write(&self, folder: &Path, name: &str) -> Result<IdentityFiles, TlsError> {
        let files = IdentityFiles {
            certificate: folder.join(format!("{name}.pem")),
            key: folder.join(format!("{name}.key")),
        };
        write_file(&files.certificate, &self.certificate_pem(), 0o644)?;
        write_file(&files.key, &self.key_pem(), 0o600)?;
        Ok(files)
    }
}

/// Where an [`Identity`] was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdentityFiles {
    /// The certificate, PEM.
    pub certificate: PathBuf,
    /// The private key, PKCS#8 PEM, mode 0600.
    pub key: PathBuf,
}

/// Writes a file whose mode is right from its first byte on: an old file is removed first, since opening it would
/// keep its old mode.
fn write_file(path: &Path, text: &str, mode: u32) -> Result<(), TlsError> {
    let write = || {
        match fs::remove_file(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        OpenOptions::new().write(true).create_new(true).mode(mode).open(path)?.write_all(text.as_bytes())
    };
    write().map_err(|source| TlsError::Write { path: path.to_owned(), source })
}
