//! The command line.

use clap::{Args, Parser, Subcommand};
use madoguchi_protocol::Address;
use std::path::PathBuf;

/// Madoguchi Gateway: smartphones and My Number cards as insurance cards, for many reception counters.
#[derive(Debug, Parser)]
#[command(version, about)]
pub struct Arguments {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What the program can do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Serve the counters until SIGTERM or Ctrl-C.
    Run(Run),
    /// Look at configuration, broker, readers, line, certificates, disk and clock, and say what to do.
    Check(Check),
}

/// `madoguchi run`
#[derive(Debug, Args)]
pub struct Run {
    /// The configuration file.
    #[arg(long, value_name = "FILE", default_value = "/etc/madoguchi/madoguchi.toml")]
    pub config: PathBuf,
    /// Run this actor only, and others named so: `uplink`, `nfc_reader@2`. Without it, all run in this process.
    #[arg(long, value_name = "ACTOR[@LANE]")]
    pub only: Vec<Address>,
}

/// `madoguchi check`
#[derive(Debug, Args)]
pub struct Check {
    /// The configuration file.
    #[arg(long, value_name = "FILE", default_value = "/etc/madoguchi/madoguchi.toml")]
    pub config: PathBuf,
    /// Print JSON instead of lines.
    #[arg(long)]
    pub json: bool,
}
