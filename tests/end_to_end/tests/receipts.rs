//! The receipt computer's folders: gone and back, its queries, and the characters that it can't be given.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a failed step is a failed test")]

use madoguchi_end_to_end::{
    House, Options,
    http::Http,
    visits::{self, Way},
};
use madoguchi_protocol::fault::FaultCode;
use reqwest::Method;
use serde_json::Value;
use std::{
    fs,
    path::{Path, PathBuf},
};

const ACTOR: &str = "receipt_computer";

/// A house of one lane, with these settings of the receipt computer's.
async fn house(settings: &str) -> House {
    let section = "[receipt_computer]\n";
    let replace = vec![(section.to_owned(), format!("{section}{settings}"))];
    House::open(Options { lanes: 1, replace, ..Options::default() }).await
}

fn folder(house: &House, name: &str) -> PathBuf {
    Path::new(house.addresses["receipts"].as_str().unwrap()).join(name)
}

/// A card's holder, as the centre knows them.
async fn patient(house: &House, card: &str) -> Value {
    let control = Http::new(house.addresses["control"].as_str().unwrap());
    let path = format!("cards/{}", card.replace('#', "%23"));
    control.must(Method::GET, &path, None).await["patient"].clone()
}

#[tokio::test]
async fn result_waits_for_the_receipt_folder() {
    let mut house = house("").await;
    let (face, away) = (folder(&house, "Face"), folder(&house, "Face, unplugged"));
    fs::rename(&face, &away).unwrap();
    // The patient is served all the same; the result waits.
    assert_eq!(visits::serve(&house.lane(1), Way::Android, "android").await.kind, "done");
    house.raised(ACTOR, FaultCode::ReceiptFolderUnavailable).await;
    assert_eq!(house.effects().await.len(), 1);
    // Also through the gateway's death.
    house.kill_gateway();
    house.start_gateway();
    house.ready().await;
    house.raised(ACTOR, FaultCode::ReceiptFolderUnavailable).await;
    fs::rename(&away, &face).unwrap();
    house.settled(1).await;
    house.cleared(ACTOR).await;
    assert_eq!(visits::serve(&house.lane(1), Way::Android, "android").await.kind, "done");
    house.settled(2).await;
    let left = fs::read_dir(&face).unwrap().count();
    assert_eq!(left, 2, "two results and no temporary file");
}

/// Puts a query where the receipt computer puts it: under another name first.
fn ask(house: &House, id: &str, content: &[u8]) {
    let requests = folder(house, "Req");
    let being_written = requests.join(format!("{id}.tmp"));
    fs::write(&being_written, content).unwrap();
    fs::rename(being_written, requests.join(format!("OQSsiquc01req_{id}.xml"))).unwrap();
}

/// Waits for the answer to the query with this id.
async fn answer(house: &House, id: &str) -> String {
    let name = format!("OQSsiquc01res_{id}.xml");
    let found = async |house: &House| {
        house
            .receipts()
            .await
            .into_iter()
            .find(|file| file["folder"] == "Res" && file["name"] == name.as_str())
    };
    house.until(&format!("{name} is there"), async |house| found(house).await.is_some()).await;
    // A query that was answered is taken away.
    let asked = folder(house, "Req").join(format!("OQSsiquc01req_{id}.xml"));
    house.until(&format!("query {id} is gone"), async |_| !asked.exists()).await;
    found(house).await.expect("it is there")["text"].as_str().expect("text").to_owned()
}

fn query(patient: &Value, number: &str) -> String {
    let of = |key: &str| patient[key].as_str().expect("text").to_owned();
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"no\"?>\n<XmlMsg><MessageHeader>\
         <QualificationConfirmationDate>20251122</QualificationConfirmationDate>\
         <MedicalInstitutionCode>1310000001</MedicalInstitutionCode>\
         <ArbitraryFileIdentifier>uketsuke-1</ArbitraryFileIdentifier></MessageHeader>\
         <MessageBody><QualificationConfirmSearchInfo><InsurerNumber>{}</InsurerNumber>\
         <InsuredIdentificationNumber>{number}</InsuredIdentificationNumber><Birthdate>{}</Birthdate>\
         <LimitApplicationCertificateRelatedConsFlg>0</LimitApplicationCertificateRelatedConsFlg>\
         </QualificationConfirmSearchInfo></MessageBody></XmlMsg>\n",
        of("insurer_number"),
        of("birthdate"),
    )
}

fn element<'a>(text: &'a str, name: &str) -> &'a str {
    let rest = text.split_once(&format!("<{name}>")).map_or("", |(_, rest)| rest);
    rest.split_once("</").map_or("", |(value, _)| value)
}

#[tokio::test]
async fn receipt_computers_query_is_answered_under_its_id() {
    let house = house("scan_ms = 100\nstable_ms = 200\n").await;
    let known = patient(&house, "android").await;
    let number = known["insured_identification_number"].as_str().unwrap();
    ask(&house, "42", query(&known, number).as_bytes());
    let text = answer(&house, "42").await;
    assert_eq!(element(&text, "SegmentOfResult"), "1", "{text}");
    assert_eq!(element(&text, "ArbitraryFileIdentifier"), "uketsuke-1");
    assert_eq!(element(&text, "QualificationValidity"), "1");
    assert_eq!(element(&text, "Name"), known["name"].as_str().unwrap());
    assert_eq!(element(&text, "InsuredIdentificationNumber"), number);
    // Nobody has this number: an answer, not an error.
    ask(&house, "43", query(&known, "99999998").as_bytes());
    let text = answer(&house, "43").await;
    assert_eq!(element(&text, "Name"), "");
    assert_ne!(element(&text, "QualificationValidity"), "1", "{text}");
    // Damaged ones get an answer that says so, and hold nobody up.
    let whole = query(&known, number);
    let without_header = whole.replace("MessageHeader", "MassageHeader");
    let damaged: [(&str, &[u8]); 3] =
        [("44", b"<XmlMsg><MessageHeader></XmlMsg>"), ("45", without_header.as_bytes()), ("46", &[0xff; 64])];
    for (id, content) in damaged {
        ask(&house, id, content);
        let text = answer(&house, id).await;
        assert_eq!(element(&text, "SegmentOfResult"), "9", "{text}");
        assert!(!element(&text, "ErrorCode").is_empty(), "{text}");
    }
    ask(&house, "47", whole.as_bytes());
    assert_eq!(element(&answer(&house, "47").await, "SegmentOfResult"), "1");
    house.settled(0).await;
}

/// The card whose holder is 𠮷野, with a character outside the Basic Multilingual Plane.
async fn yoshino(house: &House) -> &'static str {
    for card in
        ["iphone#1", "iphone#2", "iphone#3", "iphone#4", "iphone#5", "iphone#6", "iphone#7", "iphone#8"]
    {
        if patient(house, card).await["name"].as_str().is_some_and(|name| name.contains('𠮷')) {
            return card;
        }
    }
    panic!("nobody is called 𠮷野");
}

#[tokio::test]
async fn character_that_shift_jis_lacks_is_reported() {
    let house = house("").await;
    let card = yoshino(&house).await;
    assert!(house.faults(ACTOR).await.is_empty());
    assert_eq!(visits::serve(&house.lane(1), Way::Iphone, card).await.kind, "done");
    house.settled(1).await;
    let file = house.receipts().await.remove(0);
    assert_eq!(file["encoding"], "Shift_JIS");
    assert_eq!(element(file["text"].as_str().unwrap(), "Name"), "●野　試験子");
    house.raised(ACTOR, FaultCode::CharactersLost).await;
    let states = house.states().await;
    assert!(states[ACTOR]["detail"]["receipt_computer"]["lost_characters"].as_u64() >= Some(1), "{states:#}");
}

#[tokio::test]
async fn character_that_shift_jis_lacks_is_kept_in_utf_8() {
    let house = house("encoding = \"UTF-8\"\n").await;
    let card = yoshino(&house).await;
    assert_eq!(visits::serve(&house.lane(1), Way::Iphone, card).await.kind, "done");
    house.settled(1).await;
    let file = house.receipts().await.remove(0);
    assert_eq!(element(file["text"].as_str().unwrap(), "Name"), "𠮷野　試験子");
    assert!(house.faults(ACTOR).await.is_empty());
}
