//! Usage counts told from the log's entries alone; the rules are `reception`'s.
//!
//! These are our own counts, an estimate: the official rate's denominator, the receipts, is unknown to the box.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use jiff::civil::Date;
use jiff::{Timestamp, ToSpan};
use madoguchi_protocol::VisitId;
use madoguchi_protocol::eligibility::Verdict;
use madoguchi_protocol::evidence::Medium;
use madoguchi_protocol::messages::audit_log::{Entry, Fallback, StaffAct, VisitEnd};
use madoguchi_reception::counting::{Counting, NotCounted, count};
use madoguchi_reception::in_japan;
use madoguchi_reception::payment::Established;
use serde::Serialize;

use crate::line::What;
use crate::verify::{VerifyError, each_line, files};

/// What the log tells of one visit, as far as counting goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct VisitFacts {
    began: Timestamp,
    practice: bool,
    medium: Option<Medium>,
    end: Option<VisitEnd>,
    answer: Option<(Verdict, Timestamp)>,
}

impl VisitFacts {
    /// A visit that began at this time.
    pub fn new(began: Timestamp) -> Self {
        Self { began, practice: false, medium: None, end: None, answer: None }
    }

    /// Takes an entry of the visit into account. A deferred confirmation comes days after the visit's end.
    pub fn see(&mut self, at: Timestamp, entry: &Entry) {
        const PORTAL: VisitEnd = VisitEnd::Fallback(Fallback::PortalScreen);
        self.began = self.began.min(at);
        match entry {
            Entry::PracticeStarted | Entry::PracticeSettled | Entry::VisitEnded(VisitEnd::Practised) => {
                self.practice = true;
            }
            Entry::MediumRead(medium, _) => self.medium = Some(*medium),
            Entry::ConfirmationSettled(verdict, ..) => self.answer = Some((*verdict, at)),
            // Staff may look at the portal's screen when the visit has been deferred: R-26 holds all the same.
            Entry::StaffActed(StaffAct::SettleByFallback(Fallback::PortalScreen), _) => {
                self.end = Some(PORTAL)
            }
            Entry::VisitEnded(end) if self.end != Some(PORTAL) => self.end = Some(*end),
            _ => {}
        }
    }

    /// Whether it counts, by the rules of `reception`. A visit without an end is open.
    pub fn counting(&self) -> Counting {
        self.end().map_or(Counting::Open, |end| count(end, self.answer.map(|(verdict, _)| verdict)))
    }

    /// Practice is practice from its first entry on, whatever else the log tells of it.
    fn end(&self) -> Option<VisitEnd> {
        if self.practice { Some(VisitEnd::Practised) } else { self.end }
    }

    /// When it began.
    pub fn began(&self) -> Timestamp {
        self.began
    }

    /// What was read in it.
    pub fn medium(&self) -> Option<Medium> {
        self.medium
    }

    /// How eligibility was established; nothing while the visit goes on.
    pub fn established(&self) -> Option<Established> {
        self.end().map(|end| Established::of(end, self.answer.map(|(verdict, _)| verdict)))
    }

    /// When a phone was read and confirmed online.
    pub fn phone_confirmed(&self) -> Option<Timestamp> {
        let (verdict, at) = self.answer.filter(|_| !self.practice)?;
        (verdict == Verdict::Confirmed && self.medium?.is_phone()).then_some(at)
    }

    /// The first day of the month it belongs to: the one in which it began, in Japan.
    pub fn month(&self) -> Date {
        in_japan(self.began).date().first_of_month()
    }
}

/// A month's counts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct MonthlyUsage {
    /// Visits that began.
    pub visits: u64,
    /// Those that count.
    pub counted: u64,
    /// Of these, the ones with a phone.
    pub counted_phones: u64,
    /// Settled by the portal screen.
    pub portal: u64,
    /// Not counted for another reason: never confirmed online.
    pub not_confirmed: u64,
    /// In progress, or waiting for the centre's answer.
    pub open: u64,
    /// Visits for practice, which are not among those that began.
    pub practice: u64,
}

impl MonthlyUsage {
    fn add(&mut self, visit: &VisitFacts) {
        let counting = visit.counting();
        if counting == Counting::NotCounted(NotCounted::Practice) {
            self.practice += 1;
            return;
        }
        self.visits += 1;
        match counting {
            Counting::Counted(_) => {
                self.counted += 1;
                self.counted_phones += u64::from(visit.medium.is_some_and(Medium::is_phone));
            }
            Counting::NotCounted(NotCounted::PortalScreen) => self.portal += 1,
            Counting::NotCounted(_) => self.not_confirmed += 1,
            Counting::Open => self.open += 1,
        }
    }
}

/// The log's counts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Usage {
    /// By the first day of each month.
    pub months: BTreeMap<Date, MonthlyUsage>,
    /// The day of the first confirmed phone read, after which the Ministry lists the facility; as far back as the
    /// log is kept.
    pub first_phone: Option<Date>,
}

impl Usage {
    /// Counts the visits of the log in a folder.
    ///
    /// # Errors
    /// [`VerifyError`] when a file can't be read; broken lines are left out, since [`crate::verify()`] tells them.
    pub fn of_log(folder: &Path) -> Result<Self, VerifyError> {
        let mut visits: HashMap<VisitId, VisitFacts> = HashMap::new();
        for path in files(folder)? {
            each_line(&path, |_, line| {
                if let Ok((line, _)) = line
                    && let (Some(visit), What::Entry(entry)) = (line.visit, &line.what)
                {
                    visits.entry(visit).or_insert_with(|| VisitFacts::new(line.at)).see(line.at, entry);
                }
                Ok(())
            })?;
        }
        Ok(Self::of_visits(visits.values()))
    }

    /// Counts visits.
    pub fn of_visits<'a>(visits: impl Iterator<Item = &'a VisitFacts>) -> Self {
        let mut usage = Self::default();
        let mut first_phone: Option<Timestamp> = None;
        for visit in visits {
            usage.months.entry(visit.month()).or_default().add(visit);
            if let Some(at) = visit.phone_confirmed() {
                first_phone = Some(first_phone.map_or(at, |before| before.min(at)));
            }
        }
        usage.first_phone = first_phone.map(|at| in_japan(at).date());
        usage
    }
}

/// When a month's usage is notified and when it is applied: two and three months later.
pub fn notified_and_applied(month: Date) -> (Date, Date) {
    (month.saturating_add(2.months()), month.saturating_add(3.months()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log::{Log, Record, Settings};
    use madoguchi_protocol::eligibility::Validity;
    use madoguchi_protocol::evidence::VerifiedBy;
    use madoguchi_protocol::messages::audit_log::Deferral;

    const READ: Entry = Entry::MediumRead(Medium::Android, VerifiedBy::Pin);
    const CARD: Entry = Entry::MediumRead(Medium::MyNumberCard, VerifiedBy::Face);
    const CONFIRMED: Entry =
        Entry::ConfirmationSettled(Verdict::Confirmed, Some(Validity::Valid), Deferral::Live);
    const LATER: Entry =
        Entry::ConfirmationSettled(Verdict::Confirmed, Some(Validity::Valid), Deferral::Deferred);
    const REFUSED: Entry = Entry::ConfirmationSettled(Verdict::Refused, None, Deferral::Deferred);
    const PORTAL: Entry = Entry::StaffActed(StaffAct::SettleByFallback(Fallback::PortalScreen), None);
    const DONE: Entry = Entry::VisitEnded(VisitEnd::Confirmed);
    const DEFERRED: Entry = Entry::VisitEnded(VisitEnd::Deferred);

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    /// The counts of one visit with these entries.
    fn usage(entries: &[Entry]) -> MonthlyUsage {
        let now = at("2025-11-22T03:00:00Z");
        let mut visit = VisitFacts::new(now);
        entries.iter().for_each(|entry| visit.see(now, entry));
        Usage::of_visits([visit].iter()).months.into_values().next().unwrap()
    }

    #[test]
    fn r26_a_visit_settled_by_the_portal_screen_does_not_count_even_if_confirmed_later() {
        let ended = Entry::VisitEnded(VisitEnd::Fallback(Fallback::PortalScreen));
        for entries in [
            vec![PORTAL],
            vec![CARD, PORTAL, DEFERRED, LATER],
            vec![READ, DEFERRED, PORTAL, LATER],
            vec![ended],
        ] {
            let usage = usage(&entries);
            assert_eq!((usage.counted, usage.portal), (0, 1), "{entries:?}");
        }
    }

    #[test]
    fn r27_a_phone_or_card_read_and_confirmed_online_counts_now_or_later() {
        for (entries, phones) in
            [([CARD, CONFIRMED, DONE], 0), ([READ, CONFIRMED, DONE], 1), ([READ, DEFERRED, LATER], 1)]
        {
            let usage = usage(&entries);
            assert_eq!((usage.counted, usage.counted_phones), (1, phones), "{entries:?}");
        }
    }

    #[test]
    fn r28_a_visit_whose_confirmation_never_succeeded_does_not_count() {
        let abandoned = Entry::VisitEnded(VisitEnd::Abandoned);
        for entries in [vec![READ, DEFERRED, REFUSED], vec![READ, abandoned]] {
            let usage = usage(&entries);
            assert_eq!((usage.counted, usage.not_confirmed), (0, 1), "{entries:?}");
        }
        for entries in [vec![READ], vec![READ, Entry::ConfirmationAccepted, DEFERRED]] {
            let usage = usage(&entries);
            assert_eq!((usage.counted, usage.open), (0, 1), "{entries:?}");
        }
    }

    #[test]
    fn r28_practice_never_counts_whatever_else_the_log_tells_of_it() {
        let practised = Entry::VisitEnded(VisitEnd::Practised);
        for entries in [
            vec![Entry::PracticeStarted],
            vec![Entry::PracticeStarted, READ, practised.clone()],
            vec![Entry::PracticeStarted, READ, CONFIRMED, DONE],
            vec![READ, practised.clone(), LATER],
            vec![PORTAL, practised],
            vec![READ, DEFERRED, LATER, Entry::PracticeSettled],
        ] {
            let practice = MonthlyUsage { practice: 1, ..MonthlyUsage::default() };
            assert_eq!(usage(&entries), practice, "{entries:?}");
            let mut visit = VisitFacts::new(at("2025-11-22T03:00:00Z"));
            entries.iter().for_each(|entry| visit.see(visit.began(), entry));
            assert_eq!(visit.phone_confirmed(), None, "{entries:?}");
        }
    }

    #[test]
    fn r29_september_is_notified_in_november_and_applied_in_december() {
        let month = |text: &str| text.parse::<Date>().unwrap();
        let september = month("2025-09-01");
        assert_eq!(notified_and_applied(september), (month("2025-11-01"), month("2025-12-01")));
        assert_eq!(notified_and_applied(month("2025-11-01")), (month("2026-01-01"), month("2026-02-01")));
    }

    #[test]
    fn r33_the_first_confirmed_phone_is_found_and_a_month_is_japans() {
        let dir = tempfile::tempdir().unwrap();
        let mut log = Log::open(Settings::new(dir.path()), at("2025-10-01T00:00:00Z")).unwrap();
        let mut record = |now: &str, visit: VisitId, entries: &[Entry]| {
            for entry in entries {
                let record =
                    Record { id: None, at: at(now), lane: None, visit: Some(visit), entry: entry.clone() };
                log.record(&record, at(now)).unwrap();
            }
        };
        let [card, phone, other] = [1, 2, 3].map(|n| VisitId::from_bytes([n; 16]));
        record("2025-10-31T02:00:00Z", card, &[CARD, CONFIRMED, DONE]);
        // Read at 23:59 on 31 October in Japan, confirmed when the line was back.
        record("2025-10-31T14:59:00Z", phone, &[READ, DEFERRED]);
        record("2025-10-31T15:00:00Z", other, &[PORTAL]);
        record("2025-11-02T00:00:00Z", phone, &[LATER]);
        drop(log);

        let usage = Usage::of_log(dir.path()).unwrap();
        assert_eq!(usage.first_phone, Some("2025-11-02".parse().unwrap()));
        let october = MonthlyUsage { visits: 2, counted: 2, counted_phones: 1, ..MonthlyUsage::default() };
        let november = MonthlyUsage { visits: 1, portal: 1, ..MonthlyUsage::default() };
        let months: Vec<_> =
            usage.months.into_iter().map(|(month, usage)| (month.to_string(), usage)).collect();
        assert_eq!(months, [("2025-10-01".into(), october), ("2025-11-01".into(), november)]);
    }
}
