//! Against guessing: delays that grow with failures, so that nobody can guess for long and nobody can lock others out.
//!
//! A name from one address waits longest; an address waits whatever names it tries; a name that is tried from many
//! addresses is only answered more slowly, so its owner, with the right words at another address, always gets in.
//! A failure is noted before the words are looked at and taken back when they are right: what comes at the same time
//! gains nothing.

use crate::people::Digest;
use std::{
    collections::HashMap,
    hash::Hash,
    net::IpAddr,
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

/// Failures of one name from one address that cost nothing.
const FREE_OF_PAIR: u32 = 3;
/// Failures of one address, whatever the names, that cost nothing: a whole reception may share one.
const FREE_OF_ADDRESS: u32 = 12;
/// Failures of one name from anywhere after which answers come more slowly.
const FREE_OF_NAME: u32 = 12;
/// The longest wait of a name at an address, and of an address.
const LONGEST: Duration = Duration::from_secs(15 * 60);
/// The longest that an answer is held back for a name.
const SLOWEST: Duration = Duration::from_secs(3);
/// After so long without a failure, those of before are forgotten.
const FORGOTTEN: Duration = Duration::from_secs(3600);
/// Of each kind; when there are more, the oldest are forgotten.
const MOST: usize = 4096;

/// Where somebody tries from: an address, of IPv6 the network that one subscriber has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Origin(Option<IpAddr>);

impl Origin {
    /// `None` for a Unix socket whose other end names nobody.
    pub(super) fn of(address: Option<IpAddr>) -> Self {
        Self(address.map(|address| match address.to_canonical() {
            IpAddr::V6(v6) => IpAddr::V6((u128::from(v6) & !u128::from(u64::MAX)).into()),
            v4 @ IpAddr::V4(_) => v4,
        }))
    }
}

#[derive(Clone, Copy, Debug)]
struct Tries {
    failures: u32,
    last: Instant,
}

struct Table<K>(HashMap<K, Tries>);

impl<K: Eq + Hash + Copy> Table<K> {
    fn of(&self, key: K, now: Instant) -> Tries {
        let found = self.0.get(&key).filter(|tries| now.duration_since(tries.last) < FORGOTTEN);
        found.copied().unwrap_or(Tries { failures: 0, last: now })
    }

    fn failed(&mut self, key: K, now: Instant) {
        let failures = self.of(key, now).failures.saturating_add(1);
        if self.0.len() >= MOST && !self.0.contains_key(&key) {
            self.0.retain(|_, tries| now.duration_since(tries.last) < FORGOTTEN);
            if self.0.len() >= MOST
                && let Some(oldest) = self.0.iter().min_by_key(|(_, tries)| tries.last).map(|(key, _)| *key)
            {
                self.0.remove(&oldest);
            }
        }
        self.0.insert(key, Tries { failures, last: now });
    }

    fn take_back(&mut self, key: K) {
        if let Some(tries) = self.0.get_mut(&key) {
            tries.failures = tries.failures.saturating_sub(1);
        }
    }
}

struct Tables {
    pairs: Table<(Digest, Origin)>,
    origins: Table<Origin>,
    names: Table<Digest>,
}

/// What has failed.
pub(super) struct Throttle(Mutex<Tables>);

/// One try that may go on; a failure unless it is said to be right.
#[derive(Debug)]
pub(super) struct Try {
    name: Digest,
    origin: Origin,
    /// How long its answer is to be held back, right or wrong.
    pub(super) held_back: Duration,
}

/// 1 s, doubled with each failure beyond those that are free.
fn wait(failures: u32, free: u32) -> Duration {
    match failures.checked_sub(free) {
        None | Some(0) => Duration::ZERO,
        Some(more) => Duration::from_secs(1_u64 << (more - 1).min(20)).min(LONGEST),
    }
}

impl Throttle {
    pub(super) fn new() -> Self {
        Self(Mutex::new(Tables {
            pairs: Table(HashMap::new()),
            origins: Table(HashMap::new()),
            names: Table(HashMap::new()),
        }))
    }

    fn tables(&self) -> MutexGuard<'_, Tables> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether somebody may try now, or else after how long. The name is kept as a digest only.
    pub(super) fn begin(&self, name: &str, origin: Origin, now: Instant) -> Result<Try, Duration> {
        let name = Digest::of(&name.trim().to_lowercase());
        let mut tables = self.tables();
        let (pair, address) = (tables.pairs.of((name, origin), now), tables.origins.of(origin, now));
        let left = |tries: Tries, free| {
            wait(tries.failures, free).saturating_sub(now.saturating_duration_since(tries.last))
        };
        let left = left(pair, FREE_OF_PAIR).max(left(address, FREE_OF_ADDRESS));
        if !left.is_zero() {
            return Err(left);
        }
        let slow = tables.names.of(name, now).failures.saturating_sub(FREE_OF_NAME).min(30);
        tables.pairs.failed((name, origin), now);
        tables.origins.failed(origin, now);
        tables.names.failed(name, now);
        Ok(Try { name, origin, held_back: (Duration::from_millis(100) * slow).min(SLOWEST) })
    }

    /// As if nobody had failed.
    #[cfg(test)]
    pub(super) fn forget(&self) {
        *self.tables() = Self::new().0.into_inner().unwrap_or_else(PoisonError::into_inner);
    }

    /// The words were right: what failed for this name at this address is forgotten.
    pub(super) fn was_right(&self, right: &Try) {
        let mut tables = self.tables();
        tables.pairs.0.remove(&(right.name, right.origin));
        tables.origins.take_back(right.origin);
        tables.names.take_back(right.name);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn origin(last: u8) -> Origin {
        Origin::of(Some(IpAddr::from([192, 0, 2, last])))
    }

    /// Fails as often as it may within `time`.
    fn guesses(throttle: &Throttle, name: &str, from: Origin, began: Instant, time: Duration) -> u32 {
        let (mut now, mut tried) = (began, 0);
        while now < began + time {
            match throttle.begin(name, from, now) {
                Ok(_) => tried += 1,
                Err(after) => now += after,
            }
        }
        tried
    }

    #[test]
    fn the_delay_grows_until_a_day_has_few_guesses() {
        let (throttle, now) = (Throttle::new(), Instant::now());
        let mut waits = Vec::new();
        let mut at = now;
        for _ in 0..8 {
            while throttle.begin("花子", origin(1), at).is_ok() {}
            let after = throttle.begin("花子", origin(1), at).err().unwrap();
            waits.push(after.as_secs());
            at += after;
        }
        assert_eq!(waits, [1, 2, 4, 8, 16, 32, 64, 128]);
        let a_day = guesses(&throttle, "花子", origin(1), at, Duration::from_secs(24 * 3600));
        assert!(a_day < 120, "{a_day}");
    }

    #[test]
    fn nobody_is_shut_out_by_guesses_from_elsewhere() {
        let (throttle, now) = (Throttle::new(), Instant::now());
        for attacker in 1..=200 {
            guesses(&throttle, "花子", origin(attacker), now, Duration::from_secs(60));
        }
        let owner = throttle.begin("花子", origin(250), now).expect("the owner may try at once");
        assert!(owner.held_back <= SLOWEST && !owner.held_back.is_zero());
        throttle.was_right(&owner);
        assert!(throttle.begin("花子", origin(1), now).is_err(), "the guesser still waits");
        assert!(throttle.begin("太郎", origin(251), now).ok().unwrap().held_back.is_zero());
    }

    #[test]
    fn trying_many_names_from_one_address_is_slow_as_well() {
        let (throttle, now) = (Throttle::new(), Instant::now());
        let tried = (0..1000).filter(|n| throttle.begin(&format!("n{n}"), origin(1), now).is_ok()).count();
        assert!(tried <= FREE_OF_ADDRESS as usize + 1, "{tried}");
        assert!(throttle.begin("n0", origin(2), now).is_ok(), "another address tries freely");
    }

    #[test]
    fn whoever_mistypes_now_and_then_never_waits() {
        let throttle = Throttle::new();
        let mut now = Instant::now();
        for _ in 0..100 {
            for wrong in [true, true, false] {
                let tried = throttle.begin("花子", origin(1), now).expect("no wait");
                if !wrong {
                    throttle.was_right(&tried);
                }
                now += Duration::from_secs(30);
            }
            now += Duration::from_secs(3600);
        }
    }

    #[test]
    fn what_is_remembered_is_bounded_and_one_subscriber_of_ipv6_is_one_address() {
        let (throttle, now) = (Throttle::new(), Instant::now());
        for n in 0..10_000_u32 {
            let from = Origin::of(Some(IpAddr::from(std::net::Ipv4Addr::from(n))));
            let _ = throttle.begin(&n.to_string(), from, now);
        }
        let tables = throttle.tables();
        assert!(
            tables.pairs.0.len() <= MOST && tables.origins.0.len() <= MOST && tables.names.0.len() <= MOST
        );
        let v6 = |text: &str| Origin::of(Some(text.parse().unwrap()));
        assert_eq!(v6("2001:db8:1:2::1"), v6("2001:db8:1:2:ffff::9"));
        assert_ne!(v6("2001:db8:1:2::1"), v6("2001:db8:1:3::1"));
        assert_eq!(v6("::ffff:192.0.2.1"), origin(1));
    }
}
