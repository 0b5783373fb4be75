//! Outages by the field's definition, and how much of each month the line was there. Pure: times come in as values.
//!
//! An outage is when a fifth of what was tried in the last five minutes failed. It began with the first failure of these
//! five minutes, and ends with the first success after which less than a fifth has failed.

use jiff::{Timestamp, civil::Date, tz::TimeZone};
use madoguchi_protocol::messages::line::MonthReport;
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;

/// What is looked at, in seconds.
pub const WINDOW_S: i64 = 300;
/// One in so many failed: an outage.
const SHARE: u32 = 5;
/// With less tried than this nothing is said: one failure of two would be half of everything.
const LEAST: u32 = 20;
/// Months that are kept, the present one among them.
pub const MONTHS: usize = 25;
/// A gap longer than this was not watched: the box slept, or its clock was set.
const GAP_S: i64 = 10;

/// What was tried in one second.
#[derive(Clone, Copy, Debug)]
struct Second {
    at: i64,
    tried: u32,
    failed: u32,
}

/// Watches for outages.
#[derive(Clone, Debug, Default)]
pub struct Outages {
    seconds: VecDeque<Second>,
    since: Option<Timestamp>,
    seen: Option<i64>,
    months: Vec<MonthReport>,
}

/// What is kept over restarts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Kept {
    /// The outage that lasted when it was written.
    pub outage: Option<Timestamp>,
    /// The newest first.
    pub months: Vec<MonthReport>,
}

/// What changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// An outage began: then.
    Began(Timestamp),
    /// It ended.
    Ended,
}

impl Outages {
    /// Goes on from what was kept. An outage that lasted then lasts until the line is proven well.
    pub fn resume(kept: Kept) -> Self {
        let mut months = kept.months;
        months.truncate(MONTHS);
        Self { since: kept.outage, months, ..Self::default() }
    }

    /// What is to be kept.
    pub fn keep(&self) -> Kept {
        Kept { outage: self.since, months: self.months.clone() }
    }

    /// Since when an outage lasts.
    pub fn since(&self) -> Option<Timestamp> {
        self.since
    }

    /// The months, the newest first.
    pub fn months(&self) -> &[MonthReport] {
        &self.months
    }

    /// Something was tried over the line in use, with this outcome.
    pub fn note(&mut self, failed: bool, now: Timestamp) -> Option<Change> {
        self.pass(now);
        let at = now.as_second();
        let failures = u32::from(failed);
        match self.seconds.back_mut() {
            Some(last) if last.at == at => {
                last.tried = last.tried.saturating_add(1);
                last.failed = last.failed.saturating_add(failures);
            }
            _ => self.seconds.push_back(Second { at, tried: 1, failed: failures }),
        }
        self.judge(failed)
    }

    fn judge(&mut self, failed: bool) -> Option<Change> {
        let tried: u32 = self.seconds.iter().map(|second| second.tried).fold(0, u32::saturating_add);
        let failures: u32 = self.seconds.iter().map(|second| second.failed).fold(0, u32::saturating_add);
        let outage = tried >= LEAST && failures.saturating_mul(SHARE) >= tried;
        match (self.since, outage) {
            (None, true) => {
                let first = self.seconds.iter().find(|second| second.failed > 0)?;
                let since = Timestamp::from_second(first.at).ok()?;
                self.since = Some(since);
                // What passed since the first failure was counted as well.
                let passed = self.seen.map_or(0, |seen| u64::try_from(seen - first.at).unwrap_or(0));
                let month = self.month(first.at);
                month.outages = month.outages.saturating_add(1);
                month.outage_s = month.outage_s.saturating_add(passed).min(month.watched_s);
                Some(Change::Began(since))
            }
            (Some(_), false) if !failed && tried >= LEAST => {
                self.since = None;
                Some(Change::Ended)
            }
            _ => None,
        }
    }

    /// Time passes. Call it at least every few seconds: what lies between two calls is counted in the month of the
    /// later one.
    pub fn pass(&mut self, now: Timestamp) {
        let at = now.as_second();
        let passed = self.seen.map_or(0, |seen| at - seen);
        self.seen = Some(at);
        if !(0..=GAP_S).contains(&passed) {
            // The clock was set: what the window holds can't be placed any more.
            self.seconds.clear();
        } else if passed > 0 {
            let (passed, outage) = (passed.unsigned_abs(), self.since.is_some());
            let month = self.month(at);
            month.watched_s = month.watched_s.saturating_add(passed);
            if outage {
                month.outage_s = month.outage_s.saturating_add(passed);
            }
        }
        while self.seconds.front().is_some_and(|second| second.at <= at - WINDOW_S) {
            self.seconds.pop_front();
        }
    }

    fn month(&mut self, at: i64) -> &mut MonthReport {
        let month = month_of(at);
        let place = self.months.iter().position(|it| it.month <= month).unwrap_or(self.months.len());
        if self.months.get(place).is_none_or(|it| it.month != month) {
            self.months.insert(place, MonthReport { month, watched_s: 0, outage_s: 0, outages: 0 });
            if self.months.len() > MONTHS {
                self.months.pop();
            }
        }
        let last = self.months.len() - 1;
        &mut self.months[place.min(last)]
    }
}

/// The first day of the month in Japan. Japan has had no summer time since 1951, so nine hours always hold.
fn month_of(at: i64) -> Date {
    let japan = TimeZone::fixed(jiff::tz::offset(9));
    let moment = Timestamp::from_second(at).unwrap_or(Timestamp::UNIX_EPOCH);
    moment.to_zoned(japan).date().first_of_month()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const START: i64 = 1_764_500_000;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(START + second).unwrap()
    }

    /// Tries once a second; `failed` says which fail.
    fn run(
        outages: &mut Outages,
        seconds: std::ops::Range<i64>,
        failed: impl Fn(i64) -> bool,
    ) -> Vec<(i64, Change)> {
        seconds.filter_map(|s| Some((s, outages.note(failed(s), at(s))?))).collect()
    }

    #[test]
    fn a_fifth_failing_within_five_minutes_is_an_outage_from_its_first_failure_on() {
        let mut outages = Outages::default();
        assert_eq!(run(&mut outages, 0..300, |s| s % 6 == 5), [], "a sixth is none");
        let changes = run(&mut outages, 300..400, |_| true);
        let [(began, Change::Began(_))] = changes[..] else { panic!("{changes:?}") };
        assert!((300..330).contains(&began), "{began}");
    }

    #[test]
    fn a_cut_line_is_an_outage_with_its_beginning_and_its_end() {
        let mut outages = Outages::default();
        run(&mut outages, 0..600, |_| false);
        let changes = run(&mut outages, 600..1_500, |s| s < 900);
        assert_eq!(changes[0].1, Change::Began(at(600)), "the first failure");
        assert_eq!(changes.len(), 2);
        let (ended, Change::Ended) = changes[1] else { panic!("{changes:?}") };
        assert!((1_135..1_145).contains(&ended), "four fifths of five minutes are well again: {ended}");
        let month = outages.months()[0];
        assert_eq!((month.outages, month.watched_s), (1, 1_499));
        assert!((530..545).contains(&month.outage_s), "{month:?}");
    }

    #[test]
    fn what_is_kept_goes_on_after_a_restart_and_the_time_between_was_not_watched() {
        let mut outages = Outages::default();
        run(&mut outages, 0..100, |_| true);
        let kept = outages.keep();
        assert_eq!(kept.outage, Some(at(0)));
        let mut later = Outages::resume(kept);
        run(&mut later, 5_000..5_060, |_| false);
        let month = later.months()[0];
        assert_eq!((month.watched_s, month.outages), (99 + 59, 1));
        assert_eq!(later.since(), None);
    }

    #[test]
    fn months_are_those_of_japan() {
        // 2026-11-30 23:59:59 and a second later, in Japan.
        assert_eq!(month_of(1_796_050_799), jiff::civil::date(2026, 11, 1));
        assert_eq!(month_of(1_796_050_800), jiff::civil::date(2026, 12, 1));
    }

    proptest! {
        #[test]
        fn no_month_has_more_outage_than_it_was_watched_and_months_stay_in_order(
            steps in prop::collection::vec((-5_000_i64..400_000, any::<bool>()), 0..300),
        ) {
            let (mut outages, mut second) = (Outages::default(), 0);
            for (step, failed) in steps {
                second += if step % 3 == 0 { step } else { step.rem_euclid(8) };
                outages.note(failed, at(second.clamp(-1_000_000_000, 4_000_000_000)));
            }
            prop_assert!(outages.months().len() <= MONTHS);
            prop_assert!(outages.months().is_sorted_by(|a, b| a.month > b.month));
            for month in outages.months() {
                prop_assert!(month.outage_s <= month.watched_s, "{month:?}");
            }
            let kept = outages.keep();
            let again = serde_json::from_slice(&serde_json::to_vec(&kept).unwrap()).unwrap();
            prop_assert_eq!(kept, again);
        }
    }
}
