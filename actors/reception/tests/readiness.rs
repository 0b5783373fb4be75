//! The button's expression, term by term.
#![allow(clippy::unwrap_used)] // A failed unwrap is a failed test, in helpers too.

use jiff::{Timestamp, civil::date};
use madoguchi_protocol::texts::{Language, find};
use madoguchi_reception::{
    compatibility::{CompatibilityTable, Pair},
    readiness::{Boot, FaceReader, Facts, Readiness, Setup, TermId},
};

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn now() -> Timestamp {
    at("2025-10-01T09:00:00+09:00")
}

fn table() -> CompatibilityTable {
    CompatibilityTable {
        pairs: vec![Pair {
            maker: "panasonic".into(),
            face_reader: "XC-1".into(),
            generic_reader: "ACS ACR122U".into(),
            minimum_software: "2.10".parse().unwrap(),
        }],
    }
}

fn boot(id: &str, seen: &str) -> Boot {
    Boot { id: id.into(), seen: at(seen) }
}

fn ready(table: &CompatibilityTable) -> Facts<'_> {
    Facts {
        site_uses_phones: true,
        lane_uses_phones: true,
        face_reader: Some(FaceReader {
            maker: "panasonic".into(),
            model: "XC-1".into(),
            software: "2.10.1".into(),
            boot: boot("reader 2", "2025-09-20T09:00:00+09:00"),
            reads_phones: false,
        }),
        generic_reader: Some("ACS ACR122U PICC Interface (SER123) 00 00".into()),
        table,
        setup: Some(Setup {
            procedure: Some("KB0012308".into()),
            version: Some("1.2".into()),
            on: Some(date(2025, 9, 19)),
            by: Some("ME 12".into()),
            box_boot: "box 1".into(),
            reader_boot: "reader 1".into(),
        }),
        box_boot: boot("box 2", "2025-09-20T09:00:00+09:00"),
    }
}

/// The terms that are false once `change` was made to a lane that is ready.
fn missing(now: Timestamp, change: impl FnOnce(&mut Facts<'_>)) -> Vec<TermId> {
    let table = table();
    let mut facts = ready(&table);
    change(&mut facts);
    let readiness = Readiness::evaluate(&facts, now, None);
    let missing: Vec<_> =
        readiness.terms().iter().filter(|term| !term.satisfied).map(|term| term.id).collect();
    assert_eq!(readiness.phones_offered(), missing.is_empty());
    missing
}

#[test]
fn r10_a_lane_with_every_term_offers_phones() {
    assert_eq!(missing(now(), |_| {}), []);
}

#[test]
fn r01_phones_are_accepted_from_2025_09_19_in_japan() {
    assert!(missing(at("2025-09-18T23:59:59+09:00"), |_| {}).contains(&TermId::Date));
    assert!(!missing(at("2025-09-19T00:00:00+09:00"), |_| {}).contains(&TermId::Date));
}

#[test]
fn r03_r12_site_or_lane_can_switch_phones_off() {
    assert_eq!(missing(now(), |facts| facts.site_uses_phones = false), [TermId::Setting]);
    assert_eq!(missing(now(), |facts| facts.lane_uses_phones = false), [TermId::Setting]);
}

#[test]
fn r04_canon_needs_no_generic_reader_but_both_restarts_and_the_setting() {
    let canon = |facts: &mut Facts<'_>| {
        let reader = facts.face_reader.as_mut().unwrap();
        (reader.maker, reader.reads_phones) = ("canon".into(), true);
        facts.generic_reader = None;
        facts.setup.as_mut().unwrap().procedure = None;
    };
    assert_eq!(missing(now(), canon), []);
    let not_restarted = |facts: &mut Facts<'_>| {
        canon(facts);
        facts.face_reader.as_mut().unwrap().boot.id = "reader 1".into();
    };
    assert_eq!(missing(now(), not_restarted), [TermId::ReaderRestarted]);
    let switched_off = |facts: &mut Facts<'_>| {
        canon(facts);
        facts.lane_uses_phones = false;
    };
    assert_eq!(missing(now(), switched_off), [TermId::Setting]);
    // A reader of Canon's whose software does not take phones yet.
    let too_old = |facts: &mut Facts<'_>| {
        canon(facts);
        facts.face_reader.as_mut().unwrap().reads_phones = false;
    };
    assert!(missing(now(), too_old).contains(&TermId::Attached));
}

#[test]
fn r05_an_unknown_pair_is_not_set_up() {
    let unknown = missing(now(), |facts| facts.generic_reader = Some("Sony RC-S300 00 00".into()));
    assert_eq!(unknown, [TermId::Pair, TermId::Software]);
}

#[test]
fn r06_software_below_the_minimum_or_without_a_version_is_not_ready() {
    for software in ["2.9", "2.9.9", "", "latest"] {
        let old = missing(now(), |facts| facts.face_reader.as_mut().unwrap().software = software.into());
        assert_eq!(old, [TermId::Software], "{software:?}");
    }
}

#[test]
fn r07_r11_a_generic_reader_that_vanishes_hides_the_button() {
    assert!(missing(now(), |facts| facts.generic_reader = None).contains(&TermId::Attached));
}

#[test]
fn r11_a_face_auth_reader_that_vanishes_hides_the_button() {
    assert!(missing(now(), |facts| facts.face_reader = None).contains(&TermId::Reader));
}

#[test]
fn r08_setup_without_procedure_version_day_and_person_is_incomplete() {
    let forget: [fn(&mut Setup); 6] = [
        |setup| setup.procedure = None,
        |setup| setup.procedure = Some("  ".into()),
        |setup| setup.version = None,
        |setup| setup.on = None,
        |setup| setup.on = Some(date(2025, 10, 2)),
        |setup| setup.by = Some(String::new()),
    ];
    for (at, forget) in forget.into_iter().enumerate() {
        let missing = missing(now(), |facts| forget(facts.setup.as_mut().unwrap()));
        assert_eq!(missing, [TermId::Procedure], "{at}");
    }
    let setup = ready(&table()).setup.unwrap();
    assert_eq!(setup.record().unwrap(), "KB0012308, version 1.2, on 2025-09-19 by ME 12");
}

#[test]
fn r13_both_sides_must_have_been_restarted_after_setup() {
    assert_eq!(missing(now(), |facts| facts.box_boot.id = "box 1".into()), [TermId::BoxRestarted]);
    let reader = missing(now(), |facts| facts.face_reader.as_mut().unwrap().boot.id = "reader 1".into());
    assert_eq!(reader, [TermId::ReaderRestarted]);
}

#[test]
fn r13_a_restart_before_the_first_day_does_not_do() {
    let early = missing(now(), |facts| facts.box_boot.seen = at("2025-09-18T23:00:00+09:00"));
    assert_eq!(early, [TermId::BoxRestarted]);
}

#[test]
fn r11_nothing_known_means_nothing_offered() {
    let nothing = missing(at("2025-01-01T00:00:00Z"), |facts| {
        facts.site_uses_phones = false;
        facts.face_reader = None;
        facts.generic_reader = None;
        facts.setup = None;
    });
    assert_eq!(nothing, TermId::ALL);
}

#[test]
fn a_term_says_since_when_it_is_false() {
    let table = table();
    let mut facts = ready(&table);
    let first = Readiness::evaluate(&facts, now(), None);
    let (pulled, later) = (at("2025-10-01T10:00:00+09:00"), at("2025-10-01T11:00:00+09:00"));
    facts.generic_reader = None;
    let second = Readiness::evaluate(&facts, pulled, Some(&first));
    let third = Readiness::evaluate(&facts, later, Some(&second));
    let since = |id| third.terms().iter().find(|term| term.id == id).unwrap().since;
    assert_eq!(since(TermId::Attached), pulled);
    assert_eq!(since(TermId::Setting), now());
}

#[test]
fn every_term_is_explained_in_both_languages() {
    for language in Language::ALL {
        for id in TermId::ALL {
            for key in [id.what_key(), id.action_key()] {
                assert!(find(language, &key, &[]).is_some(), "{key} in {language:?}");
            }
        }
    }
}
