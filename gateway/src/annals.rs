//! Keeps the history while the gateway runs.

use crate::board::States;
use jiff::Timestamp;
use madoguchi::history::{Point, Recorder, Ring, Sight, Troubles, file};
use std::{path::PathBuf, time::Duration};
use tokio::{
    sync::watch,
    time::{MissedTickBehavior, interval},
};

/// How often the states are looked at.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// How often what was seen is written, in looks.
const WRITE_EVERY: u32 = 60;

/// Keeps it for ever. Without a disk that can be written the gateway goes on without a history, and tries again.
pub async fn keep(states: watch::Receiver<States>, state_directory: PathBuf) {
    let path = file(&state_directory);
    loop {
        let (states, path) = (states.clone(), path.clone());
        // A disk may hang: the file is opened and written on a thread that may.
        let opened = tokio::task::spawn_blocking({
            let path = path.clone();
            move || Ring::open(&path)
        });
        match opened.await {
            Ok(Ok(ring)) => {
                if let Err(error) = write(ring, &states).await {
                    tracing::warn!(%error, path = %path.display(), "the history can't be written; check the disk");
                }
            }
            Ok(Err(error)) => {
                tracing::warn!(%error, path = %path.display(), "the history can't be opened; check the disk");
            }
            Err(error) => tracing::error!(%error, "the history was not opened"),
        }
        tokio::time::sleep(LOOK_EVERY * WRITE_EVERY).await;
    }
}

/// The five minutes and the day of a moment, as far as they were written.
fn of(ring: &Ring, now: Timestamp) -> (Point, Troubles) {
    (ring.point(Point::number_at(now)), ring.troubles(Troubles::day_at(now)))
}

/// Looks and writes until writing fails.
async fn write(ring: Ring, states: &watch::Receiver<States>) -> std::io::Result<()> {
    let mut ring = ring;
    let (point, troubles) = of(&ring, Timestamp::now());
    let mut recorder = Recorder::new(point, troubles);
    let mut ticks = interval(LOOK_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut looks = 0_u32;
    loop {
        ticks.tick().await;
        let now = Timestamp::now();
        let sight = Sight::of(states.borrow().iter().map(|(address, state)| (address, &state.body)));
        let turns = !recorder.is_of(now);
        looks = looks.wrapping_add(1);
        if turns || looks.is_multiple_of(WRITE_EVERY) {
            ring = put(ring, &recorder).await?;
        }
        if turns {
            let (point, troubles) = of(&ring, now);
            recorder.turn(point, troubles);
        }
        recorder.look(&sight, now);
    }
}

async fn put(ring: Ring, recorder: &Recorder) -> std::io::Result<Ring> {
    let (point, troubles) = recorder.so_far();
    let (point, troubles) = (point.clone(), troubles.clone());
    let written = tokio::task::spawn_blocking(move || ring.put(&point, &troubles).map(|()| ring));
    written.await.map_err(std::io::Error::other)?
}
