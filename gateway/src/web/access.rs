//! Who asks, and whether they may: [`Person`] by the cookie of a session, [`Caller`] by a program's token.
//!
//! A handler takes one of the two and begins with `person.may(Right::…)?` or `caller.may(Right::…)?`. Whoever is not
//! logged in is led to the log-in, whoever may not is told so.

pub(super) use super::refusal::Refusal;
pub(super) use crate::people::Right;

use super::{frame::Page, refusal::is_live, sessions::Session, site::Site, view::View, visitor::Visitor};
use crate::people::{Digest, Role};
use actix_web::{FromRequest, HttpRequest, HttpResponse, dev::Payload, http::header, web::Data};
use madoguchi_protocol::{
    LaneId, PersonId,
    messages::audit_log::{Author, PersonAct},
};
use maud::{Markup, html};
use std::{
    collections::BTreeSet,
    future::{Ready, ready},
    time::Instant,
};

/// The field that every form of a session carries.
pub(super) const CSRF: &str = "csrf";

/// Somebody who is logged in.
#[derive(Clone)]
pub(super) struct Person {
    visitor: Visitor,
    name: String,
    role: Role,
    session: Session,
    /// What the session is known by.
    session_id: Digest,
}

impl Person {
    /// Whoever is logged in, from the request's cookie.
    pub(super) fn of(request: &HttpRequest, site: &Data<Site>) -> Option<Self> {
        let cookie = request.cookie(site.session_cookie())?;
        // What the page asks for by itself is nothing that its person does.
        let by_itself = is_live(request) && request.method().is_safe();
        let acts = !by_itself && request.path() != "/events";
        let (session_id, session) = site.sessions.find(cookie.value(), acts, Instant::now())?;
        let register = site.people.read().inspect_err(|error| tracing::error!(%error, "people")).ok()?;
        let record = register.person(session.person);
        let Some(record) = record.filter(|it| it.is_enrolled() && it.generation == session.generation) else {
            site.sessions.end(session_id);
            return None;
        };
        let visitor = Visitor::of(request, site.clone()).known_as(&record.name, record.role, &session.csrf);
        Some(Self { visitor, name: record.name.clone(), role: record.role, session, session_id })
    }

    /// Refuses whoever may not, with a page that says so.
    pub(super) fn may(&self, right: Right) -> Result<(), Refusal> {
        if self.can(right) { Ok(()) } else { Err(Refusal::forbidden(&self.visitor)) }
    }

    /// Whether they may: for what to show.
    pub(super) fn can(&self, right: Right) -> bool {
        self.role.may(right)
    }

    /// The field that goes into every form.
    pub(super) fn csrf_field(&self) -> Markup {
        self.visitor.csrf_field()
    }

    /// What the audit log knows them by.
    pub(super) fn id(&self) -> PersonId {
        self.session.person
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn role(&self) -> Role {
        self.role
    }

    /// The one session of possibly several in which they are here.
    pub(super) fn session_id(&self) -> Digest {
        self.session_id
    }

    pub(super) fn visitor(&self) -> &Visitor {
        &self.visitor
    }

    /// `body` in its frame.
    pub(super) fn page(&self, page: &Page, body: impl FnOnce(&View<'_>) -> Markup) -> HttpResponse {
        self.visitor.page(page, body)
    }

    /// Records in the audit log that they did this.
    pub(super) fn did(&self, lane: Option<LaneId>, act: PersonAct) {
        self.visitor.site().record(lane, Author::Person(self.id()), act);
    }
}

impl FromRequest for Person {
    type Error = Refusal;
    type Future = Ready<Result<Self, Refusal>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let site = request.app_data::<Data<Site>>();
        ready(site.and_then(|site| Self::of(request, site)).ok_or_else(|| Refusal::log_in(request)))
    }
}

/// A hidden field with the session's token.
pub(super) fn csrf_field(token: &str) -> Markup {
    html! { input type="hidden" name=(CSRF) value=(token); }
}

/// A program with a token.
pub(super) struct Caller {
    site: Data<Site>,
    id: PersonId,
    scopes: BTreeSet<Right>,
}

impl Caller {
    /// The program whose token the request bears.
    pub(super) fn of(request: &HttpRequest, site: &Data<Site>) -> Option<Self> {
        let shown = request.headers().get(header::AUTHORIZATION)?.to_str().ok()?.strip_prefix("Bearer ")?;
        let register = site.people.read().inspect_err(|error| tracing::error!(%error, "people")).ok()?;
        let token = register.token(shown.trim())?;
        Some(Self { id: token.id, scopes: token.scopes.clone(), site: site.clone() })
    }

    /// Refuses a program whose token has not this scope.
    pub(super) fn may(&self, right: Right) -> Result<(), Refusal> {
        if self.scopes.contains(&right) { Ok(()) } else { Err(Refusal::lacks_scope(right)) }
    }

    /// What the gateway knows.
    pub(super) fn site(&self) -> &Data<Site> {
        &self.site
    }

    /// Records in the audit log that it did this.
    pub(super) fn did(&self, lane: Option<LaneId>, act: PersonAct) {
        self.site.record(lane, Author::Program(self.id), act);
    }
}

impl FromRequest for Caller {
    type Error = Refusal;
    type Future = Ready<Result<Self, Refusal>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let site = request.app_data::<Data<Site>>();
        ready(site.and_then(|site| Self::of(request, site)).ok_or_else(Refusal::no_token))
    }
}
