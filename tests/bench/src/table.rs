//! The figures as plain text, for people.

use crate::{
    figures::{Comparison, PARTS, Report},
    pattern::Pattern,
};
use std::fmt::Write as _;

/// What the gateway may add at this many lanes, in milliseconds.
pub struct Goal {
    /// Lanes.
    pub lanes: u16,
    /// At p50.
    pub p50: f64,
    /// At p99.
    pub p99: f64,
}

/// The tables of all patterns, one column for each number of lanes.
pub fn tables(reports: &[Report]) -> String {
    let patterns = reports.first().map_or(0, |report| report.comparisons.len());
    (0..patterns).map(|pattern| table(reports, pattern)).collect()
}

fn table(reports: &[Report], pattern: usize) -> String {
    let mut text = String::new();
    let comparisons: Vec<_> = reports.iter().map(|report| &report.comparisons[pattern]).collect();
    let title = comparisons.first().map_or("", |first| title(first.pattern));
    let mut line = |name: &str, cell: &dyn Fn(usize, &Comparison) -> String| {
        let _ = write!(text, "{name:<44}");
        for (column, comparison) in comparisons.iter().enumerate() {
            let _ = write!(text, "{:>18}", cell(column, comparison));
        }
        text.push('\n');
    };
    line(title, &|column, _| match reports[column].lanes {
        1 => "1 lane".into(),
        lanes => format!("{lanes} lanes"),
    });
    if let Some(Pattern::Spread { .. }) = comparisons.first().map(|first| first.pattern) {
        line("a patient at each lane every ... s", &|_, it| match it.pattern {
            Pattern::Spread { period_ms } => format!("{:.1}", f64::from(period_ms) / 1000.0),
            Pattern::AtOnce => String::new(),
        });
    }
    line("visits (gateway, floor)", &|_, it| format!("{}, {}", it.gateway.all.len(), it.floor.all.len()));
    for percent in [50.0, 99.0] {
        let (gateway, floor) = (
            move |it: &Comparison| it.gateway.percentile(percent),
            move |it: &Comparison| it.floor.percentile(percent),
        );
        line(&format!("p{percent} (a) through the gateway, ms"), &|_, it| format!("{:.1}", gateway(it)));
        line(&format!("p{percent} (b) floor, ms"), &|_, it| format!("{:.1}", floor(it)));
        line(&format!("p{percent} ratio (a) / (b)"), &|_, it| format!("{:.2}", gateway(it) / floor(it)));
        line(&format!("p{percent} added by the gateway, ms"), &|_, it| {
            format!("{:+.1}", gateway(it) - floor(it))
        });
    }
    for percent in [50.0, 99.0] {
        for (part, name) in PARTS.iter().enumerate() {
            line(&format!("  p{percent} of {name}, (a) / (b) ms"), &|_, it| {
                format!("{:.1} / {:.1}", it.gateway.part(part, percent), it.floor.part(part, percent))
            });
        }
    }
    line("CPU per visit: gateway and its broker, ms", &|_, it| format!("{:.1}", it.gateway.cpu_ms));
    line("CPU per visit: the floor's thread, ms", &|_, it| format!("{:.1}", it.floor.cpu_ms));
    line("resident: gateway + its broker, MiB", &|column, _| {
        format!("{:.1} + {:.1}", reports[column].gateway_mib, reports[column].broker_mib)
    });
    text.push('\n');
    text
}

const fn title(pattern: Pattern) -> &'static str {
    match pattern {
        Pattern::Spread { .. } => "PATIENTS COME ONE BY ONE",
        Pattern::AtOnce => "ALL LANES IN THE SAME MOMENT",
    }
}

/// Whether the goal is met, in words and as a value; nothing where its number of lanes was not measured.
pub fn verdict(reports: &[Report], goal: &Goal) -> Option<String> {
    let report = reports.iter().find(|report| report.lanes == goal.lanes)?;
    let mut text = format!(
        "Goal at {} lanes: the gateway adds at most {} ms at p50 and {} ms at p99 (fsync included).\n",
        goal.lanes, goal.p50, goal.p99
    );
    for it in &report.comparisons {
        let added = |percent| it.gateway.percentile(percent) - it.floor.percentile(percent);
        let (p50, p99) = (added(50.0), added(99.0));
        let met = if p50 <= goal.p50 && p99 <= goal.p99 { "GOAL MET" } else { "GOAL NOT MET" };
        let _ = writeln!(
            text,
            "{met}: {p50:+.1} ms at p50, {p99:+.1} ms at p99 ({})",
            title(it.pattern).to_lowercase()
        );
    }
    // The other reading of the floor: one thread that serves nobody else at the same time.
    if let Some(alone) = reports.iter().find(|report| report.lanes == 1) {
        for (it, alone) in report.comparisons.iter().zip(&alone.comparisons) {
            let over = |percent| it.gateway.percentile(percent) - alone.floor.percentile(percent);
            let _ = writeln!(
                text,
                "  beside one thread that has the machine to itself: {:+.1} ms at p50, {:+.1} ms at p99 ({})",
                over(50.0),
                over(99.0),
                title(it.pattern).to_lowercase()
            );
        }
    }
    Some(text)
}
