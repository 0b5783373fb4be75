//! madoguchi-receipt-computer.

pub mod book;
pub mod encoding;
pub mod fields;
pub mod folder;
pub mod message;
pub mod names;
pub mod outbox;
pub mod xml;
