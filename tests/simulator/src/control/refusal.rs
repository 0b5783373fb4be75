//! Refusals: a code for a script and a reason for a person.

use crate::{
    face_reader::TouchError,
    hospital::{CardError, HoldError, PcscError},
};
use actix_web::{HttpRequest, HttpResponse, ResponseError, error, http::StatusCode};
use serde::Serialize;
use std::fmt;
use utoipa::ToSchema;

/// Why a request was refused.
#[derive(Debug, Serialize, ToSchema)]
pub struct Refusal {
    /// Stable, for scripts.
    pub error: String,
    /// What to do about it.
    pub reason: String,
    #[serde(skip)]
    status: u16,
}

impl Refusal {
    /// A refusal with this status.
    pub fn new(status: u16, error: &str, reason: impl fmt::Display) -> Self {
        Self { error: error.into(), reason: reason.to_string(), status }
    }

    /// Something that should not happen.
    pub fn internal(reason: impl fmt::Display) -> Self {
        Self::new(500, "internal", reason)
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.error, self.reason)
    }
}

impl ResponseError for Refusal {
    fn status_code(&self) -> StatusCode {
        StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    fn error_response(&self) -> HttpResponse {
        HttpResponse::build(self.status_code()).json(self)
    }
}

impl From<CardError> for Refusal {
    fn from(error: CardError) -> Self {
        match error {
            CardError::Name(_) => Self::new(404, "no_such_card", error),
            CardError::TooMany => Self::new(409, "too_many_cards", error),
            CardError::Key(_) => Self::internal(error),
        }
    }
}

impl From<HoldError> for Refusal {
    fn from(error: HoldError) -> Self {
        match error {
            HoldError::Card(error) => error.into(),
            HoldError::Reader(_) => Self::new(409, "reader_not_there", error),
            HoldError::NotOurs => Self::new(409, "own_card", error),
        }
    }
}

impl From<TouchError> for Refusal {
    fn from(error: TouchError) -> Self {
        let code = match error {
            TouchError::NotConnected => "not_connected",
            TouchError::NoSuchChoice { .. } => "no_such_choice",
            TouchError::NoPinPad(_) => "no_pin_pad",
            TouchError::NotAPin => return Self::new(422, "not_a_pin", error),
            TouchError::Seal(_) => "bad_key",
            TouchError::Busy => "busy",
        };
        Self::new(409, code, error)
    }
}

impl From<PcscError> for Refusal {
    fn from(error: PcscError) -> Self {
        match error {
            PcscError::Pcscd(_) => Self::new(409, "pcscd", error),
            PcscError::NoBus | PcscError::Elsewhere => Self::new(409, "not_this_kind_of_service", error),
        }
    }
}

pub(super) fn of_json(error: error::JsonPayloadError, _: &HttpRequest) -> actix_web::Error {
    let status = if matches!(error, error::JsonPayloadError::Overflow { .. }) { 413 } else { 400 };
    Refusal::new(status, "bad_body", error).into()
}

pub(super) fn of_path(error: error::PathError, _: &HttpRequest) -> actix_web::Error {
    Refusal::new(400, "bad_path", error).into()
}

pub(super) fn of_query(error: error::QueryPayloadError, _: &HttpRequest) -> actix_web::Error {
    Refusal::new(400, "bad_query", error).into()
}
