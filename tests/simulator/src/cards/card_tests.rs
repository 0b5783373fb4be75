//! One test for each status word that DOMAIN section 3 names.

use std::num::NonZeroU8;
use std::sync::OnceLock;

use jiff::Timestamp;

use super::*;
use crate::pki::jpki::{JpkiAuthority, Validity};

const SELECT_JPKI: [u8; 15] =
    [0x00, 0xA4, 0x04, 0x0C, 0x0A, 0xD3, 0x92, 0xF0, 0x00, 0x26, 0x01, 0x00, 0x00, 0x00, 0x01];

/// One key for all tests: generating it is what takes the time.
fn credential() -> CardCredential {
    static CREDENTIAL: OnceLock<CardCredential> = OnceLock::new();
    let make = || JpkiAuthority::generate(1).unwrap().issue(Validity::valid_at(Timestamp::now())).unwrap();
    CREDENTIAL.get_or_init(make).clone()
}

fn card(medium: Medium, options: CardOptions) -> Card {
    let card = Card::new(medium, credential(), options);
    assert_eq!(send(&card, &SELECT_JPKI), (vec![], 0x9000));
    card
}

fn healthy(medium: Medium) -> Card {
    card(medium, CardOptions::default())
}

fn send(card: &Card, apdu: &[u8]) -> (Vec<u8>, u16) {
    match card.transmit(apdu) {
        Reaction::Answer(mut answer) => {
            let status = answer.split_off(answer.len() - 2);
            (answer, u16::from_be_bytes([status[0], status[1]]))
        }
        other => panic!("no answer but {other:?}"),
    }
}

fn select(card: &Card, id: u16) -> u16 {
    let [high, low] = id.to_be_bytes();
    send(card, &[0x00, 0xA4, 0x02, 0x0C, 0x02, high, low]).1
}

fn read_binary(card: &Card, offset: usize, le: u8) -> (Vec<u8>, u16) {
    let [high, low] = u16::try_from(offset).unwrap().to_be_bytes();
    send(card, &[0x00, 0xB0, high, low, le])
}

fn verify(card: &Card, pin: &[u8]) -> u16 {
    let mut apdu = vec![0x00, 0x20, 0x00, 0x80];
    if !pin.is_empty() {
        apdu.push(pin.len() as u8);
        apdu.extend_from_slice(pin);
    }
    send(card, &apdu).1
}

fn sign(card: &Card, data: &[u8]) -> (Vec<u8>, u16) {
    let mut apdu = vec![0x80, 0x2A, 0x00, 0x80, data.len() as u8];
    apdu.extend_from_slice(data);
    apdu.push(0);
    send(card, &apdu)
}

const DIGEST_INFO: [u8; 51] = [0x30; 51];

#[test]
fn selecting_says_9000_or_6a82() {
    let card = healthy(Medium::MyNumberCard);
    for id in [0x0006, 0x0008, 0x000A, 0x000B, 0x0017, 0x0018, 0x001B] {
        assert_eq!(select(&card, id), 0x9000, "{id:04x}");
    }
    assert_eq!(select(&card, 0x00FF), 0x6A82);
    let mut stranger = SELECT_JPKI;
    stranger[14] = 0x09;
    assert_eq!(send(&card, &stranger).1, 0x6A82);
    assert_eq!(select(&card, 0x0006), 0x6A82, "no application is selected any more");
    assert_eq!(send(&card, &[0x00, 0xA4, 0x00, 0x00]).1, 0x6A86);
    assert_eq!(send(&card, &[0x00, 0xA4, 0x02, 0x0C, 0x01, 0x06]).1, 0x6700);
}

#[test]
fn each_medium_tells_its_label_padded_to_32_in_160_bytes() {
    for (medium, label) in [
        (Medium::MyNumberCard, "JPKIAPICCTOKEN2"),
        (Medium::Android, "JPKIAPGPSETOKEN"),
        (Medium::Iphone, "JPKIAPIOSTOKEN"),
        (Medium::OldResidentCard, "JPKIAPICCTOKEN"),
    ] {
        let card = healthy(medium);
        assert_eq!(select(&card, 0x0006), 0x9000);
        let (info, status) = read_binary(&card, 0, 160);
        assert_eq!((info.len(), status), (160, 0x9000));
        assert_eq!(String::from_utf8(info[..32].to_vec()).unwrap().trim_end(), label);
        assert_eq!(Medium::from_str(medium.name()), Ok(medium));
    }
    use std::str::FromStr;
    assert!(Medium::from_str("floppy").is_err());
}

#[test]
fn the_old_resident_card_has_nothing_but_its_label() {
    let card = healthy(Medium::OldResidentCard);
    for id in [0x0008, 0x000A, 0x000B, 0x0017, 0x0018] {
        assert_eq!(select(&card, id), 0x6A82, "{id:04x}");
    }
}

#[test]
fn the_certificate_is_read_in_pieces_and_in_one() {
    let card = healthy(Medium::MyNumberCard);
    assert_eq!(read_binary(&card, 0, 0).1, 0x6986, "nothing selected");
    select(&card, 0x000A);
    let expected = credential().certificate_der().to_vec();
    let mut der = Vec::new();
    loop {
        let (piece, status) = read_binary(&card, der.len(), 0);
        if status == 0x6B00 {
            break;
        }
        assert_eq!(status, 0x9000);
        der.extend_from_slice(&piece);
    }
    assert_eq!(der, expected);
    let (whole, status) = send(&card, &[0x00, 0xB0, 0x00, 0x00, 0x00, 0x00, 0x00]);
    assert_eq!((whole, status), (expected, 0x9000));
    assert_eq!(read_binary(&card, 0, 4).0.len(), 4);
    assert_eq!(send(&card, &[0x00, 0xB0, 0x8A, 0x00, 0x00]).1, 0x6A86);
}

#[test]
fn reading_ends_in_the_four_ways_of_the_field() {
    for (end, partial, past) in [
        (EndOfFile::WrongOffset, (3, 0x9000), 0x6B00),
        (EndOfFile::Warning, (3, 0x6282), 0x6282),
        (EndOfFile::Empty, (3, 0x9000), 0x9000),
        (EndOfFile::ExactLength, (0, 0x6C03), 0x6B00),
    ] {
        let card = card(Medium::MyNumberCard, CardOptions { end_of_file: end, ..CardOptions::default() });
        select(&card, 0x0008);
        let (bytes, status) = read_binary(&card, 0, 16);
        assert_eq!((bytes.len(), status), partial, "{end:?}");
        assert_eq!(read_binary(&card, 0, 3), (vec![0x8F, 0x8F, 0x00], 0x9000), "{end:?}");
        assert_eq!(read_binary(&card, 3, 16), (vec![], past), "{end:?}");
        assert_eq!(read_binary(&card, 0x7000, 0), (vec![], past), "{end:?}");
    }
}

#[test]
fn keys_and_pins_are_not_readable() {
    let card = healthy(Medium::MyNumberCard);
    for id in [0x0017, 0x0018, 0x001B] {
        select(&card, id);
        assert_eq!(read_binary(&card, 0, 0), (vec![], 0x6981));
    }
}

#[test]
fn a_wrong_pin_counts_down_to_63c0_and_then_6984() {
    let card = healthy(Medium::MyNumberCard);
    select(&card, 0x0018);
    assert_eq!(verify(&card, b""), 0x63C3);
    assert_eq!(verify(&card, b"0000"), 0x63C2);
    assert_eq!(verify(&card, b""), 0x63C2);
    assert_eq!(verify(&card, b"1234"), 0x9000);
    assert_eq!(verify(&card, b""), 0x63C3, "a right PIN gives the tries back");
    assert_eq!([(); 4].map(|()| verify(&card, b"0000")), [0x63C2, 0x63C1, 0x63C0, 0x6984]);
    assert_eq!(verify(&card, b"1234"), 0x6984);
    assert_eq!(verify(&card, b""), 0x63C0);
    assert_eq!(card.tries_left(), 0);
    card.set_tries_left(200);
    assert_eq!(verify(&card, b"1234"), 0x9000);
}

#[test]
fn a_blocked_pin_may_also_be_6983() {
    let options = CardOptions { pin_blocked: PinBlocked::AuthenticationBlocked, ..CardOptions::locked() };
    let card = card(Medium::MyNumberCard, options);
    select(&card, 0x0018);
    assert_eq!(verify(&card, b"1234"), 0x6983);
}

#[test]
fn a_wrong_pin_on_the_last_try_locks() {
    let card = card(Medium::Android, CardOptions::last_try());
    select(&card, 0x0018);
    assert_eq!(verify(&card, b""), 0x63C1);
    assert_eq!(verify(&card, b"0000"), 0x63C0);
}

#[test]
fn both_pin_files_count_apart() {
    let card = healthy(Medium::MyNumberCard);
    select(&card, 0x001B);
    assert_eq!(verify(&card, b""), 0x63C5);
    assert_eq!(verify(&card, b"1234"), 0x63C4);
    select(&card, 0x0018);
    assert_eq!(verify(&card, b""), 0x63C3);
    select(&card, 0x0017);
    assert_eq!(verify(&card, b"1234"), 0x6986);
    assert_eq!(send(&card, &[0x00, 0x20, 0x00, 0x81]).1, 0x6A86);
}

#[test]
fn the_my_number_card_signs_after_verify_only() {
    let card = healthy(Medium::MyNumberCard);
    select(&card, 0x0017);
    assert_eq!(sign(&card, &DIGEST_INFO), (vec![], 0x6982));
    select(&card, 0x0018);
    assert_eq!(verify(&card, b"1234"), 0x9000);
    select(&card, 0x0017);
    let (signature, status) = sign(&card, &DIGEST_INFO);
    assert_eq!(status, 0x9000);
    assert_eq!(signature, credential().sign_digest_info(&DIGEST_INFO).unwrap());
    assert_eq!(sign(&card, &[0x30; 246]), (vec![], 0x6A80));
    select(&card, 0x0006);
    assert_eq!(sign(&card, &DIGEST_INFO), (vec![], 0x6986));
    assert_eq!(card.seen(), Seen { apdus: 10, pins: 1, tries_asked: 0, signatures: 1, resets: 0 });
}

#[test]
fn a_reset_or_a_new_selection_forgets_the_pin() {
    let card = healthy(Medium::MyNumberCard);
    let verify_pin = || {
        select(&card, 0x0018);
        assert_eq!(verify(&card, b"1234"), 0x9000);
    };
    verify_pin();
    card.reset();
    assert_eq!(select(&card, 0x0017), 0x6A82, "the application is forgotten as well");
    send(&card, &SELECT_JPKI);
    select(&card, 0x0017);
    assert_eq!(sign(&card, &DIGEST_INFO).1, 0x6982);
    verify_pin();
    send(&card, &SELECT_JPKI);
    select(&card, 0x0017);
    assert_eq!(sign(&card, &DIGEST_INFO).1, 0x6982);
}

#[test]
fn r19_android_shows_its_certificate_after_verify_only() {
    let card = healthy(Medium::Android);
    select(&card, 0x000A);
    assert_eq!(read_binary(&card, 0, 0), (vec![], 0x6982));
    select(&card, 0x000B);
    assert_eq!(read_binary(&card, 0, 0).1, 0x9000);
    select(&card, 0x0018);
    assert_eq!(verify(&card, b"1234"), 0x9000);
    select(&card, 0x000A);
    assert_eq!(read_binary(&card, 0, 2), (vec![0x30, 0x82], 0x9000));
}

#[test]
fn r18_iphone_signs_without_pin_once_its_holder_authorised() {
    let card = card(Medium::Iphone, CardOptions { holder_authorised: false, ..CardOptions::default() });
    assert_eq!(select(&card, 0x0018), 0x6A82);
    select(&card, 0x0017);
    assert_eq!(sign(&card, &DIGEST_INFO), (vec![], 0x6982));
    card.set_holder_authorised(true);
    assert_eq!(sign(&card, &DIGEST_INFO).1, 0x9000);
    assert_eq!(card.seen().pins, 0);
    assert_eq!(verify(&card, b"1234"), 0x6986);
    assert_eq!(card.seen().pins, 1, "a PIN sent to an iPhone does not go unseen");
}

#[test]
fn long_answers_come_in_pieces_when_asked_to() {
    let options = CardOptions { chunk: NonZeroU8::new(100), ..CardOptions::default() };
    let card = card(Medium::Iphone, options);
    select(&card, 0x0017);
    let expected = credential().sign_digest_info(&DIGEST_INFO).unwrap();
    let (mut signature, status) = sign(&card, &DIGEST_INFO);
    assert_eq!((signature.len(), status), (100, 0x619C));
    assert_eq!(send(&card, &[0x00, 0xC0, 0x00, 0x00]), (vec![], 0x6C64), "without Le");
    let (piece, status) = send(&card, &[0x00, 0xC0, 0x00, 0x00, 0x9C]);
    assert_eq!((piece.len(), status), (100, 0x6138));
    signature.extend(piece);
    let (piece, status) = send(&card, &[0x00, 0xC0, 0x00, 0x00, 0x38]);
    assert_eq!(status, 0x9000);
    signature.extend(piece);
    assert_eq!(signature, expected);
    assert_eq!(send(&card, &[0x00, 0xC0, 0x00, 0x00, 0x00]).1, 0x6986, "nothing is waiting any more");
}

#[test]
fn a_command_without_le_is_answered_by_get_response() {
    let card = healthy(Medium::Iphone);
    select(&card, 0x0017);
    let mut apdu = vec![0x80, 0x2A, 0x00, 0x80, 51];
    apdu.extend_from_slice(&DIGEST_INFO);
    assert_eq!(send(&card, &apdu), (vec![], 0x6100));
    let (signature, status) = send(&card, &[0x00, 0xC0, 0x00, 0x00, 0x00]);
    assert_eq!((signature.len(), status), (256, 0x9000));
}

#[test]
fn what_is_no_command_of_jpki_is_refused() {
    let card = healthy(Medium::MyNumberCard);
    assert_eq!(send(&card, &[0x00, 0x84, 0x00, 0x00, 0x08]).1, 0x6D00);
    assert_eq!(send(&card, &[0xFF, 0xCA, 0x00, 0x00, 0x00]).1, 0x6E00);
    assert_eq!(send(&card, &[0x00, 0xA4]).1, 0x6700);
    assert_eq!(send(&card, &[]).1, 0x6700);
}

#[test]
fn a_fault_strikes_once_after_so_many_apdus() {
    let card = healthy(Medium::MyNumberCard);
    card.set_fault(Some(Fault::TearAfter(2)));
    assert_eq!(select(&card, 0x0006), 0x9000);
    assert_eq!(select(&card, 0x0008), 0x9000);
    assert!(matches!(card.transmit(&SELECT_JPKI), Reaction::Tear(answer) if answer == [0x90, 0x00]));
    assert_eq!(select(&card, 0x0006), 0x9000, "held again, it works");
    card.set_fault(Some(Fault::HangAfter(0)));
    assert_eq!(card.transmit(&SELECT_JPKI), Reaction::Hang);
    assert_eq!(select(&card, 0x0006), 0x9000);
}
