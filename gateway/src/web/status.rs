//! Do phones work today? What patients ask at the counter and on the telephone, answered for anybody: a page
//! that only reads and names no patient, lane or fault.

use super::{
    frame::Page,
    view::{View, clock},
    visitor::Visitor,
};
use actix_web::{
    HttpResponse,
    web::{self, ServiceConfig},
};
use madoguchi_reception::availability::Today;
use maud::{Markup, html};

pub(super) fn routes(config: &mut ServiceConfig) {
    config.route("/status", web::get().to(page));
}

async fn page(visitor: Visitor) -> HttpResponse {
    visitor.page(&Page::titled("status-title").refreshed_every(30), status)
}

fn status(view: &View<'_>) -> Markup {
    let (sign, key, since) = match view.phones {
        Today::Accepted { since } => ("○", "status-yes", since),
        Today::Down { since } => ("×", "status-no", since),
        Today::NotWanted => ("×", "status-not-here", None),
    };
    html! {
        div id="live" hx-get="/status" hx-trigger="every 30s" hx-select="#live" hx-swap="outerHTML" {
            p.answer { span.sign aria-hidden="true" { (sign) } " " (view.say(key, &[])) }
            @if since.is_some() { p { (view.since(since)) } }
            p { (view.say("status-card", &[])) }
            p { small { (view.say("status-as-of", &[("now", &clock(view.now))])) } }
        }
    }
}
