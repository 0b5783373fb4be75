//! What happens to a patient at a lane.

use super::{Happening, id, seconds};
use crate::Tally;
use madoguchi_protocol::{
    VisitId,
    evidence::Medium,
    fault::FaultCode,
    figures::Family,
    messages::audit_log::{Step, VisitEnd},
};
use std::time::Duration;

/// What patients are promised: an answer within this time of the tap.
pub(crate) const PROMISED: Duration = Duration::from_secs(3);

/// The label of what the patient chose.
fn way(medium: Option<Medium>) -> &'static str {
    medium.map_or("none", Medium::name)
}

/// A visit's outcome stands.
#[derive(Clone, Copy, Debug)]
pub struct VisitOver {
    /// Which visit.
    pub visit: Option<VisitId>,
    /// What the patient chose.
    pub medium: Option<Medium>,
    /// How it ended.
    pub end: VisitEnd,
    /// Since the first touch.
    pub took: Duration,
}

impl Happening for VisitOver {
    fn emit(&self, tally: &Tally) {
        let (way, outcome) = (way(self.medium), self.end.name());
        tally.count(Family::VisitsEnded, &[way, outcome]);
        tracing::info!(
            event = "visit_ended",
            actor = %tally.address(),
            visit = id(self.visit),
            way,
            outcome,
            seconds = seconds(self.took),
            "a visit ended"
        );
    }
}

/// A visit left a step.
#[derive(Clone, Copy, Debug)]
pub struct StageLeft {
    /// Which visit.
    pub visit: Option<VisitId>,
    /// The step.
    pub step: Step,
    /// How long it lasted.
    pub took: Duration,
}

impl Happening for StageLeft {
    fn emit(&self, tally: &Tally) {
        // In these nobody takes time: they are what a visit ends in.
        if matches!(self.step, Step::Idle | Step::Done | Step::Deferred | Step::Fallback) {
            return;
        }
        tally.observe(Family::VisitStage, &[self.step.name()], self.took);
        tracing::debug!(
            event = "stage_left",
            actor = %tally.address(),
            visit = id(self.visit),
            stage = self.step.name(),
            seconds = seconds(self.took),
        );
    }
}

/// The patient got the centre's answer.
#[derive(Clone, Copy, Debug)]
pub struct Answered {
    /// Which visit.
    pub visit: Option<VisitId>,
    /// What was held or inserted.
    pub medium: Option<Medium>,
    /// From tap to answer, without the patient's own time.
    pub took: Duration,
}

impl Happening for Answered {
    fn emit(&self, tally: &Tally) {
        tally.observe(Family::VisitAnswer, &[way(self.medium)], self.took);
        tally.count(Family::LaneAnswers, &[]);
        let slow = self.took > PROMISED;
        // Also when it is none: a rate of a series that is not there is nothing, not zero.
        tally.add(Family::LaneSlowAnswers, &[], f64::from(u8::from(slow)));
        let (actor, visit, seconds) = (tally.address(), id(self.visit), seconds(self.took));
        if slow {
            tracing::warn!(event = "answered", %actor, visit, seconds, "a patient waited too long for the answer");
        } else {
            tracing::debug!(event = "answered", %actor, visit, seconds);
        }
    }
}

/// Why a patient who held a medium got no answer on the spot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// The line was down: an outage of the centre, which the promise leaves aside.
    LineDown,
    /// The line was up, and the answer did not come in time.
    Late,
    /// The box could not: a reader, the queue, a part of it.
    Box,
}

/// A patient held a medium and got no answer on the spot.
#[derive(Clone, Copy, Debug)]
pub struct WentUnanswered {
    /// Which visit.
    pub visit: Option<VisitId>,
    /// Why.
    pub why: Why,
}

impl Happening for WentUnanswered {
    fn emit(&self, tally: &Tally) {
        let reason = match self.why {
            Why::LineDown => "line_down",
            Why::Late => "late",
            Why::Box => "box",
        };
        tally.count(Family::VisitsUnanswered, &[reason]);
        tracing::warn!(event = "unanswered", actor = %tally.address(), visit = id(self.visit), reason, "a patient left without an answer");
    }
}

/// A visit was led to another way.
#[derive(Clone, Copy, Debug)]
pub struct FellBack {
    /// Which visit.
    pub visit: Option<VisitId>,
    /// Why.
    pub fault: FaultCode,
}

impl Happening for FellBack {
    fn emit(&self, tally: &Tally) {
        let fault = self.fault.name();
        tally.count(Family::VisitFallbacks, &[fault]);
        tracing::info!(event = "fell_back", actor = %tally.address(), visit = id(self.visit), fault, "a visit needs another way");
    }
}

/// What became of a PIN; never which.
#[derive(Clone, Copy, Debug)]
pub struct PinJudged {
    /// Which visit.
    pub visit: Option<VisitId>,
    /// On what.
    pub medium: Medium,
    /// `verified`, `wrong`, `last_try`, `locked` or `not_held`.
    pub outcome: &'static str,
}

impl Happening for PinJudged {
    fn emit(&self, tally: &Tally) {
        tally.count(Family::PinChecks, &[self.medium.name(), self.outcome]);
        tracing::debug!(
            event = "pin_judged",
            actor = %tally.address(),
            visit = id(self.visit),
            medium = self.medium.name(),
            outcome = self.outcome,
        );
    }
}

/// A face-auth reader connected.
#[derive(Clone, Copy, Debug)]
pub struct DeviceLinkCame;

impl Happening for DeviceLinkCame {
    fn emit(&self, tally: &Tally) {
        tally.count(Family::DeviceLinks, &[]);
        tracing::info!(event = "device_link_came", actor = %tally.address(), "the face-auth reader is connected");
    }
}

/// A connection of the device link was turned away.
#[derive(Clone, Copy, Debug)]
pub struct DeviceLinkRefused;

impl Happening for DeviceLinkRefused {
    fn emit(&self, tally: &Tally) {
        tally.count(Family::DeviceLinksRefused, &[]);
        // One line for each would let a flood fill the journal; the link itself logs the first of them.
        tracing::debug!(event = "device_link_refused", actor = %tally.address());
    }
}
