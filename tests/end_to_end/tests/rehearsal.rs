//! Staff rehearse an outage at one lane: it goes the deferred way, everybody sees that it is practice, and it counts
//! nowhere.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a failed step is a failed test")]

use madoguchi_end_to_end::{
    House, Options,
    staff::Neighbour,
    visits::{self, Way},
};
use madoguchi_protocol::fault::FaultCode;
use serde_json::json;
use std::fs;

const READER: &str = "face_reader@1";

async fn begin(house: &House) {
    let (status, answer) = house.staff(1, &json!("begin_rehearsal")).await;
    assert_eq!(status, 200, "{answer}");
    house.raised(READER, FaultCode::Rehearsal).await;
}

async fn until_practice_is(house: &House, count: u64) {
    house
        .until(&format!("{count} practice confirmations wait"), async |house| {
            house.states().await["offline_queue"]["detail"]["offline_queue"]["practice"] == count
        })
        .await;
}

/// The report of this month and the one before, should it just have ended.
fn report(house: &House) -> String {
    let today = jiff::Timestamp::now().to_zoned(jiff::tz::TimeZone::fixed(jiff::tz::offset(9)));
    let months = [today.clone(), today.yesterday().unwrap()].map(|day| day.strftime("%Y-%m").to_string());
    let print = |month: &String| {
        let output = house.madoguchi(&["report", "--month", month]).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    months.iter().map(print).collect()
}

/// All that the audit log tells.
fn audit_log(house: &House) -> String {
    let files = fs::read_dir(house.directory().join("state/audit")).unwrap().flatten();
    files.map(|file| String::from_utf8_lossy(&fs::read(file.path()).unwrap()).into_owned()).collect()
}

#[tokio::test]
async fn rehearsed_outage_is_seen_by_everybody_and_counted_by_nobody() {
    let house = House::open(Options { lanes: 2, ..Options::default() }).await;
    let (lane, mut neighbour) = (house.lane(1), Neighbour::of(house.lane(2)).await);
    begin(&house).await;
    assert!(lane.wait(&["idle"]).await.words().contains("別の窓口"), "patients are sent elsewhere");
    neighbour.noticed_nothing().await;

    let last = visits::serve(&lane, Way::Android, "android#1").await;
    assert_eq!(last.kind, "deferred");
    assert!(last.words().starts_with("【練習】"), "{}", last.words());
    let by_face = visits::serve(&lane, Way::CardByFace, "my_number_card#1").await;
    assert_eq!(by_face.kind, "deferred");
    until_practice_is(&house, 2).await;
    let queue = &house.states().await["offline_queue"]["detail"]["offline_queue"];
    assert_eq!((&queue["waiting"], &queue["oldest"]), (&json!(0), &json!(null)), "no patient waits");
    // The line is up all the time, and the other lane works as ever.
    neighbour.serves("android#2").await;
    house.settled(1).await;

    let (status, _) = house.staff(1, &json!("end_rehearsal")).await;
    assert_eq!(status, 200);
    house.cleared(READER).await;
    until_practice_is(&house, 0).await;
    let (again, _) = house.staff(1, &json!("end_rehearsal")).await;
    assert_eq!(again, 409);
    // And the next one is a patient.
    assert_eq!(visits::serve(&lane, Way::Iphone, "iphone#1").await.kind, "done");
    house.settled(2).await;
    let effects = house.effects().await;
    assert_eq!(effects.len(), 2, "the centre never heard of practice: {effects:#?}");
    let files = house.receipts().await.iter().filter(|file| file["folder"] == "Face").count();
    assert_eq!(files, 2, "the receipt computer neither");

    house
        .until("practice is in the report", async |house| {
            let report = report(house);
            let rows = [",practice,none,no,practice,1", ",practice,none,no,practice,1"];
            rows.iter().all(|row| report.contains(row))
                && report.matches(",yes,confirmed_online,1").count() == 2
        })
        .await;
    let log = audit_log(&house);
    assert_eq!(log.matches("practice_started").count(), 2, "{log}");
    assert_eq!(log.matches("practice_settled").count(), 2);
    assert_eq!(log.matches("\"practised\"").count(), 2);
    assert_eq!(log.matches("visit_started").count(), 2, "the patients of lane 1 and 2");
}

#[tokio::test]
async fn killed_gateway_comes_back_serving_patients_and_wipes_what_was_practice() {
    let mut house = House::open(Options { lanes: 1, ..Options::default() }).await;
    let lane = house.lane(1);
    begin(&house).await;
    assert_eq!(visits::serve(&lane, Way::Iphone, "iphone#1").await.kind, "deferred");
    until_practice_is(&house, 1).await;
    house.kill_gateway();
    let listed = house.madoguchi(&["queue", "list"]).output().unwrap();
    let listed = String::from_utf8(listed.stdout).unwrap();
    assert!(listed.contains("practice") && listed.contains("0 wait for the centre"), "{listed}");
    house.start_gateway();
    house.ready().await;
    house.cleared(READER).await;
    until_practice_is(&house, 0).await;
    assert_eq!(visits::serve(&lane, Way::Iphone, "iphone#2").await.kind, "done");
    house.settled(1).await;
    assert_eq!(house.effects().await.len(), 1);
}
