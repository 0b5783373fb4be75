//! The box's clock, as chrony sees it. Certificates, evidence and the audit log need a true one.
//!
//! What visits do at each stage: at *warning* and *critical* alike they go on as ever. The centre judges a statement's time
//! itself, and refuses one that is too far off; a patient is never turned away because of a suspicion of the box. A clock
//! that is a day off shows as certificates that are not valid yet or any more: then the line is down, visits are deferred,
//! and this stage says why.

use jiff::Timestamp;
use madoguchi_protocol::messages::line::{ClockReport, ClockStage};
use std::{process::Stdio, time::Duration};
use tokio::{
    process::Command,
    time::{Instant, timeout},
};

/// How long chrony may take to answer.
const PATIENCE: Duration = Duration::from_secs(2);
/// Off by this much in microseconds: somebody should look; and: it can't be relied on.
const OFFSETS_US: [i64; 2] = [1_000_000, 60_000_000];
/// Without a time server for so long: somebody should look; and: it can't be relied on.
const ALONE: [Duration; 2] = [Duration::from_secs(3_600), Duration::from_secs(24 * 3_600)];
/// Fields of `chronyc -c tracking`.
const FIELDS: usize = 14;

/// What chrony says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tracking {
    /// How long ago it last heard of the time from a server; never since its start, if not set. It goes on calling itself
    /// synchronised however long the servers are silent, so this is what counts.
    pub heard: Option<Duration>,
    /// How far the clock is from true time, in microseconds; the sign is chrony's.
    pub offset_us: i64,
}

impl Tracking {
    /// Whether it follows a time server.
    pub fn synchronised(&self) -> bool {
        self.heard.is_some_and(|ago| ago < ALONE[0])
    }
}

/// Why chrony does not tell.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ClockError {
    /// It does not run, or is not installed.
    #[error("chrony does not answer ({0}); check that its service runs")]
    NoAnswer(String),
    /// It says something else than expected.
    #[error("what chrony says can't be read; check its version")]
    Unreadable,
}

/// Asks chrony.
pub async fn ask() -> Result<Tracking, ClockError> {
    let mut command = Command::new("chronyc");
    command.args(["-n", "-c", "tracking"]).stdin(Stdio::null()).kill_on_drop(true);
    let output = match timeout(PATIENCE, command.output()).await {
        Ok(Ok(output)) if output.status.success() => output.stdout,
        Ok(Ok(output)) => return Err(ClockError::NoAnswer(output.status.to_string())),
        Ok(Err(error)) => return Err(ClockError::NoAnswer(error.to_string())),
        Err(_) => return Err(ClockError::NoAnswer("no answer in time".into())),
    };
    read(&output, Timestamp::now())
}

/// Reads the one line of `chronyc -c tracking`, said at `now` by the box's clock.
pub fn read(bytes: &[u8], now: Timestamp) -> Result<Tracking, ClockError> {
    let text = std::str::from_utf8(bytes).map_err(|_| ClockError::Unreadable)?;
    let fields: Vec<_> = text.trim_end().split(',').take(FIELDS + 1).collect();
    let [_, _, stratum, heard, offset, .., leap] = fields[..] else { return Err(ClockError::Unreadable) };
    if fields.len() != FIELDS {
        return Err(ClockError::Unreadable);
    }
    let stratum: u8 = stratum.parse().map_err(|_| ClockError::Unreadable)?;
    let offset: f64 = offset.parse().map_err(|_| ClockError::Unreadable)?;
    let heard: f64 = heard.parse().map_err(|_| ClockError::Unreadable)?;
    if !offset.is_finite() || !heard.is_finite() {
        return Err(ClockError::Unreadable);
    }
    #[expect(
        clippy::cast_possible_truncation,
        reason = "it saturates, and an age of the world is off enough"
    )]
    let offset_us = (offset * 1e6) as i64;
    // A clock that was put back since then heard it just now; no age of the world is too long.
    let ago = now.as_duration().as_secs_f64() - heard;
    let ago = Duration::try_from_secs_f64(ago.max(0.0)).unwrap_or(Duration::MAX);
    let follows = stratum > 0 && leap != "Not synchronised";
    Ok(Tracking { heard: follows.then_some(ago), offset_us })
}

/// Follows the clock.
#[derive(Clone, Debug)]
pub struct Clock {
    /// When a time server was last heard, or the box began to listen for one.
    heard: Instant,
}

impl Clock {
    /// A clock of which nothing is known at `now`.
    pub fn new(now: Instant) -> Self {
        Self { heard: now }
    }

    /// Takes what chrony says, or nothing where it does not answer.
    pub fn judge(&mut self, tracking: Option<Tracking>, now: Instant) -> ClockReport {
        let ago = tracking.and_then(|it| it.heard);
        let mut alone = now.saturating_duration_since(self.heard);
        if let Some(ago) = ago {
            alone = ago;
            // Longer ago than this machine counts back: what was known before is as good.
            self.heard = now.checked_sub(ago).unwrap_or(self.heard);
        }
        let synchronised = tracking.is_some_and(|it| it.synchronised());
        let off = tracking.map_or(0, |it| it.offset_us.saturating_abs());
        let stage = if off >= OFFSETS_US[1] || alone >= ALONE[1] {
            ClockStage::Critical
        } else if off >= OFFSETS_US[0] || alone >= ALONE[0] {
            ClockStage::Warning
        } else {
            ClockStage::Good
        };
        ClockReport { synchronised, offset_us: tracking.map(|it| it.offset_us), stage }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEARD: &str = "1796050800.123";
    const GOOD: &str = "C0000201,192.0.2.1,3,1796050800.123,-0.000012345,0.000001,0.000020,-7.1,0.001,0.02,0.004,0.0005,64.2,Normal\n";
    const ALONE_LINE: &str = "00000000,,0,0.000000000,0.000000000,0.000000000,0.000000000,0.000,0.000,0.000,1.0,1.0,0.0,Not synchronised\n";

    fn now() -> Timestamp {
        Timestamp::from_second(1_796_050_860).unwrap()
    }

    /// A clock that follows a server.
    fn follows(offset_us: i64) -> Option<Tracking> {
        Some(Tracking { heard: Some(Duration::ZERO), offset_us })
    }

    #[test]
    fn chronys_line_is_read_and_anything_else_refused() {
        let good = read(GOOD.as_bytes(), now()).unwrap();
        assert_eq!((good.synchronised(), good.offset_us), (true, -12));
        assert_eq!(good.heard.unwrap().as_secs(), 59);
        let alone = Tracking { heard: None, offset_us: 0 };
        assert_eq!(read(ALONE_LINE.as_bytes(), now()), Ok(alone));
        for bad in
            ["", "506 Cannot talk to daemon", &GOOD.replace(",3,", ",x,"), &GOOD.replace("Normal", "a,b")]
        {
            assert_eq!(read(bad.as_bytes(), now()), Err(ClockError::Unreadable), "{bad}");
        }
        for number in ["-0.000012345", HEARD] {
            assert_eq!(read(GOOD.replace(number, "NaN").as_bytes(), now()), Err(ClockError::Unreadable));
        }
    }

    #[test]
    fn a_clock_whose_servers_fell_silent_is_alone_though_chrony_calls_it_normal() {
        let at = |heard: &str| read(GOOD.replace(HEARD, heard).as_bytes(), now()).unwrap();
        let judge = |tracking| {
            let zero = Instant::now();
            let report = Clock::new(zero).judge(Some(tracking), zero);
            (report.synchronised, report.stage)
        };
        let ago = |seconds: i64| at(&format!("{}.5", now().as_second() - seconds));
        assert_eq!(judge(ago(3_000)), (true, ClockStage::Good));
        assert_eq!(judge(ago(3_700)), (false, ClockStage::Warning));
        assert_eq!(judge(ago(90_000)), (false, ClockStage::Critical));
        assert_eq!(judge(ago(-90_000)), (true, ClockStage::Good), "the clock was put back since");
        assert_eq!(judge(at("-1e300")), (false, ClockStage::Critical));
    }

    #[test]
    fn a_clock_without_a_time_server_is_a_warning_after_an_hour_and_critical_after_a_day() {
        let zero = Instant::now();
        let mut clock = Clock::new(zero);
        let alone = Some(Tracking { heard: None, offset_us: 0 });
        let mut at = |tracking, seconds| clock.judge(tracking, zero + Duration::from_secs(seconds)).stage;
        assert_eq!(at(alone, 10), ClockStage::Good, "a box that has just started");
        assert_eq!(at(None, 3_600), ClockStage::Warning, "chrony is not there at all");
        assert_eq!(at(alone, 86_400), ClockStage::Critical);
        assert_eq!(at(follows(5), 86_401), ClockStage::Good);
        assert_eq!(at(alone, 90_000), ClockStage::Good, "the hour begins anew");
    }

    #[test]
    fn a_clock_that_is_off_is_a_warning_from_a_second_and_critical_from_a_minute() {
        let zero = Instant::now();
        let at = |offset_us| Clock::new(zero).judge(follows(offset_us), zero).stage;
        assert_eq!(at(-999_999), ClockStage::Good);
        assert_eq!(at(-1_000_000), ClockStage::Warning);
        assert_eq!(at(60_000_000), ClockStage::Critical);
        assert_eq!(at(i64::MIN), ClockStage::Critical);
    }
}
