//! The keeper's task: one request after the other, the limit for confirming, and an eye on the file.

use super::{
    CONFIRM_WITHIN, Ends, Found, Outcome, Prepared, Refusal, Request, Start, Status, Waiting, Why,
    start::{keep_for_older, restore, say_applied},
};
use crate::{
    config::{
        Config, Mistake, Reason,
        difference::difference,
        durable, format,
        store::{Author, Digest, Origin, Pending, Staged, Store, Version},
        validate,
    },
    house::blueprints,
};
use jiff::{SignedDuration, Timestamp};
use madoguchi_protocol::Address;
use std::{
    collections::BTreeSet, fs, future::Future, os::unix::fs::MetadataExt, path::PathBuf, sync::Arc,
    time::Duration,
};
use tokio::time::{Instant, MissedTickBehavior, interval, sleep_until};

/// How often it is looked whether the file was changed by hand.
const LOOK: Duration = Duration::from_secs(1);

/// What follows the configuration.
pub trait Household {
    /// Becomes what the configuration says; with none, empty. Touches only what has to change.
    fn settle(&mut self, config: Option<&Config>) -> impl Future<Output = anyhow::Result<()>>;
    /// The setting of this configuration that can't take effect while the program runs.
    fn refuses(&self, _config: &Config) -> Option<&'static str> {
        None
    }
    /// Hears of a change that took effect, was confirmed or was taken back.
    fn note(&mut self, number: u32, by: Option<Author>, why: Option<Why>);
}

/// What is in effect.
#[derive(Clone)]
struct Running {
    config: Arc<Config>,
    text: String,
}

/// A change that waits, and what there was before it.
struct Unconfirmed {
    pending: Pending,
    previous: Option<Running>,
    mistakes: Vec<Mistake>,
    deadline: Instant,
    until: Timestamp,
}

/// See the module. Generic over the house, so that tests can play one.
pub struct Task<H> {
    file: PathBuf,
    store: Store,
    state_directory: PathBuf,
    house: H,
    confirm_within: Duration,
    running: Option<Running>,
    /// What the file is known to say; `None` where there is none.
    on_disk: Option<String>,
    stamp: Option<(i64, i64, u64, u64)>,
    mistakes: Vec<Mistake>,
    by_hand: Option<String>,
    staged: Option<Staged>,
    unconfirmed: Option<Unconfirmed>,
    outcome: Option<Outcome>,
    ends: Ends,
}

impl<H: Household> Task<H> {
    /// A keeper of what was found at the start.
    pub fn new(start: Start, house: H, ends: Ends, confirm_within: Option<Duration>) -> anyhow::Result<Self> {
        let (running, on_disk, mistakes) = match start.found {
            Found::Sound { config, text } => {
                (Some(Running { config: Arc::new(*config), text: text.clone() }), Some(text), Vec::new())
            }
            Found::Unsound { text, mistakes } => (None, Some(text), mistakes),
            Found::Nothing => (None, None, Vec::new()),
        };
        let mut task = Self {
            staged: start.store.staged()?,
            file: start.file,
            store: start.store,
            state_directory: start.state_directory,
            house,
            confirm_within: confirm_within.unwrap_or(CONFIRM_WITHIN),
            running,
            on_disk,
            stamp: None,
            mistakes,
            by_hand: None,
            unconfirmed: None,
            outcome: start.outcome,
            ends,
        };
        task.stamp = task.stamp_of_file();
        task.publish();
        Ok(task)
    }

    /// The house, to look at.
    pub fn house(&self) -> &H {
        &self.house
    }

    /// The house, to complete it.
    pub fn house_mut(&mut self) -> &mut H {
        &mut self.house
    }

    /// Has the house become what the file says, at the start.
    pub async fn open(&mut self) -> anyhow::Result<()> {
        let config = self.running.as_ref().map(|running| running.config.clone());
        self.house.settle(config.as_deref()).await
    }

    /// Works until it is dropped.
    pub async fn work(&mut self) {
        let mut ticks = interval(LOOK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let deadline = self.unconfirmed.as_ref().map(|waiting| waiting.deadline);
            let late = async {
                match deadline {
                    Some(deadline) => sleep_until(deadline).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                asked = self.ends.requests.recv() => match asked {
                    Some((request, by, answer)) => {
                        let done = self.carry_out(request, by).await;
                        if let Err(refusal) = &done {
                            tracing::info!(%refusal, "a change of the configuration was refused");
                        }
                        self.publish();
                        // Whoever asked may have gone.
                        let _ = answer.send(done);
                    }
                    None => std::future::pending().await,
                },
                () = late => {
                    tracing::warn!("nobody confirmed the change: it is taken back");
                    if let Err(error) = self.take_back(None, Why::NotConfirmed).await {
                        tracing::error!(%error, "the change is not fully taken back");
                    }
                    self.publish();
                }
                _ = ticks.tick() => {
                    if self.look_at_file() {
                        self.publish();
                    }
                }
            }
        }
    }

    /// The house, to be closed.
    pub fn into_house(self) -> H {
        self.house
    }

    async fn carry_out(&mut self, request: Request, by: Author) -> Result<(), Refusal> {
        match request {
            Request::Stage { text, origin } => self.stage(text, by, origin),
            Request::StageFile => {
                let text = self.by_hand.clone().ok_or(Refusal::NothingStaged)?;
                self.stage(text, by, Origin::File)
            }
            Request::Discard => {
                self.store.stage(None)?;
                self.staged = None;
                Ok(())
            }
            Request::RestoreFile => {
                let text = self.running.as_ref().map(|running| running.text.clone());
                self.write(text.or_else(|| self.on_disk.clone()))
            }
            Request::Apply(digest) => self.apply(&digest, by).await,
            Request::Confirm(number) => self.confirm(number, by),
            Request::RollBack => {
                if self.unconfirmed.is_none() {
                    return Err(Refusal::NothingWaits);
                }
                self.take_back(Some(by), Why::TakenBack).await
            }
        }
    }

    fn base(&self) -> Option<Digest> {
        self.running.as_ref().map(|running| Digest::of(&running.text))
    }

    fn stage(&mut self, text: String, by: Author, origin: Origin) -> Result<(), Refusal> {
        // An export or an old version may be of an older format.
        let text = format::bring(&text, format::CURRENT, format::MIGRATIONS).unwrap_or(text);
        let staged = Staged { base: self.base(), at: Timestamp::now(), by, origin, text };
        self.store.stage(Some(&staged))?;
        self.staged = Some(staged);
        Ok(())
    }

    /// What is wrong with a text, as a whole and for this running gateway.
    fn examine(&self, text: &str) -> Result<Config, Vec<Mistake>> {
        let config = validate(&self.file, text)?;
        let only_by_hand =
            |key: &str| vec![Mistake::of(text, Reason::of(key, "mistake-not-while-running", &[]))];
        if config.site.state_directory != self.state_directory {
            return Err(only_by_hand("site.state_directory"));
        }
        match &self.running {
            Some(running) if running.config.broker != config.broker => Err(only_by_hand("broker.mode")),
            _ => self.house.refuses(&config).map_or(Ok(config), |key| Err(only_by_hand(key))),
        }
    }

    async fn apply(&mut self, digest: &Digest, by: Author) -> Result<(), Refusal> {
        let staged = self.staged.clone().ok_or(Refusal::NothingStaged)?;
        if self.unconfirmed.is_some() {
            return Err(Refusal::Waiting);
        }
        if *digest != Digest::of(&staged.text) || staged.base != self.base() {
            return Err(Refusal::Changed);
        }
        self.look_at_file();
        if self.by_hand.as_ref().is_some_and(|by_hand| *by_hand != staged.text) {
            return Err(Refusal::FileEdited);
        }
        let config = self.examine(&staged.text).map_err(Refusal::Unsound)?;
        let number = self.store.next_number()?;
        let before = match &self.running {
            Some(running) => Some(running.text.clone()),
            None => self.on_disk.clone(),
        };
        let version =
            Version { number, at: Timestamp::now(), by, origin: staged.origin, text: staged.text.clone() };
        let pending = Pending { version, before };
        self.store.begin(&pending)?;
        let until = Timestamp::now()
            .saturating_add(SignedDuration::try_from(self.confirm_within).unwrap_or_default())
            .unwrap_or(Timestamp::MAX);
        self.unconfirmed = Some(Unconfirmed {
            pending,
            previous: self.running.clone(),
            mistakes: std::mem::take(&mut self.mistakes),
            deadline: Instant::now() + self.confirm_within,
            until,
        });
        if let Err(refusal) = self.write(Some(staged.text.clone())) {
            self.take_back(None, Why::NotApplied).await?;
            return Err(refusal);
        }
        self.running = Some(Running { config: Arc::new(config), text: staged.text.clone() });
        if let Err(error) = self.open().await {
            let reason = format!("{error:#}");
            self.take_back(None, Why::NotApplied).await?;
            return Err(Refusal::NotApplied(reason));
        }
        self.staged = None;
        self.store.stage(None)?;
        say_applied(&self.file, &staged.text);
        self.house.note(number, Some(by), None);
        tracing::info!(number, "a change of the configuration took effect and waits to be confirmed");
        Ok(())
    }

    fn confirm(&mut self, number: u32, by: Author) -> Result<(), Refusal> {
        match self.unconfirmed.take() {
            Some(waiting) if waiting.pending.version.number == number => {
                if let Err(error) = self.store.confirm(number) {
                    self.unconfirmed = Some(waiting);
                    return Err(error.into());
                }
                keep_for_older(&self.store, &waiting.pending.version.text);
                self.outcome = Some(Outcome { at: Timestamp::now(), why: Why::Confirmed, number });
                self.house.note(number, Some(by), Some(Why::Confirmed));
                tracing::info!(number, "the change of the configuration is confirmed");
                Ok(())
            }
            other => {
                self.unconfirmed = other;
                Err(Refusal::NothingWaits)
            }
        }
    }

    /// Makes everything what it was before the change that waits. The change itself stays prepared.
    async fn take_back(&mut self, by: Option<Author>, why: Why) -> Result<(), Refusal> {
        let Some(Unconfirmed { pending, previous, mistakes, .. }) = self.unconfirmed.take() else {
            return Ok(());
        };
        let Pending { version: Version { number, at, by: author, origin, text }, before } = pending;
        self.outcome = Some(Outcome { at: Timestamp::now(), why, number });
        self.running = previous;
        self.mistakes = mistakes;
        // The house first: it serves patients, also where the disk is what is wrong.
        let settled = self.open().await;
        self.house.note(number, by, Some(why));
        let written = restore(&self.file, before.as_deref());
        self.on_disk.clone_from(&before);
        self.stamp = self.stamp_of_file();
        self.by_hand = None;
        if let Some(running) = &self.running {
            say_applied(&self.file, &running.text);
        }
        written.map_err(|source| Refusal::File { path: self.file.clone(), source })?;
        if self.staged.is_none() {
            let staged = Staged { base: self.base(), at, by: author, origin, text };
            self.store.stage(Some(&staged))?;
            self.staged = Some(staged);
        }
        // Only now: were the file not written, the next start would do it.
        self.store.abandon()?;
        settled.map_err(|error| Refusal::NotApplied(format!("{error:#}")))
    }

    fn write(&mut self, text: Option<String>) -> Result<(), Refusal> {
        let Some(text) = text else { return Ok(()) };
        durable::replace(&self.file, text.as_bytes(), 0o640)
            .map_err(|source| Refusal::File { path: self.file.clone(), source })?;
        self.on_disk = Some(text);
        self.stamp = self.stamp_of_file();
        self.by_hand = None;
        Ok(())
    }

    fn stamp_of_file(&self) -> Option<(i64, i64, u64, u64)> {
        let data = fs::metadata(&self.file).ok()?;
        Some((data.mtime(), data.mtime_nsec(), data.size(), data.ino()))
    }

    /// Whether what is known of a change by hand has changed.
    fn look_at_file(&mut self) -> bool {
        let stamp = self.stamp_of_file();
        if stamp == self.stamp {
            return false;
        }
        self.stamp = stamp;
        let says = Config::read(&self.file).ok();
        let by_hand = if says == self.on_disk { None } else { Some(says.unwrap_or_default()) };
        let changed = by_hand != self.by_hand;
        if changed && by_hand.is_some() {
            tracing::info!("the configuration's file was changed by hand");
        }
        self.by_hand = by_hand;
        changed
    }

    fn publish(&self) {
        let history = self.store.history().unwrap_or_else(|error| {
            tracing::error!(%error, "the configuration's history can't be read");
            Vec::new()
        });
        let status = Status {
            file: self.file.clone(),
            state_directory: self.state_directory.clone(),
            running: self.running.as_ref().map(|running| running.config.clone()),
            text: match &self.running {
                Some(running) => running.text.clone(),
                None => self.on_disk.clone().unwrap_or_default(),
            },
            mistakes: self.mistakes.clone(),
            prepared: self.staged.as_ref().map(|staged| self.prepared(staged)),
            waiting: self.unconfirmed.as_ref().map(|waiting| Waiting::new(&waiting.pending, waiting.until)),
            by_hand: self.by_hand.clone(),
            history,
            outcome: self.outcome.clone(),
        };
        self.ends.status.send_replace(Arc::new(status));
    }

    fn prepared(&self, staged: &Staged) -> Prepared {
        let running = self.running.as_ref();
        let (mistakes, concerned) = match self.examine(&staged.text) {
            Err(mistakes) => (mistakes, Vec::new()),
            Ok(config) => (Vec::new(), concerned(running.map(|running| &*running.config), &config)),
        };
        Prepared {
            digest: Digest::of(&staged.text),
            changes: difference(running.map_or("", |running| &running.text), &staged.text),
            mistakes,
            concerned,
            staged: staged.clone(),
        }
    }
}

/// The actors that a change rebuilds, brings or takes away.
fn concerned(from: Option<&Config>, to: &Config) -> Vec<Address> {
    let of =
        |config: Option<&Config>| config.and_then(|config| blueprints(config, &[]).ok()).unwrap_or_default();
    let (from, to) = (of(from), of(Some(to)));
    let all: BTreeSet<_> = from.keys().chain(to.keys()).copied().collect();
    all.into_iter().filter(|address| from.get(address) != to.get(address)).collect()
}
