//! The conductor over the real broker and the real device link: what the patient sees, what its neighbours are
//! asked, and what happens when one of them or the reader goes away.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a failed unwrap is a failed test, in helpers too"
)]
#![allow(dead_code, reason = "the reader's helpers are shared with the link's tests")]

mod house;
mod reader;

use house::{House, lane};
use madoguchi_bus::Bus;
use madoguchi_face_reader::{
    FaceReader, Timings,
    link::{FaceReaderLink, LinkEvent, NotConnected},
    tls::TlsLink,
};
use madoguchi_protocol::{
    ActorKind, Address, PersonId, VisitId,
    device::{FromReader, Hello, Screen, ToReader},
    eligibility::{Validity, Verdict},
    evidence::{Medium, VerifiedBy},
    fault::FaultCode,
    messages::{
        audit_log::{Entry, StaffAct, VisitEnd},
        face_reader::{ActAsStaff, StaffActed},
        nfc_reader::{CancelRead, NfcReaderCommand, ReadCancelled, ReadMedium, ReadOutcome, ReadProgress},
        offline_queue::{
            AcceptConfirmation, Accepted, AskConfirmation, ConfirmationSettled, ConfirmationStanding,
            OfflineQueueCommand, Settlement,
        },
        pin_session::{DropPin, HoldPin, OpenPinJob, PinDropped, PinHeld, PinJobOpened, PinSessionCommand},
        state::Detail,
        uplink::{Authenticate, Authenticated, UplinkCommand},
    },
    pin::{PinJob, PublicKey, SealedPin},
};
use reader::{Reader, hello};
use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
    time::Duration,
};

const SIGNED: ReadOutcome =
    ReadOutcome::Signed { medium: Medium::Android, certificate: vec![], signature: vec![] };
const VALID: Settlement =
    Settlement { verdict: Verdict::Confirmed, validity: Some(Validity::Valid), deferred: false };

/// The next screen; other frames are answered or passed over.
async fn next_screen(reader: &mut Reader) -> Screen {
    loop {
        match reader.hear().await.expect("the link is up") {
            ToReader::Show(screen) => return screen,
            ToReader::Ping { number } => reader.say(&FromReader::Pong { number }).await,
            _ => {}
        }
    }
}

/// The next screen of this kind.
async fn screen(reader: &mut Reader, kind: &str) -> Screen {
    let mut seen = Vec::new();
    for _ in 0..12 {
        let screen = next_screen(reader).await;
        if screen.kind == kind {
            return screen;
        }
        seen.push(screen.kind);
    }
    panic!("{kind} did not come, but {seen:?}");
}

async fn touch(reader: &mut Reader, on: &Screen, choice: &str) {
    assert!(on.choices.iter().any(|c| c.id == choice), "{} offers {:?}", on.kind, on.choices);
    reader.say(&FromReader::Touch { screen: on.number, choice: choice.into() }).await;
}

/// A reader that is connected and shows `idle`.
async fn connected(house: &House, hello: Hello) -> Reader {
    let mut reader = house.bench.reader("face-reader-1").await;
    reader.say(&FromReader::Hello(hello)).await;
    assert!(matches!(reader.hear().await, Some(ToReader::Welcome { .. })));
    reader
}

/// The idle screen once it offers phones.
async fn idle_with_phones(reader: &mut Reader) -> Screen {
    loop {
        let idle = screen(reader, "idle").await;
        if idle.choices.iter().any(|choice| choice.id == "use_phone") {
            return idle;
        }
    }
}

fn keeper_of_pins(house: &mut House, dropped: Arc<AtomicU32>) {
    house.pin_session(move |_, envelope, responder| match envelope.body {
        PinSessionCommand::OpenPinJob(_) => {
            responder.reply::<OpenPinJob>(&PinJobOpened { job: PinJob(7), public_key: PublicKey([9; 32]) });
        }
        PinSessionCommand::HoldPin(_) => responder.reply::<HoldPin>(&PinHeld::Held),
        PinSessionCommand::DropPin(_) => {
            dropped.fetch_add(1, Ordering::Relaxed);
            responder.reply::<DropPin>(&PinDropped {});
        }
        PinSessionCommand::ReleasePin(_) => panic!("face_reader never asks for a PIN"),
    });
}

fn centre_that_knows_everybody(house: &mut House) {
    house.uplink(|_, envelope, responder| match envelope.body {
        UplinkCommand::Authenticate(_) => {
            responder.reply::<Authenticate>(&Authenticated::Verdict(Verdict::Confirmed));
        }
        other => panic!("face_reader asks for nothing else: {other:?}"),
    });
}

/// From the idle screen to the medium's hold, with a PIN typed.
async fn choose_android_and_type_a_pin(reader: &mut Reader) -> Screen {
    let idle = idle_with_phones(reader).await;
    touch(reader, &idle, "use_phone").await;
    let kinds = screen(reader, "choose_phone").await;
    touch(reader, &kinds, "android").await;
    let mut pad = screen(reader, "enter_pin").await;
    while pad.pin_pad.is_none() {
        pad = screen(reader, "enter_pin").await;
    }
    let sealed = SealedPin { encapsulated: vec![1; 32], ciphertext: vec![2; 20] };
    reader.say(&FromReader::SealedPin { screen: pad.number, job: PinJob(7), sealed }).await;
    screen(reader, "hold_medium").await
}

#[actix::test]
async fn android_visit_goes_through_every_neighbour_and_a_missed_event_is_asked_for() {
    let mut house = House::new().await;
    keeper_of_pins(&mut house, Arc::default());
    centre_that_knows_everybody(&mut house);
    house.nfc_reader(|bus, envelope, responder| match envelope.body {
        NfcReaderCommand::ReadMedium(read) => {
            assert_eq!((read.expected, read.pin_job), (Medium::Android, Some(PinJob(7))));
            bus.say(envelope.lane, envelope.visit, &ReadProgress::MediumSeen);
            responder.reply::<ReadMedium>(&SIGNED);
        }
        NfcReaderCommand::CancelRead(_) => responder.reply::<CancelRead>(&ReadCancelled {}),
        NfcReaderCommand::TestReader(_) => panic!("only the page tests a reader"),
    });
    // Accepts, and says nothing when the answer is there: the lane has to ask.
    house.offline_queue(|_, envelope, responder| match envelope.body {
        OfflineQueueCommand::AcceptConfirmation(_) => {
            responder.reply::<AcceptConfirmation>(&Accepted::Accepted);
        }
        OfflineQueueCommand::AskConfirmation(_) => {
            responder.reply::<AskConfirmation>(&ConfirmationStanding::Settled(VALID));
        }
        _ => panic!("only the page and the console ask for records and keys"),
    });
    let mut reader = connected(&house, hello()).await;
    choose_android_and_type_a_pin(&mut reader).await;
    let consent = screen(&mut reader, "consent").await;
    let agreed = std::time::Instant::now();
    touch(&mut reader, &consent, "agree_all").await;
    screen(&mut reader, "done").await;
    assert!(agreed.elapsed() < Duration::from_secs(3), "{:?}", agreed.elapsed());
    for entry in [
        Entry::VisitStarted,
        Entry::MediumRead(Medium::Android, VerifiedBy::Pin),
        Entry::Authenticated(Verdict::Confirmed),
        Entry::VisitEnded(VisitEnd::Confirmed),
    ] {
        house.recorded(&entry).await;
    }
    house.state(|state| matches!(state.detail, Detail::FaceReader { visits_ended: 1, .. })).await;
    house.supervisor.stop().await;
}

#[actix::test]
async fn confirmation_of_another_request_changes_nothing_and_the_right_one_ends_the_wait() {
    let mut house = House::new().await;
    keeper_of_pins(&mut house, Arc::default());
    centre_that_knows_everybody(&mut house);
    house.nfc_reader(|_, envelope, responder| {
        if let NfcReaderCommand::ReadMedium(_) = envelope.body {
            responder.reply::<ReadMedium>(&SIGNED);
        }
    });
    house.offline_queue(|bus, envelope, responder| match envelope.body {
        OfflineQueueCommand::AcceptConfirmation(command) => {
            responder.reply::<AcceptConfirmation>(&Accepted::Accepted);
            let not_eligible = Settlement { validity: Some(Validity::NotValid), ..VALID };
            let stranger = madoguchi_protocol::RequestId::random();
            let say = |request_id, settlement| {
                let event = ConfirmationSettled { request_id, settlement };
                bus.say(envelope.lane, envelope.visit, &event);
            };
            say(stranger, not_eligible);
            say(command.request.request_id, VALID);
        }
        OfflineQueueCommand::AskConfirmation(_) => {}
        _ => panic!("only the page and the console ask for records and keys"),
    });
    let mut reader = connected(&house, hello()).await;
    choose_android_and_type_a_pin(&mut reader).await;
    let consent = screen(&mut reader, "consent").await;
    touch(&mut reader, &consent, "agree_none").await;
    screen(&mut reader, "done").await;
    house.supervisor.stop().await;
}

#[actix::test]
async fn cancelled_read_is_cancelled_at_the_reader_and_its_late_answer_changes_nothing() {
    let mut house = House::new().await;
    let dropped = Arc::<AtomicU32>::default();
    keeper_of_pins(&mut house, dropped.clone());
    centre_that_knows_everybody(&mut house);
    let (cancelled, open) = (Arc::<AtomicBool>::default(), Arc::<Mutex<Vec<_>>>::default());
    let (told, kept) = (cancelled.clone(), open.clone());
    house.nfc_reader(move |_, envelope, responder| match envelope.body {
        NfcReaderCommand::ReadMedium(_) => kept.lock().unwrap().push(responder),
        NfcReaderCommand::CancelRead(_) => {
            told.store(true, Ordering::Relaxed);
            // The answer of the read that was just cancelled, too late.
            for late in kept.lock().unwrap().drain(..) {
                late.reply::<ReadMedium>(&SIGNED);
            }
            responder.reply::<CancelRead>(&ReadCancelled {});
        }
        NfcReaderCommand::TestReader(_) => panic!("only the page tests a reader"),
    });
    let mut reader = connected(&house, hello()).await;
    let hold = choose_android_and_type_a_pin(&mut reader).await;
    touch(&mut reader, &hold, "cancel").await;
    let idle = idle_with_phones(&mut reader).await;
    for _ in 0..100 {
        if cancelled.load(Ordering::Relaxed) && dropped.load(Ordering::Relaxed) > 0 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert!(cancelled.load(Ordering::Relaxed) && dropped.load(Ordering::Relaxed) > 0);
    house.recorded(&Entry::VisitEnded(VisitEnd::Abandoned)).await;
    // The lane serves the next patient.
    touch(&mut reader, &idle, "use_phone").await;
    screen(&mut reader, "choose_phone").await;
    house.supervisor.stop().await;
}

#[actix::test]
async fn r11_button_follows_the_generic_reader() {
    let mut house = House::new().await;
    let mut reader = connected(&house, hello()).await;
    let idle = screen(&mut reader, "idle").await;
    assert!(idle.choices.iter().all(|choice| choice.id != "use_phone"), "no reader, no button");
    house.nfc_reader(|_, _, _| {});
    idle_with_phones(&mut reader).await;
    let offered = |state: &_| matches!(state, Detail::FaceReader { phones_offered: true, .. });
    house.state(|state| offered(&state.detail)).await;
    house.supervisor.stop().await;
}

#[actix::test]
async fn patient_whose_visit_was_lost_is_told_and_starts_again() {
    let house = House::new().await;
    let lost = Hello { visit: Some(VisitId::random()), ..hello() };
    let mut reader = connected(&house, lost).await;
    let told = next_screen(&mut reader).await;
    assert_eq!(told.kind, "interrupted");
    assert_eq!(told.visit, None);
    touch(&mut reader, &told, "finish").await;
    assert_eq!(next_screen(&mut reader).await.kind, "idle");
    house.supervisor.stop().await;
}

#[actix::test]
async fn face_reader_that_vanishes_interrupts_the_visit_and_comes_back() {
    let mut house = House::new().await;
    house.nfc_reader(|_, _, _| {});
    let mut reader = connected(&house, hello()).await;
    let idle = idle_with_phones(&mut reader).await;
    touch(&mut reader, &idle, "use_phone").await;
    let cut_short = screen(&mut reader, "choose_phone").await.visit;
    drop(reader);
    let state = house.state(|state| !state.faults.is_empty()).await;
    assert_eq!(state.faults[0].code, FaultCode::FaceReaderLost);
    house.recorded(&Entry::VisitEnded(VisitEnd::Interrupted)).await;
    let mut reader = connected(&house, Hello { visit: cut_short, ..hello() }).await;
    let told = next_screen(&mut reader).await;
    assert_eq!(told.kind, "interrupted");
    touch(&mut reader, &told, "finish").await;
    idle_with_phones(&mut reader).await;
    house.state(|state| state.faults.is_empty()).await;
    house.recorded(&Entry::FaultCleared(FaultCode::FaceReaderLost)).await;
    house.supervisor.stop().await;
}

#[actix::test]
async fn staff_act_on_the_visit_that_they_see_and_on_no_other() {
    let mut house = House::new().await;
    house.nfc_reader(|_, _, _| {});
    let mut reader = connected(&house, hello()).await;
    let idle = idle_with_phones(&mut reader).await;
    touch(&mut reader, &idle, "use_phone").await;
    let visit = screen(&mut reader, "choose_phone").await.visit;
    // The page's account, under another connection than the one that sees states.
    let page = Bus::connect(house.broker.access(), Address::of_box(ActorKind::Gateway));
    let by = Some(PersonId::random());
    let act = |visit| page.bus.ask(Some(lane()), visit, ActAsStaff { act: StaffAct::TakeOver, by });
    assert_eq!(act(Some(VisitId::random())).await.unwrap(), StaffActed::NotNow);
    assert_eq!(act(visit).await.unwrap(), StaffActed::Done);
    screen(&mut reader, "taken_over").await;
    house.recorded(&Entry::StaffActed(StaffAct::TakeOver, by)).await;
    house.supervisor.stop().await;
}

#[actix::test]
async fn visit_in_progress_is_told_when_the_gateway_stops() {
    let mut house = House::new().await;
    house.nfc_reader(|_, _, _| {});
    let mut reader = connected(&house, hello()).await;
    let idle = idle_with_phones(&mut reader).await;
    touch(&mut reader, &idle, "use_phone").await;
    screen(&mut reader, "choose_phone").await;
    let entries = house.entries.clone();
    let began = std::time::Instant::now();
    house.supervisor.stop().await;
    assert!(began.elapsed() < Duration::from_secs(5));
    let told = screen(&mut reader, "out_of_service").await;
    assert!(told.text.contains("途中"), "{}", told.text);
    assert!(matches!(reader.hear().await, Some(ToReader::Goodbye { .. })));
    assert!(entries.lock().unwrap().contains(&Entry::VisitEnded(VisitEnd::Interrupted)));
}

#[actix::test]
async fn refused_connections_are_counted_where_the_page_sees_them() {
    let house = House::new().await;
    let mut stranger = house.bench.reader("face-reader-2").await;
    assert!(matches!(stranger.hear().await, Some(ToReader::Goodbye { .. })));
    let mut reader = connected(&house, hello()).await;
    reader.say_raw(&u32::MAX.to_be_bytes()).await;
    house.state(|state| matches!(state.detail, Detail::FaceReader { links_refused: 2, .. })).await;
    house.supervisor.stop().await;
}

/// The real link, and a touch that breaks the actor.
struct Fragile(TlsLink);

impl FaceReaderLink for Fragile {
    async fn send(&mut self, frame: ToReader) -> Result<(), NotConnected> {
        self.0.send(frame).await
    }

    async fn receive(&mut self) -> LinkEvent {
        let event = self.0.receive().await;
        let breaks = |frame: &_| matches!(frame, FromReader::Touch { choice, .. } if choice == "break");
        assert!(!matches!(&event, LinkEvent::Frame(frame) if breaks(frame)), "broken on purpose");
        event
    }
}

#[actix::test]
async fn actor_that_panics_in_a_visit_comes_back_and_tells_the_patient() {
    let mut house = House::with(|bus, settings| {
        let link = Fragile(TlsLink::start(lane(), &settings.link(), Timings::default())?);
        Ok(FaceReader::with_link(bus, link, settings, house::surroundings()))
    })
    .await;
    house.nfc_reader(|_, _, _| {});
    let mut reader = connected(&house, hello()).await;
    let idle = idle_with_phones(&mut reader).await;
    touch(&mut reader, &idle, "use_phone").await;
    let visit = screen(&mut reader, "choose_phone").await.visit;
    reader.say(&FromReader::Touch { screen: 0, choice: "break".into() }).await;
    while reader.hear().await.is_some() {}

    let mut reader = connected(&house, Hello { visit, ..hello() }).await;
    let told = next_screen(&mut reader).await;
    assert_eq!(told.kind, "interrupted");
    touch(&mut reader, &told, "finish").await;
    let idle = idle_with_phones(&mut reader).await;
    touch(&mut reader, &idle, "use_phone").await;
    screen(&mut reader, "choose_phone").await;
    house.supervisor.stop().await;
}
