//! Random secrets, and what is kept of them: digests only.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use sha2::{Digest as _, Sha256};
use std::fmt;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

/// The digest of a random secret: what is kept in its place. The secret has at least 80 random bits, so a fast digest
/// is enough: there is nothing to guess.
#[derive(Clone, Copy, Eq, Hash)]
#[expect(
    clippy::derived_hash_with_manual_eq,
    reason = "equal means the same bytes, compared in constant time"
)]
pub struct Digest([u8; 32]);

impl Digest {
    /// Of a secret's text.
    pub fn of(secret: &str) -> Self {
        Self(Sha256::digest(secret).into())
    }
}

/// In a time that does not depend on where they differ.
impl PartialEq for Digest {
    fn eq(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Digest(…)")
    }
}

impl Serialize for Digest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&hex(&self.0))
    }
}

impl<'de> Deserialize<'de> for Digest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let bytes: Option<Vec<u8>> = (text.len() == 64 && text.is_ascii())
            .then(|| (0..64).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).ok()).collect())
            .flatten();
        let bytes = bytes.and_then(|bytes| bytes.try_into().ok());
        bytes.map(Self).ok_or_else(|| D::Error::custom("a digest has 64 hexadecimal digits"))
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// 256 random bits as text: the id of a session, the token of a form or of a program. Wiped when dropped.
#[derive(Clone)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// A new one.
    pub fn random() -> Result<Self, getrandom::Error> {
        let mut bytes = Zeroizing::new([0; 32]);
        getrandom::fill(bytes.as_mut())?;
        Ok(Self(Zeroizing::new(hex(bytes.as_ref()))))
    }

    /// The text, for the one that it is made for.
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// What is kept of it.
    pub fn digest(&self) -> Digest {
        Digest::of(&self.0)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// Letters and digits that nobody mistakes for one another: without I, L, O and U.
const LETTERS: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
/// Of a code: 80 bits.
const LENGTH: usize = 16;

/// A code that a person types once: 80 random bits as 16 letters and digits.
pub struct Code(Zeroizing<String>);

impl Code {
    /// A new one.
    pub fn random() -> Result<Self, getrandom::Error> {
        let mut bytes = Zeroizing::new([0_u8; LENGTH]);
        getrandom::fill(bytes.as_mut())?;
        let letters = bytes.iter().map(|byte| char::from(LETTERS[usize::from(byte % 32)]));
        Ok(Self(Zeroizing::new(letters.collect())))
    }

    /// What a person typed: small letters, spaces and hyphens don't matter, nor does O for 0 or I and L for 1.
    /// Nothing where it can't be a code.
    pub fn typed(text: &str) -> Option<Self> {
        if text.len() > 100 {
            return None;
        }
        let letters: String = text
            .chars()
            .filter(|letter| !letter.is_whitespace() && *letter != '-')
            .map(|letter| match letter.to_ascii_uppercase() {
                'O' => '0',
                'I' | 'L' => '1',
                other => other,
            })
            .collect();
        let is_code = letters.len() == LENGTH && letters.bytes().all(|byte| LETTERS.contains(&byte));
        is_code.then(|| Self(Zeroizing::new(letters)))
    }

    /// In groups of four, for a person to read.
    pub fn shown(&self) -> String {
        let groups: Vec<_> = self.0.as_bytes().chunks(4).map(String::from_utf8_lossy).collect();
        groups.join("-")
    }

    /// What is kept of it.
    pub fn digest(&self) -> Digest {
        Digest::of(&self.0)
    }
}

impl fmt::Debug for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Code(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_known_however_it_is_typed() {
        let code = Code(Zeroizing::new("01AB23CDEFGH45JK".into()));
        assert_eq!(code.shown(), "01AB-23CD-EFGH-45JK");
        for typed in
            ["01AB-23CD-EFGH-45JK", "01ab23cdefgh45jk", " oiab 23cd efgh 45jk ", "OLAB-23CD-EFGH-45JK"]
        {
            assert_eq!(Code::typed(typed).unwrap().digest(), code.digest(), "{typed}");
        }
        for typed in
            ["", "01AB", "01AB-23CD-EFGH-45JU", "窓窓窓窓窓窓窓窓窓窓窓窓窓窓窓窓", &"0".repeat(10_000)]
        {
            assert!(Code::typed(typed).is_none(), "{typed}");
        }
    }

    #[test]
    fn secrets_are_never_printed() {
        let (secret, code) = (Secret::random().unwrap(), Code::random().unwrap());
        let printed = format!("{secret:?} {code:?} {:?}", secret.digest());
        assert!(!printed.contains(secret.reveal()) && !printed.contains(&*code.0), "{printed}");
    }

    #[test]
    fn a_digest_survives_being_written_and_nothing_else_is_read_as_one() {
        let digest = Secret::random().unwrap().digest();
        let text = serde_json::to_string(&digest).unwrap();
        assert_eq!(serde_json::from_str::<Digest>(&text).unwrap(), digest);
        for bad in ["\"\"", "\"zz\"", "3", &format!("\"{}\"", "ゐ".repeat(22))] {
            assert!(serde_json::from_str::<Digest>(bad).is_err(), "{bad}");
        }
    }
}
