//! The JSON bodies of the contract (`CENTRE.md`): requests out, answers in.
//!
//! Reading an answer is one pure step from bytes and the request's id to a typed answer, so that it can be
//! fuzzed, and so that no answer exists in the gateway that was not checked against its request.

use crate::centre::WrongAnswer;
use base64::{Engine, engine::general_purpose::STANDARD};
use jiff::Timestamp;
use madoguchi_protocol::{
    RequestId,
    eligibility::{ConfirmationAnswer, Eligibility, EligibilityQuery, Validity, Verdict},
    evidence::{ConfirmationRequest, Consent, Evidence, Medium, VerifiedBy},
    messages::uplink::Authenticate,
};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::{Map, Value};
use std::sync::LazyLock;

/// The largest answer that is read, in bytes. The reply on the bus must stay below 64 KiB.
pub const MAX_ANSWER: usize = 32 * 1024;

#[derive(Serialize)]
struct Proof {
    request_id: RequestId,
    statement: String,
    certificate: String,
    signature: String,
    medium: Medium,
    verified_by: VerifiedBy,
}

impl Proof {
    fn new(request_id: RequestId, evidence: &Evidence) -> Self {
        Self {
            request_id,
            statement: STANDARD.encode(&evidence.statement),
            certificate: STANDARD.encode(&evidence.certificate),
            signature: STANDARD.encode(&evidence.signature),
            medium: evidence.medium,
            verified_by: evidence.verified_by,
        }
    }
}

#[derive(Serialize)]
struct Confirmation {
    #[serde(flatten)]
    proof: Proof,
    consent: Consent,
    deferred: bool,
}

/// The body of `POST /v1/authenticate`.
pub fn authenticate_body(request: &Authenticate) -> Result<Vec<u8>, serde_json::Error> {
    serde_json::to_vec(&Proof::new(request.request_id, &request.evidence))
}

/// The body of `POST /v1/confirmations`.
pub fn confirmation_body(
    request: &ConfirmationRequest,
    deferred: bool,
) -> Result<Vec<u8>, serde_json::Error> {
    let proof = Proof::new(request.request_id, &request.evidence);
    serde_json::to_vec(&Confirmation { proof, consent: request.consent, deferred })
}

/// The body of `POST /v1/queries`.
pub fn query_body(query: &EligibilityQuery) -> Result<Vec<u8>, serde_json::Error> {
    serde_json::to_vec(query)
}

#[derive(Deserialize)]
struct VerdictBody {
    request_id: RequestId,
    result: VerdictWord,
    #[serde(default)]
    reason: String,
}

/// `authenticated` belongs to the one answer and `confirmed` to the other; a centre that mixes them up says
/// the same thing.
#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum VerdictWord {
    #[serde(alias = "authenticated")]
    Confirmed,
    NotRegistered,
    Expired,
    Revoked,
    Refused,
}

impl From<VerdictWord> for Verdict {
    fn from(word: VerdictWord) -> Self {
        match word {
            VerdictWord::Confirmed => Self::Confirmed,
            VerdictWord::NotRegistered => Self::NotRegistered,
            VerdictWord::Expired => Self::Expired,
            VerdictWord::Revoked => Self::Revoked,
            VerdictWord::Refused => Self::Refused,
        }
    }
}

#[derive(Deserialize)]
struct ConfirmationBody {
    #[serde(flatten)]
    verdict: VerdictBody,
    validity: Option<Validity>,
    eligibility: Option<Map<String, Value>>,
    confirmed_at: Timestamp,
}

#[derive(Deserialize)]
struct QueryBody {
    request_id: RequestId,
    result: QueryWord,
    validity: Validity,
    eligibility: Option<Map<String, Value>>,
}

#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum QueryWord {
    Found,
    None,
}

#[derive(Deserialize)]
struct ErrorBody {
    error: String,
}

/// Reads the answer to `POST /v1/authenticate`.
pub fn read_verdict(bytes: &[u8], request: RequestId) -> Result<Verdict, WrongAnswer> {
    let body: VerdictBody = read(bytes)?;
    bound(body.request_id, request)?;
    log_reason(request, &body);
    Ok(body.result.into())
}

/// Reads the answer to `POST /v1/confirmations` and `GET /v1/confirmations/{request_id}`.
pub fn read_confirmation(bytes: &[u8], request: RequestId) -> Result<ConfirmationAnswer, WrongAnswer> {
    let ConfirmationBody { verdict: body, validity, eligibility, confirmed_at } = read(bytes)?;
    bound(body.request_id, request)?;
    log_reason(request, &body);
    let verdict = Verdict::from(body.result);
    let confirmed = verdict == Verdict::Confirmed;
    if confirmed != validity.is_some() || (!confirmed && eligibility.is_some()) {
        return Err(WrongAnswer::Contradictory);
    }
    let eligibility = eligibility.map(read_eligibility).transpose()?;
    Ok(ConfirmationAnswer { request_id: request, verdict, validity, eligibility, confirmed_at })
}

/// Reads the answer to `POST /v1/queries`.
pub fn read_query(bytes: &[u8], request: RequestId) -> Result<(Validity, Option<Eligibility>), WrongAnswer> {
    let body: QueryBody = read(bytes)?;
    bound(body.request_id, request)?;
    if body.result == QueryWord::None && body.eligibility.is_some() {
        return Err(WrongAnswer::Contradictory);
    }
    Ok((body.validity, body.eligibility.map(read_eligibility).transpose()?))
}

/// The `error` of an error answer, where it is a plain word and so can't hold anything of a person.
pub fn read_error(bytes: &[u8]) -> Option<String> {
    let body: ErrorBody = read(bytes).ok()?;
    is_word(&body.error).then_some(body.error)
}

fn read<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, WrongAnswer> {
    if bytes.len() > MAX_ANSWER {
        return Err(WrongAnswer::TooLarge);
    }
    // serde_json bounds the nesting itself (128 levels).
    serde_json::from_slice(bytes).map_err(|_| WrongAnswer::Unreadable)
}

fn bound(answered: RequestId, asked: RequestId) -> Result<(), WrongAnswer> {
    if answered == asked { Ok(()) } else { Err(WrongAnswer::NotOurs) }
}

static ELEMENTS: LazyLock<Vec<String>> =
    LazyLock::new(|| match serde_json::to_value(Eligibility::default()) {
        Ok(Value::Object(elements)) => elements.into_iter().map(|(name, _)| name).collect(),
        _ => Vec::new(),
    });

/// Elements that this version does not know are left out: the day the centre adds one, visits go on.
fn read_eligibility(mut elements: Map<String, Value>) -> Result<Eligibility, WrongAnswer> {
    let all = elements.len();
    elements.retain(|name, _| ELEMENTS.contains(name));
    if elements.len() < all {
        tracing::warn!(unknown = all - elements.len(), "the centre's answer has elements that are new to us");
    }
    serde_json::from_value(Value::Object(elements)).map_err(|_| WrongAnswer::Unreadable)
}

/// Reasons are stable words of the centre; anything else is not written to the log.
fn is_word(text: &str) -> bool {
    (1..=40).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_lowercase() || b == b'_')
}

fn log_reason(request: RequestId, body: &VerdictBody) {
    let reason = if is_word(&body.reason) { &body.reason } else { "-" };
    tracing::debug!(%request, verdict = Verdict::from(body.result).name(), reason, "the centre's verdict");
}
