//! What is logged: a level for the house, and others for single actors.

use madoguchi_protocol::ActorKind;
use serde::Deserialize;

/// How much is logged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// What somebody must act on.
    Error,
    /// That, and what may become so.
    Warn,
    /// One line for each thing that matters.
    #[default]
    Info,
    /// Everything that helps to find a mistake; never a PIN or a patient's data.
    Debug,
}

impl Level {
    /// Its name, as in the configuration.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warn => "warn",
            Self::Info => "info",
            Self::Debug => "debug",
        }
    }
}

/// The levels of the log. A change of them takes effect at once and touches nothing else.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Log {
    /// Of whatever has no level of its own.
    pub level: Level,
    /// Of the face-auth readers' actors.
    pub face_reader: Option<Level>,
    /// Of the generic readers' actors.
    pub nfc_reader: Option<Level>,
    /// Of the keeper of PINs.
    pub pin_session: Option<Level>,
    /// Of the line.
    pub uplink: Option<Level>,
    /// Of the queue.
    pub offline_queue: Option<Level>,
    /// Of the receipt computer's folders.
    pub receipt_computer: Option<Level>,
    /// Of the audit log.
    pub audit_log: Option<Level>,
    /// Of the gateway itself: configuration, page, metrics.
    pub gateway: Option<Level>,
    /// Of the bus: connections to the broker, actors that end and begin, and the events of all actors.
    pub bus: Option<Level>,
}

impl Log {
    /// As directives of tracing's filter: `info,madoguchi_uplink=debug`.
    pub fn directives(&self) -> String {
        let actors = [
            (ActorKind::FaceReader, self.face_reader),
            (ActorKind::NfcReader, self.nfc_reader),
            (ActorKind::PinSession, self.pin_session),
            (ActorKind::Uplink, self.uplink),
            (ActorKind::OfflineQueue, self.offline_queue),
            (ActorKind::ReceiptComputer, self.receipt_computer),
            (ActorKind::AuditLog, self.audit_log),
        ];
        let crates = actors.map(|(kind, level)| (format!("madoguchi_{}", kind.name()), level));
        // A filter takes the beginning of a name: without the colons the gateway's would be everybody's.
        let rest = [("madoguchi::".to_owned(), self.gateway), ("madoguchi_bus".to_owned(), self.bus)];
        let mut directives = self.level.name().to_owned();
        for (target, level) in crates.into_iter().chain(rest) {
            if let Some(level) = level {
                directives.push_str(&format!(",{target}={}", level.name()));
            }
        }
        directives
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_actor_has_the_houses_level_unless_it_has_its_own() {
        assert_eq!(Log::default().directives(), "info");
        let log = Log { uplink: Some(Level::Debug), gateway: Some(Level::Error), ..Log::default() };
        assert_eq!(log.directives(), "info,madoguchi_uplink=debug,madoguchi::=error");
    }
}
