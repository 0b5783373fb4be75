//! The eligibility centre: what took effect there, and its misfortunes.

use super::Refusal;
use crate::{
    centre::{ConfirmationResult, Effect, Injection},
    hospital::Hospital,
};
use actix_web::{
    HttpResponse, delete, get, post,
    web::{Data, Json, ServiceConfig},
};
use serde::Serialize;
use utoipa::ToSchema;

pub(super) fn routes(config: &mut ServiceConfig) {
    config.service(list_effects).service(list_faults).service(inject_fault).service(clear_faults);
}

/// A confirmation that took effect.
#[derive(Serialize, ToSchema)]
struct Outcome {
    /// The idempotency key.
    request_id: String,
    /// The visit.
    visit: String,
    /// The lane.
    lane: u16,
    /// How often it took effect: anything but 1 is wrong.
    commits: u32,
    /// How often its answer was given again.
    replays: u32,
    /// The verdict.
    result: ConfirmationResult,
    /// Whether it came later than the visit.
    deferred: bool,
    /// When, RFC 3339.
    at: String,
}

impl From<Effect> for Outcome {
    fn from(effect: Effect) -> Self {
        Self {
            request_id: effect.request_id.to_string(),
            visit: effect.visit.to_string(),
            lane: effect.lane,
            commits: effect.commits,
            replays: effect.replays,
            result: effect.result,
            deferred: effect.deferred,
            at: effect.at.to_string(),
        }
    }
}

/// Every confirmation that took effect at the centre, oldest first.
#[utoipa::path(get, path = "/centre/effects", responses((status = 200, body = [Outcome])))]
#[get("/centre/effects")]
async fn list_effects(hospital: Data<Hospital>) -> Json<Vec<Outcome>> {
    Json(hospital.centre().effects().into_iter().map(Outcome::from).collect())
}

/// The faults that are switched on.
#[utoipa::path(get, path = "/centre/faults", responses((status = 200, body = [Injection])))]
#[get("/centre/faults")]
async fn list_faults(hospital: Data<Hospital>) -> Json<Vec<Injection>> {
    Json(hospital.centre().faults().active())
}

/// Switches a fault on. `{"fault": {"kind": "refuse"}}` is the line going down.
#[utoipa::path(post, path = "/centre/faults", request_body = Injection,
    responses((status = 204), (status = 422, body = Refusal)))]
#[post("/centre/faults")]
async fn inject_fault(hospital: Data<Hospital>, body: Json<Injection>) -> Result<HttpResponse, Refusal> {
    let refuse = |error| Refusal::new(422, "bad_fault", error);
    hospital.centre().faults().inject(body.into_inner()).map_err(refuse)?;
    Ok(HttpResponse::NoContent().finish())
}

/// Switches every fault off: the line is up again.
#[utoipa::path(delete, path = "/centre/faults", responses((status = 204)))]
#[delete("/centre/faults")]
async fn clear_faults(hospital: Data<Hospital>) -> HttpResponse {
    hospital.centre().faults().clear();
    HttpResponse::NoContent().finish()
}
