//! The database file: its schema, its format, and how it is opened.

use std::path::Path;
use std::time::Duration;

use rusqlite::Connection;

use super::migrate::{self, FORMAT};
use super::types::StoreError;

/// Of the file and its log, in bytes: what disks write as a whole.
pub(super) const PAGE_SIZE: u64 = 4096;
/// More statements than are ever prepared, so that each is prepared once.
const STATEMENTS: usize = 64;
/// Marks the file as ours: "MdgQ".
const APPLICATION: i64 = 0x4d64_6751;
// Of format `FORMAT`; `migrate` knows the others. The header stays when the bodies are wiped. The bodies have a table
// of their own, so that a step rewrites a few bytes and not the request; its key is twice the record's number plus the
// part.
const SCHEMA: &str = "
    CREATE TABLE record (
        seq INTEGER PRIMARY KEY, id BLOB NOT NULL, lane INTEGER NOT NULL, stage INTEGER NOT NULL,
        accepted_at INTEGER NOT NULL, changed_at INTEGER NOT NULL, bytes INTEGER NOT NULL,
        outcome INTEGER, reason INTEGER, note TEXT
    ) STRICT;
    CREATE UNIQUE INDEX record_id ON record (id);
    CREATE INDEX record_due ON record (stage, lane, seq);
    CREATE TABLE body (seq_part INTEGER PRIMARY KEY, sealed BLOB NOT NULL) STRICT;
    CREATE TABLE key_used (id BLOB PRIMARY KEY) STRICT, WITHOUT ROWID;
";

/// Opens or makes the database file, takes its lock and brings it to this version's format.
pub(super) fn connect(path: &Path) -> Result<Connection, StoreError> {
    let db = connect_as_it_is(path)?;
    migrate::bring(&db, FORMAT)?;
    Ok(db)
}

/// Opens the database file in the format that it has, or makes it in this version's, and takes its lock.
pub(super) fn connect_as_it_is(path: &Path) -> Result<Connection, StoreError> {
    let db = Connection::open(path)?;
    // Long enough for a predecessor that is just closing.
    db.busy_timeout(Duration::from_secs(1))?;
    match prepare(&db) {
        Ok(()) => Ok(db),
        Err(StoreError::Database(error)) if is_busy(&error) => Err(StoreError::InUse),
        Err(StoreError::Database(error)) if is_corrupt(&error) => Err(StoreError::Corrupt(error.to_string())),
        Err(other) => Err(other),
    }
}

/// Opens a database that is known to be damaged, to read what can be read of it.
pub(super) fn connect_damaged(path: &Path) -> Result<Connection, StoreError> {
    let db = Connection::open(path)?;
    db.execute_batch("PRAGMA locking_mode = EXCLUSIVE; PRAGMA trusted_schema = OFF;")?;
    // The first access takes the lock.
    match db.query_row("PRAGMA journal_mode = WAL", [], |_| Ok(())) {
        Err(error) if is_busy(&error) => Err(StoreError::InUse),
        Err(error) => Err(error.into()),
        Ok(()) => Ok(db),
    }
}

/// Looks through the structure of the whole file: [`StoreError::Corrupt`] with the first thing that is wrong.
pub(super) fn check(db: &Connection) -> Result<(), StoreError> {
    match db.query_row("PRAGMA quick_check(1)", [], |row| row.get::<_, String>(0)) {
        Ok(said) if said == "ok" => Ok(()),
        Ok(said) => Err(StoreError::Corrupt(said)),
        Err(error) if is_corrupt(&error) => Err(StoreError::Corrupt(error.to_string())),
        Err(error) => Err(error.into()),
    }
}

fn is_corrupt(error: &rusqlite::Error) -> bool {
    matches!(
        error.sqlite_error_code(),
        Some(rusqlite::ErrorCode::DatabaseCorrupt | rusqlite::ErrorCode::NotADatabase)
    )
}

fn prepare(db: &Connection) -> Result<(), StoreError> {
    db.set_prepared_statement_cache_capacity(STATEMENTS);
    // EXCLUSIVE: a second process is refused, and no shared-memory file is needed.
    db.execute_batch(&format!(
        "PRAGMA page_size = {PAGE_SIZE}; PRAGMA locking_mode = EXCLUSIVE; PRAGMA trusted_schema = OFF;"
    ))?;
    let found: i64 = db.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    if found > FORMAT {
        return Err(StoreError::NewerFormat { found, known: FORMAT });
    }
    // FULL syncs the log at each commit. Checkpoints are the writer's business, after it has answered.
    db.query_row("PRAGMA journal_mode = WAL", [], |row| row.get::<_, String>(0))?;
    db.execute_batch(
        "PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 0; PRAGMA secure_delete = ON;
         PRAGMA cell_size_check = ON; PRAGMA temp_store = MEMORY; PRAGMA cache_size = -8192;",
    )
    .or_else(|error| match error {
        // Some pragmas answer with their new value; execute_batch takes that for a mistake.
        rusqlite::Error::ExecuteReturnedResults => Ok(()),
        other => Err(other),
    })?;
    if found == 0 {
        db.execute_batch(&format!(
            "BEGIN IMMEDIATE; {SCHEMA} PRAGMA application_id = {APPLICATION}; PRAGMA user_version = {FORMAT}; COMMIT;"
        ))?;
    }
    Ok(())
}

fn is_busy(error: &rusqlite::Error) -> bool {
    error.sqlite_error_code() == Some(rusqlite::ErrorCode::DatabaseBusy)
}
