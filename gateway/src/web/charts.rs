//! The last 30 days in small charts, or the last day by the hour, from the box's own history: for a hospital without a
//! Prometheus, and for the day when that is away. The same figures stand in a table below.

use super::{
    access::{Person, Refusal, Right},
    chart::{self, Bar},
    frame::Page,
    view::View,
    words::seconds,
};
use actix_web::{
    HttpResponse,
    web::{self, Query, ServiceConfig},
};
use jiff::{Timestamp, ToSpan, civil::DateTime};
use madoguchi::history::{self, ANSWER_MS, DAYS, History, Point};
use madoguchi_protocol::LaneId;
use madoguchi_reception::in_japan;
use maud::{Markup, html};
use serde::Deserialize;
use std::collections::BTreeMap;

/// Bars for the last day.
const HOURS: u32 = 24;

pub(super) fn routes(config: &mut ServiceConfig) {
    config.route("/charts", web::get().to(page));
}

/// What is looked at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Span {
    /// 30 days, a bar each.
    #[default]
    Month,
    /// 24 hours, a bar each.
    Day,
}

impl Span {
    const ALL: [Self; 2] = [Self::Month, Self::Day];

    /// In addresses and keys of texts.
    const fn name(self) -> &'static str {
        match self {
            Self::Month => "month",
            Self::Day => "day",
        }
    }

    /// Where the bar of this moment begins.
    fn begin(self, at: DateTime) -> DateTime {
        match self {
            Self::Month => at.date().into(),
            Self::Day => at.date().at(at.hour(), 0, 0, 0),
        }
    }

    /// Where the bars begin, the oldest first.
    fn begins(self, now: Timestamp) -> Vec<DateTime> {
        let newest = self.begin(in_japan(now));
        let back = |steps: u32| match self {
            Self::Month => newest.checked_sub(i64::from(steps).days()),
            Self::Day => newest.checked_sub(i64::from(steps).hours()),
        };
        let bars = if self == Self::Month { DAYS } else { HOURS };
        (0..bars).rev().filter_map(|steps| back(steps).ok()).collect()
    }

    fn words(self, begin: DateTime) -> String {
        match self {
            Self::Month => begin.date().strftime("%m-%d").to_string(),
            Self::Day => begin.strftime("%H:%M").to_string(),
        }
    }
}

#[derive(Debug, Default, Deserialize)]
struct Asked {
    #[serde(default)]
    span: Span,
}

async fn page(person: Person, asked: Query<Asked>) -> Result<HttpResponse, Refusal> {
    person.may(Right::Watch)?;
    let (span, now) = (asked.span, Timestamp::now());
    let path = person.visitor().site().history();
    let read = web::block(move || history::read(&path, now)).await;
    let history = match read {
        Ok(Ok(history)) => history,
        Ok(Err(error)) => {
            tracing::error!(%error, "the history can't be read; check the disk");
            return Ok(person.page(&Page::titled("charts-title").unavailable(), |view| {
                html! { p { "✖ " (view.say("charts-unreadable", &[])) } }
            }));
        }
        Err(_) => History::default(),
    };
    let bars = sums(&history, span, now);
    Ok(person.page(&Page::titled("charts-title").refreshed_every(60), |view| {
        html! {
            (spans(view, span))
            p { (view.say("charts-what", &[])) }
            (charts(view, span, &bars))
            (lanes(view, &history))
            (table(view, span, &bars))
        }
    }))
}

/// What one bar of each chart tells.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Sum {
    watched_s: u64,
    line_up_s: u64,
    visits: u64,
    deferred: u64,
    waiting: u64,
    answers: [u64; ANSWER_MS.len() + 1],
}

impl Sum {
    fn add(&mut self, point: &Point) {
        self.watched_s += u64::from(point.watched_s);
        self.line_up_s += u64::from(point.line_up_s);
        self.visits += u64::from(point.visits);
        self.deferred += u64::from(point.deferred);
        self.waiting = self.waiting.max(point.waiting.into());
        for (sum, count) in self.answers.iter_mut().zip(point.answers) {
            *sum += u64::from(count);
        }
    }

    /// 95 in 100 were answered within this, in milliseconds: the upper bound of the place where that one stands.
    fn answered_ms(&self) -> Option<u64> {
        let all: u64 = self.answers.iter().sum();
        let rank = (all * 95).div_ceil(100);
        let mut upto = 0;
        let place = self.answers.iter().position(|count| {
            upto += count;
            all > 0 && upto >= rank
        })?;
        // What took longer than the last bound is told by it.
        ANSWER_MS.get(place).or(ANSWER_MS.last()).copied()
    }

    /// For how much of the time that was watched the centre answered, in hundredths of a percent.
    fn line_up(&self) -> Option<u64> {
        (self.line_up_s * 10_000).checked_div(self.watched_s)
    }
}

fn sums(history: &History, span: Span, now: Timestamp) -> Vec<(DateTime, Sum)> {
    let mut sums: BTreeMap<_, _> =
        span.begins(now).into_iter().map(|begin| (begin, Sum::default())).collect();
    for point in &history.points {
        if let Some(sum) = sums.get_mut(&span.begin(in_japan(point.began()))) {
            sum.add(point);
        }
    }
    sums.into_iter().collect()
}

/// The other spans.
fn spans(view: &View<'_>, shown: Span) -> Markup {
    html! {
        ul { @for span in Span::ALL { li {
            @let current = (span == shown).then_some("true");
            a href={ "/charts?span=" (span.name()) } aria-current=[current] {
                (view.say(&format!("charts-span-{}", span.name()), &[]))
            }
        } } }
    }
}

/// A figure of a bar: how high it is, and what it says. Nothing is known where the gateway did not run.
type Figure = fn(&View<'_>, &Sum) -> Option<(u64, String)>;

/// Each chart, by the key of its name.
const CHARTS: [(&str, Figure); 5] = [
    ("charts-visits", |_, sum| Some((sum.visits, sum.visits.to_string()))),
    ("charts-answer", |view, sum| sum.answered_ms().map(|ms| (ms, seconds(view, ms)))),
    ("charts-deferred", |_, sum| Some((sum.deferred, sum.deferred.to_string()))),
    ("charts-waiting", |_, sum| Some((sum.waiting, sum.waiting.to_string()))),
    ("charts-line", |_, sum| sum.line_up().map(|share| (share, percent(share)))),
];

fn percent(share: u64) -> String {
    format!("{}.{:02} %", share / 100, share % 100)
}

/// What a figure says where nothing is known.
const NOTHING: &str = "–";

fn charts(view: &View<'_>, span: Span, bars: &[(DateTime, Sum)]) -> Markup {
    html! {
        @for (key, figure) in CHARTS {
            @let figures: Vec<_> = bars.iter().map(|(begin, sum)| {
                let known = (sum.watched_s > 0).then(|| figure(view, sum)).flatten();
                let (value, words) = known.unwrap_or((0, NOTHING.into()));
                Bar { value, title: format!("{} {words}", span.words(*begin)) }
            }).collect();
            @let newest = figures.last().map(|bar| bar.title.clone()).unwrap_or_default();
            @let highest = figures.iter().max_by_key(|bar| bar.value).map(|bar| bar.title.clone());
            section {
                h2 { (view.say(key, &[])) }
                (chart::bars(&view.say("charts-alternative", &[
                    ("what", &view.say(key, &[])), ("newest", &newest), ("highest", &highest.unwrap_or_default()),
                ]), &figures))
            }
        }
    }
}

/// For how long each lane was in trouble in the 30 days: the lanes' own chart.
fn lanes(view: &View<'_>, history: &History) -> Markup {
    let mut troubled: BTreeMap<LaneId, u64> = BTreeMap::new();
    let all = history.troubles.iter().flat_map(|day| day.lanes());
    all.for_each(|(lane, seconds)| *troubled.entry(lane).or_default() += u64::from(seconds));
    let minutes = |seconds: u64| seconds.div_ceil(60);
    let words = |lane: LaneId, seconds| {
        view.say(
            "charts-lane-minutes",
            &[("lane", &lane.to_string()), ("minutes", &minutes(seconds).to_string())],
        )
    };
    html! {
        section {
            h2 { (view.say("charts-lanes", &[])) }
            @if troubled.is_empty() { p { "✓ " (view.say("charts-no-trouble", &[])) } } @else {
                @let bars: Vec<_> = troubled.iter()
                    .map(|(lane, seconds)| Bar { value: minutes(*seconds), title: words(*lane, *seconds) })
                    .collect();
                (chart::bars(&view.say("charts-lanes", &[]), &bars))
                ul { @for (lane, seconds) in &troubled { li { (words(*lane, *seconds)) } } }
            }
        }
    }
}

/// The same figures as a table, the newest first.
fn table(view: &View<'_>, span: Span, bars: &[(DateTime, Sum)]) -> Markup {
    html! {
        details {
            summary { (view.say("charts-table", &[])) }
            div.wide tabindex="0" { table {
                thead { tr {
                    th scope="col" { (view.say(&format!("charts-when-{}", span.name()), &[])) }
                    @for (key, _) in CHARTS { th scope="col" { (view.say(key, &[])) } }
                } }
                tbody { @for (begin, sum) in bars.iter().rev().filter(|(_, sum)| sum.watched_s > 0) { tr {
                    th scope="row" { (span.words(*begin)) }
                    @for (_, figure) in CHARTS {
                        td { (figure(view, sum).map_or_else(|| NOTHING.into(), |(_, words)| words)) }
                    }
                } } }
            } }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn point(when: &str, visits: u16) -> Point {
        let mut point = Point::new(Point::number_at(at(when)));
        (point.visits, point.watched_s, point.line_up_s) = (visits, 300, 150);
        point
    }

    #[test]
    fn days_and_hours_are_those_of_japan_and_the_newest_is_the_present_one() {
        let now = at("2025-12-01T15:30:00Z");
        let points = vec![
            point("2025-12-01T14:55:00Z", 2),
            point("2025-12-01T15:00:00Z", 3),
            point("2025-12-01T15:25:00Z", 4),
        ];
        let history = History { points, troubles: vec![] };
        let visits = |span: Span| {
            let sums = sums(&history, span, now);
            (
                sums.len(),
                sums.iter()
                    .rev()
                    .take(2)
                    .map(|(begin, sum)| (span.words(*begin), sum.visits))
                    .collect::<Vec<_>>(),
            )
        };
        assert_eq!(visits(Span::Month), (30, vec![("12-02".into(), 7), ("12-01".into(), 2)]));
        assert_eq!(visits(Span::Day), (24, vec![("00:00".into(), 7), ("23:00".into(), 2)]));
    }

    #[test]
    fn ninety_five_in_a_hundred_is_the_bound_that_holds_for_them() {
        let mut sum = Sum::default();
        assert_eq!((sum.answered_ms(), sum.line_up()), (None, None));
        sum.answers[0] = 95;
        sum.answers[8] = 4;
        sum.answers[12] = 1;
        assert_eq!(sum.answered_ms(), Some(100));
        sum.answers[0] = 94;
        assert_eq!(sum.answered_ms(), Some(3_000));
        sum.answers = [0; 13];
        sum.answers[12] = 1;
        assert_eq!(sum.answered_ms(), Some(30_000));
    }

    #[test]
    fn the_line_is_judged_by_the_time_that_was_watched() {
        let mut sum = Sum::default();
        sum.add(&point("2025-12-01T15:00:00Z", 1));
        assert_eq!(sum.line_up().map(percent).as_deref(), Some("50.00 %"));
    }
}
