//! The book of what was handed over: a small durable record outside the shared folders, without personal data.
//!
//! The receipt computer takes its files away, so a file that is missing says nothing about whether it was ever written.
//! The book does: one line `I <key> <file name>` (intended) before a file gets its name, one `D …` (done) after. Lines
//! are appended to one file a day, and a day's file is dropped when it is older than the book is kept. A line torn by a
//! crash is cut off when the book is opened: an intention counts only once its line is whole and on the disk.

use std::collections::HashMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use jiff::civil::Date;
use jiff::{Timestamp, ToSpan};
use thiserror::Error;

use crate::message::JST;

/// How far a hand-over has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// The temporary file is durable; the rename may or may not have happened.
    Intended,
    /// The file had its name.
    Done,
}

/// One hand-over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The name of the file handed over.
    pub name: String,
    /// How far it came.
    pub state: State,
    day: Date,
}

/// Why the book can't be kept.
#[derive(Debug, Error)]
pub enum BookError {
    /// The folder or a file of the book fails.
    #[error("the record of files handed over, {path}, can't be kept ({source}): is there space on the disk?")]
    Io {
        /// Where.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Another process, or a thread that hangs on a share, still keeps the book.
    #[error("the record of files handed over, {0}, is kept by another process: two would write files twice")]
    InUse(PathBuf),
    /// A key or name with white space in it: a mistake of the program.
    #[error("a key or name in the record of files handed over has white space in it")]
    BadWord,
}

/// The open book.
#[derive(Debug)]
pub struct Book {
    folder: PathBuf,
    days_kept: i32,
    entries: HashMap<String, Entry>,
    /// Today's file, and how much of it holds whole lines.
    page: Option<(Date, File, u64)>,
    pruned: Option<Date>,
    /// Held as long as the book is open: the kernel gives it back when the process ends, however it ends.
    _lock: File,
}

const SUFFIX: &str = ".book";

impl Book {
    /// Opens the book in a folder of its own (made if missing, mode 0700) and reads the days that are kept.
    ///
    /// # Errors
    /// [`BookError::Io`]; [`BookError::InUse`] while somebody else keeps it.
    pub fn open(folder: &Path, days_kept: u16, now: Timestamp) -> Result<Self, BookError> {
        let failed = |source| BookError::Io { path: folder.to_owned(), source };
        fs::DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(failed)?;
        let lock = OpenOptions::new()
            .create(true)
            .append(true)
            .mode(0o600)
            .open(folder.join("lock"))
            .map_err(failed)?;
        lock.try_lock().map_err(|_| BookError::InUse(folder.to_owned()))?;
        let mut book = Self {
            folder: folder.to_owned(),
            days_kept: i32::from(days_kept.max(1)),
            entries: HashMap::new(),
            page: None,
            pruned: None,
            _lock: lock,
        };
        book.prune(now)?;
        let mut days = book.days().map_err(failed)?;
        days.sort();
        for day in days {
            book.read_page(day).map_err(failed)?;
        }
        Ok(book)
    }

    /// What is known of a hand-over.
    pub fn get(&self, key: &str) -> Option<&Entry> {
        self.entries.get(key)
    }

    /// Hand-overs that a crash may have interrupted: key and file name.
    pub fn intended(&self) -> Vec<(String, String)> {
        let open = self.entries.iter().filter(|(_, entry)| entry.state == State::Intended);
        open.map(|(key, entry)| (key.clone(), entry.name.clone())).collect()
    }

    /// Writes down, durably, how far a hand-over has come.
    ///
    /// # Errors
    /// [`BookError`]; then nothing was written down.
    pub fn note(&mut self, key: &str, name: &str, state: State, now: Timestamp) -> Result<(), BookError> {
        let word = |word: &str| !word.is_empty() && !word.contains(char::is_whitespace);
        if !word(key) || !word(name) {
            return Err(BookError::BadWord);
        }
        let day = JST.to_datetime(now).date();
        if self.pruned != Some(day) {
            self.prune(now)?;
        }
        let letter = match state {
            State::Intended => 'I',
            State::Done => 'D',
        };
        let path = self.path(day);
        self.append(day, &format!("{letter} {key} {name}\n"))
            .map_err(|source| BookError::Io { path, source })?;
        self.entries.insert(key.to_owned(), Entry { name: name.to_owned(), state, day });
        Ok(())
    }

    fn append(&mut self, day: Date, line: &str) -> io::Result<()> {
        let (_, mut file, length) = match self.page.take() {
            Some(page) if page.0 == day => page,
            _ => self.open_page(day)?,
        };
        match file.write_all(line.as_bytes()).and_then(|()| file.sync_data()) {
            Ok(()) => {
                self.page = Some((day, file, length + line.len() as u64));
                Ok(())
            }
            Err(error) => {
                // Half a line must not become the beginning of the next one.
                let _ = file.set_len(length);
                Err(error)
            }
        }
    }

    /// Opens a day's file for appending, cutting off what is not a whole line.
    fn open_page(&self, day: Date) -> io::Result<(Date, File, u64)> {
        let path = self.path(day);
        let is_new = !path.exists();
        let file = OpenOptions::new().append(true).create(true).mode(0o600).open(&path)?;
        let whole = if is_new { 0 } else { whole_lines(&fs::read(&path)?).len() as u64 };
        file.set_len(whole)?;
        if is_new {
            File::open(&self.folder)?.sync_all()?;
        }
        Ok((day, file, whole))
    }

    fn read_page(&mut self, day: Date) -> io::Result<()> {
        let bytes = fs::read(self.path(day))?;
        for line in String::from_utf8_lossy(whole_lines(&bytes)).lines() {
            let mut words = line.split(' ');
            let state = match words.next() {
                Some("I") => State::Intended,
                Some("D") => State::Done,
                _ => continue,
            };
            if let (Some(key), Some(name), None) = (words.next(), words.next(), words.next()) {
                self.entries.insert(key.to_owned(), Entry { name: name.to_owned(), state, day });
            }
        }
        Ok(())
    }

    fn prune(&mut self, now: Timestamp) -> Result<(), BookError> {
        let failed = |source| BookError::Io { path: self.folder.clone(), source };
        let today = JST.to_datetime(now).date();
        let first = today.saturating_sub(self.days_kept.days());
        for day in self.days().map_err(failed)?.into_iter().filter(|day| *day < first) {
            fs::remove_file(self.path(day)).map_err(failed)?;
        }
        self.entries.retain(|_, entry| entry.day >= first);
        self.pruned = Some(today);
        Ok(())
    }

    fn days(&self) -> io::Result<Vec<Date>> {
        let mut days = Vec::new();
        for entry in fs::read_dir(&self.folder)? {
            let name = entry?.file_name();
            let day = name.to_str().and_then(|name| name.strip_suffix(SUFFIX));
            days.extend(day.and_then(|day| day.parse::<Date>().ok()));
        }
        Ok(days)
    }

    fn path(&self, day: Date) -> PathBuf {
        self.folder.join(format!("{day}{SUFFIX}"))
    }
}

fn whole_lines(bytes: &[u8]) -> &[u8] {
    let end = bytes.iter().rposition(|b| *b == b'\n').map_or(0, |at| at + 1);
    &bytes[..end]
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOON: &str = "2025-11-22T03:00:00Z";

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn open(dir: &tempfile::TempDir, now: &str) -> Book {
        Book::open(dir.path(), 30, at(now)).unwrap()
    }

    #[test]
    fn what_was_noted_is_known_after_a_restart() {
        let dir = tempfile::tempdir().unwrap();
        let mut book = open(&dir, NOON);
        book.note("visit/1/a", "a.xml", State::Intended, at(NOON)).unwrap();
        book.note("visit/1/b", "b.xml", State::Intended, at(NOON)).unwrap();
        book.note("visit/1/a", "a.xml", State::Done, at(NOON)).unwrap();
        drop(book);
        let book = open(&dir, "2025-12-20T03:00:00Z");
        assert_eq!(book.get("visit/1/a").unwrap().state, State::Done);
        assert_eq!(book.intended(), [("visit/1/b".to_owned(), "b.xml".to_owned())]);
    }

    #[test]
    fn a_torn_last_line_counts_for_nothing_and_spoils_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let mut book = open(&dir, NOON);
        book.note("a", "a.xml", State::Intended, at(NOON)).unwrap();
        drop(book);
        let page = dir.path().join("2025-11-22.book");
        OpenOptions::new().append(true).open(&page).unwrap().write_all(b"D a a.x").unwrap();
        let mut book = open(&dir, NOON);
        assert_eq!(book.get("a").unwrap().state, State::Intended);
        book.note("b", "b.xml", State::Done, at(NOON)).unwrap();
        assert_eq!(fs::read_to_string(&page).unwrap(), "I a a.xml\nD b b.xml\n");
    }

    #[test]
    fn the_book_forgets_what_is_older_than_it_is_kept() {
        let dir = tempfile::tempdir().unwrap();
        let mut book = open(&dir, NOON);
        book.note("old", "a.xml", State::Done, at(NOON)).unwrap();
        book.note("new", "b.xml", State::Done, at("2025-12-22T15:00:00Z")).unwrap();
        assert!(book.get("old").is_none() && book.get("new").is_some());
        assert_eq!(book.days().unwrap().len(), 1);
    }

    #[test]
    fn a_book_has_one_keeper_at_a_time() {
        let dir = tempfile::tempdir().unwrap();
        let book = open(&dir, NOON);
        assert!(matches!(Book::open(dir.path(), 30, at(NOON)), Err(BookError::InUse(_))));
        drop(book);
        open(&dir, NOON);
    }

    #[test]
    fn a_day_is_japans() {
        let dir = tempfile::tempdir().unwrap();
        open(&dir, NOON).note("a", "a.xml", State::Done, at("2025-11-22T15:00:00Z")).unwrap();
        assert!(dir.path().join("2025-11-23.book").exists());
    }

    #[test]
    fn a_key_with_white_space_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let mut book = open(&dir, NOON);
        assert!(matches!(book.note("a b", "n", State::Done, at(NOON)), Err(BookError::BadWord)));
        assert!(matches!(book.note("a", "n\n", State::Done, at(NOON)), Err(BookError::BadWord)));
    }
}
