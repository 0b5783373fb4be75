//! Simulated readers against the gateway's own end of the device link.

#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test, in helpers too")]

use hpke::{
    Deserializable, Kem, OpModeR, Serializable, aead::ChaCha20Poly1305, kdf::HkdfSha256,
    kem::X25519HkdfSha256,
};
use madoguchi_face_reader::{
    Timings,
    link::{FaceReaderLink, LinkEvent},
    tls::{LinkSettings, TlsLink},
};
use madoguchi_protocol::{
    LaneId, VisitId,
    device::{Choice, FromReader, PinPad, Screen, SlotMethod, SlotResult, ToReader},
    evidence::VerifiedBy,
    pin::{INFO_FROM_DEVICE, PinJob, PublicKey, associated_data},
};
use madoguchi_simulator::{
    cards::{Card, CardOptions, Medium},
    face_reader::{ReaderConfig, SimulatedReader, SlotCard, TouchError},
    pki::{
        jpki::{JpkiAuthority, Validity as CardValidity},
        tls::{TlsAuthority, Validity},
    },
};
use std::time::Duration;

const SOON: Duration = Duration::from_secs(5);

struct Counter {
    link: TlsLink,
    reader: SimulatedReader,
    _folder: tempfile::TempDir,
}

fn lane() -> LaneId {
    LaneId::new(1).unwrap()
}

/// A lane's end of the link, and a reader that wants to connect to it.
async fn counter() -> Counter {
    let folder = tempfile::tempdir().unwrap();
    let box_authority = TlsAuthority::new("device link").unwrap();
    let reader_authority = TlsAuthority::new("readers").unwrap();
    let server = box_authority.server(&["localhost"], Validity::days(1)).unwrap();
    let files = server.write(folder.path(), "device-link").unwrap();
    let settings = LinkSettings {
        listen: std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap(),
        certificate: files.certificate,
        key: files.key,
        client_ca: reader_authority.write(folder.path(), "readers").unwrap(),
        reader_name: None,
        maker: None,
    };
    let link = TlsLink::start(lane(), &settings, Timings::default()).unwrap();
    let reader = SimulatedReader::start(ReaderConfig {
        address: settings.listen,
        server_name: "localhost".into(),
        authority: box_authority.certificate_der(),
        identity: reader_authority.client("face-reader-1", Validity::days(1)).unwrap(),
        maker: "panasonic".into(),
        model: "simulated".into(),
        software: "1.0".into(),
        reads_phones: false,
    })
    .unwrap();
    let mut counter = Counter { link, reader, _folder: folder };
    assert!(matches!(counter.heard().await, LinkEvent::Up(_)));
    assert!(counter.reader.wait_for(SOON, |view| view.connected).await.is_some());
    counter
}

impl Counter {
    async fn heard(&mut self) -> LinkEvent {
        tokio::time::timeout(SOON, self.link.receive()).await.unwrap()
    }

    async fn show(&mut self, screen: Screen) {
        let kind = screen.kind.clone();
        self.link.send(ToReader::Show(screen)).await.unwrap();
        let shows = |view: &madoguchi_simulator::face_reader::View| {
            view.screen.as_ref().is_some_and(|screen| screen.kind == kind)
        };
        assert!(self.reader.wait_for(SOON, shows).await.is_some(), "{kind} is shown");
    }

    async fn slot_result(&mut self) -> SlotResult {
        match self.heard().await {
            LinkEvent::Frame(FromReader::SlotResult { result, .. }) => result,
            other => panic!("{other:?}"),
        }
    }
}

fn screen(kind: &str, choices: &[&str]) -> Screen {
    Screen {
        number: 7,
        kind: kind.into(),
        language: "ja".into(),
        title: "題".into(),
        text: "文".into(),
        choices: choices.iter().map(|id| Choice { id: (*id).into(), label: (*id).into() }).collect(),
        pin_pad: None,
        visit: None,
    }
}

fn my_number_card(options: CardOptions) -> SlotCard {
    let authority = JpkiAuthority::generate(1).unwrap();
    let credential = authority.issue(CardValidity::valid_at(jiff::Timestamp::now())).unwrap();
    SlotCard { id: "card".into(), card: Card::new(Medium::MyNumberCard, credential, options) }
}

#[tokio::test]
async fn touches_name_the_screen_and_only_choices_that_are_shown_can_be_touched() {
    let mut counter = counter().await;
    counter.show(screen("choose_medium", &["use_phone", "use_card"])).await;
    counter.reader.touch("use_card").unwrap();
    let touch = FromReader::Touch { screen: 7, choice: "use_card".into() };
    assert_eq!(counter.heard().await, LinkEvent::Frame(touch));
    assert!(matches!(counter.reader.touch("open_the_till"), Err(TouchError::NoSuchChoice { .. })));
    assert!(matches!(counter.reader.type_pin("1234"), Err(TouchError::NoPinPad(_))));
    assert_eq!(counter.reader.type_pin("12a4"), Err(TouchError::NotAPin));
}

#[tokio::test]
async fn pin_leaves_the_reader_sealed_to_the_screens_key_and_bound_to_its_job() {
    let mut counter = counter().await;
    let (private, public) = X25519HkdfSha256::gen_keypair();
    let mut public_key = [0; 32];
    public_key.copy_from_slice(&public.to_bytes());
    let visit = VisitId::random();
    let job = PinJob(4711);
    let pin_pad = Some(PinPad { job, public_key: PublicKey(public_key) });
    counter.show(Screen { pin_pad, visit: Some(visit), ..screen("enter_pin", &["cancel"]) }).await;
    counter.reader.type_pin("8642").unwrap();
    let LinkEvent::Frame(FromReader::SealedPin { screen: 7, job: told, sealed }) = counter.heard().await
    else {
        panic!("no sealed PIN came")
    };
    assert_eq!(told, job);
    let open = |data: &[u8]| {
        hpke::single_shot_open::<ChaCha20Poly1305, HkdfSha256, X25519HkdfSha256>(
            &OpModeR::Base,
            &private,
            &<X25519HkdfSha256 as Kem>::EncappedKey::from_bytes(&sealed.encapsulated).unwrap(),
            INFO_FROM_DEVICE,
            &sealed.ciphertext,
            data,
        )
    };
    assert_eq!(open(&associated_data(visit, lane(), job)).unwrap(), b"8642");
    assert!(open(&associated_data(visit, lane(), PinJob(4712))).is_err());
}

#[tokio::test]
async fn slot_reads_by_face_by_pin_and_is_empty_when_the_card_is_pulled() {
    let mut counter = counter().await;
    let visit = VisitId::random();
    let read = |method| ToReader::ReadSlot {
        visit,
        method,
        statement: b"statement".to_vec(),
        last_try_allowed: false,
    };
    counter.reader.set_slot(Some(my_number_card(CardOptions::default())));
    assert_eq!(counter.heard().await, LinkEvent::Frame(FromReader::SlotCard { present: true }));

    counter.link.send(read(SlotMethod::Face)).await.unwrap();
    let SlotResult::Signed { verified_by: VerifiedBy::Face, .. } = counter.slot_result().await else {
        panic!()
    };
    counter.reader.set_face(false);
    counter.link.send(read(SlotMethod::Face)).await.unwrap();
    assert_eq!(counter.slot_result().await, SlotResult::FaceMismatch);

    counter.link.send(read(SlotMethod::Pin)).await.unwrap();
    assert!(counter.reader.wait_for(SOON, |view| view.slot_pin_wanted).await.is_some());
    counter.reader.type_pin("1234").unwrap();
    let SlotResult::Signed { verified_by: VerifiedBy::Pin, .. } = counter.slot_result().await else {
        panic!()
    };

    counter.link.send(read(SlotMethod::Pin)).await.unwrap();
    assert!(counter.reader.wait_for(SOON, |view| view.slot_pin_wanted).await.is_some());
    counter.link.send(ToReader::CancelSlot { visit }).await.unwrap();
    assert_eq!(counter.slot_result().await, SlotResult::Cancelled);

    counter.link.send(read(SlotMethod::Pin)).await.unwrap();
    assert!(counter.reader.wait_for(SOON, |view| view.slot_pin_wanted).await.is_some());
    counter.reader.set_slot(None);
    assert_eq!(counter.heard().await, LinkEvent::Frame(FromReader::SlotCard { present: false }));
    assert_eq!(counter.slot_result().await, SlotResult::CardRemoved);
    counter.link.send(read(SlotMethod::Face)).await.unwrap();
    assert_eq!(counter.slot_result().await, SlotResult::CardRemoved);
}

#[tokio::test]
async fn reader_comes_back_after_a_broken_link_and_a_restart_tells_of_a_new_boot() {
    let mut counter = counter().await;
    counter.show(screen("idle", &[])).await;
    counter.reader.disconnect();
    assert!(matches!(counter.heard().await, LinkEvent::Down(_)));
    let view = counter.reader.wait_for(SOON, |view| !view.connected).await.unwrap();
    assert_eq!(view.screen, None);
    counter.reader.connect();
    let LinkEvent::Up(first) = counter.heard().await else { panic!() };
    counter.reader.restart();
    let LinkEvent::Down(_) = counter.heard().await else { panic!() };
    let LinkEvent::Up(second) = counter.heard().await else { panic!() };
    assert_ne!(first.boot, second.boot);
    counter.link.send(ToReader::Goodbye { reason: "the box stops".into() }).await.unwrap();
    let LinkEvent::Down(_) = counter.heard().await else { panic!() };
    // It knocks again by itself.
    assert!(matches!(counter.heard().await, LinkEvent::Up(_)));
    assert_eq!(counter.reader.screens_since(0).len(), 1);
}
