//! How a visit's eligibility was established, and what the patient is asked to pay for it (R-25; DOMAIN section 5).
//!
//! There is no way to ask for the whole: who can't be confirmed pays the usual share all the same.

use madoguchi_protocol::{
    eligibility::Verdict,
    messages::audit_log::{Fallback, VisitEnd},
};
use serde::Serialize;

/// How eligibility was established.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Established {
    /// Read here and confirmed by the centre during the visit.
    Online,
    /// Read here and confirmed when the line was back.
    OnlineLater,
    /// Read here; the centre has not answered yet.
    Awaited,
    /// A card that was not confirmed here.
    Card,
    /// 資格確認書
    Certificate,
    /// マイナポータルの資格情報の画面, seen by a member of staff.
    PortalScreen,
    /// 被保険者資格申立書
    SelfDeclaration,
    /// It was practice.
    Practice,
    /// Not at all, as far as the box knows: the patient left, staff went on without it, or the centre said no.
    Not,
}

impl Established {
    /// By how the visit ended, and by what the centre answered later.
    pub const fn of(end: VisitEnd, later: Option<Verdict>) -> Self {
        match (end, later) {
            (VisitEnd::Confirmed, _) => Self::Online,
            (VisitEnd::Deferred, None) => Self::Awaited,
            (VisitEnd::Deferred, Some(Verdict::Confirmed)) => Self::OnlineLater,
            (VisitEnd::Fallback(Fallback::MyNumberCard), _) => Self::Card,
            (VisitEnd::Fallback(Fallback::EligibilityCertificate), _) => Self::Certificate,
            (VisitEnd::Fallback(Fallback::PortalScreen), _) => Self::PortalScreen,
            (VisitEnd::Fallback(Fallback::SelfDeclaration), _) => Self::SelfDeclaration,
            (VisitEnd::Practised, _) => Self::Practice,
            (
                VisitEnd::Deferred
                | VisitEnd::NotConfirmed(_)
                | VisitEnd::Abandoned
                | VisitEnd::TakenOver
                | VisitEnd::Interrupted,
                _,
            ) => Self::Not,
        }
    }

    /// The code in reports.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Online => "online",
            Self::OnlineLater => "online_later",
            Self::Awaited => "awaited",
            Self::Card => "card",
            Self::Certificate => "eligibility_certificate",
            Self::PortalScreen => "portal_screen",
            Self::SelfDeclaration => "self_declaration",
            Self::Practice => "practice",
            Self::Not => "not_established",
        }
    }

    /// What the patient is asked to pay; nothing where the box does not know that there was a visit to pay for.
    pub const fn payment(self) -> Option<Payment> {
        match self {
            Self::SelfDeclaration => Some(Payment::DeclaredShare),
            Self::Practice | Self::Not => None,
            _ => Some(Payment::UsualShare),
        }
    }
}

/// What the patient is asked to pay. Never the whole (10割): R-25.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Payment {
    /// The share that the eligibility seen says (3割 and so on); the claim is billed with it.
    UsualShare,
    /// The share of the patient's age, as declared: see [`declared_share`].
    DeclaredShare,
}

impl Payment {
    /// The code in reports, and the end of its text's key.
    pub const fn code(self) -> &'static str {
        match self {
            Self::UsualShare => "usual_share",
            Self::DeclaredShare => "declared_share",
        }
    }

    /// Key of the text for staff.
    pub fn text_key(self) -> String {
        format!("payment-{}", self.code().replace('_', "-"))
    }
}

/// The ages that a self-declaration tells apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Age {
    /// 義務教育就学前
    BeforeSchool,
    /// From school age to 69.
    UpTo69,
    /// 70 and older.
    From70,
}

/// The share on a self-declaration, in tenths (割), from the lowest to the highest that may apply: 2割 before school
/// age, 3割, and from 70 on 1 to 3割 by income, as the patient declares.
pub const fn declared_share(age: Age) -> std::ops::RangeInclusive<u8> {
    match age {
        Age::BeforeSchool => 2..=2,
        Age::UpTo69 => 3..=3,
        Age::From70 => 1..=3,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use madoguchi_protocol::texts::{Language, find};

    const FALLBACKS: [(Fallback, Established); 4] = [
        (Fallback::MyNumberCard, Established::Card),
        (Fallback::EligibilityCertificate, Established::Certificate),
        (Fallback::PortalScreen, Established::PortalScreen),
        (Fallback::SelfDeclaration, Established::SelfDeclaration),
    ];

    #[test]
    fn r25_the_portal_screen_is_paid_by_the_usual_share() {
        let seen = Established::of(VisitEnd::Fallback(Fallback::PortalScreen), None);
        assert_eq!((seen, seen.payment()), (Established::PortalScreen, Some(Payment::UsualShare)));
    }

    #[test]
    fn r25_every_settled_visit_is_paid_by_a_share_and_never_by_the_whole() {
        for (way, established) in FALLBACKS {
            assert_eq!(Established::of(VisitEnd::Fallback(way), Some(Verdict::Confirmed)), established);
            assert!(established.payment().is_some(), "{established:?}");
        }
        for end in [VisitEnd::Confirmed, VisitEnd::Deferred] {
            assert_eq!(Established::of(end, None).payment(), Some(Payment::UsualShare));
        }
        for age in [Age::BeforeSchool, Age::UpTo69, Age::From70] {
            assert!(declared_share(age).all(|tenths| (1..=3).contains(&tenths)), "{age:?}");
        }
        assert_eq!(declared_share(Age::BeforeSchool), 2..=2);
        assert_eq!(declared_share(Age::UpTo69), 3..=3);
        assert_eq!(declared_share(Age::From70), 1..=3);
    }

    #[test]
    fn a_visit_that_was_not_settled_asks_for_nothing() {
        let refused = Established::of(VisitEnd::Deferred, Some(Verdict::Refused));
        let left = Established::of(VisitEnd::Abandoned, None);
        assert_eq!((refused, left, left.payment()), (Established::Not, Established::Not, None));
    }

    #[test]
    fn each_payment_is_explained_to_staff_in_every_language() {
        for language in Language::ALL {
            for payment in [Payment::UsualShare, Payment::DeclaredShare] {
                assert!(find(language, &payment.text_key(), &[]).is_some(), "{payment:?} in {language:?}");
            }
        }
    }
}
