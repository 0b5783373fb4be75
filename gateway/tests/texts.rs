//! Every text that a page asks for by name is in the catalogue, in every language.
#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use madoguchi_protocol::texts::{Language, find};
use std::{fs, path::Path};

/// The literal names in a source: what stands in quotes after one of these.
fn names(source: &str) -> Vec<String> {
    let mut names = Vec::new();
    for before in ["say(\"", "titled(\"", "name: \"", "_key(\"", "row(\"", "typical(view, \"", "with(\""] {
        for part in source.split(before).skip(1) {
            let name = part.split('"').next().unwrap_or_default();
            // What ends so is the beginning of several.
            if name.contains('-')
                && !name.ends_with('-')
                && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
            {
                names.push(name.to_owned());
            }
        }
    }
    // Names in a list of columns, and those that a match gives.
    for part in source.split('"').skip(1).step_by(2) {
        let prefixes = [
            "lane-",
            "log-",
            "counts-",
            "queue-",
            "parts-",
            "messages-",
            "step-",
            "end-",
            "way-",
            "act-",
            "actor-",
        ];
        let is_name = part.bytes().all(|b| b.is_ascii_lowercase() || b == b'-') && !part.ends_with('-');
        if is_name && prefixes.iter().any(|prefix| part.starts_with(prefix)) {
            names.push(part.to_owned());
        }
    }
    names
}

#[test]
fn every_text_that_a_page_names_is_in_the_catalogue_in_both_languages() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/web");
    let mut seen = 0;
    let mut folders = vec![folder];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                // Tests name headers and paths, not texts.
                if !path.ends_with("tests") {
                    folders.push(path);
                }
                continue;
            }
            if path.extension().is_none_or(|extension| extension != "rs") {
                continue;
            }
            for name in names(&fs::read_to_string(&path).unwrap()) {
                for language in Language::ALL {
                    assert!(
                        find(language, &name, &[]).is_some(),
                        "{name} of {} in {language:?}",
                        path.display()
                    );
                }
                seen += 1;
            }
        }
    }
    assert!(seen > 100, "only {seen} names were found: the pages are written in another way now");
}

#[test]
fn every_mistake_that_the_configuration_can_have_is_told_in_both_languages() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/config");
    let mut seen = 0;
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let Ok(source) = fs::read_to_string(&path) else { continue };
        for part in source.split("\"mistake-").skip(1) {
            let name = format!("mistake-{}", part.split('"').next().unwrap_or_default());
            for language in Language::ALL {
                assert!(find(language, &name, &[]).is_some(), "{name} of {} in {language:?}", path.display());
            }
            seen += 1;
        }
    }
    assert!(seen > 25, "only {seen} names were found");
}
