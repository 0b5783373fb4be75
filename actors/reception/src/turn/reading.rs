//! PIN pad and generic reader.

use super::Turn;
use crate::{
    input::Unanswered,
    output::{Act, Ask},
    place::{Hold, LastTryOf, Pad, Phone, PinMedium, Place, Proof},
    screen::Notice,
};
use madoguchi_protocol::{
    VisitId,
    evidence::{Evidence, Medium, VerifiedBy},
    fault::FaultCode,
    messages::{
        audit_log::Entry,
        nfc_reader::{ReadMedium, ReadOutcome, ReadProgress},
        pin_session::{HoldPin, PinHeld, PinJobOpened},
    },
    pin::{PinJob, SealedPin},
};

impl Turn<'_> {
    pub(super) fn enter_pin_of_android(&mut self) {
        self.choose(Medium::Android);
        if self.lane.surroundings.reads_phones {
            return self.read(Hold::BuiltIn(Phone::Android));
        }
        self.open_pad(PinMedium::Android, false, None);
    }

    /// Asks for a PIN job; the pad appears with its number.
    pub(super) fn open_pad(&mut self, medium: PinMedium, last_try_allowed: bool, notice: Option<Notice>) {
        let ask = self.next_ask();
        self.go(Place::EnterPin { medium, last_try_allowed, pad: Pad::Opening { ask } }, notice);
        self.act(Act::OpenPinJob { ask });
    }

    pub(super) fn pin_job(&mut self, ask: Ask, answer: Result<PinJobOpened, Unanswered>) {
        let Some(session) = self.session() else { return };
        let Place::EnterPin { medium, last_try_allowed, pad: Pad::Opening { ask: asked } } = session.place
        else {
            return;
        };
        if asked != ask {
            return;
        }
        let notice = session.notice;
        match answer {
            Ok(opened) => {
                self.go(Place::EnterPin { medium, last_try_allowed, pad: Pad::Open(opened) }, notice);
            }
            Err(Unanswered) => self.fall_back(FaultCode::Interrupted, None),
        }
    }

    pub(super) fn pin_sealed(&mut self, screen: u32, job: PinJob, sealed: SealedPin) {
        let stale = screen != self.lane.last_screen;
        let Some(session) = self.session_mut() else { return };
        let Place::EnterPin { pad, .. } = &mut session.place else { return };
        let Pad::Open(opened) = pad else { return };
        if stale || opened.job != job {
            return;
        }
        let opened = opened.clone();
        let ask = Ask(self.lane.last_ask.wrapping_add(1));
        self.lane.last_ask = ask.0;
        if let Some(Place::EnterPin { pad, .. }) = self.session_mut().map(|session| &mut session.place) {
            // The screen stays: a pad that flickers invites a second typing.
            *pad = Pad::Holding { ask, opened };
        }
        self.begin_limit();
        self.act(Act::HoldPin { ask, command: HoldPin { job, sealed } });
    }

    pub(super) fn pin_held(&mut self, ask: Ask, answer: Result<PinHeld, Unanswered>) {
        let Some(Place::EnterPin { medium, last_try_allowed, pad: Pad::Holding { ask: asked, opened } }) =
            self.place()
        else {
            return;
        };
        if *asked != ask {
            return;
        }
        let (medium, last_try_allowed, job) = (*medium, *last_try_allowed, opened.job);
        match answer {
            Ok(PinHeld::Held) => self.read(Hold::WithPin { medium, job, last_try_allowed }),
            Ok(PinHeld::NotAPin | PinHeld::NoSuchJob) | Err(Unanswered) => {
                self.pad_anew(medium, last_try_allowed);
            }
        }
    }

    /// The PIN is not there any more, and nothing was spent: it is asked for once more, a few times at most.
    fn pad_anew(&mut self, medium: PinMedium, last_try_allowed: bool) {
        let ask = self.next_ask();
        let again = Place::EnterPin { medium, last_try_allowed, pad: Pad::Opening { ask } };
        self.stumble(FaultCode::PinNotHeld, again);
        if matches!(self.place(), Some(Place::EnterPin { .. })) {
            self.act(Act::OpenPinJob { ask });
        }
    }

    /// Has the lane's reader of phones wait for the medium: the generic one, or the face-auth reader itself
    ///
    pub(super) fn read(&mut self, hold: Hold) {
        if let Hold::BuiltIn(phone) = hold {
            return self.read_slot(phone.method(), false);
        }
        let Some(visit) = self.session().map(|session| session.visit) else { return };
        let attempt = self.new_attempt(visit);
        let ask = self.next_ask();
        let command = ReadMedium {
            expected: hold.medium(),
            statement: attempt.statement.clone(),
            pin_job: hold.job(),
            last_try_allowed: hold.last_try_allowed(),
            wait_ms: u32::from(self.lane.deadlines.hold) * 1000,
        };
        self.go(Place::HoldMedium { hold, attempt, ask, seen: false }, None);
        self.act(Act::Read { ask, command });
    }

    pub(super) fn progress(&mut self, visit: VisitId, progress: ReadProgress) {
        let Some(session) = self.session_mut().filter(|session| session.visit == visit) else { return };
        match (&mut session.place, progress) {
            (Place::HoldMedium { seen: seen @ false, .. }, ReadProgress::MediumSeen) => {
                *seen = true;
                session.notice = None;
                self.show();
                self.begin_limit();
            }
            (Place::HoldMedium { seen: false, .. }, ReadProgress::TakeAwayFirst) => {
                session.notice = Some(Notice::TakeAwayFirst);
                self.show();
            }
            _ => {}
        }
    }

    pub(super) fn read_answered(&mut self, ask: Ask, answer: Result<ReadOutcome, Unanswered>) {
        let Some(session) = self.session_mut() else { return };
        let Place::HoldMedium { hold, attempt, ask: asked, .. } = &session.place else { return };
        if *asked != ask {
            return;
        }
        let (hold, attempt) = (*hold, attempt.clone());
        session.running = None;
        match answer.unwrap_or(ReadOutcome::ReaderLost) {
            ReadOutcome::Signed { medium, certificate, signature } if medium == hold.medium() => {
                // Released once, and wiped at the keeper with it.
                session.job = None;
                let verified_by = if medium == Medium::Iphone { VerifiedBy::Device } else { VerifiedBy::Pin };
                let statement = attempt.statement;
                let evidence = Evidence { medium, verified_by, statement, certificate, signature };
                self.authenticate(Proof { request_id: attempt.request_id, evidence });
            }
            ReadOutcome::Signed { medium: found, .. } | ReadOutcome::WrongMedium { found } => {
                if found == hold.medium() {
                    self.stumble(FaultCode::Unreadable, Place::HoldHint { hold });
                } else {
                    self.go(Place::WrongMedium { hold, found }, Some(Notice::Fault(FaultCode::WrongMedium)));
                }
            }
            ReadOutcome::OldResidentCard => self.fall_back(FaultCode::OldResidentCard, None),
            ReadOutcome::NotJpki => self.stumble(FaultCode::NotJpki, Place::HoldHint { hold }),
            ReadOutcome::WrongPin { tries_left } => self.wrong_pin(hold, tries_left),
            ReadOutcome::LastTry => match hold {
                Hold::WithPin { medium, job, .. } => {
                    let notice = Some(Notice::Fault(FaultCode::LastPinTry));
                    self.go(Place::LastTry(LastTryOf::Held { medium, job }), notice);
                }
                Hold::Iphone | Hold::BuiltIn(_) => {
                    self.stumble(FaultCode::Unreadable, Place::HoldHint { hold });
                }
            },
            ReadOutcome::Locked => self.fall_back(FaultCode::PinLocked, None),
            ReadOutcome::HolderNotAuthorised => match hold {
                Hold::Iphone => self.stumble(FaultCode::HolderNotAuthorised, Place::PhoneAuthenticates),
                Hold::WithPin { .. } | Hold::BuiltIn(_) => {
                    self.stumble(FaultCode::Unreadable, Place::HoldHint { hold });
                }
            },
            ReadOutcome::PinNotHeld => match hold {
                Hold::WithPin { medium, last_try_allowed, .. } => {
                    session.job = None;
                    self.pad_anew(medium, last_try_allowed);
                }
                Hold::Iphone | Hold::BuiltIn(_) => {
                    self.stumble(FaultCode::Unreadable, Place::HoldHint { hold });
                }
            },
            // Torn because the reader itself is gone.
            ReadOutcome::Torn if !self.lane.surroundings.nfc_usable => self.reader_lost(hold.medium()),
            ReadOutcome::Torn | ReadOutcome::Cancelled => {
                self.stumble(FaultCode::ReadTorn, Place::HoldHint { hold });
            }
            ReadOutcome::Stuck => self.stumble(FaultCode::MediumStuck, Place::HoldHint { hold }),
            ReadOutcome::NoMedium => self.stumble(FaultCode::NoMedium, Place::HoldHint { hold }),
            ReadOutcome::Unreadable { .. } => self.stumble(FaultCode::Unreadable, Place::HoldHint { hold }),
            ReadOutcome::ReaderLost => self.reader_lost(hold.medium()),
        }
    }

    /// A wrong PIN is never tried again by the gateway: the patient types anew, and the last try needs a yes.
    fn wrong_pin(&mut self, hold: Hold, tries_left: u8) {
        self.record(Entry::PinRefused);
        let Hold::WithPin { medium, .. } = hold else {
            // An iPhone was never given a PIN.
            return self.stumble(FaultCode::Unreadable, Place::HoldHint { hold });
        };
        if let Some(session) = self.session_mut() {
            session.job = None;
            session.trouble = Some(FaultCode::WrongPin);
        }
        match tries_left {
            0 => self.fall_back(FaultCode::PinLocked, None),
            1 => self.go(Place::LastTry(LastTryOf::Anew(medium)), Some(Notice::TriesLeft(1))),
            more => self.open_pad(medium, false, Some(Notice::TriesLeft(more))),
        }
    }

    /// The generic reader is gone: a card can still go into the slot, a phone can't be read.
    pub(super) fn reader_lost(&mut self, medium: Medium) {
        if medium.is_phone() {
            self.fall_back(FaultCode::NfcReaderLost, None);
        } else {
            self.insert_card_instead();
        }
    }
}
