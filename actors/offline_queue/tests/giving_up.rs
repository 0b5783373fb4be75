//! Nothing is given up by itself; where the configuration wants it, it is counted by reason.
#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

mod common;

use common::{config, due, id, open};
use madoguchi_offline_queue::{
    Settings,
    store::{Acceptance, GivenUp, Kind, Quota, Reason, Stage, Store, StoreConfig, WhenFull},
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
    assert_eq!(store.status().await.unwrap().given_up, GivenUp { too_old: 0, made_room: 1 });
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
    assert_eq!(store.status().await.unwrap().given_up, GivenUp { too_old: 2, made_room: 0 });
}
