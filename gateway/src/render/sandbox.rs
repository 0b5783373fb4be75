//! The cage that every service of the house lives in, and the doors that some have.

use super::unit::Unit;
use madoguchi_bus::manifest::Network;

/// What every service of the house is denied.
const CAGE: [(&str, &str); 28] = [
    ("NoNewPrivileges", "yes"),
    ("CapabilityBoundingSet", ""),
    ("AmbientCapabilities", ""),
    ("ProtectSystem", "strict"),
    ("ProtectHome", "yes"),
    ("PrivateTmp", "yes"),
    ("PrivateMounts", "yes"),
    ("ProtectKernelTunables", "yes"),
    ("ProtectKernelModules", "yes"),
    ("ProtectKernelLogs", "yes"),
    ("ProtectControlGroups", "yes"),
    ("ProtectClock", "yes"),
    ("ProtectHostname", "yes"),
    ("ProtectProc", "invisible"),
    ("RestrictNamespaces", "yes"),
    ("RestrictRealtime", "yes"),
    ("RestrictSUIDSGID", "yes"),
    ("LockPersonality", "yes"),
    ("MemoryDenyWriteExecute", "yes"),
    ("RemoveIPC", "yes"),
    ("KeyringMode", "private"),
    ("UMask", "0077"),
    ("SystemCallArchitectures", "native"),
    // What an ordinary service needs, without what only root could do.
    ("SystemCallFilter", "@system-service"),
    ("SystemCallFilter", "~@privileged @resources"),
    ("SystemCallErrorNumber", "EPERM"),
    ("LimitCORE", "0"),
    ("MemorySwapMax", "0"),
];

/// What a service may still do.
#[derive(Clone, Copy, Debug)]
pub struct Doors {
    /// Which network it may reach.
    pub network: Network,
    /// Whether it opens USB devices and hears of their coming and going.
    pub usb: bool,
    /// Whether it reads of the machine in /proc what is not about processes.
    pub proc: bool,
    /// The most memory, in MiB. Beyond it this service alone ends, and is started again.
    pub memory_mib: u32,
    /// The most threads and processes.
    pub tasks: u32,
}

impl Doors {
    /// Writes the cage with these doors into `[Service]`.
    pub fn apply(self, unit: Unit) -> Unit {
        let unit = unit
            .lines(CAGE)
            .line("ProcSubset", if self.proc { "all" } else { "pid" })
            .line("MemoryMax", format!("{}M", self.memory_mib))
            .line("TasksMax", self.tasks);
        let unit = match (self.network, self.usb) {
            // The kernel announces USB devices by netlink, in the network namespace of the system only.
            (_, true) => unit
                .line("RestrictAddressFamilies", "AF_UNIX AF_NETLINK")
                .line("IPAddressDeny", "any")
                .line("PrivateUsers", "no"),
            (Network::None, false) => unit
                .line("PrivateNetwork", "yes")
                .line("RestrictAddressFamilies", "AF_UNIX")
                .line("IPAddressDeny", "any")
                .line("PrivateUsers", "yes"),
            // Which interface and which ports is the packet filter's to say: it knows the accounts.
            (Network::Counter | Network::Line, false) => {
                unit.line("RestrictAddressFamilies", "AF_UNIX AF_INET AF_INET6").line("PrivateUsers", "yes")
            }
        };
        if self.usb {
            unit.line("DevicePolicy", "closed").line("DeviceAllow", "char-usb_device rw")
        } else {
            unit.line("PrivateDevices", "yes").line("DevicePolicy", "closed")
        }
    }
}
