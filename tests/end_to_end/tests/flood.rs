//! What the page and the metrics cost: while they are only watched or scraped, and for patients while the page is
//! flooded. The figures are printed; the
//! limits here are wide enough for a busy machine without optimisation, and close where the programs are optimised.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a failed step is a failed test")]

use madoguchi_end_to_end::{
    House, Options,
    visits::{self, Way},
};
use std::{
    fs,
    io::{Read, Write},
    net::{TcpStream, ToSocketAddrs},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread,
    time::{Duration, Instant},
};
use tokio::sync::Mutex;

/// Held by who measures: one at a time, or one would measure the other.
static ALONE: Mutex<()> = Mutex::const_new(());
/// For how long watching is measured.
const WATCHED: Duration = Duration::from_secs(if cfg!(debug_assertions) { 3 } else { 10 });
/// Visits with and without a flood.
const VISITS: usize = 40;
/// Rounds of visits with and without a scrape every tenth of a second, a hundred times what hospitals do.
const SCRAPED_ROUNDS: usize = if cfg!(debug_assertions) { 3 } else { 10 };
/// Visits of each kind in a round.
const IN_A_ROUND: usize = 30;
/// Who floods at once.
const FLOODERS: usize = 24;

/// Processor time that a process has used, user and system, in ticks of a hundredth of a second.
fn ticks(process: u32) -> u64 {
    let line = fs::read_to_string(format!("/proc/{process}/stat")).unwrap();
    let rest = line.rsplit_once(')').unwrap().1;
    let fields: Vec<_> = rest.split_whitespace().collect();
    fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap()
}

/// How much of one processor a process uses for `time`, in percent.
async fn share(process: u32, time: Duration) -> f64 {
    let (before, began) = (ticks(process), Instant::now());
    tokio::time::sleep(time).await;
    #[expect(clippy::cast_precision_loss, reason = "a few hundred ticks")]
    let used = (ticks(process) - before) as f64;
    used / began.elapsed().as_secs_f64()
}

/// Lanes like the last of `config`, up to number 64, whose readers never call in.
fn with_64_lanes(config: &str) -> String {
    let last = &config[config.rfind("[[lane]]").unwrap()..];
    let last = &last[..last.find("[lane.nfc_reader]").unwrap()];
    let listen = last.lines().find(|line| line.starts_with("listen = ")).unwrap();
    let mut text = config.to_owned();
    for number in 3..=64 {
        text += &last
            .replace("number = 2\n", &format!("number = {number}\n"))
            .replace(listen, &format!("listen = \"127.0.64.{number}:28200\""));
    }
    text
}

#[tokio::test]
async fn a_page_of_64_lanes_that_is_only_watched_costs_next_to_nothing() {
    let _alone = ALONE.lock().await;
    let mut house = House::hospital(Options { lanes: 2, ..Options::default() }).await;
    let config = fs::read_to_string(house.config()).unwrap();
    fs::write(house.config(), with_64_lanes(&config)).unwrap();
    house.start_gateway();
    house.ready().await;
    let lanes = house.page("").await.matches("<article").count();
    assert_eq!(lanes, 64);
    let process = house.gateway().id();
    let alone = share(process, WATCHED).await;
    let mut watched = house.stream("events?lang=ja").await;
    let reading = tokio::spawn(async move { while matches!(watched.chunk().await, Ok(Some(_))) {} });
    let share = share(process, WATCHED).await;
    reading.abort();
    println!("the gateway uses {share:.2} % of a processor while a browser watches, {alone:.2} % without");
    let most = if cfg!(debug_assertions) { 20.0 } else { 1.0 };
    assert!(share < most, "{share} %");
}

/// The times of `visits` visits, the shortest first: from the patient's first touch to the answer.
async fn visits_take(house: &House, visits: usize) -> Vec<Duration> {
    let mut took = Vec::new();
    let lane = house.lane(1);
    for _ in 0..visits {
        let began = Instant::now();
        visits::present(&lane, Way::Iphone, "iphone").await;
        assert_eq!(visits::consent(&lane).await.kind, "done");
        took.push(began.elapsed());
        visits::leave(&lane).await;
    }
    took.sort_unstable();
    took
}

/// Asks for pages as fast as it can, on new connections, until told to stop.
fn flood(address: &str, stop: &AtomicBool, asked: &AtomicU64) {
    let request = format!("GET /login HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    let to = address.to_socket_addrs().unwrap().next().unwrap();
    while !stop.load(Ordering::Relaxed) {
        // Whatever becomes of it: a flood does not care.
        let Ok(mut stream) = TcpStream::connect_timeout(&to, Duration::from_secs(5)) else { continue };
        let _ = stream.set_read_timeout(Some(Duration::from_secs(5)));
        let sent = stream.write_all(request.as_bytes());
        let _ = sent.and_then(|()| stream.read_to_end(&mut Vec::new()));
        asked.fetch_add(1, Ordering::Relaxed);
    }
}

#[tokio::test]
async fn visits_are_served_while_the_page_is_flooded() {
    let _alone = ALONE.lock().await;
    let house = House::open(Options { lanes: 1, ..Options::default() }).await;
    visits::serve(&house.lane(1), Way::Iphone, "iphone").await;
    let calm = visits_take(&house, VISITS).await;
    let address = house.addresses["gateway_page"].as_str().unwrap();
    let address = address.trim_start_matches("http://").trim_end_matches('/').to_owned();
    let (stop, asked) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
    let flooders: Vec<_> = (0..FLOODERS)
        .map(|_| {
            let (address, stop, asked) = (address.clone(), stop.clone(), asked.clone());
            thread::spawn(move || flood(&address, &stop, &asked))
        })
        .collect();
    house.until("the flood has begun", async |_| asked.load(Ordering::Relaxed) > 200).await;
    let before = asked.load(Ordering::Relaxed);
    let began = Instant::now();
    let flooded = visits_take(&house, VISITS).await;
    let (requests, lasted) = (asked.load(Ordering::Relaxed) - before, began.elapsed());
    stop.store(true, Ordering::Relaxed);
    flooders.into_iter().for_each(|flooder| flooder.join().unwrap());
    let (calm, flooded) = (calm[VISITS / 2], flooded[VISITS / 2]);
    let ratio = flooded.as_secs_f64() / calm.as_secs_f64();
    println!(
        "a visit takes {calm:?}, and {flooded:?} ({ratio:.1} times) beside {requests} requests in {lasted:?}"
    );
    assert!(requests > 100, "it was no flood");
    assert!(ratio < 10.0, "{calm:?} became {flooded:?}");
}

#[tokio::test]
async fn scrapes_cost_visits_nothing_measurable() {
    let _alone = ALONE.lock().await;
    let house = House::open(Options { lanes: 1, ..Options::default() }).await;
    visits::serve(&house.lane(1), Way::Iphone, "iphone").await;
    const COUNTED: &str = "madoguchi_visits_ended_total";
    house.until("visits are counted", async |house| house.metrics().await.contains(COUNTED)).await;
    let (mut calm, mut scraped, mut scrapes) = (Vec::new(), Vec::new(), 0_u32);
    // In turns, so that whatever else the machine does meets both.
    for _ in 0..SCRAPED_ROUNDS {
        calm.extend(visits_take(&house, IN_A_ROUND).await);
        let scraping = async {
            let mut next = tokio::time::interval(Duration::from_millis(100));
            loop {
                next.tick().await;
                assert!(house.metrics().await.contains(COUNTED));
                scrapes += 1;
            }
        };
        tokio::select! {
            took = visits_take(&house, IN_A_ROUND) => scraped.extend(took),
            () = scraping => unreachable!("it goes on"),
        }
    }
    calm.sort_unstable();
    scraped.sort_unstable();
    let (calm, scraped) = (calm[calm.len() / 2], scraped[scraped.len() / 2]);
    let ratio = scraped.as_secs_f64() / calm.as_secs_f64();
    println!("a visit takes {calm:?}, and {scraped:?} ({ratio:.2} times) beside {scrapes} scrapes");
    assert!(scrapes > 10, "hardly a scrape: {scrapes}");
    let most = if cfg!(debug_assertions) { 2.0 } else { 1.1 };
    assert!(ratio < most, "{calm:?} became {scraped:?}");
}
