//! Digits and keys in locked memory: what is kept there, and the only two ways in and out.
//!
//! Each secret has a memory page of its own, locked against swapping, left out of core dumps, emptied in
//! a forked child, unreadable between uses and zeroed before it is given back (crate `memsafe`). The
//! digits are decrypted into that page and encrypted out of it: they are never anywhere else in the clear.

use hpke::{
    Deserializable, HpkeError, Kem, OpModeR, OpModeS, Serializable,
    aead::{AeadTag, ChaCha20Poly1305},
    inout::InOutBuf,
    kdf::HkdfSha256,
    kem::X25519HkdfSha256,
    single_shot_open_inout_detached, single_shot_seal_inout_detached,
};
use madoguchi_protocol::pin::{DIGITS, INFO_FROM_DEVICE, INFO_TO_NFC_READER, PublicKey, SealedPin};
use memsafe::{Secret, error::MemoryError};

type PrivateKey = <X25519HkdfSha256 as Kem>::PrivateKey;
type EncappedKey = <X25519HkdfSha256 as Kem>::EncappedKey;

/// Bytes of the seal's authentication tag.
const TAG: usize = 16;

/// Why the vault can't do it. Says nothing of what is in it.
#[derive(Debug, thiserror::Error)]
pub enum VaultError {
    /// The operating system lends no locked memory.
    #[error("no locked memory: {0}; raise LimitMEMLOCK of the unit")]
    Memory(#[from] MemoryError),
    /// The seal does not open with this key, info and associated data.
    #[error("the seal does not open")]
    Seal,
    /// The seal opens to something else than 4 ASCII digits.
    #[error("not a PIN of {DIGITS} digits")]
    NotAPin,
}

impl From<HpkeError> for VaultError {
    // The reasons within HPKE would tell an attacker more than a person.
    fn from(_: HpkeError) -> Self {
        Self::Seal
    }
}

/// The private half of a job's key pair. No `Debug`, no `Clone`.
pub struct JobKey(Secret<32>);

impl JobKey {
    /// A fresh key pair: the private half stays here, the public half goes to the reader's device.
    pub fn generate() -> Result<(Self, PublicKey), VaultError> {
        let (private, public) = X25519HkdfSha256::gen_keypair();
        let key = Secret::new_with(|page| private.write_exact(page))?;
        let mut bytes = [0; 32];
        public.write_exact(&mut bytes);
        Ok((Self(key), PublicKey(bytes)))
    }

    /// Opens the device's seal into locked memory. The key is spent whatever comes of it.
    pub fn open(mut self, sealed: &SealedPin, aad: &[u8]) -> Result<LockedPin, VaultError> {
        let encapsulated = EncappedKey::from_bytes(&sealed.encapsulated)?;
        let (digits, tag) = sealed.ciphertext.split_at_checked(DIGITS).ok_or(VaultError::Seal)?;
        if tag.len() != TAG {
            return Err(VaultError::Seal);
        }
        let tag = AeadTag::<ChaCha20Poly1305>::from_bytes(tag)?;
        let key = PrivateKey::from_bytes(&*self.0.read()?)?;
        let mut opened = Err(VaultError::Seal);
        let pin = Secret::<DIGITS>::new_with(|page| {
            page.copy_from_slice(digits);
            opened = single_shot_open_inout_detached::<ChaCha20Poly1305, HkdfSha256, X25519HkdfSha256>(
                &OpModeR::Base,
                &key,
                &encapsulated,
                INFO_FROM_DEVICE,
                InOutBuf::from(&mut page[..]),
                aad,
                &tag,
            )
            .map_err(VaultError::from)
            .and_then(|()| {
                if page.iter().all(u8::is_ascii_digit) { Ok(()) } else { Err(VaultError::NotAPin) }
            });
        })?;
        opened.map(|()| LockedPin(pin))
    }
}

/// Four digits in locked memory. No `Debug`, no `Clone`, no way to read them: only to seal them, once.
pub struct LockedPin(Secret<DIGITS>);

impl LockedPin {
    /// Seals the digits to the one `nfc_reader` that made `reader_key`, and wipes them whatever comes of it.
    pub fn seal_to(mut self, reader_key: &PublicKey, aad: &[u8]) -> Result<SealedPin, VaultError> {
        let public = <X25519HkdfSha256 as Kem>::PublicKey::from_bytes(&reader_key.0)?;
        let digits = self.0.read()?;
        let mut ciphertext = vec![0; DIGITS];
        let buffer = InOutBuf::new(&digits[..], &mut ciphertext).map_err(|_| VaultError::Seal)?;
        let (encapsulated, tag) = single_shot_seal_inout_detached::<
            ChaCha20Poly1305,
            HkdfSha256,
            X25519HkdfSha256,
        >(&OpModeS::Base, &public, INFO_TO_NFC_READER, buffer, aad)?;
        ciphertext.extend_from_slice(&tag.to_bytes());
        Ok(SealedPin { encapsulated: encapsulated.to_bytes().to_vec(), ciphertext })
    }
}
