//! Logs: to standard error, as lines for a person or as JSON for the journal. The last lines are remembered for the
//! support bundle.

use crate::support::Tee;
use std::io::IsTerminal;
use tracing_subscriber::EnvFilter;

/// Starts logging. `MADOGUCHI_LOG` sets levels (`info`, `madoguchi_bus=debug`); the default is `info`.
pub fn start() {
    let filter = EnvFilter::try_from_env("MADOGUCHI_LOG").unwrap_or_else(|_| EnvFilter::new("info"));
    let lines = tracing_subscriber::fmt().with_env_filter(filter).with_writer(Tee);
    // A second call, as in tests, changes nothing.
    let _ = if std::io::stderr().is_terminal() { lines.try_init() } else { lines.json().try_init() };
}
