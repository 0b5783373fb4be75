//! The JPKI application itself: bytes in, bytes out.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use zeroize::Zeroizing;

use super::apdu::{Command, StatusWord};
use super::options::{CardOptions, EndOfFile, Fault, Medium, PinBlocked};
use crate::pki::jpki::CardCredential;

/// The JPKI application's identifier.
pub(super) const JPKI_AID: &[u8] = &[0xD3, 0x92, 0xF0, 0x00, 0x26, 0x01, 0x00, 0x00, 0x00, 0x01];

/// The ATR that readers make up for a contactless card without historical bytes (PC/SC part 3).
/// All media share it on purpose: whoever judges by ATR fails.
pub(super) const ATR: &[u8] = &[0x3B, 0x80, 0x80, 0x01, 0x01];

/// Elementary files (DOMAIN section 3).
mod file {
    pub const TOKEN_INFO: u16 = 0x0006;
    pub const WHICH_CERTIFICATES: u16 = 0x0008;
    pub const USER_CERTIFICATE: u16 = 0x000A;
    pub const USER_CA: u16 = 0x000B;
    pub const USER_KEY: u16 = 0x0017;
    pub const USER_PIN: u16 = 0x0018;
    pub const SIGNING_PIN: u16 = 0x001B;
}

const TOKEN_INFO_LENGTH: usize = 160;
const LABEL_LENGTH: usize = 32;
/// Both certificates exist.
const WHICH_CERTIFICATES: &[u8] = &[0x8F, 0x8F, 0x00];
/// The signing certificate's PIN has more tries and is never right here: it is not simulated.
const SIGNING_TRIES: u8 = 5;
/// DigestInfo bytes that fit an RSA-2048 key under PKCS#1 v1.5.
const MAX_DIGEST_INFO: usize = 245;
const SHORT_RESPONSE: usize = 256;

/// A card or phone. Clones are the same card: what one sees the other remembers.
#[derive(Clone)]
pub struct Card(Arc<Mutex<State>>);

/// What has been done to the card since it was made; counts, never contents.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Seen {
    /// Command APDUs of any kind.
    pub apdus: u64,
    /// VERIFY commands that carried a PIN. Must stay 0 on an iPhone.
    pub pins: u64,
    /// Questions for the tries left.
    pub tries_asked: u64,
    /// Signatures given.
    pub signatures: u64,
    /// Times the reader powered or reset the card.
    pub resets: u64,
}

/// What the card does with a command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reaction {
    /// Answers so, after [`CardOptions::delay`].
    Answer(Vec<u8>),
    /// Is torn away while it answers so.
    Tear(Vec<u8>),
    /// Never answers.
    Hang,
}

struct State {
    medium: Medium,
    credential: CardCredential,
    options: CardOptions,
    signing_tries: u8,
    seen: Seen,
    /// What a reset forgets.
    session: Session,
}

#[derive(Default)]
struct Session {
    application: bool,
    file: Option<u16>,
    verified: bool,
    /// The rest of an answer given in pieces.
    waiting: Vec<u8>,
}

type Answer = (Vec<u8>, StatusWord);

impl Card {
    /// Makes a card that carries `credential`.
    pub fn new(medium: Medium, credential: CardCredential, options: CardOptions) -> Self {
        let (signing_tries, seen, session) = (SIGNING_TRIES, Seen::default(), Session::default());
        Self(Arc::new(Mutex::new(State { medium, credential, options, signing_tries, seen, session })))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What kind of medium it is.
    pub fn medium(&self) -> Medium {
        self.state().medium
    }

    /// What it carries.
    pub fn credential(&self) -> CardCredential {
        self.state().credential.clone()
    }

    /// The serial number of its certificate, in hexadecimal: the key to what the centre knows of it.
    pub fn serial_hex(&self) -> String {
        self.state().credential.serial_hex().to_owned()
    }

    /// Tries left for the PIN of user authentication.
    pub fn tries_left(&self) -> u8 {
        self.state().options.tries_left
    }

    /// Sets the tries left (3 at most), as a municipal office does after unlocking.
    pub fn set_tries_left(&self, tries: u8) {
        self.state().options.tries_left = tries.min(CardOptions::MAX_TRIES);
    }

    /// Changes the PIN.
    pub fn set_pin(&self, pin: &str) {
        self.state().options.pin = Zeroizing::new(pin.to_owned());
    }

    /// How long each APDU takes.
    pub fn delay(&self) -> Duration {
        self.state().options.delay
    }

    /// Makes it slow or quick.
    pub fn set_delay(&self, delay: Duration) {
        self.state().options.delay = delay;
    }

    /// Lets a misfortune come, or none.
    pub fn set_fault(&self, fault: Option<Fault>) {
        self.state().options.fault = fault;
    }

    /// iPhone: its holder authorises with Face ID or Touch ID, or withdraws.
    pub fn set_holder_authorised(&self, authorised: bool) {
        self.state().options.holder_authorised = authorised;
    }

    /// What has been done to it so far.
    pub fn seen(&self) -> Seen {
        self.state().seen
    }

    /// The answer to reset.
    pub fn atr(&self) -> &'static [u8] {
        ATR
    }

    /// Power on or reset: forgets the selected file and that the PIN was verified.
    pub fn reset(&self) {
        let mut state = self.state();
        state.seen.resets += 1;
        state.session = Session::default();
    }

    /// Takes one command APDU.
    pub fn transmit(&self, apdu: &[u8]) -> Reaction {
        let mut state = self.state();
        state.seen.apdus += 1;
        match &mut state.options.fault {
            Some(Fault::HangAfter(0)) => {
                state.options.fault = None;
                return Reaction::Hang;
            }
            Some(Fault::TearAfter(0)) => {
                state.options.fault = None;
                return Reaction::Tear(state.answer(apdu));
            }
            Some(Fault::HangAfter(left) | Fault::TearAfter(left)) => *left -= 1,
            None => {}
        }
        Reaction::Answer(state.answer(apdu))
    }
}

impl State {
    fn answer(&mut self, apdu: &[u8]) -> Vec<u8> {
        let (mut bytes, status) = match Command::parse(apdu) {
            Ok(command) => self.command(&command),
            Err(_) => (Vec::new(), StatusWord::WRONG_LENGTH),
        };
        bytes.extend_from_slice(&status.0.to_be_bytes());
        bytes
    }

    fn command(&mut self, command: &Command<'_>) -> Answer {
        let waiting = std::mem::take(&mut self.session.waiting);
        match (command.cla, command.ins) {
            (0x00, 0xA4) => alone(self.select(command)),
            (0x00, 0xB0) => {
                let answer = self.read_binary(command);
                self.in_pieces(answer, command.le)
            }
            (0x00, 0x20) => alone(self.verify(command)),
            (0x00, 0xC0) => self.get_response(waiting, command.le),
            (0x80, 0x2A) => {
                let answer = self.sign(command);
                self.in_pieces(answer, command.le)
            }
            (0x00 | 0x80, _) => alone(StatusWord::UNKNOWN_INSTRUCTION),
            _ => alone(StatusWord::UNKNOWN_CLASS),
        }
    }

    fn select(&mut self, command: &Command<'_>) -> StatusWord {
        match (command.p1, command.p2) {
            (0x04, 0x0C) => {
                // Even a failed selection leaves the application and what it remembered.
                self.session = Session { application: command.data == JPKI_AID, ..Session::default() };
                if self.session.application { StatusWord::OK } else { StatusWord::NOT_FOUND }
            }
            (0x02, 0x0C) => {
                let Ok(id) = <[u8; 2]>::try_from(command.data) else { return StatusWord::WRONG_LENGTH };
                let id = u16::from_be_bytes(id);
                if !self.session.application || !self.has(id) {
                    return StatusWord::NOT_FOUND;
                }
                self.session.file = Some(id);
                StatusWord::OK
            }
            _ => StatusWord::WRONG_PARAMETERS,
        }
    }

    fn has(&self, id: u16) -> bool {
        match self.medium {
            Medium::OldResidentCard => id == file::TOKEN_INFO,
            Medium::Iphone if matches!(id, file::USER_PIN | file::SIGNING_PIN) => false,
            _ => matches!(
                id,
                file::TOKEN_INFO
                    | file::WHICH_CERTIFICATES
                    | file::USER_CERTIFICATE
                    | file::USER_CA
                    | file::USER_KEY
                    | file::USER_PIN
                    | file::SIGNING_PIN
            ),
        }
    }

    fn read_binary(&self, command: &Command<'_>) -> Answer {
        let Some(id) = self.session.file else { return alone(StatusWord::NO_CURRENT_FILE) };
        if command.p1 & 0x80 != 0 {
            return alone(StatusWord::WRONG_PARAMETERS); // short file identifiers are not used by JPKI
        }
        let token_info;
        let content: &[u8] = match id {
            file::TOKEN_INFO => {
                token_info = self.token_info();
                &token_info
            }
            file::WHICH_CERTIFICATES => WHICH_CERTIFICATES,
            file::USER_CERTIFICATE if self.medium == Medium::Android && !self.session.verified => {
                return alone(StatusWord::SECURITY_NOT_SATISFIED);
            }
            file::USER_CERTIFICATE => self.credential.certificate_der(),
            file::USER_CA => self.credential.ca_certificate_der(),
            _ => return alone(StatusWord::NOT_A_READABLE_FILE),
        };
        let offset = usize::from(u16::from_be_bytes([command.p1, command.p2]));
        let wanted = command.le.unwrap_or(SHORT_RESPONSE);
        read(content, offset, wanted, self.options.end_of_file)
    }

    fn token_info(&self) -> Vec<u8> {
        let mut info = format!("{:<LABEL_LENGTH$}", self.medium.label()).into_bytes();
        info.resize(TOKEN_INFO_LENGTH, 0);
        info
    }

    fn verify(&mut self, command: &Command<'_>) -> StatusWord {
        if (command.p1, command.p2) != (0x00, 0x80) {
            return StatusWord::WRONG_PARAMETERS;
        }
        let (for_user, left) = match self.session.file {
            Some(file::USER_PIN) => (true, &mut self.options.tries_left),
            Some(file::SIGNING_PIN) => (false, &mut self.signing_tries),
            _ if command.data.is_empty() => return StatusWord::NO_CURRENT_FILE,
            _ => {
                self.seen.pins += 1;
                return StatusWord::NO_CURRENT_FILE;
            }
        };
        if command.data.is_empty() {
            self.seen.tries_asked += 1;
            return StatusWord::tries_left(*left);
        }
        self.seen.pins += 1;
        if *left == 0 {
            return match self.options.pin_blocked {
                PinBlocked::ReferenceDataUnusable => StatusWord::BLOCKED_6984,
                PinBlocked::AuthenticationBlocked => StatusWord::BLOCKED_6983,
            };
        }
        if for_user && command.data == self.options.pin.as_bytes() {
            *left = CardOptions::MAX_TRIES;
            self.session.verified = true;
            return StatusWord::OK;
        }
        *left -= 1;
        if for_user {
            self.session.verified = false;
        }
        StatusWord::tries_left(*left)
    }

    fn sign(&mut self, command: &Command<'_>) -> Answer {
        if (command.p1, command.p2) != (0x00, 0x80) {
            return alone(StatusWord::WRONG_PARAMETERS);
        }
        if self.session.file != Some(file::USER_KEY) {
            return alone(StatusWord::NO_CURRENT_FILE);
        }
        let allowed = match self.medium {
            Medium::Iphone => self.options.holder_authorised,
            _ => self.session.verified,
        };
        if !allowed {
            return alone(StatusWord::SECURITY_NOT_SATISFIED);
        }
        if command.data.is_empty() || command.data.len() > MAX_DIGEST_INFO {
            return alone(StatusWord::WRONG_DATA);
        }
        match self.credential.sign_digest_info(command.data) {
            Ok(signature) => {
                self.seen.signatures += 1;
                (signature, StatusWord::OK)
            }
            Err(_) => alone(StatusWord::FAILED),
        }
    }

    /// Keeps back what the reader did not ask for or the card does not give at once: `61xx`.
    fn in_pieces(&mut self, (bytes, status): Answer, le: Option<usize>) -> Answer {
        let room = match (le, self.options.chunk) {
            (None, _) => 0,
            (Some(_), Some(chunk)) => usize::from(chunk.get()),
            (Some(le), None) => le,
        };
        if status != StatusWord::OK || bytes.len() <= room {
            return (bytes, status);
        }
        let mut now = bytes;
        self.session.waiting = now.split_off(room);
        (now, StatusWord::more(self.session.waiting.len()))
    }

    fn get_response(&mut self, waiting: Vec<u8>, le: Option<usize>) -> Answer {
        let offered = match self.options.chunk {
            Some(chunk) => waiting.len().min(usize::from(chunk.get())),
            None => waiting.len().min(SHORT_RESPONSE),
        };
        match le {
            _ if waiting.is_empty() => alone(StatusWord::NO_CURRENT_FILE),
            Some(le) if le <= SHORT_RESPONSE => {
                let mut now = waiting;
                self.session.waiting = now.split_off(offered.min(le));
                match self.session.waiting.len() {
                    0 => (now, StatusWord::OK),
                    left => (now, StatusWord::more(left)),
                }
            }
            _ => {
                self.session.waiting = waiting;
                alone(StatusWord::exact_length(offered))
            }
        }
    }
}

fn alone(status: StatusWord) -> Answer {
    (Vec::new(), status)
}

fn read(content: &[u8], offset: usize, wanted: usize, end: EndOfFile) -> Answer {
    let rest = content.get(offset..).unwrap_or_default();
    if rest.is_empty() {
        return alone(match end {
            EndOfFile::WrongOffset | EndOfFile::ExactLength => StatusWord::WRONG_OFFSET,
            EndOfFile::Warning => StatusWord::END_OF_FILE,
            EndOfFile::Empty => StatusWord::OK,
        });
    }
    if wanted <= rest.len() {
        return (rest[..wanted].to_vec(), StatusWord::OK);
    }
    match end {
        EndOfFile::WrongOffset | EndOfFile::Empty => (rest.to_vec(), StatusWord::OK),
        EndOfFile::Warning => (rest.to_vec(), StatusWord::END_OF_FILE),
        EndOfFile::ExactLength if rest.len() < SHORT_RESPONSE => alone(StatusWord::exact_length(rest.len())),
        EndOfFile::ExactLength => (rest.to_vec(), StatusWord::OK),
    }
}

#[cfg(test)]
#[path = "card_tests.rs"]
mod tests;
