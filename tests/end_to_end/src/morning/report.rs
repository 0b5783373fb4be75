//! What the morning came to, as tables.

use super::{Mishap, Outcome, oracle::Evidence, outcome::End};
use crate::visits::Way;
use std::collections::{BTreeMap, BTreeSet};

/// A table: what was planned against how it ended.
pub fn table(outcomes: &[Outcome]) -> String {
    let columns: BTreeSet<&str> = outcomes.iter().filter_map(Outcome::end).map(End::name).collect();
    let mut rows: BTreeMap<(bool, String), BTreeMap<&str, usize>> = BTreeMap::new();
    for outcome in outcomes {
        let Some(end) = outcome.end() else { continue };
        let way = outcome.patient.way;
        let row = match outcome.patient.mishap {
            None => (false, format!("well: {}", way.name())),
            Some(mishap) => (true, mishap.name().to_owned()),
        };
        *rows.entry(row).or_default().entry(end.name()).or_default() += 1;
    }
    let mut text = format!("{:<34}", "");
    text.extend(columns.iter().map(|column| format!("{column:>13}")));
    for ((_, name), counts) in &rows {
        text.push_str(&format!("\n{name:<34}"));
        text.extend(columns.iter().map(|column| match counts.get(column) {
            Some(count) => format!("{count:>13}"),
            None => format!("{:>13}", "·"),
        }));
    }
    text
}

/// The sums that the oracle compared.
pub fn sums(outcomes: &[Outcome], evidence: &Evidence) -> String {
    let visits: usize = outcomes.iter().map(|outcome| outcome.visits.len()).sum();
    let deferred = evidence.effects.iter().filter(|effect| effect.deferred).count();
    let replays: u32 = evidence.effects.iter().map(|effect| effect.replays).sum();
    let mishaps = outcomes.iter().filter(|outcome| outcome.patient.mishap.is_some()).count();
    let kinds = outcomes.iter().filter_map(|outcome| outcome.patient.mishap).collect::<BTreeSet<Mishap>>();
    let ways: Vec<_> = Way::ALL
        .iter()
        .map(|way| {
            let count = outcomes.iter().filter(|outcome| outcome.patient.way == *way).count();
            format!("{} {count}", way.name())
        })
        .collect();
    format!(
        "{} patients in {visits} visits, {mishaps} of them with one of {} kinds of mishap ({})\n\
         {} effects at the centre ({deferred} deferred, {replays} requests repeated), {} files in Face, \
         {} visits counted",
        outcomes.len(),
        kinds.len(),
        ways.join(", "),
        evidence.effects.len(),
        evidence.receipts.iter().filter(|file| file.folder == "Face").count(),
        evidence.counted,
    )
}
