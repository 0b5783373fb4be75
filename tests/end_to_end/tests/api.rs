//! The API for the hospital's own systems, as a program uses it.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a failed step is a failed test")]

use madoguchi_end_to_end::{
    House, Options, person,
    visits::{self, Way},
};
use reqwest::Method;
use serde_json::{Value, json};
use std::time::Duration;
use tokio::time::timeout;

#[tokio::test]
async fn a_program_reads_lanes_faults_counts_and_results_and_nothing_personal() {
    let house = House::open(Options { lanes: 2, hotplug: true, ..Options::default() }).await;
    let scopes = ["watch", "read_counts"];
    let token = person::token(house.madoguchi(&["people"]), "the hospital screen", &scopes);
    let api = house.http().with_token(&token);
    let get = async |path: &str| {
        let (status, answer) = api.send(Method::GET, &format!("api/v1/{path}"), None).await;
        assert_eq!(status, 200, "{path}: {answer}");
        answer
    };
    assert_eq!(get("lanes").await.as_array().unwrap().len(), 2);
    let lane = get("lanes/1").await;
    assert_eq!(
        (&lane["doing"], &lane["visit"], &lane["phones_offered"]),
        (&json!("idle"), &Value::Null, &json!(true))
    );
    assert_eq!(get("readiness").await[0]["unmet"], json!([]));

    // Results come as visits end: the visit, its lane and its outcome.
    let mut results = api.stream("api/v1/results").await;
    assert_eq!(results.headers()["content-type"], "text/event-stream");
    let listen = async {
        let mut heard = String::new();
        while !heard.contains("event: result") || !heard.ends_with("\n\n") {
            heard += &String::from_utf8_lossy(&results.chunk().await.unwrap().expect("it goes on"));
        }
        heard
    };
    let visit = async {
        // The greeting has come: what happens from now on is heard.
        tokio::time::sleep(Duration::from_millis(200)).await;
        visits::serve(&house.lane(1), Way::Android, "android").await;
    };
    let (heard, ()) = timeout(Duration::from_secs(30), async { tokio::join!(listen, visit) }).await.unwrap();
    let data = heard.split("data: ").nth(1).unwrap().lines().next().unwrap();
    let result: Value = serde_json::from_str(data).unwrap();
    assert_eq!(
        (&result["lane"], &result["outcome"], &result["medium"]),
        (&json!(1), &json!("confirmed"), &json!("android"))
    );

    // Counts are an estimate, and know when they are notified and applied.
    house.settled(1).await;
    house
        .until("the visit is counted", async |_| {
            let counts = get("counts").await;
            counts["kind"] == "estimate"
                && counts["rows"][0]["counts"] == "yes"
                && counts["rows"][0]["lane"] == 1
        })
        .await;

    // A fault in words, with what to do.
    house.lane(2).nfc_reader("unplug").await;
    house
        .until("the fault is there", async |_| {
            get("faults").await.as_array().unwrap().iter().any(|fault| {
                fault["code"] == "nfc-reader-lost"
                    && fault["lane"] == 2
                    && fault["action"].as_str().unwrap().len() > 10
            })
        })
        .await;

    // What this token may not do, and what is not there.
    for (method, path, body, expected) in [
        (Method::POST, "lanes/1/staff", Some(json!({"act": "cancel"})), 403),
        (Method::GET, "lanes/7", None, 404),
        (Method::GET, "lanes/x", None, 404),
        (Method::GET, "counts?month=2025-13", None, 400),
    ] {
        let (status, answer) = api.send(method, &format!("api/v1/{path}"), body).await;
        assert_eq!(status, expected, "{path}: {answer}");
        assert!(answer["error"].is_string() && answer["reason"].is_string(), "{path}: {answer}");
    }

    // The description names every path that there is.
    let described = get("openapi.json").await;
    let paths: Vec<_> = described["paths"].as_object().unwrap().keys().cloned().collect();
    assert_eq!(paths.len(), 7, "{paths:?}");
}
