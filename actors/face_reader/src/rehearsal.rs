//! The lane's rehearsal of an outage, as everybody sees it: a notice that lasts, and an end for what was forgotten.

use crate::{FaceReader, link::FaceReaderLink};
use actix::{AsyncContext, Context, SpawnHandle};
use madoguchi_protocol::fault::FaultCode;
use madoguchi_reception::Input;
use std::time::Duration;

/// How long a rehearsal may last, and what ends it then.
#[derive(Debug)]
pub(crate) struct Rehearsal {
    longest: Duration,
    over: Option<SpawnHandle>,
}

impl Rehearsal {
    pub(crate) fn new(minutes: u16) -> Self {
        Self { longest: Duration::from_secs(60 * u64::from(minutes)), over: None }
    }
}

impl<L: FaceReaderLink> FaceReader<L> {
    /// Notes that a rehearsal began or ended, and has it end by itself where nobody ends it.
    pub(crate) fn follow_rehearsal(&mut self, context: &mut Context<Self>) {
        let began = self.visit.rehearsal();
        if began.is_some() == self.faults.has(FaultCode::Rehearsal) {
            return;
        }
        self.faults.set(FaultCode::Rehearsal, began.is_some());
        if let Some(over) = self.rehearsal.over.take() {
            context.cancel_future(over);
        }
        if began.is_some() {
            let over = context.run_later(self.rehearsal.longest, |actor, context| {
                actor.rehearsal.over = None;
                tracing::info!(lane = %actor.lane, "the rehearsal ends: nobody ended it in time");
                actor.feed(Input::RehearsalOver, context);
            });
            self.rehearsal.over = Some(over);
        }
    }
}
