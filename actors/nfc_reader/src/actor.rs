//! The actor: commands in, outcomes out, and the reader's state told as it changes.

use crate::{
    jpki::Pin,
    pcsc::{Service, Stay, View, binding::ReaderBinding, keeper::ReaderKeeper, medium::MediumReader},
    read::{Ended, Order, carry_out},
    seal::ReaderKey,
};
use actix::{Actor, ActorContext, ActorFutureExt, AsyncContext, Context, Handler, fut::wrap_future};
use jiff::{SignedDuration, Timestamp};
use madoguchi_bus::{
    Bus, BusActor, Faults, Incoming, Responder, StartError,
    events::{PinJudged, ReadEnded},
};
use madoguchi_protocol::{
    Envelope, LaneId, VisitId,
    evidence::Medium,
    fault::FaultCode,
    messages::{
        nfc_reader::{
            CancelRead, NfcReaderCommand, ReadCancelled, ReadMedium, ReadOutcome, ReadProgress, ReaderTested,
            TestReader,
        },
        pin_session::{PinReleased, ReleasePin},
        state::Detail,
    },
    pin::{PinJob, associated_data},
};
use serde::Deserialize;
use std::{
    cell::Cell,
    time::{Duration, Instant},
};
use tokio::sync::watch;

/// The longest wait for a medium: the command's own deadline is 180 s.
const LONGEST_WAIT: Duration = Duration::from_secs(160);
/// A medium that came longer than this before its read was asked for was held too early for a hand that waited for
/// the screen; what is less is a message's way.
const TOO_EARLY: SignedDuration = SignedDuration::from_millis(300);
/// The longest wait of a test: with the longest read after it, it ends before the command's own deadline of 40 s.
pub(crate) const LONGEST_TEST: Duration = Duration::from_secs(20);

/// What can be set for a lane's NFC reader.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// Which of the attached readers is this lane's; see [`ReaderBinding`]. Default: the only one.
    pub reader: ReaderBinding,
    /// How long reading one medium may take before it counts as stuck, in milliseconds, 1000 to 15000.
    /// Default: 10000.
    pub read_limit_ms: u32,
    /// The socket of the PC/SC service that the reader is at; without it, the machine's. A process can talk to one
    /// service only.
    pub pcscd: Option<std::path::PathBuf>,
}

impl Default for Settings {
    fn default() -> Self {
        Self { reader: ReaderBinding::default(), read_limit_ms: 10_000, pcscd: None }
    }
}

/// Settings that can't be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("read_limit_ms is {0}; it must be from 1000 to 15000")]
pub struct BadSettings(u32);

impl Settings {
    /// Refuses what is out of bounds.
    pub fn check(&self) -> Result<(), BadSettings> {
        if (1000..=15_000).contains(&self.read_limit_ms) {
            Ok(())
        } else {
            Err(BadSettings(self.read_limit_ms))
        }
    }
}

/// A lane's NFC reader.
pub struct NfcReader {
    bus: Bus,
    lane: LaneId,
    limit: Duration,
    keeper: ReaderKeeper,
    media: MediumReader,
    /// Cancels the newest read when set to true or dropped.
    current: watch::Sender<bool>,
    /// Reads of visits that have not ended yet.
    serving: u32,
    /// The last stay that was connected to.
    spent: Option<Spent>,
}

/// A stay of a medium that was read.
#[derive(Clone, Copy, Debug)]
struct Spent {
    stay: Stay,
    /// For which visit.
    visit: Option<VisitId>,
    /// What was expected, where reading it again for that would only bring the same outcome.
    hopeless: Option<Medium>,
}

impl Spent {
    /// Whether it must be taken away before a read: for any other visit, since it may be the phone of the
    /// patient before; for the same one, where it is known to be the wrong medium.
    fn bars(&self, visit: Option<VisitId>, expected: Medium) -> bool {
        visit.is_none() || visit != self.visit || self.hopeless == Some(expected)
    }
}

impl NfcReader {
    /// Starts following the reader. Call it inside a tokio runtime.
    ///
    /// # Errors
    /// [`BadSettings`].
    pub fn new(bus: Bus, lane: LaneId, settings: Settings) -> Result<Self, StartError> {
        settings.check()?;
        Ok(Self {
            bus,
            lane,
            limit: Duration::from_millis(settings.read_limit_ms.into()),
            keeper: ReaderKeeper::start(settings.reader),
            media: MediumReader::default(),
            current: watch::channel(false).0,
            serving: 0,
            spent: None,
        })
    }

    /// The medium that must be taken away before this read: it was read for somebody else, or lay there when nobody was
    /// asked to hold it yet. That may be the phone of who comes next: a PIN would be spent on it.
    fn barred(&self, visit: Option<VisitId>, expected: Medium, at: Timestamp) -> Option<Stay> {
        let lies_there = self.keeper.view().borrow().medium;
        match (lies_there, self.spent) {
            (Some(stay), Some(spent)) if spent.stay != stay => is_too_early(stay, at),
            (Some(stay), None) => is_too_early(stay, at),
            // Also while the service does not tell what lies there.
            (_, Some(spent)) => spent.bars(visit, expected).then_some(spent.stay),
            (None, None) => None,
        }
    }

    fn cancel(&self) {
        self.current.send_replace(true);
    }

    /// Ends what is being read, and gives what will tell of the end of the next.
    fn begin(&mut self) -> watch::Receiver<bool> {
        self.cancel();
        let (cancel, cancelled) = watch::channel(false);
        self.current = cancel;
        cancelled
    }

    /// Waits for any medium and says what it is. What was held for it is not read for the next patient.
    fn test(&mut self, wait: Duration, responder: Responder, context: &mut Context<Self>) {
        if self.serving > 0 {
            return responder.reply::<TestReader>(&ReaderTested::InUse);
        }
        let cancelled = self.begin();
        let order = Order {
            expected: None,
            statement: Vec::new(),
            last_try_allowed: false,
            wait: wait.min(LONGEST_TEST),
            limit: self.limit,
            spent: None,
        };
        let (media, view) = (self.media.clone(), self.keeper.view());
        let work = async move { carry_out(order, &media, view, cancelled, || {}, async || None).await };
        let done = wrap_future::<_, Self>(work).map(move |ended, actor, _| {
            responder.reply::<TestReader>(&tested(&ended.outcome));
            tracing::info!(lane = %actor.lane, outcome = ended.outcome.name(), "the reader was tested");
            if let Some(stay) = ended.touched {
                actor.spent = Some(Spent { stay, visit: None, hopeless: None });
            }
        });
        context.spawn(done);
    }

    fn read(&mut self, command: Envelope<ReadMedium>, responder: Responder, context: &mut Context<Self>) {
        let cancelled = self.begin();
        self.serving += 1;
        let (visit, at, read) = (command.visit, command.at, command.body);
        let barred = self.barred(visit, read.expected, at);
        if barred.is_some() && barred == self.keeper.view().borrow().medium {
            self.bus.say(Some(self.lane), visit, &ReadProgress::TakeAwayFirst);
        }
        let order = Order {
            expected: Some(read.expected),
            statement: read.statement,
            last_try_allowed: read.last_try_allowed,
            wait: Duration::from_millis(read.wait_ms.into()).min(LONGEST_WAIT),
            limit: self.limit,
            spent: barred,
        };
        // whatever the command says, an iPhone has no PIN.
        let expected = read.expected;
        let job = read.pin_job.filter(|_| expected != Medium::Iphone);
        let (bus, lane, media, view) = (self.bus.clone(), self.lane, self.media.clone(), self.keeper.view());
        let work = async move {
            let first_seen = Cell::new(None);
            let seen = || {
                first_seen.set(first_seen.get().or(Some(Instant::now())));
                bus.say(Some(lane), visit, &ReadProgress::MediumSeen);
            };
            let release = async || release_pin(&bus, lane, visit?, job?).await;
            let ended = carry_out(order, &media, view, cancelled, seen, release).await;
            (ended, first_seen.get().map(|seen: Instant| seen.elapsed()))
        };
        let done = wrap_future::<_, Self>(work).map(move |(ended, took), actor, context| {
            actor.bus.emit(&ReadEnded { visit, outcome: &ended.outcome, took });
            if let Some(outcome) = pin_outcome(&ended.outcome).filter(|_| job.is_some()) {
                actor.bus.emit(&PinJudged { visit, medium: expected, outcome });
            }
            responder.reply::<ReadMedium>(&ended.outcome);
            actor.serving = actor.serving.saturating_sub(1);
            actor.ended(ended, visit, expected, context);
        });
        context.spawn(done);
    }

    fn ended(&mut self, ended: Ended, visit: Option<VisitId>, expected: Medium, context: &mut Context<Self>) {
        let Some(stay) = ended.touched else { return };
        let hopeless = matches!(
            ended.outcome,
            ReadOutcome::WrongMedium { .. } | ReadOutcome::OldResidentCard | ReadOutcome::NotJpki
        );
        self.spent = Some(Spent { stay, visit, hopeless: hopeless.then_some(expected) });
        let (bus, lane, mut view) = (self.bus.clone(), self.lane, self.keeper.view());
        context.spawn(wrap_future(async move {
            if view.wait_for(|view| view.medium != Some(stay)).await.is_ok() {
                bus.say(Some(lane), visit, &ReadProgress::MediumGone);
            }
        }));
    }
}

/// The stay, where it began too long before a read was asked for.
fn is_too_early(stay: Stay, asked: Timestamp) -> Option<Stay> {
    (asked.duration_since(stay.1) > TOO_EARLY).then_some(stay)
}

/// What became of the PIN of a read that had one, if anything.
const fn pin_outcome(outcome: &ReadOutcome) -> Option<&'static str> {
    match outcome {
        ReadOutcome::Signed { .. } => Some("verified"),
        ReadOutcome::WrongPin { .. } => Some("wrong"),
        ReadOutcome::LastTry => Some("last_try"),
        ReadOutcome::Locked => Some("locked"),
        ReadOutcome::PinNotHeld => Some("not_held"),
        _ => None,
    }
}

/// What an outcome says of the reader. Whatever was held was another medium than expected.
pub(crate) const fn tested(outcome: &ReadOutcome) -> ReaderTested {
    match outcome {
        ReadOutcome::WrongMedium { found } => ReaderTested::Read(*found),
        ReadOutcome::OldResidentCard | ReadOutcome::NotJpki => ReaderTested::ReadOther,
        ReadOutcome::NoMedium => ReaderTested::NoMedium,
        ReadOutcome::ReaderLost => ReaderTested::ReaderLost,
        ReadOutcome::Cancelled => ReaderTested::InUse,
        _ => ReaderTested::NotReadable,
    }
}

/// Has the PIN released to a key that is made for this once.
async fn release_pin(bus: &Bus, lane: LaneId, visit: VisitId, job: PinJob) -> Option<Pin> {
    let key = ReaderKey::generate();
    let command = ReleasePin { job, reader_key: key.public() };
    match bus.ask(Some(lane), Some(visit), command).await {
        Ok(PinReleased::Released(sealed)) => {
            let pin = key.open(&sealed, &associated_data(visit, lane, job));
            if pin.is_none() {
                tracing::error!(%lane, "the released PIN was not sealed for this read");
            }
            pin
        }
        Ok(PinReleased::NotHeld) => None,
        Err(error) => {
            tracing::warn!(%lane, %error, "no PIN");
            None
        }
    }
}

/// The one fault that a view shows, if any. Nothing is wrong before anything is known.
fn fault(view: &View) -> Option<FaultCode> {
    match (view.service, &view.reader) {
        (Service::Starting, _) | (Service::Up, Some(_)) => None,
        (Service::Up, None) => Some(FaultCode::NfcReaderLost),
        (Service::Down, _) => Some(FaultCode::PcscDown),
        (Service::Hung, _) => Some(FaultCode::PcscHung),
    }
}

/// Tells the reader's state as it changes.
async fn tell_state(bus: Bus, mut view: watch::Receiver<View>) {
    let mut faults = Faults::new(bus.clone());
    loop {
        let seen = view.borrow_and_update().clone();
        let present = fault(&seen);
        for code in [FaultCode::NfcReaderLost, FaultCode::PcscDown, FaultCode::PcscHung] {
            faults.set(code, present == Some(code));
        }
        let reader = seen.reader.as_ref().map(|name| name.to_string_lossy().into_owned());
        bus.set_state(faults.list(), Detail::NfcReader { reader, ready: seen.is_ready() });
        if view.changed().await.is_err() {
            return;
        }
    }
}

impl Actor for NfcReader {
    type Context = Context<Self>;

    fn started(&mut self, context: &mut Self::Context) {
        context.spawn(wrap_future(tell_state(self.bus.clone(), self.keeper.view())));
    }
}

impl BusActor for NfcReader {
    type Commands = NfcReaderCommand;
}

impl Handler<Incoming<NfcReaderCommand>> for NfcReader {
    type Result = ();

    fn handle(&mut self, incoming: Incoming<NfcReaderCommand>, context: &mut Self::Context) {
        let (command, responder) = match incoming {
            Incoming::Command(command, responder) => (command, responder),
            Incoming::Stop => {
                self.cancel();
                // The cancelled read still replies before the context ends.
                context.run_later(Duration::from_millis(50), |_, context| context.stop());
                return;
            }
            Incoming::Link(_) | Incoming::Event(_) | Incoming::State(..) => return,
        };
        let Envelope { v, id, in_reply_to, visit, lane, at, body } = command;
        match body {
            NfcReaderCommand::ReadMedium(body) => {
                self.read(Envelope { v, id, in_reply_to, visit, lane, at, body }, responder, context);
            }
            NfcReaderCommand::CancelRead(CancelRead {}) => {
                self.cancel();
                responder.reply::<CancelRead>(&ReadCancelled {});
            }
            NfcReaderCommand::TestReader(TestReader { wait_ms }) => {
                self.test(Duration::from_millis(wait_ms.into()), responder, context);
            }
        }
    }
}
