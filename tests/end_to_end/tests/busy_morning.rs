//! A small busy morning: every kind of mishap and fault may happen, and nothing is lost, doubled or left open.

use madoguchi_end_to_end::morning::{self, Options};

#[tokio::test(flavor = "multi_thread")]
async fn busy_morning_ends_with_a_clean_oracle() {
    let options = Options { lanes: 4, patients: 40, seed: 20_250_919, mishaps: 5, speed: 90.0, faults: true };
    let verdict = morning::play(options, |line| println!("{line}")).await.unwrap_or_else(|error| {
        panic!("the morning could not be played: {error:?}");
    });
    println!("{}", verdict.report);
    assert!(verdict.offences.is_empty(), "{:#?}\n{}", verdict.offences, verdict.report);
    assert_eq!(verdict.outcomes.len(), 40);
}
