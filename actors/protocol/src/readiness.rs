//! The terms on which a lane offers 「スマートフォンを利用する」, by name: what a lane says when it explains itself.
//! They are judged in `reception::readiness`.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// The terms of the expression, in the order in which a person would see to them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TermId {
    /// It is the first day of phones or later.
    Date,
    /// The hospital wants phones here.
    Setting,
    /// The face-auth reader is there: without it nothing can be shown.
    Reader,
    /// The generic reader is attached to the box.
    Attached,
    /// The pair is in the table.
    Pair,
    /// The face-auth reader's software is recent enough.
    Software,
    /// The maker's procedure is recorded.
    Procedure,
    /// The box was restarted after setup.
    BoxRestarted,
    /// The face-auth reader was restarted after setup.
    ReaderRestarted,
}

impl TermId {
    /// All terms.
    pub const ALL: [Self; 9] = [
        Self::Date,
        Self::Setting,
        Self::Reader,
        Self::Attached,
        Self::Pair,
        Self::Software,
        Self::Procedure,
        Self::BoxRestarted,
        Self::ReaderRestarted,
    ];

    /// The name in text keys.
    const fn name(self) -> &'static str {
        match self {
            Self::Date => "date",
            Self::Setting => "setting",
            Self::Reader => "reader",
            Self::Attached => "attached",
            Self::Pair => "pair",
            Self::Software => "software",
            Self::Procedure => "procedure",
            Self::BoxRestarted => "box-restarted",
            Self::ReaderRestarted => "reader-restarted",
        }
    }

    /// Key of the text that says what is needed.
    pub fn what_key(self) -> String {
        format!("readiness-{}-what", self.name())
    }

    /// Key of the text that says how to get there.
    pub fn action_key(self) -> String {
        format!("readiness-{}-action", self.name())
    }
}

/// A term that is not satisfied.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnmetTerm {
    /// Which.
    pub id: TermId,
    /// Since when, as far as the lane has seen.
    pub since: Timestamp,
}
