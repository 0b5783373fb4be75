//! What staff do to a lane's visit, whoever asks for it: a person on the page or a program.

use super::site::Site;
use madoguchi_bus::Bus;
use madoguchi_protocol::{
    LaneId, PersonId,
    messages::{
        audit_log::{StaffAct, VisitEnd},
        face_reader::{ActAsStaff, StaffActed},
    },
    texts::{Language, text},
};
use madoguchi_reception::{counting::count, payment::Established};
use serde_json::{Value, json};
use tokio::sync::watch;

/// The gateway actor's handle to the bus: a new one each time the actor is rebuilt.
pub type Desk = watch::Receiver<Option<Bus>>;

/// Why an act was not done.
#[derive(Debug, thiserror::Error)]
pub(super) enum NotDone {
    /// There is no bus yet.
    #[error("the gateway is still starting; try again")]
    Starting,
    /// Nobody is there, or the visit is past it.
    #[error("the lane has no visit for which this can be done")]
    NotNow,
    /// The portal's screen counts only where somebody who has a name has seen it.
    #[error("say who has seen the portal's screen: the id of a member of staff as \"by\" (R-24)")]
    NotNamed,
    /// The lane's actor.
    #[error("{0}")]
    NoAnswer(String),
}

/// Acts on a lane's visit for the member of staff who is named; the lane records it with its visit.
pub(super) async fn act(
    site: &Site,
    lane: LaneId,
    act: StaffAct,
    by: Option<PersonId>,
) -> Result<(), NotDone> {
    let bus = site.desk.borrow().clone().ok_or(NotDone::Starting)?;
    match bus.ask(Some(lane), None, ActAsStaff { act, by }).await {
        Ok(StaffActed::Done) => Ok(()),
        Ok(StaffActed::NotNamed) => Err(NotDone::NotNamed),
        Ok(StaffActed::NotNow) => Err(NotDone::NotNow),
        Err(error) => Err(NotDone::NoAnswer(error.to_string())),
    }
}

/// What an act came to: a visit that was settled says what the patient is asked to pay and whether it counts
/// towards usage.
pub(super) fn outcome(act: StaffAct, language: Language) -> Value {
    let StaffAct::SettleByFallback(way) = act else { return json!({ "done": true }) };
    let end = VisitEnd::Fallback(way);
    let pays = Established::of(end, None).payment().map(|payment| text(language, &payment.text_key(), &[]));
    json!({ "done": true, "pays": pays, "counting": count(end, None).code() })
}
