//! A counter to test at: feeds a visit, keeps what it wanted done, and plays the well-behaved others.
#![allow(dead_code)] // Each test file uses its part.
#![allow(clippy::unwrap_used)] // A failed unwrap is a failed test, in helpers too.

use jiff::{SignedDuration, Timestamp};
use madoguchi_protocol::{
    LaneId, PersonId, RequestId, VisitId,
    device::SlotResult,
    eligibility::{Validity, Verdict},
    evidence::{Medium, VerifiedBy},
    fault::FaultCode,
    messages::{
        audit_log::{StaffAct, Step, VisitEnd},
        face_reader::StaffActed,
        nfc_reader::{ReadMedium, ReadOutcome},
        offline_queue::{Accepted, ConfirmationSettled, Settlement},
        pin_session::{PinHeld, PinJobOpened},
        uplink::Authenticated,
    },
    pin::{PinJob, PublicKey, SealedPin},
    texts::Language,
};
use madoguchi_reception::{
    Act, Ask, Deadlines, Fresh, Input, Notice, Premises, ScreenKind, ScreenSpec, Visit,
};

pub const JOB: PinJob = PinJob(7);

/// A member of staff.
pub fn somebody() -> PersonId {
    PersonId::from_bytes([7; 16])
}

pub struct Counter {
    pub visit: Visit,
    pub now: Timestamp,
    pub steps: u8,
    /// What the last input led to.
    pub acts: Vec<Act>,
    /// All that was ever wanted.
    pub all: Vec<Act>,
    pub screen: Option<ScreenSpec>,
    pub ask: Option<Ask>,
}

pub fn premises() -> Premises {
    Premises { institution: "1234567890".into(), terminal: "T01".into(), lane: LaneId::new(3).unwrap() }
}

pub fn sealed() -> SealedPin {
    SealedPin { encapsulated: vec![1; 32], ciphertext: vec![2; 20] }
}

pub fn opened(job: PinJob) -> PinJobOpened {
    PinJobOpened { job, public_key: PublicKey([5; 32]) }
}

pub fn signed(medium: Medium) -> ReadOutcome {
    ReadOutcome::Signed { medium, certificate: vec![0x30, 0x82], signature: vec![9; 256] }
}

pub fn slot_signed(verified_by: VerifiedBy) -> SlotResult {
    SlotResult::Signed { verified_by, certificate: vec![0x30, 0x82], signature: vec![9; 256] }
}

pub fn settlement(verdict: Verdict, validity: Option<Validity>) -> Settlement {
    Settlement { verdict, validity, deferred: false }
}

impl Counter {
    /// A lane with everything in order, showing its idle screen.
    pub fn ready() -> Self {
        let mut counter = Self {
            visit: Visit::new(premises(), Deadlines::default(), Language::Ja),
            now: "2026-01-15T01:00:00Z".parse().unwrap(),
            steps: 0,
            acts: Vec::new(),
            all: Vec::new(),
            screen: None,
            ask: None,
        };
        counter.give(Input::Line { up: true });
        counter.give(Input::NfcReader { usable: true });
        counter.give(Input::PhonesReady(true));
        counter.give(Input::Link { up: true });
        counter
    }

    pub fn give(&mut self, input: Input) -> &mut Self {
        self.steps = self.steps.wrapping_add(1);
        let fresh = Fresh {
            visit: VisitId::from_bytes([self.steps; 16]),
            request: RequestId::from_bytes([self.steps ^ 0xff; 16]),
            nonce: [self.steps; 16],
        };
        let outputs = self.visit.step(input, self.now, fresh);
        self.acts = outputs.into_iter().map(|output| output.act).collect();
        for act in &self.acts {
            match act {
                Act::Show(screen) => self.screen = Some(screen.clone()),
                Act::OpenPinJob { ask }
                | Act::HoldPin { ask, .. }
                | Act::Read { ask, .. }
                | Act::Authenticate { ask, .. }
                | Act::Accept { ask, .. }
                | Act::AskConfirmation { ask, .. } => self.ask = Some(*ask),
                _ => {}
            }
        }
        self.all.extend(self.acts.iter().cloned());
        self
    }

    pub fn shown(&self) -> &ScreenSpec {
        self.screen.as_ref().unwrap()
    }

    pub fn kind(&self) -> ScreenKind {
        self.shown().kind
    }

    pub fn offers(&self, id: &str) -> bool {
        self.shown().choices.iter().any(|choice| choice.id() == id)
    }

    pub fn says(&self, fault: FaultCode) -> bool {
        self.shown().notice == Some(Notice::Fault(fault))
            || matches!(self.kind(), ScreenKind::Fallback { reason, .. } if reason == fault)
    }

    /// Touches a choice that the present screen offers.
    pub fn touch(&mut self, id: &str) -> &mut Self {
        assert!(self.offers(id), "{id} on {:?}", self.shown());
        let screen = self.shown().number;
        self.give(Input::Touch { screen, choice: id.into() })
    }

    pub fn touches(&mut self, ids: &[&str]) -> &mut Self {
        for id in ids {
            self.touch(id);
        }
        self
    }

    pub fn last_ask(&self) -> Ask {
        self.ask.unwrap()
    }

    pub fn id(&self) -> VisitId {
        self.visit.in_progress().unwrap().visit
    }

    /// The job is opened, the digits come sealed, and are held.
    pub fn types_pin(&mut self) -> &mut Self {
        let ask = self.last_ask();
        self.give(Input::PinJob { ask, answer: Ok(opened(JOB)) });
        let screen = self.shown().number;
        self.give(Input::PinSealed { screen, job: JOB, sealed: sealed() });
        let ask = self.last_ask();
        self.give(Input::PinHeld { ask, answer: Ok(PinHeld::Held) })
    }

    pub fn read(&mut self, outcome: ReadOutcome) -> &mut Self {
        let ask = self.last_ask();
        self.give(Input::Read { ask, answer: Ok(outcome) })
    }

    pub fn slot(&mut self, result: SlotResult) -> &mut Self {
        let visit = self.id();
        self.give(Input::Slot { visit, result })
    }

    pub fn verdict(&mut self, verdict: Verdict) -> &mut Self {
        self.authenticated(Authenticated::Verdict(verdict))
    }

    pub fn authenticated(&mut self, answer: Authenticated) -> &mut Self {
        let ask = self.last_ask();
        self.give(Input::Authenticated { ask, answer: Ok(answer) })
    }

    pub fn accepted(&mut self, answer: Accepted) -> &mut Self {
        let ask = self.last_ask();
        self.give(Input::Accepted { ask, answer: Ok(answer) })
    }

    pub fn settled(&mut self, verdict: Verdict, validity: Option<Validity>) -> &mut Self {
        let request_id = self.accept_commands().last().unwrap().request.request_id;
        self.give(Input::Settled(ConfirmationSettled {
            request_id,
            settlement: settlement(verdict, validity),
        }))
    }

    /// The timer of the present state runs out.
    pub fn waits(&mut self) -> &mut Self {
        let at = self.visit.deadline().unwrap();
        self.now = self.now.max(at);
        self.give(Input::DeadlinePassed(at))
    }

    pub fn seconds_pass(&mut self, seconds: i64) -> &mut Self {
        self.now += SignedDuration::from_secs(seconds);
        self
    }

    /// A named member of staff acts.
    pub fn staff(&mut self, act: StaffAct) -> StaffActed {
        self.staff_by(act, Some(somebody()))
    }

    pub fn staff_by(&mut self, act: StaffAct, by: Option<PersonId>) -> StaffActed {
        self.give(Input::Staff(act, by));
        let answers: Vec<_> = self
            .acts
            .iter()
            .filter_map(|act| match act {
                Act::StaffAnswered(answer) => Some(*answer),
                _ => None,
            })
            .collect();
        assert_eq!(answers.len(), 1, "each staff act is answered once");
        answers[0]
    }

    pub fn standing(&self) -> Step {
        self.visit.standing()
    }

    pub fn ends(&self) -> Vec<VisitEnd> {
        self.all
            .iter()
            .filter_map(|act| match act {
                Act::Ended(end) => Some(*end),
                _ => None,
            })
            .collect()
    }

    pub fn reads(&self) -> Vec<ReadMedium> {
        self.all
            .iter()
            .filter_map(|act| match act {
                Act::Read { command, .. } => Some(command.clone()),
                _ => None,
            })
            .collect()
    }

    pub fn accept_commands(&self) -> Vec<madoguchi_protocol::messages::offline_queue::AcceptConfirmation> {
        self.all
            .iter()
            .filter_map(|act| match act {
                Act::Accept { command, .. } => Some(command.clone()),
                _ => None,
            })
            .collect()
    }

    pub fn wanted(&self, act: &Act) -> bool {
        self.acts.contains(act)
    }

    /// An Android phone up to the centre's verdict.
    pub fn android_until_authenticating() -> Self {
        let mut counter = Self::ready();
        counter.touches(&["use_phone", "android"]).types_pin().read(signed(Medium::Android));
        counter
    }

    /// An iPhone up to the holding.
    pub fn iphone_until_holding() -> Self {
        let mut counter = Self::ready();
        counter.touches(&["use_phone", "iphone", "continue"]);
        counter
    }

    /// An Android phone up to consent.
    pub fn android_until_consent() -> Self {
        let mut counter = Self::android_until_authenticating();
        counter.verdict(Verdict::Confirmed);
        counter
    }

    /// An Android phone up to the queue's *accepted*.
    pub fn android_until_settling() -> Self {
        let mut counter = Self::android_until_consent();
        counter.touch("agree_all").accepted(Accepted::Accepted);
        counter
    }
}
