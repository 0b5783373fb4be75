//! The PC/SC service dies or hangs: no patient waits without end, the slot goes on taking cards, and when the
//! service is back both lanes read phones again without anybody's help.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a failed step is a failed test")]

use madoguchi_end_to_end::{
    House, Lane, Options,
    visits::{self, PIN, Way},
};
use madoguchi_protocol::fault::FaultCode;
use std::time::{Duration, Instant};

/// A patient whose read hangs with the service is told within this.
const TOLD_WITHIN: Duration = Duration::from_secs(12);

async fn first_screen_offers_phones(house: &House, lane: &Lane, offered: bool) {
    house
        .until(&format!("lane {}: use_phone is offered: {offered}", lane.number), async |_| {
            let screen = lane.screen().await;
            screen.kind == "idle" && screen.offers("use_phone") == offered
        })
        .await;
}

/// Both lanes say so, and their first screens offer no phone.
async fn both_lanes_are_without(house: &House, fault: FaultCode) {
    for lane in [1, 2] {
        house.raised(&format!("nfc_reader@{lane}"), fault).await;
    }
}

/// Both lanes are as before, and serve.
async fn both_lanes_serve(house: &House, card: &str) {
    for number in [1, 2] {
        let lane = house.lane(number);
        house.cleared(&format!("nfc_reader@{number}")).await;
        first_screen_offers_phones(house, &lane, true).await;
        visits::serve_straight(&lane, &format!("{card}{number}")).await;
    }
}

#[tokio::test]
async fn killed_pcscd_comes_back_by_itself() {
    let house = House::open(Options::default()).await;
    let (one, two) = (house.lane(1), house.lane(2));

    // Between two patients.
    house.pcscd("kill").await;
    both_lanes_are_without(&house, FaultCode::PcscDown).await;
    first_screen_offers_phones(&house, &one, false).await;
    first_screen_offers_phones(&house, &two, false).await;
    assert_eq!(visits::serve(&one, Way::CardByFace, "my_number_card").await.kind, "done");
    house.pcscd("restart").await;
    both_lanes_serve(&house, "android#1").await;

    // In the middle of two visits: one reads, one waits for the phone with a PIN held for it.
    visits::to_iphone_hold(&one).await;
    one.hold("iphone_hang").await;
    one.wait(&["reading"]).await;
    visits::to_android_pin(&two).await;
    two.pin(PIN).await;
    two.wait(&["hold_medium"]).await;
    house.pcscd("kill").await;
    for lane in [&one, &two] {
        let screen = lane.wait(&["fallback"]).await;
        house.troubled(lane.number, FaultCode::NfcReaderLost).await;
        assert!(screen.offers("use_card"), "the slot still takes a card: {:?}", screen.all);
        lane.touch("finish").await;
    }
    both_lanes_are_without(&house, FaultCode::PcscDown).await;
    for lane in [&one, &two] {
        lane.take_away().await;
    }
    house.pcscd("restart").await;
    both_lanes_serve(&house, "android#2").await;
    house.settled(5).await;
}

#[tokio::test]
async fn hung_pcscd_is_noticed_and_survived() {
    let house = House::open(Options::default()).await;
    let (one, two) = (house.lane(1), house.lane(2));
    visits::to_iphone_hold(&one).await;
    // So slow that the service hangs in the middle of it.
    one.hold("iphone_slow").await;
    one.wait(&["reading"]).await;
    house.pcscd("stop").await;
    let hung = Instant::now();
    let screen = one.wait(&["fallback"]).await;
    assert!(hung.elapsed() < TOLD_WITHIN, "the patient waited {:?}", hung.elapsed());
    house.troubled(1, FaultCode::NfcReaderLost).await;
    both_lanes_are_without(&house, FaultCode::PcscHung).await;
    first_screen_offers_phones(&house, &two, false).await;

    // The same patient goes on with the card, while the service hangs.
    assert!(screen.offers("use_card"), "{:?}", screen.all);
    one.take_away_and_touch("use_card").await;
    one.insert("my_number_card").await;
    one.answer("face_or_pin", "face").await;
    assert_eq!(visits::consent(&one).await.kind, "done");
    visits::leave(&one).await;
    assert_eq!(visits::serve(&two, Way::CardByPin, "my_number_card#2").await.kind, "done");

    house.pcscd("cont").await;
    both_lanes_serve(&house, "android#1").await;
    house.settled(4).await;
}
