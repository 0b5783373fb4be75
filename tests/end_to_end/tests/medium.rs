//! What the patient holds is not what was hoped for: what patient and staff see, what it costs, and that
//! the lane serves the next patient.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a failed step is a failed test")]

use madoguchi_end_to_end::{
    House, Lane, Options,
    visits::{self, PIN, Way},
};
use serde_json::json;

async fn house() -> House {
    House::open(Options::default()).await
}

/// The trouble that staff see on the lane.
async fn trouble(house: &House, lane: u16) -> serde_json::Value {
    house.states().await[format!("face_reader@{lane}")]["detail"]["face_reader"]["visit"]["trouble"].clone()
}

async fn staff_see(house: &House, lane: u16, fault: &str) {
    house.until(&format!("staff see {fault}"), async |house| trouble(house, lane).await == fault).await;
}

/// The lane serves a healthy phone, and one confirmation more takes effect.
async fn next_patient_is_served(house: &House, lane: &Lane, before: usize) {
    visits::leave(lane).await;
    let last = visits::serve(lane, Way::Android, "android#77").await;
    assert_eq!(last.kind, "done");
    house.settled(before + 1).await;
}

/// Ends a visit that came to the fallbacks.
async fn from_fallback_to_idle(lane: &Lane) {
    lane.take_away().await;
    lane.eject().await;
    let screen = lane.wait(&["fallback"]).await;
    let way_out = ["finish", "cancel"].into_iter().find(|choice| screen.offers(choice)).expect("a way out");
    lane.touch(way_out).await;
    lane.wait(&["idle"]).await;
}

#[tokio::test]
async fn wrong_medium_is_named_and_costs_nothing() {
    let house = house().await;
    let lane = house.lane(1);
    visits::to_android_pin(&lane).await;
    lane.pin(PIN).await;
    lane.wait(&["hold_medium"]).await;
    lane.hold("iphone").await;
    let screen = lane.wait(&["wrong_medium"]).await;
    assert!(screen.words().contains("iPhone"), "{}", screen.words());
    staff_see(&house, 1, "wrong-medium").await;
    assert!(screen.offers("switch") && screen.offers("retry"), "{:?}", screen.all);
    // The PIN was not spent on it: the right phone goes on, with a new PIN or the one that is held.
    lane.take_away_and_touch("retry").await;
    if lane.wait(&["hold_medium", "enter_pin"]).await.kind == "enter_pin" {
        lane.pin(PIN).await;
        lane.wait(&["hold_medium"]).await;
    }
    lane.hold("android").await;
    assert_eq!(visits::consent(&lane).await.kind, "done");
    house.settled(1).await;
    next_patient_is_served(&house, &lane, 1).await;
}

#[tokio::test]
async fn wrong_pin_then_right_pin_succeeds() {
    let house = house().await;
    let lane = house.lane(1);
    let pad = visits::to_android_pin(&lane).await;
    lane.pin("9999").await;
    lane.wait(&["hold_medium"]).await;
    lane.hold("android").await;
    let again = lane.wait_after(pad.sequence, &["enter_pin"], 20_000).await;
    assert!(again.words().contains('2'), "the tries left are told: {}", again.words());
    staff_see(&house, 1, "wrong-pin").await;
    lane.pin(PIN).await;
    assert_eq!(visits::consent(&lane).await.kind, "done");
    house.settled(1).await;
    next_patient_is_served(&house, &lane, 1).await;
}

#[tokio::test]
async fn last_try_is_never_spent_without_the_patients_yes() {
    let house = house().await;
    let lane = house.lane(1);
    // No: nothing is spent.
    visits::to_android_pin(&lane).await;
    lane.pin(PIN).await;
    lane.wait(&["hold_medium"]).await;
    lane.hold("android_one_try").await;
    lane.answer("last_try", "no").await;
    lane.wait(&["fallback"]).await;
    from_fallback_to_idle(&lane).await;
    // Yes: the try that is left is there still, and is right.
    visits::to_android_pin(&lane).await;
    lane.pin(PIN).await;
    lane.wait(&["hold_medium"]).await;
    lane.hold("android_one_try").await;
    let question = lane.answer("last_try", "yes").await;
    let next =
        lane.wait_after(question.sequence, &["enter_pin", "hold_medium", "reading", "consent"], 20_000).await;
    if next.kind == "enter_pin" {
        lane.pin(PIN).await;
    }
    assert_eq!(visits::consent(&lane).await.kind, "done");
    house.settled(1).await;
    next_patient_is_served(&house, &lane, 1).await;
}

#[tokio::test]
async fn locked_pin_leads_to_a_fallback() {
    let house = house().await;
    let lane = house.lane(1);
    visits::present(&lane, Way::Android, "android_locked").await;
    lane.wait(&["fallback"]).await;
    staff_see(&house, 1, "pin-locked").await;
    from_fallback_to_idle(&lane).await;
    next_patient_is_served(&house, &lane, 0).await;
}

#[tokio::test]
async fn r31_expired_phone_is_not_offered_the_portal() {
    let house = house().await;
    let lane = house.lane(1);
    visits::present(&lane, Way::Iphone, "iphone_expired").await;
    let screen = lane.wait(&["fallback"]).await;
    staff_see(&house, 1, "certificate-expired").await;
    assert!(!screen.words().contains("マイナポータル"), "{}", screen.words());
    from_fallback_to_idle(&lane).await;
    next_patient_is_served(&house, &lane, 0).await;
}

#[tokio::test]
async fn r02_not_registered_is_an_answer() {
    let house = house().await;
    let lane = house.lane(1);
    visits::present(&lane, Way::CardByFace, "my_number_card_unregistered").await;
    lane.wait(&["fallback"]).await;
    staff_see(&house, 1, "not-registered").await;
    from_fallback_to_idle(&lane).await;
    next_patient_is_served(&house, &lane, 0).await;
}

#[tokio::test]
async fn revoked_certificate_leads_to_a_fallback() {
    let house = house().await;
    let lane = house.lane(1);
    visits::present(&lane, Way::Iphone, "iphone_revoked").await;
    lane.wait(&["fallback"]).await;
    staff_see(&house, 1, "certificate-revoked").await;
    from_fallback_to_idle(&lane).await;
    next_patient_is_served(&house, &lane, 0).await;
}

#[tokio::test]
async fn old_resident_card_is_refused_with_a_clear_text() {
    let house = house().await;
    let lane = house.lane(1);
    visits::present(&lane, Way::CardHeld, "old_resident_card").await;
    let screen = lane.wait(&["fallback", "hold_hint"]).await;
    staff_see(&house, 1, "old-resident-card").await;
    assert!(screen.words().contains("住"), "{}", screen.words());
    lane.take_away().await;
    if screen.kind == "hold_hint" {
        lane.touch("cancel").await;
        lane.wait(&["idle"]).await;
    } else {
        from_fallback_to_idle(&lane).await;
    }
    next_patient_is_served(&house, &lane, 0).await;
}

#[tokio::test]
async fn torn_read_leads_to_a_hint_and_another_try() {
    let house = house().await;
    let lane = house.lane(1);
    visits::present(&lane, Way::Iphone, "iphone_torn").await;
    let hint = lane.wait(&["hold_hint"]).await;
    staff_see(&house, 1, "read-torn").await;
    if hint.offers("retry") {
        lane.take_away_and_touch("retry").await;
        lane.wait_after(hint.sequence, &["hold_medium"], 20_000).await;
    }
    lane.hold("iphone_torn").await;
    assert_eq!(visits::consent(&lane).await.kind, "done");
    house.settled(1).await;
    next_patient_is_served(&house, &lane, 1).await;
}

#[tokio::test]
async fn stuck_medium_ends_at_its_deadline() {
    let house = House::open(Options {
        replace: vec![("[lane.nfc_reader]\n".into(), "[lane.nfc_reader]\nread_limit_ms = 2000\n".into())],
        ..Options::default()
    })
    .await;
    let lane = house.lane(1);
    visits::present(&lane, Way::Iphone, "iphone_hang").await;
    // The neighbour is served meanwhile.
    assert_eq!(visits::serve(&house.lane(2), Way::Android, "android").await.kind, "done");
    let hint = lane.wait(&["hold_hint"]).await;
    staff_see(&house, 1, "medium-stuck").await;
    if hint.offers("retry") {
        lane.take_away_and_touch("retry").await;
        lane.wait_after(hint.sequence, &["hold_medium"], 20_000).await;
    }
    lane.hold("iphone").await;
    assert_eq!(visits::consent(&lane).await.kind, "done");
    house.settled(2).await;
    next_patient_is_served(&house, &lane, 2).await;
}

#[tokio::test]
async fn iphone_not_authorised_is_told_to_authenticate() {
    let house = house().await;
    let lane = house.lane(1);
    let hold = visits::to_iphone_hold(&lane).await;
    lane.hold("iphone_unauthorised").await;
    lane.wait_after(hold.sequence, &["phone_authenticates"], 20_000).await;
    staff_see(&house, 1, "holder-not-authorised").await;
    lane.take_away_and_touch("continue").await;
    lane.wait_after(hold.sequence, &["hold_medium"], 20_000).await;
    lane.hold_with(json!({ "card": "iphone_unauthorised", "holder_authorised": true })).await;
    assert_eq!(visits::consent(&lane).await.kind, "done");
    house.settled(1).await;
    next_patient_is_served(&house, &lane, 1).await;
}

#[tokio::test]
async fn face_mismatch_offers_the_pin() {
    let house = house().await;
    let lane = house.lane(1);
    lane.face(false).await;
    visits::present(&lane, Way::CardByFace, "my_number_card").await;
    let before = lane.screen().await.sequence;
    let screen = lane.wait_after(before.saturating_sub(1), &["face_or_pin"], 20_000).await;
    staff_see(&house, 1, "face-mismatch").await;
    assert!(screen.offers("pin"));
    lane.touch("pin").await;
    visits::type_slot_pin(&lane, PIN).await;
    assert_eq!(visits::consent(&lane).await.kind, "done");
    house.settled(1).await;
    next_patient_is_served(&house, &lane, 1).await;
}

#[tokio::test]
async fn pulled_card_in_the_slot_can_be_put_back() {
    let house = house().await;
    let lane = house.lane(1);
    lane.wait(&["idle"]).await;
    lane.insert("my_number_card").await;
    lane.answer("face_or_pin", "pin").await;
    lane.slot_asks_for_pin().await;
    lane.eject().await;
    let screen = lane.wait(&["insert_card", "face_or_pin", "hold_hint", "fallback"]).await;
    assert_ne!(screen.kind, "fallback", "a card that was pulled can be put back: {}", screen.words());
    lane.insert("my_number_card").await;
    lane.answer("face_or_pin", "face").await;
    assert_eq!(visits::consent(&lane).await.kind, "done");
    house.settled(1).await;
    next_patient_is_served(&house, &lane, 1).await;
}

#[tokio::test]
async fn r18_iphone_is_never_asked_for_a_pin() {
    let house = house().await;
    let lane = house.lane(1);
    let since = lane.screen().await.sequence;
    assert_eq!(visits::serve(&lane, Way::Iphone, "iphone").await.kind, "done");
    let shown: Vec<_> = lane.screens(since).await.into_iter().map(|screen| screen.kind).collect();
    assert!(!shown.iter().any(|kind| kind == "enter_pin"), "{shown:?}");
    house.settled(1).await;
}
