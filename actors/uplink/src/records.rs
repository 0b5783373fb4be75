//! What is kept of the line over restarts: a small JSON file, replaced as a whole.

use crate::outage::Kept;
use std::{
    fs::{self, File},
    io::{self, Read, Write},
    path::{Path, PathBuf},
};

/// No sound file is larger, in bytes.
const MAX_BYTES: u64 = 64 * 1024;

/// Where the months are kept.
#[derive(Clone, Debug)]
pub struct Records {
    folder: PathBuf,
}

impl Records {
    /// Below `folder`, which is made when it is first needed.
    pub fn new(folder: &Path) -> Self {
        Self { folder: folder.into() }
    }

    fn file(&self) -> PathBuf {
        self.folder.join("availability.json")
    }

    /// Reads what was kept. A file that is missing is a first start; one that can't be read is reported and begun anew,
    /// since patients must not wait for a statistic.
    pub fn read(&self) -> Kept {
        let path = self.file();
        let read = || -> io::Result<Kept> {
            let mut bytes = vec![];
            File::open(&path)?.take(MAX_BYTES).read_to_end(&mut bytes)?;
            Ok(serde_json::from_slice(&bytes)?)
        };
        read().unwrap_or_else(|error| {
            if error.kind() != io::ErrorKind::NotFound {
                tracing::error!(path = %path.display(), %error, "the line's months can't be read and begin anew");
            }
            Kept::default()
        })
    }

    /// Writes; the old file is there until the new one is whole and on the disk.
    pub fn write(&self, kept: &Kept) -> io::Result<()> {
        fs::create_dir_all(&self.folder)?;
        let (path, new) = (self.file(), self.folder.join("availability.json.new"));
        let mut file = File::create(&new)?;
        file.write_all(&serde_json::to_vec(kept)?)?;
        file.sync_data()?;
        fs::rename(&new, &path)?;
        File::open(&self.folder)?.sync_data()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::{Timestamp, civil::date};
    use madoguchi_protocol::messages::line::MonthReport;

    #[test]
    fn what_was_written_is_read_again_and_damage_begins_anew() {
        let folder = tempfile::tempdir().unwrap();
        let records = Records::new(&folder.path().join("line"));
        assert_eq!(records.read(), Kept::default(), "a first start");
        let month = MonthReport { month: date(2026, 11, 1), watched_s: 100, outage_s: 7, outages: 1 };
        let kept = Kept { outage: Some(Timestamp::UNIX_EPOCH), months: vec![month] };
        records.write(&kept).unwrap();
        assert_eq!(records.read(), kept);
        fs::write(records.file(), "{\"months\":").unwrap();
        assert_eq!(records.read(), Kept::default());
        records.write(&kept).unwrap();
        assert_eq!(records.read(), kept);
    }
}
