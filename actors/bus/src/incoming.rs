//! What reaches an actor.

use crate::{
    Responder, Tally,
    events::{Happening, Message, Refused},
};
use madoguchi_protocol::{
    Address, Envelope, LaneId, Topic,
    figures::Figures,
    messages::{Commands, Event, state::State},
    topic::Direction,
};
use std::sync::Arc;

/// A message to an actor, decoded and checked.
#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "read once and moved on; a box would only add noise")]
pub enum Incoming<C: Commands> {
    /// Somebody asks. Repeats of a command never get here.
    Command(Envelope<C>, Responder),
    /// Something happened at an actor that this one listens to, or its figures have changed.
    Event(RawEvent),
    /// The retained state of an actor that this one listens to.
    State(Address, Envelope<State>),
    /// The connection to the broker came up, or broke.
    Link(bool),
    /// The program stops: tell the patient, put things away and stop the context within 3 s.
    Stop,
}

impl<C: Commands> actix::Message for Incoming<C> {
    type Result = ();
}

/// The name under which figures are handed on; no event of an actor is called so, since names of events come from
/// the topic's level of events.
pub(crate) const FIGURES: &str = "";

/// An event or figures, not decoded yet.
#[derive(Debug)]
pub struct RawEvent {
    pub(crate) from: madoguchi_protocol::ActorKind,
    pub(crate) name: String,
    pub(crate) lane: Option<LaneId>,
    pub(crate) payload: Vec<u8>,
    pub(crate) tally: Arc<Tally>,
}

impl RawEvent {
    fn topic(&self) -> Topic {
        let direction = Direction::Event;
        Topic::Message { lane: self.lane, actor: self.from, direction, name: self.name.clone() }
    }

    /// Whose it is.
    pub fn from(&self) -> Address {
        Address { kind: self.from, lane: self.lane }
    }

    /// What the actor has counted, if this is that and sound; not checked against the table of families yet.
    pub fn figures(&self) -> Option<Figures> {
        if self.name != FIGURES {
            return None;
        }
        let topic = Topic::Figures { lane: self.lane, actor: self.from };
        Envelope::decode(&self.payload, self.lane)
            .inspect_err(|error| Refused { what: Message::On(&topic), error }.emit(&self.tally))
            .ok()
            .map(|envelope| envelope.body)
    }

    /// The event, if it is an `E` and sound.
    pub fn read<E: Event>(&self) -> Option<Envelope<E>> {
        if self.from != E::FROM || self.name != E::NAME {
            return None;
        }
        Envelope::decode(&self.payload, self.lane)
            .inspect_err(|error| Refused { what: Message::On(&self.topic()), error }.emit(&self.tally))
            .ok()
    }
}
