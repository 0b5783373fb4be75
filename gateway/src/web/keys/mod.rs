//! Security keys and passkeys in place of the authenticator's code: [`adding`] and removing them on a person's account,
//! [`entering`] with one after the password. Both wait for the browser's answer in [`waiting`].
//!
//! The authenticator stays beside them: it is the way in where no key can be used, at an address without a name or
//! without scripts.

mod adding;
mod entering;
mod waiting;

pub(super) use adding::section;
pub(super) use entering::button;
pub(super) use waiting::Waiting;

use super::{assets, guard, view::View, visitor::Visitor};
use actix_web::web::{self, ServiceConfig};
use madoguchi::security_key::Place;
use maud::{Markup, html};
use serde::Deserialize;

pub(super) fn routes(config: &mut ServiceConfig) {
    config
        .route("/account/keys", web::get().to(adding::ask))
        .route("/account/keys", web::post().to(adding::begin))
        .route("/account/keys/answer", web::post().to(adding::finish))
        .route("/account/keys/remove", web::post().to(adding::remove))
        .route("/login/key", web::get().to(entering::ask))
        .route("/login/key", web::post().to(entering::begin))
        .route("/login/key/answer", web::post().to(entering::finish));
}

/// What the browser says for a key.
#[derive(Deserialize)]
struct Answered {
    answer: String,
}

/// Where keys are asked for: the name under which the page is looked at, which the guard knows for one of the
/// configuration's. An address has none, and browsers offer no key there.
fn place(visitor: &Visitor) -> Option<Place> {
    let host = visitor.host();
    let name = guard::named(host)?;
    // Under a name browsers offer keys over TLS only, whoever speaks it: the page, or a program before it.
    let (scheme, usual_port) =
        if name == "localhost" && !visitor.site().secure() { ("http", ":80") } else { ("https", ":443") };
    let host = host.strip_suffix(usual_port).unwrap_or(host);
    Some(Place { name: name.to_owned(), origin: format!("{scheme}://{host}") })
}

/// Why no key can be used where the page is looked at now, and what to do.
fn no_place(visitor: &Visitor, view: &View<'_>) -> String {
    match visitor.site().name() {
        Some(name) => view.say("keys-by-name", &[("name", &name)]),
        None => view.say("keys-no-name", &[]),
    }
}

/// What does its work in the browser, and what is said where that can't.
fn script(view: &View<'_>) -> Markup {
    html! {
        script src=(assets::KEY.href()) defer {}
        p.soft data-without-key { (view.say("keys-browser", &[])) }
    }
}

/// Waits for the key: what the browser is `told` is asked for as soon as the page is there, and again by the button.
fn wait(visitor: &Visitor, view: &View<'_>, adds: bool, told: &str) -> Markup {
    let say = |key: &str| view.say(key, &[]);
    let act = if adds { "/account/keys/answer" } else { "/login/key/answer" };
    html! {
        p { (say("keys-touch")) }
        p id="key-said" role="status" data-waits=(say("keys-waits")) data-failed=(say("keys-failed"))
            data-known=(say("keys-taken")) {}
        form.sheet id="key" method="post" action=(act) data-told=(told) data-adds[adds] {
            (visitor.csrf_field())
            input type="hidden" name="answer" value="";
            div data-with-key hidden { button { (say("keys-ask")) } }
        }
        (script(view))
        p { a href=(if adds { "/account" } else { "/login" }) { (say("keys-back")) } }
    }
}
