//! For programs, below `/api/v1/`: the state as JSON, and acting as staff. With a token that has the scope.

use super::{
    access::{Caller, Right},
    refusal::Refusal,
    site::Site,
    staff,
};
use actix_web::{
    HttpResponse,
    http::StatusCode,
    web::{self, Json, Path, ServiceConfig},
};
use madoguchi_protocol::{LaneId, PersonId, messages::audit_log::StaffAct};
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;

pub(super) fn routes(config: &mut ServiceConfig) {
    config
        .route("/api/v1/state", web::get().to(state))
        .route("/api/v1/lanes/{lane}/staff", web::post().to(act_as_staff));
}

/// The newest state of every actor, and how each stands with the supervisor.
async fn state(caller: Caller) -> Result<HttpResponse, Refusal> {
    caller.may(Right::Watch)?;
    Ok(HttpResponse::Ok().json(state_of(caller.site())))
}

pub(super) fn state_of(site: &Site) -> Value {
    let states = site.states.borrow();
    let by_address: BTreeMap<_, _> =
        states.iter().map(|(address, envelope)| (address.to_string(), &envelope.body)).collect();
    let actors: Vec<_> = site.standings.borrow().values().cloned().collect();
    json!({ "states": by_address, "actors": actors })
}

/// `{"act": "cancel", "by": "0c5d…"}`
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Act {
    act: StaffAct,
    /// Who acts, as the program says. The portal's screen is refused where nobody is named.
    by: Option<PersonId>,
}

/// Acts on a lane's visit.
async fn act_as_staff(caller: Caller, lane: Path<LaneId>, body: Json<Act>) -> Result<HttpResponse, Refusal> {
    caller.may(Right::Serve)?;
    let Act { act, by } = body.into_inner();
    let lane = lane.into_inner();
    staff::act(caller.site(), lane, act, by).await.map_err(|refused| {
        let (status, error) = match refused {
            staff::NotDone::Starting => (StatusCode::SERVICE_UNAVAILABLE, "starting"),
            staff::NotDone::NotNow => (StatusCode::CONFLICT, "not_now"),
            staff::NotDone::NotNamed => (StatusCode::UNPROCESSABLE_ENTITY, "not_named"),
            staff::NotDone::NoAnswer(_) => (StatusCode::BAD_GATEWAY, "no_answer"),
        };
        Refusal::json(status, error, &refused.to_string())
    })?;
    caller.did(Some(lane), madoguchi_protocol::messages::audit_log::PersonAct::ActedAsStaff(act));
    Ok(HttpResponse::Ok().json(staff::outcome(act, caller.site().language())))
}
