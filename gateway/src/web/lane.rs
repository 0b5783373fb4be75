//! One lane's own page: its visit, what is missing for smartphones there, its devices, its figures and last faults.

use super::{
    access::{Person, Refusal, Right},
    acts,
    chart::{self, Bar},
    events,
    frame::Page,
    lanes::{self, Doing},
    view::{View, clock},
    words::{actor_key, end_key, seconds, standing_key},
};
use actix_web::{
    HttpResponse,
    web::{self, Path, Query, ServiceConfig},
};
use madoguchi::figures::{LaneFigures, Typical};
use madoguchi_protocol::{
    Address, LaneId,
    messages::state::{Detail, State},
};
use maud::{Markup, html};

/// Visits in the charts: as many as their bars can be told apart.
const BARS: usize = 60;
/// Visits and faults in the tables, the newest first.
const ROWS: usize = 12;

pub(super) fn routes(config: &mut ServiceConfig) {
    config.route("/lanes/{lane}", web::get().to(page));
}

async fn page(person: Person, lane: Path<LaneId>, said: Query<acts::Said>) -> Result<HttpResponse, Refusal> {
    person.may(Right::Watch)?;
    let lane = lane.into_inner();
    let is_there = person.visitor().view(|view| lanes::by_lane(view).contains_key(&lane));
    if !is_there {
        return Ok(person.page(&Page::titled("lane-unknown-title").not_found(), |view| {
            html! { p { (view.say("lane-unknown", &[("lane", &lane.to_string())])) } }
        }));
    }
    let page = Page::titled("lane-title").about("lane", &lane.to_string());
    // What an act came to stays until it has been read.
    let page = if said.is_something() { page } else { page.refreshed_every(5) };
    Ok(person.page(&page, |view| {
        let event = events::lane_event(lane);
        html! {
            (said.notice(view))
            div hx-ext="sse" sse-connect={ "/events?lang=" (view.language.tag()) "&only=" (event) } {
                (events::looks_again(&format!("/lanes/{lane}"), &event, &body(view, lane, &person)))
            }
        }
    }))
}

fn body(view: &View<'_>, lane: LaneId, person: &Person) -> Markup {
    let states = lanes::by_lane(view).remove(&lane).unwrap_or_default();
    html! {
        (now(view, &states))
        (acts::visit_buttons(view, person, lane, &states))
        (acts::rehearsal_button(view, person, lane, &states))
        (readiness(view, lane, person, &states))
        (devices(view, lane, person))
        @if let Some(figures) = view.figures.of(Some(lane)) {
            (times(view, figures))
            (faults(view, figures))
        }
    }
}

fn now(view: &View<'_>, states: &Vec<&State>) -> Markup {
    html! {
        section {
            h2 { (view.say("lane-visit", &[])) }
            p.doing { span aria-hidden="true" { (Doing::of(states).sign()) " " } (view.say(&Doing::of(states).key(), &[])) }
            @for state in states { (lanes::visit(view, state)) }
            @for state in states { @for fault in &state.faults {
                p.trouble-words {
                    "! " (view.say(&format!("fault-{}-staff", fault.code.name()), &[])) " "
                    small { (view.since(Some(fault.since))) }
                }
                p { b { (view.say("page-what-to-do", &[])) ": " }
                    (view.say(&format!("fault-{}-action", fault.code.name()), &[])) }
            } }
        }
    }
}

/// What is missing for smartphones here, and by which procedure the lane was set up for them.
fn readiness(view: &View<'_>, lane: LaneId, person: &Person, states: &[&State]) -> Markup {
    let running = person.visitor().site().keeper.status().running.clone();
    let setup = running.and_then(|config| {
        config.lane.iter().find(|one| one.number == lane)?.face_reader.phone_setup.clone()
    });
    let recorded = setup.and_then(|it| Some((it.procedure?, it.version?, it.on?.to_string(), it.by?)));
    html! {
        section {
            h2 { (view.say("lane-phones", &[])) }
            @for state in states {
                @if let Detail::FaceReader { phones_offered, phones_since, phones_unmet, .. } = &state.detail {
                    p {
                        (view.say(if *phones_offered { "page-phones-yes" } else { "page-phones-no" }, &[])) " "
                        small { (view.since(*phones_since)) }
                    }
                    @if phones_unmet.is_empty() { p { "✓ " (view.say("lane-phones-complete", &[])) } }
                    ul.terms { @for term in phones_unmet {
                        li {
                            "☐ " (view.say(&term.id.what_key(), &[])) " " small { (view.since(Some(term.since))) }
                            p { b { (view.say("page-what-to-do", &[])) ": " }
                                (view.say(&term.id.action_key(), &[])) }
                        }
                    } }
                }
            }
            @if let Some((procedure, version, on, by)) = &recorded {
                p { (view.say("phones-recorded", &[("procedure", procedure), ("version", version), ("on", on), ("by", by)])) }
            }
            @if person.can(Right::Configure) {
                p.no-print { a href={ "/configuration/phones?lane=" (lane) } { (view.say("phones-title", &[("lane", &lane.to_string())])) } }
            }
        }
    }
}

fn devices(view: &View<'_>, lane: LaneId, person: &Person) -> Markup {
    let of_lane = view.states.iter().filter(|(address, _)| address.lane == Some(lane));
    html! {
        section {
            h2 { (view.say("lane-devices", &[])) }
            @for (address, state) in of_lane {
                (device(view, *address, &state.body))
                (acts::device_buttons(view, person, *address))
            }
        }
    }
}

fn device(view: &View<'_>, address: Address, state: &State) -> Markup {
    html! {
        h3 { (view.say(actor_key(address.kind), &[])) }
        @match &state.detail {
            Detail::FaceReader { reader: Some(it), connected: true, .. } => p {
                "✓ " (view.say("page-reader", &[
                    ("maker", &it.maker), ("model", &it.model), ("software", &it.software),
                ]))
            },
            Detail::FaceReader { .. } => p { "✖ " (view.say("page-reader-unknown", &[])) },
            Detail::NfcReader { ready, reader } => p {
                @if *ready { "✓ " (view.say("page-nfc-ready", &[])) } @else {
                    "✖ " (view.say("page-nfc-not-ready", &[]))
                }
                @if let Some(name) = reader { " " small { (name) } }
            },
            _ => p { (view.say("page-waiting-for-state", &[])) },
        }
        @if let Some(actor) = view.standings.get(&address) {
            p { small {
                (view.say(standing_key(actor.standing), &[])) " · "
                (view.say("lane-restarts", &[("count", &actor.restarts.to_string())]))
            } }
        }
    }
}

fn times(view: &View<'_>, figures: &LaneFigures) -> Markup {
    let newest: Vec<_> = figures.visits.iter().rev().take(BARS).rev().collect();
    let bars = |figure: fn(&madoguchi_protocol::messages::state::EndedVisit) -> u64| -> Vec<Bar> {
        let bar = |ms: u64, at| Bar { value: ms, title: format!("{} {}", clock(at), seconds(view, ms)) };
        newest.iter().map(|visit| bar(figure(visit), visit.ended)).collect()
    };
    html! {
        section {
            h2 { (view.say("lane-times", &[])) }
            @match figures.typical() {
                None => p { (view.say("lane-no-visits", &[])) },
                Some((service, waited)) => {
                    p { (typical(view, "lane-service", service)) }
                    (chart::bars(&view.say("lane-service-chart", &[]), &bars(|visit| visit.service_ms)))
                    p { (typical(view, "lane-waited", waited)) }
                    (chart::bars(&view.say("lane-waited-chart", &[]), &bars(|visit| visit.waited_ms)))
                    details {
                        summary { (view.say("lane-last-visits", &[])) }
                        div.wide tabindex="0" { table {
                            thead { tr {
                                @for key in ["lane-ended", "lane-outcome", "lane-service-column", "lane-waited-column"] {
                                    th scope="col" { (view.say(key, &[])) }
                                }
                            } }
                            tbody { @for visit in figures.visits.iter().rev().take(ROWS) { tr {
                                td { (clock(visit.ended)) }
                                td { (view.say(end_key(visit.end), &[])) }
                                td { (seconds(view, visit.service_ms)) }
                                td { (seconds(view, visit.waited_ms)) }
                            } } }
                        } }
                    }
                }
            }
        }
    }
}

fn typical(view: &View<'_>, key: &str, of: Typical) -> String {
    view.say(key, &[("half", &seconds(view, of.half)), ("most", &seconds(view, of.nine_in_ten))])
}

fn faults(view: &View<'_>, figures: &LaneFigures) -> Markup {
    html! {
        section {
            h2 { (view.say("lane-faults", &[])) }
            @if figures.faults.is_empty() { p { "✓ " (view.say("lane-no-faults", &[])) } } @else {
                div.wide tabindex="0" { table {
                    thead { tr { @for key in ["lane-fault", "lane-began", "lane-ended"] {
                        th scope="col" { (view.say(key, &[])) }
                    } } }
                    tbody { @for fault in figures.faults.iter().rev().take(ROWS) { tr {
                        td { (view.say(&format!("fault-{}-staff", fault.code.name()), &[])) }
                        td { (clock(fault.began)) }
                        td { (fault.ended.map_or_else(|| view.say("lane-lasts", &[]), clock)) }
                    } } }
                } }
            }
        }
    }
}
