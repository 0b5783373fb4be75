//! Every fault of the catalogue names the test that causes it: that test exists.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a failed step is a failed test")]

use madoguchi_protocol::fault::FaultCode;
use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

/// The folders with sources of our own.
const SOURCES: [&str; 3] = ["actors", "gateway", "tests"];

fn rust_files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            if !path.ends_with("target") {
                rust_files(&path, found);
            }
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

/// The names of all tests: functions right below a test's attribute, other attributes aside.
fn tests_in(source: &str) -> impl Iterator<Item = String> {
    let mut is_test = false;
    source.lines().map(str::trim_start).filter_map(move |line| {
        if line.starts_with("#[") {
            is_test |= line == "#[test]" || line.contains("::test]") || line.contains("::test(");
            return None;
        }
        let was_test = std::mem::take(&mut is_test);
        let rest = line.strip_prefix("async ").unwrap_or(line).strip_prefix("fn ")?;
        was_test.then(|| rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect())
    })
}

#[test]
fn every_fault_has_the_test_that_its_entry_names() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut files = Vec::new();
    SOURCES.iter().for_each(|folder| rust_files(&root.join(folder), &mut files));
    let tests: BTreeSet<String> = files
        .iter()
        .flat_map(|path| tests_in(&fs::read_to_string(path).unwrap()).collect::<Vec<_>>())
        .collect();
    assert!(tests.len() > 200, "only {} tests were found", tests.len());
    assert!(tests.contains("every_fault_has_the_test_that_its_entry_names"));
    assert!(!tests.contains("tests_in"), "a function is no test");
    let missing: Vec<_> = FaultCode::ALL
        .iter()
        .filter(|fault| !tests.contains(fault.test()))
        .map(|fault| format!("{}: {}", fault.name(), fault.test()))
        .collect();
    assert!(missing.is_empty(), "no such test:\n{}", missing.join("\n"));
}

/// What a fault that grows is called without its stage: `clock` of `clock-unsure` and `clock-wrong`.
fn without_stage(fault: FaultCode) -> &'static str {
    fault.name().rsplit_once('-').map_or(fault.name(), |(condition, _)| condition)
}

#[test]
fn no_test_is_named_for_two_faults_but_for_the_stages_of_one() {
    let conditions: BTreeSet<_> =
        FaultCode::ALL.iter().map(|fault| (fault.test(), without_stage(*fault))).collect();
    let named: BTreeSet<_> = conditions.iter().map(|(test, _)| test).collect();
    assert_eq!(named.len(), conditions.len(), "{conditions:#?}");
}
