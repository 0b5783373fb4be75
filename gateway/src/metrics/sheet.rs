//! All series of the box at one moment, merged from what the actors said and from their states.

use madoguchi_protocol::{
    Address, LaneId,
    fault::FaultCode,
    figures::{Admitted, Family, Kind, Per, Value},
};
use prometheus::proto::{Bucket, Counter, Gauge, Histogram, LabelPair, Metric, MetricFamily, MetricType};
use std::collections::BTreeMap;

/// The values of a series' labels, in the order of [`Family::label_names`].
type Labels = Vec<String>;

/// Every series.
#[derive(Debug, Default)]
pub(super) struct Sheet(BTreeMap<Family, BTreeMap<Labels, Value>>);

impl Sheet {
    /// Takes what `of` has counted: added to what others counted under the same labels.
    pub(super) fn take(&mut self, of: Address, series: &Admitted) {
        let labels = whose(series.family, of).chain(series.labels.iter().map(ToString::to_string)).collect();
        let place = self.0.entry(series.family).or_default().entry(labels);
        place.and_modify(|value| add(value, &series.value)).or_insert_with(|| series.value.clone());
    }

    /// Sets a series that is made from states.
    pub(super) fn set(&mut self, family: Family, of: Address, labels: &[&str], value: f64) {
        let labels = whose(family, of).chain(labels.iter().map(ToString::to_string)).collect();
        self.0.entry(family).or_default().insert(labels, Value::Number(value));
    }

    /// Sets whether a fault lasts.
    pub(super) fn fault(&mut self, fault: FaultCode, lane: Option<LaneId>, lasts: bool) {
        let labels = vec![fault.name().into(), lane_label(lane)];
        let value = Value::Number(f64::from(u8::from(lasts)));
        self.0.entry(Family::FaultActive).or_default().insert(labels, value);
    }

    /// The families with their series, in the table's order.
    pub(super) fn families(&self) -> impl Iterator<Item = (Family, &BTreeMap<Labels, Value>)> {
        self.0.iter().map(|(family, series)| (*family, series))
    }

    /// The same as the library knows them.
    pub(super) fn metric_families(&self) -> Vec<MetricFamily> {
        self.families().map(|(family, series)| metric_family(family, series)).collect()
    }
}

/// The labels that come from who reports.
fn whose(family: Family, of: Address) -> impl Iterator<Item = String> {
    let (kind, lane) = (of.kind.name().to_string(), lane_label(of.lane));
    match family.per() {
        Per::Box | Per::Fault => vec![],
        Per::Lane => vec![lane],
        Per::Actor => vec![kind, lane],
        Per::ActorKind => vec![kind],
    }
    .into_iter()
}

fn lane_label(lane: Option<LaneId>) -> String {
    lane.map_or(String::new(), |lane| lane.to_string())
}

/// Admitted series of one family have one shape.
fn add(to: &mut Value, more: &Value) {
    match (to, more) {
        (Value::Number(sum), Value::Number(more)) => *sum += more,
        (Value::Histogram { sum, counts }, Value::Histogram { sum: more_sum, counts: more }) => {
            *sum += more_sum;
            counts.iter_mut().zip(more).for_each(|(count, more)| *count = count.saturating_add(*more));
        }
        _ => {}
    }
}

fn metric_family(family: Family, series: &BTreeMap<Labels, Value>) -> MetricFamily {
    let mut out = MetricFamily::default();
    out.set_name(family.name().into());
    out.set_help(family.help().into());
    out.set_field_type(match family.kind() {
        Kind::Counter => MetricType::COUNTER,
        Kind::Gauge => MetricType::GAUGE,
        Kind::Histogram(_) => MetricType::HISTOGRAM,
    });
    out.set_metric(series.iter().map(|(labels, value)| metric(family, labels, value)).collect());
    out
}

fn metric(family: Family, labels: &Labels, value: &Value) -> Metric {
    let pairs = family.label_names().zip(labels).map(|(name, value)| {
        let mut pair = LabelPair::default();
        pair.set_name(name.into());
        pair.set_value(value.clone());
        pair
    });
    let mut metric = Metric::from_label(pairs.collect());
    match (value, family.kind()) {
        (Value::Number(value), Kind::Counter) => {
            let mut counter = Counter::default();
            counter.set_value(*value);
            metric.set_counter(counter);
        }
        (Value::Histogram { sum, counts }, Kind::Histogram(bounds)) => {
            metric.set_histogram(histogram(*sum, counts, bounds));
        }
        (Value::Number(value), _) => {
            let mut gauge = Gauge::default();
            gauge.set_value(*value);
            metric.set_gauge(gauge);
        }
        (Value::Histogram { .. }, _) => {}
    }
    metric
}

fn histogram(sum: f64, counts: &[u64], bounds: &[f64]) -> Histogram {
    let mut upto = 0;
    let buckets = bounds.iter().zip(counts).map(|(bound, count)| {
        upto += count;
        let mut bucket = Bucket::default();
        bucket.set_upper_bound(*bound);
        bucket.set_cumulative_count(upto);
        bucket
    });
    let mut out = Histogram::default();
    out.set_bucket(buckets.collect());
    out.set_sample_count(counts.iter().sum());
    out.set_sample_sum(sum);
    out
}
