//! What the hospital sets.

use std::{path::PathBuf, time::Duration};

use serde::Deserialize;

use crate::store::{KeyRing, Quota, StoreConfig, WhenFull};

const DAY_MS: u64 = 86_400_000;

/// `[offline_queue]` of the configuration. Durations are in milliseconds where the name says nothing else.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// The queue's own folder, on a disk of the box. The gateway sets it: it lies in the state directory.
    #[serde(skip)]
    pub folder: PathBuf,
    /// The key file, where systemd hands over no credential `queue-key`. `queue-key` in the folder if not set.
    pub key_file: Option<PathBuf>,
    /// How many confirmations may wait or be set aside.
    pub most_records: u64,
    /// How many MiB they may take.
    pub most_mib: u64,
    /// How many MiB must stay free on the partition; with less, nothing new is accepted.
    pub keep_free_mib: u64,
    /// Size in MiB of the file that is given up when the disk is full, so that what was accepted can still be settled.
    pub ballast_mib: u64,
    /// How long the patient waits for the answer; what comes later is deferred.
    pub live_ms: u64,
    /// How many confirmations may be under way at once.
    pub in_flight: usize,
    /// How many of one lane.
    pub in_flight_per_lane: usize,
    /// The first pause after a failure. Each further one is twice as long.
    pub first_pause_ms: u64,
    /// The longest pause between two tries.
    pub longest_pause_ms: u64,
    /// After how many days a confirmation that still waits for the centre is given up and wiped. Never if not set.
    pub give_up_after_days: Option<u16>,
    /// What is given up first when `most_records` or `most_mib` is reached: `refuse` (nothing; the new patient takes a
    /// fallback), `give_up_set_aside`, `give_up_oldest`.
    pub when_full: WhenFull,
    /// For how many days a settled request is known again.
    pub days_known: u16,
}

impl Default for Settings {
    fn default() -> Self {
        let quota = Quota::default();
        Self {
            folder: "/var/lib/madoguchi/queue".into(),
            key_file: None,
            most_records: quota.records,
            most_mib: quota.bytes >> 20,
            keep_free_mib: quota.keep_free >> 20,
            ballast_mib: quota.ballast >> 20,
            live_ms: 5_000,
            in_flight: 32,
            in_flight_per_lane: 4,
            first_pause_ms: 500,
            longest_pause_ms: 30_000,
            give_up_after_days: None,
            when_full: WhenFull::Refuse,
            days_known: 30,
        }
    }
}

impl Settings {
    /// The store's part of it.
    pub fn store(&self) -> StoreConfig {
        let fallback = self.key_file.clone().unwrap_or_else(|| self.folder.join("queue-key"));
        let mut config = StoreConfig::new(self.folder.join("store"), KeyRing::locate(&fallback));
        config.quota = self.quota();
        config.give_up_after = self.give_up_after_days.map(|days| u64::from(days) * DAY_MS);
        config.when_full = self.when_full;
        config.settled_known = u64::from(self.days_known) * DAY_MS;
        config
    }

    /// What the store may hold.
    pub fn quota(&self) -> Quota {
        let bytes = |mib: u64| mib.saturating_mul(1 << 20);
        Quota {
            records: self.most_records,
            bytes: bytes(self.most_mib),
            keep_free: bytes(self.keep_free_mib),
            ballast: bytes(self.ballast_mib),
        }
    }

    /// The first and the longest pause.
    pub(crate) fn pauses(&self) -> (Duration, Duration) {
        let first = Duration::from_millis(self.first_pause_ms.max(1));
        (first, Duration::from_millis(self.longest_pause_ms).max(first))
    }
}
