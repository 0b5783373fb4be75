//! Japan's public holidays, on which the call centre is closed.
//!
//! They are set by law year by year, so they come from data: the Cabinet Office's list (`syukujitsu.csv`, lines of
//! `2026/1/1,元日`), shipped as `configs/holidays.csv` and replaceable by the hospital.

use jiff::{ToSpan, civil::Date};
use std::collections::BTreeSet;

/// The list that is shipped. The Cabinet Office publishes the next year's each February.
const SHIPPED: &str = include_str!("../../../configs/holidays.csv");

/// Before the list's end, somebody should fetch the new one.
const WARN_DAYS: i32 = 60;

/// Days on which Japan rests.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holidays {
    days: BTreeSet<Date>,
    until: Date,
}

/// Why a list is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadHolidays {
    /// A line that is no holiday.
    #[error("line {0} of the holidays is not like 2026/1/1,元日")]
    Line(usize),
    /// A list without a day.
    #[error("the list of holidays is empty")]
    Empty,
}

/// How far the list reaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Coverage {
    /// Far enough.
    Enough,
    /// It ends on this day, soon: fetch the new list.
    EndsSoon(Date),
    /// It ended on this day: holidays since then are taken for ordinary days.
    Ended(Date),
}

impl Holidays {
    /// The list that is shipped.
    ///
    /// # Errors
    /// None in a program whose tests passed.
    pub fn shipped() -> Result<Self, BadHolidays> {
        SHIPPED.parse()
    }

    /// Whether the day is one.
    pub fn contains(&self, day: Date) -> bool {
        self.days.contains(&day)
    }

    /// How far the list reaches from `today` on: it is complete for each year that it names.
    pub fn coverage(&self, today: Date) -> Coverage {
        if today > self.until {
            Coverage::Ended(self.until)
        } else if today.saturating_add(WARN_DAYS.days()) > self.until {
            Coverage::EndsSoon(self.until)
        } else {
            Coverage::Enough
        }
    }
}

impl std::str::FromStr for Holidays {
    type Err = BadHolidays;

    /// Reads the Cabinet Office's format: a line of headings, then a day and its name on each line.
    fn from_str(text: &str) -> Result<Self, BadHolidays> {
        let lines = text.trim_start_matches('\u{feff}').lines().enumerate().skip(1);
        let days: BTreeSet<Date> = lines
            .filter(|(_, line)| !line.trim().is_empty())
            .map(|(at, line)| day_of(line).ok_or(BadHolidays::Line(at + 1)))
            .collect::<Result<_, _>>()?;
        let until = days.last().ok_or(BadHolidays::Empty)?.last_of_year();
        Ok(Self { days, until })
    }
}

fn day_of(line: &str) -> Option<Date> {
    let (day, name) = line.split_once(',')?;
    let mut parts = day.trim().splitn(3, '/');
    let (year, month, day) = (parts.next()?, parts.next()?, parts.next()?);
    let date = Date::new(year.parse().ok()?, month.parse().ok()?, day.parse().ok()?).ok()?;
    (!name.trim().is_empty()).then_some(date)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::call_centre;
    use jiff::civil::{Weekday, date};

    #[test]
    fn r36_the_shipped_list_covers_2025_to_2027_with_substitute_days() {
        let holidays = Holidays::shipped().unwrap();
        for year in 2025..=2027 {
            let of_year: Vec<_> = holidays.days.iter().filter(|day| day.year() == year).collect();
            assert!((16..=19).contains(&of_year.len()), "{year}: {of_year:?}");
            // A holiday on a Sunday moves to the next day that is none (Act on National Holidays, article 3).
            for sunday in of_year.iter().filter(|day| day.weekday() == Weekday::Sunday) {
                let days = (1..5).map(|n| sunday.saturating_add(n.days()));
                let rests = days.take_while(|day| holidays.contains(*day)).count();
                assert!(rests >= 1, "{sunday}");
            }
        }
        assert!(holidays.contains(date(2026, 9, 22)), "between two holidays");
        assert!(!holidays.contains(date(2026, 9, 24)));
    }

    #[test]
    fn r36_the_call_centre_is_closed_on_a_monday_that_is_a_holiday() {
        let holidays = Holidays::shipped().unwrap();
        let open = |at: &str| call_centre::is_open(at.parse().unwrap(), &holidays);
        assert!(!open("2026-11-23T10:00:00+09:00"));
        assert!(open("2026-11-24T10:00:00+09:00"));
    }

    #[test]
    fn r36_a_list_that_ends_soon_or_has_ended_says_so() {
        let holidays = Holidays::shipped().unwrap();
        let until = date(2027, 12, 31);
        assert_eq!(holidays.coverage(date(2027, 11, 1)), Coverage::Enough);
        assert_eq!(holidays.coverage(date(2027, 11, 2)), Coverage::EndsSoon(until));
        assert_eq!(holidays.coverage(date(2028, 1, 1)), Coverage::Ended(until));
    }

    #[test]
    fn a_list_that_is_none_is_refused_with_the_line() {
        let head = "国民の祝日・休日月日,国民の祝日・休日名称\n";
        for bad in ["2026/13/1,元日", "2026/1/1", "2026-1-1,元日", "2026/1/1, ", "元日"] {
            assert_eq!(format!("{head}{bad}").parse::<Holidays>(), Err(BadHolidays::Line(2)), "{bad}");
        }
        assert_eq!(head.parse::<Holidays>(), Err(BadHolidays::Empty));
        assert_eq!("".parse::<Holidays>(), Err(BadHolidays::Empty));
    }
}
