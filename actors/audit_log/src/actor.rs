//! The actor: the bus on one side, [`Log`] on the other.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use actix::{Actor, ActorContext, AsyncContext, Context, Handler, WrapFuture};
use jiff::{Timestamp, civil::Date};
use madoguchi_bus::{Bus, BusActor, Incoming, Responder, events::AuditSynced};
use madoguchi_protocol::Envelope;
use madoguchi_protocol::fault::FaultCode;
use madoguchi_protocol::messages::audit_log::{
    AskChain, AuditLogCommand, EntryRecorded, ReadLog, ReadReport, RecordEntry,
};
use madoguchi_protocol::messages::state::{ActiveFault, Detail};

use crate::archive::Archive;
use crate::first_phone::FirstPhone;
use crate::log::{Log, LogError, Record, Settings};
use crate::running::Running;

/// How often files whose time is over are looked for.
const TIDY_EVERY: Duration = Duration::from_secs(3600);
/// The most entries that wait for the disk: some minutes of a busy hospital, a few megabytes.
const MAX_WAITING: usize = 10_000;
/// How often the state is said again while entries come in.
const SHOW_EVERY: Duration = Duration::from_secs(2);

/// The audit log, as an actor.
///
/// It writes in its own thread: a line takes microseconds, a sync as long as the disk takes. What can't be written waits
/// here, unanswered, and is written when the disk is mended.
#[derive(Debug)]
pub struct AuditLog {
    bus: Bus,
    log: Log,
    archive: Archive,
    sync_every: Duration,
    /// Entries that could not be written yet, oldest first.
    waiting: VecDeque<(Record, Responder)>,
    /// Since when the log can't be written, or its chain is broken.
    failing_since: Option<Timestamp>,
    first_phone: FirstPhone,
    running: Running,
    shown: Option<(u64, Option<Timestamp>, Option<Date>)>,
}

impl AuditLog {
    /// Opens the log.
    ///
    /// # Errors
    /// [`LogError`].
    pub fn new(bus: Bus, settings: Settings) -> Result<Self, LogError> {
        let now = Timestamp::now();
        let sync_every = Duration::from_millis(settings.sync_ms.max(10));
        let first_phone = FirstPhone::load(&settings.folder);
        let archive = Archive::of(settings.folder.clone());
        let log = Log::open(settings, now)?;
        let failing_since = log.is_broken().then_some(now);
        Ok(Self {
            bus,
            log,
            archive,
            sync_every,
            waiting: VecDeque::new(),
            failing_since,
            first_phone,
            running: Running::default(),
            shown: None,
        })
    }

    fn hear(&mut self, envelope: Envelope<RecordEntry>, responder: Responder) {
        if self.waiting.len() >= MAX_WAITING {
            tracing::error!("an entry was lost: the audit log has not been writable for too long");
            return;
        }
        let RecordEntry { at, entry } = envelope.body;
        let record = Record { id: Some(envelope.id), at, lane: envelope.lane, visit: envelope.visit, entry };
        self.waiting.push_back((record, responder));
        self.write();
    }

    /// Writes what waits, in the order in which it came.
    fn write(&mut self) {
        while let Some((record, responder)) = self.waiting.pop_front() {
            match self.log.record(&record, Timestamp::now()) {
                Ok(_) => {
                    self.first_phone.see(record.at, record.visit, &record.entry);
                    self.running.count(&self.bus, record.at, record.visit, &record.entry);
                    responder.reply::<RecordEntry>(&EntryRecorded {});
                }
                Err(error) => {
                    self.waiting.push_front((record, responder));
                    self.note(Err(error));
                    return;
                }
            }
        }
    }

    /// Takes the result of writing into account.
    fn note(&mut self, result: Result<(), LogError>) {
        match result {
            Ok(()) if !self.log.is_broken() => self.failing_since = None,
            Ok(()) => {}
            Err(error) => {
                if self.failing_since.is_none() {
                    tracing::error!(%error, "the audit log can't be written");
                    self.failing_since = Some(Timestamp::now());
                }
                self.show();
            }
        }
    }

    fn show(&mut self) {
        let now = (self.log.entries(), self.failing_since, self.first_phone.day());
        if self.shown != Some(now) {
            let fault =
                self.failing_since.map(|since| ActiveFault { code: FaultCode::AuditLogFailed, since });
            self.bus.set_state(
                fault.into_iter().collect(),
                Detail::AuditLog { entries: now.0, first_phone: now.2 },
            );
            self.shown = Some(now);
        }
    }
}

impl Actor for AuditLog {
    type Context = Context<Self>;

    fn started(&mut self, context: &mut Self::Context) {
        self.show();
        context.run_interval(self.sync_every, |actor, _| {
            actor.write();
            let (began, due) = (Instant::now(), actor.log.is_unsynced());
            let synced = actor.log.sync();
            if due && synced.is_ok() {
                actor.bus.emit(&AuditSynced { took: began.elapsed() });
            }
            // Only a sync that succeeds, with nothing waiting, says that all is well again.
            if synced.is_err() || actor.waiting.is_empty() {
                actor.note(synced);
            }
        });
        context.run_interval(SHOW_EVERY, |actor, _| actor.show());
        context.run_interval(TIDY_EVERY, |actor, _| {
            if let Err(error) = actor.log.tidy(Timestamp::now()) {
                actor.note(Err(error));
            }
        });
    }
}

impl BusActor for AuditLog {
    type Commands = AuditLogCommand;
}

impl Handler<Incoming<AuditLogCommand>> for AuditLog {
    type Result = ();

    fn handle(&mut self, incoming: Incoming<AuditLogCommand>, context: &mut Self::Context) {
        match incoming {
            Incoming::Command(envelope, responder) => {
                let Envelope { v, id, in_reply_to, visit, lane, at, body } = envelope;
                match body {
                    AuditLogCommand::RecordEntry(body) => {
                        self.hear(Envelope { v, id, in_reply_to, visit, lane, at, body }, responder);
                    }
                    AuditLogCommand::ReadLog(wanted) => {
                        let archive = self.archive.clone();
                        let reading = async move {
                            if let Some(page) = archive.page(wanted).await {
                                responder.reply::<ReadLog>(&page);
                            }
                        };
                        context.spawn(reading.into_actor(self));
                    }
                    AuditLogCommand::AskChain(AskChain { anew }) => {
                        responder.reply::<AskChain>(&self.archive.chain(anew));
                    }
                    AuditLogCommand::ReadReport(wanted) => {
                        let archive = self.archive.clone();
                        let reading = async move {
                            if let Some(rows) = archive.report(wanted).await {
                                responder.reply::<ReadReport>(&rows);
                            }
                        };
                        context.spawn(reading.into_actor(self));
                    }
                }
            }
            Incoming::Stop => {
                self.write();
                let synced = self.log.sync();
                self.note(synced);
                context.stop();
            }
            Incoming::Event(_) | Incoming::State(..) | Incoming::Link(_) => {}
        }
    }
}
