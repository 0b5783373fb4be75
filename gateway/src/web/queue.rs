//! The queue of confirmations: how many wait, since when, how long an outage it can take, and what a person has to see to.

use super::{
    access::{Person, Refusal, Right},
    frame::Page,
    view::{View, clock},
};
use actix_web::{
    HttpResponse,
    web::{self, ServiceConfig},
};
use madoguchi_protocol::messages::state::{Detail, Filling};
use maud::{Markup, html};

pub(super) fn routes(config: &mut ServiceConfig) {
    config.route("/queue", web::get().to(page));
}

async fn page(person: Person) -> Result<HttpResponse, Refusal> {
    person.may(Right::Watch)?;
    Ok(person.page(&Page::titled("queue-title").refreshed_every(10), |view| {
        html! {
            p { (view.say("queue-lead", &[])) }
            div id="live" hx-get="/queue" hx-trigger="every 5s" hx-select="#live" hx-swap="outerHTML" { (facts(view)) }
        }
    }))
}

fn facts(view: &View<'_>) -> Markup {
    let detail = view.states.values().map(|state| &state.body.detail);
    let Some(Detail::OfflineQueue {
        waiting,
        oldest,
        set_aside,
        settled,
        practice,
        hours_left,
        given_up_too_old,
        given_up_for_room,
        filling,
        ..
    }) = detail.into_iter().find(|detail| matches!(detail, Detail::OfflineQueue { .. }))
    else {
        return html! { p { (view.say("page-waiting-for-state", &[])) } };
    };
    let row =
        |key: &str, value: String| html! { tr { th scope="row" { (view.say(key, &[])) } td { (value) } } };
    html! {
        table { tbody {
            (row("queue-filling", view.say(filling_key(*filling), &[])))
            (row("queue-waiting", waiting.to_string()))
            (row("queue-oldest", oldest.map_or("–".into(), clock)))
            (row("queue-hours", hours_left.map_or("–".into(), |hours| hours.to_string())))
            (row("queue-settled", settled.to_string()))
            @if *practice > 0 { (row("queue-practice", practice.to_string())) }
            (row("queue-set-aside", set_aside.to_string()))
            (row("queue-given-up-too-old", given_up_too_old.to_string()))
            (row("queue-given-up-for-room", given_up_for_room.to_string()))
        } }
        @if *set_aside > 0 { p.notice.warn { "▲ " (view.say("queue-set-aside-action", &[])) } }
        @if *filling == Filling::Full { p.notice.bad { "✖ " (view.say("fault-queue-full-action", &[])) } }
    }
}

const fn filling_key(filling: Filling) -> &'static str {
    match filling {
        Filling::Ok => "queue-filling-ok",
        Filling::Warning => "queue-filling-warning",
        Filling::Critical => "queue-filling-critical",
        Filling::Full => "queue-filling-full",
    }
}
