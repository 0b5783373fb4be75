//! From a request's base64 to a judgement: everything that is checked before the centre says yes.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;

use super::errors::ApiError;
use super::wire::{AuthenticateRequest, ConfirmationRequest, Medium, Statement, VerifiedBy};

/// How old a statement may be when the line was up.
pub const FRESH_FOR: SignedDuration = SignedDuration::from_mins(10);
/// How old a statement may be when the visit was deferred.
pub const DEFERRED_FOR: SignedDuration = SignedDuration::from_hours(72);
/// How far in the future a statement may lie: clocks differ.
pub const AHEAD_BY: SignedDuration = SignedDuration::from_mins(2);

const NONCE_BYTES: usize = 16;
const TERMINAL_CHARACTERS: usize = 64;

/// A random value that one request alone may use.
pub(super) type Nonce = [u8; NONCE_BYTES];

/// The evidence of a request, decoded and free of contradictions, not yet verified.
pub(super) struct Evidence {
    pub statement: Statement,
    pub signed: Vec<u8>,
    pub nonce: Nonce,
    pub certificate: Vec<u8>,
    pub signature: Vec<u8>,
    pub medium: Medium,
    pub deferred: bool,
}

impl Evidence {
    pub(super) fn of_authentication(request: &AuthenticateRequest) -> Result<Self, ApiError> {
        Self::decode(
            request.request_id,
            [&request.statement, &request.certificate, &request.signature],
            request.medium,
            request.verified_by,
            false,
        )
    }

    pub(super) fn of_confirmation(request: &ConfirmationRequest) -> Result<Self, ApiError> {
        Self::decode(
            request.request_id,
            [&request.statement, &request.certificate, &request.signature],
            request.medium,
            request.verified_by,
            request.deferred,
        )
    }

    fn decode(
        request_id: Uuid,
        [signed, certificate, signature]: [&str; 3],
        medium: Medium,
        verified_by: VerifiedBy,
        deferred: bool,
    ) -> Result<Self, ApiError> {
        check_verification(medium, verified_by)?;
        let signed = base64_of("statement", signed)?;
        let statement: Statement = serde_json::from_slice(&signed)
            .map_err(|error| ApiError::bad_request(format!("the statement is not of version 1: {error}")))?;
        let nonce = check_statement(&statement)?;
        if statement.request_id != request_id {
            return Err(ApiError::bad_request(
                "request_id differs between the body and the signed statement",
            ));
        }
        Ok(Self {
            statement,
            signed,
            nonce,
            certificate: base64_of("certificate", certificate)?,
            signature: base64_of("signature", signature)?,
            medium,
            deferred,
        })
    }

    /// The word for why the statement's time does not do, if it does not.
    pub(super) fn stale(&self, now: Timestamp) -> Option<&'static str> {
        let age = now.duration_since(self.statement.at);
        let allowed = if self.deferred { DEFERRED_FOR } else { FRESH_FOR };
        if age > allowed {
            Some("statement_stale")
        } else if age < -AHEAD_BY {
            Some("statement_in_the_future")
        } else {
            None
        }
    }
}

/// an iPhone verifies its holder itself. R-19: an Android phone takes the PIN. A card never verifies by device.
fn check_verification(medium: Medium, verified_by: VerifiedBy) -> Result<(), ApiError> {
    let possible = match medium {
        Medium::Iphone => verified_by == VerifiedBy::Device,
        Medium::Android => verified_by == VerifiedBy::Pin,
        Medium::MyNumberCard => verified_by != VerifiedBy::Device,
    };
    if possible {
        Ok(())
    } else {
        Err(ApiError::contradiction("this medium can't be verified that way: see R-18 and R-19"))
    }
}

fn check_statement(statement: &Statement) -> Result<Nonce, ApiError> {
    let terminal = statement.terminal.chars().count();
    let institution = &statement.institution;
    if statement.v != 1 {
        Err(ApiError::bad_request(format!("statement version {} is unknown; this is version 1", statement.v)))
    } else if institution.len() != 10 || !institution.bytes().all(|byte| byte.is_ascii_digit()) {
        Err(ApiError::bad_request("the statement's institution must have 10 digits"))
    } else if terminal == 0 || terminal > TERMINAL_CHARACTERS {
        Err(ApiError::bad_request("the statement's terminal must have 1 to 64 characters"))
    } else {
        let nonce = base64_of("nonce", &statement.nonce)?;
        nonce.try_into().map_err(|_| ApiError::bad_request("the statement's nonce must have 16 bytes"))
    }
}

fn base64_of(field: &str, text: &str) -> Result<Vec<u8>, ApiError> {
    STANDARD.decode(text).map_err(|error| ApiError::bad_request(format!("{field} is not base64: {error}")))
}
