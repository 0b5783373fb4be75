//! How the line stands: the ways to the centre, which one is used, outages, and how much of the month it was there.

use jiff::{Timestamp, civil::Date};
use serde::{Deserialize, Serialize};

/// One of the hospital's lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Way {
    /// The one that is used when both are well.
    Primary,
    /// The one that steps in.
    Second,
}

impl Way {
    /// Its name in metrics, logs and text keys.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Primary => "primary",
            Self::Second => "second",
        }
    }
}

/// How far a line has got.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// No tunnel; or, where somebody else holds the tunnel, no answer.
    Down,
    /// The tunnel is being negotiated; or nothing is known yet.
    Connecting,
    /// The tunnel is there, and the centre does not answer through it.
    TunnelUp,
    /// The centre answers, but slowly or not always.
    Degraded,
    /// The centre answers.
    CentreReachable,
}

impl Stage {
    /// Every stage, the worst first.
    pub const ALL: [Self; 5] =
        [Self::Down, Self::Connecting, Self::TunnelUp, Self::Degraded, Self::CentreReachable];

    /// Its name in metrics, logs and text keys.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Down => "down",
            Self::Connecting => "connecting",
            Self::TunnelUp => "tunnel-up",
            Self::Degraded => "degraded",
            Self::CentreReachable => "centre-reachable",
        }
    }

    /// Whether the centre answers.
    pub const fn reaches(self) -> bool {
        matches!(self, Self::Degraded | Self::CentreReachable)
    }
}

/// One line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WayReport {
    /// Which.
    pub way: Way,
    /// How far it has got.
    pub stage: Stage,
    /// Since when.
    pub since: Timestamp,
}

/// What there is to know of the line beyond *up* or *down*.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct LineReport {
    /// Every line of the hospital, the primary first.
    pub ways: Vec<WayReport>,
    /// The one that requests go by.
    pub used: Option<Way>,
    /// Times that requests changed over to another line, since the actor started.
    pub changes: u64,
    /// The outage that lasts: since when.
    pub outage: Option<Timestamp>,
    /// This month and those before it, the newest first.
    pub months: Vec<MonthReport>,
}

/// How much of a month the line was there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MonthReport {
    /// Its first day, in Japan.
    pub month: Date,
    /// Seconds watched: the box was on, and the line was probed.
    pub watched_s: u64,
    /// Seconds of these that were outage.
    pub outage_s: u64,
    /// Outages that began in it.
    pub outages: u32,
}

impl MonthReport {
    /// Per cent of the time watched, in hundredths (9,997 is 99.97 %), rounded down; nothing where nobody watched.
    pub fn availability(&self) -> Option<u64> {
        let up = self.watched_s.saturating_sub(self.outage_s);
        up.saturating_mul(10_000).checked_div(self.watched_s)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn availability_is_rounded_down_and_unknown_where_nobody_watched() {
        let month = |watched_s, outage_s| MonthReport {
            month: Date::constant(2026, 11, 1),
            watched_s,
            outage_s,
            outages: 1,
        };
        assert_eq!(month(0, 0).availability(), None);
        assert_eq!(month(3, 1).availability(), Some(6_666));
        assert_eq!(month(100, 100).availability(), Some(0));
        assert_eq!(month(100, 0).availability(), Some(10_000));
    }
}
