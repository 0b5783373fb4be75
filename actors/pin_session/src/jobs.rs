//! The open PIN jobs, as a value: at most one for each lane, and time comes in as an argument.

use crate::vault::{JobKey, LockedPin, VaultError};
use madoguchi_protocol::{
    LaneId, VisitId,
    messages::pin_session::{PinHeld, PinJobOpened, PinReleased},
    pin::{LIFETIME_SECONDS, PinJob, PublicKey, SealedPin, associated_data},
};
use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

/// How long a job waits for its digits, and how long the digits are then held (R-19, R-20: the patient
/// types first and holds the phone afterwards).
pub const LIFETIME: Duration = Duration::from_secs(LIFETIME_SECONDS);

/// Why no job could be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// See [`VaultError`].
    #[error(transparent)]
    Vault(#[from] VaultError),
    /// The operating system gives no random numbers.
    #[error("no random numbers: {0}")]
    Random(#[from] getrandom::Error),
}

/// What a job waits for.
enum Stage {
    /// For the device's seal.
    Open(JobKey),
    /// For the one release.
    Held(LockedPin),
}

/// One lane's job. No `Debug`.
struct Job {
    number: PinJob,
    visit: VisitId,
    stage: Stage,
    until: Instant,
}

/// All open jobs. Dropping a job wipes what it holds.
#[derive(Default)]
pub struct Jobs(HashMap<LaneId, Job>);

impl Jobs {
    /// Opens a job for the lane's visit; the lane's job before it is wiped.
    pub fn open(&mut self, lane: LaneId, visit: VisitId, now: Instant) -> Result<PinJobOpened, OpenError> {
        self.0.remove(&lane);
        let (key, public_key) = JobKey::generate()?;
        let number = self.free_number()?;
        self.0.insert(lane, Job { number, visit, stage: Stage::Open(key), until: now + LIFETIME });
        Ok(PinJobOpened { job: number, public_key })
    }

    /// Takes the digits as the device sealed them. A job takes one seal: after a bad one it is closed. A seal
    /// that comes late, for a job before the open one, changes nothing.
    pub fn hold(
        &mut self,
        lane: LaneId,
        visit: VisitId,
        job: PinJob,
        sealed: &SealedPin,
        now: Instant,
    ) -> PinHeld {
        if self.0.get(&lane).is_none_or(|open| open.number != job || open.visit != visit) {
            return PinHeld::NoSuchJob;
        }
        let Some(Stage::Open(key)) = self.take(lane, visit, job, now) else { return PinHeld::NoSuchJob };
        match key.open(sealed, &associated_data(visit, lane, job)) {
            Ok(pin) => {
                let stage = Stage::Held(pin);
                self.0.insert(lane, Job { number: job, visit, stage, until: now + LIFETIME });
                PinHeld::Held
            }
            Err(error) => {
                tracing::warn!(%lane, %error, "a PIN was not taken");
                PinHeld::NotAPin
            }
        }
    }

    /// Gives the digits away, sealed to `reader_key`, to the same visit and lane. Whatever the answer, the
    /// lane's job is over and its digits are wiped.
    pub fn release(
        &mut self,
        lane: LaneId,
        visit: VisitId,
        job: PinJob,
        reader_key: &PublicKey,
        now: Instant,
    ) -> PinReleased {
        let Some(Stage::Held(pin)) = self.take(lane, visit, job, now) else { return PinReleased::NotHeld };
        match pin.seal_to(reader_key, &associated_data(visit, lane, job)) {
            Ok(sealed) => PinReleased::Released(sealed),
            Err(error) => {
                tracing::warn!(%lane, %error, "a PIN was not released");
                PinReleased::NotHeld
            }
        }
    }

    /// Ends the lane's job if it is this one. An older job's late end does not hurt the newer job.
    pub fn drop_job(&mut self, lane: LaneId, job: PinJob) {
        if self.0.get(&lane).is_some_and(|open| open.number == job) {
            self.0.remove(&lane);
        }
    }

    /// Wipes what is too old. Whether anything was.
    pub fn expire(&mut self, now: Instant) -> bool {
        let before = self.0.len();
        self.0.retain(|_, job| now < job.until);
        self.0.len() != before
    }

    /// When the next job becomes too old.
    pub fn next_expiry(&self) -> Option<Instant> {
        self.0.values().map(|job| job.until).min()
    }

    /// How many jobs are open.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether none is.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Wipes all.
    pub fn clear(&mut self) {
        self.0.clear();
    }

    /// Takes the lane's job out. One that does not match is gone as well: a wrong visit or number means
    /// that somebody's idea of the lane is stale, and a PIN must not outlive that.
    fn take(&mut self, lane: LaneId, visit: VisitId, number: PinJob, now: Instant) -> Option<Stage> {
        let job = self.0.remove(&lane)?;
        (job.number == number && job.visit == visit && now < job.until).then_some(job.stage)
    }

    /// A random number of 4 digits that no open job bears.
    fn free_number(&self) -> Result<PinJob, getrandom::Error> {
        const NUMBERS: u32 = 10_000;
        loop {
            let random = getrandom::u32()?;
            // Refuse the incomplete last cycle, so that all numbers are equally likely.
            if random >= u32::MAX - u32::MAX % NUMBERS {
                continue;
            }
            let number = PinJob(random % NUMBERS);
            if self.0.values().all(|job| job.number != number) {
                return Ok(number);
            }
        }
    }
}

#[cfg(test)]
#[path = "jobs_tests.rs"]
mod tests;
