//! `madoguchi-demo`: one visit of every kind without a browser, compared with what is expected.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a failed step ends the demonstration and says why"
)]

use clap::{Args, Parser, Subcommand};
use madoguchi_end_to_end::{
    House, Lane, Options, Screen, morning, pictures,
    visits::{self, PIN, Way},
};
use std::time::{Duration, Instant};

/// Serves one patient of every kind on real parts and prints what each stage took.
#[derive(Parser)]
struct Arguments {
    /// Go on for so many rounds.
    #[arg(long, default_value_t = 1)]
    rounds: u32,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Subcommand)]
enum Command {
    /// Many patients at many lanes, mishaps and faults, and an oracle that judges what came of it.
    BusyMorning(BusyMorning),
    /// One visit of every kind at a hospital that is open already, whatever gateway serves it.
    Visits(Visits),
    /// Pictures of every screen and page in every language, and their indices.
    Pictures {
        /// The browser that draws them.
        #[arg(long, default_value = "chromium")]
        browser: std::path::PathBuf,
    },
}

#[derive(Args)]
struct Visits {
    /// The hospital's control interface, as `hospital.json` gives it.
    #[arg(long)]
    control: String,
    /// Its lanes.
    #[arg(long, default_value_t = 2)]
    lanes: u16,
    /// How long the gateway may take until every lane offers phones, in seconds.
    #[arg(long, default_value_t = 600)]
    patience_s: u64,
    /// When the gateway's box was switched on, in seconds since 1970: prints how long the first visit took from there.
    #[arg(long)]
    since: Option<f64>,
}

#[derive(Args)]
struct BusyMorning {
    /// Lanes, 1 to 16.
    #[arg(long, default_value_t = 16)]
    lanes: u16,
    /// Patients.
    #[arg(long, default_value_t = 1000)]
    patients: u16,
    /// The same seed brings the same patients with the same mishaps, and the same faults.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Per cent of the patients that each kind of mishap befalls.
    #[arg(long, default_value_t = 5)]
    mishaps: u8,
    /// How many times faster than in the field people are and the morning goes by.
    #[arg(long, default_value_t = 40.0)]
    speed: f64,
    /// No faults of line, centre and readers' service.
    #[arg(long)]
    no_faults: bool,
}

/// What came of one visit.
struct Outcome {
    name: String,
    stages: Vec<(String, Duration)>,
    last: String,
    as_expected: bool,
}

#[tokio::main]
async fn main() {
    let arguments = Arguments::parse();
    match arguments.command {
        Some(Command::BusyMorning(chosen)) => std::process::exit(busy_morning(chosen).await),
        Some(Command::Visits(chosen)) => std::process::exit(visits_elsewhere(chosen).await),
        Some(Command::Pictures { browser }) => return take_pictures(browser).await,
        None => {}
    }
    let mut well = true;
    for round in 1..=arguments.rounds {
        println!("Round {round}: opening a simulated hospital with 3 lanes and a gateway …");
        well &= play().await;
    }
    if !well {
        eprintln!("Something differs from what is expected.");
        std::process::exit(1);
    }
    println!("Everything as expected.");
}

async fn take_pictures(browser: std::path::PathBuf) {
    let camera = pictures::Camera { browser, into: pictures::reception() };
    let taken = match camera.take_all(|name| println!("  {name}")) {
        Ok(()) => pictures::pages::take_all(|name| println!("  {name}")).await,
        failed => failed,
    };
    if let Err(error) = taken {
        eprintln!("{error:?}");
        std::process::exit(1);
    }
}

/// The program's exit code: 0 where the oracle is clean.
async fn busy_morning(chosen: BusyMorning) -> i32 {
    let BusyMorning { lanes, patients, seed, mishaps, speed, no_faults } = chosen;
    println!(
        "A busy morning: {lanes} lanes, {patients} patients, seed {seed}, {speed} times as fast as people are."
    );
    let options = morning::Options { lanes, patients, seed, mishaps, speed, faults: !no_faults };
    let verdict = match morning::play(options, |line| println!("  {line}")).await {
        Ok(verdict) => verdict,
        Err(error) => {
            eprintln!("The morning could not be played: {error:?}");
            return 2;
        }
    };
    println!("\n{}", verdict.report);
    for offence in &verdict.offences {
        match offence.patient {
            Some(number) => println!("← patient {number}: {}", offence.what),
            None => println!("← {}", offence.what),
        }
    }
    if verdict.offences.is_empty() {
        println!("The oracle is clean.");
        0
    } else {
        println!("The oracle objects to {} things.", verdict.offences.len());
        1
    }
}

/// The program's exit code: 0 where every visit ended as expected.
async fn visits_elsewhere(chosen: Visits) -> i32 {
    let lanes: Vec<_> = (1..=chosen.lanes).map(|number| Lane::of_hospital(&chosen.control, number)).collect();
    for lane in &lanes {
        if !lane.offers_phones(Duration::from_secs(chosen.patience_s)).await {
            eprintln!("lane {}: no phones offered within {} s", lane.number, chosen.patience_s);
            return 2;
        }
        println!("  lane {} offers phones", lane.number);
    }
    let mut well = true;
    for (number, way) in Way::ALL.into_iter().enumerate() {
        let outcome = straight(&lanes[number % lanes.len()], way).await;
        let took: Duration = outcome.stages.iter().map(|(_, took)| *took).sum();
        println!("  {}: {} after {} ms", outcome.name, outcome.last, took.as_millis());
        well &= outcome.as_expected;
        if let (0, Some(since)) = (number, chosen.since) {
            let now = jiff::Timestamp::now().as_duration().as_secs_f64();
            println!("  from power to the first served visit: {:.0} s", now - since);
        }
    }
    i32::from(!well)
}

async fn play() -> bool {
    let began = Instant::now();
    let house = House::open(Options { lanes: 3, ..Options::default() }).await;
    println!("  every lane is ready after {} ms", began.elapsed().as_millis());
    let mut outcomes = Vec::new();
    for (number, way) in Way::ALL.into_iter().enumerate() {
        let lane = house.lane(u16::try_from(number % 3).expect("small") + 1);
        outcomes.push(straight(&lane, way).await);
    }
    outcomes.push(wrong_pin_then_right(&house.lane(1)).await);
    outcomes.push(line_down_then_back(&house).await);
    let settled = outcomes.len();
    house.settled(settled).await;
    report(&house, &outcomes).await;
    outcomes.iter().all(|outcome| outcome.as_expected)
}

async fn straight(lane: &Lane, way: Way) -> Outcome {
    announce(way.name(), lane);
    let since = lane.screen().await.sequence;
    visits::present(lane, way, way.kind()).await;
    let last = visits::consent(lane).await;
    finish(lane, since, way.name(), &last, "done").await
}

async fn wrong_pin_then_right(lane: &Lane) -> Outcome {
    let name = "Android, wrong PIN then right";
    announce(name, lane);
    let since = lane.screen().await.sequence;
    let first = visits::to_android_pin(lane).await;
    lane.pin("9999").await;
    lane.wait(&["hold_medium"]).await;
    lane.hold("android#2").await;
    lane.wait_after(first.sequence + 1, &["enter_pin"], 20_000).await;
    lane.pin(PIN).await;
    let last = visits::consent(lane).await;
    finish(lane, since, name, &last, "done").await
}

async fn line_down_then_back(house: &House) -> Outcome {
    let name = "iPhone, line down then back";
    let lane = house.lane(2);
    announce(name, &lane);
    house.line_down().await;
    let since = lane.screen().await.sequence;
    visits::present(&lane, Way::Iphone, "iphone#2").await;
    let last = visits::consent(&lane).await;
    let outcome = finish(&lane, since, name, &last, "deferred").await;
    // Longer than a patient waits for the answer, so that it comes as a deferred one.
    tokio::time::sleep(Duration::from_secs(6)).await;
    house.centre_well().await;
    outcome
}

fn announce(name: &str, lane: &Lane) {
    println!("  lane {}: {name} …", lane.number);
}

/// Ends the visit and reads off the reader's own times how long each stage took.
async fn finish(lane: &Lane, since: u64, name: &str, last: &Screen, expected: &str) -> Outcome {
    visits::leave(lane).await;
    let screens = lane.screens(since).await;
    let at = |screen: &Screen| -> jiff::Timestamp {
        screen.all["at"].as_str().expect("a time").parse().expect("a time")
    };
    let stages = screens
        .windows(2)
        .map(|pair| {
            let took = at(&pair[1]).duration_since(at(&pair[0]));
            (pair[0].kind.clone(), took.unsigned_abs())
        })
        .collect();
    Outcome { name: name.into(), stages, last: last.kind.clone(), as_expected: last.kind == expected }
}

async fn report(house: &House, outcomes: &[Outcome]) {
    // What the box does by itself; the rest is the patient's time.
    const BOX: [&str; 5] = ["reading", "reading_slot", "authenticating", "confirming", "hold_medium"];
    println!();
    println!("{:<32}{}{:>12}", "visit", BOX.map(|stage| format!("{stage:>16}")).concat(), "ends with");
    for outcome in outcomes {
        let took = |stage: &str| -> String {
            let all = outcome.stages.iter().filter(|(kind, _)| kind == stage);
            let (count, sum) = all.fold((0, Duration::ZERO), |(n, sum), (_, took)| (n + 1, sum + *took));
            if count == 0 { "–".into() } else { format!("{:.1} ms", sum.as_secs_f64() * 1000.0) }
        };
        let mark = if outcome.as_expected { "" } else { "  ← not expected" };
        println!(
            "{:<32}{}{:>12}{mark}",
            outcome.name,
            BOX.map(|s| format!("{:>16}", took(s))).concat(),
            outcome.last
        );
    }
    println!();
    println!("What took effect at the centre, each exactly once:");
    for effect in house.effects().await {
        println!("  lane {}  {}  deferred: {}", effect["lane"], effect["result"], effect["deferred"]);
    }
    println!("What the receipt computer finds in its folder:");
    for file in house.receipts().await {
        println!(
            "  {}/{} ({})",
            file["folder"].as_str().unwrap_or(""),
            file["name"].as_str().unwrap_or(""),
            file["encoding"]
        );
    }
    println!();
}
