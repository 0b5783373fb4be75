//! Stores of former formats: read as they are, brought forward, and brought back for an older program.
#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

mod common;

use std::path::Path;

use common::{config, due, id, open};
use madoguchi_offline_queue::store::{
    Acceptance, FORMAT, Kind, OLDEST_FORMAT, Reason, Stage, Store, StoreConfig, StoreError, migrate,
};
use rusqlite::Connection;

/// What a program of format 1 left behind: one record in each of its stages, sealed with the key below.
const FORMAT_1: &str = include_str!("formats/1.sql");
const KEY: &str = "1111111111111111111111111111111111111111111111111111111111111111\n";

/// The store of format 1 as a file.
fn of_format_1(config: &StoreConfig) {
    use std::os::unix::fs::PermissionsExt;
    std::fs::create_dir_all(&config.directory).unwrap();
    std::fs::write(&config.key_file, KEY).unwrap();
    std::fs::set_permissions(&config.key_file, std::fs::Permissions::from_mode(0o600)).unwrap();
    Connection::open(database(config)).unwrap().execute_batch(FORMAT_1).unwrap();
}

fn database(config: &StoreConfig) -> std::path::PathBuf {
    config.directory.join("queue.db")
}

fn format(path: &Path) -> i64 {
    Connection::open(path).unwrap().query_row("PRAGMA user_version", [], |row| row.get(0)).unwrap()
}

/// Everything in the file but its page layout: what a program reads.
fn contents(path: &Path) -> Vec<String> {
    let db = Connection::open(path).unwrap();
    let mut said = Vec::new();
    for text in [
        "SELECT sql FROM sqlite_schema ORDER BY name",
        "SELECT concat_ws('|', seq, hex(id), lane, stage, accepted_at, changed_at, bytes, outcome, reason, note) FROM record ORDER BY seq",
        "SELECT concat_ws('|', seq_part, hex(sealed)) FROM body ORDER BY seq_part",
        "SELECT hex(id) FROM key_used",
        "PRAGMA user_version",
    ] {
        let mut statement = db.prepare(text).unwrap();
        let rows = statement.query_map([], |row| row.get::<_, rusqlite::types::Value>(0)).unwrap();
        said.extend(rows.map(|row| format!("{:?}", row.unwrap())));
    }
    said
}

#[tokio::test]
async fn store_of_format_1_is_brought_forward_with_every_record_in_its_stage() {
    let dir = tempfile::tempdir().unwrap();
    let config = config(&dir);
    of_format_1(&config);
    let (store, opened) = Store::open(&config).unwrap();
    assert_eq!(opened.unsettled, 3);
    let stages: Vec<_> =
        store.list(0, 10).await.unwrap().into_iter().map(|(_, header)| header.stage).collect();
    let all = [Stage::Accepted, Stage::Answered, Stage::Delivered, Stage::Settled, Stage::SetAside];
    assert_eq!(stages, all);
    let asked = store.due(due(Kind::Ask, 8), 100).await.unwrap();
    assert_eq!(asked.iter().map(|work| work.request.as_slice()).collect::<Vec<_>>(), [b"request 1"]);
    let handed = store.due(due(Kind::HandOver, 8), 100).await.unwrap();
    assert_eq!(handed.len(), 2);
    assert!(handed.iter().all(|work| work.answer.is_some()));
    // And it goes on as a store of this format.
    assert_eq!(store.practise(id(9), 1, b"practice".to_vec(), 200).await.unwrap(), Acceptance::New);
    store.close().await;
    assert_eq!(format(&database(&config)), FORMAT);
}

#[tokio::test]
async fn store_is_brought_back_as_the_older_program_left_it() {
    let dir = tempfile::tempdir().unwrap();
    let config = config(&dir);
    of_format_1(&config);
    let before = contents(&database(&config));
    let store = open(&config);
    // What the older program could not read, waiting and wiped.
    for number in [8, 9] {
        store.practise(id(number), 1, b"practice".to_vec(), 200).await.unwrap();
    }
    store.settle(id(8), 300).await.unwrap();
    assert!(matches!(migrate(&config, OLDEST_FORMAT), Err(StoreError::InUse)));
    store.close().await;
    assert_eq!(migrate(&config, OLDEST_FORMAT).unwrap(), FORMAT);
    let after = contents(&database(&config));
    let known = |line: &&String| !line.contains("|3|200|300|");
    assert_eq!(after.iter().filter(known).collect::<Vec<_>>(), before.iter().collect::<Vec<_>>());
    assert_eq!(after.len(), before.len() + 1, "the wiped one's id is still known, as settled");
    // Once more forward, once more back, and once for nothing.
    open(&config).close().await;
    assert_eq!(migrate(&config, OLDEST_FORMAT).unwrap(), FORMAT);
    assert_eq!(migrate(&config, OLDEST_FORMAT).unwrap(), OLDEST_FORMAT);
    assert_eq!(contents(&database(&config)), after);
}

#[tokio::test]
async fn new_record_of_a_patient_goes_back_with_the_store() {
    let dir = tempfile::tempdir().unwrap();
    let config = config(&dir);
    let store = open(&config);
    store.accept(id(1), 7, b"a patient's".to_vec(), 100).await.unwrap();
    store.accept(id(2), 7, b"set aside".to_vec(), 100).await.unwrap();
    store.set_aside(id(2), Reason::Refused, "note", 100).await.unwrap();
    store.close().await;
    migrate(&config, OLDEST_FORMAT).unwrap();
    let store = open(&config);
    assert_eq!(store.read(id(1)).await.unwrap().unwrap().request, b"a patient's");
    assert_eq!(
        store.look_up(id(2)).await.unwrap().unwrap().set_aside,
        Some((Reason::Refused, "note".into()))
    );
}

#[tokio::test]
async fn format_that_nobody_knows_is_refused_and_changes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let config = config(&dir);
    assert!(matches!(migrate(&config, OLDEST_FORMAT), Err(StoreError::NoQueue(_))));
    of_format_1(&config);
    let before = contents(&database(&config));
    for asked in [OLDEST_FORMAT - 1, FORMAT + 1, i64::MIN] {
        assert!(matches!(migrate(&config, asked), Err(StoreError::NoSuchFormat { .. })), "{asked}");
    }
    Connection::open(database(&config)).unwrap().execute_batch("PRAGMA user_version = 99").unwrap();
    assert!(matches!(migrate(&config, OLDEST_FORMAT), Err(StoreError::NewerFormat { found: 99, .. })));
    Connection::open(database(&config)).unwrap().execute_batch("PRAGMA user_version = 1").unwrap();
    assert_eq!(contents(&database(&config)), before);
    std::fs::remove_file(&config.key_file).unwrap();
    assert!(matches!(migrate(&config, FORMAT), Err(StoreError::KeyMissing(_))));
}
