//! The actor on the real broker, in front of the simulated centre.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a failed unwrap is a failed test, in helpers too"
)]

mod support;

use actix::{Actor, Context, Handler};
use madoguchi_bus::{Bus, BusActor, Incoming, Supervisor, broker::ManagedBroker};
use madoguchi_protocol::{
    ActorKind, Address, LaneId,
    eligibility::Verdict,
    fault::FaultCode,
    messages::{
        face_reader::FaceReaderCommand,
        line::CertificateRole,
        state::{Detail, State},
        uplink::{Authenticate, Authenticated, Confirm, Confirmed, Queried, QueryEligibility},
    },
};
use madoguchi_simulator::{
    centre::Fault,
    pki::tls::{TlsAuthority, Validity},
};
use madoguchi_uplink::Uplink;
use std::time::{Duration, Instant};
use support::{Hospital, authentication, confirmation, query};
use tokio::{sync::watch, task::JoinSet, time::timeout};

const UPLINK: Address = Address::of_box(ActorKind::Uplink);
const QUEUE: Address = Address::of_box(ActorKind::OfflineQueue);
const RECEIPT: Address = Address::of_box(ActorKind::ReceiptComputer);

fn lane(number: u16) -> LaneId {
    LaneId::new(number).unwrap()
}

/// Sits where a lane's face reader sits and writes down what `uplink` says of itself.
struct Watcher(watch::Sender<Option<State>>);

impl Actor for Watcher {
    type Context = Context<Self>;
}

impl BusActor for Watcher {
    type Commands = FaceReaderCommand;
}

impl Handler<Incoming<FaceReaderCommand>> for Watcher {
    type Result = ();
    fn handle(&mut self, incoming: Incoming<FaceReaderCommand>, context: &mut Self::Context) {
        match incoming {
            Incoming::State(UPLINK, state) => {
                self.0.send_replace(Some(state.body));
            }
            Incoming::Stop => actix::ActorContext::stop(context),
            _ => {}
        }
    }
}

struct House {
    _directory: tempfile::TempDir,
    broker: ManagedBroker,
    supervisor: Supervisor,
    state: watch::Receiver<Option<State>>,
}

async fn house(hospital: &Hospital) -> House {
    let directory = tempfile::tempdir().unwrap();
    let lanes = [lane(1), lane(2)];
    let broker = ManagedBroker::start(directory.path(), &lanes).await.unwrap();
    let mut supervisor = Supervisor::new(broker.access().clone());
    let (said, state) = watch::channel(None);
    supervisor
        .look_after(Address::of_lane(ActorKind::FaceReader, lane(2)), move |_| Ok(Watcher(said.clone())));
    let settings = hospital.settings.clone();
    supervisor.look_after(UPLINK, move |bus| Ok(Uplink::new(bus, &settings)?));
    House { _directory: directory, broker, supervisor, state }
}

impl House {
    async fn until(&mut self, what: impl Fn(&State) -> bool) -> State {
        self.until_within(5, what).await
    }

    async fn until_within(&mut self, seconds: u64, what: impl Fn(&State) -> bool) -> State {
        let state = self.state.wait_for(|state| state.as_ref().is_some_and(&what));
        let state = timeout(Duration::from_secs(seconds), state).await.expect("it says so in time").unwrap();
        state.clone().unwrap()
    }

    async fn until_reachable(&mut self, expected: bool) -> State {
        self.until(|state| matches!(state.detail, Detail::Uplink { reachable, .. } if reachable == expected))
            .await
    }
}

async fn confirm(bus: &Bus, command: Confirm) -> Confirmed {
    let (lane, visit) = (command.request.lane, command.request.visit);
    bus.ask(Some(lane), Some(visit), command).await.unwrap()
}

#[actix::test]
async fn the_three_questions_are_answered_over_the_bus() {
    let hospital = Hospital::open();
    let mut house = house(&hospital).await;
    house.until_reachable(true).await;
    let access = house.broker.access();
    let reader = Bus::connect(access, Address::of_lane(ActorKind::FaceReader, lane(1)));
    let answer = reader.bus.ask::<Authenticate>(Some(lane(1)), None, authentication()).await;
    assert_eq!(answer, Ok(Authenticated::Verdict(Verdict::Confirmed)));

    let queue = Bus::connect(access, QUEUE);
    let command = confirmation();
    let Confirmed::Answer(answer) = confirm(&queue.bus, command.clone()).await else { panic!("no answer") };
    assert_eq!(answer.request_id, command.request.request_id);
    assert_eq!(hospital.effect(&command.request), (1, 0));

    let receipt = Bus::connect(access, RECEIPT);
    let answer = receipt.bus.ask::<QueryEligibility>(None, None, query()).await;
    assert!(matches!(answer, Ok(Queried::Found { eligibility: None, .. })), "{answer:?}");
    house.supervisor.stop().await;
}

#[actix::test]
async fn dead_centre_is_said_with_its_beginning_and_the_line_is_used_again_when_it_is_back() {
    let hospital = Hospital::open();
    let mut house = house(&hospital).await;
    house.until_reachable(true).await;
    let queue = Bus::connect(house.broker.access(), QUEUE);

    let cut = (Instant::now(), jiff::Timestamp::now());
    hospital.state().faults().line_down();
    let state = house.until_reachable(false).await;
    assert!(cut.0.elapsed() < Duration::from_secs(5), "known after {:?}", cut.0.elapsed());
    let [fault] = state.faults.as_slice() else { panic!("{state:?}") };
    assert_eq!(fault.code, FaultCode::LineDown);
    assert!(fault.since >= cut.1 && fault.since <= jiff::Timestamp::now());

    let command = confirmation();
    assert_eq!(confirm(&queue.bus, command.clone()).await, Confirmed::LineDown);
    hospital.state().faults().line_up();
    let back = Instant::now();
    let state = house.until_reachable(true).await;
    assert!(back.elapsed() < Duration::from_secs(5), "used after {:?}", back.elapsed());
    assert_eq!(state.faults, []);
    assert!(matches!(confirm(&queue.bus, command.clone()).await, Confirmed::Answer(_)));
    assert_eq!(hospital.effect(&command.request), (1, 0));
    house.supervisor.stop().await;
}

#[actix::test]
async fn wrong_answers_are_counted_in_the_state_and_reach_nobody() {
    let hospital = Hospital::open();
    let mut house = house(&hospital).await;
    house.until_reachable(true).await;
    hospital.always(Fault::WrongAnswer, "/v1/confirmations");
    let queue = Bus::connect(house.broker.access(), QUEUE);
    assert_eq!(confirm(&queue.bus, confirmation()).await, Confirmed::Uncertain);
    house.until(|state| matches!(state.detail, Detail::Uplink { wrong_answers: 2, .. })).await;
    house.supervisor.stop().await;
}

#[actix::test]
async fn lanes_are_answered_side_by_side() {
    let hospital = Hospital::open();
    let mut house = house(&hospital).await;
    house.until_reachable(true).await;
    hospital.always(Fault::Slow { ms: 300 }, "/v1/confirmations");
    let queue = Bus::connect(house.broker.access(), QUEUE);
    let commands: Vec<_> = (0..32).map(|_| confirmation()).collect();
    let began = Instant::now();
    let mut lanes = JoinSet::new();
    for command in commands {
        let bus = queue.bus.clone();
        lanes.spawn(async move { confirm(&bus, command).await });
    }
    let answers = lanes.join_all().await;
    assert!(answers.iter().all(|answer| matches!(answer, Confirmed::Answer(_))), "{answers:?}");
    assert!(began.elapsed() < Duration::from_secs(6), "not 32 × 300 ms: {:?}", began.elapsed());
    house.supervisor.stop().await;
}

fn codes(state: &State) -> Vec<FaultCode> {
    state.faults.iter().map(|fault| fault.code).collect()
}

#[actix::test]
async fn certificates_that_end_are_faults_by_their_stage() {
    for (days, code) in [(80, FaultCode::BoxCertificateEnding), (10, FaultCode::BoxCertificateUrgent)] {
        let hospital = Hospital::open();
        hospital.papers.issue_terminal(Validity::days(days));
        let mut house = house(&hospital).await;
        let state = house.until(|state| codes(state).contains(&code)).await;
        let Detail::Uplink { report, .. } = state.detail else { panic!("no detail") };
        assert_eq!(report.certificates[0].role, CertificateRole::Terminal);
    }
    let hospital = Hospital::open();
    hospital.papers.issue_terminal(Validity::expired());
    let mut house = house(&hospital).await;
    house.until(|state| codes(state).contains(&FaultCode::BoxCertificateEnded)).await;
}

#[actix::test]
async fn a_certificate_that_is_refused_is_not_taken_and_the_old_one_stays() {
    let hospital = Hospital::open();
    let mut house = house(&hospital).await;
    house.until_reachable(true).await;
    let queue = Bus::connect(house.broker.access(), QUEUE);

    // Of an authority that the centre does not know: refused, and visits go on.
    let stranger = TlsAuthority::new("strangers").unwrap().client("terminal-1", Validity::days(300)).unwrap();
    stranger.write(hospital.papers.folder.path(), "terminal").unwrap();
    house.until_within(20, |state| codes(state).contains(&FaultCode::BoxCertificateNotTaken)).await;
    assert!(matches!(confirm(&queue.bus, confirmation()).await, Confirmed::Answer(_)));

    // A sound one: proven and taken up while requests go on.
    hospital.papers.issue_terminal(Validity::days(300));
    let taken = house.until_within(20, |state| {
        assert!(matches!(state.detail, Detail::Uplink { reachable: true, .. }), "the line was lost by it");
        !codes(state).contains(&FaultCode::BoxCertificateNotTaken)
    });
    let visits = async {
        for _ in 0..20 {
            assert!(matches!(confirm(&queue.bus, confirmation()).await, Confirmed::Answer(_)));
        }
    };
    tokio::join!(taken, visits);
}
