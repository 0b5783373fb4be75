//! The versions that were in effect; each can be prepared again.

use super::{ask, back, button, change::difference, status};
use crate::{
    config::{
        difference,
        store::{Author, Origin, Version},
    },
    keeper::Request,
    web::{
        access::{Person, Refusal},
        frame::Page,
        view::View,
    },
};
use actix_web::{
    HttpResponse,
    http::StatusCode,
    web::{self, Form, ServiceConfig},
};
use madoguchi_reception::in_japan;
use maud::{Markup, html};
use serde::Deserialize;

pub(super) fn routes(config: &mut ServiceConfig) {
    config
        .route("/configuration/history", web::get().to(show))
        .route("/configuration/history", web::post().to(go_back));
}

async fn show(person: Person) -> Result<HttpResponse, Refusal> {
    let status = status(&person)?;
    Ok(person.page(&Page::titled("configuration-history"), |view| {
        html! {
            @if status.history.is_empty() { p { (view.say("configuration-no-history", &[])) } }
            ol.history reversed { @for (at, version) in status.history.iter().enumerate() {
                li value=(version.number) {
                    (heading(&person, view, version))
                    details {
                        summary { (view.say("configuration-see-difference", &[])) }
                        @let before = status.history.get(at + 1).map_or("", |before| before.text.as_str());
                        (difference(view, &difference::difference(before, &version.text)))
                    }
                    @if version.text != status.text || status.running.is_none() {
                        (button(&person, view, "/configuration/history", "configuration-go-back", "second", &[("number", &version.number.to_string())]))
                    }
                }
            } }
            (back(view))
        }
    }))
}

fn heading(person: &Person, view: &View<'_>, version: &Version) -> Markup {
    let by = match version.by {
        Author::Person(id) => super::super::people::name_of(person, id),
        Author::Console => view.say("configuration-by-console", &[]),
    };
    let how = match version.origin {
        Origin::Page => view.say("configuration-origin-page", &[]),
        Origin::File => view.say("configuration-origin-file", &[]),
        Origin::History(number) => {
            view.say("configuration-origin-history", &[("number", &number.to_string())])
        }
        Origin::Import => view.say("configuration-origin-import", &[]),
    };
    let at = in_japan(version.at).strftime("%Y-%m-%d %H:%M").to_string();
    html! { p { (at) " – " (by) " – " (how) } }
}

#[derive(Deserialize)]
struct Number {
    number: u32,
}

async fn go_back(person: Person, form: Form<Number>) -> Result<HttpResponse, Refusal> {
    let status = status(&person)?;
    let Some(version) = status.history.iter().find(|version| version.number == form.number) else {
        return Err(Refusal::page(person.visitor(), StatusCode::NOT_FOUND, "refused-not-found"));
    };
    let request = Request::Stage { text: version.text.clone(), origin: Origin::History(version.number) };
    ask(&person, request, "/configuration/change").await
}
