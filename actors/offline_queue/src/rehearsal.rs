//! Practice confirmations: kept while their lane rehearses an outage, wiped at once when it ends.
//!
//! Nothing of them leaves the queue: the centre is not asked and no file is written, because neither has a way to tell
//! practice from a patient. What stays is one entry in the audit log for each.

use std::{
    collections::BTreeSet,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use madoguchi_bus::Bus;
use madoguchi_protocol::{
    LaneId, cbor,
    evidence::ConfirmationRequest,
    messages::{Command, audit_log::Entry, audit_log::RecordEntry},
};
use tokio::sync::Notify;

use crate::{
    drain::{entry_id, now_ms},
    store::{Header, Store, StoreError},
};

/// Wiped in one go, so that no accept waits long behind it.
const AT_ONCE: usize = 32;
/// When the audit log does not answer.
const AGAIN: Duration = Duration::from_secs(1);

/// Which lanes rehearse, as their readers say, and that there may be something to wipe.
#[derive(Debug, Default)]
pub struct Rehearsals {
    lanes: Mutex<BTreeSet<u16>>,
    changed: Notify,
}

impl Rehearsals {
    /// A lane's reader said whether it rehearses. One that is not heard any more does not.
    pub fn hear(&self, lane: LaneId, rehearses: bool) {
        let mut lanes = self.lanes.lock().unwrap_or_else(PoisonError::into_inner);
        let changed = if rehearses { lanes.insert(lane.number()) } else { lanes.remove(&lane.number()) };
        if changed && !rehearses {
            self.changed.notify_one();
        }
    }

    /// A practice confirmation came in: it may have missed the end of its rehearsal.
    pub fn note(&self) {
        self.changed.notify_one();
    }

    fn lanes(&self) -> BTreeSet<u16> {
        self.lanes.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Wipes what its lane does not rehearse any more, until the store fails. Waits `first` before it begins: by then the
/// lanes that rehearse across a restart of the queue have said so.
pub async fn run(bus: Bus, store: Store, rehearsals: &Rehearsals, first: Duration) -> StoreError {
    tokio::time::sleep(first).await;
    loop {
        match wipe(&bus, &store, rehearsals).await {
            Ok(true) => {}
            Ok(false) => rehearsals.changed.notified().await,
            Err(error) => return error,
        }
    }
}

/// Wipes some. Says whether there may be more.
async fn wipe(bus: &Bus, store: &Store, rehearsals: &Rehearsals) -> Result<bool, StoreError> {
    let practised = store.practised(rehearsals.lanes(), AT_ONCE).await?;
    for (header, request) in &practised {
        if record(bus, header, request.as_deref()).await {
            store.settle(header.id, now_ms()).await?;
        } else {
            tokio::time::sleep(AGAIN).await;
        }
    }
    Ok(!practised.is_empty())
}

/// Has the audit log note it under the record's own message id. What can't be read any more is wiped without.
async fn record(bus: &Bus, header: &Header, request: Option<&[u8]>) -> bool {
    let Some(request) = request.and_then(|bytes| cbor::decode::<ConfirmationRequest>(bytes).ok()) else {
        tracing::warn!(record = %header.id, "a practice record can't be read; it is wiped all the same");
        return true;
    };
    let entry = RecordEntry { at: jiff::Timestamp::now(), entry: Entry::PracticeSettled };
    let (lane, visit) = (Some(request.lane), Some(request.visit));
    let asked = bus.ask_under(entry_id(header.id), lane, visit, entry, RecordEntry::DEADLINE).await;
    asked.inspect_err(|error| tracing::warn!(record = %header.id, %error, "not recorded yet")).is_ok()
}
