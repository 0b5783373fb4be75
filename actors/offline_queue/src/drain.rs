//! Moves records on: asks the centre, hands the result over, has it recorded, wipes.
//!
//! Each record is a task of its own and carries on from the stage it is in, so a restart anywhere in between costs
//! nothing but a repetition that its receiver knows by the request id. How many tasks there are at once, and when
//! a failed one is tried again, is [`Pace`]'s business.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Instant,
};

use madoguchi_bus::{AskError, Bus, events::QueueAnswered};
use madoguchi_protocol::{
    LaneId, MessageId, RequestId, cbor,
    evidence::ConfirmationRequest,
    messages::{
        Command,
        audit_log::{Deferral, Entry, RecordEntry},
        offline_queue::{ConfirmationSettled, Settlement},
        receipt_computer::{ResultWritten, WriteResult},
        uplink::{Confirm, Confirmed},
    },
};
use sha2::{Digest, Sha256};
use tokio::{
    sync::Notify,
    task::{JoinError, JoinSet},
};

use crate::{
    kept::{self, KeptAnswer, REFUSED},
    pace::{Pace, Tried, jitter},
    settings::Settings,
    store::{Kind, Millis, Reason, RecordId, Stage, Store, StoreError, Work},
};

/// What wakes the drain. Each is remembered when it comes while the drain is busy.
#[derive(Debug, Default)]
pub struct Signals {
    /// Something was accepted.
    pub accepted: Notify,
    /// The centre can be reached again.
    pub line_is_back: Notify,
    /// The receipt computer's folder can be written again.
    pub folder_is_back: Notify,
}

/// What a task needs.
#[derive(Clone)]
struct Means {
    bus: Bus,
    store: Store,
    live_ms: Millis,
    settled: Arc<AtomicU64>,
}

/// What came of one task.
struct Ended {
    id: RecordId,
    kind: Kind,
    tried: Tried,
    /// A record that was just answered: its result can be handed on without being read again.
    answered: Option<Work>,
}

/// Works until the store fails.
pub async fn run(
    bus: Bus,
    store: Store,
    settings: &Settings,
    signals: &Signals,
    settled: Arc<AtomicU64>,
) -> StoreError {
    let pace = |kind| Pace::new(kind, settings.in_flight, settings.in_flight_per_lane, settings.pauses());
    let mut drain = Drain {
        means: Means { bus, store, live_ms: settings.live_ms, settled },
        asking: pace(Kind::Ask),
        handing: pace(Kind::HandOver),
        tasks: JoinSet::new(),
    };
    loop {
        // One instant for both questions: a pause that ends while the store is asked must still wake this loop.
        let now = Instant::now();
        if let Err(error) = drain.fill(now).await {
            return error;
        }
        let wakes = [drain.asking.wakes(now), drain.handing.wakes(now)].into_iter().flatten().min();
        tokio::select! {
            Some(ended) = drain.tasks.join_next() => match drain.take_note(ended) {
                Ok(()) => {}
                Err(error) => return error,
            },
            () = signals.accepted.notified() => {}
            () = signals.line_is_back.notified() => drain.asking.open(),
            () = signals.folder_is_back.notified() => drain.handing.open(),
            () = until(wakes) => {}
        }
    }
}

async fn until(at: Option<Instant>) {
    match at {
        Some(at) => tokio::time::sleep_until(at.into()).await,
        None => std::future::pending().await,
    }
}

struct Drain {
    means: Means,
    asking: Pace,
    handing: Pace,
    tasks: JoinSet<Result<Ended, StoreError>>,
}

impl Drain {
    /// Takes in hand what is due and fits.
    async fn fill(&mut self, now: Instant) -> Result<(), StoreError> {
        let now_ms = now_ms();
        let live_since = now_ms.saturating_sub(self.means.live_ms);
        for kind in [Kind::Ask, Kind::HandOver] {
            let pace = if kind == Kind::Ask { &self.asking } else { &self.handing };
            let Some(due) = pace.wants(now, live_since) else { continue };
            for work in self.means.store.due(due, now_ms).await? {
                self.start(kind, work);
            }
        }
        Ok(())
    }

    fn start(&mut self, kind: Kind, work: Work) {
        let means = self.means.clone();
        match kind {
            Kind::Ask => {
                self.asking.take(&work.header);
                self.tasks.spawn(ask(means, work));
            }
            Kind::HandOver => {
                self.handing.take(&work.header);
                self.tasks.spawn(hand_over(means, work));
            }
        }
    }

    fn take_note(&mut self, ended: Result<Result<Ended, StoreError>, JoinError>) -> Result<(), StoreError> {
        // A task that panicked leaves its record in hand for ever: begin anew with everything.
        let Ended { id, kind, tried, answered } = ended.map_err(|_| StoreError::Stopped)??;
        let pace = if kind == Kind::Ask { &mut self.asking } else { &mut self.handing };
        pace.ended(id, tried, Instant::now(), jitter());
        // The store may have given it out already, between its answer and this note of it.
        if let Some(work) = answered
            && self.handing.has_room_for(id)
        {
            self.start(Kind::HandOver, work);
        }
        Ok(())
    }
}

/// Asks the centre and keeps its definite answer.
async fn ask(means: Means, mut work: Work) -> Result<Ended, StoreError> {
    let id = work.header.id;
    let ended = |tried| Ended { id, kind: Kind::Ask, tried, answered: None };
    let Some(request) = request_of(&work) else {
        means.set_aside(id, Reason::Undecodable, "request").await?;
        return Ok(ended(Tried::Gone));
    };
    let (lane, visit, request_id) = (Some(request.lane), Some(request.visit), request.request_id);
    let confirm = Confirm { request, deferred: means.is_deferred(&work) };
    let answer = match means.bus.ask(lane, visit, confirm).await {
        Ok(Confirmed::Answer(answer)) if answer.request_id == request_id => answer,
        Ok(Confirmed::Answer(_)) => {
            tracing::error!(record = %id, "the answer to another request was refused");
            return Ok(ended(Tried::Failed));
        }
        Ok(Confirmed::LineDown) | Err(AskError::NoReply { .. }) => return Ok(ended(Tried::Shut)),
        Ok(Confirmed::Uncertain) | Err(AskError::BadReply { .. }) => return Ok(ended(Tried::Failed)),
        Ok(Confirmed::Malformed { status }) => {
            means.set_aside(id, Reason::Refused, &format!("http-{status}")).await?;
            means.say(request_id, lane, visit, Settlement { deferred: means.is_deferred(&work), ..REFUSED });
            return Ok(ended(Tried::Gone));
        }
        Err(AskError::Unsendable { .. }) => {
            means.set_aside(id, Reason::Undecodable, "unsendable").await?;
            return Ok(ended(Tried::Gone));
        }
    };
    let kept = KeptAnswer { answer, deferred: means.is_deferred(&work) };
    let Ok(bytes) = cbor::encode(&kept) else {
        means.set_aside(id, Reason::Undecodable, "answer").await?;
        return Ok(ended(Tried::Gone));
    };
    means.store.answer(id, kept::outcome(kept.settlement()), bytes.clone(), now_ms()).await?;
    means.say(request_id, lane, visit, kept.settlement());
    work.header.stage = Stage::Answered;
    work.answer = Some(bytes);
    Ok(Ended { answered: Some(work), ..ended(Tried::Through) })
}

/// Hands a result on until it is acknowledged, has it recorded, and wipes it.
async fn hand_over(means: Means, work: Work) -> Result<Ended, StoreError> {
    let id = work.header.id;
    let ended = |tried| Ended { id, kind: Kind::HandOver, tried, answered: None };
    let kept = work.answer.as_deref().and_then(|bytes| cbor::decode::<KeptAnswer>(bytes).ok());
    let (Some(request), Some(kept)) = (request_of(&work), kept) else {
        means.set_aside(id, Reason::Undecodable, "answer").await?;
        return Ok(ended(Tried::Gone));
    };
    let settlement = kept.settlement();
    let (lane, visit) = (Some(request.lane), Some(request.visit));
    let mut unwritable = false;
    if work.header.stage == Stage::Answered {
        let write = WriteResult {
            answer: kept.answer,
            consent: request.consent,
            consented_at: request.at,
            deferred: kept.deferred,
        };
        match means.bus.ask(lane, visit, write).await {
            Ok(ResultWritten::Written { .. }) => {
                means.store.deliver(id, now_ms()).await?;
            }
            Ok(ResultWritten::FolderUnavailable) | Err(AskError::NoReply { .. }) => {
                return Ok(ended(Tried::Shut));
            }
            Err(AskError::BadReply { .. }) => return Ok(ended(Tried::Failed)),
            // What the centre confirmed counts all the same, so it is recorded below.
            Ok(ResultWritten::Unwritable) | Err(AskError::Unsendable { .. }) => unwritable = true,
        }
    }
    if !means.record(id, lane, visit, settlement).await {
        return Ok(ended(Tried::Failed));
    }
    if unwritable {
        means.set_aside(id, Reason::Undeliverable, "unwritable").await?;
        return Ok(ended(Tried::Gone));
    }
    means.store.settle(id, now_ms()).await?;
    means.settled.fetch_add(1, Ordering::Relaxed);
    Ok(ended(Tried::Through))
}

impl Means {
    fn is_deferred(&self, work: &Work) -> bool {
        now_ms().saturating_sub(work.header.accepted_at) > self.live_ms
    }

    fn say(
        &self,
        request_id: RequestId,
        lane: Option<LaneId>,
        visit: Option<madoguchi_protocol::VisitId>,
        settlement: Settlement,
    ) {
        self.bus.emit(&QueueAnswered { visit, settlement });
        self.bus.say(lane, visit, &ConfirmationSettled { request_id, settlement });
    }

    async fn set_aside(&self, id: RecordId, reason: Reason, note: &str) -> Result<(), StoreError> {
        tracing::warn!(record = %id, ?reason, note, "a confirmation was set aside");
        self.store.set_aside(id, reason, note, now_ms()).await.map(drop)
    }

    /// Under a message id made from the record's, so that a repetition after a restart is no second entry.
    async fn record(
        &self,
        id: RecordId,
        lane: Option<LaneId>,
        visit: Option<madoguchi_protocol::VisitId>,
        settlement: Settlement,
    ) -> bool {
        let Settlement { verdict, validity, deferred } = settlement;
        let deferral = if deferred { Deferral::Deferred } else { Deferral::Live };
        let entry = Entry::ConfirmationSettled(verdict, validity, deferral);
        let entry = RecordEntry { at: jiff::Timestamp::now(), entry };
        let asked = self.bus.ask_under(entry_id(id), lane, visit, entry, RecordEntry::DEADLINE).await;
        asked.inspect_err(|error| tracing::warn!(record = %id, %error, "not recorded yet")).is_ok()
    }
}

pub(crate) fn entry_id(id: RecordId) -> MessageId {
    let digest = Sha256::new_with_prefix(b"madoguchi offline_queue settled").chain_update(id.0).finalize();
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&digest[..16]);
    MessageId::from_bytes(bytes)
}

/// The request, if it is one and really this record's.
fn request_of(work: &Work) -> Option<ConfirmationRequest> {
    let request: ConfirmationRequest = cbor::decode(&work.request).ok()?;
    (request.request_id.as_bytes() == &work.header.id.0 && request.lane.number() == work.header.lane)
        .then_some(request)
}

/// The box's clock.
pub(crate) fn now_ms() -> Millis {
    u64::try_from(jiff::Timestamp::now().as_millisecond()).unwrap_or(0)
}
