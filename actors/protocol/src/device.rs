//! The frames of the device link between a face-auth reader and the box.
//!
//! Each frame is a 4-byte big-endian length and that many bytes of CBOR, at most [`cbor::MAX_BYTES`].
//! The makers' own host interfaces are closed (DOMAIN section 1); this is the gateway's side of the seam
//! `FaceReaderLink`, described for makers in `actors/face_reader/DEVICE_LINK.md`.

use crate::{
    LaneId, VisitId,
    cbor::{self, CborError},
    evidence::{Medium, VerifiedBy},
    pin::{PinJob, PublicKey, SealedPin},
};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use std::fmt;

/// The version of the frames. Reader and box must speak the same.
pub const VERSION: u16 = 1;

/// The longest text in any field, in characters; a longer one is refused by the receiver.
pub const MAX_TEXT: usize = 400;

/// From the reader to the box.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FromReader {
    /// First frame of a connection.
    Hello(Hello),
    /// The patient touched a choice on the screen with this number.
    Touch {
        /// Number of the screen that was touched; a touch on a screen that is gone is ignored.
        screen: u32,
        /// The choice's id.
        choice: String,
    },
    /// The digits, sealed to the key that came with the screen.
    SealedPin {
        /// Number of the screen.
        screen: u32,
        /// Job of the PIN pad.
        job: PinJob,
        /// The sealed digits.
        sealed: SealedPin,
    },
    /// A card was put into, or taken out of, the reader's own slot.
    SlotCard {
        /// Whether there is one now.
        present: bool,
    },
    /// What came of [`ToReader::ReadSlot`].
    SlotResult {
        /// The visit of the request.
        visit: VisitId,
        /// What came of it.
        result: SlotResult,
    },
    /// Answer to [`ToReader::Ping`].
    Pong {
        /// The ping's number.
        number: u32,
    },
}

/// Who the reader is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hello {
    /// [`VERSION`].
    pub version: u16,
    /// The maker's short name, as in the makers' profiles: `panasonic`, `canon`, ….
    pub maker: String,
    /// The model.
    pub model: String,
    /// Software version, dotted numbers.
    pub software: String,
    /// Changes at each start of the reader, so that restarts are seen and not ticked.
    pub boot: String,
    /// Whether it reads phones itself.
    pub reads_phones: bool,
    /// The visit of the screen that it showed when its last connection ended, so that a patient whose visit the
    /// box has lost is told so.
    #[serde(default)]
    pub visit: Option<VisitId>,
}

/// How the slot's card is to be verified.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SlotMethod {
    /// By the camera.
    Face,
    /// By the card's PIN, typed on the reader and given to its own slot only.
    Pin,
    /// By a member of staff who compared the photograph (目視).
    Staff,
    /// Not the slot: an iPhone held over the reader itself, by a maker whose readers take phones. Its holder
    /// has authenticated on the phone, and no PIN is asked for.
    Iphone,
    /// Not the slot: an Android phone held over the reader itself, by the PIN typed on the reader before it is
    /// held and given to that phone only.
    Android,
}

impl SlotMethod {
    /// What is read by it.
    pub const fn medium(self) -> Medium {
        match self {
            Self::Face | Self::Pin | Self::Staff => Medium::MyNumberCard,
            Self::Iphone => Medium::Iphone,
            Self::Android => Medium::Android,
        }
    }
}

/// What came of reading the slot's card.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SlotResult {
    /// Certificate (DER) and signature over the statement.
    Signed {
        /// How the holder was verified.
        verified_by: VerifiedBy,
        /// The certificate.
        #[serde(with = "serde_bytes")]
        certificate: Vec<u8>,
        /// The signature.
        #[serde(with = "serde_bytes")]
        signature: Vec<u8>,
    },
    /// The camera did not recognise the holder.
    FaceMismatch,
    /// The card refused the PIN.
    WrongPin {
        /// Tries left.
        tries_left: u8,
    },
    /// The card has one try left; the PIN was not sent. Asked again with `last_try_allowed`.
    LastTry,
    /// The PIN is locked.
    Locked,
    /// The card was taken out or lost contact.
    CardRemoved,
    /// An old resident card (住基カード).
    OldResidentCard,
    /// No card that the reader knows.
    NotReadable,
    /// The iPhone's holder has not authenticated with Face ID or Touch ID.
    HolderNotAuthorised,
    /// The patient cancelled.
    Cancelled,
}

impl fmt::Debug for SlotResult {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Signed { .. } => "Signed",
            Self::FaceMismatch => "FaceMismatch",
            Self::WrongPin { .. } => "WrongPin",
            Self::LastTry => "LastTry",
            Self::Locked => "Locked",
            Self::CardRemoved => "CardRemoved",
            Self::OldResidentCard => "OldResidentCard",
            Self::NotReadable => "NotReadable",
            Self::HolderNotAuthorised => "HolderNotAuthorised",
            Self::Cancelled => "Cancelled",
        })
    }
}

/// From the box to the reader.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ToReader {
    /// Answer to [`Hello`].
    Welcome {
        /// [`VERSION`].
        version: u16,
        /// The lane this reader serves.
        lane: LaneId,
    },
    /// Show this screen instead of the present one.
    Show(Screen),
    /// Verify the holder of the card in the reader's own slot and have it sign the statement.
    ReadSlot {
        /// The visit.
        visit: VisitId,
        /// How.
        method: SlotMethod,
        /// What to sign (SHA-256, PKCS#1 v1.5).
        #[serde(with = "serde_bytes")]
        statement: Vec<u8>,
        /// Whether the patient allowed the last try of the PIN.
        last_try_allowed: bool,
    },
    /// Give up [`ToReader::ReadSlot`].
    CancelSlot {
        /// Its visit.
        visit: VisitId,
    },
    /// Are you there? Answered by [`FromReader::Pong`].
    Ping {
        /// Any number.
        number: u32,
    },
    /// The box ends the connection, and why.
    Goodbye {
        /// For the maker's engineer.
        reason: String,
    },
}

/// One screen for the patient. The texts are final: the reader draws them and decides nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Screen {
    /// Rises with each screen of a connection.
    pub number: u32,
    /// What it is, for pictures and tests: `choose_medium`, `enter_pin`, ….
    pub kind: String,
    /// The language of the texts, `ja` or `en`.
    pub language: String,
    /// The headline.
    pub title: String,
    /// Up to a few sentences.
    pub text: String,
    /// What can be touched, in order.
    pub choices: Vec<Choice>,
    /// A PIN pad, where one is wanted.
    pub pin_pad: Option<PinPad>,
    /// The visit that the screen belongs to; none on the idle screen.
    pub visit: Option<VisitId>,
}

/// Something to touch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Choice {
    /// Sent back by [`FromReader::Touch`].
    pub id: String,
    /// What the button says.
    pub label: String,
}

/// A PIN pad. The digits leave the reader only sealed (see [`crate::pin`]).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PinPad {
    /// Shown, so that the patient and staff can compare.
    pub job: PinJob,
    /// Seal to this key.
    pub public_key: PublicKey,
}

/// One frame: length and CBOR.
pub fn encode_frame<T: Serialize>(message: &T) -> Result<Vec<u8>, CborError> {
    let body = cbor::encode(message)?;
    let length = u32::try_from(body.len()).map_err(|_| CborError::TooLarge(body.len()))?;
    Ok([&length.to_be_bytes()[..], &body].concat())
}

/// The length that a frame's first four bytes announce, refused over [`cbor::MAX_BYTES`].
pub fn frame_length(header: [u8; 4]) -> Result<usize, CborError> {
    let length = u32::from_be_bytes(header) as usize;
    if length > cbor::MAX_BYTES { Err(CborError::TooLarge(length)) } else { Ok(length) }
}

/// Reads a frame's body.
pub fn decode_frame<T: DeserializeOwned>(body: &[u8]) -> Result<T, CborError> {
    cbor::decode(body)
}

/// Puts frames together again from the pieces in which a connection delivers them. Does no I/O itself and
/// holds at most one piece more than one frame.
#[derive(Default)]
pub struct FrameBuffer {
    bytes: Vec<u8>,
}

impl FrameBuffer {
    /// Appends what arrived.
    pub fn push(&mut self, piece: &[u8]) {
        self.bytes.extend_from_slice(piece);
    }

    /// The next whole frame's body, if it is here. An announced length over the bound is refused as soon as
    /// its four bytes are here; nothing can be read after that.
    pub fn next_body(&mut self) -> Result<Option<Vec<u8>>, CborError> {
        let Some(header) = self.bytes.first_chunk::<4>() else { return Ok(None) };
        let end = 4 + frame_length(*header)?;
        if self.bytes.len() < end {
            return Ok(None);
        }
        let rest = self.bytes.split_off(end);
        let mut body = std::mem::replace(&mut self.bytes, rest);
        body.drain(..4);
        Ok(Some(body))
    }

    /// Whether a frame has begun and not ended.
    pub fn is_mid_frame(&self) -> bool {
        !self.bytes.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_come_out_whole_however_they_were_cut() {
        let frames = [ToReader::Ping { number: 1 }, ToReader::Goodbye { reason: "終了".into() }];
        let stream: Vec<u8> = frames.iter().flat_map(|f| encode_frame(f).unwrap()).collect();
        for size in 1..=stream.len() {
            let mut buffer = FrameBuffer::default();
            let mut seen = Vec::new();
            for piece in stream.chunks(size) {
                buffer.push(piece);
                while let Some(body) = buffer.next_body().unwrap() {
                    seen.push(decode_frame::<ToReader>(&body).unwrap());
                }
            }
            assert_eq!(seen, frames, "pieces of {size}");
            assert!(!buffer.is_mid_frame());
        }
    }

    #[test]
    fn a_length_over_the_bound_is_refused_before_its_body_comes() {
        let mut buffer = FrameBuffer::default();
        buffer.push(&u32::MAX.to_be_bytes());
        assert_eq!(buffer.next_body(), Err(CborError::TooLarge(u32::MAX as usize)));
    }
}
