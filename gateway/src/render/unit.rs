//! A unit of systemd as text.

use std::fmt::{self, Display, Write as _};

/// A unit file under construction: sections in the order in which they were begun.
#[derive(Clone, Debug, Default)]
pub struct Unit(String);

impl Unit {
    /// Begins with `[Unit]` and a description.
    pub fn new(description: impl Display) -> Self {
        let made = "# Made by `madoguchi render systemd` from configs/actors.toml and the configuration.";
        Self(format!("{made}\n[Unit]\n")).line("Description", description)
    }

    /// Begins a section.
    pub fn section(mut self, name: &str) -> Self {
        let _ = write!(self.0, "\n[{name}]\n");
        self
    }

    /// A setting.
    pub fn line(mut self, key: &str, value: impl Display) -> Self {
        let _ = writeln!(self.0, "{key}={value}");
        self
    }

    /// Settings, one after the other.
    pub fn lines<'a>(self, lines: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        lines.into_iter().fold(self, |unit, (key, value)| unit.line(key, value))
    }

    /// The unit with what `add` adds to it.
    pub fn with(self, add: impl FnOnce(Self) -> Self) -> Self {
        add(self)
    }
}

impl Display for Unit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
