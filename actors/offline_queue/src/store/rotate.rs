//! Rotation of the key: a new one on top of the key file, every record sealed anew with it in bounded steps, and the old
//! ones out of the file when nothing is sealed with them any more.
//!
//! The order is such that a kill or a power cut between any two steps loses nothing: the file with both keys is durable
//! before anything is sealed with the new one, each step is a transaction, and a key leaves the file only when the
//! database no longer names it as used. Whatever is cut short goes on at the next start.

use std::collections::BTreeSet;

use rusqlite::{OptionalExtension, params};
use zeroize::Zeroizing;

use super::key::{KeyId, KeyRing};
use super::seal::{self, Part};
use super::table::Table;
use super::types::{RecordId, StoreError};
use super::{Store, writer};

/// How far one pass over all sealed parts has come. A new pass is the default value.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Resealing {
    /// The key of this pass. Another one begins it anew.
    key: Option<KeyId>,
    /// The place of the last part that was looked at.
    after: i64,
    /// Keys of parts that are damaged and so can't be sealed anew.
    stuck: BTreeSet<KeyId>,
    /// Parts that were sealed anew.
    pub sealed_anew: u64,
    /// Damaged parts that stay as they are.
    pub damaged: u64,
    /// Every part was looked at.
    pub done: bool,
}

/// A key of the key file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyInForce {
    /// Which.
    pub id: KeyId,
    /// Whether it seals what is new.
    pub newest: bool,
    /// Whether something is, or may still be, sealed with it.
    pub needed: bool,
}

impl Store {
    /// Puts a new key on top of the key file; from now on it seals. [`Store::reseal`] is to follow.
    ///
    /// # Errors
    /// [`StoreError::KeyHandedOver`], [`StoreError::WrongKey`] and others of the key file: then it is as it was, and so
    /// is the key.
    pub async fn rotate_key(&self) -> Result<KeyId, StoreError> {
        self.alone(Table::rotate_key).await?
    }

    /// Seals up to `limit` parts anew with the newest key and says how far that has come; to be called with what it returned
    /// before until it is done.
    ///
    /// # Errors
    /// A failure of the medium.
    pub async fn reseal(&self, pass: Resealing, limit: usize) -> Result<Resealing, StoreError> {
        self.call(move |table| table.reseal(pass.clone(), limit)).await
    }

    /// The keys of the key file, the newest first.
    ///
    /// # Errors
    /// A failure of the medium.
    pub async fn keys(&self) -> Result<Vec<KeyInForce>, StoreError> {
        self.call(|table| table.keys_in_force()).await
    }

    /// Takes the keys out of the key file that nothing needs any more, and says which. Exports made before can then no
    /// longer be read, other than with a copy of that key.
    ///
    /// # Errors
    /// [`StoreError::KeyHandedOver`] and others of the key file: then it is as it was.
    pub async fn drop_old_keys(&self) -> Result<Vec<KeyId>, StoreError> {
        self.alone(Table::drop_old_keys).await?
    }
}

impl Table {
    fn rotate_key(&mut self) -> Result<KeyId, StoreError> {
        self.may_change_keys()?;
        let keys = KeyRing::add(&self.key_file, &self.used_keys()?)?;
        let newest = *keys.sealing().0;
        // Before the first record that needs it.
        self.db.execute("INSERT OR IGNORE INTO key_used (id) VALUES (?)", [newest.0])?;
        self.keys = keys;
        Ok(newest)
    }

    fn reseal(&mut self, mut pass: Resealing, limit: usize) -> Result<Resealing, StoreError> {
        let newest = *self.keys.sealing().0;
        if pass.key != Some(newest) {
            pass = Resealing { key: Some(newest), ..Resealing::default() };
            // The usual start is spared reading everything.
            if self.used_keys()? == [newest] {
                return Ok(Resealing { done: true, ..pass });
            }
        }
        let parts: Vec<(i64, Vec<u8>)> = {
            let text = "SELECT seq_part, sealed FROM body WHERE seq_part > ? ORDER BY seq_part LIMIT ?";
            let mut statement = self.db.prepare_cached(text)?;
            let rows =
                statement.query_map(params![pass.after, limit], |row| Ok((row.get(0)?, row.get(1)?)))?;
            rows.collect::<Result<_, _>>()?
        };
        pass.done = parts.len() < limit;
        for (place, sealed) in parts {
            pass.after = place;
            let key = seal::key_of(&sealed);
            if key == Some(newest) {
                continue;
            }
            if self.seal_anew(place, &sealed)? {
                pass.sealed_anew += 1;
            } else {
                pass.damaged += 1;
                pass.stuck.extend(key);
            }
        }
        if pass.done {
            for key in self.used_keys()?.into_iter().filter(|key| *key != newest && !pass.stuck.contains(key))
            {
                self.db.execute("DELETE FROM key_used WHERE id = ?", [key.0])?;
            }
        }
        Ok(pass)
    }

    /// `false` where it can't be opened: it stays as it is.
    fn seal_anew(&mut self, place: i64, sealed: &[u8]) -> Result<bool, StoreError> {
        let part = if place % 2 == 0 { Part::Request } else { Part::Answer };
        let id: Option<[u8; 16]> = self
            .db
            .prepare_cached("SELECT id FROM record WHERE seq = ?")?
            .query_row([place / 2], |row| row.get(0))
            .optional()?;
        let Some(id) = id.map(RecordId) else { return Ok(false) };
        let plain = match seal::open(&self.keys, id, part, sealed) {
            Ok(plain) => Zeroizing::new(plain),
            Err(StoreError::Seal) => return Ok(false),
            Err(other) => return Err(other),
        };
        self.put_body(place / 2, part, &seal::seal(&self.keys, id, part, &plain)?)?;
        Ok(true)
    }

    fn keys_in_force(&self) -> Result<Vec<KeyInForce>, StoreError> {
        let (newest, used) = (*self.keys.sealing().0, self.used_keys()?);
        let ids = self.keys.ids().into_iter();
        Ok(ids
            .map(|id| KeyInForce { id, newest: id == newest, needed: id == newest || used.contains(&id) })
            .collect())
    }

    fn drop_old_keys(&mut self) -> Result<Vec<KeyId>, StoreError> {
        self.may_change_keys()?;
        let gone: Vec<_> =
            self.keys_in_force()?.into_iter().filter(|key| !key.needed).map(|key| key.id).collect();
        if !gone.is_empty() {
            // Pages that they sealed may still stand in the log.
            writer::checkpoint(self, "TRUNCATE");
            self.keys = KeyRing::remove(&self.key_file, &gone)?;
        }
        Ok(gone)
    }

    fn may_change_keys(&self) -> Result<(), StoreError> {
        if KeyRing::is_handed_over(&self.key_file) {
            return Err(StoreError::KeyHandedOver(self.key_file.clone()));
        }
        Ok(())
    }
}
