//! `uplink`: what can be asked of the eligibility centre, on the lane's topics; and the steps towards a new certificate, on
//! the box's.

use super::{commands, line::Way, line_walk::Walk};
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

/// From the page: a step towards a new certificate of the line. The private key stays where `uplink` made it, and nothing
/// is changed but by the last step.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RenewCertificate {
    /// Whose.
    pub bearer: Bearer,
    /// Which.
    pub step: RenewalStep,
}

/// Whose certificate is renewed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Bearer {
    /// This terminal's, for the centre.
    Terminal,
    /// The box's for the tunnel over this line.
    Tunnel(Way),
}

/// The steps, in their order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RenewalStep {
    /// Make a key, where none waits for its certificate, and a request that goes out.
    Request,
    /// Take in the certificate that came back, with its chain, PEM.
    Stage {
        /// The certificate.
        certificate: String,
    },
    /// Make a real connection with it. A tunnel's is tried when it is in place, first over the line that stands by.
    Prove,
    /// Prove it once more and put it in place.
    Swap,
}

/// What came of a step.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Renewed {
    /// The request (PKCS#10, PEM).
    Request {
        /// It holds the public half of the key.
        pem: String,
    },
    /// It was done.
    Done,
    /// It was not, and nothing was changed.
    Refused(RenewalRefusal),
}

/// Why a step was not done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RenewalRefusal {
    /// The certificate can't be read, or belongs to another key.
    Unsound,
    /// It bears another name: it is another terminal's, say.
    OtherTerminal,
    /// It has ended, or has not begun.
    NotNow,
    /// The centre did not answer to it.
    Unproven,
    /// There is none yet, or no such tunnel.
    NotStaged,
    /// A file can't be written, or the key can't be made.
    NotWritten,
}

/// From the page: walk the way to the centre on every line. No lasting effect.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WalkLine {}

commands! {
    /// What `uplink` hears.
    enum UplinkCommand for Uplink {
        Authenticate => Authenticated, "authenticate", idempotent, 6 s;
        Confirm => Confirmed, "confirm", idempotent, 12 s;
        QueryEligibility => Queried, "query_eligibility", idempotent, 12 s;
        WalkLine => Walk, "walk_line", idempotent, 20 s;
        RenewCertificate => Renewed, "renew_certificate", idempotent, 20 s;
    }
}
