//! The whole gateway on real parts, driven from outside as anybody could: the two programs as processes,
//! the simulated hospital's control interface, the gateway's page.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a failed step is a failed test, and says which")]

pub mod axe;
pub mod browser;
pub mod chrony;
pub mod first_start;
pub mod house;
pub mod http;
pub mod lane;
pub mod line;
pub mod morning;
pub mod person;
pub mod pictures;
pub mod process;
pub mod prometheus;
pub mod sources;
pub mod staff;
pub mod visits;
pub mod walk;

pub use house::{House, Options};
pub use lane::{Lane, Screen};
pub use staff::Neighbour;
