//! Who comes this morning, with what in hand, and what goes wrong. All of it follows from the seed.

use crate::visits::Way;
use rand::{Rng, RngExt, SeedableRng, seq::IndexedRandom};
use rand_xorshift::XorShiftRng;
use std::{fmt, time::Duration};

/// How long a lane is busy with one patient, roughly: it decides how long the morning is.
const TURN: Duration = Duration::from_secs(120);

/// How the morning is to be.
#[derive(Clone, Debug)]
pub struct Options {
    /// Lanes, 1 to 16.
    pub lanes: u16,
    /// Patients.
    pub patients: u16,
    /// The same seed brings the same patients with the same mishaps.
    pub seed: u64,
    /// Per cent of the patients that each kind of mishap befalls; there are [`Mishap::ALL`] kinds.
    pub mishaps: u8,
    /// How many times faster than in the field people are. What the box does takes what it takes.
    pub speed: f64,
    /// Whether centre, line and readers' service have faults of their own.
    pub faults: bool,
}

impl Options {
    /// So long do people take in this morning for what takes `field` in the field.
    pub fn at_speed(&self, field: Duration) -> Duration {
        field.div_f64(self.speed)
    }

    /// From the first to the last arrival, in the field's time.
    pub fn opening_hours(&self) -> Duration {
        TURN * u32::from(self.patients.div_ceil(self.lanes.max(1)))
    }
}

macro_rules! mishaps {
    ($($(#[doc = $doc:literal])+ $mishap:ident = $name:literal,)*) => {
        /// What goes wrong for one patient.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Mishap {
            $($(#[doc = $doc])+ $mishap,)*
        }

        impl Mishap {
            /// All kinds.
            pub const ALL: &'static [Self] = &[$(Self::$mishap,)*];

            /// For people.
            pub fn name(self) -> &'static str {
                match self { $(Self::$mishap => $name,)* }
            }
        }
    };
}

mishaps! {
    /// Types a wrong PIN first.
    WrongPin = "wrong PIN",
    /// One try left; says yes to spending it.
    LastTryYes = "last try: yes",
    /// One try left; says no.
    LastTryNo = "last try: no",
    /// The PIN is locked.
    Locked = "PIN locked",
    /// Holds another medium than was chosen.
    WrongMedium = "wrong medium",
    /// Takes it away in the middle of the first read.
    Torn = "torn away",
    /// The medium stops answering in the middle of the first read.
    Stuck = "stuck",
    /// Not registered for insurance use.
    Unregistered = "not registered",
    /// The certificate has expired.
    Expired = "expired",
    /// The certificate was revoked.
    Revoked = "revoked",
    /// Walks away from some screen.
    WalksAway = "walks away",
    /// Touches 「中止する」 on some screen.
    Cancels = "cancels",
    /// The next patient holds a phone over the reader already.
    HeldTooEarly = "second phone too early",
    /// The camera does not take the patient for the card's holder.
    FaceMismatch = "face mismatch",
    /// Somebody trips over the generic reader's cable.
    CablePulled = "reader's cable pulled",
    /// Brings an old resident card.
    OldResidentCard = "old resident card",
    /// The face-auth reader restarts in the middle of the visit.
    ReaderRestarts = "face reader restarts",
}

impl fmt::Display for Mishap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl Mishap {
    /// The ways of identifying oneself on which it can happen.
    fn ways(self) -> &'static [Way] {
        match self {
            Self::WrongPin | Self::LastTryYes | Self::LastTryNo | Self::Locked => {
                &[Way::CardByPin, Way::CardHeld, Way::Android]
            }
            Self::WrongMedium | Self::Torn | Self::Stuck | Self::CablePulled => {
                &[Way::CardHeld, Way::Android, Way::Iphone]
            }
            Self::FaceMismatch => &[Way::CardByFace],
            Self::OldResidentCard => &[Way::CardByFace, Way::CardByPin, Way::CardHeld],
            _ => &Way::ALL,
        }
    }

    /// What the name of the patient's card ends with (see `madoguchi_simulator::hospital::Wallet`).
    fn card_suffix(self) -> &'static str {
        match self {
            Self::LastTryYes | Self::LastTryNo => "_one_try",
            Self::Locked => "_locked",
            Self::Torn => "_torn",
            Self::Stuck => "_hang",
            Self::Unregistered => "_unregistered",
            Self::Expired => "_expired",
            Self::Revoked => "_revoked",
            _ => "",
        }
    }
}

/// One patient.
#[derive(Clone, Debug)]
pub struct Patient {
    /// From 1, in the order of arrival.
    pub number: u16,
    /// When, after opening, in the field's time.
    pub arrives: Duration,
    /// What is meant to be done.
    pub way: Way,
    /// What goes wrong.
    pub mishap: Option<Mishap>,
    /// The card or phone, by its name in the simulated hospital.
    pub card: String,
    /// A second card or phone, where the mishap is about one.
    pub other: Option<String>,
    /// On which screen of the visit the mishap happens, counted from 1, where it can be any.
    pub at_screen: u8,
    /// What the patient decides further is drawn from this.
    pub seed: u64,
}

/// Plans the morning.
pub fn plan(options: &Options) -> Vec<Patient> {
    let mut chance = XorShiftRng::seed_from_u64(options.seed);
    let opening_hours = options.opening_hours();
    let mut arrivals: Vec<Duration> =
        (0..options.patients).map(|_| arrival(&mut chance, opening_hours)).collect();
    arrivals.sort_unstable();
    (1..).zip(arrivals).map(|(number, arrives)| patient(&mut chance, options, number, arrives)).collect()
}

/// A third stand before the door or come right after it opened; the rest come ever more rarely until noon.
fn arrival(chance: &mut impl Rng, opening_hours: Duration) -> Duration {
    let drawn: f64 = chance.random();
    let share = if chance.random_bool(1.0 / 3.0) { drawn * 0.05 } else { drawn.powf(1.4) };
    opening_hours.mul_f64(share)
}

/// How many screens ask something of the patient on the straight way.
fn screens_with_choices(way: Way) -> u8 {
    match way {
        Way::CardByFace | Way::CardByPin => 2,
        Way::CardHeld | Way::Android | Way::Iphone => 4,
    }
}

fn patient(chance: &mut impl Rng, options: &Options, number: u16, arrives: Duration) -> Patient {
    let drawn = usize::from(chance.random_range(0..100_u8));
    let mishap = Mishap::ALL.get(drawn / usize::from(options.mishaps.max(1))).copied();
    let mishap = mishap.filter(|_| options.mishaps > 0);
    let ways = mishap.map_or(Way::ALL.as_slice(), Mishap::ways);
    let way = ways.choose(chance).copied().unwrap_or(Way::CardByFace);
    let suffix = mishap.map_or("", Mishap::card_suffix);
    let kind = match mishap {
        Some(Mishap::OldResidentCard) => "old_resident_card",
        _ => way.kind(),
    };
    let others: &[&str] = match (mishap, way) {
        (Some(Mishap::WrongMedium), Way::Android) => &["iphone", "my_number_card"],
        (Some(Mishap::WrongMedium), Way::Iphone) => &["android", "my_number_card"],
        (Some(Mishap::WrongMedium), _) => &["iphone", "android"],
        (Some(Mishap::HeldTooEarly), _) => &["iphone", "android"],
        _ => &[],
    };
    Patient {
        number,
        arrives,
        way,
        mishap,
        card: format!("{kind}{suffix}#{number}"),
        // Numbers from 30,000 on belong to second media.
        other: others.choose(chance).map(|kind| format!("{kind}#{}", 30_000 + number)),
        at_screen: chance.random_range(1..=screens_with_choices(way)),
        seed: chance.random(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(seed: u64) -> Options {
        Options { lanes: 16, patients: 1000, seed, mishaps: 5, speed: 60.0, faults: true }
    }

    fn told(seed: u64) -> String {
        format!("{:?}", plan(&options(seed)))
    }

    #[test]
    fn a_seed_brings_the_same_morning_again_and_another_seed_another() {
        assert_eq!(told(7), told(7));
        assert_ne!(told(7), told(8));
    }

    #[test]
    fn every_way_and_every_mishap_occurs_in_about_its_share() {
        let patients = plan(&options(1));
        for mishap in Mishap::ALL {
            let count = patients.iter().filter(|patient| patient.mishap == Some(*mishap)).count();
            assert!((25..=80).contains(&count), "{mishap}: {count} of 1,000");
        }
        for way in Way::ALL {
            assert!(patients.iter().any(|patient| patient.way == way && patient.mishap.is_none()), "{way:?}");
        }
    }

    #[test]
    fn the_first_tenth_of_the_morning_brings_far_more_than_a_tenth_of_the_patients() {
        let patients = plan(&options(1));
        let early = options(1).opening_hours() / 10;
        let count = patients.iter().filter(|patient| patient.arrives < early).count();
        assert!(count > 350, "{count}");
        assert!(patients.is_sorted_by_key(|patient| patient.arrives));
    }

    #[test]
    fn without_mishaps_nothing_goes_wrong() {
        let patients = plan(&Options { mishaps: 0, ..options(1) });
        assert!(patients.iter().all(|patient| patient.mishap.is_none() && patient.other.is_none()));
    }
}
