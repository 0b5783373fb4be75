//! Looking into the store: what is there, how it is, and whether its seals hold.

use std::collections::BTreeSet;

use rusqlite::{OptionalExtension, params};

use super::seal::Part;
use super::table::{COLUMNS, Placed, Table, placed, unsigned};
use super::types::{
    Header, Level, Millis, Practised, Reason, RecordId, Scrubbed, Sealed, Stage, Status, StoreError,
};

impl Table {
    /// See [`super::Store::practised`].
    pub(super) fn practised(
        &self,
        rehearsing: &BTreeSet<u16>,
        limit: usize,
    ) -> Result<Vec<Practised>, StoreError> {
        let mut found = Vec::new();
        for lane in self.lanes(Stage::Practice)?.into_iter().filter(|lane| !rehearsing.contains(lane)) {
            for placed in self.of_lane(Stage::Practice, lane, false, limit - found.len())? {
                let header = placed.header.clone();
                match self.open_seals(placed) {
                    Ok(work) => found.push((header, Some(work.request))),
                    Err(StoreError::Seal) => found.push((header, None)),
                    Err(other) => return Err(other),
                }
            }
        }
        Ok(found)
    }

    /// The header of a record, however far it has come; of a long-settled one, what the memory still knows.
    pub(super) fn look_up(&self, id: RecordId) -> Result<Option<Header>, StoreError> {
        if let Some(placed) = self.find(id)? {
            return Ok(Some(placed.header));
        }
        Ok(self.memory.get(id)?.map(|settled| Header {
            id,
            lane: 0,
            stage: Stage::Settled,
            accepted_at: settled.accepted_at,
            changed_at: settled.settled_at,
            bytes: 0,
            outcome: settled.outcome,
            set_aside: None,
        }))
    }

    /// Up to `limit` headers in the order of acceptance, those after `after`, with the place of the last.
    pub(super) fn list(&self, after: i64, limit: usize) -> Result<Vec<(i64, Header)>, StoreError> {
        let text = format!("SELECT {COLUMNS} FROM record WHERE seq > ? ORDER BY seq LIMIT ?");
        let mut statement = self.db.prepare_cached(&text)?;
        let rows = statement.query_map(params![after, limit], placed)?;
        rows.map(|row| row.map(|placed| (placed.seq, placed.header)))
            .collect::<Result<_, _>>()
            .map_err(Into::into)
    }

    /// As [`Table::list`], of those that were set aside.
    pub(super) fn list_aside(&self, after: i64, limit: usize) -> Result<Vec<(i64, Header)>, StoreError> {
        let text = format!("SELECT {COLUMNS} FROM record WHERE stage = ? AND seq > ? ORDER BY seq LIMIT ?");
        let mut statement = self.db.prepare_cached(&text)?;
        let rows = statement.query_map(params![Stage::SetAside as u8, after, limit], placed)?;
        rows.map(|row| row.map(|placed| (placed.seq, placed.header)))
            .collect::<Result<_, _>>()
            .map_err(Into::into)
    }

    /// The record as it lies there, its seals closed; `None` when unknown.
    pub(super) fn sealed(&self, id: RecordId) -> Result<Option<Sealed>, StoreError> {
        let Some(Placed { seq, header }) = self.find(id)? else { return Ok(None) };
        let (request, answer) = (self.body(seq, Part::Request)?, self.body(seq, Part::Answer)?);
        Ok(Some(Sealed { header, request, answer }))
    }

    /// Opens the seals of up to `limit` records after `after`. Those that don't hold are set aside if `set_aside`
    /// gives the time for it.
    pub(super) fn scrub(
        &mut self,
        after: i64,
        limit: usize,
        set_aside: Option<Millis>,
    ) -> Result<Scrubbed, StoreError> {
        let mut scrubbed = Scrubbed::default();
        for (seq, header) in self.list(after, limit)? {
            scrubbed.last = Some(seq);
            scrubbed.looked_at += 1;
            // Practice is wiped whether it can be read or not.
            if matches!(header.stage, Stage::Settled | Stage::SetAside | Stage::Practice) {
                continue;
            }
            let id = header.id;
            match self.open_seals(Placed { seq, header }) {
                Ok(_) => {}
                Err(StoreError::Seal) => {
                    scrubbed.damaged.push(id);
                    if let Some(now) = set_aside {
                        self.set_aside(id, Reason::Damaged, "seal", now)?;
                    }
                }
                Err(other) => return Err(other),
            }
        }
        Ok(scrubbed)
    }

    /// What the store holds.
    pub(super) fn status(&self) -> Result<Status, StoreError> {
        let count = |stage: Stage| self.totals.count[stage as usize];
        let mut oldest: Option<Millis> = None;
        for stage in [Stage::Accepted, Stage::Answered, Stage::Delivered] {
            for lane in self.lanes(stage)? {
                let at: Option<i64> = self
                    .db
                    .prepare_cached(
                        "SELECT accepted_at FROM record WHERE stage = ? AND lane = ? ORDER BY seq",
                    )?
                    .query_row(params![stage as u8, lane], |row| row.get(0))
                    .optional()?;
                oldest = [oldest, at.map(unsigned)].into_iter().flatten().min();
            }
        }
        Ok(Status {
            waiting: count(Stage::Accepted),
            answered: count(Stage::Answered) + count(Stage::Delivered),
            set_aside: count(Stage::SetAside),
            practice: count(Stage::Practice),
            bytes: self.totals.bytes,
            oldest,
            level: self.level(),
            given_up: self.totals.given_up,
            commits: self.commits,
        })
    }

    /// How near the quota is, the disk included.
    pub(super) fn level(&self) -> Level {
        if self.space.disk_full() {
            return Level::Full;
        }
        self.space.quota().level(self.totals.unsettled(), self.totals.bytes)
    }
}
