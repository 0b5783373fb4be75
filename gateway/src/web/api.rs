//! The state as JSON, for programs.

use super::Site;
use actix_web::{
    HttpResponse, Responder,
    web::{self, Data, ServiceConfig},
};
use serde_json::json;
use std::collections::BTreeMap;

pub(super) fn routes(config: &mut ServiceConfig) {
    config.route("/state.json", web::get().to(state));
}

/// The newest state of every actor, and how each stands with the supervisor.
async fn state(site: Data<Site>) -> impl Responder {
    let states = site.states.borrow();
    let by_address: BTreeMap<_, _> =
        states.iter().map(|(address, envelope)| (address.to_string(), &envelope.body)).collect();
    let actors: Vec<_> = site.standings.borrow().values().cloned().collect();
    HttpResponse::Ok().json(json!({ "states": by_address, "actors": actors }))
}
