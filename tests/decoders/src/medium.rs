//! The JPKI exchange with a medium that answers what the input says.

use crate::Verdict;
use madoguchi_nfc_reader::{
    apdu::{Transmit, TransmitError},
    jpki::{self, Pin, Request},
};
use madoguchi_protocol::{evidence::Medium, messages::nfc_reader::ReadOutcome};
use zeroize::Zeroizing;

/// No exchange needs nearly as many commands: a medium that keeps the reader busy longer has it captured.
const MOST_COMMANDS: usize = 2_000;

const VERIFY: u8 = 0x20;
const SIGNATURE: usize = 256;

/// One read. The input's first byte chooses what the patient said; the rest is what the medium answers, where
/// it does not answer as it should.
pub fn exchange(bytes: &[u8]) -> Verdict {
    let (choice, script) = bytes.split_first().unwrap_or((&0, &[]));
    let expected = [Medium::MyNumberCard, Medium::Android, Medium::Iphone][usize::from(choice % 3)];
    let last_try_allowed = choice & 0x80 != 0;
    let mut card = Card { script, expected, file: 0, sent: 0, verifies: 0, tries_told: None };
    let mut released = 0;
    let request = Request { expected: Some(expected), statement: b"a statement", last_try_allowed };
    let outcome = jpki::read(&mut card, &request, || {
        released += 1;
        Pin::new(Zeroizing::new(*b"1234"))
    });

    assert!(card.sent <= MOST_COMMANDS, "{} commands", card.sent);
    assert!(card.verifies <= 1, "a PIN is sent once at most");
    assert_eq!(card.verifies, released, "a PIN is released to be sent, and for nothing else");
    assert!(expected != Medium::Iphone || released == 0, "R-18: an iPhone is never asked for a PIN");
    assert!(card.verifies == 0 || last_try_allowed || card.tries_told != Some(1), "the last try was spent");
    if let ReadOutcome::Signed { medium, certificate, signature } = &outcome {
        assert_eq!((*medium, signature.len()), (expected, SIGNATURE));
        assert!(certificate.starts_with(&[0x30, 0x82]) && certificate.len() <= 4096);
        return Verdict::Accepted;
    }
    Verdict::Refused
}

/// Each medium as it should be, and a card on its last try.
pub fn seeds() -> Vec<Vec<u8>> {
    // Every step up to the tries left goes well (six answers), and one try is left, which the patient allowed.
    let last_try = [&[0x81][..], &[0; 6], &[202, 0x63, 0xC1]].concat();
    vec![vec![0], vec![1], vec![2], last_try]
}

/// A medium that answers by a script. Each command takes one byte of it: 0 answers as it should; 1 to 200,
/// that many bytes of the script are the answer; 201, the medium is gone; 202, the right data with the
/// script's next two bytes as the status word; 203, the right data in pieces; more, as it should. Where the
/// script has ended, it answers as it should.
struct Card<'a> {
    script: &'a [u8],
    expected: Medium,
    file: u16,
    sent: usize,
    verifies: usize,
    tries_told: Option<u8>,
}

impl Card<'_> {
    fn take(&mut self, count: usize) -> Vec<u8> {
        let (taken, rest) = self.script.split_at(count.min(self.script.len()));
        self.script = rest;
        taken.to_vec()
    }

    /// What a medium without fault would answer.
    fn right_answer(&mut self, command: &[u8]) -> Vec<u8> {
        let data = match command {
            [_, 0xA4, 0x02, _, _, high, low, ..] => {
                self.file = u16::from_be_bytes([*high, *low]);
                Vec::new()
            }
            [_, 0xB0, high, low, le, ..] => {
                let file = self.content();
                let offset = usize::from(u16::from_be_bytes([*high, *low])).min(file.len());
                let le = if *le == 0 { 256 } else { usize::from(*le) };
                file[offset..].iter().take(le).copied().collect()
            }
            [_, VERIFY, _, _] => return vec![0x63, 0xC3],
            [_, 0x2A, ..] => vec![7; SIGNATURE],
            _ => Vec::new(),
        };
        [data, vec![0x90, 0x00]].concat()
    }

    fn content(&self) -> Vec<u8> {
        match self.file {
            0x0006 => {
                let label = match self.expected {
                    Medium::MyNumberCard => "JPKIAPICCTOKEN2",
                    Medium::Android => "JPKIAPGPSETOKEN",
                    Medium::Iphone => "JPKIAPIOSTOKEN",
                };
                format!("{label:<160}").into_bytes()
            }
            0x0008 => vec![0x8F, 0x8F, 0x00],
            _ => [vec![0x30, 0x82, 0x02, 0x00], vec![1; 0x200]].concat(),
        }
    }
}

impl Transmit for Card<'_> {
    fn transmit(&mut self, command: &[u8]) -> Result<Zeroizing<Vec<u8>>, TransmitError> {
        self.sent += 1;
        // Counted before the answer: a PIN that meets no answer was sent all the same.
        self.verifies += usize::from(matches!(command, [_, VERIFY, _, _, _, ..]));
        let right = self.right_answer(command);
        let answer = match self.take(1).first() {
            Some(count @ 1..=200) => self.take(usize::from(*count)),
            Some(201) => return Err(TransmitError::Torn),
            Some(202) => [&right[..right.len() - 2], &self.take(2)].concat(),
            Some(203) => [&right[..right.len() - 2], &[0x61, 0x00]].concat(),
            _ => right,
        };
        if let [_, VERIFY, _, _] = command {
            self.tries_told = match answer[..] {
                [.., 0x63, low] if low & 0xF0 == 0xC0 => Some(low & 0x0F),
                _ => None,
            };
        }
        Ok(Zeroizing::new(answer))
    }
}
