//! Japan's days and hours. Japan keeps one offset and no summer time, so no time zone database is needed.

use jiff::{
    Timestamp,
    civil::DateTime,
    tz::{Offset, TimeZone},
};

/// The local time in Japan (JST, UTC+9).
pub fn in_japan(at: Timestamp) -> DateTime {
    at.to_zoned(TimeZone::fixed(Offset::constant(9))).datetime()
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    #[test]
    fn a_day_begins_in_japan_at_fifteen_hours_utc() {
        assert_eq!(in_japan("2025-09-18T14:59:59Z".parse().unwrap()).date(), date(2025, 9, 18));
        assert_eq!(in_japan("2025-09-18T15:00:00Z".parse().unwrap()).date(), date(2025, 9, 19));
    }
}
