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
use madoguchi_protocol::{ActorKind, messages::state::Detail};
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
            @if let Detail::Uplink { reachable, since, wrong_answers, .. } = &state.body.detail {
                p.doing {
                    span aria-hidden="true" { (if *reachable { "○ " } else { "✖ " }) }
                    (view.say(if *reachable { "page-line-up" } else { "page-line-down" }, &[])) " "
                    small { (view.since(Some(*since))) }
                }
                @for fault in &state.body.faults {
                    p { b { (view.say("page-what-to-do", &[])) ": " }
                        (view.say(&format!("fault-{}-action", fault.code.name()), &[])) }
                }
                p { (view.say("line-wrong-answers", &[("count", &wrong_answers.to_string())])) }
            }
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
