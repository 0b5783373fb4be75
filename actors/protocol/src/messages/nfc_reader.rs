//! `nfc_reader`: one medium at a time on the lane's generic reader.

use super::{Event, commands};
use crate::{ActorKind, evidence::Medium, pin::PinJob};
use serde::{Deserialize, Serialize};
use std::fmt;

/// From `face_reader`: wait for the patient's medium and have it sign.
///
/// Not idempotent: a PIN may be spent. A repeat with the same message id gets the same reply; a new read
/// cancels the one before it.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct ReadMedium {
    /// What the patient chose.
    pub expected: Medium,
    /// What to sign: a [`crate::evidence::Statement`] as bytes.
    #[serde(with = "serde_bytes")]
    pub statement: Vec<u8>,
    /// The PIN job to draw on. Always none for an iPhone.
    pub pin_job: Option<PinJob>,
    /// The patient's explicit yes to spending the last try.
    pub last_try_allowed: bool,
    /// How long to wait for a medium, in milliseconds.
    pub wait_ms: u32,
}

impl fmt::Debug for ReadMedium {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReadMedium")
            .field("expected", &self.expected)
            .field("last_try_allowed", &self.last_try_allowed)
            .field("wait_ms", &self.wait_ms)
            .finish()
    }
}

/// What came of a read.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReadOutcome {
    /// Certificate and signature.
    Signed {
        /// What the label says it is.
        medium: Medium,
        /// User-authentication certificate, DER.
        #[serde(with = "serde_bytes")]
        certificate: Vec<u8>,
        /// 256 bytes.
        #[serde(with = "serde_bytes")]
        signature: Vec<u8>,
    },
    /// Another medium than the patient chose; nothing was spent.
    WrongMedium {
        /// What was held.
        found: Medium,
    },
    /// An old resident card (住基カード); nothing was spent.
    OldResidentCard,
    /// No JPKI application, or no certificate for user authentication in it.
    NotJpki,
    /// The PIN was wrong.
    WrongPin {
        /// Tries left, at least 1.
        tries_left: u8,
    },
    /// One try is left and the patient has not allowed it; nothing was spent.
    LastTry,
    /// The PIN is locked.
    Locked,
    /// The phone's holder has not authorised with Face ID or Touch ID.
    HolderNotAuthorised,
    /// The PIN is no longer held (too old, released before, keeper restarted); nothing was spent.
    PinNotHeld,
    /// The medium went away while it was read.
    Torn,
    /// The medium is there and does not answer.
    Stuck,
    /// Nobody held a medium in time.
    NoMedium,
    /// The reader is not there, or the PC/SC service is not.
    ReaderLost,
    /// A status word the specification does not foresee. SW1 and SW2.
    Unreadable {
        /// The status word.
        status: u16,
    },
    /// Cancelled by [`CancelRead`] or by a new read.
    Cancelled,
}

impl ReadOutcome {
    /// The label of metrics and logs.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Signed { .. } => "signed",
            Self::WrongMedium { .. } => "wrong_medium",
            Self::OldResidentCard => "old_resident_card",
            Self::NotJpki => "not_jpki",
            Self::WrongPin { .. } => "wrong_pin",
            Self::LastTry => "last_try",
            Self::Locked => "locked",
            Self::HolderNotAuthorised => "holder_not_authorised",
            Self::PinNotHeld => "pin_not_held",
            Self::Torn => "torn",
            Self::Stuck => "stuck",
            Self::NoMedium => "no_medium",
            Self::ReaderLost => "reader_lost",
            Self::Unreadable { .. } => "unreadable",
            Self::Cancelled => "cancelled",
        }
    }
}

impl fmt::Debug for ReadOutcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// From `face_reader`: stop waiting or reading.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CancelRead {}

/// Nothing is being read now.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ReadCancelled {}

/// From the page: try the reader. Wait for any medium and say by its label what it is; nothing else of it is read, and
/// no PIN is asked for. A visit's read goes before it: it ends a test, and is never ended by one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TestReader {
    /// How long to wait for a medium, in milliseconds; 20 s at most.
    pub wait_ms: u32,
}

/// What came of a test.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReaderTested {
    /// The reader read a medium that visits can use.
    Read(Medium),
    /// The reader read a medium, and it is none that visits can use.
    ReadOther,
    /// A medium was there and could not be read: held too briefly or badly, or it does not answer.
    NotReadable,
    /// Nobody held a medium in time.
    NoMedium,
    /// The reader is not there, or the PC/SC service is not.
    ReaderLost,
    /// A visit needs the reader now.
    InUse,
}

commands! {
    /// What `nfc_reader` hears.
    enum NfcReaderCommand for NfcReader {
        ReadMedium => ReadOutcome, "read_medium", once, 180 s;
        CancelRead => ReadCancelled, "cancel_read", idempotent, 3 s;
        TestReader => ReaderTested, "test_reader", idempotent, 40 s;
    }
}

/// How far a read has come, for the patient's screen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReadProgress {
    /// A medium is held: keep it there.
    MediumSeen,
    /// The medium was taken away after the read ended.
    MediumGone,
    /// What lies on the reader lay there before, and may be somebody else's: it must be taken away first.
    TakeAwayFirst,
}

impl Event for ReadProgress {
    const FROM: ActorKind = ActorKind::NfcReader;
    const NAME: &'static str = "read_progress";
}
