//! `audit_log`: what happened, without personal data by construction: no field is free text.

use super::{commands, offline_queue::DiscardReason};
use crate::{
    ActorKind, LaneId, PersonId, RequestId, VisitId,
    eligibility::{Validity, Verdict},
    evidence::{Medium, VerifiedBy},
    fault::FaultCode,
};
use jiff::{Timestamp, civil::Date};
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
    /// A visit for practice began, while the lane rehearses an outage: it never counts.
    PracticeStarted,
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
    /// A practice confirmation left the queue: wiped, never sent to the centre, never a file.
    PracticeSettled,
    /// The result stands in the receipt computer's folder.
    ResultWritten,
    /// The visit ended.
    VisitEnded(VisitEnd),
    /// A fault began.
    FaultRaised(FaultCode),
    /// A fault ended.
    FaultCleared(FaultCode),
    /// Staff acted on the lane; and who, where the page knew it.
    StaffActed(StaffAct, Option<PersonId>),
    /// A person or a program did something by the page, or somebody on the console.
    PersonDid(Author, PersonAct),
    /// The gateway took this version of the configuration back by itself: nobody confirmed it in time, it could not take
    /// effect, or the gateway ended before.
    ConfigurationRolledBack(u32),
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

impl Step {
    /// The label of metrics and logs.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Idle => "idle",
            Self::ChooseMedium => "choose_medium",
            Self::ChoosePhone => "choose_phone",
            Self::EnterPin => "enter_pin",
            Self::PhoneAuthenticates => "phone_authenticates",
            Self::FaceOrPin => "face_or_pin",
            Self::HoldMedium => "hold_medium",
            Self::HoldHint => "hold_hint",
            Self::LastTry => "last_try",
            Self::ReadingSlot => "reading_slot",
            Self::Authenticating => "authenticating",
            Self::Consent => "consent",
            Self::Confirming => "confirming",
            Self::Done => "done",
            Self::Deferred => "deferred",
            Self::Fallback => "fallback",
        }
    }
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
    /// It was a visit for practice, whatever came of it: the only end that such a visit has.
    Practised,
}

impl VisitEnd {
    /// The label of metrics and logs.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Confirmed => "confirmed",
            Self::Deferred => "deferred",
            Self::NotConfirmed(_) => "not_confirmed",
            Self::Fallback(_) => "fallback",
            Self::Abandoned => "abandoned",
            Self::TakenOver => "taken_over",
            Self::Interrupted => "interrupted",
            Self::Practised => "practised",
        }
    }
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

/// What staff did.
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
    /// Declared the lane offline for practice. Only while nobody is being served.
    BeginRehearsal,
    /// Ended the practice.
    EndRehearsal,
}

/// Who did something. The page knows the names; the log does not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Author {
    /// A person who was logged in.
    Person(PersonId),
    /// A program with a token.
    Program(PersonId),
    /// Whoever has the box's console.
    Console,
}

/// What a person did.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PersonAct {
    /// Logged in.
    LoggedIn,
    /// Somebody tried to log in as them and was refused.
    LogInRefused,
    /// Logged out.
    LoggedOut,
    /// Chose another password.
    PasswordChanged,
    /// Added a security key to their second factor.
    KeyAdded,
    /// Took one of their security keys away.
    KeyRemoved,
    /// Added this person.
    Added(PersonId),
    /// This person set up password and second factor, by a one-time code.
    SetUp(PersonId),
    /// Changed what this person is and so may do.
    RoleChanged(PersonId),
    /// Took this person's password and second factor away, to be set up anew.
    Recovered(PersonId),
    /// Lets this person in no more.
    Disabled(PersonId),
    /// Lets this person in again.
    Enabled(PersonId),
    /// Made this token of a program.
    TokenMade(PersonId),
    /// Revoked this token.
    TokenRevoked(PersonId),
    /// Acted on the lane's visit.
    ActedAsStaff(StaffAct),
    /// Had this version of the configuration take effect.
    ConfigurationApplied(u32),
    /// Confirmed that it stays.
    ConfigurationConfirmed(u32),
    /// Took it back.
    ConfigurationTakenBack(u32),
    /// Took a request for the terminal's certificate out.
    CertificateRequested,
    /// Took in the certificate that was issued.
    CertificateStaged,
    /// Made a connection with it.
    CertificateProven,
    /// Put it in place.
    CertificateSwapped,
    /// Tried the lane's device.
    Tried(ActorKind),
    /// Had this part of the gateway, or of the lane, built anew.
    Restarted(ActorKind),
    /// Took a support bundle away.
    TookBundle,
    /// Put this record of the queue, which had been set aside, back into the line.
    QueueRetried(RequestId),
    /// Discarded this record of the queue, which had been set aside, for this reason.
    QueueDiscarded(RequestId, DiscardReason),
    /// Took this record of the queue away, sealed as it is.
    QueueExported(RequestId),
    /// Had the queue sealed anew with a new key.
    QueueKeyRotated,
    /// Had the queue's old keys dropped.
    QueueKeysDropped,
}

/// Recorded: on the medium when the log next syncs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EntryRecorded {}

/// The most lines in one [`LogPage`]: with some 350 bytes each they stay below the bus's limit.
pub const MAX_LINES: u16 = 100;
/// The most rows in one [`ReportRows`].
pub const MAX_ROWS: usize = 200;

/// From the page: lines of the log, the newest first. No lasting effect.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReadLog {
    /// Which.
    pub filter: LogFilter,
    /// Only lines before the one with this number; the newest where it is not given.
    pub before: Option<u64>,
    /// How many at most; never more than [`MAX_LINES`].
    pub limit: u16,
}

/// Which lines are wanted: those for which everything holds that is given.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogFilter {
    /// Written down on this day in Japan or later.
    pub from: Option<Date>,
    /// Written down on this day in Japan or before.
    pub to: Option<Date>,
    /// Of this lane.
    pub lane: Option<LaneId>,
    /// Of this visit.
    pub visit: Option<VisitId>,
    /// Done by this person, or by the program with this token.
    #[serde(default)]
    pub by: Option<PersonId>,
}

impl Entry {
    /// Who did it, where it was a person or a program.
    pub const fn author(&self) -> Option<PersonId> {
        match self {
            Self::PersonDid(Author::Person(id) | Author::Program(id), _) | Self::StaffActed(_, Some(id)) => {
                Some(*id)
            }
            _ => None,
        }
    }
}

/// A part of the log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogPage {
    /// The lines, the newest first.
    pub lines: Vec<LoggedLine>,
    /// Where to go on: lines before this one have not been looked at. Nothing where the log's beginning was reached.
    pub older: Option<u64>,
}

/// One line as it stands in the log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LoggedLine {
    /// Its number.
    pub n: u64,
    /// When it happened.
    pub at: Timestamp,
    /// The lane.
    pub lane: Option<LaneId>,
    /// The visit.
    pub visit: Option<VisitId>,
    /// What happened.
    pub what: Logged,
}

/// What a line tells.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Logged {
    /// An actor's entry.
    Entry(Entry),
    /// The last line had been torn by a crash: so many bytes of it were dropped.
    TornLineDropped(u64),
    /// A file had a broken line, the one with this number in it.
    BrokenLineFound(u64),
    /// Lines up to this number were removed because their time was over.
    Removed(u64),
}

/// From the page: is the chain whole? Reading all of a log takes longer than anybody waits, so this asks for what is
/// known, and has the log read from its beginning where `anew` says so and nobody is reading it already.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AskChain {
    /// Begin now.
    pub anew: bool,
}

/// What is known of the chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChainKnown {
    /// Whether it is being read now.
    pub reading: bool,
    /// What was found last.
    pub found: Option<ChainFound>,
}

/// What reading the whole log found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChainFound {
    /// When it was read.
    pub at: Timestamp,
    /// The numbers of its first and last line where every line follows the one before; nothing where one does not.
    pub whole: Option<(u64, u64)>,
}

/// From the page: the counts of a month, row by row. No lasting effect.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReadReport {
    /// Any day of the month.
    pub month: Date,
    /// The first row wanted; 0 to begin.
    pub from_row: u32,
}

/// A part of a month's report.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReportRows {
    /// The rows.
    pub rows: Vec<ReportRow>,
    /// The row to go on with.
    pub next: Option<u32>,
}

/// Visits that have all of this in common. The codes are those of the rules in `reception`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ReportRow {
    /// The lane.
    pub lane: Option<LaneId>,
    /// The hour in Japan in which they began, 0 to 23.
    pub hour: u8,
    /// What was read, or `none`.
    pub medium: String,
    /// How eligibility was established, or `open`.
    pub established: String,
    /// What the patient is asked to pay, or `none`.
    pub payment: String,
    /// `yes`, `no` or `open`.
    pub counts: String,
    /// Why it counts or does not.
    pub reason: String,
    /// How many.
    pub visits: u64,
}

commands! {
    /// What `audit_log` hears.
    enum AuditLogCommand for AuditLog {
        RecordEntry => EntryRecorded, "record_entry", idempotent, 10 s;
        ReadLog => LogPage, "read_log", idempotent, 10 s;
        AskChain => ChainKnown, "ask_chain", idempotent, 5 s;
        ReadReport => ReportRows, "read_report", idempotent, 20 s;
    }
}
