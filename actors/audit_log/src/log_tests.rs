//! Claims about the log on a real disk.

use proptest::prelude::*;

use super::*;
use crate::verify::{Report, Why, verify};

const NOON: &str = "2025-11-22T03:00:00Z";

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

struct Site {
    dir: tempfile::TempDir,
}

impl Site {
    fn new() -> Self {
        Self { dir: tempfile::tempdir().unwrap() }
    }
    fn settings(&self) -> Settings {
        Settings { max_bytes: 1500, days_kept: 30, ..Settings::new(self.dir.path().join("audit")) }
    }
    fn open(&self, now: &str) -> Log {
        Log::open(self.settings(), at(now)).unwrap()
    }
    fn files(&self) -> Vec<PathBuf> {
        files(&self.settings().folder).unwrap()
    }
    fn verify(&self) -> Result<Report, VerifyError> {
        verify(&self.settings().folder, None)
    }
    /// The first broken line: which file (from 0), which line, why.
    fn broken(&self) -> (usize, u64, Why) {
        let Err(VerifyError::Broken { file, line, why }) = self.verify() else {
            panic!("{:?}", self.verify());
        };
        let place = self.files().iter().position(|path| path.ends_with(&file)).unwrap();
        (place, line, why)
    }
    /// Changes the lines of a file.
    fn forge(&self, file: usize, change: impl FnOnce(&mut Vec<String>)) {
        let path = &self.files()[file];
        let mut lines: Vec<_> = fs::read_to_string(path).unwrap().lines().map(str::to_owned).collect();
        change(&mut lines);
        fs::write(path, lines.iter().map(|line| format!("{line}\n")).collect::<String>()).unwrap();
    }
}

fn record(log: &mut Log, now: &str, count: usize) {
    for _ in 0..count {
        let (lane, visit) = (LaneId::new(1).ok(), Some(VisitId::random()));
        let record =
            Record { id: Some(MessageId::random()), at: at(now), lane, visit, entry: Entry::VisitStarted };
        assert!(log.record(&record, at(now)).unwrap());
    }
}

#[test]
fn the_chain_goes_on_over_files_and_restarts() {
    let site = Site::new();
    record(&mut site.open(NOON), NOON, 7);
    record(&mut site.open(NOON), NOON, 7);
    record(&mut site.open("2025-11-23T03:00:00Z"), "2025-11-23T03:00:00Z", 1);
    assert!(site.files().len() >= 4, "a new file by size, and one by day: {:?}", site.files());
    let report = site.verify().unwrap();
    assert_eq!((report.first, report.last, report.torn), (1, 15, 0));
    assert_eq!(site.open(NOON).head(), (15, report.head));
}

#[test]
fn an_altered_added_missing_or_exchanged_line_is_named() {
    type Forgery = fn(&mut Vec<String>);
    let forgeries: [(Forgery, u64, Why); 5] = [
        (|lines| lines[1] = lines[1].replace("visit_started", "pin_refused"), 2, LineError::Altered.into()),
        (|lines| lines[1] = "{}".into(), 2, LineError::Malformed.into()),
        (|lines| drop(lines.remove(1)), 2, Why::NotInSequence),
        (|lines| lines.insert(1, lines[0].clone()), 2, Why::NotInSequence),
        (|lines| lines.swap(1, 2), 2, Why::NotInSequence),
    ];
    for (forge, line, why) in forgeries {
        let site = Site::new();
        record(&mut site.open(NOON), NOON, 8);
        site.verify().unwrap();
        site.forge(0, forge);
        assert_eq!(site.broken(), (0, line, why));
    }
}

#[test]
fn a_line_forged_with_a_fitting_hash_breaks_the_chain_after_it() {
    let site = Site::new();
    record(&mut site.open(NOON), NOON, 3);
    site.forge(0, |lines| {
        let (mut line, _) = Line::unseal(lines[1].as_bytes()).unwrap();
        line.what = What::Entry(Entry::PinRefused);
        lines[1] = String::from_utf8(line.seal().unwrap().0).unwrap().trim_end().to_owned();
    });
    assert_eq!(site.broken(), (0, 3, Why::NotInSequence));
}

#[test]
fn a_missing_file_is_noticed_wherever_it_was() {
    for gone in [0, 1] {
        let site = Site::new();
        record(&mut site.open(NOON), NOON, 14);
        fs::remove_file(&site.files()[gone]).unwrap();
        match gone {
            0 => assert!(matches!(site.verify(), Err(VerifyError::BeginningGone(_)))),
            _ => assert_eq!(site.broken(), (gone, 1, Why::NotInSequence)),
        }
    }
}

#[test]
fn an_end_that_was_cut_off_is_seen_against_a_head_noted_elsewhere() {
    let site = Site::new();
    let mut log = site.open(NOON);
    record(&mut log, NOON, 3);
    let noted = log.head();
    drop(log);
    let folder = site.settings().folder;
    verify(&folder, Some(noted)).unwrap();
    site.forge(0, |lines| drop(lines.pop()));
    verify(&folder, None).unwrap();
    assert!(matches!(verify(&folder, Some(noted)), Err(VerifyError::HeadGone(3))));
}

#[test]
fn a_torn_last_line_is_dropped_and_the_log_says_so() {
    let site = Site::new();
    record(&mut site.open(NOON), NOON, 2);
    let path = site.files().remove(0);
    let whole = fs::metadata(&path).unwrap().len();
    OpenOptions::new().append(true).open(&path).unwrap().write_all(b"{\"n\":3,\"at\":\"2025").unwrap();
    assert_eq!(site.verify().unwrap().torn, 17);
    let mut log = site.open(NOON);
    record(&mut log, NOON, 1);
    assert!(!log.is_broken() && fs::metadata(&path).unwrap().len() > whole);
    let report = site.verify().unwrap();
    assert_eq!((report.last, report.torn), (4, 0));
    assert!(fs::read_to_string(&path).unwrap().contains("{\"log\":{\"torn_line_dropped\":17}}"));
}

#[test]
fn a_file_torn_in_its_first_line_is_dropped_whole() {
    let site = Site::new();
    record(&mut site.open(NOON), NOON, 2);
    let next = site.settings().folder.join("audit-000000000003-20251123.jsonl");
    fs::write(&next, b"{\"n\":3").unwrap();
    record(&mut site.open(NOON), NOON, 1);
    assert!(!next.exists());
    assert_eq!(site.verify().unwrap().last, 4);
}

#[test]
fn a_broken_line_found_at_the_start_is_kept_for_examination_and_the_log_goes_on() {
    let site = Site::new();
    record(&mut site.open(NOON), NOON, 3);
    site.forge(0, |lines| lines[1] = "gone".into());
    let mut log = site.open(NOON);
    assert!(log.is_broken());
    record(&mut log, NOON, 1);
    drop(log);
    assert_eq!(site.broken(), (0, 2, LineError::Malformed.into()));
    assert_eq!(site.files().len(), 2);
    assert!(fs::read_to_string(&site.files()[1]).unwrap().contains("{\"broken_line_found\":2}"));
}

#[test]
fn a_repeated_message_is_written_once_also_after_a_restart() {
    let site = Site::new();
    let repeated = Record {
        id: Some(MessageId::random()),
        at: at(NOON),
        lane: None,
        visit: None,
        entry: Entry::GatewayStarted,
    };
    let mut log = site.open(NOON);
    assert!(log.record(&repeated, at(NOON)).unwrap());
    assert!(!log.record(&repeated, at(NOON)).unwrap());
    drop(log);
    assert!(!site.open(NOON).record(&repeated, at(NOON)).unwrap());
    assert_eq!(site.verify().unwrap().last, 1);
}

#[test]
fn files_are_removed_when_their_time_is_over_and_the_removal_is_on_record() {
    let site = Site::new();
    record(&mut site.open(NOON), NOON, 7);
    let mut log = site.open("2025-12-21T03:00:00Z");
    record(&mut log, "2025-12-21T03:00:00Z", 1);
    log.tidy(at("2025-12-22T03:00:00Z")).unwrap();
    assert_eq!(site.verify().unwrap().first, 1, "30 days are kept");
    log.tidy(at("2025-12-23T03:00:00Z")).unwrap();
    let report = site.verify().unwrap();
    assert_eq!((report.first, report.last, log.entries()), (8, 9, 2));
    fs::remove_file(&site.files()[0]).unwrap();
    assert!(site.verify().is_err());
}

#[test]
fn a_log_has_one_writer_at_a_time() {
    let site = Site::new();
    let log = site.open(NOON);
    assert!(matches!(Log::open(site.settings(), at(NOON)), Err(LogError::InUse(_))));
    drop(log);
    site.open(NOON);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn wherever_a_crash_cuts_the_last_file_the_log_opens_and_is_whole(cut in 0usize..1500) {
        let site = Site::new();
        record(&mut site.open(NOON), NOON, 6);
        let last = site.files().pop().unwrap();
        let bytes = fs::read(&last).unwrap();
        fs::write(&last, &bytes[..cut.min(bytes.len())]).unwrap();
        let mut log = site.open(NOON);
        record(&mut log, NOON, 1);
        prop_assert!(!log.is_broken());
        prop_assert!(site.verify().is_ok());
    }

    #[test]
    fn any_bytes_for_a_log_give_an_error_and_no_panic(bytes in proptest::collection::vec(any::<u8>(), 1..6000)) {
        let site = Site::new();
        fs::create_dir_all(site.settings().folder).unwrap();
        fs::write(site.settings().folder.join("audit-000000000001-20251122.jsonl"), &bytes).unwrap();
        let whole = bytes.contains(&b'\n') || bytes.len() >= crate::line::MAX_LINE;
        prop_assert_eq!(site.verify().is_err(), whole);
        record(&mut site.open(NOON), NOON, 1);
    }
}
