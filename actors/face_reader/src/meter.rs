//! Follows a visit from outside and tells what became of it and how long it took: nothing here decides anything.
//!
//! *From tap to answer* is the machines' time alone: from the medium seen to its being read, then the centre's
//! verdict, then the confirmation. What the patient thinks about in between, consent above all, is not counted. Where
//! the face-auth reader reads its own slot, only the time after its result is known here.
//!
//! Practice (a rehearsal's visits) is no patient's visit: nothing of it is measured, least of all the service level.

use jiff::Timestamp;
use madoguchi_bus::{
    Tally,
    events::{Answered, FellBack, Happening, StageLeft, VisitOver, WentUnanswered, Why},
};
use madoguchi_protocol::{
    VisitId,
    evidence::Medium,
    fault::{FaultCode, Scope},
    messages::{
        audit_log::{Entry, Step, VisitEnd},
        nfc_reader::ReadProgress,
        state::VisitInProgress,
    },
};
use madoguchi_reception::{Act, Input, Output};
use std::time::Duration;

/// The present visit's times.
#[derive(Debug, Default)]
pub(crate) struct Meter {
    began: Option<Timestamp>,
    medium: Option<Medium>,
    step: Option<(Step, Timestamp)>,
    /// When the medium was seen that is being read.
    seen: Option<Timestamp>,
    /// A medium was held or inserted.
    tapped: bool,
    /// The machines' time so far.
    machines: Duration,
    /// Whether the patient got an answer, or left without.
    judged: bool,
    line_up: bool,
    /// Whether the visit in progress is for practice.
    practice: bool,
}

impl Meter {
    /// What the patient chose, as far as it is known.
    pub(crate) fn medium(&self) -> Option<Medium> {
        self.medium
    }

    /// Before the visit takes an input.
    pub(crate) fn input(&mut self, input: &Input, now: Timestamp) {
        match input {
            Input::Progress { progress: ReadProgress::MediumSeen, .. } => {
                (self.seen, self.tapped, self.machines) = (Some(now), true, Duration::ZERO);
            }
            Input::Line { up } => self.line_up = *up,
            _ => {}
        }
    }

    /// One thing that the visit wants done; `present` is the visit after its step.
    pub(crate) fn output(
        &mut self,
        output: &Output,
        present: Option<&VisitInProgress>,
        now: Timestamp,
        tally: &Tally,
    ) {
        self.medium = present.and_then(|visit| visit.medium).or(self.medium);
        let visit = output.visit;
        match &output.act {
            Act::Record(begins @ (Entry::VisitStarted | Entry::PracticeStarted)) => {
                let practice = *begins == Entry::PracticeStarted;
                *self = Self { began: Some(now), line_up: self.line_up, practice, ..Self::default() };
            }
            _ if self.practice => {}
            Act::Record(Entry::MediumRead(medium, _)) => {
                self.medium = Some(*medium);
                self.tapped = true;
                self.machines += self.seen.take().map_or(Duration::ZERO, |seen| between(seen, now));
            }
            Act::Record(Entry::Step(step)) => {
                self.leave(visit, now, tally);
                self.step = Some((*step, now));
                self.enter(*step, visit, present.and_then(|visit| visit.trouble), tally);
            }
            Act::Ended(end) => self.over(visit, *end, now, tally),
            _ => {}
        }
    }

    fn leave(&mut self, visit: Option<VisitId>, now: Timestamp, tally: &Tally) {
        let Some((step, since)) = self.step.take() else { return };
        let took = between(since, now);
        if matches!(step, Step::Authenticating | Step::Confirming) {
            self.machines += took;
        }
        StageLeft { visit, step, took }.emit(tally);
    }

    fn enter(&mut self, step: Step, visit: Option<VisitId>, trouble: Option<FaultCode>, tally: &Tally) {
        match (step, trouble) {
            (Step::Done, _) => self.answered(visit, tally),
            (Step::Deferred, _) => {
                self.unanswered(visit, if self.line_up { Why::Late } else { Why::LineDown }, tally);
            }
            (Step::Fallback, Some(fault)) => {
                FellBack { visit, fault }.emit(tally);
                if is_the_centres(fault) {
                    self.answered(visit, tally);
                } else if fault.scope() != Scope::Visit {
                    self.unanswered(visit, Why::Box, tally);
                }
            }
            _ => {}
        }
    }

    fn answered(&mut self, visit: Option<VisitId>, tally: &Tally) {
        if self.tapped && !std::mem::replace(&mut self.judged, true) {
            Answered { visit, medium: self.medium, took: self.machines }.emit(tally);
        }
    }

    fn unanswered(&mut self, visit: Option<VisitId>, why: Why, tally: &Tally) {
        if self.tapped && !std::mem::replace(&mut self.judged, true) {
            WentUnanswered { visit, why }.emit(tally);
        }
    }

    fn over(&mut self, visit: Option<VisitId>, end: VisitEnd, now: Timestamp, tally: &Tally) {
        let took = self.began.map_or(Duration::ZERO, |began| between(began, now));
        VisitOver { visit, medium: self.medium, end, took }.emit(tally);
    }
}

/// An answer of the centre that is no confirmation: an answer all the same.
fn is_the_centres(fault: FaultCode) -> bool {
    matches!(
        fault,
        FaultCode::NotRegistered
            | FaultCode::CertificateExpired
            | FaultCode::CertificateRevoked
            | FaultCode::CentreRefused
    )
}

/// A clock that was set back in between makes it nothing, not negative.
fn between(from: Timestamp, to: Timestamp) -> Duration {
    Duration::try_from(to.duration_since(from)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::SignedDuration;
    use madoguchi_protocol::{
        ActorKind, Address, LaneId,
        evidence::VerifiedBy,
        figures::{Family, Value},
    };

    /// A visit that is fed by hand, second by second.
    struct Bench {
        watch: Meter,
        tally: Tally,
        now: Timestamp,
        trouble: Option<FaultCode>,
    }

    impl Bench {
        fn new(line_up: bool) -> Self {
            let address = Address::of_lane(ActorKind::FaceReader, LaneId::new(1).unwrap());
            let mut bench = Self {
                watch: Meter::default(),
                tally: Tally::new(address),
                now: "2025-11-25T00:00:00Z".parse().unwrap(),
                trouble: None,
            };
            bench.watch.input(&Input::Line { up: line_up }, bench.now);
            bench.act(Act::Record(Entry::VisitStarted));
            bench
        }

        fn act(&mut self, act: Act) {
            let present = VisitInProgress {
                practice: false,
                visit: VisitId::from_bytes([1; 16]),
                step: Step::Idle,
                since: self.now,
                medium: Some(Medium::Android),
                pin_job: None,
                trouble: self.trouble,
                staff_may: Vec::new(),
            };
            let output = Output { visit: Some(present.visit), act };
            self.watch.output(&output, Some(&present), self.now, &self.tally);
        }

        /// The visit is in `step` for so many milliseconds.
        fn spend(&mut self, step: Step, millis: i64) {
            self.act(Act::Record(Entry::Step(step)));
            self.now += SignedDuration::from_millis(millis);
        }

        fn tap_and_read(&mut self, millis: i64) {
            let visit = VisitId::from_bytes([1; 16]);
            self.watch.input(&Input::Progress { visit, progress: ReadProgress::MediumSeen }, self.now);
            self.now += SignedDuration::from_millis(millis);
            self.act(Act::Record(Entry::MediumRead(Medium::Android, VerifiedBy::Pin)));
        }

        fn value(&self, family: Family, labels: &[&str]) -> Option<Value> {
            let (admitted, _) = self.tally.figures().admitted(ActorKind::FaceReader);
            admitted.into_iter().find(|it| it.family == family && it.labels == labels).map(|it| it.value)
        }

        fn answer_seconds(&self) -> Option<f64> {
            match self.value(Family::VisitAnswer, &["android"])? {
                Value::Histogram { sum, counts } => counts.iter().any(|count| *count > 0).then_some(sum),
                Value::Number(_) => None,
            }
        }
    }

    #[test]
    fn tap_to_answer_is_the_machines_time_and_not_the_patients() {
        let mut bench = Bench::new(true);
        bench.spend(Step::HoldMedium, 9_000);
        bench.tap_and_read(300);
        bench.spend(Step::Authenticating, 200);
        bench.spend(Step::Consent, 25_000);
        bench.spend(Step::Confirming, 400);
        bench.spend(Step::Done, 5_000);
        bench.act(Act::Ended(VisitEnd::Confirmed));
        let seconds = bench.answer_seconds().unwrap();
        assert!((seconds - 0.9).abs() < 1e-9, "{seconds}");
        assert_eq!(bench.value(Family::VisitsEnded, &["android", "confirmed"]), Some(Value::Number(1.0)));
        assert_eq!(bench.value(Family::LaneSlowAnswers, &[]), Some(Value::Number(0.0)));
    }

    #[test]
    fn only_the_read_that_succeeded_counts() {
        let mut bench = Bench::new(true);
        bench.spend(Step::HoldMedium, 1_000);
        let torn =
            Input::Progress { visit: VisitId::from_bytes([1; 16]), progress: ReadProgress::MediumSeen };
        bench.watch.input(&torn, bench.now);
        bench.spend(Step::HoldHint, 8_000);
        bench.tap_and_read(3_500);
        bench.spend(Step::Authenticating, 100);
        bench.spend(Step::Done, 0);
        assert!((bench.answer_seconds().unwrap() - 3.6).abs() < 1e-9);
        assert_eq!(bench.value(Family::LaneSlowAnswers, &[]), Some(Value::Number(1.0)));
    }

    #[test]
    fn a_deferred_visit_is_the_centres_outage_or_a_late_answer() {
        for (line_up, reason) in [(false, "line_down"), (true, "late")] {
            let mut bench = Bench::new(line_up);
            bench.tap_and_read(100);
            bench.spend(Step::Confirming, 5_000);
            bench.spend(Step::Deferred, 0);
            assert_eq!(bench.value(Family::VisitsUnanswered, &[reason]), Some(Value::Number(1.0)));
            assert_eq!(bench.answer_seconds(), None);
        }
    }

    #[test]
    fn a_refusal_is_an_answer_a_full_queue_is_none_and_a_wrong_pin_is_neither() {
        for (fault, answered, unanswered) in [
            (FaultCode::NotRegistered, true, false),
            (FaultCode::QueueFull, false, true),
            (FaultCode::PinLocked, false, false),
        ] {
            let mut bench = Bench::new(true);
            bench.tap_and_read(100);
            bench.trouble = Some(fault);
            bench.spend(Step::Fallback, 0);
            assert_eq!(bench.answer_seconds().is_some(), answered, "{fault:?}");
            let without = bench.value(Family::VisitsUnanswered, &["box"]);
            assert_eq!(without, Some(Value::Number(f64::from(u8::from(unanswered)))), "{fault:?}");
            assert_eq!(bench.value(Family::VisitFallbacks, &[fault.name()]), Some(Value::Number(1.0)));
        }
    }

    #[test]
    fn nothing_of_a_visit_for_practice_is_measured_and_the_patient_after_it_is() {
        let mut bench = Bench::new(true);
        bench.act(Act::Record(Entry::PracticeStarted));
        bench.tap_and_read(100);
        bench.trouble = Some(FaultCode::QueueFull);
        for step in [Step::Confirming, Step::Fallback, Step::Deferred] {
            bench.spend(step, 5_000);
        }
        bench.act(Act::Ended(VisitEnd::Practised));
        let counted = |bench: &Bench| {
            let families = bench.tally.figures().families;
            let is_something = |value: &Value| match value {
                Value::Number(number) => *number > 0.0,
                Value::Histogram { counts, .. } => counts.iter().any(|count| *count > 0),
            };
            families.iter().flat_map(|said| &said.series).filter(|it| is_something(&it.value)).count()
        };
        assert_eq!(counted(&bench), 0);

        bench.trouble = None;
        bench.act(Act::Record(Entry::VisitStarted));
        bench.act(Act::Ended(VisitEnd::Abandoned));
        assert!(counted(&bench) > 0);
    }
}
