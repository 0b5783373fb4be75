//! What every handler shares.

use super::{events, first_start, keys, rate, sessions, staff::Desk, support, throttle, view::View};
use crate::{
    board::{Boards, Standings, States},
    config::{Config, HolidaysError, Web, shipped_holidays},
    keeper::Keeper,
    people::{Code, Deed, Store},
    phones::{self, Wanted},
};
use anyhow::{Context, Result};
use jiff::{SignedDuration, Timestamp};
use madoguchi::figures::{Figures, LaneResult};
use madoguchi_bus::{events::PageLogin, supervisor::Restarter};
use madoguchi_protocol::{
    LaneId,
    messages::{
        audit_log::{Author, Entry, PersonAct},
        line::CertificateStage,
    },
    texts::Language,
};
use madoguchi_reception::holidays::Holidays;
use std::{
    convert::Infallible,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};
use tokio::sync::{Semaphore, broadcast, watch};

/// How often what the console did is looked for.
const CONSOLE: Duration = Duration::from_secs(2);

/// What the handlers share.
pub(super) struct Site {
    pub(super) states: watch::Receiver<States>,
    pub(super) standings: watch::Receiver<Standings>,
    pub(super) figures: watch::Receiver<Figures>,
    phones_wanted: watch::Receiver<Wanted>,
    phones_down: watch::Receiver<Option<Timestamp>>,
    /// What visits come to, as it happens.
    pub(super) results: broadcast::Sender<LaneResult>,
    pub(super) restarter: Restarter,
    /// What live parts of pages are sent by.
    pub(super) hub: events::Hub,
    pub(super) desk: Desk,
    told: watch::Receiver<Arc<Told>>,
    pub(super) keeper: Keeper,
    /// Where the pages are served now.
    at: watch::Sender<Web>,
    pub(super) people: Store,
    history: PathBuf,
    pub(super) sessions: sessions::Sessions,
    pub(super) enrolments: first_start::Enrolments,
    pub(super) keys: keys::Waiting,
    pub(super) throttle: throttle::Throttle,
    pub(super) bundles: support::Shown,
    pub(super) rate: rate::Rate,
    /// Passwords are looked at one after the other.
    pub(super) one_at_a_time: Arc<Semaphore>,
}

/// What the configuration tells the page; it may change at any time.
pub struct Told {
    /// The first language, where nobody chose one.
    language: Language,
    holidays: Holidays,
    /// After which phones have been down too long.
    patience: SignedDuration,
    /// The box's name.
    terminal: String,
}

impl Told {
    /// What this configuration tells; without one, the defaults.
    pub fn by(config: Option<&Config>) -> Result<Self, HolidaysError> {
        Ok(match config {
            Some(config) => Self {
                language: config.site.language,
                holidays: config.site.holidays()?,
                patience: SignedDuration::from_hours(config.site.phones_down_hours.into()),
                terminal: config.site.terminal.clone(),
            },
            None => Self {
                language: Language::default(),
                holidays: shipped_holidays()?,
                patience: SignedDuration::from_hours(24),
                terminal: "Gateway".into(),
            },
        })
    }
}

impl Site {
    /// The site of this box. Where it is served is said by [`Self::is_served`].
    pub(super) fn new(
        told: watch::Receiver<Arc<Told>>,
        boards: &Boards,
        standings: watch::Receiver<Standings>,
        restarter: Restarter,
        desk: Desk,
        state_directory: &Path,
        keeper: Keeper,
    ) -> Self {
        Self {
            restarter,
            results: boards.results.clone(),
            states: boards.states.subscribe(),
            figures: boards.figures.subscribe(),
            phones_wanted: boards.phones_wanted.subscribe(),
            phones_down: boards.phones_down.subscribe(),
            hub: events::Hub::new(),
            standings,
            desk,
            told,
            keeper,
            at: watch::channel(Web::default()).0,
            people: Store::of(state_directory),
            history: madoguchi::history::file(state_directory),
            sessions: sessions::Sessions::default(),
            enrolments: first_start::Enrolments::default(),
            keys: keys::Waiting::default(),
            throttle: throttle::Throttle::new(),
            bundles: support::Shown::default(),
            rate: rate::Rate::default(),
            one_at_a_time: Arc::new(Semaphore::new(1)),
        }
    }

    /// Where the last 30 days are.
    pub(super) fn history(&self) -> PathBuf {
        self.history.clone()
    }

    /// The pages are served here from now on.
    pub(super) fn is_served(&self, at: &Web) {
        self.at.send_replace(at.clone());
    }

    /// Whether the page is served over TLS.
    pub(super) fn secure(&self) -> bool {
        self.at.borrow().is_tls()
    }

    /// Whether browsers may reach the page by this name, beside any address.
    pub(super) fn is_called(&self, name: &str) -> bool {
        self.at.borrow().names.iter().any(|it| it.eq_ignore_ascii_case(name))
    }

    /// When the hospital's certificate of the page ends; nothing where the box made its own.
    pub(super) fn page_certificate_ends(&self) -> Option<(Timestamp, CertificateStage)> {
        let file = self.at.borrow().tls_certificate.clone()?;
        let now = Timestamp::now();
        let all = madoguchi_uplink::certificates_in(&file, now);
        let first = all.into_iter().flatten().min_by_key(|it| it.not_after)?;
        Some((first.not_after, CertificateStage::at(first.not_before, first.not_after, now)))
    }

    /// The first language, where nobody chose one.
    pub(super) fn language(&self) -> Language {
        self.told.borrow().language
    }

    /// The box's name, by which an authenticator tells it from others.
    pub(super) fn terminal(&self) -> String {
        self.told.borrow().terminal.clone()
    }

    /// What the gateway knows at this moment.
    pub(super) fn view<T>(&self, language: Language, read: impl FnOnce(&View<'_>) -> T) -> T {
        let told = self.told.borrow().clone();
        let states = self.states.borrow();
        let phones = phones::today(&self.phones_wanted.borrow(), &states);
        read(&View {
            language,
            states: &states,
            phones: phones.known_down_since(*self.phones_down.borrow()),
            standings: &self.standings.borrow(),
            figures: &self.figures.borrow(),
            holidays: &told.holidays,
            patience: told.patience,
            now: Timestamp::now(),
        })
    }

    /// While nobody can administer the box: a code that makes the first administrator. Each start has another one.
    pub(super) fn await_first_administrator(&mut self) -> Result<Option<Code>> {
        // A damaged file is no reason not to serve patients, nor one to let somebody new in.
        let register = self.people.read().inspect_err(|error| tracing::error!(%error, "people"));
        if register.map_or(true, |it| it.has_administrator()) {
            return Ok(None);
        }
        let code = Code::random().context("no random numbers")?;
        self.enrolments = first_start::Enrolments::awaiting(&code);
        Ok(Some(code))
    }

    /// Whether the console's code would still make the first administrator.
    pub(super) fn awaits_first_administrator(&self) -> bool {
        self.enrolments.first.is_some() && self.people.read().is_ok_and(|it| !it.has_administrator())
    }

    /// The session's cookie. Over TLS its name itself makes browsers refuse one that was set for other hosts or
    /// without TLS.
    pub(super) fn session_cookie(&self) -> &'static str {
        if self.secure() { "__Host-session" } else { "session" }
    }

    pub(super) fn enrolment_cookie(&self) -> &'static str {
        if self.secure() { "__Host-enrolment" } else { "enrolment" }
    }

    pub(super) fn key_cookie(&self) -> &'static str {
        if self.secure() { "__Host-key" } else { "key" }
    }

    /// A name by which browsers may reach the page, beside any address; the first of the configuration's.
    pub(super) fn name(&self) -> Option<String> {
        self.at.borrow().names.first().cloned()
    }

    /// Records in the audit log who did what.
    pub(super) fn record(&self, lane: Option<LaneId>, by: Author, act: PersonAct) {
        match &*self.desk.borrow() {
            Some(bus) => bus.record(lane, None, Entry::PersonDid(by, act)),
            None => tracing::warn!(?by, ?act, "not recorded: the gateway's actor has not started yet"),
        }
    }

    /// Counts a try to log in, or a program's with a token.
    pub(super) fn count_login(&self, accepted: bool) {
        if let Some(bus) = self.desk.borrow().as_ref() {
            bus.emit(&PageLogin { accepted });
        }
    }

    /// Records changes of the configuration that the gateway took back by itself, also before its actors had started.
    pub(super) async fn record_the_keeper(self: Arc<Self>) {
        let (mut keeper, mut desk) = (self.keeper.follow(), self.desk.clone());
        let (mut known, mut waiting) = (None, Vec::new());
        loop {
            let outcome = keeper.borrow_and_update().outcome.clone();
            if let Some(outcome) = outcome.filter(|it| known != Some(it.at)) {
                known = Some(outcome.at);
                waiting.extend(outcome.why.by_itself().then_some(outcome.number));
            }
            if let Some(bus) = &*desk.borrow_and_update() {
                for number in waiting.drain(..) {
                    bus.record(None, None, Entry::ConfigurationRolledBack(number));
                }
            }
            let changed = tokio::select! {
                changed = keeper.changed() => changed,
                changed = desk.changed() => changed,
            };
            if changed.is_err() {
                return;
            }
        }
    }

    /// Records what was done on the console, which can't reach the audit log itself, for as long as it is polled.
    pub(super) async fn record_the_console(self: Arc<Self>) {
        let mut tick = tokio::time::interval(CONSOLE);
        loop {
            tick.tick().await;
            let waits = self.people.read().is_ok_and(|it| !it.unrecorded.is_empty());
            if !waits || self.desk.borrow().is_none() {
                continue;
            }
            let taken = self.people.change(|it| Ok::<_, Infallible>(std::mem::take(&mut it.unrecorded)));
            match taken {
                Ok(Ok(deeds)) => {
                    deeds.into_iter().for_each(|Deed { by, act, .. }| self.record(None, by, act))
                }
                Err(error) => tracing::error!(%error, "people"),
            }
        }
    }
}
