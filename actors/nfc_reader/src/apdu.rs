//! Command APDUs and their answers (ISO/IEC 7816-4, short form), bounded against hostile media.

use zeroize::Zeroizing;

/// The longest answer that a short command can bring: 256 bytes and the status word.
pub const MAX_ANSWER: usize = 258;
/// The most bytes gathered for one command from an answer given in pieces. Nothing that JPKI answers to one
/// command is longer than a signature.
const MAX_GATHERED: usize = 4096;
/// The most pieces of one answer. A medium may not answer 61xx for ever.
const MAX_PIECES: usize = 64;

/// Bytes to a medium, bytes back.
pub trait Transmit {
    /// Sends one command APDU and gives the whole answer, status word included.
    ///
    /// # Errors
    /// Why there is no answer; the medium must be identified anew after any error.
    fn transmit(&mut self, command: &[u8]) -> Result<Zeroizing<Vec<u8>>, TransmitError>;
}

/// Why a medium gave no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TransmitError {
    /// It went away, or lost contact.
    #[error("the medium went away")]
    Torn,
    /// It did not answer before the read's deadline.
    #[error("the medium does not answer")]
    Stuck,
    /// The reader, or the PC/SC service, went away.
    #[error("the reader went away")]
    ReaderLost,
    /// Nobody wants the answer any more.
    #[error("cancelled")]
    Cancelled,
}

/// The two bytes that end each answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Status(pub u16);

impl Status {
    /// Done.
    pub const OK: Self = Self(0x9000);
    /// The file ended before as many bytes as were asked for.
    pub const END_OF_FILE: Self = Self(0x6282);
    /// PIN not verified, or the phone's holder has not authorised.
    pub const NOT_SATISFIED: Self = Self(0x6982);
    /// No such application or file.
    pub const NOT_FOUND: Self = Self(0x6A82);
    /// The offset lies beyond the file's end.
    pub const BEYOND_END: Self = Self(0x6B00);

    /// Tries left, told by `63Cx` and by no other status word.
    pub fn tries_left(self) -> Option<u8> {
        (self.0 & 0xFFF0 == 0x63C0).then_some((self.0 & 0x000F) as u8)
    }

    /// Whether the PIN is locked: `63C0`, `6983` or `6984`.
    pub fn is_locked(self) -> bool {
        matches!(self.0, 0x63C0 | 0x6983 | 0x6984)
    }

    /// Whether the medium does not know the command or the application, as one that is no JPKI medium
    /// answers to SELECT: conditions, function, file, parameters, instruction or class not supported.
    pub fn is_unsupported(self) -> bool {
        matches!(self.0, 0x6985 | 0x6999 | 0x6A81 | 0x6A82 | 0x6A86 | 0x6A87 | 0x6D00 | 0x6E00)
    }
}

/// An answer, taken apart.
pub struct Answer {
    /// The data; certificates and signatures are a person's.
    pub data: Zeroizing<Vec<u8>>,
    /// The status word.
    pub status: Status,
}

/// Sends one command exactly once, whatever is answered.
pub fn send_once(medium: &mut impl Transmit, command: &[u8]) -> Result<Answer, TransmitError> {
    let mut answer = medium.transmit(command)?;
    // Fewer than two bytes are no answer: some drivers give these when the medium is torn away.
    let [.., sw1, sw2] = answer[..] else { return Err(TransmitError::Torn) };
    let length = answer.len() - 2;
    // What is longer than a short answer can be did not come from a working reader.
    if length > MAX_ANSWER - 2 {
        return Err(TransmitError::Torn);
    }
    answer.truncate(length);
    Ok(Answer { data: answer, status: Status(u16::from_be_bytes([sw1, sw2])) })
}

/// Sends a command that may be sent again without harm and ends with its Le: sent once more with the right
/// Le on `6Cxx`, and on `61xx` the rest is fetched by GET RESPONSE. After too many pieces the last status
/// word is given, which is then no success.
pub fn send(medium: &mut impl Transmit, command: &mut [u8]) -> Result<Answer, TransmitError> {
    let mut answer = send_once(medium, command)?;
    if let [0x6C, right] = answer.status.0.to_be_bytes()
        && let Some(le) = command.last_mut()
    {
        *le = right;
        answer = send_once(medium, command)?;
    }
    for _ in 0..MAX_PIECES {
        let [0x61, waiting] = answer.status.0.to_be_bytes() else { break };
        let piece = send_once(medium, &[0x00, 0xC0, 0x00, 0x00, waiting])?;
        if answer.data.len() + piece.data.len() > MAX_GATHERED {
            break;
        }
        answer.data.extend_from_slice(&piece.data);
        answer.status = piece.status;
    }
    Ok(answer)
}
