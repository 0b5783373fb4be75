//! Replies: a repeated command gets the reply that its first copy got.

use crate::bus::Bus;
use madoguchi_protocol::{
    ActorKind, Envelope, LaneId, MessageId, Topic, VisitId, envelope::VERSION, messages::Command,
    topic::Direction,
};
use serde::Serialize;
use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// How many commands an actor remembers. At 64 lanes the busiest actor hears some 20 a second, and no
/// command is repeated for longer than its deadline, so this spans every repeat that can still come.
const REMEMBERED: usize = 4096;

/// What became of a command.
#[derive(Clone, Debug)]
pub(crate) enum Standing {
    /// Never heard.
    New,
    /// Being carried out.
    InProgress,
    /// Answered with these bytes.
    Answered(Vec<u8>),
}

/// The commands that an actor has heard, and its replies.
#[derive(Clone, Debug, Default)]
pub(crate) struct Heard(Arc<Mutex<HeardInner>>);

#[derive(Debug, Default)]
struct HeardInner {
    replies: HashMap<MessageId, Option<Vec<u8>>>,
    order: VecDeque<MessageId>,
}

impl Heard {
    fn lock(&self) -> MutexGuard<'_, HeardInner> {
        // The map stays sound whoever panicked while holding it.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes the command as being carried out, and says what it was before.
    pub(crate) fn hear(&self, id: MessageId) -> Standing {
        let mut inner = self.lock();
        match inner.replies.get(&id) {
            Some(Some(reply)) => return Standing::Answered(reply.clone()),
            Some(None) => return Standing::InProgress,
            None => {}
        }
        inner.replies.insert(id, None);
        inner.order.push_back(id);
        if inner.order.len() > REMEMBERED
            && let Some(oldest) = inner.order.pop_front()
        {
            inner.replies.remove(&oldest);
        }
        Standing::New
    }

    /// Forgets a command that never reached the actor, so that its repeat may.
    pub(crate) fn forget(&self, id: MessageId) {
        self.lock().replies.remove(&id);
    }

    fn answer(&self, id: MessageId, reply: Vec<u8>) {
        if let Some(slot) = self.lock().replies.get_mut(&id) {
            *slot = Some(reply);
        }
    }
}

/// Where an actor puts the reply to one command. Dropped without a reply, the asker waits in vain until its
/// deadline.
#[derive(Debug)]
pub struct Responder {
    pub(crate) bus: Bus,
    pub(crate) heard: Heard,
    pub(crate) actor: ActorKind,
    pub(crate) name: &'static str,
    pub(crate) id: MessageId,
    pub(crate) lane: Option<LaneId>,
    pub(crate) visit: Option<VisitId>,
}

impl Responder {
    /// Replies to the command, and to its repeats.
    pub fn reply<C: Command>(self, reply: &C::Reply) {
        debug_assert_eq!((C::TO, C::NAME), (self.actor, self.name), "a reply to another command");
        self.reply_with(reply);
    }

    pub(crate) fn reply_with<R: Serialize>(self, reply: &R) {
        let envelope = Envelope {
            v: VERSION,
            id: MessageId::random(),
            in_reply_to: Some(self.id),
            visit: self.visit,
            lane: self.lane,
            at: jiff::Timestamp::now(),
            body: reply,
        };
        match envelope.encode() {
            Ok(bytes) => {
                self.heard.answer(self.id, bytes.clone());
                self.bus.publish(reply_topic(self.actor, self.name, self.lane), bytes);
            }
            Err(error) => tracing::error!(command = self.name, %error, "reply can't be sent"),
        }
    }
}

pub(crate) fn reply_topic(actor: ActorKind, name: &str, lane: Option<LaneId>) -> String {
    Topic::Message { lane, actor, direction: Direction::Reply, name: name.into() }.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_new_once() {
        let heard = Heard::default();
        let id = MessageId::random();
        assert!(matches!(heard.hear(id), Standing::New));
        assert!(matches!(heard.hear(id), Standing::InProgress));
        heard.answer(id, vec![1]);
        assert!(matches!(heard.hear(id), Standing::Answered(reply) if reply == [1]));
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let heard = Heard::default();
        for _ in 0..REMEMBERED + 10 {
            heard.hear(MessageId::random());
        }
        assert_eq!(heard.lock().replies.len(), REMEMBERED);
    }
}
