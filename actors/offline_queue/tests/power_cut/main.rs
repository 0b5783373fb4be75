//! Power cuts: everything that the store writes in a run is recorded, and the disk that a cut may leave at each
//! point of it is put together, opened and judged. `POWER_CUT.md` says what is modelled and what is not.
//!
//! `MADOGUCHI_POWER_CUT_SECONDS` makes it go on with new runs and new chances for so long (`make soak`).
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a failed unwrap is a failed test")]

#[path = "../common/mod.rs"]
mod common;
mod disk;
mod trace;

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use common::{config_at, due, id};
use disk::{Chance, Cut, Disk, Tree};
use madoguchi_offline_queue::store::{Acceptance, Kind, Resealing, Stage, Step, Store, StoreError};
use trace::Event;

const CHILD: &str = "MADOGUCHI_QUEUE_POWER_CHILD";
const SECONDS: &str = "MADOGUCHI_POWER_CUT_SECONDS";
/// Each test's share of a normal run.
const USUAL: Duration = Duration::from_secs(15);
const CALLERS: u32 = 4;
const EACH: u32 = 9;
/// The caller whose lane rehearses.
const REHEARSING: u32 = 3;

/// Sizes from a few bytes to several pages.
fn request(number: u32) -> Vec<u8> {
    number.to_be_bytes().repeat([5, 300, 1600][number as usize % 3])
}

fn is_practice(number: u32) -> bool {
    number >> 8 == REHEARSING
}

/// A rehearsal that ends with every third confirmation.
async fn practise(store: &Store, number: u32, n: u32) {
    let accepted = store.practise(id(number), REHEARSING as u16, request(number), 1).await.unwrap();
    assert_eq!(accepted, Acceptance::New);
    println!("practised {number}");
    if n % 3 == 2 {
        for (header, _) in store.practised(BTreeSet::new(), 32).await.unwrap() {
            store.settle(header.id, 4).await.unwrap();
        }
        println!("settled {number}");
    }
}

/// A new key, everything sealed anew with it in small steps, the old one dropped.
async fn rotate(store: &Store) {
    store.rotate_key().await.unwrap();
    let mut pass = Resealing::default();
    while !pass.done {
        pass = store.reseal(pass, 4).await.unwrap();
    }
    store.drop_old_keys().await.unwrap();
}

/// What the process is made to do while it is recorded; it prints what was acknowledged.
fn child(directory: &Path) {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let store = Store::open(&config_at(directory)).unwrap().0;
        let mut callers = tokio::task::JoinSet::new();
        for caller in 0..CALLERS {
            let store = store.clone();
            callers.spawn(async move {
                for n in 0..EACH {
                    let number = caller << 8 | n;
                    if caller == REHEARSING {
                        practise(&store, number, n).await;
                        continue;
                    }
                    let accepted = store.accept(id(number), caller as u16, request(number), 1).await.unwrap();
                    assert_eq!(accepted, Acceptance::New);
                    println!("accepted {number}");
                    if caller == 0 && n % 3 == 1 {
                        rotate(&store).await;
                    }
                    if n % 2 == 0 {
                        assert_eq!(store.answer(id(number), 1, vec![9; 500], 2).await.unwrap(), Step::Done);
                        println!("answered {number}");
                    }
                    if n % 4 == 0 {
                        store.deliver(id(number), 3).await.unwrap();
                        store.settle(id(number), 4).await.unwrap();
                        println!("settled {number}");
                    }
                    if n % 5 == 4 {
                        // Days later, so that settled ids move to the long memory and the log is emptied.
                        store.tidy(1 << 30).await.unwrap();
                    }
                }
            });
        }
        while let Some(done) = callers.join_next().await {
            done.unwrap();
        }
        store.close().await;
    });
}

/// A run of the child, written down by strace; `test` is the test that plays the child.
fn record(test: &str) -> (PathBuf, Vec<Event>) {
    let place = tempfile::tempdir().unwrap();
    let (root, recording) = (place.path().join("disk"), place.path().join("recording"));
    std::fs::create_dir(&root).unwrap();
    let run = Command::new("strace")
        .args(["-f", "-qq", "-y", "-xx", "-s", "1000000", "-e"])
        .arg(format!("trace={}", trace::CALLS))
        .arg("-o")
        .arg(&recording)
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", test, "--nocapture"])
        .env(CHILD, &root)
        .stdout(Stdio::null())
        .output()
        .expect("strace is needed for this test; install the package strace");
    assert!(run.status.success(), "the run failed: {}", String::from_utf8_lossy(&run.stderr));
    let events = trace::read(&std::fs::read_to_string(recording).unwrap(), &root);
    (root, events)
}

/// A test's own part: the child's where it was started as such.
fn is_child() -> bool {
    let Some(directory) = std::env::var_os(CHILD) else { return false };
    child(Path::new(&directory));
    true
}

/// How long this test may go on.
fn allowed() -> Duration {
    std::env::var(SECONDS).map_or(USUAL, |text| Duration::from_secs(text.parse().unwrap()))
}

/// What was acknowledged, each record with the furthest stage.
type Promises = BTreeMap<u32, Stage>;

fn hear(promises: &mut Promises, said: &str) {
    let Some((stage, number)) = said.split_once(' ') else { return };
    let stage = match stage {
        "accepted" => Stage::Accepted,
        "answered" => Stage::Answered,
        "settled" => Stage::Settled,
        "practised" => Stage::Practice,
        // The test program's own words.
        _ => return,
    };
    promises.insert(number.parse().unwrap(), stage);
}

/// Puts a tree into a directory that no disk slows down, where there is one.
fn lay_out(tree: &Tree) -> tempfile::TempDir {
    let memory = Path::new("/dev/shm");
    let place = if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() }.unwrap();
    for (path, contents) in tree {
        let path = place.path().join(path);
        match contents {
            None => std::fs::create_dir(path).unwrap(),
            Some(contents) => {
                std::fs::write(&path, contents).unwrap();
                let mode = std::os::unix::fs::PermissionsExt::from_mode(0o600);
                std::fs::set_permissions(&path, mode).unwrap();
            }
        }
    }
    place
}

/// Opens what a cut left; says what is wrong with it.
fn judge(tree: &Tree, promises: &Promises) -> Result<(), String> {
    let place = lay_out(tree);
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        let failed = |what: &'static str| move |error: StoreError| format!("{what}: {error}");
        let (store, _) = Store::open(&config_at(place.path())).map_err(failed("it does not open"))?;
        for (number, promised) in promises {
            match store.look_up(id(*number)).await.map_err(failed("it can't be asked"))? {
                // Wiped is what practice may be at any time; what was said to be wiped stays so.
                Some(header) if is_practice(*number) => {
                    let wiped = header.stage == Stage::Settled;
                    if !wiped && (header.stage != Stage::Practice || *promised == Stage::Settled) {
                        return Err(format!("practice {number} is {:?} after {promised:?}", header.stage));
                    }
                }
                Some(header) if header.stage < *promised => {
                    return Err(format!("{number} fell back from {promised:?} to {:?}", header.stage));
                }
                Some(header) if header.stage == Stage::SetAside => {
                    return Err(format!("{number} is damaged"));
                }
                Some(_) => {}
                // The long memory may forget what is settled: the centre knows it.
                None if *promised == Stage::Settled => continue,
                None => return Err(format!("{number} was {promised:?} and is lost")),
            }
            match store.read(id(*number)).await.map_err(failed("a record does not open"))? {
                Some(work) if work.request != request(*number) => {
                    return Err(format!("{number} holds something else"));
                }
                Some(work) if *promised == Stage::Answered && work.answer != Some(vec![9; 500]) => {
                    return Err(format!("the answer to {number} is lost"));
                }
                _ => {}
            }
            let again =
                store.accept(id(*number), 1, request(*number), 5).await.map_err(failed("accepting"))?;
            if !matches!(again, Acceptance::Already(_)) {
                return Err(format!("{number} would take effect twice"));
            }
        }
        // Whatever else is there can be worked on, and the day goes on.
        let asked = store.due(due(Kind::Ask, 1000), 5).await.map_err(failed("work"))?;
        if asked.iter().any(|work| u32::from(work.header.lane) == REHEARSING) {
            return Err("the centre would be asked for practice".to_owned());
        }
        if store.status().await.map_err(failed("status"))?.set_aside > 0 {
            return Err("a record that nobody was promised is damaged".to_owned());
        }
        let new = store.accept(id(0xffff), 1, vec![1; 3000], 6).await.map_err(failed("accepting"))?;
        if new != Acceptance::New {
            return Err(format!("nothing new is accepted: {new:?}"));
        }
        store.tidy(1 << 30).await.map_err(failed("tidying"))?;
        store.close().await;
        Ok(())
    })
}

/// What came of one recording.
#[derive(Debug, Default)]
struct Verdict {
    /// Cuts that were opened and judged; those that leave what was judged already are not repeated.
    judged: usize,
    /// The first few of those that break a promise.
    broken: Vec<String>,
    all_broken: usize,
    promised: usize,
}

/// Cuts after every event: what was synced alone, all of it, and `torn` times by chance, until `end`. Stops early
/// after `stop_at` broken promises.
fn cut_everywhere(
    root: &Path,
    events: &[Event],
    seed: u64,
    torn: usize,
    end: Instant,
    stop_at: usize,
) -> Verdict {
    let mut verdict = Verdict::default();
    let mut seen = HashSet::new();
    let mut disk = Disk::new(root);
    let mut promises = Promises::new();
    for (number, event) in events.iter().enumerate() {
        disk.apply(number, event);
        if let Event::Said(text) = event {
            hear(&mut promises, text);
        }
        for way in 0..2 + torn {
            if way >= 2 && Instant::now() >= end {
                break;
            }
            let lot = seed ^ ((number as u64) << 20) ^ way as u64;
            let tree = match way {
                0 => disk.cut(Cut::Dropped),
                1 => disk.cut(Cut::Kept),
                _ => disk.cut(Cut::Torn(&mut Chance(lot))),
            };
            let mut hash = DefaultHasher::new();
            (&tree, &promises.iter().map(|(n, stage)| (*n, *stage as u8)).collect::<Vec<_>>())
                .hash(&mut hash);
            if !seen.insert(hash.finish()) {
                continue;
            }
            if verdict.all_broken >= stop_at {
                return verdict;
            }
            verdict.judged += 1;
            if let Err(why) = judge(&tree, &promises) {
                verdict.all_broken += 1;
                if verdict.broken.len() < 5 {
                    verdict.broken.push(format!("cut after event {number}, way {way}, seed {seed}: {why}"));
                }
            }
        }
    }
    verdict.promised = promises.len();
    verdict
}

#[test]
fn no_power_cut_at_any_point_loses_what_was_accepted() {
    if is_child() {
        return;
    }
    let begin = Instant::now();
    let end = begin + allowed();
    let mut seed = 1;
    loop {
        let (root, events) = record("no_power_cut_at_any_point_loses_what_was_accepted");
        let verdict = cut_everywhere(&root, &events, seed, 3, end, 5);
        let syncs = events.iter().filter(|event| matches!(event, Event::Sync { .. })).count();
        println!(
            "run {seed}: {} events, {syncs} of them syncs; {} records promised; {} cuts judged, {} broken, {:?}",
            events.len(),
            verdict.promised,
            verdict.judged,
            verdict.all_broken,
            begin.elapsed()
        );
        assert_eq!(verdict.broken, [""; 0]);
        assert_eq!(verdict.promised, (CALLERS * EACH) as usize);
        assert!(verdict.judged > events.len() / 2, "it hardly cut: {}", verdict.judged);
        if Instant::now() >= end {
            break;
        }
        seed += 1;
    }
}

/// The harness can fail: without any one of the syncs that the store makes, it loses something.
#[test]
fn each_kind_of_sync_is_needed() {
    if is_child() {
        return;
    }
    let (root, events) = record("each_kind_of_sync_is_needed");
    let named = |path: &Path, name: &str| path.file_name().is_some_and(|file| file == name);
    type Dropped<'a> = &'a dyn Fn(&Path) -> bool;
    let without: [(&str, Dropped<'_>); 4] = [
        // What SQLite's `synchronous=OFF` leaves out: every sync of log and database.
        ("any sync of SQLite", &|path| named(path, "queue.db-wal") || named(path, "queue.db")),
        ("syncs of the log", &|path| named(path, "queue.db-wal")),
        ("syncs of the database", &|path| named(path, "queue.db")),
        ("syncs of directories", &|path| path == root || named(path, "queue")),
    ];
    let first =
        events.iter().position(|event| matches!(event, Event::Said(text) if text.starts_with("accepted")));
    for (what, dropped) in without {
        // Names are made before the first promise; the others are left out from there on, so that what breaks is one.
        let from = if what.contains("directories") { 0 } else { first.unwrap() };
        let fewer: Vec<_> = events
            .iter()
            .enumerate()
            .map(|(number, event)| match event {
                // Said in its place, so that the numbers of the others stay.
                Event::Sync { path, .. } if number > from && dropped(path) => Event::Said(String::new()),
                other => other.clone(),
            })
            .collect();
        let long = Instant::now() + Duration::from_secs(60);
        let verdict = cut_everywhere(&root, &fewer, 1, 4, long, 1);
        println!("without {what}: {:?} after {} cuts", verdict.broken, verdict.judged);
        assert!(verdict.all_broken > 0, "without {what}, nothing is lost: the harness sees nothing");
    }
}
