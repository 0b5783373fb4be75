//! What is right at a reception counter: the visit, the readiness of a lane, the counting of usage.
//!
//! No I/O, no clock, no random numbers: times and fresh identifiers come in as values, so that every way a
//! visit can go is a test. `face_reader` feeds [`Visit::step`] what the patient did and what the bus said,
//! and carries out the [`Output`]s. The rules R-nn are those of the notices of 2025-09-18/19; each is cited
//! where it is kept, and tested under its number. The patient's screens are listed in `SCREENS.md`.

pub mod availability;
pub mod call_centre;
mod choice;
mod civil;
pub mod compatibility;
pub mod counting;
mod deadlines;
mod fallback;
pub mod holidays;
mod input;
pub mod makers;
mod output;
pub mod payment;
mod place;
pub mod readiness;
mod screen;
mod statement;
mod turn;
pub mod version;
mod visit;

pub use choice::Choice;
pub use civil::in_japan;
pub use deadlines::{BadDeadline, Deadlines};
pub use fallback::Offers;
pub use input::{Input, Unanswered};
pub use output::{Act, Ask, Output};
pub use screen::{ConsentItem, Notice, ScreenKind, ScreenSpec};
pub use statement::{Fresh, Premises};
pub use visit::Visit;
