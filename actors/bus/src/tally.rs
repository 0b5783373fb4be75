//! What one actor has counted: its own registry of the families that it may report.

use madoguchi_protocol::{
    Address,
    figures::{Family, Figures, Kind, Said, Series, Value},
};
use prometheus::{CounterVec, GaugeVec, HistogramOpts, HistogramVec, Opts, core::Collector, proto::Metric};
use std::{collections::BTreeMap, time::Duration};

/// Families with so many series at most stand at zero from the beginning.
const FROM_ZERO: usize = 4;

/// The counts of one actor. They outlive it: the supervisor hands them to the next life.
#[derive(Debug)]
pub struct Tally {
    address: Address,
    vectors: BTreeMap<Family, Vector>,
}

#[derive(Debug)]
enum Vector {
    Counter(CounterVec),
    Gauge(GaugeVec),
    Histogram(HistogramVec),
}

impl Tally {
    /// Nothing counted yet. What has few series stands at zero from the beginning: Prometheus sees no growth in a series
    /// that begins with its first count, so the first failure after a start would be missing in every rate.
    pub fn new(address: Address) -> Self {
        let mine = Family::ALL.iter().copied().filter(|family| family.source().allows(address.kind));
        let vectors: BTreeMap<_, _> =
            mine.filter_map(|family| Some((family, Vector::new(family)?))).collect();
        for (family, vector) in &vectors {
            let rows = family.rows();
            if rows.len() <= FROM_ZERO {
                rows.iter().for_each(|labels| vector.begin(labels));
            }
        }
        Self { address, vectors }
    }

    /// Whose counts they are.
    pub fn address(&self) -> Address {
        self.address
    }

    /// Adds to a counter. What the table of families does not foresee is left out, and a test fails.
    pub fn add(&self, family: Family, labels: &[&str], by: f64) {
        if let Some(Vector::Counter(counters)) = self.find(family, labels)
            && let Ok(counter) = counters.get_metric_with_label_values(labels)
        {
            counter.inc_by(by);
        }
    }

    /// Counts one.
    pub fn count(&self, family: Family, labels: &[&str]) {
        self.add(family, labels, 1.0);
    }

    /// Sets a gauge.
    pub fn set(&self, family: Family, labels: &[&str], value: f64) {
        if let Some(Vector::Gauge(gauges)) = self.find(family, labels)
            && let Ok(gauge) = gauges.get_metric_with_label_values(labels)
        {
            gauge.set(value);
        }
    }

    /// Takes a duration into a histogram.
    pub fn observe(&self, family: Family, labels: &[&str], took: Duration) {
        if let Some(Vector::Histogram(histograms)) = self.find(family, labels)
            && let Ok(histogram) = histograms.get_metric_with_label_values(labels)
        {
            histogram.observe(took.as_secs_f64());
        }
    }

    fn find(&self, family: Family, labels: &[&str]) -> Option<&Vector> {
        let known =
            family.labels().iter().zip(labels).all(|(label, value)| label.values().find(value).is_some());
        let vector = self.vectors.get(&family).filter(|_| known);
        debug_assert!(vector.is_some(), "{} can't count {}{labels:?}", self.address, family.name());
        vector
    }

    /// What has been counted so far.
    pub fn figures(&self) -> Figures {
        let families = self
            .vectors
            .iter()
            .map(|(family, vector)| Said { name: family.name().into(), series: vector.series(*family) });
        Figures { families: families.filter(|said| !said.series.is_empty()).collect() }
    }
}

impl Vector {
    /// The series with these labels is there, at zero. A gauge says nothing before somebody has set it.
    fn begin(&self, labels: &[&str]) {
        match self {
            Self::Counter(counters) => drop(counters.get_metric_with_label_values(labels)),
            Self::Histogram(histograms) => drop(histograms.get_metric_with_label_values(labels)),
            Self::Gauge(_) => {}
        }
    }

    /// An empty vector; nothing where the library refuses the family, which a test excludes.
    fn new(family: Family) -> Option<Self> {
        let labels: Vec<_> = family.labels().iter().map(|label| label.name()).collect();
        let (name, help) = (family.name(), family.help());
        match family.kind() {
            Kind::Counter => CounterVec::new(Opts::new(name, help), &labels).ok().map(Self::Counter),
            Kind::Gauge => GaugeVec::new(Opts::new(name, help), &labels).ok().map(Self::Gauge),
            Kind::Histogram(bounds) => {
                let options = HistogramOpts::new(name, help).buckets(bounds.to_vec());
                HistogramVec::new(options, &labels).ok().map(Self::Histogram)
            }
        }
    }

    fn series(&self, family: Family) -> Vec<Series> {
        let collected = match self {
            Self::Counter(counters) => counters.collect(),
            Self::Gauge(gauges) => gauges.collect(),
            Self::Histogram(histograms) => histograms.collect(),
        };
        let metrics = collected.iter().flat_map(|family| family.get_metric());
        metrics
            .map(|metric| {
                // The library sorts labels by name; the table has an order of its own.
                let pair = |name: &str| metric.get_label().iter().find(|pair| pair.name() == name);
                let text = |name| pair(name).map_or(String::new(), |pair| pair.value().to_string());
                let labels = family.labels().iter().map(|label| text(label.name())).collect();
                Series { labels, value: self.value(metric) }
            })
            .collect()
    }

    fn value(&self, metric: &Metric) -> Value {
        match self {
            Self::Counter(_) => Value::Number(metric.get_counter().get_value()),
            Self::Gauge(_) => Value::Number(metric.get_gauge().get_value()),
            Self::Histogram(_) => {
                let histogram = metric.get_histogram();
                let mut below = 0;
                let mut counts: Vec<_> = histogram
                    .get_bucket()
                    .iter()
                    .map(|bucket| {
                        let upto = bucket.cumulative_count();
                        upto.saturating_sub(std::mem::replace(&mut below, upto))
                    })
                    .collect();
                counts.push(histogram.get_sample_count().saturating_sub(below));
                Value::Histogram { sum: histogram.get_sample_sum(), counts }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use madoguchi_protocol::{ActorKind, LaneId};

    #[test]
    fn every_family_that_an_actor_may_report_can_be_counted() {
        for kind in ActorKind::ALL {
            let tally = Tally::new(Address { kind, lane: None });
            let may = Family::ALL.iter().filter(|family| family.source().allows(kind)).count();
            assert_eq!(tally.vectors.len(), may, "{kind}");
        }
    }

    #[test]
    fn what_has_few_series_stands_at_zero_before_anything_is_counted() {
        let tally = Tally::new(Address::of_lane(ActorKind::FaceReader, LaneId::new(1).unwrap()));
        let (admitted, _) = tally.figures().admitted(ActorKind::FaceReader);
        let late = admitted.iter().find(|it| it.family == Family::VisitsUnanswered && it.labels == ["late"]);
        assert_eq!(late.map(|it| &it.value), Some(&Value::Number(0.0)));
        assert!(
            admitted.iter().all(|it| it.family != Family::VisitsEnded),
            "many: each begins when it is counted"
        );
    }

    #[test]
    fn what_was_counted_is_admitted_whole() {
        let tally = Tally::new(Address::of_lane(ActorKind::FaceReader, LaneId::new(1).unwrap()));
        tally.count(Family::VisitsEnded, &["android", "confirmed"]);
        tally.count(Family::VisitsEnded, &["android", "confirmed"]);
        for millis in [7, 40, 2900, 60_000] {
            tally.observe(Family::VisitAnswer, &["android"], Duration::from_millis(millis));
        }
        let (admitted, refused) = tally.figures().admitted(ActorKind::FaceReader);
        assert_eq!(refused, 0);
        let of = |family, first: &str| {
            let mut all = admitted.iter().filter(|it| it.family == family && it.labels[0] == first);
            all.next().map(|it| it.value.clone()).unwrap()
        };
        assert_eq!(of(Family::VisitsEnded, "android"), Value::Number(2.0));
        let Value::Histogram { sum, counts } = of(Family::VisitAnswer, "android") else {
            panic!("a histogram")
        };
        assert!((sum - 62.947).abs() < 1e-9);
        assert_eq!(counts.iter().sum::<u64>(), 4);
        assert_eq!(counts.last(), Some(&1), "what is above the last bound");
    }
}
