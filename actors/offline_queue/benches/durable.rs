//! What *accepted* costs: durable accepts beside a bare append + fdatasync loop on the same disk, empty and with
//! 100,000 records waiting; opening, memory, draining. Printed as plain text (`make bench`).
#![allow(clippy::unwrap_used, reason = "a failed step is a failed measurement")]

use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::path::Path;
use std::time::{Duration, Instant};

use madoguchi_offline_queue::store::{Acceptance, Due, Kind, Quota, RecordId, Store, StoreConfig};
use tokio::task::JoinSet;

/// A confirmation with certificate and signature has about this size.
const BYTES: usize = 2_200;
/// How long each line is measured: floor and store take turns, so that whatever else the machine does hits both alike.
const TURN: Duration = Duration::from_millis(200);
const TURNS: usize = 15;
const BACKLOG: u64 = 100_000;
const CALLERS: [u64; 3] = [1, 8, 64];
/// Records drained for the last figure.
const DRAINED: usize = 5_000;

fn main() {
    // `cargo test --benches` runs this, too: then it only has to compile.
    if std::env::args().any(|argument| argument == "--test") {
        return;
    }
    let place = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(measure(place.path()));
}

async fn measure(place: &Path) {
    let mut config = StoreConfig::new(place.join("store"), place.join("key"));
    config.quota = Quota { records: 100 * BACKLOG, bytes: u64::MAX, keep_free: 0, ..Quota::default() };
    let (mut store, _) = Store::open(&config).unwrap();
    let mut next = 0u64;
    println!("DURABLE ACCEPTS OF {BYTES} BYTES (goals: 1 caller p99 within 2 x floor; 64 callers 8 x floor)");
    println!("{:<34}{:>10}{:>10}{:>10}", "", "per s", "p50 ms", "p99 ms");
    for backlog in [0, BACKLOG] {
        if backlog > 0 {
            let begin = Instant::now();
            next = accept(&store, 64, next, Some(backlog), Duration::from_secs(600)).await.1;
            println!(
                "{backlog} more accepted in {:.1} s, {:.0} MiB resident",
                seconds(begin),
                resident_mib()
            );
            store.close().await;
            let begin = Instant::now();
            let (opened, about) = Store::open(&config).unwrap();
            let took = seconds(begin);
            store = opened;
            println!(
                "opened with {} records, looked through, in {took:.2} s (goal: under 2 s)",
                about.unsettled
            );
        }
        for callers in CALLERS {
            let (mut floor, mut figures) = (Figures::default(), Figures::default());
            let commits = store.status().await.unwrap().commits;
            for _ in 0..TURNS {
                floor.add(bare(place));
                let (turn, after) = accept(&store, callers, next, None, TURN).await;
                figures.add(turn);
                next = after;
            }
            let commits = store.status().await.unwrap().commits - commits;
            let name = format!("{backlog} waiting, {callers} caller(s)");
            println!("{:<34}{}", "append + fdatasync", floor.line());
            println!(
                "{name:<34}{}   rate {:.1} x, p99 {:.1} x the floor, {:.0} in one commit",
                figures.line(),
                figures.rate() / floor.rate(),
                figures.percentile(99.0) / floor.percentile(99.0),
                figures.each.len() as f64 / commits as f64
            );
        }
        println!("{:.0} MiB resident", resident_mib());
    }
    drain(&store).await;
    store.close().await;
}

#[derive(Default)]
struct Figures {
    took: Duration,
    /// Milliseconds, ascending.
    each: Vec<f64>,
}

impl Figures {
    fn add(&mut self, Figures { took, each }: Figures) {
        self.took += took;
        self.each.extend(each);
        self.each.sort_by(f64::total_cmp);
    }

    fn rate(&self) -> f64 {
        self.each.len() as f64 / self.took.as_secs_f64()
    }

    fn percentile(&self, percent: f64) -> f64 {
        let place = (self.each.len() as f64 * percent / 100.0) as usize;
        self.each.get(place.min(self.each.len().saturating_sub(1))).copied().unwrap_or(f64::NAN)
    }

    fn line(&self) -> String {
        format!("{:>10.0}{:>10.2}{:>10.2}", self.rate(), self.percentile(50.0), self.percentile(99.0))
    }
}

/// What the disk itself takes.
fn bare(place: &Path) -> Figures {
    let path = place.join("floor");
    let mut file: File = OpenOptions::new().create(true).append(true).open(&path).unwrap();
    let (begin, mut each) = (Instant::now(), Vec::new());
    while begin.elapsed() < TURN {
        let one = Instant::now();
        file.write_all(&[7; BYTES]).unwrap();
        file.sync_data().unwrap();
        each.push(seconds(one) * 1000.0);
    }
    let took = begin.elapsed();
    std::fs::remove_file(path).unwrap();
    Figures { took, each }
}

/// `callers` accept one record after the other, until `most` are accepted or the time is up; says which number is next.
async fn accept(store: &Store, callers: u64, from: u64, most: Option<u64>, time: Duration) -> (Figures, u64) {
    let begin = Instant::now();
    let mut tasks = JoinSet::new();
    for caller in 0..callers {
        let store = store.clone();
        let share = most.map_or(u64::MAX, |most| most / callers + 1);
        tasks.spawn(async move {
            let mut each = Vec::new();
            while (each.len() as u64) < share && begin.elapsed() < time {
                let number = from + caller + each.len() as u64 * callers;
                let one = Instant::now();
                let lane = 1 + caller as u16;
                let said = store.accept(id(number), lane, vec![7; BYTES], 1).await.unwrap();
                assert_eq!(said, Acceptance::New);
                each.push(seconds(one) * 1000.0);
            }
            each
        });
    }
    let lists = tasks.join_all().await;
    let took = begin.elapsed();
    let longest = lists.iter().map(Vec::len).max().unwrap_or(0) as u64;
    (Figures { took, each: lists.into_iter().flatten().collect() }, from + (longest + 1) * callers)
}

/// The store's part of draining: what is due, answered, delivered, settled, 32 at once.
async fn drain(store: &Store) {
    let begin = Instant::now();
    let mut done = 0;
    while done < DRAINED {
        let due = Due {
            kind: Kind::Ask,
            live_since: u64::MAX,
            limit: 32,
            per_lane: 4,
            in_hand: Vec::new(),
            waiting: Vec::new(),
            live_only: false,
            after_lane: done as u16 % 64,
        };
        let mut tasks = JoinSet::new();
        for work in store.due(due, 2).await.unwrap() {
            let store = store.clone();
            tasks.spawn(async move {
                let id = work.header.id;
                store.answer(id, 1, vec![5; 1000], 2).await.unwrap();
                store.deliver(id, 3).await.unwrap();
                store.settle(id, 4).await.unwrap();
            });
        }
        done += tasks.join_all().await.len();
    }
    println!("drained by 32 at once: {:.0} per second", done as f64 / seconds(begin));
}

fn id(number: u64) -> RecordId {
    let mut bytes = [0x5a; 16];
    // Ids are random in life: neighbours in time are no neighbours in the index.
    bytes[..8].copy_from_slice(&number.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes());
    RecordId(bytes)
}

fn seconds(since: Instant) -> f64 {
    since.elapsed().as_secs_f64()
}

/// Memory of this process that is in use now.
fn resident_mib() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches("kB").trim().parse::<f64>().unwrap() / 1024.0
}
