//! The reader's own card slot, and the phone held over a reader that takes phones itself: a virtual card, read over the
//! same APDUs as in the field.

use crate::cards::{Card, Medium, Reaction};
use madoguchi_protocol::{
    device::{SlotMethod, SlotResult},
    evidence::VerifiedBy,
};
use sha2::{Digest, Sha256};

const SELECT_APPLICATION: &[u8] =
    &[0x00, 0xA4, 0x04, 0x0C, 0x0A, 0xD3, 0x92, 0xF0, 0x00, 0x26, 0x01, 0x00, 0x00, 0x00, 0x01];
const SELECT_PIN: &[u8] = &[0x00, 0xA4, 0x02, 0x0C, 0x02, 0x00, 0x18];
const SELECT_KEY: &[u8] = &[0x00, 0xA4, 0x02, 0x0C, 0x02, 0x00, 0x17];
const TRIES_LEFT: &[u8] = &[0x00, 0x20, 0x00, 0x80];
/// DER of a DigestInfo up to the SHA-256 digest itself (DOMAIN section 3).
const DIGEST_INFO: &[u8] = &[
    0x30, 0x31, 0x30, 0x0D, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00,
    0x04, 0x20,
];
const OK: u16 = 0x9000;

/// A card in the slot.
#[derive(Clone)]
pub struct SlotCard {
    /// The name by which scripts know it.
    pub id: String,
    /// The card itself.
    pub card: Card,
}

/// What [`read`] is asked for, apart from the card.
pub(super) struct Wanted<'a> {
    pub method: SlotMethod,
    /// Whether the camera takes the person for the card's holder.
    pub face_matches: bool,
    /// What the patient typed for the slot; used with [`SlotMethod::Pin`] only.
    pub pin: &'a [u8],
    pub last_try_allowed: bool,
    pub statement: &'a [u8],
}

/// Verifies the holder and has the card sign. A PIN is sent once at most, and never on the last try unless
/// that was allowed.
pub(super) fn read(card: &Card, wanted: &Wanted<'_>) -> SlotResult {
    match (wanted.method, card.medium()) {
        (SlotMethod::Face | SlotMethod::Pin | SlotMethod::Staff, Medium::MyNumberCard)
        | (SlotMethod::Iphone, Medium::Iphone)
        | (SlotMethod::Android, Medium::Android) => {}
        (_, Medium::OldResidentCard) => return SlotResult::OldResidentCard,
        // The slot has contacts; a phone has none. And another medium was asked for.
        _ => return SlotResult::NotReadable,
    }
    card.reset();
    let verified_by = match verify(card, wanted) {
        Ok(verified_by) => verified_by,
        Err(result) => return result,
    };
    let credential = card.credential();
    let digest_info = [DIGEST_INFO, &Sha256::digest(wanted.statement)].concat();
    match credential.sign_digest_info(&digest_info) {
        Ok(signature) => {
            SlotResult::Signed { verified_by, certificate: credential.certificate_der().to_vec(), signature }
        }
        Err(_) => SlotResult::NotReadable,
    }
}

fn verify(card: &Card, wanted: &Wanted<'_>) -> Result<VerifiedBy, SlotResult> {
    if status(card, SELECT_APPLICATION)? != OK {
        return Err(SlotResult::NotReadable);
    }
    match wanted.method {
        SlotMethod::Staff => return Ok(VerifiedBy::Staff),
        SlotMethod::Face if wanted.face_matches => return Ok(VerifiedBy::Face),
        SlotMethod::Face => return Err(SlotResult::FaceMismatch),
        SlotMethod::Iphone => return authorised(card, wanted.statement),
        SlotMethod::Pin | SlotMethod::Android => {}
    }
    if status(card, SELECT_PIN)? != OK {
        return Err(SlotResult::NotReadable);
    }
    match status(card, TRIES_LEFT)? {
        0x63C1 if !wanted.last_try_allowed => return Err(SlotResult::LastTry),
        0x63C1..=0x63CF => {}
        0x63C0 | 0x6983 | 0x6984 => return Err(SlotResult::Locked),
        _ => return Err(SlotResult::NotReadable),
    }
    let length = u8::try_from(wanted.pin.len()).map_err(|_| SlotResult::NotReadable)?;
    let verify = zeroize::Zeroizing::new([TRIES_LEFT, &[length], wanted.pin].concat());
    match status(card, &verify)? {
        OK => Ok(VerifiedBy::Pin),
        0x63C0 | 0x6983 | 0x6984 => Err(SlotResult::Locked),
        left @ 0x63C1..=0x63CF => Err(SlotResult::WrongPin { tries_left: (left & 0x0F) as u8 }),
        _ => Err(SlotResult::NotReadable),
    }
}

/// An iPhone signs without VERIFY once its holder has authenticated on it.
fn authorised(card: &Card, statement: &[u8]) -> Result<VerifiedBy, SlotResult> {
    let digest_info = [DIGEST_INFO, &Sha256::digest(statement)].concat();
    let length = u8::try_from(digest_info.len()).map_err(|_| SlotResult::NotReadable)?;
    let sign = [&[0x80, 0x2A, 0x00, 0x80, length][..], &digest_info, &[0]].concat();
    if status(card, SELECT_KEY)? != OK {
        return Err(SlotResult::NotReadable);
    }
    match status(card, &sign)? {
        OK => Ok(VerifiedBy::Device),
        0x6982 => Err(SlotResult::HolderNotAuthorised),
        _ => Err(SlotResult::NotReadable),
    }
}

/// The status word of an answer. A card that is torn out or hangs is as good as taken away.
fn status(card: &Card, apdu: &[u8]) -> Result<u16, SlotResult> {
    match card.transmit(apdu) {
        Reaction::Answer(answer) => match answer.last_chunk::<2>() {
            Some(status) => Ok(u16::from_be_bytes(*status)),
            None => Err(SlotResult::CardRemoved),
        },
        Reaction::Tear(_) | Reaction::Hang => Err(SlotResult::CardRemoved),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        cards::CardOptions,
        pki::jpki::{JpkiAuthority, Validity},
    };

    fn card(medium: Medium, options: CardOptions) -> Card {
        let authority = JpkiAuthority::generate(1).unwrap();
        let credential = authority.issue(Validity::valid_at(jiff::Timestamp::now())).unwrap();
        Card::new(medium, credential, options)
    }

    fn with_pin(pin: &[u8], last_try_allowed: bool) -> Wanted<'_> {
        Wanted {
            method: SlotMethod::Pin,
            face_matches: false,
            pin,
            last_try_allowed,
            statement: b"statement",
        }
    }

    #[test]
    fn right_pin_signs_and_wrong_pin_costs_one_try() {
        let card = card(Medium::MyNumberCard, CardOptions::default());
        assert_eq!(read(&card, &with_pin(b"9999", false)), SlotResult::WrongPin { tries_left: 2 });
        let SlotResult::Signed { verified_by, signature, .. } = read(&card, &with_pin(b"1234", false)) else {
            panic!("not signed")
        };
        assert_eq!((verified_by, signature.len()), (VerifiedBy::Pin, 256));
        assert_eq!(card.tries_left(), 3);
    }

    #[test]
    fn last_try_is_spent_only_when_allowed() {
        let card = card(Medium::MyNumberCard, CardOptions::last_try());
        assert_eq!(read(&card, &with_pin(b"1234", false)), SlotResult::LastTry);
        assert_eq!((card.seen().pins, card.tries_left()), (0, 1));
        assert_eq!(read(&card, &with_pin(b"9999", true)), SlotResult::Locked);
        assert_eq!(read(&card, &with_pin(b"1234", true)), SlotResult::Locked);
    }

    #[test]
    fn face_needs_no_pin_and_a_strangers_face_is_refused() {
        let card = card(Medium::MyNumberCard, CardOptions::locked());
        let face = |face_matches| Wanted { method: SlotMethod::Face, face_matches, ..with_pin(b"", false) };
        assert_eq!(read(&card, &face(false)), SlotResult::FaceMismatch);
        assert!(matches!(read(&card, &face(true)), SlotResult::Signed { verified_by: VerifiedBy::Face, .. }));
    }

    #[test]
    fn r04_a_phone_held_over_the_reader_signs_by_its_own_rules() {
        let of = |method, pin| Wanted { method, ..with_pin(pin, false) };
        let iphone = card(Medium::Iphone, CardOptions::default());
        let signed = read(&iphone, &of(SlotMethod::Iphone, b""));
        assert!(matches!(signed, SlotResult::Signed { verified_by: VerifiedBy::Device, .. }), "{signed:?}");
        assert_eq!(iphone.seen().pins, 0);
        iphone.set_holder_authorised(false);
        assert_eq!(read(&iphone, &of(SlotMethod::Iphone, b"")), SlotResult::HolderNotAuthorised);
        let android = card(Medium::Android, CardOptions::default());
        let wrong = read(&android, &of(SlotMethod::Android, b"9999"));
        assert_eq!(wrong, SlotResult::WrongPin { tries_left: 2 });
        let signed = read(&android, &of(SlotMethod::Android, b"1234"));
        assert!(matches!(signed, SlotResult::Signed { verified_by: VerifiedBy::Pin, .. }), "{signed:?}");
        assert_eq!(read(&android, &of(SlotMethod::Iphone, b"")), SlotResult::NotReadable);
    }

    #[test]
    fn old_resident_card_is_named_and_a_phone_does_not_fit() {
        let old = card(Medium::OldResidentCard, CardOptions::default());
        assert_eq!(read(&old, &with_pin(b"1234", false)), SlotResult::OldResidentCard);
        let phone = card(Medium::Android, CardOptions::default());
        assert_eq!(read(&phone, &with_pin(b"1234", false)), SlotResult::NotReadable);
    }
}
