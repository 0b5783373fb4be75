//! What has to be looked after while the gateway runs: certificate files that change, certificates that end, the clock.
//!
//! Changed files are taken up by themselves, when a connection with them was answered by the centre, and never before:
//! until then everything goes on with what was read last (but for a list that revokes the centre's own certificate).
//! Requests under way end on the connections that they are on, so no visit is lost by a change.

use crate::{
    centre::{EligibilityCentre, Failure, NotSent},
    certificates::terms,
    clock::{self, Clock},
    desk::Desk,
    https::HttpsCentre,
    settings::{Settings, ms},
    tls::Papers,
};
use jiff::Timestamp;
use std::{
    os::unix::fs::MetadataExt,
    path::PathBuf,
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};
use tokio::{
    sync::Notify,
    time::{Instant, MissedTickBehavior, interval},
};

/// How often the files are looked at.
const LOOK_EVERY: Duration = Duration::from_secs(2);
/// How often the ends of certificates and the clock are looked at, in looks.
const REPORT_EVERY: u32 = 15;

/// The certificates that the centre has answered to; every new connection is made with them.
pub(crate) type Proven = Arc<RwLock<Papers>>;

/// See the module.
pub(crate) struct Upkeep {
    pub settings: Settings,
    pub desk: Arc<Desk<HttpsCentre>>,
    pub proven: Proven,
    /// Told when the tunnels' certificates changed.
    pub reload: Arc<Notify>,
}

/// What tells that a file was changed: size, time of change in nanoseconds, and the file itself.
type Mark = Option<(u64, i64, i64, u64)>;

fn marks(files: &[PathBuf]) -> Vec<Mark> {
    let mark = |file: &PathBuf| {
        let data = std::fs::metadata(file).ok()?;
        Some((data.len(), data.mtime(), data.mtime_nsec(), data.ino()))
    };
    files.iter().map(mark).collect()
}

/// What came of trying new files.
#[derive(Debug, PartialEq, Eq)]
enum Proof {
    /// The centre answered.
    Taken,
    /// There is no line to prove them over now.
    NoLine,
    /// They can't be used, for this reason.
    Refused(String),
}

impl Upkeep {
    /// Goes on for ever.
    pub(crate) async fn run(self) {
        let (line, tunnels) = (line_files(&self.settings), tunnel_files(&self.settings));
        let (mut line_seen, mut tunnels_seen) = (marks(&line), marks(&tunnels));
        let mut clock = Clock::new(Instant::now());
        let mut untaken = None;
        let mut said = String::new();
        let mut looks = 0_u32;
        let mut ticks = interval(LOOK_EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            let now = marks(&line);
            // Once more after a change: two files are seldom changed in the same instant.
            let changed = now != line_seen;
            line_seen = now;
            if changed {
                untaken.get_or_insert(Timestamp::now());
            } else if untaken.is_some() {
                match self.prove().await {
                    Proof::Taken => {
                        tracing::info!("changed certificate files are proven and taken up");
                        untaken = None;
                        said.clear();
                        self.desk.ways().amend(|report| report.not_taken = None);
                    }
                    Proof::NoLine => {}
                    Proof::Refused(why) => {
                        self.desk.ways().amend(|report| report.not_taken = untaken);
                        if said != why {
                            tracing::error!(why, "changed certificate files are not taken up");
                            said = why;
                        }
                    }
                }
            }
            let now = marks(&tunnels);
            let tunnels_changed = now != tunnels_seen;
            if tunnels_changed {
                tunnels_seen = now;
                self.reload.notify_one();
            }
            if looks.is_multiple_of(REPORT_EVERY) || changed || tunnels_changed {
                let tracking = clock::ask().await;
                if let Err(error) = &tracking {
                    tracing::debug!(%error, "clock");
                }
                let clock = clock.judge(tracking.ok(), Instant::now());
                let terms = terms(&self.settings, Timestamp::now());
                self.desk.ways().amend(|report| (report.clock, report.certificates) = (Some(clock), terms));
            }
            looks = looks.wrapping_add(1);
        }
    }

    /// Tries the files as they are now over every way that has a centre, and uses them from then on where one answers.
    async fn prove(&self) -> Proof {
        let papers = match Papers::read(&self.settings) {
            Ok(papers) => papers,
            Err(error) => return Proof::Refused(error.to_string()),
        };
        let ways = self.desk.ways();
        let mut refused = None;
        let mut proven = false;
        for at in 0..ways.count() {
            let Some(centre) = ways.centre(at) else { continue };
            let tried = match HttpsCentre::with_papers(&self.settings, &papers, centre.source()) {
                Ok(tried) => tried,
                Err(error) => return Proof::Refused(error.to_string()),
            };
            match tried.alive(ms(self.settings.connect_ms)).await {
                Ok(()) => proven = true,
                // A list that says so is proof enough: to go on with the one from before would be to trust a centre that
                // its own authority no longer vouches for.
                Err(Failure::NotSent(NotSent::Revoked)) => {
                    tracing::error!("the centre's certificate is revoked");
                    proven = true;
                }
                Err(Failure::NotSent(NotSent::Tls(why))) => refused = Some(why),
                Err(failure) => {
                    tracing::debug!(%failure, "new certificates can't be proven over this line now")
                }
            }
        }
        if !proven {
            return refused.map_or(Proof::NoLine, Proof::Refused);
        }
        // First for the ways that come up later.
        *self.proven.write().unwrap_or_else(PoisonError::into_inner) = papers.clone();
        for at in 0..ways.count() {
            let Some(centre) = ways.centre(at) else { continue };
            match HttpsCentre::with_papers(&self.settings, &papers, centre.source()) {
                Ok(fresh) => ways.replace(at, Some(fresh)),
                Err(error) => return Proof::Refused(error.to_string()),
            }
        }
        Proof::Taken
    }
}

fn line_files(settings: &Settings) -> Vec<PathBuf> {
    let secret = settings.token.as_ref().map_or(&settings.key, |token| &token.pin_file);
    let own = [&settings.certificate, secret];
    own.into_iter().chain(&settings.ca).chain(&settings.crl).cloned().collect()
}

fn tunnel_files(settings: &Settings) -> Vec<PathBuf> {
    let files = settings.vpn.tunnels().into_iter().flat_map(|(_, tunnel)| {
        let secret = tunnel.token.as_ref().map_or(&tunnel.key, |token| &token.pin_file);
        [&tunnel.certificate, secret].into_iter().chain(&tunnel.ca).chain(&tunnel.crl).cloned()
    });
    files.collect()
}
