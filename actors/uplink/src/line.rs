//! One line: judged from what happens to its tunnel, and from probes and real requests alike.
//!
//! A pure state machine; times come in as values. What it must keep is that evidence is weighed in the order in which it
//! was *gathered*: a request that hung for eight seconds says nothing about a line over which another was answered
//! meanwhile, nor about a tunnel that was built since.

use crate::vpn::tunnel::Tunnel;
use jiff::Timestamp;
use madoguchi_protocol::messages::line::Stage;
use std::time::Duration;
use tokio::time::Instant;

/// So many failures in a row mean that the centre is not reached.
pub const FAILURES: u32 = 2;
/// Of so many pieces of evidence, the newest, …
const REMEMBERED: u32 = 16;
/// … so many blemished ones make a line *degraded*: about the fifth part that makes an outage.
pub const BLEMISHES: u32 = 3;
/// So long after the start nobody is told that there is no tunnel: it is being built.
const FIRST_TUNNEL: Duration = Duration::from_secs(3);

/// What one request or probe tells about the line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Evidence {
    /// The centre answered.
    Answered,
    /// It answered a probe, but late.
    AnsweredLate,
    /// Nobody listens or there is no way there: no doubt.
    Refused,
    /// No answer, no connection, or a broken one: may be chance, once.
    NoAnswer,
}

impl Evidence {
    /// Its name in metrics.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Answered => "answered",
            Self::AnsweredLate => "late",
            Self::Refused => "refused",
            Self::NoAnswer => "unanswered",
        }
    }

    /// Whether the centre answered.
    pub fn is_answer(self) -> bool {
        matches!(self, Self::Answered | Self::AnsweredLate)
    }
}

/// What is known of the way to the centre.
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
    /// What is known of its tunnel; nothing where somebody else holds it, or nobody.
    tunnel: Option<Tunnel>,
    /// When the tunnel last came or went.
    tunnel_since: Option<Instant>,
    state: LineState,
    failures: u32,
    /// The newest evidence, one bit for each, set where it was blemished.
    recent: u32,
    /// When the newest answer came.
    answered: Option<Instant>,
    /// When the newest failure that counts came.
    failed: Option<Instant>,
    stage: Stage,
    since: Timestamp,
    stage_began: Instant,
    born: Instant,
}

impl Line {
    /// A line of which nothing is known. `tunnel` is whether its tunnel will be heard of.
    pub fn new(tunnel: bool, now: Instant, wall: Timestamp) -> Self {
        Self {
            tunnel: tunnel.then_some(Tunnel::Down),
            tunnel_since: None,
            state: LineState::Unknown,
            failures: 0,
            recent: 0,
            answered: None,
            failed: None,
            stage: if tunnel { Stage::Down } else { Stage::Connecting },
            since: wall,
            stage_began: now,
            born: now,
        }
    }

    /// How far it has got.
    pub fn stage(&self) -> Stage {
        self.stage
    }

    /// Since when, by the wall clock.
    pub fn since(&self) -> Timestamp {
        self.since
    }

    /// Since when.
    pub fn began(&self) -> Instant {
        self.stage_began
    }

    /// Whether the centre answers over it.
    pub fn state(&self) -> LineState {
        self.state
    }

    /// Its tunnel came, went or got another address inside. Says whether the stage changed.
    pub fn tunnel(&mut self, tunnel: Tunnel, now: Instant, wall: Timestamp) -> bool {
        if self.tunnel == Some(tunnel) {
            return false;
        }
        self.tunnel = Some(tunnel);
        self.tunnel_since = Some(now);
        // What was known of the old tunnel says nothing about the new one.
        if self.state == LineState::Up {
            self.state = LineState::Down;
        }
        self.failures = 0;
        self.settle(now, wall)
    }

    /// There was no tunnel to probe it through. Right after the start that is as it should be.
    pub fn missing(&mut self, now: Instant, wall: Timestamp) -> bool {
        if self.state == LineState::Unknown && now.saturating_duration_since(self.born) >= FIRST_TUNNEL {
            self.state = LineState::Down;
            self.settle(now, wall);
            return true;
        }
        false
    }

    /// Takes evidence gathered from `started` to `ended` (which is `wall` by the wall clock). Says whether the stage
    /// changed.
    pub fn note(&mut self, evidence: Evidence, started: Instant, ended: Instant, wall: Timestamp) -> bool {
        let before = |moment: Option<Instant>| moment.is_some_and(|moment| started < moment);
        if before(self.tunnel_since) || matches!(self.tunnel, Some(Tunnel::Down | Tunnel::Connecting)) {
            return false;
        }
        if evidence.is_answer() {
            self.remember(evidence == Evidence::AnsweredLate);
            self.failures = 0;
            self.answered = Some(ended);
            self.state = LineState::Up;
            return self.settle(ended, wall);
        }
        if before(self.answered) {
            return false;
        }
        match evidence {
            Evidence::Refused => self.state = LineState::Down,
            // Requests that fail side by side are one failure, not many in a row.
            _ if before(self.failed) => return false,
            _ => {
                self.failures = self.failures.saturating_add(1);
                self.failed = Some(ended);
                if self.failures >= FAILURES {
                    self.state = LineState::Down;
                }
            }
        }
        self.remember(true);
        self.settle(ended, wall)
    }

    fn remember(&mut self, blemished: bool) {
        self.recent = (self.recent << 1 | u32::from(blemished)) & ((1 << REMEMBERED) - 1);
    }

    fn settle(&mut self, now: Instant, wall: Timestamp) -> bool {
        let stage = match (self.tunnel, self.state) {
            (Some(Tunnel::Down), _) => Stage::Down,
            (Some(Tunnel::Connecting), _) => Stage::Connecting,
            (_, LineState::Up) if self.recent.count_ones() >= BLEMISHES => Stage::Degraded,
            (_, LineState::Up) => Stage::CentreReachable,
            (Some(Tunnel::Up(_)), _) => Stage::TunnelUp,
            (None, LineState::Unknown) => Stage::Connecting,
            (None, LineState::Down) => Stage::Down,
        };
        let changed = stage != self.stage;
        if changed {
            (self.stage, self.since, self.stage_began) = (stage, wall, now);
        }
        changed
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    struct Bench {
        line: Line,
        zero: Instant,
    }

    impl Bench {
        fn new(tunnel: bool) -> Self {
            let zero = Instant::now();
            Self { line: Line::new(tunnel, zero, Timestamp::UNIX_EPOCH), zero }
        }

        fn at(&self, second: u64) -> (Instant, Timestamp) {
            (self.zero + Duration::from_secs(second), Timestamp::from_second(second as i64).unwrap())
        }

        /// Evidence from second `from` to second `to`.
        fn note(&mut self, evidence: Evidence, from: u64, to: u64) -> LineState {
            let ((started, _), (ended, wall)) = (self.at(from), self.at(to));
            self.line.note(evidence, started, ended, wall);
            self.line.state()
        }

        fn tunnel(&mut self, tunnel: Tunnel, at: u64) -> Stage {
            let (now, wall) = self.at(at);
            self.line.tunnel(tunnel, now, wall);
            self.line.stage()
        }
    }

    fn up() -> Tunnel {
        Tunnel::Up([10, 98, 1, 1].into())
    }

    #[test]
    fn one_failure_may_be_chance_and_two_in_a_row_are_not() {
        let mut bench = Bench::new(false);
        assert_eq!(bench.note(Evidence::Answered, 0, 1), LineState::Up);
        assert_eq!(bench.note(Evidence::NoAnswer, 1, 2), LineState::Up);
        assert_eq!(bench.note(Evidence::Answered, 2, 3), LineState::Up);
        assert_eq!(bench.note(Evidence::NoAnswer, 3, 4), LineState::Up);
        assert_eq!(bench.note(Evidence::NoAnswer, 4, 5), LineState::Down);
        assert_eq!(bench.line.since(), Timestamp::from_second(5).unwrap());
    }

    #[test]
    fn a_refusal_leaves_no_doubt_and_the_first_answer_brings_the_line_back() {
        let mut bench = Bench::new(false);
        assert_eq!(bench.note(Evidence::Refused, 0, 0), LineState::Down);
        assert_eq!(bench.note(Evidence::Refused, 1, 1), LineState::Down);
        assert_eq!(bench.line.since(), Timestamp::from_second(0).unwrap(), "still the same outage");
        assert_eq!(bench.note(Evidence::Answered, 2, 3), LineState::Up);
    }

    #[test]
    fn a_request_that_hung_says_nothing_when_another_was_answered_meanwhile() {
        let mut bench = Bench::new(false);
        bench.note(Evidence::Answered, 7, 8);
        for _ in 0..5 {
            assert_eq!(bench.note(Evidence::NoAnswer, 1, 9), LineState::Up);
        }
        assert_eq!(bench.note(Evidence::Refused, 6, 10), LineState::Up);
    }

    #[test]
    fn failures_side_by_side_are_one() {
        let mut bench = Bench::new(false);
        bench.note(Evidence::Answered, 0, 1);
        for _ in 0..16 {
            assert_eq!(bench.note(Evidence::NoAnswer, 2, 4), LineState::Up);
        }
        assert_eq!(bench.note(Evidence::NoAnswer, 4, 5), LineState::Down);
    }

    #[test]
    fn a_line_goes_from_stage_to_stage_and_a_lost_tunnel_is_known_at_once() {
        let mut bench = Bench::new(true);
        assert_eq!(bench.line.stage(), Stage::Down);
        assert_eq!(bench.tunnel(Tunnel::Connecting, 1), Stage::Connecting);
        assert_eq!(bench.tunnel(up(), 2), Stage::TunnelUp);
        bench.note(Evidence::Answered, 2, 3);
        assert_eq!(bench.line.stage(), Stage::CentreReachable);
        assert_eq!(bench.tunnel(Tunnel::Down, 4), Stage::Down);
        assert_eq!(bench.line.state(), LineState::Down);
        bench.note(Evidence::Answered, 3, 5);
        assert_eq!(bench.line.stage(), Stage::Down, "an answer that was asked for through the lost tunnel");
        assert_eq!(bench.tunnel(up(), 6), Stage::TunnelUp);
    }

    #[test]
    fn a_tunnel_that_does_not_come_at_all_is_down_after_three_seconds() {
        let mut bench = Bench::new(true);
        let (now, wall) = bench.at(2);
        assert!(!bench.line.missing(now, wall));
        assert_eq!(bench.line.state(), LineState::Unknown, "it is being built");
        let (now, wall) = bench.at(3);
        assert!(bench.line.missing(now, wall));
        assert_eq!(bench.line.state(), LineState::Down);
    }

    #[test]
    fn a_tunnel_through_which_nothing_comes_is_up_and_no_more() {
        let mut bench = Bench::new(true);
        bench.tunnel(up(), 0);
        bench.note(Evidence::Answered, 0, 1);
        bench.note(Evidence::NoAnswer, 1, 2);
        bench.note(Evidence::NoAnswer, 2, 3);
        assert_eq!((bench.line.stage(), bench.line.state()), (Stage::TunnelUp, LineState::Down));
    }

    #[test]
    fn late_and_missing_answers_degrade_a_line_until_they_are_forgotten() {
        let mut bench = Bench::new(false);
        bench.note(Evidence::Answered, 0, 1);
        for second in 1..4 {
            bench.note(Evidence::AnsweredLate, second, second + 1);
        }
        assert_eq!(bench.line.stage(), Stage::Degraded);
        assert_eq!(bench.line.state(), LineState::Up, "it is used all the same");
        for second in 4..20 {
            bench.note(Evidence::Answered, second, second + 1);
        }
        assert_eq!(bench.line.stage(), Stage::CentreReachable);
    }

    #[derive(Clone, Debug)]
    enum Happening {
        Tunnel(Tunnel),
        Note(Evidence, u64),
    }

    fn happening() -> impl Strategy<Value = Happening> {
        let tunnel = prop_oneof![Just(Tunnel::Down), Just(Tunnel::Connecting), Just(up())];
        let evidence = prop_oneof![
            Just(Evidence::Answered),
            Just(Evidence::AnsweredLate),
            Just(Evidence::Refused),
            Just(Evidence::NoAnswer)
        ];
        prop_oneof![
            tunnel.prop_map(Happening::Tunnel),
            (evidence, 0..5_u64).prop_map(|(e, s)| Happening::Note(e, s))
        ]
    }

    proptest! {
        /// Whatever happens in whatever order: the stage never contradicts the tunnel, the centre is called reachable
        /// only by an answer asked for through the present tunnel, and two fresh failures are always enough.
        #[test]
        fn the_stage_never_says_more_than_is_known(watched: bool, all in prop::collection::vec(happening(), 0..200)) {
            let mut bench = Bench::new(watched);
            let mut tunnel = watched.then_some(Tunnel::Down);
            let mut proven = false;
            let mut tunnel_at = 0;
            for (second, happening) in (10..).zip(all) {
                match happening {
                    Happening::Tunnel(now) if watched => {
                        if tunnel != Some(now) {
                            (tunnel, proven, tunnel_at) = (Some(now), false, second);
                        }
                        bench.tunnel(now, second);
                    }
                    Happening::Tunnel(_) => {}
                    Happening::Note(evidence, back) => {
                        proven |= evidence.is_answer() && second - back >= tunnel_at;
                        bench.note(evidence, second - back, second);
                    }
                }
                let stage = bench.line.stage();
                match tunnel {
                    Some(Tunnel::Down) => prop_assert_eq!(stage, Stage::Down),
                    Some(Tunnel::Connecting) => prop_assert_eq!(stage, Stage::Connecting),
                    Some(Tunnel::Up(_)) => prop_assert!(stage >= Stage::TunnelUp),
                    None => prop_assert!(stage != Stage::TunnelUp),
                }
                prop_assert!(!stage.reaches() || proven);
                prop_assert_eq!(stage.reaches(), bench.line.state() == LineState::Up);
            }
            bench.note(Evidence::NoAnswer, 1_000, 1_001);
            bench.note(Evidence::NoAnswer, 1_001, 1_002);
            prop_assert!(!bench.line.stage().reaches());
        }
    }
}
