//! A lane whose face-auth reader takes phones itself, without a generic reader.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a failed step is a failed test")]

use madoguchi_end_to_end::{House, Options, visits};

async fn offers_phones(house: &House, offered: bool) {
    house
        .until(&format!("phones are offered: {offered}"), async |house| {
            house.states().await["face_reader@1"]["detail"]["face_reader"]["phones_offered"] == offered
        })
        .await;
}

#[tokio::test]
async fn r04_canon_takes_phones_without_a_generic_reader_and_they_are_confirmed() {
    let house = House::open(Options { lanes: 1, hotplug: true, ..Options::default() }).await;
    let lane = house.lane(1);
    lane.nfc_reader("unplug").await;
    offers_phones(&house, false).await;
    lane.face_reader("canon").await;
    offers_phones(&house, true).await;

    lane.answer("idle", "use_phone").await;
    lane.answer("choose_phone", "iphone").await;
    lane.answer("phone_authenticates", "continue").await;
    lane.wait(&["reading_slot"]).await;
    lane.hold("iphone").await;
    assert_eq!(visits::consent(&lane).await.kind, "done");
    visits::leave(&lane).await;
    house.settled(1).await;

    // Its PIN pad is its own: the box asks for no PIN job, and the wrong PIN costs one try and leads back.
    lane.answer("idle", "use_phone").await;
    lane.answer("choose_phone", "android").await;
    visits::type_slot_pin(&lane, "9999").await;
    lane.hold("android").await;
    lane.answer("hold_hint", "retry").await;
    visits::type_slot_pin(&lane, visits::PIN).await;
    assert_eq!(visits::consent(&lane).await.kind, "done");
    visits::leave(&lane).await;
    house.settled(2).await;
    let kinds: Vec<_> = lane.screens(0).await.into_iter().map(|screen| screen.kind).collect();
    assert!(!kinds.iter().any(|kind| kind == "enter_pin"), "{kinds:?}");
    let effects = house.effects().await;
    assert!(effects.iter().all(|effect| effect["result"] == "confirmed"), "{effects:#?}");
}

#[tokio::test]
async fn r22_a_readers_screens_speak_the_wording_of_its_maker() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let profile = "[[maker]]\nname = \"panasonic\"\nlabel = \"Panasonic\"\ntakes_phones = false\n\
                   procedure = \"KB0012308\"\nconfirmed = true\n\
                   [maker.wording.ja]\nchoice-use-phone = \"スマホで受付する\"\n";
    std::fs::write(file.path(), profile).unwrap();
    let replace = vec![("[site]\n".into(), format!("[site]\nmakers = {:?}\n", file.path()))];
    let house = House::open(Options { lanes: 1, replace, ..Options::default() }).await;
    let lane = house.lane(1);
    let label = async || {
        let screen = lane.wait(&["idle"]).await;
        let choices = screen.all["choices"].as_array().cloned().unwrap_or_default();
        choices.iter().find(|choice| choice["id"] == "use_phone").map(|choice| choice["label"].clone())
    };
    assert_eq!(label().await.unwrap(), "スマホで受付する");
}
