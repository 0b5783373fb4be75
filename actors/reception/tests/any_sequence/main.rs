//! Whatever happens, in whatever order: what must never be, and what must always come.

mod claims;
mod events;
#[path = "../support/mod.rs"]
mod support;

use claims::{Claim, Moment};
use events::{Event, event};
use jiff::SignedDuration;
use madoguchi_protocol::{
    device::MAX_TEXT,
    eligibility::Verdict,
    evidence::Medium,
    messages::{
        audit_log::{Entry, Fallback, StaffAct, Step, VisitEnd},
        face_reader::StaffActed,
        nfc_reader::ReadOutcome,
        offline_queue::{Accepted, ConfirmationSettled, ConfirmationStanding},
        uplink::Authenticated,
    },
    pin::PinJob,
};
use madoguchi_reception::{Act, Ask, Choice, Input, ScreenKind, Unanswered};
use proptest::{prelude::*, strategy::ValueTree, test_runner::TestRunner};
use std::collections::HashSet;
use support::*;

/// What has been seen of the visit in progress.
#[derive(Default)]
struct Seen {
    ended: usize,
    said_yes_to_last_try: bool,
    phone_expired: bool,
    centre_confirmed: bool,
    accepted: bool,
    practice: bool,
    read_open: Option<Ask>,
    pin_held: Option<PinJob>,
}

struct Observer {
    claim: Claim,
    counter: Counter,
    seen: Seen,
    last_number: u32,
    jobs: u32,
    turn: u32,
}

impl Observer {
    fn holding(claim: Claim) -> Self {
        let counter = Counter::ready();
        let last_number = counter.shown().number;
        Self { claim, counter, seen: Seen::default(), last_number, jobs: 0, turn: 0 }
    }

    fn input(&mut self, event: &Event) -> Option<Input> {
        let counter = &self.counter;
        let ask = counter.ask.unwrap_or(Ask(0));
        let screen = counter.shown().number;
        let visit = || counter.visit.in_progress().map(|visit| visit.visit);
        Some(match event.clone() {
            Event::Answer(answers) => {
                self.turn = self.turn.wrapping_add(1);
                let pad_is_shown = counter.shown().pin_pad.is_some();
                let fitting = answers.fitting(counter.standing(), pad_is_shown, self.turn).clone();
                return self.input(&fitting);
            }
            Event::Touch(at) => {
                let choices = &counter.shown().choices;
                let choice = choices.get(at % choices.len().max(1))?;
                Input::Touch { screen, choice: choice.id().into() }
            }
            Event::WildTouch(at, stale) => {
                let screen = screen.wrapping_sub(u32::from(stale));
                Input::Touch { screen, choice: Choice::ALL[at].id().into() }
            }
            Event::PinJob(works) => {
                self.jobs += 1;
                let answer = if works { Ok(opened(PinJob(self.jobs))) } else { Err(Unanswered) };
                Input::PinJob { ask, answer }
            }
            Event::PinSealed => {
                let job = counter.shown().pin_pad.as_ref()?.job;
                Input::PinSealed { screen, job, sealed: sealed() }
            }
            Event::PinHeld(answer) => Input::PinHeld { ask, answer },
            Event::Read(answer) => Input::Read { ask, answer },
            Event::ReadAsExpected => {
                let medium = counter.visit.in_progress()?.medium?;
                Input::Read { ask, answer: Ok(signed(medium)) }
            }
            Event::Progress(progress) => Input::Progress { visit: visit()?, progress },
            Event::SlotCard(present) => Input::SlotCard { present },
            Event::Slot(result) => Input::Slot { visit: visit()?, result },
            Event::Authenticated(answer) => Input::Authenticated { ask, answer },
            Event::Accepted(answer) => Input::Accepted { ask, answer },
            Event::Standing(answer) => Input::Standing { ask, answer },
            Event::Settled(verdict, validity) => {
                let request_id = counter.accept_commands().last()?.request.request_id;
                Input::Settled(ConfirmationSettled { request_id, settlement: settlement(verdict, validity) })
            }
            Event::Link(up) => Input::Link { up },
            Event::ReadsPhones(itself) => Input::ReadsPhones(itself),
            Event::PhonesReady(ready) => Input::PhonesReady(ready),
            Event::NfcReader(usable) => Input::NfcReader { usable },
            Event::Line(up) => Input::Line { up },
            Event::Staff(act, named) => Input::Staff(act, named.then(somebody)),
            Event::RehearsalOver => Input::RehearsalOver,
            Event::Wait => {
                let at = counter.visit.deadline()?;
                self.counter.now = self.counter.now.max(at);
                Input::DeadlinePassed(at)
            }
            Event::StaleDeadline => Input::DeadlinePassed(counter.now - SignedDuration::from_hours(1)),
            Event::Seconds(seconds) => {
                self.counter.seconds_pass(seconds);
                return None;
            }
        })
    }

    fn happens(&mut self, event: &Event) -> Result<(), TestCaseError> {
        let Some(input) = self.input(event) else { return Ok(()) };
        let before = self.counter.standing();
        let medium = self.counter.visit.in_progress().and_then(|visit| visit.medium);
        let touched = self.counter.kind();
        self.counter.give(input.clone());
        let after = self.counter.standing();
        let seen = &mut self.seen;

        match &input {
            Input::Touch { choice, .. } if before == Step::LastTry && choice == "yes" && after != before => {
                seen.said_yes_to_last_try = touched == ScreenKind::LastTry;
            }
            // A lane that rehearses takes either for the same.
            Input::Accepted { answer: Ok(Accepted::Accepted | Accepted::AlreadySettled(_)), .. } => {
                seen.accepted |= before == Step::Confirming
            }
            Input::Read { ask, answer } if seen.read_open == Some(*ask) => {
                seen.read_open = None;
                let spent = matches!(
                    answer,
                    Ok(ReadOutcome::Signed { .. } | ReadOutcome::WrongPin { .. } | ReadOutcome::PinNotHeld)
                );
                seen.pin_held = seen.pin_held.filter(|_| !spent);
            }
            _ => {}
        }
        let expired_now = match &input {
            Input::Authenticated { answer: Ok(Authenticated::Verdict(verdict)), .. } => {
                seen.centre_confirmed |= before == Step::Authenticating && *verdict == Verdict::Confirmed;
                before == Step::Authenticating && *verdict == Verdict::Expired
            }
            Input::Settled(settled) => {
                before == Step::Confirming && settled.settlement.verdict == Verdict::Expired
            }
            Input::Accepted { answer: Ok(Accepted::AlreadySettled(settlement)), .. }
            | Input::Standing { answer: Ok(ConfirmationStanding::Settled(settlement)), .. } => {
                before == Step::Confirming && after != before && settlement.verdict == Verdict::Expired
            }
            _ => false,
        };
        seen.phone_expired |= expired_now && after == Step::Fallback && medium.is_some_and(Medium::is_phone);
        let proven_or_deferred = match &input {
            Input::Authenticated { answer, .. } => matches!(
                answer,
                Ok(Authenticated::Verdict(Verdict::Confirmed) | Authenticated::LineDown) | Err(Unanswered)
            ),
            Input::DeadlinePassed(_) => true,
            _ => false,
        };
        let settled_confirmed = match &input {
            Input::Settled(settled) => settled.settlement.verdict == Verdict::Confirmed,
            Input::Accepted { answer: Ok(Accepted::AlreadySettled(settlement)), .. }
            | Input::Standing { answer: Ok(ConfirmationStanding::Settled(settlement)), .. } => {
                settlement.verdict == Verdict::Confirmed
            }
            _ => false,
        };

        let moment = Moment { input: input.clone(), before, proven_or_deferred, settled_confirmed };
        for act in self.counter.acts.clone() {
            self.judge(&act, &moment)?;
            (self.claim)(&act, &self.seen, &moment)?;
        }
        if let Input::Staff(StaffAct::SettleByFallback(Fallback::PortalScreen), by) = input {
            let done = self.counter.acts.contains(&Act::StaffAnswered(StaffActed::Done));
            prop_assert!(!done || by.is_some(), "R-24: nobody answers for the portal's screen");
        }
        if after == Step::Idle {
            prop_assert_eq!(self.seen.read_open, None, "a read goes on without a visit");
            prop_assert_eq!(self.seen.pin_held, None, "a PIN outlives its visit");
            prop_assert!(before == Step::Idle || self.seen.ended == 1, "one visit, one outcome");
        } else {
            prop_assert!(self.counter.visit.deadline().is_some(), "no deadline in {:?}", after);
        }
        Ok(())
    }

    /// What every visit is held to.
    fn judge(&mut self, act: &Act, moment: &Moment) -> Result<(), TestCaseError> {
        let seen = &mut self.seen;
        let Moment { before, settled_confirmed, .. } = *moment;
        match act {
            Act::Record(Entry::VisitStarted) => {
                prop_assert!(self.counter.visit.rehearsal().is_none(), "a patient in a rehearsal");
                *seen = Seen::default();
            }
            Act::Record(Entry::PracticeStarted) => {
                prop_assert!(self.counter.visit.rehearsal().is_some(), "practice without a rehearsal");
                *seen = Seen { practice: true, ..Seen::default() };
            }
            Act::Show(screen) => {
                prop_assert!(screen.number > self.last_number, "screens are numbered upwards");
                self.last_number = screen.number;
                if screen.visit.is_some() {
                    prop_assert_eq!(screen.practice, seen.practice, "every screen of practice says so");
                }
                let done = matches!(screen.kind, ScreenKind::Done | ScreenKind::DoneNotValid);
                prop_assert!(
                    !done || settled_confirmed || before == Step::Done,
                    "done without a confirmation"
                );
                let deferred = screen.kind == ScreenKind::Deferred;
                prop_assert!(!deferred || seen.accepted, "deferred, and nobody accepted it");
                prop_assert!(screen.render().text.chars().count() <= MAX_TEXT);
            }
            Act::Read { ask, command } => {
                prop_assert!(seen.read_open.is_none(), "two reads at once");
                seen.read_open = Some(*ask);
                prop_assert!(
                    !command.last_try_allowed || seen.said_yes_to_last_try,
                    "the last try without a yes"
                );
            }
            Act::ReadSlot { last_try_allowed, .. } => {
                prop_assert!(!last_try_allowed || seen.said_yes_to_last_try, "the last try without a yes");
            }
            // Another proof needs a verdict of its own.
            Act::Authenticate { .. } => {
                prop_assert!(!seen.practice, "the centre is asked about practice");
                seen.centre_confirmed = false;
            }
            Act::Accept { command, .. } => {
                prop_assert_eq!(command.practice, seen.practice, "practice and patients are told apart");
            }
            Act::CancelRead => seen.read_open = None,
            Act::HoldPin { command, .. } => seen.pin_held = Some(command.job),
            Act::DropPin { job } => seen.pin_held = seen.pin_held.filter(|held| held != job),
            Act::Ended(end) => {
                seen.ended += 1;
                let practised = *end == VisitEnd::Practised;
                prop_assert_eq!(
                    practised,
                    seen.practice,
                    "R-28: practice ends as practice and nothing else does"
                );
                let deferred = *end == VisitEnd::Deferred;
                prop_assert!(!deferred || seen.accepted, "deferred, and nobody accepted it");
            }
            _ => {}
        }
        Ok(())
    }
}

/// Plays the events at a counter, then lets everybody go and the next patient come; `claim` and all that every visit is
/// held to must hold at each act.
fn play(events: &[Event], claim: Claim) -> Result<(), TestCaseError> {
    let mut observer = Observer::holding(claim);
    for event in events {
        observer.happens(event)?;
    }
    // Everybody has gone: the deadlines alone bring the lane back.
    for _ in 0..8 {
        if observer.counter.standing() == Step::Idle {
            break;
        }
        observer.happens(&Event::Wait)?;
    }
    prop_assert_eq!(observer.counter.standing(), Step::Idle);
    // And the next patient is served.
    for input in [Input::Link { up: true }, Input::SlotCard { present: false }] {
        observer.counter.give(input);
    }
    observer.counter.give(Input::RehearsalOver);
    observer.counter.touch("use_card");
    prop_assert!(!observer.counter.shown().practice, "a rehearsal outlives its end");
    prop_assert_eq!(observer.counter.standing(), Step::FaceOrPin);
    Ok(())
}

fn any_events() -> impl Strategy<Value = Vec<Event>> {
    prop::collection::vec(event(), 1..120)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_sequence_comes_back_to_idle_and_serves_the_next_patient(events in any_events()) {
        play(&events, |_, _, _| Ok(()))?;
    }

    #[test]
    fn r18_no_sequence_asks_for_a_pin_from_an_iphone(events in any_events()) {
        play(&events, claims::no_pin_from_an_iphone)?;
    }

    #[test]
    fn r31_no_sequence_offers_the_portal_to_an_expired_phone(events in any_events()) {
        play(&events, claims::no_portal_for_an_expired_phone)?;
    }

    #[test]
    fn r21_no_sequence_asks_consent_before_authentication(events in any_events()) {
        play(&events, claims::no_consent_before_authentication)?;
    }

    #[test]
    fn r28_no_sequence_counts_an_unconfirmed_visit_or_practice(events in any_events()) {
        play(&events, claims::nothing_unconfirmed_is_counted)?;
    }

    #[test]
    fn no_sequence_leaves_a_screen_without_a_way_forward(events in any_events()) {
        play(&events, claims::a_way_forward_from_every_screen)?;
    }
}

/// The properties above would mean little if their sequences never got far.
#[test]
fn the_sequences_reach_every_screen_and_every_end() {
    let mut runner = TestRunner::deterministic();
    let (mut screens, mut ends) = (HashSet::new(), HashSet::new());
    for _ in 0..400 {
        let events = prop::collection::vec(event(), 120).new_tree(&mut runner).unwrap().current();
        let mut observer = Observer::holding(|_, _, _| Ok(()));
        for event in &events {
            observer.happens(event).unwrap();
        }
        ends.extend(observer.counter.ends());
        screens.extend(observer.counter.all.iter().filter_map(|act| match act {
            Act::Show(screen) => Some(screen.kind.name()),
            _ => None,
        }));
    }
    // All but out_of_service, after which nothing comes.
    assert_eq!(screens.len(), 22, "{screens:?}");
    for end in [
        VisitEnd::Confirmed,
        VisitEnd::Deferred,
        VisitEnd::NotConfirmed(Verdict::Expired),
        VisitEnd::Fallback(Fallback::PortalScreen),
        VisitEnd::Abandoned,
        VisitEnd::TakenOver,
        VisitEnd::Interrupted,
        VisitEnd::Practised,
    ] {
        assert!(ends.contains(&end), "{end:?} in {ends:?}");
    }
}
