//! One generic USB NFC reader of one lane.

pub mod apdu;
pub mod jpki;
