//! How long the write-ahead log is.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use rusqlite::Connection;

use super::schema::PAGE_SIZE;
use super::types::StoreError;

/// The write-ahead log's length, as SQLite tells it after each commit.
pub(super) struct Log {
    /// Pages in it.
    pages: Arc<AtomicU64>,
    /// So many of them were there when it was last tried to carry them over.
    tried: u64,
}

impl Log {
    /// Of this database. Takes the place of SQLite's own checkpoints.
    pub(super) fn of(db: &mut Connection) -> Result<Self, StoreError> {
        let pages = Arc::new(AtomicU64::new(0));
        let told = Arc::clone(&pages);
        db.wal_hook(Some(move |_: &mut rusqlite::hooks::Wal, pages| {
            told.store(u64::try_from(pages).unwrap_or(0), Ordering::Relaxed);
            Ok(())
        }))?;
        Ok(Self { pages, tried: 0 })
    }

    /// By how many bytes it has grown since it was last carried over, or that was tried.
    pub(super) fn grown(&self) -> u64 {
        self.pages.load(Ordering::Relaxed).saturating_sub(self.tried) * PAGE_SIZE
    }

    /// All of it was carried over, and the next commit writes it from its beginning; or, where not `whole`, that was tried.
    pub(super) fn carried_over(&mut self, whole: bool) {
        if whole {
            self.pages.store(0, Ordering::Relaxed);
        }
        self.tried = self.pages.load(Ordering::Relaxed);
    }
}
