//! `madoguchi report`: a month's visits as CSV, from the audit log.

use crate::{cli, config::Config};
use anyhow::{Context, Result};
use jiff::civil::Date;
use std::{io::Write, process::ExitCode};

/// Prints the report. The gateway may run meanwhile: the log only grows.
pub fn run(arguments: &cli::Report) -> Result<ExitCode> {
    let config = Config::load(&arguments.config)?;
    let report = madoguchi_audit_log::report::monthly(&config.audit_log.folder, arguments.month.0)?;
    std::io::stdout().write_all(report.as_bytes()).context("the report can't be written")?;
    Ok(ExitCode::SUCCESS)
}

/// A month, written 2026-11.
#[derive(Clone, Copy, Debug)]
pub struct Month(Date);

impl std::str::FromStr for Month {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let day = format!("{text}-01").parse();
        day.map(Self).map_err(|_| format!("{text:?} is no month; write year and month, such as 2026-11"))
    }
}
