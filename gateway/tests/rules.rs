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

/// The example with this list of holidays.
fn with_holidays(path: &Path) -> Config {
    with_institution(&format!("institution = \"1312345678\"\nholidays = {path:?}")).unwrap()
}

#[test]
fn r36_the_cabinet_offices_list_is_read_in_its_own_encoding_and_a_bad_one_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let list = folder.path().join("syukujitsu.csv");
    let day = jiff::civil::date(2028, 1, 10);
    let text = "国民の祝日・休日月日,国民の祝日・休日名称\r\n2028/1/1,元日\r\n2028/1/10,成人の日\r\n";
    for bytes in [encoding_rs::SHIFT_JIS.encode(text).0.into_owned(), text.as_bytes().to_vec()] {
        std::fs::write(&list, bytes).unwrap();
        assert!(with_holidays(&list).site.holidays().unwrap().contains(day));
    }
    let (path, text) = example();
    let shipped = Config::parse(&path, &text).unwrap().site.holidays().unwrap();
    assert!(!shipped.contains(day));
    for bad in ["", "no list at all\nof holidays\n"] {
        std::fs::write(&list, bad).unwrap();
        let refused = with_holidays(&list).site.holidays().unwrap_err().to_string();
        assert!(refused.contains("syukujitsu.csv"), "{refused}");
    }
    std::fs::write(&list, vec![b'x'; 300 * 1024]).unwrap();
    assert!(with_holidays(&list).site.holidays().unwrap_err().to_string().contains("larger"));
}

#[test]
fn r04_r08_r22_makers_profiles_are_shipped_unconfirmed_and_can_be_replaced() {
    let site = |line: &str| with_institution(&format!("institution = \"1312345678\"\n{line}")).unwrap().site;
    let shipped = site("").makers().unwrap();
    let names: Vec<_> = shipped.maker.iter().map(|maker| maker.name.as_str()).collect();
    assert_eq!(names, ["panasonic", "canon", "fujitsu", "alps_alpine", "almex"]);
    for maker in &shipped.maker {
        assert_eq!((maker.takes_phones, maker.confirmed), (maker.name == "canon", false), "{}", maker.name);
        assert!(maker.procedure.contains("KB0012308"));
    }
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("makers.toml");
    let profile = "[[maker]]\nname = \"almex\"\nlabel = \"Almex\"\ntakes_phones = false\n\
                   procedure = \"KB0012308\"\nconfirmed = true\n";
    let makers = |text: String| {
        std::fs::write(&file, text).unwrap();
        site(&format!("makers = {file:?}")).makers().map_err(|error| error.to_string())
    };
    let worded = format!("{profile}[maker.wording.ja]\nchoice-use-phone = \"スマホで受付\"\n");
    assert!(makers(worded).unwrap().maker[0].confirmed);
    let strange = makers(format!("{profile}[maker.wording.ja]\npage-title = \"x\"\n")).unwrap_err();
    assert!(strange.contains("page-title"), "{strange}");
    assert!(makers(format!("{profile}colour = 1\n")).unwrap_err().contains("colour"));
    assert!(makers(profile.repeat(2)).unwrap_err().contains("twice"));
}

#[test]
fn r12_phones_are_used_unless_the_hospital_says_no() {
    assert_eq!(Phones::default(), Phones::Use);
    let off = with_institution("institution = \"1312345678\"\nphones = \"do_not_use\"").unwrap();
    assert_eq!(off.site.phones, Phones::DoNotUse);
}
