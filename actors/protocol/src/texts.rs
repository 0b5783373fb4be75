//! The one catalogue of texts that people read: Fluent, Japanese and English, one file for each subject
//! (`texts/<language>/<subject>.ftl`).

use fluent_bundle::{FluentArgs, FluentResource, concurrent::FluentBundle};
use serde::{Deserialize, Serialize};
use std::sync::LazyLock;
use unic_langid::LanguageIdentifier;

/// The texts of one language. A new subject is a line here and a file for each language.
macro_rules! sources {
    (@file $language:literal, $subject:literal) => {
        include_str!(concat!("../texts/", $language, "/", $subject, ".ftl"))
    };
    ($language:literal) => {
        &[
            sources!(@file $language, "certificates"),
            sources!(@file $language, "charts"),
            sources!(@file $language, "configuration"),
            sources!(@file $language, "console"),
            sources!(@file $language, "devices"),
            sources!(@file $language, "faults"),
            sources!(@file $language, "import"),
            sources!(@file $language, "keys"),
            sources!(@file $language, "line"),
            sources!(@file $language, "mistakes"),
            sources!(@file $language, "page"),
            sources!(@file $language, "pages"),
            sources!(@file $language, "papers"),
            sources!(@file $language, "people"),
            sources!(@file $language, "phones"),
            sources!(@file $language, "queue"),
            sources!(@file $language, "readiness"),
            sources!(@file $language, "runbook"),
            sources!(@file $language, "screens"),
            sources!(@file $language, "settings"),
            sources!(@file $language, "support"),
            sources!(@file $language, "update"),
        ]
    };
}

/// A language of the texts. More are added here and beside `texts/ja`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Language {
    /// 日本語
    #[default]
    Ja,
    /// English
    En,
}

impl Language {
    /// All languages, the default first.
    pub const ALL: [Self; 2] = [Self::Ja, Self::En];

    /// The tag of BCP 47.
    pub const fn tag(self) -> &'static str {
        match self {
            Self::Ja => "ja",
            Self::En => "en",
        }
    }

    /// The files of its texts, one for each subject.
    const fn sources(self) -> &'static [&'static str] {
        match self {
            Self::Ja => sources!("ja"),
            Self::En => sources!("en"),
        }
    }
}

type Bundle = FluentBundle<FluentResource>;

fn bundle(language: Language) -> Bundle {
    let identifier: LanguageIdentifier = language.tag().parse().unwrap_or_default();
    let mut bundle = Bundle::new_concurrent(vec![identifier]);
    // Isolation marks would reach receivers that draw them as boxes.
    bundle.set_use_isolating(false);
    for source in language.sources() {
        // The sources are part of the program and a test parses them strictly; here what is sound is used.
        let resource = FluentResource::try_new((*source).into()).unwrap_or_else(|(sound, _)| sound);
        bundle.add_resource_overriding(resource);
    }
    bundle
}

static BUNDLES: LazyLock<[Bundle; 2]> = LazyLock::new(|| Language::ALL.map(bundle));

/// The text of `key`, or nothing where the catalogue has none.
pub fn find(language: Language, key: &str, arguments: &[(&str, &str)]) -> Option<String> {
    let bundle = &BUNDLES[language as usize];
    let pattern = bundle.get_message(key)?.value()?;
    let arguments: FluentArgs = arguments.iter().map(|(name, value)| (*name, *value)).collect();
    Some(bundle.format_pattern(pattern, Some(&arguments), &mut Vec::new()).into_owned())
}

/// The text of `key`. A key that the catalogue lacks shows as itself, so that nobody sees an empty screen;
/// tests assert that none is lacking.
pub fn text(language: Language, key: &str, arguments: &[(&str, &str)]) -> String {
    find(language, key, arguments).unwrap_or_else(|| key.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fault::FaultCode;
    use std::collections::BTreeSet;

    fn keys(source: &'static str) -> Vec<&'static str> {
        let is_key = |line: &&str| line.starts_with(|c: char| c.is_ascii_lowercase());
        source.lines().filter(is_key).filter_map(|l| Some(l.split_once('=')?.0.trim())).collect()
    }

    #[test]
    fn both_languages_parse_and_have_the_same_keys() {
        for (ja, en) in Language::Ja.sources().iter().zip(Language::En.sources()) {
            for source in [ja, en] {
                assert!(FluentResource::try_new((*source).into()).is_ok(), "{source}");
            }
            assert_eq!(BTreeSet::from_iter(keys(ja)), BTreeSet::from_iter(keys(en)));
        }
    }

    #[test]
    fn no_key_is_given_twice() {
        let mut seen = BTreeSet::new();
        for key in Language::En.sources().iter().flat_map(|source| keys(source)) {
            assert!(seen.insert(key), "{key}");
        }
    }

    #[test]
    fn every_fault_is_explained_to_staff_with_what_to_do_in_both_languages() {
        for language in Language::ALL {
            for fault in FaultCode::ALL {
                for part in ["patient", "staff", "action"] {
                    let key = format!("fault-{}-{part}", fault.name());
                    assert!(find(language, &key, &[]).is_some(), "{key} in {language:?}");
                }
            }
        }
    }
}
