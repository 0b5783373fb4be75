//! Whether a visit counts towards the usage of マイナ保険証.
//!
//! These are the box's own counts and an estimate: the official rate's denominator is unknown here.

use madoguchi_protocol::{
    eligibility::Verdict,
    messages::audit_log::{Fallback, VisitEnd},
};
use serde::{Deserialize, Serialize};

/// Whether a visit counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Counting {
    /// It counts.
    Counted(Counted),
    /// It does not.
    NotCounted(NotCounted),
    /// Accepted and not answered yet: the answer decides.
    Open,
}

/// Why a visit counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Counted {
    /// Read on the reader and confirmed online during the visit.
    ConfirmedOnline,
    /// Read on the reader and confirmed online after the line came back.
    ConfirmedLater,
}

/// Why a visit does not count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NotCounted {
    /// The centre answered, and the answer was no confirmation.
    NotConfirmed(Verdict),
    /// Settled by the portal screen, with or without a card.
    PortalScreen,
    /// Settled by another way than a reading confirmed online.
    OtherWay(Fallback),
    /// Nobody completed it.
    NotCompleted,
    /// It was practice and no patient's visit.
    Practice,
}

impl Counting {
    /// The reason's code in reports.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Counted(Counted::ConfirmedOnline) => "confirmed_online",
            Self::Counted(Counted::ConfirmedLater) => "confirmed_later",
            Self::Open => "awaiting_answer",
            Self::NotCounted(reason) => match reason {
                NotCounted::NotConfirmed(verdict) => verdict.name(),
                NotCounted::PortalScreen => "portal_screen",
                NotCounted::OtherWay(Fallback::MyNumberCard) => "card_not_confirmed_here",
                NotCounted::OtherWay(Fallback::EligibilityCertificate) => "eligibility_certificate",
                NotCounted::OtherWay(Fallback::PortalScreen) => "portal_screen",
                NotCounted::OtherWay(Fallback::SelfDeclaration) => "self_declaration",
                NotCounted::NotCompleted => "not_completed",
                NotCounted::Practice => "practice",
            },
        }
    }
}

/// Whether the visit counts, by how it ended and, where it was deferred, by what the centre answered later.
pub fn count(end: VisitEnd, later: Option<Verdict>) -> Counting {
    match (end, later) {
        (VisitEnd::Confirmed, _) => Counting::Counted(Counted::ConfirmedOnline),
        (VisitEnd::Deferred, Some(Verdict::Confirmed)) => Counting::Counted(Counted::ConfirmedLater),
        (VisitEnd::Deferred, Some(verdict)) => Counting::NotCounted(NotCounted::NotConfirmed(verdict)),
        (VisitEnd::Deferred, None) => Counting::Open,
        (VisitEnd::NotConfirmed(verdict), _) => Counting::NotCounted(NotCounted::NotConfirmed(verdict)),
        (VisitEnd::Fallback(Fallback::PortalScreen), _) => Counting::NotCounted(NotCounted::PortalScreen),
        // A card that was confirmed on the reader ended the visit as Confirmed; this one was not.
        (VisitEnd::Fallback(way), _) => Counting::NotCounted(NotCounted::OtherWay(way)),
        (VisitEnd::Practised, _) => Counting::NotCounted(NotCounted::Practice),
        (VisitEnd::Abandoned | VisitEnd::TakenOver | VisitEnd::Interrupted, _) => {
            Counting::NotCounted(NotCounted::NotCompleted)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NEVER_CONFIRMED: [Verdict; 4] =
        [Verdict::NotRegistered, Verdict::Expired, Verdict::Revoked, Verdict::Refused];

    #[test]
    fn r26_the_portal_screen_does_not_count_even_when_the_centre_answers_later() {
        for later in [None, Some(Verdict::Confirmed)] {
            let counting = count(VisitEnd::Fallback(Fallback::PortalScreen), later);
            assert_eq!(counting, Counting::NotCounted(NotCounted::PortalScreen));
        }
    }

    #[test]
    fn r27_a_medium_read_here_and_confirmed_online_counts_now_or_later() {
        assert_eq!(count(VisitEnd::Confirmed, None), Counting::Counted(Counted::ConfirmedOnline));
        let later = count(VisitEnd::Deferred, Some(Verdict::Confirmed));
        assert_eq!(later, Counting::Counted(Counted::ConfirmedLater));
    }

    #[test]
    fn r28_a_visit_that_was_never_confirmed_does_not_count() {
        let mut ends: Vec<(VisitEnd, Option<Verdict>)> = vec![
            (VisitEnd::Abandoned, None),
            (VisitEnd::TakenOver, None),
            (VisitEnd::Interrupted, None),
            (VisitEnd::Fallback(Fallback::MyNumberCard), None),
            (VisitEnd::Fallback(Fallback::EligibilityCertificate), None),
            (VisitEnd::Fallback(Fallback::SelfDeclaration), None),
        ];
        for verdict in NEVER_CONFIRMED {
            ends.push((VisitEnd::NotConfirmed(verdict), None));
            ends.push((VisitEnd::Deferred, Some(verdict)));
        }
        for (end, later) in ends {
            assert!(matches!(count(end, later), Counting::NotCounted(_)), "{end:?} {later:?}");
        }
    }

    #[test]
    fn r28_a_deferred_visit_is_open_until_the_centre_answers() {
        assert_eq!(count(VisitEnd::Deferred, None), Counting::Open);
    }
}
