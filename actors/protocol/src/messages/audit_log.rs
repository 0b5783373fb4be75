//! `audit_log`: what happened, without personal data by construction: no field is free text.

use super::commands;
use crate::{
    eligibility::{Validity, Verdict},
    evidence::{Medium, VerifiedBy},
    fault::FaultCode,
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// From any actor: record this. Visit and lane are the envelope's. Idempotent by the message id.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RecordEntry {
    /// When it happened.
    pub at: Timestamp,
    /// What happened.
    pub entry: Entry,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Entry {
    /// A patient touched the screen.
    VisitStarted,
    /// The visit's state changed: the new state's name.
    Step(Step),
    /// A medium was read.
    MediumRead(Medium, VerifiedBy),
    /// The medium refused a PIN.
    PinRefused,
    /// The centre authenticated, or refused to.
    Authenticated(Verdict),
    /// The queue accepted the confirmation.
    ConfirmationAccepted,
    /// The centre answered the confirmation.
    ConfirmationSettled(Verdict, Option<Validity>, Deferral),
    /// The result stands in the receipt computer's folder.
    ResultWritten,
    /// The visit ended.
    VisitEnded(VisitEnd),
    /// A fault began.
    FaultRaised(FaultCode),
    /// A fault ended.
    FaultCleared(FaultCode),
    /// A member of staff acted on the lane.
    StaffActed(StaffAct),
    /// The gateway started.
    GatewayStarted,
    /// The gateway stopped in good order.
    GatewayStopped,
}

/// Whether an answer came during the visit or after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Deferral {
    /// During the visit.
    Live,
    /// After it.
    Deferred,
}

/// The states of a visit (DESIGN section 4), as names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    /// Nobody is here.
    Idle,
    /// Card or phone?
    ChooseMedium,
    /// Which phone?
    ChoosePhone,
    /// PIN pad.
    EnterPin,
    /// Face ID or Touch ID on the phone.
    PhoneAuthenticates,
    /// Face or PIN for a card.
    FaceOrPin,
    /// Hold the medium over the reader.
    HoldMedium,
    /// How to hold it, after a failed read.
    HoldHint,
    /// The last try of the PIN: yes or no?
    LastTry,
    /// The face-auth reader reads its own slot's card.
    ReadingSlot,
    /// The centre is asked who this is.
    Authenticating,
    /// Consent.
    Consent,
    /// The confirmation is under way.
    Confirming,
    /// Answered.
    Done,
    /// Accepted, to be answered when the line is back.
    Deferred,
    /// Another way is needed.
    Fallback,
}

/// How a visit ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum VisitEnd {
    /// Confirmed online.
    Confirmed,
    /// Accepted; confirmed later.
    Deferred,
    /// The centre answered, and the answer was not a confirmation.
    NotConfirmed(Verdict),
    /// Settled by a fallback.
    Fallback(Fallback),
    /// The patient cancelled or walked away.
    Abandoned,
    /// Staff took over or cancelled.
    TakenOver,
    /// The gateway or the reader stopped in the middle.
    Interrupted,
}

/// The fallbacks of, in their order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fallback {
    /// マイナンバーカード
    MyNumberCard,
    /// 資格確認書
    EligibilityCertificate,
    /// マイナポータルの資格情報の画面, seen by a member of staff.
    PortalScreen,
    /// 被保険者資格申立書
    SelfDeclaration,
}

/// What staff did, without who: the person is known to the page that asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StaffAct {
    /// Cancelled the visit.
    Cancel,
    /// Took the visit over.
    TakeOver,
    /// Compared the photograph (目視).
    ConfirmPhoto,
    /// Settled the visit by a fallback.
    SettleByFallback(Fallback),
}

/// Recorded: on the medium when the log next syncs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EntryRecorded {}

commands! {
    /// What `audit_log` hears.
    enum AuditLogCommand for AuditLog {
        RecordEntry => EntryRecorded, "record_entry", idempotent, 10 s;
    }
}
