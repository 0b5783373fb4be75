//! `madoguchi update`: a new version from one signed file, into the slot that is not in use.
//!
//! Nothing is believed before the whole file was checked, and nothing that runs is touched: the new version is written
//! beside the old one. It takes over at the next boot, which waits until no patient is at a reader, and it stays only
//! if the box finds itself well then (`madoguchi healthy`); otherwise the old version boots again and says so.

pub mod bundle;
pub mod install;
pub mod outcome;
pub mod quiet;
pub mod version;

use std::path::Path;

/// Whether the newest update did not run well and the box went back, as the gateway with this state directory sees it.
/// It knows so before the box has found itself well again.
pub fn fell_back(state_directory: &Path) -> bool {
    let Some(attempt) = outcome::read(&outcome::file(&state_directory.join("gateway"))) else { return false };
    let boot = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
    let stage = match install::Places::appliance(state_directory).running() {
        Ok(running) => outcome::settle(&attempt, running, boot.trim()),
        // Not the appliance: what is written down stands.
        Err(_) => attempt.stage,
    };
    stage == outcome::Stage::FellBack
}
