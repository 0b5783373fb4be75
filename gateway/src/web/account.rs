//! A person's own account: what they are, where else they are logged in, and a new password.

use super::{access::Person, frame::Page, keys, login::field, refusal::Refusal, visitor::origin};
use crate::people::Password;
use actix_web::{
    HttpRequest, HttpResponse,
    http::StatusCode,
    web::{self, Form, ServiceConfig},
};
use jiff::Timestamp;
use madoguchi_protocol::messages::audit_log::PersonAct;
use maud::html;
use serde::Deserialize;
use std::time::Instant;

pub(super) fn routes(config: &mut ServiceConfig) {
    config
        .route("/account", web::get().to(show))
        .route("/account/password", web::post().to(change_password))
        .route("/account/end-others", web::post().to(end_others));
}

/// What the page says above everything else.
pub(super) enum Said {
    Nothing,
    Good(&'static str),
    Bad(&'static str),
}

async fn show(person: Person) -> HttpResponse {
    page(&person, &Said::Nothing)
}

/// The page, with what is said above everything else.
pub(super) fn page(person: &Person, said: &Said) -> HttpResponse {
    let status = if matches!(said, Said::Bad(_)) { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    let sessions = person.visitor().site().sessions.count(person.id(), Instant::now());
    person.page(&Page::titled("account-title").with_status(status), |view| {
        let say = |key: &str| view.say(key, &[]);
        html! {
            @match said {
                Said::Nothing => {},
                Said::Good(key) => p.notice.good role="status" { (say(key)) },
                Said::Bad(key) => p.notice.bad role="alert" { (say(key)) },
            }
            p { strong { (person.name()) } " " (say(&format!("role-{}", person.role().name()))) }
            h2 { (say("account-sessions")) }
            p { (view.say("account-sessions-count", &[("count", &sessions.to_string())])) }
            @if sessions > 1 {
                form method="post" action="/account/end-others" {
                    (person.csrf_field())
                    button.second { (say("account-end-others")) }
                }
            }
            (keys::section(person, view))
            h2 { (say("account-change-password")) }
            form.sheet method="post" action="/account/password" {
                (person.csrf_field())
                input type="hidden" name="username" value=(person.name()) autocomplete="username";
                (field("current", &say("account-current"), None, html! {
                    input id="current" name="current" type="password" required maxlength="200" autocomplete="current-password";
                }))
                (field("code", &say("login-code"), Some(&say("login-code-hint")), html! {
                    input.code id="code" name="code" required inputmode="numeric" autocomplete="one-time-code" maxlength="7" aria-describedby="code-hint";
                }))
                (field("password", &say("account-password"), Some(&say("account-password-hint")), html! {
                    input id="password" name="password" type="password" required minlength="13" maxlength="200" autocomplete="new-password" aria-describedby="password-hint";
                }))
                (field("again", &say("account-again"), None, html! {
                    input id="again" name="again" type="password" required maxlength="200" autocomplete="new-password";
                }))
                button { (say("account-change-password")) }
            }
            p.soft { (say("account-lost-factor")) }
        }
    })
}

#[derive(Deserialize)]
struct Change {
    current: String,
    code: String,
    password: String,
    again: String,
}

/// A new password, by the old one and a code: whoever finds a screen left alone can't change it.
async fn change_password(
    person: Person,
    request: HttpRequest,
    change: Form<Change>,
) -> Result<HttpResponse, Refusal> {
    let Change { current, code, password, again } = change.into_inner();
    if password != again {
        return Ok(page(&person, &Said::Bad("first-not-the-same")));
    }
    let new = Password::typed(password);
    if let Err(bad) = new.check(person.name()) {
        return Ok(page(&person, &Said::Bad(bad.text_key())));
    }
    if !proves(&person, &request, current, code).await? {
        return Ok(page(&person, &Said::Bad("login-wrong")));
    }
    let (visitor, id, store) = (person.visitor(), person.id(), person.visitor().data());
    web::block(move || {
        let kept = new.kept()?;
        let changed = store.people.change(|register| {
            let credentials = register.person(id).and_then(|it| it.credentials.clone());
            let mut credentials = credentials.ok_or(crate::people::Refused::Unknown)?;
            credentials.password = kept;
            register.enrol(id, credentials)
        })?;
        anyhow::Ok(changed?)
    })
    .await
    .map_err(|error| Refusal::broken(visitor, &error))?
    .map_err(|error| Refusal::broken(visitor, &error))?;
    person.did(None, PersonAct::PasswordChanged);
    // Every session of before has ended, this one too: the new password is tried at once.
    Ok(HttpResponse::SeeOther().insert_header(("location", "/login?next=/account")).finish())
}

/// Whether they prove once more, by password and code, that it is them: for what nobody may do at a screen left alone.
/// The code is used up.
pub(super) async fn proves(
    person: &Person,
    request: &HttpRequest,
    password: String,
    code: String,
) -> Result<bool, Refusal> {
    let (visitor, site) = (person.visitor(), person.visitor().data());
    let tried = site
        .throttle
        .begin(person.name(), origin(request), Instant::now())
        .map_err(|wait| Refusal::too_many(visitor, wait))?;
    let (id, name) = (person.id(), person.name().to_owned());
    let store = site.clone();
    let right = web::block(move || {
        let register = store.people.read()?;
        let password = Password::typed(password);
        let step = register.logs_in(&name, &password, &code, Timestamp::now()).map(|(_, step)| step);
        let Some(step) = step else { return Ok(false) };
        let unused = store.people.change(|it| Ok::<_, std::convert::Infallible>(it.used(id, step)))?;
        anyhow::Ok(unused.is_ok_and(|unused| unused))
    })
    .await
    .map_err(|error| Refusal::broken(visitor, &error))?
    .map_err(|error| Refusal::broken(visitor, &error))?;
    if right {
        site.throttle.was_right(&tried);
    }
    Ok(right)
}

async fn end_others(person: Person) -> HttpResponse {
    person.visitor().site().sessions.end_others(person.id(), person.session_id());
    page(&person, &Said::Good("account-others-ended"))
}
