//! The visit of one lane, one patient after the other.

use crate::{
    deadlines::Deadlines,
    input::Input,
    output::Output,
    place::{Place, Running},
    screen::Notice,
    statement::{Fresh, Premises},
    turn::Turn,
};
use jiff::Timestamp;
use madoguchi_protocol::{
    VisitId,
    evidence::Medium,
    fault::FaultCode,
    messages::{
        audit_log::{Step, VisitEnd},
        state::VisitInProgress,
    },
    pin::PinJob,
    texts::Language,
};

/// The visit of a lane: a pure state machine that lives as long as the lane and is idle between patients.
///
/// Every state has a deadline, so that a patient who walks away never blocks the counter, and an answer to
/// every input; an input that answers something which is over changes nothing.
#[derive(Debug)]
pub struct Visit {
    pub(crate) premises: Premises,
    pub(crate) deadlines: Deadlines,
    /// Of the idle screen; a patient may choose another for one visit.
    pub(crate) language: Language,
    pub(crate) surroundings: Surroundings,
    /// Since when staff have been rehearsing an outage here: who comes now comes for practice.
    pub(crate) rehearsal: Option<Timestamp>,
    pub(crate) last_screen: u32,
    pub(crate) last_ask: u32,
    pub(crate) deadline: Option<Timestamp>,
    pub(crate) state: State,
}

/// What is known of the lane outside any visit.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Surroundings {
    pub(crate) phones_ready: bool,
    pub(crate) nfc_usable: bool,
    /// The face-auth reader takes phones itself.
    pub(crate) reads_phones: bool,
    pub(crate) line_up: bool,
    pub(crate) slot_card: bool,
}

#[derive(Debug)]
pub(crate) enum State {
    /// Nobody is here.
    Idle,
    /// A patient is.
    Visiting(Box<Session>),
    /// The gateway stops; for a visit that was cut short, or not.
    Stopped { interrupted: bool },
}

/// What lasts through one visit.
#[derive(Debug)]
pub(crate) struct Session {
    pub(crate) visit: VisitId,
    /// It began while the lane rehearsed: it goes the deferred way, and its only end is that it was practice.
    pub(crate) practice: bool,
    pub(crate) language: Language,
    pub(crate) place: Place,
    pub(crate) notice: Option<Notice>,
    /// The step that was recorded last, and since when it lasts.
    pub(crate) step: Option<Step>,
    pub(crate) since: Timestamp,
    /// What the patient chose, or held in the end.
    pub(crate) medium: Option<Medium>,
    /// The last thing that went wrong, for staff.
    pub(crate) trouble: Option<FaultCode>,
    /// Failed reads of the present way.
    pub(crate) failures: u8,
    /// The card was tried and can't be the fallback any more.
    pub(crate) card_failed: bool,
    /// A phone of this visit has an expired certificate: no portal.
    pub(crate) phone_expired: bool,
    /// To be dropped when no place wants it any more.
    pub(crate) job: Option<PinJob>,
    /// To be cancelled when no place wants it any more.
    pub(crate) running: Option<Running>,
    /// A cancelled slot still owes its `Cancelled`, which must not end the next reading.
    pub(crate) slot_owes_cancelled: bool,
    /// The outcome, once it stands.
    pub(crate) ended: Option<VisitEnd>,
}

impl Visit {
    /// An idle lane. Nothing is shown before [`Input::Link`] says that there is a screen.
    pub fn new(premises: Premises, deadlines: Deadlines, language: Language) -> Self {
        Self {
            premises,
            deadlines,
            language,
            surroundings: Surroundings::default(),
            rehearsal: None,
            last_screen: 0,
            last_ask: 0,
            deadline: None,
            state: State::Idle,
        }
    }

    /// Takes one input and says what is to be done, in order. `fresh` must be new at each call.
    pub fn step(&mut self, input: Input, now: Timestamp, fresh: Fresh) -> Vec<Output> {
        Turn::new(self, now, fresh).run(input)
    }

    /// Where the visit stands.
    pub fn standing(&self) -> Step {
        match &self.state {
            State::Visiting(session) => session.place.step(),
            State::Idle | State::Stopped { .. } => Step::Idle,
        }
    }

    /// Whether 「スマートフォンを利用する」 is offered to who comes next.
    pub fn phones_offered(&self) -> bool {
        self.surroundings.phones_ready && !matches!(self.state, State::Stopped { .. })
    }

    /// Since when the lane has been rehearsing an outage.
    pub fn rehearsal(&self) -> Option<Timestamp> {
        self.rehearsal
    }

    /// When the present state ends by itself; none while idle.
    pub fn deadline(&self) -> Option<Timestamp> {
        self.deadline
    }

    /// The visit as staff see it.
    pub fn in_progress(&self) -> Option<VisitInProgress> {
        let State::Visiting(session) = &self.state else { return None };
        Some(VisitInProgress {
            visit: session.visit,
            step: session.place.step(),
            since: session.since,
            medium: session.medium,
            pin_job: session.place.job(),
            trouble: session.trouble,
            staff_may: session.staff_acts(self.surroundings.slot_card),
            practice: session.practice,
        })
    }
}
