//! Alerts: one rule for every fault that lasts, made from the catalogue, with a unit test and a section of the runbook
//! in both languages; Prometheus' own tool checks and runs them.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a failed step is a failed test")]

use madoguchi_end_to_end::{
    prometheus::{alert, files as folder},
    sources,
};
use madoguchi_protocol::{
    fault::{FaultCode, Scope, Severity},
    texts::{Language, text},
};
use std::{collections::BTreeSet, fmt::Write, process::Command};

/// The faults that somebody must act on: those that last. What concerns one visit is told at its lane.
fn lasting() -> impl Iterator<Item = FaultCode> {
    FaultCode::ALL.iter().copied().filter(|fault| fault.scope() != Scope::Visit)
}

/// How long it must last before anybody is called, in minutes: what stops a counter soon, what can wait later. Shorter
/// than the symptoms' own windows never, so that patients affected are told first.
const fn minutes(fault: FaultCode) -> u32 {
    match fault.severity() {
        Severity::Critical => 2,
        Severity::Warning | Severity::Notice => 15,
    }
}

const fn severity(fault: FaultCode) -> &'static str {
    match fault.severity() {
        Severity::Critical => "critical",
        Severity::Warning | Severity::Notice => "warning",
    }
}

/// Who acts first: the counter's staff on what stands at their counter, the person in charge of the box on the rest.
fn acts(fault: FaultCode) -> &'static str {
    if fault.scope() == Scope::Lane { "reception" } else { "engineer" }
}

fn lane(fault: FaultCode) -> &'static str {
    if fault.scope() == Scope::Lane { "3" } else { "" }
}

fn words(language: Language, fault: FaultCode, part: &str) -> String {
    text(language, &format!("fault-{}-{part}", fault.name()), &[])
}

fn quoted(text: &str) -> String {
    serde_json::to_string(text).unwrap()
}

const MADE: &str = "# Made from the catalogue of faults by `make doc`. Changes here are lost.\n";

fn rules() -> String {
    let mut rules = format!("{MADE}groups:\n  - name: madoguchi-causes\n    rules:\n");
    for fault in lasting() {
        write!(
            rules,
            "      - alert: {}\n        expr: madoguchi_fault_active{{fault=\"{}\"}} == 1\n        for: {}m\n        \
             labels: {{severity: {}, acts: {}}}\n        annotations:\n          summary: {}\n          summary_en: {}\n          \
             runbook: \"RUNBOOK.ja.md#{}\"\n          runbook_en: \"RUNBOOK.en.md#{}\"\n",
            alert(fault),
            fault.name(),
            minutes(fault),
            severity(fault),
            acts(fault),
            quoted(&words(Language::Ja, fault, "staff")),
            quoted(&words(Language::En, fault, "staff")),
            fault.name(),
            fault.name(),
        )
        .unwrap();
    }
    rules
}

/// Each fault lasts for twenty minutes and ends: its alert is not there too soon, fires alone, and clears.
fn unit_tests() -> String {
    let mut tests = format!(
        "{MADE}rule_files: [alerts-service.yml, alerts-causes.yml]\nevaluation_interval: 1m\ntests:\n"
    );
    for fault in lasting() {
        let (name, lane, after) = (fault.name(), lane(fault), minutes(fault));
        // To Prometheus an empty label is none.
        let of_lane = if lane.is_empty() { String::new() } else { format!(", lane: \"{lane}\"") };
        let labels = format!(
            "{{severity: {}, acts: {}, fault: {name}{of_lane}, instance: box}}",
            severity(fault),
            acts(fault)
        );
        let annotations = format!(
            "{{summary: {}, summary_en: {}, runbook: \"RUNBOOK.ja.md#{name}\", runbook_en: \"RUNBOOK.en.md#{name}\"}}",
            quoted(&words(Language::Ja, fault, "staff")),
            quoted(&words(Language::En, fault, "staff")),
        );
        write!(
            tests,
            "  - interval: 1m\n    name: {name}\n    input_series:\n      - series: 'madoguchi_fault_active{{fault=\"{name}\",\
             lane=\"{lane}\",instance=\"box\"}}'\n        values: '0x4 1x19 0x9'\n    alert_rule_test:\n"
        )
        .unwrap();
        for other in lasting() {
            let fires = if other == fault {
                format!("\n          - exp_labels: {labels}\n            exp_annotations: {annotations}\n")
            } else {
                " []\n".into()
            };
            let alert = alert(other);
            write!(tests, "      - eval_time: 24m\n        alertname: {alert}\n        exp_alerts:{fires}")
                .unwrap();
        }
        let alert = alert(fault);
        for minute in [4 + after, 27] {
            writeln!(tests, "      - {{eval_time: {minute}m, alertname: {alert}, exp_alerts: []}}").unwrap();
        }
    }
    tests
}

/// Faults for which the runbook has steps beyond the fault's own text: those that call an engineer at night.
const WITH_STEPS: [FaultCode; 10] = [
    FaultCode::LineDown,
    FaultCode::QueueFull,
    FaultCode::QueueFailed,
    FaultCode::BrokerLost,
    FaultCode::ActorGaveUp,
    FaultCode::PcscHung,
    FaultCode::ReceiptFolderUnavailable,
    FaultCode::AuditLogFailed,
    FaultCode::ClockWrong,
    FaultCode::BoxCertificateUrgent,
];

fn runbook(language: Language) -> String {
    let (title, who, what, steps) = match language {
        Language::Ja => ("# 対応手順書", "対応する人", "対応", "手順"),
        Language::En => ("# Runbook", "Who acts", "What to do", "Steps"),
    };
    let mut book = format!(
        "{title}\n\n<!-- Made from the catalogue of faults and its texts by `make doc`. Changes here are lost. -->\n"
    );
    for fault in lasting() {
        let who_acts = match (language, acts(fault)) {
            (Language::Ja, "reception") => "受付の職員",
            (Language::Ja, _) => "機器の担当者",
            (Language::En, "reception") => "the counter's staff",
            (Language::En, _) => "the person in charge of the box",
        };
        let name = fault.name();
        write!(
            book,
            "\n## {name}\n\n{}\n\n- {who}: {who_acts}\n- {what}: {}\n- `{}`\n",
            words(language, fault, "staff"),
            words(language, fault, "action"),
            alert(fault)
        )
        .unwrap();
        if WITH_STEPS.contains(&fault) {
            let text = text(language, &format!("runbook-{name}"), &[]);
            assert!(text.starts_with("1. ") && text.lines().count() >= 3, "{name}: {text}");
            write!(book, "\n{steps}:\n\n{text}\n").unwrap();
        }
    }
    book
}

fn made() -> [(&'static str, String); 4] {
    [
        ("alerts-causes.yml", rules()),
        ("alerts-causes-test.yml", unit_tests()),
        ("RUNBOOK.ja.md", runbook(Language::Ja)),
        ("RUNBOOK.en.md", runbook(Language::En)),
    ]
}

#[test]
fn every_lasting_fault_has_its_rule_its_unit_test_and_its_section_in_both_languages() {
    for (name, text) in made() {
        sources::is_made(&format!("configs/prometheus/{name}"), &text);
    }
    let alerts: BTreeSet<_> = lasting().map(alert).collect();
    assert_eq!(alerts.len(), lasting().count(), "two faults share an alert's name");
}

fn promtool(arguments: &[&str]) {
    let said = Command::new("promtool")
        .args(arguments)
        .current_dir(folder())
        .output()
        .expect("promtool runs; .ci/install installs it");
    let words = String::from_utf8_lossy(&[said.stdout, said.stderr].concat()).into_owned();
    assert!(said.status.success(), "promtool {arguments:?}:\n{words}");
}

#[test]
fn promtool_finds_no_fault_with_the_rules() {
    promtool(&["check", "rules", "alerts-service.yml", "alerts-causes.yml"]);
    promtool(&["check", "config", "prometheus.yml"]);
}

#[test]
fn each_alert_fires_alone_when_its_time_has_come_and_clears() {
    promtool(&["test", "rules", "alerts-causes-test.yml", "alerts-service-test.yml"]);
}

#[test]
fn every_metric_that_a_rule_names_exists() {
    let known: BTreeSet<_> =
        madoguchi_protocol::figures::Family::ALL.iter().map(|family| family.name()).collect();
    let rules = sources::text("configs/prometheus/alerts-service.yml") + &rules();
    let named: BTreeSet<&str> = rules
        .split(|c: char| !(c.is_ascii_alphanumeric() || c == '_' || c == ':'))
        .filter(|word| word.starts_with("madoguchi_") && !word.contains(':'))
        .map(|word| {
            let base = word.trim_end_matches("_bucket").trim_end_matches("_count");
            if known.contains(base) { base } else { word }
        })
        .collect();
    assert!(named.len() > 2, "{named:?}");
    assert!(named.is_subset(&known), "{:?}", named.difference(&known));
}
