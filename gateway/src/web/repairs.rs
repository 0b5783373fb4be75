//! Repairs: everything that is wrong or soon will be, the worst first, each with what to do. `/` shows the faults of it,
//! `/repairs` all.

use super::{
    access::{Person, Refusal, Right},
    events,
    frame::Page,
    view::{View, clock},
    words::{actor_key, lane_name, severity_class, severity_sign},
};
use actix_web::{
    HttpResponse,
    web::{self, ServiceConfig},
};
use jiff::Timestamp;
use madoguchi_protocol::{
    LaneId,
    fault::{FaultCode, Scope, Severity},
    messages::state::{Condition, Detail, Filling, Standing, State},
    readiness::TermId,
};
use madoguchi_reception::{availability::Today, call_centre, holidays::Coverage, in_japan};
use maud::{Markup, html};
use std::cmp::Reverse;

pub(super) fn routes(config: &mut ServiceConfig) {
    config.route("/repairs", web::get().to(page));
}

/// Something to be seen to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Repair {
    pub(super) severity: Severity,
    /// The lane, or the box.
    pub(super) lane: Option<LaneId>,
    /// What is wrong, in words.
    pub(super) what: String,
    /// Since when, where that is known.
    pub(super) since: Option<Timestamp>,
    /// What to do.
    pub(super) steps: String,
    /// The page where it is done, and that page's name.
    pub(super) place: Option<(String, String)>,
    /// The fault of the catalogue that it is, if it is one.
    pub(super) fault: Option<FaultCode>,
}

/// All of them, the worst first and of equals the oldest.
pub(super) fn all(view: &View<'_>) -> Vec<Repair> {
    let mut repairs = faults(view);
    repairs.extend(unready(view));
    repairs.extend(soon(view));
    repairs.extend(listing(view));
    repairs.sort_by_key(|repair| (Reverse(repair.severity), repair.since, repair.lane));
    repairs
}

/// The faults that last.
pub(super) fn faults(view: &View<'_>) -> Vec<Repair> {
    let mut faults = Vec::new();
    for (address, state) in view.states {
        for fault in &state.body.faults {
            let code = fault.code.name();
            faults.push(Repair {
                severity: fault.code.severity(),
                lane: address.lane,
                what: view.say(&format!("fault-{code}-staff"), &[]),
                since: Some(fault.since),
                steps: view.say(&format!("fault-{code}-action"), &[]),
                place: place_of(view, fault.code, address.lane),
                fault: Some(fault.code),
            });
        }
        if state.body.condition == Condition::Lost {
            faults.push(Repair {
                severity: Severity::Critical,
                lane: address.lane,
                what: view.say("repairs-part-lost", &[("part", &view.say(actor_key(address.kind), &[]))]),
                since: Some(state.at),
                steps: view.say("repairs-part-lost-action", &[]),
                place: address.lane.map(|lane| lane_place(view, lane)),
                fault: None,
            });
        }
    }
    faults.extend(view.standings.iter().filter(|(_, actor)| actor.standing == Standing::GaveUp).map(
        |(address, _)| Repair {
            severity: Severity::Critical,
            lane: address.lane,
            what: view.say("repairs-gave-up", &[("part", &view.say(actor_key(address.kind), &[]))]),
            since: None,
            steps: view.say("repairs-gave-up-action", &[]),
            place: match address.lane {
                Some(lane) => Some(lane_place(view, lane)),
                None => Some(("/parts".into(), view.say("parts-title", &[]))),
            },
            fault: None,
        },
    ));
    faults.sort_by_key(|repair| (Reverse(repair.severity), repair.since));
    faults
}

fn place_of(view: &View<'_>, fault: FaultCode, lane: Option<LaneId>) -> Option<(String, String)> {
    let named = |path: &str, name: &str| Some((path.to_owned(), view.say(name, &[])));
    match fault {
        FaultCode::LineDown => named("/line", "line-title"),
        FaultCode::QueueFull | FaultCode::QueueFailed | FaultCode::ConfirmationSetAside => {
            named("/queue", "queue-title")
        }
        FaultCode::AuditLogFailed => named("/log", "log-title"),
        FaultCode::ActorGaveUp => named("/parts", "parts-title"),
        _ if fault.scope() == Scope::Lane => lane.map(|lane| lane_place(view, lane)),
        _ => None,
    }
}

fn lane_place(view: &View<'_>, lane: LaneId) -> (String, String) {
    (format!("/lanes/{lane}"), lane_name(view, lane))
}

/// What is missing for smartphones where the hospital wants them. Readers that are away are faults already.
fn unready(view: &View<'_>) -> Vec<Repair> {
    let told_otherwise =
        |id| matches!(id, TermId::Setting | TermId::Date | TermId::Reader | TermId::Attached);
    let mut repairs = Vec::new();
    for (address, state) in view.states {
        let Detail::FaceReader { phones_unmet, .. } = &state.body.detail else { continue };
        if phones_unmet.iter().any(|term| term.id == TermId::Setting) {
            continue;
        }
        for term in phones_unmet.iter().filter(|term| !told_otherwise(term.id)) {
            repairs.push(Repair {
                severity: Severity::Warning,
                lane: address.lane,
                what: view.say(&term.id.what_key(), &[]),
                since: Some(term.since),
                steps: view.say(&term.id.action_key(), &[]),
                place: address.lane.map(|lane| lane_place(view, lane)),
                fault: None,
            });
        }
    }
    repairs
}

/// What soon will be wrong.
fn soon(view: &View<'_>) -> Vec<Repair> {
    let mut repairs = Vec::new();
    let mut add = |severity, what: String, steps: &str, place: Option<(&str, &str)>| {
        let place = place.map(|(path, name)| (path.to_owned(), view.say(name, &[])));
        let steps = view.say(steps, &[]);
        repairs.push(Repair { severity, lane: None, what, since: None, steps, place, fault: None });
    };
    for State { detail, .. } in view.states.values().map(|state| &state.body) {
        let Detail::OfflineQueue { filling, hours_left, .. } = detail else { continue };
        let severity = match filling {
            Filling::Warning => Severity::Warning,
            Filling::Critical => Severity::Critical,
            // A full queue is a fault.
            Filling::Ok | Filling::Full => continue,
        };
        let hours = hours_left.map_or("–".into(), |hours| hours.to_string());
        let what = view.say("repairs-queue-filling", &[("hours", &hours)]);
        add(severity, what, "repairs-queue-filling-action", Some(("/queue", "queue-title")));
    }
    match view.holidays.coverage(in_japan(view.now).date()) {
        Coverage::Enough => {}
        Coverage::EndsSoon(until) | Coverage::Ended(until) => {
            let what = view.say("repairs-holidays", &[("until", &until.to_string())]);
            add(Severity::Notice, what, "repairs-holidays-action", None);
        }
    }
    repairs
}

/// Phones have been down for so long that the hospital should leave the Ministry's list.
fn listing(view: &View<'_>) -> Option<Repair> {
    let since = match view.phones {
        Today::Down { since } => since,
        Today::Accepted { .. } | Today::NotWanted => None,
    };
    view.leaves_list().then(|| Repair {
        severity: Severity::Warning,
        lane: None,
        what: view.say("repairs-leave-list", &[]),
        since,
        steps: view.say("repairs-leave-list-action", &[("number", call_centre::NUMBER)]),
        place: None,
        fault: None,
    })
}

async fn page(person: Person) -> Result<HttpResponse, Refusal> {
    person.may(Right::Watch)?;
    Ok(person.page(&Page::titled("repairs-title").refreshed_every(10), |view| {
        let content = html! { (list(view, &all(view))) (view.call_centre()) };
        html! {
            div hx-ext="sse" sse-connect={ "/events?lang=" (view.language.tag()) } {
                (events::looks_again("/repairs", "attention", &content))
            }
        }
    }))
}

/// The repairs as a list, or that there are none.
pub(super) fn list(view: &View<'_>, repairs: &[Repair]) -> Markup {
    html! {
        @if repairs.is_empty() { p { "✓ " (view.say("page-no-faults", &[])) } }
        ul.repairs { @for repair in repairs {
            li class=(severity_class(repair.severity)) {
                span aria-hidden="true" { (severity_sign(repair.severity)) " " }
                span.unseen { (view.say(severity_key(repair.severity), &[])) " " }
                @if let Some(lane) = repair.lane { strong { (lane_name(view, lane)) " " } }
                (repair.what) " "
                @if let Some(since) = repair.since {
                    small { (view.say("page-since", &[("since", &clock(since))])) }
                }
                p { b { (view.say("page-what-to-do", &[])) ": " } (repair.steps) }
                @if let Some((path, name)) = &repair.place { p { a.button.second href=(path) { (name) } } }
            }
        } }
    }
}

const fn severity_key(severity: Severity) -> &'static str {
    match severity {
        Severity::Notice => "severity-notice",
        Severity::Warning => "severity-warning",
        Severity::Critical => "severity-critical",
    }
}
