//! A lane's actor over the real broker, with stand-ins for its neighbours that say what a test tells them.

use crate::reader::Bench;
use actix::{Actor, AsyncContext, Context, Handler};
use jiff::Timestamp;
use madoguchi_bus::{Bus, BusActor, Incoming, Responder, StartError, Supervisor, broker::ManagedBroker};
use madoguchi_face_reader::{FaceReader, Settings, Surroundings, link::FaceReaderLink};
use madoguchi_protocol::{
    ActorKind, Address, Envelope, LaneId,
    messages::{
        Commands,
        audit_log::{AuditLogCommand, Entry, EntryRecorded, RecordEntry},
        nfc_reader::NfcReaderCommand,
        offline_queue::OfflineQueueCommand,
        pin_session::PinSessionCommand,
        state::{Detail, State},
        uplink::UplinkCommand,
    },
    texts::Language,
};
use madoguchi_reception::{
    Premises,
    compatibility::{CompatibilityTable, Pair},
    readiness::{Boot, Setup},
};
use std::{
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::time::sleep;

/// Answers one command, with the stand-in's own handle to the bus.
type Answer<C> = Arc<dyn Fn(&Bus, Envelope<C>, Responder) + Send + Sync>;

/// A neighbour: says its state at the start and answers commands.
pub struct StandIn<C: Commands> {
    bus: Bus,
    state: Detail,
    answer: Answer<C>,
    heard: Option<Arc<Mutex<Vec<State>>>>,
}

impl<C: Commands> Actor for StandIn<C> {
    type Context = Context<Self>;
    fn started(&mut self, _: &mut Self::Context) {
        self.bus.set_state(vec![], self.state.clone());
    }
}

impl<C: Commands> BusActor for StandIn<C> {
    type Commands = C;
}

impl<C: Commands> Handler<Incoming<C>> for StandIn<C> {
    type Result = ();
    fn handle(&mut self, incoming: Incoming<C>, context: &mut Self::Context) {
        match incoming {
            Incoming::Command(envelope, responder) => (self.answer)(&self.bus, envelope, responder),
            Incoming::State(from, state) if from.kind == ActorKind::FaceReader => {
                if let Some(heard) = &self.heard {
                    heard.lock().unwrap().push(state.body);
                }
            }
            Incoming::Stop => {
                context.run_later(Duration::from_millis(600), |_, context| {
                    actix::ActorContext::stop(context);
                });
            }
            _ => {}
        }
    }
}

pub struct House {
    pub bench: Bench,
    pub broker: ManagedBroker,
    pub supervisor: Supervisor,
    pub entries: Arc<Mutex<Vec<Entry>>>,
    pub states: Arc<Mutex<Vec<State>>>,
    _directory: tempfile::TempDir,
}

pub fn lane() -> LaneId {
    LaneId::new(1).unwrap()
}

/// The lane's facts with every term of readiness satisfied.
pub fn surroundings() -> Surroundings {
    let now = Timestamp::now();
    Surroundings {
        premises: Premises { institution: "1312345678".into(), terminal: "box-1".into(), lane: lane() },
        language: Language::Ja,
        site_uses_phones: true,
        lane_uses_phones: true,
        makers: Default::default(),
        compatibility: CompatibilityTable {
            pairs: vec![Pair {
                maker: "panasonic".into(),
                face_reader: "test".into(),
                generic_reader: "Virtual".into(),
                minimum_software: "1.0".parse().unwrap(),
            }],
        },
        box_boot: Boot { id: "box-2".into(), seen: now },
    }
}

impl House {
    /// A lane's actor with its neighbours.
    pub async fn new() -> Self {
        Self::with(|bus, settings| Ok(FaceReader::new(bus, settings, surroundings())?)).await
    }

    /// A broker, a lane's actor, an audit log that keeps what it is told and a page that sees states.
    pub async fn with<L: FaceReaderLink>(
        lane_actor: impl Fn(Bus, &Settings) -> Result<FaceReader<L>, StartError> + Send + Sync + 'static,
    ) -> Self {
        let bench = Bench::new();
        let directory = tempfile::tempdir().unwrap();
        let broker = ManagedBroker::start(directory.path(), &[lane()]).await.unwrap();
        let mut supervisor = Supervisor::new(broker.access().clone());
        let settings = Settings {
            listen: bench.settings.listen,
            certificate: bench.settings.certificate.clone(),
            key: bench.settings.key.clone(),
            client_ca: bench.settings.client_ca.clone(),
            reader_name: None,
            maker: None,
            deadlines: Default::default(),
            rehearsal_minutes: 60,
            phone_setup: Some(Setup {
                procedure: Some("KB0012308".into()),
                version: Some("1.0".into()),
                on: Some(jiff::civil::date(2025, 9, 19)),
                by: Some("a technician".into()),
                box_boot: "box-1".into(),
                reader_boot: "b0".into(),
            }),
        };
        let address = Address::of_lane(ActorKind::FaceReader, lane());
        supervisor.look_after(address, move |bus| lane_actor(bus, &settings));
        let (entries, states) = (Arc::<Mutex<Vec<_>>>::default(), Arc::default());
        let mut house = Self {
            bench,
            broker,
            supervisor,
            entries: entries.clone(),
            states: Arc::clone(&states),
            _directory: directory,
        };
        house.stand_in(
            Address::of_box(ActorKind::AuditLog),
            Detail::None,
            move |_, envelope: Envelope<AuditLogCommand>, responder| {
                let AuditLogCommand::RecordEntry(record) = envelope.body else { return };
                entries.lock().unwrap().push(record.entry);
                responder.reply::<RecordEntry>(&EntryRecorded {});
            },
        );
        house.supervisor.look_after(Address::of_box(ActorKind::Gateway), move |bus| {
            let answer: Answer<AuditLogCommand> = Arc::new(|_, _, _| {});
            Ok(StandIn { bus, state: Detail::None, answer, heard: Some(Arc::clone(&states)) })
        });
        house
    }

    fn stand_in<C: Commands>(
        &mut self,
        address: Address,
        state: Detail,
        answer: impl Fn(&Bus, Envelope<C>, Responder) + Send + Sync + 'static,
    ) {
        let answer: Answer<C> = Arc::new(answer);
        self.supervisor.look_after(address, move |bus| {
            Ok(StandIn { bus, state: state.clone(), answer: answer.clone(), heard: None })
        });
    }

    pub fn nfc_reader(
        &mut self,
        answer: impl Fn(&Bus, Envelope<NfcReaderCommand>, Responder) + Send + Sync + 'static,
    ) {
        let state = Detail::NfcReader { reader: Some("Virtual PCD 00 00".into()), ready: true };
        self.stand_in(Address::of_lane(ActorKind::NfcReader, lane()), state, answer);
    }

    pub fn pin_session(
        &mut self,
        answer: impl Fn(&Bus, Envelope<PinSessionCommand>, Responder) + Send + Sync + 'static,
    ) {
        self.stand_in(Address::of_box(ActorKind::PinSession), Detail::None, answer);
    }

    pub fn uplink(
        &mut self,
        answer: impl Fn(&Bus, Envelope<UplinkCommand>, Responder) + Send + Sync + 'static,
    ) {
        let state = Detail::Uplink {
            reachable: true,
            since: Timestamp::now(),
            wrong_answers: 0,
            report: Default::default(),
        };
        self.stand_in(Address::of_box(ActorKind::Uplink), state, answer);
    }

    pub fn offline_queue(
        &mut self,
        answer: impl Fn(&Bus, Envelope<OfflineQueueCommand>, Responder) + Send + Sync + 'static,
    ) {
        self.stand_in(Address::of_box(ActorKind::OfflineQueue), Detail::None, answer);
    }

    /// Waits until the lane's newest state satisfies `wanted`.
    pub async fn state(&self, wanted: impl Fn(&State) -> bool) -> State {
        for _ in 0..250 {
            if let Some(state) = self.states.lock().unwrap().last().filter(|state| wanted(state)) {
                return state.clone();
            }
            sleep(Duration::from_millis(20)).await;
        }
        panic!("the lane's state does not come about; the last was {:?}", self.states.lock().unwrap().last());
    }

    /// Waits until the audit log was told `wanted`.
    pub async fn recorded(&self, wanted: &Entry) {
        for _ in 0..250 {
            if self.entries.lock().unwrap().contains(wanted) {
                return;
            }
            sleep(Duration::from_millis(20)).await;
        }
        panic!("{wanted:?} was not recorded; what was: {:?}", self.entries.lock().unwrap());
    }
}
