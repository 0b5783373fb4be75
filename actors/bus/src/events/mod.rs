//! What is worth a log line and a count: a struct for each, which writes both at once, so that they can't drift apart.
//!
//! A line bears `event`, the actor and its lane, and the visit where there is one: by it everything that happened
//! in a visit can be found. No field is free text of a reader, a medium, the centre or a person.
//!
//! What is counted and not logged (each message of the bus, each step of a visit) is at most a line of level `trace`.

mod bus;
mod duties;
mod visit;

pub use bus::FaultChanged;
pub(crate) use bus::{
    ActorEnded, ActorStands, Asked, Direction, Dropped, LinkLost, Message, Passed, Refused, Repeated,
    Unanswered,
};
pub use duties::{
    AuditSynced, CentreAnswered, CentreAsked, LineChanged, LineProbed, PageLogin, PinExpired, PinJobOpened,
    QueueAccepted, QueueAnswered, ReadEnded, ScrapeRefused, VisitCounted,
};
pub use visit::{
    Answered, DeviceLinkCame, DeviceLinkRefused, FellBack, PinJudged, StageLeft, VisitOver, WentUnanswered,
    Why,
};

use crate::Tally;
use madoguchi_protocol::VisitId;

/// Something that happened.
pub trait Happening {
    /// Writes the log line and counts.
    fn emit(&self, tally: &Tally);
}

/// A visit in a log line; empty where there is none.
fn id(visit: Option<VisitId>) -> String {
    visit.map_or(String::new(), |visit| visit.to_string())
}

/// Seconds with a precision that a person reads.
fn seconds(took: std::time::Duration) -> f64 {
    (took.as_secs_f64() * 1e4).round() / 1e4
}
