//! The change that is being prepared, as a difference; applying it, confirming it, taking it back.

use super::{ask, back, button, mistakes, status};
use crate::{
    config::{difference::Change, store::Digest},
    keeper::{Request, Waiting},
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
use madoguchi_protocol::{
    ActorKind, Address, LaneId,
    messages::{audit_log::PersonAct, state::Detail},
};
use maud::{Markup, html};
use serde::Deserialize;
use std::collections::BTreeSet;

pub(super) fn routes(config: &mut ServiceConfig) {
    config
        .route("/configuration/change", web::get().to(show))
        .route("/configuration/change", web::post().to(apply))
        .route("/configuration/discard", web::post().to(discard))
        .route("/configuration/confirm", web::post().to(confirm))
        .route("/configuration/roll-back", web::post().to(roll_back));
}

async fn show(person: Person) -> Result<HttpResponse, Refusal> {
    let status = status(&person)?;
    Ok(person.page(&Page::titled("configuration-change"), |view| {
        let say = |key: &str| view.say(key, &[]);
        html! {
            @if let Some(waiting) = &status.waiting { (self::waiting(&person, view, waiting)) }
            @match &status.prepared {
                None => p { (say("configuration-refused-nothing")) },
                Some(prepared) => {
                    (mistakes(view, &prepared.mistakes))
                    (difference(view, &prepared.changes))
                    @if prepared.mistakes.is_empty() {
                        p {
                            @if prepared.concerned.is_empty() { (say("configuration-concerns-nobody")) }
                            @else {
                                (say("configuration-concerns")) " "
                                @for address in &prepared.concerned { code { (address.to_string()) } " " }
                            }
                        }
                        @let interrupted = visits_at(view, &prepared.concerned);
                        @if !interrupted.is_empty() {
                            p role="status" { "! " (view.say("configuration-interrupts", &[("lanes", &interrupted)])) }
                        }
                    }
                    div.row {
                        @if prepared.mistakes.is_empty() && status.waiting.is_none() {
                            (button(&person, view, "/configuration/change", "configuration-apply", "", &[("digest", prepared.digest.as_str())]))
                        }
                        (button(&person, view, "/configuration/discard", "configuration-discard", "danger", &[]))
                    }
                }
            }
            (back(view))
        }
    }))
}

/// The lanes among these actors' where a patient is being served now, as a list to read.
fn visits_at(view: &View<'_>, concerned: &[Address]) -> String {
    let lanes: BTreeSet<_> = concerned.iter().filter_map(|address| address.lane).collect();
    let served = |lane: &LaneId| {
        let state = view.states.get(&Address::of_lane(ActorKind::FaceReader, *lane));
        state.is_some_and(|it| matches!(it.body.detail, Detail::FaceReader { visit: Some(_), .. }))
    };
    lanes.into_iter().filter(served).map(|lane| lane.to_string()).collect::<Vec<_>>().join(", ")
}

/// Setting by setting, what was and what becomes.
pub(super) fn difference(view: &View<'_>, changes: &[Change]) -> Markup {
    let value = |value: &Option<String>| match value {
        Some(value) => html! { code { (value) } },
        None => html! { (view.say("configuration-not-set", &[])) },
    };
    html! {
        @if changes.is_empty() { p { (view.say("configuration-no-difference", &[])) } }
        @else {
            table.difference {
                thead { tr {
                    th scope="col" { (view.say("configuration-setting", &[])) }
                    th scope="col" { (view.say("configuration-old", &[])) }
                    th scope="col" { (view.say("configuration-new", &[])) }
                } }
                tbody { @for change in changes {
                    tr { th scope="row" { code { (change.key) } } td { (value(&change.old)) } td { (value(&change.new)) } }
                } }
            }
        }
    }
}

/// The change that waits, with its limit counting down.
pub(super) fn waiting(person: &Person, view: &View<'_>, waiting: &Waiting) -> Markup {
    let left = waiting.until.duration_since(view.now).as_secs().max(0);
    let number = waiting.version.number.to_string();
    html! {
        section.notice {
            h2 { (view.say("configuration-waiting", &[])) }
            p id="countdown" role="timer" hx-get="/configuration" hx-trigger="every 1s" hx-select="#countdown" hx-swap="outerHTML" {
                (view.say("configuration-countdown", &[("seconds", &left.to_string()), ("until", &clock(waiting.until))]))
            }
            (difference(view, &waiting.changes))
            div.row {
                (button(person, view, "/configuration/confirm", "configuration-confirm", "", &[("number", &number)]))
                (button(person, view, "/configuration/roll-back", "configuration-roll-back", "danger", &[("number", &number)]))
            }
        }
    }
}

#[derive(Deserialize)]
struct Seen {
    digest: String,
}

async fn apply(person: Person, form: Form<Seen>) -> Result<HttpResponse, Refusal> {
    let answer =
        ask(&person, Request::Apply(Digest::given(form.into_inner().digest)), "/configuration").await?;
    if let Some(waiting) = status(&person)?.waiting.as_ref().filter(|_| answer.status().is_redirection()) {
        person.did(None, PersonAct::ConfigurationApplied(waiting.version.number));
    }
    Ok(answer)
}

async fn discard(person: Person) -> Result<HttpResponse, Refusal> {
    ask(&person, Request::Discard, "/configuration").await
}

#[derive(Deserialize)]
struct Number {
    number: u32,
}

async fn confirm(person: Person, form: Form<Number>) -> Result<HttpResponse, Refusal> {
    let answer = ask(&person, Request::Confirm(form.number), "/configuration").await?;
    if answer.status().is_redirection() {
        person.did(None, PersonAct::ConfigurationConfirmed(form.number));
    }
    Ok(answer)
}

async fn roll_back(person: Person, form: Form<Number>) -> Result<HttpResponse, Refusal> {
    let answer = ask(&person, Request::RollBack, "/configuration").await?;
    if answer.status().is_redirection() {
        person.did(None, PersonAct::ConfigurationTakenBack(form.number));
    }
    Ok(answer)
}
