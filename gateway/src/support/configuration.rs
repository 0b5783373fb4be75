//! The configuration as a bundle shows it: the settings of the catalogue and their values. Comments, which may say
//! anything, are left out, and so are settings that name a person.

use crate::config::{Config, catalogue, document::Document};
use std::path::Path;

/// Settings whose value names somebody.
const BLANKED: [&str; 2] = ["by", "user"];

/// The file's settings; what is wrong with it by setting and line, not in its own words.
pub(super) fn shown(file: &Path) -> String {
    let text = match Config::read(file) {
        Ok(text) => text,
        Err(error) => return format!("(not read: {error})"),
    };
    let mut shown = mistake(file, &text).unwrap_or_default();
    match text.parse::<Document>() {
        Ok(document) => shown.push_str(&settings(&document)),
        Err(_) => shown.push_str("(the file is no TOML and is not shown)"),
    }
    shown
}

fn mistake(file: &Path, text: &str) -> Option<String> {
    let mistake = Config::parse(file, text).err()?.mistake_in(text);
    let line = mistake.line.map_or("?".into(), |line| line.to_string());
    let known = catalogue::sections().iter().flat_map(|section| &section.settings);
    let key = mistake.key.filter(|key| known.clone().any(|it| key.ends_with(&it.name)));
    Some(format!("(can't be used: line {line}, {})\n", key.as_deref().unwrap_or("no setting that is known")))
}

fn settings(document: &Document) -> String {
    let mut shown = String::new();
    for (place, section) in catalogue::places(document) {
        for setting in &section.settings {
            let key = setting.key_at(&place);
            if let Some(value) = document.get(&key) {
                let value = if BLANKED.contains(&setting.name.as_str()) { "(left out)" } else { &value };
                shown.push_str(&format!("{key} = {value}\n"));
            }
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_shown_and_comments_people_and_unknown_words_are_not() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("madoguchi.toml");
        let example = include_str!("../../../configs/example.toml");
        std::fs::write(&file, example).unwrap();
        let text = shown(&file);
        for kept in
            ["site.institution = \"1319999999\"", "lane.2.phones", "uplink.url", "procedure = \"KB0012308\""]
        {
            assert!(text.contains(kept), "{kept}: {text}");
        }
        assert!(example.contains("\"ME 12\"") && example.contains("総合受付"));
        for gone in ["ME 12", "総合受付", "user = \"prometheus\"", "can't be used"] {
            assert!(!text.contains(gone), "{gone}: {text}");
        }
        std::fs::write(&file, example.replace("[site]", "[site]\n花子 = \"秘密\"")).unwrap();
        let text = shown(&file);
        assert!(!text.contains("花子") && !text.contains("秘密"), "{text}");
        std::fs::write(&file, example.replace("institution = ", "hanako_suzuki = ")).unwrap();
        let text = shown(&file);
        assert!(text.contains("can't be used") && !text.contains("hanako"), "{text}");
    }
}
