//! A box's configuration and people as one sealed file, to be restored on this box or on a new one.
//!
//! ```text
//! "madoguchi-parcel" (16) │ version (1) │ memory in KiB (4) │ passes (4) │ salt (16) │ nonce (24) │ ciphertext and tag
//! ```
//! Numbers are big-endian. The key comes from a passphrase by Argon2id; the seal is XChaCha20-Poly1305 over the contents,
//! with everything before the ciphertext as associated data. So whoever does not know the passphrase can neither read
//! nor change it; there is no other signature. Private keys are in it only when that was asked for.

use argon2::{Algorithm, Argon2, Params, Version};
use chacha20poly1305::{
    XChaCha20Poly1305, XNonce,
    aead::{Aead, KeyInit, Payload},
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

const MAGIC: &[u8; 16] = b"madoguchi-parcel";
const VERSION: u8 = 1;
const HEAD: usize = 16 + 1 + 4 + 4 + 16 + 24;
/// The largest parcel, in bytes.
pub const MAX_BYTES: usize = 16 * 1024 * 1024;
/// The least characters of a passphrase (guideline 6.0).
pub const LEAST_PASSPHRASE: usize = 13;
/// What making a key takes: 64 MiB and three passes, about a second on a box like this.
const MEMORY_KIB: u32 = 64 * 1024;
const PASSES: u32 = 3;
/// The most that a parcel may ask for: it comes from elsewhere.
const MOST_MEMORY_KIB: u32 = 256 * 1024;
const MOST_PASSES: u32 = 10;

/// Why there is no parcel, or none that can be opened.
#[derive(Debug, thiserror::Error)]
pub enum ParcelError {
    /// Too easy to guess.
    #[error("a passphrase has at least {LEAST_PASSPHRASE} characters")]
    PassphraseTooShort,
    /// Not made by this program.
    #[error("this is no export of a gateway's configuration")]
    NoParcel,
    /// Made by a later program.
    #[error("this export has version {0}; this program reads version {VERSION}")]
    OtherVersion(u8),
    /// Larger than any export.
    #[error("larger than the {MAX_BYTES} bytes that an export may have")]
    TooLarge,
    /// It asks for more than an export may.
    #[error("this export asks for more memory or time than one may")]
    TooCostly,
    /// Another passphrase, or somebody changed it.
    #[error("the passphrase is another one, or the file was changed")]
    Sealed,
    /// What was sealed is not what it should be.
    #[error("what is in the export is damaged: {0}")]
    Contents(String),
    /// There are no random numbers, or no memory.
    #[error("the export can't be made: {0}")]
    Box(String),
}

/// What is in a parcel. Wiped when dropped: it may hold private keys.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, Zeroize, ZeroizeOnDrop)]
#[serde(deny_unknown_fields)]
pub struct Contents {
    /// When it was made.
    #[zeroize(skip)]
    pub at: Timestamp,
    /// The configuration's text.
    pub configuration: String,
    /// The register of people, as its file says it.
    pub people: Option<String>,
    /// Files that the configuration names, by their paths: certificates and lists.
    #[zeroize(skip)]
    pub files: BTreeMap<String, String>,
    /// Private keys, by their paths; empty unless they were asked for.
    pub keys: Vec<Key>,
}

/// A private key.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, Zeroize, ZeroizeOnDrop)]
#[serde(deny_unknown_fields)]
pub struct Key {
    /// Where it belongs.
    pub path: String,
    /// PEM.
    pub pem: String,
}

impl std::fmt::Debug for Contents {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Contents").field("at", &self.at).finish_non_exhaustive()
    }
}

/// Everything before the ciphertext.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    memory_kib: u32,
    passes: u32,
    salt: [u8; 16],
    nonce: [u8; 24],
}

impl Head {
    fn fresh() -> Result<Self, ParcelError> {
        let mut head = Self { memory_kib: MEMORY_KIB, passes: PASSES, salt: [0; 16], nonce: [0; 24] };
        for bytes in [&mut head.salt[..], &mut head.nonce[..]] {
            getrandom::fill(bytes).map_err(|error| ParcelError::Box(error.to_string()))?;
        }
        Ok(head)
    }

    fn bytes(&self) -> [u8; HEAD] {
        let mut bytes = [0; HEAD];
        bytes[..16].copy_from_slice(MAGIC);
        bytes[16] = VERSION;
        bytes[17..21].copy_from_slice(&self.memory_kib.to_be_bytes());
        bytes[21..25].copy_from_slice(&self.passes.to_be_bytes());
        bytes[25..41].copy_from_slice(&self.salt);
        bytes[41..].copy_from_slice(&self.nonce);
        bytes
    }

    /// Reads the head of a parcel, and what follows it. Refuses one that asks for too much before anything is computed.
    ///
    /// # Errors
    /// Every [`ParcelError`] that can be told without the passphrase.
    pub fn read(parcel: &[u8]) -> Result<(Self, &[u8]), ParcelError> {
        if parcel.len() > MAX_BYTES {
            return Err(ParcelError::TooLarge);
        }
        let (head, sealed) = parcel.split_at_checked(HEAD).ok_or(ParcelError::NoParcel)?;
        let fields = head.strip_prefix(MAGIC).ok_or(ParcelError::NoParcel)?;
        let (version, fields) = fields.split_first().ok_or(ParcelError::NoParcel)?;
        if *version != VERSION {
            return Err(ParcelError::OtherVersion(*version));
        }
        let number = |at: usize| {
            let bytes = fields.get(at..at + 4).and_then(|bytes| bytes.try_into().ok());
            bytes.map(u32::from_be_bytes).ok_or(ParcelError::NoParcel)
        };
        let (memory_kib, passes) = (number(0)?, number(4)?);
        if !(8..=MOST_MEMORY_KIB).contains(&memory_kib) || !(1..=MOST_PASSES).contains(&passes) {
            return Err(ParcelError::TooCostly);
        }
        let salt = fields.get(8..24).and_then(|bytes| bytes.try_into().ok()).ok_or(ParcelError::NoParcel)?;
        let nonce =
            fields.get(24..48).and_then(|bytes| bytes.try_into().ok()).ok_or(ParcelError::NoParcel)?;
        Ok((Self { memory_kib, passes, salt, nonce }, sealed))
    }

    fn cipher(&self, passphrase: &str) -> Result<XChaCha20Poly1305, ParcelError> {
        let cost =
            Params::new(self.memory_kib, self.passes, 1, Some(32)).map_err(|_| ParcelError::TooCostly)?;
        let mut key = Zeroizing::new([0u8; 32]);
        Argon2::new(Algorithm::Argon2id, Version::V0x13, cost)
            .hash_password_into(passphrase.as_bytes(), &self.salt, &mut *key)
            .map_err(|error| ParcelError::Box(error.to_string()))?;
        Ok(XChaCha20Poly1305::new((&*key).into()))
    }
}

impl Contents {
    /// Reads what was sealed.
    ///
    /// # Errors
    /// [`ParcelError::Contents`] where it is not what [`Self::seal`] writes.
    pub fn read(bytes: &[u8]) -> Result<Self, ParcelError> {
        serde_json::from_slice(bytes).map_err(|error| ParcelError::Contents(error.to_string()))
    }

    /// The parcel, sealed with a passphrase.
    ///
    /// # Errors
    /// A passphrase that is too short, contents that are too large, no random numbers.
    pub fn seal(&self, passphrase: &str) -> Result<Vec<u8>, ParcelError> {
        if passphrase.chars().count() < LEAST_PASSPHRASE {
            return Err(ParcelError::PassphraseTooShort);
        }
        let head = Head::fresh()?;
        let plain = Zeroizing::new(
            serde_json::to_vec(self).map_err(|error| ParcelError::Contents(error.to_string()))?,
        );
        let payload = Payload { msg: &plain, aad: &head.bytes() };
        let sealed = head
            .cipher(passphrase)?
            .encrypt(&XNonce::from(head.nonce), payload)
            .map_err(|_| ParcelError::Sealed)?;
        let parcel = [&head.bytes()[..], &sealed].concat();
        if parcel.len() > MAX_BYTES { Err(ParcelError::TooLarge) } else { Ok(parcel) }
    }

    /// Opens a parcel.
    ///
    /// # Errors
    /// Any [`ParcelError`]; a wrong passphrase and a changed file look alike.
    pub fn open(parcel: &[u8], passphrase: &str) -> Result<Self, ParcelError> {
        let (head, sealed) = Head::read(parcel)?;
        let payload = Payload { msg: sealed, aad: &head.bytes() };
        let opened = head
            .cipher(passphrase)?
            .decrypt(&XNonce::from(head.nonce), payload)
            .map_err(|_| ParcelError::Sealed)?;
        Self::read(&Zeroizing::new(opened))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PASSPHRASE: &str = "thirteen characters and more";

    fn contents() -> Contents {
        Contents {
            at: Timestamp::UNIX_EPOCH,
            configuration: "[site]\n".into(),
            people: Some("{}".into()),
            files: BTreeMap::from([("/etc/a.pem".to_owned(), "-----BEGIN".to_owned())]),
            keys: vec![Key { path: "/etc/a.key".into(), pem: "opensesame".into() }],
        }
    }

    #[test]
    fn what_was_sealed_is_opened_with_the_same_passphrase_and_no_other() {
        let parcel = contents().seal(PASSPHRASE).unwrap();
        assert_eq!(Contents::open(&parcel, PASSPHRASE).unwrap(), contents());
        assert!(matches!(Contents::open(&parcel, "thirteen characters and less"), Err(ParcelError::Sealed)));
        let readable = parcel.windows(10).any(|part| part == b"opensesame");
        assert!(!readable, "a key can be read in the export");
        assert!(!format!("{:?}", contents()).contains("opensesame"));
    }

    #[test]
    fn a_changed_export_is_refused_wherever_it_was_changed() {
        let parcel = contents().seal(PASSPHRASE).unwrap();
        // One byte of each field of the head, and of the ciphertext. (The cost is changed upwards: it must not be cheaper.)
        for at in [0, 16, 17, 24, 30, 45, HEAD, parcel.len() - 1] {
            let mut changed = parcel.clone();
            changed[at] ^= 1;
            assert!(Contents::open(&changed, PASSPHRASE).is_err(), "byte {at}");
        }
        for cut in [0, 10, HEAD - 1, HEAD, parcel.len() - 1] {
            assert!(Contents::open(&parcel[..cut], PASSPHRASE).is_err(), "cut at {cut}");
        }
    }

    #[test]
    fn an_export_that_asks_for_too_much_is_refused_before_it_costs_anything() {
        let mut parcel = contents().seal(PASSPHRASE).unwrap();
        parcel[17..21].copy_from_slice(&u32::MAX.to_be_bytes());
        assert!(matches!(Contents::open(&parcel, PASSPHRASE), Err(ParcelError::TooCostly)));
        parcel[16] = 2;
        assert!(matches!(Contents::open(&parcel, PASSPHRASE), Err(ParcelError::OtherVersion(2))));
        assert!(matches!(Head::read(&vec![0; MAX_BYTES + 1]), Err(ParcelError::TooLarge)));
    }

    #[test]
    fn a_passphrase_of_twelve_characters_is_too_short() {
        assert!(matches!(contents().seal("twelve chars"), Err(ParcelError::PassphraseTooShort)));
    }
}
