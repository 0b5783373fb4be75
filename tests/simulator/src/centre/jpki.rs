//! Judging a user-authentication certificate and what it signed (DOMAIN section 3).

use aws_lc_rs::signature::{
    RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_2048_8192_SHA384, RSA_PKCS1_2048_8192_SHA512, UnparsedPublicKey,
};
use jiff::{Timestamp, ToSpan, tz};
use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::{KeyUsage, ParsedExtension};
use x509_parser::oid_registry::{
    OID_PKCS1_SHA256WITHRSA, OID_PKCS1_SHA384WITHRSA, OID_PKCS1_SHA512WITHRSA, Oid,
};
use x509_parser::pem::Pem;
use x509_parser::public_key::PublicKey;

use super::patients::Serial;

/// The policy of JPKI's user-authentication certificates.
const USER_AUTHENTICATION_POLICY: &str = "1.2.392.200149.8.5.1.3.30";
/// Size of a JPKI key.
const JPKI_KEY_BITS: usize = 2048;

/// Why a certificate can't be used as an authority.
#[derive(Debug, thiserror::Error)]
pub enum AuthorityError {
    /// Neither DER nor PEM of a certificate.
    #[error("this is no X.509 certificate in DER or PEM: give the CA's certificate, not a key or a request")]
    Unreadable,
    /// A leaf certificate was given.
    #[error("this certificate is not a CA's: give the certificate of the CA that issued the cards")]
    NotAnAuthority,
    /// The key is of a kind that cards' CAs don't have.
    #[error("this CA's key is not RSA with 2048 to 8192 bits, which is all that the centre verifies")]
    KeyNotSupported,
    /// A PEM file without a certificate.
    #[error("there is no certificate in this PEM text: it needs a BEGIN CERTIFICATE block")]
    Empty,
}

/// A CA whose cards the centre accepts.
#[derive(Clone)]
pub struct TrustedAuthority {
    subject: Vec<u8>,
    public_key: Vec<u8>,
    from: i64,
    until: i64,
    strict: bool,
}

impl TrustedAuthority {
    /// A CA in JPKI's likeness: its certificates must bear JPKI's policy, key size and key usage.
    pub fn jpki(der: &[u8]) -> Result<Self, AuthorityError> {
        Self::read(der, true)
    }

    /// Somebody else's CA: issuer, signature and validity count, and the key usage where there is one.
    pub fn foreign(der: &[u8]) -> Result<Self, AuthorityError> {
        Self::read(der, false)
    }

    /// Every certificate of a PEM text, as [`TrustedAuthority::foreign`].
    pub fn foreign_from_pem(pem: &[u8]) -> Result<Vec<Self>, AuthorityError> {
        let mut authorities = Vec::new();
        for block in Pem::iter_from_buffer(pem) {
            let block = block.map_err(|_| AuthorityError::Unreadable)?;
            if block.label == "CERTIFICATE" {
                authorities.push(Self::foreign(&block.contents)?);
            }
        }
        if authorities.is_empty() { Err(AuthorityError::Empty) } else { Ok(authorities) }
    }

    fn read(der: &[u8], strict: bool) -> Result<Self, AuthorityError> {
        let (_, certificate) =
            x509_parser::parse_x509_certificate(der).map_err(|_| AuthorityError::Unreadable)?;
        if !certificate.is_ca() {
            return Err(AuthorityError::NotAnAuthority);
        }
        rsa_bits(&certificate)
            .filter(|bits| (2048..=8192).contains(bits))
            .ok_or(AuthorityError::KeyNotSupported)?;
        Ok(Self {
            subject: certificate.subject().as_raw().to_vec(),
            public_key: certificate.public_key().subject_public_key.data.to_vec(),
            from: certificate.validity().not_before.timestamp(),
            until: certificate.validity().not_after.timestamp(),
            strict,
        })
    }

    /// Whether this CA's *key* signed the certificate: several generations of a CA share one name.
    fn issued(&self, certificate: &X509Certificate<'_>) -> bool {
        let algorithm = &certificate.signature_algorithm.algorithm;
        let verification = if *algorithm == OID_PKCS1_SHA256WITHRSA {
            &RSA_PKCS1_2048_8192_SHA256
        } else if !self.strict && *algorithm == OID_PKCS1_SHA384WITHRSA {
            &RSA_PKCS1_2048_8192_SHA384
        } else if !self.strict && *algorithm == OID_PKCS1_SHA512WITHRSA {
            &RSA_PKCS1_2048_8192_SHA512
        } else {
            return false;
        };
        certificate.issuer().as_raw() == self.subject
            && UnparsedPublicKey::new(verification, &self.public_key)
                .verify(certificate.tbs_certificate.as_ref(), &certificate.signature_value.data)
                .is_ok()
    }
}

/// Why evidence does not hold. The words go out as `reason`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Flaw {
    CertificateUnreadable,
    IssuerUnknown,
    IssuerNotCurrent,
    PolicyWrong,
    KeyUsageWrong,
    KeyWrong,
    SignatureWrong,
    NotYetValid,
}

impl Flaw {
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::CertificateUnreadable => "certificate_unreadable",
            Self::IssuerUnknown => "issuer_unknown",
            Self::IssuerNotCurrent => "issuer_not_current",
            Self::PolicyWrong => "certificate_policy_wrong",
            Self::KeyUsageWrong => "certificate_key_usage_wrong",
            Self::KeyWrong => "certificate_key_wrong",
            Self::SignatureWrong => "signature_wrong",
            Self::NotYetValid => "certificate_not_yet_valid",
        }
    }
}

/// A certificate that holds, and how it stands at the time of signing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Holder {
    pub serial: Serial,
    pub standing: Standing,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing {
    Current,
    /// Expired, but within a card's three months.
    InGrace,
    Expired,
}

/// How long an expired My Number card goes on working; sources differ. A phone has none.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum CardGrace {
    /// None at all.
    Nothing,
    /// Three months from the day of expiry.
    #[default]
    ThreeMonths,
    /// Until the end of the third month after the month of expiry.
    ToMonthEnd,
}

impl CardGrace {
    fn ends(self, not_after: Timestamp) -> Option<Timestamp> {
        let japan = tz::TimeZone::fixed(tz::offset(9));
        let in_japan = not_after.to_zoned(japan).checked_add(3.months()).ok()?;
        match self {
            Self::Nothing => None,
            Self::ThreeMonths => Some(in_japan.timestamp()),
            Self::ToMonthEnd => Some(in_japan.last_of_month().ok()?.end_of_day().ok()?.timestamp()),
        }
    }
}

/// Verifies that a trusted CA issued `certificate` for authentication and that its key signed `statement`.
///
/// `grace` is what the medium is granted after expiry. Revocation is not looked at here.
pub(super) fn verify(
    authorities: &[TrustedAuthority],
    certificate: &[u8],
    statement: &[u8],
    signature: &[u8],
    at: Timestamp,
    grace: CardGrace,
) -> Result<Holder, Flaw> {
    let (rest, certificate) =
        x509_parser::parse_x509_certificate(certificate).map_err(|_| Flaw::CertificateUnreadable)?;
    if !rest.is_empty() {
        return Err(Flaw::CertificateUnreadable);
    }
    let authority =
        authorities.iter().find(|authority| authority.issued(&certificate)).ok_or(Flaw::IssuerUnknown)?;
    let now = at.as_second();
    if now < authority.from || now > authority.until {
        return Err(Flaw::IssuerNotCurrent);
    }
    check_purpose(&certificate, authority.strict)?;
    let key = &certificate.public_key().subject_public_key.data;
    UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, key)
        .verify(statement, signature)
        .map_err(|_| Flaw::SignatureWrong)?;
    let serial = Serial::from_bytes(certificate.raw_serial());
    Ok(Holder { serial, standing: standing(&certificate, at, grace)? })
}

fn check_purpose(certificate: &X509Certificate<'_>, strict: bool) -> Result<(), Flaw> {
    if certificate.is_ca() {
        return Err(Flaw::KeyUsageWrong);
    }
    let bits = rsa_bits(certificate).ok_or(Flaw::KeyWrong)?;
    if strict && bits != JPKI_KEY_BITS {
        return Err(Flaw::KeyWrong);
    }
    let usage: Option<&KeyUsage> =
        certificate.key_usage().map_err(|_| Flaw::KeyUsageWrong)?.map(|extension| extension.value);
    if !usage.map_or(!strict, KeyUsage::digital_signature) {
        return Err(Flaw::KeyUsageWrong);
    }
    if strict && !has_policy(certificate) {
        return Err(Flaw::PolicyWrong);
    }
    Ok(())
}

fn has_policy(certificate: &X509Certificate<'_>) -> bool {
    certificate.extensions().iter().any(|extension| match extension.parsed_extension() {
        ParsedExtension::CertificatePolicies(policies) => {
            policies.iter().any(|policy| Oid::to_id_string(&policy.policy_id) == USER_AUTHENTICATION_POLICY)
        }
        _ => false,
    })
}

fn standing(certificate: &X509Certificate<'_>, at: Timestamp, grace: CardGrace) -> Result<Standing, Flaw> {
    let validity = certificate.validity();
    if at.as_second() < validity.not_before.timestamp() {
        return Err(Flaw::NotYetValid);
    }
    let not_after =
        Timestamp::from_second(validity.not_after.timestamp()).map_err(|_| Flaw::CertificateUnreadable)?;
    Ok(if at <= not_after {
        Standing::Current
    } else if grace.ends(not_after).is_some_and(|end| at <= end) {
        Standing::InGrace
    } else {
        Standing::Expired
    })
}

fn rsa_bits(certificate: &X509Certificate<'_>) -> Option<usize> {
    match certificate.public_key().parsed().ok()? {
        PublicKey::RSA(key) => Some(key.key_size()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r32_grace_runs_three_months_from_the_day_or_to_the_months_end() {
        let expiry: Timestamp = "2025-11-30T14:59:59Z".parse().unwrap();
        let end = |grace: CardGrace| grace.ends(expiry).map(|end| end.as_second());
        let second = |text: &str| text.parse::<Timestamp>().unwrap().as_second();
        assert_eq!(end(CardGrace::Nothing), None);
        // 30 February does not exist: the last day of the month takes its place.
        assert_eq!(end(CardGrace::ThreeMonths), Some(second("2026-02-28T14:59:59Z")));
        assert_eq!(end(CardGrace::ToMonthEnd), Some(second("2026-02-28T14:59:59Z")));
        let early: Timestamp = "2025-11-02T14:59:59Z".parse().unwrap();
        assert_eq!(CardGrace::ThreeMonths.ends(early), Some("2026-02-02T14:59:59Z".parse().unwrap()));
        // The month ends in Japan, nine hours before it ends in UTC.
        assert_eq!(CardGrace::ToMonthEnd.ends(early).unwrap().as_second(), second("2026-02-28T14:59:59Z"));
    }
}
