//! The messages, one module for each actor that hears or says them.
//!
//! A command is a struct with its own reply; [`commands!`] ties the two together with the command's name,
//! whether it is idempotent, and the deadline within which a reply must come. The bus repeats a command
//! under the same id until its reply comes or the deadline passes.

use crate::{ActorKind, Envelope, LaneId, envelope::EnvelopeError};
use serde::{Serialize, de::DeserializeOwned};
use std::time::Duration;

pub mod audit_log;
pub mod face_reader;
pub mod line;
pub mod line_walk;
pub mod nfc_reader;
pub mod offline_queue;
pub mod pin_session;
pub mod receipt_computer;
pub mod state;
pub mod supervision;
pub mod uplink;

/// A command to one kind of actor.
pub trait Command: Serialize + DeserializeOwned + Send + 'static {
    /// Who hears it.
    const TO: ActorKind;
    /// Its name in the topic.
    const NAME: &'static str;
    /// Whether doing it twice has the effect of doing it once, also after the hearer restarted.
    const IDEMPOTENT: bool;
    /// How long the asker waits for the reply at most.
    const DEADLINE: Duration;
    /// What is answered.
    type Reply: Serialize + DeserializeOwned + Send + 'static;
}

/// Something that happened, said once and not repeated.
pub trait Event: Serialize + DeserializeOwned + Send + 'static {
    /// Who says it.
    const FROM: ActorKind;
    /// Its name in the topic.
    const NAME: &'static str;
}

/// A command's facts, for the manifest's test and the README's table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CommandFacts {
    /// Who hears it.
    pub to: ActorKind,
    /// Its name.
    pub name: &'static str,
    /// See [`Command::IDEMPOTENT`].
    pub idempotent: bool,
    /// See [`Command::DEADLINE`].
    pub deadline: Duration,
}

/// All commands that one kind of actor hears, as one type to match on.
pub trait Commands: Sized + Send + 'static {
    /// Their facts.
    const FACTS: &'static [CommandFacts];
    /// Reads the command `name` from the bytes that came on a topic of `lane`.
    fn decode(name: &str, bytes: &[u8], lane: Option<LaneId>) -> Result<Envelope<Self>, EnvelopeError>;
}

/// `commands! { enum NAME for KIND { Command => Reply, "name", idempotent|once, seconds; … } }`
macro_rules! commands {
    (@idempotent idempotent) => { true };
    (@idempotent once) => { false };
    ($(#[$doc:meta])* enum $all:ident for $kind:ident {
        $($command:ident => $reply:ty, $name:literal, $repeat:ident, $seconds:literal s;)*
    }) => {
        $(impl $crate::messages::Command for $command {
            const TO: $crate::ActorKind = $crate::ActorKind::$kind;
            const NAME: &'static str = $name;
            const IDEMPOTENT: bool = commands!(@idempotent $repeat);
            const DEADLINE: std::time::Duration = std::time::Duration::from_secs($seconds);
            type Reply = $reply;
        })*

        $(#[$doc])*
        #[derive(Debug)]
        pub enum $all {
            $(#[doc = concat!("`", $name, "`")] $command($command),)*
        }

        impl $crate::messages::Commands for $all {
            const FACTS: &'static [$crate::messages::CommandFacts] = &[
                $($crate::messages::CommandFacts {
                    to: $crate::ActorKind::$kind,
                    name: $name,
                    idempotent: commands!(@idempotent $repeat),
                    deadline: std::time::Duration::from_secs($seconds),
                },)*
            ];

            fn decode(
                name: &str,
                bytes: &[u8],
                lane: Option<$crate::LaneId>,
            ) -> Result<$crate::Envelope<Self>, $crate::envelope::EnvelopeError> {
                match name {
                    $($name => Ok($crate::Envelope::<$command>::decode(bytes, lane)?.map(Self::$command)),)*
                    _ => Err($crate::envelope::EnvelopeError::Name),
                }
            }
        }
    };
}
pub(crate) use commands;

/// Every command of the house.
pub fn all_commands() -> impl Iterator<Item = &'static CommandFacts> {
    [
        face_reader::FaceReaderCommand::FACTS,
        nfc_reader::NfcReaderCommand::FACTS,
        pin_session::PinSessionCommand::FACTS,
        uplink::UplinkCommand::FACTS,
        offline_queue::OfflineQueueCommand::FACTS,
        receipt_computer::ReceiptComputerCommand::FACTS,
        audit_log::AuditLogCommand::FACTS,
        supervision::FACTS,
    ]
    .into_iter()
    .flatten()
}

/// Every event of the house: who says it, and its name.
pub const ALL_EVENTS: &[(ActorKind, &str)] = &[
    (nfc_reader::ReadProgress::FROM, nfc_reader::ReadProgress::NAME),
    (offline_queue::ConfirmationSettled::FROM, offline_queue::ConfirmationSettled::NAME),
];
