//! Profiles of the face-auth readers' makers, as data: wording, phones taken by the reader itself, the
//! procedure of setup. Shipped as `configs/makers.toml`, to be confirmed by the hospital, and replaceable.

use madoguchi_protocol::{
    device::MAX_TEXT,
    texts::{Language, find, text},
};
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// What a maker may word otherwise: the patient's screens. Faults and the page are the gateway's.
const WORDED: [&str; 6] = ["screen-", "choice-", "notice-", "medium-", "consent-", "fallback-"];

/// All profiles.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Makers {
    /// One for each maker.
    #[serde(default)]
    pub maker: Vec<Maker>,
}

/// One maker's profile.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Maker {
    /// The short name that its readers give.
    pub name: String,
    /// For people.
    pub label: String,
    /// Its readers take phones themselves, once their software says so.
    pub takes_phones: bool,
    /// The procedure by which its readers are set up.
    pub procedure: String,
    /// The hospital has confirmed the profile.
    pub confirmed: bool,
    /// Its texts on the patient's screens.
    #[serde(default)]
    pub wording: Wording,
}

/// Texts in place of the catalogue's, by language and key.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct Wording(HashMap<Language, BTreeMap<String, String>>);

/// A profile that can't be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadMakers {
    /// Two profiles of one name.
    #[error("maker {0:?} is given twice")]
    Twice(String),
    /// A profile without what a person needs.
    #[error("maker {0:?}: name, label and procedure must not be empty")]
    Empty(String),
    /// A key that no screen has.
    #[error("maker {maker:?}: {key:?} is no text of the patient's screens")]
    Key {
        /// Whose.
        maker: String,
        /// Which.
        key: String,
    },
    /// A text that no screen has room for, or none at all.
    #[error("maker {maker:?}: the text of {key:?} must have 1 to {MAX_TEXT} characters")]
    Length {
        /// Whose.
        maker: String,
        /// Which.
        key: String,
    },
}

impl Makers {
    /// The profile of the maker with this short name.
    pub fn find(&self, name: &str) -> Option<&Maker> {
        self.maker.iter().find(|maker| maker.name.eq_ignore_ascii_case(name))
    }

    /// What the types can't tell.
    ///
    /// # Errors
    /// The first [`BadMakers`].
    pub fn check(&self) -> Result<(), BadMakers> {
        let mut seen = BTreeSet::new();
        for Maker { name, label, procedure, wording, .. } in &self.maker {
            if [name, label, procedure].into_iter().any(|text| text.trim().is_empty()) {
                return Err(BadMakers::Empty(name.clone()));
            }
            if !seen.insert(name.to_ascii_lowercase()) {
                return Err(BadMakers::Twice(name.clone()));
            }
            for (language, texts) in &wording.0 {
                for (key, text) in texts {
                    let (maker, key) = (name.clone(), key.clone());
                    let worded = WORDED.iter().any(|prefix| key.starts_with(prefix));
                    if !worded || find(*language, &key, &[]).is_none() {
                        return Err(BadMakers::Key { maker, key });
                    }
                    if text.trim().is_empty() || text.chars().count() > MAX_TEXT {
                        return Err(BadMakers::Length { maker, key });
                    }
                }
            }
        }
        Ok(())
    }
}

impl Wording {
    /// The text of `key`: the maker's, or else the catalogue's. Arguments are written `{ $name }` in both.
    pub fn text(&self, language: Language, key: &str, arguments: &[(&str, &str)]) -> String {
        let Some(own) = self.0.get(&language).and_then(|texts| texts.get(key)) else {
            return text(language, key, arguments);
        };
        arguments
            .iter()
            .fold(own.clone(), |text, (name, value)| text.replace(&format!("{{ ${name} }}"), value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Choice, ScreenKind, ScreenSpec};
    use madoguchi_protocol::evidence::Medium;

    fn wording(key: &str, text: &str) -> Wording {
        Wording(HashMap::from([(Language::Ja, BTreeMap::from([(key.to_owned(), text.to_owned())]))]))
    }

    fn maker(name: &str, wording: Wording) -> Maker {
        let (label, procedure) = ("Maker".to_owned(), "KB0012308".to_owned());
        Maker { name: name.into(), label, takes_phones: false, procedure, confirmed: false, wording }
    }

    #[test]
    fn r22_a_makers_wording_stands_on_its_readers_screens_and_the_catalogues_on_the_rest() {
        let spec = |kind, language| ScreenSpec {
            practice: false,
            number: 1,
            kind,
            language,
            notice: None,
            choices: vec![Choice::UsePhone, Choice::UseCard],
            pin_pad: None,
            visit: None,
        };
        let own = wording("choice-use-phone", "スマホで受付");
        let japanese = spec(ScreenKind::Idle, Language::Ja);
        let (worded, plain) = (japanese.render_in(&own), japanese.render());
        assert_eq!(worded.choices[0].label, "スマホで受付");
        assert_eq!(plain.choices[0].label, "スマートフォンを利用する");
        // Everything else is as it was: the ids above all, which the box understands.
        assert_eq!((&worded.choices[1], &worded.title), (&plain.choices[1], &plain.title));
        assert_eq!(worded.choices[0].id, plain.choices[0].id);
        let english = spec(ScreenKind::Idle, Language::En);
        assert_eq!(english.render_in(&own), english.render());
        let wrong = ScreenKind::WrongMedium { chosen: Medium::Android, found: Medium::Iphone };
        let own = wording("screen-wrong-medium-text", "{ $found }です。{ $chosen }ではありません。");
        let said = spec(wrong, Language::Ja).render_in(&own).text;
        assert!(said.contains("iPhoneです") && !said.contains('{'), "{said}");
    }

    #[test]
    fn r22_wording_for_no_screen_or_of_no_length_is_refused() {
        let check = |wording| Makers { maker: vec![maker("almex", wording)] }.check();
        assert_eq!(check(wording("choice-use-phone", "スマホ")), Ok(()));
        for key in ["choice-nothing", "fault-line-down-staff", "page-title"] {
            assert!(matches!(check(wording(key, "x")), Err(BadMakers::Key { .. })), "{key}");
        }
        for text in ["", " ", &"長".repeat(MAX_TEXT + 1)] {
            assert!(matches!(check(wording("choice-use-phone", text)), Err(BadMakers::Length { .. })));
        }
        let twice =
            Makers { maker: vec![maker("almex", Wording::default()), maker("Almex", Wording::default())] };
        assert_eq!(twice.check(), Err(BadMakers::Twice("Almex".into())));
        let empty = Makers { maker: vec![maker("", Wording::default())] };
        assert_eq!(empty.check(), Err(BadMakers::Empty(String::new())));
    }
}
