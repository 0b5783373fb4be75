//! One face-auth reader (顔認証付きカードリーダー): its device link and screens, and the lane's visit.
//!
//! - **For**: the patient at one counter. `reception::Visit` decides; this actor feeds it with what the patient did
//!   and what the bus said, and carries out what it wants done.
//! - **Hears** `act_as_staff` from the page; `read_progress` and the state of the lane's `nfc_reader`;
//!   `confirmation_settled` of `offline_queue`; the state of `uplink`.
//! - **Asks** `pin_session` (a PIN job, to hold a sealed PIN, to drop it), `nfc_reader` (to read, to stop), `uplink` (who
//!   is this?), `offline_queue` (to accept a confirmation, what became of it); tells `audit_log` each step.
//! - **Says** its state: whether the reader is connected, whether phones are offered, the visit in progress.
//! - **Never** sees a PIN: the reader's device seals it for `pin_session`. Never writes a file. Never acts on
//!   another lane.
//!
//! The makers' host interfaces are closed: the seam is [`link::FaceReaderLink`], its one adapter [`tls::TlsLink`], and
//! `DEVICE_LINK.md` tells makers how to write the other end.

mod actor;
mod conduct;
mod connection;
mod interrupted;
pub mod link;
mod meter;
pub mod pair;
mod phones;
mod rehearsal;
mod settings;
mod stopwatch;
pub mod tls;
pub mod trial;

pub use actor::FaceReader;
pub use connection::Timings;
pub use settings::{Settings, SetupError, Surroundings};
