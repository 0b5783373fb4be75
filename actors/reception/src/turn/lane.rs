//! What happens around a visit: links, readiness, staff, the gateway's stop.

use super::Turn;
use crate::{
    output::Act,
    place::{PinMedium, Place, Stage},
    visit::{Session, State},
};
use madoguchi_protocol::{
    PersonId,
    device::SlotMethod,
    evidence::Medium,
    fault::FaultCode,
    messages::{
        audit_log::{Entry, Fallback, StaffAct, VisitEnd},
        face_reader::StaffActed,
    },
};

/// What staff can do to a visit at all.
const STAFF_ACTS: [StaffAct; 7] = [
    StaffAct::TakeOver,
    StaffAct::Cancel,
    StaffAct::ConfirmPhoto,
    StaffAct::SettleByFallback(Fallback::MyNumberCard),
    StaffAct::SettleByFallback(Fallback::EligibilityCertificate),
    StaffAct::SettleByFallback(Fallback::PortalScreen),
    StaffAct::SettleByFallback(Fallback::SelfDeclaration),
];

impl Turn<'_> {
    pub(super) fn link(&mut self, up: bool) {
        if up {
            return self.show();
        }
        // The reader says anew what is in its slot when it comes back.
        self.lane.surroundings.slot_card = false;
        match self.place() {
            // What was agreed to is carried to its end without a screen.
            Some(Place::Confirming { .. } | Place::Done { .. } | Place::Deferred) | None => {}
            Some(_) => self.end(VisitEnd::Interrupted),
        }
    }

    /// The button comes and goes at once.
    pub(super) fn phones_ready(&mut self, ready: bool) {
        if self.lane.surroundings.phones_ready == ready {
            return;
        }
        self.lane.surroundings.phones_ready = ready;
        match self.place() {
            None if matches!(self.lane.state, State::Idle) => self.show(),
            Some(Place::ChooseMedium | Place::WrongMedium { .. }) => self.show(),
            // A phone that is being read already may still succeed; the others are spared the walk.
            Some(
                Place::ChoosePhone
                | Place::PhoneAuthenticates
                | Place::EnterPin { medium: PinMedium::Android, .. },
            ) if !ready => self.fall_back(FaultCode::NfcReaderLost, None),
            _ => {}
        }
    }

    pub(super) fn nfc_reader(&mut self, usable: bool) {
        self.lane.surroundings.nfc_usable = usable;
        if usable {
            return;
        }
        match self.place() {
            Some(Place::EnterPin { medium: PinMedium::Card, .. }) => self.insert_card_instead(),
            // A reader that was pulled looks like a torn read at first: no hint on holding helps then.
            Some(Place::HoldHint { hold }) if hold.reads_on_generic_reader() => {
                let medium = hold.medium();
                self.reader_lost(medium);
            }
            _ => {}
        }
    }

    pub(super) fn staff(&mut self, act: StaffAct, by: Option<PersonId>) {
        let answer = match by {
            _ if !self.staff_may(act) => StaffActed::NotNow,
            // Whoever looked at the portal's screen answers for it.
            None if act == StaffAct::SettleByFallback(Fallback::PortalScreen) => StaffActed::NotNamed,
            _ => StaffActed::Done,
        };
        if answer == StaffActed::Done {
            self.record(Entry::StaffActed(act, by));
        }
        self.act(Act::StaffAnswered(answer));
        if answer != StaffActed::Done {
            return;
        }
        match act {
            StaffAct::Cancel => self.end(VisitEnd::TakenOver),
            StaffAct::TakeOver => self.go(Place::TakenOver, None),
            StaffAct::ConfirmPhoto => {
                self.choose(Medium::MyNumberCard);
                self.read_slot(SlotMethod::Staff, false);
            }
            StaffAct::SettleByFallback(way) => self.end(VisitEnd::Fallback(way)),
            StaffAct::BeginRehearsal => self.begin_rehearsal(),
            StaffAct::EndRehearsal => self.end_rehearsal(),
        }
    }

    fn staff_may(&self, act: StaffAct) -> bool {
        match act {
            StaffAct::BeginRehearsal => return self.may_begin_rehearsal(),
            StaffAct::EndRehearsal => return self.lane.rehearsal.is_some(),
            _ => {}
        }
        let slot_card = self.lane.surroundings.slot_card;
        self.session().is_some_and(|session| session.staff_may(act, slot_card))
    }

    pub(super) fn stop(&mut self) {
        let interrupted = match self.place() {
            Some(Place::Done { .. } | Place::Deferred) | None => false,
            Some(_) => true,
        };
        if matches!(self.lane.state, State::Stopped { .. }) {
            return;
        }
        self.end_quietly(VisitEnd::Interrupted);
        self.lane.rehearsal = None;
        self.lane.state = State::Stopped { interrupted };
        self.show();
    }
}

impl Session {
    /// Whether staff can do this to the visit now; `slot_card`: a card is in the face-auth reader's slot.
    fn staff_may(&self, act: StaffAct, slot_card: bool) -> bool {
        let place = &self.place;
        // What the queue was asked to take can't be called back, and what has ended has its outcome.
        let open = !matches!(place, Place::Confirming { .. } | Place::Done { .. } | Place::Deferred);
        match act {
            StaffAct::Cancel => !matches!(place, Place::Confirming { stage: Stage::Accepting { .. }, .. }),
            StaffAct::TakeOver => open && !matches!(place, Place::TakenOver),
            // 目視: staff compare the photograph of the card that is in the slot.
            StaffAct::ConfirmPhoto => {
                let waits = matches!(
                    place,
                    Place::ChooseMedium
                        | Place::FaceOrPin
                        | Place::LastTry(_)
                        | Place::Fallback { .. }
                        | Place::TakenOver
                );
                waits && slot_card
            }
            // An expired phone can't log in to the portal (R-31 over R-24).
            StaffAct::SettleByFallback(Fallback::PortalScreen) => open && !self.phone_expired,
            StaffAct::SettleByFallback(_) => open,
            // These concern the lane and no visit.
            StaffAct::BeginRehearsal | StaffAct::EndRehearsal => false,
        }
    }

    /// All that staff can do to the visit now, in the order of their buttons.
    pub(crate) fn staff_acts(&self, slot_card: bool) -> Vec<StaffAct> {
        STAFF_ACTS.into_iter().filter(|act| self.staff_may(*act, slot_card)).collect()
    }
}
