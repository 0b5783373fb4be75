//! The other ways, in the order of.

use madoguchi_protocol::messages::audit_log::Fallback;

/// Which fallbacks are offered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Offers {
    /// The My Number card may still work: a phone failed, and the box itself is well.
    pub card: bool,
    /// The portal screen, seen by a member of staff. Never where a phone's certificate has expired: its
    /// holder can't log in (R-31 over R-24).
    pub portal: bool,
}

impl Offers {
    /// The fallbacks on offer, first choice first. The certificate and the declaration are always among them.
    pub fn list(self) -> impl Iterator<Item = Fallback> {
        [
            Fallback::MyNumberCard,
            Fallback::EligibilityCertificate,
            Fallback::PortalScreen,
            Fallback::SelfDeclaration,
        ]
        .into_iter()
        .filter(move |way| match way {
            Fallback::MyNumberCard => self.card,
            Fallback::PortalScreen => self.portal,
            Fallback::EligibilityCertificate | Fallback::SelfDeclaration => true,
        })
    }
}

/// The key of what the patient reads about a fallback.
pub(crate) const fn text_key(way: Fallback) -> &'static str {
    match way {
        Fallback::MyNumberCard => "fallback-my-number-card",
        Fallback::EligibilityCertificate => "fallback-eligibility-certificate",
        Fallback::PortalScreen => "fallback-portal-screen",
        Fallback::SelfDeclaration => "fallback-self-declaration",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r24_the_card_comes_first_then_the_certificate_then_the_portal() {
        let all: Vec<_> = Offers { card: true, portal: true }.list().collect();
        assert_eq!(
            all,
            [
                Fallback::MyNumberCard,
                Fallback::EligibilityCertificate,
                Fallback::PortalScreen,
                Fallback::SelfDeclaration
            ]
        );
    }

    #[test]
    fn r31_without_the_portal_the_certificate_and_the_declaration_remain() {
        let rest: Vec<_> = Offers { card: false, portal: false }.list().collect();
        assert_eq!(rest, [Fallback::EligibilityCertificate, Fallback::SelfDeclaration]);
    }
}
