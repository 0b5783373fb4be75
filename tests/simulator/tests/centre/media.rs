//! Certificates in JPKI's likeness, whole and flawed, and the keys that sign for them.

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{RSA_PKCS1_SHA256, RsaKeyPair};
use madoguchi_simulator::centre::{Serial, TrustedAuthority};
use rcgen::{
    BasicConstraints, CertificateParams, CustomExtension, DistinguishedName, DnType, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, PKCS_RSA_SHA256, RsaKeySize, SerialNumber,
};
use std::time::{Duration, SystemTime};

/// DER of `1.2.392.200149.8.5.1.3.30`, the policy of user-authentication certificates.
const POLICY: &[u8] = &[0x2a, 0x83, 0x08, 0x8c, 0x9b, 0x55, 0x08, 0x05, 0x01, 0x03, 0x1e];
pub const DAY: u64 = 86_400;

fn rsa(size: RsaKeySize) -> KeyPair {
    KeyPair::generate_rsa_for(&PKCS_RSA_SHA256, size).unwrap()
}

fn parameters(organisation: &str, common_name: Option<&str>) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CountryName, "JP");
    params.distinguished_name.push(DnType::OrganizationName, organisation);
    if let Some(name) = common_name {
        params.distinguished_name.push(DnType::CommonName, name);
    }
    params
}

/// A CA that issues cards.
pub struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pub der: Vec<u8>,
    pub pem: String,
}

impl Authority {
    pub fn new(organisation: &str) -> Self {
        let key = rsa(RsaKeySize::_2048);
        let mut params = parameters(organisation, None);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        let certificate = params.self_signed(&key).unwrap();
        Self { der: certificate.der().to_vec(), pem: certificate.pem(), issuer: Issuer::new(params, key) }
    }

    /// One generation of JPKI's CA: every generation has this same name and a key of its own.
    pub fn jpki() -> Self {
        Self::new("JPKI")
    }

    pub fn trusted(&self) -> TrustedAuthority {
        TrustedAuthority::jpki(&self.der).unwrap()
    }

    pub fn card(&self) -> Card {
        self.card_with(|_| {}, RsaKeySize::_2048)
    }

    /// A card whose certificate ran out so many days ago.
    pub fn card_expired_for(&self, days: u64) -> Card {
        let end = SystemTime::now() - Duration::from_secs(days * DAY);
        self.card_with(|params| params.not_after = end.into(), RsaKeySize::_2048)
    }

    pub fn card_with(&self, change: impl FnOnce(&mut CertificateParams), size: RsaKeySize) -> Card {
        let key = rsa(size);
        let serial: [u8; 8] = rand_bytes();
        let mut params = parameters("Holder", Some("0123456789ABCDEFGHIJ0123456789012"));
        params.serial_number = Some(SerialNumber::from_slice(&serial));
        params.is_ca = IsCa::ExplicitNoCa;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.custom_extensions = vec![policy(POLICY)];
        change(&mut params);
        let certificate = params.signed_by(&key, &self.issuer).unwrap().der().to_vec();
        Card { certificate, key: RsaKeyPair::from_pkcs8(key.serialized_der()).unwrap() }
    }
}

/// The extension certificatePolicies with one policy.
pub fn policy(oid: &[u8]) -> CustomExtension {
    let wrap = |tag: u8, content: &[u8]| [&[tag, content.len() as u8], content].concat();
    let content = wrap(0x30, &wrap(0x30, &wrap(0x06, oid)));
    CustomExtension::from_oid_content(&[2, 5, 29, 32], content)
}

pub fn rand_bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    aws_lc_rs::rand::fill(&mut bytes).unwrap();
    // Positive, and never a leading zero.
    bytes[0] = bytes[0] & 0x7f | 0x40;
    bytes
}

pub struct Card {
    pub certificate: Vec<u8>,
    key: RsaKeyPair,
}

impl Card {
    pub fn sign(&self, statement: &[u8]) -> Vec<u8> {
        let mut signature = vec![0; self.key.public_modulus_len()];
        self.key.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), statement, &mut signature).unwrap();
        signature
    }

    pub fn serial(&self) -> Serial {
        Serial::of_certificate(&self.certificate).unwrap()
    }
}
