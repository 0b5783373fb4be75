//! The desk: what is tried, when, and how often. It turns the centre's failures into what the lanes are told.

use crate::{
    centre::{EligibilityCentre, Failure, NotSent},
    line::{Evidence, LineState},
    outage::Kept,
    settings::{Settings, ms},
    ways::{Standing, Ways},
};
use madoguchi_protocol::{
    RequestId,
    eligibility::ConfirmationAnswer,
    messages::uplink::{Authenticate, Authenticated, Confirm, Confirmed, Queried, QueryEligibility},
};
use std::{
    collections::{HashSet, VecDeque},
    future::Future,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::{
    sync::{Semaphore, SemaphorePermit, watch},
    time::{Instant, sleep_until, timeout_at},
};

/// So many requests may wait for each that may be under way; more are turned away at once.
const WAITING: usize = 8;
/// How many uncertain requests are remembered. Forgetting one costs a request, never a confirmation.
const UNCERTAIN: usize = 4_096;
/// Not worth beginning with less time than this.
const LEAST: Duration = Duration::from_millis(50);

/// Where every request to the centre passes.
pub struct Desk<C> {
    ways: Ways<C>,
    limits: Limits,
    under_way: Semaphore,
    /// Deferred confirmations come by the hundred after an outage; patients who stand here must not wait for them.
    deferred: Semaphore,
    waiting: Semaphore,
    /// Until when the centre asked for a pause.
    pause: Mutex<Option<Instant>>,
    uncertain: Mutex<Uncertain>,
}

struct Limits {
    authenticate: Duration,
    confirm: Duration,
    query: Duration,
    probe: Duration,
    longest_pause: Duration,
}

/// Leave to send.
struct Slot<'a> {
    _under_way: SemaphorePermit<'a>,
    _deferred: Option<SemaphorePermit<'a>>,
}

impl<C: EligibilityCentre> Desk<C> {
    /// A desk in front of `centre`, which is reached one way.
    pub fn new(centre: C, settings: &Settings) -> Self {
        Self::with_ways(Ways::one(centre, settle(settings), Kept::default()), settings)
    }

    /// A desk in front of a centre that is reached by several ways.
    pub fn with_ways(ways: Ways<C>, settings: &Settings) -> Self {
        let in_flight = settings.in_flight.clamp(2, Semaphore::MAX_PERMITS / WAITING);
        Self {
            ways,
            limits: Limits {
                authenticate: ms(settings.authenticate_ms),
                confirm: ms(settings.confirm_ms),
                query: ms(settings.query_ms),
                probe: ms(settings.probe_ms),
                longest_pause: ms(settings.longest_pause_ms),
            },
            under_way: Semaphore::new(in_flight),
            deferred: Semaphore::new(in_flight / 2),
            waiting: Semaphore::new(in_flight * WAITING),
            pause: Mutex::default(),
            uncertain: Mutex::default(),
        }
    }

    /// Follows how the line stands.
    pub fn standing(&self) -> watch::Receiver<Standing> {
        self.ways.standing()
    }

    /// The ways to the centre.
    pub fn ways(&self) -> &Ways<C> {
        &self.ways
    }

    /// Probes the way at this place among the ways once. Says what came of it and how long it took; nothing where there
    /// is no tunnel to probe.
    pub async fn probe(&self, at: usize) -> Option<(Evidence, Duration)> {
        let Some(centre) = self.ways.centre(at) else {
            self.ways.note_missing(at);
            return None;
        };
        let started = Instant::now();
        let outcome = centre.alive(self.limits.probe).await;
        let evidence = match &outcome {
            Ok(()) if started.elapsed() > self.limits.probe / 2 => Evidence::AnsweredLate,
            Ok(()) => Evidence::Answered,
            Err(Failure::NotSent(NotSent::Refused)) => Evidence::Refused,
            // A centre that answers anything but *alive* serves nobody.
            Err(_) => Evidence::NoAnswer,
        };
        if let Err(failure) = outcome {
            tracing::debug!(%failure, "probe");
        }
        let took = started.elapsed();
        self.ways.note(at, evidence, started);
        Some((evidence, took))
    }

    /// A verdict while the patient stands there, or [`Authenticated::LineDown`]: the visit goes on as deferred.
    pub async fn authenticate(&self, command: &Authenticate) -> Authenticated {
        let id = command.request_id;
        // With the line down it is still tried, since it may have come back a moment ago; but the patient
        // waits no longer for it than a probe would.
        let down = self.ways.state() == LineState::Down;
        let patience =
            if down { self.limits.authenticate.min(self.limits.probe) } else { self.limits.authenticate };
        let end = Instant::now() + patience;
        let Some(_slot) = self.enter(end, false).await else { return Authenticated::LineDown };
        // It has no lasting effect, so a broken connection is worth another try.
        for last in [false, true] {
            match self
                .observed(id, |centre| async move { centre.authenticate(command, left(end)).await })
                .await
            {
                Ok(verdict) => return Authenticated::Verdict(verdict),
                Err(Failure::Lost) if !last && left(end) > LEAST => {}
                Err(_) => break,
            }
        }
        Authenticated::LineDown
    }

    /// A confirmation. It is tried also while the line is down: a refusal costs nothing, and a line that has
    /// just come back is used at once.
    pub async fn confirm(&self, command: &Confirm) -> Confirmed {
        let end = Instant::now() + self.limits.confirm;
        let Some(_slot) = self.enter(end, command.deferred).await else { return Confirmed::Uncertain };
        let id = command.request.request_id;
        let mut tries = 0;
        loop {
            // What is uncertain is looked up before it is sent again.
            if lock(&self.uncertain).contains(id) {
                match self.find(id, end).await {
                    Ok(Some(answer)) => return Confirmed::Answer(answer),
                    Ok(None) => lock(&self.uncertain).remove(id),
                    Err(_) => return Confirmed::Uncertain,
                }
            }
            tries += 1;
            let send = |centre: Arc<C>| async move {
                centre.confirm(&command.request, command.deferred, left(end)).await
            };
            let failure = match self.observed(id, send).await {
                Ok(answer) => return Confirmed::Answer(answer),
                Err(failure) => failure,
            };
            match failure {
                Failure::NotSent(_) => return Confirmed::LineDown,
                // Received before with the other value of `deferred`, by a gateway that has forgotten it.
                Failure::Malformed { status: 422 } => match self.find(id, end).await {
                    Ok(Some(answer)) => return Confirmed::Answer(answer),
                    Ok(None) => return Confirmed::Malformed { status: 422 },
                    Err(_) => return Confirmed::Uncertain,
                },
                Failure::Malformed { status } => return Confirmed::Malformed { status },
                _ => lock(&self.uncertain).insert(id),
            }
            let worth_asking = matches!(failure, Failure::Lost | Failure::WrongAnswer(_));
            if !worth_asking || tries == 2 || left(end) < LEAST {
                return Confirmed::Uncertain;
            }
        }
    }

    /// Looks an uncertain confirmation up; once more where the connection breaks.
    async fn find(&self, id: RequestId, end: Instant) -> Result<Option<ConfirmationAnswer>, Failure> {
        let ask = |centre: Arc<C>| async move { centre.find_confirmation(id, left(end)).await };
        let look = || self.observed(id, ask);
        let found = match look().await {
            Err(Failure::Lost) if left(end) > LEAST => look().await,
            found => found,
        };
        if matches!(found, Ok(Some(_))) {
            lock(&self.uncertain).remove(id);
        }
        found
    }

    /// A receipt computer's query.
    pub async fn query(&self, command: &QueryEligibility) -> Queried {
        let end = Instant::now() + self.limits.query;
        let Some(_slot) = self.enter(end, false).await else { return Queried::Uncertain };
        let id = command.query.request_id;
        for last in [false, true] {
            let ask = |centre: Arc<C>| async move { centre.query(&command.query, left(end)).await };
            match self.observed(id, ask).await {
                Ok((validity, eligibility)) => return Queried::Found { validity, eligibility },
                Err(Failure::NotSent(_)) => return Queried::LineDown,
                Err(Failure::Malformed { status }) => return Queried::Malformed { status },
                Err(Failure::Lost) if !last && left(end) > LEAST => {}
                Err(_) => break,
            }
        }
        Queried::Uncertain
    }

    /// Waits for leave to send; nothing where there is none in time.
    async fn enter(&self, end: Instant, deferred: bool) -> Option<Slot<'_>> {
        let _waiting = self.waiting.try_acquire().ok()?;
        let wait = async {
            let deferred = if deferred { Some(self.deferred.acquire().await.ok()?) } else { None };
            let under_way = self.under_way.acquire().await.ok()?;
            let pause = *lock(&self.pause);
            if let Some(until) = pause.filter(|until| *until > Instant::now()) {
                if until >= end {
                    return None;
                }
                sleep_until(until).await;
            }
            Some(Slot { _under_way: under_way, _deferred: deferred })
        };
        timeout_at(end, wait).await.ok().flatten()
    }

    /// Asks over the line in use, waits for the outcome and learns from it: of the line, of pauses, of wrong answers.
    async fn observed<T, F>(&self, id: RequestId, ask: impl Fn(Arc<C>) -> F) -> Result<T, Failure>
    where
        F: Future<Output = Result<T, Failure>>,
    {
        let outcome = self.ways.ask(ask).await;
        match &outcome {
            Ok(_) => {}
            Err(Failure::WrongAnswer(wrong)) => {
                tracing::error!(request = %id, %wrong, "wrong answer of the centre, not passed on");
                self.ways.count_wrong_answer();
            }
            Err(Failure::Busy { status, retry_after }) => {
                tracing::warn!(request = %id, status, ?retry_after, "the centre is busy");
                if let Some(pause) = retry_after {
                    let until = Instant::now() + (*pause).min(self.limits.longest_pause);
                    let mut pause = lock(&self.pause);
                    *pause = (*pause).max(Some(until));
                }
            }
            Err(failure @ Failure::NotSent(_)) => tracing::debug!(request = %id, %failure, "line"),
            Err(failure) => tracing::warn!(request = %id, %failure, "no answer of the centre"),
        }
        outcome
    }
}

/// How long the primary must have been well before it is used again.
pub(crate) fn settle(settings: &Settings) -> Duration {
    Duration::from_secs(settings.return_s)
}

fn left(end: Instant) -> Duration {
    end.saturating_duration_since(Instant::now())
}

/// The data stay sound whoever panicked while holding the lock.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Requests that may have reached the centre without an answer. The oldest are forgotten.
#[derive(Default)]
struct Uncertain {
    ids: HashSet<RequestId>,
    order: VecDeque<RequestId>,
}

impl Uncertain {
    fn contains(&self, id: RequestId) -> bool {
        self.ids.contains(&id)
    }

    fn insert(&mut self, id: RequestId) {
        if self.ids.insert(id) {
            self.order.push_back(id);
        }
        if self.order.len() > UNCERTAIN
            && let Some(oldest) = self.order.pop_front()
        {
            self.ids.remove(&oldest);
        }
    }

    fn remove(&mut self, id: RequestId) {
        if self.ids.remove(&id) {
            self.order.retain(|other| *other != id);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_uncertain_is_remembered_within_bounds() {
        let mut uncertain = Uncertain::default();
        let first = RequestId::random();
        uncertain.insert(first);
        for _ in 0..UNCERTAIN {
            uncertain.insert(RequestId::random());
        }
        assert!(!uncertain.contains(first));
        assert_eq!((uncertain.ids.len(), uncertain.order.len()), (UNCERTAIN, UNCERTAIN));
        let last = *uncertain.order.back().unwrap();
        uncertain.remove(last);
        assert!(!uncertain.contains(last));
        assert_eq!(uncertain.order.len(), UNCERTAIN - 1);
    }
}
