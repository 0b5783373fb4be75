//! `make bench`: the time from tap to answer through the gateway, beside the floor of what no gateway can do
//! without. See the README beside this crate for how to read what it prints.

mod figures;
mod floor;
mod gateway;
mod machine;
mod measure;
mod pattern;
mod table;

use anyhow::{Context, Result, bail};
use clap::Parser;
use figures::Report;
use madoguchi_simulator::pcscd::SOCKET_VARIABLE;
use measure::{Amount, measure};
use pattern::Pattern;
use std::{
    path::{Path, PathBuf},
    process::{Command, Stdio},
};
use table::Goal;

const GOAL: Goal = Goal { lanes: 16, p50: 15.0, p99: 40.0 };

/// What the gateway costs between a phone's tap and the answer.
#[derive(Debug, Parser)]
#[command(version, about)]
struct Arguments {
    /// How many lanes are served at the same time, one column for each.
    #[arg(long, value_delimiter = ',', default_value = "1,8,16")]
    lanes: Vec<u16>,
    /// Visits at each lane that come spread in time; up to three times as many where there are few lanes.
    #[arg(long, default_value_t = 40)]
    visits: u32,
    /// How often a patient comes to a lane in these, in milliseconds; down to a third where there are few lanes.
    #[arg(long, default_value_t = 600)]
    period_ms: u32,
    /// Visits at each lane that come in the same moment at all lanes.
    #[arg(long, default_value_t = 15)]
    at_once: u32,
    /// The gateway's program. Default: `madoguchi` beside this one.
    #[arg(long, value_name = "PROGRAM")]
    gateway: Option<PathBuf>,
    /// Where everything is written, on the kind of disk that matters. Default: below /var/tmp, removed afterwards.
    #[arg(long, value_name = "DIR")]
    directory: Option<PathBuf>,
    /// Measure in this process, which has been told its pcscd, and print JSON. For the program's own use.
    #[arg(long, hide = true)]
    here: bool,
}

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    if arguments.here {
        return here(&arguments);
    }
    let temporary = tempfile::Builder::new().prefix("madoguchi-bench-").tempdir_in("/var/tmp")?;
    let directory = arguments.directory.as_deref().unwrap_or(temporary.path());
    std::fs::create_dir_all(directory)?;
    let directory = directory.canonicalize()?;
    println!("{EXPLANATION}");
    println!("{}\n", machine::describe(&directory)?);
    let reports: Result<Vec<_>> =
        arguments.lanes.iter().map(|lanes| elsewhere(&arguments, *lanes, &directory)).collect();
    if reports.is_err() {
        // What the gateway said is still there for whoever looks for the reason.
        let _ = temporary.keep();
    }
    let reports = reports?;
    println!("{}", table::tables(&reports));
    if let Some(verdict) = table::verdict(&reports, &GOAL) {
        println!("{verdict}");
    }
    Ok(())
}

const EXPLANATION: &str = "\
From tap to answer: one visit with an Android phone and its PIN.
  Counted: from the moment the phone is held to the screen `consent`, plus from the touch on \"agree to all\" to
  the screen `done`, which shows the centre's answer. What the patient thinks and types is not counted.
  (a) through the gateway: pcscd, actors, broker, queue with its fsync, device link; the release build.
  (b) floor: the same APDUs to the same phone in the same pcscd, and the same two HTTPS requests on one kept
      connection, made straight: one thread for each lane, as many at a time as there are lanes.
  Simulated phones (RSA-2048) and the simulated centre run on the same processors, in (a) and in (b) alike.";

/// Measures in a process of its own.
fn elsewhere(arguments: &Arguments, lanes: u16, directory: &Path) -> Result<Report> {
    eprintln!("measuring with {lanes} lane(s)");
    let directory = directory.join(format!("lanes-{lanes}"));
    let program = std::env::current_exe()?;
    let gateway = arguments.gateway.clone().unwrap_or_else(|| program.with_file_name("madoguchi"));
    let child = Command::new(program)
        .arg("--here")
        .arg(format!("--lanes={lanes}"))
        .arg(format!("--visits={}", arguments.visits))
        .arg(format!("--period-ms={}", arguments.period_ms))
        .arg(format!("--at-once={}", arguments.at_once))
        .arg("--gateway")
        .arg(gateway)
        .arg("--directory")
        .arg(&directory)
        .env(SOCKET_VARIABLE, directory.join("pcscd/pcscd.sock"))
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()?;
    if !child.status.success() {
        bail!("measuring with {lanes} lane(s) failed; what the gateway said is in {}", directory.display());
    }
    serde_json::from_slice(&child.stdout).context("the measuring process said something else than its report")
}

fn here(arguments: &Arguments) -> Result<()> {
    let directory = arguments.directory.as_deref().context("--here needs --directory")?;
    let [lanes] = arguments.lanes[..] else { bail!("--here needs one number of --lanes") };
    let program = arguments.gateway.as_deref().context("--here needs --gateway")?;
    // One lane makes few visits in the time of many lanes: its patients come more often.
    let more = u32::from((8 / lanes.max(1)).clamp(1, 3));
    let period_ms = arguments.period_ms / more;
    let amounts = [
        Amount { pattern: Pattern::Spread { period_ms }, visits: arguments.visits * more },
        Amount { pattern: Pattern::AtOnce, visits: arguments.at_once * more },
    ];
    let report = measure(lanes, directory, program, &amounts)?;
    println!("{}", serde_json::to_string(&report)?);
    Ok(())
}
