//! The rules that the configuration keeps.

#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use madoguchi::config::{Config, Phones};
use std::path::{Path, PathBuf};

fn example() -> (PathBuf, String) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../configs/example.toml");
    let text = std::fs::read_to_string(&path).unwrap();
    (path, text)
}

/// The example with its institution line replaced, as the program reads it.
fn with_institution(line: &str) -> Result<Config, String> {
    let (path, text) = example();
    let lines = text.lines().map(|old| if old.starts_with("institution =") { line } else { old });
    let text = lines.collect::<Vec<_>>().join("\n");
    Config::parse(&path, &text).map_err(|error| error.to_string())
}

#[test]
fn r39_an_institution_code_has_10_digits_and_no_invitation_code_is_asked_for() {
    with_institution("institution = \"1312345678\"").unwrap();
    for bad in ["131234567", "13123456789", "131234567X", "１３１２３４５６７８"] {
        let refused = with_institution(&format!("institution = {bad:?}")).unwrap_err();
        assert!(refused.contains("10 digits"), "{bad}: {refused}");
    }
    let line = "institution = \"1312345678\"\ninvitation_code = \"ABC\"";
    assert!(with_institution(line).unwrap_err().contains("invitation_code"));
}

#[test]
fn r12_phones_are_used_unless_the_hospital_says_no() {
    assert_eq!(Phones::default(), Phones::Use);
    let off = with_institution("institution = \"1312345678\"\nphones = \"do_not_use\"").unwrap();
    assert_eq!(off.site.phones, Phones::DoNotUse);
}
