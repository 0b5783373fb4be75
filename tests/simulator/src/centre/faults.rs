//! What can go wrong with the centre and the way to it, switched on and off while it runs.

use std::sync::{Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};
use tokio::sync::watch;
use utoipa::ToSchema;

/// The longest delay that [`Fault::Slow`] takes and that [`Fault::Hang`] lasts, in milliseconds.
pub const LONGEST_MS: u64 = 600_000;

/// One way of going wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Fault {
    /// Does the work at once and answers late.
    Slow {
        /// The delay in milliseconds, at most [`LONGEST_MS`].
        ms: u64,
    },
    /// Takes the request, does nothing, and stays silent until the fault is taken away (at most ten minutes).
    Hang,
    /// The line is down: nobody listens, connections that stand are cut.
    Refuse,
    /// Accepts a connection and resets it; with a path, drops the connection when a request for it has come.
    Reset,
    /// Does the work, then cuts the connection instead of answering.
    DropAfterCommit,
    /// Answers with somebody else's request id.
    WrongAnswer,
    /// Answers with half of the JSON.
    Malformed,
    /// Does nothing and answers with this status.
    Status {
        /// 400 to 599.
        code: u16,
    },
}

/// A fault with its limits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Injection {
    /// What goes wrong.
    pub fault: Fault,
    /// Only for requests whose path begins with this; for all when absent.
    #[serde(default)]
    pub path: Option<String>,
    /// For so many requests, then no more; without end when absent.
    #[serde(default)]
    pub remaining: Option<u32>,
}

impl From<Fault> for Injection {
    fn from(fault: Fault) -> Self {
        Self { fault, path: None, remaining: None }
    }
}

impl Injection {
    /// Limits the fault to paths that begin with `path`.
    pub fn on(mut self, path: &str) -> Self {
        self.path = Some(path.to_owned());
        self
    }

    /// Limits the fault to the next `count` requests.
    pub fn times(mut self, count: u32) -> Self {
        self.remaining = Some(count);
        self
    }

    fn check(&self) -> Result<(), FaultError> {
        match self.fault {
            Fault::Refuse if self.path.is_some() || self.remaining.is_some() => {
                Err(FaultError::RefuseIsWhole)
            }
            Fault::Slow { ms } if ms > LONGEST_MS => Err(FaultError::TooSlow(ms)),
            Fault::Status { code } if !(400..=599).contains(&code) => Err(FaultError::NoErrorStatus(code)),
            _ => Ok(()),
        }
    }
}

/// Why a fault was not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FaultError {
    /// A closed listener sees neither paths nor requests.
    #[error("`refuse` closes the whole line: leave out `path` and `remaining`, and clear it when done")]
    RefuseIsWhole,
    /// The delay is out of bounds.
    #[error("a delay of {0} ms is too long: give at most {LONGEST_MS}, or use `hang`")]
    TooSlow(u64),
    /// The status is no error.
    #[error("{0} is no error status: give one from 400 to 599")]
    NoErrorStatus(u16),
}

/// The switchboard.
pub struct Faults {
    active: Mutex<Vec<Injection>>,
    /// Whether the line is down; the listener follows it.
    down: watch::Sender<bool>,
    /// Counts the times that faults were taken away, which frees what hangs.
    cleared: watch::Sender<u64>,
}

impl Default for Faults {
    fn default() -> Self {
        Self { active: Mutex::default(), down: watch::Sender::new(false), cleared: watch::Sender::new(0) }
    }
}

impl Faults {
    /// Switches a fault on. Where several fit a request, the oldest takes it.
    pub fn inject(&self, injection: impl Into<Injection>) -> Result<(), FaultError> {
        let injection = injection.into();
        injection.check()?;
        if injection.fault == Fault::Refuse {
            self.set_down(true);
        } else {
            self.lock().push(injection);
        }
        Ok(())
    }

    /// Switches everything off: the line is up, and what hangs is cut loose (without an answer).
    pub fn clear(&self) {
        self.lock().clear();
        self.set_down(false);
        self.cleared.send_modify(|count| *count += 1);
    }

    /// Takes the line down: same as [`Fault::Refuse`].
    pub fn line_down(&self) {
        self.set_down(true);
    }

    /// Brings the line back; other faults stay.
    pub fn line_up(&self) {
        self.set_down(false);
    }

    /// Whether the line is down.
    pub fn is_line_down(&self) -> bool {
        *self.down.borrow()
    }

    /// What is switched on now.
    pub fn active(&self) -> Vec<Injection> {
        let mut active = self.lock().clone();
        if self.is_line_down() {
            active.push(Fault::Refuse.into());
        }
        active
    }

    /// The fault that befalls a request for `path`; counts it.
    pub(super) fn take(&self, path: &str) -> Option<Fault> {
        if self.is_line_down() {
            return Some(Fault::Refuse);
        }
        self.take_where(|injection| injection.path.as_deref().is_none_or(|prefix| path.starts_with(prefix)))
    }

    /// Whether a connection that has just come is to be reset; counts it.
    pub(super) fn take_connection_reset(&self) -> bool {
        self.take_where(|injection| injection.fault == Fault::Reset && injection.path.is_none()).is_some()
    }

    pub(super) fn watch_line(&self) -> watch::Receiver<bool> {
        self.down.subscribe()
    }

    pub(super) fn watch_cleared(&self) -> watch::Receiver<u64> {
        self.cleared.subscribe()
    }

    /// Tells the listener only of a change: it would drop who is just connecting.
    fn set_down(&self, down: bool) {
        self.down.send_if_modified(|now| std::mem::replace(now, down) != down);
    }

    fn take_where(&self, fits: impl Fn(&Injection) -> bool) -> Option<Fault> {
        let mut active = self.lock();
        active.retain(|injection| injection.remaining != Some(0));
        let injection = active.iter_mut().find(|injection| fits(injection))?;
        if let Some(remaining) = &mut injection.remaining {
            *remaining -= 1;
        }
        Some(injection.fault)
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Injection>> {
        self.active.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_strikes_as_often_as_it_was_told_and_only_on_its_path() {
        let faults = Faults::default();
        let status = Fault::Status { code: 503 };
        faults.inject(Injection::from(status).on("/v1/confirmations").times(2)).unwrap();
        assert_eq!(faults.take("/v1/alive"), None);
        assert_eq!(faults.take("/v1/confirmations"), Some(status));
        assert_eq!(faults.take("/v1/confirmations/x"), Some(status));
        assert_eq!(faults.take("/v1/confirmations"), None);
    }

    #[test]
    fn a_fault_that_makes_no_sense_is_not_taken() {
        let faults = Faults::default();
        assert_eq!(faults.inject(Injection::from(Fault::Refuse).times(1)), Err(FaultError::RefuseIsWhole));
        assert_eq!(faults.inject(Fault::Status { code: 200 }), Err(FaultError::NoErrorStatus(200)));
        assert_eq!(
            faults.inject(Fault::Slow { ms: LONGEST_MS + 1 }),
            Err(FaultError::TooSlow(LONGEST_MS + 1))
        );
        assert_eq!(faults.active(), []);
    }

    #[test]
    fn an_injection_reads_like_the_control_interface_writes_it() {
        let json = r#"{"fault":{"kind":"status","code":429},"path":"/v1/queries","remaining":1}"#;
        let expected = Injection::from(Fault::Status { code: 429 }).on("/v1/queries").times(1);
        assert_eq!(serde_json::from_str::<Injection>(json).unwrap(), expected);
    }
}
