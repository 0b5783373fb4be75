//! One generic USB NFC reader of one lane.
//!
//! Hears: `read_medium` and `cancel_read` from the lane's `face_reader`. Says: `read_progress` while a medium
//! is held, its state (whether a medium could be read now; follow from it elsewhere), and to
//! `audit_log` when a fault begins or ends. Asks: `pin_session` for the PIN, sealed to a key made for that one
//! read, and only when the right medium is held and its tries left are known. It touches no medium without a
//! command, sends VERIFY once at most for a command, never to an iPhone, and reads the same stay of a
//! medium for one visit only. A pulled reader, a torn or stuck medium, and a PC/SC service that dies or hangs
//! end the read with a typed outcome and nothing else.

pub mod actor;
pub mod apdu;
pub mod jpki;
pub mod pcsc;
pub mod read;
mod seal;
pub mod trial;

pub use actor::{NfcReader, Settings};
