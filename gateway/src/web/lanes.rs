//! The lanes at a glance: one tile each, and what needs attention above them. `?big` is the same for a screen on the
//! wall.
//!
//! Each tile is a fragment of its own, which [`super::events`] sends anew when its lane changes.

use super::{
    access::{Person, Refusal, Right},
    events,
    frame::Page,
    repairs,
    view::{View, clock},
    words::{lane_name, standing_key, step_key},
};
use actix_web::{
    HttpRequest, HttpResponse,
    http::header,
    web::{self, ServiceConfig},
};
use madoguchi_protocol::{
    Address, LaneId,
    messages::state::{Condition, Detail, State},
    readiness::UnmetTerm,
};
use maud::{Markup, html};
use std::collections::BTreeMap;

pub(super) fn routes(config: &mut ServiceConfig) {
    config.route("/", web::get().to(page));
}

async fn page(person: Person, request: HttpRequest) -> Result<HttpResponse, Refusal> {
    person.may(Right::Watch)?;
    let nothing_runs = person.visitor().site().keeper.status().is_down();
    if nothing_runs && person.can(Right::Configure) {
        return Ok(HttpResponse::SeeOther().insert_header((header::LOCATION, "/configuration")).finish());
    }
    let is_big = request.query_string().split('&').any(|part| part == "big" || part.starts_with("big="));
    Ok(person.page(&Page::titled("lanes-title").refreshed_every(5), |view| {
        html! {
            @if nothing_runs { p.notice.bad role="alert" { (view.say("lanes-nothing-runs", &[])) } }
            (lanes(view, is_big))
        }
    }))
}

fn lanes(view: &View<'_>, is_big: bool) -> Markup {
    html! {
        div.big[is_big] hx-ext="sse" sse-connect={ "/events?lang=" (view.language.tag()) } {
            (events::live("attention", &attention(view)))
            section.tiles aria-label=(view.say("lanes-title", &[])) {
                @for (lane, of_lane) in by_lane(view) {
                    article.tile-place sse-swap=(events::lane_event(lane)) { (tile(view, lane, &of_lane)) }
                }
            }
            (events::live("box", &the_box(view)))
            @if !is_big { p.no-print { a href="/?big" { (view.say("lanes-big", &[])) } } }
        }
    }
}

type OfLane<'a> = Vec<&'a State>;

/// The states of every lane's devices, by lane.
pub(super) fn by_lane<'a>(view: &View<'a>) -> BTreeMap<LaneId, OfLane<'a>> {
    let mut lanes: BTreeMap<LaneId, OfLane<'a>> = BTreeMap::new();
    for (Address { lane, .. }, state) in view.states {
        if let Some(lane) = lane {
            lanes.entry(*lane).or_default().push(&state.body);
        }
    }
    lanes
}

/// Every fault that lasts, worst first, each with what to do.
pub(super) fn attention(view: &View<'_>) -> Markup {
    let faults = repairs::faults(view);
    let more = repairs::all(view).len().saturating_sub(faults.len());
    html! {
        section.attention aria-live="polite" {
            h2 { (view.say("page-faults", &[])) }
            (repairs::list(view, &faults))
            @if more > 0 {
                p { a href="/repairs" { (view.say("lanes-more-repairs", &[("count", &more.to_string())])) } }
            }
        }
    }
}

/// What a lane is doing, as a sign and a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Doing {
    /// A patient is served.
    Serving,
    /// A patient needs staff.
    NeedsStaff,
    /// Nobody is here, and all is well.
    Idle,
    /// It works with something missing.
    Troubled,
    /// It can't serve.
    Down,
}

impl Doing {
    pub(super) fn of(states: &OfLane<'_>) -> Self {
        let faults = states.iter().any(|state| !state.faults.is_empty());
        for state in states {
            if let Detail::FaceReader { visit, connected, .. } = &state.detail {
                return match visit {
                    _ if !connected || state.condition != Condition::Running => Self::Down,
                    Some(visit) if visit.trouble.is_some() => Self::NeedsStaff,
                    Some(_) => Self::Serving,
                    None if faults => Self::Troubled,
                    None => Self::Idle,
                };
            }
        }
        Self::Down
    }

    pub(super) const fn sign(self) -> &'static str {
        match self {
            Self::Serving => "●",
            Self::NeedsStaff => "◆",
            Self::Idle => "○",
            Self::Troubled => "▲",
            Self::Down => "✖",
        }
    }

    /// Its name in the API.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Serving => "serving",
            Self::NeedsStaff => "needs_staff",
            Self::Idle => "idle",
            Self::Troubled => "troubled",
            Self::Down => "down",
        }
    }

    pub(super) fn key(self) -> String {
        format!("doing-{}", self.name().replace('_', "-"))
    }
}

/// A lane's tile.
pub(super) fn tile(view: &View<'_>, lane: LaneId, states: &OfLane<'_>) -> Markup {
    let doing = Doing::of(states);
    html! {
        div class={ "tile " (doing.name()) } {
            h2 { a href={ "/lanes/" (lane) } { (lane_name(view, lane)) } }
            p.doing { span aria-hidden="true" { (doing.sign()) " " } (view.say(&doing.key(), &[])) }
            @for state in states { (device(view, state)) }
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

fn device(view: &View<'_>, state: &State) -> Markup {
    match &state.detail {
        Detail::FaceReader { phones_offered, phones_unmet, .. } => html! {
            (visit(view, state))
            p { (view.say(if *phones_offered { "page-phones-yes" } else { "page-phones-no" }, &[])) }
            (missing(view, phones_unmet))
        },
        Detail::NfcReader { ready, reader } => html! {
            p title=[reader.as_deref()] {
                (view.say(if *ready { "page-nfc-ready" } else { "page-nfc-not-ready" }, &[]))
            }
        },
        _ => html! { p { (view.say("page-waiting-for-state", &[])) } },
    }
}

/// The visit in progress: where it stands, since when, what troubles it and what staff do then.
pub(super) fn visit(view: &View<'_>, state: &State) -> Markup {
    let Detail::FaceReader { visit, .. } = &state.detail else { return html! {} };
    html! {
        @match visit {
            Some(visit) => {
                p.now { (view.say("page-visit", &[
                    ("step", &view.say(step_key(visit.step), &[])), ("since", &clock(visit.since)),
                ])) }
                @if let Some(job) = visit.pin_job {
                    p { (view.say("page-pin-job", &[("job", &job.to_string())])) }
                }
                @if let Some(code) = visit.trouble {
                    p.trouble-words { "! " (view.say(&format!("fault-{}-staff", code.name()), &[])) }
                    p { b { (view.say("page-what-to-do", &[])) ": " }
                        (view.say(&format!("fault-{}-action", code.name()), &[])) }
                }
            }
            None => p.now { (view.say("page-idle", &[])) },
        }
    }
}

/// What is missing for phones at this lane, since when, and the step that makes it true. Set up or not, a lane
/// explains itself.
pub(super) fn missing(view: &View<'_>, unmet: &[UnmetTerm]) -> Markup {
    html! {
        @if !unmet.is_empty() {
            details.missing {
                summary { (view.say("page-phones-missing", &[("count", &unmet.len().to_string())])) }
                ol { @for term in unmet {
                    li {
                        "☐ " (view.say(&term.id.what_key(), &[])) " "
                        small { (view.since(Some(term.since))) }
                        p { b { (view.say("page-what-to-do", &[])) ": " } (view.say(&term.id.action_key(), &[])) }
                    }
                } }
            }
        }
    }
}

/// The line, the queue, the listing and the parts of the gateway.
pub(super) fn the_box(view: &View<'_>) -> Markup {
    html! {
        section {
            @for state in view.states.values() {
                @match &state.body.detail {
                    Detail::Uplink { reachable, since, .. } => p {
                        (view.say(if *reachable { "page-line-up" } else { "page-line-down" }, &[])) " "
                        small { (view.since(Some(*since))) }
                    },
                    Detail::OfflineQueue { waiting, oldest, .. } => p {
                        (view.say("page-queue", &[("waiting", &waiting.to_string())])) " "
                        @if let Some(oldest) = oldest {
                            small { (view.say("page-queue-oldest", &[("since", &clock(*oldest))])) }
                        }
                    },
                    _ => {}
                }
            }
            (view.listing())
        }
        (parts(view))
    }
}

fn parts(view: &View<'_>) -> Markup {
    html! {
        details {
            summary { (view.say("page-actors", &[])) }
            div.wide { table { tbody {
                @for actor in view.standings.values() {
                    tr {
                        td { (actor.address) }
                        td { (view.say(standing_key(actor.standing), &[])) }
                        td { (actor.restarts) }
                    }
                }
            } } }
        }
    }
}
