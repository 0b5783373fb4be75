//! What happens at the readers of media, the line, the queue, the audit log and the page.

use super::{Happening, id, seconds};
use crate::Tally;
use madoguchi_protocol::{
    VisitId,
    evidence::Medium,
    figures::Family,
    messages::{
        nfc_reader::ReadOutcome,
        offline_queue::{Accepted, Settlement},
        uplink::{Authenticated, Confirmed, Queried},
    },
};
use std::time::Duration;

/// A read of the generic reader ended.
#[derive(Clone, Copy, Debug)]
pub struct ReadEnded<'a> {
    /// Which visit.
    pub visit: Option<VisitId>,
    /// How.
    pub outcome: &'a ReadOutcome,
    /// Since a medium was seen; nothing where none was.
    pub took: Option<Duration>,
}

impl Happening for ReadEnded<'_> {
    fn emit(&self, tally: &Tally) {
        let outcome = self.outcome.name();
        tally.count(Family::Reads, &[outcome]);
        if let Some(took) = self.took {
            tally.observe(Family::ReadSeconds, &[], took);
        }
        tracing::info!(
            event = "read_ended",
            actor = %tally.address(),
            visit = id(self.visit),
            outcome,
            seconds = self.took.map(seconds),
            "read ended"
        );
    }
}

/// A PIN job was opened.
#[derive(Clone, Copy, Debug)]
pub struct PinJobOpened {
    /// For which visit.
    pub visit: VisitId,
}

impl Happening for PinJobOpened {
    fn emit(&self, tally: &Tally) {
        tally.count(Family::PinJobs, &[]);
        tracing::debug!(event = "pin_job_opened", actor = %tally.address(), visit = %self.visit);
    }
}

/// PINs grew too old and were wiped.
#[derive(Clone, Copy, Debug)]
pub struct PinExpired;

impl Happening for PinExpired {
    fn emit(&self, tally: &Tally) {
        tally.count(Family::PinsExpired, &[]);
        tracing::info!(event = "pin_expired", actor = %tally.address(), "a PIN job grew too old and was wiped");
    }
}

/// What came of a request to the centre, for whoever asked.
#[derive(Clone, Copy, Debug)]
pub enum CentreAnswered<'a> {
    /// A verdict on a medium.
    Authenticate(&'a Authenticated),
    /// A confirmation.
    Confirm(&'a Confirmed),
    /// A receipt computer's query.
    Query(&'a Queried),
}

/// Something was asked of the centre.
#[derive(Clone, Copy, Debug)]
pub struct CentreAsked<'a> {
    /// In which visit.
    pub visit: Option<VisitId>,
    /// What came of it.
    pub answer: CentreAnswered<'a>,
    /// Waiting for leave to send and second tries included.
    pub took: Duration,
}

impl Happening for CentreAsked<'_> {
    fn emit(&self, tally: &Tally) {
        let (request, outcome) = match self.answer {
            CentreAnswered::Authenticate(answer) => (
                "authenticate",
                match answer {
                    Authenticated::Verdict(_) => "answered",
                    Authenticated::LineDown => "line_down",
                },
            ),
            CentreAnswered::Confirm(answer) => (
                "confirm",
                match answer {
                    Confirmed::Answer(_) => "answered",
                    Confirmed::LineDown => "line_down",
                    Confirmed::Uncertain => "uncertain",
                    Confirmed::Malformed { .. } => "malformed",
                },
            ),
            CentreAnswered::Query(answer) => (
                "query_eligibility",
                match answer {
                    Queried::Found { .. } => "answered",
                    Queried::LineDown => "line_down",
                    Queried::Uncertain => "uncertain",
                    Queried::Malformed { .. } => "malformed",
                },
            ),
        };
        tally.count(Family::CentreRequests, &[request, outcome]);
        tally.observe(Family::CentreSeconds, &[request], self.took);
        tracing::debug!(
            event = "centre_asked",
            actor = %tally.address(),
            visit = id(self.visit),
            request,
            outcome,
            seconds = seconds(self.took),
        );
    }
}

/// The line went down, or came back after so long.
#[derive(Clone, Copy, Debug)]
pub enum LineChanged {
    /// It is down.
    Down,
    /// It is back.
    Up {
        /// How long it was away.
        outage: Duration,
    },
}

impl Happening for LineChanged {
    fn emit(&self, tally: &Tally) {
        let actor = tally.address();
        match self {
            Self::Down => {
                tally.count(Family::LineChanges, &["down"]);
                tracing::warn!(event = "line_changed", %actor, to = "down", "the line is down");
            }
            Self::Up { outage } => {
                tally.count(Family::LineChanges, &["up"]);
                tally.add(Family::LineOutage, &[], outage.as_secs_f64());
                tracing::info!(event = "line_changed", %actor, to = "up", outage = seconds(*outage), "the line is back");
            }
        }
    }
}

/// A line was probed; counted only.
#[derive(Clone, Copy, Debug)]
pub struct LineProbed {
    /// Which: `primary` or `second`.
    pub line: &'static str,
    /// `answered`, `late`, `refused` or `unanswered`.
    pub outcome: &'static str,
    /// The round trip, where an answer came.
    pub answered: Option<Duration>,
}

impl Happening for LineProbed {
    fn emit(&self, tally: &Tally) {
        tally.count(Family::LineProbes, &[self.line, self.outcome]);
        if let Some(took) = self.answered {
            tally.observe(Family::LineRoundTrip, &[self.line], took);
        }
    }
}

/// The queue was asked to accept a confirmation.
#[derive(Clone, Copy, Debug)]
pub struct QueueAccepted {
    /// Of which visit.
    pub visit: Option<VisitId>,
    /// Its answer.
    pub answer: Accepted,
    /// Until it was durable.
    pub took: Duration,
}

impl Happening for QueueAccepted {
    fn emit(&self, tally: &Tally) {
        let outcome = match self.answer {
            Accepted::Accepted => "accepted",
            Accepted::AlreadySettled(_) => "already_settled",
            Accepted::Full => "full",
            Accepted::Failed => "failed",
        };
        tally.count(Family::QueueAccepts, &[outcome]);
        if self.answer == Accepted::Accepted {
            tally.observe(Family::QueueAccept, &[], self.took);
        }
        tracing::debug!(
            event = "queue_accepted",
            actor = %tally.address(),
            visit = id(self.visit),
            outcome,
            seconds = seconds(self.took),
        );
    }
}

/// The centre answered a confirmation.
#[derive(Clone, Copy, Debug)]
pub struct QueueAnswered {
    /// Of which visit.
    pub visit: Option<VisitId>,
    /// How.
    pub settlement: Settlement,
}

impl Happening for QueueAnswered {
    fn emit(&self, tally: &Tally) {
        let deferral = if self.settlement.deferred { "deferred" } else { "live" };
        let verdict = self.settlement.verdict.name();
        tally.count(Family::QueueAnswers, &[verdict, deferral]);
        tracing::info!(
            event = "confirmation_answered",
            actor = %tally.address(),
            visit = id(self.visit),
            verdict,
            deferral,
            "the centre answered a confirmation"
        );
    }
}

/// It is known whether a visit counts towards usage.
#[derive(Clone, Copy, Debug)]
pub struct VisitCounted {
    /// Which visit.
    pub visit: VisitId,
    /// What was read in it.
    pub medium: Option<Medium>,
    /// `counted`, `portal` or `not_confirmed`.
    pub counting: &'static str,
}

impl Happening for VisitCounted {
    fn emit(&self, tally: &Tally) {
        let way = self.medium.map_or("none", Medium::name);
        tally.count(Family::Usage, &[way, self.counting]);
        tracing::debug!(event = "visit_counted", actor = %tally.address(), visit = %self.visit, way, counting = self.counting);
    }
}

/// The audit log was forced to the disk; counted only.
#[derive(Clone, Copy, Debug)]
pub struct AuditSynced {
    /// How long that took.
    pub took: Duration,
}

impl Happening for AuditSynced {
    fn emit(&self, tally: &Tally) {
        tally.observe(Family::AuditSync, &[], self.took);
    }
}

/// Somebody logged in at the page, or was refused. Who it was is the audit log's to say.
#[derive(Clone, Copy, Debug)]
pub struct PageLogin {
    /// Whether it was accepted.
    pub accepted: bool,
}

impl Happening for PageLogin {
    fn emit(&self, tally: &Tally) {
        let outcome = if self.accepted { "accepted" } else { "refused" };
        tally.count(Family::PageLogins, &[outcome]);
        if self.accepted {
            tracing::info!(event = "page_login", outcome, "a login at the page");
        } else {
            tracing::warn!(event = "page_login", outcome, "a login at the page was refused");
        }
    }
}

/// A scrape was turned away.
#[derive(Clone, Copy, Debug)]
pub struct ScrapeRefused;

impl Happening for ScrapeRefused {
    fn emit(&self, tally: &Tally) {
        tally.count(Family::ScrapesRefused, &[]);
        tracing::warn!(event = "scrape_refused", "a scrape without the right password was refused");
    }
}
