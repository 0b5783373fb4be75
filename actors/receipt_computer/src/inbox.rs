//! The query folder: which files are queries, which of them have stopped changing, and what they are called at the centre.
//!
//! The folder is looked through at intervals. inotify would be quicker, but on an SMB share it does not see what another
//! machine does.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::time::{Duration, Instant};

use madoguchi_protocol::RequestId;
use sha2::{Digest, Sha256};

use crate::folder::{Folder, FolderError, Found, Stamp};
use crate::names::{FileId, QueryName, query};

/// A query file that has stopped changing.
#[derive(Debug)]
pub struct QueryFile {
    /// Its name in the folder.
    pub name: String,
    /// The id that its answer bears too.
    pub id: FileId,
    /// Which state of the file this is.
    pub stamp: Stamp,
    /// What it holds; `None` when it is over the limit and was not read.
    pub content: Option<Vec<u8>>,
    /// Its idempotency key, the same however often the file is read, also after a restart.
    pub request_id: RequestId,
    /// For how long it has not changed.
    pub quiet: Duration,
}

/// What one look found.
#[derive(Debug, Default)]
pub struct Look {
    /// Queries to answer. Each stays in hand until [`Inbox::release`].
    pub ready: Vec<QueryFile>,
    /// Names that look like queries and can't be answered: a forbidden id, a link, a folder.
    pub refused: usize,
}

/// A file under observation.
#[derive(Debug)]
struct Watched {
    stamp: Stamp,
    since: Instant,
    in_hand: bool,
    /// When it was last found ready.
    tried: Option<Instant>,
}

/// The query folder under observation.
#[derive(Debug)]
pub struct Inbox {
    folder: Folder,
    secret: Secret,
    stable_for: Duration,
    watched: BTreeMap<String, Watched>,
}

impl Inbox {
    /// Observes a folder; a file counts as written when it has not changed for `stable_for`.
    pub fn new(folder: Folder, secret: Secret, stable_for: Duration) -> Self {
        Self { folder, secret, stable_for, watched: BTreeMap::new() }
    }

    /// The folder.
    pub fn folder(&self) -> &Folder {
        &self.folder
    }

    /// Looks through the folder and reads at most `most` queries that have stopped changing,
    /// those that have waited longest first.
    ///
    /// # Errors
    /// [`FolderError`] when the folder can't be read; what is under observation stays so.
    pub fn look(&mut self, now: Instant, most: usize) -> Result<Look, FolderError> {
        let mut look = Look::default();
        let mut present = BTreeMap::new();
        for name in self.folder.names()? {
            match query(&name) {
                QueryName::Query(id) => {
                    present.insert(name, id);
                }
                QueryName::BadId => look.refused += 1,
                QueryName::Other => {}
            }
        }
        self.watched.retain(|name, watched| watched.in_hand || present.contains_key(name));
        let mut present: Vec<_> = present.into_iter().collect();
        present.sort_by_key(|(name, _)| self.watched.get(name).and_then(|watched| watched.tried));
        for (name, id) in present {
            let Some(stamp) = self.folder.stamp(&name)? else {
                look.refused += 1;
                continue;
            };
            let watched = self.watched.entry(name.clone()).or_insert(Watched {
                stamp,
                since: now,
                in_hand: false,
                tried: None,
            });
            if watched.in_hand {
                continue;
            }
            if watched.stamp != stamp {
                *watched = Watched { stamp, since: now, in_hand: false, tried: None };
            }
            let quiet = now.saturating_duration_since(watched.since);
            if quiet < self.stable_for || look.ready.len() >= most {
                continue;
            }
            let content = match self.folder.read(&name)? {
                Found::File(bytes, read) if read == stamp => Some(bytes),
                Found::TooLarge(read) if read == stamp => None,
                _ => continue,
            };
            watched.in_hand = true;
            watched.tried = Some(now);
            let request_id = self.secret.request_id(&name, stamp, content.as_deref());
            look.ready.push(QueryFile { name, id, stamp, content, request_id, quiet });
        }
        Ok(look)
    }

    /// Puts a query back under observation, to be found ready again at the next look if it is still there.
    pub fn release(&mut self, name: &str) {
        if let Some(watched) = self.watched.get_mut(name) {
            watched.in_hand = false;
        }
    }

    /// Removes an answered query, unless a newer one of the same name has come, and lets go of it.
    ///
    /// # Errors
    /// [`FolderError`]; the query is under observation again then, so that the removal is tried again.
    pub fn remove(&mut self, name: &str, stamp: Stamp) -> Result<(), FolderError> {
        self.release(name);
        self.folder.remove_if(name, stamp)
    }
}

/// A random key of this box. Without it an idempotency key would be a hash of patient data, which could be guessed back.
pub struct Secret([u8; 32]);

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret")
    }
}

impl Secret {
    /// Reads the key from a file (mode 0600), or makes it, durably, where there is none.
    ///
    /// # Errors
    /// When the file can't be read or made.
    pub fn load(path: &Path) -> io::Result<Self> {
        let mut key = [0; 32];
        match File::open(path).and_then(|mut file| file.read_exact(&mut key)) {
            Ok(()) => return Ok(Self(key)),
            // An empty or cut file is one that a crash kept from being made: no key has been used yet.
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::UnexpectedEof) => {}
            Err(error) => return Err(error),
        }
        getrandom::fill(&mut key).map_err(io::Error::other)?;
        let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)?;
        file.write_all(&key)?;
        file.sync_all()?;
        if let Some(folder) = path.parent() {
            File::open(folder)?.sync_all()?;
        }
        Ok(Self(key))
    }

    /// The idempotency key of one state of one file.
    fn request_id(&self, name: &str, stamp: Stamp, content: Option<&[u8]>) -> RequestId {
        let mut hash = Sha256::new_with_prefix(self.0);
        hash.update(name.as_bytes());
        hash.update([0]);
        hash.update(stamp.size.to_be_bytes());
        hash.update(stamp.modified.to_be_bytes());
        hash.update(stamp.changed.to_be_bytes());
        hash.update(content.unwrap_or_default());
        let mut bytes = [0; 16];
        bytes.copy_from_slice(&hash.finalize()[..16]);
        // Marked as a UUID of version 8 (RFC 9562, own content).
        bytes[6] = bytes[6] & 0x0F | 0x80;
        bytes[8] = bytes[8] & 0x3F | 0x80;
        RequestId::from_bytes(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::symlink;

    const STABLE: Duration = Duration::from_secs(2);
    const NAME: &str = "OQSsiquc01req_7.xml";

    struct Site {
        dir: tempfile::TempDir,
        begin: Instant,
    }

    impl Site {
        fn new() -> Self {
            let site = Self { dir: tempfile::tempdir().unwrap(), begin: Instant::now() };
            fs::create_dir(site.dir.path().join("Req")).unwrap();
            site
        }
        fn inbox(&self) -> Inbox {
            let secret = Secret::load(&self.dir.path().join("key")).unwrap();
            Inbox::new(Folder::new(self.dir.path().join("Req")), secret, STABLE)
        }
        fn put(&self, name: &str, content: &str) {
            fs::write(self.dir.path().join("Req").join(name), content).unwrap();
        }
        fn at(&self, seconds: u64) -> Instant {
            self.begin + Duration::from_secs(seconds)
        }
    }

    #[test]
    fn a_query_is_read_only_when_it_has_stopped_changing() {
        let site = Site::new();
        let mut inbox = site.inbox();
        let mut ready = |seconds| inbox.look(site.at(seconds), 9).unwrap().ready;
        site.put(NAME, "half");
        assert!(ready(0).is_empty() && ready(1).is_empty());
        site.put(NAME, "half and half");
        assert!(ready(2).is_empty() && ready(3).is_empty());
        let found = ready(4);
        assert_eq!(found[0].content.as_deref(), Some(b"half and half".as_slice()));
        assert_eq!((found[0].id.as_str(), found[0].quiet), ("7", STABLE));
        assert!(ready(5).is_empty(), "it is in hand");
    }

    #[test]
    fn the_idempotency_key_is_the_same_after_a_restart_and_another_for_another_file() {
        let site = Site::new();
        site.put(NAME, "one");
        let key = || {
            let mut inbox = site.inbox();
            inbox.look(site.at(0), 9).unwrap();
            inbox.look(site.at(2), 9).unwrap().ready.remove(0).request_id
        };
        let first = key();
        assert_eq!(key(), first);
        fs::remove_file(site.dir.path().join("Req").join(NAME)).unwrap();
        site.put(NAME, "one");
        assert_ne!(key(), first, "the receipt computer asks again");
    }

    #[test]
    fn what_can_not_be_answered_is_counted_and_left_alone() {
        let site = Site::new();
        let secret = tempfile::NamedTempFile::new().unwrap();
        symlink(secret.path(), site.dir.path().join("Req/OQSsiquc01req_link.xml")).unwrap();
        fs::create_dir(site.dir.path().join("Req/OQSsiquc01req_dir.xml")).unwrap();
        site.put("OQSsiquc01req_a b.xml", "");
        site.put("readme.txt", "");
        let mut inbox = site.inbox();
        for seconds in [0, 9] {
            let look = inbox.look(site.at(seconds), 9).unwrap();
            assert_eq!((look.ready.len(), look.refused), (0, 3));
        }
    }

    #[test]
    fn a_file_over_the_limit_is_ready_without_having_been_read() {
        let site = Site::new();
        let file = File::create(site.dir.path().join("Req").join(NAME)).unwrap();
        file.set_len(crate::xml::MAX_BYTES as u64 + 1).unwrap();
        let mut inbox = site.inbox();
        inbox.look(site.at(0), 9).unwrap();
        assert_eq!(inbox.look(site.at(2), 9).unwrap().ready[0].content, None);
    }

    #[test]
    fn no_more_queries_are_in_hand_than_asked_for_and_the_rest_follows() {
        let site = Site::new();
        for n in 0..5 {
            site.put(&format!("OQSsiquc01req_{n}.xml"), "x");
        }
        let mut inbox = site.inbox();
        inbox.look(site.at(0), 2).unwrap();
        let counts: Vec<_> = (2..6).map(|at| inbox.look(site.at(at), 2).unwrap().ready.len()).collect();
        assert_eq!(counts, [2, 2, 1, 0]);
    }

    #[test]
    fn queries_that_wait_for_the_line_do_not_keep_others_from_their_turn() {
        let site = Site::new();
        for n in 0..3 {
            site.put(&format!("OQSsiquc01req_{n}.xml"), "x");
        }
        let mut inbox = site.inbox();
        inbox.look(site.at(0), 1).unwrap();
        let turns: Vec<_> = (2..6)
            .map(|at| {
                let name = inbox.look(site.at(at), 1).unwrap().ready.remove(0).name;
                inbox.release(&name);
                name.replace("OQSsiquc01req_", "")
            })
            .collect();
        assert_eq!(turns, ["0.xml", "1.xml", "2.xml", "0.xml"]);
    }

    #[test]
    fn an_answered_query_is_removed_and_a_newer_one_of_its_name_is_not() {
        let site = Site::new();
        site.put(NAME, "one");
        let mut inbox = site.inbox();
        inbox.look(site.at(0), 9).unwrap();
        let first = inbox.look(site.at(2), 9).unwrap().ready.remove(0);
        site.put(NAME, "another");
        inbox.remove(NAME, first.stamp).unwrap();
        assert!(inbox.look(site.at(3), 9).unwrap().ready.is_empty());
        let second = inbox.look(site.at(5), 9).unwrap().ready.remove(0);
        inbox.remove(NAME, second.stamp).unwrap();
        assert!(!site.dir.path().join("Req").join(NAME).exists());
    }
}
