//! What lasts of the configuration beside its file: the change that waits to be confirmed, the one that is being
//! prepared, and the history.
//!
//! A change takes effect in this order, each step durable before the next: the former text (`before.toml`), the new
//! version (`pending.json`), the configuration file. While `pending.json` exists, the change is not confirmed, and
//! the next start takes it back. Confirming is one rename of it into the history, so there is no moment at which a power cut
//! leaves both or neither.

use super::durable;
use jiff::Timestamp;
use madoguchi_protocol::PersonId;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use sha2::{Digest as _, Sha256};
use std::{
    fs::{self, File},
    io::{self, Read},
    path::{Path, PathBuf},
};

/// How many versions the history keeps.
pub const KEPT: usize = 50;
/// The largest file of this store, in bytes: a configuration of 1 MiB whose every character is escaped in JSON.
const MAX_BYTES: u64 = 7 * 1024 * 1024;
const BEFORE: &str = "before.toml";
const PENDING: &str = "pending.json";
const STAGED: &str = "staged.json";

/// A text's fingerprint (SHA-256, hexadecimal): what a person saw is what is applied.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Digest(String);

impl Digest {
    /// Of a text.
    pub fn of(text: &str) -> Self {
        Self(Sha256::digest(text.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect())
    }

    /// As somebody gave it back; equal to none where it is nonsense.
    pub fn given(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// In hexadecimal.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Who made a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Author {
    /// Somebody who was logged in to the page or the API.
    Person(PersonId),
    /// Somebody with a shell on the box.
    Console,
}

/// How a change was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// In a form or in the text on the page.
    Page,
    /// In the file, by hand.
    File,
    /// By going back to an earlier version.
    History(u32),
    /// From an export.
    Import,
}

/// A version of the configuration.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Version {
    /// Counted from 1.
    pub number: u32,
    /// When it took effect.
    pub at: Timestamp,
    /// Who made it so.
    pub by: Author,
    /// How.
    pub origin: Origin,
    /// The whole text.
    pub text: String,
}

/// A change that took effect and waits to be confirmed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pending {
    /// What took effect.
    pub version: Version,
    /// What ran before; `None` where nothing did.
    pub before: Option<String>,
}

/// A change that is being prepared. It need not be sound.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Staged {
    /// What it was made from: what ran then. `None` where nothing did.
    pub base: Option<Digest>,
    /// When it was changed last.
    pub at: Timestamp,
    /// By whom.
    pub by: Author,
    /// How.
    pub origin: Origin,
    /// The whole text.
    pub text: String,
}

/// The store can't be read or written.
#[derive(Debug, thiserror::Error)]
#[error("{}: {source}", path.display())]
pub struct StoreError {
    path: PathBuf,
    source: io::Error,
}

/// The folder of all this. One process writes it: the gateway, or, while that is stopped, the console.
#[derive(Clone, Debug)]
pub struct Store {
    folder: PathBuf,
}

impl Store {
    /// The store of a box that keeps what lasts in `state_directory`; made where it is missing.
    pub fn open(state_directory: &Path) -> Result<Self, StoreError> {
        let folder = state_directory.join("gateway").join("configuration");
        durable::make_folder(&folder.join("history")).map_err(at(&folder))?;
        Ok(Self { folder })
    }

    /// The change that waits to be confirmed.
    pub fn pending(&self) -> Result<Option<Pending>, StoreError> {
        let Some(version) = self.read::<Version>(&self.folder.join(PENDING))? else { return Ok(None) };
        let before = self.folder.join(BEFORE);
        let before = read_text(&before).map_err(at(&before))?;
        Ok(Some(Pending { version, before }))
    }

    /// Keeps what ran before and the version that takes effect next. Call it before the configuration file is written.
    pub fn begin(&self, pending: &Pending) -> Result<(), StoreError> {
        let before = self.folder.join(BEFORE);
        match &pending.before {
            Some(text) => durable::replace(&before, text.as_bytes(), 0o600),
            None => durable::remove(&before),
        }
        .map_err(at(&before))?;
        self.write(&self.folder.join(PENDING), &pending.version)
    }

    /// The change is confirmed: from now on it is history.
    pub fn confirm(&self, number: u32) -> Result<(), StoreError> {
        let pending = self.folder.join(PENDING);
        durable::rename(&pending, &self.version_file(number)).map_err(at(&pending))?;
        self.remove(BEFORE)?;
        self.forget_old()
    }

    /// The change was taken back: the file is as it was before.
    pub fn abandon(&self) -> Result<(), StoreError> {
        self.remove(PENDING)?;
        self.remove(BEFORE)
    }

    /// Notes a version that took effect without waiting for anybody: the one that was found at the start.
    pub fn note(&self, version: &Version) -> Result<(), StoreError> {
        self.write(&self.version_file(version.number), version)?;
        self.forget_old()
    }

    /// The change that is being prepared.
    pub fn staged(&self) -> Result<Option<Staged>, StoreError> {
        self.read(&self.folder.join(STAGED))
    }

    /// Keeps the change that is being prepared, or forgets it.
    pub fn stage(&self, staged: Option<&Staged>) -> Result<(), StoreError> {
        match staged {
            Some(staged) => self.write(&self.folder.join(STAGED), staged),
            None => self.remove(STAGED),
        }
    }

    /// Every version that was kept, newest first. One that can't be read is left out: the others are still good.
    pub fn history(&self) -> Result<Vec<Version>, StoreError> {
        let mut versions = Vec::new();
        for number in self.numbers()?.into_iter().rev() {
            match self.read::<Version>(&self.version_file(number)) {
                Ok(Some(version)) => versions.push(version),
                Ok(None) => {}
                Err(error) => tracing::warn!(%error, "a version of the configuration can't be read"),
            }
        }
        Ok(versions)
    }

    /// The number of the version that comes next.
    pub fn next_number(&self) -> Result<u32, StoreError> {
        Ok(self.numbers()?.last().map_or(1, |last| last.saturating_add(1)))
    }

    /// Where the text of an earlier format is kept, for a program that knows no later one.
    pub fn of_format(&self, format: u32) -> PathBuf {
        self.folder.join(format!("format-{format}.toml"))
    }

    fn numbers(&self) -> Result<Vec<u32>, StoreError> {
        let folder = self.folder.join("history");
        let entries = fs::read_dir(&folder).map_err(at(&folder))?;
        let number = |entry: io::Result<fs::DirEntry>| {
            entry.ok()?.file_name().to_str()?.strip_suffix(".json")?.parse().ok()
        };
        let mut numbers: Vec<u32> = entries.filter_map(number).collect();
        numbers.sort_unstable();
        Ok(numbers)
    }

    fn version_file(&self, number: u32) -> PathBuf {
        self.folder.join("history").join(format!("{number:08}.json"))
    }

    fn forget_old(&self) -> Result<(), StoreError> {
        let numbers = self.numbers()?;
        for number in numbers.iter().take(numbers.len().saturating_sub(KEPT)) {
            let path = self.version_file(*number);
            durable::remove(&path).map_err(at(&path))?;
        }
        Ok(())
    }

    fn read<T: DeserializeOwned>(&self, path: &Path) -> Result<Option<T>, StoreError> {
        let Some(text) = read_text(path).map_err(at(path))? else { return Ok(None) };
        serde_json::from_str(&text).map(Some).map_err(|error| at(path)(error.into()))
    }

    fn write<T: Serialize>(&self, path: &Path, value: &T) -> Result<(), StoreError> {
        let bytes = serde_json::to_vec(value).map_err(|error| at(path)(error.into()))?;
        durable::replace(path, &bytes, 0o600).map_err(at(path))
    }

    fn remove(&self, name: &str) -> Result<(), StoreError> {
        let path = self.folder.join(name);
        durable::remove(&path).map_err(at(&path))
    }
}

fn at(path: &Path) -> impl Fn(io::Error) -> StoreError {
    let path = path.to_path_buf();
    move |source| StoreError { path: path.clone(), source }
}

/// The text of a file, where there is one.
fn read_text(path: &Path) -> io::Result<Option<String>> {
    let file = match File::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        file => file?,
    };
    let mut text = String::new();
    file.take(MAX_BYTES + 1).read_to_string(&mut text)?;
    if text.len() as u64 > MAX_BYTES {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "larger than a configuration can be"));
    }
    Ok(Some(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn version(number: u32, text: &str) -> Version {
        let by = Author::Person(PersonId::from_bytes([7; 16]));
        Version { number, at: Timestamp::UNIX_EPOCH, by, origin: Origin::Page, text: text.into() }
    }

    fn store() -> (tempfile::TempDir, Store) {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        (folder, store)
    }

    #[test]
    fn a_confirmed_change_moves_into_the_history_in_one_step() {
        let (_folder, store) = store();
        let pending = Pending { version: version(1, "new"), before: Some("old".into()) };
        store.begin(&pending).unwrap();
        assert_eq!(store.pending().unwrap(), Some(pending));
        assert_eq!(store.history().unwrap(), []);
        store.confirm(1).unwrap();
        assert_eq!(store.pending().unwrap(), None);
        assert_eq!(store.history().unwrap(), [version(1, "new")]);
        assert_eq!(store.next_number().unwrap(), 2);
    }

    #[test]
    fn an_abandoned_change_leaves_nothing() {
        let (_folder, store) = store();
        store.begin(&Pending { version: version(1, "new"), before: None }).unwrap();
        assert_eq!(store.pending().unwrap().unwrap().before, None);
        store.abandon().unwrap();
        assert_eq!(store.pending().unwrap(), None);
        assert_eq!(store.history().unwrap(), []);
    }

    #[test]
    fn the_last_fifty_are_kept_and_numbers_are_never_used_again() {
        let (_folder, store) = store();
        for number in 1..=53 {
            store.note(&version(number, "text")).unwrap();
        }
        let numbers: Vec<_> = store.history().unwrap().iter().map(|version| version.number).collect();
        assert_eq!(numbers, (4..=53).rev().collect::<Vec<_>>());
        assert_eq!(store.next_number().unwrap(), 54);
    }

    #[test]
    fn a_damaged_version_does_not_hide_the_others() {
        let (folder, store) = store();
        store.note(&version(1, "good")).unwrap();
        let damaged = folder.path().join("gateway/configuration/history/00000002.json");
        fs::write(damaged, "{\"number\": 2,").unwrap();
        assert_eq!(store.history().unwrap(), [version(1, "good")]);
    }

    #[test]
    fn what_is_prepared_is_there_after_a_restart() {
        let (folder, store) = store();
        let by = Author::Console;
        let staged = Staged {
            base: Some(Digest::of("a")),
            at: Timestamp::UNIX_EPOCH,
            by,
            origin: Origin::Import,
            text: "b".into(),
        };
        store.stage(Some(&staged)).unwrap();
        assert_eq!(Store::open(folder.path()).unwrap().staged().unwrap(), Some(staged));
        store.stage(None).unwrap();
        assert_eq!(store.staged().unwrap(), None);
    }
}
