//! kill -9 of the whole gateway at random moments under load: nothing accepted is lost, nothing takes effect twice.
//!
//! `MADOGUCHI_KILLS` sets how often (`make soak`: 200).

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a failed step is a failed test")]

use madoguchi_end_to_end::{
    House, Options,
    visits::{self, Way},
};
use serde_json::Value;
use std::{collections::BTreeSet, fs::File, io::Read as _, time::Duration};
use tokio::task::JoinSet;

const LANES: u16 = 4;
const USUAL_KILLS: u32 = 2;

/// So many people live around the hospital for each lane; they come again.
const PEOPLE: u16 = 10;

/// One patient after the other, for as long as the gateway lives.
async fn patients(lane: madoguchi_end_to_end::Lane) {
    for patient in (0..PEOPLE).cycle() {
        let way = Way::ALL[usize::from(patient + lane.number) % Way::ALL.len()];
        let card = format!("{}#{}", way.kind(), lane.number * PEOPLE + patient);
        visits::serve(&lane, way, &card).await;
    }
}

/// Everything that the queue of a killed gateway holds and knows.
fn accepted(house: &House) -> BTreeSet<String> {
    let output = house.madoguchi(&["queue", "list", "--all", "--json"]).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    let records: Vec<Value> = serde_json::from_slice(&output.stdout).unwrap();
    assert!(records.iter().all(|record| record["stage"] != "set-aside"), "{records:#?}");
    records.iter().map(|record| record["id"].as_str().unwrap().to_owned()).collect()
}

/// Patients who were told that their confirmation is done or will be.
async fn told(house: &House) -> usize {
    let mut told = 0;
    for number in 1..=LANES {
        let mut already = false;
        for screen in house.lane(number).screens(0).await {
            match screen.kind.as_str() {
                "done" | "deferred" if !already => {
                    told += 1;
                    already = true;
                }
                "idle" => already = false,
                _ => {}
            }
        }
    }
    told
}

#[tokio::test]
async fn kills_of_the_whole_gateway_lose_and_double_nothing() {
    let kills = std::env::var("MADOGUCHI_KILLS").map_or(USUAL_KILLS, |text| text.parse().unwrap());
    let mut house = House::open(Options { lanes: LANES, ..Options::default() }).await;
    let mut ever_accepted = BTreeSet::new();
    for round in 1..=kills {
        // Every other time with the line down, so that there is a backlog when it is killed.
        if round % 2 == 0 {
            house.line_down().await;
        }
        let mut serving = JoinSet::new();
        for number in 1..=LANES {
            serving.spawn(patients(house.lane(number)));
        }
        // The moment of the kill: that is what is random here.
        tokio::time::sleep(Duration::from_millis(1_500 + u64::from(random_byte()) * 10)).await;
        // Patients come for ever: one who ended did not find what a patient finds.
        if let Some(ended) = serving.try_join_next() {
            ended.expect("patients are served until the kill");
        }
        house.kill_gateway();
        serving.shutdown().await;
        ever_accepted.extend(accepted(&house));
        house.centre_well().await;
        for number in 1..=LANES {
            house.lane(number).take_away().await;
            house.lane(number).eject().await;
        }
        house.start_gateway();
        house.ready().await;
    }
    house
        .until_within(Duration::from_secs(60), "the queue is empty", async |house| {
            let queue = &house.states().await["offline_queue"]["detail"]["offline_queue"];
            queue["waiting"] == 0 && queue["oldest"].is_null()
        })
        .await;
    let effects = house.effects().await;
    let confirmed: BTreeSet<String> =
        effects.iter().map(|effect| effect["request_id"].as_str().unwrap().to_owned()).collect();
    let lost: Vec<_> = ever_accepted.difference(&confirmed).collect();
    println!("{kills} kills, {} accepted, {} at the centre", ever_accepted.len(), effects.len());
    assert!(lost.is_empty(), "accepted and lost: {lost:?}");
    assert!(effects.iter().all(|effect| effect["commits"] == 1), "doubled: {effects:#?}");
    assert_eq!(effects.len(), confirmed.len());
    assert!(confirmed.len() >= kills as usize, "hardly anybody was served: {}", confirmed.len());
    let told = told(&house).await;
    assert!(told <= confirmed.len(), "{told} patients were told so, {} were confirmed", confirmed.len());
    // Each result stands in the receipt computer's folder once.
    let files = house.receipts().await.iter().filter(|file| file["folder"] == "Face").count();
    assert_eq!(files, confirmed.len());
}

/// Random enough for a moment: the kernel's own numbers.
fn random_byte() -> u8 {
    let mut byte = [0];
    File::open("/dev/urandom").unwrap().read_exact(&mut byte).unwrap();
    byte[0]
}
