//! The keeper over the real broker, between the accounts of a lane's `face_reader` and `nfc_reader`.
#![allow(clippy::unwrap_used)] // a failed unwrap is a failed test

use hpke::{
    Deserializable, Kem, OpModeR, OpModeS, Serializable, aead::ChaCha20Poly1305, kdf::HkdfSha256,
    kem::X25519HkdfSha256, single_shot_open, single_shot_seal,
};
use madoguchi_bus::{AskError, Bus, Supervisor, broker::ManagedBroker};
use madoguchi_pin_session::{PinSession, Settings};
use madoguchi_protocol::{
    ActorKind, Address, LaneId, VisitId,
    messages::pin_session::{HoldPin, OpenPinJob, PinHeld, PinReleased, ReleasePin},
    pin::{INFO_FROM_DEVICE, INFO_TO_NFC_READER, PublicKey, SealedPin, associated_data},
};
use std::time::Duration;

type Suite = X25519HkdfSha256;

#[actix::test]
async fn digits_travel_sealed_from_device_to_reader_and_no_other_lane_gets_them() {
    let [lane, neighbour] = [1, 2].map(|n| LaneId::new(n).unwrap());
    let directory = tempfile::tempdir().unwrap();
    let broker = ManagedBroker::start(directory.path(), &[lane, neighbour]).await.unwrap();
    let mut supervisor = Supervisor::new(broker.access().clone());
    supervisor
        .look_after(Address::of_box(ActorKind::PinSession), |bus| PinSession::new(bus, &Settings::default()));
    let client = |kind, lane| Bus::connect(broker.access(), Address::of_lane(kind, lane));
    let face = client(ActorKind::FaceReader, lane);
    let nfc = client(ActorKind::NfcReader, lane);
    let other = client(ActorKind::NfcReader, neighbour);

    let visit = VisitId::random();
    let opened = face.bus.ask(Some(lane), Some(visit), OpenPinJob {}).await.unwrap();
    let device_key = <Suite as Kem>::PublicKey::from_bytes(&opened.public_key.0).unwrap();
    let aad = associated_data(visit, lane, opened.job);
    let (encapsulated, ciphertext) = single_shot_seal::<ChaCha20Poly1305, HkdfSha256, Suite>(
        &OpModeS::Base,
        &device_key,
        INFO_FROM_DEVICE,
        b"1234",
        &aad,
    )
    .unwrap();
    let sealed = SealedPin { encapsulated: encapsulated.to_bytes().to_vec(), ciphertext };
    let held = face.bus.ask(Some(lane), Some(visit), HoldPin { job: opened.job, sealed }).await.unwrap();
    assert_eq!(held, PinHeld::Held);

    let (private, public) = Suite::gen_keypair();
    let release = ReleasePin { job: opened.job, reader_key: PublicKey(public.to_bytes().into()) };
    // The neighbour may neither speak on this lane's topics nor take this lane's PIN on its own.
    let short = Duration::from_secs(1);
    let refused = other.bus.ask_within(Some(lane), Some(visit), release.clone(), short).await;
    assert!(matches!(refused, Err(AskError::NoReply { .. })));
    let nothing = other.bus.ask(Some(neighbour), Some(visit), release.clone()).await.unwrap();
    assert_eq!(nothing, PinReleased::NotHeld);

    let PinReleased::Released(sealed) = nfc.bus.ask(Some(lane), Some(visit), release.clone()).await.unwrap()
    else {
        panic!("not released")
    };
    let encapsulated = <Suite as Kem>::EncappedKey::from_bytes(&sealed.encapsulated).unwrap();
    let opened = single_shot_open::<ChaCha20Poly1305, HkdfSha256, Suite>(
        &OpModeR::Base,
        &private,
        &encapsulated,
        INFO_TO_NFC_READER,
        &sealed.ciphertext,
        &aad,
    );
    assert_eq!(opened.unwrap(), b"1234");
    let again = nfc.bus.ask(Some(lane), Some(visit), release).await.unwrap();
    assert_eq!(again, PinReleased::NotHeld);
    supervisor.stop().await;
}
