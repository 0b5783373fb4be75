//! The box itself: its disk and its clock.

use super::report::Finding;
use std::{path::Path, process::Command};

/// Below this share of free space the queue's ballast may be needed soon.
const WARNING_SHARE: f64 = 0.10;
/// Below this share files can't be relied on.
const ERROR_SHARE: f64 = 0.03;

/// Free space where the box keeps what lasts.
pub fn disk(directory: &Path) -> Finding {
    // The directory may not exist before the first start: its nearest ancestor is on the same disk.
    let existing = directory.ancestors().find(|path| path.exists()).unwrap_or(Path::new("/"));
    let statistics = match rustix::fs::statvfs(existing) {
        Ok(statistics) => statistics,
        Err(error) => {
            return Finding::error(
                "disk",
                format!("{}: {error}", existing.display()),
                "check the disk and its mount",
            );
        }
    };
    #[expect(clippy::cast_precision_loss, reason = "a share of a disk needs no more precision")]
    let share = statistics.f_bavail as f64 / statistics.f_blocks.max(1) as f64;
    let free_mib = statistics.f_bavail.saturating_mul(statistics.f_frsize) / (1024 * 1024);
    let found = format!("{free_mib} MiB ({:.0} %) free at {}", share * 100.0, existing.display());
    let todo = "free space or enlarge the partition; the queue needs room for an outage";
    if share < ERROR_SHARE {
        Finding::error("disk", found, todo)
    } else if share < WARNING_SHARE {
        Finding::warning("disk", found, todo)
    } else {
        Finding::ok("disk", found)
    }
}

/// Whether the clock is set by a time server: certificates and evidence need a true one.
pub fn clock() -> Finding {
    let todo = "set up chrony with the time server of the line's provider";
    let now = jiff::Timestamp::now();
    // Smartphones are accepted from 2025-09-19 on: an earlier date is certainly wrong.
    if now.to_string().as_str() < "2025-09-19" {
        return Finding::error("clock", format!("it says {now}, which is in the past"), todo);
    }
    let asked = Command::new("timedatectl").args(["show", "--property=NTPSynchronized", "--value"]).output();
    match asked.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_string()).as_deref() {
        Ok("yes") => Finding::ok("clock", format!("{now}, synchronised")),
        Ok("no") => Finding::warning("clock", format!("{now}, not synchronised"), todo),
        _ => Finding::warning("clock", format!("{now}; whether it is synchronised can't be told"), todo),
    }
}
