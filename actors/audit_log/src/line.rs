//! One line of the log: what happened, bound to the line before it.
//!
//! A line is a JSON object whose last member is `hash`: the SHA-256 of the line's own bytes before that member. Among
//! those bytes is `prev`, the hash of the line before. So a line can't be changed, added or taken out without every
//! later hash being wrong. Hashing bytes instead of values needs no canonical form of JSON.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use madoguchi_protocol::messages::audit_log::Entry;
use madoguchi_protocol::{LaneId, MessageId, VisitId};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use thiserror::Error;

/// The longest line, line feed included. The longest that is ever written has about 500 bytes.
pub const MAX_LINE: usize = 4096;

/// A SHA-256, written as 64 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Hash([u8; 32]);

impl Hash {
    /// What stands before the very first line.
    pub const ZERO: Self = Self([0; 32]);

    fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }
}

/// The text is not 64 hexadecimal digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("a hash is written as 64 digits 0-9 a-f")]
pub struct BadHash;

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl FromStr for Hash {
    type Err = BadHash;
    fn from_str(text: &str) -> Result<Self, BadHash> {
        let digit = |byte: u8| match byte {
            b'0'..=b'9' => Ok(byte - b'0'),
            b'a'..=b'f' => Ok(byte - b'a' + 10),
            _ => Err(BadHash),
        };
        let digits = text.as_bytes();
        if digits.len() != 64 {
            return Err(BadHash);
        }
        let mut hash = [0; 32];
        for (byte, pair) in hash.iter_mut().zip(digits.chunks_exact(2)) {
            *byte = digit(pair[0])? << 4 | digit(pair[1])?;
        }
        Ok(Self(hash))
    }
}

impl TryFrom<String> for Hash {
    type Error = BadHash;
    fn try_from(text: String) -> Result<Self, BadHash> {
        text.parse()
    }
}

impl From<Hash> for String {
    fn from(hash: Hash) -> Self {
        hash.to_string()
    }
}

/// What a line tells.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum What {
    /// An actor's entry.
    Entry(Entry),
    /// Something about the log itself.
    Log(LogEvent),
}

/// What happened to the log itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LogEvent {
    /// The last line was torn by a crash: so many bytes of it were dropped.
    TornLineDropped(u64),
    /// The file that was written last has a broken line (counted from 1). It is left as it is for whoever examines it.
    BrokenLineFound(u64),
    /// Lines up to this number were removed because their time was over; the last of them had this hash.
    Removed {
        /// The number of the last line removed.
        through: u64,
        /// Its hash.
        hash: Hash,
    },
}

/// A line without its own hash.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// The line's number, from 1, without gaps over all files.
    pub n: u64,
    /// When it happened, as its actor says.
    pub at: Timestamp,
    /// When it was written down, by the log's own clock.
    pub noted: Timestamp,
    /// The message that brought it; a repeat of it is not written again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<MessageId>,
    /// The lane it happened at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lane: Option<LaneId>,
    /// The visit it belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub visit: Option<VisitId>,
    /// What happened.
    pub what: What,
    /// The hash of the line before.
    pub prev: Hash,
}

/// Why some text is no line of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum LineError {
    /// Not of a line's form.
    #[error("it is not a line of the log")]
    Malformed,
    /// The hash does not fit the rest.
    #[error("it was altered: its hash does not fit its content")]
    Altered,
}

const BEFORE_HASH: &[u8] = b",\"hash\":\"";
const AFTER_HASH: &[u8] = b"\"}";

impl Line {
    /// The line as it is written, line feed included, and its hash.
    ///
    /// # Errors
    /// [`LineError::Malformed`] when it would be longer than [`MAX_LINE`], which no entry is.
    pub fn seal(&self) -> Result<(Vec<u8>, Hash), LineError> {
        let mut bytes = serde_json::to_vec(self).map_err(|_| LineError::Malformed)?;
        bytes.pop(); // the closing brace
        let hash = Hash::of(&bytes);
        bytes.extend_from_slice(BEFORE_HASH);
        bytes.extend_from_slice(hash.to_string().as_bytes());
        bytes.extend_from_slice(AFTER_HASH);
        bytes.push(b'\n');
        if bytes.len() > MAX_LINE { Err(LineError::Malformed) } else { Ok((bytes, hash)) }
    }

    /// Reads a line, without its line feed, and checks its hash against its own content.
    ///
    /// # Errors
    /// [`LineError`].
    pub fn unseal(bytes: &[u8]) -> Result<(Self, Hash), LineError> {
        let rest = bytes.strip_suffix(AFTER_HASH).ok_or(LineError::Malformed)?;
        let (rest, hash) =
            rest.split_at_checked(rest.len().saturating_sub(64)).ok_or(LineError::Malformed)?;
        let hash =
            std::str::from_utf8(hash).ok().and_then(|hash| hash.parse().ok()).ok_or(LineError::Malformed)?;
        let covered = rest.strip_suffix(BEFORE_HASH).ok_or(LineError::Malformed)?;
        if Hash::of(covered) != hash {
            return Err(LineError::Altered);
        }
        let mut json = covered.to_vec();
        json.push(b'}');
        let line = serde_json::from_slice(&json).map_err(|_| LineError::Malformed)?;
        Ok((line, hash))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use madoguchi_protocol::evidence::{Medium, VerifiedBy};

    fn line() -> Line {
        Line {
            n: 7,
            at: "2025-11-22T03:00:00Z".parse().unwrap(),
            noted: "2025-11-22T03:00:00.5Z".parse().unwrap(),
            id: Some(MessageId::from_bytes([1; 16])),
            lane: LaneId::new(2).ok(),
            visit: Some(VisitId::from_bytes([2; 16])),
            what: What::Entry(Entry::MediumRead(Medium::Android, VerifiedBy::Pin)),
            prev: Hash::ZERO,
        }
    }

    #[test]
    fn the_form_of_a_line_is_pinned() {
        let (bytes, hash) = line().seal().unwrap();
        let expected = format!(
            "{{\"n\":7,\"at\":\"2025-11-22T03:00:00Z\",\"noted\":\"2025-11-22T03:00:00.5Z\",\
             \"id\":\"01010101-0101-0101-0101-010101010101\",\"lane\":2,\
             \"visit\":\"02020202-0202-0202-0202-020202020202\",\
             \"what\":{{\"entry\":{{\"medium_read\":[\"android\",\"pin\"]}}}},\"prev\":\"{}\",\"hash\":\"{hash}\"}}\n",
            Hash::ZERO
        );
        assert_eq!(String::from_utf8(bytes).unwrap(), expected);
    }

    #[test]
    fn what_is_sealed_is_read_back_and_any_changed_byte_is_noticed() {
        let (bytes, hash) = line().seal().unwrap();
        let bytes = &bytes[..bytes.len() - 1];
        assert_eq!(Line::unseal(bytes), Ok((line(), hash)));
        for at in 0..bytes.len() {
            let mut changed = bytes.to_vec();
            changed[at] ^= 1;
            assert!(Line::unseal(&changed).is_err(), "byte {at}");
        }
        for length in 0..bytes.len() {
            assert!(Line::unseal(&bytes[..length]).is_err(), "cut to {length}");
        }
    }
}
