//! What is wrong with one actor now.

use crate::Bus;
use jiff::Timestamp;
use madoguchi_protocol::{
    fault::FaultCode,
    messages::{audit_log::Entry, state::ActiveFault},
};
use std::collections::BTreeMap;

/// The faults that an actor has now. The beginning and the end of each go to the audit log, once, and are logged
/// and counted with it.
#[derive(Debug)]
pub struct Faults {
    bus: Bus,
    lasting: BTreeMap<FaultCode, Timestamp>,
}

impl Faults {
    /// Those of the actor with this handle: none yet.
    pub const fn new(bus: Bus) -> Self {
        Self { bus, lasting: BTreeMap::new() }
    }

    /// Notes whether a fault lasts as of now.
    pub fn set(&mut self, code: FaultCode, lasts: bool) {
        self.set_at(code, lasts, Timestamp::now());
    }

    /// Notes whether a fault lasts as of `at`. Nothing happens where that was known.
    pub fn set_at(&mut self, code: FaultCode, lasts: bool, at: Timestamp) {
        if lasts == self.has(code) {
            return;
        }
        let entry = if lasts {
            self.lasting.insert(code, at);
            Entry::FaultRaised(code)
        } else {
            self.lasting.remove(&code);
            Entry::FaultCleared(code)
        };
        self.bus.record_at(at, self.bus.address().lane, None, entry);
    }

    /// Whether a fault lasts.
    pub fn has(&self, code: FaultCode) -> bool {
        self.lasting.contains_key(&code)
    }

    /// All that last, each with its beginning, as an actor's state has them.
    pub fn list(&self) -> Vec<ActiveFault> {
        self.lasting.iter().map(|(code, since)| ActiveFault { code: *code, since: *since }).collect()
    }
}
