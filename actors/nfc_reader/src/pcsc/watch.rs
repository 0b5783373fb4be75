//! The thread that follows the reader: one context, one blocking wait, reports to whoever listens.
//!
//! It connects to no medium. A report comes at least every [`WAIT`] while the service answers; silence means
//! that a call has not returned.

use super::{
    binding::{Attached, ReaderBinding},
    usb,
};
use pcsc::{Context, Error, PNP_NOTIFICATION, ReaderState, Scope, State};
use std::{
    convert::Infallible,
    ffi::{CStr, CString},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};
use tokio::sync::watch;

/// The longest wait for a change. A reader plugged in between two waits is seen after this at the latest,
/// since such a notification gets lost.
pub(super) const WAIT: Duration = Duration::from_secs(1);
/// The pause before the service is tried again, doubling up to [`LAST_PAUSE`].
pub(super) const FIRST_PAUSE: Duration = Duration::from_millis(200);
/// See [`FIRST_PAUSE`].
pub(super) const LAST_PAUSE: Duration = Duration::from_secs(5);
/// A wait that returns sooner than this without news may be a driver gone wild.
const SUSPICIOUS: Duration = Duration::from_millis(5);

/// What the thread sees.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Sight {
    /// Nothing yet.
    Starting,
    /// The service is not there.
    Down,
    /// The service answers.
    Up {
        /// The lane's reader, where it is attached.
        reader: Option<CString>,
        /// The medium on it, by the number of its coming (and of every coming and going before).
        medium: Option<u32>,
    },
}

/// Follows the reader until nobody wants it any more.
pub(super) fn watch(binding: &ReaderBinding, reports: &watch::Sender<Sight>, wanted: &Arc<AtomicBool>) {
    let wanted = || wanted.load(Ordering::Relaxed);
    let mut pause = FIRST_PAUSE;
    while wanted() {
        let Err(error) = Context::establish(Scope::System).and_then(|context| {
            pause = FIRST_PAUSE;
            follow(&context, binding, reports, &wanted)
        });
        if !wanted() {
            return;
        }
        if *reports.borrow() != Sight::Down {
            tracing::warn!(%error, "the PC/SC service is not there");
        }
        // Nothing of the old context may be kept: it would say "no service" for ever.
        sleep_reporting(pause, reports);
        pause = (pause * 2).min(LAST_PAUSE);
    }
}

/// Sleeps, but keeps saying that it lives.
fn sleep_reporting(pause: Duration, reports: &watch::Sender<Sight>) {
    let end = Instant::now() + pause;
    while let Some(left) = end.checked_duration_since(Instant::now()) {
        reports.send_replace(Sight::Down);
        thread::sleep(left.min(WAIT));
    }
}

/// The lane's reader as one context knows it.
struct Bound {
    state: ReaderState,
    /// `None` until the reader has said what lies on it, which it does at once.
    medium: Option<Option<u32>>,
}

/// Follows the reader with one context until that context fails.
fn follow(
    context: &Context,
    binding: &ReaderBinding,
    reports: &watch::Sender<Sight>,
    wanted: &impl Fn() -> bool,
) -> Result<Infallible, Error> {
    let mut ports = Ports::default();
    let mut arrivals = ReaderState::new(PNP_NOTIFICATION(), State::UNAWARE);
    let mut bound: Option<Bound> = None;
    while wanted() {
        let attached = ports.attach(context, context.list_readers_owned()?, binding);
        let reader = binding.choose(&attached);
        if bound.as_ref().map(|bound| bound.state.name()) != reader {
            let unaware = |name: &CStr| ReaderState::new(name, State::UNAWARE);
            bound = reader.map(|name| Bound { state: unaware(name), medium: None });
        }
        let medium = match &bound {
            None => Some(None),
            Some(bound) => bound.medium,
        };
        let mut news = false;
        if let Some(medium) = medium {
            let sight = Sight::Up { reader: reader.map(CStr::to_owned), medium };
            news = *reports.borrow() != sight;
            reports.send_replace(sight);
        }
        let begun = Instant::now();
        wait(context, &mut arrivals, &mut bound)?;
        if !news && begun.elapsed() < SUSPICIOUS {
            thread::sleep(SUSPICIOUS);
        }
    }
    Err(Error::Cancelled)
}

/// Waits for a change of the reader or of the list of readers.
fn wait(context: &Context, arrivals: &mut ReaderState, bound: &mut Option<Bound>) -> Result<(), Error> {
    // The library wants one slice and its states can't be copied: lend them, and take them back.
    let mut states = vec![std::mem::replace(arrivals, ReaderState::new(PNP_NOTIFICATION(), State::UNAWARE))];
    let known = bound.take().map(|bound| {
        states.push(bound.state);
        bound.medium
    });
    let waited = context.get_status_change(WAIT, &mut states);
    if waited.is_ok() {
        states.iter_mut().for_each(ReaderState::sync_current_state);
    }
    let reader = known.and_then(|medium| states.pop().map(|state| (state, medium)));
    if let Some(state) = states.pop() {
        *arrivals = state;
    }
    match (waited, reader) {
        (Ok(()), Some((state, _))) => {
            let now = state.event_state();
            // An unplugged reader is looked for in the list again.
            if !now.intersects(State::UNKNOWN | State::UNAVAILABLE) {
                let medium = Some(now.contains(State::PRESENT).then(|| state.event_count()));
                *bound = Some(Bound { state, medium });
            }
            Ok(())
        }
        (Ok(()) | Err(Error::Timeout | Error::Cancelled), reader) => {
            *bound = reader.map(|(state, medium)| Bound { state, medium });
            Ok(())
        }
        // Unplugged: the context lives on, and the list of readers tells more.
        (Err(Error::UnknownReader | Error::ReaderUnavailable | Error::InvalidValue), _) => Ok(()),
        (Err(error), _) => Err(error),
    }
}

/// Remembers where each reader is plugged in, so that it is asked once.
#[derive(Default)]
struct Ports(Vec<Attached>);

impl Ports {
    fn attach(&mut self, context: &Context, names: Vec<CString>, binding: &ReaderBinding) -> Vec<Attached> {
        let known = std::mem::take(&mut self.0);
        let attach = |name: CString| {
            let usb = match binding {
                ReaderBinding::Usb(_) => known
                    .iter()
                    .find(|reader| reader.name == name)
                    .and_then(|reader| reader.usb.clone())
                    .or_else(|| usb::port(context, &name)),
                _ => None,
            };
            Attached { name, usb }
        };
        self.0 = names.into_iter().map(attach).collect();
        self.0.clone()
    }
}
