//! Setting up what a person logs in with, by a one-time code: the first administrator by the one that the console shows
//! while there is none, everybody else by the one that an administrator or the console made for them.
//!
//! Two steps: the code is looked at and used for nothing but opening the second step, where the person chooses the
//! password and proves that the authenticator works. Only then anything is kept.

use super::{
    frame::Page,
    login::{self, Known, field},
    refusal::Refusal,
    site::Site,
    visitor::{Visitor, origin},
};
use crate::people::{BadPassword, Code, Credentials, Digest, Password, Refused, Role, SecondFactor, Secret};
use actix_web::{
    HttpRequest, HttpResponse,
    http::{StatusCode, header},
    web::{self, Form, ServiceConfig},
};
use anyhow::Context;
use jiff::Timestamp;
use madoguchi_protocol::{
    PersonId,
    messages::audit_log::{Author, PersonAct},
};
use maud::{PreEscaped, html};
use serde::Deserialize;
use std::{
    collections::HashMap,
    fs::{self, OpenOptions},
    io::{self, Write},
    os::unix::fs::OpenOptionsExt,
    path::Path,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

/// How long the second step may take.
const LIVES: Duration = Duration::from_secs(20 * 60);
/// How many may be at the second step at once.
const MOST: usize = 50;
/// What tries with codes are counted under: nobody can have this name.
const NAME_OF_CODES: &str = "\u{0}code";
/// Where they are led who are ready.
const THEN: &str = "/";

pub(super) fn routes(config: &mut ServiceConfig) {
    config
        .route("/first-start", web::get().to(ask_code))
        .route("/first-start", web::post().to(take_code))
        .route("/first-start/account", web::get().to(ask_account))
        .route("/first-start/account", web::post().to(take_account));
}

/// Who is at the second step.
#[derive(Clone, Debug)]
struct Enrolment {
    /// Nobody yet: this will be the first administrator.
    person: Option<PersonId>,
    second_factor: SecondFactor,
    began: Instant,
}

/// The console's code, and those who are at the second step, by the digest of their cookie.
#[derive(Default)]
pub(super) struct Enrolments {
    /// The code that makes the first administrator.
    pub(super) first: Option<Digest>,
    open: Mutex<HashMap<Digest, Enrolment>>,
}

impl Enrolments {
    /// Awaits the first administrator, by this code.
    pub(super) fn awaiting(code: &Code) -> Self {
        Self { first: Some(code.digest()), ..Self::default() }
    }

    fn begin(&self, person: Option<PersonId>, now: Instant) -> Result<Secret, getrandom::Error> {
        let (id, second_factor) = (Secret::random()?, SecondFactor::random()?);
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.retain(|_, it| now.duration_since(it.began) < LIVES);
        if open.len() >= MOST
            && let Some(oldest) = open.iter().min_by_key(|(_, it)| it.began).map(|(digest, _)| *digest)
        {
            open.remove(&oldest);
        }
        open.insert(id.digest(), Enrolment { person, second_factor, began: now });
        Ok(id)
    }

    fn find(&self, id: &str, now: Instant) -> Option<Enrolment> {
        let open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.get(&Digest::of(id)).filter(|it| now.duration_since(it.began) < LIVES).cloned()
    }

    fn end(&self, id: &str) {
        self.open.lock().unwrap_or_else(PoisonError::into_inner).remove(&Digest::of(id));
    }
}

/// Keeps the code where the box's console finds it, for the gateway's account only; or takes an old one away.
pub(super) fn show(state_directory: &Path, code: Option<&Code>) -> anyhow::Result<()> {
    let path = state_directory.join("gateway/first-start-code");
    match code {
        None => match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(error).with_context(|| path.display().to_string())
            }
            _ => Ok(()),
        },
        Some(code) => {
            let file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&path);
            let written = file.and_then(|mut file| file.write_all(code.shown().as_bytes()));
            written.with_context(|| path.display().to_string())
        }
    }
}

#[derive(Deserialize)]
struct Typed {
    code: String,
}

async fn ask_code(visitor: Visitor) -> HttpResponse {
    code_form(&visitor, false)
}

fn code_form(visitor: &Visitor, wrong: bool) -> HttpResponse {
    let status = if wrong { StatusCode::UNAUTHORIZED } else { StatusCode::OK };
    visitor.page(&Page::titled("first-title").with_status(status), |view| {
        let say = |key: &str| view.say(key, &[]);
        html! {
            @if wrong { p.notice.bad role="alert" { (say("first-wrong")) } }
            p { (say(if visitor.site().awaits_first_administrator() { "first-nobody" } else { "first-invited" })) }
            form.sheet method="post" action="/first-start" {
                (visitor.csrf_field())
                (field("code", &say("first-code"), Some(&say("first-code-hint")), html! {
                    input.code id="code" name="code" required autocomplete="off" autocapitalize="characters" maxlength="40" aria-describedby="code-hint";
                }))
                button { (say("first-button")) }
            }
        }
    })
}

async fn take_code(
    visitor: Visitor,
    request: HttpRequest,
    typed: Form<Typed>,
) -> Result<HttpResponse, Refusal> {
    let site = visitor.data();
    let now = Instant::now();
    let tried = site
        .throttle
        .begin(NAME_OF_CODES, origin(&request), now)
        .map_err(|wait| Refusal::too_many(&visitor, wait))?;
    let register = site.people.read().map_err(|error| Refusal::broken(&visitor, &error))?;
    let code = Code::typed(&typed.code);
    let invited = code.as_ref().and_then(|code| register.with_code(code, Timestamp::now())).map(|it| it.id);
    let is_first = !register.has_administrator()
        && code.as_ref().is_some_and(|code| site.enrolments.first == Some(code.digest()));
    if invited.is_none() && !is_first {
        return Ok(code_form(&visitor, true));
    }
    site.throttle.was_right(&tried);
    let id = site.enrolments.begin(invited, now).map_err(|error| Refusal::broken(&visitor, &error))?;
    Ok(HttpResponse::SeeOther()
        .insert_header((header::LOCATION, "/first-start/account"))
        .cookie(login::cookie(&site, site.enrolment_cookie(), id.reveal()))
        .finish())
}

#[derive(Deserialize, Default)]
struct Account {
    #[serde(default)]
    name: String,
    password: String,
    again: String,
    code: String,
}

/// The enrolment that the request's cookie names, with the cookie's value.
fn enrolment(site: &Site, request: &HttpRequest) -> Option<(String, Enrolment)> {
    let cookie = request.cookie(site.enrolment_cookie())?;
    let found = site.enrolments.find(cookie.value(), Instant::now())?;
    Some((cookie.value().to_owned(), found))
}

fn begin_anew() -> HttpResponse {
    HttpResponse::SeeOther().insert_header((header::LOCATION, "/first-start")).finish()
}

async fn ask_account(visitor: Visitor, request: HttpRequest) -> Result<HttpResponse, Refusal> {
    match enrolment(visitor.site(), &request) {
        Some((_, enrolment)) => account_form(&visitor, &enrolment, "", None),
        None => Ok(begin_anew()),
    }
}

/// What is wrong with what was typed.
enum Wrong {
    Name(Refused),
    Password(BadPassword),
    /// The two are not the same.
    Again,
    Code,
}

impl Wrong {
    /// The field and what to say.
    fn said(&self) -> (&'static str, &'static str) {
        match self {
            Self::Name(refused) => ("name", refused.text_key()),
            Self::Password(bad) => ("password", bad.text_key()),
            Self::Again => ("again", "first-not-the-same"),
            Self::Code => ("code", "first-code-wrong"),
        }
    }
}

fn account_form(
    visitor: &Visitor,
    enrolment: &Enrolment,
    typed: &str,
    wrong: Option<&Wrong>,
) -> Result<HttpResponse, Refusal> {
    let register = visitor.site().people.read().map_err(|error| Refusal::broken(visitor, &error))?;
    let invited = enrolment.person.and_then(|id| register.person(id)).map(|it| it.name.clone());
    let name = invited.clone().unwrap_or_else(|| typed.to_owned());
    // An authenticator shows this name; the first administrator's is not known yet.
    let shown = if name.is_empty() { "administrator" } else { &name };
    let issuer = format!("Madoguchi {}", visitor.site().terminal());
    let picture = enrolment.second_factor.picture(shown, &issuer).unwrap_or_default();
    let status = if wrong.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    let (bad, why) = wrong.map_or(("", ""), Wrong::said);
    Ok(visitor.page(&Page::titled("account-new").with_status(status), |view| {
        let say = |key: &str| view.say(key, &[]);
        let invalid = |id: &str| (id == bad).then_some("true");
        html! {
            @if wrong.is_some() { p.notice.bad role="alert" { (say(why)) } }
            form.sheet method="post" action="/first-start/account" {
                (visitor.csrf_field())
                @match &invited {
                    Some(name) => p { (say("login-name")) ": " strong { (name) } },
                    None => (field("name", &say("login-name"), Some(&say("first-name-hint")), html! {
                        input id="name" name="name" value=(typed) required autocomplete="username" maxlength="40" aria-invalid=[invalid("name")] aria-describedby="name-hint";
                    })),
                }
                (field("password", &say("account-password"), Some(&say("account-password-hint")), html! {
                    input id="password" name="password" type="password" required minlength="13" maxlength="200" autocomplete="new-password" aria-invalid=[invalid("password")] aria-describedby="password-hint";
                }))
                (field("again", &say("account-again"), None, html! {
                    input id="again" name="again" type="password" required maxlength="200" autocomplete="new-password" aria-invalid=[invalid("again")];
                }))
                h2 { (say("account-factor")) }
                p { (say("account-factor-hint")) }
                div.qr role="img" aria-label=(say("account-qr")) { (PreEscaped(picture)) }
                p { (say("account-secret")) br; span.secret id="secret" { (enrolment.second_factor.written()) } }
                (field("code", &say("login-code"), Some(&say("account-code-hint")), html! {
                    input.code id="code" name="code" required inputmode="numeric" autocomplete="one-time-code" maxlength="7" aria-invalid=[invalid("code")] aria-describedby="code-hint";
                }))
                button { (say("account-button")) }
            }
        }
    }))
}

async fn take_account(
    visitor: Visitor,
    request: HttpRequest,
    account: Form<Account>,
) -> Result<HttpResponse, Refusal> {
    let site = visitor.data();
    let Some((cookie, enrolment)) = enrolment(&site, &request) else { return Ok(begin_anew()) };
    let Account { name, password, again, code } = account.into_inner();
    let register = site.people.read().map_err(|error| Refusal::broken(&visitor, &error))?;
    let who = match enrolment.person {
        Some(id) => register.person(id).map(|it| it.name.clone()).unwrap_or_default(),
        None => name.trim().to_owned(),
    };
    let wrong = |wrong| account_form(&visitor, &enrolment, &name, Some(&wrong));
    if password != again {
        return wrong(Wrong::Again);
    }
    let password = Password::typed(password);
    if let Err(bad) = password.check(&who) {
        return wrong(Wrong::Password(bad));
    }
    let seconds = u64::try_from(Timestamp::now().as_second()).unwrap_or_default();
    let Some(last_step) = enrolment.second_factor.step(&code, seconds, 0) else { return wrong(Wrong::Code) };
    let kept = web::block(move || password.kept()).await;
    let kept = match kept.map_err(|error| Refusal::broken(&visitor, &error))? {
        Ok(kept) => kept,
        Err(bad) => return wrong(Wrong::Password(bad)),
    };
    let credentials = Credentials {
        password: kept,
        second_factor: enrolment.second_factor.clone(),
        last_step,
        keys: Vec::new(),
    };
    let known =
        keep(&site, enrolment.person, &who, credentials).map_err(|e| Refusal::broken(&visitor, &e))?;
    match known {
        Ok(known) => {
            site.enrolments.end(&cookie);
            site.record(None, Author::Person(known.id), PersonAct::SetUp(known.id));
            login::begin_session(&visitor, &request, &known, THEN)
        }
        Err(refused) => wrong(Wrong::Name(refused)),
    }
}

/// Keeps what was chosen. Where two make the first administrator at once, the second is refused.
fn keep(
    site: &Site,
    person: Option<PersonId>,
    name: &str,
    credentials: Credentials,
) -> Result<Result<Known, Refused>, crate::people::StoreError> {
    site.people.change(|register| {
        let id = match person {
            // The code was for somebody who has not used it yet.
            Some(id) => register.person(id).filter(|it| it.code.is_some()).ok_or(Refused::Unknown)?.id,
            None if register.has_administrator() => return Err(Refused::Unknown),
            None => {
                let unused = Code::random().map_err(|_| Refused::Unknown)?;
                register.add(name, Role::Administrator, &unused, Timestamp::now())?
            }
        };
        register.enrol(id, credentials)?;
        let person = register.person(id).ok_or(Refused::Unknown)?;
        Ok(Known { id, role: person.role, generation: person.generation })
    })
}
