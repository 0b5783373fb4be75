//! Certificates for cards, devices, the centre and the gateway; all plainly invented.

pub mod jpki;
pub mod tls;
