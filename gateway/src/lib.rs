//! What of the gateway others may use: the configuration, which tests read as the program does, what is rendered from it
//! for the appliance, the appliance's updates, the figures of the lanes, the history, and security keys, whose answers
//! somebody else writes.

pub mod config;
pub mod figures;
pub mod history;
pub mod render;
pub mod security_key;
pub mod update;
