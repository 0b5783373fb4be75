//! Repair of a database whose structure is damaged: whatever can still be read goes, record by record, into a new
//! file; damage costs the damaged record alone. The damaged file is kept beside it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use rusqlite::{Connection, OptionalExtension, Row, params};

use super::key::KeyRing;
use super::seal::{self, Part};
use super::types::{Reason, RecordId, Stage, StoreError};
use super::{StoreConfig, schema, sync_directory};

/// Numbers tried one by one where neither direction of the table could be read. More than any queue holds.
const LONGEST_GAP: i64 = 1_000_000;

/// What a repair found and did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Repaired {
    /// Records that are in the new file, those below included.
    pub kept: u64,
    /// Of these: what is left of them is set aside, because their request or answer is gone.
    pub damaged: Vec<RecordId>,
    /// Bodies of which nobody can tell any more whose they were.
    pub without_record: u64,
    /// Where the damaged file was put; it may be removed when nobody needs it any more.
    pub put_aside: PathBuf,
}

/// A record as it stands in the table, in SQLite's own numbers.
struct Found {
    id: [u8; 16],
    lane: i64,
    stage: i64,
    accepted_at: i64,
    changed_at: i64,
    outcome: Option<u8>,
    reason: Option<u8>,
    note: Option<String>,
}

/// Copies what can be read into a new database and puts it in the place of the damaged one. `stamp` becomes a part of
/// the old one's new name; `now` the time of what is set aside. Until the last step nothing is changed.
///
/// # Errors
/// [`StoreError::NoQueue`], [`StoreError::InUse`], or a failure of the medium. A file that is no database at all can't be
/// repaired and stays as it is.
pub fn repair(config: &StoreConfig, stamp: &str, now: u64) -> Result<Repaired, StoreError> {
    let path = config.directory.join("queue.db");
    if !path.exists() {
        return Err(StoreError::NoQueue(config.directory.clone()));
    }
    let keys = KeyRing::load(&config.key_file, false)?;
    let old = schema::connect_damaged(&path)?;
    // Copies pages without looking into them. The log must be empty before another file takes the name.
    old.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?;

    let unfinished = config.directory.join("queue.db.unfinished");
    remove_with_log(&unfinished)?;
    let mut new = schema::connect(&unfinished)?;
    let mut repaired = copy(&old, &mut new, &keys, i64::try_from(now).unwrap_or(i64::MAX))?;
    new.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?;
    new.close().map_err(|(_, error)| error)?;
    // Closing a damaged database may complain; it has nothing left to write.
    drop(old);

    let aside = config.directory.join(format!("queue.db.damaged-{stamp}"));
    let failed = || StoreError::io(format!("putting the repaired {} in place", path.display()));
    std::fs::File::open(&unfinished).and_then(|file| file.sync_all()).map_err(failed())?;
    std::fs::hard_link(&path, &aside).map_err(failed())?;
    let log = config.directory.join("queue.db-wal");
    if log.exists() {
        std::fs::remove_file(&log).map_err(failed())?;
    }
    sync_directory(&config.directory)?;
    std::fs::rename(&unfinished, &path).map_err(failed())?;
    sync_directory(&config.directory)?;
    repaired.put_aside = aside;
    Ok(repaired)
}

fn copy(old: &Connection, new: &mut Connection, keys: &KeyRing, now: i64) -> Result<Repaired, StoreError> {
    let mut repaired = Repaired::default();
    let transaction = new.transaction()?;
    let mut bodies: BTreeSet<i64> = readable(old, "body", "seq_part");
    let mut used = BTreeSet::new();
    for (seq, found) in records(old, now) {
        let id = RecordId(found.id);
        let mut parts = Vec::new();
        for part in [Part::Request, Part::Answer] {
            let key = seq * 2 + part as i64;
            bodies.remove(&key);
            let sealed: Option<Vec<u8>> = old
                .query_row("SELECT sealed FROM body WHERE seq_part = ?", [key], |row| row.get(0))
                .optional()
                .unwrap_or(None);
            parts.push(sealed);
        }
        let whole = |part: Part| {
            parts[part as usize].as_ref().is_some_and(|sealed| seal::open(keys, id, part, sealed).is_ok())
        };
        let stage = u8::try_from(found.stage).ok().and_then(Stage::from_stored);
        let sound = match stage {
            Some(Stage::Settled | Stage::Practice) => true,
            Some(Stage::Answered | Stage::Delivered) => whole(Part::Request) && whole(Part::Answer),
            Some(Stage::Accepted | Stage::SetAside) => whole(Part::Request),
            None => false,
        };
        let (stage, reason, note) = if sound {
            (found.stage, found.reason, found.note)
        } else {
            repaired.damaged.push(id);
            (Stage::SetAside as i64, Some(Reason::Damaged as u8), Some("repair".to_owned()))
        };
        if stage == Stage::Settled as i64 {
            parts.clear();
        } else if stage == Stage::Accepted as i64 {
            parts.truncate(1);
        }
        let bytes: usize = parts.iter().flatten().map(Vec::len).sum();
        let added = transaction
            .prepare_cached("INSERT OR IGNORE INTO record VALUES (?,?,?,?,?,?,?,?,?,?)")?
            .execute(params![
                seq,
                found.id,
                found.lane,
                stage,
                found.accepted_at,
                found.changed_at,
                bytes,
                found.outcome,
                reason,
                note
            ])?;
        if added == 0 {
            continue;
        }
        repaired.kept += 1;
        for (part, sealed) in parts.into_iter().enumerate().filter_map(|(part, it)| Some((part, it?))) {
            used.extend(seal::key_of(&sealed));
            transaction
                .prepare_cached("INSERT INTO body VALUES (?, ?)")?
                .execute(params![seq * 2 + part as i64, sealed])?;
        }
    }
    for key in used {
        transaction.execute("INSERT OR IGNORE INTO key_used (id) VALUES (?)", [key.0])?;
    }
    transaction.commit()?;
    repaired.without_record = bodies.len() as u64;
    Ok(repaired)
}

/// Every record that can be read, by its place; where only an index still knows it, what the indexes know.
fn records(old: &Connection, now: i64) -> BTreeMap<i64, Found> {
    let mut found = BTreeMap::new();
    for seq in readable(old, "record NOT INDEXED", "seq") {
        let row = old.query_row(
            "SELECT id, lane, stage, accepted_at, changed_at, outcome, reason, note FROM record NOT INDEXED WHERE seq = ?",
            [seq],
            whole_row,
        );
        if let Ok(row) = row {
            found.insert(seq, row);
        }
    }
    // Both indexes hold a part of each record, on other pages.
    let ids = from_index(old, "SELECT seq, id FROM record INDEXED BY record_id", &["id"], |row| {
        Ok((row.get(0)?, row.get::<_, [u8; 16]>(1)?))
    });
    let places: BTreeMap<i64, (i64, i64)> = from_index(
        old,
        "SELECT seq, stage, lane FROM record INDEXED BY record_due",
        &["stage", "lane", "seq"],
        |row| Ok((row.get(0)?, (row.get(1)?, row.get(2)?))),
    )
    .into_iter()
    .collect();
    for (seq, id) in ids {
        let Some((stage, lane)) = places.get(&seq) else { continue };
        // How it ended is lost with the row, so the centre is asked again: it knows the request id.
        let stage = match u8::try_from(*stage).ok().and_then(Stage::from_stored) {
            Some(Stage::Answered | Stage::Delivered) => Stage::Accepted as i64,
            _ => *stage,
        };
        let neighbour = found.range(..seq).next_back().map_or(now, |(_, before)| before.accepted_at);
        found.entry(seq).or_insert(Found {
            id,
            lane: *lane,
            stage,
            accepted_at: neighbour,
            changed_at: now,
            outcome: None,
            reason: None,
            note: None,
        });
    }
    found
}

fn whole_row(row: &Row<'_>) -> rusqlite::Result<Found> {
    Ok(Found {
        id: row.get(0)?,
        lane: row.get(1)?,
        stage: row.get(2)?,
        accepted_at: row.get(3)?,
        changed_at: row.get(4)?,
        outcome: row.get(5)?,
        reason: row.get(6)?,
        note: row.get(7)?,
    })
}

/// What an index gives from either end until it meets damage. `text` is the query up to `order`, the columns of the index.
fn from_index<T>(
    old: &Connection,
    text: &str,
    order: &[&str],
    read: impl Fn(&Row<'_>) -> rusqlite::Result<(i64, T)>,
) -> Vec<(i64, T)> {
    let mut found = Vec::new();
    for direction in ["ASC", "DESC"] {
        let order: Vec<_> = order.iter().map(|column| format!("{column} {direction}")).collect();
        let Ok(mut statement) = old.prepare(&format!("{text} ORDER BY {}", order.join(", "))) else {
            continue;
        };
        let Ok(mut rows) = statement.query_map([], &read) else { continue };
        let before_damage = rows.by_ref().map_while(Result::ok);
        found.extend(before_damage);
    }
    found
}

/// The keys of a table that can be reached: from both ends up to the damage, and one by one between.
fn readable(old: &Connection, table: &str, key: &str) -> BTreeSet<i64> {
    let mut found = BTreeSet::new();
    let mut ends = [None, None];
    for (end, order) in ends.iter_mut().zip(["ASC", "DESC"]) {
        let text = format!("SELECT {key} FROM {table} ORDER BY {key} {order}");
        let Ok(mut statement) = old.prepare(&text) else { continue };
        let Ok(mut rows) = statement.query([]) else { continue };
        loop {
            match rows.next() {
                Ok(Some(row)) => {
                    let Ok(number) = row.get::<_, i64>(0) else { break };
                    found.insert(number);
                    *end = Some(number);
                }
                Ok(None) => return found,
                Err(_) => break,
            }
        }
    }
    let first = ends[0].unwrap_or(0);
    let last = ends[1].unwrap_or_else(|| first.saturating_add(LONGEST_GAP));
    let text = format!("SELECT 1 FROM {table} WHERE {key} = ?");
    if let Ok(mut statement) = old.prepare(&text) {
        for number in (first.saturating_add(1)..last).take(LONGEST_GAP as usize) {
            if statement.query_row([number], |_| Ok(())).is_ok() {
                found.insert(number);
            }
        }
    }
    found
}

fn remove_with_log(path: &Path) -> Result<(), StoreError> {
    for suffix in ["", "-wal", "-journal"] {
        let mut name = path.as_os_str().to_owned();
        name.push(suffix);
        match std::fs::remove_file(&name) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(StoreError::io("removing an unfinished repair")(error));
            }
            _ => {}
        }
    }
    Ok(())
}
