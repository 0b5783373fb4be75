//! The support bundle: one text that tells whoever helps from afar what this box is, how it is set up and how it is doing,
//! without personal data and without secrets. Whoever takes it away sees all of it first.
//!
//! It is made of what holds neither: settings of the catalogue (no comments, no names, no people), the actors' states
//! without their visits, faults, figures, checks, system facts, and the last lines of the log, where the house allows
//! neither anyway. Over all of it goes a last sieve for what looks like a key or is somebody's name.

mod configuration;
mod recent;
mod sieve;
mod system;

pub use recent::{Tee, lines as recent_lines};

use crate::{
    check, cli,
    config::Config,
    keeper::whereabouts,
    people::{Register, Store},
};
use anyhow::{Context, Result};
use jiff::Timestamp;
use madoguchi::update::quiet;
use madoguchi_reception::in_japan;
use serde_json::Value;
use std::{
    fs::OpenOptions,
    io::Write,
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    process::ExitCode,
};

/// The longest section, in bytes.
const LONGEST_SECTION: usize = 96 * 1024;
/// The longest bundle, in bytes.
pub const LONGEST: usize = 256 * 1024;

/// What a bundle is made from.
pub struct Known {
    /// The configuration's file.
    pub file: PathBuf,
    /// Where the box keeps what lasts.
    pub state_directory: PathBuf,
    /// What the running gateway says of itself; nothing where none runs.
    pub running: Option<Value>,
    /// Names that must not get in: of people and of programs with a token.
    pub names: Vec<String>,
}

/// The names of everybody in the register.
pub fn names(register: &Register) -> Vec<String> {
    let people = register.people.iter().map(|it| it.name.clone());
    people.chain(register.tokens.iter().map(|it| it.name.clone())).collect()
}

/// The whole bundle, [`LONGEST`] bytes at most. Looks at files and asks the operating system, so it may take a second.
pub fn bundle(known: &Known) -> String {
    let config = Config::load(&known.file).ok();
    let running = |name: &str| known.running.as_ref().map(|running| &running[name]);
    let sections = [
        ("versions", system::versions()),
        ("system", system::facts()),
        ("checks", checks(known, config.as_ref())),
        ("faults", running("faults").map_or_else(no_gateway, each_on_a_line)),
        ("figures of the lanes", running("figures").map_or_else(no_gateway, each_on_a_line)),
        ("actors and the supervisor", running("actors").map_or_else(no_gateway, each_on_a_line)),
        ("states", running("states").map_or_else(no_gateway, states)),
        ("configuration", configuration::shown(&known.file)),
        ("the last lines of the log", running("log").map_or_else(no_gateway, log)),
    ];
    let made = in_japan(Timestamp::now()).strftime("%Y-%m-%d %H:%M:%S");
    let mut text = format!(
        "Madoguchi Gateway: support bundle of {made} (Japan)\n\
         It holds no personal data and no secrets. Read it before you hand it on.\n"
    );
    for (title, section) in sections {
        text.push_str(&format!("\n== {title} ==\n"));
        text.push_str(cut(section.trim_end(), LONGEST_SECTION));
        text.push('\n');
    }
    let text = sieve::clean(&text, &known.names);
    cut(&text, LONGEST).to_owned()
}

fn no_gateway() -> String {
    "(no gateway runs)".into()
}

/// The beginning of a text, `most` bytes at most.
fn cut(text: &str, most: usize) -> &str {
    &text[..text.floor_char_boundary(most)]
}

fn each_on_a_line(value: &Value) -> String {
    match value {
        Value::Array(all) if all.is_empty() => "(none)".into(),
        Value::Array(all) => all.iter().map(|it| format!("{it}\n")).collect(),
        other => other.to_string(),
    }
}

/// One line for each actor. Of visits only whether there is one.
fn states(value: &Value) -> String {
    let all = value.as_object().into_iter().flatten();
    all.map(|(address, state)| format!("{address} {}\n", without_visits(state))).collect()
}

fn without_visits(value: &Value) -> Value {
    match value {
        Value::Object(all) => Value::Object(
            all.iter()
                .map(|(name, value)| match name.as_str() {
                    "visit" | "last_visit" => (name.clone(), Value::Bool(!value.is_null())),
                    _ => (name.clone(), without_visits(value)),
                })
                .collect(),
        ),
        Value::Array(all) => all.iter().map(without_visits).collect(),
        other => other.clone(),
    }
}

/// The newest lines, as many as fit.
fn log(value: &Value) -> String {
    let lines: Vec<_> = value.as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let mut left = LONGEST_SECTION;
    let fits = |line: &&&str| {
        let enough = left > line.len();
        left = left.saturating_sub(line.len() + 1);
        enough
    };
    let newest: Vec<_> = lines.iter().rev().take_while(fits).collect();
    newest.into_iter().rev().map(|line| format!("{line}\n")).collect()
}

fn checks(known: &Known, config: Option<&Config>) -> String {
    check::at_rest(config, &known.state_directory)
        .iter()
        .map(|finding| format!("{}\n", finding.lines()))
        .collect()
}

/// `madoguchi support`: shows the bundle, and keeps it in a file where one is named.
pub fn run(arguments: &cli::Support) -> Result<ExitCode> {
    let state_directory = whereabouts(&arguments.config, None);
    let names = Store::of(&state_directory).read().map(|register| names(&register)).unwrap_or_default();
    let running = quiet::states(&state_directory).ok();
    let text = bundle(&Known { file: arguments.config.clone(), state_directory, running, names });
    print!("{text}");
    if let Some(output) = &arguments.output {
        write(output, &text).with_context(|| output.display().to_string())?;
        eprintln!("madoguchi: kept in {}", output.display());
    }
    Ok(ExitCode::SUCCESS)
}

fn write(path: &Path, text: &str) -> std::io::Result<()> {
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)?;
    file.write_all(text.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_bundle_never_grows_beyond_its_bound_and_keeps_the_newest_lines_of_the_log() {
        let folder = tempfile::tempdir().unwrap();
        let lines: Vec<_> =
            (0..20_000).map(|n| format!("{{\"level\":\"INFO\",\"line\":{n}}} 窓口")).collect();
        let lane = |n: u32| json!({ "address": n, "text": "x y ".repeat(2000) });
        let running = json!({
            "faults": [], "actors": (0..200).map(lane).collect::<Vec<_>>(), "figures": [],
            "states": { "face_reader@1": { "detail": { "visit": { "id": "somebody" }, "job": 7 } } }, "log": lines,
        });
        let known = Known {
            file: folder.path().join("none"),
            state_directory: folder.path().into(),
            running: Some(running),
            names: vec!["管理 花子".into()],
        };
        let text = bundle(&known);
        assert!(text.len() <= LONGEST, "{}", text.len());
        assert!(text.contains("\"line\":19999") && !text.contains("\"line\":1}"));
        assert!(!text.contains("somebody"), "nothing of a visit but that there is one");
    }
}
