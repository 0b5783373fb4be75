//! The centre's verdict, consent and confirmation.

use super::Turn;
use crate::{
    input::Unanswered,
    output::{Act, Ask},
    place::{Asking, Place, Proof, Proven, Stage},
};
use madoguchi_protocol::{
    eligibility::{Validity, Verdict},
    evidence::{ConfirmationRequest, Consent},
    fault::FaultCode,
    messages::{
        audit_log::{Entry, VisitEnd},
        offline_queue::{
            AcceptConfirmation, Accepted, AskConfirmation, ConfirmationSettled, ConfirmationStanding,
            Settlement,
        },
        uplink::{Authenticate, Authenticated},
    },
};

impl Turn<'_> {
    /// Asks the centre who this is.
    pub(super) fn authenticate(&mut self, proof: Proof) {
        let Proof { request_id, evidence } = proof.clone();
        self.record(Entry::MediumRead(evidence.medium, evidence.verified_by));
        if self.is_practice() {
            // The centre must not see it: there it would be a real access to a real person's record.
            return self.defer(proof);
        }
        let ask = self.next_ask();
        self.go(Place::Authenticating { proof, ask }, None);
        self.act(Act::Authenticate { ask, command: Authenticate { request_id, evidence } });
    }

    pub(super) fn authenticated(&mut self, ask: Ask, answer: Result<Authenticated, Unanswered>) {
        let Some(Place::Authenticating { proof, ask: asked }) = self.place() else { return };
        if *asked != ask {
            return;
        }
        let proof = proof.clone();
        match answer {
            Ok(Authenticated::Verdict(verdict)) => {
                self.record(Entry::Authenticated(verdict));
                match Proven::authenticated(proof, verdict) {
                    Some(proven) => self.ask_consent(proven),
                    None => self.refused(verdict),
                }
            }
            Ok(Authenticated::LineDown) | Err(Unanswered) => self.defer(proof),
        }
    }

    /// The centre can't be asked: the patient consents all the same, and the centre judges later.
    pub(super) fn defer(&mut self, proof: Proof) {
        self.ask_consent(Proven::deferred(proof));
    }

    fn ask_consent(&mut self, proven: Proven) {
        self.go(Place::Consent { proven, asking: Asking::Whole }, None);
    }

    /// A definite answer that is no confirmation.
    fn refused(&mut self, verdict: Verdict) {
        let reason = match verdict {
            Verdict::NotRegistered => FaultCode::NotRegistered,
            Verdict::Expired => FaultCode::CertificateExpired,
            Verdict::Revoked => FaultCode::CertificateRevoked,
            Verdict::Refused | Verdict::Confirmed => FaultCode::CentreRefused,
        };
        self.fall_back(reason, Some(verdict));
    }

    /// The patient has said what may be looked up: the confirmation goes to the queue.
    pub(super) fn confirm(&mut self, consent: Consent) {
        let Some(session) = self.session() else { return };
        let Place::Consent { proven: Proven { proof, deferred }, .. } = session.place.clone() else { return };
        let request = ConfirmationRequest {
            request_id: proof.request_id,
            visit: session.visit,
            lane: self.lane.premises.lane,
            at: self.now,
            evidence: proof.evidence,
            consent,
        };
        let practice = session.practice;
        self.accept(AcceptConfirmation { request, practice }, deferred, false);
    }

    fn accept(&mut self, command: AcceptConfirmation, deferred: bool, again: bool) {
        let ask = self.next_ask();
        let stage = Stage::Accepting { ask, again };
        self.go(Place::Confirming { command: command.clone(), deferred, stage }, None);
        self.act(Act::Accept { ask, command });
    }

    pub(super) fn accepted(&mut self, ask: Ask, answer: Result<Accepted, Unanswered>) {
        let Some(Place::Confirming { command, deferred, stage: Stage::Accepting { ask: asked, .. } }) =
            self.place()
        else {
            return;
        };
        if *asked != ask {
            return;
        }
        let (command, deferred) = (command.clone(), *deferred);
        match answer {
            Ok(Accepted::Accepted | Accepted::AlreadySettled(_)) if self.is_practice() => {
                self.answered_later()
            }
            // The line was down a moment ago and still is: there is nothing to wait for.
            Ok(Accepted::Accepted) if deferred && !self.lane.surroundings.line_up => self.answered_later(),
            Ok(Accepted::Accepted) => {
                self.go(Place::Confirming { command, deferred, stage: Stage::Settling }, None);
            }
            Ok(Accepted::AlreadySettled(settlement)) => self.settle(settlement),
            Ok(Accepted::Full) => self.fall_back(FaultCode::QueueFull, None),
            Ok(Accepted::Failed) => self.fall_back(FaultCode::QueueFailed, None),
            Err(Unanswered) => self.accept_again(),
        }
    }

    /// No word from the queue: asked once more under the same request id, then the fallbacks.
    pub(super) fn accept_again(&mut self) {
        match self.place().cloned() {
            Some(Place::Confirming { command, deferred, stage: Stage::Accepting { again: false, .. } }) => {
                self.accept(command, deferred, true);
            }
            _ => self.fall_back(FaultCode::QueueFailed, None),
        }
    }

    pub(super) fn settled(&mut self, settled: ConfirmationSettled) {
        if let Some(Place::Confirming { command, .. }) = self.place()
            && command.request.request_id == settled.request_id
            && !command.practice
        {
            self.settle(settled.settlement);
        }
    }

    /// No event came: it may have been missed, so the queue is asked before the patient is let go.
    pub(super) fn ask_confirmation(&mut self) {
        let Some(Place::Confirming { command, deferred, .. }) = self.place().cloned() else { return };
        let ask = self.next_ask();
        let request_id = command.request.request_id;
        self.go(Place::Confirming { command, deferred, stage: Stage::Asking { ask } }, None);
        self.act(Act::AskConfirmation { ask, command: AskConfirmation { request_id } });
    }

    pub(super) fn confirmation_standing(
        &mut self,
        ask: Ask,
        answer: Result<ConfirmationStanding, Unanswered>,
    ) {
        match self.place() {
            Some(Place::Confirming { stage: Stage::Asking { ask: asked }, .. }) if *asked == ask => {}
            _ => return,
        }
        match answer {
            Ok(ConfirmationStanding::Settled(settlement)) => self.settle(settlement),
            // Set aside is for staff to look at; nothing that was accepted is lost.
            Ok(
                ConfirmationStanding::Waiting
                | ConfirmationStanding::SetAside
                | ConfirmationStanding::Unknown,
            )
            | Err(Unanswered) => self.answered_later(),
        }
    }

    pub(super) fn answered_later(&mut self) {
        self.go(Place::Deferred, None);
        self.conclude(VisitEnd::Deferred);
    }

    fn settle(&mut self, settlement: Settlement) {
        match settlement {
            Settlement { verdict: Verdict::Confirmed, validity, .. } => {
                let valid = validity == Some(Validity::Valid);
                if let Some(session) = self.session_mut().filter(|_| !valid) {
                    session.trouble = Some(FaultCode::NotEligible);
                }
                self.go(Place::Done { valid }, None);
                self.conclude(VisitEnd::Confirmed);
            }
            Settlement { verdict, .. } => self.refused(verdict),
        }
    }
}
