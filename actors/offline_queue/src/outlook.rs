//! How long an outage may still last: the room that is left, at the rate at which confirmations come in.

use std::collections::VecDeque;

use crate::store::{Millis, Quota, Status};

const MINUTE: Millis = 60_000;
/// The rate is that of the last hour, or of the time since the start while that is less.
const MINUTES: u64 = 60;
/// Before this many minutes, a rate says nothing.
const FEWEST_MINUTES: u64 = 5;
/// What a confirmation takes, sealed, as long as none is there to be measured.
const USUAL_BYTES: u64 = 2_500;

/// Counts what is accepted, minute by minute, for an hour.
#[derive(Debug, Default)]
pub struct Arrivals {
    began: Option<Millis>,
    /// Minute and number, ascending.
    minutes: VecDeque<(u64, u64)>,
}

impl Arrivals {
    /// One more was accepted. Before the first call, the count has not begun.
    pub fn note(&mut self, now: Millis) {
        self.began.get_or_insert(now);
        let minute = now / MINUTE;
        match self.minutes.back_mut() {
            Some((last, count)) if *last >= minute => *count += 1,
            _ => self.minutes.push_back((minute, 1)),
        }
        while self.minutes.front().is_some_and(|(first, _)| first + MINUTES <= minute) {
            self.minutes.pop_front();
        }
    }

    /// Hours of outage that the room lasts for at the present rate, rounded down. `None` while nothing comes in or
    /// too little time has passed to tell.
    pub fn hours_left(&self, status: &Status, quota: &Quota, now: Millis) -> Option<u64> {
        let watched = (now.saturating_sub(self.began?) / MINUTE).min(MINUTES);
        let oldest = (now / MINUTE).saturating_sub(MINUTES);
        let came: u64 =
            self.minutes.iter().filter(|(minute, _)| *minute > oldest).map(|(_, count)| count).sum();
        if watched < FEWEST_MINUTES || came == 0 {
            return None;
        }
        let there = status.waiting + status.answered + status.set_aside;
        let each = status.bytes.checked_div(there).filter(|each| *each > 0).unwrap_or(USUAL_BYTES);
        let by_bytes = quota.bytes.saturating_sub(status.bytes) / each;
        let room = quota.records.saturating_sub(there).min(by_bytes);
        Some(room.saturating_mul(watched) / (came * MINUTES))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{GivenUp, Level};

    const NOW: Millis = 1_000_000 * MINUTE;

    fn status(waiting: u64, bytes: u64) -> Status {
        Status {
            practice: 0,
            waiting,
            answered: 0,
            set_aside: 0,
            bytes,
            oldest: None,
            level: Level::Ok,
            given_up: GivenUp::default(),
            commits: 0,
        }
    }

    fn quota(records: u64, bytes: u64) -> Quota {
        Quota { records, bytes, ..Quota::default() }
    }

    /// `each` a minute for so many minutes.
    fn arrivals(minutes: u64, each: u64) -> Arrivals {
        let mut arrivals = Arrivals::default();
        for minute in 0..minutes {
            for _ in 0..each {
                arrivals.note(NOW + minute * MINUTE);
            }
        }
        arrivals
    }

    #[test]
    fn room_lasts_as_long_as_the_rate_of_the_last_hour_says() {
        let at = NOW + 120 * MINUTE;
        // 10 a minute for two hours: 600 an hour; 6,000 places are 10 hours.
        let hours = arrivals(120, 10).hours_left(&status(1_000, 1_000_000), &quota(7_000, u64::MAX), at);
        assert_eq!(hours, Some(10));
        // Ten minutes after the start the rate is that of ten minutes.
        let at = NOW + 10 * MINUTE;
        assert_eq!(arrivals(10, 10).hours_left(&status(100, 100_000), &quota(6_100, u64::MAX), at), Some(10));
    }

    #[test]
    fn bytes_may_be_what_runs_out_first() {
        let at = NOW + 60 * MINUTE;
        let hours =
            arrivals(60, 10).hours_left(&status(100, 200_000), &quota(1 << 20, 200_000 + 2_400_000), at);
        // 1,200 records of 2,000 bytes.
        assert_eq!(hours, Some(2));
    }

    #[test]
    fn nobody_is_told_hours_that_nobody_knows() {
        let quota = quota(1_000, 1 << 30);
        assert_eq!(Arrivals::default().hours_left(&status(0, 0), &quota, NOW), None);
        assert_eq!(arrivals(2, 10).hours_left(&status(0, 0), &quota, NOW + 2 * MINUTE), None);
        assert_eq!(
            arrivals(10, 10).hours_left(&status(0, 0), &quota, NOW + 600 * MINUTE),
            None,
            "a quiet night"
        );
    }

    #[test]
    fn full_queue_has_no_hours_left() {
        let at = NOW + 60 * MINUTE;
        assert_eq!(arrivals(60, 1).hours_left(&status(50, 50_000), &quota(50, 1 << 30), at), Some(0));
    }
}
