//! The call centre's hours (DOMAIN section 1, R-36), shown with its number on setup and fault pages.

use crate::{civil::in_japan, holidays::Holidays};
use jiff::{
    Timestamp,
    civil::{Weekday, time},
};

/// オンライン資格確認等コールセンター
pub const NUMBER: &str = "0800-080-4583";

/// Whether the call centre answers now: Monday to Friday 8:00–18:00, Saturday 8:00–16:00, Japanese time;
/// closed on Sundays and `holidays`.
pub fn is_open(at: Timestamp, holidays: &Holidays) -> bool {
    let local = in_japan(at);
    let closes = match local.date().weekday() {
        Weekday::Sunday => return false,
        Weekday::Saturday => time(16, 0, 0, 0),
        _ => time(18, 0, 0, 0),
    };
    !holidays.contains(local.date()) && local.time() >= time(8, 0, 0, 0) && local.time() < closes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open(at: &str) -> bool {
        is_open(at.parse().unwrap(), &Holidays::shipped().unwrap())
    }

    #[test]
    fn r36_weekdays_are_open_from_eight_to_six_in_japan() {
        // 2025-09-19 is a Friday.
        assert!(!open("2025-09-19T07:59:59+09:00"));
        assert!(open("2025-09-19T08:00:00+09:00"));
        assert!(open("2025-09-19T17:59:59+09:00"));
        assert!(!open("2025-09-19T18:00:00+09:00"));
    }

    #[test]
    fn r36_saturdays_close_at_four_and_sundays_stay_closed() {
        assert!(open("2025-09-20T15:59:59+09:00"));
        assert!(!open("2025-09-20T16:00:00+09:00"));
        assert!(!open("2025-09-21T12:00:00+09:00"));
    }

    #[test]
    fn r36_holidays_are_closed_whatever_the_weekday() {
        assert!(open("2025-09-22T12:00:00+09:00"));
        // 秋分の日, a Tuesday.
        assert!(!open("2025-09-23T12:00:00+09:00"));
    }

    #[test]
    fn r36_the_hours_are_those_of_japan_and_not_of_the_box() {
        // Monday morning in Japan is still Sunday in UTC.
        assert!(open("2025-09-21T23:30:00Z"));
    }
}
