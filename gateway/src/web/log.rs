//! The audit log: what happened, the newest first, by day, lane, visit; and whether its chain is whole.

use super::{
    Site,
    access::{Person, Refusal, Right},
    frame::Page,
    view::View,
    words::{act_key, author, end_key, lane_name, person_act, step_key},
};
use crate::people::Register;
use actix_web::{
    HttpResponse,
    http::{StatusCode, header},
    web::{self, Data, Query, ServiceConfig},
};
use jiff::civil::Date;
use madoguchi_protocol::{
    LaneId, PersonId, VisitId,
    messages::audit_log::{
        AskChain, Author, ChainKnown, Entry, LogFilter, LogPage, Logged, LoggedLine, ReadLog,
    },
};
use madoguchi_reception::in_japan;
use maud::{Markup, html};
use serde::Deserialize;

/// Lines on one page.
const LINES: u16 = 50;

pub(super) fn routes(config: &mut ServiceConfig) {
    config.route("/log", web::get().to(page)).route("/log/chain", web::post().to(check_chain));
}

/// `?day=2025-09-19&lane=3&visit=…&by=…&before=4711`, each left out or empty.
#[derive(Deserialize, Default)]
#[serde(default)]
struct Wanted {
    day: String,
    lane: String,
    visit: String,
    by: String,
    before: String,
}

impl Wanted {
    /// The filter, or the name of the field that can't be read.
    fn filter(&self) -> Result<(LogFilter, Option<u64>), &'static str> {
        let day: Option<Date> = given(&self.day, "day")?;
        let lane: Option<LaneId> = given(&self.lane, "lane")?;
        let visit: Option<VisitId> = given(&self.visit, "visit")?;
        let by: Option<PersonId> = given(&self.by, "by")?;
        Ok((LogFilter { from: day, to: day, lane, visit, by }, given(&self.before, "before")?))
    }
}

fn given<T: std::str::FromStr>(text: &str, field: &'static str) -> Result<Option<T>, &'static str> {
    match text.trim() {
        "" => Ok(None),
        text => text.parse().map(Some).map_err(|_| field),
    }
}

async fn page(person: Person, site: Data<Site>, wanted: Query<Wanted>) -> Result<HttpResponse, Refusal> {
    person.may(Right::ReadAudit)?;
    let wanted = wanted.into_inner();
    // The log has ids; whoever reads it here sees the names as they are now.
    let register = site.people.read().map_err(|error| Refusal::broken(person.visitor(), &error))?;
    let (filter, before) = match wanted.filter() {
        Ok(filter) => filter,
        Err(field) => {
            return Ok(
                person.page(&Page::titled("log-title"), |view| form(view, &register, &wanted, Some(field)))
            );
        }
    };
    let bus = site.desk.borrow().clone();
    let (found, chain) = match bus {
        None => (None, None),
        Some(bus) => {
            let lines = bus.ask(None, None, ReadLog { filter, before, limit: LINES });
            let chain = bus.ask(None, None, AskChain { anew: false });
            let (lines, chain) = tokio::join!(lines, chain);
            (lines.ok(), chain.ok())
        }
    };
    Ok(person.page(&Page::titled("log-title"), |view| {
        html! {
            p { (view.say("log-lead", &[])) }
            @if let Some(chain) = chain {
                (chain_known(view, chain))
                @if !chain.reading {
                    form.no-print method="post" action="/log/chain" {
                        (person.csrf_field())
                        button.second { (view.say("log-chain-check", &[])) }
                    }
                }
            }
            (form(view, &register, &wanted, None))
            @match &found {
                None => p.notice.bad { "✖ " (view.say("log-no-answer", &[])) },
                Some(found) => (lines(view, &register, found, &wanted)),
            }
        }
    }))
}

/// Has the whole log read from its beginning; what is found is told when it is.
async fn check_chain(person: Person, site: Data<Site>) -> Result<HttpResponse, Refusal> {
    person.may(Right::ReadAudit)?;
    let unanswered = || Refusal::page(person.visitor(), StatusCode::SERVICE_UNAVAILABLE, "log-no-answer");
    let bus = site.desk.borrow().clone().ok_or_else(unanswered)?;
    bus.ask(None, None, AskChain { anew: true }).await.map_err(|_| unanswered())?;
    Ok(HttpResponse::SeeOther().insert_header((header::LOCATION, "/log")).finish())
}

fn chain_known(view: &View<'_>, chain: ChainKnown) -> Markup {
    html! {
        @match chain.found {
            None => p { (view.say("log-chain-unread", &[])) },
            Some(found) => { @let at = in_japan(found.at).strftime("%Y-%m-%d %H:%M").to_string();
                @match found.whole {
                    Some((first, last)) => p.notice.good { "✓ " (view.say("log-chain-whole", &[
                        ("at", &at), ("first", &first.to_string()), ("last", &last.to_string()),
                    ])) },
                    None => p.notice.bad { "✖ " (view.say("log-chain-broken", &[("at", &at)])) },
                }
            },
        }
        @if chain.reading { p { (view.say("log-chain-reading", &[])) } }
    }
}

fn form(view: &View<'_>, register: &Register, wanted: &Wanted, wrong: Option<&str>) -> Markup {
    let people = register.people.iter().map(|it| (it.id, &it.name));
    let by = people.chain(register.tokens.iter().map(|it| (it.id, &it.name)));
    let field = |name: &str, kind: &str, key: &str, value: &str| {
        let is_wrong = wrong == Some(name);
        html! {
            div.field {
                label for={ "log-" (name) } { (view.say(key, &[])) }
                input id={ "log-" (name) } name=(name) type=(kind) value=(value)
                    aria-invalid=[is_wrong.then_some("true")];
                @if is_wrong { span.wrong { (view.say("log-wrong-field", &[])) } }
            }
        }
    };
    html! {
        form.sheet.no-print method="get" action="/log" {
            (field("day", "date", "log-day", &wanted.day))
            (field("lane", "text", "log-lane", &wanted.lane))
            (field("visit", "text", "log-visit", &wanted.visit))
            div.field {
                label for="log-by" { (view.say("log-by", &[])) }
                select id="log-by" name="by" aria-invalid=[(wrong == Some("by")).then_some("true")] {
                    option value="" { (view.say("log-by-anybody", &[])) }
                    @for (id, name) in by {
                        @let id = id.to_string();
                        option value=(id) selected[id == wanted.by] { (name) }
                    }
                }
            }
            button { (view.say("log-show", &[])) }
        }
    }
}

fn lines(view: &View<'_>, register: &Register, found: &LogPage, wanted: &Wanted) -> Markup {
    html! {
        @if found.lines.is_empty() { p { (view.say("log-nothing", &[])) } } @else {
            div.wide tabindex="0" { table {
                thead { tr { @for key in ["log-number", "log-at", "log-where", "log-what"] {
                    th scope="col" { (view.say(key, &[])) }
                } } }
                tbody { @for line in &found.lines { (row(view, register, line)) } }
            } }
        }
        @if let Some(older) = found.older {
            @let Wanted { day, lane, visit, by, .. } = wanted;
            @let query = format!("day={day}&lane={lane}&visit={visit}&by={by}&before={older}");
            p.no-print { a.button.second href={ "/log?" (query) } { (view.say("log-older", &[])) } }
        }
    }
}

fn row(view: &View<'_>, register: &Register, line: &LoggedLine) -> Markup {
    html! {
        tr {
            td { (line.n) }
            td { (in_japan(line.at).strftime("%Y-%m-%d %H:%M:%S").to_string()) }
            td {
                @if let Some(lane) = line.lane { (lane_name(view, lane)) }
                @if let Some(visit) = line.visit {
                    " " a href={ "/log?visit=" (visit) } title=(visit) { (view.say("log-this-visit", &[])) }
                }
            }
            td { (what(view, register, &line.what)) }
        }
    }
}

/// An entry in words, with its own names where it has codes.
fn what(view: &View<'_>, register: &Register, what: &Logged) -> String {
    let with = |key: &str, name: &str, value: &str| view.say(key, &[(name, value)]);
    match what {
        Logged::TornLineDropped(bytes) => with("logged-torn", "bytes", &bytes.to_string()),
        Logged::BrokenLineFound(line) => with("logged-broken", "line", &line.to_string()),
        Logged::Removed(through) => with("logged-removed", "through", &through.to_string()),
        Logged::Entry(entry) => match entry {
            Entry::VisitStarted => view.say("logged-visit-started", &[]),
            Entry::PracticeStarted => view.say("logged-practice-started", &[]),
            Entry::Step(step) => with("logged-step", "step", &view.say(step_key(*step), &[])),
            Entry::MediumRead(medium, _) => {
                let medium = view.say(&format!("medium-{}", medium.name().replace('_', "-")), &[]);
                with("logged-medium-read", "medium", &medium)
            }
            Entry::PinRefused => view.say("logged-pin-refused", &[]),
            Entry::Authenticated(verdict) => with("logged-authenticated", "verdict", verdict.name()),
            Entry::ConfirmationAccepted => view.say("logged-accepted", &[]),
            Entry::ConfirmationSettled(verdict, ..) => with("logged-settled", "verdict", verdict.name()),
            Entry::PracticeSettled => view.say("logged-practice-settled", &[]),
            Entry::ResultWritten => view.say("logged-result-written", &[]),
            Entry::VisitEnded(end) => with("logged-visit-ended", "end", &view.say(end_key(*end), &[])),
            Entry::FaultRaised(fault) => {
                with("logged-fault-raised", "fault", &view.say(&format!("fault-{}-staff", fault.name()), &[]))
            }
            Entry::FaultCleared(fault) => with(
                "logged-fault-cleared",
                "fault",
                &view.say(&format!("fault-{}-staff", fault.name()), &[]),
            ),
            Entry::StaffActed(act, by) => {
                let act = view.say(act_key(*act), &[]);
                match by {
                    Some(by) => {
                        let by = author(view, register, Author::Person(*by));
                        view.say("logged-person-did", &[("by", &by), ("act", &act)])
                    }
                    None => with("logged-staff-acted", "act", &act),
                }
            }
            Entry::PersonDid(by, act) => {
                let (by, act) = (author(view, register, *by), person_act(view, register, *act));
                view.say("logged-person-did", &[("by", &by), ("act", &act)])
            }
            Entry::ConfigurationRolledBack(number) => {
                with("logged-configuration-rolled-back", "number", &number.to_string())
            }
            Entry::GatewayStarted => view.say("logged-gateway-started", &[]),
            Entry::GatewayStopped => view.say("logged-gateway-stopped", &[]),
        },
    }
}
