//! Usage as it runs: each visit is counted once, when it is known whether it counts.
//!
//! For monitoring; the month's counts are those of the log itself (`madoguchi report`).

use std::collections::HashMap;

use jiff::Timestamp;
use madoguchi_bus::{Bus, events::VisitCounted};
use madoguchi_protocol::VisitId;
use madoguchi_protocol::messages::audit_log::Entry;
use madoguchi_reception::counting::{Counting, NotCounted};

use crate::usage::VisitFacts;

/// The most visits of which it may be open whether they count; of more, the newest are not counted here.
const MAX_OPEN: usize = 10_000;

/// The visits that are not counted yet.
#[derive(Debug, Default)]
pub(crate) struct Running {
    open: HashMap<VisitId, VisitFacts>,
}

impl Running {
    /// Takes an entry that was recorded into account. Says what is now known of its visit.
    fn see(&mut self, at: Timestamp, visit: VisitId, entry: &Entry) -> Option<VisitCounted> {
        if matches!(entry, Entry::VisitStarted) && self.open.len() < MAX_OPEN {
            self.open.insert(visit, VisitFacts::new(at));
        }
        // A visit that began before this program is not counted twice nor half.
        let facts = self.open.get_mut(&visit)?;
        facts.see(at, entry);
        let counting = match facts.counting() {
            Counting::Open => return None,
            Counting::Counted(_) => "counted",
            Counting::NotCounted(NotCounted::PortalScreen) => "portal",
            Counting::NotCounted(_) => "not_confirmed",
        };
        // A confirmed end comes before its settlement is recorded; either says all there is to say.
        let medium = facts.medium();
        self.open.remove(&visit);
        Some(VisitCounted { visit, medium, counting })
    }

    /// The same, told to whoever watches.
    pub(crate) fn count(&mut self, bus: &Bus, at: Timestamp, visit: Option<VisitId>, entry: &Entry) {
        if let Some(counted) = visit.and_then(|visit| self.see(at, visit, entry)) {
            bus.emit(&counted);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use madoguchi_protocol::eligibility::{Validity, Verdict};
    use madoguchi_protocol::evidence::{Medium, VerifiedBy};
    use madoguchi_protocol::messages::audit_log::{Deferral, VisitEnd};

    const READ: Entry = Entry::MediumRead(Medium::Android, VerifiedBy::Pin);
    const LATER: Entry =
        Entry::ConfirmationSettled(Verdict::Confirmed, Some(Validity::Valid), Deferral::Deferred);

    #[test]
    fn a_visit_is_counted_once_and_when_it_is_known() {
        let mut running = Running::default();
        let visit = VisitId::from_bytes([7; 16]);
        let mut seen = Vec::new();
        for entry in [
            Entry::VisitStarted,
            READ,
            Entry::VisitEnded(VisitEnd::Deferred),
            LATER,
            Entry::VisitEnded(VisitEnd::Confirmed),
        ] {
            seen.push(running.see(Timestamp::UNIX_EPOCH, visit, &entry).map(|counted| counted.counting));
        }
        assert_eq!(seen, [None, None, None, Some("counted"), None]);
        assert!(running.open.is_empty());
    }
}
