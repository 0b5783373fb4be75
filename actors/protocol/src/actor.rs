//! The kinds of actors and their addresses.

use crate::ident::LaneId;
use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

/// Each kind of actor; `configs/actors.toml` says what each may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ActorKind {
    /// One face-auth reader: its device link, its screens and the lane's visit.
    FaceReader,
    /// One generic USB NFC reader.
    NfcReader,
    /// The only keeper of PINs.
    PinSession,
    /// The line and the eligibility centre behind it.
    Uplink,
    /// The durable queue of confirmations.
    OfflineQueue,
    /// The receipt computer's folders.
    ReceiptComputer,
    /// The record of what happened.
    AuditLog,
    /// The program itself: supervisor, page and metrics.
    Gateway,
}

/// The text names no actor.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no actor; actors are {known}, those of a lane as NAME@LANE", known = ActorKind::ALL.map(ActorKind::name).join(", "))]
pub struct UnknownActor(pub String);

impl ActorKind {
    /// All kinds, in the order of the house.
    pub const ALL: [Self; 8] = [
        Self::FaceReader,
        Self::NfcReader,
        Self::PinSession,
        Self::Uplink,
        Self::OfflineQueue,
        Self::ReceiptComputer,
        Self::AuditLog,
        Self::Gateway,
    ];

    /// The name in topics, accounts, labels and units.
    pub const fn name(self) -> &'static str {
        match self {
            Self::FaceReader => "face_reader",
            Self::NfcReader => "nfc_reader",
            Self::PinSession => "pin_session",
            Self::Uplink => "uplink",
            Self::OfflineQueue => "offline_queue",
            Self::ReceiptComputer => "receipt_computer",
            Self::AuditLog => "audit_log",
            Self::Gateway => "gateway",
        }
    }

    /// Whether each lane has one of its own.
    pub const fn is_per_lane(self) -> bool {
        matches!(self, Self::FaceReader | Self::NfcReader)
    }
}

impl fmt::Display for ActorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for ActorKind {
    type Err = UnknownActor;
    fn from_str(text: &str) -> Result<Self, UnknownActor> {
        Self::ALL.into_iter().find(|kind| kind.name() == text).ok_or_else(|| UnknownActor(text.into()))
    }
}

/// One actor: a kind, and the lane where it has one. Written `uplink` or `nfc_reader@2`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Address {
    /// What it is.
    pub kind: ActorKind,
    /// Whose it is; `None` for the box's.
    pub lane: Option<LaneId>,
}

impl Address {
    /// The box's only actor of this kind.
    pub const fn of_box(kind: ActorKind) -> Self {
        Self { kind, lane: None }
    }

    /// This lane's actor of this kind.
    pub const fn of_lane(kind: ActorKind, lane: LaneId) -> Self {
        Self { kind, lane: Some(lane) }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.lane {
            Some(lane) => write!(f, "{}@{lane}", self.kind),
            None => self.kind.fmt(f),
        }
    }
}

impl FromStr for Address {
    type Err = UnknownActor;
    fn from_str(text: &str) -> Result<Self, UnknownActor> {
        let unknown = || UnknownActor(text.into());
        let (kind, lane) = match text.split_once('@') {
            Some((kind, lane)) => (kind, Some(lane.parse().map_err(|_| unknown())?)),
            None => (text, None),
        };
        let kind: ActorKind = kind.parse().map_err(|_| unknown())?;
        if kind.is_per_lane() == lane.is_some() { Ok(Self { kind, lane }) } else { Err(unknown()) }
    }
}
