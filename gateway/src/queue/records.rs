//! Where the records are: in the store of a stopped gateway, or asked of the one that runs.

use super::{now, running::Running};
use anyhow::{Context, Result, bail};
use madoguchi_offline_queue::{operator, store::Store};
use madoguchi_protocol::{
    RequestId,
    messages::offline_queue::{
        AskOutlook, DiscardReason, DiscardRecord, ExportRecord, ListRecords, MAX_RECORDS, Outlook,
        QueuedRecord, RecordMended, RecordPage, RecordPart, RetryRecord, ShowRecord,
    },
};

/// The queue, whoever has it.
pub(super) enum Records {
    /// The gateway runs.
    Running(Running),
    /// It does not.
    Stopped(Store),
}

impl Records {
    /// Every record, or those that were set aside, in the order of acceptance.
    pub(super) async fn all(&self, set_aside: bool) -> Result<Vec<QueuedRecord>> {
        let (mut all, mut after) = (Vec::new(), 0);
        loop {
            let wanted = ListRecords { set_aside, after, limit: MAX_RECORDS };
            let RecordPage { records, next } = match self {
                Self::Running(gateway) => gateway.ask(wanted)?,
                Self::Stopped(store) => operator::list(store, &wanted).await?,
            };
            all.extend(records);
            match next {
                Some(next) => after = next,
                None => return Ok(all),
            }
        }
    }

    /// One record, or that there is none.
    pub(super) async fn one(&self, id: RequestId) -> Result<QueuedRecord> {
        let record = match self {
            Self::Running(gateway) => gateway.ask(ShowRecord { id })?.record,
            Self::Stopped(store) => {
                store.look_up(operator::record_id(id)).await?.as_ref().map(operator::shown)
            }
        };
        record.with_context(|| format!("the queue knows no record {id}"))
    }

    /// How long the room lasts, which only a running gateway can tell, and what would be given up first.
    pub(super) async fn outlook(&self) -> Result<Option<Outlook>> {
        match self {
            Self::Running(gateway) => gateway.ask(AskOutlook {}).map(Some),
            Self::Stopped(_) => Ok(None),
        }
    }

    /// Puts one back into the line.
    pub(super) async fn retry(&self, id: RequestId) -> Result<RecordMended> {
        match self {
            Self::Running(gateway) => gateway.ask(RetryRecord { id }),
            Self::Stopped(store) => Ok(operator::retry(store, id, now()?).await?),
        }
    }

    /// Wipes one for good. The running gateway alone does, since only it counts that and has it in the audit log.
    pub(super) async fn discard(&self, id: RequestId, why: DiscardReason) -> Result<RecordMended> {
        match self {
            Self::Running(gateway) => gateway.ask(DiscardRecord { id, why }),
            Self::Stopped(_) => bail!(
                "what is discarded is counted and stands in the audit log, so the gateway must run for it; start it first"
            ),
        }
    }

    /// A part of a record as it is sealed; `None` where there is none.
    pub(super) async fn sealed(&self, id: RequestId, part: RecordPart) -> Result<Option<Vec<u8>>> {
        let mut whole = Vec::new();
        loop {
            let wanted = ExportRecord { id, part, from: u32::try_from(whole.len())? };
            let piece = match self {
                Self::Running(gateway) => gateway.ask(wanted)?,
                Self::Stopped(store) => operator::export(store, &wanted).await?,
            };
            let Some(size) = piece.size else { return Ok(None) };
            let came = piece.bytes.len();
            whole.extend(piece.bytes);
            if whole.len() >= usize::try_from(size)? || came == 0 {
                return Ok(Some(whole));
            }
        }
    }
}
