//! What is said: the words that actors exchange, and nothing that acts.
//!
//! Every topic, message, identifier, device-link frame and fault of the gateway is defined here once.
//! The crate does no I/O and reads no clock: times come in as values. All decoding is bounded
//! ([`cbor`]) and returns typed errors; nothing here panics on any input.

pub mod actor;
pub mod cbor;
pub mod device;
pub mod eligibility;
pub mod envelope;
pub mod evidence;
pub mod fault;
pub mod figures;
pub mod ident;
pub mod messages;
pub mod pin;
pub mod readiness;
pub mod texts;
pub mod topic;

pub use actor::{ActorKind, Address};
pub use envelope::Envelope;
pub use ident::{LaneId, MessageId, PersonId, RequestId, VisitId};
pub use topic::Topic;
