//! One process for each actor: the same service, and what happens to one process is that duty's alone.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a failed step is a failed test")]

use madoguchi_end_to_end::{
    House, Options,
    process::Process,
    visits::{self, Way},
};
use serde_json::Value;
use std::{collections::BTreeMap, time::Duration};

const LANES: u16 = 2;

/// The gateway as one process for each of its actors.
struct Apart {
    house: House,
    processes: BTreeMap<&'static str, Process>,
}

const ACTORS: [&str; 10] = [
    "pin_session",
    "uplink",
    "offline_queue",
    "receipt_computer",
    "audit_log",
    "face_reader@1",
    "face_reader@2",
    "nfc_reader@1",
    "nfc_reader@2",
    // Last, although it keeps the broker: the order must not matter.
    "gateway",
];

impl Apart {
    async fn open() -> Self {
        let house = House::hospital(Options { lanes: LANES, ..Options::default() }).await;
        let mut apart = Self { house, processes: BTreeMap::new() };
        for actor in ACTORS {
            apart.start(actor);
        }
        apart.house.ready().await;
        apart
    }

    fn start(&mut self, actor: &'static str) {
        let command = self.house.madoguchi(&["run", "--only", actor]);
        let process = Process::start(actor, command, self.house.directory());
        assert!(self.processes.insert(actor, process).is_none(), "{actor} runs already");
    }

    fn kill(&mut self, actor: &str) {
        self.processes.remove(actor).expect("it runs").kill();
    }

    async fn is_lost(&self, actor: &str) {
        self.house
            .until(&format!("{actor} is seen to be lost"), async |house| {
                house.states().await[actor]["condition"] == "lost"
            })
            .await;
    }

    async fn is_back(&self, actor: &str) {
        self.house
            .until(&format!("{actor} is back"), async |house| {
                house.states().await[actor]["condition"] == "running"
            })
            .await;
    }

    async fn serves(&self, lane: u16, way: Way) -> String {
        visits::serve(&self.house.lane(lane), way, &format!("{}#{lane}", way.kind())).await.kind
    }
}

impl Drop for Apart {
    fn drop(&mut self) {
        // Side by side, as systemd would stop them; the broker's keeper last.
        let gateway = self.processes.remove("gateway");
        let rest = std::mem::take(&mut self.processes);
        std::thread::scope(|scope| {
            for process in rest.into_values() {
                scope.spawn(move || drop(process));
            }
        });
        drop(gateway);
    }
}

/// What an actor says of itself, whatever process it is in: its condition and the shape of its detail.
fn shape(states: &Value) -> BTreeMap<String, (Value, Vec<String>)> {
    let keys = |detail: &Value| {
        let inner = detail.as_object().and_then(|all| all.values().next()).and_then(Value::as_object);
        inner.map(|all| all.keys().cloned().collect()).unwrap_or_default()
    };
    let states = states.as_object().expect("states");
    states
        .iter()
        .map(|(who, state)| (who.clone(), (state["condition"].clone(), keys(&state["detail"]))))
        .collect()
}

#[tokio::test]
async fn one_process_for_each_actor_serves_a_visit_of_each_kind_as_one_process_for_all_does() {
    let apart = Apart::open().await;
    let mut served = Vec::new();
    for way in Way::ALL {
        served.push((way, apart.serves(1, way).await));
    }
    apart.house.settled(Way::ALL.len()).await;
    let of_many = shape(&apart.house.states().await);
    // One scrape of the gateway's process shows what all the others counted.
    let counted = [
        format!("madoguchi_lane_answers_total{{lane=\"1\"}} {}", Way::ALL.len()),
        format!("madoguchi_queue_settled_total {}", Way::ALL.len()),
        "madoguchi_actor_up{actor=\"nfc_reader\",lane=\"2\"} 1".into(),
    ];
    apart
        .house
        .until_within(Duration::from_secs(30), "one scrape shows every process", async |house| {
            let text = house.metrics().await;
            counted.iter().all(|line| text.lines().any(|it| it == line))
        })
        .await;
    drop(apart);

    let house = House::open(Options { lanes: LANES, ..Options::default() }).await;
    for (way, kind) in served {
        assert_eq!(kind, "done", "{}", way.name());
        let last = visits::serve(&house.lane(1), way, &format!("{}#1", way.kind())).await;
        assert_eq!(last.kind, kind, "{}", way.name());
    }
    house.settled(Way::ALL.len()).await;
    assert_eq!(shape(&house.states().await), of_many);
}

#[tokio::test]
async fn a_killed_process_takes_its_own_duty_alone_and_comes_back() {
    let mut apart = Apart::open().await;

    // A lane's generic reader: the other lane has its own, and this one its slot.
    apart.kill("nfc_reader@2");
    apart.is_lost("nfc_reader@2").await;
    assert_eq!(apart.serves(1, Way::Android).await, "done");
    assert_eq!(apart.serves(2, Way::CardByFace).await, "done");
    apart
        .house
        .until("the button is hidden (R-11)", async |house| !house.lane(2).screen().await.offers("use_phone"))
        .await;
    apart.start("nfc_reader@2");
    apart.house.ready().await;
    assert_eq!(apart.serves(2, Way::Android).await, "done");
    apart.house.settled(3).await;

    // The keeper of PINs: who needs none is served.
    apart.kill("pin_session");
    apart.is_lost("pin_session").await;
    assert_eq!(apart.serves(1, Way::Iphone).await, "done");
    apart.start("pin_session");
    apart.is_back("pin_session").await;
    assert_eq!(apart.serves(1, Way::Android).await, "done");
    apart.house.settled(5).await;

    // The receipt computer's side: the patient is served, the file follows.
    apart.kill("receipt_computer");
    apart.is_lost("receipt_computer").await;
    assert_eq!(apart.serves(2, Way::Iphone).await, "done");
    apart.start("receipt_computer");
    apart.house.settled(6).await;

    // The line's side: the visit is deferred, and settled when it is back.
    apart.kill("uplink");
    apart.is_lost("uplink").await;
    assert_eq!(apart.serves(1, Way::Iphone).await, "deferred");
    apart.start("uplink");
    apart.house.settled(7).await;
    apart.house.ready().await;
}

#[tokio::test]
async fn the_brokers_keeper_comes_back_and_every_process_finds_it() {
    let mut apart = Apart::open().await;
    // With it the broker and everybody's password go.
    apart.kill("gateway");
    tokio::time::sleep(Duration::from_millis(200)).await;
    apart.start("gateway");
    apart.house.ready().await;
    for lane in 1..=LANES {
        assert_eq!(apart.serves(lane, Way::Android).await, "done");
    }
    apart.house.settled(2).await;
}
