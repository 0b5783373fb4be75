//! Keeps a watching thread alive from outside, and turns what it sees into a [`View`].

use super::{
    Service, Stay, View,
    binding::ReaderBinding,
    watch::{FIRST_PAUSE, LAST_PAUSE, Sight, WAIT, watch},
};
use jiff::Timestamp;
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};
use tokio::{sync::watch as channel, task::JoinHandle, time};

/// A thread that has been silent for this long has a call that does not return: the service hangs.
pub const PATIENCE: Duration = WAIT.saturating_add(Duration::from_secs(3));
/// Abandoned threads at most. With so many, the next is started only when one of them has ended.
const MAX_ABANDONED: usize = 3;

/// Follows the lane's reader for as long as it lives.
#[derive(Debug)]
pub struct ReaderKeeper {
    view: channel::Receiver<View>,
    task: JoinHandle<()>,
}

impl ReaderKeeper {
    /// Starts following. Call it inside a tokio runtime.
    pub fn start(binding: ReaderBinding) -> Self {
        let (sender, view) = channel::channel(View::UNKNOWN);
        Self { view, task: tokio::spawn(keep(binding, sender)) }
    }

    /// What is known of the reader, followed as it changes.
    pub fn view(&self) -> channel::Receiver<View> {
        self.view.clone()
    }
}

impl Drop for ReaderKeeper {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Tells a thread to end when dropped.
struct Wanted(Arc<AtomicBool>);

impl Drop for Wanted {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Relaxed);
    }
}

async fn keep(binding: ReaderBinding, view: channel::Sender<View>) {
    let mut threads: Vec<thread::JoinHandle<()>> = Vec::new();
    let mut stays = Stays::default();
    let mut pause = FIRST_PAUSE;
    loop {
        let (reports, mut sights) = channel::channel(Sight::Starting);
        let wanted = Wanted(Arc::new(AtomicBool::new(true)));
        let (binding, flag) = (binding.clone(), wanted.0.clone());
        let started =
            thread::Builder::new().name("pcsc-watch".into()).spawn(move || watch(&binding, &reports, &flag));
        match started {
            Ok(thread) => threads.push(thread),
            Err(error) => tracing::error!(%error, "no thread to follow the reader"),
        }
        while let Ok(reported) = time::timeout(PATIENCE, sights.changed()).await {
            if reported.is_err() {
                tracing::error!("the thread that follows the reader ended");
                break;
            }
            let seen = stays.view(&sights.borrow_and_update());
            if seen.service == Service::Up {
                pause = FIRST_PAUSE;
            }
            view.send_if_modified(|view| std::mem::replace(view, seen.clone()) != seen);
        }
        if sights.has_changed().is_ok() {
            tracing::error!("the PC/SC service hangs");
            let hung = View { service: Service::Hung, reader: None, medium: None };
            view.send_if_modified(|view| std::mem::replace(view, hung.clone()) != hung);
        }
        drop(wanted);
        loop {
            time::sleep(pause).await;
            threads.retain(|thread| !thread.is_finished());
            if threads.len() < MAX_ABANDONED {
                break;
            }
        }
        pause = (pause * 2).min(LAST_PAUSE);
    }
}

/// Numbers the stays of media.
#[derive(Debug)]
struct Stays {
    newest: u64,
    /// Since when the newest has been there.
    since: Timestamp,
    /// The count of comings and goings at the last sight, and whether a medium lay there.
    last: Option<u32>,
}

impl Default for Stays {
    fn default() -> Self {
        Self { newest: 0, since: Timestamp::now(), last: None }
    }
}

impl Stays {
    /// A new stay begins when a medium was seen to go, or came and went between two sights. One that lies
    /// there when the service comes back is the old one, until it is seen to go: it may still be that of the
    /// patient before.
    fn view(&mut self, sight: &Sight) -> View {
        match sight {
            Sight::Starting => View::UNKNOWN,
            Sight::Down => View { service: Service::Down, reader: None, medium: None },
            Sight::Up { reader, medium } => {
                match (*medium, self.last) {
                    (None, _) => self.newest += u64::from(self.last.is_some()),
                    (Some(count), Some(before)) if is_later(count, before) => {
                        self.newest += 1;
                        self.since = Timestamp::now();
                    }
                    (Some(_), None) => self.since = Timestamp::now(),
                    _ => {}
                }
                self.last = *medium;
                View {
                    service: Service::Up,
                    reader: reader.clone(),
                    medium: medium.map(|_| Stay(self.newest, self.since)),
                }
            }
        }
    }
}

/// Whether a medium came or went since. pcscd counts to 65535 and goes on at 0; a count that is lower otherwise
/// is that of a service that began anew.
const fn is_later(count: u32, before: u32) -> bool {
    const NEAR: u32 = 16;
    let began_again = before > u16::MAX as u32 - NEAR && count < NEAR;
    count > before || began_again
}

#[cfg(test)]
mod tests {
    use super::*;

    fn up(medium: Option<u32>) -> Sight {
        Sight::Up { reader: Some(c"reader".into()), medium }
    }

    fn stays(sights: &[Sight]) -> Vec<Option<u64>> {
        let mut stays = Stays::default();
        sights.iter().map(|sight| stays.view(sight).medium.map(|stay| stay.0)).collect()
    }

    #[test]
    fn a_medium_held_again_is_another_stay() {
        let seen = stays(&[up(None), up(Some(1)), up(Some(1)), up(None), up(Some(3))]);
        assert_eq!(seen, [None, Some(0), Some(0), None, Some(1)]);
    }

    #[test]
    fn a_swap_between_two_sights_is_another_stay() {
        assert_eq!(stays(&[up(Some(1)), up(Some(3))]), [Some(0), Some(1)]);
    }

    #[test]
    fn a_swap_is_seen_where_the_services_count_begins_again() {
        assert_eq!(stays(&[up(Some(65_535)), up(Some(1))]), [Some(0), Some(1)]);
    }

    #[test]
    fn a_medium_that_lies_through_a_restart_of_the_service_is_the_same() {
        let seen = stays(&[up(Some(7)), Sight::Down, up(Some(1)), up(None), up(Some(3))]);
        assert_eq!(seen, [Some(0), None, Some(0), None, Some(1)]);
    }
}
