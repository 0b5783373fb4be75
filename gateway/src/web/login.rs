//! Logging in, with password and one-time code in one step, and out.
//!
//! Whether name, password or code was wrong is not said, nor does the answer's time tell: the same work is done for
//! somebody who does not exist.

use super::{
    access::Person,
    frame::Page,
    keys,
    refusal::Refusal,
    site::Site,
    visitor::{Visitor, origin},
};
use crate::people::Password;
use actix_web::{
    HttpRequest, HttpResponse,
    cookie::{Cookie, SameSite},
    http::{StatusCode, header},
    web::{self, Data, Form, Query, ServiceConfig},
};
use jiff::Timestamp;
use madoguchi_protocol::messages::audit_log::{Author, PersonAct};
use maud::{Markup, html};
use serde::Deserialize;
use std::time::{Duration, Instant};

/// How long somebody may wait for their turn to be looked at, while others are.
const TURN_WITHIN: Duration = Duration::from_secs(10);

pub(super) fn routes(config: &mut ServiceConfig) {
    config
        .route("/login", web::get().to(ask))
        .route("/login", web::post().to(log_in))
        .route("/logout", web::post().to(log_out));
}

#[derive(Deserialize)]
struct Next {
    next: Option<String>,
}

#[derive(Deserialize)]
struct Words {
    name: String,
    password: String,
    code: String,
    next: Option<String>,
}

/// A page of this site to go to; anything else is none.
pub(super) fn own_page(next: Option<&str>) -> &str {
    let plain = |next: &str| next.bytes().all(|it| it.is_ascii_graphic() && it != b'\\');
    next.filter(|it| it.starts_with('/') && !it.starts_with("//") && plain(it)).unwrap_or("/")
}

async fn ask(visitor: Visitor, next: Query<Next>) -> HttpResponse {
    form(&visitor, own_page(next.next.as_deref()), "", None)
}

/// The form, with what was wrong with what was sent.
pub(super) fn form(visitor: &Visitor, next: &str, name: &str, wrong: Option<&str>) -> HttpResponse {
    let status = if wrong.is_some() { StatusCode::UNAUTHORIZED } else { StatusCode::OK };
    let page = Page::titled("login-title").with_status(status);
    visitor.page(&page, |view| {
        let say = |key: &str| view.say(key, &[]);
        html! {
            @if let Some(wrong) = wrong { p.notice.bad role="alert" { (say(wrong)) } }
            @if visitor.site().awaits_first_administrator() {
                p.notice { (say("login-nobody")) " " a href="/first-start" { (say("first-title")) } }
            }
            form.sheet method="post" action="/login" {
                (visitor.csrf_field())
                input type="hidden" name="next" value=(next);
                (field("name", &say("login-name"), None, html! {
                    input id="name" name="name" value=(name) required autocomplete="username" autocapitalize="none" maxlength="40";
                }))
                (field("password", &say("login-password"), None, html! {
                    input id="password" name="password" type="password" required autocomplete="current-password" maxlength="200";
                }))
                (field("code", &say("login-code"), Some(&say("login-code-hint")), html! {
                    input.code id="code" name="code" required inputmode="numeric" autocomplete="one-time-code" maxlength="7" aria-describedby="code-hint";
                }))
                button { (say("login-button")) }
                (keys::button(visitor, view))
            }
            p.soft { (say("login-invited")) " " a href="/first-start" { (say("first-title")) } }
            p.soft { (say("login-lost")) }
        }
    })
}

/// A label, what is to be known, and the field itself.
pub(super) fn field(id: &str, label: &str, hint: Option<&str>, input: Markup) -> Markup {
    html! {
        div.field {
            label for=(id) { (label) }
            @if let Some(hint) = hint { span.hint id={ (id) "-hint" } { (hint) } }
            (input)
        }
    }
}

async fn log_in(visitor: Visitor, request: HttpRequest, words: Form<Words>) -> Result<HttpResponse, Refusal> {
    let Words { name, password, code, next } = words.into_inner();
    let site = visitor.data();
    let tried = site
        .throttle
        .begin(&name, origin(&request), Instant::now())
        .map_err(|wait| Refusal::too_many(&visitor, wait))?;
    let checked = check(&site, &name, Password::typed(password), code).await;
    tokio::time::sleep(tried.held_back).await;
    let Some(known) = checked.map_err(|error| Refusal::broken(&visitor, &error))? else {
        site.count_login(false);
        return Ok(form(&visitor, own_page(next.as_deref()), &name, Some("login-wrong")));
    };
    site.count_login(true);
    site.throttle.was_right(&tried);
    site.record(None, Author::Person(known.id), PersonAct::LoggedIn);
    begin_session(&visitor, &request, &known, own_page(next.as_deref()))
}

/// Who was let in.
pub(super) struct Known {
    pub(super) id: madoguchi_protocol::PersonId,
    pub(super) role: crate::people::Role,
    pub(super) generation: u64,
}

/// Looks at password and code on a thread where nobody waits, one person after the other: however many come, they take
/// one processor and the memory of one.
async fn check(
    site: &Data<Site>,
    name: &str,
    password: Password,
    code: String,
) -> anyhow::Result<Option<Known>> {
    let name = name.to_owned();
    in_turn(site, move |site| {
        let register = site.people.read()?;
        let found = register.logs_in(&name, &password, &code, Timestamp::now());
        let Some((person, step)) = found else {
            if let Some(person) = register.named(&name) {
                site.record(None, Author::Person(person.id), PersonAct::LogInRefused);
            }
            return Ok(None);
        };
        let known = Known { id: person.id, role: person.role, generation: person.generation };
        let unused = site.people.change(|it| Ok::<_, std::convert::Infallible>(it.used(known.id, step)))?;
        Ok(unused.is_ok_and(|unused| unused).then_some(known))
    })
    .await
}

/// Does what takes a processor for long, when it is its turn.
pub(super) async fn in_turn<T: Send + 'static>(
    site: &Data<Site>,
    look: impl FnOnce(&Site) -> anyhow::Result<T> + Send + 'static,
) -> anyhow::Result<T> {
    let turn = tokio::time::timeout(TURN_WITHIN, site.one_at_a_time.clone().acquire_owned()).await??;
    let site = site.clone();
    web::block(move || {
        let _turn = turn;
        look(&site)
    })
    .await?
}

/// A new session with a new id, whatever cookie was sent; the old one ends.
pub(super) fn begin_session(
    visitor: &Visitor,
    request: &HttpRequest,
    known: &Known,
    next: &str,
) -> Result<HttpResponse, Refusal> {
    let site = visitor.data();
    if let Some(before) = Person::of(request, &site) {
        site.sessions.end(before.session_id());
    }
    let id = site
        .sessions
        .begin(known.id, known.role, known.generation, Instant::now())
        .map_err(|error| Refusal::broken(visitor, &error))?;
    Ok(HttpResponse::SeeOther()
        .insert_header((header::LOCATION, next))
        .cookie(cookie(&site, site.session_cookie(), id.reveal()))
        .finish())
}

/// A cookie that only this site gets, over TLS wherever there is TLS, and that ends with the browser.
pub(super) fn cookie(site: &Site, name: &str, value: &str) -> Cookie<'static> {
    Cookie::build(name.to_owned(), value.to_owned())
        .path("/")
        .http_only(true)
        .same_site(SameSite::Strict)
        .secure(site.secure())
        .finish()
}

async fn log_out(person: Person) -> HttpResponse {
    let site = person.visitor().data();
    site.sessions.end(person.session_id());
    person.did(None, PersonAct::LoggedOut);
    let mut gone = cookie(&site, site.session_cookie(), "");
    gone.make_removal();
    HttpResponse::SeeOther().insert_header((header::LOCATION, "/login")).cookie(gone).finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn after_the_log_in_nobody_is_led_elsewhere() {
        for own in ["/", "/lanes/1", "/people?lang=en"] {
            assert_eq!(own_page(Some(own)), own);
        }
        for elsewhere in [
            "//elsewhere.example",
            "https://elsewhere.example",
            "/\\elsewhere.example",
            "/\r\nSet-Cookie: a=b",
            "",
            "javascript:alert(1)",
            "/ ",
            "/\u{2028}",
        ] {
            assert_eq!(own_page(Some(elsewhere)), "/", "{elsewhere:?}");
        }
        assert_eq!(own_page(None), "/");
    }
}
