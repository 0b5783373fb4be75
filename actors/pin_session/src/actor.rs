//! The actor around [`Jobs`]: commands in, replies out, and a timer for what grows too old.

use crate::jobs::Jobs;
use actix::{Actor, AsyncContext, Context, Handler, SpawnHandle};
use madoguchi_bus::{
    Bus, BusActor, Incoming, Responder, StartError,
    events::{PinExpired, PinJobOpened},
};
use madoguchi_protocol::{
    Envelope, LaneId, VisitId,
    messages::{
        pin_session::{DropPin, HoldPin, OpenPinJob, PinDropped, PinSessionCommand, ReleasePin},
        state::Detail,
    },
};
use serde::Deserialize;
use std::time::Instant;

/// What can be set for the keeper of PINs: nothing. How long a PIN lives is a promise, not a preference.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {}

/// The keeper of PINs. No `Debug`.
pub struct PinSession {
    bus: Bus,
    jobs: Jobs,
    timer: Option<SpawnHandle>,
}

impl PinSession {
    /// A keeper without jobs.
    ///
    /// # Errors
    /// None so far; the signature is that of every actor.
    pub fn new(bus: Bus, _settings: &Settings) -> Result<Self, StartError> {
        Ok(Self { bus, jobs: Jobs::default(), timer: None })
    }

    fn hear(&mut self, command: Envelope<PinSessionCommand>, responder: Responder) {
        let (Some(lane), Some(visit)) = (command.lane, command.visit) else {
            tracing::warn!("a PIN command without lane or visit was refused");
            return;
        };
        self.obey(lane, visit, command.body, responder);
    }

    fn obey(&mut self, lane: LaneId, visit: VisitId, command: PinSessionCommand, responder: Responder) {
        let now = Instant::now();
        match command {
            PinSessionCommand::OpenPinJob(OpenPinJob {}) => match self.jobs.open(lane, visit, now) {
                Ok(opened) => {
                    self.bus.emit(&PinJobOpened { visit });
                    responder.reply::<OpenPinJob>(&opened);
                }
                // No reply: the asker's deadline leads the patient to a fallback.
                Err(error) => tracing::error!(%lane, %error, "no PIN job can be opened"),
            },
            PinSessionCommand::HoldPin(HoldPin { job, sealed }) => {
                responder.reply::<HoldPin>(&self.jobs.hold(lane, visit, job, &sealed, now));
            }
            PinSessionCommand::ReleasePin(ReleasePin { job, reader_key }) => {
                responder.reply::<ReleasePin>(&self.jobs.release(lane, visit, job, &reader_key, now));
            }
            PinSessionCommand::DropPin(DropPin { job }) => {
                self.jobs.drop_job(lane, job);
                responder.reply::<DropPin>(&PinDropped {});
            }
        }
    }

    /// Says how many jobs are open, and sets the timer for the next that grows too old.
    fn settle(&mut self, context: &mut Context<Self>) {
        let open_jobs = u32::try_from(self.jobs.len()).unwrap_or(u32::MAX);
        self.bus.set_state(Vec::new(), Detail::PinSession { open_jobs });
        if let Some(timer) = self.timer.take() {
            context.cancel_future(timer);
        }
        self.timer = self.jobs.next_expiry().map(|at| {
            context.run_later(at.saturating_duration_since(Instant::now()), |keeper, context| {
                keeper.timer = None;
                if keeper.jobs.expire(Instant::now()) {
                    keeper.bus.emit(&PinExpired);
                }
                keeper.settle(context);
            })
        });
    }
}

impl Actor for PinSession {
    type Context = Context<Self>;

    fn started(&mut self, context: &mut Self::Context) {
        self.settle(context);
    }
}

impl BusActor for PinSession {
    type Commands = PinSessionCommand;
}

impl Handler<Incoming<PinSessionCommand>> for PinSession {
    type Result = ();

    fn handle(&mut self, incoming: Incoming<PinSessionCommand>, context: &mut Self::Context) {
        match incoming {
            Incoming::Command(command, responder) => self.hear(command, responder),
            Incoming::Stop => {
                self.jobs.clear();
                actix::ActorContext::stop(context);
                return;
            }
            // A broker that was gone may have carried nothing for a while; the jobs' ends hold all the same.
            Incoming::Link(_) | Incoming::Event(_) | Incoming::State(..) => return,
        }
        self.settle(context);
    }
}
