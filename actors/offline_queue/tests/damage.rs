//! Damage on the medium costs the damaged record alone, and is reported.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a failed unwrap is a failed test")]

mod common;

use std::collections::BTreeSet;

use common::{config, due, flip_a_sealed_byte, id, open};
use madoguchi_offline_queue::store::{
    Acceptance, Kind, Reason, RecordId, Stage, Store, StoreConfig, StoreError, repair,
};

const RECORDS: u32 = 400;
const PAGE: usize = 4096;

fn request(n: u32) -> Vec<u8> {
    n.to_be_bytes().repeat(200)
}

/// A closed store with records in every stage but set aside.
async fn filled(config: &StoreConfig) {
    let store = open(config);
    for n in 0..RECORDS {
        assert_eq!(store.accept(id(n), 1 + n as u16 % 3, request(n), 10).await.unwrap(), Acceptance::New);
        if n % 4 == 1 {
            store.answer(id(n), 1, vec![5; 300], 20).await.unwrap();
        }
        if n % 8 == 1 {
            store.deliver(id(n), 30).await.unwrap();
            store.settle(id(n), 40).await.unwrap();
        }
    }
    store.close().await;
}

fn stage(n: u32) -> Stage {
    match n % 8 {
        1 => Stage::Settled,
        5 => Stage::Answered,
        _ => Stage::Accepted,
    }
}

/// The pages of a table or index, the first of them its root.
fn pages(config: &StoreConfig, name: &str) -> Vec<usize> {
    let db = rusqlite::Connection::open(config.directory.join("queue.db")).unwrap();
    // SQLite's bundled build has no dbstat: pages are told apart by what is on them, from the root downwards.
    let root: usize =
        db.query_row("SELECT rootpage FROM sqlite_schema WHERE name = ?", [name], |row| row.get(0)).unwrap();
    let file = std::fs::read(config.directory.join("queue.db")).unwrap();
    let (mut found, mut next) = (Vec::new(), vec![root]);
    while let Some(page) = next.pop() {
        found.push(page);
        let bytes = &file[(page - 1) * PAGE..page * PAGE];
        let number = |at: usize| u32::from_be_bytes(bytes[at..at + 4].try_into().unwrap()) as usize;
        // Inner pages (2 of an index, 5 of a table) name their children.
        if bytes[0] == 2 || bytes[0] == 5 {
            let cells = usize::from(u16::from_be_bytes([bytes[3], bytes[4]]));
            next.push(number(8));
            for cell in 0..cells {
                let at = 12 + 2 * cell;
                next.push(number(usize::from(u16::from_be_bytes([bytes[at], bytes[at + 1]]))));
            }
        }
    }
    found
}

fn destroy(config: &StoreConfig, page: usize) {
    let path = config.directory.join("queue.db");
    let mut file = std::fs::read(&path).unwrap();
    file[(page - 1) * PAGE..page * PAGE].fill(0xa5);
    std::fs::write(path, file).unwrap();
}

/// Opens the repaired store: every record is there as it was or set aside as damaged; says which are damaged.
async fn judge(config: &StoreConfig) -> BTreeSet<u32> {
    let store = open(config);
    let mut damaged = BTreeSet::new();
    for n in 0..RECORDS {
        let header = store.look_up(id(n)).await.unwrap().unwrap_or_else(|| panic!("{n} is lost"));
        if header.stage == Stage::SetAside {
            assert_eq!(header.set_aside.unwrap().0, Reason::Damaged);
            damaged.insert(n);
            continue;
        }
        // Of a row that is gone nobody knows the outcome: the centre is asked again.
        let again = header.stage == Stage::Accepted && stage(n) == Stage::Answered;
        assert!(again || header.stage == stage(n), "{n}: {:?}", header.stage);
        if let Some(work) = store.read(id(n)).await.unwrap() {
            assert_eq!(work.request, request(n), "{n}");
        }
        assert_eq!(store.accept(id(n), 1, request(n), 50).await.unwrap(), Acceptance::Already(header.stage));
    }
    assert_eq!(store.accept(id(9_999), 1, vec![1], 50).await.unwrap(), Acceptance::New);
    store.due(due(Kind::Ask, 1000), 60).await.unwrap();
    assert_eq!(store.status().await.unwrap().set_aside, damaged.len() as u64);
    store.close().await;
    damaged
}

/// Destroys one page of `name` and repairs; answers which records are damaged now.
async fn destroyed_and_repaired(name: &str, which: impl Fn(&[usize]) -> usize) -> BTreeSet<u32> {
    let dir = tempfile::tempdir().unwrap();
    let config = config(&dir);
    filled(&config).await;
    let all = pages(&config, name);
    destroy(&config, which(&all));
    let refused = Store::open(&config).err().expect("the damage is noticed at the start");
    assert!(matches!(refused, StoreError::Corrupt(_)), "{refused}");
    let repaired = repair(&config, "7", 99).unwrap();
    println!("{name}: of {} pages one destroyed: {repaired:?}", all.len());
    assert_eq!(repaired.kept, u64::from(RECORDS));
    assert!(repaired.put_aside.exists());
    let damaged = judge(&config).await;
    let told: BTreeSet<RecordId> = repaired.damaged.into_iter().collect();
    assert_eq!(told, damaged.iter().map(|n| id(*n)).collect(), "it tells which");
    damaged
}

#[tokio::test]
async fn destroyed_page_of_requests_costs_the_records_on_it_alone() {
    let damaged = destroyed_and_repaired("body", |pages| pages[pages.len() / 2]).await;
    // Up to four records of 850 bytes share a page, with their answers.
    assert!((1..=5).contains(&damaged.len()), "{damaged:?}");
}

#[tokio::test]
async fn destroyed_page_of_records_is_put_together_from_the_indexes() {
    let damaged = destroyed_and_repaired("record", |pages| pages[pages.len() / 2]).await;
    assert!(damaged.is_empty(), "{damaged:?}");
}

#[tokio::test]
async fn destroyed_index_costs_nothing() {
    assert!(destroyed_and_repaired("record_id", |pages| pages[pages.len() / 2]).await.is_empty());
    assert!(destroyed_and_repaired("record_due", |pages| pages[0]).await.is_empty());
}

#[tokio::test]
async fn check_tells_of_a_broken_seal_and_changes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let config = config(&dir);
    filled(&config).await;
    flip_a_sealed_byte(&config, id(2));
    let store = open(&config);
    let mut after = 0;
    let mut damaged = Vec::new();
    while let scrubbed = store.scrub(after, 64, None).await.unwrap()
        && let Some(last) = scrubbed.last
    {
        after = last;
        damaged.extend(scrubbed.damaged);
    }
    assert_eq!(damaged, [id(2)]);
    assert_eq!(store.status().await.unwrap().set_aside, 0);
    let scrubbed = store.scrub(0, 64, Some(5)).await.unwrap();
    assert_eq!((scrubbed.looked_at, scrubbed.damaged), (64, vec![id(2)]));
    assert_eq!(store.status().await.unwrap().set_aside, 1);
    store.close().await;
}

#[tokio::test]
async fn repair_of_a_sound_store_changes_nothing_and_needs_it_closed() {
    let dir = tempfile::tempdir().unwrap();
    let config = config(&dir);
    filled(&config).await;
    let store = open(&config);
    assert!(matches!(repair(&config, "1", 99), Err(StoreError::InUse)));
    store.close().await;
    let repaired = repair(&config, "1", 99).unwrap();
    assert_eq!((repaired.kept, repaired.damaged.len(), repaired.without_record), (u64::from(RECORDS), 0, 0));
    assert!(judge(&config).await.is_empty());
}

#[test]
fn repair_makes_no_queue_where_there_is_none() {
    let dir = tempfile::tempdir().unwrap();
    assert!(matches!(repair(&config(&dir), "1", 99), Err(StoreError::NoQueue(_))));
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
}
