//! madoguchi-audit-log.

pub mod line;
pub mod log;
pub mod verify;

pub use verify::verify;
