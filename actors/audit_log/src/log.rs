//! The log's files: append, recover, begin a new file, remove old ones.
//!
//! **When is an entry on the disk?** A line is handed to the kernel at once, so the death of the process loses nothing.
//! It is forced to the disk (`fdatasync`) at the latest [`Settings::sync_ms`] later by whoever calls [`Log::sync`], at
//! each new file, and when the log is closed: a power cut loses that much at most, and leaves at most one torn line,
//! which the next start drops and says so.

use std::collections::{HashSet, VecDeque};
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use jiff::civil::Date;
use jiff::{Timestamp, ToSpan};
use madoguchi_protocol::messages::audit_log::Entry;
use madoguchi_protocol::{LaneId, MessageId, VisitId};
use madoguchi_reception::in_japan;
use serde::Deserialize;
use thiserror::Error;

use crate::line::{Hash, Line, LineError, LogEvent, What};
use crate::verify::{PREFIX, SUFFIX, VerifyError, each_line, files};

/// How many message ids are remembered; a repeat comes within seconds.
const IDS: usize = 4096;

/// Where the log is and how it is kept.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Its folder. The gateway sets it: it lies in the box's state directory.
    #[serde(skip)]
    pub folder: PathBuf,
    /// When a file is this large a new one begins, as one does each day.
    #[serde(default = "default_max_bytes")]
    pub max_bytes: u64,
    /// How many days are kept. The guideline fixes no period (DOMAIN section 5).
    #[serde(default = "default_days_kept")]
    pub days_kept: u32,
    /// The longest time between an entry and its being forced to the disk, in milliseconds.
    #[serde(default = "default_sync_ms")]
    pub sync_ms: u64,
}

fn default_max_bytes() -> u64 {
    16 * 1024 * 1024
}
fn default_days_kept() -> u32 {
    2 * 366
}
fn default_sync_ms() -> u64 {
    1_000
}

impl Default for Settings {
    fn default() -> Self {
        Self::new(PathBuf::new())
    }
}

impl Settings {
    /// The defaults for a folder: files of 16 MiB at most, two years, one second.
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self {
            folder: folder.into(),
            max_bytes: default_max_bytes(),
            days_kept: default_days_kept(),
            sync_ms: default_sync_ms(),
        }
    }
}

/// Why the log can't be kept.
#[derive(Debug, Error)]
pub enum LogError {
    /// A file fails.
    #[error("the audit log {path} can't be written ({source}): is there space on the disk?")]
    Io {
        /// Which.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Somebody else writes it.
    #[error("the audit log {0} is written by another process: two writers would break its chain")]
    InUse(PathBuf),
    /// What is there can't be read.
    #[error(transparent)]
    Read(#[from] VerifyError),
    /// An entry that makes no line: a mistake of the program.
    #[error(transparent)]
    Line(#[from] LineError),
}

/// What an actor wants recorded.
#[derive(Debug, Clone)]
pub struct Record {
    /// The message that brought it.
    pub id: Option<MessageId>,
    /// When it happened.
    pub at: Timestamp,
    /// The lane.
    pub lane: Option<LaneId>,
    /// The visit.
    pub visit: Option<VisitId>,
    /// What happened.
    pub entry: Entry,
}

/// The file that is written now.
#[derive(Debug)]
struct Open {
    path: PathBuf,
    file: File,
    length: u64,
    day: Date,
}

/// The log, open for writing.
#[derive(Debug)]
pub struct Log {
    settings: Settings,
    /// Held as long as the log is open; the kernel gives it back however the process ends.
    _lock: File,
    open: Option<Open>,
    first: u64,
    last: u64,
    head: Hash,
    unsynced: bool,
    is_broken: bool,
    seen: HashSet<MessageId>,
    order: VecDeque<MessageId>,
}

impl Log {
    /// Opens the log (its folder is made if missing, mode 0700), dropping a torn last line.
    ///
    /// # Errors
    /// [`LogError`]. A broken line is none: the log goes on in a new file, see [`Log::is_broken`].
    pub fn open(settings: Settings, now: Timestamp) -> Result<Self, LogError> {
        let folder = settings.folder.clone();
        let failed = |source| LogError::Io { path: folder.clone(), source };
        fs::DirBuilder::new().recursive(true).mode(0o700).create(&folder).map_err(failed)?;
        let lock = OpenOptions::new()
            .create(true)
            .append(true)
            .mode(0o600)
            .open(folder.join("lock"))
            .map_err(failed)?;
        lock.try_lock().map_err(|_| LogError::InUse(folder.clone()))?;
        let mut log = Self {
            settings,
            _lock: lock,
            open: None,
            first: 1,
            last: 0,
            head: Hash::ZERO,
            unsynced: false,
            is_broken: false,
            seen: HashSet::new(),
            order: VecDeque::new(),
        };
        log.recover(now)?;
        log.remove_old(now)?;
        tracing::info!(line = log.last, hash = %log.head, "the audit log's head at the start");
        Ok(log)
    }

    /// How many lines the log has.
    pub fn entries(&self) -> u64 {
        (self.last + 1).saturating_sub(self.first)
    }

    /// The number and hash of the last line, to be noted elsewhere and given to [`crate::verify()`].
    pub fn head(&self) -> (u64, Hash) {
        (self.last, self.head)
    }

    /// Whether a broken line was found when the log was opened.
    pub fn is_broken(&self) -> bool {
        self.is_broken
    }

    /// Writes an entry, unless its message has been written before. Says whether it was written.
    ///
    /// # Errors
    /// [`LogError`]; then nothing was written.
    pub fn record(&mut self, record: &Record, now: Timestamp) -> Result<bool, LogError> {
        let Record { id, at, lane, visit, entry } = record.clone();
        if id.is_some_and(|id| self.seen.contains(&id)) {
            return Ok(false);
        }
        let line = Line { n: 0, at, noted: now, id, lane, visit, what: What::Entry(entry), prev: self.head };
        self.append(line, now)?;
        if let Some(id) = id {
            self.remember(id);
        }
        Ok(true)
    }

    /// Forces what was written to the disk.
    ///
    /// # Errors
    /// [`LogError::Io`].
    pub fn sync(&mut self) -> Result<(), LogError> {
        if let Some(open) = self.open.as_ref().filter(|_| self.unsynced) {
            open.file.sync_data().map_err(|source| LogError::Io { path: open.path.clone(), source })?;
            self.unsynced = false;
        }
        Ok(())
    }

    /// Whether something was written that is not on the disk yet.
    pub fn is_unsynced(&self) -> bool {
        self.unsynced
    }

    fn remember(&mut self, id: MessageId) {
        self.seen.insert(id);
        self.order.push_back(id);
        if self.order.len() > IDS
            && let Some(oldest) = self.order.pop_front()
        {
            self.seen.remove(&oldest);
        }
    }

    /// Writes a line about the log itself.
    fn note(&mut self, event: LogEvent, now: Timestamp) -> Result<(), LogError> {
        let what = What::Log(event);
        self.append(
            Line { n: 0, at: now, noted: now, id: None, lane: None, visit: None, what, prev: self.head },
            now,
        )
    }

    fn append(&mut self, mut line: Line, now: Timestamp) -> Result<(), LogError> {
        let day = in_japan(now).date();
        line.n = self.last + 1;
        let (bytes, hash) = line.seal()?;
        let fits =
            |open: &Open| open.day == day && open.length + bytes.len() as u64 <= self.settings.max_bytes;
        if !self.open.as_ref().is_some_and(fits) {
            self.begin_file(line.n, day)?;
        }
        let Some(open) = &mut self.open else { return Err(LineError::Malformed.into()) };
        if let Err(source) = open.file.write_all(&bytes) {
            // Half a line must not become the beginning of the next one.
            let _ = open.file.set_len(open.length);
            return Err(LogError::Io { path: open.path.clone(), source });
        }
        open.length += bytes.len() as u64;
        (self.last, self.head, self.unsynced) = (line.n, hash, true);
        Ok(())
    }

    /// Begins a new file; the one before is on the disk first, so that no file is torn but the last.
    fn begin_file(&mut self, first: u64, day: Date) -> Result<(), LogError> {
        self.sync()?;
        let folder = &self.settings.folder;
        let path = folder.join(format!("{PREFIX}{first:012}-{}{SUFFIX}", day.strftime("%Y%m%d")));
        let failed = |source| LogError::Io { path: path.clone(), source };
        // A file of this name can only be one whose first line could not be written.
        let file = OpenOptions::new().append(true).create(true).mode(0o600).open(&path).map_err(failed)?;
        file.set_len(0).and_then(|()| File::open(folder)?.sync_all()).map_err(failed)?;
        if self.open.is_some() {
            tracing::info!(line = self.last, hash = %self.head, "the audit log's head at a new file");
        }
        self.open = Some(Open { path, file, length: 0, day });
        Ok(())
    }

    /// Finds the head in the file written last and makes that file fit to be continued.
    fn recover(&mut self, now: Timestamp) -> Result<(), LogError> {
        let mut files = files(&self.settings.folder)?;
        let mut torn = 0;
        // Files without a whole line hold nothing that was recorded.
        while let Some(path) = files.last() {
            let (lines, rest) = self.read_last(path, now)?;
            torn += rest;
            if lines > 0 {
                break;
            }
            fs::remove_file(path).map_err(|source| LogError::Io { path: path.clone(), source })?;
            files.pop();
        }
        if let Some(first) = files.first() {
            self.first = number_in(first).unwrap_or(1);
        }
        if torn > 0 {
            self.note(LogEvent::TornLineDropped(torn), now)?;
        }
        Ok(())
    }

    /// Reads the file written last. Returns its whole lines and the bytes of a torn one, which it drops.
    fn read_last(&mut self, path: &Path, now: Timestamp) -> Result<(u64, u64), LogError> {
        let mut lines = 0;
        let mut broken = None;
        let mut before: Option<(u64, Hash)> = None;
        let rest = each_line(path, |number, line| {
            lines = number;
            match line {
                Ok((line, hash)) => {
                    if before.is_some_and(|before| before != (line.n - 1, line.prev)) {
                        broken.get_or_insert(number);
                    }
                    before = Some((line.n, hash));
                    if let Some(id) = line.id {
                        self.remember(id);
                    }
                }
                Err(_) => {
                    broken.get_or_insert(number);
                }
            }
            Ok(())
        })?;
        if lines == 0 {
            return Ok((0, rest));
        }
        let failed = |source| LogError::Io { path: path.to_owned(), source };
        match (before, broken) {
            (Some((last, head)), None) => (self.last, self.head) = (last, head),
            (before, _) => {
                // No number may be given twice, whatever the broken lines bore.
                let counted = number_in(path).unwrap_or(1).saturating_add(lines);
                let (last, head) = before.unwrap_or((0, Hash::ZERO));
                (self.last, self.head) = (last.max(counted), head);
            }
        }
        if let Some(line) = broken {
            tracing::error!(file = %path.display(), line, "the audit log has a broken line");
            self.is_broken = true;
            self.note(LogEvent::BrokenLineFound(line), now)?;
            return Ok((lines, 0));
        }
        let file = OpenOptions::new().append(true).open(path).map_err(failed)?;
        let length = file.metadata().map_err(failed)?.len() - rest;
        if rest > 0 {
            file.set_len(length).and_then(|()| file.sync_all()).map_err(failed)?;
        }
        let day = day_in(path).unwrap_or_default();
        self.open = Some(Open { path: path.to_owned(), file, length, day });
        Ok((lines, rest))
    }

    /// Removes files whose day is over its time, after their removal is on record on the disk.
    fn remove_old(&mut self, now: Timestamp) -> Result<(), LogError> {
        let today = in_japan(now).date();
        let oldest = today.saturating_sub(i64::from(self.settings.days_kept).days());
        let files = files(&self.settings.folder)?;
        let old = files.iter().take_while(|path| day_in(path).is_some_and(|day| day < oldest)).count();
        // The newest file holds the head and stays.
        let old = old.min(files.len().saturating_sub(1));
        let Some(kept) = files.get(old).filter(|_| old > 0) else { return Ok(()) };
        let mut beginning = None;
        each_line(kept, |_, line| {
            beginning = beginning.or(line.ok().map(|(line, _)| (line.n, line.prev)));
            Ok(())
        })?;
        let Some((first, hash)) = beginning else { return Ok(()) };
        self.note(LogEvent::Removed { through: first - 1, hash }, now)?;
        self.sync()?;
        for path in &files[..old] {
            fs::remove_file(path).map_err(|source| LogError::Io { path: path.clone(), source })?;
        }
        self.first = first;
        Ok(())
    }

    /// What has to be done once a day: begins no file by itself, removes those whose time is over.
    ///
    /// # Errors
    /// [`LogError`].
    pub fn tidy(&mut self, now: Timestamp) -> Result<(), LogError> {
        self.sync()?;
        self.remove_old(now)
    }
}

impl Drop for Log {
    fn drop(&mut self) {
        if let Err(error) = self.sync() {
            tracing::error!(%error, "the audit log was closed without reaching the disk");
        }
    }
}

fn parts(path: &Path) -> Option<(&str, &str)> {
    path.file_name()?.to_str()?.strip_prefix(PREFIX)?.strip_suffix(SUFFIX)?.split_once('-')
}

pub(crate) fn number_in(path: &Path) -> Option<u64> {
    parts(path)?.0.parse().ok()
}

pub(crate) fn day_in(path: &Path) -> Option<Date> {
    Date::strptime("%Y%m%d", parts(path)?.1).ok()
}

#[cfg(test)]
#[path = "log_tests.rs"]
mod tests;
