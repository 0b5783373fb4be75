//! The rules of the notices by number: where each is kept in the code and which tests hold it. The table in
//! `actors/reception/RULES.md` is made from the sources; a rule without code or test needs a stated reason.

#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use madoguchi_end_to_end::sources;
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};

const RULES: std::ops::RangeInclusive<u8> = 1..=39;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Rules {
    rule: Vec<Rule>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Rule {
    number: u8,
    statement: String,
    /// Why the box does not carry it out.
    reason: Option<String>,
}

/// Where rules are cited and tested, by number.
#[derive(Default)]
struct Found {
    code: BTreeMap<u8, BTreeSet<String>>,
    tests: BTreeMap<u8, BTreeSet<String>>,
}

fn rules() -> Vec<Rule> {
    toml::from_str::<Rules>(&sources::text("actors/reception/rules.toml")).unwrap().rule
}

/// The rules that a text cites: `R-07`, and ranges such as `R-17 to R-20`.
fn cited(text: &str) -> BTreeSet<u8> {
    let number = |rest: &str| rest.get(..2).and_then(|digits| digits.parse::<u8>().ok());
    let mut cited = BTreeSet::new();
    let mut rest = text;
    while let Some((_, after)) = rest.split_once("R-") {
        rest = after;
        let Some(first) = number(after).filter(|rule| RULES.contains(rule)) else { continue };
        let last = after.get(2..).and_then(|more| number(more.strip_prefix(" to R-")?));
        cited.extend(first..=last.unwrap_or(first));
    }
    cited
}

/// The rules in the name of a test: `r03_r12_site_or_lane_can_switch_phones_off`.
fn named(test: &str) -> BTreeSet<u8> {
    let number = |part: &str| {
        let digits = part.strip_prefix('r')?;
        (digits.len() == 2).then(|| digits.parse().ok()).flatten()
    };
    test.split('_').map_while(number).collect()
}

fn look() -> Found {
    let mut found = Found::default();
    for (file, text) in sources::rust_files() {
        for test in sources::tests_in(&text) {
            for rule in named(test) {
                found.tests.entry(rule).or_default().insert(format!("`{test}` ({file})"));
            }
        }
        // The product's own code: no test folder, and in its files what comes before the tests.
        if !file.starts_with("tests/") && !file.contains("/tests/") && !file.ends_with("tests.rs") {
            for rule in cited(text.split("#[cfg(test)]\nmod ").next().unwrap()) {
                found.code.entry(rule).or_default().insert(format!("`{file}`"));
            }
        }
    }
    found
}

fn table(rules: &[Rule], found: &Found) -> String {
    let mut table = String::from(
        "# The rules of the notices, by number\n\n\
         Made by `make doc` from [rules.toml](rules.toml) and the sources: where each rule is kept in the code, and the\n\
         tests that hold it. A rule that has neither fails the test `rules` unless a reason is stated.\n\n\
         | rule | statement | code | tests |\n|---|---|---|---|\n",
    );
    let list = |of: &BTreeMap<u8, BTreeSet<String>>, rule: u8| -> String {
        let items: Vec<_> = of.get(&rule).into_iter().flatten().cloned().collect();
        if items.is_empty() { "–".into() } else { items.join("<br>") }
    };
    for Rule { number, statement, reason } in rules {
        let reason = reason.iter().map(|reason| format!("<br>*Not the box's:* {reason}")).collect::<String>();
        let (code, tests) = (list(&found.code, *number), list(&found.tests, *number));
        table += &format!("| R-{number:02} | {statement}{reason} | {code} | {tests} |\n");
    }
    table
}

#[test]
fn every_rule_is_kept_in_the_code_and_held_by_a_test_or_says_why_not() {
    let (rules, found) = (rules(), look());
    let numbers: Vec<_> = rules.iter().map(|rule| rule.number).collect();
    assert_eq!(numbers, RULES.collect::<Vec<_>>(), "each rule once, in order");
    let gaps: Vec<String> = rules
        .iter()
        .filter(|rule| rule.reason.is_none())
        .flat_map(|Rule { number, statement, .. }| {
            let code = (!found.code.contains_key(number)).then_some("no code cites");
            let tests = (!found.tests.contains_key(number)).then_some("no test is named after");
            [code, tests].into_iter().flatten().map(move |gap| format!("{gap} R-{number:02}: {statement}"))
        })
        .collect();
    assert!(gaps.is_empty(), "{}", gaps.join("\n"));
    assert!(rules.iter().filter_map(|rule| rule.reason.as_ref()).all(|reason| reason.len() > 20));
}

#[test]
fn the_table_of_rules_is_that_of_the_sources() {
    sources::is_made("actors/reception/RULES.md", &table(&rules(), &look()));
}

#[test]
fn citations_and_names_are_read_as_people_write_them() {
    assert_eq!(cited("(R-17 to R-20, R-23), R-99, R-x"), BTreeSet::from([17, 18, 19, 20, 23]));
    assert_eq!(named("r03_r12_site_or_lane"), BTreeSet::from([3, 12]));
    assert_eq!(named("read_r03"), BTreeSet::new());
}
