//! Logging in with a security key: the password first, then the key in place of the code.
//!
//! That somebody has a key is told to nobody who does not know the password. A try counts as a failure from the
//! password on until the key's answer is right, so guessing is held up as it is with codes.

use super::{
    super::{
        access::Refusal,
        frame::Page,
        login::{self, Known, own_page},
        site::Site,
        view::View,
        visitor::{Visitor, origin},
    },
    Answered, no_place, place, script, wait,
    waiting::Entry,
};
use crate::people::{Digest, Password, Secret};
use actix_web::{
    HttpRequest, HttpResponse,
    http::header,
    web::{Form, block},
};
use madoguchi::security_key::{Asking, Place};
use madoguchi_protocol::messages::audit_log::{Author, PersonAct};
use maud::{Markup, html};
use serde::Deserialize;
use std::time::Instant;

/// The log-in form's second button; where no key can be used, why.
pub(in super::super) fn button(visitor: &Visitor, view: &View<'_>) -> Markup {
    html! {
        @if place(visitor).is_some() {
            // Without a script there is no key, and then no button either. The code is not asked for.
            div data-with-key hidden {
                button.second formaction="/login/key" formnovalidate { (view.say("keys-enter", &[])) }
            }
            (script(view))
        } @else {
            p.soft { (no_place(visitor, view)) }
        }
    }
}

#[derive(Deserialize)]
pub(super) struct Words {
    name: String,
    password: String,
    next: Option<String>,
}

/// Name and password; then the key is asked for, bound to a cookie of its own.
pub(super) async fn begin(
    visitor: Visitor,
    request: HttpRequest,
    words: Form<Words>,
) -> Result<HttpResponse, Refusal> {
    let Words { name, password, next } = words.into_inner();
    let next = own_page(next.as_deref()).to_owned();
    let Some(place) = place(&visitor) else { return Ok(login::form(&visitor, &next, &name, None)) };
    let site = visitor.data();
    let tried = site
        .throttle
        .begin(&name, origin(&request), Instant::now())
        .map_err(|wait| Refusal::too_many(&visitor, wait))?;
    let typed = name.clone();
    let password = Password::typed(password);
    let checked = login::in_turn(&site, move |site| ask_for(site, &place, &typed, &password)).await;
    tokio::time::sleep(tried.held_back).await;
    let Some(asked) = checked.map_err(|error| Refusal::broken(&visitor, &error))? else {
        site.count_login(false);
        return Ok(login::form(&visitor, &next, &name, Some("keys-not-entered")));
    };
    let cookie = Secret::random().map_err(|error| Refusal::broken(&visitor, &error))?;
    let Asked { asking, told, known } = asked;
    let (person, generation) = (known.id, known.generation);
    let entry = Entry { asking, person, generation, name, tried, next, told };
    site.keys.entries.begin(cookie.digest(), entry, Instant::now());
    Ok(HttpResponse::SeeOther()
        .insert_header((header::LOCATION, "/login/key"))
        .cookie(login::cookie(&site, site.key_cookie(), cookie.reveal()))
        .finish())
}

struct Asked {
    asking: Asking,
    told: String,
    known: Known,
}

fn ask_for(site: &Site, place: &Place, name: &str, password: &Password) -> anyhow::Result<Option<Asked>> {
    let register = site.people.read()?;
    let person = register.has_password(name, password);
    let keys = person.and_then(|it| it.credentials.as_ref()).map(|it| it.keys.as_slice());
    let asked = match (person, keys) {
        (Some(person), Some(keys)) => Asking::begin(place, person.id.as_bytes(), keys)?,
        _ => None,
    };
    let (Some(person), Some((asking, told))) = (person, asked) else {
        if let Some(person) = register.named(name) {
            site.record(None, Author::Person(person.id), PersonAct::LogInRefused);
        }
        return Ok(None);
    };
    let known = Known { id: person.id, role: person.role, generation: person.generation };
    Ok(Some(Asked { asking, told, known }))
}

/// What the request's cookie is bound to.
fn bound_to(request: &HttpRequest, site: &Site) -> Option<Digest> {
    request.cookie(site.key_cookie()).map(|cookie| Digest::of(cookie.value()))
}

/// Where the browser asks for the key.
pub(super) async fn ask(visitor: Visitor, request: HttpRequest) -> HttpResponse {
    let site = visitor.site();
    let told = bound_to(&request, site)
        .and_then(|bound_to| site.keys.entries.look(bound_to, Instant::now(), |it| it.told.clone()));
    let Some(told) = told else { return login::form(&visitor, "/", "", Some("keys-late")) };
    visitor.page(&Page::titled("keys-enter-title"), |view| wait(&visitor, view, false, &told))
}

/// The key's answer: whoever's it is, is in.
pub(super) async fn finish(
    visitor: Visitor,
    request: HttpRequest,
    answered: Form<Answered>,
) -> Result<HttpResponse, Refusal> {
    let site = visitor.data();
    let waited =
        bound_to(&request, &site).and_then(|bound_to| site.keys.entries.take(bound_to, Instant::now()));
    let Some(waited) = waited else { return Ok(login::form(&visitor, "/", "", Some("keys-late"))) };
    let Entry { asking, person, generation, name, tried, next, .. } = waited;
    let store = site.clone();
    let opened = block(move || {
        store.people.change(|register| {
            let person = register.opens_with_key(person, generation, asking, &answered.answer)?;
            Ok(Known { id: person.id, role: person.role, generation: person.generation })
        })
    })
    .await
    .map_err(|error| Refusal::broken(&visitor, &error))?
    .map_err(|error| Refusal::broken(&visitor, &error))?;
    let known = match opened {
        Ok(known) => known,
        Err(why) => {
            let why: madoguchi::security_key::BadAnswer = why;
            tracing::warn!(%why, "a security key was refused");
            site.record(None, Author::Person(person), PersonAct::LogInRefused);
            site.count_login(false);
            return Ok(login::form(&visitor, &next, &name, Some("keys-not-entered")));
        }
    };
    site.throttle.was_right(&tried);
    site.count_login(true);
    site.record(None, Author::Person(known.id), PersonAct::LoggedIn);
    let mut answer = login::begin_session(&visitor, &request, &known, &next)?;
    let mut used = login::cookie(&site, site.key_cookie(), "");
    used.make_removal();
    // A cookie that can't be taken away is worth nothing any more either.
    let _ = answer.add_cookie(&used);
    Ok(answer)
}
