//! Sealed PINs: what travels, and what each seal is bound to.
//!
//! A PIN is sealed twice with HPKE (RFC 9180; base mode, DHKEM(X25519, HKDF-SHA256), HKDF-SHA256,
//! ChaCha20Poly1305): by the reader's device for `pin_session`, and by `pin_session` for the one
//! `nfc_reader` that may use it. Info and associated data bind each seal to its purpose, visit, lane and
//! job, so that none can be used elsewhere. Nothing between the ends can read it.

use crate::{LaneId, VisitId};
use serde::{Deserialize, Serialize};
use std::fmt;

/// HPKE info of the seal from the reader's device to `pin_session`.
pub const INFO_FROM_DEVICE: &[u8] = b"madoguchi/v1 pin from device";
/// HPKE info of the seal from `pin_session` to `nfc_reader`.
pub const INFO_TO_NFC_READER: &[u8] = b"madoguchi/v1 pin to nfc_reader";
/// A PIN of the user-authentication certificate has 4 ASCII digits.
pub const DIGITS: usize = 4;
/// How long `pin_session` keeps a PIN at most, in seconds.
pub const LIFETIME_SECONDS: u64 = 60;

/// A PIN job's number, shown on the reader and on the staff page so that a person can compare them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PinJob(pub u32);

impl fmt::Display for PinJob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}", self.0)
    }
}

/// An X25519 public key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PublicKey(#[serde(with = "serde_bytes")] pub [u8; 32]);

/// A PIN that only the holder of one private key can open.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SealedPin {
    /// HPKE encapsulated key, 32 bytes.
    #[serde(with = "serde_bytes")]
    pub encapsulated: Vec<u8>,
    /// Ciphertext with its tag, [`DIGITS`] + 16 bytes.
    #[serde(with = "serde_bytes")]
    pub ciphertext: Vec<u8>,
}

impl fmt::Debug for SealedPin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SealedPin")
    }
}

/// HPKE associated data: visit (16 bytes), lane and job (big-endian).
pub fn associated_data(visit: VisitId, lane: LaneId, job: PinJob) -> [u8; 22] {
    let mut data = [0; 22];
    data[..16].copy_from_slice(visit.as_bytes());
    data[16..18].copy_from_slice(&lane.number().to_be_bytes());
    data[18..].copy_from_slice(&job.0.to_be_bytes());
    data
}
