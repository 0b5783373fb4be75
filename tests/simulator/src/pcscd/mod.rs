//! A private pcscd with virtual readers.
//!
//! [`Pcscd`] runs the real pcscd on a socket of its own, with readers whose driver is
//! `ifd/ifd_madoguchi.c`; [`HotplugPcscd`] runs it on a mocked USB bus, where readers come and go.
//! Clients find it by the environment variable [`SOCKET_VARIABLE`], which libpcsclite reads once per
//! process: one process talks to one pcscd.
//!
//! The README's section "Virtual readers" tells ports and protocol.

mod daemon;
mod hotplug;
mod isolated;
mod process;
mod reader;

pub use daemon::{Driver, Pcscd, PcscdError, start_for_lanes};
pub use hotplug::HotplugPcscd;
pub use isolated::isolated;
pub use reader::{LANE_PORT_BASE, NameError, ReaderSpec};

/// The environment variable that tells a PC/SC client which pcscd to use.
pub const SOCKET_VARIABLE: &str = "PCSCLITE_CSOCK_NAME";

/// How many readers one pcscd can have (Debian 12's build drops further ones silently).
pub const MAX_READERS: usize = 16;

/// The driver's library, carried along so that the program needs no file of the build.
const IFD_HANDLER: &[u8] = include_bytes!(env!("MADOGUCHI_IFD_HANDLER"));

/// The name that the driver's library has in a configuration or a bundle.
const IFD_HANDLER_NAME: &str = "libifdmadoguchi.so";
