//! Nothing is given up by itself; where the configuration wants it, it is counted by reason.
#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

mod common;

use common::{config, due, id, open};
use madoguchi_offline_queue::{
    Settings,
    store::{Acceptance, GivenUp, Kind, Quota, Reason, Stage, Step, Store, StoreConfig, WhenFull},
};

const DAY: u64 = 86_400_000;

fn small(dir: &tempfile::TempDir, when_full: WhenFull) -> StoreConfig {
    let mut config = config(dir);
    config.quota = Quota { records: 3, ..config.quota };
    config.when_full = when_full;
    config
}

async fn accept(store: &Store, n: u32, lane: u16, at: u64) -> Acceptance {
    store.accept(id(n), lane, vec![n as u8; 500], at).await.unwrap()
}

/// Id 2 is set aside, 1 and 3 wait; the quota is reached.
async fn full(config: &StoreConfig) -> Store {
    let store = open(config);
    for n in 1..=3 {
        assert_eq!(accept(&store, n, n as u16, 10 + u64::from(n)).await, Acceptance::New);
    }
    store.set_aside(id(2), Reason::Refused, "x", 20).await.unwrap();
    store
}

async fn stages(store: &Store) -> Vec<Stage> {
    let mut stages = Vec::new();
    for n in 1..=3 {
        stages.push(store.look_up(id(n)).await.unwrap().unwrap().stage);
    }
    stages
}

#[test]
fn by_default_nothing_is_ever_given_up() {
    let config = Settings::default().store();
    assert_eq!((config.give_up_after, config.when_full), (None, WhenFull::Refuse));
}

#[tokio::test]
async fn full_store_that_may_give_nothing_up_refuses_the_new_one() {
    let dir = tempfile::tempdir().unwrap();
    let store = full(&small(&dir, WhenFull::Refuse)).await;
    assert_eq!(accept(&store, 4, 1, 30).await, Acceptance::Full);
    store.tidy(1000 * DAY).await.unwrap();
    assert_eq!(stages(&store).await, [Stage::Accepted, Stage::SetAside, Stage::Accepted]);
    assert_eq!(store.status().await.unwrap().given_up, GivenUp::default());
}

#[tokio::test]
async fn what_was_set_aside_makes_room_before_what_waits() {
    let dir = tempfile::tempdir().unwrap();
    let store = full(&small(&dir, WhenFull::GiveUpSetAside)).await;
    assert_eq!(accept(&store, 4, 1, 30).await, Acceptance::New);
    assert_eq!(stages(&store).await, [Stage::Accepted, Stage::Settled, Stage::Accepted]);
    assert_eq!(store.read(id(2)).await.unwrap(), None, "it is wiped");
    let (reason, _) = store.look_up(id(2)).await.unwrap().unwrap().set_aside.unwrap();
    assert_eq!(reason, Reason::MadeRoom);
    assert_eq!(accept(&store, 5, 1, 31).await, Acceptance::Full, "nothing else is given up");
    assert_eq!(store.status().await.unwrap().given_up, GivenUp { made_room: 1, ..GivenUp::default() });
    assert_eq!(accept(&store, 2, 2, 32).await, Acceptance::Already(Stage::Settled));
}

#[tokio::test]
async fn then_the_oldest_makes_room_where_that_is_wanted() {
    let dir = tempfile::tempdir().unwrap();
    let store = full(&small(&dir, WhenFull::GiveUpOldest)).await;
    assert_eq!(accept(&store, 4, 1, 30).await, Acceptance::New);
    assert_eq!(accept(&store, 5, 1, 31).await, Acceptance::New);
    assert_eq!(stages(&store).await, [Stage::Settled, Stage::Settled, Stage::Accepted]);
    let status = store.status().await.unwrap();
    assert_eq!((status.given_up.made_room, status.waiting, status.set_aside), (2, 3, 0));
}

#[tokio::test]
async fn what_is_answered_is_never_given_up() {
    let dir = tempfile::tempdir().unwrap();
    let mut config = small(&dir, WhenFull::GiveUpOldest);
    config.give_up_after = Some(DAY);
    let store = open(&config);
    for n in 1..=3 {
        accept(&store, n, 1, 10).await;
        store.answer(id(n), 1, vec![7], 20).await.unwrap();
    }
    assert_eq!(accept(&store, 4, 1, 30).await, Acceptance::Full);
    store.tidy(100 * DAY).await.unwrap();
    assert_eq!(store.due(due(Kind::HandOver, 9), 40).await.unwrap().len(), 3);
}

#[tokio::test]
async fn what_waits_longer_than_allowed_is_given_up_and_counted() {
    let dir = tempfile::tempdir().unwrap();
    let mut config = config(&dir);
    config.give_up_after = Some(2 * DAY);
    let store = open(&config);
    for n in 1..=3 {
        accept(&store, n, n as u16, u64::from(n) * DAY).await;
    }
    store.tidy(3 * DAY).await.unwrap();
    assert_eq!(stages(&store).await, [Stage::Accepted; 3], "two days are allowed");
    store.tidy(4 * DAY + 1).await.unwrap();
    assert_eq!(stages(&store).await, [Stage::Settled, Stage::Settled, Stage::Accepted]);
    assert_eq!(store.status().await.unwrap().given_up, GivenUp { too_old: 2, ..GivenUp::default() });
}

#[tokio::test]
async fn what_a_person_discards_is_wiped_and_counted_and_nothing_else_can_be_discarded() {
    let dir = tempfile::tempdir().unwrap();
    let config = small(&dir, WhenFull::Refuse);
    let store = full(&config).await;
    let waits = Step::Already(Stage::Accepted);
    assert_eq!(store.discard(id(1), "no-patient", 30).await.unwrap(), waits, "it was not set aside");
    assert_eq!(store.discard(id(9), "no-patient", 30).await.unwrap(), Step::Unknown);
    assert_eq!(store.status().await.unwrap().given_up, GivenUp::default());

    assert_eq!(store.discard(id(2), "no-patient 太郎", 31).await.unwrap(), Step::Done);
    assert_eq!(store.discard(id(2), "no-patient", 32).await.unwrap(), Step::Already(Stage::Settled), "once");
    assert_eq!(store.status().await.unwrap().given_up, GivenUp { discarded: 1, ..GivenUp::default() });
    let header = store.look_up(id(2)).await.unwrap().unwrap();
    assert_eq!(header.set_aside, Some((Reason::Discarded, "no-patient".to_owned())), "ASCII only");
    let sealed = store.sealed(id(2)).await.unwrap().unwrap();
    assert_eq!((sealed.request, sealed.answer, header.bytes), (None, None, 0), "it is wiped");
    assert_eq!(accept(&store, 4, 1, 33).await, Acceptance::New, "there is room for another one");

    // It comes back by no way, and after a restart it is still known.
    assert_eq!(store.put_back(id(2), 34).await.unwrap(), Step::Already(Stage::Settled));
    store.close().await;
    let store = open(&config);
    assert_eq!(stages(&store).await, [Stage::Accepted, Stage::Settled, Stage::Accepted]);
    assert_eq!(accept(&store, 2, 2, 35).await, Acceptance::Already(Stage::Settled));
}

#[tokio::test]
async fn what_the_centre_answered_is_still_known_of_a_record_that_was_discarded() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(&config(&dir));
    accept(&store, 1, 1, 10).await;
    store.answer(id(1), 3, vec![7], 20).await.unwrap();
    store.set_aside(id(1), Reason::Undeliverable, "unwritable", 30).await.unwrap();
    assert_eq!(store.discard(id(1), "confirmed-otherwise", 40).await.unwrap(), Step::Done);
    assert_eq!(store.look_up(id(1)).await.unwrap().unwrap().outcome, Some(3));
}
