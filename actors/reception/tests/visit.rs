//! The ways of a visit that end well, and the rules on them.

mod support;

use madoguchi_protocol::{
    device::SlotMethod,
    eligibility::{Validity, Verdict},
    evidence::{Consent, Medium, Statement, VerifiedBy},
    fault::FaultCode,
    messages::{
        audit_log::{Step, VisitEnd},
        nfc_reader::{ReadOutcome, ReadProgress},
        offline_queue::{Accepted, ConfirmationStanding},
        uplink::Authenticated,
    },
};
use madoguchi_reception::{Act, Input, ScreenKind, Unanswered};
use support::*;

#[test]
fn r10_the_button_is_shown_once_phones_are_ready() {
    let counter = Counter::ready();
    assert_eq!(counter.kind(), ScreenKind::Idle);
    assert!(counter.offers("use_phone") && counter.offers("use_card"));
    assert!(counter.visit.phones_offered());
}

#[test]
fn r11_the_button_is_hidden_at_once_when_phones_are_not_ready_any_more() {
    let mut counter = Counter::ready();
    let stale = counter.shown().number;
    counter.give(Input::PhonesReady(false));
    assert!(!counter.offers("use_phone") && counter.offers("use_card"));
    // A finger that was on its way to the hidden button starts nothing.
    counter.give(Input::Touch { screen: stale, choice: "use_phone".into() });
    let screen = counter.shown().number;
    counter.give(Input::Touch { screen, choice: "use_phone".into() });
    assert_eq!(counter.standing(), Step::Idle);
}

#[test]
fn r03_the_card_works_with_phones_switched_off() {
    let mut counter = Counter::ready();
    counter.give(Input::PhonesReady(false)).give(Input::NfcReader { usable: false });
    counter.touches(&["use_card", "face"]);
    assert_eq!(counter.kind(), ScreenKind::InsertCard);
    counter.give(Input::SlotCard { present: true });
    counter.slot(slot_signed(VerifiedBy::Face)).verdict(Verdict::Confirmed);
    counter
        .touch("agree_none")
        .accepted(Accepted::Accepted)
        .settled(Verdict::Confirmed, Some(Validity::Valid));
    assert_eq!(counter.ends(), [VisitEnd::Confirmed]);
}

#[test]
fn r16_r17_r20_an_android_visit_goes_choose_kind_pin_hold_consent() {
    let mut counter = Counter::ready();
    let mut steps = vec![counter.standing()];
    counter.touch("use_phone");
    steps.push(counter.standing());
    counter.touch("android");
    steps.push(counter.standing());
    counter.types_pin();
    steps.push(counter.standing());
    counter.read(signed(Medium::Android));
    steps.push(counter.standing());
    counter.verdict(Verdict::Confirmed);
    steps.push(counter.standing());
    counter.touch("agree_all");
    steps.push(counter.standing());
    counter.accepted(Accepted::Accepted).settled(Verdict::Confirmed, Some(Validity::Valid));
    steps.push(counter.standing());
    counter.touch("finish");
    steps.push(counter.standing());
    assert_eq!(
        steps,
        [
            Step::Idle,
            Step::ChoosePhone,
            Step::EnterPin,
            Step::HoldMedium,
            Step::Authenticating,
            Step::Consent,
            Step::Confirming,
            Step::Done,
            Step::Idle
        ]
    );
    assert_eq!(counter.ends(), [VisitEnd::Confirmed]);
}

#[test]
fn r18_iphone_is_never_asked_for_a_pin() {
    let mut counter = Counter::iphone_until_holding();
    counter.read(signed(Medium::Iphone)).verdict(Verdict::Confirmed).touch("agree_all");
    assert!(counter.reads().iter().all(|read| read.expected == Medium::Iphone && read.pin_job.is_none()));
    assert!(!counter.all.iter().any(|act| matches!(act, Act::OpenPinJob { .. } | Act::HoldPin { .. })));
    let request = &counter.accept_commands()[0].request;
    assert_eq!(request.evidence.verified_by, VerifiedBy::Device);
}

#[test]
fn r18_iphone_not_authorised_is_told_to_authenticate() {
    let mut counter = Counter::iphone_until_holding();
    counter.read(ReadOutcome::HolderNotAuthorised);
    assert_eq!(counter.kind(), ScreenKind::PhoneAuthenticates);
    assert!(counter.says(FaultCode::HolderNotAuthorised));
    counter.touch("continue");
    assert_eq!(counter.standing(), Step::HoldMedium);
}

#[test]
fn r19_the_pin_pad_shows_the_jobs_number_and_the_read_draws_on_that_job() {
    let mut counter = Counter::ready();
    counter.touches(&["use_phone", "android"]);
    assert_eq!(counter.kind(), ScreenKind::ChoosePhone, "the pad appears with its job");
    let ask = counter.last_ask();
    counter.give(Input::PinJob { ask, answer: Ok(opened(JOB)) });
    assert_eq!(counter.kind(), ScreenKind::EnterPin(Medium::Android));
    assert!(counter.shown().render().text.contains("0007"));
    assert_eq!(counter.shown().pin_pad.as_ref().unwrap().job, JOB);
    assert_eq!(counter.visit.in_progress().unwrap().pin_job, Some(JOB));
    let screen = counter.shown().number;
    counter.give(Input::PinSealed { screen, job: JOB, sealed: sealed() });
    let ask = counter.last_ask();
    counter
        .give(Input::PinHeld { ask, answer: Ok(madoguchi_protocol::messages::pin_session::PinHeld::Held) });
    let read = &counter.reads()[0];
    assert_eq!((read.expected, read.pin_job, read.last_try_allowed), (Medium::Android, Some(JOB), false));
}

#[test]
fn r21_consent_comes_after_the_verdict_and_never_before() {
    let counter = Counter::android_until_authenticating();
    assert_eq!(counter.kind(), ScreenKind::Authenticating);
    assert!(
        !counter
            .all
            .iter()
            .any(|act| matches!(act, Act::Show(screen) if screen.kind.step() == Step::Consent))
    );
    let consented = Counter::android_until_consent();
    assert_eq!(consented.kind(), ScreenKind::Consent { deferred: false });
}

#[test]
fn r21_each_item_can_be_agreed_to_on_its_own() {
    let mut counter = Counter::android_until_consent();
    counter.touch("agree_each").touches(&["yes", "no", "yes", "no", "yes"]);
    let expected = Consent {
        specific_health_checkups: true,
        pharmacists: false,
        diagnosis: true,
        operation: false,
        limit_application: true,
    };
    assert_eq!(counter.accept_commands()[0].request.consent, expected);
}

#[test]
fn r21_refusing_all_is_a_visit_like_any_other() {
    let mut counter = Counter::android_until_consent();
    counter.touch("agree_none");
    assert_eq!(counter.accept_commands()[0].request.consent, Consent::default());
    assert_eq!(counter.standing(), Step::Confirming);
}

#[test]
fn a_statement_binds_visit_lane_and_request_and_is_new_for_each_reading() {
    let mut counter = Counter::iphone_until_holding();
    counter.read(ReadOutcome::Torn).touch("retry").read(signed(Medium::Iphone)).verdict(Verdict::Confirmed);
    counter.touch("agree_all");
    let reads = counter.reads();
    assert_ne!(reads[0].statement, reads[1].statement);
    let request = &counter.accept_commands()[0].request;
    assert_eq!(request.evidence.statement, reads[1].statement);
    let statement: Statement = serde_json::from_slice(&reads[1].statement).unwrap();
    assert_eq!(statement.request_id, request.request_id);
    assert_eq!((statement.visit, statement.lane), (request.visit, premises().lane));
    assert_eq!(statement.institution, "1234567890");
}

#[test]
fn a_card_in_the_slot_starts_a_visit_and_is_read_by_face_or_by_the_slots_own_pin() {
    for (choice, method, verified_by) in
        [("face", SlotMethod::Face, VerifiedBy::Face), ("pin", SlotMethod::Pin, VerifiedBy::Pin)]
    {
        let mut counter = Counter::ready();
        counter.give(Input::SlotCard { present: true });
        assert_eq!(counter.kind(), ScreenKind::FaceOrPin);
        counter.touch(choice);
        assert!(
            counter.acts.iter().any(|act| matches!(act, Act::ReadSlot { method: m, .. } if *m == method))
        );
        counter.slot(slot_signed(verified_by)).verdict(Verdict::Confirmed).touch("agree_all");
        let evidence = &counter.accept_commands()[0].request.evidence;
        assert_eq!((evidence.medium, evidence.verified_by), (Medium::MyNumberCard, verified_by));
        assert!(!counter.all.iter().any(|act| matches!(act, Act::OpenPinJob { .. })));
    }
}

#[test]
fn a_card_by_pin_without_the_slot_is_held_over_the_generic_reader() {
    let mut counter = Counter::ready();
    counter.touches(&["use_card", "pin"]).types_pin();
    assert_eq!(counter.kind(), ScreenKind::HoldMedium(Medium::MyNumberCard));
    assert_eq!(counter.reads()[0].pin_job, Some(JOB));
}

#[test]
fn a_card_that_goes_into_the_slot_after_all_is_read_there_and_the_typed_pin_is_dropped() {
    let mut counter = Counter::ready();
    counter.touches(&["use_card", "pin"]).types_pin();
    counter.give(Input::SlotCard { present: true });
    assert!(counter.wanted(&Act::CancelRead) && counter.wanted(&Act::DropPin { job: JOB }));
    assert_eq!(counter.kind(), ScreenKind::ReadingSlot(SlotMethod::Pin));
}

#[test]
fn a_medium_that_is_seen_is_asked_to_stay() {
    let mut counter = Counter::iphone_until_holding();
    let visit = counter.id();
    counter.give(Input::Progress { visit, progress: ReadProgress::MediumSeen });
    assert_eq!(counter.kind(), ScreenKind::Reading);
}

#[test]
fn dead_line_defers_the_visit_which_goes_on_to_consent() {
    let mut counter = Counter::android_until_authenticating();
    counter.give(Input::Line { up: false }).authenticated(Authenticated::LineDown);
    assert_eq!(counter.kind(), ScreenKind::Consent { deferred: true });
    counter.touch("agree_all").accepted(Accepted::Accepted);
    assert_eq!(counter.kind(), ScreenKind::Deferred);
    assert_eq!(counter.ends(), [VisitEnd::Deferred]);
    // The answer of hours later is the queue's business.
    counter.waits().settled(Verdict::Confirmed, Some(Validity::Valid));
    assert_eq!((counter.ends().len(), counter.standing()), (1, Step::Idle));
}

#[test]
fn a_centre_that_says_nothing_defers_the_visit_too() {
    let mut counter = Counter::android_until_authenticating();
    counter.waits();
    assert_eq!(counter.kind(), ScreenKind::Consent { deferred: true });
    let mut counter = Counter::android_until_authenticating();
    let ask = counter.last_ask();
    counter.give(Input::Authenticated { ask, answer: Err(Unanswered) });
    assert_eq!(counter.kind(), ScreenKind::Consent { deferred: true });
}

#[test]
fn an_answer_that_is_not_heard_is_asked_for_before_the_patient_is_let_go() {
    let mut counter = Counter::android_until_settling();
    counter.waits();
    assert!(counter.acts.iter().any(|act| matches!(act, Act::AskConfirmation { .. })));
    let ask = counter.last_ask();
    let settled = settlement(Verdict::Confirmed, Some(Validity::Valid));
    counter.give(Input::Standing { ask, answer: Ok(ConfirmationStanding::Settled(settled)) });
    assert_eq!(counter.kind(), ScreenKind::Done);

    let mut counter = Counter::android_until_settling();
    counter.waits();
    let ask = counter.last_ask();
    counter.give(Input::Standing { ask, answer: Ok(ConfirmationStanding::Waiting) });
    assert_eq!((counter.kind(), counter.ends()), (ScreenKind::Deferred, vec![VisitEnd::Deferred]));
}

#[test]
fn coverage_that_is_not_valid_is_told_to_staff_and_shows_no_details() {
    for validity in [Some(Validity::NotValid), Some(Validity::None), None] {
        let mut counter = Counter::android_until_settling();
        counter.settled(Verdict::Confirmed, validity);
        assert_eq!(counter.kind(), ScreenKind::DoneNotValid);
        assert_eq!(counter.visit.in_progress().unwrap().trouble, Some(FaultCode::NotEligible));
        assert_eq!(counter.ends(), [VisitEnd::Confirmed]);
    }
}

#[test]
fn an_answer_faster_than_the_queues_own_reply_is_taken() {
    let mut counter = Counter::android_until_consent();
    counter.touch("agree_all").settled(Verdict::Confirmed, Some(Validity::Valid));
    assert_eq!(counter.kind(), ScreenKind::Done);
}

#[test]
fn a_patient_can_read_every_screen_in_english_from_the_first_touch_on() {
    let mut counter = Counter::ready();
    counter.touch("language");
    assert_eq!(
        (counter.kind(), counter.shown().render().language.as_str()),
        (ScreenKind::ChooseMedium, "en")
    );
    counter.touches(&["use_phone", "iphone", "continue"]).read(signed(Medium::Iphone));
    assert_eq!(counter.shown().render().language, "en");
    counter.touch("cancel");
    assert_eq!(counter.shown().render().language, "ja", "the next patient begins in the hospital's language");
}
