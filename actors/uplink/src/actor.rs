//! The actor: hears the commands, probes the line, says how it stands.

use crate::{
    centre::EligibilityCentre,
    desk::Desk,
    https::HttpsCentre,
    line::LineState,
    settings::{Settings, SetupError, ms},
};
use actix::{Actor, ActorContext, AsyncContext, Context, Handler, WrapFuture};
use madoguchi_bus::{Bus, BusActor, Faults, Incoming};
use madoguchi_protocol::{
    fault::FaultCode,
    messages::{
        state::Detail,
        uplink::{Authenticate, Confirm, QueryEligibility, UplinkCommand},
    },
};
use std::{sync::Arc, time::Duration};
use tokio::time::{MissedTickBehavior, interval};

/// The line and the centre at its end. One for the box.
pub struct Uplink<C: EligibilityCentre = HttpsCentre> {
    bus: Bus,
    desk: Arc<Desk<C>>,
    probe_every: Duration,
}

impl Uplink {
    /// An actor that speaks with the centre of the settings. Fails where a setting or a file is unsound.
    pub fn new(bus: Bus, settings: &Settings) -> Result<Self, SetupError> {
        Ok(Self::with_centre(bus, HttpsCentre::new(settings)?, settings))
    }
}

impl<C: EligibilityCentre> Uplink<C> {
    /// An actor that speaks with the centre through another adapter.
    pub fn with_centre(bus: Bus, centre: C, settings: &Settings) -> Self {
        let probe_every = ms(settings.probe_every_ms.max(1));
        Self { bus, desk: Arc::new(Desk::new(centre, settings)), probe_every }
    }
}

impl<C: EligibilityCentre> Actor for Uplink<C> {
    type Context = Context<Self>;

    fn started(&mut self, context: &mut Self::Context) {
        let (desk, every) = (self.desk.clone(), self.probe_every);
        let probing = async move {
            let mut ticks = interval(every);
            // A probe that took longer than the interval is followed by the next at once, not by a burst.
            ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
            loop {
                ticks.tick().await;
                desk.probe().await;
            }
        };
        context.spawn(probing.into_actor(self));

        let (bus, mut standing) = (self.bus.clone(), self.desk.standing());
        let saying = async move {
            // Before the first evidence nothing is known to be wrong.
            let mut said = LineState::Unknown;
            let mut faults = Faults::new(bus.clone());
            loop {
                let now = *standing.borrow_and_update();
                note(said, now.line);
                said = now.line;
                faults.set_at(FaultCode::LineDown, now.line == LineState::Down, now.since);
                let reachable = now.line == LineState::Up;
                let detail = Detail::Uplink { reachable, since: now.since, wrong_answers: now.wrong_answers };
                bus.set_state(faults.list(), detail);
                if standing.changed().await.is_err() {
                    return;
                }
            }
        };
        context.spawn(saying.into_actor(self));
    }
}

fn note(before: LineState, now: LineState) {
    match (before, now) {
        (LineState::Unknown | LineState::Up, LineState::Down) => tracing::warn!("the line is down"),
        (LineState::Down, LineState::Up) => tracing::info!("the line is back"),
        _ => {}
    }
}

impl<C: EligibilityCentre> BusActor for Uplink<C> {
    type Commands = UplinkCommand;
}

impl<C: EligibilityCentre> Handler<Incoming<UplinkCommand>> for Uplink<C> {
    type Result = ();

    fn handle(&mut self, incoming: Incoming<UplinkCommand>, context: &mut Self::Context) {
        match incoming {
            Incoming::Command(envelope, responder) => {
                let desk = self.desk.clone();
                // Each command goes its own way; the desk bounds how many are under way.
                let answering = async move {
                    match envelope.body {
                        UplinkCommand::Authenticate(command) => {
                            responder.reply::<Authenticate>(&desk.authenticate(&command).await);
                        }
                        UplinkCommand::Confirm(command) => {
                            responder.reply::<Confirm>(&desk.confirm(&command).await);
                        }
                        UplinkCommand::QueryEligibility(command) => {
                            responder.reply::<QueryEligibility>(&desk.query(&command).await);
                        }
                    }
                };
                context.spawn(answering.into_actor(self));
            }
            // What is under way is dropped: the queue keeps it, and asks again with the same request id.
            Incoming::Stop => context.stop(),
            Incoming::Event(_) | Incoming::State(..) | Incoming::Link(_) => {}
        }
    }
}
