//! The last lines that this process logged: written to standard error as ever, and remembered.

use std::{
    collections::VecDeque,
    io::{self, Write},
    sync::{Mutex, PoisonError},
};
use tracing::{Level, Metadata};
use tracing_subscriber::fmt::MakeWriter;

/// Lines that are remembered.
const LINES: usize = 300;
/// Of each line so many bytes.
const LONGEST: usize = 600;

static RECENT: Mutex<VecDeque<String>> = Mutex::new(VecDeque::new());

/// The lines that are remembered, the oldest first.
pub fn lines() -> Vec<String> {
    RECENT.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect()
}

/// Where the log is written to.
pub struct Tee;

/// One line of the log.
pub struct Line {
    /// What is for developers only is not remembered: it would push everything else out.
    remembered: bool,
}

impl<'a> MakeWriter<'a> for Tee {
    type Writer = Line;

    fn make_writer(&'a self) -> Line {
        Line { remembered: true }
    }

    fn make_writer_for(&'a self, of: &Metadata<'_>) -> Line {
        Line { remembered: *of.level() <= Level::INFO }
    }
}

impl Write for Line {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.remembered {
            remember(bytes);
        }
        io::stderr().write_all(bytes)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().flush()
    }
}

fn remember(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let text = text.trim_end();
    let line = text[..text.floor_char_boundary(LONGEST)].to_owned();
    let mut recent = RECENT.lock().unwrap_or_else(PoisonError::into_inner);
    if recent.len() >= LINES {
        recent.pop_front();
    }
    recent.push_back(line);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_remembered_is_bounded_in_number_and_length() {
        for n in 0..LINES + 50 {
            remember(format!("{n} {}\n", "窓".repeat(1000)).as_bytes());
        }
        let lines = lines();
        assert_eq!(lines.len(), LINES);
        assert!(lines.iter().all(|line| line.len() <= LONGEST && !line.ends_with('\n')));
    }
}
