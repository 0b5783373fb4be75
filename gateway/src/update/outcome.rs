//! What became of an update: written down before the box boots into it, settled by the boot that finds itself well.

use super::version::Version;
use serde::{Deserialize, Serialize};
use std::{
    fs::{self, File},
    io::{self, Read, Write},
    os::unix::fs::{OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
};

/// The file's name, in the gateway's own directory.
const FILE: &str = "update.json";
/// No such file is longer, in bytes.
const LONGEST: u64 = 4096;

/// How far it got.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// It is in its slot, and the next boot tries it.
    Installed,
    /// It runs, and the box found itself well.
    Good,
    /// It did not run well: the box went back by itself.
    FellBack,
}

/// An update of this box, the newest one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempt {
    /// What ran before.
    pub from: Version,
    /// What was installed.
    pub to: Version,
    /// The boot during which it was installed.
    pub boot: String,
    /// How far it got.
    pub stage: Stage,
}

/// Where the attempt is written down, below the gateway's directory as the caller sees it.
pub fn file(directory: &Path) -> PathBuf {
    directory.join(FILE)
}

/// The newest attempt. None where there was no update, or where what is written is not understood: a box that starts
/// must not depend on it.
pub fn read(path: &Path) -> Option<Attempt> {
    let mut text = Vec::new();
    File::open(path).ok()?.take(LONGEST + 1).read_to_end(&mut text).ok()?;
    if text.len() as u64 > LONGEST {
        return None;
    }
    serde_json::from_slice(&text).ok()
}

/// Writes it down, so that it is there after a power cut as well. The gateway may read it.
pub fn write(path: &Path, attempt: &Attempt) -> io::Result<()> {
    let new = path.with_extension("new");
    let mut file = fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o644).open(&new)?;
    file.set_permissions(fs::Permissions::from_mode(0o644))?;
    file.write_all(&serde_json::to_vec(attempt)?)?;
    file.sync_all()?;
    fs::rename(&new, path)?;
    match path.parent() {
        Some(directory) => File::open(directory)?.sync_all(),
        None => Ok(()),
    }
}

/// What the attempt has come to, now that version `running` found itself well in boot `boot`.
pub fn settle(attempt: &Attempt, running: Version, boot: &str) -> Stage {
    match attempt.stage {
        Stage::Installed if running == attempt.to => Stage::Good,
        // Still in the boot that installed it: it was not tried yet.
        Stage::Installed if boot == attempt.boot => Stage::Installed,
        Stage::Installed if running == attempt.from => Stage::FellBack,
        settled => settled,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn attempt() -> Attempt {
        let version = |text: &str| text.parse().unwrap();
        Attempt {
            from: version("0.1.0"),
            to: version("0.2.0"),
            boot: "first".into(),
            stage: Stage::Installed,
        }
    }

    #[test]
    fn the_version_that_runs_well_after_the_next_boot_tells_what_became_of_the_update() {
        let attempt = attempt();
        assert_eq!(settle(&attempt, attempt.to, "second"), Stage::Good);
        assert_eq!(settle(&attempt, attempt.from, "second"), Stage::FellBack);
        assert_eq!(settle(&attempt, attempt.from, "first"), Stage::Installed, "not tried yet");
        let settled = Attempt { stage: Stage::FellBack, ..attempt };
        assert_eq!(
            settle(&settled, settled.from, "third"),
            Stage::FellBack,
            "told until another one succeeds"
        );
    }

    #[test]
    fn what_is_written_is_read_again_and_nonsense_is_no_attempt() {
        let directory = tempfile::tempdir().unwrap();
        let path = file(directory.path());
        assert_eq!(read(&path), None);
        write(&path, &attempt()).unwrap();
        assert_eq!(read(&path), Some(attempt()));
        for nonsense in [&b"{"[..], &[b' '; 5000]] {
            fs::write(&path, nonsense).unwrap();
            assert_eq!(read(&path), None);
        }
    }
}
