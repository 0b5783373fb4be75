//! The database's format, and how a store is brought from one to the next and back.
//!
//! The program that opens a store brings it forward by itself. Back goes only who asks for it, before an older program is
//! to run again: the image's way back after an update, or a person with `madoguchi queue migrate --to N`.

use rusqlite::Connection;

use super::types::StoreError;
use super::{StoreConfig, key::KeyRing, schema};

/// The format that this version writes.
pub const FORMAT: i64 = 2;
/// The oldest format that it brings forward and can bring a store back to.
pub const OLDEST_FORMAT: i64 = 1;

/// What one format has that the one before it had not.
struct Change {
    /// Makes a store of the former format one of this.
    forward: &'static str,
    /// Makes it one of the former again. Nothing that was accepted from a patient may be lost by it.
    backward: &'static str,
}

/// From 1 to 2, from 2 to 3, and so on.
const CHANGES: [Change; (FORMAT - OLDEST_FORMAT) as usize] = [
    // 2: records for practice (stage 5, reason 6). Format 1 would take them for damage, so they don't go back with it.
    // Reason 7 came later and needs no format of its own: it stands at wiped records only, and a program that doesn't
    // know it shows them without a reason.
    Change {
        forward: "",
        backward: "
            DELETE FROM body WHERE seq_part / 2 IN (SELECT seq FROM record WHERE stage = 5);
            DELETE FROM record WHERE stage = 5;
            UPDATE record SET reason = NULL WHERE reason >= 6;",
    },
];

/// Brings the open database to `to`, one format after the other, each in a transaction of its own: cut short, it is at a
/// whole format in between.
pub(super) fn bring(db: &Connection, to: i64) -> Result<(), StoreError> {
    loop {
        let from: i64 = db.query_row("PRAGMA user_version", [], |row| row.get(0))?;
        let (next, change) = match from.cmp(&to) {
            std::cmp::Ordering::Equal => return Ok(()),
            std::cmp::Ordering::Less => (from + 1, change(from).map(|change| change.forward)),
            std::cmp::Ordering::Greater => (from - 1, change(from - 1).map(|change| change.backward)),
        };
        let change = change.ok_or(StoreError::NoSuchFormat { asked: to })?;
        db.execute_batch(&format!("BEGIN IMMEDIATE; {change} PRAGMA user_version = {next}; COMMIT;"))
            .inspect_err(|_| {
                if !db.is_autocommit() {
                    let _ = db.execute_batch("ROLLBACK");
                }
            })?;
    }
}

/// What changes from format `from` to the one after it.
fn change(from: i64) -> Option<&'static Change> {
    CHANGES.get(usize::try_from(from - OLDEST_FORMAT).ok()?)
}

/// Brings a closed store to format `to` and says which it had. Whatever opens it next in this version brings it forward
/// again.
///
/// # Errors
/// [`StoreError::NoQueue`], [`StoreError::InUse`], [`StoreError::NoSuchFormat`], [`StoreError::NewerFormat`], or a
/// failure of the medium; the store is then in a whole format.
pub fn migrate(config: &StoreConfig, to: i64) -> Result<i64, StoreError> {
    let path = config.directory.join("queue.db");
    if !path.exists() {
        return Err(StoreError::NoQueue(config.directory.clone()));
    }
    if !(OLDEST_FORMAT..=FORMAT).contains(&to) {
        return Err(StoreError::NoSuchFormat { asked: to });
    }
    // Who has no key has no business here, and a store is never left without one that fits.
    KeyRing::load(&config.key_file, false)?;
    let db = schema::connect_as_it_is(&path)?;
    schema::check(&db)?;
    let from = db.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    bring(&db, to)?;
    // All of it in the database file itself, for whatever reads it next.
    db.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?;
    db.close().map_err(|(_, error)| error)?;
    super::sync_directory(&config.directory)?;
    Ok(from)
}
