//! Whether the line is up: judged from probes and from real requests alike.
//!
//! A pure state machine; times come in as values. Issue by issue it may grow stages; what it must keep is
//! that evidence is weighed in the order in which it was *gathered*: a request that hung for eight seconds
//! says nothing about a line over which another was answered meanwhile.

use jiff::Timestamp;
use tokio::time::Instant;

/// So many failures in a row mean that the line is down.
pub const FAILURES: u32 = 2;

/// What one request or probe tells about the line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Evidence {
    /// The centre answered.
    Answered,
    /// Nobody listens or there is no way there: no doubt.
    Refused,
    /// No answer, no connection, or a broken one: may be chance, once.
    NoAnswer,
}

/// What is known of the line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LineState {
    /// Nothing yet.
    Unknown,
    /// The centre answers.
    Up,
    /// It does not.
    Down,
}

/// The line.
#[derive(Clone, Debug)]
pub struct Line {
    state: LineState,
    since: Timestamp,
    failures: u32,
    /// When the newest answer came.
    answered: Option<Instant>,
    /// When the newest failure that counts came.
    failed: Option<Instant>,
}

impl Line {
    /// A line of which nothing is known at `now`.
    pub fn new(now: Timestamp) -> Self {
        Self { state: LineState::Unknown, since: now, failures: 0, answered: None, failed: None }
    }

    /// What is known.
    pub fn state(&self) -> LineState {
        self.state
    }

    /// Since when.
    pub fn since(&self) -> Timestamp {
        self.since
    }

    /// Takes evidence gathered from `started` to `ended` (which is `now` by the wall clock). Says whether the
    /// state changed.
    pub fn note(&mut self, evidence: Evidence, started: Instant, ended: Instant, now: Timestamp) -> bool {
        let before = |moment: Option<Instant>| moment.is_some_and(|moment| started < moment);
        let state = match evidence {
            Evidence::Answered => {
                self.failures = 0;
                self.answered = Some(ended);
                LineState::Up
            }
            _ if before(self.answered) => return false,
            Evidence::Refused => LineState::Down,
            // Requests that fail side by side are one failure, not many in a row.
            Evidence::NoAnswer if before(self.failed) => return false,
            Evidence::NoAnswer => {
                self.failures = self.failures.saturating_add(1);
                self.failed = Some(ended);
                if self.failures < FAILURES {
                    return false;
                }
                LineState::Down
            }
        };
        let changed = state != self.state;
        if changed {
            (self.state, self.since) = (state, now);
        }
        changed
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    struct Bench {
        line: Line,
        zero: Instant,
    }

    impl Bench {
        fn new() -> Self {
            Self { line: Line::new(Timestamp::UNIX_EPOCH), zero: Instant::now() }
        }

        /// Evidence from second `from` to second `to`.
        fn note(&mut self, evidence: Evidence, from: u64, to: u64) -> LineState {
            let at = |second| self.zero + Duration::from_secs(second);
            let now = Timestamp::from_second(to as i64).unwrap();
            self.line.note(evidence, at(from), at(to), now);
            self.line.state()
        }
    }

    #[test]
    fn one_failure_may_be_chance_and_two_in_a_row_are_not() {
        let mut bench = Bench::new();
        assert_eq!(bench.note(Evidence::Answered, 0, 1), LineState::Up);
        assert_eq!(bench.note(Evidence::NoAnswer, 1, 2), LineState::Up);
        assert_eq!(bench.note(Evidence::Answered, 2, 3), LineState::Up);
        assert_eq!(bench.note(Evidence::NoAnswer, 3, 4), LineState::Up);
        assert_eq!(bench.note(Evidence::NoAnswer, 4, 5), LineState::Down);
        assert_eq!(bench.line.since(), Timestamp::from_second(5).unwrap());
    }

    #[test]
    fn a_refusal_leaves_no_doubt_and_the_first_answer_brings_the_line_back() {
        let mut bench = Bench::new();
        assert_eq!(bench.note(Evidence::Refused, 0, 0), LineState::Down);
        assert_eq!(bench.note(Evidence::Refused, 1, 1), LineState::Down);
        assert_eq!(bench.line.since(), Timestamp::from_second(0).unwrap(), "still the same outage");
        assert_eq!(bench.note(Evidence::Answered, 2, 3), LineState::Up);
    }

    #[test]
    fn a_request_that_hung_says_nothing_when_another_was_answered_meanwhile() {
        let mut bench = Bench::new();
        bench.note(Evidence::Answered, 7, 8);
        for _ in 0..5 {
            assert_eq!(bench.note(Evidence::NoAnswer, 1, 9), LineState::Up);
        }
        assert_eq!(bench.note(Evidence::Refused, 6, 10), LineState::Up);
    }

    #[test]
    fn failures_side_by_side_are_one() {
        let mut bench = Bench::new();
        bench.note(Evidence::Answered, 0, 1);
        for _ in 0..16 {
            assert_eq!(bench.note(Evidence::NoAnswer, 2, 4), LineState::Up);
        }
        assert_eq!(bench.note(Evidence::NoAnswer, 4, 5), LineState::Down);
    }
}
