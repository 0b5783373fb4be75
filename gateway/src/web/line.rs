//! The line to the eligibility centre: whether it answers, since when, and what happened to it lately.

use super::{
    access::{Person, Refusal, Right},
    frame::Page,
    view::{View, clock},
};
use actix_web::{
    HttpResponse,
    web::{self, ServiceConfig},
};
use madoguchi_protocol::{
    ActorKind,
    messages::{
        line::{CertificateStage, LineReport},
        state::Detail,
    },
};
use madoguchi_reception::in_japan;
use maud::{Markup, html};

pub(super) fn routes(config: &mut ServiceConfig) {
    config.route("/line", web::get().to(page));
}

async fn page(person: Person) -> Result<HttpResponse, Refusal> {
    person.may(Right::Watch)?;
    Ok(person.page(&Page::titled("line-title").refreshed_every(10), |view| {
        html! {
            div id="live" hx-get="/line" hx-trigger="every 5s" hx-select="#live" hx-swap="outerHTML" {
                (facts(view))
                (past(view))
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
