//! The receipt computer (レセコン) behind its shared folders: results out, queries in (DOMAIN section 4).
//!
//! - For: the hospital's billing system, which reads eligibility results as XML files.
//! - Hears `write_result` from `offline_queue`: the centre's definite answer, for one lane and visit. It becomes one file
//!   in `Face`, exactly one, whatever crashes ([`outbox`]) and whoever takes the file away ([`book`]).
//! - Sees, by looking through `Req` every second ([`inbox`]), queries that have stopped changing; asks `uplink` with
//!   `query_eligibility` under a request id that lasts; writes the answer to `Res`, then removes the query.
//! - Says its state (files written, characters lost, queries answered, whether the folders can be reached) and records
//!   `result_written` in the audit log.
//! - Never follows a link or a path out of the folders, never repeats a query under another id, never creates a shared
//!   folder, never writes a patient's data anywhere but into the three folders.

mod actor;
pub mod assemble;
pub mod book;
pub mod encoding;
pub mod fields;
pub mod folder;
pub mod inbox;
pub mod message;
pub mod names;
pub mod outbox;
pub mod service;
pub mod xml;

pub use actor::ReceiptComputer;
pub use service::{ServiceError, Settings};
