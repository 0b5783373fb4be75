//! The statement that a medium signs, from values that come in.

use base64::{Engine, engine::general_purpose::STANDARD};
use jiff::Timestamp;
use madoguchi_protocol::{LaneId, RequestId, VisitId, evidence::Statement};

/// Where the lane stands: what every statement of it says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Premises {
    /// Medical institution code, 10 digits.
    pub institution: String,
    /// The terminal named by the client certificate.
    pub terminal: String,
    /// The lane.
    pub lane: LaneId,
}

/// Identifiers and random bytes for one step, made by the caller for each call of [`crate::Visit::step`].
///
/// A step begins at most one visit and at most one reading attempt; what it does not need is thrown away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fresh {
    /// For a visit that begins.
    pub visit: VisitId,
    /// For a reading attempt that begins: the idempotency key of what may come of it.
    pub request: RequestId,
    /// 16 bytes from a random number generator fit for cryptography.
    pub nonce: [u8; 16],
}

/// One reading attempt: the request it serves and the exact bytes to be signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Attempt {
    pub(crate) request_id: RequestId,
    pub(crate) statement: Vec<u8>,
}

impl Attempt {
    /// The attempt that begins now in `visit`.
    pub(crate) fn new(premises: &Premises, visit: VisitId, fresh: &Fresh, now: Timestamp) -> Self {
        let statement = Statement {
            v: 1,
            institution: premises.institution.clone(),
            terminal: premises.terminal.clone(),
            lane: premises.lane,
            visit,
            request_id: fresh.request,
            at: now,
            nonce: STANDARD.encode(fresh.nonce),
        };
        // A struct of texts and numbers always becomes JSON; the centre would refuse an empty statement.
        Self { request_id: fresh.request, statement: serde_json::to_vec(&statement).unwrap_or_default() }
    }
}
