//! What the store promises, one claim a test.
#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

mod common;

use common::{config, due, id, open};
use madoguchi_offline_queue::store::{
    Acceptance, FORMAT, Kind, Level, Quota, Reason, Stage, Step, Store, StoreError,
};

#[tokio::test]
async fn an_accepted_record_goes_its_way_and_is_wiped_when_settled() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(&config(&dir));
    assert_eq!(store.accept(id(1), 3, b"request".to_vec(), 100).await.unwrap(), Acceptance::New);
    let work = store.due(due(Kind::Ask, 8), 100).await.unwrap();
    assert_eq!(work[0].request, b"request");
    assert_eq!((work[0].header.lane, work[0].header.accepted_at), (3, 100));

    assert_eq!(store.answer(id(1), 7, b"answer".to_vec(), 200).await.unwrap(), Step::Done);
    assert!(store.due(due(Kind::Ask, 8), 200).await.unwrap().is_empty());
    assert_eq!(
        store.due(due(Kind::HandOver, 8), 200).await.unwrap()[0].answer.as_deref(),
        Some(&b"answer"[..])
    );

    assert_eq!(store.deliver(id(1), 300).await.unwrap(), Step::Done);
    assert_eq!(store.settle(id(1), 400).await.unwrap(), Step::Done);
    assert_eq!(store.read(id(1)).await.unwrap(), None);
    let header = store.look_up(id(1)).await.unwrap().unwrap();
    assert_eq!((header.stage, header.outcome, header.bytes), (Stage::Settled, Some(7), 0));
    let status = store.status().await.unwrap();
    assert_eq!((status.waiting, status.answered, status.bytes, status.oldest), (0, 0, 0, None));
}

#[tokio::test]
async fn a_repeated_accept_takes_no_effect_not_even_weeks_after_it_was_settled() {
    let dir = tempfile::tempdir().unwrap();
    let config = config(&dir);
    let store = open(&config);
    let again = async |store: &Store, at| store.accept(id(1), 1, b"r".to_vec(), at).await.unwrap();
    assert_eq!(again(&store, 0).await, Acceptance::New);
    assert_eq!(again(&store, 1).await, Acceptance::Already(Stage::Accepted));
    store.answer(id(1), 0, vec![], 2).await.unwrap();
    assert_eq!(store.answer(id(1), 9, vec![1], 3).await.unwrap(), Step::Already(Stage::Answered));
    store.deliver(id(1), 2).await.unwrap();
    store.settle(id(1), 2).await.unwrap();
    assert_eq!(again(&store, 3).await, Acceptance::Already(Stage::Settled));

    // Out of the database and into the long memory, across a restart.
    let later = config.settled_here + 10;
    assert!(!store.tidy(later).await.unwrap());
    assert!(store.list(0, 10).await.unwrap().is_empty());
    store.close().await;
    let store = open(&config);
    assert_eq!(again(&store, later).await, Acceptance::Already(Stage::Settled));
    assert_eq!(store.look_up(id(1)).await.unwrap().unwrap().outcome, Some(0));
    assert_eq!(store.settle(id(1), later).await.unwrap(), Step::Already(Stage::Settled));

    // And forgotten after its time.
    store.tidy(config.settled_known + 10).await.unwrap();
    assert_eq!(store.look_up(id(1)).await.unwrap(), None);
}

#[tokio::test]
async fn steps_on_a_record_that_nobody_knows_change_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(&config(&dir));
    assert_eq!(store.answer(id(1), 0, vec![], 0).await.unwrap(), Step::Unknown);
    assert_eq!(store.deliver(id(1), 0).await.unwrap(), Step::Unknown);
    assert_eq!(store.settle(id(1), 0).await.unwrap(), Step::Unknown);
    assert_eq!(store.put_back(id(1), 0).await.unwrap(), Step::Unknown);
    assert!(store.list(0, 10).await.unwrap().is_empty());
}

#[tokio::test]
async fn lanes_take_turns_and_each_goes_oldest_first() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(&config(&dir));
    for n in 0..6 {
        store.accept(id(n), 1, vec![], u64::from(n)).await.unwrap();
    }
    store.accept(id(10), 2, vec![], 6).await.unwrap();
    store.accept(id(11), 2, vec![], 7).await.unwrap();
    let ask = due(Kind::Ask, 5);
    let order =
        async |due| store.due(due, 0).await.unwrap().iter().map(|work| work.header.id).collect::<Vec<_>>();
    assert_eq!(order(ask.clone()).await, [id(0), id(10), id(1), id(11), id(2)]);
    let mut after = ask.clone();
    after.after_lane = 1;
    assert_eq!(order(after).await[0], id(10));
    let mut busy = ask.clone();
    busy.in_hand = vec![(1, id(0)), (2, id(10))];
    busy.per_lane = 2;
    assert_eq!(order(busy.clone()).await, [id(1), id(11)]);
    busy.in_hand = Vec::new();
    busy.waiting = vec![(1, id(0)), (1, id(1)), (1, id(2)), (2, id(10))];
    assert_eq!(order(busy.clone()).await, [id(3), id(11), id(4)], "those that wait take nobody's place");
    busy.live_only = true;
    assert!(order(busy).await.is_empty(), "nothing of this is live");
}

#[tokio::test]
async fn a_live_visit_goes_before_a_long_backlog_even_of_its_own_lane() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(&config(&dir));
    for n in 0..50 {
        store.accept(id(n), 1, vec![], 10).await.unwrap();
    }
    store.accept(id(100), 1, vec![], 1000).await.unwrap();
    store.accept(id(101), 1, vec![], 1001).await.unwrap();
    let mut ask = due(Kind::Ask, 3);
    ask.live_since = 900;
    let order: Vec<_> = store.due(ask, 0).await.unwrap().iter().map(|work| work.header.id).collect();
    assert_eq!(order, [id(100), id(101), id(0)]);
}

#[tokio::test]
async fn what_is_set_aside_waits_for_a_person_and_keeps_its_contents() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(&config(&dir));
    store.accept(id(1), 1, b"r".to_vec(), 0).await.unwrap();
    store.set_aside(id(1), Reason::Refused, "HTTP-400 name 太郎", 5).await.unwrap();
    assert!(store.due(due(Kind::Ask, 8), 5).await.unwrap().is_empty());
    let header = store.look_up(id(1)).await.unwrap().unwrap();
    assert_eq!(header.set_aside, Some((Reason::Refused, "HTTP-400name".to_owned())), "ASCII only");
    assert_eq!(store.read(id(1)).await.unwrap().unwrap().request, b"r");
    assert_eq!(store.accept(id(1), 1, vec![], 6).await.unwrap(), Acceptance::Already(Stage::SetAside));

    store.put_back(id(1), 7).await.unwrap();
    assert_eq!(store.due(due(Kind::Ask, 8), 7).await.unwrap().len(), 1);
    store.answer(id(1), 0, vec![2], 8).await.unwrap();
    store.set_aside(id(1), Reason::Undeliverable, "", 9).await.unwrap();
    store.put_back(id(1), 10).await.unwrap();
    assert_eq!(store.look_up(id(1)).await.unwrap().unwrap().stage, Stage::Answered, "not asked twice");
    store.set_aside(id(1), Reason::Undeliverable, "", 11).await.unwrap();
    let aside = Step::Already(Stage::SetAside);
    assert_eq!(store.settle(id(1), 12).await.unwrap(), aside, "only a person ends it, and says why");
}

#[tokio::test]
async fn at_the_quota_nothing_new_is_accepted_and_everything_else_goes_on() {
    let dir = tempfile::tempdir().unwrap();
    let mut config = config(&dir);
    config.quota = Quota { records: 10, ..config.quota };
    let store = open(&config);
    for n in 0..10 {
        assert_eq!(store.accept(id(n), 1, vec![], 0).await.unwrap(), Acceptance::New);
    }
    assert_eq!(store.status().await.unwrap().level, Level::Full);
    assert_eq!(store.accept(id(10), 1, vec![], 0).await.unwrap(), Acceptance::Full);
    assert_eq!(store.accept(id(9), 1, vec![], 0).await.unwrap(), Acceptance::Already(Stage::Accepted));
    store.answer(id(0), 0, vec![], 0).await.unwrap();
    store.deliver(id(0), 0).await.unwrap();
    store.settle(id(0), 0).await.unwrap();
    assert_eq!(store.status().await.unwrap().level, Level::Critical);
    assert_eq!(store.accept(id(10), 1, vec![], 0).await.unwrap(), Acceptance::New);
}

#[tokio::test]
async fn an_oversized_request_is_refused_with_its_size() {
    let dir = tempfile::tempdir().unwrap();
    let config = config(&dir);
    let store = open(&config);
    let error = store.accept(id(1), 1, vec![0; config.largest_part + 1], 0).await.unwrap_err();
    assert!(matches!(error, StoreError::TooLarge { size: 65537, limit: 65536 }));
    assert_eq!(store.accept(id(1), 1, vec![0; config.largest_part], 0).await.unwrap(), Acceptance::New);
}

#[tokio::test]
async fn a_wrong_key_is_a_clear_error_and_destroys_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let config = config(&dir);
    let store = open(&config);
    store.accept(id(1), 1, b"r".to_vec(), 0).await.unwrap();
    store.close().await;
    let right = std::fs::read(&config.key_file).unwrap();

    std::fs::write(&config.key_file, "ab".repeat(32)).unwrap();
    let error = Store::open(&config).err().unwrap();
    assert!(matches!(error, StoreError::WrongKey { .. }), "{error}");
    assert!(error.to_string().contains("put that key back"), "{error}");
    std::fs::remove_file(&config.key_file).unwrap();
    assert!(matches!(Store::open(&config), Err(StoreError::KeyMissing(_))));

    // A rotated key file opens the old and seals the new.
    let rotated = format!("{}\n{}", "ab".repeat(32), String::from_utf8(right.clone()).unwrap());
    common::write_key(&config.key_file, &rotated);
    let store = open(&config);
    assert_eq!(store.read(id(1)).await.unwrap().unwrap().request, b"r");
    store.accept(id(2), 1, b"s".to_vec(), 0).await.unwrap();
    store.close().await;
    common::write_key(&config.key_file, std::str::from_utf8(&right).unwrap());
    assert!(matches!(Store::open(&config), Err(StoreError::WrongKey { .. })), "the new key is needed now");
}

#[tokio::test]
async fn a_key_that_nothing_needs_any_more_may_be_taken_away() {
    let dir = tempfile::tempdir().unwrap();
    let config = config(&dir);
    let store = open(&config);
    store.accept(id(1), 1, b"r".to_vec(), 0).await.unwrap();
    store.set_aside(id(1), Reason::Refused, "", 0).await.unwrap();
    store.discard(id(1), "", 0).await.unwrap();
    store.close().await;
    common::write_key(&config.key_file, &"ab".repeat(32));
    open(&config).close().await;
}

#[tokio::test]
async fn a_torn_record_costs_only_itself() {
    let dir = tempfile::tempdir().unwrap();
    let config = config(&dir);
    let store = open(&config);
    for n in 0..40 {
        store.accept(id(n), 1, format!("request {n}").into_bytes(), 0).await.unwrap();
    }
    store.close().await;
    common::flip_a_sealed_byte(&config, id(17));

    let store = open(&config);
    let mut ask = due(Kind::Ask, 100);
    ask.per_lane = 100;
    let work = store.due(ask, 5).await.unwrap();
    let expected: Vec<_> = (0..40).filter(|n| *n != 17).map(id).collect();
    assert_eq!(work.iter().map(|work| work.header.id).collect::<Vec<_>>(), expected);
    let torn = store.look_up(id(17)).await.unwrap().unwrap();
    assert_eq!(torn.set_aside.unwrap().0, Reason::Damaged);
    assert!(matches!(store.read(id(17)).await, Err(StoreError::Seal)));
    assert_eq!(store.status().await.unwrap().set_aside, 1);
}

#[tokio::test]
async fn a_second_process_is_told_that_the_store_is_in_use() {
    let dir = tempfile::tempdir().unwrap();
    let config = config(&dir);
    let store = open(&config);
    assert!(matches!(Store::open(&config), Err(StoreError::InUse)));
    store.close().await;
    open(&config).close().await;
}

#[tokio::test]
async fn a_newer_format_is_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    let config = config(&dir);
    open(&config).close().await;
    let db = rusqlite::Connection::open(config.directory.join("queue.db")).unwrap();
    db.execute_batch("PRAGMA user_version = 99").unwrap();
    drop(db);
    assert!(matches!(Store::open(&config), Err(StoreError::NewerFormat { found: 99, known: FORMAT })));
}

#[tokio::test]
async fn no_file_of_the_store_shows_what_was_accepted_or_is_open_to_others() {
    use std::os::unix::fs::PermissionsExt;
    let dir = tempfile::tempdir().unwrap();
    let config = config(&dir);
    let store = open(&config);
    store.accept(id(1), 1, b"CANARY-PATIENT".to_vec(), 0).await.unwrap();
    store.answer(id(1), 0, b"CANARY-ANSWER".to_vec(), 0).await.unwrap();
    let mut looked_at = 0;
    for file in std::fs::read_dir(&config.directory).unwrap().flatten() {
        if file.file_type().unwrap().is_file() {
            let bytes = std::fs::read(file.path()).unwrap();
            assert!(!bytes.windows(6).any(|window| window == b"CANARY"), "{:?}", file.path());
            looked_at += 1;
        }
    }
    assert!(looked_at >= 2, "database and log");
    assert_eq!(std::fs::metadata(&config.directory).unwrap().permissions().mode() & 0o777, 0o700);
}

#[tokio::test]
async fn many_callers_share_syncs_and_a_single_one_waits_for_no_timer() {
    use std::time::{Duration, Instant};
    let dir = tempfile::tempdir().unwrap();
    let store = open(&config(&dir));
    let mut quickest = Duration::MAX;
    for n in 0..200 {
        let begin = Instant::now();
        store.accept(id(n), 1, vec![0; 2000], 0).await.unwrap();
        quickest = quickest.min(begin.elapsed());
    }
    let before = store.status().await.unwrap().commits;
    // On this runtime's one thread all of them ask before any is answered.
    let callers: Vec<_> = (1_000..1_064)
        .map(|number| {
            let store = store.clone();
            tokio::spawn(async move { store.accept(id(number), 1, vec![0; 2000], 0).await.unwrap() })
        })
        .collect();
    for caller in callers {
        assert_eq!(caller.await.unwrap(), Acceptance::New);
    }
    let commits = store.status().await.unwrap().commits - before;
    println!("alone an accept took {quickest:?} at best; 64 callers' accepts took {commits} commits");
    // How many gather during a sync depends on what else the machine does; that they gather does not.
    assert!(commits < 64, "{commits} commits");
    // A timer that gathers callers would hold up every one of them; a busy machine holds up some.
    assert!(quickest < Duration::from_millis(10), "{quickest:?}");
}
