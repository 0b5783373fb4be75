//! The actor over the real broker and the real pcscd, between stand-ins for `face_reader` and `pin_session`.
#![allow(clippy::unwrap_used, clippy::expect_used)] // a failed unwrap is a failed test

mod support;

use actix::{Actor, Context, Handler};
use hpke::{
    Deserializable, Kem, OpModeS, Serializable, aead::ChaCha20Poly1305, kdf::HkdfSha256,
    kem::X25519HkdfSha256, single_shot_seal,
};
use madoguchi_bus::{
    Bus, BusActor, Incoming, Supervisor,
    broker::{Access, ManagedBroker},
};
use madoguchi_nfc_reader::{NfcReader, Settings, pcsc::binding::ReaderBinding};
use madoguchi_protocol::{
    ActorKind, Address, LaneId, VisitId,
    evidence::Medium,
    fault::FaultCode,
    messages::{
        face_reader::FaceReaderCommand,
        nfc_reader::{
            CancelRead, ReadCancelled, ReadMedium, ReadOutcome, ReadProgress, ReaderTested, TestReader,
        },
        pin_session::{PinReleased, PinSessionCommand, ReleasePin},
        state::{Condition, Detail, State},
    },
    pin::{INFO_TO_NFC_READER, PinJob, SealedPin, associated_data},
};
use madoguchi_simulator::{
    cards::{self, CardOptions, serve},
    pcscd::{Pcscd, ReaderSpec, isolated},
};
use std::time::Duration;
use support::{STATEMENT, android, card, is_signed, reader};
use tokio::{
    sync::{mpsc, watch},
    time::timeout,
};

/// A keeper that holds 1234 for every visit, once for each job.
struct Keeper {
    released: watch::Sender<Vec<PinJob>>,
}

impl Actor for Keeper {
    type Context = Context<Self>;
}

impl BusActor for Keeper {
    type Commands = PinSessionCommand;
}

impl Handler<Incoming<PinSessionCommand>> for Keeper {
    type Result = ();

    fn handle(&mut self, incoming: Incoming<PinSessionCommand>, _: &mut Self::Context) {
        let Incoming::Command(command, responder) = incoming else { return };
        let (lane, visit) = (command.lane.unwrap(), command.visit.unwrap());
        let PinSessionCommand::ReleasePin(ReleasePin { job, reader_key }) = command.body else { return };
        if self.released.borrow().contains(&job) {
            return responder.reply::<ReleasePin>(&PinReleased::NotHeld);
        }
        self.released.send_modify(|jobs| jobs.push(job));
        let key = <X25519HkdfSha256 as Kem>::PublicKey::from_bytes(&reader_key.0).unwrap();
        let (encapsulated, ciphertext) = single_shot_seal::<ChaCha20Poly1305, HkdfSha256, X25519HkdfSha256>(
            &OpModeS::Base,
            &key,
            INFO_TO_NFC_READER,
            b"1234",
            &associated_data(visit, lane, job),
        )
        .unwrap();
        let sealed = SealedPin { encapsulated: encapsulated.to_bytes().to_vec(), ciphertext };
        responder.reply::<ReleasePin>(&PinReleased::Released(sealed));
    }
}

/// What the lane's `face_reader` hears.
#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "a few of them live, in a test")]
enum Heard {
    Progress(Option<VisitId>, ReadProgress),
    State(State),
}

struct Face(mpsc::UnboundedSender<Heard>);

impl Actor for Face {
    type Context = Context<Self>;
}

impl BusActor for Face {
    type Commands = FaceReaderCommand;
}

impl Handler<Incoming<FaceReaderCommand>> for Face {
    type Result = ();

    fn handle(&mut self, incoming: Incoming<FaceReaderCommand>, _: &mut Self::Context) {
        match incoming {
            Incoming::Event(event) => {
                if let Some(progress) = event.read::<ReadProgress>() {
                    self.0.send(Heard::Progress(progress.visit, progress.body)).unwrap();
                }
            }
            Incoming::State(address, state) if address.kind == ActorKind::NfcReader => {
                self.0.send(Heard::State(state.body)).unwrap();
            }
            _ => {}
        }
    }
}

/// A lane on the bus.
struct Lane {
    lane: LaneId,
    spec: ReaderSpec,
    access: Access,
    bus: Bus,
    heard: mpsc::UnboundedReceiver<Heard>,
    released: watch::Receiver<Vec<PinJob>>,
}

impl Lane {
    async fn heard<T>(&mut self, what: &str, wanted: impl Fn(Heard) -> Option<T>) -> T {
        let find = async {
            loop {
                if let Some(found) = wanted(self.heard.recv().await.expect("the stand-in ended")) {
                    return found;
                }
            }
        };
        timeout(Duration::from_secs(15), find).await.unwrap_or_else(|_| panic!("{what} was not heard"))
    }

    async fn state(&mut self, ready: bool, fault: Option<FaultCode>) {
        self.heard(&format!("ready {ready} with {fault:?}"), |heard| match heard {
            Heard::State(State {
                condition: Condition::Running,
                faults,
                detail: Detail::NfcReader { ready: now, .. },
            }) => (now == ready && faults.first().map(|fault| fault.code) == fault).then_some(()),
            _ => None,
        })
        .await;
    }

    async fn progress(&mut self, visit: VisitId, wanted: ReadProgress) {
        self.heard(&format!("{wanted:?}"), |heard| match heard {
            Heard::Progress(of, progress) => (of == Some(visit) && progress == wanted).then_some(()),
            Heard::State(_) => None,
        })
        .await;
    }

    async fn read(&self, visit: VisitId, expected: Medium, job: Option<u32>, wait_ms: u32) -> ReadOutcome {
        let command = ReadMedium {
            expected,
            statement: STATEMENT.to_vec(),
            pin_job: job.map(PinJob),
            last_try_allowed: false,
            wait_ms,
        };
        self.bus.ask(Some(self.lane), Some(visit), command).await.unwrap()
    }
}

fn with_a_lane(test: &str, body: impl AsyncFnOnce(&mut Pcscd, &mut Lane)) {
    isolated(test, |folder| {
        let spec = reader("LANE1");
        let mut pcscd = Pcscd::start(folder, std::slice::from_ref(&spec)).unwrap();
        actix::System::new().block_on(async {
            let lane = LaneId::new(1).unwrap();
            let directory = tempfile::tempdir().unwrap();
            let broker = ManagedBroker::start(directory.path(), &[lane]).await.unwrap();
            let mut supervisor = Supervisor::new(broker.access().clone());
            let (released, jobs) = watch::channel(Vec::new());
            supervisor.look_after(Address::of_box(ActorKind::PinSession), move |_| {
                Ok(Keeper { released: released.clone() })
            });
            let (sender, heard) = mpsc::unbounded_channel();
            let (lend, bus) = std::sync::mpsc::channel();
            supervisor.look_after(Address::of_lane(ActorKind::FaceReader, lane), move |bus| {
                lend.send(bus)?;
                Ok(Face(sender.clone()))
            });
            let settings = Settings {
                reader: ReaderBinding::Name(format!("Madoguchi Virtual Reader ({})", spec.name())),
                read_limit_ms: 2000,
                pcscd: None,
            };
            supervisor.look_after(Address::of_lane(ActorKind::NfcReader, lane), move |bus| {
                NfcReader::new(bus, lane, settings.clone())
            });
            let bus = tokio::task::spawn_blocking(move || bus.recv().unwrap()).await.unwrap();
            let access = broker.access().clone();
            let mut lane = Lane { lane, spec, access, bus, heard, released: jobs };
            lane.state(true, None).await;
            body(&mut pcscd, &mut lane).await;
            supervisor.stop().await;
        });
    });
}

#[test]
fn a_visit_reads_an_android_with_the_pin_released_once() {
    with_a_lane("a_visit_reads_an_android_with_the_pin_released_once", async |_, lane| {
        let visit = VisitId::random();
        let phone = android();
        let hold = async {
            tokio::time::sleep(Duration::from_millis(200)).await;
            serve(phone.clone(), lane.spec.address()).await.unwrap()
        };
        let (outcome, held) = tokio::join!(lane.read(visit, Medium::Android, Some(7), 5000), hold);
        assert!(is_signed(&outcome), "{outcome:?}");
        assert_eq!(*lane.released.borrow(), [PinJob(7)]);
        lane.progress(visit, ReadProgress::MediumSeen).await;
        // The PIN is gone: another read of the same visit spends nothing.
        assert_eq!(lane.read(visit, Medium::Android, Some(7), 2000).await, ReadOutcome::PinNotHeld);
        assert_eq!(phone.seen().pins, 1);
        // And the next visit's read does not touch a phone that was left behind.
        assert_eq!(lane.read(VisitId::random(), Medium::Android, Some(8), 500).await, ReadOutcome::NoMedium);
        assert_eq!(*lane.released.borrow(), [PinJob(7)]);
        held.remove().await;
        lane.progress(visit, ReadProgress::MediumGone).await;
    });
}

#[test]
fn r18_no_pin_is_asked_for_an_iphone_whatever_the_command_says() {
    with_a_lane("r18_no_pin_is_asked_for_an_iphone_whatever_the_command_says", async |_, lane| {
        let phone = card(cards::Medium::Iphone, CardOptions::default());
        let _held = serve(phone.clone(), lane.spec.address()).await.unwrap();
        let outcome = lane.read(VisitId::random(), Medium::Iphone, Some(7), 3000).await;
        assert!(is_signed(&outcome), "{outcome:?}");
        assert!(lane.released.borrow().is_empty());
        assert_eq!((phone.seen().pins, phone.seen().tries_asked), (0, 0));
    });
}

#[test]
fn wrong_medium_costs_no_pin_and_is_told_once_for_each_time_it_is_held() {
    with_a_lane("wrong_medium_costs_no_pin_and_is_told_once_for_each_time_it_is_held", async |_, lane| {
        let visit = VisitId::random();
        let iphone = card(cards::Medium::Iphone, CardOptions::default());
        let held = serve(iphone.clone(), lane.spec.address()).await.unwrap();
        let wrong = ReadOutcome::WrongMedium { found: Medium::Iphone };
        assert_eq!(lane.read(visit, Medium::Android, Some(7), 3000).await, wrong);
        assert_eq!(lane.read(visit, Medium::Android, Some(7), 500).await, ReadOutcome::NoMedium);
        // The patient chose anew: now it is the right one.
        assert!(is_signed(&lane.read(visit, Medium::Iphone, None, 3000).await));
        held.remove().await;
        assert!(lane.released.borrow().is_empty());
    });
}

#[test]
fn a_new_read_and_a_cancel_end_the_read_before() {
    with_a_lane("a_new_read_and_a_cancel_end_the_read_before", async |_, lane| {
        let visit = VisitId::random();
        let later = async {
            tokio::time::sleep(Duration::from_millis(200)).await;
            lane.read(visit, Medium::Android, Some(7), 60_000).await
        };
        let cancel = async {
            // Again, should a busy machine have it overtake the read that it is for.
            loop {
                tokio::time::sleep(Duration::from_millis(600)).await;
                let cancelled = lane.bus.ask(Some(lane.lane), Some(visit), CancelRead {}).await;
                assert_eq!(cancelled, Ok(ReadCancelled {}));
            }
        };
        let first = lane.read(visit, Medium::Android, Some(7), 60_000);
        let both = async { tokio::join!(first, later) };
        let (first, second) = tokio::select! { both = both => both, () = cancel => unreachable!() };
        assert_eq!((first, second), (ReadOutcome::Cancelled, ReadOutcome::Cancelled));
    });
}

#[test]
fn the_state_tells_a_service_that_dies_hangs_and_comes_back() {
    with_a_lane("the_state_tells_a_service_that_dies_hangs_and_comes_back", async |pcscd, lane| {
        pcscd.kill().unwrap();
        lane.state(false, Some(FaultCode::PcscDown)).await;
        let outcome = lane.read(VisitId::random(), Medium::Android, Some(7), 3000).await;
        assert_eq!(outcome, ReadOutcome::ReaderLost);
        pcscd.restart().unwrap();
        lane.state(true, None).await;
        pcscd.stop().unwrap();
        lane.state(false, Some(FaultCode::PcscHung)).await;
        pcscd.cont().unwrap();
        lane.state(true, None).await;
        let _held = serve(android(), lane.spec.address()).await.unwrap();
        assert!(is_signed(&lane.read(VisitId::random(), Medium::Android, Some(7), 3000).await));
    });
}

#[test]
fn a_test_names_what_is_held_and_gives_way_to_a_visit() {
    with_a_lane("a_test_names_what_is_held_and_gives_way_to_a_visit", async |_, lane| {
        let page = Bus::connect(&lane.access, Address::of_box(ActorKind::Gateway));
        let test =
            async |wait_ms: u32| page.bus.ask(Some(lane.lane), None, TestReader { wait_ms }).await.unwrap();
        assert_eq!(test(100).await, ReaderTested::NoMedium);
        let phone = android();
        let held = serve(phone.clone(), lane.spec.address()).await.unwrap();
        assert_eq!(test(5000).await, ReaderTested::Read(Medium::Android));
        assert_eq!((phone.seen().pins, phone.seen().tries_asked), (0, 0), "nothing but its label is read");
        // What was held for the test is not the next patient's.
        assert_eq!(lane.read(VisitId::random(), Medium::Android, Some(7), 500).await, ReadOutcome::NoMedium);
        held.remove().await;

        let visit = VisitId::random();
        let later = async {
            tokio::time::sleep(Duration::from_millis(300)).await;
            test(100).await
        };
        let (read, tested) = tokio::join!(lane.read(visit, Medium::Android, Some(8), 1500), later);
        assert_eq!((read, tested), (ReadOutcome::NoMedium, ReaderTested::InUse), "a visit is not disturbed");
        let later = async {
            tokio::time::sleep(Duration::from_millis(300)).await;
            lane.read(visit, Medium::Android, Some(9), 100).await
        };
        let (tested, read) = tokio::join!(test(20_000), later);
        assert_eq!((tested, read), (ReaderTested::InUse, ReadOutcome::NoMedium), "a test gives way");
    });
}
