//! The queue's neighbours on a real broker: they answer what the test sets and count what takes effect.
#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
#![allow(dead_code, reason = "each test file uses its part")]

use std::{
    collections::{HashMap, HashSet},
    path::Path,
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

use actix::{Actor, ActorContext, AsyncContext, Context, Handler, WrapFuture};
use jiff::Timestamp;
use madoguchi_bus::{Bus, BusActor, Incoming, Responder, Supervisor, broker::ManagedBroker};
use madoguchi_offline_queue::{OfflineQueue, Settings};
use madoguchi_protocol::{
    ActorKind, Address, LaneId, MessageId, RequestId, VisitId,
    eligibility::{ConfirmationAnswer, Validity, Verdict},
    evidence::{ConfirmationRequest, Consent, Evidence, Medium, VerifiedBy},
    messages::{
        audit_log::{AuditLogCommand, Entry, EntryRecorded, RecordEntry},
        face_reader::FaceReaderCommand,
        offline_queue::{
            AcceptConfirmation, Accepted, AskConfirmation, ConfirmationSettled, ConfirmationStanding,
        },
        receipt_computer::{ReceiptComputerCommand, ResultWritten, WriteResult},
        state::{ActiveFault, Condition, Detail, State},
        uplink::{Confirm, Confirmed, UplinkCommand},
    },
};

/// What the centre does.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Centre {
    /// Answers after so long.
    Answers(Duration),
    /// Can't be reached.
    Down,
    /// Commits, and the answer is lost; once for each request.
    CommitsThenDrops,
    /// Calls this request malformed and answers the others.
    CallsMalformed(RequestId),
    /// Is uncertain about this request and answers the others.
    UncertainAbout(RequestId),
}

/// What the neighbours do and saw.
pub struct World {
    pub centre: Centre,
    pub folder_is_there: bool,
    /// How often each request came, in the order of first coming.
    pub asked: Vec<(RequestId, bool)>,
    pub under_way: usize,
    pub most_under_way: usize,
    pub committed: HashSet<RequestId>,
    /// Files: a second write of a visit changes nothing, as in the real actor.
    pub files: HashMap<VisitId, WriteResult>,
    pub entries: Vec<(MessageId, Option<VisitId>, Entry)>,
    pub settled: Vec<ConfirmationSettled>,
    pub queue: Option<State>,
}

pub type Shared = Arc<Mutex<World>>;

/// A house with the queue in it.
pub struct House {
    pub world: Shared,
    pub broker: ManagedBroker,
    _others: Supervisor,
    pub queue: Supervisor,
    uplink: tokio::sync::watch::Sender<bool>,
    folder: tokio::sync::watch::Sender<bool>,
    client: HashMap<u16, Bus>,
    settings: Settings,
    directory: tempfile::TempDir,
}

pub fn lane(number: u16) -> LaneId {
    LaneId::new(number).unwrap()
}

/// A confirmation with a certificate of the usual size.
pub fn confirmation(number: u16) -> ConfirmationRequest {
    ConfirmationRequest {
        request_id: RequestId::random(),
        visit: VisitId::random(),
        lane: lane(number),
        at: Timestamp::now(),
        evidence: Evidence {
            medium: Medium::MyNumberCard,
            verified_by: VerifiedBy::Face,
            statement: vec![b's'; 400],
            certificate: vec![1; 1_500],
            signature: vec![2; 256],
        },
        consent: Consent { pharmacists: true, ..Consent::default() },
    }
}

impl House {
    pub async fn build(lanes: &[u16], change: impl FnOnce(&mut Settings, &Path)) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let mut settings = Settings {
            folder: directory.path().join("queue"),
            keep_free_mib: 0,
            ballast_mib: 1,
            first_pause_ms: 100,
            longest_pause_ms: 60_000,
            ..Settings::default()
        };
        change(&mut settings, directory.path());
        let bus = directory.path().join("bus");
        std::fs::create_dir(&bus).unwrap();
        let numbers: Vec<_> = lanes.iter().map(|number| lane(*number)).collect();
        let broker = ManagedBroker::start(&bus, &numbers).await.unwrap();
        let world = Arc::new(Mutex::new(World {
            centre: Centre::Answers(Duration::ZERO),
            folder_is_there: true,
            asked: Vec::new(),
            under_way: 0,
            most_under_way: 0,
            committed: HashSet::new(),
            files: HashMap::new(),
            entries: Vec::new(),
            settled: Vec::new(),
            queue: None,
        }));
        let mut others = Supervisor::new(broker.access().clone());
        let (uplink, line) = tokio::sync::watch::channel(true);
        let (folder, there) = tokio::sync::watch::channel(true);
        let shared = world.clone();
        others.look_after(Address::of_box(ActorKind::Uplink), move |bus| {
            Ok(Uplink { bus, world: shared.clone(), line: line.clone() })
        });
        let shared = world.clone();
        others.look_after(Address::of_box(ActorKind::ReceiptComputer), move |bus| {
            Ok(Folder { bus, world: shared.clone(), there: there.clone() })
        });
        let shared = world.clone();
        others.look_after(Address::of_box(ActorKind::AuditLog), move |_| Ok(Log { world: shared.clone() }));
        let (told, mut buses) = tokio::sync::mpsc::unbounded_channel();
        for number in lanes {
            let (shared, told, number) = (world.clone(), told.clone(), *number);
            others.look_after(Address::of_lane(ActorKind::FaceReader, lane(number)), move |bus| {
                let _ = told.send((number, bus));
                Ok(Lane { world: shared.clone() })
            });
        }
        let mut client = HashMap::new();
        while client.len() < lanes.len() {
            let (number, bus) = buses.recv().await.unwrap();
            client.insert(number, bus);
        }
        let queue = Self::start(&broker, &settings);
        let house =
            Self { world, broker, _others: others, queue, uplink, folder, client, settings, directory };
        house.until("the queue is open", |world| world.queue.is_some()).await;
        house
    }

    fn start(broker: &ManagedBroker, settings: &Settings) -> Supervisor {
        let mut queue = Supervisor::new(broker.access().clone());
        let settings = settings.clone();
        queue.look_after(Address::of_box(ActorKind::OfflineQueue), move |bus| {
            Ok(OfflineQueue::new(bus, settings.clone()))
        });
        queue
    }

    /// Stops the queue in good order and starts it again.
    pub async fn restart(self) -> Self {
        self.queue.stop().await;
        let queue = Self::start(&self.broker, &self.settings);
        Self { queue, ..self }
    }

    pub fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap()
    }

    pub fn directory(&self) -> &Path {
        self.directory.path()
    }

    /// The bus as this lane's face_reader has it.
    pub fn bus(&self, lane: u16) -> &Bus {
        &self.client[&lane]
    }

    pub async fn accept(&self, request: &ConfirmationRequest) -> Accepted {
        let bus = &self.client[&request.lane.number()];
        let command = AcceptConfirmation { request: request.clone(), practice: false };
        bus.ask(Some(request.lane), Some(request.visit), command).await.unwrap()
    }

    /// What a lane that rehearses sends.
    pub async fn practise(&self, request: &ConfirmationRequest) -> Accepted {
        let bus = &self.client[&request.lane.number()];
        let command = AcceptConfirmation { request: request.clone(), practice: true };
        bus.ask(Some(request.lane), Some(request.visit), command).await.unwrap()
    }

    /// The lane's reader says whether it rehearses.
    pub fn rehearse(&self, lane: u16, since: Option<Timestamp>) {
        let detail = Detail::FaceReader {
            connected: true,
            reader: None,
            phones_offered: true,
            phones_since: None,
            phones_unmet: Vec::new(),
            visit: None,
            rehearsal: since,
            visits_ended: 0,
            links_refused: 0,
            last_visit: None,
        };
        self.client[&lane].set_state(vec![], detail);
    }

    pub async fn standing(&self, request: &ConfirmationRequest) -> ConfirmationStanding {
        let bus = &self.client[&request.lane.number()];
        let command = AskConfirmation { request_id: request.request_id };
        bus.ask(Some(request.lane), Some(request.visit), command).await.unwrap()
    }

    /// Sets what the centre does; the line's state is published where it changes.
    pub fn set_centre(&self, centre: Centre) {
        self.world().centre = centre;
        self.uplink.send_replace(centre != Centre::Down);
    }

    pub fn set_folder(&self, is_there: bool) {
        self.world().folder_is_there = is_there;
        self.folder.send_replace(is_there);
    }

    /// Waits until the world is so; at most 15 s.
    pub async fn until(&self, what: &str, so: impl Fn(&World) -> bool) {
        let waiting = async {
            while !so(&self.world()) {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(15), waiting)
            .await
            .unwrap_or_else(|_| panic!("never: {what}"));
    }

    pub async fn until_settled(&self, request: &ConfirmationRequest) {
        let id = request.visit;
        self.until("settled and recorded", |world| world.settlements(id) > 0).await;
    }
}

impl World {
    /// Whether the audit log was told that this visit was practice.
    pub fn practised(&self, visit: VisitId) -> bool {
        self.entries.iter().any(|(_, of, entry)| *of == Some(visit) && *entry == Entry::PracticeSettled)
    }

    /// Practice confirmations, as the queue last said.
    pub fn practice(&self) -> Option<u64> {
        match self.queue.as_ref()?.detail {
            Detail::OfflineQueue { practice, .. } => Some(practice),
            _ => None,
        }
    }

    /// How often the settling of a visit stands in the audit log, repetitions of one message counted once.
    pub fn settlements(&self, visit: VisitId) -> usize {
        let of_visit = self
            .entries
            .iter()
            .filter(|(_, of, entry)| *of == Some(visit) && matches!(entry, Entry::ConfirmationSettled(..)));
        of_visit.map(|(id, ..)| id).collect::<HashSet<_>>().len()
    }

    /// waiting, set aside, settled; as the queue last said.
    pub fn counts(&self) -> Option<(u64, u64, u64)> {
        match self.queue.as_ref()?.detail {
            Detail::OfflineQueue { waiting, set_aside, settled, .. } => Some((waiting, set_aside, settled)),
            _ => None,
        }
    }

    pub fn has_fault(&self, code: madoguchi_protocol::fault::FaultCode) -> bool {
        self.queue.as_ref().is_some_and(|state| state.faults.iter().any(|fault| fault.code == code))
    }
}

struct Uplink {
    bus: Bus,
    world: Shared,
    line: tokio::sync::watch::Receiver<bool>,
}

impl Uplink {
    async fn confirm(world: Shared, command: Confirm, responder: Responder) {
        let id = command.request.request_id;
        let centre = {
            let mut world = world.lock().unwrap();
            world.asked.push((id, command.deferred));
            world.under_way += 1;
            world.most_under_way = world.most_under_way.max(world.under_way);
            world.centre
        };
        if let Centre::Answers(after) = centre {
            tokio::time::sleep(after).await;
        }
        let answer = Confirmed::Answer(ConfirmationAnswer {
            request_id: id,
            verdict: Verdict::Confirmed,
            validity: Some(Validity::Valid),
            eligibility: None,
            confirmed_at: Timestamp::now(),
        });
        let mut world = world.lock().unwrap();
        world.under_way -= 1;
        let reply = match centre {
            Centre::Down => Confirmed::LineDown,
            Centre::CallsMalformed(bad) if bad == id => Confirmed::Malformed { status: 400 },
            Centre::UncertainAbout(bad) if bad == id => Confirmed::Uncertain,
            Centre::CommitsThenDrops if world.committed.insert(id) => Confirmed::Uncertain,
            _ => {
                world.committed.insert(id);
                answer
            }
        };
        responder.reply::<Confirm>(&reply);
    }
}

impl Actor for Uplink {
    type Context = Context<Self>;
    fn started(&mut self, context: &mut Self::Context) {
        let (bus, mut line) = (self.bus.clone(), self.line.clone());
        let saying = async move {
            loop {
                let reachable = *line.borrow_and_update();
                bus.set_state(
                    vec![],
                    Detail::Uplink {
                        reachable,
                        since: Timestamp::now(),
                        wrong_answers: 0,
                        report: Default::default(),
                    },
                );
                if line.changed().await.is_err() {
                    return;
                }
            }
        };
        context.spawn(saying.into_actor(self));
    }
}

impl BusActor for Uplink {
    type Commands = UplinkCommand;
}

impl Handler<Incoming<UplinkCommand>> for Uplink {
    type Result = ();
    fn handle(&mut self, incoming: Incoming<UplinkCommand>, context: &mut Self::Context) {
        match incoming {
            Incoming::Command(envelope, responder) => {
                if let UplinkCommand::Confirm(command) = envelope.body {
                    context.spawn(Self::confirm(self.world.clone(), command, responder).into_actor(self));
                }
            }
            Incoming::Stop => context.stop(),
            _ => {}
        }
    }
}

struct Folder {
    bus: Bus,
    world: Shared,
    there: tokio::sync::watch::Receiver<bool>,
}

impl Actor for Folder {
    type Context = Context<Self>;
    fn started(&mut self, context: &mut Self::Context) {
        let (bus, mut there) = (self.bus.clone(), self.there.clone());
        let saying = async move {
            loop {
                let code = madoguchi_protocol::fault::FaultCode::ReceiptFolderUnavailable;
                let fault = ActiveFault { code, since: Timestamp::now() };
                let faults = if *there.borrow_and_update() { vec![] } else { vec![fault] };
                let detail = Detail::ReceiptComputer { written: 0, lost_characters: 0, queries_answered: 0 };
                bus.set_state(faults, detail);
                if there.changed().await.is_err() {
                    return;
                }
            }
        };
        context.spawn(saying.into_actor(self));
    }
}

impl BusActor for Folder {
    type Commands = ReceiptComputerCommand;
}

impl Handler<Incoming<ReceiptComputerCommand>> for Folder {
    type Result = ();
    fn handle(&mut self, incoming: Incoming<ReceiptComputerCommand>, context: &mut Self::Context) {
        match incoming {
            Incoming::Command(envelope, responder) => {
                let ReceiptComputerCommand::WriteResult(result) = envelope.body;
                let mut world = self.world.lock().unwrap();
                let reply = if world.folder_is_there {
                    world.files.entry(envelope.visit.unwrap()).or_insert(result);
                    ResultWritten::Written { lost_characters: 0 }
                } else {
                    ResultWritten::FolderUnavailable
                };
                responder.reply::<WriteResult>(&reply);
            }
            Incoming::Stop => context.stop(),
            _ => {}
        }
    }
}

struct Log {
    world: Shared,
}

impl Actor for Log {
    type Context = Context<Self>;
}

impl BusActor for Log {
    type Commands = AuditLogCommand;
}

impl Handler<Incoming<AuditLogCommand>> for Log {
    type Result = ();
    fn handle(&mut self, incoming: Incoming<AuditLogCommand>, context: &mut Self::Context) {
        match incoming {
            Incoming::Command(envelope, responder) => {
                let AuditLogCommand::RecordEntry(record) = envelope.body else { return };
                self.world.lock().unwrap().entries.push((envelope.id, envelope.visit, record.entry));
                responder.reply::<RecordEntry>(&EntryRecorded {});
            }
            Incoming::Stop => context.stop(),
            _ => {}
        }
    }
}

/// A lane that hears how its confirmations end, and how the queue is.
struct Lane {
    world: Shared,
}

impl Actor for Lane {
    type Context = Context<Self>;
}

impl BusActor for Lane {
    type Commands = FaceReaderCommand;
}

impl Handler<Incoming<FaceReaderCommand>> for Lane {
    type Result = ();
    fn handle(&mut self, incoming: Incoming<FaceReaderCommand>, context: &mut Self::Context) {
        let mut world = self.world.lock().unwrap();
        match incoming {
            Incoming::Event(event) => {
                world.settled.extend(event.read::<ConfirmationSettled>().map(|envelope| envelope.body));
            }
            Incoming::State(from, state)
                if from.kind == ActorKind::OfflineQueue && state.body.condition == Condition::Running =>
            {
                world.queue = Some(state.body);
            }
            Incoming::Stop => context.stop(),
            _ => {}
        }
    }
}
