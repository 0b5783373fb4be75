//! What the keeper finds at the start: an unconfirmed change that is taken back, a file of another format, a file that
//! can't be used, none at all.

use super::{Outcome, Why, applied_path};
use crate::config::{
    Config, ConfigError, Mistake, Web, durable, format,
    store::{Author, Digest, Origin, Staged, Store, Version},
};
use anyhow::{Context, Result};
use jiff::Timestamp;
use std::{
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
};

/// Where the box keeps what lasts, where no configuration says so.
const STATE_DIRECTORY: &str = "/var/lib/madoguchi";

/// What the file says.
#[derive(Clone, Debug)]
pub enum Found {
    /// A configuration that can be used.
    Sound {
        /// Typed.
        config: Box<Config>,
        /// As it is written.
        text: String,
    },
    /// One that can't.
    Unsound {
        /// As it is written.
        text: String,
        /// Why not.
        mistakes: Vec<Mistake>,
    },
    /// There is no file.
    Nothing,
}

/// The keeper's start.
#[derive(Debug)]
pub struct Start {
    /// The configuration's file.
    pub file: PathBuf,
    /// What lasts.
    pub store: Store,
    /// Where that is.
    pub state_directory: PathBuf,
    /// What the file says now.
    pub found: Found,
    /// What became of a change that waited when the gateway ended.
    pub outcome: Option<Outcome>,
}

impl Start {
    /// Looks at the file and takes back what nobody confirmed. Only the gateway calls this, after it made sure that it is
    /// the only one.
    pub fn look(file: &Path, state_directory: &Path) -> Result<Self> {
        let store = Store::open(state_directory)?;
        let outcome = take_back(file, &store)?;
        bring_to_format(file, &store)?;
        let found = find(file);
        if let Found::Sound { text, .. } = &found {
            note(&store, text)?;
            say_applied(file, text);
        }
        Ok(Self { file: file.into(), store, state_directory: state_directory.into(), found, outcome })
    }
}

impl Start {
    /// The configuration, where it can be used.
    pub fn sound(&self) -> Option<&Config> {
        match &self.found {
            Found::Sound { config, .. } => Some(config),
            Found::Unsound { .. } | Found::Nothing => None,
        }
    }
}

/// Where the box keeps what lasts, or `otherwise` where no configuration says so. A file that can't be used may still
/// say it.
pub fn whereabouts(file: &Path, otherwise: Option<&Path>) -> PathBuf {
    let text = Config::read(file).unwrap_or_default();
    let otherwise = || otherwise.unwrap_or(Path::new(STATE_DIRECTORY)).to_path_buf();
    if let Ok(table) = text.parse::<toml::Table>() {
        let said = table.get("site").and_then(|site| site.get("state_directory")?.as_str());
        return said.map_or_else(otherwise, PathBuf::from);
    }
    let line = text.lines().find_map(|line| line.trim_start().strip_prefix("state_directory"));
    let said = line.and_then(|rest| rest.trim_start().strip_prefix('=')?.split('"').nth(1));
    said.map_or_else(otherwise, PathBuf::from)
}

/// Where the page is served although the configuration can't be used: where the file says, if that can be told.
pub fn page_of(file: &Path, otherwise: Option<SocketAddr>) -> Web {
    let said = Config::read(file).ok().and_then(|text| {
        let table = text.parse::<toml::Table>().ok()?;
        table.get("web")?.clone().try_into::<Web>().ok()
    });
    let mut web = match said {
        Some(web) => return web,
        None => Web::default(),
    };
    if let Some(listen) = otherwise {
        web.listen = listen;
    }
    web
}

fn find(file: &Path) -> Found {
    match Config::read(file) {
        Err(ConfigError::Unreadable { source, .. }) if source.kind() == std::io::ErrorKind::NotFound => {
            Found::Nothing
        }
        Err(error) => Found::Unsound { text: String::new(), mistakes: vec![error.mistake_in("")] },
        Ok(text) => match Config::parse(file, &text) {
            Ok(config) => Found::Sound { config: Box::new(config), text },
            Err(error) => Found::Unsound { mistakes: vec![error.mistake_in(&text)], text },
        },
    }
}

/// Takes an unconfirmed change back. What it was stays prepared, so that nobody has to type it again.
fn take_back(file: &Path, store: &Store) -> Result<Option<Outcome>> {
    let Some(pending) = store.pending()? else { return Ok(None) };
    let now = Config::read(file).ok();
    let by_hand =
        now.as_ref().is_some_and(|now| *now != pending.version.text && Some(now) != pending.before.as_ref());
    if by_hand {
        tracing::warn!(
            "the file was changed by hand after an unconfirmed change: what the file says is used"
        );
    } else {
        tracing::warn!(number = pending.version.number, "nobody confirmed the last change: it is taken back");
        restore(file, pending.before.as_deref())
            .with_context(|| format!("{}: the change can't be taken back", file.display()))?;
    }
    let number = pending.version.number;
    if store.staged()?.is_none() {
        let Version { at, by, origin, text, .. } = pending.version;
        let base = pending.before.as_deref().map(Digest::of);
        store.stage(Some(&Staged { base, at, by, origin, text }))?;
    }
    store.abandon()?;
    Ok(Some(Outcome { at: Timestamp::now(), why: Why::Interrupted, number }))
}

/// Writes what the file was before, which may be: nothing.
pub(super) fn restore(file: &Path, before: Option<&str>) -> std::io::Result<()> {
    match before {
        Some(text) => durable::replace(file, text.as_bytes(), 0o640),
        None => durable::remove(file),
    }
}

/// Brings a file of another format to this program's, and keeps what an older program would understand.
fn bring_to_format(file: &Path, store: &Store) -> Result<()> {
    let Ok(text) = Config::read(file) else { return Ok(()) };
    let Ok(found) = format::format_of(&text) else { return Ok(()) };
    if found > format::CURRENT {
        let kept = store.of_format(format::CURRENT);
        let Ok(former) = fs::read_to_string(&kept) else { return Ok(()) };
        tracing::warn!(
            found,
            ours = format::CURRENT,
            "the configuration is a newer program's: what it kept for this one is used"
        );
        durable::replace(file, former.as_bytes(), 0o640).with_context(|| {
            format!("{}: it can't be brought to format {}", file.display(), format::CURRENT)
        })?;
    } else if found < format::CURRENT
        && let Ok(newer) = format::bring(&text, format::CURRENT, format::MIGRATIONS)
    {
        durable::replace(&store.of_format(found), text.as_bytes(), 0o600)?;
        durable::replace(file, newer.as_bytes(), 0o640).with_context(|| {
            format!("{}: it can't be brought to format {}", file.display(), format::CURRENT)
        })?;
    }
    Ok(())
}

/// Keeps, for every older format, what the text would be in it.
pub(super) fn keep_for_older(store: &Store, text: &str) {
    for older in format::MIGRATIONS.iter().map(|migration| migration.from) {
        match format::bring(text, older, format::MIGRATIONS) {
            Ok(text) => {
                if let Err(error) = durable::replace(&store.of_format(older), text.as_bytes(), 0o600) {
                    tracing::warn!(older, %error, "what an older program would use can't be kept");
                }
            }
            Err(error) => {
                tracing::warn!(older, %error, "an older program would not understand this configuration")
            }
        }
    }
}

/// Everything that was ever in effect is in the history, also what was written by hand while the gateway was stopped.
fn note(store: &Store, text: &str) -> Result<()> {
    if store.history()?.first().is_none_or(|newest| newest.text != text) {
        let number = store.next_number()?;
        let (at, by, origin) = (Timestamp::now(), Author::Console, Origin::File);
        store.note(&Version { number, at, by, origin, text: text.into() })?;
        keep_for_older(store, text);
    }
    Ok(())
}

/// Tells processes of single actors what is in effect.
pub(super) fn say_applied(file: &Path, text: &str) {
    let applied = applied_path(file);
    if fs::read_to_string(&applied).is_ok_and(|said| said == text) {
        return;
    }
    let mode = fs::metadata(file)
        .map_or(0o640, |data| std::os::unix::fs::PermissionsExt::mode(&data.permissions()) & 0o777);
    if let Err(error) = durable::replace(&applied, text.as_bytes(), mode) {
        // A box that runs all actors in one process does not need it.
        tracing::warn!(path = %applied.display(), %error, "other processes can't be told what is in effect");
    }
}
