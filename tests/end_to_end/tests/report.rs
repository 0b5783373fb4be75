//! The monthly report, from visits as patients and staff make them.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a failed step is a failed test")]

use madoguchi_end_to_end::{
    House, Options,
    visits::{self, Way},
};
use serde_json::json;

/// The report of this month and, where the test runs over a month's end, of the one before.
fn reports(house: &House) -> String {
    let today = jiff::Timestamp::now().to_zoned(jiff::tz::TimeZone::fixed(jiff::tz::offset(9)));
    let months = [today.yesterday().unwrap(), today].map(|day| day.strftime("%Y-%m").to_string());
    let print = |month: &String| {
        let output = house.madoguchi(&["report", "--month", month]).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    if months[0] == months[1] { print(&months[1]) } else { print(&months[0]) + &print(&months[1]) }
}

#[tokio::test]
async fn r24_r25_r26_r27_r30_the_month_tells_what_was_paid_and_counted_and_calls_itself_an_estimate() {
    let house = House::open(Options { lanes: 1, ..Options::default() }).await;
    let lane = house.lane(1);
    visits::serve(&lane, Way::Android, "android").await;
    lane.answer("idle", "use_card").await;
    let portal = json!({ "settle_by_fallback": "portal_screen" });
    // not without somebody who answers for it.
    let (status, answer) = house.staff_says(1, &json!({ "act": portal })).await;
    assert_eq!((status, &answer["error"]), (422, &json!("not_named")), "{answer}");
    let (status, answer) = house.staff(1, &portal).await;
    assert_eq!((status, &answer["counting"]), (200, &json!("portal_screen")), "{answer}");
    assert!(answer["pays"].as_str().unwrap().contains("10割"), "{answer}");
    lane.wait(&["idle"]).await;

    let wanted = [
        ",android,online,usual_share,yes,confirmed_online,1",
        ",none,portal_screen,usual_share,no,portal_screen,1",
    ];
    house
        .until("both visits are in the report", async |house| {
            let report = reports(house);
            wanted.iter().all(|row| report.contains(row))
        })
        .await;
    let report = reports(&house);
    let rows: Vec<_> = report.lines().filter(|line| !line.starts_with("kind,")).collect();
    assert_eq!(rows.len(), 2, "{report}");
    assert!(rows.iter().all(|row| row.starts_with("estimate,")), "{report}");

    let refused = house.madoguchi(&["report", "--month", "november"]).output().unwrap();
    assert!(!refused.status.success());
    assert!(String::from_utf8_lossy(&refused.stderr).contains("2026-11"));
}
