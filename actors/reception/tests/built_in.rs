//! A face-auth reader that takes phones itself: phones without a generic reader, by the same rules.

#![allow(clippy::unwrap_used)] // A failed unwrap is a failed test, in helpers too.

mod support;

use madoguchi_protocol::{
    device::{SlotMethod, SlotResult},
    eligibility::{Validity, Verdict},
    evidence::{Medium, VerifiedBy},
    fault::FaultCode,
    messages::{audit_log::VisitEnd, offline_queue::Accepted},
};
use madoguchi_reception::{Act, Input, Notice, ScreenKind};
use support::*;

/// A lane without a generic reader.
fn canon() -> Counter {
    let mut counter = Counter::ready();
    counter.give(Input::NfcReader { usable: false }).give(Input::ReadsPhones(true));
    counter
}

/// What the face-auth reader was told to read last.
fn wanted(counter: &Counter) -> (SlotMethod, bool) {
    let mut reads = counter.all.iter().rev().filter_map(|act| match act {
        Act::ReadSlot { method, last_try_allowed, .. } => Some((*method, *last_try_allowed)),
        _ => None,
    });
    reads.next().unwrap()
}

#[test]
fn r04_phones_are_held_over_the_reader_itself_and_its_evidence_is_confirmed() {
    let ways = [
        (&["use_phone", "iphone", "continue"][..], SlotMethod::Iphone, Medium::Iphone, VerifiedBy::Device),
        (&["use_phone", "android"][..], SlotMethod::Android, Medium::Android, VerifiedBy::Pin),
    ];
    for (touches, method, medium, verified_by) in ways {
        let mut counter = canon();
        counter.touches(touches);
        assert_eq!(counter.kind(), ScreenKind::ReadingSlot(method));
        assert_eq!(wanted(&counter), (method, false));
        counter.slot(slot_signed(verified_by)).verdict(Verdict::Confirmed).touch("agree_none");
        let evidence = &counter.accept_commands()[0].request.evidence;
        assert_eq!((evidence.medium, evidence.verified_by), (medium, verified_by));
        counter.accepted(Accepted::Accepted).settled(Verdict::Confirmed, Some(Validity::Valid));
        assert_eq!(counter.ends(), [VisitEnd::Confirmed]);
        // The generic reader and the keeper of PINs had nothing to do.
        let elsewhere = |act: &&Act| matches!(act, Act::Read { .. } | Act::OpenPinJob { .. });
        assert_eq!(counter.all.iter().find(elsewhere), None);
    }
}

#[test]
fn r04_r18_an_iphone_is_never_said_to_have_had_a_pin() {
    let odd = [SlotResult::WrongPin { tries_left: 2 }, SlotResult::LastTry, SlotResult::Locked];
    for result in odd.into_iter().chain([slot_signed(VerifiedBy::Pin), SlotResult::FaceMismatch]) {
        let mut counter = canon();
        counter.touches(&["use_phone", "iphone", "continue"]).slot(result);
        assert_eq!(counter.kind(), ScreenKind::HoldHint(Medium::Iphone));
        assert!(counter.says(FaultCode::Unreadable));
    }
    let mut counter = canon();
    counter.touches(&["use_phone", "iphone", "continue"]).slot(SlotResult::HolderNotAuthorised);
    assert_eq!(counter.kind(), ScreenKind::PhoneAuthenticates);
}

#[test]
fn r04_r19_the_last_try_of_a_phones_pin_needs_the_patients_yes() {
    let mut counter = canon();
    counter.touches(&["use_phone", "android"]).slot(SlotResult::WrongPin { tries_left: 2 });
    assert_eq!(counter.shown().notice, Some(Notice::TriesLeft(2)));
    counter.touch("retry").slot(SlotResult::LastTry);
    assert_eq!(counter.kind(), ScreenKind::LastTry);
    counter.touch("yes");
    assert_eq!(wanted(&counter), (SlotMethod::Android, true));
}

#[test]
fn r04_r23_a_failed_read_leads_to_the_hint_and_then_to_the_fallbacks() {
    let mut counter = canon();
    counter.touches(&["use_phone", "android"]);
    for result in [SlotResult::CardRemoved, SlotResult::NotReadable] {
        counter.slot(result);
        assert_eq!(counter.kind(), ScreenKind::HoldHint(Medium::Android));
        counter.touch("retry");
        assert_eq!(wanted(&counter), (SlotMethod::Android, false));
    }
    counter.slot(SlotResult::NotReadable);
    assert!(matches!(counter.kind(), ScreenKind::Fallback { offers, .. } if offers.card && offers.portal));
}

#[test]
fn r04_a_reader_that_stays_silent_and_a_patient_who_cancels_leave_a_way_forward() {
    let mut counter = canon();
    counter.touches(&["use_phone", "android"]).waits();
    assert_eq!(counter.kind(), ScreenKind::HoldHint(Medium::Android));
    counter.touch("retry").slot(SlotResult::Cancelled);
    // The read that the deadline ended still owed one.
    counter.slot(SlotResult::Cancelled);
    assert_eq!(counter.kind(), ScreenKind::ChoosePhone);
}
