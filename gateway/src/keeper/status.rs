//! What the page shows of the configuration.

use crate::config::{
    Config, Mistake,
    difference::{Change, difference},
    store::{Digest, Pending, Staged, Version},
};
use jiff::Timestamp;
use madoguchi_protocol::Address;
use std::{path::PathBuf, sync::Arc};

/// How the configuration stands.
#[derive(Clone, Debug, Default)]
pub struct Status {
    /// The configuration's file; empty before the keeper has looked.
    pub file: PathBuf,
    /// Where the box keeps what lasts.
    pub state_directory: PathBuf,
    /// What is in effect; `None` where the file can't be used and nothing but the page runs.
    pub running: Option<Arc<Config>>,
    /// Its text, or that of the file that can't be used; empty where there is no file.
    pub text: String,
    /// What is wrong with the file, where nothing runs.
    pub mistakes: Vec<Mistake>,
    /// The change that is being prepared.
    pub prepared: Option<Prepared>,
    /// The change that waits to be confirmed.
    pub waiting: Option<Waiting>,
    /// The file was changed by hand and now says this.
    pub by_hand: Option<String>,
    /// The versions that were in effect, newest first.
    pub history: Vec<Version>,
    /// How the last change ended.
    pub outcome: Option<Outcome>,
}

impl Status {
    /// Whether nothing but the page runs, for want of a configuration that can be used.
    pub fn is_down(&self) -> bool {
        self.running.is_none() && !self.file.as_os_str().is_empty()
    }
}

/// A change that is being prepared.
#[derive(Clone, Debug)]
pub struct Prepared {
    /// The change.
    pub staged: Staged,
    /// Its fingerprint, which applying it has to name.
    pub digest: Digest,
    /// What is wrong with it; it can be applied when there is nothing.
    pub mistakes: Vec<Mistake>,
    /// What differs from what is in effect.
    pub changes: Vec<Change>,
    /// The actors that will be rebuilt, come or go.
    pub concerned: Vec<Address>,
}

/// A change that waits to be confirmed.
#[derive(Clone, Debug)]
pub struct Waiting {
    /// The change.
    pub version: Version,
    /// When it is taken back unless it is confirmed.
    pub until: Timestamp,
    /// What differs from what was in effect before.
    pub changes: Vec<Change>,
}

impl Waiting {
    pub(super) fn new(pending: &Pending, until: Timestamp) -> Self {
        let changes = difference(pending.before.as_deref().unwrap_or(""), &pending.version.text);
        Self { version: pending.version.clone(), until, changes }
    }
}

/// How a change ended.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// When.
    pub at: Timestamp,
    /// How.
    pub why: Why,
    /// The change, by its number in the history.
    pub number: u32,
}

impl Why {
    /// Whether the gateway took the change back by itself.
    pub fn by_itself(self) -> bool {
        matches!(self, Self::NotApplied | Self::NotConfirmed | Self::Interrupted)
    }
}

/// See [`Outcome`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// It was confirmed.
    Confirmed,
    /// Somebody took it back.
    TakenBack,
    /// It could not take effect.
    NotApplied,
    /// Nobody confirmed it in time.
    NotConfirmed,
    /// The gateway ended before it was confirmed.
    Interrupted,
}
