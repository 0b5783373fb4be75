//! Whether phones work at this hospital today: what patients ask, and when the hospital should be taken off
//! the Ministry's list of facilities.

use jiff::{SignedDuration, Timestamp};

/// A lane that is to take phones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LanePhones {
    /// Whether the button is shown.
    pub offered: bool,
    /// Since when it is, or is not.
    pub since: Option<Timestamp>,
}

/// Whether phones work today.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Today {
    /// At one lane at least.
    Accepted {
        /// Since when, without a break, as far as this program has seen.
        since: Option<Timestamp>,
    },
    /// At none, though they are wanted.
    Down {
        /// Since when.
        since: Option<Timestamp>,
    },
    /// The hospital does not take phones.
    NotWanted,
}

impl Today {
    /// The same, where phones are known to have been down since `earlier`.
    #[must_use]
    pub fn known_down_since(self, earlier: Option<Timestamp>) -> Self {
        match self {
            Self::Down { since } => Self::Down { since: [earlier, since].into_iter().flatten().min() },
            other => other,
        }
    }
}

/// What the lanes that are to take phones mean together for a patient.
pub fn today(lanes: &[LanePhones]) -> Today {
    if let Some(since) = lanes.iter().filter(|lane| lane.offered).map(|lane| lane.since).min() {
        return Today::Accepted { since };
    }
    // They have been down since the last lane that had them lost them.
    match lanes.iter().map(|lane| lane.since).max() {
        Some(since) => Today::Down { since },
        None => Today::NotWanted,
    }
}

/// Whether the operator is to be asked to phone the call centre, so that the hospital leaves the list: it is on
/// the list, which begins with its first confirmed phone, and phones have been down for longer than `after`.
pub fn should_leave_list(today: Today, listed: bool, now: Timestamp, after: SignedDuration) -> bool {
    match today {
        Today::Down { since: Some(since) } => listed && now.duration_since(since) > after,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hour(hour: i64) -> Timestamp {
        Timestamp::from_second(1_780_000_000 + hour * 3600).unwrap()
    }

    fn lane(offered: bool, since: i64) -> LanePhones {
        LanePhones { offered, since: Some(hour(since)) }
    }

    #[test]
    fn r35_phones_work_today_when_one_lane_takes_them() {
        let lanes = [lane(false, 1), lane(true, 3), lane(true, 2)];
        assert_eq!(today(&lanes), Today::Accepted { since: Some(hour(2)) });
        assert_eq!(today(&[lane(false, 1), lane(false, 4)]), Today::Down { since: Some(hour(4)) });
        assert_eq!(today(&[]), Today::NotWanted);
    }

    #[test]
    fn r34_what_was_known_before_a_restart_counts_only_while_they_are_down() {
        let down = |since: Option<i64>| Today::Down { since: since.map(hour) };
        assert_eq!(down(Some(4)).known_down_since(Some(hour(2))), down(Some(2)));
        assert_eq!(down(Some(4)).known_down_since(Some(hour(6))), down(Some(4)));
        assert_eq!(down(Some(4)).known_down_since(None), down(Some(4)));
        assert_eq!(down(None).known_down_since(Some(hour(2))), down(Some(2)));
        let accepted = Today::Accepted { since: Some(hour(4)) };
        assert_eq!(accepted.known_down_since(Some(hour(2))), accepted);
    }

    #[test]
    fn r34_the_operator_is_prompted_once_phones_are_down_too_long_and_only_when_listed() {
        let day = SignedDuration::from_hours(24);
        let down = Today::Down { since: Some(hour(0)) };
        assert!(!should_leave_list(down, true, hour(24), day));
        assert!(should_leave_list(down, true, hour(25), day));
        assert!(!should_leave_list(down, false, hour(25), day));
        assert!(!should_leave_list(Today::Accepted { since: Some(hour(0)) }, true, hour(25), day));
        assert!(!should_leave_list(Today::NotWanted, true, hour(25), day));
    }
}
