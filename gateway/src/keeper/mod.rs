//! The keeper of the configuration: the one task that changes its file and has the house follow.
//!
//! A change is *staged*: it is kept, checked as a whole and shown as a difference, and may be left and taken up again.
//! *Applied*, it takes effect at once, for the actors that it concerns. Within [`CONFIRM_WITHIN`] somebody who is
//! logged in has to *confirm* it, which proves that the page can still be reached; else it is taken back. So it is
//! also when the gateway ends in between: the next start takes an unconfirmed change back ([`start`]).

mod follow;
mod start;
mod status;
mod task;
#[cfg(test)]
mod tests;

pub use follow::{follow, in_effect};
pub use start::{Found, Start, page_of, whereabouts};
pub use status::{Outcome, Prepared, Status, Waiting, Why};
pub use task::{Household, Task};

use crate::config::{
    Mistake,
    store::{Author, Digest, Origin, StoreError},
};
use std::{
    ffi::OsString,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};
use tokio::sync::{mpsc, oneshot, watch};

/// How long a change waits to be confirmed.
pub const CONFIRM_WITHIN: Duration = Duration::from_secs(90);

/// Requests that may wait; a person makes one after the other.
const REQUESTS: usize = 8;

/// What can be asked of the keeper.
#[derive(Debug)]
pub enum Request {
    /// Prepare this text. It need not be sound: a page that is left half done is kept as it is.
    Stage {
        /// The whole configuration.
        text: String,
        /// How it was made.
        origin: Origin,
    },
    /// Prepare what somebody wrote into the file by hand.
    StageFile,
    /// Forget what is prepared.
    Discard,
    /// Put what runs back into a file that was changed by hand.
    RestoreFile,
    /// Have what is prepared take effect, if it is still what the asker saw.
    Apply(Digest),
    /// The change that took effect stays.
    Confirm(u32),
    /// The change that took effect is taken back.
    RollBack,
}

/// Why the keeper did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// There is nothing that could be applied.
    #[error("no change is prepared")]
    NothingStaged,
    /// It is not what the asker saw, or what runs is no longer what it was made from.
    #[error("the configuration has changed meanwhile; look at the difference again")]
    Changed,
    /// The file was changed by hand: that comes first.
    #[error("the file was changed by hand; take that in or put the file back first")]
    FileEdited,
    /// A change waits already.
    #[error("a change waits to be confirmed; confirm it or take it back first")]
    Waiting,
    /// No change waits, or another one.
    #[error("no such change waits to be confirmed")]
    NothingWaits,
    /// It can't be used.
    #[error("the configuration is not sound: {}", .0.first().map_or("", |mistake| &mistake.message))]
    Unsound(Vec<Mistake>),
    /// The house could not be made so, and is again what it was.
    #[error("it could not take effect and was taken back: {0}")]
    NotApplied(String),
    /// The disk.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The configuration file can't be written.
    #[error("{}: {source}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The gateway stops.
    #[error("the gateway stops")]
    Gone,
}

/// A request with the way back.
type Asked = (Request, Author, oneshot::Sender<Result<(), Refusal>>);

/// The way to the keeper; cheap to clone.
#[derive(Clone, Debug)]
pub struct Keeper {
    requests: mpsc::Sender<Asked>,
    status: watch::Receiver<Arc<Status>>,
}

/// The keeper's ends of its channels.
#[derive(Debug)]
pub struct Ends {
    requests: mpsc::Receiver<Asked>,
    status: watch::Sender<Arc<Status>>,
}

/// The way to a keeper, which is made with the other part.
pub fn channel() -> (Keeper, Ends) {
    let (asking, requests) = mpsc::channel(REQUESTS);
    let (shown, status) = watch::channel(Arc::new(Status::default()));
    (Keeper { requests: asking, status }, Ends { requests, status: shown })
}

impl Keeper {
    /// Follows how the configuration stands.
    pub fn follow(&self) -> watch::Receiver<Arc<Status>> {
        self.status.clone()
    }

    /// How the configuration stands now.
    pub fn status(&self) -> Arc<Status> {
        self.status.borrow().clone()
    }

    /// A way to nobody, who is said to have this.
    #[cfg(test)]
    pub fn showing(status: Status) -> Self {
        Self { requests: mpsc::channel(1).0, status: watch::channel(Arc::new(status)).1 }
    }

    /// Asks in the name of `by`; answered when it is done.
    pub async fn ask(&self, request: Request, by: Author) -> Result<(), Refusal> {
        let (answer, answered) = oneshot::channel();
        self.requests.send((request, by, answer)).await.map_err(|_| Refusal::Gone)?;
        answered.await.unwrap_or(Err(Refusal::Gone))
    }
}

/// Where the text stands that is in effect, beside the file of the configuration, for processes of single actors. What
/// was written into the file by hand is not in effect before somebody took it in.
pub fn applied_path(file: &Path) -> PathBuf {
    let mut name = file.file_name().map(OsString::from).unwrap_or_default();
    name.push(".applied");
    file.with_file_name(name)
}
