//! The frame around every page: header, navigation, language, the call centre (R-09), footer.

use super::{access::Right, assets, view::View, visitor::Visitor};
use actix_web::{HttpResponse, HttpResponseBuilder, cookie::Cookie, http::StatusCode};
use madoguchi_protocol::texts::Language;
use maud::{DOCTYPE, Markup, html};

/// A page that the navigation leads to.
struct Place {
    path: &'static str,
    /// Its name in the catalogue of texts.
    name: &'static str,
    /// Who finds it there; everybody where there is none.
    right: Option<Right>,
}

const fn place(path: &'static str, name: &'static str, right: Right) -> Place {
    Place { path, name, right: Some(right) }
}

/// The navigation, in its order. A new page that people go to is a line here.
const PLACES: &[Place] = &[
    place("/", "lanes-title", Right::Watch),
    place("/repairs", "repairs-title", Right::Watch),
    place("/queue", "queue-title", Right::Watch),
    place("/line", "line-title", Right::Watch),
    place("/certificates", "certificates-title", Right::Watch),
    place("/charts", "charts-title", Right::Watch),
    place("/counts", "counts-title", Right::ReadCounts),
    place("/log", "log-title", Right::ReadAudit),
    place("/messages", "messages-title", Right::ReadMessages),
    place("/parts", "parts-title", Right::Watch),
    place("/configuration", "configuration-title", Right::Configure),
    place("/people", "people-title", Right::ManagePeople),
    place("/support", "support-title", Right::TakeBundle),
    Place { path: "/status", name: "status-title", right: None },
];

/// What a page says of itself to its frame.
pub(super) struct Page {
    /// The catalogue's key of its heading.
    title: String,
    /// What the heading's text is about.
    about: Option<(&'static str, String)>,
    /// Loaded again after so many seconds where there is no script.
    refresh: Option<u16>,
    status: StatusCode,
}

impl Page {
    /// A page with this heading, by its key.
    pub(super) fn titled(key: &str) -> Self {
        Self { title: key.into(), about: None, refresh: None, status: StatusCode::OK }
    }

    /// The heading's text has this argument.
    pub(super) fn about(self, name: &'static str, value: &str) -> Self {
        Self { about: Some((name, value.into())), ..self }
    }

    /// What it is about can't be had now.
    pub(super) fn unavailable(self) -> Self {
        Self { status: StatusCode::SERVICE_UNAVAILABLE, ..self }
    }

    /// There is no such thing.
    pub(super) fn not_found(self) -> Self {
        Self { status: StatusCode::NOT_FOUND, ..self }
    }

    fn heading(&self, view: &View<'_>) -> String {
        let about: Vec<_> = self.about.iter().map(|(name, value)| (*name, value.as_str())).collect();
        view.say(&self.title, &about)
    }

    /// With another status than 200.
    pub(super) fn with_status(self, status: StatusCode) -> Self {
        Self { status, ..self }
    }

    /// Loaded again every `seconds` where there is no script; with one, the page's own live parts do it.
    pub(super) fn refreshed_every(self, seconds: u16) -> Self {
        Self { refresh: Some(seconds), ..self }
    }
}

/// `body` in its frame, as an answer to `visitor`.
pub(super) fn framed(visitor: &Visitor, page: &Page, body: impl FnOnce(&View<'_>) -> Markup) -> HttpResponse {
    let markup = markup(visitor, page, body);
    let mut answer = HttpResponseBuilder::new(page.status);
    if visitor.chose_language() {
        answer.cookie(language_cookie(visitor.language()));
    }
    answer.content_type("text/html; charset=utf-8").body(markup.into_string())
}

/// The page's text.
pub(super) fn markup(visitor: &Visitor, page: &Page, body: impl FnOnce(&View<'_>) -> Markup) -> Markup {
    visitor.view(|view| {
        let body = body(view);
        document(view, visitor, page, &body)
    })
}

/// Remembers the language for a year. It is no secret and identifies nobody.
fn language_cookie(language: Language) -> Cookie<'static> {
    Cookie::build("lang", language.tag())
        .path("/")
        .max_age(actix_web::cookie::time::Duration::days(365))
        .same_site(actix_web::cookie::SameSite::Strict)
        .http_only(true)
        .finish()
}

fn document(view: &View<'_>, visitor: &Visitor, page: &Page, body: &Markup) -> Markup {
    let say = |key: &str| view.say(key, &[]);
    html! {
        (DOCTYPE)
        html lang=(view.language.tag()) {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                // Neither styles of its own nor code from texts: the content security policy allows neither.
                meta name="htmx-config" content=r#"{"includeIndicatorStyles":false,"allowEval":false,"selfRequestsOnly":true,"historyCacheSize":0}"#;
                @if let Some(seconds) = page.refresh {
                    noscript { meta http-equiv="refresh" content=(seconds); }
                }
                title { (page.heading(view)) " – " (say("page-title")) }
                link rel="stylesheet" href=(assets::STYLE.href());
                script src=(assets::HTMX.href()) defer {}
                script src=(assets::SSE.href()) defer {}
                script src=(assets::LIVE.href()) defer {}
            }
            body {
                a.skip href="#main" { (say("frame-skip")) }
                header.top {
                    span.name { (say("page-title")) }
                    (language(view, visitor))
                    (who(view, visitor))
                }
                (places(view, visitor))
                main id="main" tabindex="-1" {
                    h1 { (page.heading(view)) }
                    (body)
                }
                footer.bottom { (view.call_centre()) }
            }
        }
    }
}

/// Who is logged in, with the way out; or the way in.
fn who(view: &View<'_>, visitor: &Visitor) -> Markup {
    let say = |key: &str| view.say(key, &[]);
    html! {
        @match visitor.known() {
            Some((name, role)) => {
                a href="/account" { (name) " (" (say(&format!("role-{}", role.name()))) ")" }
                form method="post" action="/logout" {
                    (visitor.csrf_field())
                    button.second { (say("logout-button")) }
                }
            }
            None => a href="/login" { (say("login-title")) },
        }
    }
}

/// The pages that this visitor may see.
fn places(view: &View<'_>, visitor: &Visitor) -> Markup {
    let may = |place: &&Place| match (place.right, visitor.known()) {
        (None, _) => true,
        (Some(right), Some((_, role))) => role.may(right),
        (Some(_), None) => false,
    };
    html! {
        nav.places aria-label=(view.say("frame-places", &[])) {
            ul { @for place in PLACES.iter().filter(may) {
                @let current = (place.path == visitor.path()).then_some("page");
                li { a href=(place.path) aria-current=[current] { (view.say(place.name, &[])) } }
            } }
        }
    }
}

/// The same page in the other language.
fn language(view: &View<'_>, visitor: &Visitor) -> Markup {
    let other = if view.language == Language::Ja { Language::En } else { Language::Ja };
    html! {
        a href=(visitor.in_language(other)) lang=(other.tag()) hreflang=(other.tag()) {
            (view.say("page-other-language", &[]))
        }
    }
}
