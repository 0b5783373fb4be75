//! Rehearsing an outage at one lane: the deferred way, marked on every screen, and never a patient's visit.
#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

mod support;

use madoguchi_protocol::{
    eligibility::Verdict,
    evidence::Medium,
    messages::{
        audit_log::{Entry, Fallback, StaffAct, Step, VisitEnd},
        face_reader::StaffActed,
        offline_queue::Accepted,
    },
};
use madoguchi_reception::{
    Act, Input, ScreenKind,
    counting::{Counting, NotCounted, count},
};
use support::*;

fn rehearsing() -> Counter {
    let mut counter = Counter::ready();
    assert_eq!(counter.staff(StaffAct::BeginRehearsal), StaffActed::Done);
    counter
}

fn records(counter: &Counter) -> Vec<&Entry> {
    let recorded = counter.all.iter().filter_map(|act| match act {
        Act::Record(entry) => Some(entry),
        _ => None,
    });
    recorded.collect()
}

/// Through the queue: an iPhone is read, consent is given.
fn practise(counter: &mut Counter) {
    counter.touches(&["use_phone", "iphone", "continue"]);
    let ask = counter.last_ask();
    counter.give(Input::Read { ask, answer: Ok(signed(Medium::Iphone)) });
    assert_eq!(counter.kind(), ScreenKind::Consent { deferred: true }, "the centre is not asked");
    counter.touch("agree_all");
    let ask = counter.last_ask();
    counter.give(Input::Accepted { ask, answer: Ok(Accepted::Accepted) });
}

#[test]
fn practice_goes_the_deferred_way_although_the_line_is_up_and_says_so_on_every_screen() {
    let mut counter = rehearsing();
    let idle = counter.shown().render();
    assert!(idle.title.contains("練習") && idle.text.contains("別の窓口"), "{idle:?}");
    practise(&mut counter);
    assert_eq!((counter.kind(), counter.ends()), (ScreenKind::Deferred, vec![VisitEnd::Practised]));
    assert!(counter.accept_commands().iter().all(|command| command.practice));
    assert!(!counter.all.iter().any(|act| matches!(act, Act::Authenticate { .. })));
    let screens = counter.all.iter().filter_map(|act| match act {
        Act::Show(screen) if screen.visit.is_some() => Some(screen.render()),
        _ => None,
    });
    for screen in screens {
        assert!(screen.title.starts_with("【練習】") && screen.text.contains("練習中"), "{screen:?}");
    }
    let entries = records(&counter);
    assert!(entries.contains(&&Entry::PracticeStarted) && !entries.contains(&&Entry::VisitStarted));
}

#[test]
fn visit_in_progress_is_never_made_practice_and_patients_after_the_rehearsal_are_real() {
    let mut counter = Counter::ready();
    counter.touch("use_card");
    assert_eq!(counter.staff(StaffAct::BeginRehearsal), StaffActed::NotNow);
    counter.touch("cancel");
    assert_eq!(counter.staff(StaffAct::EndRehearsal), StaffActed::NotNow);
    assert_eq!(counter.staff(StaffAct::BeginRehearsal), StaffActed::Done);
    assert_eq!(counter.staff(StaffAct::BeginRehearsal), StaffActed::NotNow);
    assert_eq!(counter.staff(StaffAct::EndRehearsal), StaffActed::Done);
    assert!(!counter.shown().practice);
    counter.touches(&["use_phone", "iphone", "continue"]);
    let ask = counter.last_ask();
    counter.give(Input::Read { ask, answer: Ok(signed(Medium::Iphone)) });
    assert_eq!(counter.standing(), Step::Authenticating, "the centre is asked again");
    assert!(!counter.visit.in_progress().unwrap().practice);
}

#[test]
fn end_of_the_rehearsal_ends_a_practice_visit_and_leaves_alone_what_the_queue_was_asked_to_take() {
    for end in [Input::Staff(StaffAct::EndRehearsal, None), Input::RehearsalOver] {
        let mut counter = rehearsing();
        counter.touch("use_card");
        counter.give(end.clone());
        assert_eq!((counter.standing(), counter.ends()), (Step::Idle, vec![VisitEnd::Practised]));
        assert!(!counter.shown().practice && counter.visit.rehearsal().is_none());

        let mut counter = rehearsing();
        counter.touches(&["use_phone", "iphone", "continue"]);
        let ask = counter.last_ask();
        counter.give(Input::Read { ask, answer: Ok(signed(Medium::Iphone)) });
        counter.touch("agree_none");
        let ask = counter.last_ask();
        counter.give(end);
        assert_eq!(counter.standing(), Step::Confirming);
        counter.give(Input::Accepted { ask, answer: Ok(Accepted::Accepted) });
        assert_eq!((counter.kind(), counter.ends()), (ScreenKind::Deferred, vec![VisitEnd::Practised]));
        assert!(counter.shown().practice, "it stays practice to its end");
    }
}

#[test]
fn r28_practice_does_not_count_however_it_ends() {
    let settled = StaffAct::SettleByFallback(Fallback::PortalScreen);
    for act in [StaffAct::Cancel, settled, StaffAct::SettleByFallback(Fallback::EligibilityCertificate)] {
        let mut counter = rehearsing();
        counter.touch("use_card");
        assert_eq!(counter.staff(act), StaffActed::Done, "staff practise the fallbacks as well");
        assert_eq!(counter.ends(), [VisitEnd::Practised], "{act:?}");
    }
    for later in [None, Some(Verdict::Confirmed)] {
        assert_eq!(count(VisitEnd::Practised, later), Counting::NotCounted(NotCounted::Practice));
    }
}

#[test]
fn gateway_that_stops_ends_the_rehearsal() {
    let mut counter = rehearsing();
    counter.give(Input::Stopping);
    assert_eq!(counter.visit.rehearsal(), None);
    assert!(!counter.shown().practice);
}
