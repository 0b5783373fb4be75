//! What the page reads of the log, beside the actor's writing: on a thread of its own, one reading after the other, so
//! that however often a page is loaded no entry waits for it.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use jiff::civil::Date;
use madoguchi_protocol::messages::audit_log::{
    ChainFound, ChainKnown, LogPage, MAX_ROWS, ReadLog, ReadReport, ReportRow, ReportRows,
};
use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;

use crate::verify::VerifyError;
use crate::{read, report, verify};

/// How long a month's rows are used again: a page asks for them part by part.
const ROWS_LAST: Duration = Duration::from_secs(60);
/// Readings that may wait for their turn; more are not answered, and asked for again.
const MOST_WAITING: usize = 16;

/// The log in its folder, for reading. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Archive {
    folder: Arc<PathBuf>,
    turn: Arc<Semaphore>,
    waiting: Arc<Semaphore>,
    rows: Arc<Mutex<Option<Month>>>,
    chain: Arc<Mutex<ChainKnown>>,
}

/// A month's rows, and when they were counted.
#[derive(Debug)]
struct Month {
    month: Date,
    counted: Instant,
    rows: Arc<Vec<ReportRow>>,
}

impl Archive {
    pub(crate) fn of(folder: PathBuf) -> Self {
        Self {
            folder: Arc::new(folder),
            turn: Arc::new(Semaphore::new(1)),
            waiting: Arc::new(Semaphore::new(MOST_WAITING)),
            rows: Arc::default(),
            chain: Arc::new(Mutex::new(ChainKnown { reading: false, found: None })),
        }
    }

    /// Runs `reading` when its turn comes. Nothing where too many wait already, or it failed.
    async fn run<T: Send + 'static>(
        &self,
        reading: impl FnOnce(&PathBuf) -> Result<T, VerifyError> + Send + 'static,
    ) -> Option<T> {
        let _place = self.waiting.try_acquire().ok()?;
        let _turn = self.turn.acquire().await.ok()?;
        let folder = self.folder.clone();
        let read = spawn_blocking(move || reading(&folder)).await.ok()?;
        read.inspect_err(|error| tracing::error!(%error, "the audit log can't be read")).ok()
    }

    pub(crate) async fn page(&self, wanted: ReadLog) -> Option<LogPage> {
        self.run(move |folder| read::read(folder, &wanted)).await
    }

    pub(crate) async fn report(&self, wanted: ReadReport) -> Option<ReportRows> {
        let month = wanted.month.first_of_month();
        let kept = self.kept(month);
        let rows = match kept {
            Some(rows) => rows,
            None => {
                let rows = Arc::new(self.run(move |folder| report::rows(folder, month)).await?);
                let counted = Instant::now();
                *self.rows.lock().unwrap_or_else(PoisonError::into_inner) =
                    Some(Month { month, counted, rows: rows.clone() });
                rows
            }
        };
        let from = usize::try_from(wanted.from_row).unwrap_or(usize::MAX).min(rows.len());
        let to = from.saturating_add(MAX_ROWS).min(rows.len());
        let next = (to < rows.len()).then(|| u32::try_from(to).ok()).flatten();
        Some(ReportRows { rows: rows[from..to].to_vec(), next })
    }

    fn kept(&self, month: Date) -> Option<Arc<Vec<ReportRow>>> {
        let kept = self.rows.lock().unwrap_or_else(PoisonError::into_inner);
        let kept = kept.as_ref().filter(|kept| kept.month == month && kept.counted.elapsed() < ROWS_LAST);
        kept.map(|kept| kept.rows.clone())
    }

    /// What is known of the chain; with `anew` it is read from its beginning, unless that is going on.
    pub(crate) fn chain(&self, anew: bool) -> ChainKnown {
        let mut known = self.chain.lock().unwrap_or_else(PoisonError::into_inner);
        if anew && !known.reading {
            known.reading = true;
            let archive = self.clone();
            tokio::spawn(async move { archive.read_chain().await });
        }
        *known
    }

    async fn read_chain(self) {
        // Not in turn with the pages: it may take minutes.
        let folder = self.folder.clone();
        let verified = spawn_blocking(move || verify(&folder, None)).await;
        let found = match verified {
            Ok(Ok(report)) => {
                Some(ChainFound { at: Timestamp::now(), whole: Some((report.first, report.last)) })
            }
            Ok(Err(error @ VerifyError::Io { .. })) => {
                tracing::error!(%error, "the audit log can't be read");
                None
            }
            Ok(Err(error)) => {
                tracing::error!(%error, "the audit log is not whole");
                Some(ChainFound { at: Timestamp::now(), whole: None })
            }
            Err(_) => None,
        };
        let mut known = self.chain.lock().unwrap_or_else(PoisonError::into_inner);
        *known = ChainKnown { reading: false, found: found.or(known.found) };
    }
}
