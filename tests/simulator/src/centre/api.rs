//! The HTTP interface: each path, and the faults that lie in wait in front of them.

use std::time::Duration;

use actix_web::body::{BoxBody, MessageBody, to_bytes};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::error::JsonPayloadError;
use actix_web::http::StatusCode;
use actix_web::middleware::Next;
use actix_web::web::{self, Data, Json, Path, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse, ResponseError};
use jiff::Timestamp;
use serde::Serialize;
use utoipa::OpenApi;
use uuid::Uuid;

use super::connection::Connection;
use super::errors::ApiError;
use super::faults::{Fault, LONGEST_MS};
use super::openapi::Document;
use super::state::{CentreState, Given};
use super::wire::{
    AuthenticateAnswer, AuthenticateRequest, ConfirmationAnswer, ConfirmationRequest, ErrorAnswer,
    QueryAnswer, QueryRequest,
};

/// The largest body that is read.
const BODY_LIMIT: usize = 64 * 1024;
const IDEMPOTENCY_KEY: &str = "Idempotency-Key";
const IDEMPOTENT_REPLAYED: &str = "Idempotent-Replayed";

/// Registers every path.
pub(super) fn configure(config: &mut ServiceConfig) {
    let json =
        web::JsonConfig::default().limit(BODY_LIMIT).error_handler(|error, _| body_error(&error).into());
    let path =
        web::PathConfig::default().error_handler(|error, _| ApiError::bad_request(error.to_string()).into());
    let resource = |path: &str| web::resource(path.to_owned()).default_service(web::to(wrong_method));
    config
        .app_data(json)
        .app_data(path)
        .service(resource("/v1/alive").route(web::get().to(alive)))
        .service(resource("/v1/authenticate").route(web::post().to(authenticate)))
        .service(resource("/v1/confirmations").route(web::post().to(confirm)))
        .service(resource("/v1/confirmations/{request_id}").route(web::get().to(confirmation)))
        .service(resource("/v1/queries").route(web::post().to(query)))
        .service(resource("/v1/openapi.json").route(web::get().to(openapi)))
        .default_service(web::to(unknown_path));
}

/// Whether the centre can be reached.
#[utoipa::path(get, path = "/v1/alive", responses((status = 204, description = "Reached")))]
pub(super) async fn alive() -> HttpResponse {
    HttpResponse::NoContent().finish()
}

/// Verifies evidence and says whether its holder is registered. No lasting effect.
#[utoipa::path(post, path = "/v1/authenticate", request_body = AuthenticateRequest, responses(
    (status = 200, body = AuthenticateAnswer),
    (status = "4XX", description = "400, 401, 413, 415, 422, 429", body = ErrorAnswer),
    (status = "5XX", body = ErrorAnswer),
))]
pub(super) async fn authenticate(
    state: Data<CentreState>,
    request: HttpRequest,
    body: Json<AuthenticateRequest>,
) -> Result<HttpResponse, ApiError> {
    let answer = state.authenticate(terminal(&request), &body, Timestamp::now())?;
    Ok(HttpResponse::Ok().json(answer))
}

/// Confirms a visit's eligibility once. The same request again gets the same answer, with `Idempotent-Replayed: true`.
#[utoipa::path(post, path = "/v1/confirmations", request_body = ConfirmationRequest,
    params(("Idempotency-Key" = Uuid, Header, description = "The request_id of body and statement")),
    responses(
        (status = 200, body = ConfirmationAnswer, headers(
            ("Idempotent-Replayed" = bool, description = "Present and true when the answer had been given before"),
        )),
        (status = "4XX", description = "400, 401, 413, 415, 422, 429", body = ErrorAnswer),
        (status = "5XX", body = ErrorAnswer),
    ))]
pub(super) async fn confirm(
    state: Data<CentreState>,
    request: HttpRequest,
    body: Json<ConfirmationRequest>,
) -> Result<HttpResponse, ApiError> {
    let body = body.into_inner();
    check_key(&request, body.request_id)?;
    Ok(given(state.confirm(terminal(&request), body, Timestamp::now())?))
}

/// The answer to a confirmation whose fate is uncertain. Only the terminal that asked sees it.
#[utoipa::path(get, path = "/v1/confirmations/{request_id}", params(("request_id" = Uuid, Path)), responses(
    (status = 200, body = ConfirmationAnswer),
    (status = 404, description = "Never received", body = ErrorAnswer),
    (status = "4XX", description = "400, 401, 429", body = ErrorAnswer),
    (status = "5XX", body = ErrorAnswer),
))]
pub(super) async fn confirmation(
    state: Data<CentreState>,
    request: HttpRequest,
    request_id: Path<Uuid>,
) -> Result<HttpResponse, ApiError> {
    let answer = state.confirmation(terminal(&request), *request_id)?;
    Ok(HttpResponse::Ok().json(answer))
}

/// Looks a patient up by insurance details. The same request again gets the same answer, with `Idempotent-Replayed: true`.
#[utoipa::path(post, path = "/v1/queries", request_body = QueryRequest, responses(
    (status = 200, body = QueryAnswer, headers(
        ("Idempotent-Replayed" = bool, description = "Present and true when the answer had been given before"),
    )),
    (status = "4XX", description = "400, 413, 415, 422, 429", body = ErrorAnswer),
    (status = "5XX", body = ErrorAnswer),
))]
pub(super) async fn query(
    state: Data<CentreState>,
    body: Json<QueryRequest>,
) -> Result<HttpResponse, ApiError> {
    Ok(given(state.query(body.into_inner())?))
}

async fn openapi() -> HttpResponse {
    HttpResponse::Ok().json(Document::openapi())
}

async fn unknown_path() -> HttpResponse {
    ApiError::not_found("there is nothing at this path; see /v1/openapi.json").error_response()
}

async fn wrong_method() -> HttpResponse {
    ApiError::wrong_method().error_response()
}

fn given<T: Serialize>(given: Given<T>) -> HttpResponse {
    let mut response = HttpResponse::Ok();
    if given.replayed {
        response.insert_header((IDEMPOTENT_REPLAYED, "true"));
    }
    response.json(given.answer)
}

fn terminal(request: &HttpRequest) -> &str {
    request.conn_data::<Connection>().map_or("", |connection| connection.terminal.as_str())
}

fn check_key(request: &HttpRequest, request_id: Uuid) -> Result<(), ApiError> {
    let key = request.headers().get(IDEMPOTENCY_KEY).and_then(|key| key.to_str().ok());
    match key.map(Uuid::parse_str) {
        None => Err(ApiError::bad_request("the header Idempotency-Key is missing")),
        Some(Ok(key)) if key == request_id => Ok(()),
        Some(_) => Err(ApiError::bad_request("the header Idempotency-Key is not the body's request_id")),
    }
}

fn body_error(error: &JsonPayloadError) -> ApiError {
    match error {
        JsonPayloadError::ContentType => ApiError::wrong_content_type(),
        JsonPayloadError::Overflow { .. } | JsonPayloadError::OverflowKnownLength { .. } => {
            ApiError::too_large(BODY_LIMIT)
        }
        other => ApiError::bad_request(other.to_string()),
    }
}

/// Lets the fault that is switched on for this request happen, before, after or instead of the work.
pub(super) async fn faulty(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, actix_web::Error> {
    let Some(state) = request.app_data::<Data<CentreState>>().cloned() else {
        return Ok(next.call(request).await?.map_into_boxed_body());
    };
    let fault = state.faults().take(request.path());
    match fault {
        None => Ok(next.call(request).await?.map_into_boxed_body()),
        Some(Fault::Slow { ms }) => {
            let response = next.call(request).await?;
            tokio::time::sleep(Duration::from_millis(ms)).await;
            Ok(response.map_into_boxed_body())
        }
        Some(Fault::Hang) => {
            let mut cleared = state.faults().watch_cleared();
            // Either way out leads to the cut.
            let _ = tokio::time::timeout(Duration::from_millis(LONGEST_MS), cleared.changed()).await;
            Ok(cut(request.into_response(HttpResponse::NoContent())))
        }
        Some(Fault::Refuse | Fault::Reset) => Ok(cut(request.into_response(HttpResponse::NoContent()))),
        Some(Fault::DropAfterCommit) => Ok(cut(next.call(request).await?)),
        Some(Fault::WrongAnswer) => with_body(next.call(request).await?, with_other_id).await,
        Some(Fault::Malformed) => {
            with_body(next.call(request).await?, |body| body[..body.len() / 2].to_vec()).await
        }
        Some(Fault::Status { code }) => {
            let status = StatusCode::from_u16(code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
            Ok(request.into_response(ApiError::fault(status).error_response()))
        }
    }
}

/// Cuts the connection before the response is written to it.
fn cut<B: MessageBody + 'static>(response: ServiceResponse<B>) -> ServiceResponse<BoxBody> {
    if let Some(connection) = response.request().conn_data::<Connection>() {
        connection.cut();
    }
    response.map_into_boxed_body()
}

async fn with_body(
    response: ServiceResponse<impl MessageBody + 'static>,
    change: impl FnOnce(&[u8]) -> Vec<u8>,
) -> Result<ServiceResponse<BoxBody>, actix_web::Error> {
    let (request, response) = response.into_parts();
    let (head, body) = response.into_parts();
    let bytes = to_bytes(body).await.map_err(Into::into)?;
    Ok(ServiceResponse::new(request, head.set_body(BoxBody::new(change(&bytes)))))
}

fn with_other_id(body: &[u8]) -> Vec<u8> {
    let Ok(mut answer) = serde_json::from_slice::<serde_json::Value>(body) else { return body.to_vec() };
    if let Some(id) = answer.get_mut("request_id") {
        *id = Uuid::new_v4().to_string().into();
    }
    answer.to_string().into_bytes()
}
