//! The actor: the bus on one side, [`Service`] on the other.
//!
//! A share can hang for minutes, so files are touched only on threads of their own, one at a time, and the actor stays
//! able to answer and to say that the folder is unavailable.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use actix::{Actor, ActorContext, ActorFutureExt, AsyncContext, Context, Handler, WrapFuture};
use jiff::Timestamp;
use madoguchi_bus::{AskError, Bus, BusActor, Faults, Incoming, Responder};
use madoguchi_protocol::Envelope;
use madoguchi_protocol::fault::FaultCode;
use madoguchi_protocol::messages::audit_log::Entry;
use madoguchi_protocol::messages::receipt_computer::{ReceiptComputerCommand, ResultWritten, WriteResult};
use madoguchi_protocol::messages::state::Detail;
use madoguchi_protocol::messages::uplink::{Queried, QueryEligibility};

use crate::service::{Arrivals, MAX_IN_HAND, Outcome, Pending, Service, ServiceError, Settings, reply};

/// A look at the folders that takes longer counts as a share that hangs.
const HUNG_AFTER: Duration = Duration::from_secs(10);
/// For how long after the last lost character staff are told of it.
const LOSS_SHOWN_FOR: Duration = Duration::from_secs(3600);

/// The receipt computer's folders, as an actor.
#[derive(Debug)]
pub struct ReceiptComputer {
    bus: Bus,
    service: Arc<Mutex<Service>>,
    scan: Duration,
    looking_since: Option<Instant>,
    in_hand: usize,
    folders_fail: bool,
    writing_fails: bool,
    last_loss: Option<Instant>,
    faults: Faults,
    written: u64,
    lost_characters: u64,
    queries_answered: u64,
}

impl ReceiptComputer {
    /// Opens the folders of a configuration.
    ///
    /// # Errors
    /// [`ServiceError`] when the gateway's own folder can't be used; a shared one that is away is no error here.
    pub fn new(bus: Bus, config: &Settings) -> Result<Self, ServiceError> {
        let service = Service::open(config, Timestamp::now())?;
        Ok(Self {
            faults: Faults::new(bus.clone()),
            bus,
            service: Arc::new(Mutex::new(service)),
            scan: Duration::from_millis(config.scan_ms.max(50)),
            looking_since: None,
            in_hand: 0,
            folders_fail: false,
            writing_fails: false,
            last_loss: None,
            written: 0,
            lost_characters: 0,
            queries_answered: 0,
        })
    }

    /// Does something with the files on another thread, then something with the result in the actor.
    fn with_files<T: Send + 'static>(
        &self,
        context: &mut Context<Self>,
        work: impl FnOnce(&mut Service) -> T + Send + 'static,
        after: impl FnOnce(&mut Self, T, &mut Context<Self>) + 'static,
    ) {
        let service = self.service.clone();
        let work = tokio::task::spawn_blocking(move || {
            // The book and the folders stay sound whoever panicked: each step is durable on its own.
            work(&mut service.lock().unwrap_or_else(PoisonError::into_inner))
        });
        context.spawn(work.into_actor(self).map(|done, actor, context| match done {
            Ok(done) => after(actor, done, context),
            // It panicked: let the supervisor build the actor anew.
            Err(_) => context.stop(),
        }));
    }

    fn look(&mut self, context: &mut Context<Self>) {
        if let Some(since) = self.looking_since {
            if since.elapsed() > HUNG_AFTER && !self.folders_fail {
                tracing::error!("the receipt computer's share does not answer");
                self.folders_fail = true;
                self.show();
            }
            return;
        }
        self.looking_since = Some(Instant::now());
        let free = MAX_IN_HAND.saturating_sub(self.in_hand);
        let work = move |service: &mut Service| {
            let now = Timestamp::now();
            let health = service.recover(now).and_then(|()| service.check_folders());
            (health, service.look(Instant::now(), now, free))
        };
        self.with_files(context, work, |actor, (health, arrivals), context| {
            actor.looking_since = None;
            actor.looked(health, arrivals, context);
        });
    }

    fn looked(
        &mut self,
        health: Result<(), ServiceError>,
        arrivals: Result<Arrivals, ServiceError>,
        context: &mut Context<Self>,
    ) {
        let failed = self.folders_fail;
        let (arrivals, looked) = match arrivals {
            Ok(arrivals) => (arrivals, Ok(())),
            Err(error) => (Arrivals::default(), Err(error)),
        };
        let outcome = health.and(looked);
        self.folders_fail = outcome.is_err();
        match outcome {
            Err(error) if !failed => tracing::error!(%error, "the receipt computer's folders fail"),
            Ok(()) if failed => tracing::info!("the receipt computer's folders are back"),
            _ => {}
        }
        if arrivals.malformed > 0 {
            tracing::warn!(count = arrivals.malformed, "malformed queries answered with what to mend");
            self.queries_answered += arrivals.malformed as u64;
        }
        for pending in arrivals.pending {
            self.ask(pending, context);
        }
        self.show();
    }

    /// Asks the centre by way of `uplink`. An asker that hears nothing does not know whether the centre was reached; the
    /// request id makes asking again harmless.
    fn ask(&mut self, pending: Pending, context: &mut Context<Self>) {
        self.in_hand += 1;
        let bus = self.bus.clone();
        let asked = async move {
            let said = bus.ask(None, None, QueryEligibility { query: pending.query.clone() }).await;
            (pending, said)
        };
        context.spawn(asked.into_actor(self).map(|(pending, said), actor, context| {
            let said = match said {
                Ok(said) => said,
                Err(AskError::NoReply { .. } | AskError::BadReply { .. } | AskError::Unsendable { .. }) => {
                    Queried::Uncertain
                }
            };
            let work = move |service: &mut Service| service.answer_query(&pending, &said, Timestamp::now());
            actor.with_files(context, work, |actor, outcome, _| {
                actor.in_hand -= 1;
                match outcome {
                    Ok(Outcome::Answered(losses)) => {
                        actor.queries_answered += 1;
                        actor.note_losses(losses.len());
                    }
                    Ok(Outcome::Waiting) => {}
                    Err(error) => tracing::error!(%error, "a query's answer was not written"),
                }
                actor.show();
            });
        }));
    }

    fn write(&mut self, envelope: Envelope<WriteResult>, responder: Responder, context: &mut Context<Self>) {
        let (Some(lane), Some(visit)) = (envelope.lane, envelope.visit) else {
            tracing::error!("a result without lane or visit was refused");
            responder.reply::<WriteResult>(&ResultWritten::Unwritable);
            return;
        };
        let result = envelope.body;
        let work = move |service: &mut Service| service.write_result(lane, visit, &result, Timestamp::now());
        self.with_files(context, work, move |actor, written, _| {
            responder.reply::<WriteResult>(&reply(&written));
            match written {
                Ok(written) => {
                    actor.writing_fails = false;
                    if written.now {
                        actor.written += 1;
                        actor.note_losses(written.losses.len());
                        actor.bus.record(Some(lane), Some(visit), Entry::ResultWritten);
                    }
                    for loss in &written.losses {
                        // Not which character: it is a part of a name.
                        tracing::warn!(%lane, %visit, element = loss.element, position = loss.position, "a character that Shift_JIS lacks was written as ●");
                    }
                }
                Err(error) => {
                    actor.writing_fails |= error.is_passing();
                    tracing::error!(%lane, %visit, %error, "a result was not written");
                }
            }
            actor.show();
        });
    }

    fn note_losses(&mut self, count: usize) {
        if count > 0 {
            self.lost_characters += count as u64;
            self.last_loss = Some(Instant::now());
        }
    }

    /// Says how the folders stand.
    fn show(&mut self) {
        let shows_loss = self.last_loss.is_some_and(|at| at.elapsed() < LOSS_SHOWN_FOR);
        self.faults.set(FaultCode::ReceiptFolderUnavailable, self.folders_fail || self.writing_fails);
        self.faults.set(FaultCode::CharactersLost, shows_loss);
        let detail = Detail::ReceiptComputer {
            written: self.written,
            lost_characters: self.lost_characters,
            queries_answered: self.queries_answered,
        };
        self.bus.set_state(self.faults.list(), detail);
    }
}

impl Actor for ReceiptComputer {
    type Context = Context<Self>;

    fn started(&mut self, context: &mut Self::Context) {
        self.show();
        self.look(context);
        context.run_interval(self.scan, Self::look);
    }
}

impl BusActor for ReceiptComputer {
    type Commands = ReceiptComputerCommand;
}

impl Handler<Incoming<ReceiptComputerCommand>> for ReceiptComputer {
    type Result = ();

    fn handle(&mut self, incoming: Incoming<ReceiptComputerCommand>, context: &mut Self::Context) {
        match incoming {
            Incoming::Command(envelope, responder) => {
                let envelope = envelope.map(|ReceiptComputerCommand::WriteResult(result)| result);
                self.write(envelope, responder, context);
            }
            // What is half done is completed at the next start.
            Incoming::Stop => context.stop(),
            Incoming::Event(_) | Incoming::State(..) | Incoming::Link(_) => {}
        }
    }
}
