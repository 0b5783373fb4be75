//! Secrets that systemd hands over to a unit, in place of the files that the configuration names.

use super::Config;
use std::path::{Path, PathBuf};

/// The line's private key, as a credential.
pub const LINE_KEY: &str = "line-key";
/// The device link's private key, as a credential.
pub const LINK_KEY: &str = "link-key";

/// Where systemd has put this process's credentials, if it has any.
pub fn directory() -> Option<PathBuf> {
    std::env::var_os("CREDENTIALS_DIRECTORY").map(PathBuf::from)
}

impl Config {
    /// Takes the private keys from `directory` where they are there: the configured files are root's alone then, and
    /// a process gets no other key than its own.
    pub fn take_credentials(&mut self, directory: &Path) {
        let take = |name: &str, path: &mut PathBuf| {
            let credential = directory.join(name);
            if credential.exists() {
                *path = credential;
            }
        };
        take(LINE_KEY, &mut self.uplink.key);
        for lane in &mut self.lane {
            take(LINK_KEY, &mut lane.face_reader.key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EXAMPLE: &str = include_str!("../../../configs/example.toml");

    #[test]
    fn a_key_that_systemd_hands_over_replaces_the_configured_file() {
        let handed_over = tempfile::tempdir().unwrap();
        std::fs::write(handed_over.path().join(LINK_KEY), "invented").unwrap();
        let before = Config::parse(Path::new("example.toml"), EXAMPLE).unwrap();
        let mut after = before.clone();
        after.take_credentials(handed_over.path());
        assert_eq!(after.lane[0].face_reader.key, handed_over.path().join(LINK_KEY));
        assert_eq!(after.uplink.key, before.uplink.key);
    }
}
