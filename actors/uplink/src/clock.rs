//! The box's clock, as chrony sees it. Certificates, evidence and the audit log need a true one.
//!
//! What visits do at each stage: at *warning* and *critical* alike they go on as ever. The centre judges a statement's time
//! itself, and refuses one that is too far off; a patient is never turned away because of a suspicion of the box. A clock
//! that is a day off shows as certificates that are not valid yet or any more: then the line is down, visits are deferred,
//! and this stage says why.

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
    /// Whether it follows a time server.
    pub synchronised: bool,
    /// How far the clock is from true time, in microseconds; the sign is chrony's.
    pub offset_us: i64,
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
    read(&output)
}

/// Reads the one line of `chronyc -c tracking`.
pub fn read(bytes: &[u8]) -> Result<Tracking, ClockError> {
    let text = std::str::from_utf8(bytes).map_err(|_| ClockError::Unreadable)?;
    let fields: Vec<_> = text.trim_end().split(',').take(FIELDS + 1).collect();
    let [_, _, stratum, _, offset, .., leap] = fields[..] else { return Err(ClockError::Unreadable) };
    if fields.len() != FIELDS {
        return Err(ClockError::Unreadable);
    }
    let stratum: u8 = stratum.parse().map_err(|_| ClockError::Unreadable)?;
    let offset: f64 = offset.parse().map_err(|_| ClockError::Unreadable)?;
    if !offset.is_finite() {
        return Err(ClockError::Unreadable);
    }
    #[expect(
        clippy::cast_possible_truncation,
        reason = "it saturates, and an age of the world is off enough"
    )]
    let offset_us = (offset * 1e6) as i64;
    Ok(Tracking { synchronised: stratum > 0 && leap != "Not synchronised", offset_us })
}

/// Follows the clock.
#[derive(Clone, Debug)]
pub struct Clock {
    /// Since when no time server was followed.
    alone_since: Option<Instant>,
}

impl Clock {
    /// A clock of which nothing is known at `now`.
    pub fn new(now: Instant) -> Self {
        Self { alone_since: Some(now) }
    }

    /// Takes what chrony says, or nothing where it does not answer.
    pub fn judge(&mut self, tracking: Option<Tracking>, now: Instant) -> ClockReport {
        let synchronised = tracking.is_some_and(|it| it.synchronised);
        if synchronised {
            self.alone_since = None;
        }
        let alone = if synchronised { Duration::ZERO } else { now - *self.alone_since.get_or_insert(now) };
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

    const GOOD: &str = "C0000201,192.0.2.1,3,1796050800.123,-0.000012345,0.000001,0.000020,-7.1,0.001,0.02,0.004,0.0005,64.2,Normal\n";
    const ALONE_LINE: &str = "00000000,,0,0.000000000,0.000000000,0.000000000,0.000000000,0.000,0.000,0.000,1.0,1.0,0.0,Not synchronised\n";

    #[test]
    fn chronys_line_is_read_and_anything_else_refused() {
        assert_eq!(read(GOOD.as_bytes()), Ok(Tracking { synchronised: true, offset_us: -12 }));
        assert_eq!(read(ALONE_LINE.as_bytes()), Ok(Tracking { synchronised: false, offset_us: 0 }));
        for bad in
            ["", "506 Cannot talk to daemon", &GOOD.replace(",3,", ",x,"), &GOOD.replace("Normal", "a,b")]
        {
            assert_eq!(read(bad.as_bytes()), Err(ClockError::Unreadable), "{bad}");
        }
        assert_eq!(read(GOOD.replace("-0.000012345", "NaN").as_bytes()), Err(ClockError::Unreadable));
    }

    #[test]
    fn a_clock_without_a_time_server_is_a_warning_after_an_hour_and_critical_after_a_day() {
        let zero = Instant::now();
        let mut clock = Clock::new(zero);
        let alone = Some(Tracking { synchronised: false, offset_us: 0 });
        let mut at = |tracking, seconds| clock.judge(tracking, zero + Duration::from_secs(seconds)).stage;
        assert_eq!(at(alone, 10), ClockStage::Good, "a box that has just started");
        assert_eq!(at(None, 3_600), ClockStage::Warning, "chrony is not there at all");
        assert_eq!(at(alone, 86_400), ClockStage::Critical);
        assert_eq!(at(Some(Tracking { synchronised: true, offset_us: 5 }), 86_401), ClockStage::Good);
        assert_eq!(at(alone, 90_000), ClockStage::Good, "the hour begins anew");
    }

    #[test]
    fn a_clock_that_is_off_is_a_warning_from_a_second_and_critical_from_a_minute() {
        let zero = Instant::now();
        let at =
            |offset_us| Clock::new(zero).judge(Some(Tracking { synchronised: true, offset_us }), zero).stage;
        assert_eq!(at(-999_999), ClockStage::Good);
        assert_eq!(at(-1_000_000), ClockStage::Warning);
        assert_eq!(at(60_000_000), ClockStage::Critical);
        assert_eq!(at(i64::MIN), ClockStage::Critical);
    }
}
