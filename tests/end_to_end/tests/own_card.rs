//! Somebody else's card, from somebody else's authority, put into a lane's reader by vpcd's protocol over TCP
//! (DOMAIN section 6); and the whole gateway on Debian's own virtual reader.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a failed step is a failed test")]

use madoguchi_end_to_end::{
    House, Lane, Options,
    visits::{self, Way},
};
use madoguchi_simulator::{
    cards::{Card, CardOptions, Insertion, Medium, serve},
    pki::jpki::{JpkiAuthority, Validity},
};
use std::{net::SocketAddr, path::PathBuf};
use zeroize::Zeroizing;

const OWN_PIN: &str = "2468";

/// An authority that the hospital has never heard of, with the file that `--trust-ca` takes.
struct Stranger {
    authority: JpkiAuthority,
    folder: tempfile::TempDir,
}

impl Stranger {
    fn new() -> Self {
        let stranger =
            Self { authority: JpkiAuthority::generate(7).unwrap(), folder: tempfile::tempdir().unwrap() };
        std::fs::write(stranger.pem(), stranger.authority.certificate_pem()).unwrap();
        stranger
    }

    fn pem(&self) -> PathBuf {
        self.folder.path().join("strange-ca.pem")
    }

    fn card(&self, medium: Medium) -> Card {
        let credential = self.authority.issue(Validity::valid_at(jiff::Timestamp::now())).unwrap();
        let options = CardOptions { pin: Zeroizing::new(OWN_PIN.into()), ..CardOptions::default() };
        Card::new(medium, credential, options)
    }
}

/// Puts a card into the reader of lane 1, at the port that the hospital printed.
async fn put(house: &House, card: &Card) -> Insertion {
    let port = house.addresses["card_ports"]["1"].as_u64().and_then(|port| u16::try_from(port).ok());
    serve(card.clone(), SocketAddr::from(([127, 0, 0, 1], port.expect("a port")))).await.unwrap()
}

/// A visit of each kind of phone with the stranger's own; answers with the kinds of the last screens.
async fn visit_with(house: &House, stranger: &Stranger) -> [String; 2] {
    let lane = house.lane(1);
    let android = stranger.card(Medium::Android);
    visits::to_android_pin(&lane).await;
    lane.pin(OWN_PIN).await;
    lane.wait(&["hold_medium"]).await;
    let first = ends(&lane, put(house, &android).await).await;
    assert_eq!(android.tries_left(), 3, "the right PIN was sent");
    assert_eq!(android.seen().signatures, 1);

    let iphone = stranger.card(Medium::Iphone);
    visits::to_iphone_hold(&lane).await;
    let second = ends(&lane, put(house, &iphone).await).await;
    assert_eq!(iphone.seen().signatures, 1);
    [first, second]
}

/// Waits for the last screen, takes the card away and leaves.
async fn ends(lane: &Lane, held: Insertion) -> String {
    let screen = lane.wait(&["consent", "fallback"]).await;
    let last = if screen.kind == "consent" { visits::consent(lane).await } else { screen };
    held.remove().await;
    if last.offers("finish") || !last.offers("cancel") {
        visits::leave(lane).await;
    } else {
        lane.touch("cancel").await;
        lane.wait(&["idle"]).await;
    }
    last.kind
}

fn own_card(trust_ca: Vec<PathBuf>) -> Options {
    Options { own_card: vec![1], trust_ca, ..Options::default() }
}

#[tokio::test]
async fn own_card_of_a_trusted_authority_is_served_as_a_generic_patient() {
    let stranger = Stranger::new();
    let house = House::open(own_card(vec![stranger.pem()])).await;
    assert_eq!(visit_with(&house, &stranger).await, ["done", "done"]);
    house.settled(2).await;
    // Two cards, two people, both invented by the centre.
    let numbers: std::collections::BTreeSet<_> = house
        .receipts()
        .await
        .iter()
        .map(|file| {
            let text = file["text"].as_str().unwrap();
            let from = text.find("<InsuredIdentificationNumber>").expect("insurance details");
            text[from..from + 60].to_owned()
        })
        .collect();
    assert_eq!(numbers.len(), 2, "{numbers:?}");
    // The hospital's own cards go on being served beside it.
    assert_eq!(visits::serve(&house.lane(2), Way::Android, "android").await.kind, "done");
    house.settled(3).await;
}

#[tokio::test]
async fn own_card_of_an_unknown_authority_is_refused() {
    let stranger = Stranger::new();
    let house = House::open(own_card(Vec::new())).await;
    assert_eq!(visit_with(&house, &stranger).await, ["fallback", "fallback"]);
    house.settled(0).await;
    // The lane's card slot still serves the hospital's own.
    assert_eq!(visits::serve(&house.lane(1), Way::CardByFace, "my_number_card").await.kind, "done");
    house.settled(1).await;
}

#[tokio::test]
async fn stock_vpcd_serves_the_whole_gateway() {
    let house = House::open(Options { stock_vpcd: true, ..Options::default() }).await;
    for (number, way) in (1..).zip([Way::Android, Way::Iphone, Way::CardHeld]) {
        let lane = house.lane(1 + number % 2);
        assert_eq!(visits::serve(&lane, way, way.kind()).await.kind, "done", "{}", way.name());
        house.settled(usize::from(number)).await;
    }
}
