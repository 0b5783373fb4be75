//! What a person is told about a mistake in the configuration: where it is, and what was probably meant.

use std::{
    io,
    path::{Path, PathBuf},
};

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
    #[error("{path}, line {line}: {message}{hint}")]
    Mistake {
        /// Which file.
        path: PathBuf,
        /// Counted from 1.
        line: usize,
        /// What is wrong.
        message: String,
        /// What was probably meant.
        hint: String,
    },
    /// Values that can't be together.
    #[error("{path}: {reason}")]
    Contradiction {
        /// Which file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
}

impl ConfigError {
    /// From what the parser says.
    pub(super) fn mistake(path: &Path, text: &str, error: &toml::de::Error) -> Self {
        let start = error.span().map_or(0, |span| span.start).min(text.len());
        let line = 1 + text.as_bytes()[..start].iter().filter(|byte| **byte == b'\n').count();
        let message = error.message().to_string();
        let hint = nearest(&message).map_or(String::new(), |key| format!("; did you mean `{key}`?"));
        Self::Mistake { path: path.into(), line, message, hint }
    }
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
