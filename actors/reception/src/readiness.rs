//! Whether a lane may offer 「スマートフォンを利用する」: the expression of DOMAIN section 2, term by term.
//!
//! Fail closed: what is not known is not satisfied.

use crate::{civil::in_japan, compatibility::CompatibilityTable, version::Version};
use jiff::{
    Timestamp,
    civil::{Date, date},
};
pub use madoguchi_protocol::readiness::{TermId, UnmetTerm};
use serde::{Deserialize, Serialize};

/// From this day on, in Japan, smartphones are accepted.
pub const FIRST_DAY: Date = date(2025, 9, 19);

/// What is known of a lane.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Facts<'a> {
    /// 「スマホによる本人確認の利用有無」 of the site is 利用する.
    pub site_uses_phones: bool,
    /// And that of the lane.
    pub lane_uses_phones: bool,
    /// The face-auth reader, while its link is up.
    pub face_reader: Option<FaceReader>,
    /// The PC/SC name of the lane's generic reader, while it is attached to the box and can read.
    pub generic_reader: Option<String>,
    /// The pairs that the hospital knows.
    pub table: &'a CompatibilityTable,
    /// What was recorded at setup.
    pub setup: Option<Setup>,
    /// The box's present start.
    pub box_boot: Boot,
}

/// A face-auth reader as it introduces itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FaceReader {
    /// Short name of the maker.
    pub maker: String,
    /// Model.
    pub model: String,
    /// Software version, as it says it.
    pub software: String,
    /// Its present start.
    pub boot: Boot,
    /// Whether it takes phones itself: it says so, and so does its maker's profile.
    pub reads_phones: bool,
}

/// One start of a device: restarts are observed, not ticked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Boot {
    /// Differs from start to start.
    pub id: String,
    /// When this start was first seen.
    pub seen: Timestamp,
}

/// The record of a lane's setup.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Setup {
    /// The procedure of the face-auth reader's maker that was followed. None, as are the next three, where the
    /// reader takes phones itself.
    pub procedure: Option<String>,
    /// Its version.
    pub version: Option<String>,
    /// The day on which it was followed, in Japan.
    pub on: Option<Date>,
    /// Who followed it, as the hospital calls its people.
    pub by: Option<String>,
    /// The box's start during the setup.
    pub box_boot: String,
    /// The face-auth reader's start during the setup.
    pub reader_boot: String,
}

impl Setup {
    /// Procedure, version, day and person in one line; none unless all four are there.
    pub fn record(&self) -> Option<String> {
        fn said(text: Option<&String>) -> Option<&str> {
            text.map(|text| text.trim()).filter(|text| !text.is_empty())
        }
        let procedure = said(self.procedure.as_ref())?;
        let (version, by) = (said(self.version.as_ref())?, said(self.by.as_ref())?);
        Some(format!("{procedure}, version {version}, on {} by {by}", self.on?))
    }
}

/// Whether a maker whose reader takes phones itself is spared it.
const fn is_about_the_generic_reader(id: TermId) -> bool {
    matches!(id, TermId::Attached | TermId::Pair | TermId::Software | TermId::Procedure)
}

/// One term of a lane.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Term {
    /// Which.
    pub id: TermId,
    /// Whether it is satisfied; also where it does not apply.
    pub satisfied: bool,
    /// Whether it applies: a maker whose reader takes phones itself needs no generic reader.
    pub applies: bool,
    /// Since when it is as it is, as far as this program has seen.
    pub since: Timestamp,
}

/// A lane's readiness, term by term.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Readiness {
    terms: Vec<Term>,
}

impl Readiness {
    /// Judges the facts. `before` is the readiness as it was, from which the terms' beginnings are kept.
    pub fn evaluate(facts: &Facts<'_>, now: Timestamp, before: Option<&Self>) -> Self {
        let built_in = facts.face_reader.as_ref().is_some_and(|reader| reader.reads_phones);
        let term = |id: TermId| {
            let applies = !(built_in && is_about_the_generic_reader(id));
            let satisfied = !applies || is_satisfied(id, facts, now);
            let earlier =
                before.and_then(|before| before.term(id)).filter(|term| term.satisfied == satisfied);
            Term { id, satisfied, applies, since: earlier.map_or(now, |term| term.since) }
        };
        Self { terms: TermId::ALL.map(term).into() }
    }

    /// Whether the button is shown: every term is satisfied.
    pub fn phones_offered(&self) -> bool {
        self.terms.iter().all(|term| term.satisfied)
    }

    /// All terms, in the order in which a person would see to them.
    pub fn terms(&self) -> &[Term] {
        &self.terms
    }

    /// What is still missing, and since when: how a lane explains itself.
    pub fn unmet(&self) -> Vec<UnmetTerm> {
        let unmet = self.terms.iter().filter(|term| !term.satisfied);
        unmet.map(|Term { id, since, .. }| UnmetTerm { id: *id, since: *since }).collect()
    }

    /// Since when phones are offered, or are not: since the last term came, or since the first one failed.
    pub fn since(&self) -> Option<Timestamp> {
        let unmet = self.terms.iter().filter(|term| !term.satisfied).map(|term| term.since).min();
        unmet.or_else(|| self.terms.iter().map(|term| term.since).max())
    }

    fn term(&self, id: TermId) -> Option<&Term> {
        self.terms.iter().find(|term| term.id == id)
    }
}

fn is_satisfied(id: TermId, facts: &Facts<'_>, now: Timestamp) -> bool {
    let reader = facts.face_reader.as_ref();
    let pair = || {
        let reader = reader?;
        facts.table.find(&reader.maker, &reader.model, facts.generic_reader.as_deref()?)
    };
    let restarted =
        |boot: &Boot, at_setup: &str| boot.id != at_setup && in_japan(boot.seen).date() >= FIRST_DAY;
    match id {
        TermId::Date => in_japan(now).date() >= FIRST_DAY,
        TermId::Setting => facts.site_uses_phones && facts.lane_uses_phones,
        TermId::Reader => reader.is_some(),
        TermId::Attached => facts.generic_reader.is_some(),
        TermId::Pair => pair().is_some(),
        TermId::Software => {
            let version: Option<Version> = reader.and_then(|reader| reader.software.parse().ok());
            pair().zip(version).is_some_and(|(pair, version)| version >= pair.minimum_software)
        }
        TermId::Procedure => {
            let recorded = facts.setup.as_ref().filter(|setup| setup.record().is_some());
            // What was not followed yet was not followed.
            recorded.is_some_and(|setup| setup.on.is_some_and(|day| day <= in_japan(now).date()))
        }
        TermId::BoxRestarted => {
            facts.setup.as_ref().is_some_and(|setup| restarted(&facts.box_boot, &setup.box_boot))
        }
        TermId::ReaderRestarted => facts
            .setup
            .as_ref()
            .zip(reader)
            .is_some_and(|(setup, reader)| restarted(&reader.boot, &setup.reader_boot)),
    }
}
