//! Whether phones work at this box, and since when they don't, remembered through restarts of lanes, gateway and box
//!

use crate::board::States;
use jiff::Timestamp;
use madoguchi::config::{Config, Phones, durable};
use madoguchi_protocol::{
    ActorKind, Address, LaneId,
    messages::state::{Condition, Detail},
};
use madoguchi_reception::availability::{LanePhones, Today, today as of_lanes};
use std::{
    collections::BTreeSet,
    fs, io,
    path::{Path, PathBuf},
};
use tokio::{sync::watch, task::spawn_blocking};

/// The lanes that are to take phones; `None` while no configuration is in effect.
pub type Wanted = Option<BTreeSet<LaneId>>;

/// The lanes at which this configuration wants phones.
pub fn wanted(config: &Config) -> BTreeSet<LaneId> {
    let lanes = config.lane.iter().filter(|lane| lane.phones == Phones::Use);
    match config.site.phones {
        Phones::Use => lanes.map(|lane| lane.number).collect(),
        _ => BTreeSet::new(),
    }
}

/// Whether phones work now, as far as this program has seen.
pub fn today(wanted: &Wanted, states: &States) -> Today {
    let lanes: Vec<_> = wanted.iter().flatten().map(|lane| phones_at(*lane, states)).collect();
    of_lanes(&lanes)
}

/// A lane that is not heard takes none.
fn phones_at(lane: LaneId, states: &States) -> LanePhones {
    let nothing = LanePhones { offered: false, since: None };
    match states.get(&Address::of_lane(ActorKind::FaceReader, lane)) {
        None => nothing,
        Some(state) => match (state.body.condition, &state.body.detail) {
            (Condition::Running, Detail::FaceReader { phones_offered, phones_since, .. }) => {
                LanePhones { offered: *phones_offered, since: *phones_since }
            }
            // It stopped or was lost then.
            _ => LanePhones { since: Some(state.at), ..nothing },
        },
    }
}

fn file(state_directory: &Path) -> PathBuf {
    state_directory.join("phones-down-since")
}

/// Keeps `since` for as long as there are states: since when phones have been down, also before this program started.
/// Where the disk fails it is known since the start only.
pub async fn keep(
    mut wanted: watch::Receiver<Wanted>,
    mut states: watch::Receiver<States>,
    since: watch::Sender<Option<Timestamp>>,
    state_directory: PathBuf,
) {
    let path = file(&state_directory);
    let mut kept = spawn_blocking({
        let path = path.clone();
        move || read(&path)
    })
    .await
    .unwrap_or_default();
    since.send_replace(kept);
    loop {
        let lanes = wanted.borrow_and_update().clone();
        let seen = today(&lanes, &states.borrow_and_update());
        if lanes.is_some() {
            let down = match seen.known_down_since(kept) {
                Today::Down { since } => since,
                Today::Accepted { .. } | Today::NotWanted => None,
            };
            if down != kept {
                kept = down;
                since.send_replace(kept);
                let path = path.clone();
                if let Ok(Err(error)) = spawn_blocking(move || write(&path, kept)).await {
                    tracing::warn!(%error, "since when phones are down can't be kept; check the disk");
                }
            }
        }
        let change = tokio::select! {
            change = states.changed() => change,
            change = wanted.changed() => change,
        };
        if change.is_err() {
            return;
        }
    }
}

/// What an earlier program kept; nothing where that can't be read.
fn read(path: &Path) -> Option<Timestamp> {
    match fs::read_to_string(path) {
        Ok(text) => text
            .trim()
            .parse()
            .inspect_err(|error| tracing::warn!(%error, "since when phones were down can't be read"))
            .ok(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => {
            tracing::warn!(%error, "since when phones were down can't be read");
            None
        }
    }
}

fn write(path: &Path, since: Option<Timestamp>) -> io::Result<()> {
    match since {
        Some(since) => durable::replace(path, since.to_string().as_bytes(), 0o600),
        None => durable::remove(path),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
mod tests {
    use super::*;
    use jiff::SignedDuration;
    use madoguchi_protocol::{Envelope, MessageId, envelope::VERSION, messages::state::State};
    use std::time::Duration;
    use tokio::{task::JoinHandle, time::timeout};

    fn lane(number: u16) -> LaneId {
        LaneId::new(number).unwrap()
    }

    fn lost(at: Timestamp) -> Envelope<State> {
        let body = State { condition: Condition::Lost, faults: Vec::new(), detail: Detail::None };
        let id = MessageId::random();
        Envelope { v: VERSION, id, in_reply_to: None, visit: None, lane: None, at, body }
    }

    fn offering(at: Timestamp) -> Envelope<State> {
        let detail = Detail::FaceReader {
            connected: true,
            reader: None,
            phones_offered: true,
            phones_since: Some(at),
            phones_unmet: Vec::new(),
            visit: None,
            rehearsal: None,
            visits_ended: 0,
            links_refused: 0,
            last_visit: None,
        };
        let mut state = lost(at);
        state.body = State { condition: Condition::Running, faults: Vec::new(), detail };
        state
    }

    fn at(number: u16) -> Address {
        Address::of_lane(ActorKind::FaceReader, lane(number))
    }

    /// A gateway's keeping, from its start to its end.
    struct Kept {
        wanted: watch::Sender<Wanted>,
        states: watch::Sender<States>,
        since: watch::Receiver<Option<Timestamp>>,
        task: JoinHandle<()>,
    }

    impl Kept {
        fn start(directory: &Path) -> Self {
            let (wanted, lanes) = watch::channel(None);
            let (states, seen) = watch::channel(States::new());
            let (told, since) = watch::channel(None);
            let task = tokio::spawn(keep(lanes, seen, told, directory.to_path_buf()));
            Self { wanted, states, since, task }
        }

        async fn until(&mut self, expected: Option<Timestamp>) {
            let same = self.since.wait_for(|since| *since == expected);
            assert!(timeout(Duration::from_secs(10), same).await.is_ok(), "not {expected:?}");
        }

        async fn end(self) {
            drop((self.wanted, self.states));
            self.task.await.unwrap();
        }
    }

    #[test]
    fn r35_a_lane_that_is_lost_is_not_a_hospital_that_takes_no_phones() {
        let now = Timestamp::now();
        let both = Some(BTreeSet::from([lane(1), lane(2)]));
        let mut states = States::from([(at(1), lost(now))]);
        assert_eq!(today(&both, &states), Today::Down { since: Some(now) });
        states.insert(at(2), offering(now));
        assert_eq!(today(&both, &states), Today::Accepted { since: Some(now) });
        assert_eq!(today(&Some(BTreeSet::new()), &states), Today::NotWanted);
        assert_eq!(today(&None, &states), Today::NotWanted);
    }

    #[tokio::test]
    async fn r34_a_restart_does_not_begin_the_count_anew_and_a_working_lane_ends_it() {
        let directory = tempfile::tempdir().unwrap();
        let lanes = Some(BTreeSet::from([lane(1)]));
        let begun = Timestamp::now() - SignedDuration::from_hours(30);
        let mut first = Kept::start(directory.path());
        first.wanted.send_replace(lanes.clone());
        first.states.send_modify(|states| drop(states.insert(at(1), lost(begun))));
        first.until(Some(begun)).await;
        first.end().await;

        let mut second = Kept::start(directory.path());
        second.until(Some(begun)).await;
        second.wanted.send_replace(lanes.clone());
        second.states.send_modify(|states| drop(states.insert(at(1), lost(Timestamp::now()))));
        second.end().await;
        assert_eq!(read(&file(directory.path())), Some(begun));

        let mut third = Kept::start(directory.path());
        third.until(Some(begun)).await;
        third.wanted.send_replace(lanes);
        third.states.send_modify(|states| drop(states.insert(at(1), offering(Timestamp::now()))));
        third.until(None).await;
        third.end().await;
        assert!(!file(directory.path()).exists());
    }

    #[tokio::test]
    async fn what_is_damaged_is_none_and_is_written_anew() {
        let directory = tempfile::tempdir().unwrap();
        fs::write(file(directory.path()), "yesterday").unwrap();
        let now = Timestamp::now();
        let mut kept = Kept::start(directory.path());
        kept.wanted.send_replace(Some(BTreeSet::from([lane(1)])));
        kept.states.send_modify(|states| drop(states.insert(at(1), lost(now))));
        kept.until(Some(now)).await;
        kept.end().await;
        assert_eq!(read(&file(directory.path())), Some(now));
    }
}
