//! What a person is told about a mistake in the configuration: where it is, and what was probably meant.

use super::{Reason, document::line_of};
use serde::Serialize;
use std::{
    io,
    path::{Path, PathBuf},
};

/// One thing that is wrong, for a page: at which setting, on which line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Mistake {
    /// The setting: `lane.2.face_reader.listen`; `None` where it is none's in particular.
    pub key: Option<String>,
    /// The line in the text, counted from 1, where it is known.
    pub line: Option<usize>,
    /// What is wrong, and what would be right, in English.
    pub message: String,
    /// The same for people who read another language.
    #[serde(skip)]
    pub reason: Reason,
}

impl Mistake {
    /// From a reason, with the place of its setting in the text.
    pub fn of(text: &str, reason: Reason) -> Self {
        let key = reason.setting.clone();
        let line = key.as_deref().and_then(|key| line_of(text, key));
        Self { key, line, message: reason.to_string(), reason }
    }
}

/// Whether a word is written as the key of a setting is.
pub(super) fn is_key(word: &str) -> bool {
    word.starts_with(|c: char| c.is_ascii_lowercase())
        && word.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '_' | '.'))
}

/// The line of a place in a text, counted from 1.
pub(super) fn line_at(text: &str, start: usize) -> usize {
    1 + text.as_bytes()[..start.min(text.len())].iter().filter(|byte| **byte == b'\n').count()
}

/// Why a configuration was refused. Nothing of it takes effect then.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file can't be read.
    #[error("{path}: {source}; give the file's path with --config")]
    Unreadable {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The file is no configuration.
    #[error("{path}: more than the 1 MiB that a configuration may have")]
    TooLarge {
        /// Which.
        path: PathBuf,
    },
    /// A mistake at a place.
    #[error("{path}, line {line}: {message}{}", hint(near.as_deref()))]
    Mistake {
        /// Which file.
        path: PathBuf,
        /// Counted from 1.
        line: usize,
        /// What is wrong.
        message: String,
        /// What was probably meant.
        near: Option<String>,
    },
    /// Values that can't be together.
    #[error("{path}: {reason}")]
    Contradiction {
        /// Which file.
        path: PathBuf,
        /// What is wrong.
        reason: Reason,
    },
}

impl ConfigError {
    /// From what the parser says.
    pub(super) fn mistake(path: &Path, text: &str, error: &toml::de::Error) -> Self {
        let line = line_at(text, error.span().map_or(0, |span| span.start));
        let message = error.message().to_string();
        let near = nearest(&message).map(str::to_owned);
        Self::Mistake { path: path.into(), line, message, near }
    }
}

/// What was probably meant, behind a mistake in English.
pub(super) fn hint(near: Option<&str>) -> String {
    near.map_or(String::new(), |near| format!("; did you mean `{near}`?"))
}

/// The valid key nearest to the unknown one, from serde's "unknown field `a`, expected one of `b`, `c`".
fn nearest(message: &str) -> Option<&str> {
    let rest = message.strip_prefix("unknown field ").or_else(|| message.strip_prefix("unknown variant "))?;
    let mut quoted = rest.split('`').skip(1).step_by(2);
    let unknown = quoted.next()?;
    quoted
        .map(|key| (strsim::damerau_levenshtein(unknown, key), key))
        // Further away than half its length, it is another word.
        .filter(|(distance, key)| *distance * 2 <= key.len().max(unknown.len()))
        .min()
        .map(|(_, key)| key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_of_the_keyboard_is_recognised_and_another_word_is_not() {
        let expected = "expected one of `listen`, `institution`, `state_directory`";
        let near = |word| nearest(&format!("unknown field `{word}`, {expected}")).map(str::to_owned);
        assert_eq!(near("lisen"), Some("listen".into()));
        assert_eq!(near("instituiton"), Some("institution".into()));
        assert_eq!(near("telephone"), None);
        assert_eq!(nearest("invalid type: integer"), None);
    }
}
