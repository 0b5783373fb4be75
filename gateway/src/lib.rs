//! What of the gateway others may use: the configuration, which tests read as the program does.

pub mod config;
