//! What kind of medium a card is and how it misbehaves.

use std::fmt;
use std::num::NonZeroU8;
use std::str::FromStr;
use std::time::Duration;

use zeroize::Zeroizing;

/// A kind of JPKI medium (DOMAIN section 3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Medium {
    /// マイナンバーカード: certificate freely readable, signs after VERIFY.
    MyNumberCard,
    /// Android phone: certificate readable after VERIFY only.
    Android,
    /// iPhone: has no PIN; signs once its holder has authorised on the phone.
    Iphone,
    /// 住基カード: nothing but its label can be read.
    OldResidentCard,
}

impl Medium {
    /// Every kind.
    pub const ALL: [Self; 4] = [Self::MyNumberCard, Self::Android, Self::Iphone, Self::OldResidentCard];

    /// The label in the token information file `0006`.
    pub fn label(self) -> &'static str {
        match self {
            Self::MyNumberCard => "JPKIAPICCTOKEN2",
            Self::Android => "JPKIAPGPSETOKEN",
            Self::Iphone => "JPKIAPIOSTOKEN",
            Self::OldResidentCard => "JPKIAPICCTOKEN",
        }
    }

    /// The name used by scripts: `my_number_card`, `android`, `iphone`, `old_resident_card`.
    pub fn name(self) -> &'static str {
        match self {
            Self::MyNumberCard => "my_number_card",
            Self::Android => "android",
            Self::Iphone => "iphone",
            Self::OldResidentCard => "old_resident_card",
        }
    }

    /// Whether the medium is a phone.
    pub fn is_phone(self) -> bool {
        matches!(self, Self::Android | Self::Iphone)
    }
}

impl fmt::Display for Medium {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A name that is no medium's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no such medium; there are my_number_card, android, iphone and old_resident_card")]
pub struct ParseMediumError;

impl FromStr for Medium {
    type Err = ParseMediumError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|medium| medium.name() == text).ok_or(ParseMediumError)
    }
}

/// How the card answers READ BINARY at and beyond a file's end: cards in the field differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum EndOfFile {
    /// What is left, with `9000`; at or past the end `6B00`.
    #[default]
    WrongOffset,
    /// What is left, with `6282`; at or past the end `6282` alone.
    Warning,
    /// What is left, with `9000`; at or past the end `9000` alone.
    Empty,
    /// `6Cxx` with the right length when fewer bytes are left; at or past the end `6B00`.
    ExactLength,
}

/// How a blocked PIN is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum PinBlocked {
    /// `6984`, as OpenSC expects it from JPKI.
    #[default]
    ReferenceDataUnusable,
    /// `6983`, as ISO 7816-4 has it.
    AuthenticationBlocked,
}

/// A misfortune that strikes once, after so many answered APDUs (counted from the moment it is set).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Torn away: the next answer breaks off in the middle and the card is gone.
    TearAfter(u32),
    /// Stuck: the next APDU is never answered; only taking the card away ends it.
    HangAfter(u32),
}

/// How a card is made. `Default` is a healthy card with PIN 1234 and 3 tries left.
#[derive(Clone)]
pub struct CardOptions {
    /// The PIN of user authentication; 4 digits in the field.
    pub pin: Zeroizing<String>,
    /// Tries left, 0 (locked) to 3.
    pub tries_left: u8,
    /// How long each APDU takes.
    pub delay: Duration,
    /// How reading ends.
    pub end_of_file: EndOfFile,
    /// How a blocked PIN is told.
    pub pin_blocked: PinBlocked,
    /// Answers longer than this come in pieces: `61xx`, then GET RESPONSE. `None`: in one piece.
    pub chunk: Option<NonZeroU8>,
    /// iPhone only: whether its holder has authorised with Face ID or Touch ID.
    pub holder_authorised: bool,
    /// A misfortune to come.
    pub fault: Option<Fault>,
}

impl Default for CardOptions {
    fn default() -> Self {
        Self {
            pin: Zeroizing::new("1234".to_owned()),
            tries_left: CardOptions::MAX_TRIES,
            delay: Duration::ZERO,
            end_of_file: EndOfFile::default(),
            pin_blocked: PinBlocked::default(),
            chunk: None,
            holder_authorised: true,
            fault: None,
        }
    }
}

impl CardOptions {
    /// Tries that a right PIN gives back.
    pub const MAX_TRIES: u8 = 3;

    /// A card whose PIN is locked.
    pub fn locked() -> Self {
        Self { tries_left: 0, ..Self::default() }
    }

    /// A card with one try left.
    pub fn last_try() -> Self {
        Self { tries_left: 1, ..Self::default() }
    }
}
