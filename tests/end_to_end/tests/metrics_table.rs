//! METRICS.md says what there is: its table is made from the table of families.

#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use madoguchi_end_to_end::sources;
use madoguchi_protocol::figures::{Family, Kind, Per, Source, Values};

const BEGIN: &str = "<!-- metrics: made from the table of families by `make doc` -->\n";
const END: &str = "<!-- /metrics -->\n";

fn table() -> String {
    let mut table = String::from("| metric | type | labels | said by | meaning |\n|---|---|---|---|---|\n");
    for family in Family::ALL {
        let kind = match family.kind() {
            Kind::Counter => "counter".to_owned(),
            Kind::Gauge => "gauge".to_owned(),
            Kind::Histogram(bounds) => {
                let bounds: Vec<_> = bounds.iter().map(ToString::to_string).collect();
                format!("histogram, up to {} s", bounds.join(", "))
            }
        };
        let whose = family.per().labels().iter().map(|name| format!("`{name}`"));
        let own = family.labels().iter().map(|label| match label.values() {
            Values::Listed(values) => format!("`{}` ({})", label.name(), values.join(", ")),
            Values::Commands | Values::Faults => {
                format!("`{}` ({})", label.name(), label.values().in_words())
            }
        });
        let labels: Vec<_> = whose.chain(own).collect();
        let by = match family.source() {
            Source::One(kind) => format!("`{kind}`"),
            Source::Two(one, other) => format!("`{one}`, `{other}`"),
            Source::Every => "every actor".to_owned(),
            Source::States => "made from states".to_owned(),
        };
        let labels = if labels.is_empty() { "–".to_owned() } else { labels.join(", ") };
        table += &format!("| `{}` | {kind} | {labels} | {by} | {} |\n", family.name(), family.help());
    }
    table
}

#[test]
fn every_metric_in_the_document_exists_and_every_metric_is_documented() {
    sources::is_made_between("configs/prometheus/METRICS.md", BEGIN, END, &table());
}

#[test]
fn a_family_of_the_faults_bears_fault_and_lane() {
    assert_eq!(Family::FaultActive.per(), Per::Fault);
    assert_eq!(Family::FaultActive.label_names().collect::<Vec<_>>(), ["fault", "lane"]);
}
