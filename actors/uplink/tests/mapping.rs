//! What the lanes are told for each thing that can go wrong at the centre: against the simulated centre, over
//! real mutual TLS, with a card that really signs.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a failed unwrap is a failed test, in helpers too"
)]

mod support;

use madoguchi_protocol::{
    eligibility::{Validity, Verdict},
    messages::uplink::{Authenticated, Confirmed, Queried},
};
use madoguchi_simulator::centre::{Fault, Patient};
use madoguchi_uplink::{HttpsCentre, desk::Desk, line::LineState};
use std::{
    sync::Arc,
    time::{Duration, Instant},
};
use support::{Hospital, authentication, confirmation, query, serial};
use tokio::task::JoinSet;

const AUTHENTICATE: &str = "/v1/authenticate";
const CONFIRMATIONS: &str = "/v1/confirmations";
const QUERIES: &str = "/v1/queries";

fn verdict(confirmed: &Confirmed) -> Option<Verdict> {
    match confirmed {
        Confirmed::Answer(answer) => Some(answer.verdict),
        _ => None,
    }
}

#[tokio::test]
async fn a_registered_holder_is_authenticated_and_confirmed_once() {
    let hospital = Hospital::open();
    let answered = hospital.desk.authenticate(&authentication()).await;
    assert_eq!(answered, Authenticated::Verdict(Verdict::Confirmed));

    let command = confirmation();
    let Confirmed::Answer(answer) = hospital.desk.confirm(&command).await else { panic!("no answer") };
    assert_eq!((answer.request_id, answer.verdict), (command.request.request_id, Verdict::Confirmed));
    assert_eq!(answer.validity, Some(Validity::Valid));
    let eligibility = answer.eligibility.clone().unwrap();
    assert!(eligibility.insurer_number.is_some() && eligibility.name.is_some());
    assert_eq!(hospital.effect(&command.request), (1, 0));

    assert_eq!(hospital.desk.confirm(&command).await, Confirmed::Answer(answer), "the same answer again");
    assert_eq!(hospital.effect(&command.request), (1, 1));
    assert_eq!(hospital.desk.standing().borrow().line, LineState::Up);
}

#[tokio::test]
async fn r02_not_registered_is_an_answer() {
    let hospital = Hospital::open();
    hospital.state().patients().insert(serial(), Patient::sample(1).not_registered());
    let answered = hospital.desk.authenticate(&authentication()).await;
    assert_eq!(answered, Authenticated::Verdict(Verdict::NotRegistered));
    let Confirmed::Answer(answer) = hospital.desk.confirm(&confirmation()).await else { panic!("no answer") };
    assert_eq!((answer.verdict, answer.validity, answer.eligibility), (Verdict::NotRegistered, None, None));
}

#[tokio::test]
async fn a_revoked_certificate_and_a_false_signature_are_answers() {
    let hospital = Hospital::open();
    let mut spoiled = authentication();
    spoiled.evidence.signature[10] ^= 1;
    assert_eq!(hospital.desk.authenticate(&spoiled).await, Authenticated::Verdict(Verdict::Refused));
    hospital.state().set_revoked(serial(), true);
    let answered = hospital.desk.authenticate(&authentication()).await;
    assert_eq!(answered, Authenticated::Verdict(Verdict::Revoked));
    assert_eq!(verdict(&hospital.desk.confirm(&confirmation()).await), Some(Verdict::Revoked));
}

#[tokio::test]
async fn a_query_is_answered_and_nobody_found_is_an_answer() {
    let hospital = Hospital::open();
    let answered = hospital.desk.query(&query()).await;
    assert_eq!(answered, Queried::Found { validity: Validity::None, eligibility: None });
}

#[tokio::test]
async fn a_refused_connection_is_a_line_that_is_down_and_known_at_once() {
    let hospital = Hospital::open();
    assert!(verdict(&hospital.desk.confirm(&confirmation()).await).is_some());
    hospital.state().faults().line_down();
    let began = Instant::now();
    let command = confirmation();
    // The first may still have been written to the connection that was cut.
    hospital.desk.authenticate(&authentication()).await;
    assert_eq!(hospital.desk.confirm(&command).await, Confirmed::LineDown);
    assert_eq!(hospital.desk.authenticate(&authentication()).await, Authenticated::LineDown);
    assert_eq!(hospital.desk.query(&query()).await, Queried::LineDown);
    assert!(began.elapsed() < Duration::from_secs(3), "took {:?}", began.elapsed());
    assert_eq!(hospital.desk.standing().borrow().line, LineState::Down);

    // No probe has run: the confirmation itself finds the line back.
    hospital.state().faults().line_up();
    let answer = loop {
        match hospital.desk.confirm(&command).await {
            Confirmed::LineDown => tokio::time::sleep(Duration::from_millis(10)).await,
            other => break other,
        }
    };
    assert_eq!(verdict(&answer), Some(Verdict::Confirmed));
    assert_eq!(hospital.effect(&command.request), (1, 0));
    assert_eq!(hospital.desk.standing().borrow().line, LineState::Up);
}

#[tokio::test]
async fn a_confirmation_that_hangs_is_uncertain_and_looked_up_before_it_is_sent_again() {
    let hospital = Hospital::open();
    hospital.fault(Fault::Slow { ms: 4_000 }, CONFIRMATIONS, 1);
    let command = confirmation();
    let began = Instant::now();
    assert_eq!(hospital.desk.confirm(&command).await, Confirmed::Uncertain);
    assert!(began.elapsed() < Duration::from_millis(3_900), "the deadline holds: {:?}", began.elapsed());

    let mut later = command.clone();
    later.deferred = true;
    assert_eq!(verdict(&hospital.desk.confirm(&later).await), Some(Verdict::Confirmed));
    assert_eq!(hospital.effect(&command.request), (1, 0), "found by its id, not sent again");
}

#[tokio::test]
async fn an_uncertain_confirmation_that_never_arrived_is_sent_again() {
    let hospital = Hospital::open();
    hospital.fault(Fault::Hang, CONFIRMATIONS, 1);
    let command = confirmation();
    assert_eq!(hospital.desk.confirm(&command).await, Confirmed::Uncertain);
    assert_eq!(verdict(&hospital.desk.confirm(&command).await), Some(Verdict::Confirmed));
    assert_eq!(hospital.effect(&command.request), (1, 0));
}

#[tokio::test]
async fn an_answer_lost_after_commit_is_found_within_the_same_command() {
    let hospital = Hospital::open();
    hospital.fault(Fault::DropAfterCommit, CONFIRMATIONS, 1);
    let command = confirmation();
    assert_eq!(verdict(&hospital.desk.confirm(&command).await), Some(Verdict::Confirmed));
    assert_eq!(hospital.effect(&command.request), (1, 0));
}

#[tokio::test]
async fn a_connection_that_keeps_breaking_is_uncertain_and_never_doubles() {
    let hospital = Hospital::open();
    hospital.always(Fault::DropAfterCommit, CONFIRMATIONS);
    let command = confirmation();
    assert_eq!(hospital.desk.confirm(&command).await, Confirmed::Uncertain);
    hospital.state().faults().clear();
    assert_eq!(verdict(&hospital.desk.confirm(&command).await), Some(Verdict::Confirmed));
    assert_eq!(hospital.effect(&command.request), (1, 0));
}

#[tokio::test]
async fn a_gateway_that_forgot_what_it_sent_still_gets_the_answer_of_a_now_deferred_confirmation() {
    let hospital = Hospital::open();
    let mut command = confirmation();
    let first = hospital.desk.confirm(&command).await;
    command.deferred = true;
    let after_restart = hospital.another_desk();
    assert_eq!(after_restart.confirm(&command).await, first, "422 for the other body, then found by its id");
    assert_eq!(hospital.effect(&command.request), (1, 0));
}

#[tokio::test]
async fn server_errors_and_too_many_requests_are_uncertain() {
    let hospital = Hospital::open();
    for code in [429, 500, 502, 503, 504] {
        hospital.fault(Fault::Status { code }, CONFIRMATIONS, 1);
        hospital.fault(Fault::Status { code }, QUERIES, 1);
        hospital.fault(Fault::Status { code }, AUTHENTICATE, 1);
        let command = confirmation();
        assert_eq!(hospital.desk.confirm(&command).await, Confirmed::Uncertain, "{code}");
        assert_eq!(hospital.desk.query(&query()).await, Queried::Uncertain, "{code}");
        assert_eq!(hospital.desk.authenticate(&authentication()).await, Authenticated::LineDown, "{code}");
        assert_eq!(verdict(&hospital.desk.confirm(&command).await), Some(Verdict::Confirmed), "{code}");
    }
}

#[tokio::test]
async fn a_malformed_request_is_named_by_its_status() {
    let hospital = Hospital::open();
    for status in [400, 413, 415, 422] {
        hospital.fault(Fault::Status { code: status }, CONFIRMATIONS, 1);
        hospital.fault(Fault::Status { code: status }, QUERIES, 1);
        assert_eq!(hospital.desk.confirm(&confirmation()).await, Confirmed::Malformed { status });
        assert_eq!(hospital.desk.query(&query()).await, Queried::Malformed { status });
    }
    let mut unreadable = query();
    unreadable.query.birthdate = "yesterday".into();
    assert_eq!(hospital.desk.query(&unreadable).await, Queried::Malformed { status: 400 });
}

#[tokio::test]
async fn a_terminal_that_the_centre_does_not_know_loses_nothing() {
    let hospital = Hospital::open();
    hospital.fault(Fault::Status { code: 401 }, CONFIRMATIONS, 1);
    let command = confirmation();
    assert_eq!(hospital.desk.confirm(&command).await, Confirmed::Uncertain);
    assert_eq!(verdict(&hospital.desk.confirm(&command).await), Some(Verdict::Confirmed));
}

#[tokio::test]
async fn an_answer_to_another_request_is_counted_and_never_passed_on() {
    let hospital = Hospital::open();
    hospital.always(Fault::WrongAnswer, "/v1/");
    let command = confirmation();
    assert_eq!(hospital.desk.confirm(&command).await, Confirmed::Uncertain);
    assert_eq!(hospital.desk.query(&query()).await, Queried::Uncertain);
    assert_eq!(hospital.desk.authenticate(&authentication()).await, Authenticated::LineDown);
    assert_eq!(hospital.wrong_answers(), 4, "the confirmation was also looked up");

    hospital.state().faults().clear();
    assert_eq!(verdict(&hospital.desk.confirm(&command).await), Some(Verdict::Confirmed));
    assert_eq!(hospital.effect(&command.request), (1, 0));
}

#[tokio::test]
async fn half_an_answer_is_counted_and_the_whole_one_is_looked_up() {
    let hospital = Hospital::open();
    hospital.fault(Fault::Malformed, CONFIRMATIONS, 1);
    let command = confirmation();
    assert_eq!(verdict(&hospital.desk.confirm(&command).await), Some(Verdict::Confirmed));
    assert_eq!(hospital.effect(&command.request), (1, 0));
    assert_eq!(hospital.wrong_answers(), 1);
}

#[tokio::test]
async fn an_authentication_without_a_verdict_in_time_lets_the_visit_go_on_as_deferred() {
    let hospital = Hospital::open();
    hospital.fault(Fault::Hang, AUTHENTICATE, 1);
    let command = authentication();
    let began = Instant::now();
    assert_eq!(hospital.desk.authenticate(&command).await, Authenticated::LineDown);
    assert!(began.elapsed() < Duration::from_secs(8), "the deadline holds: {:?}", began.elapsed());
}

#[tokio::test]
async fn one_broken_connection_does_not_defer_an_authentication_or_a_query() {
    let hospital = Hospital::open();
    hospital.fault(Fault::Reset, AUTHENTICATE, 1);
    hospital.fault(Fault::DropAfterCommit, QUERIES, 1);
    let answered = hospital.desk.authenticate(&authentication()).await;
    assert_eq!(answered, Authenticated::Verdict(Verdict::Confirmed));
    let answered = hospital.desk.query(&query()).await;
    assert_eq!(answered, Queried::Found { validity: Validity::None, eligibility: None });
}

#[tokio::test]
async fn many_lanes_do_not_wait_for_one_that_hangs() {
    let hospital = Hospital::open();
    hospital.fault(Fault::Hang, CONFIRMATIONS, 1);
    let stuck = confirmation();
    let stuck = async { (hospital.desk.confirm(&stuck).await, Instant::now()) };
    let others = async {
        // Let the stuck one take the fault.
        tokio::time::sleep(Duration::from_millis(100)).await;
        let desk = Arc::new(hospital.another_desk());
        let one = |desk: Arc<Desk<HttpsCentre>>| async move { desk.confirm(&confirmation()).await };
        let answers = (0..16).map(|_| one(desk.clone())).collect::<JoinSet<_>>().join_all().await;
        assert!(answers.iter().all(|answer| verdict(answer) == Some(Verdict::Confirmed)), "{answers:?}");
        Instant::now()
    };
    let ((stuck, stuck_at), others_at) = tokio::join!(stuck, others);
    assert_eq!(stuck, Confirmed::Uncertain);
    assert!(others_at < stuck_at);
}

#[tokio::test]
async fn a_request_that_hangs_is_no_line_that_is_down() {
    let hospital = Hospital::open();
    hospital.always(Fault::Hang, CONFIRMATIONS);
    let probing = async {
        loop {
            hospital.desk.probe(0).await;
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    let (one, two) = (confirmation(), confirmation());
    let asking = async { tokio::join!(hospital.desk.confirm(&one), hospital.desk.confirm(&two)) };
    let outcomes = tokio::select! { outcomes = asking => outcomes, () = probing => unreachable!() };
    assert_eq!(outcomes, (Confirmed::Uncertain, Confirmed::Uncertain));
    assert_eq!(hospital.desk.standing().borrow().line, LineState::Up);
}

#[tokio::test]
async fn probes_alone_see_the_line_go_and_come_back() {
    let hospital = Hospital::open();
    let line = || hospital.desk.standing().borrow().line;
    assert_eq!(line(), LineState::Unknown);
    hospital.desk.probe(0).await;
    assert_eq!(line(), LineState::Up);
    hospital.always(Fault::Hang, "/v1/alive");
    hospital.desk.probe(0).await;
    assert_eq!(line(), LineState::Up, "one may be chance");
    hospital.desk.probe(0).await;
    assert_eq!(line(), LineState::Down);
    hospital.state().faults().clear();
    hospital.desk.probe(0).await;
    assert_eq!(line(), LineState::Up);
    hospital.always(Fault::Status { code: 503 }, "/v1/alive");
    hospital.desk.probe(0).await;
    hospital.desk.probe(0).await;
    assert_eq!(line(), LineState::Down, "a centre that serves nobody is not reachable");
}
