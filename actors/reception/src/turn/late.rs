//! What happens when a deadline passes: nobody waits for ever, in any state.

use super::Turn;
use crate::place::{Hold, Pad, Place, Stage};
use jiff::Timestamp;
use madoguchi_protocol::{fault::FaultCode, messages::audit_log::VisitEnd};

impl Turn<'_> {
    pub(super) fn deadline_passed(&mut self, at: Timestamp) {
        if self.lane.deadline != Some(at) {
            return;
        }
        self.lane.deadline = None;
        let Some(place) = self.place() else { return };
        match place {
            Place::EnterPin { pad: Pad::Opening { .. } | Pad::Holding { .. }, .. } => {
                self.fall_back(FaultCode::Interrupted, None);
            }
            Place::HoldMedium { hold, seen, .. } => {
                let (hold, seen) = (*hold, *seen);
                self.reader_is_late(hold, seen);
            }
            Place::ReadingSlot { method, .. } => {
                let again = Place::before(*method);
                self.stumble(FaultCode::MediumStuck, again);
            }
            Place::Authenticating { proof, .. } => {
                let proof = proof.clone();
                self.defer(proof);
            }
            Place::Confirming { stage: Stage::Accepting { .. }, .. } => self.accept_again(),
            Place::Confirming { stage: Stage::Settling, .. } => self.ask_confirmation(),
            Place::Confirming { stage: Stage::Asking { .. }, .. } => self.answered_later(),
            // The patient walked away, or has read enough: the end knows its places.
            Place::ChooseMedium
            | Place::ChoosePhone
            | Place::EnterPin { pad: Pad::Open(_), .. }
            | Place::PhoneAuthenticates
            | Place::FaceOrPin
            | Place::InsertCard { .. }
            | Place::HoldHint { .. }
            | Place::WrongMedium { .. }
            | Place::LastTry(_)
            | Place::Consent { .. }
            | Place::Done { .. }
            | Place::Deferred
            | Place::Fallback { .. }
            | Place::TakenOver => self.end(VisitEnd::Abandoned),
        }
    }

    /// The reader should have said something by now.
    fn reader_is_late(&mut self, hold: Hold, seen: bool) {
        if seen {
            self.stumble(FaultCode::MediumStuck, Place::HoldHint { hold });
        } else {
            self.reader_lost(hold.medium());
        }
    }
}
