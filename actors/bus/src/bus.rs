//! An actor's handle to the bus.

use crate::{
    events::{self, Asked, Dropped, Happening, Repeated, Unanswered},
    tally::Tally,
};
use madoguchi_protocol::{
    ActorKind, Address, Envelope, LaneId, MessageId, Topic, VisitId,
    envelope::VERSION,
    messages::{
        Command, Event,
        state::{ActiveFault, Condition, Detail, State},
        supervision::{RESTART, RESTART_WITHIN, Restart, RestartBegun},
    },
    topic::Direction,
};
use serde::{Serialize, de::DeserializeOwned};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::{
    sync::{mpsc, oneshot, watch},
    time::{Instant, sleep_until},
};

/// The first repeat of a command comes after this; each further one after twice as long.
const FIRST_REPEAT: Duration = Duration::from_millis(250);
/// And at most after this.
const LAST_REPEAT: Duration = Duration::from_secs(2);
/// Messages waiting to be written to the broker. Commands are repeated, so a full queue loses nothing.
pub(crate) const OUTGOING: usize = 256;

/// Why a command brought no reply.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AskError {
    /// Nobody replied before the deadline: the hearer is down, or the broker is.
    #[error("{to} did not reply to {command} in time")]
    NoReply {
        /// Who should have replied.
        to: &'static str,
        /// To what.
        command: &'static str,
    },
    /// The command is over the bus's bounds.
    #[error("{command} can't be sent: {reason}")]
    Unsendable {
        /// Which.
        command: &'static str,
        /// Why.
        reason: String,
    },
    /// The reply is not the one that belongs to the command.
    #[error("{to} replied to {command} with something else")]
    BadReply {
        /// Who replied.
        to: &'static str,
        /// To what.
        command: &'static str,
    },
}

/// An actor's handle to the bus; cheap to clone.
#[derive(Clone, Debug)]
pub struct Bus(pub(crate) Arc<Shared>);

#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) address: Address,
    pub(crate) tally: Arc<Tally>,
    pub(crate) outgoing: mpsc::Sender<(String, Vec<u8>)>,
    pub(crate) state: watch::Sender<Option<State>>,
    /// Whether the actor has left for good.
    pub(crate) withdrawn: watch::Sender<bool>,
    pub(crate) link: watch::Sender<bool>,
    pub(crate) waiting: Mutex<HashMap<MessageId, oneshot::Sender<Vec<u8>>>>,
}

impl Bus {
    /// Whose handle it is.
    pub fn address(&self) -> Address {
        self.0.address
    }

    /// What this actor counts.
    pub fn tally(&self) -> &Tally {
        &self.0.tally
    }

    /// Logs and counts what happened, in one step.
    pub fn emit(&self, happening: &impl Happening) {
        happening.emit(&self.0.tally);
    }

    pub(crate) fn count_message(&self, way: events::Direction, topic: &Topic) {
        events::Passed { way, topic }.emit(&self.0.tally);
    }

    /// Whether the broker is connected now.
    pub fn is_linked(&self) -> bool {
        *self.0.link.borrow()
    }

    /// Follows whether the broker is connected.
    pub fn link(&self) -> watch::Receiver<bool> {
        self.0.link.subscribe()
    }

    /// Asks, and waits for the reply within the command's own deadline.
    pub async fn ask<C: Command>(
        &self,
        lane: Option<LaneId>,
        visit: Option<VisitId>,
        command: C,
    ) -> Result<C::Reply, AskError> {
        self.ask_within(lane, visit, command, C::DEADLINE).await
    }

    /// Asks, and waits for the reply no longer than `deadline`. The command is repeated under one message id
    /// until then, and at once when the broker comes back.
    pub async fn ask_within<C: Command>(
        &self,
        lane: Option<LaneId>,
        visit: Option<VisitId>,
        command: C,
        deadline: Duration,
    ) -> Result<C::Reply, AskError> {
        self.ask_under(MessageId::random(), lane, visit, command, deadline).await
    }

    /// Asks under a message id of the asker's own, so that the hearer knows the same question again also after
    /// the asker was restarted. Not to be asked twice at the same time.
    pub async fn ask_under<C: Command>(
        &self,
        id: MessageId,
        lane: Option<LaneId>,
        visit: Option<VisitId>,
        command: C,
        deadline: Duration,
    ) -> Result<C::Reply, AskError> {
        let about = About { to: C::TO, name: C::NAME, lane, visit };
        self.ask_about(id, about, command, deadline).await
    }

    /// Has the actor at `address` ended in good order and built anew, wherever it runs. Asked of its harness, so an
    /// actor that hangs or has been given up does not answer: see [`crate::supervisor::Restarter`] for those.
    pub async fn restart(&self, address: Address) -> Result<(), AskError> {
        let about = About { to: address.kind, name: RESTART, lane: address.lane, visit: None };
        let begun: Result<RestartBegun, _> =
            self.ask_about(MessageId::random(), about, Restart {}, RESTART_WITHIN).await;
        begun.map(|_| ())
    }

    async fn ask_about<B: Serialize, R: DeserializeOwned>(
        &self,
        id: MessageId,
        about: About,
        body: B,
        deadline: Duration,
    ) -> Result<R, AskError> {
        let About { to, name: command, lane, visit } = about;
        let envelope =
            Envelope { v: VERSION, id, in_reply_to: None, visit, lane, at: jiff::Timestamp::now(), body };
        let unsendable = |e: &dyn std::fmt::Display| AskError::Unsendable { command, reason: e.to_string() };
        let bytes = envelope.encode().map_err(|e| unsendable(&e))?;
        let topic = Topic::Message { lane, actor: to, direction: Direction::Command, name: command.into() }
            .to_string();
        let to = to.name();

        let (sender, mut reply) = oneshot::channel();
        self.waiting().insert(id, sender);
        let _forget = Forget { bus: self, id };
        let began = Instant::now();
        let end = began + deadline;
        let mut pause = FIRST_REPEAT;
        let mut link = self.link();
        loop {
            link.mark_unchanged();
            self.publish(topic.clone(), bytes.clone());
            let again = (Instant::now() + pause).min(end);
            pause = (pause * 2).min(LAST_REPEAT);
            tokio::select! {
                received = &mut reply => {
                    let bad = AskError::BadReply { to, command };
                    let bytes = received.map_err(|_| bad.clone())?;
                    self.emit(&Asked { command, took: began.elapsed() });
                    return Envelope::<R>::decode(&bytes, lane).map(|e| e.body).map_err(|_| bad);
                }
                () = sleep_until(again) => {}
                _ = link.wait_for(|up| *up), if !self.is_linked() => pause = FIRST_REPEAT,
            }
            if Instant::now() >= end {
                self.emit(&Unanswered { command, visit });
                return Err(AskError::NoReply { to, command });
            }
            self.emit(&Repeated { command });
        }
    }

    /// Asks in a task of its own, for what the asker does not wait for. A failure is logged.
    pub fn tell<C: Command>(&self, lane: Option<LaneId>, visit: Option<VisitId>, command: C) {
        let bus = self.clone();
        tokio::spawn(async move {
            if let Err(error) = bus.ask(lane, visit, command).await {
                tracing::warn!(actor = %bus.address(), %error, "told in vain");
            }
        });
    }

    /// Says that something happened; once, and not repeated.
    pub fn say<E: Event>(&self, lane: Option<LaneId>, visit: Option<VisitId>, event: &E) {
        let topic =
            Topic::Message { lane, actor: E::FROM, direction: Direction::Event, name: E::NAME.into() }
                .to_string();
        let at = jiff::Timestamp::now();
        let envelope =
            Envelope { v: VERSION, id: MessageId::random(), in_reply_to: None, visit, lane, at, body: event };
        match envelope.encode() {
            Ok(bytes) => self.publish(topic, bytes),
            Err(error) => tracing::error!(event = E::NAME, %error, "event can't be sent"),
        }
    }

    /// Says how this actor is. Retained; the newest wins; said again after a reconnect, and not where nothing changed.
    pub fn set_state(&self, faults: Vec<ActiveFault>, detail: Detail) {
        self.put_state(State { condition: Condition::Running, faults, detail });
    }

    pub(crate) fn put_state(&self, state: State) {
        let state = Some(state);
        let changed = self.0.state.send_if_modified(|said| {
            let changes = *said != state;
            *said = state;
            changes
        });
        if changed {
            let Address { kind: actor, lane } = self.0.address;
            self.count_message(events::Direction::Sent, &Topic::State { lane, actor });
        }
    }

    /// Has the broker forget this actor's state (an empty retained message keeps nothing), and ends the connection.
    pub(crate) fn withdraw(&self) {
        self.0.withdrawn.send_replace(true);
    }

    /// Whether this actor has left for good.
    pub(crate) fn has_withdrawn(&self) -> bool {
        *self.0.withdrawn.borrow()
    }

    /// Puts bytes on a topic. A full queue drops them: commands are repeated, and the loss is logged.
    pub(crate) fn publish(&self, topic: String, bytes: Vec<u8>) {
        if let Ok(topic) = topic.parse() {
            self.count_message(events::Direction::Sent, &topic);
        }
        if self.0.outgoing.try_send((topic, bytes)).is_err() {
            self.emit(&Dropped::Outbox);
        }
    }

    /// Hands a reply to whoever waits for it.
    pub(crate) fn deliver_reply(&self, to: MessageId, payload: Vec<u8>) {
        if let Some(waiting) = self.waiting().remove(&to) {
            // The asker may have given up in this very moment.
            let _ = waiting.send(payload);
        }
    }

    fn waiting(&self) -> std::sync::MutexGuard<'_, HashMap<MessageId, oneshot::Sender<Vec<u8>>>> {
        self.0.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// An actor's state in its envelope.
pub(crate) fn state_bytes(
    address: Address,
    state: State,
) -> Result<Vec<u8>, madoguchi_protocol::cbor::CborError> {
    let at = jiff::Timestamp::now();
    let id = MessageId::random();
    Envelope { v: VERSION, id, in_reply_to: None, visit: None, lane: address.lane, at, body: state }.encode()
}

/// What a question is, besides its body.
struct About {
    to: ActorKind,
    name: &'static str,
    lane: Option<LaneId>,
    visit: Option<VisitId>,
}

/// Forgets a question when its asker goes away.
struct Forget<'a> {
    bus: &'a Bus,
    id: MessageId,
}

impl Drop for Forget<'_> {
    fn drop(&mut self) {
        self.bus.waiting().remove(&self.id);
    }
}
