//! The whole state as JSON, for programs that want to see all of it; [`super::v1`] is the described part of the API.

use super::{
    access::{Caller, Right},
    refusal::Refusal,
    site::Site,
};
use actix_web::{
    HttpResponse,
    web::{self, ServiceConfig},
};
use serde_json::{Value, json};
use std::collections::BTreeMap;

pub(super) fn routes(config: &mut ServiceConfig) {
    config.route("/api/v1/state", web::get().to(state));
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
