//! Logs: to standard error, as lines for a person or as JSON for the journal. The last lines are remembered for the
//! support bundle. The levels are the configuration's and change while the house runs.

use crate::support::Tee;
use madoguchi::config::Log;
use std::{
    env, fmt,
    io::{self, IsTerminal},
    sync::OnceLock,
};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::{
    EnvFilter,
    fmt::{FmtContext, FormatEvent, FormatFields, format::Writer},
    registry::LookupSpan,
};

/// Sets other levels; a log that is no more refuses.
type Reload = Box<dyn Fn(EnvFilter) -> bool + Send + Sync>;

static LEVELS: OnceLock<Reload> = OnceLock::new();

/// The levels that whoever started the process wants, whatever the configuration says: `info`, `madoguchi_bus=debug`.
fn wanted() -> Option<EnvFilter> {
    EnvFilter::try_from_env("MADOGUCHI_LOG").ok()
}

/// Starts logging, at the level `info` until [`settle`] says otherwise.
pub fn start() {
    let filter = wanted().unwrap_or_else(|| EnvFilter::new("info"));
    let lines = tracing_subscriber::fmt().with_writer(Tee);
    let to_journal = journal_listens();
    let reload: Reload = if io::stderr().is_terminal() {
        let lines = lines.with_env_filter(filter).with_filter_reloading();
        let handle = lines.reload_handle();
        // A second call, as in tests, changes nothing.
        let _ = lines.try_init();
        Box::new(move |filter| handle.reload(filter).is_ok())
    } else {
        let lines = lines.json().map_event_format(|json| Prioritised { json, to_journal });
        let lines = lines.with_env_filter(filter).with_filter_reloading();
        let handle = lines.reload_handle();
        let _ = lines.try_init();
        Box::new(move |filter| handle.reload(filter).is_ok())
    };
    let _ = LEVELS.set(reload);
}

/// Logs at the configuration's levels from now on. `MADOGUCHI_LOG`, where it is set, goes before it.
pub fn settle(log: &Log) {
    if wanted().is_some() {
        return;
    }
    let done = LEVELS.get().is_some_and(|reload| reload(EnvFilter::new(log.directives())));
    if !done {
        tracing::warn!("the level of the log stays as it is");
    }
}

/// Whether standard error is the journal's: systemd names the socket that it gave (`systemd.exec(5)`).
pub fn journal_listens() -> bool {
    let named = env::var("JOURNAL_STREAM").ok().and_then(|stream| socket(&stream));
    // Whatever a unit starts inherits the variable, perhaps with its output elsewhere.
    named.is_some() && named == rustix::fs::fstat(io::stderr()).ok().map(|it| (it.st_dev, it.st_ino))
}

/// The device and the inode of `8:12345`.
fn socket(stream: &str) -> Option<(u64, u64)> {
    let (device, inode) = stream.split_once(':')?;
    Some((device.parse().ok()?, inode.parse().ok()?))
}

/// For the journal each line begins with its priority, which the journal takes off again (`sd-daemon(3)`): so
/// `journalctl -p warning` finds what is worth a look.
struct Prioritised<F> {
    json: F,
    to_journal: bool,
}

fn priority(level: Level) -> u8 {
    match level {
        Level::ERROR => 3,
        Level::WARN => 4,
        Level::INFO => 6,
        _ => 7,
    }
}

impl<S, N, F> FormatEvent<S, N> for Prioritised<F>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
    F: FormatEvent<S, N>,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        if self.to_journal {
            write!(writer, "<{}>", priority(*event.metadata().level()))?;
        }
        self.json.format_event(context, writer, event)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::{Arc, Mutex, PoisonError};

    #[derive(Clone, Default)]
    struct Written(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Written {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap_or_else(PoisonError::into_inner).extend(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn written(to_journal: bool) -> String {
        let written = Written::default();
        let place = written.clone();
        let lines = tracing_subscriber::fmt().with_max_level(Level::TRACE).with_writer(move || place.clone());
        let lines = lines.json().map_event_format(|json| Prioritised { json, to_journal }).finish();
        tracing::subscriber::with_default(lines, || {
            tracing::error!("an error");
            tracing::warn!("a warning");
            tracing::info!("all is well");
            tracing::debug!("a detail");
        });
        let bytes = written.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn for_the_journal_each_line_begins_with_its_priority_and_otherwise_none_does() {
        let lines = written(true);
        let begins: Vec<_> = lines.lines().map(|line| line.split_at(4)).collect();
        assert_eq!(
            begins.iter().map(|(begin, _)| *begin).collect::<Vec<_>>(),
            ["<3>{", "<4>{", "<6>{", "<7>{"]
        );
        assert!(written(false).lines().all(|line| line.starts_with('{')));
    }

    #[test]
    fn the_journals_socket_is_known_by_device_and_inode() {
        assert_eq!(socket("8:12345"), Some((8, 12_345)));
        for other in ["", "8", "8:", "a:b", "-1:2", "1:2:3"] {
            assert_eq!(socket(other), None, "{other}");
        }
    }
}
