//! One read, from the command to its outcome: wait for a medium, read it, never longer than promised.

use crate::{
    jpki::Pin,
    pcsc::{
        Service, Stay, View,
        medium::{Attempt, Busy, MediumReader, Read, Reading},
    },
};
use madoguchi_protocol::{evidence::Medium, messages::nfc_reader::ReadOutcome};
use std::{ffi::CString, time::Duration};
use tokio::{
    sync::watch,
    time::{Instant, sleep, sleep_until, timeout, timeout_at},
};

/// How long a medium may lie there without answering to reset, or a reader be taken, before that is told.
const BUSY_PATIENCE: Duration = Duration::from_secs(3);
/// The pause before a medium that could not be connected to is tried again.
const RETRY: Duration = Duration::from_millis(100);
/// What the reading thread gets beyond the deadline to end by itself.
const GRACE: Duration = Duration::from_millis(250);
/// How long after a medium that vanished PC/SC may still tell that its whole reader was pulled out.
const PULL_TOLD: Duration = Duration::from_millis(800);
/// How long PC/SC takes at most to notice that a reader was pulled out during a command.
const LOSS_NOTICED: Duration = Duration::from_millis(1500);

/// What is to be read, and within what time.
pub struct Order {
    /// What the patient chose; `None` to be told only what it is, as another medium than expected.
    pub expected: Option<Medium>,
    /// What to sign.
    pub statement: Vec<u8>,
    /// The patient's explicit yes to spending the last try.
    pub last_try_allowed: bool,
    /// How long to wait for a medium.
    pub wait: Duration,
    /// How long reading it may take.
    pub limit: Duration,
    /// A stay that is not to be read for this order: the medium must be taken away first.
    pub spent: Option<Stay>,
}

/// What came of it.
pub struct Ended {
    /// The outcome for `face_reader`.
    pub outcome: ReadOutcome,
    /// The stay that was connected to, if any.
    pub touched: Option<Stay>,
}

/// Carries out an order. `seen` is called when a medium lies there to be read; `release_pin` when the medium
/// has been found to be the right one with tries left, and at most once.
pub async fn carry_out(
    order: Order,
    reader: &MediumReader,
    mut view: watch::Receiver<View>,
    mut cancelled: watch::Receiver<bool>,
    seen: impl Fn(),
    release_pin: impl AsyncFnOnce() -> Option<Pin>,
) -> Ended {
    let mut stop = cancelled.clone();
    let mut touched = None;
    let work = attempts(order, reader, &mut view, &mut cancelled, seen, release_pin, &mut touched);
    let outcome = tokio::select! {
        biased;
        // Also when the sender is gone: then nobody wants the outcome.
        () = becomes(&mut stop, |cancelled| *cancelled) => ReadOutcome::Cancelled,
        outcome = work => outcome,
    };
    Ended { outcome, touched }
}

async fn attempts(
    order: Order,
    reader: &MediumReader,
    view: &mut watch::Receiver<View>,
    cancelled: &mut watch::Receiver<bool>,
    seen: impl Fn(),
    release_pin: impl AsyncFnOnce() -> Option<Pin>,
    touched: &mut Option<Stay>,
) -> ReadOutcome {
    let end = Instant::now() + order.wait;
    let mut release_pin = Some(release_pin);
    // Since when a medium has been there that can't be connected to.
    let mut busy: Option<Instant> = None;
    loop {
        let (name, stay) = match timeout_at(end, medium_held(view, order.spent)).await {
            Ok(Ok(held)) => held,
            Ok(Err(gone)) => return gone,
            Err(_) if view.borrow().is_ready() => return ReadOutcome::NoMedium,
            Err(_) => return ReadOutcome::ReaderLost,
        };
        if busy.is_none() {
            seen();
        }
        let deadline = Instant::now() + order.limit;
        let read = Read {
            expected: order.expected,
            statement: order.statement.clone(),
            last_try_allowed: order.last_try_allowed,
            deadline: deadline.into_std(),
            cancelled: cancelled.clone(),
        };
        let Some(reading) = reader.start(name, read) else { return ReadOutcome::Stuck };
        *touched = Some(stay);
        match follow(reading, view, deadline, &mut release_pin).await {
            Attempt::Over(ReadOutcome::Torn) => return torn_or_lost(view, stay).await,
            Attempt::Over(outcome) => return outcome,
            Attempt::NotYet(why) => {
                *touched = None;
                let now = Instant::now();
                if now.duration_since(*busy.get_or_insert(now)) >= BUSY_PATIENCE {
                    return match why {
                        Busy::Mute => ReadOutcome::Torn,
                        Busy::Taken => ReadOutcome::Stuck,
                    };
                }
                sleep(RETRY).await;
            }
        }
    }
}

/// Waits until what is watched is so, or its sender is gone. Gives nothing back: a borrowed value would lock
/// the sender out for as long as it is kept.
async fn becomes<T>(watched: &mut watch::Receiver<T>, so: impl FnMut(&T) -> bool) {
    let _ = watched.wait_for(so).await;
}

/// A medium that stopped answering may have been pulled out together with its reader, which takes PC/SC about
/// a second to notice. A medium that is seen to have gone by itself is told a moment later.
async fn torn_or_lost(view: &mut watch::Receiver<View>, stay: Stay) -> ReadOutcome {
    let _ = timeout(LOSS_NOTICED, becomes(view, |view| !view.is_ready() || view.medium != Some(stay))).await;
    match timeout(PULL_TOLD, becomes(view, |view| !view.is_ready())).await {
        Ok(()) => ReadOutcome::ReaderLost,
        Err(_) => ReadOutcome::Torn,
    }
}

/// Waits for a medium other than the spent one. An error when the reader is not there, or goes.
async fn medium_held(
    view: &mut watch::Receiver<View>,
    spent: Option<Stay>,
) -> Result<(CString, Stay), ReadOutcome> {
    let decided = |view: &View| match view.service {
        Service::Starting => false,
        Service::Down | Service::Hung => true,
        Service::Up => view.reader.is_none() || view.medium.is_some_and(|stay| Some(stay) != spent),
    };
    let view = view.wait_for(decided).await.map_err(|_| ReadOutcome::ReaderLost)?;
    view.reader.clone().zip(view.medium).ok_or(ReadOutcome::ReaderLost)
}

/// Follows an attempt to its end, or until it can't come to one.
async fn follow<F: AsyncFnOnce() -> Option<Pin>>(
    reading: Reading,
    view: &mut watch::Receiver<View>,
    deadline: Instant,
    release_pin: &mut Option<F>,
) -> Attempt {
    let Reading { pin_wanted, mut attempt } = reading;
    let release = async {
        if let Ok(wanted) = pin_wanted.await {
            let pin = match release_pin.take() {
                Some(release) => release().await,
                None => None,
            };
            // A thread that waits no longer drops, and so wipes, the PIN.
            let _ = wanted.send(pin);
        }
        std::future::pending::<()>().await;
    };
    tokio::select! {
        biased;
        ended = &mut attempt => ended.unwrap_or(Attempt::Over(ReadOutcome::Torn)),
        () = release => Attempt::Over(ReadOutcome::Torn),
        () = becomes(view, |view| !view.is_ready()) => {
            // Pulled out, or the service died or hangs. The thread may know better for a moment yet.
            match timeout(GRACE, attempt).await {
                Ok(Ok(ended)) => ended,
                _ => Attempt::Over(ReadOutcome::ReaderLost),
            }
        }
        () = sleep_until(deadline + GRACE) => Attempt::Over(ReadOutcome::Stuck),
    }
}
