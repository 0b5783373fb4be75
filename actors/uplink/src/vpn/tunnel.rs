//! What strongSwan reports of a tunnel, and what is to be done about it. Pure: times come in as values.

use crate::vici::Message;
use std::{net::IpAddr, time::Duration};
use tokio::time::Instant;

/// A negotiation that goes on for longer is begun anew.
const NEGOTIATION: Duration = Duration::from_secs(8);
/// With the tunnel up and the centre silent for so long, the tunnel is built anew: the gateway may have forgotten it.
const SILENT: Duration = Duration::from_millis(1_000);

/// A tunnel, as strongSwan reports it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tunnel {
    /// There is none.
    Down,
    /// It is being negotiated.
    Connecting,
    /// It is there, with the box's address inside it.
    Up(IpAddr),
}

/// Reads one connection's tunnel from the items of `list-sas`.
pub fn read(items: &[Message], name: &str) -> Tunnel {
    let mut connecting = false;
    for ike in items.iter().filter_map(|item| item.section(name)) {
        let state = ike.text("state").unwrap_or_default();
        // While its keys are changed there are two of each for a moment, and the old one still carries.
        let mut inner = ike.texts("local-vips").into_iter().find_map(|text| text.parse().ok());
        let children = ike.section("child-sas");
        for (_, child) in children.into_iter().flat_map(Message::sections) {
            if !matches!(child.text("state"), Some("INSTALLED" | "REKEYING" | "REKEYED")) {
                continue;
            }
            if inner.is_none() {
                inner =
                    child.texts("local-ts").into_iter().find_map(|text| text.split('/').next()?.parse().ok());
            }
            if let Some(inner) = inner {
                return Tunnel::Up(inner);
            }
        }
        connecting |= !matches!(state, "DELETING" | "DESTROYING");
    }
    if connecting { Tunnel::Connecting } else { Tunnel::Down }
}

/// What is to be done about a tunnel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Nothing.
    Nothing,
    /// Build it.
    Build,
    /// Forget what there is, so that it is built anew.
    TearDown,
}

/// Looks after one tunnel.
#[derive(Clone, Debug)]
pub struct Keeper {
    pauses: Backoff,
    /// Between two buildings anew because of silence: a dead centre behind a sound tunnel must not bring a storm.
    silences: Backoff,
    /// Not before.
    build_at: Option<Instant>,
    rebuild_at: Option<Instant>,
    connecting_since: Option<Instant>,
}

impl Default for Keeper {
    fn default() -> Self {
        Self {
            // A gateway that comes back is to be found within two seconds.
            pauses: Backoff::new(Duration::from_millis(100), Duration::from_secs(1)),
            silences: Backoff::new(Duration::from_secs(4), Duration::from_secs(60)),
            build_at: None,
            rebuild_at: None,
            connecting_since: None,
        }
    }
}

impl Keeper {
    /// Decides. `silent_since` is when the centre stopped answering over this tunnel; `chance` is from 0 to 1.
    pub fn decide(
        &mut self,
        tunnel: Tunnel,
        silent_since: Option<Instant>,
        now: Instant,
        chance: f64,
    ) -> Action {
        if tunnel != Tunnel::Connecting {
            self.connecting_since = None;
        }
        match tunnel {
            Tunnel::Down if self.build_at.is_none_or(|at| at <= now) => {
                self.build_at = Some(now + self.pauses.next(chance));
                Action::Build
            }
            Tunnel::Down => Action::Nothing,
            Tunnel::Connecting => {
                let since = *self.connecting_since.get_or_insert(now);
                if now.saturating_duration_since(since) < NEGOTIATION {
                    return Action::Nothing;
                }
                self.connecting_since = None;
                Action::TearDown
            }
            Tunnel::Up(_) => {
                self.pauses.reset();
                self.build_at = None;
                let Some(since) = silent_since else {
                    self.silences.reset();
                    self.rebuild_at = None;
                    return Action::Nothing;
                };
                let due = self.rebuild_at.unwrap_or(since + SILENT);
                if due > now {
                    return Action::Nothing;
                }
                self.rebuild_at = Some(now + self.silences.next(chance));
                Action::TearDown
            }
        }
    }
}

/// Pauses that double up to a cap, each shortened by up to a half at random, so that many boxes don't knock in step.
#[derive(Clone, Debug)]
pub struct Backoff {
    first: Duration,
    cap: Duration,
    next: Duration,
}

impl Backoff {
    /// Begins with `first`; no pause is longer than `cap`.
    pub fn new(first: Duration, cap: Duration) -> Self {
        let first = first.min(cap);
        Self { first, cap, next: first }
    }

    /// The next pause. `chance` is from 0 to 1; what lies outside counts as the nearer of the two.
    pub fn next(&mut self, chance: f64) -> Duration {
        let pause = self.next;
        self.next = pause.saturating_mul(2).min(self.cap);
        // NaN counts as 0.
        let chance = if chance.is_nan() { 0.0 } else { chance.clamp(0.0, 1.0) };
        pause.mul_f64(1.0 - chance / 2.0).min(self.cap)
    }

    /// Begins anew: all went well.
    pub fn reset(&mut self) {
        self.next = self.first;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn sa(state: &str, child: Option<&str>, vips: &[&str]) -> Vec<Message> {
        let ike = Message::new().with("state", state).with_list("local-vips", vips.iter().copied());
        let children = match child {
            Some(state) => {
                let child = Message::new().with("state", state).with_list("local-ts", ["10.98.1.7/32"]);
                Message::new().with_section("centre-1", child)
            }
            None => Message::new(),
        };
        vec![Message::new().with_section("madoguchi-primary", ike.with_section("child-sas", children))]
    }

    #[test]
    fn a_tunnel_is_up_with_its_child_and_not_before() {
        let read = |items: &[Message]| read(items, "madoguchi-primary");
        assert_eq!(read(&[]), Tunnel::Down);
        assert_eq!(read(&sa("CONNECTING", None, &[])), Tunnel::Connecting);
        assert_eq!(read(&sa("ESTABLISHED", None, &["10.98.1.1"])), Tunnel::Connecting);
        assert_eq!(read(&sa("DELETING", None, &[])), Tunnel::Down);
        let up = Tunnel::Up("10.98.1.1".parse().unwrap());
        assert_eq!(read(&sa("ESTABLISHED", Some("INSTALLED"), &["10.98.1.1"])), up);
        assert_eq!(read(&sa("REKEYING", Some("REKEYING"), &["10.98.1.1"])), up, "while the keys are changed");
        let agreed = Tunnel::Up("10.98.1.7".parse().unwrap());
        assert_eq!(read(&sa("ESTABLISHED", Some("INSTALLED"), &[])), agreed, "an address that was agreed");
        assert_eq!(super::read(&sa("ESTABLISHED", Some("INSTALLED"), &[]), "madoguchi-second"), Tunnel::Down);
    }

    #[test]
    fn a_tunnel_that_is_not_there_is_built_at_once_and_then_within_a_second_for_ever() {
        let (mut keeper, zero) = (Keeper::default(), Instant::now());
        assert_eq!(keeper.decide(Tunnel::Down, None, zero, 0.0), Action::Build);
        let mut last = zero;
        for tick in 1..600 {
            let now = zero + Duration::from_millis(tick * 100);
            if keeper.decide(Tunnel::Down, None, now, 0.0) == Action::Build {
                assert!(now - last <= Duration::from_millis(1_100), "{:?}", now - last);
                last = now;
            }
        }
        assert!(last > zero + Duration::from_secs(58));
    }

    #[test]
    fn silence_over_a_tunnel_that_is_up_builds_it_anew_ever_more_seldom() {
        let (mut keeper, zero) = (Keeper::default(), Instant::now());
        let up = Tunnel::Up([10, 98, 1, 1].into());
        let mut built = vec![];
        for tick in 0..1_800 {
            let now = zero + Duration::from_millis(tick * 100);
            if keeper.decide(up, Some(zero), now, 0.0) == Action::TearDown {
                built.push((now - zero).as_millis() / 100);
            }
        }
        assert_eq!(built, [10, 50, 130, 290, 610, 1_210], "in tenths of a second");
        assert_eq!(keeper.decide(up, None, zero + Duration::from_secs(200), 0.0), Action::Nothing);
    }

    #[test]
    fn a_negotiation_without_end_is_begun_anew() {
        let (mut keeper, zero) = (Keeper::default(), Instant::now());
        assert_eq!(keeper.decide(Tunnel::Connecting, None, zero, 0.0), Action::Nothing);
        assert_eq!(keeper.decide(Tunnel::Connecting, None, zero + NEGOTIATION, 0.0), Action::TearDown);
    }

    proptest! {
        #[test]
        fn no_pause_is_over_the_cap_and_none_below_half_of_the_first(
            first in 1_u64..100_000, cap in 1_u64..100_000, chances in prop::collection::vec(any::<f64>(), 1..100),
        ) {
            let (first, cap) = (Duration::from_millis(first), Duration::from_millis(cap));
            let mut backoff = Backoff::new(first, cap);
            for chance in chances {
                let pause = backoff.next(chance);
                prop_assert!(pause <= cap);
                prop_assert!(pause >= first.min(cap) / 2);
            }
            backoff.reset();
            prop_assert_eq!(backoff.next(0.0), first.min(cap));
        }
    }
}
