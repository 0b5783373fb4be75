//! The line to the eligibility centre: whether it answers, since when, and what happened to it lately; and the
//! way there, walked step by step.

use super::{
    access::{Person, Refusal, Right},
    frame::Page,
    site::Site,
    view::{View, clock},
};
use actix_web::{
    HttpResponse,
    web::{self, Data, ServiceConfig},
};
use madoguchi_protocol::{
    ActorKind,
    messages::{
        line::{CertificateStage, LineReport, Way},
        line_walk::{Health, Taken, Walk},
        state::Detail,
        uplink::WalkLine,
    },
};
use madoguchi_reception::in_japan;
use maud::{Markup, html};

pub(super) fn routes(config: &mut ServiceConfig) {
    config.route("/line", web::get().to(page)).route("/line/walk", web::post().to(walk));
}

/// Has `uplink` walk every line, and shows what it found.
async fn walk(person: Person, site: Data<Site>) -> Result<HttpResponse, Refusal> {
    person.may(Right::Watch)?;
    let bus = site.desk.borrow().clone();
    let walked = match bus {
        Some(bus) => bus.ask(None, None, WalkLine {}).await.map_err(|error| error.to_string()),
        None => Err("there is no bus yet".into()),
    };
    if let Err(error) = &walked {
        tracing::warn!(error, "the line is not walked");
    }
    Ok(person.page(&Page::titled("line-walk"), |view| match &walked {
        Ok(walked) => steps(view, walked),
        Err(_) => not_walked(view),
    }))
}

fn not_walked(view: &View<'_>) -> Markup {
    html! { p.notice.bad { "✖ " (view.say("line-not-walked", &[])) } p { a.button.second href="/line" { (view.say("line-title", &[])) } } }
}

/// Line by line, the first broken step with what to do and whom to call.
fn steps(view: &View<'_>, walked: &Walk) -> Markup {
    let mut ways: Vec<Way> = walked.0.iter().map(|taken| taken.way).collect();
    ways.dedup();
    html! {
        @for way in ways { section {
            h2 { (view.say(&format!("line-way-{}", way.name()), &[])) }
            @match walked.broken(way) {
                None => p.notice { "✓ " (view.say("line-walk-well", &[])) },
                Some(broken) => p.notice.bad {
                    "✖ " (view.say("line-walk-broken", &[("step", &what(view, broken))])) " "
                    (view.say(&format!("line-step-{}-action", broken.step.name()), &[])) " "
                    (view.say(&format!("line-whom-{}", broken.step.whom().name()), &[]))
                },
            }
            ol { @for taken in walked.0.iter().filter(|taken| taken.way == way) { li {
                (sign(taken.health)) " " (what(view, taken)) ": " (view.say(health_key(taken.health), &[])) " "
                small lang="en" { (taken.found) }
            } } }
        } }
        p { a.button.second href="/line" { (view.say("line-title", &[])) } }
    }
}

fn what(view: &View<'_>, taken: &Taken) -> String {
    view.say(&format!("line-step-{}-what", taken.step.name()), &[])
}

const fn sign(health: Health) -> &'static str {
    match health {
        Health::Well => "✓",
        Health::Unknown => "–",
        Health::Doubtful => "▲",
        Health::Broken => "✖",
    }
}

const fn health_key(health: Health) -> &'static str {
    match health {
        Health::Well => "line-health-well",
        Health::Unknown => "line-health-unknown",
        Health::Doubtful => "line-health-doubtful",
        Health::Broken => "line-health-broken",
    }
}

async fn page(person: Person) -> Result<HttpResponse, Refusal> {
    person.may(Right::Watch)?;
    Ok(person.page(&Page::titled("line-title").refreshed_every(10), |view| {
        html! {
            div id="live" hx-get="/line" hx-trigger="every 5s" hx-select="#live" hx-swap="outerHTML" {
                (facts(view))
                (past(view))
            }
            form.no-print method="post" action="/line/walk" {
                (person.csrf_field())
                button.second { (view.say("line-walk", &[])) }
            }
        }
    }))
}

fn facts(view: &View<'_>) -> Markup {
    html! {
        @for state in view.states.values() {
            @if let Detail::Uplink { reachable, since, wrong_answers, report } = &state.body.detail {
                p.doing {
                    span aria-hidden="true" { (if *reachable { "○ " } else { "✖ " }) }
                    (view.say(if *reachable { "page-line-up" } else { "page-line-down" }, &[])) " "
                    small { (view.since(Some(*since))) }
                }
                (ways(view, report))
                @for fault in &state.body.faults {
                    p { b { (view.say("page-what-to-do", &[])) ": " }
                        (view.say(&format!("fault-{}-action", fault.code.name()), &[])) }
                }
                p { (view.say("line-wrong-answers", &[("count", &wrong_answers.to_string())])) }
                (months(view, report))
                (terms(view, report))
            }
        }
    }
}

/// Each line by itself, and which is used.
fn ways(view: &View<'_>, report: &LineReport) -> Markup {
    html! {
        @if report.ways.len() > 1 {
            ul { @for it in &report.ways { li {
                (view.say(&format!("line-way-{}", it.way.name()), &[])) ": "
                (view.say(&format!("line-stage-{}", it.stage.name()), &[])) " "
                @if report.used == Some(it.way) { b { (view.say("line-used", &[])) } " " }
                small { (view.since(Some(it.since))) }
            } } }
        }
        @if let Some(since) = report.outage { p { "✖ " (view.say("line-outage", &[("since", &clock(since))])) } }
    }
}

/// How much of each month the line was there.
fn months(view: &View<'_>, report: &LineReport) -> Markup {
    html! {
        ul { @for month in &report.months { @if let Some(share) = month.availability() {
            li { (view.say("line-month", &[
                ("month", &month.month.strftime("%Y-%m").to_string()),
                ("share", &format!("{}.{:02}", share / 100, share % 100)),
                ("count", &month.outages.to_string()),
            ])) }
        } } }
    }
}

/// When certificates end, and whether the clock is right.
fn terms(view: &View<'_>, report: &LineReport) -> Markup {
    html! {
        ul { @for term in &report.certificates { li {
            @if term.stage != CertificateStage::Fine { "! " }
            (view.say(&format!("line-certificate-{}", term.role.name()), &[])) " "
            @if let Some(way) = term.way { (view.say(&format!("line-way-{}", way.name()), &[])) " " }
            @if let Some(lane) = term.lane { (view.say("page-lane", &[("lane", &lane.to_string())])) " " }
            (view.say("line-certificate-ends", &[("day", &in_japan(term.ends).date().to_string())]))
        } } }
        @if let Some(it) = report.clock {
            p { (view.say(if it.synchronised { "line-clock-synchronised" } else { "line-clock-alone" }, &[])) }
        }
    }
}

/// Outages since the program started.
fn past(view: &View<'_>) -> Markup {
    let faults = view.figures.of(None).map(|figures| &figures.faults);
    let of_line: Vec<_> =
        faults.into_iter().flatten().rev().filter(|fault| fault.of == ActorKind::Uplink).collect();
    html! {
        section {
            h2 { (view.say("line-past", &[])) }
            @if of_line.is_empty() { p { "✓ " (view.say("line-no-past", &[])) } } @else {
                div.wide tabindex="0" { table {
                    thead { tr { @for key in ["lane-fault", "lane-began", "lane-ended"] {
                        th scope="col" { (view.say(key, &[])) }
                    } } }
                    tbody { @for fault in of_line { tr {
                        td { (view.say(&format!("fault-{}-staff", fault.code.name()), &[])) }
                        td { (clock(fault.began)) }
                        td { (fault.ended.map_or_else(|| view.say("lane-lasts", &[]), clock)) }
                    } } }
                } }
            }
        }
    }
}
