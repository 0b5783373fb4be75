//! A person's own security keys: which there are, adding one and taking one away, each after password and code.

use super::{
    super::{
        access::{Person, Refusal},
        account::{self, Said},
        frame::Page,
        login::field,
        view::View,
    },
    Answered, no_place, place, script, wait,
    waiting::NewKey,
};
use crate::people::Refused;
use actix_web::{
    HttpRequest, HttpResponse,
    http::header,
    web::{Form, block},
};
use jiff::Timestamp;
use madoguchi::security_key::{Adding, SecurityKey};
use madoguchi_protocol::messages::audit_log::PersonAct;
use madoguchi_reception::in_japan;
use maud::{Markup, html};
use serde::Deserialize;
use std::time::Instant;

/// The part of the account's page.
pub(in super::super) fn section(person: &Person, view: &View<'_>) -> Markup {
    let say = |key: &str| view.say(key, &[]);
    let keys = keys(person);
    html! {
        h2 id="keys" { (say("keys-title")) }
        p { (say("keys-hint")) }
        @if keys.is_empty() { p.soft { (say("keys-none")) } } @else {
            form.sheet method="post" action="/account/keys/remove" {
                (person.csrf_field())
                fieldset {
                    legend { (say("keys-yours")) }
                    @for key in &keys {
                        label.choice {
                            input type="radio" name="key" value=(key.id()) required;
                            (key.name) " " span.soft { (added(view, key)) }
                        }
                    }
                }
                (proof(view, "remove"))
                button.danger { (say("keys-remove")) }
            }
        }
        @if place(person.visitor()).is_some() {
            div data-with-key hidden {
                h3 { (say("keys-add-title")) }
                form.sheet method="post" action="/account/keys" {
                    (person.csrf_field())
                    (field("key-name", &say("keys-name"), Some(&say("keys-name-hint")), html! {
                        input id="key-name" name="name" required maxlength="40" autocomplete="off" aria-describedby="key-name-hint";
                    }))
                    (proof(view, "add"))
                    button { (say("keys-add")) }
                }
            }
            (script(view))
        } @else {
            p.notice { (no_place(person.visitor(), view)) }
        }
    }
}

fn keys(person: &Person) -> Vec<SecurityKey> {
    let register = person.visitor().site().people.read();
    let register = register.inspect_err(|error| tracing::error!(%error, "people")).ok();
    let credentials = register.and_then(|it| it.person(person.id())?.credentials.clone());
    credentials.map(|it| it.keys).unwrap_or_default()
}

fn added(view: &View<'_>, key: &SecurityKey) -> String {
    let day = in_japan(key.added).date().to_string();
    view.say("keys-added-on", &[("day", &day), ("place", &key.place)])
}

/// The fields by which somebody proves once more who they are.
fn proof(view: &View<'_>, form: &str) -> Markup {
    let say = |key: &str| view.say(key, &[]);
    let (current, code) = (format!("{form}-current"), format!("{form}-code"));
    let hint = format!("{code}-hint");
    html! {
        (field(&current, &say("account-current"), None, html! {
            input id=(current) name="current" type="password" required maxlength="200" autocomplete="current-password";
        }))
        (field(&code, &say("login-code"), Some(&say("login-code-hint")), html! {
            input.code id=(code) name="code" required inputmode="numeric" autocomplete="one-time-code" maxlength="7" aria-describedby=(hint);
        }))
    }
}

#[derive(Deserialize)]
pub(super) struct New {
    name: String,
    current: String,
    code: String,
}

fn refused(person: &Person, why: Refused) -> HttpResponse {
    account::page(person, &Said::Bad(why.text_key()))
}

/// They prove who they are; then the key is asked for.
pub(super) async fn begin(
    person: Person,
    request: HttpRequest,
    new: Form<New>,
) -> Result<HttpResponse, Refusal> {
    let New { name, current, code } = new.into_inner();
    let (visitor, site) = (person.visitor(), person.visitor().site());
    // The page says why.
    let Some(place) = place(visitor) else { return Ok(account::page(&person, &Said::Nothing)) };
    let register = site.people.read().map_err(|error| Refusal::broken(visitor, &error))?;
    let name = match register.may_add_key(person.id(), &name) {
        Ok(name) => name,
        Err(why) => return Ok(refused(&person, why)),
    };
    if !account::proves(&person, &request, current, code).await? {
        return Ok(account::page(&person, &Said::Bad("login-wrong")));
    }
    let terminal = format!("Madoguchi {}", site.terminal());
    let (adding, told) =
        Adding::begin(&place, &terminal, person.id().as_bytes(), person.name(), &keys(&person))
            .map_err(|error| Refusal::broken(visitor, &error))?;
    site.keys.new_keys.begin(person.session_id(), NewKey { adding, name, told }, Instant::now());
    Ok(to("/account/keys"))
}

fn to(page: &'static str) -> HttpResponse {
    HttpResponse::SeeOther().insert_header((header::LOCATION, page)).finish()
}

/// Where the browser asks for the key.
pub(super) async fn ask(person: Person) -> HttpResponse {
    let waiting = &person.visitor().site().keys.new_keys;
    let told = waiting.look(person.session_id(), Instant::now(), |it| it.told.clone());
    let Some(told) = told else { return to("/account") };
    person.page(&Page::titled("keys-add-title"), |view| wait(person.visitor(), view, true, &told))
}

/// The key's answer: it is the person's from now on.
pub(super) async fn finish(person: Person, answered: Form<Answered>) -> Result<HttpResponse, Refusal> {
    let (visitor, site) = (person.visitor(), person.visitor().data());
    let Some(new) = site.keys.new_keys.take(person.session_id(), Instant::now()) else {
        return Ok(account::page(&person, &Said::Bad("keys-late")));
    };
    let key = match new.adding.finish(&answered.answer, &new.name, Timestamp::now()) {
        Ok(key) => key,
        Err(why) => {
            tracing::warn!(%why, "a security key was not added");
            return Ok(account::page(&person, &Said::Bad("keys-wrong")));
        }
    };
    let id = person.id();
    let added = block(move || site.people.change(|it| it.add_key(id, key)))
        .await
        .map_err(|error| Refusal::broken(visitor, &error))?
        .map_err(|error| Refusal::broken(visitor, &error))?;
    if let Err(why) = added {
        return Ok(refused(&person, why));
    }
    person.did(None, PersonAct::KeyAdded);
    Ok(account::page(&person, &Said::Good("keys-added")))
}

#[derive(Deserialize)]
pub(super) struct Old {
    key: String,
    current: String,
    code: String,
}

/// Takes a key away: lost, broken or handed back. Whoever may have used it is logged out.
pub(super) async fn remove(
    person: Person,
    request: HttpRequest,
    old: Form<Old>,
) -> Result<HttpResponse, Refusal> {
    let Old { key, current, code } = old.into_inner();
    if !account::proves(&person, &request, current, code).await? {
        return Ok(account::page(&person, &Said::Bad("login-wrong")));
    }
    let (visitor, site, id) = (person.visitor(), person.visitor().data(), person.id());
    let removed = block(move || site.people.change(|it| it.remove_key(id, &key)))
        .await
        .map_err(|error| Refusal::broken(visitor, &error))?
        .map_err(|error| Refusal::broken(visitor, &error))?;
    if removed.is_err() {
        return Ok(account::page(&person, &Said::Bad("keys-gone")));
    }
    visitor.site().sessions.end_others(id, person.session_id());
    person.did(None, PersonAct::KeyRemoved);
    Ok(account::page(&person, &Said::Good("keys-removed")))
}
