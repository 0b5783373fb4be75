//! One step of a visit: what every kind of input has in common.

mod confirming;
mod lane;
mod late;
mod reading;
mod rehearsal;
mod slot;
mod touch;

use crate::{
    choice::Choice,
    fallback::Offers,
    input::Input,
    output::{Act, Ask, Output},
    place::{Place, Running, Stage},
    screen::{Notice, ScreenKind, ScreenSpec},
    statement::{Attempt, Fresh},
    visit::{Session, State, Visit},
};
use jiff::{SignedDuration, Timestamp};
use madoguchi_protocol::{
    VisitId,
    eligibility::Verdict,
    evidence::Medium,
    fault::{FaultCode, Scope},
    messages::audit_log::{Entry, Step, VisitEnd},
    pin::PinJob,
    texts::Language,
};

/// Failed reads after which no further try is offered: the first and two more.
const MAX_FAILURES: u8 = 3;

/// One input being worked on.
pub(crate) struct Turn<'v> {
    lane: &'v mut Visit,
    now: Timestamp,
    fresh: Fresh,
    out: Vec<Output>,
}

impl<'v> Turn<'v> {
    pub(crate) fn new(lane: &'v mut Visit, now: Timestamp, fresh: Fresh) -> Self {
        Self { lane, now, fresh, out: Vec::new() }
    }

    pub(crate) fn run(mut self, input: Input) -> Vec<Output> {
        match input {
            Input::Touch { screen, choice } => self.touch(screen, &choice),
            Input::PinSealed { screen, job, sealed } => self.pin_sealed(screen, job, sealed),
            Input::PinJob { ask, answer } => self.pin_job(ask, answer),
            Input::PinHeld { ask, answer } => self.pin_held(ask, answer),
            Input::Progress { visit, progress } => self.progress(visit, progress),
            Input::Read { ask, answer } => self.read_answered(ask, answer),
            Input::SlotCard { present } => self.slot_card(present),
            Input::Slot { visit, result } => self.slot_answered(visit, result),
            Input::Authenticated { ask, answer } => self.authenticated(ask, answer),
            Input::Accepted { ask, answer } => self.accepted(ask, answer),
            Input::Standing { ask, answer } => self.confirmation_standing(ask, answer),
            Input::Settled(settled) => self.settled(settled),
            Input::Link { up } => self.link(up),
            Input::PhonesReady(ready) => self.phones_ready(ready),
            Input::ReadsPhones(itself) => self.lane.surroundings.reads_phones = itself,
            Input::NfcReader { usable } => self.nfc_reader(usable),
            Input::Line { up } => self.lane.surroundings.line_up = up,
            Input::Staff(act, by) => self.staff(act, by),
            Input::RehearsalOver => self.end_rehearsal(),
            Input::DeadlinePassed(at) => self.deadline_passed(at),
            Input::Stopping => self.stop(),
        }
        self.out
    }

    fn session(&self) -> Option<&Session> {
        match &self.lane.state {
            State::Visiting(session) => Some(session),
            State::Idle | State::Stopped { .. } => None,
        }
    }

    fn session_mut(&mut self) -> Option<&mut Session> {
        match &mut self.lane.state {
            State::Visiting(session) => Some(session),
            State::Idle | State::Stopped { .. } => None,
        }
    }

    fn place(&self) -> Option<&Place> {
        self.session().map(|session| &session.place)
    }

    fn act(&mut self, act: Act) {
        let visit = self.session().map(|session| session.visit);
        self.out.push(Output { visit, act });
    }

    fn record(&mut self, entry: Entry) {
        self.act(Act::Record(entry));
    }

    fn next_ask(&mut self) -> Ask {
        self.lane.last_ask = self.lane.last_ask.wrapping_add(1);
        Ask(self.lane.last_ask)
    }

    fn new_attempt(&self, visit: VisitId) -> Attempt {
        Attempt::new(&self.lane.premises, visit, &self.fresh, self.now)
    }

    /// A patient is here.
    fn begin(&mut self, language: Language, place: Place) {
        let practice = self.lane.rehearsal.is_some();
        self.lane.state = State::Visiting(Box::new(Session {
            visit: self.fresh.visit,
            practice,
            language,
            place: place.clone(),
            notice: None,
            step: None,
            since: self.now,
            medium: None,
            trouble: None,
            failures: 0,
            card_failed: false,
            phone_expired: false,
            job: None,
            running: None,
            slot_owes_cancelled: false,
            ended: None,
        }));
        self.record(if practice { Entry::PracticeStarted } else { Entry::VisitStarted });
        self.go(place, None);
    }

    /// Moves the visit: gives back what the new place does not want, records the step, shows the screen,
    /// sets the deadline. `notice` is what the new screen says first.
    fn go(&mut self, place: Place, notice: Option<Notice>) {
        let now = self.now;
        self.give_back(place.job(), place.reads());
        let step = place.step();
        let Some(session) = self.session_mut() else { return };
        session.place = place;
        session.notice = notice;
        if let Some(Notice::Fault(fault)) = notice {
            session.trouble = Some(fault);
        }
        if session.step != Some(step) {
            session.step = Some(step);
            session.since = now;
            self.record(Entry::Step(step));
        }
        self.show();
        self.begin_limit();
    }

    /// Drops the PIN job and cancels the reading, unless these are still wanted.
    fn give_back(&mut self, job: Option<PinJob>, running: Option<Running>) {
        let Some(session) = self.session_mut() else { return };
        let dropped = session.job.filter(|held| job != Some(*held));
        let cancelled = session.running.filter(|_| session.running != running);
        session.job = job;
        session.running = running;
        let visit = session.visit;
        if cancelled == Some(Running::Slot) {
            session.slot_owes_cancelled = true;
        }
        match cancelled {
            Some(Running::Generic) => self.act(Act::CancelRead),
            Some(Running::Slot) => self.act(Act::CancelSlot { visit }),
            None => {}
        }
        if let Some(job) = dropped {
            self.act(Act::DropPin { job });
        }
    }

    /// Shows the present screen anew, under a new number.
    fn show(&mut self) {
        let facts = self.lane.surroundings;
        let take_card = facts.slot_card.then_some(Notice::TakeCard);
        let (kind, language, notice, choices, pin_pad, visit) = match &self.lane.state {
            State::Idle => {
                let phone = facts.phones_ready.then_some(Choice::UsePhone);
                let choices = phone.into_iter().chain([Choice::UseCard, Choice::Language]).collect();
                (ScreenKind::Idle, self.lane.language, take_card, choices, None, None)
            }
            State::Stopped { interrupted } => {
                let notice = interrupted.then_some(Notice::Fault(FaultCode::Interrupted));
                (ScreenKind::OutOfService, self.lane.language, notice, Vec::new(), None, None)
            }
            State::Visiting(session) => {
                // Where the screen before still serves, it is left alone.
                let Some(kind) = session.place.screen() else { return };
                let over = matches!(session.place, Place::Done { .. } | Place::Deferred);
                let notice = session.notice.or(take_card.filter(|_| over));
                let choices = session.place.choices(facts.phones_ready);
                (kind, session.language, notice, choices, session.place.pin_pad(), Some(session.visit))
            }
        };
        self.lane.last_screen = self.lane.last_screen.wrapping_add(1);
        let number = self.lane.last_screen;
        let practice = self.is_practice();
        self.act(Act::Show(ScreenSpec { number, kind, language, practice, notice, choices, pin_pad, visit }));
    }

    /// Begins the present place's limit anew.
    fn begin_limit(&mut self) {
        let Some(place) = self.place() else { return };
        let limit = SignedDuration::from_secs(place.limit(&self.lane.deadlines).into());
        // At the end of time itself there is no later instant; then the deadline has passed already.
        let at = self.now.checked_add(limit).unwrap_or(self.now);
        self.lane.deadline = Some(at);
        self.act(Act::SetDeadline(at));
    }

    /// The outcome stands; the last screen stays.
    fn conclude(&mut self, end: VisitEnd) {
        let Some(session) = self.session_mut() else { return };
        let end = if session.practice { VisitEnd::Practised } else { end };
        if session.ended.is_none() {
            session.ended = Some(end);
            self.record(Entry::VisitEnded(end));
            self.act(Act::Ended(end));
        }
    }

    /// Ends the visit: with the outcome that stands, or else with what the place means, or else with `end`.
    fn end(&mut self, end: VisitEnd) {
        self.end_quietly(end);
        self.show();
    }

    /// The same, leaving the screen to the caller.
    fn end_quietly(&mut self, end: VisitEnd) {
        let Some(place) = self.place() else { return };
        let end = match place {
            // Accepted is accepted: the centre will be asked whatever happens here.
            Place::Confirming { stage: Stage::Settling | Stage::Asking { .. }, .. } => VisitEnd::Deferred,
            Place::Fallback { verdict: Some(verdict), .. } if !is_settled_otherwise(end) => {
                VisitEnd::NotConfirmed(*verdict)
            }
            // Whoever was sent to staff did not walk away.
            Place::Fallback { .. } | Place::TakenOver if !is_settled_otherwise(end) => VisitEnd::TakenOver,
            _ => end,
        };
        self.conclude(end);
        self.give_back(None, None);
        self.record(Entry::Step(Step::Idle));
        self.lane.state = State::Idle;
        self.lane.deadline = None;
    }

    /// A read failed: a hint or the question before it and another try, then the fallbacks.
    fn stumble(&mut self, fault: FaultCode, again: Place) {
        let Some(session) = self.session_mut() else { return };
        session.failures = session.failures.saturating_add(1);
        if session.failures >= MAX_FAILURES {
            self.fall_back(fault, None);
        } else {
            self.go(again, Some(Notice::Fault(fault)));
        }
    }

    /// Another way is needed, and which ones there are.
    fn fall_back(&mut self, reason: FaultCode, verdict: Option<Verdict>) {
        let Some(session) = self.session_mut() else { return };
        // Who has not said yet which phone has a phone in hand.
        let by_phone = session.medium != Some(Medium::MyNumberCard);
        session.card_failed |= !by_phone;
        session.phone_expired |= by_phone && reason == FaultCode::CertificateExpired;
        session.trouble = Some(reason);
        // Where the box itself can't accept anything, the card would fail as well.
        let card = by_phone && !session.card_failed && reason.scope() != Scope::Box;
        let offers = Offers { card, portal: !session.phone_expired };
        self.go(Place::Fallback { reason, offers, verdict }, None);
    }

    /// A way begins: the failures of the way before do not count against it.
    fn choose(&mut self, medium: Medium) {
        if let Some(session) = self.session_mut() {
            session.medium = Some(medium);
            session.failures = 0;
        }
    }
}

/// Whether staff said how the visit was settled.
const fn is_settled_otherwise(end: VisitEnd) -> bool {
    matches!(end, VisitEnd::Fallback(_))
}
