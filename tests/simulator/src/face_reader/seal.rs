//! The reader's PIN pad: digits leave it only sealed (`DEVICE_LINK.md`, "Sealing a PIN").

use hpke::{
    Deserializable, OpModeS, Serializable, aead::ChaCha20Poly1305, kdf::HkdfSha256, kem::X25519HkdfSha256,
};
use madoguchi_protocol::{
    LaneId, VisitId,
    device::PinPad,
    pin::{INFO_FROM_DEVICE, SealedPin, associated_data},
};

/// Why digits could not be sealed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the screen's public key is of no use: the box must send 32 bytes of X25519")]
pub struct SealError;

/// Seals `digits` for the keeper whose key came with the screen; bound to visit, lane and job.
pub fn seal(digits: &[u8], pad: &PinPad, visit: VisitId, lane: LaneId) -> Result<SealedPin, SealError> {
    let key =
        <X25519HkdfSha256 as hpke::Kem>::PublicKey::from_bytes(&pad.public_key.0).map_err(|_| SealError)?;
    let (encapsulated, ciphertext) =
        hpke::single_shot_seal::<ChaCha20Poly1305, HkdfSha256, X25519HkdfSha256>(
            &OpModeS::Base,
            &key,
            INFO_FROM_DEVICE,
            digits,
            &associated_data(visit, lane, pad.job),
        )
        .map_err(|_| SealError)?;
    Ok(SealedPin { encapsulated: encapsulated.to_bytes().to_vec(), ciphertext })
}
