//! Tells strongSwan what to hold, follows what it reports, and gives each way its centre.
//!
//! What strongSwan's events say is only that something changed: what is true is read from its list of tunnels, at each
//! event and twice a second. So nothing gets out of step when an event is lost or the daemon restarts.

use super::{
    connection::{CHILD, name},
    loading::Loading,
    settings::{TunnelSettings, Vpn},
    tunnel::{Action, Backoff, Keeper, Tunnel, read},
};
use crate::{
    desk::Desk,
    https::HttpsCentre,
    settings::{Settings, SetupError},
    upkeep::Proven,
    vici::{Client, Message, ViciError},
};
use jiff::Timestamp;
use madoguchi_protocol::messages::line::Way;
use std::{
    collections::VecDeque,
    convert::Infallible,
    path::PathBuf,
    sync::{Arc, PoisonError},
    time::Duration,
};
use tokio::{
    sync::Notify,
    time::{Instant, MissedTickBehavior, interval, sleep},
};

/// How often the tunnels are looked at without an event.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// What tells that a tunnel came, went, or changed its keys.
const EVENTS: [&str; 4] = ["ike-updown", "child-updown", "ike-rekey", "child-rekey"];

/// Holds the tunnels.
pub struct Driver {
    socket: PathBuf,
    tunnels: Vec<Held>,
    settings: Settings,
    desk: Arc<Desk<HttpsCentre>>,
    /// Certificates were changed: they are to be loaded anew.
    reload: Arc<Notify>,
    /// What the centre is spoken with.
    proven: Proven,
    /// Tunnels that still stand with the certificates from before, the one in use last.
    renew: VecDeque<usize>,
    renew_since: Option<Timestamp>,
}

struct Held {
    at: usize,
    way: Way,
    settings: TunnelSettings,
    keeper: Keeper,
    seen: Tunnel,
    loading: Loading,
    /// Its files were changed and are not handed over yet.
    changed: bool,
}

#[derive(Debug, thiserror::Error)]
enum DriverError {
    #[error(transparent)]
    Vici(#[from] ViciError),
    #[error(transparent)]
    Setup(#[from] SetupError),
}

impl Driver {
    /// A driver for the settings' tunnels; none where strongSwan holds none.
    pub(crate) fn new(
        settings: &Settings,
        desk: Arc<Desk<HttpsCentre>>,
        reload: Arc<Notify>,
        proven: Proven,
    ) -> Option<Self> {
        let Vpn::Strongswan { socket, .. } = &settings.vpn else { return None };
        let tunnels = settings.vpn.tunnels().into_iter().enumerate();
        let tunnels = tunnels
            .map(|(at, (way, settings))| Held {
                at,
                way,
                settings: settings.clone(),
                keeper: Keeper::default(),
                seen: Tunnel::Down,
                loading: Loading::new(Instant::now()),
                changed: false,
            })
            .collect();
        Some(Self {
            socket: socket.clone(),
            tunnels,
            settings: settings.clone(),
            desk,
            reload,
            proven,
            renew: VecDeque::new(),
            renew_since: None,
        })
    }

    /// Goes on for ever.
    pub async fn run(mut self) {
        let mut pauses = Backoff::new(Duration::from_millis(200), Duration::from_secs(1));
        let mut said = String::new();
        loop {
            let Err(error) = self.session(&mut pauses).await;
            // A daemon that is away for an hour is one line in the log.
            let error = error.to_string();
            if error != said {
                tracing::error!(error, "the tunnels can't be looked after; trying again");
                said = error;
            }
            // Tunnels may outlive the daemon; whether they carry, the probes tell.
            sleep(pauses.next(chance())).await;
        }
    }

    async fn session(&mut self, pauses: &mut Backoff) -> Result<Infallible, DriverError> {
        let mut client = Client::connect(&self.socket).await?;
        for event in EVENTS {
            client.listen(event).await?;
        }
        self.tunnels.iter_mut().for_each(|held| held.loading.anew(Instant::now()));
        pauses.reset();
        let mut ticks = interval(LOOK_EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            self.load(&mut client).await?;
            self.look(&mut client).await?;
            self.renew(&mut client).await?;
            let reload = self.reload.clone();
            tokio::select! {
                _ = ticks.tick() => {}
                event = client.event() => {
                    let event = event?;
                    tracing::debug!(event, "strongSwan");
                }
                () = reload.notified() => {
                    for held in &mut self.tunnels {
                        held.loading.anew(Instant::now());
                        held.changed = true;
                    }
                    self.renew_since = Some(Timestamp::now());
                }
            }
        }
    }

    /// Hands over what is due. A tunnel whose changed files were taken is to be built anew with them.
    async fn load(&mut self, client: &mut Client) -> Result<(), DriverError> {
        let used = self.desk.ways().used();
        for held in &mut self.tunnels {
            let done = held.loading.load(client, held.way, &held.settings).await?;
            if !held.changed {
                continue;
            }
            if done {
                held.changed = false;
                self.renew.retain(|at| *at != held.at);
                if held.at == used { self.renew.push_back(held.at) } else { self.renew.push_front(held.at) }
            } else {
                self.desk.ways().amend(|report| report.not_taken = self.renew_since);
            }
        }
        Ok(())
    }

    async fn look(&mut self, client: &mut Client) -> Result<(), DriverError> {
        let items = client.ask_stream("list-sas", "list-sa", Message::new()).await?;
        for held in &mut self.tunnels {
            let tunnel = read(&items, name(held.way));
            if tunnel != held.seen {
                tracing::info!(line = held.way.name(), ?tunnel, "tunnel");
                held.seen = tunnel;
                let centre = match tunnel {
                    Tunnel::Up(inner) => {
                        let papers = self.proven.read().unwrap_or_else(PoisonError::into_inner).clone();
                        Some(HttpsCentre::with_papers(&self.settings, &papers, Some(inner))?)
                    }
                    _ => None,
                };
                self.desk.ways().replace(held.at, centre);
                self.desk.ways().tunnel(held.at, tunnel);
            }
            let silent = self.desk.ways().silent_since(held.at);
            match held.keeper.decide(tunnel, silent, Instant::now(), chance()) {
                Action::Nothing => {}
                Action::Build => {
                    held.loading.missing(&held.settings, Instant::now());
                    initiate(client, held.way).await?;
                }
                Action::TearDown => {
                    tracing::warn!(line = held.way.name(), "the tunnel is built anew");
                    terminate(client, held.way).await?;
                }
            }
        }
        Ok(())
    }
}

impl Driver {
    /// Has tunnels built anew with changed certificates, one after the other. The one in use goes last, and only when the
    /// centre is reached over another: a certificate that the gateways refuse costs the line that stands by, no visit.
    async fn renew(&mut self, client: &mut Client) -> Result<(), DriverError> {
        let Some(&at) = self.renew.front() else { return Ok(()) };
        let alone = self.tunnels.len() == 1;
        if !alone && at == self.desk.ways().used() && !self.desk.ways().another_reaches(at) {
            self.desk.ways().amend(|report| report.not_taken = self.renew_since);
            return Ok(());
        }
        self.renew.pop_front();
        if let Some(held) = self.tunnels.get(at) {
            tracing::info!(line = held.way.name(), "the tunnel is built anew with changed certificates");
            terminate(client, held.way).await?;
        }
        if self.renew.is_empty() && self.tunnels.iter().all(|held| !held.changed) {
            self.desk.ways().amend(|report| report.not_taken = None);
        }
        Ok(())
    }
}

async fn initiate(client: &mut Client, way: Way) -> Result<(), ViciError> {
    // -1: what comes of it is read from the list, not waited for.
    let message = Message::new()
        .with("ike", name(way))
        .with("child", CHILD)
        .with("timeout", "-1")
        .with("init-limits", "no");
    refusal_is_no_error(way, client.ask("initiate", message).await)
}

async fn terminate(client: &mut Client, way: Way) -> Result<(), ViciError> {
    // Forced, and without a timeout: a gateway that is silent can't agree to it, and the other line must not wait for it.
    let message = Message::new().with("ike", name(way)).with("force", "yes");
    refusal_is_no_error(way, client.ask("terminate", message).await)
}

/// strongSwan refuses what the list will show: a tunnel that is gone already, or can't be built now.
fn refusal_is_no_error(way: Way, outcome: Result<Message, ViciError>) -> Result<(), ViciError> {
    match outcome {
        Ok(_) => Ok(()),
        Err(ViciError::Refused { command, reason }) => {
            tracing::debug!(line = way.name(), command, reason, "strongSwan refuses");
            Ok(())
        }
        Err(error) => Err(error),
    }
}

/// From 0 to 1. Without randomness pauses are only longer.
fn chance() -> f64 {
    f64::from(getrandom::u32().unwrap_or(0)) / f64::from(u32::MAX)
}
