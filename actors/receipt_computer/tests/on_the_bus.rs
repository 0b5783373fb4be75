//! The actor on a real Mosquitto and real folders; only the centre behind `uplink` is played.
#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test, in its helpers too")]

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use actix::{Actor, ActorContext, Context, Handler};
use madoguchi_bus::broker::ManagedBroker;
use madoguchi_bus::{Bus, BusActor, Incoming, Supervisor};
use madoguchi_protocol::eligibility::{ConfirmationAnswer, Eligibility, Validity, Verdict};
use madoguchi_protocol::evidence::Consent;
use madoguchi_protocol::messages::receipt_computer::{ResultWritten, WriteResult};
use madoguchi_protocol::messages::uplink::{Queried, QueryEligibility, UplinkCommand};
use madoguchi_protocol::{ActorKind, Address, LaneId, RequestId, VisitId};
use madoguchi_receipt_computer::encoding::Encoding;
use madoguchi_receipt_computer::fields::{HEADER, Record, SEARCH};
use madoguchi_receipt_computer::message::{QueryMessage, ResultMessage};
use madoguchi_receipt_computer::{ReceiptComputer, Settings};

const INSTITUTION: &str = "1312345678";

/// Plays `uplink`: says each of the given answers once and then finds somebody.
struct Uplink {
    asked: Arc<Mutex<Vec<RequestId>>>,
    first: Vec<Queried>,
}

impl Actor for Uplink {
    type Context = Context<Self>;
}

impl BusActor for Uplink {
    type Commands = UplinkCommand;
}

impl Handler<Incoming<UplinkCommand>> for Uplink {
    type Result = ();
    fn handle(&mut self, incoming: Incoming<UplinkCommand>, context: &mut Self::Context) {
        match incoming {
            Incoming::Command(envelope, responder) => {
                let UplinkCommand::QueryEligibility(asked) = envelope.body else { panic!("a query") };
                self.asked.lock().unwrap().push(asked.query.request_id);
                let found = Queried::Found { validity: Validity::Valid, eligibility: Some(eligibility()) };
                responder.reply::<QueryEligibility>(&self.first.pop().unwrap_or(found));
            }
            Incoming::Stop => context.stop(),
            _ => {}
        }
    }
}

fn eligibility() -> Eligibility {
    Eligibility {
        insurer_number: Some("138057".into()),
        name: Some("𠮷野　花子".into()),
        ..Eligibility::default()
    }
}

struct Hospital {
    dir: tempfile::TempDir,
    broker: ManagedBroker,
    supervisor: Supervisor,
    asked: Arc<Mutex<Vec<RequestId>>>,
}

impl Hospital {
    async fn open(first: Vec<Queried>) -> Self {
        let dir = tempfile::tempdir().unwrap();
        for folder in ["Req", "Res", "Face"] {
            fs::create_dir(dir.path().join(folder)).unwrap();
        }
        let broker = ManagedBroker::start(&dir.path().join("broker"), &[lane()]).await.unwrap();
        let mut supervisor = Supervisor::new(broker.access().clone());
        let asked = Arc::new(Mutex::new(Vec::new()));
        let seen = asked.clone();
        supervisor.look_after(Address::of_box(ActorKind::Uplink), move |_| {
            Ok(Uplink { asked: seen.clone(), first: first.clone() })
        });
        let config = config(dir.path());
        supervisor.look_after(Address::of_box(ActorKind::ReceiptComputer), move |bus| {
            Ok(ReceiptComputer::new(bus, &config)?)
        });
        Self { dir, broker, supervisor, asked }
    }

    fn path(&self, path: &str) -> PathBuf {
        self.dir.path().join(path)
    }

    fn files(&self, folder: &str) -> Vec<String> {
        let entries = fs::read_dir(self.path(folder)).unwrap();
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    }
}

fn config(root: &Path) -> Settings {
    Settings {
        request_folder: root.join("Req"),
        result_folder: root.join("Res"),
        face_folder: root.join("Face"),
        state_folder: root.join("state"),
        institution: INSTITUTION.into(),
        encoding: Encoding::ShiftJis,
        scan_ms: 50,
        stable_ms: 200,
        query_wait_s: 60,
        days_remembered: 60,
    }
}

fn lane() -> LaneId {
    LaneId::new(2).unwrap()
}

fn result() -> WriteResult {
    WriteResult {
        answer: ConfirmationAnswer {
            request_id: RequestId::random(),
            verdict: Verdict::Confirmed,
            validity: Some(Validity::Valid),
            eligibility: Some(eligibility()),
            confirmed_at: jiff::Timestamp::now(),
        },
        consent: Consent::default(),
        consented_at: jiff::Timestamp::now(),
        deferred: false,
    }
}

async fn until(what: &str, mut done: impl FnMut() -> bool) {
    for _ in 0..200 {
        if done() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("never happened: {what}");
}

#[actix::test]
async fn a_result_is_written_once_however_often_the_queue_asks() {
    let hospital = Hospital::open(vec![]).await;
    let queue = Bus::connect(hospital.broker.access(), Address::of_box(ActorKind::OfflineQueue));
    let visit = VisitId::random();
    for _ in 0..3 {
        let reply = queue.bus.ask(Some(lane()), Some(visit), result()).await.unwrap();
        assert_eq!(reply, ResultWritten::Written { lost_characters: 1 });
    }
    let files = hospital.files("Face");
    assert_eq!(files.len(), 1);
    assert!(files[0].starts_with(&format!("OQSsiquc01res_face_2_{visit}_")), "{files:?}");
    hospital.supervisor.stop().await;
}

#[actix::test]
async fn result_waits_for_the_receipt_folder() {
    let hospital = Hospital::open(vec![]).await;
    let queue = Bus::connect(hospital.broker.access(), Address::of_box(ActorKind::OfflineQueue));
    let visit = VisitId::random();
    fs::rename(hospital.path("Face"), hospital.path("away")).unwrap();
    let reply = queue.bus.ask(Some(lane()), Some(visit), result()).await.unwrap();
    assert_eq!(reply, ResultWritten::FolderUnavailable);
    fs::rename(hospital.path("away"), hospital.path("Face")).unwrap();
    let reply = queue.bus.ask(Some(lane()), Some(visit), result()).await.unwrap();
    assert_eq!(reply, ResultWritten::Written { lost_characters: 1 });
    assert_eq!(hospital.files("Face").len(), 1);
    hospital.supervisor.stop().await;
}

#[actix::test]
async fn a_query_is_asked_again_under_the_same_id_until_its_answer_stands() {
    let hospital = Hospital::open(vec![Queried::LineDown, Queried::Uncertain]).await;
    let mut header = Record::new(HEADER);
    header.set("QualificationConfirmationDate", "20251122").unwrap();
    header.set("MedicalInstitutionCode", INSTITUTION).unwrap();
    let mut search = Record::new(SEARCH);
    search.set("InsurerNumber", "138057").unwrap();
    search.set("InsuredIdentificationNumber", "4260").unwrap();
    search.set("Birthdate", "19700101").unwrap();
    let query = QueryMessage { header, search, encoding: Encoding::Utf8 };
    fs::write(hospital.path("Req/OQSsiquc01req_7.xml"), query.to_file()).unwrap();

    until("the query is removed", || hospital.files("Req").is_empty()).await;
    let file = fs::read(hospital.path("Res/OQSsiquc01res_7.xml")).unwrap();
    let (answer, _) = ResultMessage::from_file(&file).unwrap();
    assert_eq!(answer.qualifications[0].get("Name"), Some("𠮷野　花子"));
    let asked = hospital.asked.lock().unwrap().clone();
    assert_eq!(asked.len(), 3);
    assert!(asked.iter().all(|id| *id == asked[0]));
    hospital.supervisor.stop().await;
}

#[actix::test]
async fn what_the_gateway_was_killed_over_is_completed_at_the_next_start() {
    let hospital = Hospital::open(vec![]).await;
    let (face, state) = (hospital.path("Face"), hospital.path("state"));
    until("the actor runs", || state.join("request.key").exists()).await;
    hospital.supervisor.stop().await;

    // What a kill between the intention and the rename leaves behind.
    let visit = VisitId::random();
    let name = format!("OQSsiquc01res_face_2_{visit}_20251122093000.xml");
    fs::write(face.join(format!("madoguchi-{name}.tmp")), b"whole").unwrap();
    fs::write(face.join("madoguchi-other.tmp"), b"half").unwrap();
    let today = jiff::tz::Offset::constant(9).to_datetime(jiff::Timestamp::now()).date();
    fs::write(state.join(format!("{today}.book")), format!("I visit/2/{visit} {name}\n")).unwrap();

    let mut supervisor = Supervisor::new(hospital.broker.access().clone());
    let config = config(hospital.dir.path());
    supervisor.look_after(Address::of_box(ActorKind::ReceiptComputer), move |bus| {
        Ok(ReceiptComputer::new(bus, &config)?)
    });
    let only = || fs::read_dir(&face).unwrap().map(|e| e.unwrap().file_name()).collect::<Vec<_>>();
    until("the file has its name", || only() == [name.as_str()]).await;
    supervisor.stop().await;
}
