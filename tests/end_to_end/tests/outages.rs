//! Outages as schedules, with patients at every lane all the while: short and many, long, flapping, asymmetric, slow,
//! committed and then dropped. Everybody is served, and everything takes effect exactly once.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a failed step is a failed test")]

use madoguchi_end_to_end::{
    House, Lane, Options,
    visits::{self, Way},
};
use serde_json::{Value, json};
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use tokio::task::JoinSet;

const LANES: u16 = 2;
const CONFIRMATIONS: &str = "/v1/confirmations";

/// What is wrong, for how many milliseconds, and how long all is well afterwards.
type Schedule = Vec<(Value, u64, u64)>;

fn down() -> Value {
    json!({ "fault": { "kind": "refuse" } })
}

fn only_confirmations(kind: Value) -> Value {
    json!({ "fault": kind, "path": CONFIRMATIONS })
}

/// Serves one patient after the other until it is told to stop; says how many.
async fn serve(lane: Lane, stop: Arc<AtomicBool>) -> usize {
    let mut served = 0;
    while !stop.load(Ordering::Relaxed) {
        let way = Way::ALL[(served + usize::from(lane.number)) % Way::ALL.len()];
        let card = format!("{}#{}", way.kind(), usize::from(lane.number) * 10_000 + served);
        let last = visits::serve(&lane, way, &card).await;
        assert!(["done", "deferred"].contains(&last.kind.as_str()), "lane {}: {}", lane.number, last.words());
        served += 1;
    }
    served
}

async fn nothing_is_lost_or_doubled(schedule: Schedule) {
    let house = House::open(Options { lanes: LANES, ..Options::default() }).await;
    let stop = Arc::new(AtomicBool::new(false));
    let mut serving = JoinSet::new();
    for number in 1..=LANES {
        serving.spawn(serve(house.lane(number), stop.clone()));
    }
    // These pauses are the schedule itself, not a wait for anything.
    for (fault, lasts, well) in schedule {
        house.centre_fault(fault).await;
        tokio::time::sleep(Duration::from_millis(lasts)).await;
        house.centre_well().await;
        tokio::time::sleep(Duration::from_millis(well)).await;
    }
    stop.store(true, Ordering::Relaxed);
    let mut served = 0;
    while let Some(lane) = serving.join_next().await {
        served += lane.unwrap_or_else(|error| panic!("a lane's patients: {error}"));
    }
    // The longest pause between two tries is 30 s.
    house
        .until_within(Duration::from_secs(60), "all are confirmed and handed over", async |house| {
            let files = house.receipts().await.iter().filter(|file| file["folder"] == "Face").count();
            house.effects().await.len() == served && files == served
        })
        .await;
    let effects = house.effects().await;
    let deferred = effects.iter().filter(|effect| effect["deferred"] == true).count();
    println!("{served} served, {deferred} of them deferred");
    assert!(effects.iter().all(|effect| effect["commits"] == 1), "doubled: {effects:#?}");
    assert!(served > usize::from(LANES), "hardly anybody came: {served}");
}

#[tokio::test]
async fn short_outages_and_many() {
    nothing_is_lost_or_doubled((0..20).map(|n| (down(), 50 + n * 13 % 150, 100 + n * 37 % 300)).collect())
        .await;
}

#[tokio::test]
async fn one_long_outage() {
    nothing_is_lost_or_doubled(vec![(down(), 12_000, 1_000)]).await;
}

#[tokio::test]
async fn line_that_flaps_faster_than_it_is_probed() {
    nothing_is_lost_or_doubled((0..6).map(|n| (down(), 400 + n * 300, 300 + n * 100)).collect()).await;
}

#[tokio::test]
async fn asymmetric_line_that_takes_requests_and_gives_no_answers() {
    let silent = only_confirmations(json!({ "kind": "hang" }));
    nothing_is_lost_or_doubled(vec![(silent.clone(), 6_000, 2_000), (silent, 2_000, 500)]).await;
}

#[tokio::test]
async fn slow_line() {
    let slow = |ms| json!({ "fault": { "kind": "slow", "ms": ms }, "path": "/v1/" });
    nothing_is_lost_or_doubled(vec![(slow(1_500), 5_000, 500), (slow(6_000), 8_000, 500)]).await;
}

#[tokio::test]
async fn centre_that_commits_and_drops_the_line() {
    let drops = only_confirmations(json!({ "kind": "drop_after_commit" }));
    nothing_is_lost_or_doubled(vec![(drops.clone(), 4_000, 1_500), (drops, 3_000, 500)]).await;
}
