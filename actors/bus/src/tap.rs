//! The newest messages that this process put on the bus: topics and sizes, never what is in them. For the page's view of
//! what is being said, without anybody reading along at the broker.

use jiff::Timestamp;
use madoguchi_protocol::Address;
use std::{
    collections::VecDeque,
    sync::{LazyLock, Mutex, PoisonError},
};

/// Messages kept.
const KEPT: usize = 256;

/// One message that was said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Said {
    /// When.
    pub at: Timestamp,
    /// By whom.
    pub by: Address,
    /// Its topic, which names lane, actor and message.
    pub topic: String,
    /// Its size in bytes.
    pub bytes: usize,
}

static SAID: LazyLock<Mutex<VecDeque<Said>>> = LazyLock::new(|| Mutex::new(VecDeque::with_capacity(KEPT)));

pub(crate) fn note(by: Address, topic: &str, bytes: usize) {
    let mut said = SAID.lock().unwrap_or_else(PoisonError::into_inner);
    if said.len() >= KEPT {
        said.pop_front();
    }
    said.push_back(Said { at: Timestamp::now(), by, topic: topic.into(), bytes });
}

/// What this process said last, the newest first.
pub fn newest() -> Vec<Said> {
    SAID.lock().unwrap_or_else(PoisonError::into_inner).iter().rev().cloned().collect()
}
