//! Which of the lines is used. Pure.

use madoguchi_protocol::messages::line::Stage;
use std::time::Duration;

/// What the choice is made from: one line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// How far it has got.
    pub stage: Stage,
    /// For how long.
    pub steady: Duration,
}

/// The line to use, by its place among the `candidates` (the first is the primary), where `used` is used now.
///
/// A line over which the centre answers is left only for a better one: for one over which it answers always when it
/// does so here only now and then; and for the primary, once that has been well for `settle`, so that a primary that
/// flaps does not take the requests with it each time. A line that no longer reaches the centre is left at once for
/// any that does, however short a time it has.
pub fn choose(candidates: &[Candidate], used: usize, settle: Duration) -> usize {
    let rank = |at: usize| -> Option<(Stage, std::cmp::Reverse<usize>)> {
        let candidate = candidates.get(at)?;
        candidate.stage.reaches().then_some((candidate.stage, std::cmp::Reverse(at)))
    };
    let best = (0..candidates.len()).max_by_key(|at| rank(*at));
    match (best, rank(used)) {
        // Nothing reaches the centre: requests go on trying where they did.
        (Some(best), None) if rank(best).is_some() => best,
        (Some(best), Some(_)) if best != used && rank(best) > rank(used) => {
            if candidates.get(best).is_some_and(|it| it.steady >= settle) { best } else { used }
        }
        _ if used < candidates.len() => used,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const SETTLE: Duration = Duration::from_secs(10);

    fn at(stage: Stage, seconds: u64) -> Candidate {
        Candidate { stage, steady: Duration::from_secs(seconds) }
    }

    #[test]
    fn a_line_that_fails_is_left_at_once_and_the_primary_is_taken_up_again_when_it_has_settled() {
        use Stage::{CentreReachable as Well, Degraded, Down, TunnelUp};
        let choose = |primary, second, used| choose(&[primary, second], used, SETTLE);
        assert_eq!(choose(at(Well, 0), at(Well, 99), 0), 0);
        assert_eq!(choose(at(TunnelUp, 0), at(Well, 0), 0), 1, "cut");
        assert_eq!(choose(at(Well, 9), at(Well, 99), 1), 1, "not yet");
        assert_eq!(choose(at(Well, 10), at(Well, 99), 1), 0, "back");
        assert_eq!(choose(at(Well, 0), at(Down, 0), 1), 0, "no time to settle");
        assert_eq!(choose(at(Down, 99), at(Down, 99), 1), 1, "nowhere to go");
        assert_eq!(choose(at(Degraded, 0), at(Well, 30), 0), 1, "the better one");
        assert_eq!(choose(at(Degraded, 99), at(Degraded, 99), 0), 0, "no better");
    }

    proptest! {
        #[test]
        fn a_line_that_reaches_the_centre_is_never_passed_over_for_one_that_does_not(
            all in prop::collection::vec((prop::sample::select(Stage::ALL.as_slice()), 0_u64..60), 1..3),
            used in 0_usize..3,
        ) {
            let candidates: Vec<_> = all.into_iter().map(|(stage, seconds)| at(stage, seconds)).collect();
            let chosen = choose(&candidates, used, SETTLE);
            prop_assert!(chosen < candidates.len());
            let any = candidates.iter().any(|it| it.stage.reaches());
            prop_assert_eq!(candidates[chosen].stage.reaches(), any);
            prop_assert_eq!(choose(&candidates, chosen, SETTLE), chosen, "a choice stands until something changes");
        }
    }
}
