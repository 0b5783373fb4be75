//! The self-assessment against two standards: made from `image/self-assessment.toml`, and each check and test that it
//! names exists.

#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use madoguchi_end_to_end::sources;
use serde::Deserialize;
use std::collections::BTreeSet;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Assessment {
    standard: Vec<Standard>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Standard {
    name: String,
    line: Vec<Line>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    asked: String,
    how: String,
    /// Ids of the checks in the booted image.
    #[serde(default)]
    checks: Vec<String>,
    /// Names of tests.
    #[serde(default)]
    tests: Vec<String>,
}

impl Line {
    fn is_open(&self) -> bool {
        self.checks.is_empty() && self.tests.is_empty()
    }
}

fn assessment() -> Vec<Standard> {
    toml::from_str::<Assessment>(&sources::text("image/self-assessment.toml")).unwrap().standard
}

fn document(standards: &[Standard]) -> String {
    let mut document = String::from(
        "# Self-assessment\n\n\
         Made by `make doc` from [self-assessment.toml](self-assessment.toml): what of two standards the box is held\n\
         against, line by line, and by which test. **A line marked as open is one that no test stands for**: it is not\n\
         claimed. Ids such as ROOT-1 are checks of `make image-test`; names in `code` are tests of `make test`.\n",
    );
    for Standard { name, line: lines } in standards {
        let held = lines.iter().filter(|line| !line.is_open()).count();
        document += &format!("\n## {name}\n\n{held} of {} lines have a test.\n\n", lines.len());
        document += "| asked for | how | tests |\n|---|---|---|\n";
        for line in lines {
            let tests = line.tests.iter().map(|test| format!("`{test}`"));
            let all: Vec<_> = line.checks.iter().cloned().chain(tests).collect();
            let by = if line.is_open() { "**open**".to_owned() } else { all.join("<br>") };
            document += &format!("| {} | {} | {by} |\n", line.asked, line.how);
        }
    }
    document
}

#[test]
fn every_line_of_the_self_assessment_names_tests_that_exist_or_is_left_open() {
    let standards = assessment();
    let files = sources::rust_files();
    let tests: BTreeSet<_> = files.iter().flat_map(|(_, source)| sources::tests_in(source)).collect();
    let checks = sources::text("image/test-files/usr/lib/madoguchi-test/checks");
    let ids: BTreeSet<_> = checks
        .lines()
        .filter_map(|line| line.trim_start().strip_prefix("check ")?.split_whitespace().next())
        .collect();
    let lines = || standards.iter().flat_map(|standard| &standard.line);
    let no_tests = lines().flat_map(|line| &line.tests).filter(|test| !tests.contains(test.as_str()));
    let no_checks = lines().flat_map(|line| &line.checks).filter(|id| !ids.contains(id.as_str()));
    let missing: Vec<_> = no_tests.chain(no_checks).collect();
    assert!(missing.is_empty(), "there are no such tests: {missing:#?}");
    sources::is_made("image/SELF_ASSESSMENT.md", &document(&standards));
}
