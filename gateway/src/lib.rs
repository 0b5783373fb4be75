//! What of the gateway others may use: the configuration, which tests read as the program does, what is rendered from it
//! for the appliance, the appliance's updates, the figures of the lanes, and the history.

pub mod config;
pub mod figures;
pub mod history;
pub mod render;
pub mod update;
