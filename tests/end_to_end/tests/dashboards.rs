//! A real Prometheus watches a morning in small: the service level is worked out rightly, and every query of the
//! dashboards has an answer.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a failed step is a failed test")]

use madoguchi_end_to_end::{
    House, Options,
    prometheus::{Prometheus, files},
    visits::{self, Way},
};
use madoguchi_protocol::fault::FaultCode;
use serde_json::{Value, json};
use std::{
    collections::BTreeSet,
    fs,
    time::{Duration, Instant},
};

/// Actors say their figures every five seconds; a busy machine may take its time.
const WITHIN: Duration = Duration::from_secs(60);

/// What is empty while all is well, by dashboard and panel: filled by what is injected at the end.
const EMPTY_WHEN_WELL: [(&str, u64); 3] = [("fleet.json", 5), ("box.json", 1), ("lane.json", 5)];

/// One query of a dashboard, as it stands there.
struct Query {
    dashboard: String,
    panel: u64,
    expression: String,
}

fn dashboards() -> Vec<(String, Value)> {
    let folder = files().join("../grafana");
    let mut all: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap())
        .map(|entry| (entry.file_name().into_string().unwrap(), fs::read(entry.path()).unwrap()))
        .filter(|(name, _)| name.ends_with(".json"))
        .map(|(name, text)| (name, serde_json::from_slice(&text).unwrap()))
        .collect();
    all.sort_by(|(a, _), (b, _)| a.cmp(b));
    all
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn queries() -> Vec<Query> {
    let mut all = Vec::new();
    for (dashboard, content) in dashboards() {
        for panel in list(&content["panels"]) {
            for target in list(&panel["targets"]) {
                all.push(Query {
                    dashboard: dashboard.clone(),
                    panel: panel["id"].as_u64().unwrap(),
                    expression: target["expr"].as_str().unwrap().to_owned(),
                });
            }
        }
        // The lists to choose from: `label_values(METRIC, LABEL)` has a value for each of the metric's labels.
        for variable in list(&content["templating"]["list"]).iter().filter(|it| it["type"] == "query") {
            let query = variable["query"].as_str().unwrap();
            let inner = query.strip_prefix("label_values(").and_then(|rest| rest.strip_suffix(')')).unwrap();
            let (metric, label) = inner.rsplit_once(", ").unwrap();
            let expression = format!("count by ({label}) ({metric})");
            all.push(Query { dashboard: dashboard.clone(), panel: 0, expression });
        }
    }
    all
}

impl Query {
    /// As Grafana sends it for this box and its first lane.
    fn sent(&self, instance: &str) -> String {
        let filled = self.expression.replace("$instance", instance).replace("$lane", "1");
        let filled = filled.replace("$__rate_interval", "2m");
        assert!(!filled.contains('$'), "{filled}: a variable that nobody fills");
        filled
    }

    fn is_empty_when_well(&self) -> bool {
        EMPTY_WHEN_WELL.contains(&(&self.dashboard, self.panel))
    }

    async fn has_data(&self, prometheus: &Prometheus, instance: &str) -> bool {
        let is_number = |series: &Value| series["value"][1].as_str().is_some_and(|text| text != "NaN");
        prometheus.query(&self.sent(instance)).await.iter().any(is_number)
    }

    async fn comes_to_have_data(&self, prometheus: &Prometheus, instance: &str) {
        let asked = Instant::now();
        while !self.has_data(prometheus, instance).await {
            let Self { dashboard, panel, expression, .. } = self;
            assert!(asked.elapsed() < WITHIN, "{dashboard} {panel}: no data: {expression}");
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }
}

#[test]
fn dashboards_are_sound_and_every_text_is_in_both_languages() {
    let all = dashboards();
    assert_eq!(
        all.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(),
        ["box.json", "fleet.json", "lane.json"]
    );
    for (name, content) in &all {
        let panels = list(&content["panels"]);
        let ids: BTreeSet<_> = panels.iter().map(|panel| panel["id"].as_u64().unwrap()).collect();
        assert_eq!(ids.len(), panels.len(), "{name}: a panel's number is given twice");
        let titles = panels.iter().chain([content]).map(|it| &it["title"]);
        for title in titles.chain(list(&content["links"]).iter().map(|link| &link["title"])) {
            let title = title.as_str().unwrap();
            let (japanese, english) = title.split_once("/ ").unwrap_or_else(|| panic!("{name}: {title}"));
            assert!(!japanese.is_ascii() && english.is_ascii(), "{name}: {title}");
        }
        // No panel lies on another.
        let places = panels.iter().flat_map(|panel| {
            let of = |key: &str| panel["gridPos"][key].as_u64().unwrap();
            let (x, y, w, h) = (of("x"), of("y"), of("w"), of("h"));
            assert!(x + w <= 24, "{name}: wider than the page");
            (x..x + w).flat_map(move |x| (y..y + h).map(move |y| (x, y)))
        });
        let places: Vec<_> = places.collect();
        assert_eq!(
            places.iter().collect::<BTreeSet<_>>().len(),
            places.len(),
            "{name}: two panels in one place"
        );
    }
}

async fn comes_to(prometheus: &Prometheus, expression: &str, expected: f64) {
    prometheus.until(expression, WITHIN, |number| (number - expected).abs() < 1e-6).await;
}

const ANSWERS: &str = "sum(madoguchi_visit_answer_seconds_count)";

async fn serve(house: &House, way: Way, number: u32, last: &str) {
    let card = format!("{}#{number}", way.kind());
    assert_eq!(visits::serve(&house.lane(1), way, &card).await.kind, last);
}

#[tokio::test(flavor = "multi_thread")]
async fn service_level_is_right_and_every_query_of_the_dashboards_has_data() {
    let mut house = House::hospital(Options { hotplug: true, ..Options::default() }).await;
    house.with_chrony();
    house.start_gateway();
    house.ready().await;
    let prometheus = Prometheus::watching(&house, |config| config).await;

    comes_to(&prometheus, ANSWERS, 0.0).await;
    // Every way, so that all of a dashboard's series are there.
    for way in [Way::Android, Way::Iphone, Way::CardHeld] {
        serve(&house, way, 1, "done").await;
    }
    assert!(house.page("").await.contains("<html"), "somebody logged in");
    comes_to(&prometheus, ANSWERS, 3.0).await;

    // Seven are answered, one of them late.
    for way in [Way::Android, Way::Iphone, Way::CardHeld] {
        serve(&house, way, 2, "done").await;
    }
    house.centre_fault(json!({ "fault": { "kind": "slow", "ms": 3300 }, "path": "/v1/authenticate" })).await;
    serve(&house, Way::Android, 3, "done").await;
    house.centre_well().await;
    comes_to(&prometheus, ANSWERS, 7.0).await;
    comes_to(&prometheus, "madoguchi:visits_failed:ratio_rate5m", 1.0 / 7.0).await;
    let burns = "count(ALERTS{alertname=~\"MadoguchiServiceLevel.*\",alertstate=\"firing\"})";
    comes_to(&prometheus, burns, 2.0).await;

    // The centre's own outage is aside.
    house.line_down().await;
    house.raised("uplink", FaultCode::LineDown).await;
    serve(&house, Way::Iphone, 4, "deferred").await;
    house.centre_well().await;
    comes_to(&prometheus, "sum(madoguchi_visits_unanswered_total{reason=\"line_down\"})", 1.0).await;
    comes_to(&prometheus, "madoguchi:visits_failed:ratio_rate5m", 1.0 / 7.0).await;
    comes_to(&prometheus, "madoguchi:lanes_available:ratio", 1.0).await;

    // What a dashboard asks for is there.
    let targets = prometheus.query("madoguchi_lanes").await;
    let instance = targets[0]["metric"]["instance"].as_str().unwrap().to_owned();
    let (when_ill, always): (Vec<_>, Vec<_>) = queries().into_iter().partition(Query::is_empty_when_well);
    assert!(always.len() > 40, "{}", always.len());
    for query in &always {
        query.comes_to_have_data(&prometheus, &instance).await;
    }
    // And what is empty when all is well has an answer when it is not.
    assert_eq!(when_ill.len(), EMPTY_WHEN_WELL.len());
    let faults = &when_ill.iter().find(|query| query.dashboard == "lane.json").unwrap();
    assert!(!faults.has_data(&prometheus, &instance).await, "nothing is wrong with the lane yet");
    house.lane(1).nfc_reader("unplug").await;
    for query in &when_ill {
        query.comes_to_have_data(&prometheus, &instance).await;
    }
}
