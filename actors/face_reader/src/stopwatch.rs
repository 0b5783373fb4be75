//! How long a visit takes, and how much of that the patient waits for the box or the centre.

use jiff::Timestamp;
use madoguchi_protocol::{
    VisitId,
    evidence::Medium,
    messages::{
        audit_log::{Step, VisitEnd},
        state::{EndedVisit, VisitInProgress},
    },
};

/// Follows the visit in progress.
#[derive(Debug, Default)]
pub(crate) struct Stopwatch {
    running: Option<Running>,
}

#[derive(Debug)]
struct Running {
    visit: VisitId,
    began: Timestamp,
    medium: Option<Medium>,
    /// Since when the patient has been waiting.
    waiting: Option<Timestamp>,
    waited_ms: u64,
}

impl Running {
    fn begin(visit: VisitId, began: Timestamp) -> Self {
        Self { visit, began, medium: None, waiting: None, waited_ms: 0 }
    }

    fn stop_waiting(&mut self, now: Timestamp) {
        if let Some(since) = self.waiting.take() {
            self.waited_ms += milliseconds(since, now);
        }
    }
}

impl Stopwatch {
    /// Takes the lane's visit as it stands into account.
    pub(crate) fn see(&mut self, visit: Option<&VisitInProgress>, now: Timestamp) {
        let Some(visit) = visit else { return };
        if self.running.as_ref().is_none_or(|running| running.visit != visit.visit) {
            self.running = Some(Running::begin(visit.visit, visit.since));
        }
        let Some(running) = &mut self.running else { return };
        running.medium = visit.medium;
        if !waits(visit.step) {
            running.stop_waiting(now);
        } else if running.waiting.is_none() {
            running.waiting = Some(visit.since);
        }
    }

    /// The visit's outcome stands.
    pub(crate) fn end(&mut self, visit: VisitId, end: VisitEnd, now: Timestamp) -> EndedVisit {
        let running = self.running.take().filter(|running| running.visit == visit);
        let mut running = running.unwrap_or_else(|| Running::begin(visit, now));
        running.stop_waiting(now);
        EndedVisit {
            visit,
            ended: now,
            end,
            medium: running.medium,
            service_ms: milliseconds(running.began, now),
            waited_ms: running.waited_ms,
        }
    }
}

/// Whether the patient can only wait: everything else is in the patient's own hands.
const fn waits(step: Step) -> bool {
    matches!(step, Step::Authenticating | Step::Confirming)
}

fn milliseconds(from: Timestamp, to: Timestamp) -> u64 {
    u64::try_from(to.duration_since(from).as_millis()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: i64) -> Timestamp {
        Timestamp::from_millisecond(1_767_572_400_000 + ms).unwrap()
    }

    fn standing(visit: VisitId, step: Step, since: i64) -> VisitInProgress {
        VisitInProgress {
            practice: false,
            visit,
            step,
            since: at(since),
            medium: Some(Medium::Android),
            pin_job: None,
            trouble: None,
            staff_may: Vec::new(),
        }
    }

    #[test]
    fn waiting_is_what_the_box_and_the_centre_take() {
        let (mut watch, visit) = (Stopwatch::default(), VisitId::random());
        for (step, since) in [
            (Step::ChooseMedium, 0),
            (Step::HoldMedium, 4_000),
            (Step::Authenticating, 9_000),
            (Step::Consent, 9_400),
            (Step::Confirming, 20_000),
        ] {
            watch.see(Some(&standing(visit, step, since)), at(since));
            watch.see(Some(&standing(visit, step, since)), at(since + 100));
        }
        let ended = watch.end(visit, VisitEnd::Confirmed, at(20_250));
        assert_eq!((ended.service_ms, ended.waited_ms), (20_250, 650));
        assert_eq!((ended.medium, ended.ended), (Some(Medium::Android), at(20_250)));
    }

    #[test]
    fn a_visit_takes_nothing_of_the_one_before() {
        let mut watch = Stopwatch::default();
        let (one, two) = (VisitId::random(), VisitId::random());
        watch.see(Some(&standing(one, Step::Authenticating, 0)), at(0));
        watch.see(Some(&standing(two, Step::ChooseMedium, 5_000)), at(5_000));
        let ended = watch.end(two, VisitEnd::Abandoned, at(6_000));
        assert_eq!((ended.service_ms, ended.waited_ms), (1_000, 0));
    }
}
