//! Software versions of readers: dotted numbers.

use serde::{Deserialize, Serialize};
use std::{cmp::Ordering, fmt, str::FromStr};

/// The most parts that a version may have.
const MAX_PARTS: usize = 8;

/// A version such as `1.2.10`. Missing parts are zeros: `1.2` equals `1.2.0`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Version(Vec<u32>);

/// Not a version of dotted numbers.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no version; write up to {MAX_PARTS} numbers with dots between them, such as 1.2.10")]
pub struct BadVersion(String);

impl FromStr for Version {
    type Err = BadVersion;
    fn from_str(text: &str) -> Result<Self, BadVersion> {
        // Digits only: u32's own parser would take "+1".
        let number =
            |part: &str| part.bytes().all(|b| b.is_ascii_digit()).then(|| part.parse().ok()).flatten();
        let parts: Option<Vec<u32>> = text.split('.').take(MAX_PARTS + 1).map(number).collect();
        match parts {
            Some(parts) if parts.len() <= MAX_PARTS => Ok(Self(parts)),
            // An error names what was wrong, however long it was.
            _ => Err(BadVersion(text.chars().take(40).collect())),
        }
    }
}

impl TryFrom<String> for Version {
    type Error = BadVersion;
    fn try_from(text: String) -> Result<Self, BadVersion> {
        text.parse()
    }
}

impl From<Version> for String {
    fn from(version: Version) -> Self {
        version.to_string()
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts: Vec<String> = self.0.iter().map(u32::to_string).collect();
        f.write_str(&parts.join("."))
    }
}

impl Ord for Version {
    fn cmp(&self, other: &Self) -> Ordering {
        let part = |version: &Self, at: usize| version.0.get(at).copied().unwrap_or(0);
        let length = self.0.len().max(other.0.len());
        (0..length)
            .map(|at| part(self, at).cmp(&part(other, at)))
            .find(|o| o.is_ne())
            .unwrap_or(Ordering::Equal)
    }
}

impl PartialOrd for Version {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Version {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Version {}

#[cfg(test)]
mod tests {
    use super::*;

    fn version(text: &str) -> Version {
        text.parse().unwrap()
    }

    #[test]
    fn r06_versions_compare_by_number_and_not_by_letter() {
        assert!(version("1.10") > version("1.9.9"));
        assert!(version("2") > version("1.99"));
        assert_eq!(version("1.2"), version("1.2.0"));
        assert!(version("1.2.0.1") > version("1.2"));
    }

    #[test]
    fn what_is_no_version_is_refused() {
        for bad in ["", ".", "1.", "1..2", "v1", "1.2b", "+1", "99999999999", "1.2.3.4.5.6.7.8.9"] {
            assert!(bad.parse::<Version>().is_err(), "{bad:?}");
        }
    }
}
