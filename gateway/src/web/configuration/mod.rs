//! The configuration: seen, changed in forms or as text, applied, confirmed or taken back.
//!
//! Nothing here changes the file: every change is asked of the keeper, and takes effect only as a whole that was found
//! sound. What these pages need works without any configuration, so they also mend a broken one.

mod change;
mod devices;
mod forms;
mod history;
mod import;
mod overview;
mod papers;
mod phones;
mod setup;

use super::{
    access::{Person, Refusal, Right},
    frame::Page,
    view::View,
};
use crate::{
    config::{
        Mistake, Reason,
        document::{Document, EditError},
        store::{Author, Origin},
    },
    keeper::{self, Request, Status},
};
use actix_web::{
    HttpResponse,
    http::{StatusCode, header},
    web::ServiceConfig,
};
use maud::{Markup, html};
use std::sync::Arc;

pub(super) fn routes(config: &mut ServiceConfig) {
    overview::routes(config);
    devices::routes(config);
    forms::routes(config);
    change::routes(config);
    history::routes(config);
    import::routes(config);
    papers::routes(config);
    phones::routes(config);
    setup::routes(config);
}

/// How the configuration stands, for somebody who may change it.
fn status(person: &Person) -> Result<Arc<Status>, Refusal> {
    person.may(Right::Configure)?;
    Ok(person.visitor().site().keeper.status())
}

/// The text that the next change is made from: what is prepared already, or what is in effect.
fn text(status: &Status) -> &str {
    status.prepared.as_ref().map_or(&status.text, |prepared| &prepared.staged.text)
}

/// Asks the keeper, and leads to `next`; a refusal is shown as a page.
async fn ask(person: &Person, request: Request, next: &str) -> Result<HttpResponse, Refusal> {
    person.may(Right::Configure)?;
    match person.visitor().site().keeper.ask(request, Author::Person(person.id())).await {
        Ok(()) => Ok(HttpResponse::SeeOther().insert_header((header::LOCATION, next)).finish()),
        Err(refusal) => Ok(refused(person, &refusal)),
    }
}

/// Prepares a text, and leads to its difference.
async fn stage(person: &Person, text: String, next: &str) -> Result<HttpResponse, Refusal> {
    ask(person, Request::Stage { text, origin: Origin::Page }, next).await
}

/// Changes the text setting by setting and prepares it.
async fn edit(
    person: &Person,
    next: &str,
    change: impl FnOnce(&mut Document) -> Result<(), EditError>,
) -> Result<HttpResponse, Refusal> {
    let status = status(person)?;
    let changed = text(&status).parse::<Document>().and_then(|mut document| {
        change(&mut document)?;
        Ok(document.to_string())
    });
    match changed {
        Ok(text) => stage(person, text, next).await,
        Err(error) => Ok(said(person, StatusCode::UNPROCESSABLE_ENTITY, &error)),
    }
}

fn refused(person: &Person, refusal: &keeper::Refusal) -> HttpResponse {
    let status = match refusal {
        keeper::Refusal::Unsound(_) => StatusCode::UNPROCESSABLE_ENTITY,
        keeper::Refusal::Store(_) | keeper::Refusal::File { .. } | keeper::Refusal::Gone => {
            StatusCode::SERVICE_UNAVAILABLE
        }
        _ => StatusCode::CONFLICT,
    };
    let key = match refusal {
        keeper::Refusal::NothingStaged => "configuration-refused-nothing",
        keeper::Refusal::Changed => "configuration-refused-changed",
        keeper::Refusal::FileEdited => "configuration-refused-file",
        keeper::Refusal::Waiting => "configuration-refused-waiting",
        keeper::Refusal::NothingWaits => "configuration-refused-nothing-waits",
        keeper::Refusal::Unsound(_) => "configuration-refused-unsound",
        keeper::Refusal::NotApplied(_) => "configuration-refused-not-applied",
        keeper::Refusal::Store(_) | keeper::Refusal::File { .. } | keeper::Refusal::Gone => {
            "configuration-refused-disk"
        }
    };
    let reason = match refusal {
        keeper::Refusal::NotApplied(_) | keeper::Refusal::Store(_) | keeper::Refusal::File { .. } => {
            Some(refusal.to_string())
        }
        _ => None,
    };
    let page = Page::titled("configuration-title").with_status(status);
    person.page(&page, |view| {
        html! {
            p.notice.bad role="alert" { (view.say(key, &[])) }
            @if let Some(reason) = &reason { p lang="en" { (reason) } }
            (back(view))
        }
    })
}

/// A page that says why a text can't be changed so.
fn said(person: &Person, status: StatusCode, error: &EditError) -> HttpResponse {
    let page = Page::titled("configuration-title").with_status(status);
    person.page(&page, |view| {
        html! {
            p.notice.bad role="alert" { (view.say("configuration-refused-unsound", &[])) }
            p { (why(view, &error.reason())) }
            (back(view))
        }
    })
}

fn back(view: &View<'_>) -> Markup {
    html! { p { a href="/configuration" { (view.say("configuration-back", &[])) } } }
}

/// A form of one button.
fn button(
    person: &Person,
    view: &View<'_>,
    action: &str,
    key: &str,
    class: &str,
    fields: &[(&str, &str)],
) -> Markup {
    html! {
        form method="post" action=(action) {
            (person.csrf_field())
            @for (name, value) in fields { input type="hidden" name=(name) value=(value); }
            button class=(class) { (view.say(key, &[])) }
        }
    }
}

/// What is wrong, with setting and line.
fn mistakes(view: &View<'_>, mistakes: &[Mistake]) -> Markup {
    html! {
        @if !mistakes.is_empty() {
            div.notice.bad role="alert" {
                p { (view.say("configuration-mistakes", &[])) }
                ul { @for mistake in mistakes {
                    li {
                        @if let Some(line) = mistake.line {
                            a href={ "/configuration/text#line-" (line) } {
                                (view.say("configuration-line", &[("line", &line.to_string())]))
                            } " "
                        }
                        @if let Some(key) = &mistake.key { code { (key) } " " }
                        (why(view, &mistake.reason))
                    }
                } }
            }
        }
    }
}

/// Why something is refused, with what exists in English only.
fn why(view: &View<'_>, reason: &Reason) -> Markup {
    let (said, detail) = reason.said(view.language);
    html! {
        span { (said) }
        @if let Some(detail) = detail { " " small lang="en" { "(" (detail) ")" } }
    }
}
