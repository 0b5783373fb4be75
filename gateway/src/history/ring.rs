//! The file: a ring of points and a ring of days, each record in the place that its time gives it.
//!
//! Nothing moves and nothing grows: a record is written over the one of 30 days before. What a kill or a power cut left
//! torn is told by its check and missing in the charts; a file that is too short is made whole, and one of another
//! format is begun anew.

use super::point::{Point, Troubles};
use jiff::Timestamp;
use std::{
    fs::{DirBuilder, File, OpenOptions},
    io::{self, Read},
    os::unix::fs::{DirBuilderExt, FileExt, OpenOptionsExt},
    path::Path,
};

/// How many days are kept.
pub const DAYS: u32 = 30;
/// How many points that makes.
pub const POINTS: u32 = DAYS * 24 * 12;
/// Days of trouble: the present one is not over yet.
const TROUBLES: u32 = DAYS + 1;

/// What the file begins with; its last digit is the format's version.
const MAGIC: &[u8; 16] = b"MADOGUCHI-HIST-1";
const BYTES: u64 =
    MAGIC.len() as u64 + POINTS as u64 * Point::BYTES as u64 + TROUBLES as u64 * Troubles::BYTES as u64;

/// The file, open for writing. One writer: the gateway is alone on its state directory.
#[derive(Debug)]
pub struct Ring(File);

/// What is known of the last 30 days, the oldest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct History {
    /// Five minutes each; some may be missing.
    pub points: Vec<Point>,
    /// Days; some may be missing.
    pub troubles: Vec<Troubles>,
}

fn point_at(number: u32) -> u64 {
    MAGIC.len() as u64 + u64::from(number % POINTS) * Point::BYTES as u64
}

fn troubles_at(day: u32) -> u64 {
    point_at(0) + u64::from(POINTS) * Point::BYTES as u64 + u64::from(day % TROUBLES) * Troubles::BYTES as u64
}

impl Ring {
    /// Opens the file, and makes it where there is none of this format.
    ///
    /// # Errors
    /// The disk's.
    pub fn open(path: &Path) -> io::Result<Self> {
        if let Some(folder) = path.parent() {
            DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
        }
        let file =
            OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(path)?;
        let mut magic = [0; MAGIC.len()];
        let is_ours = file.read_exact_at(&mut magic, 0).is_ok() && magic == *MAGIC;
        if !is_ours {
            if file.metadata()?.len() > 0 {
                tracing::warn!(path = %path.display(), "the history is of another format or damaged; it is begun anew");
            }
            file.set_len(0)?;
        }
        // Holes read as zeros, which is no record.
        file.set_len(BYTES)?;
        if !is_ours {
            file.write_all_at(MAGIC, 0)?;
        }
        Ok(Self(file))
    }

    /// Writes a point, and the day's troubles so far, and has them reach the disk.
    ///
    /// # Errors
    /// The disk's.
    pub fn put(&self, point: &Point, troubles: &Troubles) -> io::Result<()> {
        self.0.write_all_at(&point.encode(), point_at(point.number))?;
        self.0.write_all_at(&troubles.encode(), troubles_at(troubles.day))?;
        self.0.sync_data()
    }

    /// The point of this number, as far as it was written; a new one where it was not.
    pub fn point(&self, number: u32) -> Point {
        let mut bytes = [0; Point::BYTES];
        let read = self.0.read_exact_at(&mut bytes, point_at(number)).ok();
        let found = read.and_then(|()| Point::decode(&bytes)).filter(|point| point.number == number);
        found.unwrap_or_else(|| Point::new(number))
    }

    /// The same for a day.
    pub fn troubles(&self, day: u32) -> Troubles {
        let mut bytes = vec![0; Troubles::BYTES];
        let read = self.0.read_exact_at(&mut bytes, troubles_at(day)).ok();
        let found = read.and_then(|()| Troubles::decode(&bytes)).filter(|troubles| troubles.day == day);
        found.unwrap_or_else(|| Troubles::new(day))
    }
}

/// What the file tells of the 30 days before `now`; nothing where there is no such file.
///
/// # Errors
/// The disk's.
pub fn read(path: &Path, now: Timestamp) -> io::Result<History> {
    let mut bytes = Vec::new();
    match File::open(path) {
        Ok(file) => file.take(BYTES).read_to_end(&mut bytes)?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(History::default()),
        Err(error) => return Err(error),
    };
    let Some(records) = bytes.strip_prefix(MAGIC) else { return Ok(History::default()) };
    let (points, troubles) = records.split_at((POINTS as usize * Point::BYTES).min(records.len()));
    let (newest, today) = (Point::number_at(now), Troubles::day_at(now));
    let recent =
        |number: u32, newest: u32, most: u32| number <= newest && number > newest.saturating_sub(most);
    let points = points.chunks(Point::BYTES).filter_map(Point::decode);
    let troubles = troubles.chunks(Troubles::BYTES).filter_map(Troubles::decode);
    let mut history = History {
        points: points.filter(|point| recent(point.number, newest, POINTS)).collect(),
        troubles: troubles.filter(|troubles| recent(troubles.day, today, TROUBLES)).collect(),
    };
    history.points.sort_by_key(|point| point.number);
    history.troubles.sort_by_key(|troubles| troubles.day);
    Ok(history)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn at(number: u32) -> Timestamp {
        Point::new(number).began()
    }

    fn point(number: u32, visits: u16) -> Point {
        Point { visits, ..Point::new(number) }
    }

    #[test]
    fn thirty_days_are_kept_and_the_file_never_grows() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("deep/history");
        let ring = Ring::open(&path).unwrap();
        let first = 5_987_000;
        let last = first + 2 * POINTS + 7;
        for number in first..=last {
            let day = Troubles::new(Troubles::day_at(at(number)));
            ring.0.write_all_at(&point(number, 1).encode(), point_at(number)).unwrap();
            ring.0.write_all_at(&day.encode(), troubles_at(day.day)).unwrap();
        }
        assert_eq!(fs::metadata(&path).unwrap().len(), BYTES);
        const { assert!(BYTES < 600_000) };
        let history = read(&path, at(last)).unwrap();
        let numbers: Vec<_> = history.points.iter().map(|point| point.number).collect();
        assert_eq!(numbers, (last - POINTS + 1..=last).collect::<Vec<_>>());
        assert_eq!(history.troubles.len(), TROUBLES as usize);
        // A clock that was set back a week shows what was before then.
        let week = 7 * 24 * 12;
        assert_eq!(read(&path, at(last - week)).unwrap().points.len(), (POINTS - week) as usize);
    }

    #[test]
    fn what_is_torn_is_missing_and_what_is_whole_stays() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("history");
        let ring = Ring::open(&path).unwrap();
        let number = 5_987_000;
        let today = Troubles::new(Troubles::day_at(at(number)));
        for point in [point(number, 1), point(number + 1, 2)] {
            ring.put(&point, &today).unwrap();
        }
        drop(ring);
        // Torn in the middle of the second one.
        let file = OpenOptions::new().write(true).open(&path).unwrap();
        file.write_all_at(&[0xff; 9], point_at(number + 1) + 20).unwrap();
        let ring = Ring::open(&path).unwrap();
        assert_eq!(ring.point(number), point(number, 1));
        assert_eq!(ring.point(number + 1), Point::new(number + 1), "begun anew");
        assert_eq!(read(&path, at(number + 1)).unwrap().points, [point(number, 1)]);
        // The end is cut off, in the middle of a record.
        fs::OpenOptions::new().write(true).open(&path).unwrap().set_len(point_at(number) + 60).unwrap();
        assert_eq!(read(&path, at(number + 1)).unwrap().points, [point(number, 1)]);
        Ring::open(&path).unwrap().put(&point(number + 1, 3), &today).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().len(), BYTES);
        assert_eq!(read(&path, at(number + 1)).unwrap().points, [point(number, 1), point(number + 1, 3)]);
    }

    #[test]
    fn another_format_and_no_file_are_no_history() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("history");
        assert_eq!(read(&path, at(9)).unwrap(), History::default());
        fs::write(&path, "something else").unwrap();
        assert_eq!(read(&path, at(9)).unwrap(), History::default());
        Ring::open(&path).unwrap();
        assert_eq!(fs::read(&path).unwrap()[..MAGIC.len()], *MAGIC);
    }
}
