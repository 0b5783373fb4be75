//! Patients at every lane while something happens to the lines.

use crate::{
    House, Lane,
    visits::{self, Way},
};
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};
use tokio::task::JoinSet;

/// How many were served, and how.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Served {
    /// All.
    pub all: usize,
    /// Those whose answer came later than the visit.
    pub deferred: usize,
}

/// One patient after the other, at each lane.
pub struct Serving {
    lanes: JoinSet<()>,
    counts: Arc<Counts>,
}

#[derive(Default)]
struct Counts {
    stop: AtomicBool,
    confirmed: AtomicUsize,
    deferred: AtomicUsize,
}

impl Serving {
    /// Begins at lanes 1 to `lanes`.
    pub fn start(house: &House, lanes: u16) -> Self {
        let counts = Arc::new(Counts::default());
        let mut set = JoinSet::new();
        for number in 1..=lanes {
            set.spawn(serve(house.lane(number), counts.clone()));
        }
        Self { lanes: set, counts }
    }

    /// Visits confirmed so far.
    pub fn confirmed(&self) -> usize {
        self.counts.confirmed.load(Ordering::SeqCst)
    }

    /// Waits until so many were served.
    pub async fn until(&self, count: usize) {
        self.wait(|counts| {
            counts.confirmed.load(Ordering::SeqCst) + counts.deferred.load(Ordering::SeqCst) >= count
        })
        .await;
    }

    /// Waits until so many were confirmed.
    pub async fn until_confirmed(&self, count: usize) {
        self.wait(|counts| counts.confirmed.load(Ordering::SeqCst) >= count).await;
    }

    async fn wait(&self, there: impl Fn(&Counts) -> bool) {
        let asked = Instant::now();
        while !there(&self.counts) {
            assert!(asked.elapsed() < Duration::from_secs(60), "nobody is served any more");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Lets those who are there end; says how many there were.
    pub async fn stop(mut self) -> Served {
        self.counts.stop.store(true, Ordering::SeqCst);
        while let Some(lane) = self.lanes.join_next().await {
            lane.unwrap_or_else(|error| panic!("a lane's patients: {error}"));
        }
        let deferred = self.counts.deferred.load(Ordering::SeqCst);
        Served { all: self.confirmed() + deferred, deferred }
    }
}

async fn serve(lane: Lane, counts: Arc<Counts>) {
    let mut number = 0;
    while !counts.stop.load(Ordering::SeqCst) {
        let way = Way::ALL[(number + usize::from(lane.number)) % Way::ALL.len()];
        let card = format!("{}#{}", way.kind(), usize::from(lane.number) * 10_000 + number);
        let last = visits::serve(&lane, way, &card).await;
        let count = match last.kind.as_str() {
            "done" => &counts.confirmed,
            "deferred" => &counts.deferred,
            _ => panic!("lane {}: {}", lane.number, last.words()),
        };
        count.fetch_add(1, Ordering::SeqCst);
        number += 1;
    }
}
