//! This end of the PIN's second seal (see [`madoguchi_protocol::pin`]).

use crate::jpki::Pin;
use hpke::{
    Deserializable, Kem, OpModeR, Serializable,
    aead::{AeadTag, ChaCha20Poly1305},
    inout::InOutBuf,
    kdf::HkdfSha256,
    kem::X25519HkdfSha256,
    single_shot_open_inout_detached,
};
use madoguchi_protocol::pin::{DIGITS, INFO_TO_NFC_READER, PublicKey, SealedPin};
use zeroize::Zeroizing;

type PrivateKey = <X25519HkdfSha256 as Kem>::PrivateKey;
type EncappedKey = <X25519HkdfSha256 as Kem>::EncappedKey;

/// A key pair made for one read. The private half is zeroed when dropped. No `Debug`, no `Clone`.
pub(crate) struct ReaderKey {
    private: PrivateKey,
    public: PublicKey,
}

impl ReaderKey {
    /// A fresh pair from the operating system's random numbers.
    pub fn generate() -> Self {
        let (private, public) = X25519HkdfSha256::gen_keypair();
        Self { private, public: PublicKey(public.to_bytes().into()) }
    }

    /// The half that `pin_session` seals to.
    pub fn public(&self) -> PublicKey {
        self.public
    }

    /// Opens the seal; none when it was not made for this key, visit, lane and job, or holds no PIN.
    pub fn open(self, sealed: &SealedPin, aad: &[u8]) -> Option<Pin> {
        let encapsulated = EncappedKey::from_bytes(&sealed.encapsulated).ok()?;
        let (ciphertext, tag) = sealed.ciphertext.split_at_checked(DIGITS)?;
        let tag = AeadTag::<ChaCha20Poly1305>::from_bytes(tag).ok()?;
        let mut digits = Zeroizing::new([0; DIGITS]);
        digits.copy_from_slice(ciphertext);
        single_shot_open_inout_detached::<ChaCha20Poly1305, HkdfSha256, X25519HkdfSha256>(
            &OpModeR::Base,
            &self.private,
            &encapsulated,
            INFO_TO_NFC_READER,
            InOutBuf::from(&mut digits[..]),
            aad,
            &tag,
        )
        .ok()?;
        Pin::new(digits)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hpke::{OpModeS, single_shot_seal};
    use proptest::prelude::*;

    fn seal(plain: &[u8], to: &PublicKey, aad: &[u8]) -> SealedPin {
        let key = <X25519HkdfSha256 as Kem>::PublicKey::from_bytes(&to.0).unwrap();
        let (encapsulated, ciphertext) = single_shot_seal::<ChaCha20Poly1305, HkdfSha256, X25519HkdfSha256>(
            &OpModeS::Base,
            &key,
            INFO_TO_NFC_READER,
            plain,
            aad,
        )
        .unwrap();
        SealedPin { encapsulated: encapsulated.to_bytes().to_vec(), ciphertext }
    }

    #[test]
    fn only_the_right_key_and_binding_open_a_pin() {
        for (plain, aad, opens) in [
            (&b"1234"[..], &b"here"[..], true),
            (b"1234", b"elsewhere", false),
            (b"12345", b"here", false),
            (b"12x4", b"here", false),
        ] {
            let key = ReaderKey::generate();
            let sealed = seal(plain, &key.public(), aad);
            assert_eq!(key.open(&sealed, b"here").is_some(), opens, "{plain:?} {aad:?}");
            assert!(ReaderKey::generate().open(&sealed, b"here").is_none());
        }
    }

    proptest! {
        #[test]
        fn no_seal_whatever_makes_it_panic(
            encapsulated in prop::collection::vec(any::<u8>(), 0..80),
            ciphertext in prop::collection::vec(any::<u8>(), 0..80),
        ) {
            let opened = ReaderKey::generate().open(&SealedPin { encapsulated, ciphertext }, b"");
            prop_assert!(opened.is_none());
        }
    }
}
