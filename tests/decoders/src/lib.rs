//! Every decoder of bytes that somebody else wrote, as a function from bytes to accepted or refused.
//!
//! One list for two drivers: the fuzz targets in `tests/fuzz`, and the property tests of this crate, which
//! run wherever `cargo test` does. Each check panics when a decoder breaks its promise: that a refusal is a
//! typed error, that what was accepted survives being written and read again, and the decoder's own bounds.

pub mod audit;
pub mod bus;
pub mod centre;
pub mod clock;
pub mod compatibility;
pub mod configuration;
pub mod device_link;
pub mod medium;
pub mod parcel;
pub mod receipt;
pub mod security_key;
pub mod update;
pub mod vici;

mod samples;

use madoguchi_protocol::cbor;
use serde::{Serialize, de::DeserializeOwned};
use std::fmt::Debug;

/// What a decoder made of its input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It was what it should be.
    Accepted,
    /// It was not, and a typed error said so.
    Refused,
}

impl Verdict {
    fn of<T, E>(result: Result<T, E>) -> Self {
        if result.is_ok() { Self::Accepted } else { Self::Refused }
    }

    /// Accepted when either was.
    fn or(self, other: Self) -> Self {
        if self == Self::Accepted { self } else { other }
    }
}

/// A decoder under test.
pub struct Decoder {
    /// Its name, also that of its fuzz target.
    pub name: &'static str,
    /// Who writes its input.
    pub written_by: &'static str,
    /// Decodes, and panics when a promise is broken.
    pub check: fn(&[u8]) -> Verdict,
    /// Inputs that it accepts, from which mutation starts.
    pub seeds: fn() -> Vec<Vec<u8>>,
    /// Whether each seed is refused when it is cut short anywhere.
    pub cut_is_refused: bool,
}

/// Every decoder.
pub const ALL: &[Decoder] = &[
    Decoder {
        name: "bus_message",
        written_by: "an actor, or whoever took one over",
        check: bus::message,
        seeds: bus::message_seeds,
        cut_is_refused: true,
    },
    Decoder {
        name: "bus_topic",
        written_by: "an actor, or whoever took one over",
        check: bus::topic,
        seeds: bus::topic_seeds,
        cut_is_refused: false,
    },
    Decoder {
        name: "device_link",
        written_by: "a face-auth reader, on the hospital's network",
        check: device_link::stream,
        seeds: device_link::seeds,
        cut_is_refused: true,
    },
    Decoder {
        name: "medium",
        written_by: "whatever a patient holds over the reader",
        check: medium::exchange,
        seeds: medium::seeds,
        cut_is_refused: false,
    },
    Decoder {
        name: "centre_answer",
        written_by: "the far end of the line",
        check: centre::answer,
        seeds: centre::seeds,
        cut_is_refused: true,
    },
    Decoder {
        name: "vici_packet",
        written_by: "strongSwan, or who sits at its socket",
        check: vici::packet,
        seeds: vici::seeds,
        cut_is_refused: false,
    },
    Decoder {
        name: "clock_tracking",
        written_by: "chrony's client program",
        check: clock::tracking,
        seeds: clock::seeds,
        cut_is_refused: false,
    },
    Decoder {
        name: "receipt_query",
        written_by: "the receipt computer, into a shared folder",
        check: receipt::query,
        seeds: receipt::query_seeds,
        cut_is_refused: true,
    },
    Decoder {
        name: "receipt_result",
        written_by: "the receipt computer, into a shared folder",
        check: receipt::result,
        seeds: receipt::result_seeds,
        cut_is_refused: true,
    },
    Decoder {
        name: "receipt_file_name",
        written_by: "the receipt computer, into a shared folder",
        check: receipt::file_name,
        seeds: receipt::file_name_seeds,
        cut_is_refused: true,
    },
    Decoder {
        name: "audit_line",
        written_by: "the audit log, or whoever altered it since",
        check: audit::line,
        seeds: audit::seeds,
        cut_is_refused: false,
    },
    Decoder {
        name: "compatibility_list",
        written_by: "whoever keeps the hospital's list of readers",
        check: compatibility::list,
        seeds: compatibility::seeds,
        cut_is_refused: false,
    },
    Decoder {
        name: "configuration",
        written_by: "whoever sets up the box",
        check: configuration::file,
        seeds: configuration::seeds,
        cut_is_refused: false,
    },
    Decoder {
        name: "update_bundle",
        written_by: "whoever hands the administrator a file",
        check: update::bundle,
        seeds: update::seeds,
        cut_is_refused: true,
    },
    Decoder {
        name: "parcel_head",
        written_by: "whoever hands over an export",
        check: parcel::head,
        seeds: parcel::head_seeds,
        cut_is_refused: false,
    },
    Decoder {
        name: "parcel_contents",
        written_by: "whoever knows an export's passphrase",
        check: parcel::contents,
        seeds: parcel::contents_seeds,
        cut_is_refused: true,
    },
    Decoder {
        name: "security_key",
        written_by: "the browser of whoever logs in or adds a security key",
        check: security_key::answer,
        seeds: security_key::seeds,
        cut_is_refused: true,
    },
];

/// What was decoded once is decoded equal after it was encoded again.
fn survives_a_round_trip<T: Serialize + DeserializeOwned + PartialEq + Debug>(value: &T) {
    match cbor::encode(value) {
        Ok(bytes) => assert_eq!(cbor::decode::<T>(&bytes).as_ref(), Ok(value)),
        // Field names may have been given in a shorter form than ours.
        Err(error) => assert!(matches!(error, cbor::CborError::TooLarge(_)), "{error}"),
    }
}
