//! VICI, strongSwan's control protocol, over its Unix socket.
//!
//! A client of our own and a small one: of the crates for it, none was found that ends when the daemon does, bounds what
//! it reads and can be waited on together with a timer. Protocol: `src/libcharon/plugins/vici/README.md` of strongSwan
//! (version 1, stable since 5.2).
//!
//! [`message`] is a pure codec, bounded and fuzzed; [`client`] is one connection.

pub mod client;
pub mod message;

pub use client::{Client, ViciError};
pub use message::{Message, Packet, Value};
