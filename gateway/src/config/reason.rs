//! Why a setting is refused, in the reader's language. English is what the console and log files say.

use super::mistake::is_key;
use madoguchi_protocol::texts::{Language, text};
use std::fmt;

/// What is wrong with a setting, as a text of the catalogue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reason {
    /// The setting: `lane.2.face_reader.listen`; `None` where it is none's in particular.
    pub(super) setting: Option<String>,
    key: &'static str,
    arguments: Vec<(&'static str, String)>,
    /// What an actor or a library says of it, which exists in English only.
    detail: Option<String>,
}

impl Reason {
    /// A text of the catalogue about a setting.
    pub fn of(setting: &str, key: &'static str, arguments: &[(&'static str, &str)]) -> Self {
        let arguments = arguments.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
        Self { setting: Some(setting.into()), key, arguments, detail: None }
    }

    /// The same, with what a library said, which may name the setting itself.
    pub(super) fn detailed(setting: &str, key: &'static str, detail: impl fmt::Display) -> Self {
        let detail = detail.to_string();
        let names_it = detail.starts_with(setting);
        let detail = if names_it { detail } else { format!("{setting}: {detail}") };
        Self { detail: Some(detail), ..Self::of(setting, key, &[]) }
    }

    /// What an actor says of its own settings; it names the setting first.
    pub(super) fn of_actor(said: impl fmt::Display) -> Self {
        let said = said.to_string();
        let setting = said.split([':', ' ']).next().filter(|key| is_key(key)).map(str::to_owned);
        Self { setting, key: "mistake-value", arguments: Vec::new(), detail: Some(said) }
    }

    /// The file itself can't be read.
    pub(super) fn unreadable(error: &super::ConfigError) -> Self {
        Self {
            setting: None,
            key: "mistake-unreadable",
            arguments: Vec::new(),
            detail: Some(error.to_string()),
        }
    }

    /// From what the parser says. Its words are the only thing that it gives.
    pub(super) fn of_parser(said: &str, near: Option<&str>) -> Self {
        let quoted = said.split('`').nth(1).unwrap_or_default();
        let key = match said {
            _ if said.starts_with("unknown field") => "mistake-unknown-setting",
            _ if said.starts_with("unknown variant") => "mistake-unknown-word",
            _ if said.starts_with("missing field") => "mistake-missing-setting",
            _ if said.starts_with("duplicate key") => "mistake-twice",
            _ if said.starts_with("invalid type") || said.starts_with("invalid value") => "mistake-value",
            // What an actor's own settings say of a value.
            _ if said.chars().next().is_some_and(char::is_uppercase) => "mistake-value",
            _ => "mistake-notation",
        };
        let mut arguments = vec![("word", quoted.to_owned())];
        arguments.extend(near.map(|near| ("near", near.to_owned())));
        let key = match (key, near) {
            ("mistake-unknown-setting", Some(_)) => "mistake-unknown-setting-near",
            ("mistake-unknown-word", Some(_)) => "mistake-unknown-word-near",
            (key, _) => key,
        };
        let detail = format!("{said}{}", super::mistake::hint(near));
        Self { setting: None, key, arguments, detail: Some(detail) }
    }

    /// In this language; and what exists in English only, where that is not the same.
    pub fn said(&self, language: Language) -> (String, Option<&str>) {
        if language == Language::En {
            return (self.english(), None);
        }
        let arguments: Vec<_> = self.arguments.iter().map(|(name, value)| (*name, value.as_str())).collect();
        (text(language, self.key, &arguments), self.detail.as_deref())
    }

    fn english(&self) -> String {
        if let Some(detail) = &self.detail {
            return detail.clone();
        }
        let arguments: Vec<_> = self.arguments.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let said = text(Language::En, self.key, &arguments);
        self.setting.as_ref().map_or(said.clone(), |setting| format!("{setting}: {said}"))
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.english())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Config, ConfigError};
    use std::path::Path;

    const EXAMPLE: &str = include_str!("../../../configs/example.toml");

    /// What is said of the example after one text was replaced, in Japanese and English.
    fn said(from: &str, to: &str) -> (String, String) {
        assert!(EXAMPLE.contains(from), "{from}");
        let text = EXAMPLE.replacen(from, to, 1);
        let error: ConfigError = Config::parse(Path::new("x"), &text).unwrap_err();
        let mistake = error.mistake_in(&text);
        (mistake.reason.said(Language::Ja).0, mistake.message)
    }

    #[test]
    fn mistakes_are_told_in_the_readers_language_and_as_before_in_english() {
        let institution = "institution = \"1319999999\"";
        let (ja, en) = said(institution, "institution = \"131\"");
        assert_eq!(en, "site.institution: a medical institution code has 10 digits (R-39)");
        assert!(ja.contains("10 桁"), "{ja}");
        let (ja, en) = said("institution = ", "instituton = ");
        assert!(en.contains("did you mean `institution`?"), "{en}");
        assert!(ja.contains("instituton") && ja.contains("institution") && ja.contains("でしょうか"), "{ja}");
        let (ja, _) = said(institution, "");
        assert!(ja.contains("institution") && ja.contains("必要"), "{ja}");
        let (ja, _) = said(institution, "institution = 1");
        assert!(ja.contains("値"), "{ja}");
        let (ja, _) = said(institution, "institution = \"1319999999");
        assert!(ja.contains("TOML"), "{ja}");
        let (ja, en) = said("192.168.10.1:28202", "192.168.10.1:28201");
        assert!(ja.contains("192.168.10.1:28201") && !ja.is_ascii(), "{ja}");
        assert_eq!(en, "lane.2.face_reader.listen: 192.168.10.1:28201 belongs to another lane");
    }
}
