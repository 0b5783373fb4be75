//! Readers that are pulled, in every phase of a visit: the lane takes another way and comes back by itself,
//! and the lane beside it does not notice.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a failed step is a failed test")]

use madoguchi_end_to_end::{
    House, Lane, Neighbour, Options,
    visits::{self, PIN, Way},
};
use madoguchi_protocol::fault::FaultCode;

/// Two lanes whose generic readers can be pulled.
async fn house() -> House {
    House::open(Options { hotplug: true, ..Options::default() }).await
}

/// Waits until the lane's first screen offers phones, or does not.
async fn phones_offered(house: &House, lane: &Lane, offered: bool) {
    house
        .until(&format!("lane {}: use_phone is offered: {offered}", lane.number), async |_| {
            let screen = lane.screen().await;
            screen.kind == "idle" && screen.offers("use_phone") == offered
        })
        .await;
}

/// The patient was told, staff know why, and the patient leaves by the way that the screen offers.
async fn reader_lost_is_told(house: &House, lane: &Lane) {
    let screen = lane.wait(&["fallback"]).await;
    house.troubled(lane.number, FaultCode::NfcReaderLost).await;
    assert!(screen.offers("use_card"), "the slot still takes a card: {:?}", screen.all);
    lane.touch("finish").await;
    phones_offered(house, lane, false).await;
}

/// Plugged in again, the lane needs nobody's help.
async fn replugged_reader_serves(house: &House, lane: &Lane) {
    lane.nfc_reader("plug").await;
    phones_offered(house, lane, true).await;
    house.cleared(&format!("nfc_reader@{}", lane.number)).await;
    visits::serve_straight(lane, "android#77").await;
}

#[tokio::test]
async fn pulled_reader_hides_the_button_and_comes_back() {
    let house = house().await;
    let lane = house.lane(1);
    let mut neighbour = Neighbour::of(house.lane(2)).await;
    assert!(lane.screen().await.offers("use_phone"));

    lane.nfc_reader("unplug").await;
    house.raised("nfc_reader@1", FaultCode::NfcReaderLost).await;
    phones_offered(&house, &lane, false).await;
    assert_eq!(house.faults("nfc_reader@2").await, Vec::<String>::new());
    neighbour.noticed_nothing().await;
    neighbour.serves("android#2").await;
    // Cards are taken as ever.
    assert_eq!(visits::serve(&lane, Way::CardByFace, "my_number_card").await.kind, "done");

    replugged_reader_serves(&house, &lane).await;
    neighbour.noticed_nothing().await;
    house.settled(3).await;
}

#[tokio::test]
async fn reader_pulled_while_it_waits_for_the_phone_is_told() {
    let house = house().await;
    let lane = house.lane(1);
    let mut neighbour = Neighbour::of(house.lane(2)).await;
    visits::to_android_pin(&lane).await;
    lane.pin(PIN).await;
    lane.wait(&["hold_medium"]).await;
    lane.nfc_reader("unplug").await;
    reader_lost_is_told(&house, &lane).await;
    neighbour.serves("android#2").await;
    replugged_reader_serves(&house, &lane).await;
    house.settled(2).await;
}

#[tokio::test]
async fn reader_pulled_while_it_reads_is_told() {
    let house = house().await;
    let lane = house.lane(1);
    let mut neighbour = Neighbour::of(house.lane(2)).await;
    // The phone answers nothing from the middle of its certificate on: the reader is in the middle of a command.
    visits::to_iphone_hold(&lane).await;
    lane.hold("iphone_hang").await;
    lane.wait(&["reading"]).await;
    lane.nfc_reader("unplug").await;
    reader_lost_is_told(&house, &lane).await;
    neighbour.serves("android#2").await;
    replugged_reader_serves(&house, &lane).await;
    house.settled(2).await;
}

#[tokio::test]
async fn readers_plugged_in_another_order_stay_with_their_lanes() {
    let house = house().await;
    let (one, two) = (house.lane(1), house.lane(2));
    let name = async |lane: u16| {
        let states = house.states().await;
        states[format!("nfc_reader@{lane}")]["detail"]["nfc_reader"]["reader"]
            .as_str()
            .unwrap_or("")
            .to_owned()
    };
    let before = [name(1).await, name(2).await];
    for lane in [&one, &two] {
        lane.nfc_reader("unplug").await;
        phones_offered(&house, lane, false).await;
    }
    for lane in [&two, &one] {
        lane.nfc_reader("plug").await;
        phones_offered(&house, lane, true).await;
    }
    let after = [name(1).await, name(2).await];
    assert_ne!(before, after, "PC/SC numbers them anew: else this test shows nothing");
    assert!(after[0].contains("LANE1") && after[1].contains("LANE2"), "{after:?}");
    // Both at once, so that a reader taken for the other's would bring the wrong patient.
    for lane in [&one, &two] {
        visits::to_iphone_hold(lane).await;
    }
    two.hold("iphone#2").await;
    two.wait(&["consent"]).await;
    assert_eq!(one.screen().await.kind, "hold_medium", "nothing is held over lane 1's reader");
    one.hold("iphone#1").await;
    for lane in [&one, &two] {
        assert_eq!(visits::consent(lane).await.kind, "done");
        visits::leave(lane).await;
    }
    house.settled(2).await;
}

#[tokio::test]
async fn face_reader_that_vanishes_comes_back() {
    let house = House::open(Options::default()).await;
    let lane = house.lane(1);
    let neighbour = Neighbour::of(house.lane(2)).await;
    let pad = visits::to_android_pin(&lane).await;
    lane.face_reader("disconnect").await;
    house.raised("face_reader@1", FaultCode::FaceReaderLost).await;
    assert_eq!(house.faults("face_reader@2").await, Vec::<String>::new());

    lane.face_reader("connect").await;
    // Nobody else's patient finds a half-done visit: it is told to have been interrupted.
    let told = lane.wait_after(pad.sequence, &["interrupted"], 20_000).await;
    assert!(told.offers("finish"), "{:?}", told.all);
    lane.touch("finish").await;
    phones_offered(&house, &lane, true).await;
    house.cleared("face_reader@1").await;
    visits::serve_straight(&lane, "android").await;
    neighbour.noticed_nothing().await;
    house.settled(1).await;
}

#[tokio::test]
async fn what_was_agreed_to_is_settled_though_the_face_reader_vanishes() {
    let house = House::open(Options::default()).await;
    let lane = house.lane(1);
    let neighbour = Neighbour::of(house.lane(2)).await;
    // The centre takes so long that the reader is away before the answer comes.
    house
        .centre_fault(
            serde_json::json!({ "fault": { "kind": "slow", "ms": 1500 }, "path": "/v1/confirmations" }),
        )
        .await;
    visits::present(&lane, Way::Android, "android").await;
    lane.answer("consent", "agree_all").await;
    lane.wait(&["confirming"]).await;
    lane.face_reader("disconnect").await;
    house.settled(1).await;
    house.centre_well().await;
    lane.face_reader("connect").await;
    lane.take_away().await;
    // The result, or the next patient's turn when that has been read for long enough.
    if lane.wait(&["done", "deferred", "idle"]).await.offers("finish") {
        lane.touch("finish").await;
    }
    phones_offered(&house, &lane, true).await;
    visits::serve_straight(&lane, "android#2").await;
    neighbour.noticed_nothing().await;
    house.settled(2).await;
}
