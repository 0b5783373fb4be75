//! Somebody at a page, logged in or not: which page, and in which language.

use super::{access, frame, site::Site, throttle::Origin, view::View};
use crate::people::{Role, Secret};
use actix_web::{FromRequest, HttpRequest, HttpResponse, dev::Payload, http::header, web::Data};
use madoguchi_protocol::texts::Language;
use maud::{Markup, html};
use serde::Deserialize;
use std::future::{Ready, ready};

/// Somebody at a page.
#[derive(Clone)]
pub(super) struct Visitor {
    site: Data<Site>,
    language: Language,
    /// Whether the address itself named the language.
    chose_language: bool,
    path: String,
    /// Under which name, with the port, the browser asks.
    host: String,
    /// What else the address says, as far as it is plain.
    query: String,
    /// Who it is, where somebody is logged in.
    known: Option<Known>,
}

/// What the frame shows of a person, and the secret of their session's forms.
#[derive(Clone)]
struct Known {
    name: String,
    role: Role,
    csrf: Secret,
}

/// `?lang=en`
#[derive(Deserialize)]
struct Chosen {
    lang: Option<Language>,
}

impl Visitor {
    /// Whoever asks; nobody is known yet.
    pub(super) fn of(request: &HttpRequest, site: Data<Site>) -> Self {
        let asked = actix_web::web::Query::<Chosen>::from_query(request.query_string());
        let asked = asked.ok().and_then(|chosen| chosen.lang);
        let remembered = || {
            let cookie = request.cookie("lang")?;
            Language::ALL.into_iter().find(|it| cookie.value() == it.tag())
        };
        let language = asked.or_else(remembered).unwrap_or_else(|| site.language());
        let path = request.path().to_owned();
        let host = request.headers().get(header::HOST).and_then(|it| it.to_str().ok());
        let host = host.unwrap_or_default().to_ascii_lowercase();
        // Only what is plain: nothing that somebody else put into the address stands on the page.
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"=._-".contains(&byte);
        let others = request
            .query_string()
            .split('&')
            .filter(|it| !it.is_empty() && it.bytes().all(is_plain) && !it.starts_with("lang="));
        let query = others.collect::<Vec<_>>().join("&");
        Self { site, language, chose_language: asked.is_some(), path, host, query, known: None }
    }

    /// The same, known by a session.
    pub(super) fn known_as(self, name: &str, role: Role, csrf: &Secret) -> Self {
        Self { known: Some(Known { name: name.to_owned(), role, csrf: csrf.clone() }), ..self }
    }

    pub(super) fn language(&self) -> Language {
        self.language
    }

    pub(super) fn chose_language(&self) -> bool {
        self.chose_language
    }

    /// Under which name, with the port, the browser asks; in small letters.
    pub(super) fn host(&self) -> &str {
        &self.host
    }

    /// The page's path, without its query.
    pub(super) fn path(&self) -> &str {
        &self.path
    }

    /// The same page in this language.
    pub(super) fn in_language(&self, language: Language) -> String {
        let between = if self.query.is_empty() { "" } else { "&" };
        format!("{}?{}{between}lang={}", self.path, self.query, language.tag())
    }

    pub(super) fn site(&self) -> &Site {
        &self.site
    }

    /// The site, for what goes on while the answer is made.
    pub(super) fn data(&self) -> Data<Site> {
        self.site.clone()
    }

    /// The name and role of whoever is logged in.
    pub(super) fn known(&self) -> Option<(&str, Role)> {
        self.known.as_ref().map(|known| (known.name.as_str(), known.role))
    }

    /// The hidden field of the session's forms; nothing where nobody is logged in.
    pub(super) fn csrf_field(&self) -> Markup {
        self.known.as_ref().map_or_else(|| html! {}, |known| access::csrf_field(known.csrf.reveal()))
    }

    /// What the gateway knows at this moment.
    pub(super) fn view<T>(&self, read: impl FnOnce(&View<'_>) -> T) -> T {
        self.site.view(self.language, read)
    }

    /// `body` in its frame.
    pub(super) fn page(&self, page: &frame::Page, body: impl FnOnce(&View<'_>) -> Markup) -> HttpResponse {
        frame::framed(self, page, body)
    }
}

/// Somebody who need not be logged in. Whoever is, is known to the frame all the same.
impl FromRequest for Visitor {
    type Error = actix_web::Error;
    type Future = Ready<Result<Self, Self::Error>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(match request.app_data::<Data<Site>>() {
            Some(site) => Ok(access::Person::of(request, site)
                .map_or_else(|| Self::of(request, site.clone()), |person| person.visitor().clone())),
            None => Err(actix_web::error::ErrorInternalServerError("the site is not wired")),
        })
    }
}

/// Where a request comes from: the other end of the connection.
pub(super) fn origin(request: &HttpRequest) -> Origin {
    Origin::of(request.peer_addr().map(|address| address.ip()))
}
