//! People and programs: who may do what, for administrators. A person sets password and second factor up alone, by a
//! one-time code that is shown here once; no administrator ever knows them.

use super::{
    access::{Person, Refusal, Right},
    frame::Page,
    login::field,
    view::View,
};
use crate::people::{Code, Refused, Register, Role, Secret};
use actix_web::{
    HttpResponse,
    http::StatusCode,
    web::{self, Form, Path, ServiceConfig},
};
use jiff::Timestamp;
use madoguchi_protocol::{PersonId, messages::audit_log::PersonAct};
use maud::{Markup, html};
use serde::Deserialize;
use std::collections::BTreeSet;

pub(super) fn routes(config: &mut ServiceConfig) {
    config
        .route("/people", web::get().to(show))
        .route("/people", web::post().to(add))
        .route("/people/{id}/role", web::post().to(set_role))
        .route("/people/{id}/recover", web::post().to(recover))
        .route("/people/{id}/disable", web::post().to(disable))
        .route("/people/{id}/enable", web::post().to(enable))
        .route("/tokens", web::post().to(add_token))
        .route("/tokens/{id}/revoke", web::post().to(revoke_token));
}

/// What the page says above everything else.
enum Said {
    Nothing,
    Done,
    /// A secret that is shown once: what it is for, whose it is, and itself.
    Once(&'static str, String, String),
    Refused(Refused),
}

async fn show(person: Person) -> Result<HttpResponse, Refusal> {
    page(&person, &Said::Nothing)
}

/// Does `change` for an administrator, records it, and shows the page with what `said` makes of it.
async fn change(
    person: &Person,
    change: impl FnOnce(&mut Register) -> Result<PersonAct, Refused>,
    said: Said,
) -> Result<HttpResponse, Refusal> {
    person.may(Right::ManagePeople)?;
    let changed = person.visitor().site().people.change(change);
    match changed.map_err(|error| Refusal::broken(person.visitor(), &error))? {
        Ok(act) => {
            person.did(None, act);
            page(person, &said)
        }
        Err(refused) => page(person, &Said::Refused(refused)),
    }
}

fn random<T>(person: &Person, made: Result<T, getrandom::Error>) -> Result<T, Refusal> {
    made.map_err(|error| Refusal::broken(person.visitor(), &error))
}

#[derive(Deserialize)]
struct New {
    name: String,
    role: Role,
}

async fn add(person: Person, new: Form<New>) -> Result<HttpResponse, Refusal> {
    let New { name, role } = new.into_inner();
    let code = random(&person, Code::random())?;
    let said = Said::Once("people-code", name.clone(), code.shown());
    let made = |it: &mut Register| it.add(&name, role, &code, Timestamp::now()).map(PersonAct::Added);
    change(&person, made, said).await
}

#[derive(Deserialize)]
struct NewRole {
    role: Role,
}

async fn set_role(person: Person, id: Path<PersonId>, new: Form<NewRole>) -> Result<HttpResponse, Refusal> {
    let id = *id;
    change(&person, |it| it.set_role(id, new.role).map(|()| PersonAct::RoleChanged(id)), Said::Done).await
}

async fn recover(person: Person, id: Path<PersonId>) -> Result<HttpResponse, Refusal> {
    let (id, code) = (*id, random(&person, Code::random())?);
    let name = name_of(&person, id);
    let said = Said::Once("people-code", name, code.shown());
    let made = |it: &mut Register| it.recover(id, &code, Timestamp::now()).map(|()| PersonAct::Recovered(id));
    change(&person, made, said).await
}

pub(super) fn name_of(person: &Person, id: PersonId) -> String {
    let register = person.visitor().site().people.read();
    register.ok().and_then(|it| it.person(id).map(|it| it.name.clone())).unwrap_or_default()
}

async fn disable(person: Person, id: Path<PersonId>) -> Result<HttpResponse, Refusal> {
    let id = *id;
    change(&person, |it| it.set_disabled(id, true).map(|()| PersonAct::Disabled(id)), Said::Done).await
}

async fn enable(person: Person, id: Path<PersonId>) -> Result<HttpResponse, Refusal> {
    let id = *id;
    change(&person, |it| it.set_disabled(id, false).map(|()| PersonAct::Enabled(id)), Said::Done).await
}

/// `name=…&watch=on&serve=on`: a field for each scope that was chosen.
async fn add_token(person: Person, fields: Form<Vec<(String, String)>>) -> Result<HttpResponse, Refusal> {
    let value = |key: &str| fields.iter().find(|(name, _)| name == key).map(|(_, value)| value.clone());
    let name = value("name").unwrap_or_default();
    let scopes: BTreeSet<_> =
        Right::FOR_PROGRAMS.into_iter().filter(|scope| value(scope.name()).is_some()).collect();
    let token = random(&person, Secret::random())?;
    let said = Said::Once("people-token", name.clone(), token.reveal().to_owned());
    let made = |it: &mut Register| {
        it.add_token(&name, scopes, token.digest(), Timestamp::now()).map(PersonAct::TokenMade)
    };
    change(&person, made, said).await
}

async fn revoke_token(person: Person, id: Path<PersonId>) -> Result<HttpResponse, Refusal> {
    let id = *id;
    change(&person, |it| it.revoke_token(id).map(|()| PersonAct::TokenRevoked(id)), Said::Done).await
}

fn page(person: &Person, said: &Said) -> Result<HttpResponse, Refusal> {
    person.may(Right::ManagePeople)?;
    let register =
        person.visitor().site().people.read().map_err(|e| Refusal::broken(person.visitor(), &e))?;
    let status = if matches!(said, Said::Refused(_)) { StatusCode::CONFLICT } else { StatusCode::OK };
    Ok(person.page(&Page::titled("people-title").with_status(status), |view| {
        html! {
            (notice(view, said))
            (people(view, person, &register))
            (new_person(view, person))
            (tokens(view, person, &register))
        }
    }))
}

fn notice(view: &View<'_>, said: &Said) -> Markup {
    let say = |key: &str| view.say(key, &[]);
    html! {
        @match said {
            Said::Nothing => {},
            Said::Done => p.notice.good role="status" { (say("people-done")) },
            Said::Refused(refused) => p.notice.bad role="alert" { (say(refused.text_key())) },
            Said::Once(key, name, secret) => div.notice.good role="status" {
                p { (view.say(key, &[("name", name)])) }
                p { code.secret id="secret" { (secret) } }
                p { (say("people-once")) }
            },
        }
    }
}

fn roles(view: &View<'_>, chosen: Role) -> Markup {
    html! { @for role in Role::ALL {
        option value=(role.name()) selected[role == chosen] { (view.say(&format!("role-{}", role.name()), &[])) }
    } }
}

fn people(view: &View<'_>, person: &Person, register: &Register) -> Markup {
    let say = |key: &str| view.say(key, &[]);
    html! {
        ul.people { @for it in &register.people {
            @let (state, act, label) = match (it.disabled, it.credentials.is_some()) {
                (true, _) => ("people-disabled", "enable", "people-enable"),
                (false, true) => ("people-enrolled", "disable", "people-disable"),
                (false, false) => ("people-invited", "disable", "people-disable"),
            };
            li {
                h2 { (it.name) @if it.id == person.id() { " " small { (say("people-you")) } } }
                p { (say(state)) " " small.soft { (it.id) } }
                div.row {
                    form.row method="post" action={ "/people/" (it.id) "/role" } {
                        (person.csrf_field())
                        select name="role" aria-label=(view.say("people-role-of", &[("name", &it.name)])) { (roles(view, it.role)) }
                        button.second { (say("people-set-role")) }
                    }
                    form method="post" action={ "/people/" (it.id) "/recover" } {
                        (person.csrf_field())
                        button.second aria-label=(view.say("people-recover-of", &[("name", &it.name)])) { (say("people-recover")) }
                    }
                    form method="post" action={ "/people/" (it.id) "/" (act) } {
                        (person.csrf_field())
                        button.danger aria-label={ (it.name) ": " (say(label)) } { (say(label)) }
                    }
                }
            }
        } }
    }
}

fn new_person(view: &View<'_>, person: &Person) -> Markup {
    let say = |key: &str| view.say(key, &[]);
    html! {
        h2 { (say("people-add")) }
        form.sheet method="post" action="/people" {
            (person.csrf_field())
            (field("name", &say("login-name"), Some(&say("first-name-hint")), html! {
                input id="name" name="name" required maxlength="40" autocomplete="off" aria-describedby="name-hint";
            }))
            (field("role", &say("people-role"), Some(&say("people-role-hint")), html! {
                select id="role" name="role" aria-describedby="role-hint" { (roles(view, Role::Operator)) }
            }))
            button { (say("people-add")) }
        }
    }
}

fn tokens(view: &View<'_>, person: &Person, register: &Register) -> Markup {
    let say = |key: &str| view.say(key, &[]);
    let scope = |right: Right| say(&format!("right-{}", right.name().replace('_', "-")));
    html! {
        h2 { (say("people-tokens")) }
        p { (say("people-tokens-hint")) }
        ul.people { @for it in &register.tokens {
            li {
                h3 { (it.name) }
                p { @for right in &it.scopes { (scope(*right)) "（" code { (right.name()) } "） " } small.soft { (it.id) } }
                form method="post" action={ "/tokens/" (it.id) "/revoke" } {
                    (person.csrf_field())
                    button.danger aria-label={ (it.name) ": " (say("people-revoke")) } { (say("people-revoke")) }
                }
            }
        } }
        form.sheet method="post" action="/tokens" {
            (person.csrf_field())
            (field("token-name", &say("people-token-name"), None, html! {
                input id="token-name" name="name" required maxlength="40" autocomplete="off";
            }))
            fieldset {
                legend { (say("people-scopes")) }
                @for right in Right::FOR_PROGRAMS {
                    label.choice { input type="checkbox" name=(right.name()); (scope(right)) " " code { (right.name()) } }
                }
            }
            button { (say("people-add-token")) }
        }
    }
}
