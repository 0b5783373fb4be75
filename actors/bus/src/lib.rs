//! How it is said: the MQTT client that every actor uses, the harness that hosts an actor, and the
//! supervisor that rebuilds it.
//!
//! Nothing counts as delivered because the broker acknowledged it. A command is repeated under the same
//! message id until its reply comes or its deadline passes ([`Bus::ask`]); the hearer answers a repeated id
//! with the reply it gave before ([`Responder`]). A state is retained, and said again after a reconnect.
//! What an actor counts ([`Tally`]) is said on its behalf every few seconds; what is worth a log line and a count is one
//! of [`events`].
//! The manifest ([`manifest`]) is the one source of who may say what to whom.

pub mod broker;
mod bus;
mod connection;
pub mod events;
mod faults;
mod host;
mod incoming;
pub mod manifest;
mod pulse;
mod replies;
pub mod supervisor;
mod tally;
pub mod tap;

pub use bus::{AskError, Bus};
pub use faults::Faults;
pub use host::{BusActor, StartError};
pub use incoming::{Incoming, RawEvent};
pub use pulse::Pulse;
pub use replies::Responder;
pub use supervisor::Supervisor;
pub use tally::Tally;
