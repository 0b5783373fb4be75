//! The store's own thread: many callers share one sync.
//!
//! It takes whatever waits (at least one call, and nobody waits for a timer), runs all of it in one transaction,
//! commits, which syncs once, and only then answers. While it syncs, the next callers gather.

use tokio::sync::{mpsc, oneshot};

use super::table::Table;
use super::types::StoreError;

/// Calls that share one commit at most.
const LARGEST_BATCH: usize = 256;
/// How often the thread lets others run at most before it takes a batch that is far smaller than the one before.
const YIELDS: usize = 32;
/// The write-ahead log is carried over into the database when it has grown by this, in bytes.
const LARGEST_LOG: u64 = 4 << 20;

/// What is sent to the thread.
pub(super) enum Message {
    /// A call to run.
    Call(Box<dyn Call>),
    /// Something that shares no transaction with calls.
    Alone(Box<dyn FnOnce(&mut Table) + Send>),
    /// Close the database, then say so.
    Close(oneshot::Sender<()>),
}

/// One caller's wish. It may run twice: when a batch fails, each of its calls is run again by itself.
pub(super) trait Call: Send {
    /// Runs inside a transaction. An error here is this caller's own unless it is the database's.
    fn run(&mut self, table: &mut Table) -> Result<(), StoreError>;
    /// Answers the caller: with what `run` found, or with the reason why it was not committed.
    fn answer(self: Box<Self>, committed: Result<(), StoreError>);
}

/// A [`Call`] made of a closure.
pub(super) struct Ask<F, T> {
    run: F,
    found: Option<Result<T, StoreError>>,
    caller: oneshot::Sender<Result<T, StoreError>>,
}

impl<F, T> Ask<F, T> {
    pub(super) fn new(run: F, caller: oneshot::Sender<Result<T, StoreError>>) -> Self {
        Self { run, found: None, caller }
    }
}

impl<F, T> Call for Ask<F, T>
where
    F: FnMut(&mut Table) -> Result<T, StoreError> + Send,
    T: Send,
{
    fn run(&mut self, table: &mut Table) -> Result<(), StoreError> {
        match (self.run)(table) {
            // These concern the whole transaction, which must not be committed half done.
            Err(error @ (StoreError::Database(_) | StoreError::Memory(_) | StoreError::Io { .. })) => {
                self.found = None;
                Err(error)
            }
            found => {
                self.found = Some(found);
                Ok(())
            }
        }
    }

    fn answer(self: Box<Self>, committed: Result<(), StoreError>) {
        let Self { found, caller, .. } = *self;
        let answer = committed.and_then(|()| found.unwrap_or(Err(StoreError::Stopped)));
        // A caller that no longer waits will ask again with the same id.
        let _ = caller.send(answer);
    }
}

/// Runs until it is told to close, every handle is gone, or a commit fails.
pub(super) fn run(mut table: Table, mut messages: mpsc::Receiver<Message>) {
    // Carrying the log over can need as much room as the log is large, and the ballast must be enough for that.
    let ballast = table.space.quota().ballast;
    let largest_log = if ballast == 0 { LARGEST_LOG } else { (ballast / 4).min(LARGEST_LOG) };
    let mut last = 0;
    while let Some(first) = messages.blocking_recv() {
        let (batch, special) = gather(first, &mut messages, last);
        last = batch.len();
        let goes_on = together(&mut table, batch);
        if table.log.grown() >= largest_log {
            checkpoint(&mut table, "PASSIVE");
        }
        match special {
            Some(Special::Close(done)) => {
                drop(table);
                let _ = done.send(());
                return;
            }
            Some(Special::Alone(run)) => run(&mut table),
            None => {}
        }
        if !goes_on {
            return;
        }
    }
}

/// What can't share a transaction with calls.
enum Special {
    Alone(Box<dyn FnOnce(&mut Table) + Send>),
    Close(oneshot::Sender<()>),
}

/// Takes what is there. Those who were answered a moment ago are often about to call again: where far fewer are there than
/// were in the batch before (`last`), they get the processor first, so that they don't wait for the sync of a few.
fn gather(
    first: Message,
    messages: &mut mpsc::Receiver<Message>,
    last: usize,
) -> (Vec<Box<dyn Call>>, Option<Special>) {
    let mut batch = Vec::new();
    let mut yields = YIELDS;
    let mut next = Some(first);
    while let Some(message) = next {
        match message {
            Message::Call(call) => batch.push(call),
            Message::Alone(run) => return (batch, Some(Special::Alone(run))),
            Message::Close(done) => return (batch, Some(Special::Close(done))),
        }
        next = if batch.len() < LARGEST_BATCH { messages.try_recv().ok() } else { None };
        while next.is_none() && batch.len() < last / 2 && yields > 0 {
            yields -= 1;
            std::thread::yield_now();
            next = messages.try_recv().ok();
        }
    }
    (batch, None)
}

/// Runs a batch in one transaction; if that fails, each call in one of its own, so that the failure stays with
/// the call that causes it. `false` when the medium can't be trusted any more.
fn together(table: &mut Table, mut batch: Vec<Box<dyn Call>>) -> bool {
    match transact(table, &mut batch) {
        Ok(()) => {
            batch.into_iter().for_each(|call| call.answer(Ok(())));
            return true;
        }
        // After a failed sync the system may have dropped the pages: only opening anew tells what is there.
        Err(Failure::Commit(error)) if !is_full(&error) => {
            tracing::error!(%error, "the queue can't be written to the medium");
            for call in batch {
                call.answer(Err(StoreError::Commit(error.to_string())));
            }
            return false;
        }
        Err(Failure::Commit(error) | Failure::Call(error)) => {
            if is_full(&error) {
                table.space.throw_off();
                // The log is then written over from its beginning, which needs no room.
                checkpoint(table, "PASSIVE");
            }
        }
    }
    for call in batch {
        let mut alone = [call];
        let result = transact(table, &mut alone);
        let [call] = alone;
        match result {
            Ok(()) => call.answer(Ok(())),
            Err(Failure::Commit(error) | Failure::Call(error)) if is_full(&error) => {
                call.answer(Err(StoreError::DiskFull));
            }
            Err(Failure::Call(error)) => call.answer(Err(error)),
            Err(Failure::Commit(error)) => call.answer(Err(StoreError::Commit(error.to_string()))),
        }
    }
    true
}

enum Failure {
    /// A call could not be run.
    Call(StoreError),
    /// The transaction could not be begun or committed.
    Commit(StoreError),
}

fn transact(table: &mut Table, batch: &mut [Box<dyn Call>]) -> Result<(), Failure> {
    let before = table.totals;
    table.space.look();
    let result = attempt(table, batch);
    if result.is_err() {
        table.totals = before;
        // Some failures roll back by themselves; then this has nothing to do.
        if !table.db.is_autocommit() {
            let _ = table.db.execute_batch("ROLLBACK");
        }
    }
    result
}

fn attempt(table: &mut Table, batch: &mut [Box<dyn Call>]) -> Result<(), Failure> {
    let commit = |error: rusqlite::Error| Failure::Commit(error.into());
    table.db.execute_batch("BEGIN IMMEDIATE").map_err(commit)?;
    for call in batch {
        call.run(table).map_err(Failure::Call)?;
    }
    table.db.execute_batch("COMMIT").map_err(commit)?;
    table.commits += 1;
    Ok(())
}

/// Carries the write-ahead log over into the database; what fails now is tried again the next time.
pub(super) fn checkpoint(table: &mut Table, mode: &str) {
    let sql = format!("PRAGMA wal_checkpoint({mode})");
    // Pages in the log, and how many of them are in the database now.
    let pages = |row: &rusqlite::Row<'_>| Ok((row.get::<_, i64>(1)?, row.get::<_, i64>(2)?));
    let carried = table.db.query_row(&sql, [], pages);
    table.log.carried_over(matches!(carried, Ok((all, here)) if all == here));
    if let Err(error) = carried {
        tracing::warn!(%error, "the queue's log could not be carried over into its database");
    }
}

fn is_full(error: &StoreError) -> bool {
    match error {
        StoreError::Database(error) => error.sqlite_error_code() == Some(rusqlite::ErrorCode::DiskFull),
        StoreError::Io { source, .. } | StoreError::Memory(sled::Error::Io(source)) => {
            source.kind() == std::io::ErrorKind::StorageFull
        }
        _ => false,
    }
}
