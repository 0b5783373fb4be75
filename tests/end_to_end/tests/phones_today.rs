//! Whether phones work here today, and what is missing where they don't: for staff on the page, for patients on the
//! status page.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a failed step is a failed test")]

use madoguchi_end_to_end::{
    House, Options,
    visits::{self, Way},
};
use madoguchi_protocol::{
    readiness::TermId,
    texts::{Language, text},
};

fn japanese(key: &str) -> String {
    text(Language::Ja, key, &[])
}

async fn page_says(house: &House, path: &str, words: &str) {
    house.until(&format!("/{path} says {words}"), async |house| house.page(path).await.contains(words)).await;
}

/// Since when phones work or don't, as patients are told.
async fn since_when(house: &House) -> String {
    let page = house.page("status?lang=en").await;
    let words = text(Language::En, "page-since", &[("since", "|")]);
    let (before, after) = words.split_once('|').unwrap();
    let (_, rest) = page.split_once(&format!("<p>{before}")).unwrap();
    rest.split_once(&format!("{after}</p>")).unwrap().0.to_owned()
}

#[tokio::test]
async fn r09_r34_r35_a_lane_explains_what_is_missing_and_patients_are_told_whether_phones_work() {
    let mut house = House::open(Options { lanes: 2, hotplug: true, ..Options::default() }).await;
    page_says(&house, "status?lang=ja", &japanese("status-yes")).await;
    let attached = japanese(&TermId::Attached.what_key());
    assert!(!house.page("").await.contains(&attached));

    // One lane has lost its reader: staff read what is missing there, patients are still served elsewhere.
    house.lane(1).nfc_reader("unplug").await;
    page_says(&house, "?lang=ja", &attached).await;
    let page = house.page("?lang=ja").await;
    assert!(page.contains(&japanese(&TermId::Attached.action_key())), "{page}");
    assert!(page.contains("0800-080-4583"), "{page}");
    let hours = ["page-call-centre-open", "page-call-centre-closed"].map(japanese);
    assert!(hours.iter().any(|hours| page.contains(hours)), "{page}");
    page_says(&house, "status?lang=ja", &japanese("status-yes")).await;

    // Both have: phones don't work, since when; the English page says so as well.
    house.lane(2).nfc_reader("unplug").await;
    page_says(&house, "status?lang=ja", &japanese("status-no")).await;
    page_says(&house, "status?lang=en", &text(Language::En, "status-no", &[])).await;

    // A restart of the gateway does not begin the count anew.
    let since = since_when(&house).await;
    house.kill_gateway();
    house.start_gateway();
    page_says(&house, "status?lang=en", &text(Language::En, "status-no", &[])).await;
    assert_eq!(since_when(&house).await, since);
    house.lane(1).nfc_reader("plug").await;
    page_says(&house, "status?lang=ja", &japanese("status-yes")).await;
}

#[tokio::test]
async fn r33_r34_the_first_confirmed_phone_is_dated_and_long_silence_asks_to_phone_the_call_centre() {
    let replace = vec![("[site]\n".into(), "[site]\nphones_down_hours = 0\n".into())];
    let house = House::open(Options { lanes: 1, hotplug: true, replace, ..Options::default() }).await;
    let lane = house.lane(1);
    page_says(&house, "?lang=ja", &japanese("page-no-first-phone")).await;
    visits::serve(&lane, Way::CardByFace, "my_number_card").await;
    visits::serve(&lane, Way::Android, "android").await;
    house
        .until("the first phone is dated", async |house| {
            house.states().await["audit_log"]["detail"]["audit_log"]["first_phone"].is_string()
        })
        .await;
    // The sentence's end, after the time and the number that stand in it.
    let sentence = japanese("page-leave-list");
    let words = sentence.rsplit('}').next().unwrap();
    assert!(words.chars().count() > 5 && !house.page("?lang=ja").await.contains(words));
    lane.nfc_reader("unplug").await;
    page_says(&house, "?lang=ja", words).await;
}
