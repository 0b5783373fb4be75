//! Lanes come and go on a real Mosquitto while their neighbours work on.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a failed step is a failed test")]

use actix::{Actor, Context, Handler};
use madoguchi_bus::{Bus, BusActor, Incoming, Supervisor, broker::ManagedBroker};
use madoguchi_protocol::{
    ActorKind, Address, LaneId, VisitId,
    messages::{
        nfc_reader::NfcReaderCommand,
        pin_session::{OpenPinJob, PinJobOpened, PinSessionCommand},
        state::{Condition, Detail},
    },
    pin::{PinJob, PublicKey},
};
use std::{
    collections::BTreeMap,
    path::Path,
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::time::{Instant, sleep, timeout};

const KEEPER: Address = Address::of_box(ActorKind::PinSession);
const SOON: Duration = Duration::from_secs(10);

fn lane(number: u16) -> LaneId {
    LaneId::new(number).unwrap()
}

fn nfc_reader(number: u16) -> Address {
    Address::of_lane(ActorKind::NfcReader, lane(number))
}

/// What an actor was told of its connection, in order.
type Links = Arc<Mutex<Vec<bool>>>;

/// Opens PIN jobs; notes its connection's ups and downs.
struct Keeper(Bus, Links);

impl Actor for Keeper {
    type Context = Context<Self>;
    fn started(&mut self, _: &mut Self::Context) {
        self.0.set_state(Vec::new(), Detail::PinSession { open_jobs: 0 });
    }
}

impl BusActor for Keeper {
    type Commands = PinSessionCommand;
}

impl Handler<Incoming<PinSessionCommand>> for Keeper {
    type Result = ();
    fn handle(&mut self, incoming: Incoming<PinSessionCommand>, context: &mut Self::Context) {
        match incoming {
            Incoming::Command(envelope, responder) => match envelope.body {
                PinSessionCommand::OpenPinJob(_) => responder
                    .reply::<OpenPinJob>(&PinJobOpened { job: PinJob(1), public_key: PublicKey([0; 32]) }),
                other => panic!("not asked in this test: {other:?}"),
            },
            Incoming::Link(up) => self.1.lock().unwrap().push(up),
            Incoming::Stop => actix::ActorContext::stop(context),
            Incoming::Event(_) | Incoming::State(..) => {}
        }
    }
}

/// A generic reader that only says that it is there.
struct Reader(Bus);

impl Actor for Reader {
    type Context = Context<Self>;
    fn started(&mut self, _: &mut Self::Context) {
        self.0.set_state(Vec::new(), Detail::NfcReader { reader: None, ready: false });
    }
}

impl BusActor for Reader {
    type Commands = NfcReaderCommand;
}

impl Handler<Incoming<NfcReaderCommand>> for Reader {
    type Result = ();
    fn handle(&mut self, incoming: Incoming<NfcReaderCommand>, context: &mut Self::Context) {
        if matches!(incoming, Incoming::Stop) {
            actix::ActorContext::stop(context);
        }
    }
}

/// Hears the states of all, as the page does.
struct Page(Arc<Mutex<BTreeMap<Address, Condition>>>);

impl Actor for Page {
    type Context = Context<Self>;
}

impl BusActor for Page {
    type Commands = PinSessionCommand;
}

impl Handler<Incoming<PinSessionCommand>> for Page {
    type Result = ();
    fn handle(&mut self, incoming: Incoming<PinSessionCommand>, context: &mut Self::Context) {
        match incoming {
            Incoming::State(of, state) => {
                self.0.lock().unwrap().insert(of, state.body.condition);
            }
            Incoming::Stop => actix::ActorContext::stop(context),
            _ => {}
        }
    }
}

async fn until(what: &str, condition: impl Fn() -> bool) {
    let asked = Instant::now();
    while !condition() {
        assert!(asked.elapsed() < SOON, "not within {SOON:?}: {what}");
        sleep(Duration::from_millis(10)).await;
    }
}

async fn opens_a_job(broker: &ManagedBroker, number: u16) -> bool {
    let client = Bus::connect(broker.access(), Address::of_lane(ActorKind::FaceReader, lane(number)));
    let asked = client.bus.ask_within(Some(lane(number)), Some(VisitId::random()), OpenPinJob {}, SOON).await;
    asked.is_ok()
}

async fn start(directory: &Path, lanes: &[u16]) -> (ManagedBroker, Supervisor, Links) {
    let lanes: Vec<_> = lanes.iter().map(|number| lane(*number)).collect();
    let broker = ManagedBroker::start(directory, &lanes).await.unwrap();
    let mut supervisor = Supervisor::new(broker.access().clone());
    let links = Links::default();
    let noted = links.clone();
    supervisor.look_after(KEEPER, move |bus| Ok(Keeper(bus, noted.clone())));
    (broker, supervisor, links)
}

#[actix::test]
async fn a_lane_that_is_added_can_speak_and_nobody_elses_connection_breaks() {
    let directory = tempfile::tempdir().unwrap();
    let (broker, _supervisor, links) = start(directory.path(), &[1]).await;
    assert!(opens_a_job(&broker, 1).await);
    broker.set_lanes(&[lane(1), lane(2)]).unwrap();
    assert!(opens_a_job(&broker, 2).await);
    assert!(opens_a_job(&broker, 1).await);
    assert_eq!(*links.lock().unwrap(), [true], "one connection from beginning to end");
}

#[actix::test]
async fn a_lane_that_is_removed_loses_its_accounts_and_its_states() {
    let directory = tempfile::tempdir().unwrap();
    let (broker, mut supervisor, links) = start(directory.path(), &[1, 2]).await;
    for number in [1, 2] {
        supervisor.look_after(nfc_reader(number), |bus| Ok(Reader(bus)));
    }
    let seen = Arc::new(Mutex::new(BTreeMap::new()));
    let shown = seen.clone();
    let page = Address::of_box(ActorKind::Gateway);
    supervisor.look_after(page, move |_| Ok(Page(shown.clone())));
    until("both readers are seen", || {
        [1, 2].iter().all(|number| seen.lock().unwrap().contains_key(&nfc_reader(*number)))
    })
    .await;

    supervisor.let_go(nfc_reader(2), true).await;
    broker.set_lanes(&[lane(1)]).unwrap();
    assert_eq!(supervisor.actors(), [nfc_reader(1), KEEPER, page]);
    assert!(!supervisor.standings().borrow().contains_key(&nfc_reader(2)));
    let account = broker.access().passwords.join("nfc_reader-2");
    assert!(!account.exists(), "{}", account.display());

    // Who comes later hears of those that exist, and of nobody else.
    supervisor.let_go(page, false).await;
    seen.lock().unwrap().clear();
    let shown = seen.clone();
    supervisor.look_after(page, move |_| Ok(Page(shown.clone())));
    until("the reader that stays is seen", || seen.lock().unwrap().contains_key(&nfc_reader(1))).await;
    assert!(opens_a_job(&broker, 1).await);
    assert!(!seen.lock().unwrap().contains_key(&nfc_reader(2)));
    assert_eq!(*links.lock().unwrap(), [true], "the neighbours' connections were not touched");
}

#[actix::test]
async fn an_actor_is_taken_in_again_after_it_was_let_go() {
    let directory = tempfile::tempdir().unwrap();
    let (broker, mut supervisor, links) = start(directory.path(), &[1]).await;
    assert!(opens_a_job(&broker, 1).await);
    supervisor.let_go(KEEPER, false).await;
    let again = Links::default();
    let noted = again.clone();
    supervisor.look_after(KEEPER, move |bus| Ok(Keeper(bus, noted.clone())));
    assert!(opens_a_job(&broker, 1).await);
    assert_eq!(again.lock().unwrap().first(), Some(&true));
    assert_eq!(*links.lock().unwrap(), [true], "the former life heard nothing more");
    timeout(SOON, supervisor.stop()).await.unwrap();
}
