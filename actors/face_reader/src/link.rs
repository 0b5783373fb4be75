//! The seam to the face-auth reader. The makers' host interfaces are closed (DOMAIN section 1): an adapter
//! for one of them implements [`FaceReaderLink`] and nothing else of the gateway changes.

use madoguchi_protocol::{
    cbor::CborError,
    device::{FromReader, Hello, MAX_TEXT, ToReader, VERSION},
};
use std::future::Future;

/// What is heard from the reader.
#[derive(Clone, Debug, PartialEq)]
pub enum LinkEvent {
    /// A reader introduced itself and was welcomed. Where one was connected before, this one replaces it.
    Up(Hello),
    /// It said something. Never a [`FromReader::Hello`] or [`FromReader::Pong`]: the link answers for those.
    Frame(FromReader),
    /// The connection ended, and why.
    Down(LinkEnd),
    /// Somebody was turned away before being welcomed, and why. Where too many are, some go untold.
    Refused(LinkEnd),
}

/// No reader is connected: the frame went nowhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no face-auth reader is connected")]
pub struct NotConnected;

/// The way to one lane's face-auth reader.
pub trait FaceReaderLink: Send + Unpin + 'static {
    /// Hands `frame` over for sending. A reader that does not take its frames in time is disconnected, which
    /// [`FaceReaderLink::receive`] tells. After [`ToReader::Goodbye`] the connection ends.
    fn send(&mut self, frame: ToReader) -> impl Future<Output = Result<(), NotConnected>> + Send;

    /// The next event. Cancel-safe.
    fn receive(&mut self) -> impl Future<Output = LinkEvent> + Send;
}

/// Why a connection ended. The text is for the maker's engineer and is what `Goodbye` says.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LinkEnd {
    /// No TLS 1.3 with a client certificate of the configured authority came about.
    #[error("the TLS handshake failed: {0}")]
    Handshake(String),
    /// The certificate is genuine, but another device's: a reader can't speak for another lane.
    #[error("the client certificate's common name is {found:?}; this lane's reader is {expected:?}")]
    WrongCertificate {
        /// The common name in the certificate, cut to a sensible length.
        found: String,
        /// The configured one.
        expected: String,
    },
    /// Nothing, or not the whole of it, came in time.
    #[error("no hello came in time")]
    NoHello,
    /// The first frame was another one, or a second hello came.
    #[error("hello must be the first frame of a connection, and only the first")]
    HelloOutOfTurn,
    /// Other frames than ours.
    #[error("version {0} of the frames is unknown; the box speaks {VERSION}")]
    Version(u16),
    /// Another maker's reader than the one configured for this lane.
    #[error("the reader says it is of maker {found:?}; this lane's is configured as {expected:?}")]
    WrongMaker {
        /// What it says.
        found: String,
        /// The configured one.
        expected: String,
    },
    /// A frame that is too large, not CBOR, or none of the known ones.
    #[error("a frame was refused: {0}")]
    Frame(#[from] CborError),
    /// A text field over [`MAX_TEXT`].
    #[error("a frame was refused: a text is longer than {MAX_TEXT} characters")]
    TextTooLong,
    /// Pings stayed unanswered.
    #[error("pings stayed unanswered")]
    Unanswered,
    /// The reader does not read what is sent to it.
    #[error("the reader does not take its frames")]
    Slow,
    /// The reader closed the connection; in the middle of a frame or between two.
    #[error("the reader closed the connection")]
    Closed,
    /// The network failed.
    #[error("the connection broke: {0}")]
    Broken(std::io::ErrorKind),
    /// The same reader connected again.
    #[error("a newer connection of the same reader replaced this one")]
    Replaced,
    /// The box said goodbye.
    #[error("the box ended the connection")]
    Ended,
}

impl LinkEnd {
    /// Whether the box ended it for what the other end was or said, rather than the other end or the network.
    pub const fn is_refusal(&self) -> bool {
        match self {
            Self::Handshake(_)
            | Self::WrongCertificate { .. }
            | Self::NoHello
            | Self::HelloOutOfTurn
            | Self::Version(_)
            | Self::WrongMaker { .. }
            | Self::Frame(_)
            | Self::TextTooLong => true,
            Self::Unanswered | Self::Slow | Self::Closed | Self::Broken(_) | Self::Replaced | Self::Ended => {
                false
            }
        }
    }

    /// The label of metrics.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Handshake(_) => "handshake",
            Self::WrongCertificate { .. } => "wrong_certificate",
            Self::NoHello => "no_hello",
            Self::HelloOutOfTurn => "hello_out_of_turn",
            Self::Version(_) => "version",
            Self::WrongMaker { .. } => "wrong_maker",
            Self::Frame(CborError::TooLarge(_)) => "frame_too_large",
            Self::Frame(CborError::TooDeep) => "frame_too_deep",
            Self::Frame(CborError::Malformed) => "frame_malformed",
            Self::Frame(CborError::Unexpected) => "frame_unknown",
            Self::TextTooLong => "text_too_long",
            Self::Unanswered => "unanswered",
            Self::Slow => "slow",
            Self::Closed => "closed",
            Self::Broken(_) => "broken",
            Self::Replaced => "replaced",
            Self::Ended => "ended",
        }
    }
}
