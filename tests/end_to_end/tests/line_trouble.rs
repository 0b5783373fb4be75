//! What else befalls lines, with real strongSwan between network namespaces (`make line-test`): one-way loss, a slow line,
//! small packets only, keys changed under load, a gateway that restarts, certificates that are wrong on either side or are
//! changed under load, a clock that is off. ESP runs in userspace here (kernel-libipsec). The times are printed.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a failed step is a failed test")]

use madoguchi_end_to_end::{
    line::{GATEWAYS, Line, Serving, World, inside},
    visits::{self, Way},
};
use madoguchi_simulator::pki::tls::{TlsAuthority, Validity};
use std::time::{Duration, Instant, SystemTime};

const LIMIT: Duration = Duration::from_secs(60);
const DAY: Duration = Duration::from_secs(86_400);

/// Everything, and the gateway ready, with both lines well.
async fn open(lanes: u16) -> World {
    let mut world = World::open(lanes, |config| config).await;
    world.start().await;
    world
}

async fn one_visit(world: &World, number: u32) -> String {
    visits::serve(&world.house.lane(1), Way::CardByFace, &format!("my_number_card#{number}")).await.kind
}

#[tokio::test(flavor = "multi_thread")]
async fn one_way_loss_is_noticed_and_costs_no_visit() {
    if !inside("one_way_loss_is_noticed_and_costs_no_visit") {
        return;
    }
    let world = open(1).await;
    let serving = Serving::start(&world.house, 1);
    serving.until(1).await;
    world.cut_return(Line::Primary);
    println!("one-way loss: left after {:?}", world.until_used(Line::Second, LIMIT).await);
    serving.until_confirmed(serving.confirmed() + 1).await;
    let served = serving.stop().await;
    assert_eq!(served.deferred, 0, "{served:?}");
    world.house.settled(served.all).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn slow_line_with_small_packets_only_still_serves() {
    if !inside("slow_line_with_small_packets_only_still_serves") {
        return;
    }
    let world = open(1).await;
    let lane = world.house.lane(1);
    let visit = async |what: &str, number: u32| {
        visits::present(&lane, Way::CardByFace, &format!("my_number_card#{number}")).await;
        let asked = Instant::now();
        let last = visits::consent(&lane).await;
        println!("{what}: verdict, consent and confirmation took {:?}", asked.elapsed());
        assert_eq!(last.kind, "done", "{what}: {}", last.words());
        visits::leave(&lane).await;
    };
    visit("a sound line", 1).await;
    for line in Line::BOTH {
        world.shrink(line, 1_280);
    }
    visit("1280 bytes at most", 2).await;
    world.relay.delay(Duration::from_millis(60));
    visit("1280 bytes at most, 120 ms later than sent", 3).await;
    world.house.settled(3).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_and_certificates_of_the_tunnels_are_changed_under_load() {
    if !inside("keys_and_certificates_of_the_tunnels_are_changed_under_load") {
        return;
    }
    let world = open(2).await;
    let serving = Serving::start(&world.house, 2);
    serving.until(1).await;
    for name in ["madoguchi-primary", "madoguchi-second"] {
        world.near.swanctl(&["--rekey", "--ike", name]);
        world.near.swanctl(&["--rekey", "--child", "centre", "--ike", name]);
        serving.until_confirmed(serving.confirmed() + 2).await;
    }
    // A new certificate for the box: both tunnels are built anew with it, one after the other.
    world.papers.box_certificate(Validity::days(300));
    let asked = Instant::now();
    world
        .house
        .until_within(LIMIT, "both tunnels are built anew", async |_| {
            world.near.log().matches("established between").count() >= 4
        })
        .await;
    println!("changed certificate: both tunnels built anew after {:?}", asked.elapsed());
    serving.until_confirmed(serving.confirmed() + 2).await;
    let served = serving.stop().await;
    assert_eq!(served.deferred, 0, "{served:?}");
    world.house.settled(served.all).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn gateway_that_restarts_is_found_again() {
    if !inside("gateway_that_restarts_is_found_again") {
        return;
    }
    let mut world = open(1).await;
    world.far.kill();
    world
        .house
        .until_within(LIMIT, "the line is down", async |house| {
            house.faults("uplink").await.contains(&"line-down".to_owned())
        })
        .await;
    world.far.start();
    world.far.load_gateways(&world.papers, None);
    // From here on it could be used.
    let back = Instant::now();
    world
        .house
        .until_within(LIMIT, "the line is back", async |house| {
            !house.faults("uplink").await.contains(&"line-down".to_owned())
        })
        .await;
    println!("the centre's gateway restarted: used again after {:?}", back.elapsed());
    assert_eq!(one_visit(&world, 1).await, "done");
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_certificates_on_either_side_are_refused_and_the_other_line_serves() {
    if !inside("wrong_certificates_on_either_side_are_refused_and_the_other_line_serves") {
        return;
    }
    let mut world = World::open(1, |config| config).await;
    // The primary's gateway with a certificate that is over.
    world.papers.gateway_certificate(GATEWAYS[0], Validity::expired());
    world.far.load_gateways(&world.papers, None);
    world.house.start_gateway();
    world.until_used(Line::Second, LIMIT).await;
    assert_eq!(one_visit(&world, 1).await, "done");
    // Of an authority that the box does not know.
    let strangers = TlsAuthority::new("strangers").unwrap();
    let stranger = strangers.server(&[GATEWAYS[0]], Validity::days(30)).unwrap();
    stranger.write(&world.papers.folder, GATEWAYS[0]).unwrap();
    world.far.load_gateways(&world.papers, None);
    assert_eq!(one_visit(&world, 2).await, "done");
    let report = world.report().await;
    assert_ne!(report["report"]["ways"][0]["stage"], "centre_reachable", "{report:#}");
    // Well again.
    world.papers.gateway_certificate(GATEWAYS[0], Validity::days(30));
    world.far.load_gateways(&world.papers, None);
    println!(
        "a sound certificate again: primary used after {:?}",
        world.until_used(Line::Primary, LIMIT).await
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn box_whose_certificate_is_revoked_gets_no_tunnel_and_the_check_says_so() {
    if !inside("box_whose_certificate_is_revoked_gets_no_tunnel_and_the_check_says_so") {
        return;
    }
    let mut world = World::open(1, |config| config).await;
    let revoked = world.papers.box_certificate(Validity::days(30));
    let list = world.papers.boxes.revoke(&[&revoked], SystemTime::now() + DAY).unwrap();
    world.far.load_gateways(&world.papers, Some(&list));
    world.house.start_gateway();
    world
        .house
        .until_within(LIMIT, "the line is down", async |house| {
            house.faults("uplink").await.contains(&"line-down".to_owned())
        })
        .await;
    let broken = world.broken(&[]);
    assert!(broken.iter().any(|it| it.contains("first broken step: the tunnel")), "{broken:#?}");
    // Another certificate, not revoked.
    world.papers.box_certificate(Validity::days(30));
    println!("not revoked any more: used after {:?}", world.until_used(Line::Primary, LIMIT).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn pulled_cable_and_wrong_clock_are_named_by_the_check() {
    if !inside("pulled_cable_and_wrong_clock_are_named_by_the_check") {
        return;
    }
    let appliance = "\n[appliance.line]\ninterface = \"line-a\"\n";
    let mut world = World::open(1, |config| config + appliance).await;
    world.start().await;
    assert_eq!(world.broken(&[]), Vec::<String>::new());
    let three_days_back = [
        ("LD_PRELOAD", "/usr/$LIB/faketime/libfaketime.so.1"),
        ("FAKETIME", "-3d"),
        ("FAKETIME_DONT_FAKE_MONOTONIC", "1"),
    ];
    let off = world.broken(&three_days_back);
    assert!(off.iter().any(|it| it.contains("first broken step: a certificate")), "{off:#?}");
    world.unplug(Line::Primary);
    println!("pulled cable: left after {:?}", world.until_used(Line::Second, LIMIT).await);
    let pulled = world.broken(&[]);
    assert!(pulled.iter().any(|it| it.contains("primary: the first broken step: the cable")), "{pulled:#?}");
}
