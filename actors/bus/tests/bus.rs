//! The bus on a real Mosquitto.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a failed step is a failed test")]

use actix::{Actor, Context, Handler};
use madoguchi_bus::{
    Bus, BusActor, Incoming, Supervisor,
    broker::{Access, ManagedBroker},
    manifest::Manifest,
};
use madoguchi_protocol::{
    ActorKind, Address, LaneId, VisitId,
    messages::{
        pin_session::{DropPin, OpenPinJob, PinDropped, PinJobOpened, PinSessionCommand},
        state::{Detail, Standing},
    },
    pin::{PinJob, PublicKey},
};
use std::{
    collections::HashSet,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};
use tokio::process::Command;

const KEEPER: Address = Address::of_box(ActorKind::PinSession);

fn lane(number: u16) -> LaneId {
    LaneId::new(number).unwrap()
}

fn face_reader(number: u16) -> Address {
    Address::of_lane(ActorKind::FaceReader, lane(number))
}

/// Counts the commands that reach it; panics when asked to drop job 13.
struct Counter {
    bus: Bus,
    heard: Arc<AtomicU32>,
}

impl Actor for Counter {
    type Context = Context<Self>;
    fn started(&mut self, _: &mut Self::Context) {
        self.bus.set_state(Vec::new(), Detail::PinSession { open_jobs: 0 });
    }
}

impl BusActor for Counter {
    type Commands = PinSessionCommand;
}

impl Handler<Incoming<PinSessionCommand>> for Counter {
    type Result = ();
    fn handle(&mut self, incoming: Incoming<PinSessionCommand>, context: &mut Self::Context) {
        match incoming {
            Incoming::Command(envelope, responder) => match envelope.body {
                PinSessionCommand::OpenPinJob(_) => {
                    let job = PinJob(self.heard.fetch_add(1, Ordering::SeqCst));
                    responder.reply::<OpenPinJob>(&PinJobOpened { job, public_key: PublicKey([0; 32]) });
                }
                PinSessionCommand::DropPin(DropPin { job: PinJob(13) }) => panic!("a test's panic"),
                PinSessionCommand::DropPin(_) => responder.reply::<DropPin>(&PinDropped {}),
                other => panic!("not asked in this test: {other:?}"),
            },
            Incoming::Stop => actix::ActorContext::stop(context),
            Incoming::Event(_) | Incoming::State(..) | Incoming::Link(_) => {}
        }
    }
}

struct House {
    _directory: tempfile::TempDir,
    broker: ManagedBroker,
    supervisor: Supervisor,
    heard: Arc<AtomicU32>,
}

async fn house(lanes: &[u16]) -> House {
    let directory = tempfile::tempdir().unwrap();
    let lanes: Vec<_> = lanes.iter().map(|n| lane(*n)).collect();
    let broker = ManagedBroker::start(directory.path(), &lanes).await.unwrap();
    let mut supervisor = Supervisor::new(broker.access().clone());
    let heard = Arc::new(AtomicU32::new(0));
    let counted = heard.clone();
    supervisor.look_after(KEEPER, move |bus| Ok(Counter { bus, heard: counted.clone() }));
    House { _directory: directory, broker, supervisor, heard }
}

async fn open(bus: &Bus, number: u16) -> Result<PinJobOpened, madoguchi_bus::AskError> {
    bus.ask_within(Some(lane(number)), Some(VisitId::random()), OpenPinJob {}, Duration::from_secs(5)).await
}

#[actix::test]
async fn a_command_is_answered_and_carried_out_once() {
    let house = house(&[1]).await;
    let client = Bus::connect(house.broker.access(), face_reader(1));
    for expected in 0..50 {
        assert_eq!(open(&client.bus, 1).await.unwrap().job, PinJob(expected));
    }
    assert_eq!(house.heard.load(Ordering::SeqCst), 50);
}

#[actix::test]
async fn killed_broker_comes_back_and_commands_in_flight_are_answered() {
    let house = house(&[1]).await;
    let client = Bus::connect(house.broker.access(), face_reader(1));
    open(&client.bus, 1).await.unwrap();
    for _ in 0..3 {
        let process = house.broker.process().unwrap().to_string();
        let kill = Command::new("kill").args(["-9", &process]).status();
        let (killed, opened) = tokio::join!(kill, open(&client.bus, 1));
        assert!(killed.unwrap().success());
        opened.unwrap();
        tokio::time::timeout(Duration::from_secs(5), async {
            while house.broker.process().is_none_or(|now| now.to_string() == process) {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        })
        .await
        .expect("the broker is started again");
        open(&client.bus, 1).await.unwrap();
    }
}

#[actix::test]
async fn an_actor_that_panicked_is_rebuilt_with_fresh_state() {
    let house = house(&[1]).await;
    let client = Bus::connect(house.broker.access(), face_reader(1));
    open(&client.bus, 1).await.unwrap();
    let drop = DropPin { job: PinJob(13) };
    let lost = client.bus.ask_within(Some(lane(1)), None, drop, Duration::from_millis(200)).await;
    assert!(lost.is_err());
    open(&client.bus, 1).await.expect("answered by the rebuilt actor");
    let standings = house.supervisor.standings();
    let restarts = standings.borrow()[&KEEPER].restarts;
    assert!(restarts >= 1, "{restarts}");
    house.supervisor.stop().await;
}

#[actix::test]
async fn an_actor_that_cannot_start_is_seen_to_restart() {
    let directory = tempfile::tempdir().unwrap();
    let broker = ManagedBroker::start(directory.path(), &[lane(1)]).await.unwrap();
    let mut supervisor = Supervisor::new(broker.access().clone());
    supervisor.look_after::<Counter, _>(KEEPER, |_| Err("no such device".into()));
    let mut standings = supervisor.standings();
    let restarting = standings.wait_for(|all| all[&KEEPER].standing == Standing::Restarting);
    tokio::time::timeout(Duration::from_secs(3), restarting).await.unwrap().unwrap();
}

/// What arrives at a client of `mosquitto_sub` in the name of `reader` when `writer` publishes to `topic`.
async fn passes(access: &Access, writer: &str, topic: &str, reader: &str) -> bool {
    let password = |account: &str| std::fs::read_to_string(access.passwords.join(account)).unwrap();
    let socket = access.socket.to_str().unwrap();
    let mut subscriber = Command::new("mosquitto_sub")
        .args(["--unix", socket, "-u", reader, "-P", &password(reader), "-V", "5", "-q", "1", "-C", "1"])
        .args(["-W", "1", "-t", topic])
        .kill_on_drop(true)
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null())
        .spawn()
        .unwrap();
    tokio::time::sleep(Duration::from_millis(150)).await;
    let published = Command::new("mosquitto_pub")
        .args([
            "--unix",
            socket,
            "-u",
            writer,
            "-P",
            &password(writer),
            "-V",
            "5",
            "-q",
            "1",
            "-t",
            topic,
            "-m",
            "x",
        ])
        .stderr(std::process::Stdio::null())
        .status()
        .await
        .unwrap();
    assert!(published.code().is_some());
    subscriber.wait().await.unwrap().success()
}

#[actix::test]
async fn the_broker_passes_what_the_manifest_says_and_nothing_else() {
    let directory = tempfile::tempdir().unwrap();
    let broker = ManagedBroker::start(directory.path(), &[lane(1), lane(2)]).await.unwrap();
    let access = broker.access();
    let release = "madoguchi/v1/lane/1/pin_session/command/release_pin";
    let released = "madoguchi/v1/lane/1/pin_session/reply/release_pin";
    for (writer, topic, reader, expected) in [
        ("nfc_reader-1", release, "pin_session", true),
        ("nfc_reader-2", release, "pin_session", false),
        ("face_reader-1", release, "pin_session", false),
        ("gateway", release, "pin_session", false),
        ("pin_session", released, "nfc_reader-1", true),
        ("pin_session", released, "nfc_reader-2", false),
        ("pin_session", released, "face_reader-1", false),
        ("pin_session", released, "gateway", false),
        ("uplink", "madoguchi/v1/box/uplink/state", "gateway", true),
        ("face_reader-1", "madoguchi/v1/box/uplink/state", "gateway", false),
        ("face_reader-1", "madoguchi/v1/lane/2/nfc_reader/command/read_medium", "nfc_reader-2", false),
        ("uplink", "madoguchi/v1/lane/1/uplink/reply/confirm", "offline_queue", true),
        ("offline_queue", "madoguchi/v1/lane/1/uplink/reply/confirm", "offline_queue", false),
        ("gateway", "somewhere/else", "gateway", false),
    ] {
        assert_eq!(passes(access, writer, topic, reader).await, expected, "{writer} → {topic} → {reader}");
    }
}

#[test]
fn every_account_is_of_one_actor() {
    let lanes = [lane(1), lane(2)];
    let accounts: Vec<_> =
        Manifest::get().addresses(&lanes).into_iter().map(madoguchi_bus::broker::account).collect();
    let distinct: HashSet<_> = accounts.iter().collect();
    assert_eq!(distinct.len(), accounts.len());
}

#[actix::test]
async fn an_actor_is_built_anew_when_it_is_wanted_and_its_neighbours_stay() {
    let house = house(&[1]).await;
    let page = Bus::connect(house.broker.access(), Address::of_box(ActorKind::Gateway));
    let client = Bus::connect(house.broker.access(), face_reader(1));
    open(&client.bus, 1).await.unwrap();
    let mut standings = house.supervisor.standings();
    let mut built = async |restarts: u64| {
        let all = standings.wait_for(|all| all[&KEEPER].restarts == restarts).await.unwrap();
        assert_eq!(all[&KEEPER].standing, Standing::Running);
    };
    // Over the bus, as when it runs in a process of its own.
    page.bus.restart(KEEPER).await.unwrap();
    built(1).await;
    open(&client.bus, 1).await.expect("answered by the actor that was built anew");
    // Where the supervisor is this process's.
    let restarter = house.supervisor.restarter();
    assert!(restarter.restart(KEEPER));
    built(2).await;
    open(&client.bus, 1).await.unwrap();
    assert!(!restarter.restart(face_reader(1)), "nobody looks after it here");
    // However often it is wanted, it is not given up.
    for restarts in 3..9 {
        page.bus.restart(KEEPER).await.unwrap();
        built(restarts).await;
    }
    house.supervisor.stop().await;
}

#[actix::test]
async fn an_actor_that_was_given_up_is_tried_at_once_when_it_is_wanted() {
    let directory = tempfile::tempdir().unwrap();
    let broker = ManagedBroker::start(directory.path(), &[lane(1)]).await.unwrap();
    let mut supervisor = Supervisor::new(broker.access().clone());
    let heard = Arc::new(AtomicU32::new(0));
    let (counted, mended) = (heard.clone(), Arc::new(AtomicU32::new(0)));
    let is_mended = mended.clone();
    supervisor.look_after(KEEPER, move |bus| match is_mended.load(Ordering::SeqCst) {
        0 => Err("no such device".into()),
        _ => Ok(Counter { bus, heard: counted.clone() }),
    });
    let mut standings = supervisor.standings();
    standings.wait_for(|all| all[&KEEPER].restarts == 2).await.unwrap();
    mended.store(1, Ordering::SeqCst);
    assert!(supervisor.restarter().restart(KEEPER));
    let client = Bus::connect(broker.access(), face_reader(1));
    open(&client.bus, 1).await.unwrap();
    supervisor.stop().await;
}
