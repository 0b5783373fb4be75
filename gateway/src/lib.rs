//! What of the gateway others may use: the configuration, which tests read as the program does, and what is rendered
//! from it for the appliance.

pub mod config;
pub mod render;
