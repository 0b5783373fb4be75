//! The ways to the centre: a line each, a centre at the end of each, and which of them is used.

use crate::{
    centre::{Failure, NotSent},
    choice::{Candidate, choose},
    line::{Evidence, Line, LineState},
    outage::{Change, Kept, Outages},
    vpn::tunnel::Tunnel,
};
use jiff::Timestamp;
use madoguchi_protocol::messages::line::{LineReport, Stage, Way, WayReport};
use std::{
    future::Future,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::{
    sync::{Notify, watch},
    time::Instant,
};

/// What the page and the other actors want to know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// What is known of the way to the centre.
    pub line: LineState,
    /// Since when.
    pub since: Timestamp,
    /// Answers that were not the answer to their request, since the actor started. None was passed on.
    pub wrong_answers: u64,
    /// Each line by itself.
    pub report: LineReport,
}

/// All ways, the primary first.
pub struct Ways<C> {
    ways: Vec<WayTo<C>>,
    known: Mutex<Known>,
    standing: watch::Sender<Standing>,
    used: watch::Sender<usize>,
    settle: Duration,
}

/// One way.
struct WayTo<C> {
    way: Way,
    /// Nothing while there is no tunnel: without one, nothing is sent at all.
    centre: Mutex<Option<Arc<C>>>,
    /// Wakes the one who probes it.
    probe: Notify,
}

struct Known {
    lines: Vec<Line>,
    outages: Outages,
    /// The minute for which the months were last shown: they change each second, and nobody wants to hear that.
    shown_minute: i64,
}

impl<C> Ways<C> {
    /// One way, of which nobody reports a tunnel.
    pub fn one(centre: C, settle: Duration, kept: Kept) -> Self {
        Self::new([(Way::Primary, Some(centre))], false, settle, kept)
    }

    /// Several. `tunnels` is whether their tunnels will be heard of ([`Ways::tunnel`]); `settle` is how long the primary
    /// must have been well before it is used again; `kept` is from before the restart.
    pub fn new(
        ways: impl IntoIterator<Item = (Way, Option<C>)>,
        tunnels: bool,
        settle: Duration,
        kept: Kept,
    ) -> Self {
        let (now, wall) = (Instant::now(), Timestamp::now());
        let ways: Vec<_> = ways
            .into_iter()
            .map(|(way, centre)| WayTo {
                way,
                centre: Mutex::new(centre.map(Arc::new)),
                probe: Notify::new(),
            })
            .collect();
        let lines = ways.iter().map(|_| Line::new(tunnels, now, wall)).collect();
        let known = Known { lines, outages: Outages::resume(kept), shown_minute: 0 };
        let report = LineReport { used: ways.first().map(|it| it.way), ..LineReport::default() };
        let standing = Standing { line: LineState::Unknown, since: wall, wrong_answers: 0, report };
        let all = Self {
            ways,
            known: Mutex::new(known),
            standing: watch::Sender::new(standing),
            used: watch::Sender::new(0),
            settle,
        };
        all.tell(&mut lock(&all.known), wall);
        all
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.ways.len()
    }

    /// Which line the one at this place goes by.
    pub fn way(&self, at: usize) -> Option<Way> {
        self.ways.get(at).map(|it| it.way)
    }

    /// Follows how they stand.
    pub fn standing(&self) -> watch::Receiver<Standing> {
        self.standing.subscribe()
    }

    /// What is known of the way that is used.
    pub fn state(&self) -> LineState {
        self.standing.borrow().line
    }

    /// What is to be kept over a restart.
    pub fn keep(&self) -> Kept {
        lock(&self.known).outages.keep()
    }

    /// A wrong answer came; it was not passed on.
    pub fn count_wrong_answer(&self) {
        self.standing.send_modify(|standing| standing.wrong_answers += 1);
    }

    /// Changes what is said of the line beside its ways.
    pub fn amend(&self, change: impl FnOnce(&mut LineReport)) {
        self.standing.send_if_modified(|standing| {
            let before = standing.report.clone();
            change(&mut standing.report);
            standing.report != before
        });
    }

    /// Asks over the way that is used. Where requests change over meanwhile, the question is broken off
    /// ([`Failure::Lost`]: it may have arrived), or asked again there if nothing of it had been sent.
    pub async fn ask<T, F>(&self, ask: impl Fn(Arc<C>) -> F) -> Result<T, Failure>
    where
        F: Future<Output = Result<T, Failure>>,
    {
        let mut used = self.used.subscribe();
        loop {
            let at = *used.borrow_and_update();
            let Some(centre) = self.centre(at) else { return Err(Failure::NotSent(NotSent::NoTunnel)) };
            let started = Instant::now();
            let outcome = tokio::select! {
                biased;
                outcome = ask(centre) => outcome,
                _ = used.wait_for(|now| *now != at) => return Err(Failure::Lost),
            };
            let evidence = match &outcome {
                Ok(_) | Err(Failure::Malformed { .. }) => Some(Evidence::Answered),
                Err(Failure::NotSent(NotSent::Refused)) => Some(Evidence::Refused),
                Err(Failure::NotSent(_) | Failure::TimedOut | Failure::Lost) => Some(Evidence::NoAnswer),
                // A centre in trouble is not a line in trouble; the probe decides.
                Err(_) => None,
            };
            if let Some(evidence) = evidence {
                self.note(at, evidence, started);
            }
            let sent = !matches!(outcome, Err(Failure::NotSent(_)));
            if sent || *self.used.borrow() == at {
                return outcome;
            }
        }
    }

    /// The centre at the end of a way.
    pub fn centre(&self, at: usize) -> Option<Arc<C>> {
        self.ways.get(at).and_then(|way| lock(&way.centre).clone())
    }

    /// Puts another centre at the end of a way; requests under way end with the old one.
    pub fn replace(&self, at: usize, centre: Option<C>) {
        if let Some(way) = self.ways.get(at) {
            *lock(&way.centre) = centre.map(Arc::new);
        }
    }

    /// The tunnel of a way came or went.
    pub fn tunnel(&self, at: usize, tunnel: Tunnel) {
        let (now, wall) = (Instant::now(), Timestamp::now());
        let mut known = lock(&self.known);
        let Some(line) = known.lines.get_mut(at) else { return };
        if line.tunnel(tunnel, now, wall) {
            self.settle(&mut known, now, wall);
        }
        drop(known);
        if let (Tunnel::Up(_), Some(way)) = (tunnel, self.ways.get(at)) {
            way.probe.notify_one();
        }
    }

    /// The place of the way that is used.
    pub fn used(&self) -> usize {
        *self.used.borrow()
    }

    /// Whether the centre is reached over a way other than this.
    pub fn another_reaches(&self, at: usize) -> bool {
        let known = lock(&self.known);
        known.lines.iter().enumerate().any(|(other, line)| other != at && line.stage().reaches())
    }

    /// Since when the tunnel of a way is there and the centre does not answer through it.
    pub fn silent_since(&self, at: usize) -> Option<Instant> {
        let known = lock(&self.known);
        let line = known.lines.get(at)?;
        (line.stage() == Stage::TunnelUp).then(|| line.began())
    }

    /// Waits until somebody wants the way to be probed before its time.
    pub async fn wants_probe(&self, at: usize) {
        match self.ways.get(at) {
            Some(way) => way.probe.notified().await,
            None => std::future::pending().await,
        }
    }

    /// Takes evidence of a way, gathered since `started`.
    pub fn note(&self, at: usize, evidence: Evidence, started: Instant) {
        let (now, wall) = (Instant::now(), Timestamp::now());
        let mut known = lock(&self.known);
        let Some(line) = known.lines.get_mut(at) else { return };
        let mut changed = line.note(evidence, started, now, wall);
        changed |= self.tally(&mut known, at, !evidence.is_answer(), wall);
        // Looked at each time: the primary is taken up again after it has been well for a while.
        if changed || self.ways.len() > 1 {
            self.settle(&mut known, now, wall);
        }
    }

    /// There was nothing to probe a way through.
    pub fn note_missing(&self, at: usize) {
        let (now, wall) = (Instant::now(), Timestamp::now());
        let mut known = lock(&self.known);
        let mut changed = known.lines.get_mut(at).is_some_and(|line| line.missing(now, wall));
        changed |= self.tally(&mut known, at, true, wall);
        if changed {
            self.settle(&mut known, now, wall);
        }
    }

    /// Only what is used counts for outages. Says whether one began or ended, or a minute's seconds are to be shown.
    fn tally(&self, known: &mut Known, at: usize, failed: bool, wall: Timestamp) -> bool {
        if at != *self.used.borrow() {
            return false;
        }
        match known.outages.note(failed, wall) {
            Some(Change::Began(since)) => tracing::warn!(%since, "an outage: a fifth of five minutes failed"),
            Some(Change::Ended) => tracing::info!("the outage is over"),
            None => return wall.as_second() / 60 != known.shown_minute,
        }
        true
    }

    /// Chooses the way to use, and says how all stand. What is known stays locked, so that two changes can't overtake
    /// each other.
    fn settle(&self, known: &mut Known, now: Instant, wall: Timestamp) {
        let candidates: Vec<_> = known
            .lines
            .iter()
            .map(|line| Candidate {
                stage: line.stage(),
                steady: now.saturating_duration_since(line.began()),
            })
            .collect();
        let before = *self.used.borrow();
        let chosen = choose(&candidates, before, self.settle);
        if chosen != before {
            if let (Some(from), Some(to)) = (self.ways.get(before), self.ways.get(chosen)) {
                tracing::warn!(from = from.way.name(), to = to.way.name(), "requests change over");
            }
            self.used.send_replace(chosen);
        }
        self.tell(known, wall);
    }

    fn tell(&self, known: &mut Known, wall: Timestamp) {
        let used = *self.used.borrow();
        let state = known.lines.get(used).map_or(LineState::Unknown, Line::state);
        let ways = self.ways.iter().zip(&known.lines).map(|(way, line)| WayReport {
            way: way.way,
            stage: line.stage(),
            since: line.since(),
        });
        let (ways, used) = (ways.collect(), self.ways.get(used).map(|way| way.way));
        self.standing.send_if_modified(|standing| {
            let mut new = standing.clone();
            if new.line != state {
                (new.line, new.since) = (state, wall);
            }
            new.report.changes += u64::from(new.report.used != used);
            (new.report.ways, new.report.used) = (ways, used);
            new.report.outage = known.outages.since();
            let minute = wall.as_second() / 60;
            if minute != known.shown_minute || new.report.outage != standing.report.outage {
                known.shown_minute = minute;
                new.report.months = known.outages.months().to_vec();
            }
            let changed = new != *standing;
            *standing = new;
            changed
        });
    }
}

/// The data stay sound whoever panicked while holding the lock.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
