//! `madoguchi`: one box that lets many reception counters check a patient's eligibility.

mod board;
mod check;
mod cli;
mod house;
mod logging;
mod queue;
mod report;
mod run;
mod signals;
mod sole;
mod watchdog;
mod web;

use clap::Parser;
use madoguchi::config;
use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments = cli::Arguments::parse();
    let done = match &arguments.command {
        cli::Command::Run(run) => run::run(run),
        cli::Command::Check(check) => check::run(check),
        cli::Command::Queue(queue) => queue::run(queue),
        cli::Command::Report(report) => report::run(report),
    };
    done.unwrap_or_else(|error| {
        // The whole chain of causes on one line: it ends in a journal.
        eprintln!("madoguchi: {error:#}");
        ExitCode::FAILURE
    })
}
