//! The envelope of every message on the bus.

use crate::{
    LaneId, MessageId, VisitId,
    cbor::{self, CborError},
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize, de::DeserializeOwned};

/// The version of the messages; anything else is refused.
pub const VERSION: u8 = 1;

/// A message on the bus with what is needed to route, repeat and correlate it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Envelope<T> {
    /// [`VERSION`].
    pub v: u8,
    /// This message. A repeated command keeps its id.
    pub id: MessageId,
    /// The command that this replies to.
    pub in_reply_to: Option<MessageId>,
    /// The visit it belongs to.
    pub visit: Option<VisitId>,
    /// The lane it belongs to; equal to the topic's.
    pub lane: Option<LaneId>,
    /// When it was first sent, by the box's clock.
    pub at: Timestamp,
    /// What is said.
    pub body: T,
}

/// Why a message was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EnvelopeError {
    /// See [`CborError`].
    #[error(transparent)]
    Cbor(#[from] CborError),
    /// Another [`VERSION`].
    #[error("version {0} is unknown; this program speaks {VERSION}")]
    Version(u8),
    /// The envelope names another lane than its topic: nobody speaks for a neighbour.
    #[error("the lane in the message is not that of its topic")]
    Lane,
    /// No message of this name belongs to the topic.
    #[error("no such message")]
    Name,
}

impl<T: Serialize> Envelope<T> {
    /// The bytes for the bus.
    pub fn encode(&self) -> Result<Vec<u8>, CborError> {
        cbor::encode(self)
    }
}

impl<T: DeserializeOwned> Envelope<T> {
    /// Reads an envelope that came on a topic of `lane`.
    pub fn decode(bytes: &[u8], lane: Option<LaneId>) -> Result<Self, EnvelopeError> {
        let envelope: Self = cbor::decode(bytes)?;
        if envelope.v != VERSION {
            return Err(EnvelopeError::Version(envelope.v));
        }
        if envelope.lane != lane {
            return Err(EnvelopeError::Lane);
        }
        Ok(envelope)
    }
}

impl<T> Envelope<T> {
    /// The same envelope around another body.
    pub fn map<U>(self, change: impl FnOnce(T) -> U) -> Envelope<U> {
        let Self { v, id, in_reply_to, visit, lane, at, body } = self;
        Envelope { v, id, in_reply_to, visit, lane, at, body: change(body) }
    }
}
