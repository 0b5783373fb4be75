//! Command APDUs and status words (ISO 7816-4).

/// The two bytes that end each answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct StatusWord(pub u16);

impl StatusWord {
    /// Done.
    pub const OK: Self = Self(0x9000);
    /// The file ended before as many bytes as were asked for.
    pub const END_OF_FILE: Self = Self(0x6282);
    /// Lc and the data don't agree, or the PIN has a length it can't have.
    pub const WRONG_LENGTH: Self = Self(0x6700);
    /// READ BINARY on something that can't be read.
    pub const NOT_A_READABLE_FILE: Self = Self(0x6981);
    /// PIN not verified, or the phone's holder has not authorised.
    pub const SECURITY_NOT_SATISFIED: Self = Self(0x6982);
    /// Blocked, as OpenSC expects it from a JPKI card.
    pub const BLOCKED_6984: Self = Self(0x6984);
    /// Blocked, as ISO 7816-4 has it.
    pub const BLOCKED_6983: Self = Self(0x6983);
    /// No file is selected.
    pub const NO_CURRENT_FILE: Self = Self(0x6986);
    /// The data to sign can't be signed.
    pub const WRONG_DATA: Self = Self(0x6A80);
    /// No such application or file.
    pub const NOT_FOUND: Self = Self(0x6A82);
    /// P1 or P2 means nothing here.
    pub const WRONG_PARAMETERS: Self = Self(0x6A86);
    /// The offset lies beyond the file's end.
    pub const WRONG_OFFSET: Self = Self(0x6B00);
    /// No such instruction.
    pub const UNKNOWN_INSTRUCTION: Self = Self(0x6D00);
    /// No such class.
    pub const UNKNOWN_CLASS: Self = Self(0x6E00);
    /// The card failed.
    pub const FAILED: Self = Self(0x6F00);

    /// `63Cx`: `left` tries are left (15 at most).
    pub fn tries_left(left: u8) -> Self {
        Self(0x63C0 | u16::from(left.min(0x0F)))
    }

    /// `61xx`: `waiting` bytes can be fetched by GET RESPONSE; 256 or more is `6100`.
    pub fn more(waiting: usize) -> Self {
        Self(0x6100 | u16::try_from(waiting).ok().filter(|n| *n < 256).unwrap_or(0))
    }

    /// `6Cxx`: send the command again with this Le; 256 is `6C00`.
    pub fn exact_length(length: usize) -> Self {
        Self(0x6C00 | u16::try_from(length).ok().filter(|n| *n < 256).unwrap_or(0))
    }
}

/// A command as it came over the contacts.
#[derive(Clone, PartialEq, Eq)]
pub struct Command<'a> {
    /// Class.
    pub cla: u8,
    /// Instruction.
    pub ins: u8,
    /// First parameter.
    pub p1: u8,
    /// Second parameter.
    pub p2: u8,
    /// The command's data; empty when there was no Lc.
    pub data: &'a [u8],
    /// How many bytes the reader wants, 1 to 65536; `None` when there was no Le.
    pub le: Option<usize>,
}

/// Bytes that are no command APDU.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ApduError {
    /// Fewer than the four bytes of the header.
    #[error("{0} bytes are no command APDU: its header alone has 4")]
    TooShort(usize),
    /// Lc says something else than the number of bytes that follow.
    #[error("the length of the command's data does not agree with its Lc")]
    WrongLc,
}

impl<'a> Command<'a> {
    /// Reads a command in short or extended form (ISO 7816-4, 5.2: cases 1 to 4).
    ///
    /// # Errors
    /// [`ApduError`] when the lengths contradict each other.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, ApduError> {
        let &[cla, ins, p1, p2, ref body @ ..] = bytes else {
            return Err(ApduError::TooShort(bytes.len()));
        };
        let (data, le) = match *body {
            [] => (&[][..], None),
            [le] => (&[][..], Some(short_le(le))),
            [0, high, low] => (&[][..], Some(extended_le(high, low))),
            [0, high, low, ref rest @ ..] => {
                let length = usize::from(u16::from_be_bytes([high, low]));
                let (data, tail) = rest.split_at_checked(length).ok_or(ApduError::WrongLc)?;
                match *tail {
                    [] if length > 0 => (data, None),
                    [high, low] if length > 0 => (data, Some(extended_le(high, low))),
                    _ => return Err(ApduError::WrongLc),
                }
            }
            [lc, ref rest @ ..] => {
                let (data, tail) = rest.split_at_checked(usize::from(lc)).ok_or(ApduError::WrongLc)?;
                match *tail {
                    [] if lc > 0 => (data, None),
                    [le] if lc > 0 => (data, Some(short_le(le))),
                    _ => return Err(ApduError::WrongLc),
                }
            }
        };
        Ok(Self { cla, ins, p1, p2, data, le })
    }
}

fn short_le(le: u8) -> usize {
    if le == 0 { 256 } else { usize::from(le) }
}

fn extended_le(high: u8, low: u8) -> usize {
    match u16::from_be_bytes([high, low]) {
        0 => 65_536,
        le => usize::from(le),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(bytes: &[u8]) -> Result<(Vec<u8>, Option<usize>), ApduError> {
        Command::parse(bytes).map(|c| (c.data.to_vec(), c.le))
    }

    #[test]
    fn all_cases_of_iso_7816_are_read() {
        assert_eq!(parts(&[0, 0x20, 0, 0x80]), Ok((vec![], None)));
        assert_eq!(parts(&[0, 0xB0, 0, 0, 0]), Ok((vec![], Some(256))));
        assert_eq!(parts(&[0, 0xB0, 0, 0, 0, 0, 0]), Ok((vec![], Some(65_536))));
        assert_eq!(parts(&[0, 0xB0, 0, 0, 0, 1, 4]), Ok((vec![], Some(260))));
        assert_eq!(parts(&[0, 0xA4, 2, 12, 2, 0, 6]), Ok((vec![0, 6], None)));
        assert_eq!(parts(&[0x80, 0x2A, 0, 0x80, 2, 7, 8, 0]), Ok((vec![7, 8], Some(256))));
        assert_eq!(parts(&[0x80, 0x2A, 0, 0x80, 0, 0, 2, 7, 8]), Ok((vec![7, 8], None)));
        assert_eq!(parts(&[0x80, 0x2A, 0, 0x80, 0, 0, 2, 7, 8, 1, 0]), Ok((vec![7, 8], Some(256))));
    }

    #[test]
    fn lengths_that_contradict_each_other_are_refused() {
        for bytes in [&[0, 0xA4, 2, 12, 2, 0][..], &[0, 0xA4, 2, 12, 1, 0, 0, 0], &[0, 0xA4, 2, 12, 0, 0]] {
            assert_eq!(parts(bytes), Err(ApduError::WrongLc), "{bytes:02x?}");
        }
        for length in 0..4 {
            assert_eq!(parts(&vec![0; length]), Err(ApduError::TooShort(length)));
        }
    }

    #[test]
    fn no_bytes_whatever_make_the_parser_panic() {
        use std::hash::{BuildHasher, RandomState};
        let random = RandomState::new();
        for round in 0_u32..20_000 {
            let length = (random.hash_one((round, "length")) % 300) as usize;
            let bytes: Vec<u8> = (0..length).map(|i| (random.hash_one((round, i)) >> 11) as u8).collect();
            let _ = Command::parse(&bytes);
        }
    }

    #[test]
    fn status_words_carry_their_counts() {
        assert_eq!(StatusWord::tries_left(3), StatusWord(0x63C3));
        assert_eq!(StatusWord::more(256), StatusWord(0x6100));
        assert_eq!(StatusWord::more(44), StatusWord(0x612C));
        assert_eq!(StatusWord::exact_length(16), StatusWord(0x6C10));
    }
}
