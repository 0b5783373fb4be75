//! An update that did not run well is told on page and bus until another one succeeds.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a failed step is a failed test")]

use madoguchi_end_to_end::{House, Options};
use serde_json::json;
use std::fs;

const FAULT: &str = "update-fell-back";

fn note(house: &House, stage: &str) {
    let state = house.directory().join("state/gateway");
    fs::create_dir_all(&state).unwrap();
    let attempt = json!({ "from": "0.1.0", "to": "0.2.0", "boot": "the boot before", "stage": stage });
    fs::write(state.join("update.json"), attempt.to_string()).unwrap();
}

#[tokio::test]
async fn update_that_fell_back_is_told_until_another_one_succeeds() {
    let mut house = House::hospital(Options { lanes: 1, ..Options::default() }).await;
    note(&house, "fell_back");
    house.start_gateway();
    house
        .until("the box says that it went back", async |house| {
            house.faults("gateway").await.iter().any(|fault| fault == FAULT)
        })
        .await;
    // The counters work all the same.
    house.ready().await;
    house.stop_gateway();
    note(&house, "good");
    house.start_gateway();
    house.ready().await;
    let faults = house.faults("gateway").await;
    assert!(!faults.iter().any(|fault| fault == FAULT), "{faults:?}");
}
