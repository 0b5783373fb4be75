//! How a part of a record is sealed: XChaCha20-Poly1305 with a random nonce of 24 bytes.
//!
//! ```text
//! format version (1) │ key id (4) │ nonce (24) │ ciphertext and tag (n + 16)
//! ```
//! The associated data is format version, key id, record id and part, so that a sealed part can't pass for
//! another record's, or a request for an answer.

use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};

use super::key::{KeyId, KeyRing};
use super::types::{RecordId, StoreError};

/// The version that is written. Older ones would be read by their own arm of [`open`].
const VERSION: u8 = 1;
const HEAD: usize = 1 + 4 + 24;

/// What sealing adds to the size of a part, in bytes.
const OVERHEAD: usize = HEAD + 16;

/// Which part of a record is sealed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Part {
    Request = 0,
    Answer = 1,
}

fn associated(key: KeyId, id: RecordId, part: Part) -> [u8; 22] {
    let mut data = [0; 22];
    data[0] = VERSION;
    data[1..5].copy_from_slice(&key.0);
    data[5..21].copy_from_slice(&id.0);
    data[21] = part as u8;
    data
}

/// Seals `plain` with the key in force.
pub(super) fn seal(ring: &KeyRing, id: RecordId, part: Part, plain: &[u8]) -> Result<Vec<u8>, StoreError> {
    let (key_id, key) = ring.sealing();
    let mut nonce = [0u8; 24];
    getrandom::fill(&mut nonce).map_err(|error| StoreError::Random(error.to_string()))?;
    let cipher = XChaCha20Poly1305::new(key.bytes().into());
    let payload = Payload { msg: plain, aad: &associated(*key_id, id, part) };
    let sealed = cipher.encrypt(&XNonce::from(nonce), payload).map_err(|_| StoreError::Seal)?;
    let mut out = Vec::with_capacity(HEAD + sealed.len());
    out.push(VERSION);
    out.extend_from_slice(&key_id.0);
    out.extend_from_slice(&nonce);
    out.extend_from_slice(&sealed);
    Ok(out)
}

/// Opens what [`seal`] made. Any changed byte is [`StoreError::Seal`].
pub(super) fn open(ring: &KeyRing, id: RecordId, part: Part, sealed: &[u8]) -> Result<Vec<u8>, StoreError> {
    let key_id = key_of(sealed).ok_or(StoreError::Seal)?;
    let key = ring.opening(key_id).ok_or(StoreError::Seal)?;
    let nonce: [u8; 24] = sealed[5..HEAD].try_into().map_err(|_| StoreError::Seal)?;
    let payload = Payload { msg: &sealed[HEAD..], aad: &associated(key_id, id, part) };
    XChaCha20Poly1305::new(key.bytes().into())
        .decrypt(&XNonce::from(nonce), payload)
        .map_err(|_| StoreError::Seal)
}

/// How everything begins that this key sealed.
pub(super) fn head(key: KeyId) -> [u8; 5] {
    let [a, b, c, d] = key.0;
    [VERSION, a, b, c, d]
}

/// Which key sealed this; `None` when it is too short or of an unknown version.
pub(super) fn key_of(sealed: &[u8]) -> Option<KeyId> {
    if sealed.len() < OVERHEAD || sealed[0] != VERSION {
        return None;
    }
    Some(KeyId([sealed[1], sealed[2], sealed[3], sealed[4]]))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn ring(lines: &[&str]) -> KeyRing {
        let text = lines.iter().map(|byte| byte.repeat(32)).collect::<Vec<_>>().join("\n");
        KeyRing::parse(&text, Path::new("test")).unwrap()
    }

    #[test]
    fn every_changed_byte_breaks_the_seal_and_so_does_every_cut() {
        let ring = ring(&["11"]);
        let id = RecordId([7; 16]);
        let sealed = seal(&ring, id, Part::Request, b"who").unwrap();
        assert_eq!(open(&ring, id, Part::Request, &sealed).unwrap(), b"who");
        for position in 0..sealed.len() {
            let mut torn = sealed.clone();
            torn[position] ^= 1;
            assert!(open(&ring, id, Part::Request, &torn).is_err(), "byte {position}");
            assert!(open(&ring, id, Part::Request, &sealed[..position]).is_err(), "cut at {position}");
        }
    }

    #[test]
    fn a_sealed_part_passes_for_no_other_record_and_no_other_part() {
        let ring = ring(&["11"]);
        let sealed = seal(&ring, RecordId([7; 16]), Part::Request, b"who").unwrap();
        assert!(open(&ring, RecordId([8; 16]), Part::Request, &sealed).is_err());
        assert!(open(&ring, RecordId([7; 16]), Part::Answer, &sealed).is_err());
    }

    #[test]
    fn after_rotation_the_old_key_still_opens_and_the_new_one_seals() {
        let id = RecordId([7; 16]);
        let old = seal(&ring(&["11"]), id, Part::Request, b"who").unwrap();
        let both = ring(&["22", "11"]);
        assert_eq!(open(&both, id, Part::Request, &old).unwrap(), b"who");
        let new = seal(&both, id, Part::Request, b"who").unwrap();
        assert_eq!(key_of(&new), Some(both.ids()[0]));
        assert!(open(&ring(&["11"]), id, Part::Request, &new).is_err());
    }
}
