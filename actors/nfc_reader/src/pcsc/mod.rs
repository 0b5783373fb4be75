//! The reader's side of PC/SC: which reader is the lane's, what lies on it, and one read at a time.
//!
//! PC/SC calls block, some of them without limit when the service hangs. So each is made on a thread that
//! may be abandoned: [`watch`] follows the reader on one thread with one context, [`medium`] reads a medium
//! on another with its own (a context that waits would hold up one that transmits), and [`keeper`] notices
//! from outside when a thread no longer answers.

pub mod binding;
pub mod keeper;
pub mod medium;
mod usb;
mod watch;

use binding::Found;
use jiff::Timestamp;
use std::{ffi::CString, sync::mpsc, thread, time::Duration};

/// How the PC/SC service is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Service {
    /// Not known yet.
    Starting,
    /// It answers.
    Up,
    /// It is not there.
    Down,
    /// It is there and does not answer.
    Hung,
}

/// One stay of a medium on the reader: its number, and since when. A medium that is taken away and held again is
/// another stay.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Stay(pub u64, pub Timestamp);

/// What is known of the lane's reader.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct View {
    /// How the service is.
    pub service: Service,
    /// PC/SC name of the lane's reader, where it is attached.
    pub reader: Option<CString>,
    /// The medium that lies on it. Noticed, not touched.
    pub medium: Option<Stay>,
}

impl View {
    /// Before anything is known.
    pub const UNKNOWN: Self = Self { service: Service::Starting, reader: None, medium: None };

    /// Whether a medium could be read now.
    pub fn is_ready(&self) -> bool {
        self.service == Service::Up && self.reader.is_some()
    }
}

/// Why the readers can't be listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ListError {
    /// The service is not there.
    #[error("the PC/SC service does not run: start pcscd")]
    Down,
    /// The service does not answer.
    #[error("the PC/SC service hangs: restart pcscd")]
    Hung,
}

/// All attached readers, for a person to choose from. Waits no longer than `patience`; the thread that asked is left
/// behind then, and ends when its call returns.
///
/// # Errors
/// [`ListError`] where the service does not say.
pub fn find_readers(patience: Duration) -> Result<Vec<Found>, ListError> {
    let (sender, answer) = mpsc::sync_channel(1);
    let ask = move || {
        let found = pcsc::Context::establish(pcsc::Scope::System).and_then(|context| {
            let names = context.list_readers_owned()?;
            let names: Vec<_> = names.iter().map(|name| name.to_string_lossy().into_owned()).collect();
            let port = |name: &str| usb::port(&context, &CString::new(name).ok()?);
            Ok(binding::offer(&names, port))
        });
        // Nobody listens any more when it took too long.
        let _ = sender.send(found);
    };
    thread::Builder::new().name("pcsc-list".into()).spawn(ask).map_err(|_| ListError::Down)?;
    answer.recv_timeout(patience).map_err(|_| ListError::Hung)?.map_err(|_| ListError::Down)
}
