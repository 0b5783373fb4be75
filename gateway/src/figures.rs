//! The figures of each lane, gathered from the states on the bus and kept in memory, the newest of each: how long visits
//! took and how much of that patients waited, and which faults there were.

use jiff::Timestamp;
use madoguchi_protocol::{
    ActorKind, Address, LaneId, VisitId,
    evidence::Medium,
    fault::FaultCode,
    messages::{
        audit_log::VisitEnd,
        offline_queue::Settlement,
        state::{Detail, EndedVisit, State},
    },
};
use std::collections::{BTreeMap, VecDeque};

/// Visits kept for each lane: a busy counter's day.
pub const MOST_VISITS: usize = 200;
/// Faults kept for each lane, and for the box.
pub const MOST_FAULTS: usize = 30;

/// The figures of every lane; faults of the box stand under `None`.
#[derive(Clone, Debug, Default)]
pub struct Figures {
    lanes: BTreeMap<Option<LaneId>, LaneFigures>,
}

/// The figures of one lane, the oldest first.
#[derive(Clone, Debug, Default)]
pub struct LaneFigures {
    /// Visits that ended.
    pub visits: VecDeque<EndedVisit>,
    /// Faults that began.
    pub faults: VecDeque<PastFault>,
}

/// A fault that there was, or still is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PastFault {
    /// Which.
    pub code: FaultCode,
    /// Whose.
    pub of: ActorKind,
    /// When it began.
    pub began: Timestamp,
    /// When it ended, where it has.
    pub ended: Option<Timestamp>,
}

/// What a visit came to: said when it ends, and once more when the centre answers later.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LaneResult {
    /// The visit.
    pub visit: VisitId,
    /// Its lane.
    pub lane: LaneId,
    /// When.
    pub at: Timestamp,
    /// What was read.
    pub medium: Option<Medium>,
    /// What it came to.
    pub outcome: Outcome,
}

/// See [`LaneResult`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The visit ended.
    Ended(VisitEnd),
    /// The centre answered a visit that had been deferred.
    Settled(Settlement),
}

impl Figures {
    /// Takes a state into account. Gives the lane's newest result where the state tells one that was not known: not
    /// for the first state of a lane, which may be older than this program.
    pub fn see(&mut self, of: Address, state: &State, at: Timestamp) -> Option<LaneResult> {
        let is_new_lane = !self.lanes.contains_key(&of.lane);
        let figures = self.lanes.entry(of.lane).or_default();
        figures.faults(of.kind, state, at);
        let (Detail::FaceReader { last_visit: Some(ended), .. }, Some(lane)) = (&state.detail, of.lane)
        else {
            return None;
        };
        if !figures.visit(ended) || is_new_lane {
            return None;
        }
        let EndedVisit { visit, ended: at, medium, end, .. } = *ended;
        Some(LaneResult { visit, lane, at, medium, outcome: Outcome::Ended(end) })
    }

    /// The figures of a lane, or of the box.
    pub fn of(&self, lane: Option<LaneId>) -> Option<&LaneFigures> {
        self.lanes.get(&lane)
    }
}

impl LaneFigures {
    /// Notes a visit; says whether it is new.
    fn visit(&mut self, ended: &EndedVisit) -> bool {
        if self.visits.back().is_some_and(|last| last.visit == ended.visit) {
            return false;
        }
        push(&mut self.visits, *ended, MOST_VISITS);
        true
    }

    fn faults(&mut self, of: ActorKind, state: &State, at: Timestamp) {
        for past in self.faults.iter_mut().filter(|past| past.of == of && past.ended.is_none()) {
            if !state.faults.iter().any(|fault| fault.code == past.code) {
                past.ended = Some(at);
            }
        }
        for fault in &state.faults {
            let lasts = |past: &PastFault| past.of == of && past.code == fault.code && past.ended.is_none();
            if !self.faults.iter().any(lasts) {
                let fault = PastFault { code: fault.code, of, began: fault.since, ended: None };
                push(&mut self.faults, fault, MOST_FAULTS);
            }
        }
    }

    /// Half of the visits took no longer, and nine in ten: `(service, waiting)` in milliseconds each.
    pub fn typical(&self) -> Option<(Typical, Typical)> {
        let of = |figure: fn(&EndedVisit) -> u64| Typical::of(self.visits.iter().map(figure).collect());
        Some((of(|visit| visit.service_ms)?, of(|visit| visit.waited_ms)?))
    }
}

/// Two figures that say more than a mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Typical {
    /// Half are at most this.
    pub half: u64,
    /// Nine in ten are at most this.
    pub nine_in_ten: u64,
}

impl Typical {
    fn of(mut all: Vec<u64>) -> Option<Self> {
        all.sort_unstable();
        let at = |tenths: usize| all.get((all.len() * tenths).div_ceil(10).saturating_sub(1)).copied();
        Some(Self { half: at(5)?, nine_in_ten: at(9)? })
    }
}

fn push<T>(all: &mut VecDeque<T>, newest: T, most: usize) {
    if all.len() >= most {
        all.pop_front();
    }
    all.push_back(newest);
}

#[cfg(test)]
mod tests {
    use super::*;
    use madoguchi_protocol::messages::state::{ActiveFault, Condition};

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_767_572_400 + second).unwrap()
    }

    fn lane(number: u16) -> LaneId {
        LaneId::new(number).unwrap()
    }

    fn reader(last_visit: Option<EndedVisit>, faults: &[(FaultCode, i64)]) -> State {
        let faults =
            faults.iter().map(|(code, since)| ActiveFault { code: *code, since: at(*since) }).collect();
        let detail = Detail::FaceReader {
            connected: true,
            reader: None,
            phones_offered: true,
            phones_since: None,
            phones_unmet: Vec::new(),
            visit: None,
            rehearsal: None,
            visits_ended: 0,
            links_refused: 0,
            last_visit,
        };
        State { condition: Condition::Running, faults, detail }
    }

    fn ended(number: u8, service_ms: u64) -> EndedVisit {
        EndedVisit {
            visit: VisitId::from_bytes([number; 16]),
            ended: at(number.into()),
            end: VisitEnd::Confirmed,
            medium: Some(Medium::Android),
            service_ms,
            waited_ms: service_ms / 10,
        }
    }

    #[test]
    fn each_visit_is_a_result_once_and_what_was_before_this_program_is_none() {
        let mut figures = Figures::default();
        let reader_1 = Address::of_lane(ActorKind::FaceReader, lane(1));
        let mut see = |visit| figures.see(reader_1, &reader(Some(visit), &[]), at(100)).map(|r| r.visit);
        assert_eq!(see(ended(1, 1000)), None, "it may have ended before this program began");
        assert_eq!(see(ended(2, 1000)), Some(VisitId::from_bytes([2; 16])));
        assert_eq!(see(ended(2, 1000)), None, "said again");
        assert_eq!(figures.of(Some(lane(1))).unwrap().visits.len(), 2);
    }

    #[test]
    fn what_is_kept_is_bounded_and_the_newest() {
        let mut lane = LaneFigures::default();
        for number in 0..=250 {
            lane.visit(&ended(number, 1000));
            let faults: &[_] = if number % 2 == 0 { &[(FaultCode::FaceReaderLost, 0)] } else { &[] };
            lane.faults(ActorKind::FaceReader, &reader(None, faults), at(number.into()));
        }
        assert_eq!((lane.visits.len(), lane.faults.len()), (MOST_VISITS, MOST_FAULTS));
        assert_eq!(lane.visits.back().unwrap().ended, at(250));
    }

    #[test]
    fn a_fault_has_its_beginning_and_its_end_and_each_device_its_own() {
        let mut figures = Figures::default();
        let [face, nfc] =
            [ActorKind::FaceReader, ActorKind::NfcReader].map(|kind| Address::of_lane(kind, lane(1)));
        figures.see(nfc, &reader(None, &[(FaultCode::NfcReaderLost, 5)]), at(5));
        figures.see(face, &reader(None, &[]), at(6));
        figures.see(nfc, &reader(None, &[(FaultCode::NfcReaderLost, 5)]), at(7));
        figures.see(nfc, &reader(None, &[]), at(9));
        let faults: Vec<_> = figures.of(Some(lane(1))).unwrap().faults.iter().copied().collect();
        let (code, of) = (FaultCode::NfcReaderLost, ActorKind::NfcReader);
        assert_eq!(faults, [PastFault { code, of, began: at(5), ended: Some(at(9)) }]);
    }

    #[test]
    fn typical_figures_are_ones_that_there_were() {
        let mut lane = LaneFigures::default();
        assert_eq!(lane.typical(), None);
        for number in 1..=10 {
            lane.visit(&ended(number, u64::from(number) * 1000));
        }
        let (service, waited) = lane.typical().unwrap();
        assert_eq!(service, Typical { half: 5000, nine_in_ten: 9000 });
        assert_eq!(waited, Typical { half: 500, nine_in_ten: 900 });
    }
}
