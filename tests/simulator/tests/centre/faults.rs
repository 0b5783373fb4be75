//! Every fault that can be switched on, seen from the gateway's side of the line.

use std::time::{Duration, Instant};

use madoguchi_simulator::centre::{ConfirmationResult, Fault, Injection};
use serde_json::Value;

use crate::support::{Hospital, Request, json_of};

fn inject(hospital: &Hospital, injection: impl Into<Injection>) {
    hospital.state().faults().inject(injection).unwrap();
}

#[tokio::test]
async fn slow_commits_at_once_and_answers_late() {
    let hospital = Hospital::open();
    inject(&hospital, Injection::from(Fault::Slow { ms: 400 }).times(1));
    let request = Request::new();
    let start = Instant::now();
    let answer = hospital.send(&request);
    tokio::pin!(answer);
    let waited = tokio::time::timeout(Duration::from_millis(200), &mut answer).await;
    assert!(waited.is_err(), "it came too soon");
    assert_eq!(hospital.commits(&request), 1);
    assert_eq!(answer.await.unwrap().status(), 200);
    assert!(start.elapsed() >= Duration::from_millis(400));
}

#[tokio::test]
async fn hang_says_nothing_and_does_nothing_until_it_is_taken_away() {
    let hospital = Hospital::open();
    inject(&hospital, Fault::Hang);
    let request = Request::new();
    let answer = hospital.send(&request);
    tokio::pin!(answer);
    assert!(tokio::time::timeout(Duration::from_millis(300), &mut answer).await.is_err());
    hospital.state().faults().clear();
    assert!(answer.await.is_err(), "what hung gets no answer");
    assert_eq!(hospital.commits(&request), 0);
    assert_eq!(hospital.confirm(&request).await.result, ConfirmationResult::Confirmed);
}

#[tokio::test]
async fn line_down_refuses_connections_and_line_up_brings_the_same_port_back() {
    let hospital = Hospital::open();
    assert_eq!(hospital.get("/v1/alive").await.unwrap().status(), 204);
    for _ in 0..3 {
        hospital.state().faults().line_down();
        assert!(hospital.get("/v1/alive").await.is_err(), "not even a kept connection gets an answer");
        eventually(async || {
            let error = tokio::net::TcpStream::connect(hospital.centre.address()).await.err();
            error.is_some_and(|error| error.kind() == std::io::ErrorKind::ConnectionRefused)
        })
        .await;
        hospital.state().faults().line_up();
        eventually(async || hospital.get("/v1/alive").await.is_ok_and(|answer| answer.status() == 204)).await;
    }
    assert_eq!(hospital.state().faults().active(), []);
}

async fn eventually(mut condition: impl AsyncFnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(5);
    while !condition().await {
        assert!(Instant::now() < deadline, "it never came about");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test]
async fn reset_drops_connections_as_they_come() {
    let hospital = Hospital::open();
    inject(&hospital, Injection::from(Fault::Reset).times(1));
    let request = Request::new();
    assert!(hospital.send(&request).await.unwrap_err().is_connect());
    assert_eq!(hospital.commits(&request), 0);
    assert_eq!(hospital.confirm(&request).await.result, ConfirmationResult::Confirmed);
}

#[tokio::test]
async fn reset_with_a_path_drops_the_connection_on_that_request_alone() {
    let hospital = Hospital::open();
    inject(&hospital, Injection::from(Fault::Reset).on("/v1/confirmations"));
    let request = Request::new();
    assert_eq!(hospital.authenticate(&request).await["result"], "authenticated");
    assert!(hospital.send(&request).await.is_err());
    assert_eq!(hospital.commits(&request), 0);
}

#[tokio::test]
async fn drop_after_commit_leaves_an_effect_without_an_answer_and_a_repetition_gets_it() {
    let hospital = Hospital::open();
    inject(&hospital, Injection::from(Fault::DropAfterCommit).times(1));
    let request = Request::new();
    assert!(hospital.send(&request).await.is_err());
    assert_eq!(hospital.commits(&request), 1);
    let again = hospital.send(&request).await.unwrap();
    assert_eq!(again.headers()["Idempotent-Replayed"], "true");
    assert_eq!(hospital.commits(&request), 1);
}

#[tokio::test]
async fn wrong_answer_names_another_request() {
    let hospital = Hospital::open();
    inject(&hospital, Injection::from(Fault::WrongAnswer).times(1));
    let request = Request::new();
    let answer = hospital.confirm(&request).await;
    assert_ne!(answer.request_id, request.statement.request_id);
    assert_eq!(hospital.confirm(&request).await.request_id, request.statement.request_id);
}

#[tokio::test]
async fn malformed_is_no_json() {
    let hospital = Hospital::open();
    inject(&hospital, Injection::from(Fault::Malformed).times(1));
    let answer = hospital.send(&Request::new()).await.unwrap();
    assert_eq!(answer.status(), 200);
    assert!(answer.json::<Value>().await.is_err());
}

#[tokio::test]
async fn status_answers_with_it_and_does_nothing() {
    let hospital = Hospital::open();
    let request = Request::new();
    for code in [429, 500, 503] {
        inject(&hospital, Injection::from(Fault::Status { code }).times(1));
        let error = json_of(hospital.send(&request).await.unwrap(), code).await;
        assert_eq!(error["error"], "fault");
    }
    assert_eq!(hospital.commits(&request), 0);
    assert_eq!(hospital.confirm(&request).await.result, ConfirmationResult::Confirmed);
}
