//! The pulse of every actor's thread: a panic is seen by itself, a thread that blocks has to be felt.

use actix::{Arbiter, ArbiterHandle};
use madoguchi_protocol::Address;
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::{sync::oneshot, time::timeout};

/// Feels whether the actors' threads answer; cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Pulse(Arc<Mutex<BTreeMap<Address, ArbiterHandle>>>);

impl Pulse {
    pub(crate) fn follow(&self, address: Address, arbiter: &Arbiter) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(address, arbiter.handle());
    }

    pub(crate) fn forget(&self, address: Address) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&address);
    }

    /// The actors whose threads do not answer within `patience`. Threads that have ended do not count: the
    /// supervisor knows of them.
    pub async fn stuck(&self, patience: Duration) -> Vec<Address> {
        let asked: Vec<_> = {
            let threads = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            let ask = |(address, thread): (&Address, &ArbiterHandle)| {
                let (answer, answered) = oneshot::channel();
                thread
                    .spawn(async move {
                        let _ = answer.send(());
                    })
                    .then_some((*address, answered))
            };
            threads.iter().filter_map(ask).collect()
        };
        let mut stuck = Vec::new();
        let asked_at = tokio::time::Instant::now();
        for (address, answered) in asked {
            let left = patience.saturating_sub(asked_at.elapsed());
            if timeout(left, answered).await.is_err() {
                stuck.push(address);
            }
        }
        stuck
    }
}
