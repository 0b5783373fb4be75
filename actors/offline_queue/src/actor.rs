//! The actor: the bus on one side, the store and its drain on the other.

mod persons;

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use actix::{Actor, ActorContext, ActorFutureExt, AsyncContext, Context, Handler, SpawnHandle, WrapFuture};
use jiff::Timestamp;
use madoguchi_bus::{Bus, BusActor, Faults, Incoming, Responder, events::QueueAccepted};
use madoguchi_protocol::{
    ActorKind, Address, Envelope,
    fault::FaultCode,
    figures::Family,
    messages::{
        audit_log::Entry,
        offline_queue::{AcceptConfirmation, Accepted, AskConfirmation, OfflineQueueCommand},
        state::{Condition, Detail, Filling, State},
    },
};

use crate::{
    desk,
    drain::{self, Signals, now_ms},
    outlook::Arrivals,
    rehearsal::{self, Rehearsals},
    settings::Settings,
    store::{self, Level, Resealing, Status, Store, StoreError},
};

/// How often the state is looked at; it is published where it changed.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// How often the store is tidied.
const TIDY_EVERY: Duration = Duration::from_secs(60);
/// How often a full queue looks for room: patients are sent to the fallbacks until it finds some.
const SEEK_ROOM_EVERY: Duration = Duration::from_secs(5);
/// How long after a failure of the medium the store is opened again.
const REOPEN_AFTER: Duration = Duration::from_secs(2);
/// Records whose seals are opened in one go when the queue is checked at the start.
const SCRUB_AT_ONCE: usize = 64;
/// Within this time of the start every lane has said whether it rehearses.
const LANES_HEARD_WITHIN: Duration = Duration::from_secs(2);
/// Commands that wait for the store to be opened: more than there are lanes at a site.
const MOST_EARLY: usize = 128;

/// The queue. One for the box.
pub struct OfflineQueue {
    bus: Bus,
    settings: Arc<Settings>,
    store: Option<Store>,
    /// What came while the store was being opened; answered as soon as it is known whether it works.
    early: Vec<(Envelope<AcceptConfirmation>, Responder)>,
    opening: bool,
    /// What moves records on, as long as the store works.
    working: Vec<SpawnHandle>,
    signals: Arc<Signals>,
    rehearsals: Arc<Rehearsals>,
    settled: Arc<AtomicU64>,
    line_was_up: bool,
    folder_was_good: bool,
    faults: Faults,
    last: Option<Status>,
    arrivals: Arrivals,
}

impl OfflineQueue {
    /// A queue in the folder of the settings. The store is opened once the actor runs: where that fails, the lanes are told
    /// so and it is tried again.
    pub fn new(bus: Bus, settings: Settings) -> Self {
        Self {
            faults: Faults::new(bus.clone()),
            bus,
            settings: Arc::new(settings),
            store: None,
            early: Vec::new(),
            opening: false,
            working: Vec::new(),
            signals: Arc::default(),
            rehearsals: Arc::default(),
            settled: Arc::default(),
            line_was_up: false,
            folder_was_good: false,
            last: None,
            arrivals: Arrivals::default(),
        }
    }

    fn open(&mut self, context: &mut Context<Self>) {
        self.opening = true;
        let config = self.settings.store();
        let opening = tokio::task::spawn_blocking(move || match Store::open(&config) {
            Err(StoreError::Corrupt(what)) => {
                tracing::error!(what, "the queue's database is damaged and is repaired");
                let stamp = now_ms().to_string();
                let repaired = store::repair(&config, &stamp, now_ms())?;
                tracing::error!(
                    kept = repaired.kept,
                    damaged = ?repaired.damaged,
                    without_record = repaired.without_record,
                    aside = ?repaired.put_aside,
                    "the queue's database was repaired; the damaged one was put aside"
                );
                Store::open(&config)
            }
            opened => opened,
        });
        context.spawn(opening.into_actor(self).map(|opened, queue, context| match opened {
            Ok(Ok((store, opened))) => {
                tracing::info!(unsettled = opened.unsettled, "the queue is open");
                if let Some(aside) = opened.memory_put_aside {
                    tracing::error!(
                        ?aside,
                        "the memory of settled requests was damaged; it was put aside and begun anew"
                    );
                }
                queue.begin(store, context);
            }
            Ok(Err(error)) => queue.failed(&error, context),
            // It panicked: let the supervisor build everything anew.
            Err(_) => context.stop(),
        }));
    }

    fn begin(&mut self, store: Store, context: &mut Context<Self>) {
        self.opening = false;
        self.faults.set(FaultCode::QueueFailed, false);
        self.store = Some(store.clone());
        for (command, responder) in std::mem::take(&mut self.early) {
            self.accept(command, responder, context);
        }
        let (bus, settings) = (self.bus.clone(), self.settings.clone());
        let (signals, settled) = (self.signals.clone(), self.settled.clone());
        let drained = store.clone();
        let draining = async move { drain::run(bus, drained, &settings, &signals, settled).await };
        let (bus, practised, rehearsals) = (self.bus.clone(), store.clone(), self.rehearsals.clone());
        let wiping = async move { rehearsal::run(bus, practised, &rehearsals, LANES_HEARD_WITHIN).await };
        self.working = vec![
            context.spawn(
                draining.into_actor(self).map(|error, queue, context| queue.failed_in_use(&error, context)),
            ),
            context.spawn(
                wiping.into_actor(self).map(|error, queue, context| queue.failed_in_use(&error, context)),
            ),
        ];
        self.scrub(store.clone(), context);
        self.reseal(store, context);
        self.look(context);
    }

    /// Opens every seal once, in steps that let accepts through: damage is found now and not in its turn.
    fn scrub(&self, store: Store, context: &mut Context<Self>) {
        let scrubbing = async move {
            let (mut after, mut looked_at, mut damaged) = (0, 0, 0);
            loop {
                let scrubbed = store.scrub(after, SCRUB_AT_ONCE, Some(now_ms())).await?;
                looked_at += scrubbed.looked_at;
                damaged += scrubbed.damaged.len();
                for record in &scrubbed.damaged {
                    tracing::error!(%record, "a queued record is damaged and was set aside");
                }
                match scrubbed.last {
                    Some(last) => after = last,
                    None => break Ok((looked_at, damaged)),
                }
            }
        };
        context.spawn(scrubbing.into_actor(self).map(|scrubbed: Result<_, StoreError>, queue, context| {
            match scrubbed {
                Ok((looked_at, damaged)) => tracing::info!(looked_at, damaged, "the queue was checked"),
                Err(error) => queue.failed_in_use(&error, context),
            }
        }));
    }

    /// Seals with the newest key what others had sealed, in steps that let accepts through.
    fn reseal(&self, store: Store, context: &mut Context<Self>) {
        let resealing = async move {
            let mut pass = Resealing::default();
            while !pass.done {
                pass = store.reseal(pass, SCRUB_AT_ONCE).await?;
            }
            Ok(pass)
        };
        context.spawn(resealing.into_actor(self).map(
            |pass: Result<_, StoreError>, queue, context| match pass {
                Ok(Resealing { sealed_anew: 0, damaged: 0, .. }) => {}
                Ok(Resealing { sealed_anew, damaged, .. }) => {
                    tracing::info!(sealed_anew, damaged, "what older keys had sealed was sealed anew");
                }
                Err(error) => queue.failed_in_use(&error, context),
            },
        ));
    }

    /// The medium failed: nothing is accepted until the store has been opened anew and told what is there.
    fn failed(&mut self, error: &StoreError, context: &mut Context<Self>) {
        tracing::error!(%error, "the queue does not work; it is opened again shortly");
        self.opening = false;
        for (_, responder) in self.early.drain(..) {
            responder.reply::<AcceptConfirmation>(&Accepted::Failed);
        }
        for working in self.working.drain(..) {
            context.cancel_future(working);
        }
        let first = self.store.take().is_some() || !self.faults.has(FaultCode::QueueFailed);
        self.faults.set(FaultCode::QueueFailed, true);
        self.show();
        let again = if first { REOPEN_AFTER / 4 } else { REOPEN_AFTER };
        context.run_later(again, Self::open);
    }

    fn accept(
        &mut self,
        command: Envelope<AcceptConfirmation>,
        responder: Responder,
        context: &mut Context<Self>,
    ) {
        let Some(store) = self.store.clone() else {
            if self.opening && self.early.len() < MOST_EARLY {
                self.early.push((command, responder));
            } else {
                responder.reply::<AcceptConfirmation>(&Accepted::Failed);
            }
            return;
        };
        let began = Instant::now();
        let practice = command.body.practice;
        let accepting = async move {
            let heard = desk::accept(&store, &command, now_ms()).await;
            (heard, command.lane, command.visit)
        };
        context.spawn(accepting.into_actor(self).map(
            move |(heard, lane, visit), queue, context| match heard {
                Ok(heard) => {
                    queue.bus.emit(&QueueAccepted { visit, answer: heard.reply, took: began.elapsed() });
                    responder.reply::<AcceptConfirmation>(&heard.reply);
                    if heard.new && practice {
                        queue.rehearsals.note();
                    } else if heard.new {
                        queue.arrivals.note(now_ms());
                        queue.signals.accepted.notify_one();
                        queue.bus.record(lane, visit, Entry::ConfirmationAccepted);
                    }
                }
                Err(error) => {
                    let answer = Accepted::Failed;
                    queue.bus.emit(&QueueAccepted { visit, answer, took: began.elapsed() });
                    responder.reply::<AcceptConfirmation>(&answer);
                    queue.failed_in_use(&error, context);
                }
            },
        ));
    }

    fn ask(&self, command: AskConfirmation, responder: Responder, context: &mut Context<Self>) {
        self.reply_with::<AskConfirmation, _>(responder, context, |store| async move {
            desk::standing(&store, &command).await
        });
    }

    /// Several calls can fail together; the store is opened again once.
    fn failed_in_use(&mut self, error: &StoreError, context: &mut Context<Self>) {
        if self.store.is_some() {
            self.failed(error, context);
        }
    }

    fn look(&mut self, context: &mut Context<Self>) {
        let Some(store) = self.store.clone() else { return self.show() };
        let looking = async move { store.status().await };
        context.spawn(looking.into_actor(self).map(|status, queue, context| match status {
            Ok(status) => {
                queue.faults.set(FaultCode::QueueFull, status.level == Level::Full);
                queue.faults.set(FaultCode::ConfirmationSetAside, status.set_aside > 0);
                #[expect(clippy::cast_precision_loss, reason = "the store is far smaller than 2^53 bytes")]
                queue.bus.tally().set(Family::QueueBytes, &[], status.bytes as f64);
                queue.last = Some(status);
                queue.show();
            }
            Err(error) => queue.failed_in_use(&error, context),
        }));
    }

    fn tidy(&mut self, context: &mut Context<Self>) {
        let Some(store) = self.store.clone() else { return };
        let tidying = async move {
            while store.tidy(now_ms()).await? {}
            Ok(())
        };
        context.spawn(tidying.into_actor(self).map(|tidied: Result<(), StoreError>, _, _| {
            // Nothing accepted depends on it, and a medium that fails shows itself elsewhere.
            if let Err(error) = tidied {
                tracing::warn!(%error, "the queue could not be tidied");
            }
        }));
    }

    /// Says how the queue stands.
    fn show(&mut self) {
        let timestamp = |at: u64| i64::try_from(at).ok().and_then(|at| Timestamp::from_millisecond(at).ok());
        let detail = match self.last {
            None => Detail::None,
            Some(status) => Detail::OfflineQueue {
                waiting: status.waiting,
                oldest: status.oldest.and_then(timestamp),
                set_aside: status.set_aside,
                settled: self.settled.load(Ordering::Relaxed),
                practice: status.practice,
                hours_left: self.arrivals.hours_left(&status, &self.settings.quota(), now_ms()),
                given_up_too_old: status.given_up.too_old,
                given_up_for_room: status.given_up.made_room,
                discarded: status.given_up.discarded,
                filling: match status.level {
                    Level::Ok => Filling::Ok,
                    Level::Warning => Filling::Warning,
                    Level::Critical => Filling::Critical,
                    Level::Full => Filling::Full,
                },
            },
        };
        self.bus.set_state(self.faults.list(), detail);
    }

    fn hear_state(&mut self, from: Address, state: &State) {
        let runs = state.condition == Condition::Running;
        let has = |code| state.faults.iter().any(|fault| fault.code == code);
        match (from.kind, &state.detail) {
            (ActorKind::Uplink, Detail::Uplink { reachable, .. }) => {
                let up = runs && *reachable;
                if up && !self.line_was_up {
                    self.signals.line_is_back.notify_one();
                }
                self.line_was_up = up;
            }
            (ActorKind::ReceiptComputer, _) => {
                let good = runs && !has(FaultCode::ReceiptFolderUnavailable);
                if good && !self.folder_was_good {
                    self.signals.folder_is_back.notify_one();
                }
                self.folder_was_good = good;
            }
            (ActorKind::Uplink, _) => self.line_was_up = false,
            (ActorKind::FaceReader, detail) => {
                let rehearses = matches!(detail, Detail::FaceReader { rehearsal: Some(_), .. });
                if let Some(lane) = from.lane {
                    self.rehearsals.hear(lane, runs && rehearses);
                }
            }
            _ => {}
        }
    }

    fn stop(&mut self, context: &mut Context<Self>) {
        // What is under way is asked again at the next start, under the same request ids.
        for working in self.working.drain(..) {
            context.cancel_future(working);
        }
        let Some(store) = self.store.take() else { return context.stop() };
        context.spawn(store.close().into_actor(self).map(|(), _, context| context.stop()));
    }
}

impl Actor for OfflineQueue {
    type Context = Context<Self>;

    fn started(&mut self, context: &mut Self::Context) {
        self.show();
        self.open(context);
        context.run_interval(LOOK_EVERY, Self::look);
        context.run_interval(TIDY_EVERY, Self::tidy);
        context.run_interval(SEEK_ROOM_EVERY, |queue, context| {
            if queue.faults.has(FaultCode::QueueFull) {
                queue.tidy(context);
            }
        });
    }
}

impl BusActor for OfflineQueue {
    type Commands = OfflineQueueCommand;
}

impl Handler<Incoming<OfflineQueueCommand>> for OfflineQueue {
    type Result = ();

    fn handle(&mut self, incoming: Incoming<OfflineQueueCommand>, context: &mut Self::Context) {
        match incoming {
            Incoming::Command(envelope, responder) => {
                let Envelope { v, id, in_reply_to, visit, lane, at, body } = envelope;
                match body {
                    OfflineQueueCommand::AcceptConfirmation(body) => {
                        let command = Envelope { v, id, in_reply_to, visit, lane, at, body };
                        self.accept(command, responder, context);
                    }
                    OfflineQueueCommand::AskConfirmation(command) => self.ask(command, responder, context),
                    OfflineQueueCommand::ListRecords(wanted) => self.list(wanted, responder, context),
                    OfflineQueueCommand::ShowRecord(wanted) => self.show_record(wanted, responder, context),
                    OfflineQueueCommand::RetryRecord(wanted) => self.retry(wanted, responder, context),
                    OfflineQueueCommand::DiscardRecord(wanted) => self.discard(wanted, responder, context),
                    OfflineQueueCommand::ExportRecord(wanted) => self.export(wanted, responder, context),
                    OfflineQueueCommand::AskOutlook(_) => self.outlook(responder, context),
                    OfflineQueueCommand::AskKeys(_) => self.keys(responder, context),
                    OfflineQueueCommand::RotateKey(_) => self.rotate_key(responder, context),
                    OfflineQueueCommand::DropOldKeys(_) => self.drop_old_keys(responder, context),
                }
            }
            Incoming::State(from, state) => self.hear_state(from, &state.body),
            Incoming::Stop => self.stop(context),
            Incoming::Event(_) | Incoming::Link(_) => {}
        }
    }
}
