//! How often one address may ask: far more than people do, far less than would keep the page from others.

use super::throttle::Origin;
use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::Instant,
};

/// Requests a second that may go on for ever: a reception with many screens behind one address.
const STEADY: f64 = 100.0;
/// Requests that may come at once.
const AT_ONCE: f64 = 300.0;
/// Addresses that are remembered; when there are more, those that asked longest ago are forgotten.
const MOST: usize = 4096;

/// What each address has left.
#[derive(Default)]
pub(super) struct Rate(Mutex<HashMap<Origin, (f64, Instant)>>);

impl Rate {
    /// Whether this address may ask now.
    pub(super) fn allows(&self, origin: Origin, now: Instant) -> bool {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() >= MOST && !all.contains_key(&origin) {
            // Whoever has been quiet this long has all back anyhow.
            all.retain(|_, (_, last)| now.duration_since(*last).as_secs_f64() < AT_ONCE / STEADY);
            if all.len() >= MOST {
                all.clear();
            }
        }
        let (left, last) = all.get(&origin).copied().unwrap_or((AT_ONCE, now));
        let left = (left + now.saturating_duration_since(last).as_secs_f64() * STEADY).min(AT_ONCE);
        let allowed = left >= 1.0;
        all.insert(origin, (if allowed { left - 1.0 } else { left }, now));
        allowed
    }

    /// As if nobody had asked.
    #[cfg(test)]
    pub(super) fn forget(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{net::IpAddr, time::Duration};

    fn origin(number: u32) -> Origin {
        Origin::of(Some(IpAddr::from(std::net::Ipv4Addr::from(number))))
    }

    #[test]
    fn a_flood_from_one_address_is_cut_and_others_are_not_concerned() {
        let (rate, now) = (Rate::default(), Instant::now());
        let passed = (0..10_000).filter(|_| rate.allows(origin(1), now)).count();
        assert_eq!(passed, 300);
        assert!(rate.allows(origin(2), now));
        let in_a_second =
            (0..1000).filter(|n| rate.allows(origin(1), now + Duration::from_millis(*n))).count();
        assert!((95..=101).contains(&in_a_second), "{in_a_second}");
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let (rate, now) = (Rate::default(), Instant::now());
        for number in 0..20_000 {
            assert!(rate.allows(origin(number), now));
        }
        assert!(rate.0.lock().unwrap().len() <= MOST);
    }
}
