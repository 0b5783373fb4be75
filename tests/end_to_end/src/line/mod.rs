//! A hospital at the end of two lines: network namespaces for the box, two providers and the centre, with strongSwan at
//! both ends, and the means to cut, thin out and listen to each line.
//!
//! A test runs itself anew inside namespaces of its own ([`inside`]): what is made there, daemons among it, is gone with
//! it, whatever becomes of the test. The box is the namespace in which the test itself, the gateway and the simulated
//! readers run.
//!
//! ```text
//!   box ── 10.61.1.0/24 ── provider a ── 10.61.3.0/24 ── centre's gateway, 198.18.0.1 behind it
//!     └─── fd61:2::/64 ─── provider b ── fd61:4::/64 ───────┘
//! ```
//!
//! The kernel of a build machine may lack ESP, so both strongSwans use their userspace ESP (kernel-libipsec): IKE,
//! certificates and encapsulation are the real ones, the kernel's own ESP is not tried here.

mod capture;
mod namespaces;
mod relay;
mod serving;
mod strongswan;
mod tls_papers;
mod token;
mod world;

pub use capture::Capture;
pub use namespaces::{Place, cable, enter, inside, make, run};
pub use relay::Relay;
pub use serving::{Served, Serving};
pub use strongswan::{GATEWAYS, Papers, Side};
pub use tls_papers::TlsPapers;
pub use token::{PIN, Token};
pub use world::{Line, World};
