//! Answers with a status of 400 and more.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, ResponseError};

use super::wire::ErrorAnswer;

/// Why a request got no verdict. None of these changes anything at the centre.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{word}: {reason}")]
pub(super) struct ApiError {
    status: StatusCode,
    word: &'static str,
    reason: String,
}

impl ApiError {
    fn new(status: StatusCode, word: &'static str, reason: impl Into<String>) -> Self {
        Self { status, word, reason: reason.into() }
    }

    pub(super) fn bad_request(reason: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "bad_request", reason)
    }

    pub(super) fn wrong_terminal() -> Self {
        let reason = "the statement names another terminal than the client certificate: issue a certificate for this \
                      terminal or correct its name";
        Self::new(StatusCode::UNAUTHORIZED, "wrong_terminal", reason)
    }

    pub(super) fn unknown_institution() -> Self {
        let reason = "this medical institution code is not known here: correct it in the configuration";
        Self::new(StatusCode::UNAUTHORIZED, "unknown_institution", reason)
    }

    pub(super) fn not_found(reason: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not_found", reason)
    }

    pub(super) fn wrong_method() -> Self {
        Self::new(StatusCode::METHOD_NOT_ALLOWED, "wrong_method", "this path does not take this method")
    }

    pub(super) fn too_large(limit: usize) -> Self {
        let reason = format!("the body is larger than {limit} bytes");
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large", reason)
    }

    pub(super) fn wrong_content_type() -> Self {
        let reason = "send the body as application/json";
        Self::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "wrong_content_type", reason)
    }

    pub(super) fn key_reused() -> Self {
        let reason =
            "this request id came before with another body: repeat a request unchanged, or take a new id";
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, "key_reused", reason)
    }

    pub(super) fn contradiction(reason: impl Into<String>) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, "contradiction", reason)
    }

    pub(super) fn full() -> Self {
        let reason = "the simulated centre keeps no more answers: start it anew";
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "full", reason)
    }

    pub(super) fn fault(status: StatusCode) -> Self {
        Self::new(status, "fault", "this fault was switched on through the control interface")
    }
}

impl ResponseError for ApiError {
    fn status_code(&self) -> StatusCode {
        self.status
    }

    fn error_response(&self) -> HttpResponse {
        let answer = ErrorAnswer { error: self.word.to_owned(), reason: self.reason.clone() };
        HttpResponse::build(self.status).json(answer)
    }
}
