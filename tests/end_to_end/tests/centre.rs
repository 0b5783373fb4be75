//! The centre dies, hangs, lies or dawdles: patients are served all the same, and what was accepted takes
//! effect exactly once, however often it had to be asked for.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a failed step is a failed test")]

use madoguchi_end_to_end::{
    House, Options,
    visits::{self, Way},
};
use madoguchi_protocol::fault::FaultCode;
use serde_json::{Value, json};
use std::time::Duration;

const CONFIRMATIONS: &str = "/v1/confirmations";

async fn house() -> House {
    House::open(Options::default()).await
}

/// A fault of the centre for the next request to this path.
async fn once(house: &House, kind: &str, path: &str) {
    house.centre_fault(json!({ "fault": { "kind": kind }, "path": path, "remaining": 1 })).await;
}

/// A patient of lane 1 is told that the confirmation comes later, and agrees to it.
async fn visit_is_deferred(house: &House) {
    let lane = house.lane(1);
    visits::present(&lane, Way::Android, "android").await;
    let last = visits::consent(&lane).await;
    assert_eq!(last.kind, "deferred", "{}", last.words());
    visits::leave(&lane).await;
    assert!(house.receipts().await.is_empty(), "there is no answer yet");
}

/// The centre is back: what was deferred is settled, and the next patients on both lanes are served at once.
async fn deferred_visit_is_settled(house: &House) {
    house.settled(1).await;
    house.over("uplink", FaultCode::LineDown).await;
    for number in [1, 2] {
        visits::serve_straight(&house.lane(number), &format!("android#{number}")).await;
    }
    house.settled(3).await;
}

async fn uplink(house: &House) -> Value {
    house.states().await["uplink"]["detail"]["uplink"].clone()
}

#[tokio::test]
async fn dead_centre_defers_the_visit() {
    let house = house().await;
    house.line_down().await;
    house.raised("uplink", FaultCode::LineDown).await;
    assert_eq!(house.lane(1).screen().await.kind, "idle", "patients are served as before");
    visit_is_deferred(&house).await;
    house
        .until("staff see what waits", async |house| {
            house.states().await["offline_queue"]["detail"]["offline_queue"]["waiting"] == 1
        })
        .await;
    house.centre_well().await;
    deferred_visit_is_settled(&house).await;
}

#[tokio::test]
async fn silent_centre_defers_the_visit() {
    let house = house().await;
    house.centre_fault(json!({ "fault": { "kind": "hang" } })).await;
    visit_is_deferred(&house).await;
    house.raised("uplink", FaultCode::LineDown).await;
    house.centre_well().await;
    deferred_visit_is_settled(&house).await;
}

#[tokio::test]
async fn centre_that_answers_503_defers_the_visit() {
    let house = house().await;
    house.centre_fault(json!({ "fault": { "kind": "status", "code": 503 } })).await;
    visit_is_deferred(&house).await;
    house.centre_well().await;
    deferred_visit_is_settled(&house).await;
}

#[tokio::test]
async fn answer_lost_after_the_commit_takes_effect_once() {
    let house = house().await;
    once(&house, "drop_after_commit", CONFIRMATIONS).await;
    let last = visits::serve(&house.lane(1), Way::Android, "android").await;
    assert!(["done", "deferred"].contains(&last.kind.as_str()), "{}", last.words());
    house.settled(1).await;
    assert_eq!(house.effects().await[0]["commits"], 1);
    visits::serve_straight(&house.lane(1), "android#2").await;
    house.settled(2).await;
}

#[tokio::test]
async fn answer_to_another_request_is_never_passed_on() {
    let house = house().await;
    once(&house, "wrong_answer", CONFIRMATIONS).await;
    let last = visits::serve(&house.lane(1), Way::Android, "android").await;
    assert!(["done", "deferred"].contains(&last.kind.as_str()), "{}", last.words());
    house.settled(1).await;
    assert_eq!(uplink(&house).await["wrong_answers"], 1);

    // Whose verdict was it? Nobody's here: the visit goes on as if the centre had not answered.
    once(&house, "wrong_answer", "/v1/authenticate").await;
    let lane = house.lane(2);
    visits::present(&lane, Way::Iphone, "iphone").await;
    let last = visits::consent(&lane).await;
    assert!(["done", "deferred"].contains(&last.kind.as_str()), "{}", last.words());
    visits::leave(&lane).await;
    house.settled(2).await;
    house.until("both are counted", async |house| uplink(house).await["wrong_answers"] == 2).await;
    visits::serve_straight(&lane, "android#2").await;
    house.settled(3).await;
}

#[tokio::test]
async fn answer_cut_in_half_is_asked_for_again() {
    let house = house().await;
    once(&house, "malformed", CONFIRMATIONS).await;
    let last = visits::serve(&house.lane(1), Way::Android, "android").await;
    assert!(["done", "deferred"].contains(&last.kind.as_str()), "{}", last.words());
    house.settled(1).await;
    visits::serve_straight(&house.lane(1), "android#2").await;
    house.settled(2).await;
}

#[tokio::test]
async fn slow_centre_is_waited_for() {
    let house = house().await;
    house.centre_fault(json!({ "fault": { "kind": "slow", "ms": 3000 }, "path": "/v1/" })).await;
    let last = visits::serve(&house.lane(1), Way::Android, "android").await;
    assert_eq!(last.kind, "done", "{}", last.words());
    house.settled(1).await;
}

#[tokio::test]
async fn flapping_line_loses_and_doubles_nothing() {
    const EACH: u16 = 5;
    let house = house().await;
    let serve = async |number: u16| {
        for patient in 0..EACH {
            let way = Way::ALL[usize::from(patient) % Way::ALL.len()];
            let card = format!("{}#{}", way.kind(), number * 100 + patient);
            let last = visits::serve(&house.lane(number), way, &card).await;
            assert!(["done", "deferred"].contains(&last.kind.as_str()), "lane {number}: {}", last.words());
        }
    };
    let flap = async {
        // The line's own rhythm, not a wait for anything.
        for (up, down) in [(300, 200), (100, 600), (700, 100), (50, 1500), (400, 300)].into_iter().cycle() {
            tokio::time::sleep(Duration::from_millis(up)).await;
            house.line_down().await;
            tokio::time::sleep(Duration::from_millis(down)).await;
            house.centre_well().await;
            once(&house, "drop_after_commit", CONFIRMATIONS).await;
        }
    };
    tokio::select! {
        _ = async { tokio::join!(serve(1), serve(2)) } => {}
        () = flap => unreachable!("the line flaps without end"),
    }
    house.centre_well().await;
    house.settled(usize::from(2 * EACH)).await;
    house.over("uplink", FaultCode::LineDown).await;
    for number in [1, 2] {
        visits::serve_straight(&house.lane(number), &format!("android#{number}")).await;
    }
    house.settled(usize::from(2 * EACH) + 2).await;
}
