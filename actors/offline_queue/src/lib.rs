//! `offline_queue`: every confirmation passes through it, online and offline alike.
//!
//! Hears, from the lanes: `accept_confirmation` and `ask_confirmation` (face_reader); from the page and the console:
//! what a person asks of its records and its keys (gateway). Says: `confirmation_settled` to the lane, and its state
//! (length, oldest, set aside, and whether it is full or failed). Asks: `confirm` (uplink) until the answer is
//! definite, `write_result` (receipt_computer) until it is acknowledged, `record_entry` (audit_log) until it is
//! recorded; then wipes. Listens to the states of uplink and receipt_computer, to go on at once when they are back, and
//! of the lanes' readers, which say whether they rehearse an outage: what they send then is for practice, kept apart
//! and wiped when it ends.
//!
//! Never: says *accepted* before the medium has it; lets a confirmation take effect twice; keeps personal data after it
//! is settled; lets one lane's backlog, or one record that fails, hold up the others.
//!
//! From the outside in: [`actor`] speaks with the bus; [`desk`] answers the lanes; [`drain`] moves records on, as many
//! and as fast as [`pace`] allows; [`rehearsal`] wipes what was for practice; [`operator`] answers persons; [`store`]
//! is what lasts (`STORE.md` says on what).

pub mod actor;
pub mod desk;
pub mod drain;
pub mod kept;
pub mod operator;
pub mod outlook;
pub mod pace;
pub mod rehearsal;
pub mod settings;
pub mod store;

pub use actor::OfflineQueue;
pub use settings::Settings;
