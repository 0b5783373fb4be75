//! A real Prometheus that watches a gateway by the files of `configs/prometheus`, at a test's speed.
//!
//! The files are taken as they are but for this: Prometheus scrapes every half second and evaluates every quarter, and
//! each minute of a `for:` (how long something must last before anybody is called) becomes a quarter of a second. No
//! expression and none of its windows is touched.

use crate::{House, http::Http, process::Process};
use jiff::Timestamp;
use madoguchi_protocol::fault::FaultCode;
use reqwest::{Method, Url};
use serde_json::Value;
use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, Instant},
};

/// What a minute of a `for:` becomes, in milliseconds.
const MINUTE_MS: u64 = 250;
/// How long Prometheus may take to be ready.
const READY_WITHIN: Duration = Duration::from_secs(30);

/// Where the files for Prometheus are.
pub fn files() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../configs/prometheus")
}

/// The alert of a fault: `nfc-reader-lost` is `MadoguchiNfcReaderLost`.
pub fn alert(fault: FaultCode) -> String {
    let words = fault.name().split('-').map(|word| word[..1].to_uppercase() + &word[1..]);
    format!("Madoguchi{}", words.collect::<String>())
}

/// The rules with each `for:` shortened; see the module.
pub fn hastened(rules: &str) -> String {
    let line = |line: &str| match line.split_once("for: ") {
        Some((indent, minutes)) if indent.trim().is_empty() => {
            let minutes: u64 =
                minutes.strip_suffix('m').and_then(|number| number.parse().ok()).expect("minutes");
            format!("{indent}for: {}ms\n", minutes * MINUTE_MS)
        }
        _ => format!("{line}\n"),
    };
    rules.lines().map(line).collect()
}

/// A Prometheus of a test's own. Dropped, it ends.
pub struct Prometheus {
    process: Process,
    http: Http,
}

impl Prometheus {
    /// Watches this house; `change` has the last word on its configuration.
    pub async fn watching(house: &House, change: impl Fn(String) -> String) -> Self {
        let folder = house.directory().join("prometheus");
        fs::create_dir_all(&folder).expect("a folder");
        for rules in ["alerts-service.yml", "alerts-causes.yml"] {
            let text = fs::read_to_string(files().join(rules)).expect("rules");
            fs::write(folder.join(rules), hastened(&text)).expect("rules");
        }
        let text = fs::read_to_string(files().join("prometheus.yml")).expect("a configuration");
        let metrics = house.addresses["gateway_metrics"].as_str().expect("an address");
        let metrics = Url::parse(metrics).expect("an address");
        let target = format!("{}:{}", metrics.host_str().expect("a host"), metrics.port().expect("a port"));
        let mut config = text;
        for (from, to) in [
            ("scrape_interval: 15s", "scrape_interval: 500ms"),
            ("evaluation_interval: 15s", "evaluation_interval: 250ms"),
            ("127.0.0.1:9480", &target),
        ] {
            assert!(config.contains(from), "{from} is not in prometheus.yml");
            config = config.replace(from, to);
        }
        fs::write(folder.join("prometheus.yml"), change(config)).expect("a configuration");
        Self::start(&folder).await
    }

    async fn start(folder: &Path) -> Self {
        let mut command = Command::new("prometheus");
        command.arg(format!("--config.file={}", folder.join("prometheus.yml").display()));
        command.arg(format!("--storage.tsdb.path={}", folder.join("data").display()));
        command.args(["--web.listen-address=127.0.0.1:0"]);
        let mut process = Process::start("prometheus", command, folder);
        let asked = Instant::now();
        loop {
            let log = fs::read_to_string(&process.log).unwrap_or_default();
            if log.contains("Server is ready to receive web requests") {
                let listens =
                    log.split_once("msg=\"Listening on\" address=").expect("it says where it listens").1;
                let address = listens.split_whitespace().next().expect("an address");
                let http = Http::new(&format!("http://{address}/"));
                return Self { process, http };
            }
            assert!(process.is_running(), "Prometheus ended:\n{}", process.tail());
            assert!(asked.elapsed() < READY_WITHIN, "Prometheus is not ready:\n{}", process.tail());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    async fn ask(&self, what: &str, parameters: &[(&str, &str)]) -> Value {
        let url = Url::parse_with_params("http://prometheus/", parameters).expect("parameters");
        let path = format!("api/v1/{what}?{}", url.query().unwrap_or_default());
        let (status, mut answer) = self.http.send(Method::GET, &path, None).await;
        assert!(status.is_success(), "{what} {parameters:?}: {status} {answer}\n{}", self.process.tail());
        answer["data"].take()
    }

    /// What an expression comes to now: a list of series.
    pub async fn query(&self, expression: &str) -> Vec<Value> {
        let answer = self.ask("query", &[("query", expression)]).await;
        answer["result"].as_array().cloned().expect("a list of series")
    }

    /// The one number that an expression comes to now; nothing where it is none or several.
    pub async fn number(&self, expression: &str) -> Option<f64> {
        match &self.query(expression).await[..] {
            [series] => series["value"][1].as_str()?.parse().ok(),
            _ => None,
        }
    }

    /// Waits until an expression comes to one number that is as it should be.
    pub async fn until(&self, expression: &str, within: Duration, is_right: impl Fn(f64) -> bool) {
        let asked = Instant::now();
        loop {
            let number = self.number(expression).await;
            if number.is_some_and(&is_right) {
                return;
            }
            assert!(asked.elapsed() < within, "not within {within:?}: {expression} is {number:?}");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// Whether the service level burns: what patients notice, told for as long as it is in its windows.
    pub async fn service_level_burns(&self) -> bool {
        self.all_firing().await.iter().any(|alert| is_symptom(alert))
    }

    /// The causes that fire now, each as its alert's name, with `@` and the lane where it is a lane's. What patients
    /// notice is not among them: its windows are hours.
    pub async fn firing(&self) -> BTreeSet<String> {
        self.all_firing().await.into_iter().filter(|alert| !is_symptom(alert)).collect()
    }

    async fn all_firing(&self) -> BTreeSet<String> {
        let answer = self.ask("alerts", &[]).await;
        let alerts = answer["alerts"].as_array().cloned().expect("alerts");
        alerts
            .iter()
            .filter(|alert| alert["state"] == "firing")
            .map(|alert| named(&alert["labels"]))
            .collect()
    }

    /// The causes that have fired at any moment since.
    pub async fn fired_since(&self, since: Timestamp) -> BTreeSet<String> {
        let (since, now) = (since.to_string(), Timestamp::now().to_string());
        let query = ("query", "ALERTS{alertstate=\"firing\"}");
        let range = [query, ("start", since.as_str()), ("end", now.as_str()), ("step", "250ms")];
        let answer = self.ask("query_range", &range).await;
        let series = answer["result"].as_array().cloned().expect("a list of series");
        series.iter().map(|series| named(&series["metric"])).filter(|alert| !is_symptom(alert)).collect()
    }

    /// Waits until exactly these causes fire.
    pub async fn until_firing(&self, what: &str, expected: &BTreeSet<String>, within: Duration) {
        let asked = Instant::now();
        loop {
            let firing = self.firing().await;
            if firing == *expected {
                return;
            }
            let all = self.ask("alerts", &[]).await;
            assert!(
                asked.elapsed() < within,
                "{what}: not within {within:?}: {expected:?}\nfiring: {firing:?}\n{all:#}"
            );
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }
}

fn is_symptom(alert: &str) -> bool {
    alert.starts_with("MadoguchiServiceLevel")
}

fn named(labels: &Value) -> String {
    let name = labels["alertname"].as_str().expect("a name");
    match labels["lane"].as_str() {
        Some(lane) if !lane.is_empty() => format!("{name}@{lane}"),
        _ => name.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_how_long_an_alert_must_last_is_shortened() {
        let rules =
            "      - alert: A\n        expr: rate(x[5m]) > 1\n        for: 15m\n        labels: {for: me}\n";
        assert_eq!(hastened(rules), rules.replace("for: 15m", "for: 3750ms"));
    }
}
