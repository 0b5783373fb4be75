//! Every fault of the catalogue names the test that causes it: that test exists.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a failed step is a failed test")]

use madoguchi_end_to_end::sources;
use madoguchi_protocol::fault::FaultCode;
use std::collections::BTreeSet;

#[test]
fn every_fault_has_the_test_that_its_entry_names() {
    let files = sources::rust_files();
    let tests: BTreeSet<_> = files.iter().flat_map(|(_, source)| sources::tests_in(source)).collect();
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
