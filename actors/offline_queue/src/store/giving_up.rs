//! What makes room and what has waited too long, given up as the configuration wants it, and what a person discards:
//! counted, never silent.

use rusqlite::params;

use super::table::{Placed, Table, code};
use super::types::{Header, Level, Millis, Reason, RecordId, Stage, Step, StoreError, WhenFull};

/// Records given up for a single new one at most.
const MOST_FOR_ONE: usize = 64;

impl Table {
    /// Gives up what the configuration gives up first. Says whether there is room now.
    pub(super) fn make_room(&mut self, at: Millis) -> Result<bool, StoreError> {
        // One by one: a large record may need the room of several small ones, a disk without room gets none so.
        for _ in 0..MOST_FOR_ONE {
            if self.space.disk_full() {
                return Ok(false);
            }
            if self.level() != Level::Full {
                return Ok(true);
            }
            let Some(placed) = self.goes_first()? else { return Ok(false) };
            if placed.header.stage == Stage::Practice {
                tracing::warn!(record = %placed.header.id, "practice makes room for a patient");
                self.wipe(&placed, at)?;
            } else {
                self.give_up(&placed, Reason::MadeRoom, None, at)?;
            }
        }
        Ok(self.level() != Level::Full)
    }

    /// What makes room first, as the configuration wants it; practice before everything.
    fn goes_first(&self) -> Result<Option<Placed>, StoreError> {
        let stages: &[Stage] = match self.when_full {
            WhenFull::Refuse => &[Stage::Practice],
            WhenFull::GiveUpSetAside => &[Stage::Practice, Stage::SetAside],
            WhenFull::GiveUpOldest => &[Stage::Practice, Stage::SetAside, Stage::Accepted],
        };
        for stage in stages {
            let oldest = self.oldest(*stage)?;
            if oldest.is_some() {
                return Ok(oldest);
            }
        }
        Ok(None)
    }

    /// See [`super::Store::goes_first`].
    pub(super) fn first_to_go(&self) -> Result<Option<Header>, StoreError> {
        Ok(self.goes_first()?.map(|placed| placed.header))
    }

    /// Gives up at most `limit` records that were accepted before `before` and still wait. Says how many.
    pub(super) fn give_up_older(
        &mut self,
        before: Millis,
        limit: usize,
        at: Millis,
    ) -> Result<usize, StoreError> {
        for given_up in 0..limit {
            match self.oldest(Stage::Accepted)? {
                Some(placed) if placed.header.accepted_at < before => {
                    self.give_up(&placed, Reason::TooOld, None, at)?;
                }
                _ => return Ok(given_up),
            }
        }
        Ok(limit)
    }

    /// See [`super::Store::discard`].
    pub(super) fn discard(&mut self, id: RecordId, note: &str, at: Millis) -> Result<Step, StoreError> {
        let Some(placed) = self.find(id)? else { return self.unknown(id) };
        if placed.header.stage != Stage::SetAside {
            return Ok(Step::Already(placed.header.stage));
        }
        self.give_up(&placed, Reason::Discarded, Some(&code(note)), at)?;
        Ok(Step::Done)
    }

    /// The record of a stage that was accepted first, over all lanes.
    fn oldest(&self, stage: Stage) -> Result<Option<Placed>, StoreError> {
        let mut oldest: Option<Placed> = None;
        for lane in self.lanes(stage)? {
            for placed in self.of_lane(stage, lane, false, 1)? {
                if oldest.as_ref().is_none_or(|known| placed.seq < known.seq) {
                    oldest = Some(placed);
                }
            }
        }
        Ok(oldest)
    }

    /// Wipes a record and counts it by its reason. What the centre answered, where it did, stays known as its outcome.
    fn give_up(
        &mut self,
        placed: &Placed,
        reason: Reason,
        note: Option<&str>,
        at: Millis,
    ) -> Result<(), StoreError> {
        let Header { id, lane, stage, accepted_at, set_aside, .. } = &placed.header;
        let was = set_aside.as_ref().map(|(was, code)| format!("{was:?} {code}"));
        tracing::error!(record = %id, lane, ?stage, was, accepted_at, ?reason, note, "a confirmation is given up");
        self.wipe(placed, at)?;
        self.db.prepare_cached("UPDATE record SET reason = ?, note = ? WHERE seq = ?")?.execute(params![
            reason as u8,
            note,
            placed.seq
        ])?;
        match reason {
            Reason::TooOld => self.totals.given_up.too_old += 1,
            Reason::Discarded => self.totals.given_up.discarded += 1,
            _ => self.totals.given_up.made_room += 1,
        }
        Ok(())
    }
}
