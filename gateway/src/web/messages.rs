//! What is being said on the bus: topics, names and sizes of the newest messages of this process, never what is in them.

use super::{
    access::{Person, Refusal, Right},
    frame::Page,
    view::View,
};
use actix_web::{
    HttpResponse,
    web::{self, ServiceConfig},
};
use madoguchi_bus::tap;
use madoguchi_reception::in_japan;
use maud::{Markup, html};

/// Messages on the page.
const SHOWN: usize = 100;

pub(super) fn routes(config: &mut ServiceConfig) {
    config.route("/messages", web::get().to(page));
}

async fn page(person: Person) -> Result<HttpResponse, Refusal> {
    person.may(Right::ReadMessages)?;
    Ok(person.page(&Page::titled("messages-title").refreshed_every(5), |view| {
        html! {
            p { (view.say("messages-lead", &[])) }
            div id="live" hx-get="/messages" hx-trigger="every 2s" hx-select="#live" hx-swap="outerHTML" {
                (table(view))
            }
        }
    }))
}

fn table(view: &View<'_>) -> Markup {
    html! {
        div.wide tabindex="0" { table {
            thead { tr { @for key in ["messages-at", "messages-by", "messages-topic", "messages-bytes"] {
                th scope="col" { (view.say(key, &[])) }
            } } }
            tbody { @for said in tap::newest().into_iter().take(SHOWN) { tr {
                td { (in_japan(said.at).strftime("%H:%M:%S%.3f").to_string()) }
                td { (said.by) }
                td { code { (said.topic) } }
                td { (said.bytes) }
            } } }
        } }
    }
}
