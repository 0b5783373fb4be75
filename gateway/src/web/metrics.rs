//! `/metrics`: what Prometheus scrapes. Labels are lanes, actors and codes, never anything personal.

use super::Site;
use crate::board::{Standings, States};
use actix_web::{
    HttpResponse,
    web::{self, Data, ServiceConfig},
};
use madoguchi_protocol::{
    fault::{FaultCode, Severity},
    messages::state::{Condition, Detail, Standing},
};
use prometheus::{Encoder, GaugeVec, IntGauge, Opts, Registry, TextEncoder, core::Collector};
use std::collections::BTreeMap;

pub(super) fn routes(config: &mut ServiceConfig) {
    config.route("/metrics", web::get().to(metrics));
}

async fn metrics(site: Data<Site>) -> HttpResponse {
    match text(&site.states.borrow(), &site.standings.borrow()) {
        Ok(text) => HttpResponse::Ok().content_type("text/plain; version=0.0.4; charset=utf-8").body(text),
        Err(error) => {
            tracing::error!(%error, "the metrics can't be written");
            HttpResponse::InternalServerError().finish()
        }
    }
}

/// The exposition in text form.
fn text(states: &States, standings: &Standings) -> prometheus::Result<String> {
    let registry = Registry::new();
    let sheet = Sheet { registry: &registry };
    actors(&sheet, states, standings)?;
    faults(&sheet, states)?;
    details(&sheet, states)?;
    let mut bytes = Vec::new();
    TextEncoder::new().encode(&registry.gather(), &mut bytes)?;
    String::from_utf8(bytes).map_err(|e| prometheus::Error::Msg(e.to_string()))
}

/// Makes a metric and registers it, in one step.
struct Sheet<'a> {
    registry: &'a Registry,
}

impl Sheet<'_> {
    fn gauge(&self, name: &str, help: &str) -> prometheus::Result<IntGauge> {
        self.register(IntGauge::new(name, help)?)
    }

    fn gauges(&self, name: &str, help: &str, labels: &[&str]) -> prometheus::Result<GaugeVec> {
        self.register(GaugeVec::new(Opts::new(name, help), labels)?)
    }

    fn register<C: Collector + Clone + 'static>(&self, metric: C) -> prometheus::Result<C> {
        self.registry.register(Box::new(metric.clone()))?;
        Ok(metric)
    }
}

fn actors(sheet: &Sheet<'_>, states: &States, standings: &Standings) -> prometheus::Result<()> {
    let up = sheet.gauges("madoguchi_actor_up", "1 while the actor runs and is heard", &["actor", "lane"])?;
    for (address, state) in states {
        let lane = lane_label(address.lane);
        up.with_label_values(&[address.kind.name(), &lane])
            .set(f64::from(u8::from(state.body.condition == Condition::Running)));
    }
    let restarts =
        sheet.gauges("madoguchi_actor_restarts", "Restarts since the program started", &["actor", "lane"])?;
    let gave_up =
        sheet.gauges("madoguchi_actor_gave_up", "1 while the supervisor gave up", &["actor", "lane"])?;
    for (address, actor) in standings {
        let lane = lane_label(address.lane);
        let labels = [address.kind.name(), lane.as_str()];
        #[expect(
            clippy::cast_precision_loss,
            reason = "a gauge is a float; counts this high are not reached"
        )]
        restarts.with_label_values(&labels).set(actor.restarts as f64);
        gave_up.with_label_values(&labels).set(f64::from(u8::from(actor.standing == Standing::GaveUp)));
    }
    Ok(())
}

fn faults(sheet: &Sheet<'_>, states: &States) -> prometheus::Result<()> {
    let active =
        sheet.gauges("madoguchi_fault_active", "1 while the fault lasts", &["fault", "lane", "severity"])?;
    let mut lasting: BTreeMap<(FaultCode, String), bool> = BTreeMap::new();
    for (address, state) in states {
        for fault in &state.body.faults {
            lasting.insert((fault.code, lane_label(address.lane)), true);
        }
    }
    for (code, lane) in lasting.keys() {
        let severity = match code.severity() {
            Severity::Notice => "notice",
            Severity::Warning => "warning",
            Severity::Critical => "critical",
        };
        active.with_label_values(&[code.name(), lane, severity]).set(1.0);
    }
    Ok(())
}

fn details(sheet: &Sheet<'_>, states: &States) -> prometheus::Result<()> {
    let phones =
        sheet.gauges("madoguchi_lane_phones_offered", "1 while the lane takes smartphones", &["lane"])?;
    let visits =
        sheet.gauges("madoguchi_lane_visits_ended", "Visits ended since the actor started", &["lane"])?;
    let refused = sheet.gauges(
        "madoguchi_lane_device_links_refused",
        "Connections of the device link refused for what they were or said, since the actor started",
        &["lane"],
    )?;
    let ready =
        sheet.gauges("madoguchi_nfc_reader_ready", "1 while the generic reader can read", &["lane"])?;
    let line = sheet.gauge("madoguchi_line_up", "1 while the eligibility centre answers")?;
    let waiting = sheet.gauge("madoguchi_queue_waiting", "Confirmations accepted and not answered yet")?;
    let set_aside =
        sheet.gauge("madoguchi_queue_set_aside", "Confirmations set aside for a person to look at")?;
    let given_up = sheet.gauges(
        "madoguchi_queue_given_up",
        "Confirmations given up and wiped since the queue was opened, as the configuration wants it",
        &["reason"],
    )?;
    #[expect(clippy::cast_precision_loss, reason = "a gauge is a float; counts this high are not reached")]
    for (address, state) in states {
        let lane = lane_label(address.lane);
        match &state.body.detail {
            Detail::FaceReader { phones_offered, visits_ended, links_refused, .. } => {
                phones.with_label_values(&[&lane]).set(f64::from(u8::from(*phones_offered)));
                visits.with_label_values(&[&lane]).set(*visits_ended as f64);
                refused.with_label_values(&[&lane]).set(*links_refused as f64);
            }
            Detail::NfcReader { ready: is_ready, .. } => {
                ready.with_label_values(&[&lane]).set(f64::from(u8::from(*is_ready)));
            }
            Detail::Uplink { reachable, .. } => line.set(i64::from(*reachable)),
            Detail::OfflineQueue {
                waiting: length,
                set_aside: aside,
                given_up_too_old: too_old,
                given_up_for_room: for_room,
                ..
            } => {
                given_up.with_label_values(&["too_old"]).set(*too_old as f64);
                given_up.with_label_values(&["for_room"]).set(*for_room as f64);
                waiting.set(i64::try_from(*length).unwrap_or(i64::MAX));
                set_aside.set(i64::try_from(*aside).unwrap_or(i64::MAX));
            }
            _ => {}
        }
    }
    Ok(())
}

fn lane_label(lane: Option<madoguchi_protocol::LaneId>) -> String {
    lane.map_or(String::new(), |lane| lane.to_string())
}
