//! What staff and engineers are told: faults on the page and in the metrics, and what troubles a visit.

use crate::{House, Lane, visits};
use madoguchi_protocol::{
    fault::{FaultCode, Scope},
    texts::{Language, text},
};
use std::time::Duration;

/// A fault need not be seen sooner than this, unless a test says otherwise.
const SEEN_WITHIN: Duration = Duration::from_secs(20);

impl House {
    /// Waits until the actor at `address` says that it has this fault, and finds it in the metrics and, in
    /// words, on the page as well.
    pub async fn raised(&self, address: &str, fault: FaultCode) {
        let name = fault.name();
        self.until_within(SEEN_WITHIN, &format!("{address} has {name}"), async |house| {
            house.faults(address).await.iter().any(|code| code == name)
        })
        .await;
        let lane = address.split_once('@').map_or("", |(_, lane)| lane);
        let lane = if fault.scope() == Scope::Lane { lane } else { "" };
        let series = format!("madoguchi_fault_active{{fault=\"{name}\",lane=\"{lane}\"}} 1");
        self.until(&format!("the metrics show {name}"), async |house| {
            house.metrics().await.contains(&series)
        })
        .await;
        let words = text(Language::Ja, &format!("fault-{name}-staff"), &[]);
        self.until(&format!("the page shows {name}"), async |house| house.page("").await.contains(&words))
            .await;
    }

    /// Waits until the actor at `address` has no fault any more.
    pub async fn cleared(&self, address: &str) {
        self.until_within(SEEN_WITHIN, &format!("{address} has no fault"), async |house| {
            let states = house.states().await;
            states[address]["faults"].as_array().is_some_and(Vec::is_empty)
        })
        .await;
    }

    /// Waits until the actor at `address` has this fault no more; others may last, as an outage of the line does until
    /// its five minutes are over.
    pub async fn over(&self, address: &str, fault: FaultCode) {
        self.until_within(SEEN_WITHIN, &format!("{address} has {} no more", fault.name()), async |house| {
            let states = house.states().await;
            let faults = states[address]["faults"].as_array();
            faults.is_some_and(|faults| faults.iter().all(|lasts| lasts["code"] != fault.name()))
        })
        .await;
    }

    /// Waits until staff see this trouble in the lane's visit.
    pub async fn troubled(&self, lane: u16, fault: FaultCode) {
        let reader = format!("face_reader@{lane}");
        self.until(&format!("lane {lane}'s visit is troubled by {}", fault.name()), async |house| {
            house.states().await[&reader]["detail"]["face_reader"]["visit"]["trouble"] == fault.name()
        })
        .await;
    }
}

/// A lane that must not notice what happens to another.
pub struct Neighbour {
    lane: Lane,
    since: u64,
}

impl Neighbour {
    /// Watches an idle lane from now on.
    pub async fn of(lane: Lane) -> Self {
        let since = lane.wait(&["idle"]).await.sequence;
        Self { lane, since }
    }

    /// The neighbour serves a patient as on any other day: no screen but those of a straight visit.
    pub async fn serves(&mut self, card: &str) {
        let shown = visits::serve_straight(&self.lane, card).await;
        assert_eq!(shown.last().map(|screen| screen.kind.as_str()), Some("idle"));
        self.since = shown.last().map_or(self.since, |screen| screen.sequence);
    }

    /// No screen changed since.
    pub async fn noticed_nothing(&self) {
        let shown: Vec<_> =
            self.lane.screens(self.since).await.into_iter().map(|screen| screen.kind).collect();
        assert!(shown.is_empty(), "lane {} noticed: {shown:?}", self.lane.number);
    }
}
