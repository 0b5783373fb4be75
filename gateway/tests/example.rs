//! `configs/example.toml` says everything that can be configured, and says it truly.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a failed step is a failed test")]

use madoguchi::config::{Config, ConfigError};
use std::{collections::BTreeSet, path::Path};
use toml::{Table, Value};

const EXAMPLE: &str = include_str!("../../configs/example.toml");
/// What no configuration knows: the refusal lists the keys that it does.
const STRANGER: &str = "zz_stranger";
/// Settings that have no value of their own where they are left out.
const WITHOUT_DEFAULT: [&str; 25] = [
    "compatibility",
    "holidays",
    "server_name",
    "key_file",
    "give_up_after_days",
    "reader_name",
    "maker",
    "makers",
    "socket",
    "address",
    "router",
    "pcscd",
    "inner",
    "token",
    "tls_certificate",
    "tls_key",
    // The levels of the log of single actors.
    "face_reader",
    "nfc_reader",
    "pin_session",
    "uplink",
    "offline_queue",
    "receipt_computer",
    "audit_log",
    "gateway",
    "bus",
];

/// The example with the settings that are left at their defaults taken in, where `wanted` says so.
fn with_settings(wanted: impl Fn(&str) -> bool) -> String {
    let line =
        |line: &str| match line.strip_prefix('#').and_then(|rest| Some((rest, rest.split_once(" = ")?.0))) {
            Some((setting, key)) if !key.contains(' ') && wanted(key) => setting.to_owned(),
            _ => line.to_owned(),
        };
    EXAMPLE.lines().map(|text| line(text) + "\n").collect()
}

fn load(text: &str) -> Result<Config, ConfigError> {
    Config::parse(Path::new("example.toml"), text)
}

/// The keys that are known beside `STRANGER`, once it is in one of the tables of `text`.
fn known_keys(text: &str) -> BTreeSet<String> {
    let refusal = load(text).expect_err("a stranger is refused").to_string();
    assert!(refusal.contains(&format!("unknown field `{STRANGER}`")), "{refusal}");
    let expected = refusal.split_once("expected ").map_or("", |(_, expected)| expected);
    expected.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

/// A place in the document, as a way to it.
type Way = Vec<Step>;

#[derive(Clone, Debug)]
enum Step {
    Key(String),
    Item(usize),
}

/// Every table of the document, and how to get there.
fn tables(value: &Value, here: &Way, found: &mut Vec<Way>) {
    let further = |step| [here.clone(), vec![step]].concat();
    match value {
        Value::Table(table) => {
            found.push(here.clone());
            for (key, value) in table {
                tables(value, &further(Step::Key(key.clone())), found);
            }
        }
        Value::Array(items) => {
            for (at, item) in items.iter().enumerate() {
                tables(item, &further(Step::Item(at)), found);
            }
        }
        _ => {}
    }
}

fn at<'a>(document: &'a mut Value, way: &Way) -> &'a mut Table {
    let place = way.iter().fold(document, |value, step| match step {
        Step::Key(key) => &mut value[key.as_str()],
        Step::Item(item) => &mut value[*item],
    });
    place.as_table_mut().expect("a table")
}

#[test]
fn the_example_loads_as_it_is_and_with_every_setting_taken_in() {
    load(EXAMPLE).unwrap();
    load(&with_settings(|_| true)).unwrap();
}

#[test]
fn what_the_example_calls_a_default_is_the_default() {
    let plain = format!("{:#?}", load(EXAMPLE).unwrap());
    let taken_in = format!("{:#?}", load(&with_settings(|key| !WITHOUT_DEFAULT.contains(&key))).unwrap());
    let differs = plain.lines().zip(taken_in.lines()).find(|(plain, taken_in)| plain != taken_in);
    assert_eq!(differs, None, "the default, and what the example says");
    assert_eq!(plain.lines().count(), taken_in.lines().count());
}

#[test]
fn every_key_that_exists_is_in_the_example() {
    let document: Table = with_settings(|_| true).parse().unwrap();
    let mut ways = Vec::new();
    tables(&Value::Table(document.clone()), &Way::new(), &mut ways);
    let mut looked_at = 0;
    for way in &ways {
        // `reader = { serial = … }` is a choice of one, not a section; the example lists the choices.
        if matches!(way.last(), Some(Step::Key(key)) if key == "reader") {
            continue;
        }
        // The second lane shows how little a lane needs.
        if matches!(way[..], [Step::Key(ref lane), Step::Item(1..), ..] if lane == "lane") {
            continue;
        }
        // So does the second line, which has the keys of the first.
        if matches!(way[..], [Step::Key(ref uplink), Step::Key(ref vpn), Step::Key(ref second)]
            if uplink == "uplink" && vpn == "vpn" && second == "second")
        {
            continue;
        }
        let mut with_stranger = Value::Table(document.clone());
        at(&mut with_stranger, way).insert(STRANGER.into(), Value::Boolean(true));
        let known = known_keys(&toml::to_string(&with_stranger).unwrap());
        let mut whole = Value::Table(document.clone());
        let shown = at(&mut whole, way);
        let missing: Vec<_> = known.iter().filter(|key| !shown.contains_key(key.as_str())).collect();
        assert!(missing.is_empty(), "not in the example, at {way:?}: {missing:?}");
        looked_at += 1;
    }
    assert!(looked_at >= 12, "only {looked_at} sections were looked at");
    // The broker's other mode is described in words.
    for key in ["socket", "passwords"] {
        assert!(EXAMPLE.contains(&format!("#   {key} = ")), "{key}");
    }
}
