//! What of the gateway others may use: the configuration, which tests read as the program does, what is rendered from it
//! for the appliance, the appliance's updates, and the figures of the lanes.

pub mod config;
pub mod figures;
pub mod render;
pub mod update;
