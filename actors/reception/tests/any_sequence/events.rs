//! What can happen at a counter, fitting or not.

use crate::support::*;
use madoguchi_protocol::{
    device::SlotResult,
    eligibility::{Validity, Verdict},
    evidence::{Medium, VerifiedBy},
    messages::{
        audit_log::{Fallback, StaffAct, Step},
        nfc_reader::{ReadOutcome, ReadProgress},
        offline_queue::{Accepted, ConfirmationStanding},
        pin_session::PinHeld,
        uplink::Authenticated,
    },
};
use madoguchi_reception::{Choice, Unanswered};
use proptest::prelude::*;

/// An input before it is tied to what it answers.
#[derive(Clone, Debug)]
pub enum Event {
    /// One answer of each kind, of which the one fits that is being waited for.
    Answer(Box<Answers>),
    /// A choice of the present screen, by its place among them.
    Touch(usize),
    /// Any choice at all, on the present screen or on the one before.
    WildTouch(usize, bool),
    PinJob(bool),
    PinSealed,
    PinHeld(Result<PinHeld, Unanswered>),
    Read(Result<ReadOutcome, Unanswered>),
    /// What was chosen is held and signs.
    ReadAsExpected,
    Progress(ReadProgress),
    SlotCard(bool),
    Slot(SlotResult),
    Authenticated(Result<Authenticated, Unanswered>),
    Accepted(Result<Accepted, Unanswered>),
    Standing(Result<ConfirmationStanding, Unanswered>),
    Settled(Verdict, Option<Validity>),
    Link(bool),
    PhonesReady(bool),
    ReadsPhones(bool),
    NfcReader(bool),
    Line(bool),
    /// An act, and whether somebody with a name does it.
    Staff(StaffAct, bool),
    RehearsalOver,
    Wait,
    StaleDeadline,
    Seconds(i64),
}

/// One answer of each kind.
#[derive(Clone, Debug)]
pub struct Answers {
    touch: Event,
    job: Event,
    held: Event,
    read: Event,
    slot: Event,
    authenticated: Event,
    accepted: Event,
    settled: Event,
}

impl Answers {
    pub fn fitting(&self, step: Step, pad_is_shown: bool, turn: u32) -> &Event {
        match step {
            // Job, typing and holding follow each other.
            Step::EnterPin if !pad_is_shown => &self.job,
            Step::EnterPin if turn.is_multiple_of(2) => &Event::PinSealed,
            Step::EnterPin => &self.held,
            Step::HoldMedium => &self.read,
            Step::ReadingSlot => &self.slot,
            Step::Authenticating => &self.authenticated,
            Step::Confirming if turn.is_multiple_of(2) => &self.accepted,
            Step::Confirming => &self.settled,
            _ => &self.touch,
        }
    }
}

fn medium() -> impl Strategy<Value = Medium> {
    prop_oneof![Just(Medium::MyNumberCard), Just(Medium::Android), Just(Medium::Iphone)]
}

fn verdict() -> impl Strategy<Value = Verdict> {
    prop_oneof![
        3 => Just(Verdict::Confirmed),
        1 => Just(Verdict::NotRegistered),
        2 => Just(Verdict::Expired),
        1 => Just(Verdict::Revoked),
        1 => Just(Verdict::Refused),
    ]
}

fn validity() -> impl Strategy<Value = Option<Validity>> {
    prop_oneof![Just(Some(Validity::Valid)), Just(Some(Validity::NotValid)), Just(None)]
}

fn outcome() -> impl Strategy<Value = ReadOutcome> {
    prop_oneof![
        6 => medium().prop_map(signed),
        1 => medium().prop_map(|found| ReadOutcome::WrongMedium { found }),
        1 => Just(ReadOutcome::OldResidentCard),
        1 => Just(ReadOutcome::NotJpki),
        2 => (0..=3u8).prop_map(|tries_left| ReadOutcome::WrongPin { tries_left }),
        2 => Just(ReadOutcome::LastTry),
        1 => Just(ReadOutcome::Locked),
        1 => Just(ReadOutcome::HolderNotAuthorised),
        1 => Just(ReadOutcome::PinNotHeld),
        1 => Just(ReadOutcome::Torn),
        1 => Just(ReadOutcome::Stuck),
        1 => Just(ReadOutcome::NoMedium),
        1 => Just(ReadOutcome::ReaderLost),
        1 => Just(ReadOutcome::Unreadable { status: 0x6f00 }),
        1 => Just(ReadOutcome::Cancelled),
    ]
}

fn slot_result() -> impl Strategy<Value = SlotResult> {
    prop_oneof![
        3 => prop_oneof![
            Just(VerifiedBy::Face),
            Just(VerifiedBy::Pin),
            Just(VerifiedBy::Staff),
            Just(VerifiedBy::Device),
        ]
        .prop_map(slot_signed),
        1 => Just(SlotResult::HolderNotAuthorised),
        1 => Just(SlotResult::FaceMismatch),
        1 => (0..=3u8).prop_map(|tries_left| SlotResult::WrongPin { tries_left }),
        1 => Just(SlotResult::LastTry),
        1 => Just(SlotResult::Locked),
        1 => Just(SlotResult::CardRemoved),
        1 => Just(SlotResult::OldResidentCard),
        1 => Just(SlotResult::NotReadable),
        1 => Just(SlotResult::Cancelled),
    ]
}

fn staff_act() -> impl Strategy<Value = StaffAct> {
    prop_oneof![
        2 => Just(StaffAct::Cancel),
        2 => Just(StaffAct::TakeOver),
        2 => Just(StaffAct::ConfirmPhoto),
        2 => Just(StaffAct::SettleByFallback(Fallback::PortalScreen)),
        2 => Just(StaffAct::SettleByFallback(Fallback::EligibilityCertificate)),
        // Rehearsals end sooner than they begin, so that most of the visits are not for practice.
        1 => Just(StaffAct::BeginRehearsal),
        3 => Just(StaffAct::EndRehearsal),
    ]
}

fn or_none<T: Clone + std::fmt::Debug + 'static>(
    answer: impl Strategy<Value = T> + 'static,
) -> impl Strategy<Value = Result<T, Unanswered>> {
    prop_oneof![8 => answer.prop_map(Ok), 1 => Just(Err(Unanswered))]
}

fn job() -> impl Strategy<Value = Event> {
    any::<u8>().prop_map(|n| Event::PinJob(n > 20))
}

fn held() -> impl Strategy<Value = Event> {
    let held =
        prop_oneof![6 => Just(PinHeld::Held), 1 => Just(PinHeld::NotAPin), 1 => Just(PinHeld::NoSuchJob)];
    or_none(held).prop_map(Event::PinHeld)
}

fn authenticated() -> impl Strategy<Value = Event> {
    let answer =
        prop_oneof![4 => verdict().prop_map(Authenticated::Verdict), 1 => Just(Authenticated::LineDown)];
    or_none(answer).prop_map(Event::Authenticated)
}

fn accepted() -> impl Strategy<Value = Event> {
    let settled =
        (verdict(), validity()).prop_map(|(v, validity)| Accepted::AlreadySettled(settlement(v, validity)));
    let answer = prop_oneof![6 => Just(Accepted::Accepted), 1 => settled, 1 => Just(Accepted::Full), 1 => Just(Accepted::Failed)];
    or_none(answer).prop_map(Event::Accepted)
}

fn standing() -> impl Strategy<Value = Event> {
    let settled = (verdict(), validity())
        .prop_map(|(v, validity)| ConfirmationStanding::Settled(settlement(v, validity)));
    let answer =
        prop_oneof![Just(ConfirmationStanding::Waiting), settled, Just(ConfirmationStanding::Unknown)];
    or_none(answer).prop_map(Event::Standing)
}

fn settled() -> impl Strategy<Value = Event> {
    (verdict(), validity()).prop_map(|(verdict, validity)| Event::Settled(verdict, validity))
}

fn read() -> impl Strategy<Value = Event> {
    prop_oneof![Just(Event::ReadAsExpected), or_none(outcome()).prop_map(Event::Read)]
}

fn slot() -> impl Strategy<Value = Event> {
    slot_result().prop_map(Event::Slot)
}

fn answer() -> impl Strategy<Value = Event> {
    // The first choices lead on, the last ones away.
    let touch = prop_oneof![3 => 0..2usize, 1 => 0..4usize].prop_map(Event::Touch);
    let answers = (touch, job(), held(), read(), slot(), authenticated(), accepted(), settled());
    answers.prop_map(|(touch, job, held, read, slot, authenticated, accepted, settled)| {
        Event::Answer(Box::new(Answers { touch, job, held, read, slot, authenticated, accepted, settled }))
    })
}

pub fn event() -> impl Strategy<Value = Event> {
    let progress = prop_oneof![
        Just(ReadProgress::MediumSeen),
        Just(ReadProgress::MediumGone),
        Just(ReadProgress::TakeAwayFirst),
    ];
    // What fits, so that visits get far.
    let fitting = prop_oneof![
        4 => (0..5usize).prop_map(Event::Touch),
        40 => answer(),
        1 => Just(Event::Wait),
        3 => progress.prop_map(Event::Progress),
    ];
    // What comes at any time, whether it fits or not.
    let stray = prop_oneof![
        3 => (0..Choice::ALL.len(), any::<bool>()).prop_map(|(choice, stale)| Event::WildTouch(choice, stale)),
        2 => prop_oneof![job(), Just(Event::PinSealed), held(), read(), slot()],
        2 => prop_oneof![authenticated(), accepted(), standing(), settled()],
        2 => any::<bool>().prop_map(Event::SlotCard),
        1 => any::<u8>().prop_map(|n| if n > 120 { Event::Link(true) } else { Event::Link(false) }),
        1 => any::<u8>().prop_map(|n| Event::PhonesReady(n > 60)),
        1 => any::<bool>().prop_map(Event::ReadsPhones),
        1 => any::<bool>().prop_map(Event::NfcReader),
        1 => any::<bool>().prop_map(Event::Line),
        2 => (staff_act(), any::<bool>()).prop_map(|(act, named)| Event::Staff(act, named)),
        1 => Just(Event::RehearsalOver),
        1 => Just(Event::StaleDeadline),
        2 => (0..200i64).prop_map(Event::Seconds),
    ];
    prop_oneof![12 => fitting, 1 => stray]
}
