//! Exactly one file for each key, whatever crashes in between.
//!
//! 1. The file is written under a temporary name and made durable.
//! 2. The book notes the intention, durably.
//! 3. The file gets its name. 4. The book notes that it is done.
//!
//! A repeat finds the note. Done: nothing to do, even if the receipt computer has taken the file. Intended, and the
//! temporary file is there: the crash came before step 3, so step 3 is done now. Intended, and it is not there: the
//! crash came after step 3. So no crash loses a file, and none makes a second one.

use jiff::Timestamp;
use thiserror::Error;

use crate::book::{Book, BookError, State};
use crate::folder::{Folder, FolderError};
use crate::names::temporary;

/// Why a file was not handed over. A repeat with the same key is safe after any of them.
#[derive(Debug, Error)]
pub enum HandOverError {
    /// The shared folder fails.
    #[error(transparent)]
    Folder(#[from] FolderError),
    /// The book fails.
    #[error(transparent)]
    Book(#[from] BookError),
}

/// What came of handing a file over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HandedOver {
    /// The file's name.
    pub name: String,
    /// Whether this call did it; `false` for a repeat.
    pub now: bool,
}

/// A folder that gets exactly one file for each key.
#[derive(Debug)]
pub struct Outbox {
    folder: Folder,
    /// What this folder's keys begin with in the book.
    prefix: &'static str,
}

impl Outbox {
    /// The outbox for a folder, its keys told apart from those of other folders by a prefix.
    pub fn new(folder: Folder, prefix: &'static str) -> Self {
        Self { folder, prefix }
    }

    /// The folder.
    pub fn folder(&self) -> &Folder {
        &self.folder
    }

    fn key(&self, key: &str) -> String {
        format!("{}/{key}", self.prefix)
    }

    /// The name of the file that was handed over under this key, if one was.
    ///
    /// # Errors
    /// [`HandOverError`] when a crash interrupted it and the folder can't be looked at now.
    pub fn find(&self, book: &mut Book, key: &str, now: Timestamp) -> Result<Option<String>, HandOverError> {
        let key = self.key(key);
        let Some(entry) = book.get(&key) else { return Ok(None) };
        let (name, state) = (entry.name.clone(), entry.state);
        if state == State::Intended {
            if self.folder.has_temporary(&name)? {
                self.folder.put_in_place(&name)?;
            }
            book.note(&key, &name, State::Done, now)?;
        }
        Ok(Some(name))
    }

    /// Hands a file over under a key, once. On a repeat `name` and `bytes` are not used.
    ///
    /// # Errors
    /// [`HandOverError`].
    pub fn hand_over(
        &self,
        book: &mut Book,
        key: &str,
        name: &str,
        bytes: &[u8],
        now: Timestamp,
    ) -> Result<HandedOver, HandOverError> {
        if let Some(name) = self.find(book, key, now)? {
            return Ok(HandedOver { name, now: false });
        }
        let key = self.key(key);
        self.folder.write_temporary(name, bytes)?;
        book.note(&key, name, State::Intended, now)?;
        self.folder.put_in_place(name)?;
        book.note(&key, name, State::Done, now)?;
        Ok(HandedOver { name: name.to_owned(), now: true })
    }

    /// After a start: completes what a crash interrupted, then removes temporary files that belong to nothing.
    /// Returns how many were completed and how many removed.
    ///
    /// # Errors
    /// [`HandOverError`]; call it again later.
    pub fn recover(&self, book: &mut Book, now: Timestamp) -> Result<(usize, usize), HandOverError> {
        let mut completed = 0;
        for (key, _) in book.intended() {
            if let Some(key) = key.strip_prefix(self.prefix).and_then(|rest| rest.strip_prefix('/')) {
                self.find(book, key, now)?;
                completed += 1;
            }
        }
        let wanted: Vec<_> = book.intended().iter().map(|(_, name)| temporary(name)).collect();
        let removed = self.folder.remove_temporaries(|name| wanted.iter().any(|wanted| wanted == name))?;
        Ok((completed, removed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    struct Site {
        dir: tempfile::TempDir,
    }

    impl Site {
        fn new() -> Self {
            let dir = tempfile::tempdir().unwrap();
            fs::create_dir(dir.path().join("Face")).unwrap();
            Self { dir }
        }
        fn now(&self) -> Timestamp {
            "2025-11-22T03:00:00Z".parse().unwrap()
        }
        fn book(&self) -> Book {
            Book::open(&self.dir.path().join("book"), 30, self.now()).unwrap()
        }
        fn folder(&self) -> Folder {
            Folder::new(self.dir.path().join("Face"))
        }
        fn outbox(&self) -> Outbox {
            Outbox::new(self.folder(), "visit")
        }
        fn files(&self) -> Vec<String> {
            self.folder().names().unwrap()
        }
        fn hand_over(&self) -> HandedOver {
            self.outbox().hand_over(&mut self.book(), "1/a", "a.xml", b"result", self.now()).unwrap()
        }
    }

    #[test]
    fn a_repeat_finds_the_first_file_and_makes_no_second_one() {
        let site = Site::new();
        assert_eq!(site.hand_over(), HandedOver { name: "a.xml".into(), now: true });
        let again =
            site.outbox().hand_over(&mut site.book(), "1/a", "later.xml", b"other", site.now()).unwrap();
        assert_eq!(again, HandedOver { name: "a.xml".into(), now: false });
        assert_eq!(site.files(), ["a.xml"]);
    }

    #[test]
    fn a_repeat_makes_no_second_file_after_the_receipt_computer_took_the_first() {
        let site = Site::new();
        site.hand_over();
        fs::remove_file(site.dir.path().join("Face/a.xml")).unwrap();
        assert!(!site.hand_over().now);
        assert!(site.files().is_empty());
    }

    #[test]
    fn a_crash_before_the_intention_leaves_only_a_temporary_file_which_goes() {
        let site = Site::new();
        site.folder().write_temporary("a.xml", b"result").unwrap();
        assert_eq!(site.outbox().recover(&mut site.book(), site.now()).unwrap(), (0, 1));
        assert!(site.files().is_empty());
        assert!(site.hand_over().now);
    }

    #[test]
    fn a_crash_between_intention_and_rename_is_completed_at_the_start() {
        let site = Site::new();
        site.folder().write_temporary("a.xml", b"result").unwrap();
        site.book().note("visit/1/a", "a.xml", State::Intended, site.now()).unwrap();
        assert_eq!(site.outbox().recover(&mut site.book(), site.now()).unwrap(), (1, 0));
        assert_eq!(site.files(), ["a.xml"]);
        assert!(!site.hand_over().now);
    }

    #[test]
    fn a_crash_after_the_rename_is_known_even_if_the_file_was_taken() {
        let site = Site::new();
        site.book().note("visit/1/a", "a.xml", State::Intended, site.now()).unwrap();
        assert!(!site.hand_over().now);
        assert!(site.files().is_empty());
    }

    #[test]
    fn an_interrupted_hand_over_waits_for_a_share_that_is_gone() {
        let site = Site::new();
        site.folder().write_temporary("a.xml", b"result").unwrap();
        site.book().note("visit/1/a", "a.xml", State::Intended, site.now()).unwrap();
        let (face, away) = (site.dir.path().join("Face"), site.dir.path().join("away"));
        fs::rename(&face, &away).unwrap();
        assert!(site.outbox().hand_over(&mut site.book(), "1/a", "a.xml", b"result", site.now()).is_err());
        fs::rename(&away, &face).unwrap();
        site.outbox().recover(&mut site.book(), site.now()).unwrap();
        assert_eq!(site.files(), ["a.xml"]);
    }

    #[test]
    fn recovery_leaves_another_folders_hand_overs_alone() {
        let site = Site::new();
        site.book().note("query/7", "b.xml", State::Intended, site.now()).unwrap();
        assert_eq!(site.outbox().recover(&mut site.book(), site.now()).unwrap(), (0, 0));
        assert_eq!(site.book().intended().len(), 1);
    }
}
