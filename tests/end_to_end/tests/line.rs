//! The line's essentials, with real strongSwan between network namespaces: tunnels with certificates come up by
//! themselves, a cut primary costs no visit, what both lines can't carry is deferred and drained, and nothing of a visit
//! leaves the box outside a tunnel. ESP runs in userspace here (kernel-libipsec); `make line-test` goes on from here.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a failed step is a failed test")]

use madoguchi_end_to_end::{
    line::{Line, Serving, World, inside},
    visits::{self, Way},
};
use std::time::{Duration, Instant};

/// Generous: a machine with two cores may be building beside. What is measured is printed.
const LIMIT: Duration = Duration::from_secs(60);

#[tokio::test(flavor = "multi_thread")]
async fn primary_cut_under_load_then_both_and_nothing_of_a_visit_outside_the_tunnels() {
    if !inside("primary_cut_under_load_then_both_and_nothing_of_a_visit_outside_the_tunnels") {
        return;
    }
    let mut world = World::open(2, |config| config).await;
    let captures = world.listen();

    // Tunnels with certificates, by themselves.
    let started = Instant::now();
    world.house.start_gateway();
    for line in Line::BOTH {
        world.until_stage(line, &["centre_reachable"], LIMIT).await;
    }
    println!(
        "both tunnels and the centre behind them, from the gateway's start: {:?} (ESP in userspace)",
        started.elapsed()
    );
    world.house.ready().await;
    assert_eq!(world.report().await["report"]["used"], "primary");
    let last = visits::serve(&world.house.lane(1), Way::CardByFace, "my_number_card#1").await;
    assert_eq!(last.kind, "done", "{}", last.words());

    // The primary is cut under load.
    let serving = Serving::start(&world.house, 2);
    serving.until(2).await;
    world.cut(Line::Primary);
    let cut = Instant::now();
    let known = world.until_used(Line::Second, LIMIT).await;
    let before = serving.confirmed();
    serving.until_confirmed(before + 1).await;
    println!(
        "primary cut under load: known and left after {known:?}, the next visit confirmed after {:?}",
        cut.elapsed()
    );
    assert!(known < Duration::from_secs(5), "changing over took {known:?}");

    // It comes back.
    world.mend(Line::Primary);
    let back = world.until_used(Line::Primary, LIMIT).await;
    println!("primary mended: requests returned to it after {back:?}, settling for 10 s among it");
    let served = serving.stop().await;
    assert_eq!(served.deferred, 0, "the second line was there all the while: {served:?}");

    // Both are cut: deferred, then drained.
    Line::BOTH.into_iter().for_each(|line| world.cut(line));
    let cut = Instant::now();
    world
        .house
        .until_within(LIMIT, "the line is known to be down", async |house| {
            house.faults("uplink").await.contains(&"line-down".to_owned())
        })
        .await;
    println!("both cut: known after {:?}", cut.elapsed());
    let last = visits::serve(&world.house.lane(1), Way::Android, "android#900").await;
    assert_eq!(last.kind, "deferred", "{}", last.words());
    Line::BOTH.into_iter().for_each(|line| world.mend(line));
    let mended = Instant::now();
    world
        .house
        .until_within(LIMIT, "the line is back", async |house| {
            !house.faults("uplink").await.contains(&"line-down".to_owned())
        })
        .await;
    println!("both mended: used after {:?}", mended.elapsed());
    world
        .house
        .until_within(LIMIT, "all is drained", async |house| house.effects().await.len() == served.all + 2)
        .await;
    println!("drained after {:?}", mended.elapsed());
    world.house.settled(served.all + 2).await;

    for (line, capture) in Line::BOTH.into_iter().zip(captures) {
        let packets = capture.only_tunnels(&["/v1/confirmations", "madoguchi-sim-1", "1310000001"]);
        println!("{} packets on the {} line, none outside of its tunnel", packets, line.name());
    }
}
