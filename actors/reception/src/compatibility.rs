//! Which generic readers go with which face-auth reader.
//!
//! The official list is closed, so the hospital fills or imports this table. An unknown pair is not set up.

use crate::version::Version;
use serde::{Deserialize, Serialize};
use std::fmt;

/// The table. Its key is the face-auth reader's model.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CompatibilityTable {
    /// The known pairs.
    pub pairs: Vec<Pair>,
}

/// A generic reader that is sold as compatible with a face-auth reader.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pair {
    /// The face-auth reader's maker, by short name: `panasonic`, ….
    pub maker: String,
    /// The face-auth reader's model, as it calls itself.
    pub face_reader: String,
    /// What the generic reader's PC/SC name begins with: the operating system appends serial and slot.
    pub generic_reader: String,
    /// The face-auth reader's software must be at least this.
    pub minimum_software: Version,
}

impl Pair {
    /// Whether both name the same two readers.
    pub fn is_same_pair(&self, other: &Self) -> bool {
        self.maker.eq_ignore_ascii_case(&other.maker)
            && (&self.face_reader, &self.generic_reader) == (&other.face_reader, &other.generic_reader)
    }
}

impl fmt::Display for Pair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { maker, face_reader, generic_reader, minimum_software } = self;
        write!(f, "{maker} {face_reader} with {generic_reader:?}, from software {minimum_software}")
    }
}

impl CompatibilityTable {
    /// The pair, where it is known.
    pub fn find(&self, maker: &str, face_reader: &str, generic_reader: &str) -> Option<&Pair> {
        self.pairs.iter().find(|pair| {
            pair.maker.eq_ignore_ascii_case(maker)
                && pair.face_reader == face_reader
                && begins_with_model(generic_reader, &pair.generic_reader)
        })
    }
}

/// Whether the PC/SC name is that of this model: "ACR122U" is not the beginning of "ACR122U2".
fn begins_with_model(name: &str, model: &str) -> bool {
    !model.is_empty()
        && name.strip_prefix(model).is_some_and(|rest| !rest.starts_with(|c: char| c.is_alphanumeric()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> CompatibilityTable {
        let pair = |generic: &str| Pair {
            maker: "panasonic".into(),
            face_reader: "XC-1".into(),
            generic_reader: generic.into(),
            minimum_software: "2.0".parse().unwrap(),
        };
        CompatibilityTable { pairs: vec![pair("ACS ACR122U"), pair("")] }
    }

    #[test]
    fn r38_a_generic_reader_is_compatible_with_its_face_auth_model_only() {
        let table = table();
        assert!(table.find("Panasonic", "XC-1", "ACS ACR122U PICC Interface (SER123) 00 00").is_some());
        assert!(table.find("panasonic", "XC-2", "ACS ACR122U PICC Interface (SER123) 00 00").is_none());
        assert!(table.find("fujitsu", "XC-1", "ACS ACR122U PICC Interface (SER123) 00 00").is_none());
    }

    #[test]
    fn r05_another_model_with_a_longer_name_is_another_model() {
        assert!(table().find("panasonic", "XC-1", "ACS ACR122U2 00 00").is_none());
        assert!(table().find("panasonic", "XC-1", "Sony RC-S300 00 00").is_none());
    }
}
