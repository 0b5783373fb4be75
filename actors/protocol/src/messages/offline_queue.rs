//! `offline_queue`: confirmations, durable before they are *accepted*. On the lane's topics.

use super::{Event, commands};
use crate::{
    ActorKind, LaneId, RequestId,
    eligibility::{Validity, Verdict},
    evidence::ConfirmationRequest,
};
use jiff::Timestamp;
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

/// The most records in one [`RecordPage`]: with some 400 bytes each they stay below the bus's limit.
pub const MAX_RECORDS: u16 = 100;
/// The most bytes in one [`ExportedPart`].
pub const MAX_EXPORTED: usize = 32 * 1024;

/// From the page and the console: the queue's records in the order of acceptance. No lasting effect.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListRecords {
    /// Only those that were set aside.
    pub set_aside: bool,
    /// Only those after this place; 0 to begin.
    pub after: u64,
    /// How many at most; never more than [`MAX_RECORDS`].
    pub limit: u16,
}

/// A part of the queue.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordPage {
    /// The records.
    pub records: Vec<QueuedRecord>,
    /// Where to go on; nothing where there are no more.
    pub next: Option<u64>,
}

/// What the queue tells of a record: never what is sealed in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct QueuedRecord {
    /// Its request id.
    pub id: RequestId,
    /// Its lane, as long as that is known.
    pub lane: Option<LaneId>,
    /// How far it has come.
    pub stage: RecordStage,
    /// When it was accepted.
    pub accepted_at: Timestamp,
    /// When it reached its stage.
    pub stage_since: Timestamp,
    /// What is sealed in it, in bytes; 0 once it is wiped.
    pub sealed_bytes: u64,
    /// Why it was set aside, given up or wiped, with a short code such as `http-400`.
    pub reason: Option<(RecordReason, String)>,
}

/// How far a record has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RecordStage {
    /// It waits for the centre.
    Accepted,
    /// The centre answered.
    Answered,
    /// The result was handed on.
    Delivered,
    /// Finished and wiped.
    Settled,
    /// Out of the line until a person looks at it.
    SetAside,
    /// For practice.
    Practice,
}

/// Why a record is no longer in the line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RecordReason {
    /// The centre refuses the request for good.
    Refused,
    /// Its contents are nothing that this version understands.
    Undecodable,
    /// The medium gave back other bytes than were written.
    Damaged,
    /// A receiver refuses its result for good.
    Undeliverable,
    /// It waited longer than the configuration allows.
    TooOld,
    /// It made room, as the configuration wants it.
    MadeRoom,
    /// It was for practice.
    Practice,
    /// A person discarded it, for the [`DiscardReason`] whose name stands beside it.
    Discarded,
}

/// From the page and the console: one record. No lasting effect.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShowRecord {
    /// Which.
    pub id: RequestId,
}

/// What is known of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordShown {
    /// Nothing where the queue knows no such record.
    pub record: Option<QueuedRecord>,
}

/// From the page and the console: put a record that was set aside back into the line. Done twice it has the effect of once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RetryRecord {
    /// Which.
    pub id: RequestId,
}

/// From the page and the console: wipe a record that was set aside, for good. Done twice it has the effect of once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DiscardRecord {
    /// Which.
    pub id: RequestId,
    /// Why nothing more is to be done for it.
    pub why: DiscardReason,
}

/// Why a person discards a record. A choice and no free text, since it goes into log and audit log, which hold no
/// personal data.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DiscardReason {
    /// The patient's eligibility was confirmed in another way.
    ConfirmedOtherwise,
    /// It can't be confirmed in any way any more: damaged, or refused for good.
    Unconfirmable,
    /// There is no patient behind it: a trial or a mistake.
    NoPatient,
}

impl DiscardReason {
    /// Every reason, in the order in which they are offered.
    pub const ALL: [Self; 3] = [Self::ConfirmedOtherwise, Self::Unconfirmable, Self::NoPatient];

    /// The name in lists, in the log, and the end of its text's key.
    pub const fn name(self) -> &'static str {
        match self {
            Self::ConfirmedOtherwise => "confirmed-otherwise",
            Self::Unconfirmable => "unconfirmable",
            Self::NoPatient => "no-patient",
        }
    }
}

/// What came of a person's act on a record that was set aside.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RecordMended {
    /// It is done: back in the line, or wiped.
    Done,
    /// It was not set aside.
    NotSetAside(RecordStage),
    /// The queue knows no such record.
    Unknown,
}

/// From the page and the console: what is sealed in a record, as it is sealed, piece by piece. No lasting effect.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExportRecord {
    /// Which.
    pub id: RequestId,
    /// The request or the centre's answer.
    pub part: RecordPart,
    /// From this byte on.
    pub from: u32,
}

/// The parts that are sealed, each for itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RecordPart {
    /// What was accepted.
    Request,
    /// The centre's answer.
    Answer,
}

/// A piece of a sealed part, at most [`MAX_EXPORTED`] bytes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExportedPart {
    /// The size of the whole part; nothing where there is no such part.
    pub size: Option<u32>,
    /// The bytes from the place that was asked for.
    #[serde(with = "serde_bytes")]
    pub bytes: Vec<u8>,
}

/// From the page and the console: what would go first, and how long the room lasts. No lasting effect.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AskOutlook {}

/// What would be given up first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outlook {
    /// What makes room when the queue is full, as it is configured.
    pub when_full: GivenUpFirst,
    /// After how many days what still waits is given up; nothing where that never is.
    pub give_up_after_days: Option<u16>,
    /// The record that would go first if it were full now; nothing where none would.
    pub first: Option<QueuedRecord>,
    /// Hours of outage that the room lasts for at the present rate, where that can be told.
    pub hours_left: Option<u64>,
}

/// What makes room for a new record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GivenUpFirst {
    /// Nothing: the new patient takes a fallback.
    Nothing,
    /// What was set aside longest ago.
    SetAside,
    /// That, or else what has waited longest.
    Oldest,
}

/// From the console: which keys are there? No lasting effect.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AskKeys {}

/// From the console: seal with a new key, and everything anew with it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RotateKey {}

/// From the console: take the keys that nothing needs out of the key file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DropOldKeys {}

/// The keys as they are now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum QueueKeys {
    /// The newest first.
    Keys(Vec<QueueKey>),
    /// Nothing was changed; why, in words for whoever is at the console.
    Refused(String),
}

/// A key, by what tells it apart from others.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct QueueKey {
    /// The first bytes of its digest, in hexadecimal.
    pub id: String,
    /// Whether it seals what is new.
    pub newest: bool,
    /// Whether something is sealed with it.
    pub needed: bool,
}

commands! {
    /// What `offline_queue` hears.
    enum OfflineQueueCommand for OfflineQueue {
        AcceptConfirmation => Accepted, "accept_confirmation", idempotent, 10 s;
        AskConfirmation => ConfirmationStanding, "ask_confirmation", idempotent, 3 s;
        ListRecords => RecordPage, "list_records", idempotent, 5 s;
        ShowRecord => RecordShown, "show_record", idempotent, 5 s;
        RetryRecord => RecordMended, "retry_record", idempotent, 10 s;
        DiscardRecord => RecordMended, "discard_record", idempotent, 10 s;
        ExportRecord => ExportedPart, "export_record", idempotent, 5 s;
        AskOutlook => Outlook, "ask_outlook", idempotent, 5 s;
        AskKeys => QueueKeys, "ask_keys", idempotent, 5 s;
        RotateKey => QueueKeys, "rotate_key", once, 10 s;
        DropOldKeys => QueueKeys, "drop_old_keys", idempotent, 10 s;
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
