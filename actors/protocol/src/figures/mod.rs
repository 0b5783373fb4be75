//! The figures: what each actor has counted, said on the bus on its behalf so that one scrape shows the whole box.
//!
//! Every family of metrics stands once in [`Family`]: its name, its type, its labels with all their values, and who
//! may report it. What an actor says is admitted against that table ([`Figures::admitted`]): a name, a label or a
//! value that it does not foresee is refused, so nothing that anybody writes on the bus reaches `/metrics` as text,
//! and the number of series has a bound that can be worked out ([`Family::most_series`]).

mod families;
mod labels;

pub use families::Family;
pub use labels::{Label, Values};

use crate::{
    ActorKind,
    fault::{FaultCode, Scope},
};
use serde::{Deserialize, Serialize};

/// What a family measures.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Kind {
    /// Only grows, and begins anew with its process.
    Counter,
    /// A present value.
    Gauge,
    /// How many observations were at most so large: the upper bounds of the buckets, without infinity.
    Histogram(&'static [f64]),
}

/// Whose figure it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Per {
    /// Each lane's: the series bear the label `lane`.
    Lane,
    /// The box's: what several lanes report is added up.
    Box,
    /// Each actor's: the series bear `actor` and `lane`, which is empty for an actor of the box.
    Actor,
    /// Each kind of actor's: what the lanes report is added up under `actor`.
    ActorKind,
    /// Each fault's, with the lane of a lane's fault.
    Fault,
}

impl Per {
    /// The labels that come from who reports, not from what is reported.
    pub const fn labels(self) -> &'static [&'static str] {
        match self {
            Self::Lane => &["lane"],
            Self::Box => &[],
            Self::Actor => &["actor", "lane"],
            Self::ActorKind => &["actor"],
            Self::Fault => &["fault", "lane"],
        }
    }
}

/// Who may report a family.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// Actors of this kind count it.
    One(ActorKind),
    /// Actors of either kind count it.
    Two(ActorKind, ActorKind),
    /// The bus counts it for every actor.
    Every,
    /// The gateway makes it from the states of the actors and from what it knows of the box; nobody says it.
    States,
}

impl Source {
    /// Whether actors of this kind may say it on the bus.
    pub fn allows(self, kind: ActorKind) -> bool {
        match self {
            Self::One(one) => kind == one,
            Self::Two(one, other) => kind == one || kind == other,
            Self::Every => true,
            Self::States => false,
        }
    }
}

/// What an actor has counted so far. Published retained where it changed.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Figures {
    /// By family.
    pub families: Vec<Said>,
}

/// The series of one family.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Said {
    /// The family's name.
    pub name: String,
    /// Each series.
    pub series: Vec<Series>,
}

/// One series.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Series {
    /// The values of the family's own labels, in its order.
    pub labels: Vec<String>,
    /// Its value.
    pub value: Value,
}

/// A series' value.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Value {
    /// Of a counter or a gauge.
    Number(f64),
    /// Of a histogram.
    Histogram {
        /// Of all observations.
        sum: f64,
        /// Observations in each bucket by itself, the one above the last bound included.
        counts: Vec<u64>,
    },
}

/// A series that the table foresees; its labels are the table's own texts.
#[derive(Clone, Debug, PartialEq)]
pub struct Admitted {
    /// Which family.
    pub family: Family,
    /// The values of the family's own labels.
    pub labels: Vec<&'static str>,
    /// Its value.
    pub value: Value,
}

impl Figures {
    /// What of this an actor of `kind` may say, and how many series were refused.
    pub fn admitted(self, kind: ActorKind) -> (Vec<Admitted>, u64) {
        let (mut admitted, mut refused) = (Vec::new(), 0);
        for Said { name, series } in self.families {
            let family = Family::named(&name).filter(|family| family.source().allows(kind));
            for one in series {
                match family.and_then(|family| family.admit(one)) {
                    Some(series) => admitted.push(series),
                    None => refused += 1,
                }
            }
        }
        (admitted, refused)
    }
}

impl Family {
    /// The family with this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|family| family.name() == name)
    }

    /// Every combination of the values of its own labels: its series, as far as the table bounds them.
    pub fn rows(self) -> Vec<Vec<&'static str>> {
        self.labels().iter().fold(vec![vec![]], |rows, label| {
            let with = |row: &Vec<&'static str>| {
                let row = row.clone();
                label.values().all().map(move |value| [row.clone(), vec![value]].concat()).collect::<Vec<_>>()
            };
            rows.iter().flat_map(with).collect()
        })
    }

    /// Every label of its series, in their order.
    pub fn label_names(self) -> impl Iterator<Item = &'static str> {
        self.per().labels().iter().copied().chain(self.labels().iter().map(|label| label.name()))
    }

    /// The most series that it can have on a box with so many lanes, as Prometheus counts them.
    pub fn most_series(self, lanes: usize) -> usize {
        let of_values: usize = self.labels().iter().map(|label| label.values().count()).product();
        let kinds = ActorKind::ALL.into_iter();
        let whose = match self.per() {
            Per::Lane => lanes,
            Per::Box => 1,
            Per::ActorKind => ActorKind::ALL.len(),
            Per::Fault => {
                let of = |scope| FaultCode::ALL.iter().filter(move |fault| fault.scope() == scope).count();
                of(Scope::Lane) * lanes + of(Scope::Box)
            }
            Per::Actor => kinds.map(|kind| if kind.is_per_lane() { lanes } else { 1 }).sum(),
        };
        let each = match self.kind() {
            Kind::Counter | Kind::Gauge => 1,
            // The buckets, the one for infinity, the sum and the count.
            Kind::Histogram(bounds) => bounds.len() + 3,
        };
        of_values * whose * each
    }

    fn admit(self, series: Series) -> Option<Admitted> {
        let own = self.labels();
        if series.labels.len() != own.len() {
            return None;
        }
        let labels = own.iter().zip(&series.labels).map(|(label, text)| label.values().find(text));
        let labels = labels.collect::<Option<Vec<_>>>()?;
        let fits = match (&series.value, self.kind()) {
            (Value::Number(value), Kind::Counter) => value.is_finite() && *value >= 0.0,
            (Value::Number(value), Kind::Gauge) => value.is_finite(),
            (Value::Histogram { sum, counts }, Kind::Histogram(bounds)) => {
                sum.is_finite() && counts.len() == bounds.len() + 1
            }
            _ => false,
        };
        fits.then_some(Admitted { family: self, labels, value: series.value })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    /// What a large hospital can have on one box.
    const LANES: usize = 256;
    /// What Prometheus is to be asked to keep of one box at most.
    const MOST_SERIES: usize = 20_000;

    fn said(name: &str, labels: &[&str], value: Value) -> Figures {
        let labels = labels.iter().map(|text| (*text).to_string()).collect();
        Figures { families: vec![Said { name: name.into(), series: vec![Series { labels, value }] }] }
    }

    fn refused(figures: Figures, kind: ActorKind) -> bool {
        let (admitted, refused) = figures.admitted(kind);
        assert_eq!(admitted.len() as u64 + refused, 1);
        refused == 1
    }

    #[test]
    fn what_the_table_foresees_is_admitted_with_the_tables_own_texts() {
        let name = Family::VisitsEnded.name();
        let figures = said(name, &["android", "confirmed"], Value::Number(3.0));
        let (admitted, refused) = figures.admitted(ActorKind::FaceReader);
        assert_eq!((admitted.len(), refused), (1, 0));
        assert_eq!(admitted[0].labels, ["android", "confirmed"]);
    }

    #[test]
    fn nobody_says_what_is_another_actors_or_made_from_states() {
        let visits = said(Family::VisitsEnded.name(), &["android", "confirmed"], Value::Number(1.0));
        assert!(refused(visits, ActorKind::NfcReader));
        let active = said(Family::FaultActive.name(), &[], Value::Number(1.0));
        assert!(refused(active, ActorKind::Uplink));
    }

    #[test]
    fn no_text_and_no_value_of_an_actors_own_gets_through() {
        let name = Family::VisitsEnded.name();
        for (labels, value) in [
            (vec!["太郎", "confirmed"], Value::Number(1.0)),
            (vec!["android", "confirmed", "more"], Value::Number(1.0)),
            (vec!["android"], Value::Number(1.0)),
            (vec!["android", "confirmed"], Value::Number(f64::NAN)),
            (vec!["android", "confirmed"], Value::Number(-1.0)),
            (vec!["android", "confirmed"], Value::Histogram { sum: 1.0, counts: vec![1] }),
        ] {
            assert!(refused(said(name, &labels, value), ActorKind::FaceReader), "{labels:?}");
        }
        let short = Value::Histogram { sum: 1.0, counts: vec![1] };
        assert!(refused(said(Family::VisitAnswer.name(), &["android"], short), ActorKind::FaceReader));
        assert!(refused(said("madoguchi_surprise_total", &[], Value::Number(1.0)), ActorKind::FaceReader));
    }

    #[test]
    fn a_box_with_256_lanes_cannot_have_20_000_series() {
        let most: usize = Family::ALL.iter().map(|family| family.most_series(LANES)).sum();
        assert!(most < MOST_SERIES, "{most} series; the largest: {:?}", {
            let mut all: Vec<_> = Family::ALL.iter().map(|f| (f.most_series(LANES), f.name())).collect();
            all.sort_unstable();
            all.split_off(all.len() - 8)
        });
    }

    #[test]
    fn what_one_actor_says_fits_into_a_message() {
        for kind in ActorKind::ALL {
            let said: Vec<_> = Family::ALL
                .iter()
                .filter(|family| family.source().allows(kind))
                .map(|family| {
                    let mut rows = vec![Vec::new()];
                    for label in family.labels() {
                        let values: Vec<_> = label.values().all().collect();
                        rows = rows
                            .into_iter()
                            .flat_map(|row: Vec<String>| {
                                values.iter().map(move |value| [row.clone(), vec![(*value).into()]].concat())
                            })
                            .collect();
                    }
                    let value = match family.kind() {
                        Kind::Histogram(bounds) => {
                            Value::Histogram { sum: 1e9 / 3.0, counts: vec![1 << 31; bounds.len() + 1] }
                        }
                        _ => Value::Number(1e9 / 3.0),
                    };
                    let series =
                        rows.into_iter().map(|labels| Series { labels, value: value.clone() }).collect();
                    Said { name: family.name().into(), series }
                })
                .collect();
            let bytes = crate::cbor::encode(&Figures { families: said });
            assert!(bytes.is_ok_and(|bytes| bytes.len() < crate::cbor::MAX_BYTES - 1024), "{kind}");
        }
    }

    #[test]
    fn names_follow_the_conventions_of_prometheus() {
        let mut names = BTreeSet::new();
        for family in Family::ALL {
            let name = family.name();
            assert!(names.insert(name), "{name} is given twice");
            assert!(name.starts_with("madoguchi_"), "{name}");
            assert_eq!(name.ends_with("_total"), family.kind() == Kind::Counter, "{name}");
            assert!(!family.help().is_empty() && !family.help().ends_with('.'), "{name}");
            if let Kind::Histogram(bounds) = family.kind() {
                assert!(name.ends_with("_seconds"), "{name}");
                assert!(bounds.windows(2).all(|two| two[0] < two[1]), "{name}");
            }
            for unit in ["_ms", "_milliseconds", "_minutes", "_hours", "_days", "_kib", "_mib"] {
                assert!(!name.contains(unit), "{name} is not in base units");
            }
            let labels: BTreeSet<_> = family.label_names().collect();
            assert_eq!(labels.len(), family.label_names().count(), "{name}");
        }
    }
}
