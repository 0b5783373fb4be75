//! Rotation of the key: everything is sealed anew, and nothing can be read with the old key any more.
#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

mod common;

use std::path::Path;

use common::{config, flip_a_sealed_byte, id, open, write_key};
use madoguchi_offline_queue::store::{KeyId, KeyInForce, Reason, Resealing, Stage, Step, Store, StoreError};

const RECORDS: u32 = 40;
const CANARY: &[u8] = b"canary-0123456789";

/// Records in every stage that has something sealed, and some that had.
async fn fill(store: &Store) {
    for number in 0..RECORDS {
        let request = CANARY.repeat(1 + number as usize * 20);
        store.accept(id(number), 1 + (number % 3) as u16, request, 1).await.unwrap();
        match number % 5 {
            1 => drop(store.answer(id(number), 1, CANARY.to_vec(), 2).await.unwrap()),
            2 => drop(store.set_aside(id(number), Reason::Refused, "http-400", 2).await.unwrap()),
            3 => {
                store.answer(id(number), 1, CANARY.to_vec(), 2).await.unwrap();
                store.deliver(id(number), 3).await.unwrap();
                store.settle(id(number), 4).await.unwrap();
            }
            _ => {}
        }
    }
    store.practise(id(RECORDS), 9, CANARY.to_vec(), 1).await.unwrap();
}

async fn all_is_there(store: &Store) {
    for number in 0..RECORDS {
        match store.read(id(number)).await.unwrap() {
            Some(work) => {
                assert_eq!(work.request, CANARY.repeat(1 + number as usize * 20));
                assert_eq!(work.answer.is_some(), number % 5 == 1);
            }
            None => assert_eq!(number % 5, 3, "{number} is lost"),
        }
    }
    assert_eq!(store.read(id(RECORDS)).await.unwrap().unwrap().request, CANARY);
}

async fn reseal(store: &Store, at_once: usize) -> Resealing {
    let mut pass = Resealing::default();
    while !pass.done {
        pass = store.reseal(pass, at_once).await.unwrap();
    }
    pass
}

/// How often these bytes stand in any file below the directory.
fn times(directory: &Path, wanted: &[u8]) -> usize {
    let mut found = 0;
    for entry in std::fs::read_dir(directory).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() {
            found += times(&path, wanted);
        } else {
            let bytes = std::fs::read(&path).unwrap();
            found += bytes.windows(wanted.len()).filter(|window| *window == wanted).count();
        }
    }
    found
}

/// How everything begins that this key sealed: the version, then its id.
fn head(key: KeyId) -> Vec<u8> {
    [&[1], key.0.as_slice()].concat()
}

fn ids(keys: &[KeyInForce]) -> Vec<KeyId> {
    keys.iter().map(|key| key.id).collect()
}

#[tokio::test]
async fn after_rotation_nothing_is_left_that_the_old_key_opens() {
    let dir = tempfile::tempdir().unwrap();
    let config = config(&dir);
    let store = open(&config);
    fill(&store).await;
    let before = store.keys().await.unwrap();
    let bytes = store.status().await.unwrap().bytes;
    let (old, old_text) = (before[0].id, std::fs::read_to_string(&config.key_file).unwrap());
    store.tidy(5).await.unwrap();
    assert!(times(&config.directory, &head(old)) >= RECORDS as usize, "the search finds what is there");

    let new = store.rotate_key().await.unwrap();
    assert_ne!(new, old);
    assert_eq!(store.drop_old_keys().await.unwrap(), [], "the old one is still needed");
    store.accept(id(100), 1, CANARY.to_vec(), 6).await.unwrap();
    let pass = reseal(&store, 3).await;
    // Requests of 32 and the practice, answers of 8; the newest is sealed with the new key already.
    assert_eq!((pass.sealed_anew, pass.damaged), (41, 0));
    all_is_there(&store).await;
    let newest = store.look_up(id(100)).await.unwrap().unwrap().bytes;
    assert_eq!(store.status().await.unwrap().bytes, bytes + newest);
    let keys = store.keys().await.unwrap();
    assert_eq!(ids(&keys), [new, old]);
    assert!(keys[0].newest && keys[0].needed && !keys[1].newest && !keys[1].needed, "{keys:?}");
    assert_eq!(store.drop_old_keys().await.unwrap(), [old]);
    assert_eq!(times(&config.directory, &head(old)), 0, "something is still sealed with the old key");
    assert_eq!(times(dir.path(), CANARY), 0);
    assert_eq!(times(dir.path(), old_text.trim().as_bytes()), 0, "the old key is still there");
    store.close().await;

    let store = open(&config);
    all_is_there(&store).await;
    assert_eq!(reseal(&store, 3).await.sealed_anew, 0);
    store.close().await;
    write_key(&config.key_file, &old_text);
    assert!(matches!(Store::open(&config), Err(StoreError::WrongKey { needed, .. }) if needed == new));
}

/// A new line on top by hand, as a credential needs it, has the same effect as the command.
#[tokio::test]
async fn key_that_was_put_on_top_by_hand_seals_everything_anew() {
    let dir = tempfile::tempdir().unwrap();
    let config = config(&dir);
    let store = open(&config);
    fill(&store).await;
    store.close().await;
    let old = std::fs::read_to_string(&config.key_file).unwrap();
    write_key(&config.key_file, &format!("{}\n{old}", "7c".repeat(32)));
    let store = open(&config);
    assert_eq!(reseal(&store, 1000).await.sealed_anew, 41);
    assert!(store.keys().await.unwrap().iter().all(|key| key.needed == key.newest));
    store.close().await;
    write_key(&config.key_file, &"7c".repeat(32));
    all_is_there(&open(&config)).await;
}

#[tokio::test]
async fn damaged_record_keeps_its_key_and_costs_nobody_else() {
    let dir = tempfile::tempdir().unwrap();
    let config = config(&dir);
    let store = open(&config);
    fill(&store).await;
    store.close().await;
    flip_a_sealed_byte(&config, id(10));
    let store = open(&config);
    let old = store.keys().await.unwrap()[0].id;
    store.rotate_key().await.unwrap();
    let pass = reseal(&store, 7).await;
    assert_eq!((pass.sealed_anew, pass.damaged), (40, 1));
    assert_eq!(store.drop_old_keys().await.unwrap(), [], "a person may still make something of it");
    // Once it is disposed of, the key can go.
    store.set_aside(id(10), Reason::Damaged, "seal", 8).await.unwrap();
    assert_eq!(store.discard(id(10), "unconfirmable", 9).await.unwrap(), Step::Done);
    assert_eq!(reseal(&store, 7).await.damaged, 0);
    assert_eq!(store.drop_old_keys().await.unwrap(), [old]);
    assert_eq!(store.look_up(id(10)).await.unwrap().unwrap().stage, Stage::Settled);
}

#[tokio::test]
async fn second_rotation_in_the_middle_of_the_first_begins_the_pass_anew() {
    let dir = tempfile::tempdir().unwrap();
    let config = config(&dir);
    let store = open(&config);
    fill(&store).await;
    store.rotate_key().await.unwrap();
    let mut pass = store.reseal(Resealing::default(), 20).await.unwrap();
    let newest = store.rotate_key().await.unwrap();
    while !pass.done {
        pass = store.reseal(pass, 20).await.unwrap();
    }
    assert_eq!(pass.sealed_anew, 41, "those of the first rotation, too");
    assert_eq!(store.drop_old_keys().await.unwrap().len(), 2);
    assert_eq!(ids(&store.keys().await.unwrap()), [newest]);
}

#[tokio::test]
async fn key_file_without_a_needed_key_is_left_as_it_is() {
    let dir = tempfile::tempdir().unwrap();
    let config = config(&dir);
    let store = open(&config);
    fill(&store).await;
    let right = std::fs::read_to_string(&config.key_file).unwrap();
    let wrong = format!("{}\n", "11".repeat(32));
    write_key(&config.key_file, &wrong);
    assert!(matches!(store.rotate_key().await, Err(StoreError::WrongKey { .. })));
    assert_eq!(std::fs::read_to_string(&config.key_file).unwrap(), wrong);
    all_is_there(&store).await;
    write_key(&config.key_file, &right);
    store.rotate_key().await.unwrap();
    all_is_there(&store).await;
}
