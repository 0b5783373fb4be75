//! What staff do to a lane's visit, from the page's side.

use super::Site;
use actix_web::{
    HttpRequest, HttpResponse,
    http::header,
    web::{self, Data, Json, Path, ServiceConfig},
};
use madoguchi_bus::{Bus, events::PageLogin};
use madoguchi_protocol::{
    LaneId, PersonId,
    messages::{
        audit_log::{StaffAct, VisitEnd},
        face_reader::{ActAsStaff, StaffActed},
    },
    texts::{Language, text},
};
use madoguchi_reception::{counting::count, payment::Established};
use serde::Deserialize;
use serde_json::json;
use tokio::sync::watch;

/// The gateway actor's handle to the bus: a new one each time the actor is rebuilt.
pub type Desk = watch::Receiver<Option<Bus>>;

pub(super) fn routes(config: &mut ServiceConfig) {
    config.route("/lanes/{lane}/staff", web::post().to(act));
}

/// `{"act": "cancel", "by": "0c5d…"}`
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Act {
    act: StaffAct,
    /// Who acts. The portal's screen is refused where nobody is named.
    by: Option<PersonId>,
}

/// `POST /lanes/{lane}/staff`, with the staff token.
async fn act(request: HttpRequest, site: Data<Site>, lane: Path<LaneId>, body: Json<Act>) -> HttpResponse {
    if !is_staff(&request, &site.token) {
        if let Some(bus) = site.desk.borrow().as_ref() {
            bus.emit(&PageLogin { accepted: false });
        }
        let reason = "send the staff token (the file staff-token) as Authorization: Bearer";
        return HttpResponse::Unauthorized().json(json!({ "error": "not_staff", "reason": reason }));
    }
    let Some(bus) = site.desk.borrow().clone() else {
        return HttpResponse::ServiceUnavailable()
            .json(json!({ "error": "starting", "reason": "the gateway is still starting; try again" }));
    };
    let (lane, Act { act, by }) = (lane.into_inner(), body.into_inner());
    match bus.ask(Some(lane), None, ActAsStaff { act, by }).await {
        // The lane recorded it, with the visit.
        Ok(StaffActed::Done) => HttpResponse::Ok().json(outcome(act, site.language())),
        Ok(StaffActed::NotNamed) => HttpResponse::UnprocessableEntity().json(json!({
            "error": "not_named",
            "reason": "say who has seen the portal's screen: the id of a member of staff as \"by\" (R-24)",
        })),
        Ok(StaffActed::NotNow) => HttpResponse::Conflict().json(json!({
            "error": "not_now",
            "reason": "the lane has no visit for which this can be done",
        })),
        Err(error) => {
            HttpResponse::BadGateway().json(json!({ "error": "no_answer", "reason": error.to_string() }))
        }
    }
}

/// What an act came to: a visit that was settled says what the patient is asked to pay and whether it counts
/// towards usage.
fn outcome(act: StaffAct, language: Language) -> serde_json::Value {
    let StaffAct::SettleByFallback(way) = act else { return json!({ "done": true }) };
    let end = VisitEnd::Fallback(way);
    let pays = Established::of(end, None).payment().map(|payment| text(language, &payment.text_key(), &[]));
    json!({ "done": true, "pays": pays, "counting": count(end, None).code() })
}

/// Compares in a time that does not depend on where the texts differ.
fn is_staff(request: &HttpRequest, token: &str) -> bool {
    let shown = request.headers().get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let shown = shown.and_then(|value| value.strip_prefix("Bearer ")).unwrap_or_default();
    let differences = shown.bytes().zip(token.bytes()).fold(0, |sum, (a, b)| sum | (a ^ b));
    shown.len() == token.len() && differences == 0
}
