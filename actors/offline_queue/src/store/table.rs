//! The records in SQLite: one connection, write-ahead log, `synchronous=FULL`. All of it runs on the store's own
//! thread inside the transaction that [`super::writer`] opened: nothing here is durable before its commit.

use std::path::PathBuf;

use rusqlite::{Connection, OptionalExtension, Row, params};

use super::StoreConfig;
use super::key::{KeyId, KeyRing};
use super::log::Log;
use super::memory::{Memory, Settled};
use super::seal::{self, Part};
use super::space::Space;
use super::types::{
    Acceptance, GivenUp, Header, Level, Millis, Reason, RecordId, Stage, Step, StoreError, WhenFull, Work,
};

/// The longest code that is kept beside a reason.
const LONGEST_NOTE: usize = 64;

pub(super) const COLUMNS: &str =
    "seq, id, lane, stage, accepted_at, changed_at, bytes, outcome, reason, note";

/// Counts by stage and the bytes of all: kept along, so that a status costs nothing.
#[derive(Clone, Copy, Default)]
pub(super) struct Totals {
    pub(super) count: [u64; Stage::ALL.len()],
    pub(super) bytes: u64,
    pub(super) given_up: GivenUp,
}

impl Totals {
    pub(super) fn unsettled(&self) -> u64 {
        self.count.iter().sum::<u64>() - self.count[Stage::Settled as usize]
    }
}

/// A header with its place in the order of acceptance.
pub(super) struct Placed {
    pub(super) seq: i64,
    pub(super) header: Header,
}

/// The open database with what belongs to it.
pub(super) struct Table {
    pub(super) db: Connection,
    pub(super) space: Space,
    pub(super) totals: Totals,
    pub(super) commits: u64,
    pub(super) log: Log,
    pub(super) keys: KeyRing,
    /// Where they came from.
    pub(super) key_file: PathBuf,
    pub(super) memory: Memory,
    largest_part: usize,
    pub(super) when_full: WhenFull,
}

impl Table {
    /// Puts the parts together and checks that the keys fit the records.
    pub(super) fn new(
        mut db: Connection,
        keys: KeyRing,
        memory: Memory,
        space: Space,
        config: &StoreConfig,
    ) -> Result<Self, StoreError> {
        let mut table = Self {
            log: Log::of(&mut db)?,
            db,
            space,
            totals: Totals::default(),
            commits: 0,
            keys,
            key_file: config.key_file.clone(),
            memory,
            largest_part: config.largest_part,
            when_full: config.when_full,
        };
        table.check_keys()?;
        table.totals = table.count()?;
        Ok(table)
    }

    /// Records that are neither settled nor set aside nor for practice.
    pub(super) fn unfinished(&self) -> u64 {
        let rests = self.totals.count[Stage::SetAside as usize] + self.totals.count[Stage::Practice as usize];
        self.totals.unsettled() - rests
    }

    /// All or nothing: if one record needs a key that is not there, the store isn't opened at all.
    fn check_keys(&self) -> Result<(), StoreError> {
        for needed in self.used_keys()?.into_iter().filter(|used| self.keys.opening(*used).is_none()) {
            // Only now are the records read: every start but the first after a rotation is spared that.
            let heads: bool = self.db.query_row(
                "SELECT EXISTS (SELECT 1 FROM body WHERE substr(sealed, 1, 5) = ?)",
                [seal::head(needed)],
                |row| row.get(0),
            )?;
            if heads {
                return Err(StoreError::WrongKey { needed, given: self.keys.ids() });
            }
            self.db.execute("DELETE FROM key_used WHERE id = ?", [needed.0])?;
        }
        let (sealing, _) = self.keys.sealing();
        self.db.execute("INSERT OR IGNORE INTO key_used (id) VALUES (?)", [sealing.0])?;
        Ok(())
    }

    /// Keys that something is sealed with, or was when it was last looked.
    pub(super) fn used_keys(&self) -> Result<Vec<KeyId>, StoreError> {
        let mut statement = self.db.prepare_cached("SELECT id FROM key_used")?;
        let rows = statement.query_map([], |row| row.get(0).map(KeyId))?;
        rows.collect::<Result<_, _>>().map_err(Into::into)
    }

    fn count(&self) -> Result<Totals, StoreError> {
        let mut totals = Totals::default();
        let mut statement =
            self.db.prepare("SELECT stage, count(*), sum(bytes) FROM record GROUP BY stage")?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let stage: usize = row.get(0)?;
            if let Some(count) = totals.count.get_mut(stage) {
                *count = row.get(1)?;
            }
            totals.bytes += row.get::<_, u64>(2)?;
        }
        Ok(totals)
    }

    /// Puts a new record at the end of its lane, in the stage where it begins.
    pub(super) fn accept(
        &mut self,
        id: RecordId,
        lane: u16,
        request: &[u8],
        stage: Stage,
        at: Millis,
    ) -> Result<Acceptance, StoreError> {
        if let Some(placed) = self.find(id)? {
            return Ok(Acceptance::Already(placed.header.stage));
        }
        if self.memory.get(id)?.is_some() {
            return Ok(Acceptance::Already(Stage::Settled));
        }
        self.check_size(request)?;
        // Practice takes no room from anybody.
        if self.level() == Level::Full && (stage == Stage::Practice || !self.make_room(at)?) {
            return Ok(Acceptance::Full);
        }
        let sealed = seal::seal(&self.keys, id, Part::Request, request)?;
        self.db
            .prepare_cached(
                "INSERT INTO record (id, lane, stage, accepted_at, changed_at, bytes) VALUES (?,?,?,?,?,?)",
            )?
            .execute(params![id.0, lane, stage as u8, signed(at), signed(at), sealed.len()])?;
        let seq = self.db.last_insert_rowid();
        self.put_body(seq, Part::Request, &sealed)?;
        self.totals.count[stage as usize] += 1;
        self.totals.bytes += sealed.len() as u64;
        Ok(Acceptance::New)
    }

    /// Settles a record: both its bodies go.
    pub(super) fn wipe(&mut self, placed: &Placed, at: Millis) -> Result<(), StoreError> {
        self.place(placed, Stage::Settled, at)?;
        if placed.header.stage == Stage::Practice {
            self.db
                .prepare_cached("UPDATE record SET reason = ? WHERE seq = ?")?
                .execute(params![Reason::Practice as u8, placed.seq])?;
        }
        self.db
            .prepare_cached("DELETE FROM body WHERE seq_part IN (?1 * 2, ?1 * 2 + 1)")?
            .execute([placed.seq])?;
        self.db.prepare_cached("UPDATE record SET bytes = 0 WHERE seq = ?")?.execute([placed.seq])?;
        self.totals.bytes = self.totals.bytes.saturating_sub(placed.header.bytes);
        Ok(())
    }

    /// Keeps the centre's definite answer.
    pub(super) fn answer(
        &mut self,
        id: RecordId,
        outcome: u8,
        answer: &[u8],
        at: Millis,
    ) -> Result<Step, StoreError> {
        self.check_size(answer)?;
        let Some(placed) = self.find(id)? else { return self.unknown(id) };
        let step = placed.header.stage.toward(Stage::Answered);
        if step == Step::Done {
            let sealed = seal::seal(&self.keys, id, Part::Answer, answer)?;
            self.put_body(placed.seq, Part::Answer, &sealed)?;
            self.db
                .prepare_cached("UPDATE record SET outcome = ?, bytes = bytes + ? WHERE seq = ?")?
                .execute(params![outcome, sealed.len(), placed.seq])?;
            self.totals.bytes += sealed.len() as u64;
            self.place(&placed, Stage::Answered, at)?;
        }
        Ok(step)
    }

    /// Moves a record on; see [`Stage::toward`]. Settling wipes both bodies.
    pub(super) fn advance(&mut self, id: RecordId, next: Stage, at: Millis) -> Result<Step, StoreError> {
        let Some(placed) = self.find(id)? else { return self.unknown(id) };
        let step = placed.header.stage.toward(next);
        if step == Step::Done {
            match next {
                Stage::Settled => self.wipe(&placed, at)?,
                _ => self.place(&placed, next, at)?,
            }
        }
        Ok(step)
    }

    /// Takes a record out of the line; its bodies stay for whoever looks into it.
    pub(super) fn set_aside(
        &mut self,
        id: RecordId,
        reason: Reason,
        note: &str,
        at: Millis,
    ) -> Result<Step, StoreError> {
        let step = self.advance(id, Stage::SetAside, at)?;
        if step == Step::Done {
            self.db
                .prepare_cached("UPDATE record SET reason = ?, note = ? WHERE id = ?")?
                .execute(params![reason as u8, code(note), id.0])?;
        }
        Ok(step)
    }

    /// Puts a record that was set aside back into the line, where it had been.
    pub(super) fn put_back(&mut self, id: RecordId, at: Millis) -> Result<Step, StoreError> {
        let Some(placed) = self.find(id)? else { return self.unknown(id) };
        if placed.header.stage != Stage::SetAside {
            return Ok(Step::Already(placed.header.stage));
        }
        let answered = self.body(placed.seq, Part::Answer)?.is_some();
        self.db
            .prepare_cached("UPDATE record SET reason = NULL, note = NULL WHERE id = ?")?
            .execute([id.0])?;
        self.place(&placed, if answered { Stage::Answered } else { Stage::Accepted }, at)?;
        Ok(Step::Done)
    }

    /// The record with this id, with its seals opened; `None` when unknown or settled.
    pub(super) fn read(&self, id: RecordId) -> Result<Option<Work>, StoreError> {
        match self.find(id)? {
            Some(placed) if placed.header.stage != Stage::Settled => self.open_seals(placed).map(Some),
            _ => Ok(None),
        }
    }

    /// Opens a record's seals. [`StoreError::Seal`] when one does not hold or a body is missing.
    pub(super) fn open_seals(&self, placed: Placed) -> Result<Work, StoreError> {
        let id = placed.header.id;
        let open = |part| {
            let sealed = self.body(placed.seq, part)?;
            sealed.map(|sealed| seal::open(&self.keys, id, part, &sealed)).transpose()
        };
        let request = open(Part::Request)?.ok_or(StoreError::Seal)?;
        let answer = open(Part::Answer)?;
        if answer.is_none() && matches!(placed.header.stage, Stage::Answered | Stage::Delivered) {
            return Err(StoreError::Seal);
        }
        Ok(Work { header: placed.header, request, answer })
    }

    /// Moves at most `limit` records settled before `before` to the long memory. Says how many.
    pub(super) fn remember(&mut self, before: Millis, limit: usize) -> Result<usize, StoreError> {
        let settled: Vec<(i64, RecordId, Settled)> = {
            let text = format!("SELECT {COLUMNS} FROM record WHERE stage = ? AND changed_at < ? LIMIT ?");
            let mut statement = self.db.prepare_cached(&text)?;
            let rows = statement.query_map(params![Stage::Settled as u8, signed(before), limit], placed)?;
            rows.map(|row| {
                row.map(|Placed { seq, header }| {
                    let settled = Settled {
                        outcome: header.outcome,
                        accepted_at: header.accepted_at,
                        settled_at: header.changed_at,
                    };
                    (seq, header.id, settled)
                })
            })
            .collect::<Result<_, _>>()?
        };
        // First there, then gone from here: in between it is known twice, which harms nobody.
        self.memory.put(&settled.iter().map(|(_, id, entry)| (*id, *entry)).collect::<Vec<_>>())?;
        for (seq, ..) in &settled {
            self.db.prepare_cached("DELETE FROM record WHERE seq = ?")?.execute([seq])?;
        }
        self.totals.count[Stage::Settled as usize] -= settled.len() as u64;
        Ok(settled.len())
    }

    /// Forgets at most `limit` ids settled before `before` for good.
    pub(super) fn forget(&self, before: Millis, limit: usize) -> Result<usize, StoreError> {
        self.memory.forget(before, limit)
    }

    /// The lanes that have records in this stage, ascending. One look into the index for each lane.
    pub(super) fn lanes(&self, stage: Stage) -> Result<Vec<u16>, StoreError> {
        let mut next = self.db.prepare_cached("SELECT min(lane) FROM record WHERE stage = ? AND lane > ?")?;
        let mut lanes = Vec::new();
        let mut last = -1i64;
        while let Some(lane) =
            next.query_row(params![stage as u8, last], |row| row.get::<_, Option<u16>>(0))?
        {
            lanes.push(lane);
            last = i64::from(lane);
        }
        Ok(lanes)
    }

    /// Up to `limit` records of a stage and lane: the oldest first, or with `newest` the newest first.
    pub(super) fn of_lane(
        &self,
        stage: Stage,
        lane: u16,
        newest: bool,
        limit: usize,
    ) -> Result<Vec<Placed>, StoreError> {
        let order = if newest { "DESC" } else { "ASC" };
        let text =
            format!("SELECT {COLUMNS} FROM record WHERE stage = ? AND lane = ? ORDER BY seq {order} LIMIT ?");
        let mut statement = self.db.prepare_cached(&text)?;
        let rows = statement.query_map(params![stage as u8, lane, limit], placed)?;
        rows.collect::<Result<_, _>>().map_err(Into::into)
    }

    pub(super) fn find(&self, id: RecordId) -> Result<Option<Placed>, StoreError> {
        let text = format!("SELECT {COLUMNS} FROM record WHERE id = ?");
        Ok(self.db.prepare_cached(&text)?.query_row([id.0], placed).optional()?)
    }

    pub(super) fn unknown(&self, id: RecordId) -> Result<Step, StoreError> {
        Ok(if self.memory.get(id)?.is_some() { Step::Already(Stage::Settled) } else { Step::Unknown })
    }

    fn place(&mut self, placed: &Placed, next: Stage, at: Millis) -> Result<(), StoreError> {
        self.db
            .prepare_cached("UPDATE record SET stage = ?, changed_at = ? WHERE seq = ?")?
            .execute(params![next as u8, signed(at), placed.seq])?;
        self.totals.count[placed.header.stage as usize] -= 1;
        self.totals.count[next as usize] += 1;
        Ok(())
    }

    pub(super) fn put_body(&mut self, seq: i64, part: Part, sealed: &[u8]) -> Result<(), StoreError> {
        self.db
            .prepare_cached("INSERT OR REPLACE INTO body (seq_part, sealed) VALUES (?, ?)")?
            .execute(params![seq * 2 + part as i64, sealed])?;
        Ok(())
    }

    pub(super) fn body(&self, seq: i64, part: Part) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(self
            .db
            .prepare_cached("SELECT sealed FROM body WHERE seq_part = ?")?
            .query_row([seq * 2 + part as i64], |row| row.get(0))
            .optional()?)
    }

    fn check_size(&self, part: &[u8]) -> Result<(), StoreError> {
        if part.len() > self.largest_part {
            return Err(StoreError::TooLarge { size: part.len(), limit: self.largest_part });
        }
        Ok(())
    }
}

/// What of a note is kept: a short code of ASCII.
pub(super) fn code(note: &str) -> String {
    note.chars().filter(char::is_ascii_graphic).take(LONGEST_NOTE).collect()
}

pub(super) fn placed(row: &Row<'_>) -> rusqlite::Result<Placed> {
    let wrong = |column: usize| rusqlite::Error::IntegralValueOutOfRange(column, 0);
    let reason: Option<u8> = row.get(8)?;
    let note: Option<String> = row.get(9)?;
    Ok(Placed {
        seq: row.get(0)?,
        header: Header {
            id: RecordId(row.get(1)?),
            lane: row.get(2)?,
            stage: Stage::from_stored(row.get(3)?).ok_or_else(|| wrong(3))?,
            accepted_at: unsigned(row.get(4)?),
            changed_at: unsigned(row.get(5)?),
            bytes: row.get(6)?,
            outcome: row.get(7)?,
            set_aside: reason.and_then(Reason::from_stored).map(|reason| (reason, note.unwrap_or_default())),
        },
    })
}

/// SQLite's integers are signed; no clock gets near the difference.
fn signed(at: Millis) -> i64 {
    i64::try_from(at).unwrap_or(i64::MAX)
}

pub(super) fn unsigned(at: i64) -> Millis {
    u64::try_from(at).unwrap_or(0)
}
