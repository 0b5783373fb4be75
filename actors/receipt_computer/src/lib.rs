//! madoguchi-receipt-computer.

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
