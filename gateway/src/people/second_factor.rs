//! The second factor: one-time codes of an authenticator (TOTP, RFC 6238), each usable once.

use qrcode::{EcLevel, QrCode, render::svg};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use std::fmt;
use subtle::ConstantTimeEq;
use totp_rs::{Algorithm, Secret as Base32, TOTP};
use zeroize::Zeroizing;

/// How long a code is valid, in seconds.
const STEP: u64 = 30;
/// Codes of so many steps before and after now are taken: clocks differ.
const SKEW: u64 = 1;
const DIGITS: usize = 6;
/// Of the shared secret, in bytes (RFC 4226: 160 bits).
const LENGTH: usize = 20;

/// The secret that a person's authenticator and the box share.
#[derive(Clone)]
pub struct SecondFactor(Zeroizing<Vec<u8>>);

impl SecondFactor {
    /// A new one.
    pub fn random() -> Result<Self, getrandom::Error> {
        let mut bytes = Zeroizing::new(vec![0; LENGTH]);
        getrandom::fill(&mut bytes)?;
        Ok(Self(bytes))
    }

    fn totp(&self, name: &str, issuer: &str) -> Option<TOTP> {
        // A colon parts issuer and account in the address.
        let plain = |text: &str| text.replace(':', " ");
        let secret = self.0.to_vec();
        TOTP::new(Algorithm::SHA1, DIGITS, 1, STEP, secret, Some(plain(issuer)), plain(name)).ok()
    }

    /// The address that an authenticator understands.
    pub fn address(&self, name: &str, issuer: &str) -> String {
        self.totp(name, issuer).map(|totp| totp.get_url()).unwrap_or_default()
    }

    /// That address as a picture, SVG.
    pub fn picture(&self, name: &str, issuer: &str) -> Option<String> {
        let code = QrCode::with_error_correction_level(self.address(name, issuer), EcLevel::M).ok()?;
        let picture = code.render::<svg::Color<'_>>().min_dimensions(200, 200).build();
        // Without the XML declaration it can stand inside a page.
        picture.find("<svg").map(|begin| picture[begin..].to_owned())
    }

    /// The secret in groups of four letters, for whoever types it.
    pub fn written(&self) -> String {
        let text = Base32::Raw(self.0.to_vec()).to_encoded().to_string();
        let groups: Vec<_> = text.as_bytes().chunks(4).map(String::from_utf8_lossy).collect();
        groups.join(" ")
    }

    /// What the person's authenticator shows.
    #[cfg(test)]
    pub fn code(&self, now: u64) -> String {
        self.totp("", "").unwrap().generate(now)
    }

    /// The step whose code was typed at `now` (seconds of Unix time), if it is a right one that was not used yet:
    /// later than `last`.
    pub fn step(&self, typed: &str, now: u64, last: u64) -> Option<u64> {
        let typed: String = typed.chars().filter(|digit| !digit.is_whitespace()).take(DIGITS + 1).collect();
        let totp = self.totp("", "")?;
        let this = now / STEP;
        let mut found = None;
        // All are compared, so that time tells nothing.
        for step in this.saturating_sub(SKEW)..=this + SKEW {
            let right: bool = totp.generate(step * STEP).as_bytes().ct_eq(typed.as_bytes()).into();
            if right && step > last {
                found = Some(step);
            }
        }
        found
    }
}

/// Compared with where there is no person of a name, so that the answer takes as long.
pub fn nobodys(typed: &str, now: u64) {
    SecondFactor(Zeroizing::new(vec![0; LENGTH])).step(typed, now, u64::MAX);
}

impl fmt::Debug for SecondFactor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecondFactor(…)")
    }
}

impl Serialize for SecondFactor {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.written().replace(' ', ""))
    }
}

impl<'de> Deserialize<'de> for SecondFactor {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let bytes = Base32::Encoded(text).to_bytes().ok().filter(|bytes| bytes.len() == LENGTH);
        bytes
            .map(|bytes| Self(Zeroizing::new(bytes)))
            .ok_or_else(|| D::Error::custom("not 160 bits in Base32"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The secret of RFC 6238, appendix B.
    fn rfc() -> SecondFactor {
        SecondFactor(Zeroizing::new(b"12345678901234567890".to_vec()))
    }

    #[test]
    fn codes_are_those_of_rfc_6238() {
        // The appendix has eight digits; ours are its last six.
        for (now, code) in [(59, "287082"), (1_111_111_109, "081804"), (20_000_000_000, "353130")] {
            assert_eq!(rfc().step(code, now, 0), Some(now / 30), "{now}");
        }
    }

    #[test]
    fn a_code_works_once_and_only_near_its_time() {
        let factor = rfc();
        assert_eq!(factor.step("287 082", 59, 0), Some(1));
        assert_eq!(factor.step("287082", 59, 1), None, "used already");
        assert_eq!(factor.step("287082", 89, 0), Some(1), "a clock that is 30 s behind");
        assert_eq!(factor.step("287082", 120, 0), None, "too old");
        for wrong in ["", "28708", "2870822", "287083", "二八七〇八二"] {
            assert_eq!(factor.step(wrong, 59, 0), None, "{wrong}");
        }
    }

    #[test]
    fn an_authenticator_is_told_name_and_issuer_and_the_file_keeps_the_secret() {
        let factor = rfc();
        let address = factor.address("受付: 花子", "Madoguchi");
        assert!(address.starts_with("otpauth://totp/Madoguchi:"), "{address}");
        assert!(address.contains("secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"), "{address}");
        assert!(factor.picture("受付 花子", "Madoguchi").unwrap().starts_with("<svg"));
        let text = serde_json::to_string(&factor).unwrap();
        let again: SecondFactor = serde_json::from_str(&text).unwrap();
        assert_eq!(again.written(), factor.written());
        for bad in ["\"\"", "\"AAAA\"", "\"!\"", "7"] {
            assert!(serde_json::from_str::<SecondFactor>(bad).is_err(), "{bad}");
        }
        assert!(!format!("{factor:?}").contains("GEZD"));
    }
}
