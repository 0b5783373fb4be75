//! Room: the quota, and the ballast that is thrown off when the disk is full.
//!
//! A full disk must not stop what was accepted from being answered and settled, and even deleting needs room in
//! the write-ahead log. So a file of zeros is kept; it is removed when the disk is full or nearly so, and made
//! again when there is room for it once more.

use std::fs::{File, OpenOptions};
use std::path::{Path, PathBuf};

use rustix::fs::{FallocateFlags, fallocate, statvfs};

use super::types::{Level, StoreError};

/// How much the store may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quota {
    /// Records that are not settled, those set aside included.
    pub records: u64,
    /// Their sealed bytes.
    pub bytes: u64,
    /// Bytes that must stay free on the partition; below it nothing new is accepted.
    pub keep_free: u64,
    /// Size of the ballast in bytes.
    pub ballast: u64,
}

impl Default for Quota {
    /// 100,000 records (a large hospital's several weeks), 1 GiB, 64 MiB kept free, 16 MiB of ballast.
    fn default() -> Self {
        Self { records: 100_000, bytes: 1 << 30, keep_free: 64 << 20, ballast: 16 << 20 }
    }
}

impl Quota {
    /// How near `records` and `bytes` are to the limits, the disk left aside.
    pub fn level(&self, records: u64, bytes: u64) -> Level {
        let reached = |percent: u64| {
            let part = |limit: u64| u128::from(limit) * u128::from(percent) / 100;
            u128::from(records) >= part(self.records) || u128::from(bytes) >= part(self.bytes)
        };
        match () {
            () if reached(100) => Level::Full,
            () if reached(90) => Level::Critical,
            () if reached(70) => Level::Warning,
            () => Level::Ok,
        }
    }
}

/// The partition and the ballast on it.
pub(super) struct Space {
    directory: PathBuf,
    ballast: PathBuf,
    quota: Quota,
    held: bool,
    /// Free bytes at the last [`Space::look`].
    free: u64,
}

impl Space {
    /// Makes the ballast if there is room for it.
    pub(super) fn new(directory: &Path, quota: Quota) -> Result<Self, StoreError> {
        let ballast = directory.join("ballast");
        let held = std::fs::metadata(&ballast).is_ok_and(|meta| meta.len() == quota.ballast);
        let mut space = Self { directory: directory.to_owned(), ballast, quota, held, free: 0 };
        if !held {
            space.throw_off();
            space.restore();
        }
        space.look();
        Ok(space)
    }

    pub(super) fn quota(&self) -> &Quota {
        &self.quota
    }

    /// Asks the system how much is free; once for each transaction, not for each of its calls.
    pub(super) fn look(&mut self) {
        self.free = self.ask();
    }

    /// Whether the disk left no room for new records when it was last looked.
    pub(super) fn disk_full(&self) -> bool {
        // Zero ballast is a choice of the configuration, not a ballast that was thrown off.
        (!self.held && self.quota.ballast > 0) || self.free < self.quota.keep_free
    }

    /// Frees the ballast. Says whether that gave room.
    pub(super) fn throw_off(&mut self) -> bool {
        self.held = false;
        match std::fs::remove_file(&self.ballast) {
            Ok(()) => {
                tracing::warn!("the queue's disk is full: the ballast was freed, nothing new is accepted");
                true
            }
            Err(_) => false,
        }
    }

    /// Makes the ballast again when there is ample room for it.
    pub(super) fn restore(&mut self) {
        if self.held || self.quota.ballast == 0 {
            return;
        }
        let ample = self.quota.keep_free.saturating_add(self.quota.ballast.saturating_mul(2));
        if self.ask() < ample {
            return;
        }
        match self.lay() {
            Ok(()) => self.held = true,
            Err(error) => {
                tracing::warn!(%error, "the queue's ballast can't be made");
                let _ = std::fs::remove_file(&self.ballast);
            }
        }
    }

    fn lay(&self) -> std::io::Result<()> {
        let file: File = OpenOptions::new().write(true).create(true).truncate(true).open(&self.ballast)?;
        fallocate(&file, FallocateFlags::empty(), 0, self.quota.ballast)?;
        file.sync_all()
    }

    /// Bytes that an ordinary user can still write; "none" where the system does not say.
    fn ask(&self) -> u64 {
        statvfs(&self.directory).map_or(0, |fs| fs.f_bavail.saturating_mul(fs.f_frsize))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_rise_at_70_90_and_100_percent_of_either_limit() {
        let quota = Quota { records: 100, bytes: 1000, ..Quota::default() };
        assert_eq!(quota.level(69, 699), Level::Ok);
        assert_eq!(quota.level(70, 0), Level::Warning);
        assert_eq!(quota.level(0, 900), Level::Critical);
        assert_eq!(quota.level(100, 0), Level::Full);
        assert_eq!(Quota { records: u64::MAX, ..quota }.level(u64::MAX, 0), Level::Full);
    }

    #[test]
    fn without_its_ballast_the_disk_counts_as_full_until_there_is_room_again() {
        let dir = tempfile::tempdir().unwrap();
        let quota = Quota { keep_free: 0, ballast: 1 << 20, ..Quota::default() };
        let mut space = Space::new(dir.path(), quota).unwrap();
        assert!(!space.disk_full());
        assert!(space.throw_off());
        assert!(space.disk_full());
        assert!(!space.throw_off(), "it is already gone");
        space.restore();
        assert!(!space.disk_full());
        assert_eq!(std::fs::metadata(dir.path().join("ballast")).unwrap().len(), 1 << 20);
    }

    #[test]
    fn a_partition_below_what_is_to_stay_free_takes_nothing_new() {
        let dir = tempfile::tempdir().unwrap();
        let quota = Quota { keep_free: u64::MAX, ballast: 0, ..Quota::default() };
        assert!(Space::new(dir.path(), quota).unwrap().disk_full());
    }
}
