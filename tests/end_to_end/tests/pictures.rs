//! The pictures of the patient's screens and of the pages are complete, small, and in their index.

#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use madoguchi_end_to_end::pictures::{MAX_BYTES, documented_kinds, html, index, pages, reception, subjects};
use madoguchi_protocol::texts::Language;
use std::{collections::BTreeSet, fs};

#[test]
fn every_kind_of_screen_is_among_the_pictures() {
    let documented: BTreeSet<_> = documented_kinds().into_iter().collect();
    let pictured: BTreeSet<_> = subjects().iter().map(|subject| subject.kind.name()).collect();
    assert_eq!(documented, pictured, "add it to `pictures::subjects` and run `make pictures`");
    assert!(documented.len() > 20, "SCREENS.md was read: {documented:?}");
}

#[test]
fn every_wording_of_the_catalogue_is_among_the_pictures() {
    const CATALOGUE: &str = include_str!("../../../actors/protocol/texts/en/screens.ftl");
    // Not a screen of `reception`: the face reader's actor shows it before the lane's own, after a stop in the middle.
    const NOT_RECEPTIONS: &str = "screen-interrupted";
    let pictured: BTreeSet<_> =
        subjects().iter().map(|subject| subject.screen(Language::En).render().title).collect();
    let mut seen = 0;
    for line in CATALOGUE.lines().filter(|line| line.starts_with("screen-")) {
        if let Some((key, title)) =
            line.split_once("-title = ").filter(|it| it.0 != NOT_RECEPTIONS && !it.1.contains('{'))
        {
            assert!(
                pictured.contains(title),
                "{key}: add it to `pictures::subjects` and run `make pictures`"
            );
            seen += 1;
        }
    }
    assert!(seen > 20, "the catalogue was read: {seen}");
}

#[test]
fn every_screen_has_its_pictures_in_every_language_and_no_other_picture_is_kept() {
    let mut wanted = BTreeSet::new();
    for subject in subjects() {
        wanted.extend(Language::ALL.map(|language| subject.file(language)));
    }
    let mut total = 0;
    let mut found = BTreeSet::new();
    for entry in fs::read_dir(reception().join("pictures")).unwrap() {
        let bytes = fs::read(entry.as_ref().unwrap().path()).unwrap();
        let name = entry.unwrap().file_name().to_string_lossy().into_owned();
        assert!(bytes.starts_with(b"\x89PNG\r\n"), "{name} is no picture");
        total += bytes.len() as u64;
        found.insert(name);
    }
    assert_eq!(wanted, found, "run `make pictures`");
    assert!(total <= MAX_BYTES, "{total} bytes");
}

#[test]
fn the_index_lists_every_picture() {
    let kept = fs::read_to_string(reception().join("PICTURES.md")).unwrap();
    assert_eq!(kept, index(), "run `make pictures`");
    for subject in subjects() {
        for language in Language::ALL {
            assert!(kept.contains(&format!("(pictures/{})", subject.file(language))));
        }
    }
}

#[test]
fn a_page_shows_title_text_and_every_button() {
    for subject in subjects() {
        for language in Language::ALL {
            let screen = subject.screen(language).render();
            let page = html(&screen);
            assert!(page.contains(&screen.title), "{subject:?}");
            for choice in &screen.choices {
                assert!(page.contains(&choice.label), "{subject:?}: {}", choice.label);
            }
            let has_ways_on = !screen.choices.is_empty();
            let waits = ["confirming", "out_of_service"].contains(&screen.kind.as_str());
            assert_eq!(has_ways_on, !waits, "{subject:?}");
        }
    }
}

#[test]
fn every_picture_of_a_page_is_of_one_that_there_is_and_stands_in_the_index() {
    let folder = pages::folder().join("pictures");
    let (mut found, mut total) = (BTreeSet::new(), 0);
    for entry in fs::read_dir(&folder).unwrap() {
        let bytes = fs::read(entry.as_ref().unwrap().path()).unwrap();
        let name = entry.unwrap().file_name().to_string_lossy().into_owned();
        assert!(bytes.starts_with(b"\x89PNG\r\n"), "{name} is no picture");
        total += bytes.len() as u64;
        found.insert(name);
    }
    assert!(total <= pages::MAX_BYTES, "{total} bytes");
    let taken: Vec<_> = pages::shots().into_iter().filter(|shot| folder.join(shot.file()).exists()).collect();
    let wanted: BTreeSet<_> = taken.iter().map(|shot| shot.file()).collect();
    assert_eq!(wanted, found, "run `make pictures`");
    assert!(taken.len() > 40, "only {} pictures", taken.len());
    assert_eq!(
        fs::read_to_string(pages::folder().join("PAGES.md")).unwrap(),
        pages::index(&taken),
        "run `make pictures`"
    );
}
