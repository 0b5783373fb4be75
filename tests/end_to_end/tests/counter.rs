//! What people do at a counter that nobody planned: the phone held too early, two at once, at the wrong lane; no PIN on
//! the card; staff who look, take over or cancel; hands that need their time.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a failed step is a failed test")]

use madoguchi_end_to_end::{
    House, Lane, Neighbour, Options,
    http::Http,
    visits::{self, PIN, Way},
};
use madoguchi_protocol::texts::{Language, text};
use reqwest::Method;
use serde_json::{Value, json};
use std::time::Duration;

async fn house() -> House {
    House::open(Options::default()).await
}

/// A card and what it has left, by the hospital's control interface.
async fn card(house: &House, name: &str) -> Value {
    let control = Http::new(house.addresses["control"].as_str().unwrap());
    control.must(Method::GET, &format!("cards/{}", name.replace('#', "%23")), None).await
}

/// Long enough that what lies there lay there before: the gateway allows a hand 300 ms.
async fn lies_there_for_a_while() {
    tokio::time::sleep(Duration::from_millis(700)).await;
}

/// Waits for the first screen on which holding is asked for, with the request to take away what lies there.
async fn is_to_be_taken_away(house: &House, lane: &Lane) {
    let notice = text(Language::Ja, "notice-take-away-first", &[]);
    house
        .until("the patient is asked to take it away first", async |_| {
            let screen = lane.screen().await;
            screen.kind == "hold_medium" && screen.words().contains(&notice)
        })
        .await;
}

#[tokio::test]
async fn r20_a_second_patients_phone_held_too_early_costs_nobody_a_try() {
    let house = house().await;
    let lane = house.lane(1);
    visits::to_android_pin(&lane).await;
    // The next patient's phone already lies on the reader while the first one types another PIN.
    lane.hold_with(json!({ "card": "android#2", "pin": "9876" })).await;
    lies_there_for_a_while().await;
    lane.pin(PIN).await;
    is_to_be_taken_away(&house, &lane).await;
    lane.take_away().await;
    lane.hold("android#1").await;
    assert_eq!(visits::consent(&lane).await.kind, "done");
    visits::leave(&lane).await;
    assert_eq!(card(&house, "android#2").await["tries_left"], 3, "nothing was spent on it");

    // Too early again, during the consent of the patient before; in its own turn it is read.
    visits::present(&lane, Way::Iphone, "iphone#1").await;
    lane.wait(&["consent"]).await;
    lane.take_away().await;
    lane.hold("iphone#2").await;
    lies_there_for_a_while().await;
    assert_eq!(visits::consent(&lane).await.kind, "done");
    lane.touch("finish").await;
    visits::to_iphone_hold(&lane).await;
    is_to_be_taken_away(&house, &lane).await;
    lane.take_away().await;
    lane.hold("iphone#2").await;
    assert_eq!(visits::consent(&lane).await.kind, "done");
    house.settled(3).await;
}

#[tokio::test]
async fn two_phones_at_once_are_two_visits() {
    let house = house().await;
    let lane = house.lane(1);
    visits::to_iphone_hold(&lane).await;
    lane.hold("iphone#1").await;
    lane.hold_with(json!({ "card": "iphone#2", "beside": true })).await;
    let consent = lane.answer("consent", "agree_all").await;
    assert_eq!(lane.wait_after(consent.sequence, &["done"], 20_000).await.kind, "done");
    // Now the reader sees the second one, and nobody has asked for it.
    lane.take_away().await;
    lies_there_for_a_while().await;
    lane.touch("finish").await;
    visits::to_iphone_hold(&lane).await;
    is_to_be_taken_away(&house, &lane).await;
    lane.take_away().await;
    lane.hold("iphone#2").await;
    assert_eq!(visits::consent(&lane).await.kind, "done");
    visits::leave(&lane).await;
    house.settled(2).await;
    let serials =
        [card(&house, "iphone#1").await["serial"].clone(), card(&house, "iphone#2").await["serial"].clone()];
    assert_ne!(serials[0], serials[1]);
}

#[tokio::test]
async fn r20_a_phone_held_at_the_wrong_lanes_reader_is_read_at_neither() {
    let house = house().await;
    let (one, two) = (house.lane(1), house.lane(2));
    let neighbour = Neighbour::of(house.lane(2)).await;
    visits::to_iphone_hold(&one).await;
    two.hold("iphone#1").await;
    lies_there_for_a_while().await;
    neighbour.noticed_nothing().await;
    assert_eq!(one.screen().await.kind, "hold_medium", "lane 1 still waits");
    // Who comes to lane 2 now is not taken for the owner of what lies there.
    visits::to_iphone_hold(&two).await;
    is_to_be_taken_away(&house, &two).await;
    two.take_away().await;
    one.hold("iphone#1").await;
    two.hold("iphone#2").await;
    for lane in [&one, &two] {
        assert_eq!(visits::consent(lane).await.kind, "done");
        visits::leave(lane).await;
    }
    house.settled(2).await;
}

#[tokio::test]
async fn a_card_without_a_usable_pin_is_seen_by_staff() {
    let house = house().await;
    let lane = house.lane(1);
    lane.face(false).await;
    lane.insert("my_number_card_locked").await;
    lane.answer("face_or_pin", "face").await;
    house.troubled(1, madoguchi_protocol::fault::FaultCode::FaceMismatch).await;
    let (status, answer) = house.staff(1, &json!("confirm_photo")).await;
    assert_eq!(status, 200, "{answer}");
    assert_eq!(visits::consent(&lane).await.kind, "done");
    visits::leave(&lane).await;
    house.settled(1).await;
}

#[tokio::test]
async fn staff_take_over_and_cancel_and_the_neighbour_notices_nothing() {
    let house = house().await;
    let lane = house.lane(1);
    let mut neighbour = Neighbour::of(house.lane(2)).await;
    visits::to_android_pin(&lane).await;
    assert_eq!(house.staff(1, &json!("take_over")).await.0, 200);
    lane.wait(&["taken_over"]).await;
    assert_eq!(house.staff(1, &json!({ "settle_by_fallback": "eligibility_certificate" })).await.0, 200);
    lane.wait(&["idle"]).await;
    visits::to_android_pin(&lane).await;
    assert_eq!(house.staff(1, &json!("cancel")).await.0, 200);
    lane.wait(&["idle"]).await;
    assert_eq!(house.staff(1, &json!("cancel")).await.0, 409, "nobody is here");

    neighbour.noticed_nothing().await;
    visits::serve_straight(&lane, "android#1").await;
    neighbour.serves("android#2").await;
    house.settled(2).await;
}

#[tokio::test]
async fn a_touch_gives_slow_hands_their_time_and_who_walks_away_frees_the_lane() {
    let section = "[lane.face_reader.phone_setup]\n";
    let deadlines = format!("[lane.face_reader.deadlines]\nchoose = 5\n\n{section}");
    let replace = vec![(section.to_owned(), deadlines)];
    let house = House::open(Options { lanes: 1, replace, ..Options::default() }).await;
    let lane = house.lane(1);
    let choose = lane.answer("idle", "use_phone").await;
    lane.wait_after(choose.sequence, &["choose_phone"], 20_000).await;
    // Beyond the limit of 5 s altogether: each touch, be it of the language alone, begins it anew.
    for _ in 0..5 {
        tokio::time::sleep(Duration::from_millis(1500)).await;
        lane.touch("language").await;
    }
    let still = lane.screen().await;
    assert_eq!(still.kind, "choose_phone");
    // And then nobody touches it.
    lane.wait_after(still.sequence, &["idle"], 20_000).await;
}
