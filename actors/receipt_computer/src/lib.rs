//! madoguchi-receipt-computer.

pub mod encoding;
pub mod fields;
pub mod message;
pub mod xml;
