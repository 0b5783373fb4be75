//! `offline_queue`: confirmations, durable before they are *accepted*. On the lane's topics.

use super::{Event, commands};
use crate::{
    ActorKind, RequestId,
    eligibility::{Validity, Verdict},
    evidence::ConfirmationRequest,
};
use serde::{Deserialize, Serialize};

/// From `face_reader`: take this confirmation and never lose it. Idempotent by the request id.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AcceptConfirmation {
    /// What to confirm.
    pub request: ConfirmationRequest,
    /// It is for practice: kept like any other while the lane rehearses, then wiped. The centre is not asked and no
    /// file is written.
    #[serde(default)]
    pub practice: bool,
}

/// Whether it was accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Accepted {
    /// On the medium: survives kill -9 and power loss.
    Accepted,
    /// Accepted before and settled since.
    AlreadySettled(Settlement),
    /// The quota or the disk is full: nothing was accepted, use the fallbacks of R-24.
    Full,
    /// The store can't write: nothing was accepted.
    Failed,
}

/// How a confirmation ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settlement {
    /// The centre's verdict.
    pub verdict: Verdict,
    /// Present when confirmed.
    pub validity: Option<Validity>,
    /// Whether the answer came after the patient's visit.
    pub deferred: bool,
}

/// From `face_reader`: what has become of it? For when the event was missed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AskConfirmation {
    /// Which.
    pub request_id: RequestId,
}

/// Where a confirmation stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ConfirmationStanding {
    /// Accepted, no definite answer yet.
    Waiting,
    /// The centre answered.
    Settled(Settlement),
    /// Set aside: the centre calls it malformed, a person must look.
    SetAside,
    /// Never accepted, or forgotten after its time.
    Unknown,
}

commands! {
    /// What `offline_queue` hears.
    enum OfflineQueueCommand for OfflineQueue {
        AcceptConfirmation => Accepted, "accept_confirmation", idempotent, 10 s;
        AskConfirmation => ConfirmationStanding, "ask_confirmation", idempotent, 3 s;
    }
}

/// The centre answered, on the lane's topic.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConfirmationSettled {
    /// Which.
    pub request_id: RequestId,
    /// How.
    pub settlement: Settlement,
}

impl Event for ConfirmationSettled {
    const FROM: ActorKind = ActorKind::OfflineQueue;
    const NAME: &'static str = "confirmation_settled";
}
