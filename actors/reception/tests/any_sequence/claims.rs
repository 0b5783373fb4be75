//! What no sequence of events may lead to, rule by rule. Each claim looks at one act, at what was seen of the visit up to
//! and with it, and at the moment in which it was done.

use crate::Seen;
use madoguchi_protocol::{
    eligibility::Verdict,
    evidence::Medium,
    messages::{
        audit_log::{Fallback, StaffAct, Step, VisitEnd},
        face_reader::StaffActed,
    },
};
use madoguchi_reception::{
    Act, Input, ScreenKind,
    counting::{Counting, count},
};
use proptest::prelude::*;

/// When an act was done.
pub struct Moment {
    /// The input that led to it.
    pub input: Input,
    /// The step before.
    pub before: Step,
    /// The input was the centre's yes, or told that the centre can't be asked now.
    pub proven_or_deferred: bool,
    /// The input told that the centre confirmed the visit.
    pub settled_confirmed: bool,
}

pub type Claim = fn(&Act, &Seen, &Moment) -> Result<(), TestCaseError>;

/// an iPhone's holder authenticates on the phone.
pub fn no_pin_from_an_iphone(act: &Act, _: &Seen, _: &Moment) -> Result<(), TestCaseError> {
    match act {
        Act::Show(screen) => prop_assert!(screen.kind != ScreenKind::EnterPin(Medium::Iphone)),
        Act::Read { command, .. } => {
            prop_assert_eq!(command.pin_job.is_some(), command.expected != Medium::Iphone);
        }
        _ => {}
    }
    Ok(())
}

/// neither on the screen nor by staff.
pub fn no_portal_for_an_expired_phone(act: &Act, seen: &Seen, at: &Moment) -> Result<(), TestCaseError> {
    if !seen.phone_expired {
        return Ok(());
    }
    match act {
        Act::Show(screen) => {
            let offered = matches!(screen.kind, ScreenKind::Fallback { offers, .. } if offers.portal);
            prop_assert!(!offered, "it is offered on the screen");
        }
        Act::StaffAnswered(answer) => {
            let asked =
                matches!(at.input, Input::Staff(StaffAct::SettleByFallback(Fallback::PortalScreen), _));
            prop_assert!(!(asked && *answer == StaffActed::Done), "staff used it");
        }
        _ => {}
    }
    Ok(())
}

/// authenticated first, or said to be judged later. In a rehearsal nobody is authenticated.
pub fn no_consent_before_authentication(act: &Act, seen: &Seen, at: &Moment) -> Result<(), TestCaseError> {
    let Act::Show(screen) = act else { return Ok(()) };
    if screen.kind.step() == Step::Consent && at.before != Step::Consent {
        let in_time = at.before == Step::Authenticating && at.proven_or_deferred;
        prop_assert!(seen.practice || in_time, "consent too early");
    }
    if let ScreenKind::Consent { deferred } = screen.kind {
        prop_assert_eq!(deferred, !seen.centre_confirmed, "authenticated, or said to be deferred");
    }
    Ok(())
}

/// what the centre never confirmed does not count, and practice never does.
pub fn nothing_unconfirmed_is_counted(act: &Act, seen: &Seen, at: &Moment) -> Result<(), TestCaseError> {
    let Act::Ended(end) = act else { return Ok(()) };
    let counts = |later| matches!(count(*end, later), Counting::Counted(_));
    prop_assert!(!counts(None) || at.settled_confirmed, "counted without the centre's confirmation");
    prop_assert!(*end != VisitEnd::Confirmed || at.settled_confirmed, "called confirmed, and nobody did");
    prop_assert!(!(seen.practice && counts(Some(Verdict::Confirmed))), "practice was counted");
    Ok(())
}

/// A screen either waits for the box itself, which has a deadline, or can be touched.
pub fn a_way_forward_from_every_screen(act: &Act, _: &Seen, _: &Moment) -> Result<(), TestCaseError> {
    let Act::Show(screen) = act else { return Ok(()) };
    let waits = matches!(screen.kind, ScreenKind::Confirming);
    prop_assert!(waits || !screen.choices.is_empty(), "no way forward from {:?}", screen.kind);
    Ok(())
}
