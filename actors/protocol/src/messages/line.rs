//! How the line stands: the ways to the centre, which one is used, outages, and how much of the month it was there.

use crate::LaneId;
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
    /// Every certificate that the line uses, those that end first at the front.
    pub certificates: Vec<CertificateTerm>,
    /// Since when changed certificate files are not taken up, because no connection with them succeeded.
    pub not_taken: Option<Timestamp>,
    /// The box's clock; nothing until it was looked at.
    pub clock: Option<ClockReport>,
}

/// What a certificate of the box is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CertificateRole {
    /// The terminal's, towards the centre.
    Terminal,
    /// It vouches for the centre.
    CentreCa,
    /// The box's, towards a VPN gateway.
    Tunnel,
    /// It vouches for a VPN gateway.
    TunnelCa,
    /// The box's, towards a lane's face-auth reader.
    DeviceLink,
}

impl CertificateRole {
    /// Every role.
    pub const ALL: [Self; 5] =
        [Self::Terminal, Self::CentreCa, Self::Tunnel, Self::TunnelCa, Self::DeviceLink];

    /// Its name in metrics, logs and text keys.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Terminal => "terminal",
            Self::CentreCa => "centre-ca",
            Self::Tunnel => "tunnel",
            Self::TunnelCa => "tunnel-ca",
            Self::DeviceLink => "device-link",
        }
    }
}

/// How near a certificate's end is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CertificateStage {
    /// More than 90 days.
    Fine,
    /// 90 days or less.
    Days90,
    /// 60 days or less.
    Days60,
    /// 30 days or less.
    Days30,
    /// 15 days or less.
    Days15,
    /// 7 days or less.
    Days7,
    /// It is over; or it has not begun, which a wrong clock makes of it.
    Expired,
}

impl CertificateStage {
    /// The stage at `now` of a certificate that is valid from `begins` to `ends`.
    pub fn at(begins: Timestamp, ends: Timestamp, now: Timestamp) -> Self {
        if now > ends || now < begins {
            return Self::Expired;
        }
        // Days begun count as whole ones: with 7 days to the second it is *7 days*.
        match (ends.duration_since(now).as_secs() + 86_399) / 86_400 {
            0..=7 => Self::Days7,
            8..=15 => Self::Days15,
            16..=30 => Self::Days30,
            31..=60 => Self::Days60,
            61..=90 => Self::Days90,
            _ => Self::Fine,
        }
    }
}

/// When a certificate ends. Which one it is by name or number is nobody's business.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CertificateTerm {
    /// What it is for.
    pub role: CertificateRole,
    /// Whose, where it is a line's.
    pub way: Option<Way>,
    /// Whose, where it is a lane's.
    pub lane: Option<LaneId>,
    /// When it ends.
    pub ends: Timestamp,
    /// How near that is.
    pub stage: CertificateStage,
}

/// The box's clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClockReport {
    /// Whether it follows a time server.
    pub synchronised: bool,
    /// How far it is from true time, in microseconds, where that is known.
    pub offset_us: Option<i64>,
    /// How bad that is.
    pub stage: ClockStage,
}

/// How far the clock can be relied on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClockStage {
    /// It is right.
    Good,
    /// Off by a second, or an hour without a time server.
    Warning,
    /// Off by a minute, or a day without a time server.
    Critical,
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
    fn a_certificates_stages_are_those_that_the_field_knows() {
        let day = |days: i64| Timestamp::from_second(1_796_050_800 + days * 86_400).unwrap();
        let at = |left| CertificateStage::at(day(-400), day(left), day(0));
        use CertificateStage::*;
        assert_eq!(
            [91, 90, 61, 60, 31, 30, 16, 15].map(at),
            [Fine, Days90, Days90, Days60, Days60, Days30, Days30, Days15]
        );
        assert_eq!([8, 7, 0].map(at), [Days15, Days7, Days7]);
        assert_eq!(at(-1), Expired);
        assert_eq!(CertificateStage::at(day(1), day(400), day(0)), Expired, "not begun");
    }

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
