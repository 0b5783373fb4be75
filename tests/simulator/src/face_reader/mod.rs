//! Simulated face-auth readers, one for each lane: the other end of the gateway's device link.
//!
//! A [`SimulatedReader`] connects as a maker's reader would (`actors/face_reader/DEVICE_LINK.md`), keeps the
//! screen that the box last sent, and does what a patient does to it: touch a choice, type a PIN, put a card
//! into its slot, look into its camera. It decides nothing.

mod link;
mod reader;
mod seal;
mod slot;
mod view;

pub use reader::{ReaderConfig, SimulatedReader, TouchError};
pub use seal::{SealError, seal};
pub use slot::SlotCard;
pub use view::{Shown, View};
