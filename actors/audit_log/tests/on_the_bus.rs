//! The actor on a real Mosquitto and a real disk.
#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test, in its helpers too")]

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use actix::{Actor, ActorContext, Context, Handler};
use jiff::Timestamp;
use madoguchi_audit_log::{AuditLog, Settings, verify};
use madoguchi_bus::broker::ManagedBroker;
use madoguchi_bus::{Bus, BusActor, Incoming, Supervisor};
use madoguchi_protocol::fault::FaultCode;
use madoguchi_protocol::messages::audit_log::{
    AskChain, AuditLogCommand, Entry, LogFilter, Logged, ReadLog, ReadReport, RecordEntry, Step, VisitEnd,
};
use madoguchi_protocol::messages::state::State;
use madoguchi_protocol::{ActorKind, Address, LaneId, VisitId};

const LOG: Address = Address::of_box(ActorKind::AuditLog);

fn lane() -> LaneId {
    LaneId::new(1).unwrap()
}

fn start(broker: &ManagedBroker, settings: Settings) -> Supervisor {
    let mut supervisor = Supervisor::new(broker.access().clone());
    supervisor.look_after(LOG, move |bus| Ok(AuditLog::new(bus, settings.clone())?));
    supervisor
}

fn record(entry: Entry) -> RecordEntry {
    RecordEntry { at: Timestamp::now(), entry }
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let all = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    all.filter(|path| path.extension().is_some_and(|extension| extension == "jsonl")).collect()
}

#[actix::test]
async fn what_actors_record_stands_in_the_log_with_lane_and_visit_and_the_chain_holds() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("audit");
    let broker = ManagedBroker::start(&dir.path().join("broker"), &[lane()]).await.unwrap();
    let supervisor = start(&broker, Settings::new(&folder));
    let reader = Bus::connect(broker.access(), Address::of_lane(ActorKind::FaceReader, lane()));
    let visit = VisitId::random();
    for entry in [Entry::VisitStarted, Entry::Step(Step::ChooseMedium), Entry::Step(Step::Idle)] {
        reader.bus.ask(Some(lane()), Some(visit), record(entry)).await.unwrap();
    }
    supervisor.stop().await;
    assert_eq!(verify(&folder, None).unwrap().last, 3);

    // A second life goes on where the first ended.
    let supervisor = start(&broker, Settings::new(&folder));
    reader.bus.ask(Some(lane()), Some(visit), record(Entry::VisitStarted)).await.unwrap();
    supervisor.stop().await;
    assert_eq!(verify(&folder, None).unwrap().last, 4);
    let text = fs::read_to_string(&files(&folder)[0]).unwrap();
    assert_eq!(text.matches(&visit.to_string()).count(), 4);
    assert!(text.contains("\"lane\":1") && text.contains("{\"entry\":{\"step\":\"choose_medium\"}}"));
}

/// Plays the program's page: follows the log's state.
struct Page(Arc<Mutex<Option<State>>>);

impl Actor for Page {
    type Context = Context<Self>;
}

impl BusActor for Page {
    // Nobody commands the page; any set of commands will do.
    type Commands = AuditLogCommand;
}

impl Handler<Incoming<AuditLogCommand>> for Page {
    type Result = ();
    fn handle(&mut self, incoming: Incoming<AuditLogCommand>, context: &mut Self::Context) {
        match incoming {
            Incoming::State(LOG, state) => *self.0.lock().unwrap() = Some(state.body),
            Incoming::Stop => context.stop(),
            _ => {}
        }
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
async fn audit_log_that_cannot_write_is_seen() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("audit");
    let broker = ManagedBroker::start(&dir.path().join("broker"), &[lane()]).await.unwrap();
    // A new file for each line, so that a folder that is gone is noticed, by root too.
    let mut supervisor = start(&broker, Settings { max_bytes: 1, ..Settings::new(&folder) });
    let seen = Arc::new(Mutex::new(None));
    let shown = seen.clone();
    supervisor.look_after(Address::of_box(ActorKind::Gateway), move |_| Ok(Page(shown.clone())));
    let faults = || {
        let state: Option<State> = seen.lock().unwrap().clone();
        state.map(|state| state.faults.iter().map(|fault| fault.code).collect::<Vec<_>>())
    };
    until("the log runs", || faults() == Some(vec![])).await;

    let reader = Bus::connect(broker.access(), Address::of_lane(ActorKind::FaceReader, lane()));
    reader.bus.ask(Some(lane()), None, record(Entry::VisitStarted)).await.unwrap();
    let away = dir.path().join("away");
    fs::rename(&folder, &away).unwrap();
    let asked = record(Entry::PinRefused);
    let unanswered = reader.bus.ask_within(Some(lane()), None, asked, Duration::from_millis(700)).await;
    assert!(unanswered.is_err(), "never *recorded* for what is not written");
    until("the fault is shown", || faults() == Some(vec![FaultCode::AuditLogFailed])).await;

    // When the disk is mended the log goes on by itself, its chain whole, and what waited is in it.
    fs::rename(&away, &folder).unwrap();
    reader.bus.ask(Some(lane()), None, record(Entry::VisitStarted)).await.unwrap();
    until("the fault is over", || faults() == Some(vec![])).await;
    supervisor.stop().await;
    assert_eq!(verify(&folder, None).unwrap().last, 3);
    assert!(files(&folder).iter().any(|file| fs::read_to_string(file).unwrap().contains("pin_refused")));
}

#[actix::test]
async fn the_page_reads_the_log_its_chain_and_a_months_counts_over_the_bus() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("audit");
    let broker = ManagedBroker::start(&dir.path().join("broker"), &[lane()]).await.unwrap();
    let supervisor = start(&broker, Settings::new(&folder));
    let reader = Bus::connect(broker.access(), Address::of_lane(ActorKind::FaceReader, lane()));
    let visits: Vec<_> = (0..3).map(|_| VisitId::random()).collect();
    for visit in &visits {
        for entry in [Entry::VisitStarted, Entry::VisitEnded(VisitEnd::Abandoned)] {
            reader.bus.ask(Some(lane()), Some(*visit), record(entry)).await.unwrap();
        }
    }
    let page = Bus::connect(broker.access(), Address::of_box(ActorKind::Gateway));
    let of_visit = LogFilter { visit: Some(visits[1]), ..LogFilter::default() };
    let wanted = ReadLog { filter: of_visit, before: None, limit: 10 };
    let found = page.bus.ask(None, None, wanted).await.unwrap();
    let told: Vec<_> = found.lines.iter().map(|line| (line.n, line.what.clone())).collect();
    let ended = Logged::Entry(Entry::VisitEnded(VisitEnd::Abandoned));
    assert_eq!(told, [(4, ended), (3, Logged::Entry(Entry::VisitStarted))]);
    assert_eq!(found.older, None);

    let month = madoguchi_reception::in_japan(Timestamp::now()).date();
    let counted = page.bus.ask(None, None, ReadReport { month, from_row: 0 }).await.unwrap();
    let visits: u64 = counted.rows.iter().map(|row| row.visits).sum();
    assert_eq!((visits, counted.next), (3, None), "{:?}", counted.rows);
    assert!(counted.rows.iter().all(|row| row.counts == "no" && row.reason == "not_completed"));

    let chain = async |anew| page.bus.ask(None, None, AskChain { anew }).await.unwrap();
    assert_eq!(chain(false).await.found, None, "nobody has read it");
    assert!(chain(true).await.reading);
    while chain(false).await.reading {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(chain(false).await.found.unwrap().whole, Some((1, 6)));
    supervisor.stop().await;

    // One changed digit is found.
    let file = &files(&folder)[0];
    let text = fs::read_to_string(file).unwrap();
    fs::write(file, text.replacen("\"lane\":1", "\"lane\":2", 1)).unwrap();
    let supervisor = start(&broker, Settings::new(&folder));
    assert!(chain(true).await.reading);
    while chain(false).await.reading {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(chain(false).await.found.unwrap().whole, None);
    supervisor.stop().await;
}
