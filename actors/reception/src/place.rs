//! Where a visit stands: each state with exactly what belongs to it.
//!
//! The types rule out what must not be: a [`Hold`] of an iPhone has no room for a PIN job, and
//! consent and confirmation hold a [`Proven`], which only the centre's verdict or the explicit deferral
//! makes.

use crate::{
    choice::Choice,
    deadlines::Deadlines,
    fallback::Offers,
    output::Ask,
    screen::{ConsentItem, ScreenKind},
    statement::Attempt,
};
use madoguchi_protocol::{
    RequestId,
    device::{PinPad, SlotMethod},
    eligibility::Verdict,
    evidence::{Consent, Evidence, Medium},
    fault::FaultCode,
    messages::{audit_log::Step, offline_queue::AcceptConfirmation, pin_session::PinJobOpened},
    pin::PinJob,
};

/// The media that want a PIN on the generic reader.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PinMedium {
    Android,
    Card,
}

impl PinMedium {
    pub(crate) const fn medium(self) -> Medium {
        match self {
            Self::Android => Medium::Android,
            Self::Card => Medium::MyNumberCard,
        }
    }
}

/// The phones that a face-auth reader may take itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phone {
    Iphone,
    Android,
}

impl Phone {
    pub(crate) const fn method(self) -> SlotMethod {
        match self {
            Self::Iphone => SlotMethod::Iphone,
            Self::Android => SlotMethod::Android,
        }
    }

    /// The phone that is read by this method; none where the slot is.
    pub(crate) const fn of(method: SlotMethod) -> Option<Self> {
        match method {
            SlotMethod::Iphone => Some(Self::Iphone),
            SlotMethod::Android => Some(Self::Android),
            SlotMethod::Face | SlotMethod::Pin | SlotMethod::Staff => None,
        }
    }
}

/// What the patient is to hold over a reader, and what goes with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Hold {
    /// An iPhone: never with a PIN.
    Iphone,
    /// A medium with a PIN that `pin_session` holds.
    WithPin { medium: PinMedium, job: PinJob, last_try_allowed: bool },
    /// A phone over the face-auth reader itself, which asks for the PIN itself.
    BuiltIn(Phone),
}

impl Hold {
    pub(crate) const fn medium(self) -> Medium {
        match self {
            Self::Iphone => Medium::Iphone,
            Self::BuiltIn(phone) => phone.method().medium(),
            Self::WithPin { medium, .. } => medium.medium(),
        }
    }

    /// Whether it goes over the lane's generic reader.
    pub(crate) const fn reads_on_generic_reader(self) -> bool {
        !matches!(self, Self::BuiltIn(_))
    }

    pub(crate) const fn job(self) -> Option<PinJob> {
        match self {
            Self::Iphone | Self::BuiltIn(_) => None,
            Self::WithPin { job, .. } => Some(job),
        }
    }

    pub(crate) const fn last_try_allowed(self) -> bool {
        matches!(self, Self::WithPin { last_try_allowed: true, .. })
    }
}

/// How far the PIN pad has come.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Pad {
    /// The job is asked for; the screen before it still stands.
    Opening { ask: Ask },
    /// The patient types.
    Open(PinJobOpened),
    /// The sealed digits are on their way to their keeper.
    Holding { ask: Ask, opened: PinJobOpened },
}

/// Whose last try is asked about, and where the PIN is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LastTryOf {
    /// The PIN is held, nothing was spent.
    Held { medium: PinMedium, job: PinJob },
    /// The PIN was wrong and is gone.
    Anew(PinMedium),
    /// The reader itself, which the PIN never leaves.
    Slot(SlotMethod),
}

/// A medium's proof, not judged yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Proof {
    pub(crate) request_id: RequestId,
    pub(crate) evidence: Evidence,
}

/// A proof that may be consented to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Proven {
    pub(crate) proof: Proof,
    /// The line is down: the centre judges later.
    pub(crate) deferred: bool,
}

impl Proven {
    /// The centre authenticated the proof. `None` for every other verdict.
    pub(crate) fn authenticated(proof: Proof, verdict: Verdict) -> Option<Self> {
        (verdict == Verdict::Confirmed).then_some(Self { proof, deferred: false })
    }

    /// The centre can't be asked: the visit explicitly goes on as deferred.
    pub(crate) fn deferred(proof: Proof) -> Self {
        Self { proof, deferred: true }
    }
}

/// What is being asked of the patient's consent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Asking {
    /// All, none or one by one.
    Whole,
    /// The item at this index, the answers so far given.
    Item(usize, Consent),
}

/// How far a confirmation has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    /// The queue is asked to take it. Whether this is the second asking (idempotent by the request id).
    Accepting { ask: Ask, again: bool },
    /// On the queue's medium; the centre's answer is awaited.
    Settling,
    /// The answer's event may have been missed: the queue is asked.
    Asking { ask: Ask },
}

/// Where a visit stands.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Place {
    ChooseMedium,
    ChoosePhone,
    EnterPin { medium: PinMedium, last_try_allowed: bool, pad: Pad },
    PhoneAuthenticates,
    FaceOrPin,
    InsertCard { method: SlotMethod },
    HoldMedium { hold: Hold, attempt: Attempt, ask: Ask, seen: bool },
    HoldHint { hold: Hold },
    WrongMedium { hold: Hold, found: Medium },
    LastTry(LastTryOf),
    ReadingSlot { method: SlotMethod, attempt: Attempt },
    Authenticating { proof: Proof, ask: Ask },
    Consent { proven: Proven, asking: Asking },
    Confirming { command: AcceptConfirmation, deferred: bool, stage: Stage },
    Done { valid: bool },
    Deferred,
    Fallback { reason: FaultCode, offers: Offers, verdict: Option<Verdict> },
    TakenOver,
}

/// A reading that is under way outside and must be cancelled when it is not wanted any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Running {
    Generic,
    Slot,
}

impl Place {
    /// The screen, or none while the one before still serves.
    pub(crate) fn screen(&self) -> Option<ScreenKind> {
        Some(match self {
            Self::ChooseMedium => ScreenKind::ChooseMedium,
            Self::ChoosePhone => ScreenKind::ChoosePhone,
            Self::EnterPin { pad: Pad::Opening { .. }, .. } => return None,
            Self::EnterPin { medium, .. } => ScreenKind::EnterPin(medium.medium()),
            Self::PhoneAuthenticates => ScreenKind::PhoneAuthenticates,
            Self::FaceOrPin => ScreenKind::FaceOrPin,
            Self::InsertCard { .. } => ScreenKind::InsertCard,
            Self::HoldMedium { seen: true, .. } => ScreenKind::Reading,
            Self::HoldMedium { hold, .. } => ScreenKind::HoldMedium(hold.medium()),
            Self::HoldHint { hold } => ScreenKind::HoldHint(hold.medium()),
            Self::WrongMedium { hold, found } => {
                ScreenKind::WrongMedium { chosen: hold.medium(), found: *found }
            }
            Self::LastTry(_) => ScreenKind::LastTry,
            Self::ReadingSlot { method, .. } => ScreenKind::ReadingSlot(*method),
            Self::Authenticating { .. } => ScreenKind::Authenticating,
            Self::Consent { proven, asking: Asking::Whole } => {
                ScreenKind::Consent { deferred: proven.deferred }
            }
            Self::Consent { asking: Asking::Item(index, _), .. } => {
                ScreenKind::ConsentItem(ConsentItem::ALL[*index % ConsentItem::ALL.len()])
            }
            Self::Confirming { .. } => ScreenKind::Confirming,
            Self::Done { valid: true } => ScreenKind::Done,
            Self::Done { valid: false } => ScreenKind::DoneNotValid,
            Self::Deferred => ScreenKind::Deferred,
            Self::Fallback { reason, offers, .. } => {
                ScreenKind::Fallback { reason: *reason, offers: *offers }
            }
            Self::TakenOver => ScreenKind::TakenOver,
        })
    }

    /// The state's name.
    pub(crate) fn step(&self) -> Step {
        self.screen().map_or(Step::EnterPin, ScreenKind::step)
    }

    /// What the patient can touch, in order. A touch of anything else does nothing.
    pub(crate) fn choices(&self, phones_ready: bool) -> Vec<Choice> {
        use Choice::{
            AgreeAll, AgreeEach, AgreeNone, Android, Back, Cancel, Continue, Face, Finish, Iphone, Language,
            No, Pin, Retry, Switch, UseCard, UsePhone, Yes,
        };
        match self {
            Self::ChooseMedium if phones_ready => vec![UsePhone, UseCard, Cancel, Language],
            Self::ChooseMedium => vec![UseCard, Cancel, Language],
            Self::ChoosePhone => vec![Iphone, Android, Back, Cancel, Language],
            Self::EnterPin { .. } => vec![Back, Cancel],
            Self::PhoneAuthenticates => vec![Continue, Back, Cancel, Language],
            Self::FaceOrPin => vec![Face, Pin, Back, Cancel, Language],
            Self::InsertCard { .. } => vec![Back, Cancel, Language],
            Self::HoldMedium { seen: true, .. } | Self::ReadingSlot { .. } | Self::Authenticating { .. } => {
                vec![Cancel]
            }
            Self::HoldMedium { .. } => vec![Cancel, Language],
            Self::HoldHint { .. } => vec![Retry, Cancel, Language],
            Self::WrongMedium { found, .. } if found.is_phone() && !phones_ready => {
                vec![Retry, Cancel, Language]
            }
            Self::WrongMedium { .. } => vec![Switch, Retry, Cancel, Language],
            Self::LastTry(_) => vec![Yes, No, Cancel, Language],
            Self::Consent { asking: Asking::Whole, .. } => {
                vec![AgreeAll, AgreeNone, AgreeEach, Cancel, Language]
            }
            Self::Consent { .. } => vec![Yes, No, Back, Cancel, Language],
            // What the queue may have accepted can't be called back; the wait is a few seconds.
            Self::Confirming { .. } => Vec::new(),
            Self::Fallback { offers, .. } if offers.card => vec![UseCard, Finish, Language],
            Self::Fallback { .. } => vec![Finish, Language],
            Self::Done { .. } | Self::Deferred | Self::TakenOver => vec![Finish],
        }
    }

    /// The PIN pad of the screen.
    pub(crate) fn pin_pad(&self) -> Option<PinPad> {
        match self {
            Self::EnterPin { pad: Pad::Open(opened) | Pad::Holding { opened, .. }, .. } => {
                Some(PinPad { job: opened.job, public_key: opened.public_key })
            }
            _ => None,
        }
    }

    /// The PIN job that is still wanted here.
    pub(crate) fn job(&self) -> Option<PinJob> {
        match self {
            Self::EnterPin { pad: Pad::Open(opened) | Pad::Holding { opened, .. }, .. } => Some(opened.job),
            Self::HoldMedium { hold, .. } | Self::HoldHint { hold } | Self::WrongMedium { hold, .. } => {
                hold.job()
            }
            Self::LastTry(LastTryOf::Held { job, .. }) => Some(*job),
            _ => None,
        }
    }

    /// The reading that is wanted here.
    pub(crate) fn reads(&self) -> Option<Running> {
        match self {
            Self::HoldMedium { .. } => Some(Running::Generic),
            Self::ReadingSlot { .. } => Some(Running::Slot),
            _ => None,
        }
    }

    /// How long it may last, in seconds.
    pub(crate) fn limit(&self, limits: &Deadlines) -> u16 {
        match self {
            Self::ChooseMedium | Self::ChoosePhone | Self::FaceOrPin => limits.choose,
            Self::WrongMedium { .. } | Self::LastTry(_) => limits.choose,
            Self::EnterPin { pad: Pad::Open(_), .. } => limits.enter_pin,
            Self::EnterPin { .. } => limits.ask,
            Self::PhoneAuthenticates => limits.phone_authenticates,
            Self::InsertCard { .. } => limits.insert_card,
            Self::HoldMedium { seen: true, .. } => limits.reading,
            // The reader itself ends the wait for a medium; this is for when it does not answer.
            Self::HoldMedium { .. } => limits.hold.saturating_add(limits.reading),
            Self::HoldHint { .. } => limits.hint,
            Self::ReadingSlot { .. } => limits.slot,
            Self::Authenticating { .. } => limits.authenticate,
            Self::Consent { .. } => limits.consent,
            Self::Confirming { stage: Stage::Accepting { .. }, .. } => limits.accept,
            Self::Confirming { stage: Stage::Settling, .. } => limits.settle,
            Self::Confirming { stage: Stage::Asking { .. }, .. } => limits.ask,
            Self::Done { .. } | Self::Deferred => limits.result,
            Self::Fallback { .. } | Self::TakenOver => limits.fallback,
        }
    }

    /// Where a read by the face-auth reader itself is tried again: a card's before its method, a phone's at the hint
    /// on how to hold it.
    pub(crate) fn before(method: SlotMethod) -> Self {
        match Phone::of(method) {
            Some(phone) => Self::HoldHint { hold: Hold::BuiltIn(phone) },
            None => Self::FaceOrPin,
        }
    }

    /// Whether a person is thinking or reading here, so that each touch begins the limit anew.
    pub(crate) fn thinking(&self) -> bool {
        !matches!(
            self,
            Self::EnterPin { .. }
                | Self::HoldMedium { .. }
                | Self::ReadingSlot { .. }
                | Self::Authenticating { .. }
                | Self::Confirming { .. }
                | Self::Done { .. }
                | Self::Deferred
        )
    }
}
