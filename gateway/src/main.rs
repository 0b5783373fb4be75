//! `madoguchi`: one box that lets many reception counters check a patient's eligibility.

mod annals;
mod appliance;
mod board;
mod certificate;
mod check;
mod cli;
mod compatibility;
mod configuration_command;
mod console;
mod front;
mod house;
mod keeper;
mod logging;
mod metrics;
mod pcsc;
mod people;
mod phones;
mod queue;
mod report;
mod run;
mod signals;
mod sole;
mod support;
mod watchdog;
mod web;

use anyhow::Result;
use clap::Parser;
use madoguchi::{
    config::{self, Config},
    render,
};
use std::{process::ExitCode, time::Duration};

fn main() -> ExitCode {
    let arguments = cli::Arguments::parse();
    let done = match &arguments.command {
        cli::Command::Run(run) => run::run(run),
        cli::Command::Check(check) => check::run(check),
        cli::Command::Certificate(certificate) => certificate::run(certificate),
        cli::Command::Queue(queue) => queue::run(queue),
        cli::Command::Compatibility(compatibility) => compatibility::run(compatibility),
        cli::Command::Config(configuration) => configuration_command::run(configuration),
        cli::Command::Report(report) => report::run(report),
        cli::Command::Render(render) => render_files(render),
        cli::Command::Support(arguments) => support::run(arguments),
        cli::Command::Update(update) => appliance::update(&update.config, &update.act),
        cli::Command::Healthy { config } => appliance::healthy(config),
        cli::Command::Console { config } => console::run(config),
        cli::Command::ListReaders { patience_ms } => pcsc::list(Duration::from_millis(*patience_ms)),
        cli::Command::TryReader { binding, wait_ms } => pcsc::trial(binding, Duration::from_millis(*wait_ms)),
        cli::Command::People(people) => people::console::run(people),
    };
    done.unwrap_or_else(|error| {
        // The whole chain of causes on one line: it ends in a journal.
        eprintln!("madoguchi: {error:#}");
        ExitCode::FAILURE
    })
}

/// `madoguchi render`
fn render_files(arguments: &cli::Render) -> Result<ExitCode> {
    let config = Config::load(&arguments.config)?;
    render::render(arguments.what, &config, &arguments.output)?;
    Ok(ExitCode::SUCCESS)
}
