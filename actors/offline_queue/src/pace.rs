//! How many records are worked on at once, and when one that failed is tried again.
//!
//! There are two kinds of failure. Where the way is shut (no line, no folder), everything behind it would fail
//! too: the backlog rests, a single record tries the way after a pause, and the first success opens it for all.
//! A visit whose patient still waits is tried once in any case. Where only one record failed, that one waits.

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use crate::store::{Due, Header, Kind, Millis, RecordId};

/// Records that wait singly at most; with more of them the way counts as shut.
const MOST_WAITING: usize = 128;

/// How a try ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tried {
    /// It is through: the way is open.
    Through,
    /// The way is shut.
    Shut,
    /// This one failed, which says nothing about the others.
    Failed,
    /// It is out of the line for good, which says nothing about the others either.
    Gone,
}

/// One kind of work: what is in hand, what waits, and whether the way is open.
#[derive(Debug)]
pub struct Pace {
    kind: Kind,
    most: usize,
    per_lane: usize,
    pauses: (Duration, Duration),
    in_hand: HashMap<RecordId, u16>,
    waiting: HashMap<RecordId, Waiting>,
    shut: u32,
    rests_until: Option<Instant>,
    after_lane: u16,
}

#[derive(Clone, Copy, Debug)]
struct Waiting {
    lane: u16,
    tries: u32,
    until: Instant,
}

impl Pace {
    /// At most `most` at once and `per_lane` of one lane; pauses from the first to the longest.
    pub fn new(kind: Kind, most: usize, per_lane: usize, pauses: (Duration, Duration)) -> Self {
        Self {
            kind,
            most: most.max(1),
            per_lane: per_lane.max(1),
            pauses,
            in_hand: HashMap::new(),
            waiting: HashMap::new(),
            shut: 0,
            rests_until: None,
            after_lane: 0,
        }
    }

    /// What to ask the store for now; `None` when there is no room.
    pub fn wants(&self, now: Instant, live_since: Millis) -> Option<Due> {
        let room = self.most.checked_sub(self.in_hand.len()).filter(|room| *room > 0)?;
        // With the way shut, one record of the backlog at a time finds out whether it is open again.
        let resting =
            self.shut > 0 && (self.rests_until.is_some_and(|until| now < until) || !self.in_hand.is_empty());
        let limit = if self.shut > 0 && !resting { 1 } else { room };
        let waiting = self.waiting.iter().filter(|(_, waiting)| now < waiting.until);
        Some(Due {
            kind: self.kind,
            live_since,
            limit,
            per_lane: self.per_lane,
            in_hand: self.in_hand.iter().map(|(id, lane)| (*lane, *id)).collect(),
            waiting: waiting.map(|(id, waiting)| (waiting.lane, *id)).collect(),
            live_only: resting,
            after_lane: self.after_lane,
        })
    }

    /// A record is taken in hand.
    pub fn take(&mut self, header: &Header) {
        self.in_hand.insert(header.id, header.lane);
        self.after_lane = header.lane;
    }

    /// Whether this one may be taken in hand without asking the store: the way is open, there is room, and it is
    /// not in hand already.
    pub fn has_room_for(&self, id: RecordId) -> bool {
        self.shut == 0 && self.in_hand.len() < self.most && !self.in_hand.contains_key(&id)
    }

    /// A try has ended. `jitter` from 0 to 1 spreads the next ones.
    pub fn ended(&mut self, id: RecordId, tried: Tried, now: Instant, jitter: f64) {
        let lane = self.in_hand.remove(&id);
        match tried {
            Tried::Through => {
                self.waiting.remove(&id);
                self.open();
            }
            Tried::Shut => {
                // Those in hand together fail together: that is one failure, not many.
                if self.rests_until.is_none_or(|until| until <= now) {
                    self.shut = self.shut.saturating_add(1);
                    self.rests_until = Some(now + self.pause(self.shut, jitter));
                }
                // Otherwise a live visit would be tried over and over while the way is shut.
                self.wait(id, lane, now, jitter);
            }
            Tried::Failed => self.wait(id, lane, now, jitter),
            Tried::Gone => {
                self.waiting.remove(&id);
            }
        }
    }

    fn wait(&mut self, id: RecordId, lane: Option<u16>, now: Instant, jitter: f64) {
        let tries = self.waiting.get(&id).map_or(0, |waiting| waiting.tries).saturating_add(1);
        if self.waiting.len() >= MOST_WAITING && !self.waiting.contains_key(&id) {
            // Whoever waits longest anyway has the least to lose by being forgotten here.
            self.shut = self.shut.max(1);
            self.rests_until = Some(now + self.pause(self.shut, jitter));
            if let Some(last) =
                self.waiting.iter().max_by_key(|(_, waiting)| waiting.until).map(|(id, _)| *id)
            {
                self.waiting.remove(&last);
            }
        }
        if let Some(lane) = lane {
            let until = now + self.pause(tries, jitter);
            self.waiting.insert(id, Waiting { lane, tries, until });
        }
    }

    /// The way is known to be open: everything may be tried at once.
    pub fn open(&mut self) {
        if self.shut > 0 {
            self.shut = 0;
            self.rests_until = None;
            self.waiting.clear();
        }
    }

    /// When there may be something to do without anything having happened.
    pub fn wakes(&self, now: Instant) -> Option<Instant> {
        let rest = self.rests_until.filter(|_| self.shut > 0);
        let waiting = self.waiting.values().map(|waiting| waiting.until);
        waiting.chain(rest).filter(|at| *at > now).min()
    }

    /// Twice as long with each try, up to the longest, and up to a quarter more or less.
    fn pause(&self, tries: u32, jitter: f64) -> Duration {
        let (first, longest) = self.pauses;
        let doubled = first.saturating_mul(1u32 << tries.saturating_sub(1).min(16)).min(longest);
        doubled.mul_f64(0.75 + jitter.clamp(0.0, 1.0) / 2.0)
    }
}

/// A number from 0 to 1 for the pauses; where the system gives none, the middle.
pub fn jitter() -> f64 {
    let mut byte = [0u8; 1];
    getrandom::fill(&mut byte).map_or(0.5, |()| f64::from(byte[0]) / 255.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Stage;

    const FIRST: Duration = Duration::from_millis(100);
    const LONGEST: Duration = Duration::from_secs(1);

    fn pace() -> Pace {
        Pace::new(Kind::Ask, 4, 2, (FIRST, LONGEST))
    }

    fn header(number: u8, lane: u16) -> Header {
        Header {
            id: RecordId([number; 16]),
            lane,
            stage: Stage::Accepted,
            accepted_at: 0,
            changed_at: 0,
            bytes: 0,
            outcome: None,
            set_aside: None,
        }
    }

    fn id(number: u8) -> RecordId {
        RecordId([number; 16])
    }

    #[test]
    fn no_more_are_in_hand_than_allowed() {
        let now = Instant::now();
        let mut pace = pace();
        for number in 0..4 {
            assert_eq!(pace.wants(now, 0).unwrap().limit, 4 - usize::from(number));
            pace.take(&header(number, 1));
        }
        assert!(pace.wants(now, 0).is_none());
        assert!(!pace.has_room_for(id(9)));
        pace.ended(id(0), Tried::Through, now, 0.5);
        assert_eq!(pace.wants(now, 0).unwrap().limit, 1);
        assert!(pace.has_room_for(id(9)));
        assert!(!pace.has_room_for(id(1)), "nothing is taken in hand twice");
    }

    #[test]
    fn where_the_way_is_shut_the_backlog_rests_and_one_record_tries_it() {
        let now = Instant::now();
        let mut pace = pace();
        pace.take(&header(1, 1));
        pace.take(&header(2, 2));
        pace.ended(id(1), Tried::Shut, now, 0.5);
        pace.ended(id(2), Tried::Shut, now, 0.5);
        assert!(pace.wants(now, 0).unwrap().live_only, "live visits are still tried");
        assert_eq!(pace.wakes(now), Some(now + FIRST), "two that failed together are one failure");
        let later = now + FIRST;
        let probe = pace.wants(later, 0).unwrap();
        assert_eq!((probe.limit, probe.live_only), (1, false));
        pace.take(&header(1, 1));
        assert!(pace.wants(later, 0).unwrap().live_only, "while one tries, the others rest");
        pace.ended(id(1), Tried::Through, later, 0.5);
        let open = pace.wants(later, 0).unwrap();
        assert_eq!((open.limit, open.live_only, open.waiting.len()), (4, false, 0));
    }

    #[test]
    fn a_live_visit_is_tried_once_while_the_way_is_shut_and_not_over_and_over() {
        let now = Instant::now();
        let mut pace = pace();
        pace.take(&header(1, 1));
        pace.ended(id(1), Tried::Shut, now, 0.5);
        assert_eq!(pace.wants(now, 0).unwrap().waiting, [(1, id(1))]);
    }

    #[test]
    fn one_record_that_fails_waits_and_holds_nobody_up() {
        let now = Instant::now();
        let mut pace = pace();
        pace.take(&header(1, 1));
        pace.ended(id(1), Tried::Failed, now, 0.5);
        let due = pace.wants(now, 0).unwrap();
        assert_eq!((due.limit, due.live_only), (4, false));
        assert_eq!(due.waiting, [(1, id(1))]);
        assert!(pace.wants(now + FIRST, 0).unwrap().waiting.is_empty());
    }

    #[test]
    fn pauses_double_up_to_the_longest_and_are_spread() {
        let pace = pace();
        assert_eq!(pace.pause(1, 0.5), FIRST);
        assert_eq!(pace.pause(3, 0.5), FIRST * 4);
        assert_eq!(pace.pause(99, 0.5), LONGEST);
        assert!(pace.pause(99, 1.0) <= LONGEST.mul_f64(1.25));
        assert!(pace.pause(1, 0.0) < pace.pause(1, 1.0));
    }

    #[test]
    fn what_waits_singly_is_bounded() {
        let now = Instant::now();
        let mut pace = Pace::new(Kind::Ask, 1, 1, (FIRST, LONGEST));
        for number in 0..1000u16 {
            let mut header = header(0, 1);
            header.id.0[..2].copy_from_slice(&number.to_be_bytes());
            pace.take(&header);
            pace.ended(header.id, Tried::Failed, now, 0.5);
        }
        assert!(pace.waiting.len() <= MOST_WAITING);
        assert!(pace.wants(now, 0).unwrap().live_only, "so many failures are a way that is shut");
    }
}
