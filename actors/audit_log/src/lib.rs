//! The audit log: what happened, tamper-evident, no personal data.
//!
//! - For: whoever has to answer, months later, what happened at a counter and when (guideline 6.0: access logs with
//!   trusted time), and for counting usage.
//! - Hears from the page `read_log` ([`mod@read`]), `ask_chain` and `read_report` ([`report`]), a part of the answer at a
//!   time, read beside the writing and one such reading after the other.
//! - Hears `record_entry` from every actor: a typed [`Entry`](madoguchi_protocol::messages::audit_log::Entry) without
//!   free text, so that no patient's data can get in.
//! - Writes one JSON line an entry ([`mod@line`]), each bound to the one before by SHA-256, into files by day and size that
//!   are removed when their time is over ([`log`]: also when an entry is on the disk); [`verify()`] names the first
//!   line that is not as it was written; [`usage`] counts.
//! - Says its state: how many lines it has, and `audit-log-failed` when it can't write or found its chain broken.
//! - Never changes or drops a whole line before its time, never replies *recorded* to what it has not written, never
//!   writes a repeated message twice.

mod actor;
mod archive;
mod first_phone;
pub mod line;
pub mod log;
pub mod read;
pub mod report;
mod running;
pub mod usage;
pub mod verify;

pub use actor::AuditLog;
pub use log::{LogError, Settings};
pub use verify::verify;
