//! The API for the hospital's own systems, below `/api/v1/`: lanes, readiness, faults, counts, results as a stream, and
//! what staff can do. With a token that has the scope; described by `/api/v1/openapi.json`, which is made from this code.
//!
//! It tells nothing of a person: a visit is its identifier, a patient is nobody.

mod model;
mod stream;

use super::{
    access::{Caller, Right},
    counts,
    refusal::Refusal,
    staff,
};
use actix_web::{
    HttpResponse,
    http::StatusCode,
    web::{self, Json, Path, Query, ServiceConfig},
};
use jiff::civil::Date;
use madoguchi_protocol::{
    LaneId,
    messages::audit_log::{Fallback, PersonAct, StaffAct},
};
use madoguchi_reception::in_japan;
use model::{Act, Acted, Counts, Deed, Fault, Lane, Mistake, Readiness, Way};
use serde::Deserialize;
use utoipa::{
    IntoParams, Modify, OpenApi,
    openapi::security::{Http, HttpAuthScheme, SecurityScheme},
};

/// The description of the API.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "Madoguchi Gateway",
        description = "Lanes, readiness, faults, counts and results of one gateway. No personal data."
    ),
    paths(lanes, lane, readiness, faults, monthly_counts, stream::results, act_as_staff),
    components(schemas(model::Outcome)),
    modifiers(&Tokens),
    security(("token" = []))
)]
struct Description;

/// Every call needs a token.
struct Tokens;

impl Modify for Tokens {
    fn modify(&self, api: &mut utoipa::openapi::OpenApi) {
        let components = api.components.get_or_insert_default();
        components.add_security_scheme("token", SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer)));
    }
}

pub(super) fn routes(config: &mut ServiceConfig) {
    config
        .route("/api/v1/openapi.json", web::get().to(describe))
        .route("/api/v1/lanes", web::get().to(lanes))
        .route("/api/v1/lanes/{lane}", web::get().to(lane))
        .route("/api/v1/readiness", web::get().to(readiness))
        .route("/api/v1/faults", web::get().to(faults))
        .route("/api/v1/counts", web::get().to(monthly_counts))
        .route("/api/v1/results", web::get().to(stream::results))
        .route("/api/v1/lanes/{lane}/staff", web::post().to(act_as_staff));
}

async fn describe(caller: Caller) -> Result<HttpResponse, Refusal> {
    caller.may(Right::Watch)?;
    Ok(HttpResponse::Ok().json(Description::openapi()))
}

fn wrong(error: &str, reason: &str) -> Refusal {
    Refusal::json(StatusCode::BAD_REQUEST, error, reason)
}

fn no_lane() -> Refusal {
    Refusal::json(StatusCode::NOT_FOUND, "no_such_lane", "no lane of this number is configured")
}

/// All lanes as they are now. Scope `watch`.
#[utoipa::path(get, path = "/api/v1/lanes", responses(
    (status = 200, body = [Lane]),
    (status = 401, body = Mistake), (status = 403, body = Mistake), (status = 429, body = Mistake),
))]
async fn lanes(caller: Caller) -> Result<HttpResponse, Refusal> {
    caller.may(Right::Watch)?;
    Ok(HttpResponse::Ok().json(caller.site().view(caller.site().language(), model::lanes)))
}

/// One lane as it is now. Scope `watch`.
#[utoipa::path(get, path = "/api/v1/lanes/{lane}",
    params(("lane" = u16, Path, minimum = 1, maximum = 999, description = "The number on the counter's sign")),
    responses(
        (status = 200, body = Lane), (status = 400, body = Mistake), (status = 404, body = Mistake),
        (status = 401, body = Mistake), (status = 403, body = Mistake), (status = 429, body = Mistake),
    ))]
async fn lane(caller: Caller, lane: Path<String>) -> Result<HttpResponse, Refusal> {
    caller.may(Right::Watch)?;
    let lane: LaneId = lane.parse().map_err(|_| no_lane())?;
    let all = caller.site().view(caller.site().language(), model::lanes);
    let found = all.into_iter().find(|it| it.lane == lane.number()).ok_or_else(no_lane)?;
    Ok(HttpResponse::Ok().json(found))
}

/// What is missing for smartphones at each lane. Scope `watch`.
#[utoipa::path(get, path = "/api/v1/readiness", responses(
    (status = 200, body = [Readiness]),
    (status = 401, body = Mistake), (status = 403, body = Mistake), (status = 429, body = Mistake),
))]
async fn readiness(caller: Caller) -> Result<HttpResponse, Refusal> {
    caller.may(Right::Watch)?;
    Ok(HttpResponse::Ok().json(caller.site().view(caller.site().language(), model::readiness)))
}

/// Everything that is wrong now, the worst first, in words and with what to do. Scope `watch`.
#[utoipa::path(get, path = "/api/v1/faults", responses(
    (status = 200, body = [Fault]),
    (status = 401, body = Mistake), (status = 403, body = Mistake), (status = 429, body = Mistake),
))]
async fn faults(caller: Caller) -> Result<HttpResponse, Refusal> {
    caller.may(Right::Watch)?;
    Ok(HttpResponse::Ok().json(caller.site().view(caller.site().language(), model::faults)))
}

/// Which month.
#[derive(Deserialize, IntoParams)]
struct Month {
    /// `2025-09`; the present month where it is left out.
    #[param(pattern = r"^20[2-9][0-9]-(0[1-9]|1[0-2])$")]
    month: Option<String>,
}

/// A month's visits by way, lane and hour: an estimate (R-30), never the official rate. Scope `read_counts`.
#[utoipa::path(get, path = "/api/v1/counts", params(Month), responses(
    (status = 200, body = Counts), (status = 400, body = Mistake), (status = 503, body = Mistake),
    (status = 401, body = Mistake), (status = 403, body = Mistake), (status = 429, body = Mistake),
))]
async fn monthly_counts(
    caller: Caller,
    wanted: Result<Query<Month>, actix_web::Error>,
) -> Result<HttpResponse, Refusal> {
    caller.may(Right::ReadCounts)?;
    let wanted = wanted.map_err(|_| wrong("no_month", "give one month, as month=2025-09"))?;
    let month: Date = match &wanted.month {
        None => in_japan(jiff::Timestamp::now()).date().first_of_month(),
        Some(text) => {
            let is_month = text.len() == 7 && text.is_ascii();
            let day = is_month.then(|| format!("{text}-01").parse().ok()).flatten();
            day.ok_or_else(|| wrong("no_month", "a month is written as 2025-09"))?
        }
    };
    let rows = counts::rows(caller.site(), month).await.ok_or_else(|| {
        Refusal::json(
            StatusCode::SERVICE_UNAVAILABLE,
            "no_answer",
            "the audit log does not answer; try again",
        )
    })?;
    Ok(HttpResponse::Ok().json(Counts::of(month, rows)))
}

/// Acts on the lane's visit, as a member of staff does on the page; recorded under the token's name. Scope `serve`.
#[utoipa::path(post, path = "/api/v1/lanes/{lane}/staff", request_body = Act,
    params(("lane" = u16, Path, minimum = 1, maximum = 999, description = "The number on the counter's sign")),
    responses(
        (status = 200, body = Acted), (status = 400, body = Mistake), (status = 404, body = Mistake),
        (status = 409, body = Mistake), (status = 413, body = Mistake), (status = 415, body = Mistake),
        (status = 422, body = Mistake),
        (status = 502, body = Mistake), (status = 503, body = Mistake),
        (status = 401, body = Mistake), (status = 403, body = Mistake), (status = 429, body = Mistake),
    ))]
async fn act_as_staff(
    caller: Caller,
    lane: Path<String>,
    body: Result<Json<Act>, actix_web::Error>,
) -> Result<HttpResponse, Refusal> {
    caller.may(Right::Serve)?;
    let lane: LaneId = lane.parse().map_err(|_| no_lane())?;
    let is_there = caller.site().states.borrow().keys().any(|address| address.lane == Some(lane));
    if !is_there {
        return Err(no_lane());
    }
    let act = body.map_err(|error| {
        let status = error.as_response_error().status_code();
        Refusal::json(status, "no_act", "send {\"act\": \"cancel\"} or another act as JSON")
    })?;
    let Act { act, by } = act.into_inner();
    let act = act.act();
    staff::act(caller.site(), lane, act, by).await.map_err(|refused| {
        let (status, error) = match refused {
            staff::NotDone::Starting => (StatusCode::SERVICE_UNAVAILABLE, "starting"),
            staff::NotDone::NotNow => (StatusCode::CONFLICT, "not_now"),
            staff::NotDone::NotNamed => (StatusCode::UNPROCESSABLE_ENTITY, "not_named"),
            staff::NotDone::NoAnswer(_) => (StatusCode::BAD_GATEWAY, "no_answer"),
        };
        Refusal::json(status, error, &refused.to_string())
    })?;
    caller.did(Some(lane), PersonAct::ActedAsStaff(act));
    Ok(HttpResponse::Ok().json(staff::outcome(act, caller.site().language())))
}

impl Deed {
    const fn act(self) -> StaffAct {
        match self {
            Self::Cancel => StaffAct::Cancel,
            Self::TakeOver => StaffAct::TakeOver,
            Self::ConfirmPhoto => StaffAct::ConfirmPhoto,
            Self::SettleByFallback(way) => StaffAct::SettleByFallback(match way {
                Way::MyNumberCard => Fallback::MyNumberCard,
                Way::EligibilityCertificate => Fallback::EligibilityCertificate,
                Way::PortalScreen => Fallback::PortalScreen,
                Way::SelfDeclaration => Fallback::SelfDeclaration,
            }),
            Self::BeginRehearsal => StaffAct::BeginRehearsal,
            Self::EndRehearsal => StaffAct::EndRehearsal,
        }
    }
}
