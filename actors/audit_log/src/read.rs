//! Parts of the log for people to read: the newest lines first, some at a time, each call with bounded work.

use std::collections::VecDeque;
use std::path::Path;

use jiff::civil::Date;
use madoguchi_protocol::PersonId;
use madoguchi_protocol::messages::audit_log::{LogFilter, LogPage, Logged, LoggedLine, MAX_LINES, ReadLog};
use madoguchi_reception::in_japan;

use crate::line::{Line, LogEvent, What};
use crate::log::{day_in, number_in};
use crate::verify::{VerifyError, each_line, files};

/// How many files one call looks through at most: with 16 MiB each, a second or so of work.
const MAX_FILES: usize = 16;

/// The lines wanted, from the log in `folder`. Broken lines are left out, since [`crate::verify()`] tells them.
///
/// # Errors
/// [`VerifyError`] when a file can't be read.
pub fn read(folder: &Path, wanted: &ReadLog) -> Result<LogPage, VerifyError> {
    let limit = usize::from(wanted.limit.clamp(1, MAX_LINES));
    let before = wanted.before.unwrap_or(u64::MAX);
    let mut page = LogPage { lines: Vec::new(), older: None };
    let mut files_read = 0;
    for path in files(folder)?.iter().rev() {
        // A name that tells no number is looked into.
        let first = number_in(path).unwrap_or(0);
        if first >= before || !may_hold(day_in(path), &wanted.filter) {
            continue;
        }
        let room = limit - page.lines.len();
        if room == 0 || files_read == MAX_FILES {
            return Ok(page);
        }
        files_read += 1;
        let mut found: VecDeque<LoggedLine> = VecDeque::new();
        each_line(path, |_, line| {
            if let Ok((line, _)) = line
                && line.n < before
                && matches(&line, &wanted.filter)
            {
                // One more than there is room for tells that there are older ones.
                if found.len() > room {
                    found.pop_front();
                }
                found.push_back(told(line));
            }
            Ok(())
        })?;
        let is_more = found.len() > room;
        page.lines.extend(found.into_iter().rev().take(room));
        if is_more {
            page.older = page.lines.last().map(|line| line.n);
            return Ok(page);
        }
        // All of this file has been looked at.
        page.older = Some(first);
    }
    page.older = None;
    Ok(page)
}

/// A file holds the lines that were written down on its day.
fn may_hold(day: Option<Date>, filter: &LogFilter) -> bool {
    let Some(day) = day else { return true };
    filter.from.is_none_or(|from| day >= from) && filter.to.is_none_or(|to| day <= to)
}

fn matches(line: &Line, filter: &LogFilter) -> bool {
    filter.lane.is_none_or(|lane| line.lane == Some(lane))
        && filter.visit.is_none_or(|visit| line.visit == Some(visit))
        && filter.by.is_none_or(|by| author(&line.what) == Some(by))
        && may_hold(Some(in_japan(line.noted).date()), filter)
}

fn author(what: &What) -> Option<PersonId> {
    match what {
        What::Entry(entry) => entry.author(),
        What::Log(_) => None,
    }
}

fn told(line: Line) -> LoggedLine {
    let Line { n, at, lane, visit, what, .. } = line;
    let what = match what {
        What::Entry(entry) => Logged::Entry(entry),
        What::Log(LogEvent::TornLineDropped(bytes)) => Logged::TornLineDropped(bytes),
        What::Log(LogEvent::BrokenLineFound(number)) => Logged::BrokenLineFound(number),
        What::Log(LogEvent::Removed { through, .. }) => Logged::Removed(through),
    };
    LoggedLine { n, at, lane, visit, what }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log::{Log, Record, Settings};
    use jiff::Timestamp;
    use madoguchi_protocol::messages::audit_log::Entry;
    use madoguchi_protocol::{LaneId, VisitId};

    /// Five lines a day on three days: lines 1 to 15, odd ones of lane 1, even ones of lane 2, each of its own visit.
    fn log() -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        let mut log = Log::open(Settings::new(folder.path()), at("2025-11-20")).unwrap();
        for n in 1..=15_u8 {
            let now = at(["2025-11-20", "2025-11-21", "2025-11-22"][usize::from((n - 1) / 5)]);
            let (lane, visit) = (LaneId::new(2 - u16::from(n % 2)).ok(), Some(VisitId::from_bytes([n; 16])));
            log.record(&Record { id: None, at: now, lane, visit, entry: Entry::VisitStarted }, now).unwrap();
        }
        folder
    }

    #[test]
    fn what_one_person_did_is_found_and_what_others_did_is_not() {
        use madoguchi_protocol::messages::audit_log::{Author, PersonAct, StaffAct};
        let folder = tempfile::tempdir().unwrap();
        let mut log = Log::open(Settings::new(folder.path()), at("2025-11-20")).unwrap();
        let (one, other) = (PersonId::random(), PersonId::random());
        for entry in [
            Entry::PersonDid(Author::Person(one), PersonAct::LoggedIn),
            Entry::PersonDid(Author::Person(other), PersonAct::LoggedIn),
            Entry::StaffActed(StaffAct::Cancel, Some(one)),
            Entry::PersonDid(Author::Console, PersonAct::Added(one)),
            Entry::VisitStarted,
        ] {
            let now = at("2025-11-20");
            log.record(&Record { id: None, at: now, lane: None, visit: None, entry }, now).unwrap();
        }
        let wanted =
            ReadLog { filter: LogFilter { by: Some(one), ..LogFilter::default() }, before: None, limit: 10 };
        let found = read(folder.path(), &wanted).unwrap();
        assert!(
            found
                .lines
                .iter()
                .all(|line| matches!(&line.what, Logged::Entry(it) if it.author() == Some(one)))
        );
        assert_eq!(found.lines.len(), 2);
    }

    fn at(day: &str) -> Timestamp {
        format!("{day}T09:00:00+09:00").parse().unwrap()
    }

    fn numbers(folder: &Path, filter: LogFilter, before: Option<u64>, limit: u16) -> (Vec<u64>, Option<u64>) {
        let page = read(folder, &ReadLog { filter, before, limit }).unwrap();
        (page.lines.iter().map(|line| line.n).collect(), page.older)
    }

    #[test]
    fn the_newest_lines_come_first_and_page_by_page_none_is_left_out_or_given_twice() {
        let folder = log();
        let (mut all, mut before) = (Vec::new(), None);
        loop {
            let (some, older) = numbers(folder.path(), LogFilter::default(), before, 4);
            assert!(some.len() <= 4);
            all.extend(some);
            match older {
                Some(_) => before = older,
                None => break,
            }
        }
        assert_eq!(all, (1..=15).rev().collect::<Vec<_>>());
    }

    #[test]
    fn lines_are_chosen_by_day_lane_and_visit() {
        let folder = log();
        let day = |day: &str| Some(day.parse().unwrap());
        let of = |filter| numbers(folder.path(), filter, None, 100).0;
        let one = LaneId::new(1).ok();
        let friday = LogFilter { from: day("2025-11-21"), to: day("2025-11-21"), ..LogFilter::default() };
        assert_eq!(of(friday.clone()), [10, 9, 8, 7, 6]);
        assert_eq!(of(LogFilter { lane: one, ..friday.clone() }), [9, 7]);
        let visit = Some(VisitId::from_bytes([8; 16]));
        assert_eq!(of(LogFilter { visit, ..LogFilter::default() }), [8]);
        assert_eq!(of(LogFilter { visit, lane: one, ..LogFilter::default() }), [0; 0]);
    }

    #[test]
    fn one_call_looks_through_so_many_files_and_says_where_to_go_on() {
        let folder = tempfile::tempdir().unwrap();
        let settings = Settings { max_bytes: 1, ..Settings::new(folder.path()) };
        let mut log = Log::open(settings, at("2025-11-20")).unwrap();
        let visits = [1, 2].map(|n| VisitId::from_bytes([n; 16]));
        for n in 0..40 {
            let visit = Some(visits[usize::from(n > 0)]);
            let record =
                Record { id: None, at: at("2025-11-20"), lane: None, visit, entry: Entry::VisitStarted };
            log.record(&record, at("2025-11-20")).unwrap();
        }
        let filter = LogFilter { visit: Some(visits[0]), ..LogFilter::default() };
        assert_eq!(numbers(folder.path(), filter.clone(), None, 10), (vec![], Some(25)));
        assert_eq!(numbers(folder.path(), filter.clone(), Some(25), 10), (vec![], Some(9)));
        assert_eq!(numbers(folder.path(), filter, Some(9), 10), (vec![1], None));
    }

    #[test]
    fn the_longest_page_fits_into_a_message_on_the_bus() {
        let line = LoggedLine {
            n: u64::MAX,
            at: Timestamp::MAX,
            lane: LaneId::new(999).ok(),
            visit: Some(VisitId::random()),
            what: Logged::Entry(Entry::StaffActed(
                madoguchi_protocol::messages::audit_log::StaffAct::SettleByFallback(
                    madoguchi_protocol::messages::audit_log::Fallback::EligibilityCertificate,
                ),
                Some(madoguchi_protocol::PersonId::from_bytes([255; 16])),
            )),
        };
        let page = LogPage { lines: vec![line; MAX_LINES.into()], older: Some(u64::MAX) };
        let bytes = madoguchi_protocol::cbor::encode(&page).unwrap();
        assert!(bytes.len() < madoguchi_protocol::cbor::MAX_BYTES / 2, "{} bytes", bytes.len());
    }
}
