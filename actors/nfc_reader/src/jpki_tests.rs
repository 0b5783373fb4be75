//! Each status word of each step, the order of the steps, and media that mean harm.

use super::*;
use proptest::prelude::*;
use std::cell::Cell;

const CERTIFICATE_LENGTH: usize = 1500;

/// A JPKI medium with its APDUs written down; `answers` take the place of its own.
struct Card {
    label: &'static [u8],
    tries: u8,
    certificate: Vec<u8>,
    file: u16,
    verified: bool,
    log: Vec<Vec<u8>>,
    answers: Vec<(Vec<u8>, Vec<u8>)>,
    /// How it tells that a READ BINARY lies past the end.
    past_end: u16,
    /// Gives data by GET RESPONSE only.
    in_pieces: bool,
    waiting: Vec<u8>,
}

impl Card {
    fn new(label: &'static str) -> Self {
        let mut certificate: Vec<u8> = (0..CERTIFICATE_LENGTH).map(|i| i as u8).collect();
        certificate[..4].copy_from_slice(&[0x30, 0x82, 0x05, 0xD8]);
        Self {
            label: label.as_bytes(),
            tries: 3,
            certificate,
            file: 0,
            verified: false,
            log: Vec::new(),
            answers: Vec::new(),
            past_end: 0x6B00,
            in_pieces: false,
            waiting: Vec::new(),
        }
    }

    /// From now on commands that begin so are answered so.
    fn answering(mut self, command: &[u8], answer: &[u8]) -> Self {
        self.answers.push((command.to_vec(), answer.to_vec()));
        self
    }

    fn verifies(&self) -> usize {
        self.log.iter().filter(|command| command[1] == 0x20 && command.len() > 4).count()
    }

    fn own_answer(&mut self, command: &[u8]) -> Vec<u8> {
        let status = |status: u16| status.to_be_bytes().to_vec();
        match (command[1], command[2]) {
            (0xA4, 0x04) => status(0x9000),
            (0xA4, _) => {
                self.file = u16::from_be_bytes([command[5], command[6]]);
                status(0x9000)
            }
            (0xB0, _) => {
                let mut padded = self.label.to_vec();
                padded.resize(160, b' ');
                let file = match self.file {
                    file::TOKEN_INFO => &padded[..],
                    file::WHICH_CERTIFICATES => &[0x8F, 0x8F, 0x00][..],
                    _ => &self.certificate[..],
                };
                let offset = usize::from(u16::from_be_bytes([command[2], command[3]]));
                let le = if command[4] == 0 { 256 } else { usize::from(command[4]) };
                match file.get(offset..) {
                    None | Some([]) => status(self.past_end),
                    Some(rest) => {
                        let data = rest[..le.min(rest.len())].to_vec();
                        self.give(data)
                    }
                }
            }
            (0x20, _) if command.len() == 4 => status(0x63C0 | u16::from(self.tries)),
            (0x20, _) => {
                self.verified = &command[5..] == b"1234";
                self.tries = if self.verified { 3 } else { self.tries - 1 };
                if self.verified { status(0x9000) } else { status(0x63C0 | u16::from(self.tries)) }
            }
            (0x2A, _) if self.verified || self.label.starts_with(b"JPKIAPIOS") => self.give(vec![7; 256]),
            (0x2A, _) => status(0x6982),
            (0xC0, _) => {
                let mut data = std::mem::take(&mut self.waiting);
                let rest = data.split_off(data.len().min(100));
                self.give_rest(data, rest)
            }
            _ => status(0x6D00),
        }
    }

    fn give(&mut self, data: Vec<u8>) -> Vec<u8> {
        if self.in_pieces { self.give_rest(Vec::new(), data) } else { [data, vec![0x90, 0x00]].concat() }
    }

    fn give_rest(&mut self, mut data: Vec<u8>, rest: Vec<u8>) -> Vec<u8> {
        let left = u8::try_from(rest.len()).unwrap_or(0);
        data.extend(if rest.is_empty() { [0x90, 0x00] } else { [0x61, left] });
        self.waiting = rest;
        data
    }
}

impl Transmit for Card {
    fn transmit(&mut self, command: &[u8]) -> Result<Zeroizing<Vec<u8>>, TransmitError> {
        self.log.push(command.to_vec());
        let own = self.own_answer(command);
        let set = self.answers.iter().find(|(start, _)| command.starts_with(start));
        Ok(Zeroizing::new(set.map_or(own, |(_, answer)| answer.clone())))
    }
}

fn pin(digits: &[u8; 4]) -> Option<Pin> {
    Pin::new(Zeroizing::new(*digits))
}

fn request(expected: Medium) -> Request<'static> {
    Request { expected: Some(expected), statement: b"a statement", last_try_allowed: false }
}

/// Reads with the right PIN; `released` says whether it was asked for.
fn read_as(card: &mut Card, expected: Medium) -> (ReadOutcome, bool) {
    let released = Cell::new(false);
    let outcome = read(card, &request(expected), || {
        released.set(true);
        pin(b"1234")
    });
    (outcome, released.get())
}

const ANDROID: &str = "JPKIAPGPSETOKEN";
const VERIFY: &[u8] = &[0x00, 0x20, 0x00, 0x80, 0x04];

#[test]
fn a_test_of_the_reader_ends_at_the_label_and_asks_for_no_pin() {
    for (label, medium) in [
        (ANDROID, Medium::Android),
        ("JPKIAPICCTOKEN2", Medium::MyNumberCard),
        ("JPKIAPIOSTOKEN", Medium::Iphone),
    ] {
        let mut card = Card::new(label);
        let wanted = Request { expected: None, statement: b"", last_try_allowed: true };
        let outcome = read(&mut card, &wanted, || panic!("no PIN is asked for"));
        assert_eq!(outcome, ReadOutcome::WrongMedium { found: medium });
        assert_eq!(card.log.len(), 3, "application, token info and its label: {:02X?}", card.log);
    }
}

#[test]
fn an_android_signs_after_label_tries_pin_verify_certificate() {
    let mut card = Card::new(ANDROID);
    let (outcome, released) = read_as(&mut card, Medium::Android);
    let ReadOutcome::Signed { medium, certificate, signature } = outcome else { panic!("{outcome:?}") };
    assert!(released);
    assert_eq!((medium, certificate, signature), (Medium::Android, card.certificate.clone(), vec![7; 256]));
    let steps: Vec<_> = card.log.iter().map(|c| (c[1], c.len() > 4)).collect();
    let place = |step| steps.iter().position(|s| *s == step).unwrap();
    assert!(place((0x20, false)) < place((0x20, true)), "the tries are asked before VERIFY");
    let certificate_read = card.log.iter().position(|c| c[..] == select_file(file::CERTIFICATE)).unwrap();
    assert!(place((0x20, true)) < certificate_read && certificate_read < place((0x2A, true)));
    assert_eq!(card.verifies(), 1);
}

#[test]
fn what_is_signed_is_the_digest_info_of_the_statement() {
    let mut card = Card::new(ANDROID);
    read_as(&mut card, Medium::Android);
    let signed = card.log.iter().find(|c| c[1] == 0x2A).unwrap();
    assert_eq!(signed[..5], [0x80, 0x2A, 0x00, 0x80, 51]);
    assert_eq!(signed[5..24], SHA256_DIGEST_INFO);
    assert_eq!(signed[24..56], Sha256::digest(b"a statement")[..]);
    assert_eq!(signed[56..], [0x00]);
}

#[test]
fn r18_iphone_is_never_asked_for_a_pin() {
    let mut card = Card::new("JPKIAPIOSTOKEN");
    let (outcome, released) = read_as(&mut card, Medium::Iphone);
    assert!(matches!(outcome, ReadOutcome::Signed { medium: Medium::Iphone, .. }));
    assert!(!released);
    assert!(card.log.iter().all(|command| command[1] != 0x20), "VERIFY went to an iPhone");
}

#[test]
fn r18_iphone_that_has_not_authorised_is_told_so() {
    for command in [&[0x80, 0x2A][..], &[0x00, 0xB0, 0x01]] {
        let mut card = Card::new("JPKIAPIOSTOKEN").answering(command, &[0x69, 0x82]);
        assert_eq!(read_as(&mut card, Medium::Iphone), (ReadOutcome::HolderNotAuthorised, false));
    }
}

#[test]
fn wrong_medium_is_named_and_costs_nothing() {
    for (label, found) in [
        ("JPKIAPIOSTOKEN", Medium::Iphone),
        ("JPKIAPICCTOKEN2", Medium::MyNumberCard),
        (ANDROID, Medium::Android),
    ] {
        for expected in [Medium::Android, Medium::Iphone, Medium::MyNumberCard] {
            let mut card = Card::new(label);
            let (outcome, _) = read_as(&mut card, expected);
            assert_eq!(outcome == ReadOutcome::WrongMedium { found }, expected != found, "{label}");
            assert!(expected == found || card.verifies() == 0);
        }
    }
}

#[test]
fn old_resident_card_and_strangers_are_refused_before_anything_is_spent() {
    for (label, outcome) in [
        ("JPKIAPICCTOKEN", ReadOutcome::OldResidentCard),
        ("SOMETHING ELSE", ReadOutcome::NotJpki),
        ("", ReadOutcome::NotJpki),
    ] {
        assert_eq!(read_as(&mut Card::new(label), Medium::MyNumberCard), (outcome, false));
    }
    for status in [0x6A82_u16, 0x6D00, 0x6E00, 0x6A81, 0x6999] {
        let mut card = Card::new(ANDROID).answering(&SELECT_APPLICATION[..4], &status.to_be_bytes());
        assert_eq!(read_as(&mut card, Medium::Android), (ReadOutcome::NotJpki, false), "{status:04x}");
        assert_eq!(card.log.len(), 1);
    }
}

#[test]
fn a_label_is_padded_with_spaces_or_nuls() {
    for label in ["JPKIAPGPSETOKEN\0\0\0", "JPKIAPGPSETOKEN  \0 ", "JPKIAPGPSETOKEN                 "] {
        assert!(matches!(read_as(&mut Card::new(label), Medium::Android).0, ReadOutcome::Signed { .. }));
    }
}

#[test]
fn wrong_pin_is_sent_once_and_tells_the_tries_left() {
    let mut card = Card::new(ANDROID);
    let outcome = read(&mut card, &request(Medium::Android), || pin(b"0000"));
    assert_eq!(outcome, ReadOutcome::WrongPin { tries_left: 2 });
    assert_eq!(card.verifies(), 1);
}

#[test]
fn last_try_is_never_spent_without_the_patients_yes() {
    let mut card = Card::new(ANDROID);
    card.tries = 1;
    assert_eq!(read_as(&mut card, Medium::Android), (ReadOutcome::LastTry, false));
    assert_eq!(card.verifies(), 0);
    let allowed = Request { last_try_allowed: true, ..request(Medium::Android) };
    assert!(matches!(read(&mut card, &allowed, || pin(b"1234")), ReadOutcome::Signed { .. }));
}

#[test]
fn all_three_status_words_mean_locked_before_and_after_verify() {
    for status in [0x63C0_u16, 0x6983, 0x6984] {
        let mut card = Card::new(ANDROID).answering(VERIFY, &status.to_be_bytes());
        assert_eq!(read_as(&mut card, Medium::Android), (ReadOutcome::Locked, true), "{status:04x}");
        let mut card = Card::new(ANDROID).answering(ASK_TRIES, &status.to_be_bytes());
        assert_eq!(read_as(&mut card, Medium::Android), (ReadOutcome::Locked, false), "{status:04x}");
        assert_eq!(card.verifies(), 0);
    }
}

#[test]
fn unknown_tries_left_risk_no_pin() {
    for status in [0x9000_u16, 0x6300, 0x6C03, 0x61C3, 0x6F00] {
        let mut card = Card::new(ANDROID).answering(ASK_TRIES, &status.to_be_bytes());
        assert_eq!(read_as(&mut card, Medium::Android), (ReadOutcome::Unreadable { status }, false));
        assert_eq!(card.verifies(), 0);
    }
}

#[test]
fn no_answer_makes_the_pin_go_out_twice() {
    for status in [0x6C00_u16, 0x6104, 0x6300, 0x6F00, 0x6282] {
        let mut card = Card::new(ANDROID).answering(VERIFY, &status.to_be_bytes());
        assert_eq!(read_as(&mut card, Medium::Android), (ReadOutcome::Unreadable { status }, true));
        assert_eq!(card.verifies(), 1);
    }
}

#[test]
fn a_pin_that_is_not_held_spends_nothing() {
    let mut card = Card::new(ANDROID);
    assert_eq!(read(&mut card, &request(Medium::Android), || None), ReadOutcome::PinNotHeld);
    assert_eq!(card.verifies(), 0);
}

#[test]
fn pieces_and_wrong_lengths_are_put_right() {
    let mut card = Card::new(ANDROID);
    card.in_pieces = true;
    assert!(matches!(read_as(&mut card, Medium::Android).0, ReadOutcome::Signed { .. }));
    // A medium that wants the exact Le of the label, once.
    struct Exact(Card);
    impl Transmit for Exact {
        fn transmit(&mut self, command: &[u8]) -> Result<Zeroizing<Vec<u8>>, TransmitError> {
            if command == [0x00, 0xB0, 0x00, 0x00, 0x20] {
                return Ok(Zeroizing::new(vec![0x6C, 0xA0]));
            }
            self.0.transmit(command)
        }
    }
    let mut exact = Exact(Card::new(ANDROID));
    let outcome = read(&mut exact, &request(Medium::Android), || pin(b"1234"));
    assert!(matches!(outcome, ReadOutcome::Signed { .. }));
}

#[test]
fn a_certificate_cut_short_is_unreadable_however_the_end_is_told() {
    for past_end in [0x6B00, 0x6282, 0x9000] {
        let mut card = Card::new(ANDROID);
        card.past_end = past_end;
        card.certificate.truncate(1000);
        assert_eq!(read_as(&mut card, Medium::Android).0, ReadOutcome::Unreadable { status: past_end });
    }
}

#[test]
fn no_certificate_is_not_jpki_and_a_huge_one_is_not_read() {
    for (start, outcome) in [
        (vec![0; 300], ReadOutcome::NotJpki),
        (vec![0xFF; 300], ReadOutcome::NotJpki),
        (vec![], ReadOutcome::NotJpki),
        (vec![0x30, 0x82, 0xFF, 0xFF], ReadOutcome::Unreadable { status: 0x9000 }),
        (b"PK..".to_vec(), ReadOutcome::Unreadable { status: 0x9000 }),
    ] {
        let mut card = Card::new(ANDROID);
        card.certificate = start;
        assert_eq!(read_as(&mut card, Medium::Android).0, outcome);
    }
    let mut none = Card::new(ANDROID).answering(&[0x00, 0xB0, 0x00, 0x00, 0x03], &[0, 0, 0, 0x90, 0]);
    assert_eq!(read_as(&mut none, Medium::Android), (ReadOutcome::NotJpki, false));
}

#[test]
fn a_medium_that_promises_more_for_ever_comes_to_an_end() {
    for answer in [&[0x61, 0x00][..], &[0xAB, 0x61, 0x01]] {
        let mut card =
            Card::new("JPKIAPIOSTOKEN").answering(&[0x80, 0x2A], answer).answering(&[0x00, 0xC0], answer);
        let (outcome, _) = read_as(&mut card, Medium::Iphone);
        assert!(matches!(outcome, ReadOutcome::Unreadable { status: 0x6100 | 0x6101 }), "{outcome:?}");
        assert!(card.log.len() < 200);
    }
}

#[test]
fn an_answer_without_a_status_word_is_a_torn_medium() {
    for answer in [&[][..], &[0x90]] {
        let mut card = Card::new(ANDROID).answering(&[0x80, 0x2A], answer);
        assert_eq!(read_as(&mut card, Medium::Android).0, ReadOutcome::Torn);
    }
}

/// Answers from a list, over and over, and counts.
struct Hostile {
    answers: Vec<Vec<u8>>,
    next: usize,
    verifies: usize,
}

impl Transmit for Hostile {
    fn transmit(&mut self, command: &[u8]) -> Result<Zeroizing<Vec<u8>>, TransmitError> {
        self.verifies += usize::from(command[1] == 0x20 && command.len() > 4);
        let answer = self.answers[self.next % self.answers.len()].clone();
        self.next += 1;
        Ok(Zeroizing::new(answer))
    }
}

fn hostile_answer() -> impl Strategy<Value = Vec<u8>> {
    let status = prop_oneof![
        6 => Just(vec![0x90, 0x00]),
        1 => (0x61_u8..=0x6F, any::<u8>()).prop_map(|(a, b)| vec![a, b]),
        1 => Just(vec![0x63, 0xC3]),
        1 => prop::collection::vec(any::<u8>(), 0..3),
    ];
    let data = prop_oneof![
        2 => Just(Vec::new()),
        2 => Just(b"JPKIAPGPSETOKEN ".to_vec()),
        2 => prop::collection::vec(any::<u8>(), 0..70_000),
        1 => prop::collection::vec(any::<u8>(), 0..300).prop_map(|mut v| {
            v.splice(0..0, [0x30, 0x82, 0x05, 0x00]);
            v
        }),
    ];
    (data, status).prop_map(|(mut data, status)| {
        data.extend(status);
        data
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn no_answers_whatever_make_the_reader_panic_loop_or_verify_twice(
        answers in prop::collection::vec(hostile_answer(), 1..12),
        expected in prop_oneof![Just(Medium::Android), Just(Medium::Iphone), Just(Medium::MyNumberCard)],
    ) {
        let mut hostile = Hostile { answers, next: 0, verifies: 0 };
        let outcome = read(&mut hostile, &request(expected), || pin(b"1234"));
        prop_assert!(hostile.next < 6000);
        prop_assert!(hostile.verifies <= usize::from(expected != Medium::Iphone));
        if let ReadOutcome::Signed { certificate, signature, .. } = outcome {
            prop_assert!(certificate.len() <= MAX_CERTIFICATE && signature.len() == SIGNATURE_LENGTH);
        }
    }

    /// The same against a medium that behaves up to one answer.
    #[test]
    fn one_bad_answer_at_any_step_ends_in_an_outcome(step in 0_usize..24, bad in hostile_answer()) {
        struct OneBad(Card, usize, Vec<u8>);
        impl Transmit for OneBad {
            fn transmit(&mut self, command: &[u8]) -> Result<Zeroizing<Vec<u8>>, TransmitError> {
                if self.0.log.len() == self.1 {
                    self.0.log.push(command.to_vec());
                    return Ok(Zeroizing::new(self.2.clone()));
                }
                self.0.transmit(command)
            }
        }
        let mut card = OneBad(Card::new(ANDROID), step, bad);
        let _ = read(&mut card, &request(Medium::Android), || pin(b"1234"));
        prop_assert!(card.0.verifies() <= 1 && card.0.log.len() < 2000);
    }
}
