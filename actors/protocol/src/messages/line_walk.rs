//! The way to the centre, walked step by step: what was found, and who can mend what.

use super::line::Way;
use serde::{Deserialize, Serialize};

/// The steps, in the order in which one needs the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    /// Is there anything at the other end of the cable?
    Cable,
    /// Does the box have its address on the line?
    Address,
    /// Is the tunnel up?
    Tunnel,
    /// Is the clock right?
    Clock,
    /// Are the certificates there, and valid?
    Certificate,
    /// Do box and centre accept each other?
    Tls,
    /// Does the centre answer?
    Centre,
}

/// Who can mend a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Whom {
    /// Whoever looks after the hospital's network.
    Hospital,
    /// The line's provider.
    Provider,
    /// Whoever set the box up.
    Installer,
    /// The call centre of the eligibility system.
    CallCentre,
}

impl Step {
    /// Its name in text keys.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Cable => "cable",
            Self::Address => "address",
            Self::Tunnel => "tunnel",
            Self::Clock => "clock",
            Self::Certificate => "certificate",
            Self::Tls => "tls",
            Self::Centre => "centre",
        }
    }

    /// Who can mend it.
    pub const fn whom(self) -> Whom {
        match self {
            Self::Cable => Whom::Hospital,
            Self::Address | Self::Clock => Whom::Installer,
            Self::Tunnel => Whom::Provider,
            Self::Certificate | Self::Tls | Self::Centre => Whom::CallCentre,
        }
    }
}

impl Whom {
    /// Its name in text keys.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Hospital => "hospital",
            Self::Provider => "provider",
            Self::Installer => "installer",
            Self::CallCentre => "call-centre",
        }
    }
}

/// How a step is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Health {
    /// As it should be.
    Well,
    /// Nobody here can tell, or an earlier step stands before it.
    Unknown,
    /// It works, and will not for long.
    Doubtful,
    /// Broken.
    Broken,
}

/// A step that was taken.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Taken {
    /// On which line.
    pub way: Way,
    /// Which.
    pub step: Step,
    /// How it is.
    pub health: Health,
    /// What was found, in English, for an engineer.
    pub found: String,
}

/// What the walk found, line by line.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Walk(pub Vec<Taken>);

impl Walk {
    /// The first broken step of a line.
    pub fn broken(&self, way: Way) -> Option<&Taken> {
        self.0.iter().filter(|it| it.way == way && it.health == Health::Broken).min_by_key(|it| it.step)
    }
}
