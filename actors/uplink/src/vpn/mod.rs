//! The VPN: which tunnels there are to be, and the strongSwan that is told to hold them.
//!
//! Each of the hospital's lines has a tunnel of its own, and both are kept up side by side. A tunnel gives the box an
//! *inner address*; a request goes by the line whose inner address it is sent from. So changing over is nothing that
//! strongSwan or the kernel must do: the next request, and the one under way, simply leave by the other address.
//!
//! [`settings`] is what the hospital sets; [`connection`] says it in strongSwan's words, and [`loading`] hands that over; [`tunnel`] is the pure part,
//! which decides from what strongSwan reports whether a tunnel is to be built or built anew; [`driver`] carries it out.

pub(crate) mod connection;
pub mod driver;
mod loading;
pub mod settings;
pub mod tunnel;

pub use settings::{ExternalLine, TunnelSettings, Vpn};
