//! Roles and rights: one table says which role may do what.

use clap::ValueEnum;
use serde::{Deserialize, Serialize};

/// What a person is at this hospital.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "snake_case")]
#[value(rename_all = "snake_case")]
pub enum Role {
    /// Sets the box up and says who else may do what.
    Administrator,
    /// A clerk at the counters.
    Operator,
    /// Reads what happened, changes nothing.
    Auditor,
    /// Looks at the lanes: a screen on the wall.
    Viewer,
}

/// Something that not everybody may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "snake_case")]
#[value(rename_all = "snake_case")]
pub enum Right {
    /// See lanes, repairs, queue, line and certificates.
    Watch,
    /// Act at a lane: take a visit over, settle it by a fallback, try a device, restart one.
    Serve,
    /// Put back or give up what was set aside in the queue.
    MendQueue,
    /// Read counts and the monthly report.
    ReadCounts,
    /// Read the audit log.
    ReadAudit,
    /// See live messages: topics and names, never contents.
    ReadMessages,
    /// Rehearse an outage at a lane.
    Rehearse,
    /// Change the configuration.
    Configure,
    /// Say who may do what; make tokens.
    ManagePeople,
    /// Take a support bundle away.
    TakeBundle,
}

impl Role {
    /// All roles, the most powerful first.
    pub const ALL: [Self; 4] = [Self::Administrator, Self::Operator, Self::Auditor, Self::Viewer];

    /// The table.
    pub const fn rights(self) -> &'static [Right] {
        use Right as R;
        match self {
            Self::Administrator => &Right::ALL,
            Self::Operator => {
                &[R::Watch, R::Serve, R::MendQueue, R::ReadCounts, R::ReadMessages, R::TakeBundle]
            }
            Self::Auditor => &[R::Watch, R::ReadCounts, R::ReadAudit],
            Self::Viewer => &[R::Watch],
        }
    }

    /// Whether this role may.
    pub fn may(self, right: Right) -> bool {
        self.rights().contains(&right)
    }

    /// Its name in files, forms and keys of texts.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Administrator => "administrator",
            Self::Operator => "operator",
            Self::Auditor => "auditor",
            Self::Viewer => "viewer",
        }
    }
}

impl Right {
    /// All rights.
    pub const ALL: [Self; 10] = [
        Self::Watch,
        Self::Serve,
        Self::MendQueue,
        Self::ReadCounts,
        Self::ReadAudit,
        Self::ReadMessages,
        Self::Rehearse,
        Self::Configure,
        Self::ManagePeople,
        Self::TakeBundle,
    ];

    /// What a program's token can be given. Who may do what, and the configuration, is for persons with a second
    /// factor.
    pub const FOR_PROGRAMS: [Self; 5] =
        [Self::Watch, Self::Serve, Self::MendQueue, Self::ReadCounts, Self::ReadAudit];

    /// Its name in files, forms and keys of texts: the scope of a token.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Watch => "watch",
            Self::Serve => "serve",
            Self::MendQueue => "mend_queue",
            Self::ReadCounts => "read_counts",
            Self::ReadAudit => "read_audit",
            Self::ReadMessages => "read_messages",
            Self::Rehearse => "rehearse",
            Self::Configure => "configure",
            Self::ManagePeople => "manage_people",
            Self::TakeBundle => "take_bundle",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_administrators_configure_and_say_who_may_what() {
        for right in [Right::Configure, Right::ManagePeople] {
            for role in Role::ALL {
                assert_eq!(role.may(right), role == Role::Administrator, "{role:?} {right:?}");
            }
            assert!(!Right::FOR_PROGRAMS.contains(&right));
        }
    }

    #[test]
    fn auditors_and_viewers_change_nothing() {
        let changes =
            [Right::Serve, Right::MendQueue, Right::Rehearse, Right::Configure, Right::ManagePeople];
        for right in changes {
            assert!(!Role::Auditor.may(right) && !Role::Viewer.may(right), "{right:?}");
        }
    }
}
