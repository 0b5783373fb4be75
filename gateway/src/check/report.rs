//! What a check found, for a person and for a program.

use serde::Serialize;

/// How it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// As it should be.
    Ok,
    /// It works, and somebody should look soon.
    Warning,
    /// It does not work.
    Error,
}

/// One finding.
#[derive(Clone, Debug, Serialize)]
pub struct Finding {
    /// What was looked at: `broker`, `readers`, ….
    pub what: &'static str,
    /// How it is.
    pub level: Level,
    /// What was found.
    pub found: String,
    /// What to do about it; nothing when it is as it should be.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub todo: Option<String>,
}

impl Finding {
    /// As it should be.
    pub fn ok(what: &'static str, found: impl Into<String>) -> Self {
        Self { what, level: Level::Ok, found: found.into(), todo: None }
    }

    /// It works, and somebody should look soon.
    pub fn warning(what: &'static str, found: impl Into<String>, todo: impl Into<String>) -> Self {
        Self { what, level: Level::Warning, found: found.into(), todo: Some(todo.into()) }
    }

    /// It does not work.
    pub fn error(what: &'static str, found: impl Into<String>, todo: impl Into<String>) -> Self {
        Self { what, level: Level::Error, found: found.into(), todo: Some(todo.into()) }
    }

    /// One line for a person, and what to do on a second.
    pub fn lines(&self) -> String {
        let mark = match self.level {
            Level::Ok => "ok     ",
            Level::Warning => "warning",
            Level::Error => "error  ",
        };
        let mut text = format!("{mark}  {:<14}{}", self.what, self.found);
        if let Some(todo) = &self.todo {
            text.push_str(&format!("\n{:25}→ {todo}", ""));
        }
        text
    }
}
