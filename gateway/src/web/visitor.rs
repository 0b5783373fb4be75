//! Somebody at a page, logged in or not: which page, and in which language.

use super::{Site, frame, view::View};
use actix_web::{FromRequest, HttpRequest, HttpResponse, dev::Payload, web::Data};
use madoguchi_protocol::texts::Language;
use maud::Markup;
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
}

/// `?lang=en`
#[derive(Deserialize)]
struct Chosen {
    lang: Option<Language>,
}

impl Visitor {
    pub(super) fn of(request: &HttpRequest, site: Data<Site>) -> Self {
        let asked = actix_web::web::Query::<Chosen>::from_query(request.query_string());
        let asked = asked.ok().and_then(|chosen| chosen.lang);
        let remembered = || {
            Language::ALL.into_iter().find(|it| request.cookie("lang").is_some_and(|c| c.value() == it.tag()))
        };
        let language = asked.or_else(remembered).unwrap_or_else(|| site.language());
        Self { site, language, chose_language: asked.is_some(), path: request.path().to_owned() }
    }

    pub(super) fn language(&self) -> Language {
        self.language
    }

    pub(super) fn chose_language(&self) -> bool {
        self.chose_language
    }

    /// The page's path, without its query.
    pub(super) fn path(&self) -> &str {
        &self.path
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

impl FromRequest for Visitor {
    type Error = actix_web::Error;
    type Future = Ready<Result<Self, Self::Error>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(match request.app_data::<Data<Site>>() {
            Some(site) => Ok(Self::of(request, site.clone())),
            None => Err(actix_web::error::ErrorInternalServerError("the site is not wired")),
        })
    }
}
