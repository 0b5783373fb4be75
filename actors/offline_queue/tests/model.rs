//! The store against a plain model in memory, with crashes as operations.
//!
//! A crash copies the files as they are while the store is open, the way a kill would leave them, and goes on
//! with the copy.
#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

mod common;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use common::{config_at, due, id, open};
use madoguchi_offline_queue::store::{
    Acceptance, Kind, Quota, Reason, Resealing, Stage, Step, Store, StoreConfig,
};
use proptest::prelude::*;
use proptest::test_runner::FileFailurePersistence;

const MOST: u64 = 12;

#[derive(Clone, Debug)]
enum Operation {
    Accept(u32, u16, Vec<u8>),
    Answer(u32, Vec<u8>),
    Deliver(u32),
    Settle(u32),
    SetAside(u32),
    PutBack(u32),
    Discard(u32),
    /// A practice confirmation, whether or not its lane rehearses: it may have missed the end.
    Practise(u32, u16, Vec<u8>),
    BeginRehearsal(u16),
    EndRehearsal(u16),
    /// Wipes the practice of all lanes that don't rehearse, this many records at most.
    Wipe(usize),
    RotateKey,
    /// So many steps of sealing anew, each of so many parts.
    Reseal(usize, usize),
    DropOldKeys,
    Tidy,
    Crash,
    Restart,
}

fn operation() -> impl Strategy<Value = Operation> {
    let number = 0u32..16;
    let lane = || 1u16..4;
    let bytes = || prop_oneof![proptest::collection::vec(any::<u8>(), 0..64), Just(vec![7; 5000])];
    prop_oneof![
        6 => (number.clone(), lane(), bytes()).prop_map(|(n, lane, bytes)| Operation::Accept(n, lane, bytes)),
        4 => (number.clone(), bytes()).prop_map(|(n, bytes)| Operation::Answer(n, bytes)),
        4 => number.clone().prop_map(Operation::Deliver),
        4 => number.clone().prop_map(Operation::Settle),
        2 => number.clone().prop_map(Operation::SetAside),
        2 => number.clone().prop_map(Operation::PutBack),
        2 => number.clone().prop_map(Operation::Discard),
        3 => (number, lane(), bytes()).prop_map(|(n, lane, bytes)| Operation::Practise(n, lane, bytes)),
        1 => lane().prop_map(Operation::BeginRehearsal),
        1 => lane().prop_map(Operation::EndRehearsal),
        2 => (1usize..8).prop_map(Operation::Wipe),
        1 => Just(Operation::RotateKey),
        2 => (1usize..5, 1usize..5).prop_map(|(steps, parts)| Operation::Reseal(steps, parts)),
        1 => Just(Operation::DropOldKeys),
        1 => Just(Operation::Tidy),
        1 => Just(Operation::Crash),
        1 => Just(Operation::Restart),
    ]
}

#[derive(Default)]
struct Model {
    records: BTreeMap<u32, Record>,
    rehearsing: BTreeSet<u16>,
    /// Since the store was opened.
    discarded: u64,
}

struct Record {
    order: usize,
    lane: u16,
    stage: Stage,
    request: Vec<u8>,
    answer: Option<Vec<u8>>,
    practice: bool,
}

impl Model {
    fn accept(&mut self, n: u32, lane: u16, request: Vec<u8>, practice: bool) -> Acceptance {
        if let Some(record) = self.records.get(&n) {
            return Acceptance::Already(record.stage);
        }
        if self.records.values().filter(|record| record.stage != Stage::Settled).count() as u64 >= MOST {
            // Practice makes room for a patient and for nobody else.
            let oldest =
                self.records.values_mut().filter(|it| it.stage == Stage::Practice).min_by_key(|it| it.order);
            match oldest {
                Some(oldest) if !practice => oldest.stage = Stage::Settled,
                _ => return Acceptance::Full,
            }
        }
        let order = self.records.len();
        let stage = if practice { Stage::Practice } else { Stage::Accepted };
        self.records.insert(n, Record { order, lane, stage, request, answer: None, practice });
        Acceptance::New
    }

    /// The practice of lanes that don't rehearse.
    fn practised(&self) -> BTreeSet<u32> {
        let over = |it: &Record| it.stage == Stage::Practice && !self.rehearsing.contains(&it.lane);
        self.records.iter().filter(|(_, record)| over(record)).map(|(n, _)| *n).collect()
    }

    fn step(&mut self, n: u32, from: &[Stage], to: Stage) -> Step {
        let Some(record) = self.records.get_mut(&n) else { return Step::Unknown };
        if !from.contains(&record.stage) {
            return Step::Already(record.stage);
        }
        record.stage = to;
        Step::Done
    }

    /// What is to be asked, in each lane's order.
    fn to_ask(&self, lane: u16) -> Vec<u32> {
        let mut found: Vec<_> = self
            .records
            .iter()
            .filter(|(_, record)| record.lane == lane && record.stage == Stage::Accepted)
            .map(|(n, record)| (record.order, *n))
            .collect();
        found.sort_unstable();
        found.into_iter().map(|(_, n)| n).collect()
    }
}

async fn run(operations: Vec<Operation>) -> Result<(), TestCaseError> {
    let dir = tempfile::tempdir().unwrap();
    let mut generation = 0;
    let limits = |path: &Path| {
        let mut config = config_at(path);
        config.quota = Quota { records: MOST, ..config.quota };
        config
    };
    let place = |generation: usize| dir.path().join(generation.to_string());
    std::fs::create_dir(place(0)).unwrap();
    let mut config: StoreConfig = limits(&place(0));
    let mut store = open(&config);
    let mut model = Model::default();
    // Begun anew with each start, as the actor does.
    let mut pass = Resealing::default();
    for operation in operations {
        use Stage::{Accepted, Answered, Delivered, Practice, SetAside, Settled};
        match operation {
            Operation::Accept(n, lane, bytes) => {
                let expected = model.accept(n, lane, bytes.clone(), false);
                prop_assert_eq!(store.accept(id(n), lane, bytes, 1).await.unwrap(), expected);
            }
            Operation::Answer(n, bytes) => {
                let expected = model.step(n, &[Accepted], Answered);
                if expected == Step::Done {
                    model.records.get_mut(&n).unwrap().answer = Some(bytes.clone());
                }
                prop_assert_eq!(store.answer(id(n), 1, bytes, 2).await.unwrap(), expected);
            }
            Operation::Deliver(n) => {
                let expected = model.step(n, &[Answered], Delivered);
                prop_assert_eq!(store.deliver(id(n), 3).await.unwrap(), expected);
            }
            Operation::Settle(n) => {
                let expected = model.step(n, &[Delivered, Practice], Settled);
                prop_assert_eq!(store.settle(id(n), 4).await.unwrap(), expected);
            }
            Operation::SetAside(n) => {
                let expected = model.step(n, &[Accepted, Answered, Delivered], SetAside);
                prop_assert_eq!(store.set_aside(id(n), Reason::Refused, "x", 5).await.unwrap(), expected);
            }
            Operation::PutBack(n) => {
                let back = model.records.get(&n).is_some_and(|record| record.answer.is_some());
                let expected = model.step(n, &[SetAside], if back { Answered } else { Accepted });
                prop_assert_eq!(store.put_back(id(n), 6).await.unwrap(), expected);
            }
            Operation::Discard(n) => {
                let expected = model.step(n, &[SetAside], Settled);
                model.discarded += u64::from(expected == Step::Done);
                prop_assert_eq!(store.discard(id(n), "x", 8).await.unwrap(), expected);
            }
            Operation::Practise(n, lane, bytes) => {
                let expected = model.accept(n, lane, bytes.clone(), true);
                prop_assert_eq!(store.practise(id(n), lane, bytes, 1).await.unwrap(), expected);
            }
            Operation::BeginRehearsal(lane) => {
                model.rehearsing.insert(lane);
            }
            Operation::EndRehearsal(lane) => {
                model.rehearsing.remove(&lane);
            }
            Operation::Wipe(most) => {
                let over = model.practised();
                let found = store.practised(model.rehearsing.clone(), most).await.unwrap();
                prop_assert_eq!(found.len(), over.len().min(most));
                for (header, request) in found {
                    let n = *over.iter().find(|n| id(**n) == header.id).unwrap();
                    prop_assert_eq!(request.as_ref(), Some(&model.records[&n].request));
                    prop_assert_eq!(store.settle(header.id, 7).await.unwrap(), Step::Done);
                    model.records.get_mut(&n).unwrap().stage = Settled;
                }
            }
            Operation::RotateKey => {
                let newest = store.rotate_key().await.unwrap();
                prop_assert!(store.keys().await.unwrap().iter().all(|key| key.newest == (key.id == newest)));
            }
            Operation::Reseal(steps, parts) => {
                for _ in 0..steps {
                    pass = store.reseal(pass, parts).await.unwrap();
                    prop_assert_eq!(pass.damaged, 0);
                }
                if pass.done {
                    let keys = store.keys().await.unwrap();
                    prop_assert_eq!(keys.iter().filter(|key| key.needed).count(), 1, "the newest alone");
                    pass = Resealing::default();
                }
            }
            // What was dropped too early shows in the records that are compared below, and in the next start.
            Operation::DropOldKeys => drop(store.drop_old_keys().await.unwrap()),
            Operation::Tidy => {
                store.tidy(config.settled_here + 100).await.unwrap();
            }
            Operation::Crash => {
                pass = Resealing::default();
                generation += 1;
                copy(&place(generation - 1), &place(generation));
                store.close().await;
                config = limits(&place(generation));
                store = open(&config);
                model.discarded = 0;
            }
            Operation::Restart => {
                pass = Resealing::default();
                store.close().await;
                store = open(&config);
                model.discarded = 0;
            }
        }
        compare(&store, &model).await?;
    }
    store.close().await;
    Ok(())
}

async fn compare(store: &Store, model: &Model) -> Result<(), TestCaseError> {
    for (n, record) in &model.records {
        let header = store.look_up(id(*n)).await.unwrap();
        prop_assert_eq!(header.as_ref().map(|header| header.stage), Some(record.stage), "record {}", n);
        // Wiped practice says so until it moves to the long memory, which knows no lanes.
        if header.is_some_and(|it| it.lane != 0 && matches!(it.set_aside, Some((Reason::Practice, _)))) {
            prop_assert!(record.practice && record.stage == Stage::Settled, "record {}", n);
        }
        if let Some(work) = store.read(id(*n)).await.unwrap() {
            prop_assert_eq!(&work.request, &record.request);
            prop_assert_eq!(&work.answer, &record.answer);
        } else {
            prop_assert_eq!(record.stage, Stage::Settled);
        }
    }
    let asked = store.due(due(Kind::Ask, 100), 7).await.unwrap();
    for lane in 1..4 {
        let of_lane: Vec<_> =
            asked.iter().filter(|work| work.header.lane == lane).map(|work| work.header.id).collect();
        let expected: Vec<_> = model.to_ask(lane).into_iter().map(id).collect();
        prop_assert_eq!(of_lane, expected, "lane {}", lane);
    }
    let handed_over = store.due(due(Kind::HandOver, 100), 7).await.unwrap();
    prop_assert!(handed_over.iter().all(|work| work.answer.is_some()), "practice is handed to nobody");
    let status = store.status().await.unwrap();
    let count = |stages: &[Stage]| {
        model.records.values().filter(|record| stages.contains(&record.stage)).count() as u64
    };
    prop_assert_eq!(status.waiting, count(&[Stage::Accepted]));
    prop_assert_eq!(status.answered, count(&[Stage::Answered, Stage::Delivered]));
    prop_assert_eq!(status.set_aside, count(&[Stage::SetAside]));
    prop_assert_eq!(status.given_up.discarded, model.discarded);
    prop_assert_eq!(status.practice, count(&[Stage::Practice]));
    Ok(())
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap().flatten() {
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: Some(Box::new(FileFailurePersistence::Direct("tests/model.regressions"))), ..ProptestConfig::default() })]
    #[test]
    fn the_store_does_what_a_plain_model_does_also_across_crashes(
        operations in proptest::collection::vec(operation(), 1..60)
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(run(operations))?;
    }
}
