//! The durable store: what it says is accepted is on the medium, and it takes effect once.
//!
//! Records are small workflows, see [`Stage`]. They live in SQLite (write-ahead log, `synchronous=FULL`) on a
//! thread of its own; `STORE.md` says why not in sled, and what sled holds instead. The store knows nothing of
//! messages: requests and answers are opaque bytes, sealed before they reach the disk.
//!
//! ```text
//! <directory>/  queue.db, queue.db-wal   the records
//!               settled/                 sled: ids settled long ago
//!               ballast                  room for the day when the disk is full
//! ```

mod choose;
mod giving_up;
mod key;
mod log;
mod look;
mod memory;
mod migrate;
mod rotate;
mod salvage;
mod schema;
mod seal;
mod space;
mod table;
mod types;
mod writer;

use std::collections::BTreeSet;
use std::fs::{DirBuilder, File};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use tokio::sync::{mpsc, oneshot};

pub use key::{CREDENTIAL, KeyId, KeyRing};
pub use migrate::{FORMAT, OLDEST_FORMAT, migrate};
pub use rotate::{KeyInForce, Resealing};
pub use salvage::{Repaired, repair};
pub use space::Quota;
pub use types::{
    Acceptance, Due, GivenUp, Header, Kind, Level, Millis, Opened, Practised, Reason, RecordId, Scrubbed,
    Sealed, Stage, Status, Step, StoreError, WhenFull, Work,
};

use table::Table;
use writer::{Ask, Message};

/// Calls that may wait for the thread; further callers wait for a place.
const MAILBOX: usize = 256;
/// Records moved to the long memory in one go, so that no accept waits long behind it.
const TIDY_AT_ONCE: usize = 200;

/// Where the store is and what it may hold.
#[derive(Clone, Debug)]
pub struct StoreConfig {
    /// The store's directory; made at the first start, readable by its owner alone.
    pub directory: PathBuf,
    /// The key file, made at the first start. See [`KeyRing::locate`] for systemd's credential.
    pub key_file: PathBuf,
    /// What it may hold.
    pub quota: Quota,
    /// The largest request or answer in bytes.
    pub largest_part: usize,
    /// How long a settled id stays in the database before it moves to the long memory.
    pub settled_here: Millis,
    /// How long a settled id is known at all: so long a repeated accept takes no effect.
    pub settled_known: Millis,
    /// After this time a record that still waits for the centre is given up and wiped; `None`: never.
    pub give_up_after: Option<Millis>,
    /// What makes room when the quota is reached.
    pub when_full: WhenFull,
}

impl StoreConfig {
    /// The usual limits: parts of 64 KiB, settled ids one hour in the database and 30 days in the memory, nothing given up.
    pub fn new(directory: impl Into<PathBuf>, key_file: impl Into<PathBuf>) -> Self {
        const HOUR: Millis = 3_600_000;
        Self {
            directory: directory.into(),
            key_file: key_file.into(),
            quota: Quota::default(),
            largest_part: 64 * 1024,
            settled_here: HOUR,
            settled_known: 30 * 24 * HOUR,
            give_up_after: None,
            when_full: WhenFull::default(),
        }
    }
}

/// A handle to the open store. Clones share it; it closes when the last one is dropped or by [`Store::close`].
#[derive(Clone)]
pub struct Store {
    thread: mpsc::Sender<Message>,
    settled_here: Millis,
    settled_known: Millis,
    give_up_after: Option<Millis>,
}

impl Store {
    /// Opens the store, or makes it at the first start, looks through its structure, and starts its thread. Blocks for
    /// as long as the disk needs: call it where that is allowed.
    ///
    /// # Errors
    /// See [`StoreError`]; nothing is changed where it says so.
    pub fn open(config: &StoreConfig) -> Result<(Self, Opened), StoreError> {
        let directory = &config.directory;
        let database = directory.join("queue.db");
        let first = !database.exists();
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(directory)
            .map_err(StoreError::io(format!("making {}", directory.display())))?;
        sync_directory_of(directory)?;
        let keys = KeyRing::load(&config.key_file, first)?;
        // The lock on the database comes first: whoever holds it may touch the rest.
        let db = schema::connect(&database)?;
        schema::check(&db)?;
        let stamp = uuid::Uuid::new_v4().simple().to_string();
        let (memory, memory_put_aside) = memory::Memory::open(&directory.join("settled"), &stamp)?;
        let space = space::Space::new(directory, config.quota)?;
        let table = Table::new(db, keys, memory, space, config)?;
        // Each new name in the directory is durable before the first record is.
        sync_directory(directory)?;
        let opened = Opened { unsettled: table.unfinished(), memory_put_aside };
        let (thread, messages) = mpsc::channel(MAILBOX);
        std::thread::Builder::new()
            .name("offline-queue".to_owned())
            .spawn(move || writer::run(table, messages))
            .map_err(StoreError::io("starting the queue's thread"))?;
        let (settled_here, settled_known) = (config.settled_here, config.settled_known);
        let give_up_after = config.give_up_after;
        Ok((Self { thread, settled_here, settled_known, give_up_after }, opened))
    }

    /// Makes a request durable. When this returns [`Acceptance::New`], it is on the medium.
    ///
    /// # Errors
    /// [`StoreError::TooLarge`], or a failure of the medium: then whether it is durable is unknown, and the same
    /// call again tells.
    pub async fn accept(
        &self,
        id: RecordId,
        lane: u16,
        request: Vec<u8>,
        at: Millis,
    ) -> Result<Acceptance, StoreError> {
        self.call(move |table| table.accept(id, lane, &request, Stage::Accepted, at)).await
    }

    /// Makes a request durable that is for practice: it waits in [`Stage::Practice`], and room for a real one is made by
    /// wiping it first.
    ///
    /// # Errors
    /// As [`Store::accept`].
    pub async fn practise(
        &self,
        id: RecordId,
        lane: u16,
        request: Vec<u8>,
        at: Millis,
    ) -> Result<Acceptance, StoreError> {
        self.call(move |table| table.accept(id, lane, &request, Stage::Practice, at)).await
    }

    /// Up to `limit` practice records of lanes other than `rehearsing`, each with its request where the seal holds.
    ///
    /// # Errors
    /// A failure of the medium.
    pub async fn practised(
        &self,
        rehearsing: BTreeSet<u16>,
        limit: usize,
    ) -> Result<Vec<Practised>, StoreError> {
        self.call(move |table| table.practised(&rehearsing, limit)).await
    }

    /// Keeps the centre's definite answer with the caller's code for it.
    ///
    /// # Errors
    /// As [`Store::accept`].
    pub async fn answer(
        &self,
        id: RecordId,
        outcome: u8,
        answer: Vec<u8>,
        at: Millis,
    ) -> Result<Step, StoreError> {
        self.call(move |table| table.answer(id, outcome, &answer, at)).await
    }

    /// Notes that everybody who waits for the result has acknowledged it.
    ///
    /// # Errors
    /// A failure of the medium.
    pub async fn deliver(&self, id: RecordId, at: Millis) -> Result<Step, StoreError> {
        self.call(move |table| table.advance(id, Stage::Delivered, at)).await
    }

    /// Ends a delivered record, or one for practice: request and answer are wiped.
    ///
    /// # Errors
    /// A failure of the medium.
    pub async fn settle(&self, id: RecordId, at: Millis) -> Result<Step, StoreError> {
        self.call(move |table| table.advance(id, Stage::Settled, at)).await
    }

    /// Takes a record out of the line. `note` is a short code of ASCII, never personal data; the rest is cut.
    ///
    /// # Errors
    /// A failure of the medium.
    pub async fn set_aside(
        &self,
        id: RecordId,
        reason: Reason,
        note: impl Into<String>,
        at: Millis,
    ) -> Result<Step, StoreError> {
        let note = note.into();
        self.call(move |table| table.set_aside(id, reason, &note, at)).await
    }

    /// Puts a record that was set aside back into the line.
    ///
    /// # Errors
    /// A failure of the medium.
    pub async fn put_back(&self, id: RecordId, at: Millis) -> Result<Step, StoreError> {
        self.call(move |table| table.put_back(id, at)).await
    }

    /// Wipes a record that was set aside and counts it as given up. `note` as in [`Store::set_aside`].
    ///
    /// # Errors
    /// A failure of the medium.
    pub async fn discard(
        &self,
        id: RecordId,
        note: impl Into<String>,
        at: Millis,
    ) -> Result<Step, StoreError> {
        let note = note.into();
        self.call(move |table| table.discard(id, &note, at)).await
    }

    /// What is to be worked on next; see [`Due`]. Damaged records are set aside on the way.
    ///
    /// # Errors
    /// A failure of the medium.
    pub async fn due(&self, due: Due, now: Millis) -> Result<Vec<Work>, StoreError> {
        self.call(move |table| choose::due(table, &due, now)).await
    }

    /// One record with its seals opened; `None` when it is unknown or settled.
    ///
    /// # Errors
    /// [`StoreError::Seal`] when it is damaged.
    pub async fn read(&self, id: RecordId) -> Result<Option<Work>, StoreError> {
        self.call(move |table| table.read(id)).await
    }

    /// How far a record has come, as long as its id is known.
    ///
    /// # Errors
    /// A failure of the medium.
    pub async fn look_up(&self, id: RecordId) -> Result<Option<Header>, StoreError> {
        self.call(move |table| table.look_up(id)).await
    }

    /// Up to `limit` headers in the order of acceptance, those after place `after` (0 to begin), each with its
    /// place.
    ///
    /// # Errors
    /// A failure of the medium.
    pub async fn list(&self, after: i64, limit: usize) -> Result<Vec<(i64, Header)>, StoreError> {
        self.call(move |table| table.list(after, limit)).await
    }

    /// As [`Store::list`], of those that were set aside alone.
    ///
    /// # Errors
    /// A failure of the medium.
    pub async fn list_aside(&self, after: i64, limit: usize) -> Result<Vec<(i64, Header)>, StoreError> {
        self.call(move |table| table.list_aside(after, limit)).await
    }

    /// The record that would be wiped first if the store were full now; `None` where none would.
    ///
    /// # Errors
    /// A failure of the medium.
    pub async fn goes_first(&self) -> Result<Option<Header>, StoreError> {
        self.call(|table| table.first_to_go()).await
    }

    /// The record as it lies on the disk, its parts still sealed, for export. `None` when it is unknown here.
    ///
    /// # Errors
    /// A failure of the medium.
    pub async fn sealed(&self, id: RecordId) -> Result<Option<Sealed>, StoreError> {
        self.call(move |table| table.sealed(id)).await
    }

    /// Opens the seals of up to `limit` records after place `after` (0 to begin). Those whose seal does not hold are
    /// set aside if `set_aside` gives the time for it; else they are told only.
    ///
    /// # Errors
    /// A failure of the medium.
    pub async fn scrub(
        &self,
        after: i64,
        limit: usize,
        set_aside: Option<Millis>,
    ) -> Result<Scrubbed, StoreError> {
        self.call(move |table| table.scrub(after, limit, set_aside)).await
    }

    /// What the store holds now.
    ///
    /// # Errors
    /// A failure of the medium.
    pub async fn status(&self) -> Result<Status, StoreError> {
        self.call(|table| table.status()).await
    }

    /// House-keeping, to be called every minute or so: gives up what is too old, moves settled ids to the long memory,
    /// forgets the oldest, makes the ballast again when there is room, and empties the write-ahead log of what was
    /// wiped. Says whether there is more of it to do.
    ///
    /// # Errors
    /// A failure of the medium.
    pub async fn tidy(&self, now: Millis) -> Result<bool, StoreError> {
        let here = now.saturating_sub(self.settled_here);
        let known = now.saturating_sub(self.settled_known);
        let given_up = match self.give_up_after.and_then(|after| now.checked_sub(after)) {
            Some(before) => self.call(move |table| table.give_up_older(before, TIDY_AT_ONCE, now)).await?,
            None => 0,
        };
        let moved = self.call(move |table| table.remember(here, TIDY_AT_ONCE)).await?;
        let forgotten = self.call(move |table| table.forget(known, TIDY_AT_ONCE)).await?;
        self.call(|table| {
            table.space.restore();
            Ok(())
        })
        .await?;
        self.alone(|table| writer::checkpoint(table, "TRUNCATE")).await?;
        Ok([given_up, moved, forgotten].contains(&TIDY_AT_ONCE))
    }

    /// Closes the store for all its handles, after what was asked before; waits until its files are closed.
    pub async fn close(self) {
        let (sender, closed) = oneshot::channel();
        if self.thread.send(Message::Close(sender)).await.is_ok() {
            let _ = closed.await;
        }
    }

    /// Runs between the transactions of calls.
    async fn alone<T: Send + 'static>(
        &self,
        run: impl FnOnce(&mut Table) -> T + Send + 'static,
    ) -> Result<T, StoreError> {
        let (sender, done) = oneshot::channel();
        let run = move |table: &mut Table| drop(sender.send(run(table)));
        self.thread.send(Message::Alone(Box::new(run))).await.map_err(|_| StoreError::Stopped)?;
        done.await.map_err(|_| StoreError::Stopped)
    }

    async fn call<T, F>(&self, run: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnMut(&mut Table) -> Result<T, StoreError> + Send + 'static,
    {
        let (sender, answer) = oneshot::channel();
        let call = Message::Call(Box::new(Ask::new(run, sender)));
        self.thread.send(call).await.map_err(|_| StoreError::Stopped)?;
        answer.await.unwrap_or(Err(StoreError::Stopped))
    }
}

/// Makes a name in the directory that holds `path` durable.
fn sync_directory_of(path: &Path) -> Result<(), StoreError> {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => sync_directory(parent),
        _ => sync_directory(Path::new(".")),
    }
}

fn sync_directory(directory: &Path) -> Result<(), StoreError> {
    File::open(directory)
        .and_then(|open| open.sync_all())
        .map_err(StoreError::io(format!("syncing {}", directory.display())))
}
