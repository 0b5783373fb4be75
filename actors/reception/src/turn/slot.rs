//! What the face-auth reader reads itself, with a PIN pad and a camera of its own: the card in its slot, and, where its
//! maker's readers take phones, the phone held over it.

use super::Turn;
use crate::{
    output::Act,
    place::{LastTryOf, Phone, PinMedium, Place, Proof},
    screen::Notice,
    visit::State,
};
use madoguchi_protocol::{
    VisitId,
    device::{SlotMethod, SlotResult},
    evidence::{Evidence, Medium, VerifiedBy},
    fault::FaultCode,
    messages::audit_log::Entry,
};

impl Turn<'_> {
    /// By the slot: at once where a card is in it, else the patient is asked to put one in.
    pub(super) fn by_slot(&mut self, method: SlotMethod) {
        if self.lane.surroundings.slot_card {
            self.read_slot(method, false);
        } else {
            self.go(Place::InsertCard { method }, None);
        }
    }

    /// A card's PIN: on the slot's own pad where the card is in it; else for the generic reader, where
    /// there is one.
    pub(super) fn card_pin(&mut self) {
        let facts = self.lane.surroundings;
        if facts.nfc_usable && !facts.slot_card {
            self.open_pad(PinMedium::Card, false, None);
        } else {
            self.by_slot(SlotMethod::Pin);
        }
    }

    pub(super) fn insert_card_instead(&mut self) {
        self.go(Place::InsertCard { method: SlotMethod::Pin }, Some(Notice::UseSlot));
    }

    pub(super) fn read_slot(&mut self, method: SlotMethod, last_try_allowed: bool) {
        let Some(visit) = self.session().map(|session| session.visit) else { return };
        let attempt = self.new_attempt(visit);
        let statement = attempt.statement.clone();
        self.go(Place::ReadingSlot { method, attempt }, None);
        self.act(Act::ReadSlot { visit, method, statement, last_try_allowed });
    }

    pub(super) fn slot_card(&mut self, present: bool) {
        let changed = self.lane.surroundings.slot_card != present;
        self.lane.surroundings.slot_card = present;
        if !changed {
            return;
        }
        match &self.lane.state {
            State::Idle if present => {
                self.begin(self.lane.language, Place::FaceOrPin);
                self.choose(Medium::MyNumberCard);
            }
            State::Idle => self.show(),
            State::Visiting(_) if present => self.card_inserted(),
            State::Visiting(session) if matches!(session.place, Place::Done { .. } | Place::Deferred) => {
                // "Take your card" has been heeded.
                self.show();
            }
            State::Visiting(_) | State::Stopped { .. } => {}
        }
    }

    fn card_inserted(&mut self) {
        match self.place() {
            Some(Place::InsertCard { method }) => self.read_slot(*method, false),
            // The PIN typed for the generic reader can't be given to the slot; its own pad asks.
            Some(Place::EnterPin { medium: PinMedium::Card, .. }) => self.read_slot(SlotMethod::Pin, false),
            Some(Place::HoldMedium { hold, .. } | Place::HoldHint { hold })
                if hold.medium() == Medium::MyNumberCard =>
            {
                self.read_slot(SlotMethod::Pin, false);
            }
            Some(Place::HoldMedium { hold, .. }) => {
                let wrong = Place::WrongMedium { hold: *hold, found: Medium::MyNumberCard };
                self.go(wrong, Some(Notice::Fault(FaultCode::WrongMedium)));
            }
            Some(
                Place::ChooseMedium
                | Place::ChoosePhone
                | Place::PhoneAuthenticates
                | Place::EnterPin { .. }
                | Place::HoldHint { .. }
                | Place::WrongMedium { .. },
            ) => self.card(),
            Some(Place::Fallback { offers, .. }) if offers.card => self.card(),
            _ => {}
        }
    }

    pub(super) fn slot_answered(&mut self, visit: VisitId, result: SlotResult) {
        let Some(session) = self.session_mut().filter(|session| session.visit == visit) else { return };
        if result == SlotResult::Cancelled && std::mem::take(&mut session.slot_owes_cancelled) {
            return;
        }
        let Place::ReadingSlot { method, attempt } = &session.place else { return };
        let (method, attempt) = (*method, attempt.clone());
        session.running = None;
        session.slot_owes_cancelled = false;
        let is = |phone: Phone| method == phone.method();
        match result {
            SlotResult::Signed { verified_by, certificate, signature } if verified_by == verified(method) => {
                let (medium, statement) = (method.medium(), attempt.statement);
                session.medium = Some(medium);
                let evidence = Evidence { medium, verified_by, statement, certificate, signature };
                self.authenticate(Proof { request_id: attempt.request_id, evidence });
            }
            // A reader that verified otherwise than it was asked to proves nothing.
            SlotResult::Signed { .. } | SlotResult::NotReadable => {
                self.stumble(FaultCode::Unreadable, Place::before(method));
            }
            // What can't come of this method is no answer to it: an iPhone was never given a PIN, a phone has
            // no face to compare, a card no holder who authenticates on it.
            SlotResult::WrongPin { .. } | SlotResult::LastTry | SlotResult::Locked if is(Phone::Iphone) => {
                self.stumble(FaultCode::Unreadable, Place::before(method));
            }
            SlotResult::FaceMismatch if method.medium().is_phone() => {
                self.stumble(FaultCode::Unreadable, Place::before(method));
            }
            SlotResult::HolderNotAuthorised if !is(Phone::Iphone) => {
                self.stumble(FaultCode::Unreadable, Place::before(method));
            }
            SlotResult::HolderNotAuthorised => {
                self.stumble(FaultCode::HolderNotAuthorised, Place::PhoneAuthenticates);
            }
            SlotResult::FaceMismatch => {
                self.go(Place::FaceOrPin, Some(Notice::Fault(FaultCode::FaceMismatch)));
            }
            SlotResult::WrongPin { tries_left } => {
                self.record(Entry::PinRefused);
                match tries_left {
                    0 => self.fall_back(FaultCode::PinLocked, None),
                    1 => self.go(Place::LastTry(LastTryOf::Slot(method)), Some(Notice::TriesLeft(1))),
                    more => self.go(Place::before(method), Some(Notice::TriesLeft(more))),
                }
            }
            SlotResult::LastTry => {
                let last = Place::LastTry(LastTryOf::Slot(method));
                self.go(last, Some(Notice::Fault(FaultCode::LastPinTry)));
            }
            SlotResult::Locked => self.fall_back(FaultCode::PinLocked, None),
            SlotResult::CardRemoved => self.stumble(FaultCode::ReadTorn, Place::before(method)),
            SlotResult::OldResidentCard => self.fall_back(FaultCode::OldResidentCard, None),
            SlotResult::Cancelled if method.medium().is_phone() => self.go(Place::ChoosePhone, None),
            SlotResult::Cancelled => self.go(Place::FaceOrPin, None),
        }
    }
}

const fn verified(method: SlotMethod) -> VerifiedBy {
    match method {
        SlotMethod::Face => VerifiedBy::Face,
        SlotMethod::Pin | SlotMethod::Android => VerifiedBy::Pin,
        SlotMethod::Iphone => VerifiedBy::Device,
        SlotMethod::Staff => VerifiedBy::Staff,
    }
}
