//! The queue of confirmations: how many wait, since when, how long an outage it can take, and what a person has to see to;
//! what was set aside, record by record, with another try, a copy and its end. Never what is in a record.

use super::{
    access::{Person, Refusal, Right},
    acts,
    frame::Page,
    site::Site,
    view::{View, clock},
    words::lane_name,
};
use crate::queue::words::{exported, reason_name, stage_name};
use actix_web::{
    HttpResponse,
    http::header,
    web::{self, Data, Form, Path, Query, ServiceConfig},
};
use madoguchi_bus::{AskError, Bus};
use madoguchi_protocol::{
    RequestId,
    messages::{
        audit_log::PersonAct,
        offline_queue::{
            AskOutlook, DiscardReason, DiscardRecord, ExportRecord, GivenUpFirst, ListRecords, Outlook,
            QueuedRecord, RecordMended, RecordPage, RecordPart, RecordReason, RecordStage, RetryRecord,
            ShowRecord,
        },
        state::{Detail, Filling},
    },
};
use madoguchi_reception::in_japan;
use maud::{Markup, html};
use serde::Deserialize;

/// Records on the page; the console lists all.
const RECORDS: u16 = 50;

pub(super) fn routes(config: &mut ServiceConfig) {
    config
        .route("/queue", web::get().to(page))
        .route("/queue/{id}", web::get().to(look))
        .route("/queue/{id}/retry", web::post().to(retry))
        .route("/queue/{id}/discard", web::post().to(discard))
        .route("/queue/{id}/export", web::post().to(export));
}

async fn page(person: Person, site: Data<Site>, said: Query<acts::Said>) -> Result<HttpResponse, Refusal> {
    person.may(Right::Watch)?;
    let bus = site.desk.borrow().clone();
    let (aside, outlook) = match bus {
        None => (None, None),
        Some(bus) => {
            let aside = bus.ask(None, None, ListRecords { set_aside: true, after: 0, limit: RECORDS });
            let (aside, outlook) = tokio::join!(aside, bus.ask(None, None, AskOutlook {}));
            (aside.ok(), outlook.ok())
        }
    };
    // What an act came to stays until it has been read.
    let page = Page::titled("queue-title");
    let page = if said.is_something() { page } else { page.refreshed_every(10) };
    Ok(person.page(&page, |view| {
        html! {
            (said.notice(view))
            p { (view.say("queue-lead", &[])) }
            div id="live" hx-get="/queue" hx-trigger="every 5s" hx-select="#live" hx-swap="outerHTML" {
                (facts(view))
                @if let Some(outlook) = &outlook { (first_to_go(view, outlook)) }
                @match &aside {
                    None => p.notice.bad { "✖ " (view.say("queue-no-answer", &[])) },
                    Some(aside) => (set_aside(view, &person, aside)),
                }
            }
        }
    }))
}

/// What would be given up first, as the configuration wants it.
fn first_to_go(view: &View<'_>, outlook: &Outlook) -> Markup {
    let key = match outlook.when_full {
        GivenUpFirst::Nothing => "queue-when-full-nothing",
        GivenUpFirst::SetAside => "queue-when-full-set-aside",
        GivenUpFirst::Oldest => "queue-when-full-oldest",
    };
    html! {
        p { (view.say(key, &[])) }
        @if let Some(days) = outlook.give_up_after_days {
            p { (view.say("queue-given-up-after", &[("days", &days.to_string())])) }
        }
        @if let Some(first) = &outlook.first {
            p { (view.say("queue-first-to-go", &[("at", &accepted(first))])) " " (link(view, first)) }
        }
    }
}

fn set_aside(view: &View<'_>, person: &Person, aside: &RecordPage) -> Markup {
    html! {
        @if !aside.records.is_empty() {
            h2 { (view.say("queue-set-aside", &[])) }
            div.wide tabindex="0" { table {
                thead { tr { @for key in ["queue-accepted-at", "queue-lane", "queue-reason", "parts-act"] {
                    th scope="col" { (view.say(key, &[])) }
                } } }
                tbody { @for record in &aside.records { tr {
                    td { (accepted(record)) }
                    td { @if let Some(lane) = record.lane { (lane_name(view, lane)) } }
                    td { (reason(view, record)) }
                    td { div.row.no-print { (link(view, record)) (buttons(view, person, record)) } }
                } } }
            } }
            @if aside.next.is_some() { p { (view.say("queue-more", &[])) } }
        }
    }
}

fn accepted(record: &QueuedRecord) -> String {
    in_japan(record.accepted_at).strftime("%Y-%m-%d %H:%M:%S").to_string()
}

fn reason(view: &View<'_>, record: &QueuedRecord) -> String {
    record.reason.as_ref().map_or(String::new(), |(why, note)| {
        let said = view.say(&format!("queue-reason-{}", reason_name(*why)), &[]);
        match DiscardReason::ALL.into_iter().find(|it| *why == RecordReason::Discarded && it.name() == note) {
            Some(it) => format!("{said} ({})", view.say(&format!("queue-discard-{}", it.name()), &[])),
            None if note.is_empty() => said,
            None => format!("{said} ({note})"),
        }
    })
}

fn link(view: &View<'_>, record: &QueuedRecord) -> Markup {
    html! { a href={ "/queue/" (record.id) } { (view.say("queue-look", &[])) } }
}

fn may_mend(person: &Person, record: &QueuedRecord) -> bool {
    record.stage == RecordStage::SetAside && person.can(Right::MendQueue)
}

/// Another try and a copy, for whoever may.
fn buttons(view: &View<'_>, person: &Person, record: &QueuedRecord) -> Markup {
    let acts = [("retry", "queue-retry"), ("export", "queue-export")];
    html! {
        @if may_mend(person, record) { @for (act, key) in acts {
            form method="post" action={ "/queue/" (record.id) "/" (act) } {
                (person.csrf_field())
                button.second { (view.say(key, &[])) }
            }
        } }
    }
}

/// Its end, for whoever may: with a reason, and confirmed, since nothing brings it back.
fn end(view: &View<'_>, person: &Person, record: &QueuedRecord) -> Markup {
    let say = |key: &str| view.say(key, &[]);
    html! {
        @if may_mend(person, record) { details.no-print {
            summary { (say("queue-discard")) }
            p { (say("queue-discard-lead")) }
            form method="post" action={ "/queue/" (record.id) "/discard" } {
                (person.csrf_field())
                p {
                    label for="why" { (say("queue-discard-why")) } " "
                    select id="why" name="why" required {
                        option value="" { "–" }
                        @for why in DiscardReason::ALL {
                            option value=(why.name()) { (say(&format!("queue-discard-{}", why.name()))) }
                        }
                    }
                }
                p { label { input type="checkbox" name="sure" required; " " (say("queue-discard-sure")) } }
                button.second { (say("queue-discard")) }
            }
        } }
    }
}

/// One record, without what is sealed in it.
async fn look(
    person: Person,
    site: Data<Site>,
    id: Path<RequestId>,
    said: Query<acts::Said>,
) -> Result<HttpResponse, Refusal> {
    person.may(Right::Watch)?;
    let bus = site.desk.borrow().clone();
    let shown = match bus {
        Some(bus) => bus.ask(None, None, ShowRecord { id: *id }).await.ok(),
        None => None,
    };
    let page = Page::titled("queue-record-title");
    Ok(match shown {
        None => person.page(&page.unavailable(), |view| {
            html! { p.notice.bad { "✖ " (view.say("queue-no-answer", &[])) } }
        }),
        Some(shown) => match shown.record {
            None => person.page(&page.not_found(), |view| html! { p { (view.say("queue-unknown", &[])) } }),
            Some(record) => person.page(&page, |view| {
                html! { (said.notice(view)) (details(view, &record)) (buttons(view, &person, &record)) (end(view, &person, &record)) }
            }),
        },
    })
}

fn details(view: &View<'_>, record: &QueuedRecord) -> Markup {
    let row =
        |key: &str, value: String| html! { tr { th scope="row" { (view.say(key, &[])) } td { (value) } } };
    let since = in_japan(record.stage_since).strftime("%Y-%m-%d %H:%M:%S").to_string();
    html! {
        table { tbody {
            (row("queue-id", record.id.to_string()))
            (row("queue-accepted-at", accepted(record)))
            (row("queue-lane", record.lane.map_or(String::new(), |lane| lane_name(view, lane))))
            (row("queue-stage", view.say(&format!("queue-stage-{}", stage_name(record.stage)), &[])))
            (row("queue-stage-since", since))
            (row("queue-reason", reason(view, record)))
            (row("queue-bytes", record.sealed_bytes.to_string()))
        } }
    }
}

/// Puts a record back into the line.
async fn retry(person: Person, site: Data<Site>, id: Path<RequestId>) -> Result<HttpResponse, Refusal> {
    person.may(Right::MendQueue)?;
    let Some(bus) = site.desk.borrow().clone() else { return Ok(acts::to("/queue", "said-starting")) };
    Ok(acts::to(
        "/queue",
        match bus.ask(None, None, RetryRecord { id: *id }).await {
            Ok(RecordMended::Done) => {
                person.did(None, PersonAct::QueueRetried(*id));
                "said-put-back"
            }
            Ok(RecordMended::NotSetAside(_) | RecordMended::Unknown) => "said-not-set-aside",
            Err(_) => "said-no-answer",
        },
    ))
}

/// `why=no-patient&sure=on`
#[derive(Deserialize)]
struct Discarding {
    why: String,
    sure: Option<String>,
}

/// Wipes a record for good.
async fn discard(
    person: Person,
    site: Data<Site>,
    id: Path<RequestId>,
    wanted: Form<Discarding>,
) -> Result<HttpResponse, Refusal> {
    person.may(Right::MendQueue)?;
    let why = DiscardReason::ALL.into_iter().find(|why| why.name() == wanted.why);
    let (Some(why), Some(_)) = (why, &wanted.sure) else {
        return Ok(acts::to(&format!("/queue/{id}"), "said-not-sure"));
    };
    let Some(bus) = site.desk.borrow().clone() else { return Ok(acts::to("/queue", "said-starting")) };
    Ok(acts::to(
        "/queue",
        match bus.ask(None, None, DiscardRecord { id: *id, why }).await {
            Ok(RecordMended::Done) => {
                person.did(None, PersonAct::QueueDiscarded(*id, why));
                "said-discarded"
            }
            Ok(RecordMended::NotSetAside(_) | RecordMended::Unknown) => "said-not-set-aside",
            Err(_) => "said-no-answer",
        },
    ))
}

/// A copy of a record as a file, sealed as it is.
async fn export(person: Person, site: Data<Site>, id: Path<RequestId>) -> Result<HttpResponse, Refusal> {
    person.may(Right::MendQueue)?;
    let Some(bus) = site.desk.borrow().clone() else { return Ok(acts::to("/queue", "said-starting")) };
    let record = match bus.ask(None, None, ShowRecord { id: *id }).await {
        Ok(shown) => shown.record.filter(|record| record.stage == RecordStage::SetAside),
        Err(_) => return Ok(acts::to("/queue", "said-no-answer")),
    };
    let Some(record) = record else { return Ok(acts::to("/queue", "said-not-set-aside")) };
    // Before anything of it leaves.
    person.did(None, PersonAct::QueueExported(*id));
    let parts =
        tokio::try_join!(sealed(&bus, *id, RecordPart::Request), sealed(&bus, *id, RecordPart::Answer));
    let Ok((request, answer)) = parts else { return Ok(acts::to("/queue", "said-no-answer")) };
    let line = exported(&record, request.as_deref(), answer.as_deref());
    let name = format!("attachment; filename=\"madoguchi-queue-{}.jsonl\"", record.id);
    Ok(HttpResponse::Ok()
        .content_type("application/jsonl")
        .insert_header((header::CONTENT_DISPOSITION, name))
        .body(format!("{line}\n")))
}

/// A part as it is sealed, put together from its pieces.
async fn sealed(bus: &Bus, id: RequestId, part: RecordPart) -> Result<Option<Vec<u8>>, AskError> {
    let mut whole = Vec::new();
    loop {
        let from = u32::try_from(whole.len()).unwrap_or(u32::MAX);
        let piece = bus.ask(None, None, ExportRecord { id, part, from }).await?;
        let Some(size) = piece.size else { return Ok(None) };
        let came = piece.bytes.len();
        whole.extend(piece.bytes);
        if u32::try_from(whole.len()).unwrap_or(u32::MAX) >= size || came == 0 {
            return Ok(Some(whole));
        }
    }
}

fn facts(view: &View<'_>) -> Markup {
    let detail = view.states.values().map(|state| &state.body.detail);
    let Some(Detail::OfflineQueue {
        waiting,
        oldest,
        set_aside,
        settled,
        practice,
        hours_left,
        given_up_too_old,
        given_up_for_room,
        discarded,
        filling,
        ..
    }) = detail.into_iter().find(|detail| matches!(detail, Detail::OfflineQueue { .. }))
    else {
        return html! { p { (view.say("page-waiting-for-state", &[])) } };
    };
    let row =
        |key: &str, value: String| html! { tr { th scope="row" { (view.say(key, &[])) } td { (value) } } };
    html! {
        table { tbody {
            (row("queue-filling", view.say(filling_key(*filling), &[])))
            (row("queue-waiting", waiting.to_string()))
            (row("queue-oldest", oldest.map_or("–".into(), clock)))
            (row("queue-hours", hours_left.map_or("–".into(), |hours| hours.to_string())))
            (row("queue-settled", settled.to_string()))
            @if *practice > 0 { (row("queue-practice", practice.to_string())) }
            (row("queue-set-aside", set_aside.to_string()))
            (row("queue-given-up-too-old", given_up_too_old.to_string()))
            (row("queue-given-up-for-room", given_up_for_room.to_string()))
            (row("queue-discarded", discarded.to_string()))
        } }
        @if *set_aside > 0 { p.notice.warn { "▲ " (view.say("queue-set-aside-action", &[])) } }
        @if *filling == Filling::Full { p.notice.bad { "✖ " (view.say("fault-queue-full-action", &[])) } }
    }
}

const fn filling_key(filling: Filling) -> &'static str {
    match filling {
        Filling::Ok => "queue-filling-ok",
        Filling::Warning => "queue-filling-warning",
        Filling::Critical => "queue-filling-critical",
        Filling::Full => "queue-filling-full",
    }
}
