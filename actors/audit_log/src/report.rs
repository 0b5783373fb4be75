//! The monthly report as CSV: which ways visits were settled, which count and which not and why, by lane and hour.
//!
//! These are the box's own counts. The official rate's denominator, the receipts, is unknown here, so every row says that
//! it is an estimate.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use jiff::civil::Date;
use madoguchi_protocol::evidence::Medium;
use madoguchi_protocol::messages::audit_log::ReportRow;
use madoguchi_protocol::{LaneId, VisitId};
use madoguchi_reception::counting::Counting;
use madoguchi_reception::in_japan;
use madoguchi_reception::payment::{Established, Payment};

use crate::line::What;
use crate::log::day_in;
use crate::usage::{VisitFacts, notified_and_applied};
use crate::verify::{VerifyError, each_line, files};

/// The columns. `hour` is that of the visit's beginning, in Japan.
pub const COLUMNS: &str =
    "kind,month,notified,applied,lane,hour,medium,established,payment,counts,reason,visits";

/// Says on every row what the numbers are.
const KIND: &str = "estimate";

fn row(visit: &VisitFacts, lane: Option<LaneId>) -> ReportRow {
    let established = visit.established();
    let counting = visit.counting();
    ReportRow {
        lane,
        hour: u8::try_from(in_japan(visit.began()).hour()).unwrap_or(0),
        medium: visit.medium().map_or("none", Medium::name).into(),
        established: established.map_or("open", Established::code).into(),
        payment: established.and_then(Established::payment).map_or("none", Payment::code).into(),
        counts: match counting {
            Counting::Counted(_) => "yes",
            Counting::NotCounted(_) => "no",
            Counting::Open => "open",
        }
        .into(),
        reason: counting.code().into(),
        visits: 0,
    }
}

/// The rows of the report on the visits that began in the month of `month`, from the log in `folder`.
///
/// # Errors
/// [`VerifyError`] when a file can't be read; broken lines are left out, since [`crate::verify()`] tells them.
pub fn rows(folder: &Path, month: Date) -> Result<Vec<ReportRow>, VerifyError> {
    let month = month.first_of_month();
    let mut visits: HashMap<VisitId, (VisitFacts, Option<LaneId>)> = HashMap::new();
    for path in files(folder)? {
        // Nothing of the month was written down before it.
        if day_in(&path).is_some_and(|day| day < month) {
            continue;
        }
        each_line(&path, |_, line| {
            if let Ok((line, _)) = line
                && let (Some(visit), What::Entry(entry)) = (line.visit, &line.what)
            {
                let (facts, lane) = visits.entry(visit).or_insert_with(|| (VisitFacts::new(line.at), None));
                facts.see(line.at, entry);
                *lane = lane.or(line.lane);
            }
            Ok(())
        })?;
    }
    let mut counts: BTreeMap<ReportRow, u64> = BTreeMap::new();
    for (facts, lane) in visits.values().filter(|(facts, _)| facts.month() == month) {
        *counts.entry(row(facts, *lane)).or_default() += 1;
    }
    Ok(counts.into_iter().map(|(row, visits)| ReportRow { visits, ..row }).collect())
}

/// The report on the visits that began in the month of `month`, from the log in `folder`.
///
/// # Errors
/// As of [`rows`].
pub fn monthly(folder: &Path, month: Date) -> Result<String, VerifyError> {
    Ok(csv(month, &rows(folder, month)?))
}

/// The rows of a month as CSV, with a first line of the columns' names.
pub fn csv(month: Date, rows: &[ReportRow]) -> String {
    let of = |month: Date| month.strftime("%Y-%m").to_string();
    let (notified, applied) = notified_and_applied(month.first_of_month());
    let times = [of(month), of(notified), of(applied)].join(",");
    let mut text = format!("{COLUMNS}\n");
    for row in rows {
        let ReportRow { hour, medium, established, payment, counts, reason, visits, .. } = row;
        let lane = row.lane.map_or(String::new(), |lane| lane.to_string());
        text += &format!(
            "{KIND},{times},{lane},{hour},{medium},{established},{payment},{counts},{reason},{visits}\n"
        );
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log::{Log, Record, Settings};
    use jiff::Timestamp;
    use madoguchi_protocol::eligibility::{Validity, Verdict};
    use madoguchi_protocol::evidence::VerifiedBy;
    use madoguchi_protocol::messages::audit_log::{Deferral, Entry, Fallback, VisitEnd};

    const PHONE: Entry = Entry::MediumRead(Medium::Android, VerifiedBy::Pin);
    const CONFIRMED: Entry =
        Entry::ConfirmationSettled(Verdict::Confirmed, Some(Validity::Valid), Deferral::Live);

    #[test]
    fn r26_r27_r28_r29_r30_each_row_says_way_payment_counting_and_that_it_is_an_estimate() {
        let folder = tempfile::tempdir().unwrap();
        let mut log = Log::open(Settings::new(folder.path()), Timestamp::now()).unwrap();
        let mut number = 0;
        let mut visit = |at: &str, lane: u16, entries: &[Entry]| {
            number += 1;
            let at: Timestamp = at.parse().unwrap();
            for entry in entries {
                let (lane, visit) = (LaneId::new(lane).ok(), Some(VisitId::from_bytes([number; 16])));
                let record = Record { id: None, at, lane, visit, entry: entry.clone() };
                log.record(&record, at).unwrap();
            }
        };
        let ended = |way| Entry::VisitEnded(VisitEnd::Fallback(way));
        for at in ["2025-09-30T09:10:00+09:00", "2025-09-30T09:50:00+09:00"] {
            visit(at, 2, &[PHONE, CONFIRMED, Entry::VisitEnded(VisitEnd::Confirmed)]);
        }
        visit("2025-09-30T10:00:00+09:00", 1, &[ended(Fallback::PortalScreen)]);
        visit("2025-09-30T10:30:00+09:00", 1, &[ended(Fallback::SelfDeclaration)]);
        visit("2025-09-30T11:00:00+09:00", 1, &[PHONE, Entry::VisitEnded(VisitEnd::Deferred)]);
        // In Japan it is October already.
        visit("2025-09-30T15:00:00Z", 1, &[PHONE, CONFIRMED, Entry::VisitEnded(VisitEnd::Confirmed)]);
        drop(log);

        let september = monthly(folder.path(), "2025-09-15".parse().unwrap()).unwrap();
        let rows: Vec<_> = september.lines().collect();
        assert_eq!(
            rows,
            [
                COLUMNS,
                "estimate,2025-09,2025-11,2025-12,1,10,none,portal_screen,usual_share,no,portal_screen,1",
                "estimate,2025-09,2025-11,2025-12,1,10,none,self_declaration,declared_share,no,self_declaration,1",
                "estimate,2025-09,2025-11,2025-12,1,11,android,awaited,usual_share,open,awaiting_answer,1",
                "estimate,2025-09,2025-11,2025-12,2,9,android,online,usual_share,yes,confirmed_online,2",
            ]
        );
        let october = monthly(folder.path(), "2025-10-01".parse().unwrap()).unwrap();
        assert_eq!(october.lines().count(), 2);
    }
}
