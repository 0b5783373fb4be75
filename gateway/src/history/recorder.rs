//! Makes points of what is seen second by second. Pure: sights and times come in as values.

use super::point::{ANSWER_MS, POINT_S, Point, Troubles};
use jiff::Timestamp;
use madoguchi_protocol::{
    Address, LaneId, VisitId,
    fault::{FaultCode, Scope},
    messages::{
        audit_log::VisitEnd,
        state::{Condition, Detail, EndedVisit, State},
    },
};
use std::collections::{BTreeMap, BTreeSet};

/// Longer than this between two looks was not watched: the box slept, or its clock was set.
const GAP_S: i64 = 10;

/// What one look at the states tells.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sight {
    /// Whether the centre answers.
    line_up: bool,
    /// Confirmations that wait.
    waiting: u64,
    /// Lanes that something is wrong with.
    troubled: BTreeSet<LaneId>,
    /// The visit that ended last at each lane.
    ended: BTreeMap<LaneId, Option<EndedVisit>>,
}

impl Sight {
    /// What these states tell.
    pub fn of<'a>(states: impl IntoIterator<Item = (&'a Address, &'a State)>) -> Self {
        let mut sight = Self::default();
        for (address, state) in states {
            let lasts = |code: FaultCode| code.scope() == Scope::Lane && code != FaultCode::Rehearsal;
            if let Some(lane) = address.lane
                && (state.condition != Condition::Running || state.faults.iter().any(|it| lasts(it.code)))
            {
                sight.troubled.insert(lane);
            }
            match (&state.detail, address.lane) {
                (Detail::Uplink { reachable, .. }, _) => sight.line_up = *reachable,
                (Detail::OfflineQueue { waiting, .. }, _) => sight.waiting = *waiting,
                (Detail::FaceReader { last_visit, .. }, Some(lane)) => {
                    sight.ended.insert(lane, *last_visit);
                }
                _ => {}
            }
        }
        sight
    }
}

/// Gathers the present five minutes and the present day.
#[derive(Debug)]
pub struct Recorder {
    point: Point,
    troubles: Troubles,
    looked: Option<Timestamp>,
    /// The last visit that was seen at each lane. What a lane tells first may be older than this program.
    seen: BTreeMap<LaneId, Option<VisitId>>,
}

impl Recorder {
    /// Goes on with what was written of the present five minutes and the present day.
    pub fn new(point: Point, troubles: Troubles) -> Self {
        Self { point, troubles, looked: None, seen: BTreeMap::new() }
    }

    /// Whether this moment is still of the present five minutes and of the present day.
    pub fn is_of(&self, now: Timestamp) -> bool {
        self.point.number == Point::number_at(now) && self.troubles.day == Troubles::day_at(now)
    }

    /// Goes on with other five minutes, and another day where that is over.
    pub fn turn(&mut self, point: Point, troubles: Troubles) {
        (self.point, self.troubles) = (point, troubles);
    }

    /// What is to be written.
    pub fn so_far(&self) -> (&Point, &Troubles) {
        (&self.point, &self.troubles)
    }

    /// A look at the states.
    pub fn look(&mut self, sight: &Sight, now: Timestamp) {
        let passed = self.looked.replace(now).map_or(0, |last| now.as_second() - last.as_second());
        if let Ok(seconds @ 1..) = u16::try_from(if passed <= GAP_S { passed } else { 0 }) {
            let most = u16::try_from(POINT_S).unwrap_or(u16::MAX);
            let point = &mut self.point;
            point.watched_s = point.watched_s.saturating_add(seconds).min(most);
            if sight.line_up {
                point.line_up_s = point.line_up_s.saturating_add(seconds).min(point.watched_s);
            }
            for lane in &sight.troubled {
                self.troubles.add(*lane, seconds.into());
            }
        }
        let waiting = u32::try_from(sight.waiting).unwrap_or(u32::MAX);
        self.point.waiting = self.point.waiting.max(waiting);
        for (lane, ended) in &sight.ended {
            let newest = ended.map(|ended| ended.visit);
            let before = self.seen.insert(*lane, newest);
            if let (Some(before), Some(ended)) = (before, ended)
                && before != newest
            {
                self.visit(ended);
            }
        }
    }

    fn visit(&mut self, ended: &EndedVisit) {
        let point = &mut self.point;
        let one_more = |count: &mut u16| *count = count.saturating_add(1);
        match ended.end {
            VisitEnd::Practised => return,
            VisitEnd::Deferred => one_more(&mut point.deferred),
            VisitEnd::Confirmed | VisitEnd::NotConfirmed(_) => {
                let place = ANSWER_MS.partition_point(|bound| *bound < ended.waited_ms);
                if let Some(count) = point.answers.get_mut(place) {
                    one_more(count);
                }
            }
            _ => {}
        }
        one_more(&mut point.visits);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use madoguchi_protocol::{ActorKind, evidence::Medium, messages::state::ActiveFault};

    const NOON: i64 = 1_764_558_000;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(NOON + second).unwrap()
    }

    fn recorder() -> Recorder {
        Recorder::new(Point::new(Point::number_at(at(0))), Troubles::new(Troubles::day_at(at(0))))
    }

    fn lane(number: u16) -> LaneId {
        LaneId::new(number).unwrap()
    }

    fn ended(number: u8, end: VisitEnd, waited_ms: u64) -> EndedVisit {
        let (visit, medium) = (VisitId::from_bytes([number; 16]), Some(Medium::Android));
        EndedVisit { visit, ended: at(0), end, medium, service_ms: waited_ms * 9, waited_ms }
    }

    fn after(visit: Option<EndedVisit>) -> Sight {
        Sight { ended: BTreeMap::from([(lane(1), visit)]), ..Sight::default() }
    }

    #[test]
    fn each_visit_counts_once_and_what_was_before_this_program_does_not() {
        let mut recorder = recorder();
        let visits = [
            ended(1, VisitEnd::Confirmed, 10),
            ended(2, VisitEnd::Confirmed, 100),
            ended(3, VisitEnd::Deferred, 8_000),
            ended(4, VisitEnd::Confirmed, 3_001),
            ended(5, VisitEnd::Abandoned, 0),
            ended(6, VisitEnd::Practised, 1),
        ];
        for (second, visit) in (0..).zip(visits) {
            recorder.look(&after(Some(visit)), at(second));
            recorder.look(&after(Some(visit)), at(second));
        }
        let (point, _) = recorder.so_far();
        assert_eq!((point.visits, point.deferred), (4, 1));
        let answers: Vec<_> = (0..).zip(point.answers).filter(|(_, count)| *count > 0).collect();
        assert_eq!(answers, [(0, 1), (9, 1)], "one within 100 ms, one within 5 s");
    }

    #[test]
    fn the_first_visit_of_a_lane_that_had_none_counts() {
        let mut recorder = recorder();
        recorder.look(&after(None), at(0));
        recorder.look(&after(Some(ended(1, VisitEnd::Confirmed, 10))), at(1));
        assert_eq!(recorder.so_far().0.visits, 1);
    }

    #[test]
    fn seconds_are_those_that_were_watched() {
        let mut recorder = recorder();
        let up = Sight { line_up: true, waiting: 7, ..Sight::default() };
        let down = Sight { troubled: BTreeSet::from([lane(3)]), ..Sight::default() };
        recorder.look(&up, at(0));
        (1..=60).for_each(|second| recorder.look(&up, at(second)));
        (61..=90).for_each(|second| recorder.look(&down, at(second)));
        // The clock is set, forth and back.
        recorder.look(&up, at(200));
        recorder.look(&up, at(100));
        let (point, troubles) = recorder.so_far();
        assert_eq!((point.watched_s, point.line_up_s, point.waiting), (90, 60, 7));
        assert_eq!(troubles.lanes().collect::<Vec<_>>(), [(lane(3), 30)]);
    }

    #[test]
    fn trouble_is_a_fault_of_a_lane_and_not_of_the_box_or_for_practice() {
        let state = |condition, code: Option<FaultCode>| State {
            condition,
            faults: code.into_iter().map(|code| ActiveFault { code, since: at(0) }).collect(),
            detail: Detail::None,
        };
        let running = Condition::Running;
        let of = |state: &State| {
            let address = Address::of_lane(ActorKind::NfcReader, lane(1));
            Sight::of([(&address, state)]).troubled.len()
        };
        assert_eq!(of(&state(running, None)), 0);
        assert_eq!(of(&state(running, Some(FaultCode::NfcReaderLost))), 1);
        assert_eq!(of(&state(running, Some(FaultCode::Rehearsal))), 0);
        assert_eq!(of(&state(running, Some(FaultCode::LineDown))), 0);
        assert_eq!(of(&state(Condition::Lost, None)), 1);
    }
}
