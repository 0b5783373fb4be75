//! What is answered in place of what was asked for: pages for people, JSON for programs.

use super::{frame::Page, visitor::Visitor};
use crate::people::Right;
use actix_web::{
    HttpRequest, HttpResponse, HttpResponseBuilder, ResponseError,
    http::{StatusCode, header},
};
use madoguchi_protocol::texts::{Language, text};
use maud::html;
use serde_json::json;
use std::{borrow::Cow, fmt, time::Duration};

/// An answer that is not the one that was asked for.
#[derive(Debug)]
pub(super) struct Refusal {
    status: StatusCode,
    headers: Vec<(&'static str, String)>,
    media_type: &'static str,
    body: Cow<'static, str>,
}

const HTML: &str = "text/html; charset=utf-8";
const JSON: &str = "application/json";
/// The header by which htmx says that it asks.
const HTMX: &str = "hx-request";

impl Refusal {
    /// Leads to the log-in, and from there back to the page that was asked for.
    pub(super) fn log_in(request: &HttpRequest) -> Self {
        let back = if request.method().is_safe() { request.path() } else { "/" };
        let place = if back == "/" { "/login".to_owned() } else { format!("/login?next={}", escaped(back)) };
        // A live part of a page can't follow to another page; it is told to have the whole page go there.
        let live = is_live(request);
        let (status, name) = if live {
            (StatusCode::UNAUTHORIZED, "hx-redirect")
        } else {
            (StatusCode::SEE_OTHER, "location")
        };
        Self { status, headers: vec![(name, place)], media_type: HTML, body: "".into() }
    }

    /// They are known, and may not.
    pub(super) fn forbidden(visitor: &Visitor) -> Self {
        Self::page(visitor, StatusCode::FORBIDDEN, "refused-forbidden")
    }

    /// A page with this status that says `key`, and leads back.
    pub(super) fn page(visitor: &Visitor, status: StatusCode, key: &str) -> Self {
        let page = Page::titled("refused-title").with_status(status);
        let body = super::frame::markup(visitor, &page, |view| {
            html! {
                p.notice.bad role="alert" { (view.say(key, &[])) }
                p { a href="/" { (view.say("refused-back", &[])) } }
            }
        });
        Self { status, headers: Vec::new(), media_type: HTML, body: body.into_string().into() }
    }

    /// The same for whoever asks: a page for people, JSON for a program.
    pub(super) fn of(visitor: &Visitor, status: StatusCode, key: &str) -> Self {
        if visitor.path().starts_with("/api/") {
            let error = key.trim_start_matches("refused-").replace('-', "_");
            return Self::json(status, &error, &text(Language::En, key, &[]));
        }
        Self::page(visitor, status, key)
    }

    /// Too many tries: how long to wait.
    pub(super) fn too_many(visitor: &Visitor, wait: Duration) -> Self {
        let mut refusal = Self::of(visitor, StatusCode::TOO_MANY_REQUESTS, "refused-too-many");
        refusal.headers.push(("retry-after", wait.as_secs().max(1).to_string()));
        refusal
    }

    /// Something of the box itself does not work.
    pub(super) fn broken(visitor: &Visitor, error: &dyn fmt::Display) -> Self {
        tracing::error!(%error, "the page can't do what was asked");
        Self::page(visitor, StatusCode::SERVICE_UNAVAILABLE, "refused-broken")
    }

    /// A program without a token that is known.
    pub(super) fn no_token() -> Self {
        let reason = "send a token as Authorization: Bearer; an administrator makes one on the page People";
        let mut refusal = Self::json(StatusCode::UNAUTHORIZED, "no_token", reason);
        refusal.headers.push(("www-authenticate", "Bearer".into()));
        refusal
    }

    /// A program whose token has not this scope.
    pub(super) fn lacks_scope(right: Right) -> Self {
        let reason = format!("the token has not the scope {}", right.name());
        Self::json(StatusCode::FORBIDDEN, "lacks_scope", &reason)
    }

    /// An error as a program reads it.
    pub(super) fn json(status: StatusCode, error: &str, reason: &str) -> Self {
        let body = json!({ "error": error, "reason": reason }).to_string();
        Self { status, headers: Vec::new(), media_type: JSON, body: body.into() }
    }
}

/// Whether a live part of a page asks, and nobody waits for a whole page.
pub(super) fn is_live(request: &HttpRequest) -> bool {
    request.headers().contains_key(HTMX)
}

/// A path as a value in a query.
fn escaped(path: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/-_.~".contains(&byte);
    path.bytes()
        .map(|byte| if plain(byte) { char::from(byte).into() } else { format!("%{byte:02X}") })
        .collect()
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "refused with {}", self.status)
    }
}

impl ResponseError for Refusal {
    fn status_code(&self) -> StatusCode {
        self.status
    }

    fn error_response(&self) -> HttpResponse {
        let mut answer = HttpResponseBuilder::new(self.status);
        for (name, value) in &self.headers {
            answer.insert_header((*name, value.as_str()));
        }
        answer.insert_header((header::CONTENT_TYPE, self.media_type)).body(self.body.clone().into_owned())
    }
}
