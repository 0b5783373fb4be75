//! The long memory of settled ids, in sled: what makes a very late repetition of an accept harmless.
//!
//! It holds nothing that was promised to anybody and no personal data: losing it, or its newest part, would
//! only mean that an id settled days ago is asked at the centre once more, which knows it by its idempotency
//! key. That is what sled can be trusted with, see `STORE.md`.

use std::fs::File;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use super::types::{Millis, RecordId, StoreError};

/// What is remembered of a settled record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settled {
    /// The caller's code for how it ended; `None` when it was disposed of without an answer.
    pub outcome: Option<u8>,
    /// When it was accepted.
    pub accepted_at: Millis,
    /// When it was settled.
    pub settled_at: Millis,
}

impl Settled {
    const SIZE: usize = 1 + 2 + 8 + 8;

    fn encode(self) -> [u8; Self::SIZE] {
        let mut out = [0; Self::SIZE];
        out[0] = 1; // format version
        out[1] = u8::from(self.outcome.is_some());
        out[2] = self.outcome.unwrap_or(0);
        out[3..11].copy_from_slice(&self.accepted_at.to_be_bytes());
        out[11..].copy_from_slice(&self.settled_at.to_be_bytes());
        out
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        if bytes.len() != Self::SIZE || bytes[0] != 1 {
            return None;
        }
        Some(Self {
            outcome: (bytes[1] == 1).then_some(bytes[2]),
            accepted_at: u64::from_be_bytes(bytes[3..11].try_into().ok()?),
            settled_at: u64::from_be_bytes(bytes[11..].try_into().ok()?),
        })
    }
}

/// sled with two trees: by id, and by time of settling so that the old ones can go.
pub(super) struct Memory {
    directory: PathBuf,
    db: sled::Db,
    by_time: sled::Tree,
}

impl Memory {
    /// Opens it, or, when it is damaged beyond what sled mends, puts it aside and begins anew. The second value
    /// is where the damaged one was put.
    pub(super) fn open(directory: &Path, now_name: &str) -> Result<(Self, Option<PathBuf>), StoreError> {
        if let Ok(memory) = Self::try_open(directory) {
            return Ok((memory, None));
        }
        // A leftover or cut snapshot makes sled refuse; without it, it reads its log from the beginning.
        if let Ok(files) = std::fs::read_dir(directory) {
            for file in
                files.flatten().filter(|file| file.file_name().as_encoded_bytes().starts_with(b"snap."))
            {
                std::fs::remove_file(file.path()).map_err(StoreError::io("removing a cut snapshot"))?;
            }
        }
        if let Ok(memory) = Self::try_open(directory) {
            return Ok((memory, None));
        }
        let aside = directory.with_extension(format!("damaged-{now_name}"));
        std::fs::rename(directory, &aside).map_err(StoreError::io("putting the damaged memory aside"))?;
        Ok((Self::try_open(directory)?, Some(aside)))
    }

    fn try_open(directory: &Path) -> Result<Self, StoreError> {
        // On some damage sled panics instead of returning an error.
        let opened = catch_unwind(AssertUnwindSafe(|| {
            let db = sled::Config::new()
                .path(directory)
                .cache_capacity(8 << 20)
                .mode(sled::Mode::LowSpace)
                .flush_every_ms(None)
                .open()?;
            let by_time = db.open_tree("by_time")?;
            Ok::<_, sled::Error>((db, by_time))
        }));
        let (db, by_time) =
            opened.map_err(|_| sled::Error::ReportableBug("sled panicked while opening".to_owned()))??;
        let memory = Self { directory: directory.to_owned(), db, by_time };
        memory.sync()?;
        Ok(memory)
    }

    pub(super) fn get(&self, id: RecordId) -> Result<Option<Settled>, StoreError> {
        Ok(self.db.get(id.0)?.and_then(|value| Settled::decode(&value)))
    }

    /// Remembers these, on the medium as far as sled goes.
    pub(super) fn put(&self, settled: &[(RecordId, Settled)]) -> Result<(), StoreError> {
        for (id, entry) in settled {
            self.db.insert(id.0, &entry.encode())?;
            self.by_time.insert(time_key(entry.settled_at, *id), &[])?;
        }
        self.sync()
    }

    /// Forgets at most `limit` entries settled before `before`. Says how many.
    pub(super) fn forget(&self, before: Millis, limit: usize) -> Result<usize, StoreError> {
        let mut forgotten = 0;
        for entry in self.by_time.range(..before.to_be_bytes()).keys().take(limit) {
            let key = entry?;
            if let Some(id) = key.get(8..) {
                self.db.remove(id)?;
            }
            self.by_time.remove(&key)?;
            forgotten += 1;
        }
        if forgotten > 0 {
            self.sync()?;
        }
        Ok(forgotten)
    }

    /// sled's flush hands its writes to the device without waiting for the medium, and doesn't sync the
    /// directories or the separate files of large values at all; so that is done here.
    fn sync(&self) -> Result<(), StoreError> {
        self.db.flush()?;
        for directory in [self.directory.join("blobs"), self.directory.clone()] {
            let failed = || StoreError::io(format!("syncing {}", directory.display()));
            for file in std::fs::read_dir(&directory).map_err(failed())?.flatten() {
                if file.file_type().is_ok_and(|kind| kind.is_file()) {
                    match File::open(file.path()) {
                        Ok(open) => open.sync_data().map_err(failed())?,
                        // sled removes its files in the background.
                        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
                        Err(error) => return Err(failed()(error)),
                    }
                }
            }
            File::open(&directory).and_then(|open| open.sync_all()).map_err(failed())?;
        }
        Ok(())
    }
}

fn time_key(at: Millis, id: RecordId) -> [u8; 24] {
    let mut key = [0; 24];
    key[..8].copy_from_slice(&at.to_be_bytes());
    key[8..].copy_from_slice(&id.0);
    key
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(settled_at: Millis) -> Settled {
        Settled { outcome: Some(3), accepted_at: 5, settled_at }
    }

    #[test]
    fn settled_ids_outlive_a_restart_and_go_when_they_are_old() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("settled");
        let (memory, _) = Memory::open(&path, "0").unwrap();
        let old = RecordId([1; 16]);
        let new = RecordId([2; 16]);
        memory.put(&[(old, entry(10)), (new, Settled { outcome: None, ..entry(20) })]).unwrap();
        drop(memory);
        let (memory, aside) = Memory::open(&path, "0").unwrap();
        assert_eq!(aside, None);
        assert_eq!(memory.get(old).unwrap(), Some(entry(10)));
        assert_eq!(memory.forget(20, 100).unwrap(), 1);
        assert_eq!(memory.get(old).unwrap(), None);
        assert_eq!(memory.get(new).unwrap().unwrap().outcome, None);
    }

    #[test]
    fn a_cut_snapshot_does_not_cost_the_memory() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("settled");
        let (memory, _) = Memory::open(&path, "0").unwrap();
        memory.put(&[(RecordId([1; 16]), entry(10))]).unwrap();
        drop(memory);
        std::fs::write(path.join("snap.0000000000000001"), b"cut").unwrap();
        let (memory, aside) = Memory::open(&path, "0").unwrap();
        assert_eq!(aside, None);
        assert_eq!(memory.get(RecordId([1; 16])).unwrap(), Some(entry(10)));
    }

    #[test]
    fn a_memory_damaged_beyond_repair_is_put_aside_and_not_deleted() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("settled");
        drop(Memory::open(&path, "0").unwrap());
        std::fs::write(path.join("conf"), b"not what sled wrote").unwrap();
        let (memory, aside) = Memory::open(&path, "77").unwrap();
        assert!(aside.unwrap().join("conf").exists());
        assert_eq!(memory.get(RecordId([1; 16])).unwrap(), None);
    }
}
