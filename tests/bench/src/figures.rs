//! What is measured, and what is worked out from it.

use crate::pattern::Pattern;
use serde::{Deserialize, Serialize};

/// The parts of a visit, which the gateway and the floor have in common.
pub const PARTS: [&str; 4] = ["phone noticed", "phone read", "centre authenticates", "centre confirms"];

/// The milliseconds of one visit by part.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Visit(pub [f64; PARTS.len()]);

impl Visit {
    /// All parts together.
    pub fn total(&self) -> f64 {
        self.0.iter().sum()
    }
}

/// Visits under one pattern, either through the gateway or straight.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Visits {
    /// Each of them.
    pub all: Vec<Visit>,
    /// Processor time for one, in milliseconds.
    pub cpu_ms: f64,
}

impl Visits {
    /// The percentile of the whole visit, in milliseconds.
    pub fn percentile(&self, percent: f64) -> f64 {
        percentile(self.all.iter().map(Visit::total), percent)
    }

    /// The percentile of one part, in milliseconds.
    pub fn part(&self, part: usize, percent: f64) -> f64 {
        percentile(self.all.iter().map(|visit| visit.0[part]), percent)
    }
}

/// Nearest rank: the smallest value that is not exceeded by `percent` of them. Zero of none.
pub fn percentile(values: impl Iterator<Item = f64>, percent: f64) -> f64 {
    let mut sorted: Vec<_> = values.collect();
    sorted.sort_by(f64::total_cmp);
    let rank = (percent / 100.0 * sorted.len() as f64).ceil() as usize;
    sorted.get(rank.saturating_sub(1)).copied().unwrap_or(0.0)
}

/// Gateway and floor under one pattern.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Comparison {
    /// When patients came.
    pub pattern: Pattern,
    /// Through the gateway.
    pub gateway: Visits,
    /// Straight.
    pub floor: Visits,
}

/// Everything for one number of lanes.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Report {
    /// How many lanes.
    pub lanes: u16,
    /// One for each pattern.
    pub comparisons: Vec<Comparison>,
    /// Resident memory of `madoguchi` afterwards, in MiB.
    pub gateway_mib: f64,
    /// And of its Mosquitto.
    pub broker_mib: f64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_values_that_occurred() {
        let hundred = || (1..=100).map(f64::from);
        assert_eq!(percentile(hundred(), 50.0), 50.0);
        assert_eq!(percentile(hundred(), 99.0), 99.0);
        assert_eq!(percentile([7.0].into_iter(), 99.0), 7.0);
        assert_eq!(percentile([].into_iter(), 50.0), 0.0);
    }
}
