//! Certificates like those of the national JPKI for user authentication (DOMAIN section 3), issued by
//! an authority invented on the spot: nothing here chains to the real one.
//!
//! Several CA generations share one name, so a verifier must choose the issuer by its key.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use aws_lc_rs::encoding::AsDer;
use jiff::{SignedDuration, Timestamp};
use rsa::pkcs1v15::{Pkcs1v15Sign, Signature, SigningKey};
use rsa::pkcs8::{DecodePrivateKey, EncodePrivateKey, LineEnding};
use rsa::sha2::Sha256;
use rsa::{RsaPrivateKey, RsaPublicKey};
use x509_cert::Certificate;
use x509_cert::attr::AttributeTypeAndValue;
use x509_cert::builder::{Builder, CertificateBuilder, Profile};
use x509_cert::der::asn1::{ObjectIdentifier, PrintableString, SetOfVec};
use x509_cert::der::{Any, DecodePem, Encode, EncodePem};
use x509_cert::ext::pkix::certpolicy::PolicyInformation;
use x509_cert::ext::pkix::{
    AuthorityKeyIdentifier, BasicConstraints, CertificatePolicies, KeyUsage, KeyUsages, SubjectKeyIdentifier,
};
use x509_cert::name::{Name, RdnSequence, RelativeDistinguishedName};
use x509_cert::serial_number::SerialNumber;
use x509_cert::spki::SubjectPublicKeyInfoOwned;
use x509_cert::time::Time;

/// The policy of JPKI certificates for user authentication (DOMAIN section 3).
pub const USER_AUTHENTICATION_POLICY: &str = "1.2.392.200149.8.5.1.3.30";

const COUNTRY: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.4.6");
const ORGANISATION: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.4.10");
const UNIT: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.4.11");
const COMMON_NAME: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.4.3");
const POLICY: ObjectIdentifier = ObjectIdentifier::new_unwrap(USER_AUTHENTICATION_POLICY);

/// Bytes in a certificate's serial number.
const SERIAL_LENGTH: usize = 8;
const DAY_HOURS: i64 = 24;
const YEAR_DAYS: i64 = 365;

/// Why no certificate or signature could be made.
#[derive(Debug, thiserror::Error)]
pub enum JpkiError {
    /// The random generator or key generation failed.
    #[error("could not generate a key: the system's random source failed")]
    Generate,
    /// A key could not be encoded or decoded.
    #[error("not a usable RSA private key in PKCS#8: {0}")]
    Key(#[from] rsa::pkcs8::Error),
    /// A certificate could not be built.
    #[error("could not build the certificate: {0}")]
    Build(#[from] x509_cert::builder::Error),
    /// A certificate could not be encoded or decoded.
    #[error("not a usable certificate: {0}")]
    Encoding(#[from] x509_cert::der::Error),
    /// The data to sign does not fit the key, or the key is broken.
    #[error("could not sign: {0}")]
    Sign(#[from] rsa::Error),
    /// An authority's file could not be read or written.
    #[error("{path}: {source}; give a folder that this program may read and write")]
    File {
        /// The file in question.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
}

/// From when until when a certificate holds (seconds count, fractions don't).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Validity {
    /// The first moment.
    pub not_before: Timestamp,
    /// The last moment.
    pub not_after: Timestamp,
}

impl Validity {
    /// A certificate in the middle of its life at `now`: one year old, four more to go.
    pub fn valid_at(now: Timestamp) -> Self {
        Self { not_before: shift(now, -YEAR_DAYS), not_after: shift(now, 4 * YEAR_DAYS) }
    }

    /// A certificate that ended `days` days before `now`, after a life of five years. For a card, up
    /// to three months may still be within grace; for a phone there is none.
    pub fn expired_at(now: Timestamp, days: u32) -> Self {
        let not_after = shift(now, -i64::from(days));
        Self { not_before: shift(not_after, -5 * YEAR_DAYS), not_after }
    }
}

fn shift(at: Timestamp, days: i64) -> Timestamp {
    at.saturating_add(SignedDuration::from_hours(days * DAY_HOURS)).unwrap_or(at)
}

/// One generation of the invented JPKI authority. Clones share the key.
#[derive(Clone)]
pub struct JpkiAuthority(Arc<Inner>);

struct Inner {
    generation: u32,
    signer: SigningKey<Sha256>,
    certificate_der: Vec<u8>,
    certificate_pem: String,
}

impl JpkiAuthority {
    /// Makes a new authority with a key of its own and the name that all generations share.
    ///
    /// # Errors
    /// [`JpkiError::Generate`] when the machine can't generate a key.
    pub fn generate(generation: u32) -> Result<Self, JpkiError> {
        let signer = SigningKey::<Sha256>::new(generate_key()?);
        let public = SubjectPublicKeyInfoOwned::from_key(RsaPublicKey::from(signer.as_ref()))
            .map_err(x509_cert::builder::Error::PublicKey)?;
        let now = Timestamp::now();
        let validity =
            Validity { not_before: shift(now, -6 * YEAR_DAYS), not_after: shift(now, 10 * YEAR_DAYS) };
        let mut builder = CertificateBuilder::new(
            Profile::Manual { issuer: None },
            serial_number()?,
            x509_validity(validity)?,
            authority_name()?,
            public.clone(),
            &signer,
        )?;
        let identifier = SubjectKeyIdentifier::try_from(borrow(&public))?;
        builder.add_extension(&identifier)?;
        builder.add_extension(&BasicConstraints { ca: true, path_len_constraint: Some(0) })?;
        builder.add_extension(&KeyUsage(KeyUsages::KeyCertSign | KeyUsages::CRLSign))?;
        let certificate = builder.build::<Signature>()?;
        Self::new(generation, signer, &certificate)
    }

    fn new(
        generation: u32,
        signer: SigningKey<Sha256>,
        certificate: &Certificate,
    ) -> Result<Self, JpkiError> {
        let certificate_der = certificate.to_der()?;
        let certificate_pem = certificate.to_pem(LineEnding::LF)?;
        Ok(Self(Arc::new(Inner { generation, signer, certificate_der, certificate_pem })))
    }

    /// Loads generation `generation` from `folder` where [`JpkiAuthority::save`] left it.
    ///
    /// # Errors
    /// [`JpkiError::File`], [`JpkiError::Key`] or [`JpkiError::Encoding`] naming what is wrong.
    pub fn load(folder: &Path, generation: u32) -> Result<Self, JpkiError> {
        let [certificate_path, key_path] = paths(folder, generation);
        let read = |path: &Path| {
            fs::read_to_string(path).map_err(|source| JpkiError::File { path: path.to_owned(), source })
        };
        let key = RsaPrivateKey::from_pkcs8_pem(&read(&key_path)?)?;
        let certificate = Certificate::from_pem(read(&certificate_path)?)?;
        Self::new(generation, SigningKey::new(key), &certificate)
    }

    /// Saves certificate and key as `jpki-ca-<generation>.pem` and `jpki-ca-<generation>.key.pem`.
    ///
    /// # Errors
    /// [`JpkiError::File`] when the folder can't be written.
    pub fn save(&self, folder: &Path) -> Result<(), JpkiError> {
        let [certificate_path, key_path] = paths(folder, self.0.generation);
        let write = |path: &Path, text: &str| {
            fs::write(path, text).map_err(|source| JpkiError::File { path: path.to_owned(), source })
        };
        write(&certificate_path, &self.0.certificate_pem)?;
        write(&key_path, self.0.signer.as_ref().to_pkcs8_pem(LineEnding::LF)?.as_str())
    }

    /// Which generation this is; a number of our own that appears in no certificate.
    pub fn generation(&self) -> u32 {
        self.0.generation
    }

    /// The authority's own certificate, DER.
    pub fn certificate_der(&self) -> &[u8] {
        &self.0.certificate_der
    }

    /// The authority's own certificate, PEM.
    pub fn certificate_pem(&self) -> &str {
        &self.0.certificate_pem
    }

    /// Issues a certificate for user authentication with a new key, for one card or phone.
    ///
    /// # Errors
    /// [`JpkiError::Generate`] or [`JpkiError::Build`]; neither depends on the arguments, unless the
    /// validity lies outside the years that X.509 can write (1970 to 9999).
    pub fn issue(&self, validity: Validity) -> Result<CardCredential, JpkiError> {
        self.certify(generate_key()?, validity)
    }

    /// Issues another certificate, with a serial number of its own, for a key that there is already: for thousands
    /// of cards at once, whose keys would take minutes.
    ///
    /// # Errors
    /// Those of [`JpkiAuthority::issue`].
    pub fn issue_for_key_of(
        &self,
        other: &CardCredential,
        validity: Validity,
    ) -> Result<CardCredential, JpkiError> {
        self.certify(other.0.key.clone(), validity)
    }

    fn certify(&self, key: RsaPrivateKey, validity: Validity) -> Result<CardCredential, JpkiError> {
        let public = SubjectPublicKeyInfoOwned::from_key(RsaPublicKey::from(&key))
            .map_err(x509_cert::builder::Error::PublicKey)?;
        let issuer_public = SubjectPublicKeyInfoOwned::from_key(RsaPublicKey::from(self.0.signer.as_ref()))
            .map_err(x509_cert::builder::Error::PublicKey)?;
        let serial = serial_number()?;
        let serial_hex = hex(serial.as_bytes());
        let mut builder = CertificateBuilder::new(
            Profile::Manual { issuer: Some(authority_name()?) },
            serial,
            x509_validity(validity)?,
            subject_name()?,
            public.clone(),
            &self.0.signer,
        )?;
        builder.add_extension(&KeyUsage(KeyUsages::DigitalSignature.into()))?;
        builder.add_extension(&CertificatePolicies(vec![PolicyInformation {
            policy_identifier: POLICY,
            policy_qualifiers: None,
        }]))?;
        builder.add_extension(&SubjectKeyIdentifier::try_from(borrow(&public))?)?;
        builder.add_extension(&AuthorityKeyIdentifier::try_from(borrow(&issuer_public))?)?;
        let certificate_der = builder.build::<Signature>()?.to_der()?;
        Ok(CardCredential(Arc::new(Credential { key, certificate_der, authority: self.clone(), serial_hex })))
    }

    /// Issues `count` certificates on all processors at once: key generation is what takes the time.
    ///
    /// # Errors
    /// Those of [`JpkiAuthority::issue`].
    pub fn issue_many(&self, validity: Validity, count: usize) -> Result<Vec<CardCredential>, JpkiError> {
        let workers = std::thread::available_parallelism().map_or(1, usize::from).min(count.max(1));
        std::thread::scope(|scope| {
            let handles: Vec<_> = (0..workers)
                .map(|worker| {
                    let share = count / workers + usize::from(worker < count % workers);
                    scope.spawn(move || (0..share).map(|_| self.issue(validity)).collect::<Vec<_>>())
                })
                .collect();
            handles
                .into_iter()
                .flat_map(|h| h.join().unwrap_or_else(|_| vec![Err(JpkiError::Generate)]))
                .collect()
        })
    }
}

/// What one card or phone carries: a private key and its certificate. Clones share the key.
#[derive(Clone)]
pub struct CardCredential(Arc<Credential>);

struct Credential {
    key: RsaPrivateKey,
    certificate_der: Vec<u8>,
    authority: JpkiAuthority,
    serial_hex: String,
}

impl CardCredential {
    /// The user-authentication certificate, DER (elementary file `000A`).
    pub fn certificate_der(&self) -> &[u8] {
        &self.0.certificate_der
    }

    /// The certificate of the authority that issued it, DER (elementary file `000B`).
    pub fn ca_certificate_der(&self) -> &[u8] {
        self.0.authority.certificate_der()
    }

    /// The certificate's serial number in lower-case hexadecimal: how the simulated centre knows
    /// whether the card is registered for insurance use.
    pub fn serial_hex(&self) -> &str {
        &self.0.serial_hex
    }

    /// Signs a ready DigestInfo with PKCS#1 v1.5 padding, as the card does: no hashing, no prefix
    /// added, nothing checked but the length.
    ///
    /// # Errors
    /// [`JpkiError::Sign`] when `digest_info` is longer than 245 bytes.
    pub fn sign_digest_info(&self, digest_info: &[u8]) -> Result<Vec<u8>, JpkiError> {
        Ok(self.0.key.sign(Pkcs1v15Sign::new_unprefixed(), digest_info)?)
    }
}

/// aws-lc generates RSA keys many times faster than the pure Rust crate.
fn generate_key() -> Result<RsaPrivateKey, JpkiError> {
    let pair = aws_lc_rs::rsa::KeyPair::generate(aws_lc_rs::rsa::KeySize::Rsa2048)
        .map_err(|_| JpkiError::Generate)?;
    let der = AsDer::<aws_lc_rs::encoding::Pkcs8V1Der<'_>>::as_der(&pair).map_err(|_| JpkiError::Generate)?;
    Ok(RsaPrivateKey::from_pkcs8_der(der.as_ref())?)
}

fn borrow(key: &SubjectPublicKeyInfoOwned) -> x509_cert::spki::SubjectPublicKeyInfoRef<'_> {
    use x509_cert::der::referenced::OwnedToRef;
    key.owned_to_ref()
}

fn paths(folder: &Path, generation: u32) -> [PathBuf; 2] {
    [folder.join(format!("jpki-ca-{generation}.pem")), folder.join(format!("jpki-ca-{generation}.key.pem"))]
}

fn authority_name() -> Result<Name, JpkiError> {
    name(&[
        (COUNTRY, "JP"),
        (ORGANISATION, "JPKI"),
        (UNIT, "JPKI for user authentication"),
        (UNIT, "Japan Agency for Local Authority Information Systems"),
    ])
}

/// A subject that names no person: a common name of 24 random hexadecimal digits.
fn subject_name() -> Result<Name, JpkiError> {
    name(&[(COUNTRY, "JP"), (COMMON_NAME, &hex(&random::<12>()?).to_uppercase())])
}

fn name(parts: &[(ObjectIdentifier, &str)]) -> Result<Name, JpkiError> {
    let mut rdns = Vec::with_capacity(parts.len());
    for (oid, text) in parts {
        let value = Any::from(&PrintableString::new(text)?);
        let set = SetOfVec::try_from(vec![AttributeTypeAndValue { oid: *oid, value }])?;
        rdns.push(RelativeDistinguishedName(set));
    }
    Ok(RdnSequence(rdns))
}

fn serial_number() -> Result<SerialNumber, JpkiError> {
    let mut bytes = random::<SERIAL_LENGTH>()?;
    // Positive, and of the same length each time: neither the sign bit nor a leading zero byte.
    bytes[0] = bytes[0] & 0x7F | 0x40;
    Ok(SerialNumber::new(&bytes)?)
}

fn random<const N: usize>() -> Result<[u8; N], JpkiError> {
    let mut bytes = [0; N];
    aws_lc_rs::rand::fill(&mut bytes).map_err(|_| JpkiError::Generate)?;
    Ok(bytes)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn x509_validity(validity: Validity) -> Result<x509_cert::time::Validity, JpkiError> {
    let time = |at: Timestamp| Ok::<_, JpkiError>(Time::try_from(std::time::SystemTime::from(at))?);
    Ok(x509_cert::time::Validity {
        not_before: time(validity.not_before)?,
        not_after: time(validity.not_after)?,
    })
}

#[cfg(test)]
#[path = "jpki_tests.rs"]
mod tests;
