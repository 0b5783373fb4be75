//! The retained state of each actor: how it is, what is wrong, and what the page shows of it.

use crate::{
    VisitId,
    evidence::Medium,
    fault::FaultCode,
    messages::{
        audit_log::{StaffAct, Step, VisitEnd},
        line::LineReport,
    },
    pin::PinJob,
    readiness::UnmetTerm,
};
use jiff::{Timestamp, civil::Date};
use serde::{Deserialize, Serialize};

/// How near the queue is to its limits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Filling {
    /// Below 70 % of each limit.
    #[default]
    Ok,
    /// From 70 % of a limit on.
    Warning,
    /// From 90 % of a limit on.
    Critical,
    /// Nothing new is accepted, or something is given up for it, as configured.
    Full,
}

/// An actor's state. Published retained at each change; the last will says [`Condition::Lost`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct State {
    /// How the actor itself is.
    pub condition: Condition,
    /// What is wrong now, each with its beginning.
    pub faults: Vec<ActiveFault>,
    /// What else there is to know of this kind of actor.
    pub detail: Detail,
}

/// How an actor is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Condition {
    /// It runs.
    Running,
    /// It stopped in good order.
    Stopped,
    /// Its connection to the broker broke.
    Lost,
}

/// A fault that lasts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ActiveFault {
    /// Which.
    pub code: FaultCode,
    /// Since when.
    pub since: Timestamp,
}

/// What there is to know, by kind of actor.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Detail {
    /// Nothing more.
    #[default]
    None,
    /// A face-auth reader.
    FaceReader {
        /// Whether its device link is up.
        connected: bool,
        /// Maker, model and software version, where known.
        reader: Option<ReaderIdentity>,
        /// Whether 「スマートフォンを利用する」 is shown.
        phones_offered: bool,
        /// Since when it is, or is not.
        #[serde(default)]
        phones_since: Option<Timestamp>,
        /// The terms that are missing for it, each with its beginning.
        #[serde(default)]
        phones_unmet: Vec<UnmetTerm>,
        /// The visit in progress.
        visit: Option<VisitInProgress>,
        /// Since when the lane has been rehearsing an outage: its visits are for practice.
        #[serde(default)]
        rehearsal: Option<Timestamp>,
        /// Visits ended since the actor started.
        visits_ended: u64,
        /// Connections that the device link turned away or ended for what they said, since the actor started: a
        /// wrong certificate, a bad frame.
        #[serde(default)]
        links_refused: u64,
        /// The visit that ended last.
        #[serde(default)]
        last_visit: Option<EndedVisit>,
    },
    /// A generic NFC reader.
    NfcReader {
        /// The PC/SC name of the reader that is bound to the lane, where it is attached.
        reader: Option<String>,
        /// Whether it can read now.
        ready: bool,
    },
    /// The keeper of PINs.
    PinSession {
        /// Open jobs.
        open_jobs: u32,
    },
    /// The line.
    Uplink {
        /// Whether the centre answers.
        reachable: bool,
        /// Since when it does, or does not.
        since: Timestamp,
        /// Answers that were not the answer to their request, since the actor started. None was passed on.
        wrong_answers: u64,
        /// Each line by itself, outages, availability.
        #[serde(default)]
        report: LineReport,
    },
    /// The queue.
    OfflineQueue {
        /// Accepted and not answered yet.
        waiting: u64,
        /// When the oldest of them was accepted.
        oldest: Option<Timestamp>,
        /// Set aside for a person to look at.
        set_aside: u64,
        /// Settled since the actor started.
        settled: u64,
        /// Practice confirmations that wait for the end of their lane's rehearsal. Not among those that wait.
        #[serde(default)]
        practice: u64,
        /// Hours of outage that there is room for at the present rate; absent where nobody can tell.
        #[serde(default)]
        hours_left: Option<u64>,
        /// Given up since the queue was opened because they had waited too long.
        #[serde(default)]
        given_up_too_old: u64,
        /// Given up since the queue was opened to make room.
        #[serde(default)]
        given_up_for_room: u64,
        /// Discarded by a person since the queue was opened.
        #[serde(default)]
        discarded: u64,
        /// How near the queue is to its limits.
        #[serde(default)]
        filling: Filling,
    },
    /// The receipt computer's folders.
    ReceiptComputer {
        /// Files written since the actor started.
        written: u64,
        /// Characters shown as ● since the actor started.
        lost_characters: u64,
        /// Queries answered since the actor started.
        queries_answered: u64,
    },
    /// The audit log.
    AuditLog {
        /// Entries in the log.
        entries: u64,
        /// The day in Japan of the first phone that was read here and confirmed online.
        #[serde(default)]
        first_phone: Option<Date>,
    },
    /// The supervisor.
    Gateway {
        /// Every actor that it looks after.
        actors: Vec<SupervisedActor>,
    },
}

/// Who a face-auth reader says it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReaderIdentity {
    /// Maker.
    pub maker: String,
    /// Model.
    pub model: String,
    /// Software version.
    pub software: String,
    /// Its present start, by which a restart after setup is seen.
    #[serde(default)]
    pub boot: String,
}

/// A visit as staff see it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VisitInProgress {
    /// Which.
    pub visit: VisitId,
    /// Where it stands.
    pub step: Step,
    /// Since when.
    pub since: Timestamp,
    /// What the patient chose.
    pub medium: Option<Medium>,
    /// The open PIN job, to compare with the reader's screen.
    pub pin_job: Option<PinJob>,
    /// The last thing that went wrong in it.
    pub trouble: Option<FaultCode>,
    /// Whether it is for practice.
    #[serde(default)]
    pub practice: bool,
    /// What staff can do about it now: the portal screen is not among it where a phone has expired.
    #[serde(default)]
    pub staff_may: Vec<StaffAct>,
}

/// A visit that has ended, in figures.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EndedVisit {
    /// Which.
    pub visit: VisitId,
    /// When its outcome stood.
    pub ended: Timestamp,
    /// How it ended.
    pub end: VisitEnd,
    /// What the patient chose.
    pub medium: Option<Medium>,
    /// From the first touch to the outcome, in milliseconds.
    pub service_ms: u64,
    /// How much of it the patient waited for the box or the centre, in milliseconds.
    pub waited_ms: u64,
}

/// An actor as the supervisor sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SupervisedActor {
    /// Its address, as text: `nfc_reader@2`.
    pub address: String,
    /// How it is.
    pub standing: Standing,
    /// Restarts since the program started.
    pub restarts: u64,
}

/// What the supervisor does about an actor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// It runs.
    Running,
    /// It failed and will be rebuilt shortly.
    Restarting,
    /// It failed too often: tried again only slowly.
    GaveUp,
}
