//! How the configuration stands: what is in effect, what is prepared, what waits; and the ways to change it.

use super::{ask, back, button, edit, mistakes, stage, status, text};
use crate::{
    config::{catalogue, document::Document},
    keeper::{Request, Status, Why},
    web::{
        access::{Person, Refusal},
        frame::Page,
        view::{View, clock},
    },
};
use actix_web::{
    HttpResponse,
    web::{self, Form, ServiceConfig},
};
use maud::{Markup, html};
use serde::Deserialize;

pub(super) fn routes(config: &mut ServiceConfig) {
    config
        .route("/configuration", web::get().to(show))
        .route("/configuration/lanes", web::post().to(add_lane))
        .route("/configuration/lanes/remove", web::post().to(remove_lane))
        .route("/configuration/pairs", web::post().to(add_pair))
        .route("/configuration/text", web::get().to(show_text))
        .route("/configuration/text", web::post().to(stage_text))
        .route("/configuration/file", web::post().to(stage_file))
        .route("/configuration/restore", web::post().to(restore_file));
}

async fn show(person: Person) -> Result<HttpResponse, Refusal> {
    let status = status(&person)?;
    let page = Page::titled("configuration-title");
    Ok(person.page(&page, |view| {
        html! {
            (standing(&person, view, &status))
            (ways(&person, view, &status))
        }
    }))
}

/// What has to be known or decided first, most urgent first.
fn standing(person: &Person, view: &View<'_>, status: &Status) -> Markup {
    let say = |key: &str| view.say(key, &[]);
    html! {
        @if let Some(waiting) = &status.waiting {
            (super::change::waiting(person, view, waiting))
        }
        @if status.running.is_none() {
            p.notice.bad role="alert" {
                (say(if status.text.is_empty() { "configuration-none" } else { "configuration-broken" }))
            }
            (mistakes(view, &status.mistakes))
        }
        @if status.by_hand.is_some() {
            section {
                p.notice role="alert" { (view.say("configuration-by-hand", &[("file", &status.file.display().to_string())])) }
                div.row {
                    (button(person, view, "/configuration/file", "configuration-take-in", "", &[]))
                    (button(person, view, "/configuration/restore", "configuration-put-back", "second", &[]))
                }
            }
        }
        @if status.prepared.is_some() {
            p.notice {
                (say("configuration-prepared")) " "
                a href="/configuration/change" { (say("configuration-see-change")) }
            }
        }
        @if let Some(outcome) = &status.outcome {
            p {
                (say(match outcome.why {
                    Why::Confirmed => "configuration-was-confirmed",
                    Why::TakenBack => "configuration-was-taken-back",
                    Why::NotConfirmed => "configuration-was-not-confirmed",
                    Why::NotApplied => "configuration-was-not-applied",
                    Why::Interrupted => "configuration-was-interrupted",
                }))
                " " small { (clock(outcome.at)) }
            }
        }
    }
}

/// The forms, the text and the history.
fn ways(person: &Person, view: &View<'_>, status: &Status) -> Markup {
    let document = text(status).parse::<Document>();
    html! {
        @match &document {
            Ok(document) => {
                h2 { (view.say("configuration-sections", &[])) }
                ul { @for section in catalogue::sections() {
                    @if !section.name.is_empty() && !section.name.starts_with("lane") && section.name != "compatibility.pairs" {
                        li { a href={ "/configuration/section?place=" (section.name) } { (view.say(&section.text_key(), &[])) } }
                    }
                } }
                (lanes(person, view, document))
                (pairs(person, view, document))
            }
            Err(_) => p { (view.say("configuration-only-text", &[])) },
        }
        h2 { (view.say("configuration-more", &[])) }
        ul {
            li { a href="/configuration/setup" { (view.say("configuration-setup", &[])) } }
            li { a href="/configuration/import" { (view.say("import-title", &[])) } }
            li { a href="/configuration/text" { (view.say("configuration-text", &[])) } }
            li { a href="/configuration/history" { (view.say("configuration-history", &[])) } }
        }
    }
}

fn lanes(person: &Person, view: &View<'_>, document: &Document) -> Markup {
    let mut numbers = document.lanes();
    numbers.sort_unstable();
    let free = (1..=999).find(|number| !numbers.contains(number)).unwrap_or(999);
    html! {
        h2 { (view.say("configuration-lanes", &[])) }
        ul { @for number in &numbers {
            li { div.row {
                a href={ "/configuration/section?place=lane." (number) } {
                    (view.say("page-lane", &[("lane", &number.to_string())]))
                }
                (button(person, view, "/configuration/lanes/remove", "configuration-lane-remove", "second", &[("number", &number.to_string())]))
            } }
        } }
        form.sheet method="post" action="/configuration/lanes" {
            (person.csrf_field())
            div.field {
                label for="number" { (view.say("configuration-lane-number", &[])) }
                input id="number" name="number" type="number" min="1" max="999" required value=(free);
            }
            button { (view.say("configuration-lane-add", &[])) }
        }
    }
}

fn pairs(person: &Person, view: &View<'_>, document: &Document) -> Markup {
    let places = catalogue::places(document);
    let pairs = places.iter().filter(|(_, section)| section.name == "compatibility.pairs");
    html! {
        h2 { (view.say("section-compatibility-pairs", &[])) }
        ul { @for (place, _) in pairs {
            @let name = |name: &str| document.get(&format!("{place}.{name}")).unwrap_or_default();
            li { a href={ "/configuration/section?place=" (place) } { (name("face_reader")) " + " (name("generic_reader")) } }
        } }
        (button(person, view, "/configuration/pairs", "configuration-pair-add", "second", &[]))
    }
}

#[derive(Deserialize)]
struct Number {
    number: u16,
}

async fn add_lane(person: Person, form: Form<Number>) -> Result<HttpResponse, Refusal> {
    let number = form.number;
    let next = format!("/configuration/section?place=lane.{number}");
    edit(&person, &next, |document| document.add_lane(number)).await
}

async fn remove_lane(person: Person, form: Form<Number>) -> Result<HttpResponse, Refusal> {
    let place = format!("lane.{}", form.number);
    edit(&person, "/configuration/change", |document| document.remove(&place)).await
}

async fn add_pair(person: Person) -> Result<HttpResponse, Refusal> {
    let status = status(&person)?;
    let mut document = match text(&status).parse::<Document>() {
        Ok(document) => document,
        Err(error) => {
            return Ok(super::said(&person, actix_web::http::StatusCode::CONFLICT, &error));
        }
    };
    match document.add_pair() {
        Ok(place) => {
            let next = format!("/configuration/section?place={place}");
            stage(&person, document.to_string(), &next).await
        }
        Err(error) => Ok(super::said(&person, actix_web::http::StatusCode::CONFLICT, &error)),
    }
}

async fn show_text(person: Person) -> Result<HttpResponse, Refusal> {
    let status = status(&person)?;
    let wrong = match &status.prepared {
        Some(prepared) => &prepared.mistakes,
        None => &status.mistakes,
    };
    let page = Page::titled("configuration-text");
    Ok(person.page(&page, |view| {
        let text = text(&status);
        html! {
            (mistakes(view, wrong))
            @if !wrong.is_empty() {
                ol.lines { @for (at, line) in text.lines().enumerate() {
                    @if wrong.iter().any(|mistake| mistake.line.is_some_and(|line| line.abs_diff(at + 1) <= 2)) {
                        li id={ "line-" (at + 1) } value=(at + 1) { code { (line) } }
                    }
                } }
            }
            form method="post" action="/configuration/text" {
                (person.csrf_field())
                div.field {
                    label for="text" { (view.say("configuration-text-label", &[])) }
                    textarea.code id="text" name="text" rows="30" spellcheck="false" { "\n" (text) }
                }
                button { (view.say("configuration-check", &[])) }
            }
            (back(view))
        }
    }))
}

#[derive(Deserialize)]
struct Text {
    text: String,
}

async fn stage_text(person: Person, form: Form<Text>) -> Result<HttpResponse, Refusal> {
    // Browsers end lines as the mail of old did.
    let text = form.into_inner().text.replace("\r\n", "\n");
    stage(&person, text, "/configuration/change").await
}

async fn stage_file(person: Person) -> Result<HttpResponse, Refusal> {
    ask(&person, Request::StageFile, "/configuration/change").await
}

async fn restore_file(person: Person) -> Result<HttpResponse, Refusal> {
    ask(&person, Request::RestoreFile, "/configuration").await
}
