//! Metrics: Prometheus' own tool finds no fault with them, and one scrape shows the whole box.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a failed step is a failed test")]

use madoguchi_end_to_end::{
    house::{House, Options},
    visits::{self, Way},
};
use madoguchi_protocol::figures::Family;
use std::{
    collections::BTreeSet,
    io::Write,
    process::{Command, Stdio},
    time::Duration,
};

/// The figures of actors come every five seconds; a busy machine may take its time.
const FIGURES_WITHIN: Duration = Duration::from_secs(30);

/// What `promtool check metrics` says of an exposition; nothing where all is well.
fn promtool(exposition: &str) -> String {
    let mut tool = Command::new("promtool")
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("promtool runs; .ci/install installs it");
    tool.stdin.take().unwrap().write_all(exposition.as_bytes()).unwrap();
    let said = tool.wait_with_output().unwrap();
    let words = [said.stdout, said.stderr].concat();
    let words = String::from_utf8_lossy(&words).into_owned();
    if said.status.success() { words } else { format!("{}: {words}", said.status) }
}

#[test]
fn promtool_finds_fault_with_what_is_wrong() {
    assert_eq!(
        promtool(
            "# HELP madoguchi_x_total Something\n# TYPE madoguchi_x_total counter\nmadoguchi_x_total 1\n"
        ),
        ""
    );
    assert_ne!(promtool("# TYPE madoguchi_x counter\nmadoguchi_x 1\n"), "");
}

/// The families of an exposition, by the lines that say their type.
fn families(exposition: &str) -> BTreeSet<&str> {
    exposition.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split(' ').next()).collect()
}

#[tokio::test]
async fn one_scrape_shows_the_whole_box_and_promtool_finds_no_fault() {
    let house = House::open(Options::default()).await;
    for (way, card) in
        [(Way::Android, "android"), (Way::CardByPin, "my_number_card"), (Way::Iphone, "iphone")]
    {
        assert_eq!(visits::serve(&house.lane(1), way, card).await.kind, "done");
    }
    house.settled(3).await;
    let expected = [
        "madoguchi_visits_ended_total{lane=\"1\",way=\"android\",outcome=\"confirmed\"} 1",
        "madoguchi_visits_ended_total{lane=\"1\",way=\"iphone\",outcome=\"confirmed\"} 1",
        "madoguchi_visit_answer_seconds_count{way=\"my_number_card\"} 1",
        "madoguchi_lane_answers_total{lane=\"1\"} 3",
        "madoguchi_nfc_reads_total{lane=\"1\",outcome=\"signed\"} 2",
        "madoguchi_pin_checks_total{medium=\"android\",outcome=\"verified\"} 1",
        "madoguchi_pin_checks_total{medium=\"my_number_card\",outcome=\"verified\"} 1",
        "madoguchi_centre_requests_total{request=\"confirm\",outcome=\"answered\"} 3",
        "madoguchi_queue_answers_total{verdict=\"confirmed\",deferral=\"live\"} 3",
        "madoguchi_queue_settled_total 3",
        "madoguchi_usage_visits_total{way=\"iphone\",counting=\"counted\"} 1",
        "madoguchi_actor_up{actor=\"nfc_reader\",lane=\"2\"} 1",
        "madoguchi_fault_active{fault=\"line-down\",lane=\"\"} 0",
        "madoguchi_lanes 2",
    ];
    house
        .until_within(FIGURES_WITHIN, "the figures of every actor are there", async |house| {
            let text = house.metrics().await;
            expected.iter().all(|line| text.lines().any(|it| it == *line))
        })
        .await;
    let text = house.metrics().await;
    assert_eq!(promtool(&text), "");
    let known: BTreeSet<_> = Family::ALL.iter().map(|family| family.name()).collect();
    let shown = families(&text);
    assert!(shown.is_subset(&known), "{:?}", shown.difference(&known));
    assert!(shown.len() > 40, "{shown:?}");
    // The page's listener has none.
    assert!(!house.page("metrics").await.contains("madoguchi_"));
}
