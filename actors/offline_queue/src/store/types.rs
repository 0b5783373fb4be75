//! The words of the store: what a record is, which steps it takes, and what can go wrong.

use std::path::PathBuf;

use super::key::KeyId;

/// Milliseconds since 1970-01-01 UTC. The store has no clock of its own: time comes in with each call.
pub type Millis = u64;

/// The request id of a confirmation: 16 opaque bytes, also the idempotency key at the centre.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RecordId(pub [u8; 16]);

impl std::fmt::Display for RecordId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        uuid::Uuid::from_bytes(self.0).fmt(f)
    }
}

impl std::fmt::Debug for RecordId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        std::fmt::Display::fmt(self, f)
    }
}

impl From<uuid::Uuid> for RecordId {
    fn from(id: uuid::Uuid) -> Self {
        Self(id.into_bytes())
    }
}

/// How far a record has come. The order of the first four is the order of the workflow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Stage {
    /// Durable here; the centre has not answered definitely yet.
    Accepted = 0,
    /// The centre's definite answer is durable here too.
    Answered = 1,
    /// Everybody who waits for the result has acknowledged it.
    Delivered = 2,
    /// Finished: request and answer are wiped; id, outcome and times stay for a bounded time.
    Settled = 3,
    /// Taken out of the line with a [`Reason`]; kept until an operator puts it back or disposes of it.
    SetAside = 4,
    /// For practice: kept until its lane's rehearsal ends, then wiped. Never asked, never handed on.
    Practice = 5,
}

impl Stage {
    /// Every stage, in the order of their stored numbers.
    pub const ALL: [Stage; 6] = [
        Stage::Accepted,
        Stage::Answered,
        Stage::Delivered,
        Stage::Settled,
        Stage::SetAside,
        Stage::Practice,
    ];

    pub(super) fn from_stored(number: u8) -> Option<Self> {
        Self::ALL.get(usize::from(number)).copied()
    }

    /// What a step to `next` means for a record that is here. A repeated step is no error, because every
    /// caller repeats until it hears an answer.
    pub fn toward(self, next: Stage) -> Step {
        use Stage::{Accepted, Answered, Delivered, Practice, SetAside, Settled};
        match (self, next) {
            (here, there) if here == there => Step::Already(here),
            (Accepted, Answered) | (Answered, Delivered) | (Delivered, Settled) => Step::Done,
            (Accepted | Answered | Delivered, SetAside) | (Practice, Settled) => Step::Done,
            (here, _) => Step::Already(here),
        }
    }
}

/// What a step did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// The record is now where the caller wanted it, durably.
    Done,
    /// Nothing was changed: the record had already been there, or was past it or beside it. Its stage.
    Already(Stage),
    /// No such record: never accepted, or settled so long ago that it is forgotten.
    Unknown,
}

/// The answer to an accept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Acceptance {
    /// On the medium, for the first time.
    New,
    /// This id was accepted before and has come this far: nothing takes effect twice.
    Already(Stage),
    /// The quota or the disk leaves no room: nothing was stored, the patient takes a fallback.
    Full,
}

/// Why a record was set aside, given up or wiped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Reason {
    /// The centre refuses the request itself, for good: sending it again would change nothing.
    Refused = 0,
    /// Its contents are no request or answer that this version understands.
    Undecodable = 1,
    /// The seal does not hold: the medium gave back other bytes than were written.
    Damaged = 2,
    /// A receiver refuses its result for good.
    Undeliverable = 3,
    /// Given up and wiped: it waited longer than the configuration allows.
    TooOld = 4,
    /// Given up and wiped to make room for a new one, as the configuration wants it.
    MadeRoom = 5,
    /// Wiped: it was for practice.
    Practice = 6,
    /// Given up and wiped by a person.
    Discarded = 7,
}

impl Reason {
    /// Every reason, in the order of their stored numbers.
    pub const ALL: [Reason; 8] = [
        Reason::Refused,
        Reason::Undecodable,
        Reason::Damaged,
        Reason::Undeliverable,
        Reason::TooOld,
        Reason::MadeRoom,
        Reason::Practice,
        Reason::Discarded,
    ];

    pub(super) fn from_stored(number: u8) -> Option<Self> {
        Self::ALL.get(usize::from(number)).copied()
    }
}

/// What the store tells of a record without opening its seal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    /// The request id.
    pub id: RecordId,
    /// The lane whose patient waits for it.
    pub lane: u16,
    /// How far it has come.
    pub stage: Stage,
    /// When it was accepted.
    pub accepted_at: Millis,
    /// When it reached its stage.
    pub changed_at: Millis,
    /// Size of what is sealed in it; 0 once settled.
    pub bytes: u64,
    /// The caller's own code for how it ended, from the moment it is answered.
    pub outcome: Option<u8>,
    /// Why it was set aside, with the short code that was given (never personal data).
    pub set_aside: Option<(Reason, String)>,
}

/// A record to work on, with its seal opened. Neither part is ever printed.
#[derive(Clone, PartialEq, Eq)]
pub struct Work {
    /// The record's header.
    pub header: Header,
    /// What was accepted.
    pub request: Vec<u8>,
    /// The centre's answer, from [`Stage::Answered`] on.
    pub answer: Option<Vec<u8>>,
}

impl std::fmt::Debug for Work {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Work").field("header", &self.header).finish_non_exhaustive()
    }
}

/// A record for practice, with its request where the seal holds.
pub type Practised = (Header, Option<Vec<u8>>);

/// A record as it lies on the disk, for export: its parts are still sealed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sealed {
    /// The record's header.
    pub header: Header,
    /// The sealed request, if it is there.
    pub request: Option<Vec<u8>>,
    /// The sealed answer, if there is one.
    pub answer: Option<Vec<u8>>,
}

/// What one look through a part of the records found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scrubbed {
    /// The place of the last record that was looked at; `None` at the end of the list.
    pub last: Option<i64>,
    /// How many were looked at.
    pub looked_at: u64,
    /// Those whose seal does not hold and that had not been set aside before.
    pub damaged: Vec<RecordId>,
}

/// Which work is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Records in [`Stage::Accepted`]: the centre is to be asked.
    Ask,
    /// Records in [`Stage::Answered`] or [`Stage::Delivered`]: the result is to be handed on and settled.
    HandOver,
}

/// A question for work: oldest first in each lane, lanes in turn, live visits before the backlog.
#[derive(Clone, Debug)]
pub struct Due {
    /// Which work.
    pub kind: Kind,
    /// Records accepted at this time or later are live: a patient still stands at the counter.
    pub live_since: Millis,
    /// How many to give at most.
    pub limit: usize,
    /// How many of one lane may be in hand at once, those of `in_hand` included.
    pub per_lane: usize,
    /// What the caller is already working on, by lane.
    pub in_hand: Vec<(u16, RecordId)>,
    /// What the caller has tried and will try again later, by lane: not given now.
    pub waiting: Vec<(u16, RecordId)>,
    /// Leave the backlog alone.
    pub live_only: bool,
    /// Lanes after this one come first, so that no lane is always the last.
    pub after_lane: u16,
}

/// What makes room for a new record when the quota is reached. A full disk is another matter: there nothing makes room.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WhenFull {
    /// Nothing: the new patient is led to the fallbacks, all that was accepted stays.
    #[default]
    Refuse,
    /// The record that was set aside longest ago is wiped; without one, as `refuse`.
    GiveUpSetAside,
    /// As before; without one, the record that has waited longest for the centre is wiped.
    GiveUpOldest,
}

/// Records given up and wiped since the store was opened, by reason.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct GivenUp {
    /// They had waited too long.
    pub too_old: u64,
    /// They made room.
    pub made_room: u64,
    /// A person discarded them.
    pub discarded: u64,
}

/// How near the store is to its quota.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Below 70 % of each limit.
    Ok,
    /// From 70 % of a limit on.
    Warning,
    /// From 90 % of a limit on.
    Critical,
    /// A limit is reached or the disk has no room: accepts are refused, everything else goes on.
    Full,
}

/// What the store holds at this moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Status {
    /// Records that wait for the centre's answer.
    pub waiting: u64,
    /// Records whose answer is here but not yet handed on and settled.
    pub answered: u64,
    /// Records set aside.
    pub set_aside: u64,
    /// Records for practice.
    pub practice: u64,
    /// Sealed bytes of all of them.
    pub bytes: u64,
    /// When the oldest record that is neither settled nor set aside was accepted.
    pub oldest: Option<Millis>,
    /// How near the quota is.
    pub level: Level,
    /// What was given up since the store was opened.
    pub given_up: GivenUp,
    /// Commits since the store was opened, each with one sync however many callers shared it.
    pub commits: u64,
}

/// What opening found and did besides opening.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Opened {
    /// Records that wait for the centre or for being handed on.
    pub unsettled: u64,
    /// The memory of long-settled ids was damaged; it was put aside under this name and begun anew.
    pub memory_put_aside: Option<PathBuf>,
}

/// What the store can't do, in words for the person who has to mend it.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Records exist that none of the given keys opens. Nothing was changed.
    #[error(
        "the queue holds records sealed with key {needed}, but the keys given are {given:?}; put that key \
         back (as a further line of the key file, if another one is to seal new records). Nothing was changed"
    )]
    WrongKey {
        /// The key that would open them.
        needed: KeyId,
        /// The keys that were given.
        given: Vec<KeyId>,
    },
    /// There is a store but no key file; a new key would not open it.
    #[error("the queue's key file {0} is missing while the queue holds records; restore it from the backup")]
    KeyMissing(PathBuf),
    /// The keys come from outside and can't be changed here.
    #[error(
        "the queue's keys come from systemd's credential {0}, which only whoever made it can change: put a new key on top of \
         it and restart, as the README says under \"The queue's key\""
    )]
    KeyHandedOver(PathBuf),
    /// The key file can't be used.
    #[error("the queue's key file {path}: {why}")]
    KeyFile {
        /// The file.
        path: PathBuf,
        /// What is wrong with it and what to do.
        why: String,
    },
    /// The store was written by a newer version.
    #[error(
        "the queue has format {found}, this version knows up to {known}; run the newer version again, or let that one \
         bring the queue back: `madoguchi queue migrate --to {known}`"
    )]
    NewerFormat {
        /// The format on the disk.
        found: i64,
        /// The newest format known here.
        known: i64,
    },
    /// Nobody knows how to bring a store to that format.
    #[error(
        "there is no queue of format {asked}; this version knows {} to {}",
        super::OLDEST_FORMAT,
        super::FORMAT
    )]
    NoSuchFormat {
        /// The format that was asked for.
        asked: i64,
    },
    /// The structure of the database is damaged.
    #[error(
        "the queue's database is damaged ({0}); `madoguchi queue repair` keeps all that can be read of it"
    )]
    Corrupt(String),
    /// There is no queue in this directory.
    #[error("there is no queue in {0}; correct the state directory in the configuration")]
    NoQueue(PathBuf),
    /// Another process has the store open.
    #[error("the queue is in use by another process; stop the gateway first")]
    InUse,
    /// A part is larger than the limit.
    #[error("{size} bytes are more than the queue takes in one record ({limit})")]
    TooLarge {
        /// Its size in bytes.
        size: usize,
        /// The limit in bytes.
        limit: usize,
    },
    /// A sealed part does not open: other bytes came back than were written.
    #[error("the record is damaged: its seal does not hold")]
    Seal,
    /// The medium refuses to write although the ballast was freed.
    #[error("the disk is full; make room on the queue's partition")]
    DiskFull,
    /// The database under the store.
    #[error("the queue's database: {0}")]
    Database(#[from] rusqlite::Error),
    /// The commit failed: whether these records are on the medium is unknown, ask again with the same id.
    #[error("the queue could not be written to the medium: {0}")]
    Commit(String),
    /// The memory of settled ids under the store.
    #[error("the queue's memory of settled ids: {0}")]
    Memory(#[from] sled::Error),
    /// A file or directory of the store.
    #[error("{what}: {source}")]
    Io {
        /// What was tried.
        what: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// The system gave no random bytes.
    #[error("the system gives no random numbers: {0}")]
    Random(String),
    /// The store's thread has ended after a failure of the medium; open the store anew.
    #[error("the queue has stopped; it must be opened again")]
    Stopped,
}

impl StoreError {
    pub(super) fn io(what: impl Into<String>) -> impl FnOnce(std::io::Error) -> Self {
        let what = what.into();
        move |source| Self::Io { what, source }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_never_goes_back_and_a_repeated_step_changes_nothing() {
        for here in Stage::ALL {
            for there in Stage::ALL {
                let step = here.toward(there);
                if here == there {
                    assert_eq!(step, Step::Already(here));
                }
                if step == Step::Done {
                    assert!(there > here || here >= Stage::SetAside, "{here:?} → {there:?}");
                    assert_ne!(here, Stage::Settled, "settled is the end");
                    assert!(here != Stage::Practice || there == Stage::Settled, "practice leads nowhere");
                }
            }
        }
    }

    #[test]
    fn stored_numbers_stand_for_what_they_stood_for() {
        for stage in Stage::ALL {
            assert_eq!(Stage::from_stored(stage as u8), Some(stage));
        }
        for reason in Reason::ALL {
            assert_eq!(Reason::from_stored(reason as u8), Some(reason));
        }
        assert_eq!(Stage::from_stored(6), None);
    }
}
