//! Identifiers. None of them is derived from a person, a card or a serial number.

use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};
use uuid::Uuid;

/// A reception counter (窓口), numbered from 1 to [`LaneId::MAX`] by the hospital.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "u16", into = "u16")]
pub struct LaneId(u16);

/// A lane number outside 1..=[`LaneId::MAX`], or not a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a lane is a number from 1 to {}", LaneId::MAX)]
pub struct BadLane;

impl LaneId {
    /// The highest lane number. Three digits are what a counter's sign and a label bear.
    pub const MAX: u16 = 999;

    /// The lane with this number.
    pub fn new(number: u16) -> Result<Self, BadLane> {
        if (1..=Self::MAX).contains(&number) { Ok(Self(number)) } else { Err(BadLane) }
    }

    /// The number on the counter's sign.
    pub fn number(self) -> u16 {
        self.0
    }
}

impl TryFrom<u16> for LaneId {
    type Error = BadLane;
    fn try_from(number: u16) -> Result<Self, BadLane> {
        Self::new(number)
    }
}

impl From<LaneId> for u16 {
    fn from(lane: LaneId) -> u16 {
        lane.0
    }
}

impl fmt::Display for LaneId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for LaneId {
    type Err = BadLane;
    fn from_str(text: &str) -> Result<Self, BadLane> {
        // Only the canonical spelling: "07" or "+7" would give one lane two topics.
        let lane = Self::new(text.parse().map_err(|_| BadLane)?)?;
        if lane.to_string() == text { Ok(lane) } else { Err(BadLane) }
    }
}

macro_rules! uuid_ident {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(Uuid);

        impl $name {
            /// A new identifier from the operating system's random numbers.
            pub fn random() -> Self {
                Self(Uuid::new_v4())
            }

            /// The identifier with these 16 bytes.
            pub fn from_bytes(bytes: [u8; 16]) -> Self {
                Self(Uuid::from_bytes(bytes))
            }

            /// The identifier's 16 bytes.
            pub fn as_bytes(&self) -> &[u8; 16] {
                self.0.as_bytes()
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = uuid::Error;
            fn from_str(text: &str) -> Result<Self, uuid::Error> {
                text.parse().map(Self)
            }
        }
    };
}

uuid_ident!(
    /// One message on the bus. A repeated command keeps its id; its reply names it.
    MessageId
);
uuid_ident!(
    /// One visit of one patient at one lane, from the first touch to the outcome.
    VisitId
);
uuid_ident!(
    /// One confirmation or query at the eligibility centre: the idempotency key.
    RequestId
);
uuid_ident!(
    /// One member of staff, or a program with a token: drawn at random when it is entered, so that a log bears no name.
    /// The page alone knows whose it is.
    PersonId
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lane_has_exactly_one_spelling() {
        assert_eq!("7".parse(), LaneId::new(7));
        for bad in ["0", "07", "+7", "1000", "", "x", " 7"] {
            assert_eq!(bad.parse::<LaneId>(), Err(BadLane), "{bad:?}");
        }
    }
}
