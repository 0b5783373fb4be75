//! What a person asks of the queue, by the page or the console: what is there, one record, another try, its end, a copy,
//! its keys.

use jiff::Timestamp;
use madoguchi_protocol::{
    LaneId, RequestId,
    messages::offline_queue::{
        DiscardRecord, ExportRecord, ExportedPart, GivenUpFirst, ListRecords, MAX_EXPORTED, MAX_RECORDS,
        QueueKey, QueueKeys, QueuedRecord, RecordMended, RecordPage, RecordPart, RecordReason, RecordStage,
    },
};

use crate::store::{Header, KeyInForce, Millis, Reason, RecordId, Stage, Step, Store, StoreError, WhenFull};

/// The id as the store knows it.
pub fn record_id(id: RequestId) -> RecordId {
    RecordId(*id.as_bytes())
}

/// A record as it is shown.
pub fn shown(header: &Header) -> QueuedRecord {
    QueuedRecord {
        id: RequestId::from_bytes(header.id.0),
        lane: LaneId::new(header.lane).ok(),
        stage: stage(header.stage),
        accepted_at: time(header.accepted_at),
        stage_since: time(header.changed_at),
        sealed_bytes: header.bytes,
        reason: header.set_aside.as_ref().map(|(why, note)| (reason(*why), note.clone())),
    }
}

fn time(at: Millis) -> Timestamp {
    i64::try_from(at).ok().and_then(|at| Timestamp::from_millisecond(at).ok()).unwrap_or_default()
}

const fn stage(stage: Stage) -> RecordStage {
    match stage {
        Stage::Accepted => RecordStage::Accepted,
        Stage::Answered => RecordStage::Answered,
        Stage::Delivered => RecordStage::Delivered,
        Stage::Settled => RecordStage::Settled,
        Stage::SetAside => RecordStage::SetAside,
        Stage::Practice => RecordStage::Practice,
    }
}

const fn reason(reason: Reason) -> RecordReason {
    match reason {
        Reason::Refused => RecordReason::Refused,
        Reason::Undecodable => RecordReason::Undecodable,
        Reason::Damaged => RecordReason::Damaged,
        Reason::Undeliverable => RecordReason::Undeliverable,
        Reason::TooOld => RecordReason::TooOld,
        Reason::MadeRoom => RecordReason::MadeRoom,
        Reason::Practice => RecordReason::Practice,
        Reason::Discarded => RecordReason::Discarded,
    }
}

/// What makes room first, in the words of the messages.
pub const fn given_up_first(when_full: WhenFull) -> GivenUpFirst {
    match when_full {
        WhenFull::Refuse => GivenUpFirst::Nothing,
        WhenFull::GiveUpSetAside => GivenUpFirst::SetAside,
        WhenFull::GiveUpOldest => GivenUpFirst::Oldest,
    }
}

/// A page of the records.
///
/// # Errors
/// The store's own.
pub async fn list(store: &Store, wanted: &ListRecords) -> Result<RecordPage, StoreError> {
    let after = i64::try_from(wanted.after).unwrap_or(i64::MAX);
    let limit = usize::from(wanted.limit.clamp(1, MAX_RECORDS));
    let found =
        if wanted.set_aside { store.list_aside(after, limit).await } else { store.list(after, limit).await }?;
    let last = found.last().filter(|_| found.len() == limit).map(|(place, _)| *place);
    Ok(RecordPage {
        records: found.iter().map(|(_, header)| shown(header)).collect(),
        next: last.and_then(|place| u64::try_from(place).ok()),
    })
}

/// Puts a record back into the line.
///
/// # Errors
/// The store's own.
pub async fn retry(store: &Store, id: RequestId, now: Millis) -> Result<RecordMended, StoreError> {
    store.put_back(record_id(id), now).await.map(mended)
}

/// Wipes a record that was set aside.
///
/// # Errors
/// The store's own.
pub async fn discard(
    store: &Store,
    DiscardRecord { id, why }: DiscardRecord,
    now: Millis,
) -> Result<RecordMended, StoreError> {
    store.discard(record_id(id), why.name(), now).await.map(mended)
}

const fn mended(step: Step) -> RecordMended {
    match step {
        Step::Done => RecordMended::Done,
        Step::Already(here) => RecordMended::NotSetAside(stage(here)),
        Step::Unknown => RecordMended::Unknown,
    }
}

/// A piece of a sealed part.
///
/// # Errors
/// The store's own.
pub async fn export(store: &Store, wanted: &ExportRecord) -> Result<ExportedPart, StoreError> {
    let sealed = store.sealed(record_id(wanted.id)).await?;
    let part = sealed.and_then(|sealed| match wanted.part {
        RecordPart::Request => sealed.request,
        RecordPart::Answer => sealed.answer,
    });
    let Some(part) = part else { return Ok(ExportedPart { size: None, bytes: Vec::new() }) };
    let rest = usize::try_from(wanted.from).ok().and_then(|from| part.get(from..)).unwrap_or_default();
    Ok(ExportedPart {
        size: u32::try_from(part.len()).ok(),
        bytes: rest[..rest.len().min(MAX_EXPORTED)].to_vec(),
    })
}

/// The keys, after what was done to them.
///
/// # Errors
/// The store's own, where these concern more than the key file.
pub async fn keys(store: &Store, done: Result<(), StoreError>) -> Result<QueueKeys, StoreError> {
    match done {
        Ok(()) => {}
        Err(error @ (StoreError::Database(_) | StoreError::Stopped)) => return Err(error),
        Err(refused) => return Ok(QueueKeys::Refused(refused.to_string())),
    }
    let keys = store.keys().await?.into_iter();
    Ok(QueueKeys::Keys(
        keys.map(|KeyInForce { id, newest, needed }| QueueKey { id: id.to_string(), newest, needed })
            .collect(),
    ))
}
