//! The list of compatible readers.

use crate::Verdict;
use madoguchi::config::compatibility::CompatibilityList;
use madoguchi_reception::makers::Makers;
use std::sync::LazyLock;

/// Those that are shipped.
static MAKERS: LazyLock<Makers> = LazyLock::new(|| {
    let text = include_str!("../../../configs/makers.toml");
    toml::from_str(text).unwrap_or_default()
});

/// A list, from a spreadsheet or written by hand: as CSV and as TOML.
pub fn list(bytes: &[u8]) -> Verdict {
    let text = String::from_utf8_lossy(bytes);
    [true, false].map(|is_csv| read(&text, is_csv)).into_iter().fold(Verdict::Refused, Verdict::or)
}

fn read(text: &str, is_csv: bool) -> Verdict {
    match CompatibilityList::parse(text, is_csv, &MAKERS) {
        Ok(list) => {
            assert!(!list.pairs.is_empty(), "a list without pairs takes the button from every lane");
            let written = list.to_toml().unwrap_or_default();
            assert_eq!(
                CompatibilityList::parse(&written, false, &MAKERS),
                Ok(list),
                "what is written is read again"
            );
            Verdict::Accepted
        }
        Err(slips) => {
            let lines = 1..=text.split('\n').count();
            assert!(!slips.is_empty() && slips.iter().all(|slip| lines.contains(&slip.line)), "{slips:?}");
            Verdict::Refused
        }
    }
}

/// The same list in each form.
pub fn seeds() -> Vec<Vec<u8>> {
    vec![TOML.to_vec(), CSV.to_vec()]
}

const TOML: &[u8] = br#"version = "2026-03"
as_of = "2026-03-31"

[[pairs]]
maker = "panasonic"
face_reader = "XC-1"
generic_reader = "ACS ACR122U"
minimum_software = "2.10"
"#;

const CSV: &[u8] = b"version,2026-03,,\r\nas_of,2026/3/31,,\r\n\r\n\
                     face_reader,maker,generic_reader,minimum_software\r\nXC-1,Panasonic,\"ACS ACR122U\",2.10\r\n";
