//! How long each state of a visit may last.

use serde::{Deserialize, Serialize};

/// The longest limit that can be configured, in seconds.
const LONGEST: u16 = 900;
/// `nfc_reader` answers within 180 s at most: the hold and the reading must fit in.
const LONGEST_READ: u16 = 170;

/// A limit outside its bounds.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadDeadline {
    /// Zero, or longer than is sensible at a counter.
    #[error("deadlines.{0} must be from 1 to {LONGEST} seconds")]
    Bounds(&'static str),
    /// Longer than the read itself may take.
    #[error("deadlines.hold and deadlines.reading together must be at most {LONGEST_READ} seconds")]
    Read,
}

macro_rules! deadlines {
    ($($(#[doc = $doc:literal])+ $name:ident: $seconds:literal,)*) => {
        /// Limits in seconds. Where a person is thinking, each touch begins the limit anew, so slow hands
        /// need no longer limits than quick ones.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(default, deny_unknown_fields)]
        pub struct Deadlines {
            $($(#[doc = $doc])+ pub $name: u16,)*
        }

        impl Default for Deadlines {
            fn default() -> Self {
                Self { $($name: $seconds,)* }
            }
        }

        impl Deadlines {
            /// Refuses limits of zero, or so long that a lane would seem dead.
            pub fn check(&self) -> Result<(), BadDeadline> {
                $(if !(1..=LONGEST).contains(&self.$name) {
                    return Err(BadDeadline::Bounds(stringify!($name)));
                })*
                if self.hold.saturating_add(self.reading) > LONGEST_READ {
                    return Err(BadDeadline::Read);
                }
                Ok(())
            }
        }
    };
}

deadlines! {
    /// A question with a few answers: card or phone, which phone, face or PIN, yes or no.
    choose: 60,
    /// Typing the PIN. A PIN job lives 60 s, so more brings a new pad rather than more time.
    enter_pin: 60,
    /// Authenticating on the phone.
    phone_authenticates: 90,
    /// Putting the card into the reader's slot.
    insert_card: 60,
    /// Bringing the medium to the reader.
    hold: 60,
    /// Reading, once the medium is held.
    reading: 20,
    /// Reading the hint on how to hold.
    hint: 60,
    /// Reading the slot's card, camera and the reader's own PIN pad included.
    slot: 120,
    /// The centre's verdict; afterwards the visit goes on as deferred.
    authenticate: 8,
    /// Each consent question.
    consent: 120,
    /// The queue's *accepted*.
    accept: 12,
    /// The centre's answer after *accepted*; afterwards the patient need not wait.
    settle: 5,
    /// A short answer of another actor.
    ask: 5,
    /// The result on the screen.
    result: 15,
    /// The fallbacks on the screen, while staff come.
    fallback: 180,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_of_zero_or_of_hours_are_refused_by_name() {
        assert_eq!(Deadlines::default().check(), Ok(()));
        let never = Deadlines { consent: 0, ..Deadlines::default() };
        assert_eq!(never.check(), Err(BadDeadline::Bounds("consent")));
        let hours = Deadlines { choose: 3600, ..Deadlines::default() };
        assert_eq!(hours.check(), Err(BadDeadline::Bounds("choose")));
        let beyond_the_read = Deadlines { hold: 160, ..Deadlines::default() };
        assert_eq!(beyond_the_read.check(), Err(BadDeadline::Read));
    }
}
