//! The day of the first phone that was read here and confirmed online: from then on the Ministry lists the facility,
//! with no application. It outlasts the log's own files, so it is kept beside them.

use std::collections::HashSet;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use jiff::civil::Date;
use madoguchi_protocol::VisitId;
use madoguchi_protocol::eligibility::Verdict;
use madoguchi_protocol::messages::audit_log::{Entry, VisitEnd};
use madoguchi_reception::in_japan;

/// The most visits with a phone that may wait for the centre's answer; of more, the day is found a little later.
const MAX_OPEN: usize = 10_000;

#[derive(Debug)]
pub(crate) struct FirstPhone {
    file: PathBuf,
    day: Option<Date>,
    /// Visits whose phone was read and not confirmed yet.
    open: HashSet<VisitId>,
}

impl FirstPhone {
    pub(crate) fn load(folder: &Path) -> Self {
        let file = folder.join("first-phone");
        let day = fs::read_to_string(&file).ok().and_then(|text| text.trim().parse().ok());
        Self { file, day, open: HashSet::new() }
    }

    pub(crate) fn day(&self) -> Option<Date> {
        self.day
    }

    /// Takes an entry that was recorded into account.
    pub(crate) fn see(&mut self, at: Timestamp, visit: Option<VisitId>, entry: &Entry) {
        let Some(visit) = visit.filter(|_| self.day.is_none()) else { return };
        match entry {
            Entry::MediumRead(medium, _) if medium.is_phone() && self.open.len() < MAX_OPEN => {
                self.open.insert(visit);
            }
            // A card was read after the phone had failed, or it was practice.
            Entry::MediumRead(..) | Entry::VisitEnded(VisitEnd::Practised) => {
                self.open.remove(&visit);
            }
            Entry::ConfirmationSettled(verdict, ..) => {
                let by_phone = self.open.remove(&visit);
                if by_phone && *verdict == Verdict::Confirmed {
                    self.keep(in_japan(at).date());
                }
            }
            _ => {}
        }
    }

    fn keep(&mut self, day: Date) {
        self.day = Some(day);
        self.open = HashSet::new();
        let temporary = self.file.with_extension("new");
        let written = fs::File::create(&temporary)
            .and_then(|mut file| writeln!(file, "{day}").and_then(|()| file.sync_all()))
            .and_then(|()| fs::rename(&temporary, &self.file));
        if let Err(error) = written {
            // Shown all the same; after a restart the next phone says its own day.
            tracing::error!(%error, file = %self.file.display(), "the day of the first phone can't be kept");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use madoguchi_protocol::eligibility::Validity;
    use madoguchi_protocol::evidence::{Medium, VerifiedBy};
    use madoguchi_protocol::messages::audit_log::Deferral;

    const PHONE: Entry = Entry::MediumRead(Medium::Iphone, VerifiedBy::Device);
    const CARD: Entry = Entry::MediumRead(Medium::MyNumberCard, VerifiedBy::Face);
    const REFUSED: Entry = Entry::ConfirmationSettled(Verdict::Refused, None, Deferral::Live);
    const CONFIRMED: Entry =
        Entry::ConfirmationSettled(Verdict::Confirmed, Some(Validity::Valid), Deferral::Live);

    #[test]
    fn r33_the_first_confirmed_phone_is_kept_and_no_later_one_takes_its_place() {
        let folder = tempfile::tempdir().unwrap();
        let at = |day: &str| format!("{day}T23:30:00+09:00").parse::<Timestamp>().unwrap();
        let visit = |number| Some(VisitId::from_bytes([number; 16]));
        let mut first = FirstPhone::load(folder.path());
        for (number, entries) in [[CARD, CONFIRMED], [PHONE, REFUSED]].iter().enumerate() {
            let number = u8::try_from(number).unwrap();
            entries.iter().for_each(|entry| first.see(at("2025-10-01"), visit(number), entry));
        }
        // The phone failed, and a card was confirmed in its stead.
        [PHONE, CARD, CONFIRMED].iter().for_each(|entry| first.see(at("2025-10-02"), visit(7), entry));
        assert_eq!(first.day(), None);

        for (number, day) in [(8, "2025-10-03"), (9, "2025-10-04")] {
            [PHONE, CONFIRMED].iter().for_each(|entry| first.see(at(day), visit(number), entry));
        }
        let day = Some("2025-10-03".parse().unwrap());
        assert_eq!(first.day(), day);
        assert_eq!(FirstPhone::load(folder.path()).day(), day);
    }
}
