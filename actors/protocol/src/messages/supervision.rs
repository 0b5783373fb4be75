//! What the harness of every actor hears, whatever its kind: the actor itself never sees it.

use super::CommandFacts;
use crate::ActorKind;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// From the page: end this actor in good order and build it anew, as after a failure but at once. Its patient is told,
/// its device is let go and found again, and no other actor notices. Not idempotent: twice is two restarts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Restart {}

/// It begins now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RestartBegun {}

/// The command's name in the topic.
pub const RESTART: &str = "restart";
/// How long the asker waits: the harness answers before the actor ends.
pub const RESTART_WITHIN: Duration = Duration::from_secs(3);

/// A restart of each kind of actor but the gateway itself, whose restart is the program's.
pub const FACTS: &[CommandFacts] = &[
    restart(ActorKind::FaceReader),
    restart(ActorKind::NfcReader),
    restart(ActorKind::PinSession),
    restart(ActorKind::Uplink),
    restart(ActorKind::OfflineQueue),
    restart(ActorKind::ReceiptComputer),
    restart(ActorKind::AuditLog),
];

const fn restart(to: ActorKind) -> CommandFacts {
    CommandFacts { to, name: RESTART, idempotent: false, deadline: RESTART_WITHIN }
}
