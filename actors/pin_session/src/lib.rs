//! The only keeper of PINs.
//!
//! Hears (on each lane's topics): `open_pin_job`, `hold_pin` and `drop_pin` from `face_reader`,
//! `release_pin` from `nfc_reader`. Says: its state, with the number of open jobs.
//! A PIN comes in sealed to its job's own key, is kept in locked memory for 60 seconds at most, and goes
//! out once, sealed to the one reader that asks for the same visit and lane; then it is wiped whatever the
//! outcome. It never writes, logs or shows a PIN, and nothing that bears one has a `Debug` form.

pub mod actor;
pub mod harden;
pub mod jobs;
pub mod vault;

pub use actor::{PinSession, Settings};
pub use harden::disable_core_dumps;
