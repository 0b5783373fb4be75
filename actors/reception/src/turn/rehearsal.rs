//! Rehearsing an outage: staff declare the lane offline for practice, and what then happens there is no visit of a patient.
//!
//! A practice visit goes the deferred way without the centre being asked, its confirmation is marked, and its only end is
//! [`VisitEnd::Practised`], which never counts. The rehearsal lives in the lane's memory alone: whatever restarts the
//! lane ends it, so that nobody finds a counter practising that was forgotten.

use super::Turn;
use crate::{
    place::Place,
    visit::{Session, State},
};
use madoguchi_protocol::messages::audit_log::VisitEnd;

impl Turn<'_> {
    /// Whether what is shown and done now is for practice.
    pub(super) fn is_practice(&self) -> bool {
        match &self.lane.state {
            State::Idle => self.lane.rehearsal.is_some(),
            State::Visiting(session) => session.practice,
            State::Stopped { .. } => false,
        }
    }

    /// Nobody is being served: a patient's visit is never made practice in the middle.
    pub(super) fn may_begin_rehearsal(&self) -> bool {
        matches!(self.lane.state, State::Idle) && self.lane.rehearsal.is_none()
    }

    pub(super) fn begin_rehearsal(&mut self) {
        self.lane.rehearsal = Some(self.now);
        self.show();
    }

    /// The practice visit in progress ends with it. What the queue was asked to take stays practice to its end.
    pub(super) fn end_rehearsal(&mut self) {
        if self.lane.rehearsal.take().is_none() {
            return;
        }
        match self.session() {
            Some(Session {
                place: Place::Confirming { .. } | Place::Done { .. } | Place::Deferred, ..
            }) => {}
            Some(_) => self.end(VisitEnd::TakenOver),
            None => self.show(),
        }
    }
}
