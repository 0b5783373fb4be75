//! systemd: readiness, and a watchdog that is fed only while every actor's thread answers.

use madoguchi_bus::Pulse;
use std::time::Duration;
use tokio::time::{MissedTickBehavior, interval};

/// How long an actor's thread may take to answer before the watchdog goes hungry.
const ANSWER: Duration = Duration::from_secs(2);

/// Says READY=1, and feeds the watchdog for as long as it is polled, where systemd wants one.
pub async fn serve(pulse: Pulse) {
    notify(&[sd_notify::NotifyState::Ready]);
    let Some(period) = sd_notify::watchdog_enabled() else {
        return std::future::pending().await;
    };
    let mut ticks = interval(period / 3);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        match pulse.stuck(ANSWER).await.as_slice() {
            [] => notify(&[sd_notify::NotifyState::Watchdog]),
            stuck => tracing::error!(?stuck, "threads do not answer; the watchdog is not fed"),
        }
    }
}

/// Says that the program is about to end.
pub fn stopping() {
    notify(&[sd_notify::NotifyState::Stopping]);
}

fn notify(states: &[sd_notify::NotifyState]) {
    if let Err(error) = sd_notify::notify(states) {
        tracing::warn!(%error, "systemd does not listen");
    }
}
