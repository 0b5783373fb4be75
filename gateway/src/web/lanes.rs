//! The lanes at a glance: one tile each, and what needs attention above them.

use super::{
    frame::Page,
    view::{View, clock},
    visitor::Visitor,
};
use crate::board::{Standings, States};
use actix_web::{
    HttpResponse,
    web::{self, ServiceConfig},
};
use madoguchi_protocol::{
    Address,
    fault::Severity,
    messages::{
        audit_log::Step,
        state::{ActiveFault, Detail, Standing, State},
    },
    readiness::UnmetTerm,
    texts::{Language, text},
};
use maud::{Markup, html};
use std::collections::BTreeMap;

pub(super) fn routes(config: &mut ServiceConfig) {
    config.route("/", web::get().to(page));
}

async fn page(visitor: Visitor) -> HttpResponse {
    visitor.page(&Page::titled("lanes-title").refreshed_every(5), lanes)
}

fn lanes(view: &View<'_>) -> Markup {
    let View { language, states, standings, .. } = *view;
    html! {
        // Asked for anew while it is looked at.
        div id="live" hx-get="/" hx-trigger="every 2s" hx-select="#live" hx-swap="outerHTML" {
            (attention(language, states))
            section.tiles { @for (lane, of_lane) in by_lane(states) { (tile(language, lane, &of_lane)) } }
            (the_box(language, states))
            section { (view.listing()) }
            (parts(language, standings))
        }
    }
}

type OfLane<'a> = Vec<&'a State>;

fn by_lane(states: &States) -> BTreeMap<u16, OfLane<'_>> {
    let mut lanes: BTreeMap<u16, OfLane<'_>> = BTreeMap::new();
    for (Address { lane, .. }, state) in states {
        if let Some(lane) = lane {
            lanes.entry(lane.number()).or_default().push(&state.body);
        }
    }
    lanes
}

/// Every fault that lasts, worst first, each with what to do.
fn attention(language: Language, states: &States) -> Markup {
    let mut faults: Vec<(&Address, &ActiveFault)> = states
        .iter()
        .flat_map(|(address, state)| state.body.faults.iter().map(move |f| (address, f)))
        .collect();
    faults.sort_by_key(|(_, fault)| (std::cmp::Reverse(fault.code.severity()), fault.since));
    html! {
        section.attention aria-live="polite" {
            h2 { (text(language, "page-faults", &[])) }
            @if faults.is_empty() { p { "✓ " (text(language, "page-no-faults", &[])) } }
            ul {
                @for (address, fault) in faults {
                    @let code = fault.code.name();
                    li class=(severity(fault.code.severity())) {
                        @if let Some(lane) = address.lane {
                            strong { (text(language, "page-lane", &[("lane", &lane.to_string())])) " " }
                        }
                        (text(language, &format!("fault-{code}-staff"), &[])) " "
                        small { (text(language, "page-since", &[("since", &clock(fault.since))])) }
                        p { b { (text(language, "page-what-to-do", &[])) ": " }
                            (text(language, &format!("fault-{code}-action"), &[])) }
                    }
                }
            }
        }
    }
}

fn tile(language: Language, lane: u16, states: &OfLane<'_>) -> Markup {
    let trouble = states.iter().any(|state| !state.faults.is_empty());
    html! {
        article.tile.trouble[trouble] {
            h2 { (text(language, "page-lane", &[("lane", &lane.to_string())])) }
            @for state in states { (device(language, state)) }
        }
    }
}

fn device(language: Language, state: &State) -> Markup {
    let say = |key: &str, arguments: &[(&str, &str)]| text(language, key, arguments);
    match &state.detail {
        Detail::FaceReader { reader, phones_offered, phones_unmet, visit, .. } => html! {
            @match visit {
                Some(visit) => {
                    p.now { (say("page-visit", &[
                        ("step", &say(step_key(visit.step), &[])),
                        ("since", &clock(visit.since)),
                    ])) }
                    @if let Some(job) = visit.pin_job { p { (say("page-pin-job", &[("job", &job.to_string())])) } }
                    @if let Some(code) = visit.trouble {
                        p { "! " (say(&format!("fault-{}-staff", code.name()), &[])) }
                        p { (say(&format!("fault-{}-action", code.name()), &[])) }
                    }
                }
                None => p.now { (say("page-idle", &[])) },
            }
            @match reader {
                Some(it) => p { (say("page-reader", &[
                    ("maker", &it.maker), ("model", &it.model), ("software", &it.software),
                ])) },
                None => p { (say("page-reader-unknown", &[])) },
            }
            p { (say(if *phones_offered { "page-phones-yes" } else { "page-phones-no" }, &[])) }
            (missing(language, phones_unmet))
        },
        Detail::NfcReader { ready, reader } => html! {
            p title=[reader.as_deref()] {
                (say(if *ready { "page-nfc-ready" } else { "page-nfc-not-ready" }, &[]))
            }
        },
        _ => html! { p { (say("page-waiting-for-state", &[])) } },
    }
}

/// What is missing for phones at this lane, since when, and the step that makes it true. Set up or not, a lane
/// explains itself.
fn missing(language: Language, unmet: &[UnmetTerm]) -> Markup {
    let say = |key: &str| text(language, key, &[]);
    html! {
        @if !unmet.is_empty() {
            details.missing {
                summary { (text(language, "page-phones-missing", &[("count", &unmet.len().to_string())])) }
                ol { @for term in unmet {
                    li {
                        "☐ " (say(&term.id.what_key())) " "
                        small { (text(language, "page-since", &[("since", &clock(term.since))])) }
                        p { b { (say("page-what-to-do")) ": " } (say(&term.id.action_key())) }
                    }
                } }
            }
        }
    }
}

fn the_box(language: Language, states: &States) -> Markup {
    html! {
        section {
            @for state in states.values() {
                @match &state.body.detail {
                    Detail::Uplink { reachable, since, .. } => p {
                        (text(language, if *reachable { "page-line-up" } else { "page-line-down" }, &[])) " "
                        small { (text(language, "page-since", &[("since", &clock(*since))])) }
                    },
                    Detail::OfflineQueue {
                        waiting, oldest, set_aside, hours_left, given_up_too_old, given_up_for_room, ..
                    } => {
                        p {
                            (text(language, "page-queue", &[("waiting", &waiting.to_string())])) " "
                            @if let Some(oldest) = oldest {
                                small { (text(language, "page-queue-oldest", &[("since", &clock(*oldest))])) }
                            }
                        }
                        @if let Some(hours) = hours_left {
                            p { (text(language, "page-queue-hours", &[("hours", &hours.to_string())])) }
                        }
                        @if *set_aside > 0 {
                            p { (text(language, "page-queue-set-aside", &[("count", &set_aside.to_string())])) }
                        }
                        @let given_up = given_up_too_old + given_up_for_room;
                        @if given_up > 0 {
                            p { (text(language, "page-queue-given-up", &[("count", &given_up.to_string())])) }
                        }
                    },
                    _ => {}
                }
            }
        }
    }
}

fn parts(language: Language, standings: &Standings) -> Markup {
    html! {
        details {
            summary { (text(language, "page-actors", &[])) }
            table {
                @for actor in standings.values() {
                    @let key = match actor.standing {
                        Standing::Running => "page-actor-running",
                        Standing::Restarting => "page-actor-restarting",
                        Standing::GaveUp => "page-actor-gave-up",
                    };
                    tr { td { (actor.address) } td { (text(language, key, &[])) } td { (actor.restarts) } }
                }
            }
        }
    }
}

const fn severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Notice => "notice",
        Severity::Warning => "warning",
        Severity::Critical => "critical",
    }
}

const fn step_key(step: Step) -> &'static str {
    match step {
        Step::Idle => "step-idle",
        Step::ChooseMedium => "step-choose-medium",
        Step::ChoosePhone => "step-choose-phone",
        Step::EnterPin => "step-enter-pin",
        Step::PhoneAuthenticates => "step-phone-authenticates",
        Step::FaceOrPin => "step-face-or-pin",
        Step::HoldMedium => "step-hold-medium",
        Step::HoldHint => "step-hold-hint",
        Step::LastTry => "step-last-try",
        Step::ReadingSlot => "step-reading-slot",
        Step::Authenticating => "step-authenticating",
        Step::Consent => "step-consent",
        Step::Confirming => "step-confirming",
        Step::Done => "step-done",
        Step::Deferred => "step-deferred",
        Step::Fallback => "step-fallback",
    }
}
