//! The parts of the gateway: each actor, how the supervisor sees it, and how often it was built anew.

use super::{
    access::{Person, Refusal, Right},
    acts,
    frame::Page,
    view::View,
    words::{actor_key, lane_name, standing_key},
};
use actix_web::{
    HttpResponse,
    web::{self, Query, ServiceConfig},
};
use maud::{Markup, html};

pub(super) fn routes(config: &mut ServiceConfig) {
    config.route("/parts", web::get().to(page));
}

async fn page(person: Person, said: Query<acts::Said>) -> Result<HttpResponse, Refusal> {
    person.may(Right::Watch)?;
    Ok(person.page(&Page::titled("parts-title").refreshed_every(10), |view| {
        html! {
            (said.notice(view))
            p { (view.say("parts-lead", &[])) }
            p { (view.say("parts-version", &[("version", env!("CARGO_PKG_VERSION"))])) }
            (table(view, &person))
        }
    }))
}

fn table(view: &View<'_>, person: &Person) -> Markup {
    html! {
        div.wide tabindex="0" { table {
            thead { tr { @for key in ["parts-part", "parts-standing", "parts-restarts", "parts-act"] {
                th scope="col" { (view.say(key, &[])) }
            } } }
            tbody { @for (address, actor) in view.standings { tr {
                td {
                    @if let Some(lane) = address.lane { a href={ "/lanes/" (lane) } { (lane_name(view, lane)) } " " }
                    (view.say(actor_key(address.kind), &[]))
                }
                td { (view.say(standing_key(actor.standing), &[])) }
                td { (actor.restarts) }
                td { (acts::restart_button(view, person, *address)) }
            } } }
        } }
    }
}
