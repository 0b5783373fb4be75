//! The supervisor: it rebuilds an actor that ended, from its factory and with fresh state.
//!
//! actix's own supervisor leaves an actor that panicked dead. Ours waits 1 s, doubling to 60 s; after five
//! failures within 60 s it says *gave up*, shows so, and tries again only every 60 s: a reader that was broken
//! may have been replaced. Each actor has an arbiter (a thread) of its own, so that one that blocks holds
//! nobody else. Single actors are let go and taken in while their neighbours work on, as the configuration changes.

use crate::{
    broker::Access,
    bus::Bus,
    connection::Connection,
    events::{ActorEnded, ActorStands, Happening},
    host::{self, BusActor, StartError, Wake},
    pulse::Pulse,
    tally::Tally,
};
use actix::Arbiter;
use madoguchi_protocol::{
    Address,
    messages::state::{Standing, SupervisedActor},
};
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::{
    sync::{oneshot, watch},
    task::JoinHandle,
    time::{Instant, sleep, timeout},
};

/// The pause after the first failure.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
/// The longest pause, and the one between attempts after giving up.
const LAST_PAUSE: Duration = Duration::from_secs(60);
/// So many failures within [`WINDOW`] are too many.
const TOO_MANY: usize = 5;
/// See [`TOO_MANY`].
const WINDOW: Duration = Duration::from_secs(60);
/// How long a stopping actor may take: the whole program has 5 s.
const PATIENCE: Duration = Duration::from_secs(3);

/// Failures of one actor, and what follows from them.
#[derive(Debug, Default)]
struct Failures {
    recent: Vec<Instant>,
    in_a_row: u32,
}

impl Failures {
    /// Notes a failure after `lived`; says how long to wait and whether to give up.
    fn note(&mut self, now: Instant, lived: Duration) -> (Duration, Standing) {
        self.in_a_row = if lived > WINDOW { 0 } else { self.in_a_row };
        self.recent.retain(|at| now.duration_since(*at) < WINDOW);
        self.recent.push(now);
        let pause = FIRST_PAUSE.saturating_mul(1 << self.in_a_row.min(6)).min(LAST_PAUSE);
        self.in_a_row += 1;
        if self.recent.len() >= TOO_MANY || pause >= LAST_PAUSE {
            (LAST_PAUSE, Standing::GaveUp)
        } else {
            (pause, Standing::Restarting)
        }
    }
}

/// Has actors of this process built anew when a person wants it; cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Restarter(Arc<Mutex<BTreeMap<Address, Wake>>>);

impl Restarter {
    /// Ends the actor in good order and builds it anew at once; one that is waited for, or was given up, is tried at
    /// once. Its neighbours do not notice. Says whether this process looks after it.
    pub fn restart(&self, address: Address) -> bool {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner).get(&address).cloned();
        known.inspect(|wake| wake.notify_one()).is_some()
    }

    fn forget(&self, address: Address) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&address);
    }

    fn know(&self, address: Address) -> Wake {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.entry(address).or_default().clone()
    }
}

/// How one life of an actor ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    /// It was told to stop.
    Stopped,
    /// A person wants it built anew.
    Wanted,
    /// It panicked, did not start, or stopped by itself.
    Failed,
}

type Standings = Arc<watch::Sender<BTreeMap<Address, SupervisedActor>>>;

/// What an actor is told about the end of its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Order {
    /// Work on.
    Stay,
    /// Stop in good order; another life of the same actor will follow, in this process or in the next.
    Stop,
    /// Stop in good order for good: the broker is not to keep a state of an actor that no longer exists.
    Leave,
}

/// Looks after actors until it is stopped.
#[derive(Debug)]
pub struct Supervisor {
    access: Access,
    standings: Standings,
    pulse: Pulse,
    restarter: Restarter,
    kept: BTreeMap<Address, Kept>,
}

/// An actor that is looked after.
#[derive(Debug)]
struct Kept {
    order: watch::Sender<Order>,
    task: JoinHandle<()>,
}

impl Kept {
    /// Gives the order and waits until it was followed, 3.5 s at most.
    async fn end(self, order: Order) {
        self.order.send_replace(order);
        let _ = timeout(PATIENCE + Duration::from_millis(500), self.task).await;
    }
}

impl Supervisor {
    /// A supervisor of actors on this broker. Call it inside an actix system.
    pub fn new(access: Access) -> Self {
        let standings = Arc::new(watch::channel(BTreeMap::new()).0);
        let restarter = Restarter::default();
        Self { access, standings, pulse: Pulse::default(), restarter, kept: BTreeMap::new() }
    }

    /// Actors that are looked after from now on find their broker here.
    pub fn move_to(&mut self, access: Access) {
        self.access = access;
    }

    /// How every actor stands, followed as it changes.
    pub fn standings(&self) -> watch::Receiver<BTreeMap<Address, SupervisedActor>> {
        self.standings.subscribe()
    }

    /// Feels whether the actors' threads answer.
    pub fn pulse(&self) -> Pulse {
        self.pulse.clone()
    }

    /// Builds actors anew when a person wants it.
    pub fn restarter(&self) -> Restarter {
        self.restarter.clone()
    }

    /// Starts an actor and looks after it. `factory` builds it anew each time.
    pub fn look_after<A, F>(&mut self, address: Address, factory: F)
    where
        A: BusActor,
        F: Fn(Bus) -> Result<A, StartError> + Send + Sync + 'static,
    {
        let (order, ordered) = watch::channel(Order::Stay);
        let watched = Watched {
            address,
            tally: Arc::new(Tally::new(address)),
            access: self.access.clone(),
            factory: Arc::new(factory),
            standings: self.standings.clone(),
            pulse: self.pulse.clone(),
            wake: self.restarter.know(address),
            order: ordered,
        };
        watched.show(Standing::Running, 0);
        // On the system's own thread: only there can arbiters be made.
        let task = actix::spawn(watched.run::<A>());
        if let Some(former) = self.kept.insert(address, Kept { order, task }) {
            // Two with one account would throw each other off the broker for ever.
            tracing::error!(actor = %address, "looked after twice; the former one is stopped");
            former.order.send_replace(Order::Stop);
        }
    }

    /// The actors that are looked after.
    pub fn actors(&self) -> Vec<Address> {
        self.kept.keys().copied().collect()
    }

    /// Stops one actor in good order and no longer looks after it; its neighbours notice nothing but its absence.
    /// `for_good` also takes back what the broker keeps of it: the actor no longer exists.
    pub async fn let_go(&mut self, address: Address, for_good: bool) {
        if let Some(kept) = self.kept.remove(&address) {
            kept.end(if for_good { Order::Leave } else { Order::Stop }).await;
            self.pulse.forget(address);
            self.restarter.forget(address);
            self.standings.send_modify(|all| {
                all.remove(&address);
            });
        }
    }

    /// Stops every actor in good order, within 3 s and a little.
    pub async fn stop(self) {
        for kept in self.kept.values() {
            kept.order.send_replace(Order::Stop);
        }
        for kept in self.kept.into_values() {
            kept.end(Order::Stop).await;
        }
    }
}

struct Watched<F> {
    address: Address,
    tally: Arc<Tally>,
    access: Access,
    factory: Arc<F>,
    standings: Standings,
    pulse: Pulse,
    wake: Wake,
    order: watch::Receiver<Order>,
}

impl<F> Watched<F> {
    fn show(&self, standing: Standing, restarts: u64) {
        ActorStands(standing).emit(&self.tally);
        let actor = SupervisedActor { address: self.address.to_string(), standing, restarts };
        self.standings.send_modify(|all| {
            all.insert(self.address, actor);
        });
    }

    async fn run<A>(mut self)
    where
        A: BusActor,
        F: Fn(Bus) -> Result<A, StartError> + Send + Sync + 'static,
    {
        let mut failures = Failures::default();
        let mut restarts = 0;
        loop {
            let began = Instant::now();
            let end = self.live::<A>().await;
            if end == End::Stopped {
                return;
            }
            restarts += 1;
            if end == End::Wanted {
                tracing::info!(actor = %self.address, restarts, "the actor is built anew, as wanted");
                failures = Failures::default();
                self.show(Standing::Running, restarts);
                continue;
            }
            let (pause, standing) = failures.note(Instant::now(), began.elapsed());
            ActorEnded { standing, pause, restarts }.emit(&self.tally);
            self.show(standing, restarts);
            // Somebody must say so while the actor itself can't: its figures are retained.
            let voice = Connection::open(&self.access, self.tally.clone());
            tokio::select! {
                () = sleep(pause) => {}
                () = self.wake.notified() => {}
                () = until_ordered(&mut self.order) => return,
            }
            drop(voice);
            if standing == Standing::Restarting {
                self.show(Standing::Running, restarts);
            }
        }
    }

    /// One life of the actor.
    async fn live<A>(&mut self) -> End
    where
        A: BusActor,
        F: Fn(Bus) -> Result<A, StartError> + Send + Sync + 'static,
    {
        let arbiter = Arbiter::new();
        self.pulse.follow(self.address, &arbiter);
        let (access, address, factory) = (self.access.clone(), self.address, self.factory.clone());
        let (tally, standings, wake) = (self.tally.clone(), self.standings.clone(), self.wake.clone());
        let mut order = self.order.clone();
        let (done, ended) = oneshot::channel();
        let life = async move {
            let mut end = End::Failed;
            match host::start::<A>(&access, tally.clone(), wake.clone(), |bus| factory(bus)) {
                Ok(mut hosted) => {
                    let back = tokio::spawn(mark_running_again(standings, tally));
                    tokio::select! {
                        _ = &mut hosted.ended => {}
                        () = until_ordered(&mut order) => end = End::Stopped,
                        () = wake.notified() => end = End::Wanted,
                    }
                    if end != End::Failed {
                        let leaves = *order.borrow() == Order::Leave;
                        hosted.stop(PATIENCE, leaves).await;
                    }
                    back.abort();
                }
                Err(error) => tracing::error!(actor = %address, error = %error, "the actor does not start"),
            }
            let _ = done.send(end);
        };
        arbiter.spawn(life);
        // A thread that dies without a word counts as a failure.
        let end = ended.await.unwrap_or(End::Failed);
        arbiter.stop();
        if *self.order.borrow() == Order::Stay { end } else { End::Stopped }
    }
}

/// Waits until the actor is to end.
async fn until_ordered(order: &mut watch::Receiver<Order>) {
    // A supervisor that is gone has stopped as well.
    let _ = order.wait_for(|order| *order != Order::Stay).await;
}

/// An actor that was given up and has now lived for a while is shown as running again.
async fn mark_running_again(standings: Standings, tally: Arc<Tally>) {
    sleep(Duration::from_secs(5)).await;
    ActorStands(Standing::Running).emit(&tally);
    standings.send_modify(|all| {
        if let Some(actor) = all.get_mut(&tally.address()) {
            actor.standing = Standing::Running;
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_and_five_failures_in_a_minute_give_up() {
        let mut failures = Failures::default();
        let start = Instant::now();
        let seen: Vec<_> =
            (0..5).map(|n| failures.note(start + Duration::from_secs(n), Duration::from_secs(1))).collect();
        let seconds: Vec<_> = seen.iter().map(|(pause, _)| pause.as_secs()).collect();
        assert_eq!(seconds, [1, 2, 4, 8, 60]);
        assert_eq!(seen[3].1, Standing::Restarting);
        assert_eq!(seen[4].1, Standing::GaveUp);
    }

    #[test]
    fn a_long_life_forgives() {
        let mut failures = Failures::default();
        let start = Instant::now();
        failures.note(start, Duration::from_secs(1));
        failures.note(start + Duration::from_secs(2), Duration::from_secs(1));
        let (pause, standing) = failures.note(start + Duration::from_secs(200), Duration::from_secs(190));
        assert_eq!((pause, standing), (FIRST_PAUSE, Standing::Restarting));
    }
}
