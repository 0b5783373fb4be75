//! What goes wrong in a visit: hint, another try, fallback, and everybody who leaves.

mod support;

use madoguchi_protocol::{
    device::SlotResult,
    eligibility::Verdict,
    evidence::{Medium, VerifiedBy},
    fault::FaultCode,
    messages::{
        audit_log::{Entry, Fallback, StaffAct, Step, VisitEnd},
        face_reader::StaffActed,
        nfc_reader::{ReadOutcome, ReadProgress},
        offline_queue::Accepted,
        pin_session::PinHeld,
    },
};
use madoguchi_reception::{Act, Input, Notice, ScreenKind, Unanswered};
use support::*;

fn android_until_holding() -> Counter {
    let mut counter = Counter::ready();
    counter.touches(&["use_phone", "android"]).types_pin();
    counter
}

fn offers(counter: &Counter) -> Vec<Fallback> {
    match counter.kind() {
        ScreenKind::Fallback { offers, .. } => offers.list().collect(),
        other => panic!("no fallback: {other:?}"),
    }
}

#[test]
fn r23_a_failed_read_first_leads_to_a_hint_and_another_try() {
    let failures = [
        ReadOutcome::Torn,
        ReadOutcome::Stuck,
        ReadOutcome::NoMedium,
        ReadOutcome::Unreadable { status: 0x6f00 },
        ReadOutcome::NotJpki,
    ];
    for failure in failures {
        let mut counter = android_until_holding();
        counter.read(failure.clone());
        assert_eq!(counter.kind(), ScreenKind::HoldHint(Medium::Android), "{failure:?}");
        counter.touch("retry");
        assert_eq!(counter.standing(), Step::HoldMedium);
        assert_eq!(counter.reads()[1].pin_job, Some(JOB), "what was not spent is used");
    }
}

#[test]
fn r24_a_phone_that_still_fails_leads_to_card_certificate_and_portal_in_this_order() {
    let mut counter = Counter::iphone_until_holding();
    counter
        .read(ReadOutcome::Torn)
        .touch("retry")
        .read(ReadOutcome::Torn)
        .touch("retry")
        .read(ReadOutcome::Torn);
    let expected = [
        Fallback::MyNumberCard,
        Fallback::EligibilityCertificate,
        Fallback::PortalScreen,
        Fallback::SelfDeclaration,
    ];
    assert_eq!(offers(&counter), expected);
    counter.touch("use_card");
    assert_eq!(counter.kind(), ScreenKind::FaceOrPin);
    assert_eq!(counter.ends(), [], "the visit goes on with the card");
}

#[test]
fn r24_a_card_that_failed_is_not_offered_again() {
    let mut counter = Counter::ready();
    counter.give(Input::SlotCard { present: true }).touch("pin").slot(SlotResult::Locked);
    assert!(counter.says(FaultCode::PinLocked));
    assert!(!offers(&counter).contains(&Fallback::MyNumberCard) && !counter.offers("use_card"));
}

#[test]
fn r25_staff_settle_a_visit_by_the_portal_screen() {
    let mut counter = Counter::iphone_until_holding();
    counter.read(ReadOutcome::ReaderLost);
    assert!(counter.says(FaultCode::NfcReaderLost));
    let settled = counter.staff(StaffAct::SettleByFallback(Fallback::PortalScreen));
    assert_eq!(
        (settled, counter.ends()),
        (StaffActed::Done, vec![VisitEnd::Fallback(Fallback::PortalScreen)])
    );
}

#[test]
fn r24_the_portal_screen_needs_a_member_of_staff_with_a_name() {
    let mut counter = Counter::iphone_until_holding();
    counter.read(ReadOutcome::ReaderLost);
    let portal = StaffAct::SettleByFallback(Fallback::PortalScreen);
    assert_eq!(counter.staff_by(portal, None), StaffActed::NotNamed);
    assert_eq!((counter.standing(), counter.ends()), (Step::Fallback, vec![]), "the visit goes on");
    assert_eq!(counter.staff_by(portal, Some(somebody())), StaffActed::Done);
    assert!(counter.wanted(&Act::Record(Entry::StaffActed(portal, Some(somebody())))), "who is recorded");
    // The other ways are papers that anybody can look at again.
    let mut counter = Counter::iphone_until_holding();
    let paper = StaffAct::SettleByFallback(Fallback::EligibilityCertificate);
    assert_eq!(counter.staff_by(paper, None), StaffActed::Done);
}

#[test]
fn r31_an_expired_phone_is_not_offered_the_portal_by_screen_or_staff() {
    let mut counter = Counter::android_until_authenticating();
    counter.verdict(Verdict::Expired);
    assert!(counter.says(FaultCode::CertificateExpired));
    let portal = StaffAct::SettleByFallback(Fallback::PortalScreen);
    assert!(!offers(&counter).contains(&Fallback::PortalScreen));
    assert!(!counter.visit.in_progress().unwrap().staff_may.contains(&portal), "no button for it");
    assert_eq!(counter.staff(portal), StaffActed::NotNow);
    assert_eq!(counter.staff_by(portal, None), StaffActed::NotNow);
    // The phone stays expired when the card that is tried next fails too.
    counter.touches(&["use_card", "pin"]).types_pin().read(ReadOutcome::Locked);
    assert_eq!(offers(&counter), [Fallback::EligibilityCertificate, Fallback::SelfDeclaration]);
    counter.waits();
    assert_eq!(counter.ends(), [VisitEnd::TakenOver]);
}

#[test]
fn r32_an_expired_card_still_leaves_the_portal_as_the_centre_decides_about_grace() {
    let mut counter = Counter::ready();
    counter.give(Input::SlotCard { present: true }).touch("face").slot(slot_signed(VerifiedBy::Face));
    counter.verdict(Verdict::Expired);
    assert_eq!(
        offers(&counter),
        [Fallback::EligibilityCertificate, Fallback::PortalScreen, Fallback::SelfDeclaration]
    );
}

#[test]
fn r02_not_registered_is_an_answer_and_no_card_error() {
    let mut counter = Counter::android_until_authenticating();
    counter.verdict(Verdict::NotRegistered);
    assert!(counter.says(FaultCode::NotRegistered));
    counter.touch("finish");
    assert_eq!(counter.ends(), [VisitEnd::NotConfirmed(Verdict::NotRegistered)]);
}

#[test]
fn r20_a_phone_that_lay_there_before_is_to_be_taken_away_first() {
    let mut counter = android_until_holding();
    let visit = counter.id();
    counter.give(Input::Progress { visit, progress: ReadProgress::TakeAwayFirst });
    assert_eq!(counter.kind(), ScreenKind::HoldMedium(Medium::Android));
    assert_eq!(counter.shown().notice, Some(Notice::TakeAwayFirst));
    counter.give(Input::Progress { visit, progress: ReadProgress::MediumSeen });
    assert_eq!((counter.kind(), counter.shown().notice), (ScreenKind::Reading, None));
}

#[test]
fn wrong_medium_is_named_and_costs_nothing() {
    let mut counter = android_until_holding();
    counter.read(ReadOutcome::WrongMedium { found: Medium::Iphone });
    assert_eq!(counter.kind(), ScreenKind::WrongMedium { chosen: Medium::Android, found: Medium::Iphone });
    let text = counter.shown().render().text;
    assert!(text.contains("iPhone") && text.contains("Android"), "{text}");
    counter.touch("switch");
    assert_eq!(counter.kind(), ScreenKind::PhoneAuthenticates);
    // What the Android phone would have needed is given back.
    assert!(counter.wanted(&Act::DropPin { job: JOB }));
}

#[test]
fn wrong_medium_can_be_held_right_with_the_pin_that_is_still_held() {
    let mut counter = android_until_holding();
    counter.read(ReadOutcome::WrongMedium { found: Medium::MyNumberCard }).touch("retry");
    let reads = counter.reads();
    assert_eq!((reads[1].expected, reads[1].pin_job), (Medium::Android, Some(JOB)));
}

#[test]
fn a_card_put_into_the_slot_while_a_phone_is_awaited_is_named_as_well() {
    let mut counter = Counter::iphone_until_holding();
    counter.give(Input::SlotCard { present: true });
    assert!(counter.wanted(&Act::CancelRead));
    assert_eq!(
        counter.kind(),
        ScreenKind::WrongMedium { chosen: Medium::Iphone, found: Medium::MyNumberCard }
    );
    counter.touch("switch");
    assert_eq!(counter.kind(), ScreenKind::FaceOrPin);
}

#[test]
fn wrong_pin_is_asked_anew_with_the_tries_left_and_a_new_job() {
    let mut counter = android_until_holding();
    counter.read(ReadOutcome::WrongPin { tries_left: 2 });
    assert!(counter.acts.iter().any(|act| matches!(act, Act::OpenPinJob { .. })));
    assert_eq!(counter.reads().len(), 1, "a wrong PIN is never tried again by the gateway");
    counter.types_pin();
    let pad = counter.all.iter().rev().find_map(|act| match act {
        Act::Show(screen) if screen.kind == ScreenKind::EnterPin(Medium::Android) => Some(screen.clone()),
        _ => None,
    });
    let pad = pad.unwrap();
    assert_eq!(pad.notice, Some(Notice::TriesLeft(2)));
    assert!(pad.render().text.contains("あと2回"));
    counter.read(signed(Medium::Android));
    assert_eq!(counter.standing(), Step::Authenticating);
}

#[test]
fn last_try_is_never_spent_without_the_patients_yes() {
    let mut counter = android_until_holding();
    counter.read(ReadOutcome::LastTry);
    assert_eq!(counter.kind(), ScreenKind::LastTry);
    assert!(counter.reads().iter().all(|read| !read.last_try_allowed));
    counter.touch("yes");
    assert_eq!(counter.reads()[1].pin_job, Some(JOB));
    assert!(counter.reads()[1].last_try_allowed);

    let mut counter = android_until_holding();
    counter.read(ReadOutcome::LastTry).touch("no");
    assert_eq!(counter.standing(), Step::Fallback);
    assert!(counter.wanted(&Act::DropPin { job: JOB }));
}

#[test]
fn the_yes_to_a_last_try_outlives_a_pin_that_grew_too_old_but_not_another_medium() {
    let mut counter = android_until_holding();
    counter.read(ReadOutcome::LastTry).touch("yes").read(ReadOutcome::PinNotHeld).types_pin();
    assert!(counter.reads()[2].last_try_allowed);
    counter.read(ReadOutcome::WrongMedium { found: Medium::MyNumberCard }).touch("retry");
    assert!(!counter.reads()[3].last_try_allowed);
}

#[test]
fn a_wrong_pin_that_leaves_one_try_asks_before_the_next_pin_is_typed() {
    let mut counter = android_until_holding();
    counter.read(ReadOutcome::WrongPin { tries_left: 1 });
    assert_eq!(counter.kind(), ScreenKind::LastTry);
    counter.touch("yes").types_pin();
    assert!(counter.reads()[1].last_try_allowed);
}

#[test]
fn the_slots_last_try_needs_the_same_yes() {
    let mut counter = Counter::ready();
    counter.give(Input::SlotCard { present: true }).touch("pin").slot(SlotResult::LastTry).touch("yes");
    assert!(counter.acts.iter().any(|act| matches!(act, Act::ReadSlot { last_try_allowed: true, .. })));
}

#[test]
fn locked_pin_and_old_resident_card_lead_to_a_fallback() {
    for (outcome, fault) in [
        (ReadOutcome::Locked, FaultCode::PinLocked),
        (ReadOutcome::OldResidentCard, FaultCode::OldResidentCard),
    ] {
        let mut counter = android_until_holding();
        counter.read(outcome);
        assert!(counter.says(fault));
        assert!(counter.wanted(&Act::DropPin { job: JOB }));
    }
}

#[test]
fn face_mismatch_offers_the_pin() {
    let mut counter = Counter::ready();
    counter.give(Input::SlotCard { present: true }).touch("face").slot(SlotResult::FaceMismatch);
    assert!(counter.says(FaultCode::FaceMismatch) && counter.offers("pin"));
}

#[test]
fn a_pin_that_is_not_held_is_asked_anew_a_few_times_at_most() {
    let mut counter = Counter::ready();
    counter.touches(&["use_phone", "android"]);
    for _ in 0..3 {
        let ask = counter.last_ask();
        counter.give(Input::PinJob { ask, answer: Ok(opened(JOB)) });
        let screen = counter.shown().number;
        counter.give(Input::PinSealed { screen, job: JOB, sealed: sealed() });
        let ask = counter.last_ask();
        counter.give(Input::PinHeld { ask, answer: Ok(PinHeld::NotAPin) });
    }
    assert!(counter.says(FaultCode::PinNotHeld));
    assert_eq!((counter.standing(), counter.reads().len()), (Step::Fallback, 0));
}

#[test]
fn a_generic_reader_that_is_lost_sends_a_card_to_the_slot() {
    let mut counter = Counter::ready();
    counter.touches(&["use_card", "pin"]).types_pin().read(ReadOutcome::ReaderLost);
    assert_eq!(counter.kind(), ScreenKind::InsertCard);
    assert!(counter.wanted(&Act::DropPin { job: JOB }));
}

#[test]
fn r11_phones_that_become_unready_before_the_hold_lead_to_the_card() {
    let mut counter = Counter::ready();
    counter.touch("use_phone").give(Input::PhonesReady(false));
    assert!(counter.says(FaultCode::NfcReaderLost));
    assert_eq!(offers(&counter)[0], Fallback::MyNumberCard);
}

#[test]
fn r11_a_read_torn_by_the_pulled_reader_itself_leads_on_without_a_hint_on_holding() {
    let gone = Input::NfcReader { usable: false };
    let mut told_before = android_until_holding();
    told_before.give(gone.clone()).read(ReadOutcome::Torn);
    let mut told_after = android_until_holding();
    told_after.read(ReadOutcome::Torn).give(gone);
    for counter in [told_before, told_after] {
        assert!(counter.says(FaultCode::NfcReaderLost));
        assert_eq!(offers(&counter)[0], Fallback::MyNumberCard);
    }
}

#[test]
fn a_queue_that_is_full_or_fails_leads_to_the_fallbacks_without_the_card() {
    for (answer, fault) in
        [(Accepted::Full, FaultCode::QueueFull), (Accepted::Failed, FaultCode::QueueFailed)]
    {
        let mut counter = Counter::android_until_consent();
        counter.touch("agree_all").accepted(answer);
        assert!(counter.says(fault));
        assert!(!offers(&counter).contains(&Fallback::MyNumberCard));
    }
}

#[test]
fn a_queue_that_does_not_answer_is_asked_once_more_for_the_same_request() {
    let mut counter = Counter::android_until_consent();
    counter.touch("agree_all");
    let ask = counter.last_ask();
    counter.give(Input::Accepted { ask, answer: Err(Unanswered) });
    let commands = counter.accept_commands();
    assert_eq!(commands.len(), 2);
    assert_eq!(commands[0], commands[1]);
    let ask = counter.last_ask();
    counter.give(Input::Accepted { ask, answer: Err(Unanswered) });
    assert!(counter.says(FaultCode::QueueFailed));
}

#[test]
fn a_patient_who_walks_away_leaves_no_pin_and_no_reading_behind() {
    let mut counter = android_until_holding();
    counter.touch("cancel");
    assert!(counter.wanted(&Act::CancelRead) && counter.wanted(&Act::DropPin { job: JOB }));
    assert_eq!((counter.standing(), counter.ends()), (Step::Idle, vec![VisitEnd::Abandoned]));
}

#[test]
fn a_touch_gives_a_slow_patient_more_time() {
    let mut counter = Counter::ready();
    counter.touch("use_phone");
    let first = counter.visit.deadline().unwrap();
    counter.seconds_pass(50);
    let screen = counter.shown().number;
    counter.give(Input::Touch { screen, choice: "beside every button".into() });
    assert!(counter.visit.deadline().unwrap() > first);
    // The timer of the first limit means nothing any more.
    counter.give(Input::DeadlinePassed(first));
    assert_eq!(counter.standing(), Step::ChoosePhone);
}

#[test]
fn what_answers_something_that_is_over_changes_nothing() {
    let mut counter = android_until_holding();
    let (read, old_screen) = (counter.last_ask(), counter.shown().number);
    counter.touch("cancel");
    let stale = [
        Input::Read { ask: read, answer: Ok(signed(Medium::Android)) },
        Input::Touch { screen: old_screen, choice: "cancel".into() },
        Input::PinSealed { screen: old_screen, job: JOB, sealed: sealed() },
        Input::PinHeld { ask: read, answer: Ok(PinHeld::Held) },
        Input::Authenticated { ask: read, answer: Err(Unanswered) },
    ];
    for input in stale {
        counter.give(input.clone());
        assert_eq!(counter.acts, [], "{input:?}");
    }
}

#[test]
fn a_slots_late_cancelled_does_not_end_the_next_reading() {
    let mut counter = Counter::ready();
    counter.give(Input::SlotCard { present: true }).touch("face").waits();
    assert_eq!(counter.kind(), ScreenKind::FaceOrPin);
    counter.touch("pin").slot(SlotResult::Cancelled);
    assert_eq!(counter.standing(), Step::ReadingSlot);
    counter.slot(SlotResult::Cancelled);
    assert_eq!(counter.standing(), Step::FaceOrPin);
}

#[test]
fn a_reader_that_verified_otherwise_than_asked_proves_nothing() {
    let mut counter = Counter::ready();
    counter.give(Input::SlotCard { present: true }).touch("face").slot(slot_signed(VerifiedBy::Staff));
    assert_eq!(counter.kind(), ScreenKind::FaceOrPin);
    assert!(counter.says(FaultCode::Unreadable));
}

#[test]
fn staff_confirm_the_photograph_of_the_card_in_the_slot() {
    let mut counter = Counter::ready();
    assert_eq!(counter.staff(StaffAct::ConfirmPhoto), StaffActed::NotNow);
    counter.give(Input::SlotCard { present: true });
    assert_eq!(counter.staff(StaffAct::ConfirmPhoto), StaffActed::Done);
    counter.slot(slot_signed(VerifiedBy::Staff)).verdict(Verdict::Confirmed).touch("agree_none");
    assert_eq!(counter.accept_commands()[0].request.evidence.verified_by, VerifiedBy::Staff);
}

#[test]
fn staff_take_a_visit_over_and_say_how_it_was_settled() {
    let mut counter = android_until_holding();
    assert_eq!(counter.staff(StaffAct::TakeOver), StaffActed::Done);
    assert_eq!(counter.kind(), ScreenKind::TakenOver);
    let way = Fallback::EligibilityCertificate;
    assert_eq!(counter.staff(StaffAct::SettleByFallback(way)), StaffActed::Done);
    assert_eq!(counter.ends(), [VisitEnd::Fallback(way)]);
    assert_eq!(counter.staff(StaffAct::Cancel), StaffActed::NotNow, "nobody is here");
}

#[test]
fn staff_cannot_call_back_what_the_queue_may_have_accepted() {
    let mut counter = Counter::android_until_consent();
    counter.touch("agree_all");
    assert_eq!(counter.staff(StaffAct::Cancel), StaffActed::NotNow);
    let settle = StaffAct::SettleByFallback(Fallback::PortalScreen);
    assert_eq!(counter.staff(settle), StaffActed::NotNow);
    // Once accepted, the lane can be freed: the visit stays a deferred one.
    counter.accepted(Accepted::Accepted);
    assert_eq!(counter.staff(StaffAct::Cancel), StaffActed::Done);
    assert_eq!(counter.ends(), [VisitEnd::Deferred]);
}

#[test]
fn a_reader_that_goes_away_ends_the_visit_unless_it_was_consented_to() {
    let mut counter = android_until_holding();
    counter.give(Input::Link { up: false });
    assert_eq!(counter.ends(), [VisitEnd::Interrupted]);
    assert!(counter.wanted(&Act::CancelRead));

    let mut counter = Counter::android_until_settling();
    counter.give(Input::Link { up: false }).settled(Verdict::Confirmed, None);
    assert_eq!(counter.ends(), [VisitEnd::Confirmed]);
}

#[test]
fn visit_in_progress_is_told_when_the_gateway_stops() {
    let mut counter = android_until_holding();
    counter.give(Input::Stopping);
    assert_eq!((counter.kind(), counter.ends()), (ScreenKind::OutOfService, vec![VisitEnd::Interrupted]));
    assert!(counter.says(FaultCode::Interrupted));
    let screen = counter.shown().number;
    counter.give(Input::Touch { screen, choice: "use_card".into() });
    assert_eq!(counter.standing(), Step::Idle);

    let mut idle = Counter::ready();
    idle.give(Input::Stopping);
    assert_eq!((idle.kind(), idle.shown().notice), (ScreenKind::OutOfService, None));
}

#[test]
fn a_card_left_in_the_slot_is_pointed_out() {
    let mut counter = Counter::ready();
    counter.give(Input::SlotCard { present: true }).touch("cancel");
    assert_eq!((counter.kind(), counter.shown().notice), (ScreenKind::Idle, Some(Notice::TakeCard)));
    counter.give(Input::SlotCard { present: false });
    assert_eq!(counter.shown().notice, None);
}

#[test]
fn the_buttons_of_staff_are_what_staff_can_do() {
    let mut counter = Counter::android_until_authenticating();
    counter.verdict(Verdict::NotRegistered);
    let may = counter.visit.in_progress().unwrap().staff_may;
    assert!(may.contains(&StaffAct::SettleByFallback(Fallback::PortalScreen)));
    assert!(!may.contains(&StaffAct::ConfirmPhoto), "there is no card to compare with");
    for act in may {
        let mut counter = Counter::android_until_authenticating();
        counter.verdict(Verdict::NotRegistered);
        assert_eq!(counter.staff(act), StaffActed::Done, "{act:?}");
    }
}
