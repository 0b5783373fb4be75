//! `madoguchi console`: what stands on the box's own screen instead of a login. It shows, and does two things that need
//! somebody in front of the box: start it anew, and wipe it. It never runs what was typed.

use anyhow::{Context, Result, bail};
use madoguchi::{
    config::Config,
    update::{install::Places, quiet},
};
use madoguchi_protocol::texts::{self, Language};
use std::{
    fs,
    io::{self, BufRead, Read, Write},
    path::Path,
    process::{Command, ExitCode},
};

/// The screen of a Linux console has no Japanese letters.
const LANGUAGE: Language = Language::En;
/// The longest line that is looked at; the rest of it is thrown away.
const LONGEST_LINE: u64 = 64;
/// What wipes the box.
const FACTORY_RESET: &str = "/usr/lib/madoguchi/factory-reset";
/// What must be typed for it.
const RESET: &str = "RESET";
/// What must be typed for a new start.
const RESTART: &str = "RESTART";

/// What can be chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Choice {
    State,
    Network,
    Code,
    Restart,
    Reset,
}

impl Choice {
    fn of(line: &str) -> Option<Self> {
        match line {
            "1" => Some(Self::State),
            "2" => Some(Self::Network),
            "3" => Some(Self::Code),
            "4" => Some(Self::Restart),
            "5" => Some(Self::Reset),
            _ => None,
        }
    }
}

fn say(key: &str, arguments: &[(&str, &str)]) {
    println!("{}", texts::text(LANGUAGE, key, arguments));
}

/// Shows the menu until its input ends.
pub fn run(config: &Path) -> Result<ExitCode> {
    let mut input = io::stdin().lock();
    loop {
        let version = Places::appliance(Path::new("/var/lib/madoguchi"))
            .running()
            .map_or_else(|_| env!("CARGO_PKG_VERSION").to_owned(), |version| version.to_string());
        println!();
        say("console-title", &[("version", &version)]);
        say("console-menu", &[]);
        say("console-ask", &[]);
        let Some(line) = line(&mut input)? else { return Ok(ExitCode::SUCCESS) };
        let done = match Choice::of(&line) {
            None => {
                say("console-unknown", &[]);
                Ok(())
            }
            Some(Choice::State) => state(config),
            Some(Choice::Network) => network(),
            Some(Choice::Code) => code(config),
            Some(Choice::Restart) => sure(&mut input, RESTART, || command("systemctl", &["reboot"])),
            Some(Choice::Reset) => {
                say("console-reset-warning", &[]);
                sure(&mut input, RESET, || command(FACTORY_RESET, &[]))
            }
        };
        if let Err(error) = done {
            say("console-failed", &[("why", &format!("{error:#}"))]);
        }
    }
}

/// The next line without what surrounds it; none at the end of the input.
fn line(input: &mut impl BufRead) -> io::Result<Option<String>> {
    io::stdout().flush()?;
    let mut line = Vec::new();
    if input.by_ref().take(LONGEST_LINE).read_until(b'\n', &mut line)? == 0 {
        return Ok(None);
    }
    if !line.ends_with(b"\n") {
        input.skip_until(b'\n')?;
    }
    Ok(Some(String::from_utf8_lossy(&line).trim().to_owned()))
}

/// Does it where somebody types the word, and nothing else.
fn sure(input: &mut impl BufRead, word: &str, act: impl FnOnce() -> Result<()>) -> Result<()> {
    say("console-sure", &[("word", word)]);
    if line(input)?.as_deref() == Some(word) {
        say("console-restarting", &[]);
        return act();
    }
    say("console-unchanged", &[]);
    Ok(())
}

fn command(program: &str, arguments: &[&str]) -> Result<()> {
    let status = Command::new(program).args(arguments).status().with_context(|| program.to_owned())?;
    if status.success() { Ok(()) } else { bail!("{program} ended with {status}") }
}

/// Each actor, and what is wrong.
fn state(config: &Path) -> Result<()> {
    if !config.exists() {
        say("console-no-configuration", &[]);
        return Ok(());
    }
    let config = Config::load(config)?;
    let Ok(all) = quiet::states(&config.site.state_directory) else {
        say("console-page-silent", &[]);
        return Ok(());
    };
    for (actor, state) in all["states"].as_object().into_iter().flatten() {
        let condition = state["condition"].as_str().unwrap_or("?");
        say("console-actor", &[("actor", actor), ("condition", condition)]);
        for fault in state["faults"].as_array().into_iter().flatten() {
            let code = fault["code"].as_str().unwrap_or("?");
            let fault = texts::text(LANGUAGE, &format!("fault-{code}-staff"), &[]);
            say("console-fault", &[("actor", actor), ("fault", &fault)]);
        }
    }
    Ok(())
}

fn network() -> Result<()> {
    command("ip", &["-brief", "address", "show"])
}

/// The code with which the page lets the first person in; whoever stands in front of the box may know it.
fn code(config: &Path) -> Result<()> {
    let state = Config::load(config)?.site.state_directory;
    match fs::read_to_string(state.join("gateway/first-start-code")) {
        Ok(code) => say("console-code", &[("code", code.trim())]),
        Err(_) => say("console-no-code", &[]),
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;

    fn lines(text: &[u8]) -> Vec<String> {
        let mut input = text;
        std::iter::from_fn(|| line(&mut input).unwrap()).collect()
    }

    #[test]
    fn a_long_line_is_one_line_and_its_end_no_command() {
        let long = [vec![b'x'; 1000], b"\n5\n".to_vec()].concat();
        let read = lines(&long);
        assert_eq!(read.len(), 2);
        assert!(read[0].len() <= 64);
        assert_eq!(Choice::of(&read[1]), Some(Choice::Reset));
        for nothing in ["", "6", "1 2", "sh", "\u{1b}[A"] {
            assert_eq!(Choice::of(nothing), None, "{nothing:?}");
        }
        assert_eq!(lines(&[0xff, b'\n']).len(), 1, "what is no text is a line all the same");
    }

    #[test]
    fn only_the_word_itself_wipes_the_box() {
        for (typed, wiped) in
            [("RESET\n", true), ("reset\n", false), ("y\n", false), ("\n", false), ("", false)]
        {
            let done = Cell::new(false);
            sure(&mut typed.as_bytes(), RESET, || {
                done.set(true);
                Ok(())
            })
            .unwrap();
            assert_eq!(done.get(), wiped, "{typed:?}");
        }
    }
}
