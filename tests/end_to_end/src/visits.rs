//! The straight ways through a visit, step by step as a patient takes them.

use crate::{
    House,
    lane::{Lane, Screen},
};
use serde_json::{Value, json};

/// A patient's way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// My Number card in the slot, by the camera.
    CardByFace,
    /// My Number card in the slot, by the PIN that the reader's own slot takes.
    CardByPin,
    /// My Number card over the generic reader, by a PIN sealed to the keeper of PINs.
    CardHeld,
    /// Android phone with its PIN.
    Android,
    /// iPhone, authenticated on the phone.
    Iphone,
}

impl Way {
    /// All of them.
    pub const ALL: [Self; 5] =
        [Self::CardByFace, Self::CardByPin, Self::CardHeld, Self::Android, Self::Iphone];

    /// For people.
    pub fn name(self) -> &'static str {
        match self {
            Self::CardByFace => "My Number card by face",
            Self::CardByPin => "My Number card by PIN",
            Self::CardHeld => "My Number card by PIN, held",
            Self::Android => "Android phone",
            Self::Iphone => "iPhone",
        }
    }

    /// The card's kind, as the hospital names it.
    pub fn kind(self) -> &'static str {
        match self {
            Self::CardByFace | Self::CardByPin | Self::CardHeld => "my_number_card",
            Self::Android => "android",
            Self::Iphone => "iphone",
        }
    }
}

/// The PIN of every healthy card.
pub const PIN: &str = "1234";

/// From the first touch to the point where the medium is in place.
pub async fn present(lane: &Lane, way: Way, card: &str) {
    match way {
        Way::CardByFace => {
            // A card in the slot begins the visit.
            lane.wait(&["idle"]).await;
            lane.insert(card).await;
            lane.answer("face_or_pin", "face").await;
        }
        Way::CardByPin => {
            // A card in the slot begins the visit.
            lane.wait(&["idle"]).await;
            lane.insert(card).await;
            lane.answer("face_or_pin", "pin").await;
            lane.wait(&["reading_slot"]).await;
            type_slot_pin(lane, PIN).await;
        }
        Way::CardHeld => {
            lane.answer("idle", "use_card").await;
            lane.answer("face_or_pin", "pin").await;
            lane.wait(&["enter_pin"]).await;
            lane.pin(PIN).await;
            lane.wait(&["hold_medium"]).await;
            lane.hold(card).await;
        }
        Way::Android => {
            to_android_pin(lane).await;
            lane.pin(PIN).await;
            lane.wait(&["hold_medium"]).await;
            lane.hold(card).await;
        }
        Way::Iphone => {
            to_iphone_hold(lane).await;
            lane.hold(card).await;
        }
    }
}

/// From the first screen to the PIN pad of an Android phone.
pub async fn to_android_pin(lane: &Lane) -> Screen {
    lane.answer("idle", "use_phone").await;
    lane.answer("choose_phone", "android").await;
    lane.wait(&["enter_pin"]).await
}

/// From the first screen to where an iPhone is held.
pub async fn to_iphone_hold(lane: &Lane) -> Screen {
    lane.answer("idle", "use_phone").await;
    lane.answer("choose_phone", "iphone").await;
    lane.answer("phone_authenticates", "continue").await;
    lane.wait(&["hold_medium"]).await
}

/// Types the PIN of the card in the slot once the reader asks for it.
pub async fn type_slot_pin(lane: &Lane, digits: &str) {
    lane.slot_asks_for_pin().await;
    lane.pin(digits).await;
}

/// Consents to all and waits for the last screen.
pub async fn consent(lane: &Lane) -> Screen {
    lane.answer("consent", "agree_all").await;
    lane.wait(&["done", "done_not_valid", "deferred", "fallback"]).await
}

/// A patient at lane 1 whose confirmation the centre refuses for good, so that the queue sets it aside. Answers with the
/// record's id.
pub async fn one_set_aside(house: &House) -> String {
    house
        .centre_fault(json!({ "fault": { "kind": "status", "code": 400 }, "path": "/v1/confirmations" }))
        .await;
    present(&house.lane(1), Way::Android, "android").await;
    consent(&house.lane(1)).await;
    house
        .until("it is set aside", async |house| {
            house.states().await["offline_queue"]["detail"]["offline_queue"]["set_aside"] == 1
        })
        .await;
    let listed = house.madoguchi(&["queue", "list", "--json"]).output().expect("the program runs");
    let records: Vec<Value> = serde_json::from_slice(&listed.stdout).expect("a list");
    let record = records.iter().find(|record| record["stage"] == "set-aside").expect("the record");
    record["id"].as_str().expect("an id").into()
}

/// Takes everything away, ends the last screen and waits for the next patient's turn.
pub async fn leave(lane: &Lane) {
    lane.take_away().await;
    lane.eject().await;
    let screen = lane.screen().await;
    if screen.offers("finish") {
        lane.touch("finish").await;
    }
    lane.wait(&["idle"]).await;
}

/// A whole visit; answers with the last screen.
pub async fn serve(lane: &Lane, way: Way, card: &str) -> Screen {
    present(lane, way, card).await;
    let last = consent(lane).await;
    leave(lane).await;
    last
}

/// A visit by Android phone in which nothing but the straight way may be seen; answers with its screens, the
/// idle screen of the next patient last.
pub async fn serve_straight(lane: &Lane, card: &str) -> Vec<Screen> {
    const STRAIGHT: [&str; 8] = [
        "choose_phone",
        "enter_pin",
        "hold_medium",
        "authenticating",
        "consent",
        "confirming",
        "done",
        "idle",
    ];
    let since = lane.wait(&["idle"]).await.sequence;
    serve(lane, Way::Android, card).await;
    let shown = lane.screens(since).await;
    let mut kinds: Vec<_> = shown.iter().map(|screen| screen.kind.as_str()).collect();
    // "Keep it there" is not shown where the medium was read sooner than it was told to lie there, and "please
    // wait" is shown anew when the queue has accepted.
    kinds.retain(|kind| *kind != "reading");
    kinds.dedup();
    assert_eq!(kinds, STRAIGHT, "lane {}: the way was not straight", lane.number);
    shown
}
