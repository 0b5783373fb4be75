//! Exactly once: the same request again, a changed one, and the centre restarted in between.

use std::collections::BTreeSet;

use madoguchi_simulator::pki::tls::Validity;
use serde_json::json;
use uuid::Uuid;

use crate::support::{Hospital, Request, client, json_of, start};

const REPLAYED: &str = "Idempotent-Replayed";

#[tokio::test]
async fn the_same_request_again_gets_the_same_answer_and_counts_once() {
    let hospital = Hospital::open();
    let request = Request::new();
    let first = hospital.send(&request).await.unwrap();
    assert!(!first.headers().contains_key(REPLAYED));
    let first = first.text().await.unwrap();
    let again = hospital.send(&request).await.unwrap();
    assert_eq!(again.headers()[REPLAYED], "true");
    assert_eq!(again.text().await.unwrap(), first);
    let effect = hospital.state().effect(request.statement.request_id).unwrap();
    assert_eq!((effect.commits, effect.replays), (1, 1));
}

#[tokio::test]
async fn a_refusal_is_an_answer_too_and_stays_the_same() {
    let hospital = Hospital::open();
    let request = Request::new().aged(7_200);
    let first = hospital.send(&request).await.unwrap().text().await.unwrap();
    assert!(first.contains("statement_stale"));
    assert_eq!(hospital.send(&request).await.unwrap().text().await.unwrap(), first);
    assert_eq!(hospital.commits(&request), 1);
}

#[tokio::test]
async fn sixteen_copies_at_once_count_once() {
    let hospital = Hospital::open();
    let request = Request::new();
    let mut copies = tokio::task::JoinSet::new();
    for _ in 0..16 {
        copies.spawn(hospital.post_confirmation(&request).send());
    }
    let mut answers = BTreeSet::new();
    while let Some(answer) = copies.join_next().await {
        answers.insert(answer.unwrap().unwrap().text().await.unwrap());
    }
    assert_eq!(answers.len(), 1);
    let effect = hospital.state().effect(request.statement.request_id).unwrap();
    assert_eq!((effect.commits, effect.replays), (1, 15));
}

#[tokio::test]
async fn the_same_key_with_another_body_is_an_error_and_changes_nothing() {
    let hospital = Hospital::open();
    let mut request = Request::new();
    hospital.confirm(&request).await;
    request.consent.diagnosis = true;
    let error = json_of(hospital.send(&request).await.unwrap(), 422).await;
    assert_eq!(error["error"], "key_reused");
    assert_eq!(hospital.commits(&request), 1);
}

#[tokio::test]
async fn key_body_and_statement_must_name_the_same_request() {
    let hospital = Hospital::open();
    let request = Request::new();
    let url = hospital.url("/v1/confirmations");
    let without = hospital.client.post(&url).json(&request.confirmation()).send().await.unwrap();
    assert_eq!(without.status(), 400);
    let other = Uuid::new_v4();
    let keyed = hospital.client.post(&url).header("Idempotency-Key", other.to_string());
    assert_eq!(keyed.json(&request.confirmation()).send().await.unwrap().status(), 400);
    let mut body = request.confirmation();
    body["request_id"] = json!(other);
    let keyed = hospital.client.post(&url).header("Idempotency-Key", other.to_string());
    assert_eq!(keyed.json(&body).send().await.unwrap().status(), 400);
    assert_eq!(hospital.state().effects(), []);
}

#[tokio::test]
async fn an_answer_can_be_asked_for_later_by_the_terminal_that_caused_it_alone() {
    let hospital = Hospital::open();
    let request = Request::new();
    let path = format!("/v1/confirmations/{}", request.statement.request_id);
    assert_eq!(hospital.get(&path).await.unwrap().status(), 404);
    let answer = hospital.send(&request).await.unwrap().text().await.unwrap();
    assert_eq!(hospital.get(&path).await.unwrap().text().await.unwrap(), answer);
    let stranger = hospital.terminals.client("terminal-2", Validity::days(1)).unwrap();
    let stranger = client(&hospital.servers, Some(&stranger));
    assert_eq!(stranger.get(hospital.url(&path)).send().await.unwrap().status(), 404);
    assert_eq!(hospital.get("/v1/confirmations/no-uuid").await.unwrap().status(), 400);
}

#[tokio::test]
async fn answers_and_effects_outlive_a_restart_of_the_centre() {
    let mut hospital = Hospital::open();
    let request = Request::new();
    let first = hospital.send(&request).await.unwrap().text().await.unwrap();
    let address = hospital.centre.address();
    let state = hospital.centre.stop();
    hospital.centre = start(&hospital.servers, &hospital.terminals, address, state);
    // The client's kept connection died with the old server; a gateway tries again as well.
    let again = match hospital.send(&request).await {
        Ok(response) => response,
        Err(_) => hospital.send(&request).await.unwrap(),
    };
    assert_eq!(again.headers()[REPLAYED], "true");
    assert_eq!(again.text().await.unwrap(), first);
    assert_eq!(hospital.commits(&request), 1);
}
