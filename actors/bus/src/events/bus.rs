//! What happens on the bus and at the supervisor.

use super::{Happening, id, seconds};
use crate::Tally;
use madoguchi_protocol::{
    Topic, VisitId,
    fault::{FaultCode, Severity},
    figures::Family,
    messages::state::Standing,
    topic,
};
use std::{fmt::Display, time::Duration};

/// Which way a message went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Direction {
    Sent,
    Received,
}

/// A message passed; counted only. Figures are not: counting them would change them.
pub(crate) struct Passed<'a> {
    pub(crate) way: Direction,
    pub(crate) topic: &'a Topic,
}

impl Happening for Passed<'_> {
    fn emit(&self, tally: &Tally) {
        let way = match self.way {
            Direction::Sent => "sent",
            Direction::Received => "received",
        };
        let message = match self.topic {
            Topic::Message { direction: topic::Direction::Command, .. } => "command",
            Topic::Message { direction: topic::Direction::Reply, .. } => "reply",
            Topic::Message { direction: topic::Direction::Event, .. } => "event",
            Topic::State { .. } => "state",
            Topic::Figures { .. } => return,
        };
        tally.count(Family::BusMessages, &[way, message]);
    }
}

/// What was refused.
pub(crate) enum Message<'a> {
    /// Its topic is none of ours.
    UnknownTopic,
    /// A command, event, state or figures on this topic.
    On(&'a Topic),
    /// A reply.
    Reply,
}

/// A message was refused for what it was.
pub(crate) struct Refused<'a> {
    pub(crate) what: Message<'a>,
    pub(crate) error: &'a dyn Display,
}

impl Happening for Refused<'_> {
    fn emit(&self, tally: &Tally) {
        let (reason, topic) = match self.what {
            Message::UnknownTopic => ("topic", String::new()),
            Message::On(topic @ Topic::Figures { .. }) => ("figures", topic.to_string()),
            Message::On(topic) => ("message", topic.to_string()),
            Message::Reply => ("reply", String::new()),
        };
        tally.count(Family::BusRefused, &[reason]);
        let error = self.error;
        tracing::warn!(event = "message_refused", actor = %tally.address(), reason, topic, %error, "a message was refused");
    }
}

/// A message found no place. Commands are repeated, so that costs time and nothing else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dropped {
    /// In the actor's mailbox.
    Mailbox,
    /// Among those that wait for the broker.
    Outbox,
}

impl Happening for Dropped {
    fn emit(&self, tally: &Tally) {
        let place = match self {
            Self::Mailbox => "mailbox",
            Self::Outbox => "outbox",
        };
        tally.count(Family::BusDropped, &[place]);
        tracing::warn!(event = "message_dropped", actor = %tally.address(), place, "a message was dropped: no room");
    }
}

/// A command got its reply; counted only.
pub(crate) struct Asked {
    pub(crate) command: &'static str,
    pub(crate) took: Duration,
}

impl Happening for Asked {
    fn emit(&self, tally: &Tally) {
        tally.observe(Family::BusAsk, &[self.command], self.took);
    }
}

/// A command was sent again.
pub(crate) struct Repeated {
    pub(crate) command: &'static str,
}

impl Happening for Repeated {
    fn emit(&self, tally: &Tally) {
        tally.count(Family::BusRepeats, &[self.command]);
        tracing::debug!(event = "command_repeated", actor = %tally.address(), command = self.command, "asked again");
    }
}

/// A command was given up.
pub(crate) struct Unanswered {
    pub(crate) command: &'static str,
    pub(crate) visit: Option<VisitId>,
}

impl Happening for Unanswered {
    fn emit(&self, tally: &Tally) {
        tally.count(Family::BusUnanswered, &[self.command]);
        tracing::warn!(
            event = "command_unanswered",
            actor = %tally.address(),
            visit = id(self.visit),
            command = self.command,
            "no reply in time"
        );
    }
}

/// The connection to the broker broke.
pub(crate) struct LinkLost<'a> {
    pub(crate) why: &'a str,
}

impl Happening for LinkLost<'_> {
    fn emit(&self, tally: &Tally) {
        tally.count(Family::BusLosses, &[]);
        tracing::warn!(event = "broker_lost", actor = %tally.address(), why = self.why, "the broker is lost");
    }
}

/// An actor ended; the supervisor will build it anew.
pub(crate) struct ActorEnded {
    pub(crate) standing: Standing,
    pub(crate) pause: Duration,
    pub(crate) restarts: u64,
}

impl Happening for ActorEnded {
    fn emit(&self, tally: &Tally) {
        tally.count(Family::ActorRestarts, &[]);
        tracing::error!(
            event = "actor_ended",
            actor = %tally.address(),
            standing = ?self.standing,
            pause = seconds(self.pause),
            restarts = self.restarts,
            "the actor ended"
        );
    }
}

/// How the supervisor sees an actor from now on; its log line is [`ActorEnded`]'s.
pub(crate) struct ActorStands(pub(crate) Standing);

impl Happening for ActorStands {
    fn emit(&self, tally: &Tally) {
        let gave_up = self.0 == Standing::GaveUp;
        tally.set(Family::ActorGaveUp, &[], f64::from(u8::from(gave_up)));
        tracing::trace!(event = "actor_stands", actor = %tally.address(), standing = ?self.0);
    }
}

/// A fault of an actor began or ended. [`crate::Bus::record`] says it, since each must stand in the audit log as well.
#[derive(Clone, Copy, Debug)]
pub struct FaultChanged {
    /// Which.
    pub fault: FaultCode,
    /// Whether it began.
    pub lasts: bool,
}

impl Happening for FaultChanged {
    fn emit(&self, tally: &Tally) {
        let (fault, actor) = (self.fault.name(), tally.address());
        if !self.lasts {
            tracing::info!(event = "fault_ended", %actor, fault, "a fault ended");
            return;
        }
        tally.count(Family::FaultsRaised, &[fault]);
        match self.fault.severity() {
            Severity::Critical => tracing::error!(event = "fault_began", %actor, fault, "a fault began"),
            Severity::Warning | Severity::Notice => {
                tracing::warn!(event = "fault_began", %actor, fault, "a fault began");
            }
        }
    }
}
