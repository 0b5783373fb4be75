//! The list of compatible readers: judged, compared, imported and used (R-05, R-06, R-38).

#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use madoguchi::config::{Config, compatibility::CompatibilityList};
use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};
use tempfile::TempDir;

const EXAMPLE: &str = include_str!("../../configs/example.toml");

const TOML: &str = r#"version = "2026-03"
as_of = "2026-03-31"

[[pairs]]
maker = "panasonic"
face_reader = "XC-1"
generic_reader = "ACS ACR122U"
minimum_software = "2.10"

[[pairs]]
maker = "almex"
face_reader = "Sma-pa"
generic_reader = "Sony FeliCa RC-S300"
minimum_software = "1.0"
"#;

const CSV: &str = "version,2026-03,,\r\nas_of,2026/3/31,,\r\n\r\n\
                   face_reader,maker,generic_reader,minimum_software\r\n\
                   XC-1,Panasonic,ACS ACR122U,2.10\r\nSma-pa,almex,\"Sony FeliCa RC-S300\",1.0\r\n";

/// A hospital with the example's configuration and a state directory of its own.
struct Hospital {
    folder: TempDir,
}

impl Hospital {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let state = folder.path().join("state");
        let text = EXAMPLE.replace("\"/var/lib/madoguchi\"", &format!("{state:?}"));
        fs::write(folder.path().join("madoguchi.toml"), text).unwrap();
        Self { folder }
    }

    fn file(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.folder.path().join(name);
        fs::write(&path, content).unwrap();
        path
    }

    fn config(&self) -> Config {
        Config::load(&self.folder.path().join("madoguchi.toml")).unwrap()
    }

    fn madoguchi(&self, arguments: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_madoguchi"));
        command.arg("compatibility").args(arguments);
        command.arg("--config").arg(self.folder.path().join("madoguchi.toml")).output().unwrap()
    }

    fn import(&self, file: &Path, options: &[&str]) -> Output {
        self.madoguchi(&[&["import", file.to_str().unwrap()], options].concat())
    }

    /// Whether a lane with these readers is set up.
    fn knows(&self, maker: &str, face_reader: &str, generic_reader: &str) -> bool {
        let config = self.config();
        let table = config.compatibility(&config.site.makers().unwrap()).unwrap();
        table.find(maker, face_reader, generic_reader).is_some()
    }
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

fn parse(text: &str, is_csv: bool) -> Result<CompatibilityList, Vec<String>> {
    let makers = Hospital::new().config().site.makers().unwrap();
    CompatibilityList::parse(text, is_csv, &makers)
        .map_err(|slips| slips.iter().map(ToString::to_string).collect())
}

#[test]
fn r05_an_imported_list_is_used_and_an_unknown_pair_is_not_set_up() {
    let hospital = Hospital::new();
    let reader = "ACS ACR122U PICC Interface (SER123) 00 00";
    assert!(!hospital.knows("panasonic", "XC-1", reader), "nothing was imported");
    let imported = hospital.import(&hospital.file("list.toml", TOML), &[]);
    assert!(imported.status.success(), "{}", said(&imported));
    assert!(hospital.knows("panasonic", "XC-1", reader));
    assert!(!hospital.knows("panasonic", "XC-2", reader), "R-38: the key is the face-auth reader's model");
    // The configuration's own pair stands beside it.
    assert!(hospital.knows("panasonic", "XC-EXAMPLE-1", "Example Electronics PaSoRi-like Reader 00 00"));
    let shown = said(&hospital.madoguchi(&["show"]));
    assert!(shown.contains("version 2026-03 (as of 2026-03-31), 2 pair(s)"), "{shown}");
    assert!(shown.contains("almex Sma-pa with \"Sony FeliCa RC-S300\", from software 1.0"), "{shown}");
}

#[test]
fn a_list_is_the_same_as_toml_and_as_csv_of_a_spreadsheet() {
    let list = parse(TOML, false).unwrap();
    assert_eq!(parse(CSV, true).unwrap(), list);
    assert_eq!(parse(&format!("\u{feff}{CSV}"), true).unwrap(), list);
    assert_eq!(parse(&list.to_toml().unwrap(), false).unwrap(), list, "what is written is read again");
    // Spreadsheets in Japan save in Shift_JIS.
    let hospital = Hospital::new();
    let japanese = CSV.replace("Sma-pa", "スマパ");
    let file = hospital.file("list.CSV", encoding_rs::SHIFT_JIS.encode(&japanese).0);
    let imported = hospital.import(&file, &[]);
    assert!(imported.status.success(), "{}", said(&imported));
    assert!(hospital.knows("almex", "スマパ", "Sony FeliCa RC-S300 00 00"));
}

#[test]
fn an_import_shows_what_changes_and_takes_no_older_list_unasked() {
    let hospital = Hospital::new();
    hospital.import(&hospital.file("list.toml", TOML), &[]);
    let next = TOML
        .replace("2026-03", "2026-04")
        .replace("-31\"", "-30\"")
        .replace("2.10", "2.11")
        .replace("almex", "fujitsu");
    let file = hospital.file("next.toml", &next);
    let lines = [
        "version 2026-03 (as of 2026-03-31), 2 pair(s) -> version 2026-04 (as of 2026-04-30), 2 pair(s)",
        "+ fujitsu Sma-pa with \"Sony FeliCa RC-S300\", from software 1.0",
        "- almex Sma-pa with \"Sony FeliCa RC-S300\", from software 1.0",
        "~ panasonic XC-1 with \"ACS ACR122U\", from software 2.10 -> 2.11",
        "1 new, 1 gone, 1 changed, 0 as before",
    ];
    for (options, taken) in [(&["--dry-run"][..], false), (&[], true)] {
        let imported = said(&hospital.import(&file, options));
        assert!(lines.iter().all(|line| imported.contains(line)), "{imported}");
        assert_eq!(hospital.knows("fujitsu", "Sma-pa", "Sony FeliCa RC-S300 00 00"), taken, "{imported}");
    }
    let older = hospital.folder.path().join("list.toml");
    let refused = hospital.import(&older, &[]);
    assert!(!refused.status.success() && said(&refused).contains("--older"), "{}", said(&refused));
    assert!(hospital.import(&older, &["--older"]).status.success());
    assert!(hospital.knows("almex", "Sma-pa", "Sony FeliCa RC-S300 00 00"));
}

#[test]
fn every_mistake_is_told_with_its_line_and_nothing_is_imported() {
    let hospital = Hospital::new();
    let wrong = TOML
        .replace("\"panasonic\"", "\"panasonik\"")
        .replace("\"2.10\"", "\"latest\"")
        .replace("\"Sma-pa\"", "\" \"")
        .replace("2026-03-31", "31 March");
    let refused = hospital.import(&hospital.file("wrong.toml", wrong), &[]);
    assert!(!refused.status.success());
    let told = said(&refused);
    for words in [
        "line 2: as_of: \"31 March\" is no day",
        "line 5: maker: there is no profile of \"panasonik\"",
        "did you mean panasonic?",
        "line 8: minimum_software: \"latest\" is no version",
        "line 12: face_reader is empty",
        "4 mistake(s), nothing was imported",
    ] {
        assert!(told.contains(words), "{words}: {told}");
    }
    assert!(!hospital.config().site.compatibility_file().exists());
}

#[test]
fn what_is_no_list_is_refused_with_its_line() {
    let twice = format!("{TOML}{}", TOML.split_once("\n\n").unwrap().1.split_once("\n\n").unwrap().0);
    for (text, is_csv, words) in [
        ("", false, "line 1: the list has no version"),
        ("", true, "line 1: there is no pair in it"),
        (
            &TOML.replace("face_reader = \"XC-1\"", "face_readr = \"XC-1\""),
            false,
            "line 6: unknown field `face_readr`",
        ),
        (
            &twice,
            false,
            "line 15: panasonic XC-1 with \"ACS ACR122U\", from software 2.10 stands in line 4 already",
        ),
        (&CSV.replace("minimum_software", "minimum"), true, "line 4: there is no column \"minimum\""),
        (&CSV.replace(",minimum_software", ""), true, "line 4: a column is missing"),
        (&CSV.replace(",1.0", ""), true, "line 6: minimum_software: \"\" is no version"),
        (&CSV.replace("as_of,", "as of,"), true, "line 2: there is no column \"as of\""),
    ] {
        let slips = parse(text, is_csv).unwrap_err();
        assert!(slips.iter().any(|slip| slip.starts_with(words)), "{words}: {slips:?}");
    }
}

#[test]
fn r06_where_list_and_configuration_know_a_pair_the_higher_minimum_holds() {
    let hospital = Hospital::new();
    let own = TOML
        .replace("\"XC-1\"", "\"XC-EXAMPLE-1\"")
        .replace("ACS ACR122U", "Example Electronics PaSoRi-like Reader");
    hospital.import(&hospital.file("list.toml", own), &[]);
    let config = hospital.config();
    let table = config.compatibility(&config.site.makers().unwrap()).unwrap();
    let pair =
        table.find("panasonic", "XC-EXAMPLE-1", "Example Electronics PaSoRi-like Reader 00 00").unwrap();
    assert_eq!(pair.minimum_software.to_string(), "2.10", "the configuration says 2.0");
    assert_eq!(table.pairs.len(), 2);
}
