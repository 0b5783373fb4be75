//! What a medium or the centre can answer beside yes: no application, what nobody foresaw, nothing, no, and not
//! any more. Each is named to staff, and the lane serves the next patient.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a failed step is a failed test")]

use madoguchi_end_to_end::{
    House, Lane, Options, Screen,
    http::Http,
    visits::{self, Way},
};
use madoguchi_protocol::{
    fault::FaultCode,
    texts::{Language, text},
};
use madoguchi_simulator::{
    cards::{Card, CardOptions, Medium, serve},
    pki::jpki::{JpkiAuthority, Validity},
};
use reqwest::Method;
use std::net::SocketAddr;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    task::JoinHandle,
};

/// Lane 1's generic reader is left to the test's own media.
async fn house() -> House {
    House::open(Options { lanes: 1, own_card: vec![1], ..Options::default() }).await
}

fn port(house: &House) -> SocketAddr {
    let port = house.addresses["card_ports"]["1"].as_u64().and_then(|port| u16::try_from(port).ok());
    SocketAddr::from(([127, 0, 0, 1], port.expect("a port")))
}

/// A medium that answers every APDU with the same status word (vpcd's protocol, DOMAIN section 6).
struct Stubborn {
    task: JoinHandle<std::io::Result<()>>,
}

impl Stubborn {
    async fn put(house: &House, status: u16) -> Self {
        let mut stream = TcpStream::connect(port(house)).await.unwrap();
        let task = tokio::spawn(async move {
            loop {
                let mut payload = vec![0; usize::from(stream.read_u16().await?)];
                stream.read_exact(&mut payload).await?;
                let answer = match payload[..] {
                    [4] => vec![0x3B, 0x80, 0x80, 0x01, 0x01],
                    [_] => continue,
                    _ => status.to_be_bytes().to_vec(),
                };
                stream
                    .write_all(&[&u16::try_from(answer.len()).unwrap().to_be_bytes(), &answer[..]].concat())
                    .await?;
            }
        });
        Self { task }
    }

    async fn take_away(self) {
        self.task.abort();
        let _ = self.task.await;
    }
}

/// The lane serves a card in its slot, and one confirmation more takes effect.
async fn next_patient_is_served(house: &House, before: usize) {
    let last = visits::serve(&house.lane(1), Way::CardByFace, "my_number_card").await;
    assert_eq!(last.kind, "done");
    house.settled(before + 1).await;
}

async fn leave(lane: &Lane, screen: &Screen) {
    let way_out = ["finish", "cancel"].into_iter().find(|choice| screen.offers(choice)).expect("a way out");
    lane.touch(way_out).await;
    lane.wait(&["idle"]).await;
}

/// Holds a medium that answers with `status` until the gateway gives up on it; answers with the last screen.
async fn hold_until_fallback(house: &House, status: u16, fault: FaultCode) -> Screen {
    let lane = house.lane(1);
    let mut hold = visits::to_iphone_hold(&lane).await;
    for _ in 0..5 {
        let medium = Stubborn::put(house, status).await;
        let screen = lane.wait_after(hold.sequence, &["hold_hint", "fallback"], 20_000).await;
        house.troubled(1, fault).await;
        medium.take_away().await;
        if screen.kind == "fallback" {
            return screen;
        }
        // how to hold it, and another try.
        lane.touch_after_taking_away("retry").await;
        hold = lane.wait_after(screen.sequence, &["hold_medium"], 20_000).await;
    }
    panic!("no end of trying");
}

#[tokio::test]
async fn medium_without_jpki_is_refused_with_a_clear_text() {
    let house = house().await;
    let lane = house.lane(1);
    let hold = visits::to_iphone_hold(&lane).await;
    // "File not found" is what a transit card says to the application's name.
    let medium = Stubborn::put(&house, 0x6A82).await;
    let screen = lane.wait_after(hold.sequence, &["hold_hint", "fallback"], 20_000).await;
    house.troubled(1, FaultCode::NotJpki).await;
    let words = text(Language::Ja, "fault-not-jpki-patient", &[]);
    assert!(!words.is_empty() && screen.words().contains(&words), "{}", screen.words());
    medium.take_away().await;
    leave(&lane, &screen).await;
    next_patient_is_served(&house, 0).await;
}

#[tokio::test]
async fn unforeseen_status_word_leads_to_a_fallback() {
    let house = house().await;
    let screen = hold_until_fallback(&house, 0x6F42, FaultCode::Unreadable).await;
    leave(&house.lane(1), &screen).await;
    next_patient_is_served(&house, 0).await;
}

#[tokio::test]
async fn nobody_holding_a_medium_ends_the_visit() {
    let section = "[lane.face_reader.phone_setup]\n";
    let deadlines = format!("[lane.face_reader.deadlines]\nhold = 2\nhint = 2\nfallback = 2\n\n{section}");
    let replace = vec![(section.to_owned(), deadlines)];
    let house = House::open(Options { lanes: 1, replace, ..Options::default() }).await;
    let lane = house.lane(1);
    let hold = visits::to_iphone_hold(&lane).await;
    lane.wait_after(hold.sequence, &["hold_hint"], 20_000).await;
    house.troubled(1, FaultCode::NoMedium).await;
    // Nobody does anything: the lane is free for the next patient by itself.
    lane.wait_after(hold.sequence, &["idle"], 60_000).await;
    next_patient_is_served(&house, 0).await;
}

#[tokio::test]
async fn refusal_by_the_centre_leads_to_a_fallback() {
    let house = house().await;
    let lane = house.lane(1);
    let credential =
        JpkiAuthority::generate(9).unwrap().issue(Validity::valid_at(jiff::Timestamp::now())).unwrap();
    let stranger = Card::new(Medium::Iphone, credential, CardOptions::default());
    visits::to_iphone_hold(&lane).await;
    let held = serve(stranger, port(&house)).await.unwrap();
    let screen = lane.wait(&["fallback"]).await;
    house.troubled(1, FaultCode::CentreRefused).await;
    held.remove().await;
    leave(&lane, &screen).await;
    next_patient_is_served(&house, 0).await;
}

#[tokio::test]
async fn coverage_that_is_not_valid_is_told_to_staff() {
    let house = House::open(Options { lanes: 1, ..Options::default() }).await;
    let lane = house.lane(1);
    let control = Http::new(house.addresses["control"].as_str().unwrap());
    let mut entry = control.must(Method::GET, "cards/iphone", None).await["patient"].clone();
    entry["disqualification_date"] = "20250401".into();
    control.must(Method::PUT, "cards/iphone/patient", Some(entry)).await;
    visits::present(&lane, Way::Iphone, "iphone").await;
    assert_eq!(visits::consent(&lane).await.kind, "done_not_valid");
    house.troubled(1, FaultCode::NotEligible).await;
    house.settled(1).await;
    let file = house.receipts().await.remove(0);
    assert!(
        file["text"].as_str().unwrap().contains("<QualificationValidity>2</QualificationValidity>"),
        "{file:#}"
    );
    visits::leave(&lane).await;
    next_patient_is_served(&house, 1).await;
}
