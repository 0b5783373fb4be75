//! The actor: hears the commands, probes the lines, says how they stand, and keeps how they stood.

use crate::{
    centre::EligibilityCentre,
    desk::{Desk, settle},
    https::HttpsCentre,
    line::LineState,
    outage::Kept,
    records::Records,
    renewal,
    settings::{Settings, SetupError, ms},
    tls::Papers,
    upkeep::Upkeep,
    vpn::{Vpn, driver::Driver},
    walk,
    ways::{Standing, Ways},
};
use actix::{Actor, ActorContext, AsyncContext, Context, Handler, WrapFuture};
use jiff::Timestamp;
use madoguchi_bus::{
    Bus, BusActor, Faults, Incoming,
    events::{CentreAnswered, CentreAsked, LineChanged, LineProbed},
};
use madoguchi_protocol::{
    fault::FaultCode,
    messages::{
        line::{CertificateStage, ClockStage, Way},
        state::Detail,
        uplink::{Authenticate, Confirm, QueryEligibility, RenewCertificate, UplinkCommand, WalkLine},
    },
};
use std::{
    net::IpAddr,
    sync::{Arc, RwLock},
    time::{Duration, Instant},
};
use tokio::{
    sync::Notify,
    time::{MissedTickBehavior, interval},
};

/// How often the months are written.
const KEEP_EVERY: Duration = Duration::from_secs(60);

/// The line and the centre at its end. One for the box.
pub struct Uplink<C: EligibilityCentre = HttpsCentre> {
    bus: Bus,
    desk: Arc<Desk<C>>,
    probe_every: Duration,
    records: Option<Records>,
    driver: Option<Driver>,
    upkeep: Option<Upkeep>,
    /// For new certificates.
    settings: Arc<Settings>,
}

impl Uplink {
    /// An actor that speaks with the centre of the settings. Fails where a setting or a file is unsound.
    pub fn new(bus: Bus, settings: &Settings) -> Result<Self, SetupError> {
        renewal::finish(settings);
        // Read once in any case: a mistake is to be told at the start, not when the tunnel is up.
        let papers = Papers::read(settings)?;
        let unbound = HttpsCentre::with_papers(settings, &papers, None)?;
        let records = settings.state_folder.as_deref().map(Records::new);
        let kept = records.as_ref().map(Records::read).unwrap_or_default();
        let ways = ways(settings, unbound, kept)?;
        let desk = Arc::new(Desk::with_ways(ways, settings));
        let (reload, proven) = (Arc::new(Notify::new()), Arc::new(RwLock::new(papers)));
        let driver = Driver::new(settings, desk.clone(), reload.clone(), proven.clone());
        let upkeep = Upkeep { settings: settings.clone(), desk: desk.clone(), proven, reload };
        let probe_every = ms(settings.probe_every_ms.max(1));
        let settings = Arc::new(settings.clone());
        Ok(Self { bus, desk, probe_every, records, driver, upkeep: Some(upkeep), settings })
    }
}

/// The ways of the settings. Behind strongSwan they have no centre until their tunnel is up.
fn ways(settings: &Settings, unbound: HttpsCentre, kept: Kept) -> Result<Ways<HttpsCentre>, SetupError> {
    let settle = settle(settings);
    let bound = |source: Option<IpAddr>| HttpsCentre::bound(settings, source);
    Ok(match &settings.vpn {
        Vpn::Nobody {} => Ways::one(unbound, settle, kept),
        Vpn::Strongswan { .. } => {
            let ways = settings.vpn.ways().into_iter().map(|way| (way, None));
            Ways::new(ways, true, settle, kept)
        }
        Vpn::External { primary, second } => {
            let mut ways = vec![(Way::Primary, Some(bound(primary.source)?))];
            if let Some(second) = second {
                ways.push((Way::Second, Some(bound(second.source)?)));
            }
            Ways::new(ways, false, settle, kept)
        }
    })
}

impl<C: EligibilityCentre> Uplink<C> {
    /// An actor that speaks with the centre through another adapter.
    pub fn with_centre(bus: Bus, centre: C, settings: &Settings) -> Self {
        let probe_every = ms(settings.probe_every_ms.max(1));
        let desk = Arc::new(Desk::new(centre, settings));
        let settings = Arc::new(settings.clone());
        Self { bus, desk, probe_every, records: None, driver: None, upkeep: None, settings }
    }
}

impl<C: EligibilityCentre> Actor for Uplink<C> {
    type Context = Context<Self>;

    fn started(&mut self, context: &mut Self::Context) {
        for at in 0..self.desk.ways().count() {
            let probing = probe(self.bus.clone(), self.desk.clone(), at, self.probe_every);
            context.spawn(probing.into_actor(self));
        }
        if let Some(driver) = self.driver.take() {
            context.spawn(driver.run().into_actor(self));
        }
        if let Some(upkeep) = self.upkeep.take() {
            context.spawn(upkeep.run().into_actor(self));
        }
        if let Some(records) = self.records.clone() {
            context.spawn(keep(self.desk.clone(), records).into_actor(self));
        }
        let (bus, mut standing) = (self.bus.clone(), self.desk.standing());
        let saying = async move {
            let mut faults = Faults::new(bus.clone());
            let mut before = None;
            loop {
                let now = standing.borrow_and_update().clone();
                note(&bus, before.replace((now.line, now.since)), &now);
                publish(&bus, &mut faults, now);
                if standing.changed().await.is_err() {
                    return;
                }
            }
        };
        context.spawn(saying.into_actor(self));
    }
}

/// Logs and counts where the line went.
fn note(bus: &Bus, before: Option<(LineState, Timestamp)>, now: &Standing) {
    match (before, now.line) {
        (None | Some((LineState::Unknown | LineState::Up, _)), LineState::Down) => {
            bus.emit(&LineChanged::Down)
        }
        (Some((LineState::Down, since)), LineState::Up) => {
            // A clock that was set back in between makes it nothing.
            let outage = Duration::try_from(now.since.duration_since(since)).unwrap_or_default();
            bus.emit(&LineChanged::Up { outage });
        }
        _ => {}
    }
}

/// Probes one way for ever.
async fn probe<C: EligibilityCentre>(bus: Bus, desk: Arc<Desk<C>>, at: usize, every: Duration) {
    let mut ticks = interval(every);
    // A probe that took longer than the interval is followed by the next at once, not by a burst.
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = ticks.tick() => {}
            () = desk.ways().wants_probe(at) => {}
        }
        let probed = loop {
            tokio::select! {
                probed = desk.probe(at) => break probed,
                // The tunnel is another one: what is under way through the old one need not be waited for.
                () = desk.ways().wants_probe(at) => {}
            }
        };
        if let (Some(way), Some((evidence, took))) = (desk.ways().way(at), probed) {
            let answered = evidence.is_answer().then_some(took);
            bus.emit(&LineProbed { line: way.name(), outcome: evidence.name(), answered });
        }
    }
}

/// Writes the months once a minute, and at once when an outage begins or ends.
async fn keep<C: EligibilityCentre>(desk: Arc<Desk<C>>, records: Records) {
    let mut standing = desk.standing();
    let mut ticks = interval(KEEP_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        let outage = standing.borrow_and_update().report.outage;
        tokio::select! {
            _ = ticks.tick() => {}
            changed = standing.wait_for(|now| now.report.outage != outage) => {
                if changed.is_err() {
                    return;
                }
            }
        }
        let (kept, records) = (desk.ways().keep(), records.clone());
        match tokio::task::spawn_blocking(move || records.write(&kept)).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::error!(%error, "the line's months can't be written; check the disk"),
            Err(error) => tracing::error!(%error, "the line's months were not written"),
        }
    }
}

/// What can be wrong with the lines, whether it is, and since when where that is not now.
fn conditions(standing: &Standing) -> [(FaultCode, bool, Option<Timestamp>); 9] {
    let Standing { line, since, report, .. } = standing;
    let primary = report.ways.iter().find(|it| it.way == Way::Primary);
    let on_second = report.used == Some(Way::Second) && *line == LineState::Up;
    let nearest = report.certificates.first().map_or(CertificateStage::Fine, |term| term.stage);
    let within = |from, to| (from..=to).contains(&nearest);
    let clock = report.clock.map_or(ClockStage::Good, |clock| clock.stage);
    [
        // Before the first evidence nothing is known to be wrong.
        (FaultCode::LineDown, *line == LineState::Down, Some(*since)),
        (FaultCode::LineOutage, report.outage.is_some(), report.outage),
        (FaultCode::LineOnSecond, on_second, primary.map(|primary| primary.since)),
        (FaultCode::BoxCertificateEnding, within(CertificateStage::Days90, CertificateStage::Days30), None),
        (FaultCode::BoxCertificateUrgent, within(CertificateStage::Days15, CertificateStage::Days7), None),
        (FaultCode::BoxCertificateEnded, nearest == CertificateStage::Expired, None),
        (FaultCode::BoxCertificateNotTaken, report.not_taken.is_some(), report.not_taken),
        (FaultCode::ClockUnsure, clock == ClockStage::Warning, None),
        (FaultCode::ClockWrong, clock == ClockStage::Critical, None),
    ]
}

/// Says how the lines stand.
fn publish(bus: &Bus, faults: &mut Faults, standing: Standing) {
    for (code, lasts, since) in conditions(&standing) {
        faults.set_at(code, lasts, since.unwrap_or_else(Timestamp::now));
    }
    let Standing { line, since, wrong_answers, report } = standing;
    let reachable = line == LineState::Up;
    bus.set_state(faults.list(), Detail::Uplink { reachable, since, wrong_answers, report });
}

impl<C: EligibilityCentre> BusActor for Uplink<C> {
    type Commands = UplinkCommand;
}

impl<C: EligibilityCentre> Handler<Incoming<UplinkCommand>> for Uplink<C> {
    type Result = ();

    fn handle(&mut self, incoming: Incoming<UplinkCommand>, context: &mut Self::Context) {
        match incoming {
            Incoming::Command(envelope, responder) => {
                let (bus, desk, settings) = (self.bus.clone(), self.desk.clone(), self.settings.clone());
                // Each command goes its own way; the desk bounds how many are under way.
                let answering = async move {
                    let (visit, began) = (envelope.visit, Instant::now());
                    let asked = |answer| bus.emit(&CentreAsked { visit, answer, took: began.elapsed() });
                    match envelope.body {
                        UplinkCommand::Authenticate(command) => {
                            let answer = desk.authenticate(&command).await;
                            asked(CentreAnswered::Authenticate(&answer));
                            responder.reply::<Authenticate>(&answer);
                        }
                        UplinkCommand::Confirm(command) => {
                            let answer = desk.confirm(&command).await;
                            asked(CentreAnswered::Confirm(&answer));
                            responder.reply::<Confirm>(&answer);
                        }
                        UplinkCommand::QueryEligibility(command) => {
                            let answer = desk.query(&command).await;
                            asked(CentreAnswered::Query(&answer));
                            responder.reply::<QueryEligibility>(&answer);
                        }
                        UplinkCommand::WalkLine(_) => {
                            let answer = walk::walk(&settings, Timestamp::now()).await;
                            responder.reply::<WalkLine>(&answer);
                        }
                        UplinkCommand::RenewCertificate(command) => {
                            let answer = renewal::take(&settings, command.bearer, command.step).await;
                            responder.reply::<RenewCertificate>(&answer);
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

#[cfg(test)]
mod tests {
    use super::*;
    use madoguchi_protocol::messages::line::{ClockReport, LineReport};

    fn lasting(report: LineReport) -> Vec<FaultCode> {
        let standing =
            Standing { line: LineState::Up, since: Timestamp::UNIX_EPOCH, wrong_answers: 0, report };
        conditions(&standing).into_iter().filter(|it| it.1).map(|it| it.0).collect()
    }

    #[test]
    fn a_clock_that_is_off_is_a_fault_by_its_stage() {
        let at = |stage| {
            let clock = Some(ClockReport { synchronised: false, offset_us: None, stage });
            lasting(LineReport { clock, ..LineReport::default() })
        };
        assert_eq!(at(ClockStage::Good), []);
        assert_eq!(at(ClockStage::Warning), [FaultCode::ClockUnsure]);
        assert_eq!(at(ClockStage::Critical), [FaultCode::ClockWrong]);
    }
}
