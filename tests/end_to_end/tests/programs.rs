//! The gateway's own programs are killed, stopped, started twice or made to fail: visits end well or their
//! patients are told, and nothing that was accepted is lost or doubled.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a failed step is a failed test")]

use madoguchi_end_to_end::{
    House, Neighbour, Options,
    process::{children, kill, runs},
    visits::{self, PIN, Way},
};
use madoguchi_protocol::{
    fault::FaultCode,
    texts::{Language, text},
};
use serde_json::json;
use std::{
    fs,
    time::{Duration, Instant},
};

async fn house() -> House {
    House::open(Options::default()).await
}

/// The broker that the gateway keeps.
fn broker(house: &mut House) -> u32 {
    let children = children(house.gateway().id());
    let broker = children.iter().find(|(_, name)| name == "mosquitto");
    broker.unwrap_or_else(|| panic!("the gateway has no broker among {children:?}")).0
}

/// Both lanes serve a patient as on any other day.
async fn both_lanes_serve(house: &House, first_card: u16) {
    for number in [1, 2] {
        visits::serve_straight(&house.lane(number), &format!("android#{}", first_card + number)).await;
    }
}

#[tokio::test]
async fn killed_broker_comes_back_by_itself() {
    let mut house = house().await;
    let (one, two) = (house.lane(1), house.lane(2));
    // One patient is about to consent, the other to hold the phone, with a PIN held for it.
    visits::present(&one, Way::Iphone, "iphone").await;
    one.wait(&["consent"]).await;
    visits::to_android_pin(&two).await;
    two.pin(PIN).await;
    two.wait(&["hold_medium"]).await;

    // Without its configuration it can't come back before everybody has seen that it is away.
    let configuration = house.directory().join("state/broker/mosquitto.conf");
    let aside = configuration.with_extension("aside");
    fs::rename(&configuration, &aside).expect("renamed");
    let killed = broker(&mut house);
    kill(killed);
    house.raised("gateway", FaultCode::BrokerLost).await;
    one.touch("agree_all").await;
    one.wait(&["confirming"]).await;
    fs::rename(&aside, &configuration).expect("renamed back");

    house.cleared("gateway").await;
    assert_ne!(broker(&mut house), killed);
    let last = one.wait(&["done", "deferred"]).await;
    assert!(last.offers("finish"), "{:?}", last.all);
    visits::leave(&one).await;
    two.hold("android").await;
    assert_eq!(visits::consent(&two).await.kind, "done");
    visits::leave(&two).await;
    house.settled(2).await;

    // Once more, between two patients, and nobody helps.
    kill(broker(&mut house));
    both_lanes_serve(&house, 10).await;
    house.settled(4).await;
}

#[tokio::test]
async fn killed_madoguchi_loses_nothing_accepted() {
    let mut house = house().await;
    let (one, two) = (house.lane(1), house.lane(2));
    house.line_down().await;
    for (lane, way, card) in [
        (&one, Way::Android, "android#1"),
        (&two, Way::CardByFace, "my_number_card#2"),
        (&one, Way::Iphone, "iphone#3"),
    ] {
        assert_eq!(visits::serve(lane, way, card).await.kind, "deferred");
    }
    let broker = broker(&mut house);
    house.kill_gateway();
    house.until("the broker ends with the gateway", async |_| !runs(broker)).await;

    // The line is back before the gateway; its centre takes confirmations and answers none.
    house.centre_well().await;
    house.centre_fault(json!({ "fault": { "kind": "hang" }, "path": "/v1/confirmations" })).await;
    house.start_gateway();
    house.ready().await;
    visits::present(&one, Way::Android, "android#4").await;
    let asked = one.answer("consent", "agree_all").await;
    // Shown a second time when the queue has accepted.
    let confirming = one.wait_after(asked.sequence, &["confirming"], 20_000).await;
    one.wait_after(confirming.sequence, &["confirming"], 20_000).await;
    visits::to_android_pin(&two).await;
    house.kill_gateway();

    house.start_gateway();
    for lane in [&one, &two] {
        lane.wait(&["interrupted"]).await;
        lane.touch("finish").await;
        lane.take_away().await;
    }
    house.centre_well().await;
    house.ready().await;
    house.settled(4).await;
    both_lanes_serve(&house, 10).await;
    house.settled(6).await;
}

#[tokio::test]
async fn visit_in_progress_is_told_when_the_gateway_stops() {
    let mut house = house().await;
    let (one, two) = (house.lane(1), house.lane(2));
    let pad = visits::to_android_pin(&one).await;
    let idle = two.screen().await;
    let children = children(house.gateway().id());
    assert!(!children.is_empty(), "the gateway keeps a broker");

    let took = house.stop_gateway();
    assert!(took < Duration::from_secs(5), "it took {took:?}");
    let told = text(Language::Ja, &format!("fault-{}-patient", FaultCode::Interrupted.name()), &[]);
    for (lane, since, interrupted) in [(&one, pad.sequence, true), (&two, idle.sequence, false)] {
        let last = lane.screens(since).await.pop().expect("a last screen");
        assert_eq!(last.kind, "out_of_service");
        assert_eq!(last.words().contains(&told), interrupted, "{}", last.words());
    }
    for (id, name) in children {
        assert!(!runs(id), "{name} still runs");
    }

    house.start_gateway();
    house.ready().await;
    both_lanes_serve(&house, 1).await;
    house.settled(2).await;
}

#[tokio::test]
async fn second_gateway_is_refused_and_the_first_goes_on() {
    let mut house = house().await;
    let neighbours = [Neighbour::of(house.lane(1)).await, Neighbour::of(house.lane(2)).await];
    let broker_before = broker(&mut house);
    let asked = Instant::now();
    let second = house.madoguchi(&["run"]).output().expect("it runs and ends");
    assert!(asked.elapsed() < Duration::from_secs(20));
    assert!(!second.status.success());
    let said = String::from_utf8_lossy(&second.stderr);
    assert!(said.contains("another gateway runs"), "{said}");
    assert_eq!(broker(&mut house), broker_before);
    for mut neighbour in neighbours {
        neighbour.noticed_nothing().await;
        neighbour.serves("android").await;
    }
    house.settled(2).await;
}

#[tokio::test]
async fn actor_that_keeps_failing_is_seen_to_have_given_up() {
    let mut house = House::hospital(Options::default()).await;
    // A file where the audit log's folder should be: it fails at each start.
    let state = house.directory().join("state");
    fs::create_dir_all(&state).expect("a folder");
    fs::write(state.join("audit"), "not a folder").expect("a file");
    house.start_gateway();
    house.ready().await;
    assert_eq!(visits::serve(&house.lane(1), Way::Android, "android").await.kind, "done");

    let limit = Duration::from_secs(60);
    house
        .until_within(limit, "the audit log is given up", async |house| {
            let (standing, restarts) = house.standing("audit_log").await;
            standing == "gave_up" && restarts >= 5
        })
        .await;
    house.raised("gateway", FaultCode::ActorGaveUp).await;
    let metric = "madoguchi_actor_gave_up{actor=\"audit_log\",lane=\"\"} 1";
    house.until("the metrics say so, too", async |house| house.metrics().await.contains(metric)).await;
    let words = text(Language::Ja, "page-actor-gave-up", &[]);
    assert!(house.page("").await.contains(&words), "the page says which part it is");
    // The others work.
    both_lanes_serve(&house, 1).await;
    house.settled(3).await;

    // Repaired, it comes back by itself at the next slow try.
    fs::remove_file(state.join("audit")).expect("removed");
    house
        .until_within(Duration::from_secs(80), "the audit log runs again", async |house| {
            house.standing("audit_log").await.0 == "running"
                && house.states().await["audit_log"]["condition"] == "running"
        })
        .await;
    house.cleared("gateway").await;
    both_lanes_serve(&house, 3).await;
    house
        .until("the audit log is written", async |house| {
            house.states().await["audit_log"]["detail"]["audit_log"]["entries"].as_u64() > Some(0)
        })
        .await;
    house.settled(5).await;
}
