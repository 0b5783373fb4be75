//! What is kept of five minutes, and of each lane's day; each a record of a fixed length that says whether it is whole.

use jiff::{Timestamp, civil::Date};
use madoguchi_protocol::LaneId;
use madoguchi_reception::in_japan;
use sha2::{Digest, Sha256};

/// How long a point is, in seconds.
pub const POINT_S: i64 = 300;
/// Upper bounds of the time that patients waited for their answer, in milliseconds; what is longer stands in one place
/// more. 3 s is the promise.
pub const ANSWER_MS: [u64; 12] =
    [100, 250, 500, 750, 1_000, 1_500, 2_000, 2_500, 3_000, 5_000, 10_000, 30_000];
/// Lanes are numbered from 1 to 999.
pub const MOST_LANES: usize = 999;
/// What tells a whole record from a torn one.
const CHECK: usize = 4;

/// Five minutes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Point {
    /// Which: how many five minutes since 1970.
    pub number: u32,
    /// Seconds of it in which the gateway ran.
    pub watched_s: u16,
    /// Seconds of it in which the centre answered.
    pub line_up_s: u16,
    /// Visits that ended.
    pub visits: u16,
    /// Those of them that were deferred.
    pub deferred: u16,
    /// Most confirmations that waited.
    pub waiting: u32,
    /// Visits that were answered while the patient was there, by how long the patient waited: [`ANSWER_MS`].
    pub answers: [u16; ANSWER_MS.len() + 1],
}

/// For how many seconds of a day each lane was in trouble.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Troubles {
    /// Which day in Japan: how many since 1970.
    pub day: u32,
    /// By lane, lane 1 first.
    seconds: Vec<u32>,
}

/// The first bytes of a digest: enough against chance, and nobody attacks their own charts.
fn check(record: &[u8]) -> [u8; CHECK] {
    let digest = Sha256::digest(record);
    [digest[0], digest[1], digest[2], digest[3]]
}

fn sealed(mut record: Vec<u8>) -> Vec<u8> {
    let end = check(&record);
    record.extend(end);
    record
}

/// The record without its check, where it is whole. One that was never written is all zeros, and not whole.
fn opened(bytes: &[u8]) -> Option<&[u8]> {
    let (record, end) = bytes.split_at_checked(bytes.len().checked_sub(CHECK)?)?;
    (check(record) == *end).then_some(record)
}

fn u16_at(record: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_le_bytes(record.get(at..at + 2)?.try_into().ok()?))
}

fn u32_at(record: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(record.get(at..at + 4)?.try_into().ok()?))
}

impl Point {
    /// The length of its record.
    pub const BYTES: usize = 4 + 2 * 4 + 4 + 2 * (ANSWER_MS.len() + 1) + CHECK;

    /// Five minutes of which nothing is known yet.
    pub fn new(number: u32) -> Self {
        let answers = [0; ANSWER_MS.len() + 1];
        Self { number, watched_s: 0, line_up_s: 0, visits: 0, deferred: 0, waiting: 0, answers }
    }

    /// The number of the five minutes at this moment; before 1970 there were none.
    pub fn number_at(at: Timestamp) -> u32 {
        u32::try_from(at.as_second() / POINT_S).unwrap_or(0)
    }

    /// When they began.
    pub fn began(&self) -> Timestamp {
        Timestamp::from_second(i64::from(self.number) * POINT_S).unwrap_or(Timestamp::UNIX_EPOCH)
    }

    /// As it is written.
    pub fn encode(&self) -> Vec<u8> {
        let mut record = self.number.to_le_bytes().to_vec();
        for value in [self.watched_s, self.line_up_s, self.visits, self.deferred] {
            record.extend(value.to_le_bytes());
        }
        record.extend(self.waiting.to_le_bytes());
        self.answers.iter().for_each(|count| record.extend(count.to_le_bytes()));
        sealed(record)
    }

    /// As it was written; nothing where it is torn or was never written.
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        let record = opened(bytes).filter(|_| bytes.len() == Self::BYTES)?;
        let mut point = Self::new(u32_at(record, 0)?);
        point.watched_s = u16_at(record, 4)?;
        point.line_up_s = u16_at(record, 6)?;
        point.visits = u16_at(record, 8)?;
        point.deferred = u16_at(record, 10)?;
        point.waiting = u32_at(record, 12)?;
        for (place, count) in point.answers.iter_mut().enumerate() {
            *count = u16_at(record, 16 + 2 * place)?;
        }
        Some(point)
    }
}

impl Troubles {
    /// The length of its record.
    pub const BYTES: usize = 4 + 4 * MOST_LANES + CHECK;

    /// A day without trouble.
    pub fn new(day: u32) -> Self {
        Self { day, seconds: vec![0; MOST_LANES] }
    }

    /// The number of the day in Japan at this moment.
    pub fn day_at(at: Timestamp) -> u32 {
        let since = in_japan(at).date() - Date::constant(1970, 1, 1);
        u32::try_from(since.get_days()).unwrap_or(0)
    }

    /// The lane was in trouble for so many seconds more.
    pub fn add(&mut self, lane: LaneId, seconds: u32) {
        let place = usize::from(lane.number()).checked_sub(1).and_then(|at| self.seconds.get_mut(at));
        if let Some(sum) = place {
            *sum = sum.saturating_add(seconds);
        }
    }

    /// The lanes that were in trouble, with how many seconds.
    pub fn lanes(&self) -> impl Iterator<Item = (LaneId, u32)> {
        let all = (1_u16..).zip(&self.seconds).filter(|(_, seconds)| **seconds > 0);
        all.filter_map(|(number, seconds)| Some((LaneId::new(number).ok()?, *seconds)))
    }

    /// As it is written.
    pub fn encode(&self) -> Vec<u8> {
        let mut record = self.day.to_le_bytes().to_vec();
        self.seconds.iter().for_each(|seconds| record.extend(seconds.to_le_bytes()));
        sealed(record)
    }

    /// As it was written; nothing where it is torn or was never written.
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        let record = opened(bytes).filter(|_| bytes.len() == Self::BYTES)?;
        let mut day = Self::new(u32_at(record, 0)?);
        for (place, seconds) in day.seconds.iter_mut().enumerate() {
            *seconds = u32_at(record, 4 + 4 * place)?;
        }
        Some(day)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn point() -> Point {
        let mut point = Point::new(5_987_000);
        (point.watched_s, point.line_up_s, point.visits, point.deferred) = (300, 299, 12, 3);
        point.waiting = 70_000;
        point.answers[12] = 9;
        point
    }

    #[test]
    fn records_come_back_as_they_were_written_and_torn_ones_not_at_all() {
        let bytes = point().encode();
        assert_eq!(bytes.len(), Point::BYTES);
        assert_eq!(Point::decode(&bytes), Some(point()));
        let mut day = Troubles::new(20_787);
        day.add(LaneId::new(1).unwrap(), 60);
        day.add(LaneId::new(999).unwrap(), 90);
        assert_eq!(Troubles::decode(&day.encode()), Some(day.clone()));
        assert_eq!(
            day.lanes().map(|(lane, seconds)| (lane.number(), seconds)).collect::<Vec<_>>(),
            [(1, 60), (999, 90)]
        );
        for cut in 0..bytes.len() {
            assert_eq!(Point::decode(&bytes[..cut]), None);
            let mut torn = bytes.clone();
            torn[cut] ^= 1;
            assert_eq!(Point::decode(&torn), None, "byte {cut}");
        }
        assert_eq!(Point::decode(&[0; Point::BYTES]), None, "never written");
        assert_eq!(Troubles::decode(&[0; Troubles::BYTES]), None);
    }

    #[test]
    fn a_day_is_one_in_japan() {
        let day = |text: &str| Troubles::day_at(text.parse().unwrap());
        assert_eq!(day("2025-12-01T14:59:59Z") + 1, day("2025-12-01T15:00:00Z"));
        assert_eq!(day("1970-01-01T00:00:00Z"), 0);
    }
}
