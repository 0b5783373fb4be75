//! A real Prometheus watches a running gateway: each fault that is caused makes exactly its alert fire, and mended, the
//! alert clears. `make test` takes the quick ones of the table; `make alerts-test` (MADOGUCHI_ALERTS=all) takes all, and
//! faults by name (MADOGUCHI_ALERTS=queue-full,clock-wrong) these.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a failed step is a failed test")]

mod cases;
mod scene;

use cases::{CASES, Case, lasting};
use jiff::Timestamp;
use madoguchi_end_to_end::prometheus::alert;
use scene::Scene;
use std::{
    collections::BTreeSet,
    env,
    time::{Duration, Instant},
};

/// Generous: beside other programs, and an actor is given up after a minute only.
const WITHIN: Duration = Duration::from_secs(120);
/// So long no other alert may join those that were expected: several evaluations.
const HOLDS: Duration = Duration::from_millis(1_500);

fn names(case: &Case) -> BTreeSet<String> {
    let name = alert(case.fault);
    let with = case.with.iter().map(|fault| alert(*fault));
    let own: Vec<_> = match case.lanes {
        [] => vec![name],
        lanes => lanes.iter().map(|lane| format!("{name}@{lane}")).collect(),
    };
    own.into_iter().chain(with).collect()
}

async fn fires_alone_and_clears(scene: &mut Scene, case: &Case) {
    let (name, expected) = (case.fault.name(), names(case));
    let began = Instant::now();
    let mut since = Timestamp::now();
    println!("{name}");
    scene.cause(case.fault).await;
    scene.prometheus.until_firing(name, &expected, WITHIN).await;
    let fired = began.elapsed();
    if case.on_the_way {
        since = Timestamp::now();
    }
    tokio::time::sleep(HOLDS).await;
    let all = scene.prometheus.fired_since(since).await;
    assert_eq!(all, expected, "{name}");
    assert!(!case.affects || scene.prometheus.service_level_burns().await, "{name}: patients were affected");
    let mended = Instant::now();
    scene.mend(case.fault).await;
    scene.prometheus.until_firing(&format!("{name}, mended"), &BTreeSet::new(), WITHIN).await;
    scene.rests().await;
    println!("{name}: fires alone after {fired:.1?}, clears after {:.1?}", mended.elapsed());
}

#[tokio::test(flavor = "multi_thread")]
async fn each_fault_makes_exactly_its_alert_fire_and_clear() {
    let chosen = env::var("MADOGUCHI_ALERTS").unwrap_or_default();
    let is_chosen = |case: &Case| match chosen.as_str() {
        "" => case.quick,
        "all" => true,
        names => names.split(',').any(|name| name == case.fault.name()),
    };
    let mut scene = Scene::open().await;
    scene.prometheus.until_firing("a box that is well", &BTreeSet::new(), WITHIN).await;
    for case in CASES.iter().filter(|case| is_chosen(case)) {
        fires_alone_and_clears(&mut scene, case).await;
    }
    // A box that does not answer is told by Prometheus itself.
    scene.house.kill_gateway();
    let away = BTreeSet::from(["MadoguchiBoxUnreachable".to_owned()]);
    scene.prometheus.until_firing("a box that is away", &away, WITHIN).await;
    scene.house.start_gateway();
    scene.house.ready().await;
    scene.prometheus.until_firing("a box that is back", &BTreeSet::new(), WITHIN).await;
}

#[test]
fn every_lasting_fault_is_caused_in_front_of_prometheus() {
    let caused: BTreeSet<_> = CASES.iter().map(|case| case.fault).collect();
    assert_eq!(caused.len(), CASES.len(), "one is there twice");
    assert_eq!(caused, lasting().collect());
    assert!(CASES.iter().filter(|case| case.quick).count() >= 6);
}
