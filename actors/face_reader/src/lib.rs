//! One face-auth reader: its device link and screens, and the lane's visit.

mod connection;
pub mod link;
pub mod tls;

pub use connection::Timings;
