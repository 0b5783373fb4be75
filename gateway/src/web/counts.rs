//! Counts and the monthly report: how visits were settled, which count towards usage and which not and why, by lane and
//! hour. Always an estimate: the official rate's denominator is unknown here.

use super::{
    Site,
    access::{Person, Refusal, Right},
    chart::{self, Bar},
    frame::Page,
    view::View,
};
use actix_web::{
    HttpResponse,
    http::header,
    web::{self, Data, Query, ServiceConfig},
};
use jiff::{ToSpan, civil::Date};
use madoguchi_audit_log::{report::csv, usage::notified_and_applied};
use madoguchi_protocol::{
    LaneId,
    messages::audit_log::{ReadReport, ReportRow},
};
use madoguchi_reception::in_japan;
use maud::{Markup, html};
use serde::Deserialize;
use std::collections::BTreeMap;

/// The rows that a report can have at most; with 999 lanes, 24 hours and a few ways each it never has as many.
const MOST_ROWS: usize = 100_000;

pub(super) fn routes(config: &mut ServiceConfig) {
    config.route("/counts", web::get().to(page)).route("/counts.csv", web::get().to(download));
}

/// `?month=2025-09`
#[derive(Deserialize)]
struct Wanted {
    month: Option<String>,
}

impl Wanted {
    /// The first day of the month; the present month where none is given or what is given is none.
    fn month(&self) -> Date {
        let given = self.month.as_deref().and_then(|text| format!("{text}-01").parse::<Date>().ok());
        given.unwrap_or_else(|| in_japan(jiff::Timestamp::now()).date()).first_of_month()
    }
}

/// All rows of a month, or nothing when the audit log does not answer.
pub(super) async fn rows(site: &Site, month: Date) -> Option<Vec<ReportRow>> {
    let bus = site.desk.borrow().clone()?;
    let (mut rows, mut from_row) = (Vec::new(), 0);
    loop {
        let part = bus.ask(None, None, ReadReport { month, from_row }).await.ok()?;
        rows.extend(part.rows);
        match part.next {
            Some(next) if next > from_row && rows.len() < MOST_ROWS => from_row = next,
            _ => return Some(rows),
        }
    }
}

async fn page(person: Person, site: Data<Site>, wanted: Query<Wanted>) -> Result<HttpResponse, Refusal> {
    person.may(Right::ReadCounts)?;
    let month = wanted.month();
    let rows = rows(&site, month).await;
    Ok(person.page(&Page::titled("counts-title"), |view| {
        html! {
            (head(view, month))
            @match &rows {
                None => p.notice.bad { "✖ " (view.say("log-no-answer", &[])) },
                Some(rows) => (report(view, rows)),
            }
            (view.listing())
        }
    }))
}

async fn download(person: Person, site: Data<Site>, wanted: Query<Wanted>) -> Result<HttpResponse, Refusal> {
    person.may(Right::ReadCounts)?;
    let month = wanted.month();
    Ok(match rows(&site, month).await {
        Some(rows) => {
            let name = format!("attachment; filename=\"madoguchi-estimate-{}.csv\"", month.strftime("%Y-%m"));
            HttpResponse::Ok()
                .content_type("text/csv; charset=utf-8")
                .insert_header((header::CONTENT_DISPOSITION, name))
                .body(csv(month, &rows))
        }
        None => person.page(&Page::titled("counts-title").unavailable(), |view| {
            html! { p.notice.bad { "✖ " (view.say("log-no-answer", &[])) } }
        }),
    })
}

/// Which month, and when it is notified and applied.
fn head(view: &View<'_>, month: Date) -> Markup {
    let of = |month: Date| month.strftime("%Y-%m").to_string();
    let (notified, applied) = notified_and_applied(month);
    let step = |months: i64| of(month.saturating_add(months.months()));
    html! {
        p.notice.warn { "▲ " (view.say("counts-estimate", &[])) }
        p { (view.say("counts-times", &[
            ("month", &of(month)), ("notified", &of(notified)), ("applied", &of(applied)),
        ])) }
        p.row.no-print {
            a.button.second href={ "/counts?month=" (step(-1)) } { (view.say("counts-before", &[])) }
            a.button.second href={ "/counts?month=" (step(1)) } { (view.say("counts-after", &[])) }
            a.button href={ "/counts.csv?month=" (of(month)) } { (view.say("counts-download", &[])) }
        }
    }
}

/// Sums `rows` by what `key` gives.
fn sums<K: Ord>(rows: &[ReportRow], key: impl Fn(&ReportRow) -> K) -> BTreeMap<K, u64> {
    let mut sums = BTreeMap::new();
    for row in rows {
        *sums.entry(key(row)).or_default() += row.visits;
    }
    sums
}

fn report(view: &View<'_>, rows: &[ReportRow]) -> Markup {
    let all: u64 = rows.iter().map(|row| row.visits).sum();
    let counts = sums(rows, |row| row.counts.clone());
    let count = |of: &str| counts.get(of).copied().unwrap_or(0).to_string();
    let hours = sums(rows, |row| row.hour);
    let bars: Vec<_> = (0..24)
        .map(|hour| {
            let value = hours.get(&hour).copied().unwrap_or(0);
            Bar {
                value,
                title: view
                    .say("counts-hour", &[("hour", &hour.to_string()), ("visits", &value.to_string())]),
            }
        })
        .collect();
    html! {
        p { (view.say("counts-sum", &[
            ("all", &all.to_string()), ("yes", &count("yes")), ("no", &count("no")), ("open", &count("open")),
        ])) }
        h2 { (view.say("counts-ways", &[])) }
        div.wide tabindex="0" { table {
            thead { tr { @for key in ["counts-medium", "counts-reason", "counts-counts", "counts-visits"] {
                th scope="col" { (view.say(key, &[])) }
            } } }
            tbody {
                @for ((counts, reason, medium), visits) in
                    sums(rows, |row| (row.counts.clone(), row.reason.clone(), row.medium.clone()))
                {
                    tr {
                        td { (code(view, "medium", &medium)) }
                        td { (code(view, "reason", &reason)) }
                        td { (code(view, "counts", &counts)) }
                        td { (visits) }
                    }
                }
            }
        } }
        h2 { (view.say("counts-by-hour", &[])) }
        (chart::bars(&view.say("counts-by-hour", &[]), &bars))
        h2 { (view.say("counts-by-lane", &[])) }
        (by_lane(view, rows))
    }
}

fn by_lane(view: &View<'_>, rows: &[ReportRow]) -> Markup {
    let mut lanes: BTreeMap<Option<LaneId>, BTreeMap<String, u64>> = BTreeMap::new();
    for row in rows {
        *lanes.entry(row.lane).or_default().entry(row.counts.clone()).or_default() += row.visits;
    }
    html! {
        div.wide tabindex="0" { table {
            thead { tr { @for key in ["counts-lane", "counts-yes", "counts-no", "counts-open"] {
                th scope="col" { (view.say(key, &[])) }
            } } }
            tbody { @for (lane, counts) in &lanes { tr {
                td { (lane.map_or("–".into(), |lane| lane.to_string())) }
                @for of in ["yes", "no", "open"] { td { (counts.get(of).copied().unwrap_or(0)) } }
            } } }
        } }
    }
}

/// The words for a code of the report; a code that has none shows as itself.
fn code(view: &View<'_>, kind: &str, code: &str) -> String {
    let key = format!("{kind}-{}", code.replace('_', "-"));
    madoguchi_protocol::texts::find(view.language, &key, &[]).unwrap_or_else(|| code.to_owned())
}
