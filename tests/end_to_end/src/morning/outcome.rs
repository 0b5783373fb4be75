//! What became of a patient, as seen at the counter.

use super::plan::Patient;
use std::collections::BTreeSet;

/// How a visit ended, as the patient saw it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum End {
    /// Confirmed and valid.
    Done,
    /// Confirmed, the coverage is not valid.
    DoneNotValid,
    /// Accepted, to be confirmed later.
    Deferred,
    /// Sent to staff or another way.
    Fallback,
    /// The patient cancelled.
    Cancelled,
    /// The patient walked away, and the lane was free again by itself.
    WalkedAway,
    /// The lane was free again though the patient still stood there: a deadline passed.
    TimedOut,
    /// The reader lost its link or restarted in the middle.
    Interrupted,
    /// Smartphones were not offered for longer than patients wait.
    NoPhones,
    /// Nothing went on for a minute: must not happen.
    Stuck(String),
}

impl End {
    /// For people.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::DoneNotValid => "not valid",
            Self::Deferred => "deferred",
            Self::Fallback => "fallback",
            Self::Cancelled => "cancelled",
            Self::WalkedAway => "walked away",
            Self::TimedOut => "timed out",
            Self::Interrupted => "interrupted",
            Self::NoPhones => "no phones",
            Self::Stuck(_) => "STUCK",
        }
    }

    /// Whether the centre was or will be asked for the confirmation.
    pub fn is_accepted(&self) -> bool {
        matches!(self, Self::Done | Self::DoneNotValid | Self::Deferred)
    }
}

/// One visit as it was seen at the counter.
#[derive(Clone, Debug)]
pub struct Seen {
    /// The visits named by the screens: one, or none where the screen never changed.
    pub visits: BTreeSet<String>,
    /// Kinds of the screens, in order.
    pub screens: Vec<String>,
    /// PIN pads that were shown while an iPhone was what the patient had chosen.
    pub pads_for_iphone: u32,
    /// The patient consented, to all, none or some.
    pub consented: bool,
    /// How it ended.
    pub end: End,
}

/// What became of a patient.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// Who.
    pub patient: Patient,
    /// Where.
    pub lane: u16,
    /// The visits: more than one where they were interrupted. The last one's end is the patient's outcome.
    pub visits: Vec<Seen>,
}

impl Outcome {
    /// The patient's outcome.
    pub fn end(&self) -> Option<&End> {
        self.visits.last().map(|seen| &seen.end)
    }
}
