//! kill -9 at random moments: whatever was acknowledged is there, and has come as far as was acknowledged.
//!
//! The test starts itself again as a child that loads the queue and writes each acknowledgement to a pipe, kills
//! the child, and opens what is left. `MADOGUCHI_KILLS` sets how often (`make soak`: 200).
#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

mod common;

use std::collections::{BTreeSet, HashMap};
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use common::{config_at, due, id, open};
use madoguchi_offline_queue::store::{Acceptance, Kind, Resealing, Stage, Step, Store};

const CHILD: &str = "MADOGUCHI_QUEUE_CRASH_CHILD";
const USUAL_KILLS: u32 = 20;
const CALLERS: u32 = 8;
/// The lane that rehearses: its caller sends practice and wipes some of it again.
const REHEARSING: u32 = 7;

fn is_practice(number: u32) -> bool {
    number >> 14 & 63 == REHEARSING
}

fn request(number: u32) -> Vec<u8> {
    number.to_be_bytes().repeat(300)
}

#[test]
fn whatever_was_acknowledged_survives_kill_9() {
    if let Ok(setting) = std::env::var(CHILD) {
        return child(&setting);
    }
    let kills: u32 = std::env::var("MADOGUCHI_KILLS").map_or(USUAL_KILLS, |text| text.parse().unwrap());
    let dir = tempfile::tempdir().unwrap();
    let mut acknowledged: HashMap<u32, Stage> = HashMap::new();
    let mut keys = HashMap::new();
    for round in 0..kills {
        run_and_kill(dir.path(), round, &mut acknowledged, &mut keys);
        check(dir.path(), &acknowledged);
    }
    println!("keys: {keys:?}");
    assert!(keys.get("rotated").is_some_and(|times| *times > kills / 2), "keys hardly changed: {keys:?}");
    let practised = acknowledged.keys().filter(|number| is_practice(**number)).count();
    assert!(practised > 10, "practice hardly ran: {practised}");
    let settled = acknowledged.values().filter(|stage| **stage == Stage::Settled).count();
    println!(
        "{} acknowledged over {kills} kills, {settled} of them settled, {practised} for practice; none lost",
        acknowledged.len()
    );
    assert!(acknowledged.len() > 100, "the child hardly ran: {}", acknowledged.len());
    assert!(settled > 10, "the kills hit no record on its way: {settled}");
}

fn run_and_kill(
    dir: &Path,
    round: u32,
    acknowledged: &mut HashMap<u32, Stage>,
    keys: &mut HashMap<String, u32>,
) {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "whatever_was_acknowledged_survives_kill_9", "--nocapture"])
        .env(CHILD, format!("{round} {}", dir.display()))
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut said = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    while line.trim() != "open" {
        line.clear();
        assert!(said.read_line(&mut line).unwrap() > 0, "the child ended early");
    }
    let mut random = [0u8; 1];
    getrandom::fill(&mut random).unwrap();
    std::thread::sleep(Duration::from_millis(10 + u64::from(random[0]) / 2));
    child.kill().unwrap(); // SIGKILL
    child.wait().unwrap();
    for line in said.lines().map_while(Result::ok) {
        // A line cut by the kill lacks its full stop.
        let Some(line) = line.strip_suffix('.') else { continue };
        let Some((stage, number)) = line.split_once(' ') else {
            *keys.entry(line.to_owned()).or_default() += 1;
            continue;
        };
        let stage = match stage {
            "accepted" => Stage::Accepted,
            "answered" => Stage::Answered,
            "settled" => Stage::Settled,
            "practised" => Stage::Practice,
            other => panic!("{other}"),
        };
        acknowledged.insert(number.parse().unwrap(), stage);
    }
}

fn check(dir: &Path, acknowledged: &HashMap<u32, Stage>) {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        let store = open(&config_at(dir));
        // As every start does: a pass that was cut short is gone through, and then one key is enough.
        let mut pass = Resealing::default();
        while !pass.done {
            pass = store.reseal(pass, 200).await.unwrap();
        }
        assert_eq!(pass.damaged, 0);
        store.drop_old_keys().await.unwrap();
        assert_eq!(store.keys().await.unwrap().len(), 1);
        for (number, stage) in acknowledged {
            let header = store.look_up(id(*number)).await.unwrap();
            let header = header.unwrap_or_else(|| panic!("accepted {number} is lost"));
            if is_practice(*number) {
                // Wiped is what it may be at any time, and nothing else: never a patient's.
                assert!(matches!(header.stage, Stage::Practice | Stage::Settled), "{number}: {header:?}");
                assert!(*stage == Stage::Practice || header.stage == Stage::Settled, "{number} is back");
            } else {
                assert!(header.stage >= *stage, "{number} fell back from {stage:?} to {:?}", header.stage);
            }
            match store.read(id(*number)).await.unwrap() {
                Some(work) => assert_eq!(work.request, request(*number), "{number}"),
                None => assert_eq!(header.stage, Stage::Settled, "{number} has lost its contents"),
            }
            assert_eq!(
                store.accept(id(*number), 1, request(*number), 0).await.unwrap(),
                Acceptance::Already(header.stage),
                "{number} would take effect twice"
            );
        }
        let status = store.status().await.unwrap();
        assert_eq!(status.set_aside, 0, "a kill must damage nothing");
        let asked = store.due(due(Kind::Ask, 64), 6).await.unwrap();
        assert!(asked.iter().all(|work| u32::from(work.header.lane) != REHEARSING), "practice is asked");
        store.close().await;
    });
}

fn child(setting: &str) {
    let (round, dir) = setting.split_once(' ').unwrap();
    let round: u32 = round.parse().unwrap();
    let dir = dir.to_owned();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let store = open(&config_at(Path::new(&dir)));
        say("\nopen");
        let mut callers = tokio::task::JoinSet::new();
        for caller in 0..CALLERS {
            let store = store.clone();
            callers.spawn(async move {
                for n in 0.. {
                    let number = round << 20 | caller << 14 | n;
                    if caller == REHEARSING {
                        practise(&store, number, n).await;
                        continue;
                    }
                    let accepted = store.accept(id(number), caller as u16, request(number), 1).await.unwrap();
                    assert_eq!(accepted, Acceptance::New);
                    say(&format!("accepted {number}."));
                    if n % 3 == 0 {
                        assert_eq!(store.answer(id(number), 1, vec![9; 500], 2).await.unwrap(), Step::Done);
                        say(&format!("answered {number}."));
                        store.deliver(id(number), 3).await.unwrap();
                        store.settle(id(number), 4).await.unwrap();
                        say(&format!("settled {number}."));
                    }
                    if n % 50 == 0 {
                        // Days later, so that settled ids move to the long memory under fire.
                        store.tidy(1 << 30).await.unwrap();
                        store.due(due(Kind::Ask, 4), 5).await.unwrap();
                    }
                }
            });
        }
        callers.spawn(rotate(store));
        // Ends by itself, should nobody kill it.
        tokio::time::timeout(Duration::from_secs(20), callers.join_next()).await.unwrap();
    });
}

/// One key after the other: made, everything sealed anew with it, the one before it dropped.
async fn rotate(store: Store) {
    loop {
        store.rotate_key().await.unwrap();
        say("rotated.");
        let mut pass = Resealing::default();
        while !pass.done {
            pass = store.reseal(pass, 16).await.unwrap();
            assert_eq!(pass.damaged, 0);
        }
        store.drop_old_keys().await.unwrap();
        assert_eq!(store.keys().await.unwrap().len(), 1);
        say("dropped.");
    }
}

/// A rehearsal that ends with every third confirmation.
async fn practise(store: &Store, number: u32, n: u32) {
    let accepted = store.practise(id(number), REHEARSING as u16, request(number), 1).await.unwrap();
    assert_eq!(accepted, Acceptance::New);
    say(&format!("practised {number}."));
    if n.is_multiple_of(3) {
        for (header, _) in store.practised(BTreeSet::new(), 32).await.unwrap() {
            store.settle(header.id, 4).await.unwrap();
        }
        say(&format!("settled {number}."));
    }
}

fn say(line: &str) {
    let mut out = std::io::stdout().lock();
    // One write, so that a kill cuts at most this line.
    out.write_all(format!("{line}\n").as_bytes()).and_then(|()| out.flush()).unwrap();
}
