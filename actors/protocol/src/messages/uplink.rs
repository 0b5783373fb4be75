//! `uplink`: what can be asked of the eligibility centre. On the lane's topics.

use super::commands;
use crate::RequestId;
use crate::{
    eligibility::{ConfirmationAnswer, Eligibility, EligibilityQuery, Validity, Verdict},
    evidence::{ConfirmationRequest, Evidence},
};
use serde::{Deserialize, Serialize};

/// From `face_reader`: is this medium genuine and its holder registered? No lasting effect.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Authenticate {
    /// The key that the statement bears.
    pub request_id: RequestId,
    /// The proof.
    pub evidence: Evidence,
}

/// The centre's verdict, or why there is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Authenticated {
    /// A definite verdict.
    Verdict(Verdict),
    /// No line, or no answer in time: the visit goes on as deferred.
    LineDown,
}

/// From `offline_queue`: confirm. Idempotent by the request id.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Confirm {
    /// What to confirm.
    pub request: ConfirmationRequest,
    /// Whether it comes later than the visit.
    pub deferred: bool,
}

/// What came of a confirmation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(clippy::large_enum_variant, reason = "read once and moved on; a box would only add noise")]
pub enum Confirmed {
    /// The centre's definite answer.
    Answer(ConfirmationAnswer),
    /// Nothing reached the centre: ask again when the line is up.
    LineDown,
    /// It may or may not have reached the centre: ask again with the same request id.
    Uncertain,
    /// The centre calls the request malformed: asking again can't help.
    Malformed {
        /// The HTTP status.
        status: u16,
    },
}

/// From `receipt_computer`: a query by insurance details.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct QueryEligibility {
    /// What to look up.
    pub query: EligibilityQuery,
}

/// What came of a query.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(clippy::large_enum_variant, reason = "read once and moved on; a box would only add noise")]
pub enum Queried {
    /// The centre's definite answer.
    Found {
        /// Its validity.
        validity: Validity,
        /// Absent where there is none.
        eligibility: Option<Eligibility>,
    },
    /// Nothing reached the centre.
    LineDown,
    /// It may or may not have reached the centre.
    Uncertain,
    /// The centre calls the query malformed.
    Malformed {
        /// The HTTP status.
        status: u16,
    },
}

commands! {
    /// What `uplink` hears.
    enum UplinkCommand for Uplink {
        Authenticate => Authenticated, "authenticate", idempotent, 6 s;
        Confirm => Confirmed, "confirm", idempotent, 12 s;
        QueryEligibility => Queried, "query_eligibility", idempotent, 12 s;
    }
}
