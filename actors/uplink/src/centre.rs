//! The seam to the national service.
//!
//! The server interface of the online eligibility system is closed. [`EligibilityCentre`] says what the
//! gateway needs of it; whoever holds the real specification writes another adapter beside
//! [`crate::https::HttpsCentre`] and changes nothing else.

use madoguchi_protocol::{
    RequestId,
    eligibility::{ConfirmationAnswer, Eligibility, EligibilityQuery, Validity, Verdict},
    evidence::ConfirmationRequest,
    messages::uplink::Authenticate,
};
use std::{future::Future, time::Duration};

/// An eligibility centre. Every method ends within `within`, and an `Ok` is always the answer to that very
/// request.
pub trait EligibilityCentre: Send + Sync + 'static {
    /// Whether the centre answers at all, on a connection of its own.
    fn alive(&self, within: Duration) -> impl Future<Output = Result<(), Failure>> + Send;

    /// Is this medium genuine and its holder registered? No lasting effect.
    fn authenticate(
        &self,
        request: &Authenticate,
        within: Duration,
    ) -> impl Future<Output = Result<Verdict, Failure>> + Send;

    /// Confirms a visit's eligibility. Idempotent by the request id as long as `deferred` is the same.
    fn confirm(
        &self,
        request: &ConfirmationRequest,
        deferred: bool,
        within: Duration,
    ) -> impl Future<Output = Result<ConfirmationAnswer, Failure>> + Send;

    /// The answer that a confirmation got, or nothing where the centre never received it.
    fn find_confirmation(
        &self,
        request: RequestId,
        within: Duration,
    ) -> impl Future<Output = Result<Option<ConfirmationAnswer>, Failure>> + Send;

    /// A query by insurance details. Idempotent by the request id.
    fn query(
        &self,
        query: &EligibilityQuery,
        within: Duration,
    ) -> impl Future<Output = Result<(Validity, Option<Eligibility>), Failure>> + Send;
}

/// Why there is no answer. None of the texts holds anything of a person.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// Nothing of the request reached the centre.
    #[error("nothing was sent: {0}")]
    NotSent(NotSent),
    /// Sent, and no answer in time.
    #[error("no answer in time")]
    TimedOut,
    /// Sent, and the connection broke before the answer.
    #[error("the connection broke before the answer")]
    Lost,
    /// 429 or 503: later, perhaps at a time that the centre names.
    #[error("the centre is busy (status {status})")]
    Busy {
        /// The HTTP status.
        status: u16,
        /// When the centre wants to be asked again.
        retry_after: Option<Duration>,
    },
    /// Another 5xx.
    #[error("the centre failed (status {status})")]
    CentreFailed {
        /// The HTTP status.
        status: u16,
    },
    /// 400, 413, 415, 422: asking again can't help.
    #[error("the centre calls the request malformed (status {status})")]
    Malformed {
        /// The HTTP status.
        status: u16,
    },
    /// 401, 403, an unknown path, a redirect: box and centre are not set up for each other.
    #[error(
        "unexpected status {status}; check the centre's address, the terminal's name and the institution code"
    )]
    Unexpected {
        /// The HTTP status.
        status: u16,
    },
    /// An answer came that is not the answer to this request. It goes no further.
    #[error("a wrong answer: {0}")]
    WrongAnswer(WrongAnswer),
}

/// Why nothing was sent.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotSent {
    /// Nobody listens there, or there is no way there: known at once and for sure.
    #[error(
        "the connection was refused or there is no route; check the cable, the router and the centre's address"
    )]
    Refused,
    /// There is no tunnel, and nothing goes outside of one.
    #[error("there is no tunnel; check the line's cable, its router and the VPN's certificates")]
    NoTunnel,
    /// The name has no address.
    #[error("the centre's name has no address; check the name and the line's name server")]
    NoAddress,
    /// No connection in time.
    #[error("no connection in time")]
    TimedOut,
    /// One side did not accept the other's certificate, or TLS failed otherwise.
    #[error("TLS: {0}; check both certificates, the CA file and the clock")]
    Tls(String),
    /// The centre's certificate is on a list of revoked ones.
    #[error("the centre's certificate is revoked; nothing is sent to it")]
    Revoked,
    /// The connection could not be made for another reason.
    #[error("{0}")]
    Other(String),
}

/// What is wrong with an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WrongAnswer {
    /// It bears another request's id.
    #[error("it bears another request's id")]
    NotOurs,
    /// It is not the JSON of the contract.
    #[error("it can't be read")]
    Unreadable,
    /// It is over [`crate::wire::MAX_ANSWER`].
    #[error("it is larger than {} bytes", crate::wire::MAX_ANSWER)]
    TooLarge,
    /// It contradicts itself: confirmed without a validity, or a person's data with a refusal.
    #[error("it contradicts itself")]
    Contradictory,
}
