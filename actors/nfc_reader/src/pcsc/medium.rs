//! One medium, read on a thread of its own with a context of its own.
//!
//! The thread may be left behind: a call that does not return (a stuck medium, a hung service) ends by
//! itself when the medium is taken away or the service dies, and the thread with it. Until then it holds
//! the medium exclusively, so a later read is told that the reader is busy instead of blocking as well.

use crate::{
    apdu::{MAX_ANSWER, Transmit, TransmitError},
    jpki::{self, LOG_OUT, Pin},
};
use madoguchi_protocol::{evidence::Medium, messages::nfc_reader::ReadOutcome};
use pcsc::{Card, Context, Disposition, Error, Protocols, ReaderState, Scope, ShareMode, State};
use std::{
    ffi::CString,
    slice,
    sync::{
        Arc,
        mpsc::{SyncSender, sync_channel},
    },
    thread,
    time::{Duration, Instant},
};
use tokio::sync::{oneshot, watch};
use zeroize::Zeroizing;

/// Threads of one lane that may be left behind at the same time.
const MAX_LEFT_BEHIND: usize = 4;
/// How long a thread waits for the PIN, whose release has a deadline of its own on the bus.
const PIN_PATIENCE: Duration = Duration::from_secs(5);
/// How long PC/SC may take to notice that a medium which no longer answers was taken away.
const LOSS_NOTICED: Duration = Duration::from_secs(1);

/// What to read.
pub struct Read {
    /// What the patient chose; `None` to be told only what it is.
    pub expected: Option<Medium>,
    /// What to sign.
    pub statement: Vec<u8>,
    /// The patient's explicit yes to spending the last try.
    pub last_try_allowed: bool,
    /// When the medium counts as stuck.
    pub deadline: Instant,
    /// Turns true when nobody wants the outcome any more.
    pub cancelled: watch::Receiver<bool>,
}

/// What became of one attempt to read.
pub enum Attempt {
    /// An outcome. The medium may have been changed by it (a try spent).
    Over(ReadOutcome),
    /// The medium could not be connected to; nothing was sent to it.
    NotYet(Busy),
}

/// Why a medium could not be connected to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Busy {
    /// It gives no answer to reset, or went away just then.
    Mute,
    /// Another program, or a read left behind, has it.
    Taken,
}

/// The question for the PIN: answered through the sender, or by dropping it.
pub type PinWanted = SyncSender<Option<Pin>>;

/// An attempt under way.
pub struct Reading {
    /// Comes at most once: the medium is the right one and may be sent the PIN.
    pub pin_wanted: oneshot::Receiver<PinWanted>,
    /// What became of it; broken when there is no thread for it.
    pub attempt: oneshot::Receiver<Attempt>,
}

/// Reads media of one lane; counts the threads that it left behind.
#[derive(Clone, Debug, Default)]
pub struct MediumReader {
    /// Each thread holds one clone.
    threads: Arc<()>,
}

impl MediumReader {
    /// Starts reading the medium on `reader`. None when too many threads are stuck already.
    pub fn start(&self, reader: CString, read: Read) -> Option<Reading> {
        if Arc::strong_count(&self.threads) > MAX_LEFT_BEHIND {
            return None;
        }
        let (ask_pin, pin_wanted) = oneshot::channel();
        let (done, attempt) = oneshot::channel();
        let alive = self.threads.clone();
        let body = move || {
            let _alive = alive;
            run(&reader, read, ask_pin, done);
        };
        let started = thread::Builder::new().name("pcsc-read".into()).spawn(body);
        started.inspect_err(|error| tracing::error!(%error, "no thread to read a medium")).ok()?;
        Some(Reading { pin_wanted, attempt })
    }
}

fn run(reader: &CString, read: Read, ask_pin: oneshot::Sender<PinWanted>, done: oneshot::Sender<Attempt>) {
    let connected = Context::establish(Scope::System).and_then(|context| {
        let card = context.connect(reader, ShareMode::Exclusive, Protocols::ANY)?;
        Ok((card, Lying::now(context, reader)?))
    });
    let (card, lying) = match connected {
        Ok(connected) => connected,
        Err(error) => {
            let _ = done.send(not_connected(error));
            return;
        }
    };
    let request = jpki::Request {
        expected: read.expected,
        statement: &read.statement,
        last_try_allowed: read.last_try_allowed,
    };
    let mut medium = Connected { card: &card, deadline: read.deadline, cancelled: &read.cancelled };
    let outcome = jpki::read(&mut medium, &request, || {
        let (sender, pin) = sync_channel(1);
        ask_pin.send(sender).ok()?;
        pin.recv_timeout(PIN_PATIENCE).ok().flatten()
    });
    // The outcome first: a patient waits.
    let _ = done.send(Attempt::Over(outcome));
    let disposition = leave(&card, lying);
    let _ = card.disconnect(disposition);
}

/// Makes the medium forget that its PIN was verified, and says how to let go of it.
///
/// A reset would do both, but only a medium that goes on lying there gets one: where it meets the medium being
/// taken away, pcscd shows one that is not there, or does not show the next one that is (1.9 and 2.x; its
/// SCardDisconnect overwrites what its own event thread found).
fn leave(card: &Card, lying: Lying) -> Disposition {
    let mut buffer = [0; MAX_ANSWER];
    match card.transmit(LOG_OUT, &mut buffer) {
        Ok([0x90, 0x00]) => Disposition::LeaveCard,
        Err(_) if lying.goes() => Disposition::LeaveCard,
        _ => Disposition::ResetCard,
    }
}

/// A medium as the service saw it when it was connected to.
struct Lying {
    context: Context,
    state: ReaderState,
    /// Which coming or going of a medium was the newest then.
    count: u32,
}

impl Lying {
    fn now(context: Context, reader: &CString) -> Result<Self, Error> {
        let mut state = ReaderState::new(reader.clone(), State::UNAWARE);
        context.get_status_change(Duration::ZERO, slice::from_mut(&mut state))?;
        Ok(Self { context, count: state.event_count(), state })
    }

    /// Whether the medium has gone, or goes within [`LOSS_NOTICED`], with its reader or without.
    fn goes(mut self) -> bool {
        let end = Instant::now() + LOSS_NOTICED;
        loop {
            self.state.sync_current_state();
            let left = end.saturating_duration_since(Instant::now());
            match self.context.get_status_change(left, slice::from_mut(&mut self.state)) {
                Ok(()) if self.state.event_count() == self.count && !left.is_zero() => {}
                Ok(()) => return self.state.event_count() != self.count,
                Err(error) => return error != Error::Timeout,
            }
        }
    }
}

fn not_connected(error: Error) -> Attempt {
    match error {
        Error::SharingViolation => Attempt::NotYet(Busy::Taken),
        Error::NoSmartcard
        | Error::RemovedCard
        | Error::ResetCard
        | Error::UnpoweredCard
        | Error::UnresponsiveCard
        | Error::ProtoMismatch
        | Error::NotTransacted => Attempt::NotYet(Busy::Mute),
        error => {
            tracing::warn!(%error, "the reader does not connect");
            Attempt::Over(ReadOutcome::ReaderLost)
        }
    }
}

/// A connected medium, with the read's deadline and cancellation looked at before each command.
struct Connected<'a> {
    card: &'a Card,
    deadline: Instant,
    cancelled: &'a watch::Receiver<bool>,
}

impl Transmit for Connected<'_> {
    fn transmit(&mut self, command: &[u8]) -> Result<Zeroizing<Vec<u8>>, TransmitError> {
        // A sender that is gone (the actor died) is a cancellation as well.
        if *self.cancelled.borrow() || self.cancelled.has_changed().is_err() {
            return Err(TransmitError::Cancelled);
        }
        if Instant::now() >= self.deadline {
            return Err(TransmitError::Stuck);
        }
        let mut buffer = Zeroizing::new(vec![0; MAX_ANSWER]);
        let length = self.card.transmit(command, &mut buffer).map(<[u8]>::len).map_err(lost)?;
        buffer.truncate(length);
        Ok(buffer)
    }
}

/// After any of these another medium may answer on the same handle: the exchange is over.
fn lost(error: Error) -> TransmitError {
    match error {
        Error::ReaderUnavailable
        | Error::UnknownReader
        | Error::InvalidValue
        | Error::InvalidHandle
        | Error::NoService
        | Error::ServiceStopped
        | Error::CommError => TransmitError::ReaderLost,
        _ => TransmitError::Torn,
    }
}
