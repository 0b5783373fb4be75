//! What reaches an actor.

use crate::Responder;
use madoguchi_protocol::{
    Address, Envelope, LaneId,
    messages::{Commands, Event, state::State},
};

/// A message to an actor, decoded and checked.
#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "read once and moved on; a box would only add noise")]
pub enum Incoming<C: Commands> {
    /// Somebody asks. Repeats of a command never get here.
    Command(Envelope<C>, Responder),
    /// Something happened at an actor that this one listens to.
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

/// An event, not decoded yet.
#[derive(Debug)]
pub struct RawEvent {
    pub(crate) from: madoguchi_protocol::ActorKind,
    pub(crate) name: String,
    pub(crate) lane: Option<LaneId>,
    pub(crate) payload: Vec<u8>,
}

impl RawEvent {
    /// The event, if it is an `E` and sound.
    pub fn read<E: Event>(&self) -> Option<Envelope<E>> {
        if self.from != E::FROM || self.name != E::NAME {
            return None;
        }
        Envelope::decode(&self.payload, self.lane)
            .inspect_err(|error| tracing::warn!(event = E::NAME, %error, "event refused"))
            .ok()
    }
}
