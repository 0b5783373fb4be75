//! The JPKI exchange (DOMAIN section 3): from a medium in the field to a certificate and a signature.
//!
//! One pass, in an order that spends nothing before it must: label, tries left, PIN, VERIFY, certificate,
//! signature. VERIFY is sent once at most in a pass, never to an iPhone, and never on the last try
//! without the patient's explicit yes. Whatever bytes a medium answers, the outcome is a typed one.

use crate::apdu::{Answer, Status, Transmit, TransmitError, send, send_once};
use madoguchi_protocol::{evidence::Medium, messages::nfc_reader::ReadOutcome, pin::DIGITS};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

/// SELECT of the JPKI application.
const SELECT_APPLICATION: &[u8] =
    &[0x00, 0xA4, 0x04, 0x0C, 0x0A, 0xD3, 0x92, 0xF0, 0x00, 0x26, 0x01, 0x00, 0x00, 0x00, 0x01];
/// Ends the state "PIN verified": selecting the application anew makes it forget, as OpenSC's driver logs out.
pub const LOG_OUT: &[u8] = SELECT_APPLICATION;
/// The question for the tries left: VERIFY without a PIN.
const ASK_TRIES: &[u8] = &[0x00, 0x20, 0x00, 0x80];
/// What precedes a SHA-256 digest in a DigestInfo (RFC 8017, section 9.2).
const SHA256_DIGEST_INFO: [u8; 19] = [
    0x30, 0x31, 0x30, 0x0D, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00,
    0x04, 0x20,
];

/// Elementary files of the JPKI application.
mod file {
    pub const TOKEN_INFO: u16 = 0x0006;
    pub const WHICH_CERTIFICATES: u16 = 0x0008;
    pub const CERTIFICATE: u16 = 0x000A;
    pub const KEY: u16 = 0x0017;
    pub const PIN: u16 = 0x0018;
}

/// The label's place at the beginning of the token info.
const LABEL_LENGTH: usize = 32;
/// A certificate is there.
const EXISTS: u8 = 0x8F;
/// The longest certificate that is read.
const MAX_CERTIFICATE: usize = 4096;
/// READ BINARY addresses 15 bits, of which a certificate needs 12; each chunk is 256 bytes (Le 00).
const CHUNK: usize = 256;
/// RSA-2048.
const SIGNATURE_LENGTH: usize = 256;

/// Four ASCII digits, zeroed when dropped. No `Debug`, no `Clone`.
pub struct Pin(Zeroizing<[u8; DIGITS]>);

impl Pin {
    /// The PIN with these digits, if they are ASCII digits.
    pub fn new(digits: Zeroizing<[u8; DIGITS]>) -> Option<Self> {
        digits.iter().all(u8::is_ascii_digit).then_some(Self(digits))
    }
}

/// What to read.
pub struct Request<'a> {
    /// What the patient chose. `None` for a test of the reader: then every medium is another than the one expected, so
    /// that the exchange always ends at the label.
    pub expected: Option<Medium>,
    /// What to sign.
    pub statement: &'a [u8],
    /// The patient's explicit yes to spending the last try.
    pub last_try_allowed: bool,
}

/// How the exchange ends early: with an outcome that is no signature.
struct End(ReadOutcome);

impl From<TransmitError> for End {
    fn from(error: TransmitError) -> Self {
        Self(match error {
            TransmitError::Torn => ReadOutcome::Torn,
            TransmitError::Stuck => ReadOutcome::Stuck,
            TransmitError::ReaderLost => ReadOutcome::ReaderLost,
            TransmitError::Cancelled => ReadOutcome::Cancelled,
        })
    }
}

impl From<Status> for End {
    fn from(status: Status) -> Self {
        Self(ReadOutcome::Unreadable { status: status.0 })
    }
}

/// Reads a medium. `release_pin` is called at most once, only when the medium is the right one and its tries
/// left allow a VERIFY; `None` from it ends the exchange with nothing spent.
pub fn read(
    medium: &mut impl Transmit,
    request: &Request<'_>,
    release_pin: impl FnOnce() -> Option<Pin>,
) -> ReadOutcome {
    match exchange(medium, request, release_pin) {
        Ok(signed) => signed,
        Err(End(outcome)) => outcome,
    }
}

fn exchange(
    card: &mut impl Transmit,
    request: &Request<'_>,
    release_pin: impl FnOnce() -> Option<Pin>,
) -> Result<ReadOutcome, End> {
    let medium = identify(card)?;
    if request.expected != Some(medium) {
        return Err(End(ReadOutcome::WrongMedium { found: medium }));
    }
    check_which_certificates(card)?;
    if medium != Medium::Iphone {
        check_tries(card, request.last_try_allowed)?;
        let pin = release_pin().ok_or(End(ReadOutcome::PinNotHeld))?;
        verify(card, pin)?;
    }
    certificate(card)
        .and_then(|certificate| {
            let signature = sign(card, request.statement)?;
            Ok(ReadOutcome::Signed { medium, certificate, signature })
        })
        .map_err(|end| match end.0 {
            // An iPhone's holder has not authorised yet. On the others VERIFY had succeeded.
            ReadOutcome::Unreadable { status }
                if medium == Medium::Iphone && Status(status) == Status::NOT_SATISFIED =>
            {
                End(ReadOutcome::HolderNotAuthorised)
            }
            other => End(other),
        })
}

/// Selects the application and reads the label. The ATR says nothing: contactless ones are made up.
fn identify(card: &mut impl Transmit) -> Result<Medium, End> {
    match send_once(card, SELECT_APPLICATION)?.status {
        Status::OK => {}
        status if status.is_unsupported() => return Err(End(ReadOutcome::NotJpki)),
        status => return Err(status.into()),
    }
    select(card, file::TOKEN_INFO)?;
    let info = send(card, &mut [0x00, 0xB0, 0x00, 0x00, LABEL_LENGTH as u8])?;
    if !matches!(info.status, Status::OK | Status::END_OF_FILE) {
        return Err(info.status.into());
    }
    let label = info.data.get(..LABEL_LENGTH).unwrap_or(&info.data);
    let padding = |byte: &u8| matches!(byte, b' ' | 0);
    let end = label.iter().rposition(|byte| !padding(byte)).map_or(0, |last| last + 1);
    match &label[..end] {
        b"JPKIAPICCTOKEN2" => Ok(Medium::MyNumberCard),
        b"JPKIAPGPSETOKEN" => Ok(Medium::Android),
        b"JPKIAPIOSTOKEN" => Ok(Medium::Iphone),
        b"JPKIAPICCTOKEN" => Err(End(ReadOutcome::OldResidentCard)),
        _ => Err(End(ReadOutcome::NotJpki)),
    }
}

/// Ends early where no certificate exists at all. Which of the two bytes stands for which certificate is not
/// public, so one that is missing shows when it is read; a medium without this file is read as well.
fn check_which_certificates(card: &mut impl Transmit) -> Result<(), End> {
    match send_once(card, &select_file(file::WHICH_CERTIFICATES))?.status {
        Status::OK => {}
        Status::NOT_FOUND => return Ok(()),
        status => return Err(status.into()),
    }
    let which = send(card, &mut [0x00, 0xB0, 0x00, 0x00, 0x03])?;
    match (which.status, which.data.get(..2)) {
        (Status::OK | Status::END_OF_FILE, Some(which)) if !which.contains(&EXISTS) => {
            Err(End(ReadOutcome::NotJpki))
        }
        _ => Ok(()),
    }
}

/// Selects the PIN's file and asks for the tries left, which costs none.
fn check_tries(card: &mut impl Transmit, last_try_allowed: bool) -> Result<(), End> {
    select(card, file::PIN)?;
    let status = send_once(card, ASK_TRIES)?.status;
    match status.tries_left() {
        _ if status.is_locked() => Err(End(ReadOutcome::Locked)),
        Some(1) if !last_try_allowed => Err(End(ReadOutcome::LastTry)),
        Some(_) => Ok(()),
        // Without knowing the tries left no PIN is risked.
        None => Err(status.into()),
    }
}

/// Sends the PIN. Exactly once: no status word makes this send it again.
fn verify(card: &mut impl Transmit, pin: Pin) -> Result<(), End> {
    let mut command = Zeroizing::new([0; 5 + DIGITS]);
    command[..5].copy_from_slice(&[0x00, 0x20, 0x00, 0x80, DIGITS as u8]);
    command[5..].copy_from_slice(&*pin.0);
    drop(pin);
    let status = send_once(card, &*command)?.status;
    match status.tries_left() {
        _ if status == Status::OK => Ok(()),
        _ if status.is_locked() => Err(End(ReadOutcome::Locked)),
        Some(tries_left) => Err(End(ReadOutcome::WrongPin { tries_left })),
        None => Err(status.into()),
    }
}

/// Reads the user-authentication certificate; its DER header says how long it is.
fn certificate(card: &mut impl Transmit) -> Result<Vec<u8>, End> {
    select(card, file::CERTIFICATE)?;
    let mut bytes = read_binary(card, 0, CHUNK)?.data;
    let total = match bytes[..] {
        // An RSA-2048 certificate has a length of two bytes. A file of zeros, or an empty one, has none.
        [0x30, 0x82, high, low, ..] => 4 + usize::from(u16::from_be_bytes([high, low])),
        [] | [0x00, ..] | [0xFF, ..] => return Err(End(ReadOutcome::NotJpki)),
        _ => return Err(Status::OK.into()),
    };
    if total > MAX_CERTIFICATE {
        return Err(Status::OK.into());
    }
    while bytes.len() < total {
        let chunk = read_binary(card, bytes.len(), total - bytes.len())?;
        if chunk.data.is_empty() {
            // Past the end of a file that is shorter than its content claims.
            return Err(chunk.status.into());
        }
        bytes.extend_from_slice(&chunk.data);
    }
    bytes.truncate(total);
    Ok(std::mem::take(&mut *bytes))
}

/// Reads up to `wanted` bytes; none past the end, which media tell in three ways.
fn read_binary(card: &mut impl Transmit, offset: usize, wanted: usize) -> Result<Answer, End> {
    let [high, low] = (offset as u16 & 0x7FFF).to_be_bytes();
    // Le 00 asks for 256.
    let le = u8::try_from(wanted).unwrap_or(0);
    let answer = send(card, &mut [0x00, 0xB0, high, low, le])?;
    match answer.status {
        Status::OK | Status::END_OF_FILE | Status::BEYOND_END => Ok(answer),
        status => Err(status.into()),
    }
}

/// Has the statement signed: PKCS#1 v1.5 over its SHA-256.
fn sign(card: &mut impl Transmit, statement: &[u8]) -> Result<Vec<u8>, End> {
    select(card, file::KEY)?;
    let digest = Sha256::digest(statement);
    let length = (SHA256_DIGEST_INFO.len() + digest.len()) as u8;
    let mut command =
        [&[0x80, 0x2A, 0x00, 0x80, length], &SHA256_DIGEST_INFO[..], &digest[..], &[0x00]].concat();
    let mut answer = send(card, &mut command)?;
    match answer.status {
        Status::OK if answer.data.len() == SIGNATURE_LENGTH => Ok(std::mem::take(&mut *answer.data)),
        status => Err(status.into()),
    }
}

fn select_file(id: u16) -> [u8; 7] {
    let [high, low] = id.to_be_bytes();
    [0x00, 0xA4, 0x02, 0x0C, 0x02, high, low]
}

/// Selects a file that every JPKI medium of this kind has.
fn select(card: &mut impl Transmit, id: u16) -> Result<(), End> {
    match send_once(card, &select_file(id))?.status {
        Status::OK => Ok(()),
        Status::NOT_FOUND => Err(End(ReadOutcome::NotJpki)),
        status => Err(status.into()),
    }
}

#[cfg(test)]
#[path = "jpki_tests.rs"]
mod tests;
