//! The actor: hears the commands, probes the line, says how it stands.

use crate::{
    centre::EligibilityCentre,
    desk::{Desk, Standing},
    https::HttpsCentre,
    line::LineState,
    settings::{Settings, SetupError, ms},
};
use actix::{Actor, ActorContext, AsyncContext, Context, Handler, WrapFuture};
use madoguchi_bus::{Bus, BusActor, Incoming};
use madoguchi_protocol::{
    fault::FaultCode,
    messages::{
        audit_log::Entry,
        state::{ActiveFault, Detail},
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
            let mut said = LineState::Unknown;
            loop {
                let now = *standing.borrow_and_update();
                publish(&bus, now);
                record(&bus, said, now.line);
                said = now.line;
                if standing.changed().await.is_err() {
                    return;
                }
            }
        };
        context.spawn(saying.into_actor(self));
    }
}

/// Before the first evidence the centre is not known to be reachable, and nothing is known to be wrong.
fn publish(bus: &Bus, standing: Standing) {
    let Standing { line, since, wrong_answers } = standing;
    let down = ActiveFault { code: FaultCode::LineDown, since };
    let faults = if line == LineState::Down { vec![down] } else { vec![] };
    bus.set_state(faults, Detail::Uplink { reachable: line == LineState::Up, since, wrong_answers });
}

fn record(bus: &Bus, before: LineState, now: LineState) {
    match (before, now) {
        (LineState::Unknown | LineState::Up, LineState::Down) => {
            tracing::warn!("the line is down");
            bus.record(None, None, Entry::FaultRaised(FaultCode::LineDown));
        }
        (LineState::Down, LineState::Up) => {
            tracing::info!("the line is back");
            bus.record(None, None, Entry::FaultCleared(FaultCode::LineDown));
        }
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
