//! Every setting as a form shows it: made from the annotated example and from the types, so that a new setting appears
//! by itself.
//!
//! The example says what a setting is for, its default, its unit and its bounds (a test holds it to saying all of that
//! truly); the types say which words can be chosen and what can't be left out, by what they refuse.

use super::{Config, document::Document};
use std::{collections::BTreeMap, path::Path, sync::LazyLock};

const EXAMPLE: &str = include_str!("../../../configs/example.toml");
/// What no setting takes: the refusal lists what it does.
const STRANGER: &str = "\"zz stranger\"";

/// One setting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setting {
    /// Its section, without a lane's number: `lane.face_reader.deadlines`.
    pub section: String,
    /// Its name in the section.
    pub name: String,
    /// What it is for, in English, from the example.
    pub help: String,
    /// What can be given.
    pub kind: Kind,
    /// Of a number.
    pub unit: Option<&'static str>,
    /// Of a number, where the example says so.
    pub bounds: Option<(i64, i64)>,
    /// What holds where it is not set, as TOML; `None` where nothing does.
    pub default: Option<String>,
    /// Whether its section can't be without it.
    pub required: bool,
}

/// What can be given for a setting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A whole number.
    Number,
    /// Words, a path, an address.
    Text,
    /// Several of them, one on a line.
    Lines,
    /// One of these.
    Choice(Vec<String>),
    /// A value as TOML.
    Toml,
}

/// A section of the form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Section {
    /// Without a lane's number.
    pub name: String,
    /// What it is for, in English, from the example.
    pub help: String,
    /// Whether being there, even empty, is something else than not being there: a lane's generic reader.
    pub optional: bool,
    /// Its settings.
    pub settings: Vec<Setting>,
}

impl Setting {
    /// Its key in a section that stands at `place`: `lane.2.face_reader` and `listen`.
    pub fn key_at(&self, place: &str) -> String {
        if place.is_empty() { self.name.clone() } else { format!("{place}.{}", self.name) }
    }

    /// The key of its name in the catalogue of texts.
    pub fn text_key(&self) -> String {
        let section = if self.section.is_empty() { "file" } else { &self.section };
        format!("setting-{section}-{}", self.name).replace(['.', '_'], "-")
    }
}

impl Section {
    /// The key of its name in the catalogue of texts.
    pub fn text_key(&self) -> String {
        let name = if self.name.is_empty() { "file" } else { &self.name };
        format!("section-{name}").replace(['.', '_'], "-")
    }
}

static SECTIONS: LazyLock<Vec<Section>> = LazyLock::new(read);

/// Every section, in the example's order. Those of a lane begin with `lane`.
pub fn sections() -> &'static [Section] {
    &SECTIONS
}

/// The section of this name, without a lane's number.
pub fn section(name: &str) -> Option<&'static Section> {
    sections().iter().find(|section| section.name == name)
}

/// A line of the example that says a setting, and whether it is left at its default there.
fn setting_on(line: &str) -> Option<(&str, &str, bool)> {
    let (bare, left_out) = match line.strip_prefix('#') {
        Some(rest) => (rest, true),
        None => (line, false),
    };
    let (name, value) = bare.split_once(" = ")?;
    let is_name = !name.is_empty() && name.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
    is_name.then_some((name, value, left_out))
}

/// A setting that the example describes in words: `#   socket = "/a"   its Unix socket`.
fn described(line: &str) -> Option<(&str, &str, &str)> {
    let (name, rest) = line.strip_prefix("#   ")?.split_once(" = ")?;
    let end = rest.strip_prefix('"')?.find('"')? + 2;
    let is_name = name.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
    is_name.then(|| (name, &rest[..end], rest[end..].trim()))
}

/// The example with every setting taken in.
fn whole() -> String {
    let line = |line: &str| match setting_on(line) {
        Some((name, value, true)) => format!("{name} = {value}\n"),
        _ => format!("{line}\n"),
    };
    EXAMPLE.lines().map(line).collect()
}

fn read() -> Vec<Section> {
    let probe = Probe::new();
    let mut sections =
        vec![Section { name: String::new(), help: String::new(), optional: false, settings: Vec::new() }];
    let mut words = Vec::new();
    // Described in words and not placed yet: above a section's name they are values of a setting of that section.
    let mut told: Vec<(&str, &str, &str)> = Vec::new();
    for line in EXAMPLE.lines() {
        if line.starts_with('[') {
            told.clear();
        } else if let Some(section) = sections.last_mut()
            && !line.starts_with("# ")
        {
            for (name, value, help) in told.drain(..) {
                let mut setting = probe.setting(section, name, value, help.to_owned(), true);
                setting.default = None;
                section.settings.push(setting);
            }
        }
        if let Some(name) = line.strip_prefix('[') {
            let name = name.trim_matches(['[', ']']).to_owned();
            let help = std::mem::take(&mut words).join(" ");
            let optional = probe.is_optional(&name);
            sections.push(Section { name, help, optional, settings: Vec::new() });
        } else if let Some((name, value, left_out)) = setting_on(line) {
            let mut help = std::mem::take(&mut words).join(" ");
            if help.is_empty() {
                // Two alike, as the two sides of the appliance: what was said of the first holds for the second.
                let mut alike =
                    sections.iter().flat_map(|section| &section.settings).filter(|it| it.name == name);
                // Or one explanation is of a pair, the setting above and this one.
                let above = || sections.last()?.settings.last();
                help = alike.next().or_else(above).map_or(help, |it| it.help.clone());
            }
            if let Some(section) = sections.last_mut() {
                let setting = probe.setting(section, name, value, help, left_out);
                section.settings.push(setting);
            }
        } else if let Some(described) = described(line) {
            words.push(line.trim_start_matches(['#', ' ']).to_owned());
            told.push(described);
        } else if let Some(word) = line.strip_prefix("# ") {
            words.push(word.trim().to_owned());
        } else {
            words.clear();
        }
    }
    // The example's second lane shows how little a lane needs.
    let mut merged: Vec<Section> = Vec::new();
    for section in sections {
        match merged.iter_mut().find(|known| known.name == section.name) {
            Some(_) => {}
            None => merged.push(section),
        }
    }
    merged.retain(|section| !section.settings.is_empty() || section.optional);
    merged
}

/// Finds out what the types take, by what they refuse.
struct Probe {
    whole: String,
}

impl Probe {
    fn new() -> Self {
        Self { whole: whole() }
    }

    /// Where a section stands in the example.
    fn place(section: &str) -> String {
        match section.strip_prefix("lane") {
            Some(rest) => format!("lane.1{rest}"),
            None if section == "compatibility.pairs" => "compatibility.pairs.0".into(),
            None => section.to_owned(),
        }
    }

    fn parse(text: &str) -> Result<Config, String> {
        Config::parse(Path::new("example.toml"), text).map_err(|error| error.to_string())
    }

    /// The whole example after a change, as the types see it.
    fn after(&self, change: impl FnOnce(&mut Document)) -> Result<Config, String> {
        let mut document: Document = self.whole.parse().map_err(|error| format!("{error}"))?;
        change(&mut document);
        Self::parse(&document.to_string())
    }

    /// Whether a section that is there, though empty, is something else than one that is not.
    fn is_optional(&self, section: &str) -> bool {
        let place = Self::place(section);
        if place.ends_with(".0") || place == "lane.1" {
            return false;
        }
        let without = self.after(|document| drop(document.remove(&place)));
        let empty = self.after(|document| {
            drop(document.remove(&place));
            // Made by what is set in it, and empty again.
            drop(document.set(&format!("{place}.zz"), Some("1")));
            drop(document.set(&format!("{place}.zz"), None));
        });
        match (without, empty) {
            (Ok(without), Ok(empty)) => format!("{without:?}") != format!("{empty:?}"),
            (Ok(_), Err(_)) => true,
            (Err(_), _) => false,
        }
    }

    fn setting(&self, section: &Section, name: &str, value: &str, help: String, left_out: bool) -> Setting {
        let key = format!("{}.{name}", Self::place(&section.name));
        let key = key.trim_start_matches('.');
        let kind = self.kind(key, value);
        let number = kind == Kind::Number;
        Setting {
            bounds: number.then(|| bounds(&help).or_else(|| bounds(&section.help))).flatten(),
            unit: if number { unit(section, name) } else { None },
            default: (left_out && has_default(&help)).then(|| value.to_owned()),
            // What has a default is wanted by other settings at most: the centre's addresses by a tunnel on this box.
            required: !left_out
                && !help.contains("Default:")
                && self.after(|document| drop(document.set(key, None))).is_err(),
            section: section.name.clone(),
            name: name.to_owned(),
            help,
            kind,
        }
    }

    fn kind(&self, key: &str, value: &str) -> Kind {
        match value.parse::<toml_edit::Value>() {
            Ok(toml_edit::Value::Integer(_)) => Kind::Number,
            Ok(toml_edit::Value::Array(_)) => Kind::Lines,
            Ok(toml_edit::Value::String(_)) => {
                let refusal = self.after(|document| drop(document.set(key, Some(STRANGER)))).err();
                let words = refusal.as_deref().map(choices).unwrap_or_default();
                if words.is_empty() { Kind::Text } else { Kind::Choice(words) }
            }
            _ => Kind::Toml,
        }
    }
}

/// The words of "unknown variant `a`, expected one of `b`, `c`" or "expected `b` or `c`".
fn choices(refusal: &str) -> Vec<String> {
    let Some((_, rest)) = refusal.split_once("unknown variant ") else { return Vec::new() };
    let rest = rest.split_once("expected ").map_or("", |(_, rest)| rest);
    // What was probably meant follows and is one of them.
    let rest = rest.split("; did you mean").next().unwrap_or("");
    rest.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

fn has_default(help: &str) -> bool {
    help.contains("Default:")
}

/// "1000 to 15000" in words.
fn bounds(help: &str) -> Option<(i64, i64)> {
    let words: Vec<_> = help.split([' ', ',', '.', ';']).collect();
    words.windows(3).find_map(|three| match three {
        [least, "to", most] => Some((least.parse().ok()?, most.parse().ok()?)),
        _ => None,
    })
}

fn unit(section: &Section, name: &str) -> Option<&'static str> {
    const UNITS: [(&str, &str); 6] = [
        ("_ms", "ms"),
        ("_s", "s"),
        ("_mib", "MiB"),
        ("_bytes", "byte"),
        ("_hours", "hours"),
        ("days", "days"),
    ];
    if section.name.ends_with("deadlines") {
        return Some("s");
    }
    UNITS
        .iter()
        .find(|(word, _)| name.ends_with(word) || name.contains("days") && *word == "days")
        .map(|(_, unit)| *unit)
}

/// A value that was typed into a form, as TOML: what the setting's kind makes of it. Nothing for an empty field.
pub fn typed(kind: &Kind, typed: &str) -> Option<String> {
    let typed = typed.trim();
    if typed.is_empty() {
        return None;
    }
    let quoted = |text: &str| toml_edit::Value::from(text).to_string();
    Some(match kind {
        Kind::Text | Kind::Choice(_) => quoted(typed),
        Kind::Lines => {
            let items: Vec<_> =
                typed.lines().map(str::trim).filter(|line| !line.is_empty()).map(quoted).collect();
            format!("[{}]", items.join(", "))
        }
        Kind::Number | Kind::Toml => typed.to_owned(),
    })
}

/// A value of the file as it stands in a form's field.
pub fn shown(kind: &Kind, value: &str) -> String {
    let parsed = value.trim().parse::<toml_edit::Value>();
    match (kind, parsed) {
        (Kind::Text | Kind::Choice(_), Ok(toml_edit::Value::String(text))) => text.into_value(),
        (Kind::Lines, Ok(toml_edit::Value::Array(items))) => {
            let line = |item: &toml_edit::Value| item.as_str().map_or(item.to_string(), str::to_owned);
            items.iter().map(line).collect::<Vec<_>>().join("\n")
        }
        _ => value.trim().to_owned(),
    }
}

/// The settings of a whole configuration by the place where their section stands: what a form page walks through.
pub fn places(document: &Document) -> BTreeMap<String, &'static Section> {
    let mut places = BTreeMap::new();
    for section in sections() {
        match section.name.strip_prefix("lane") {
            Some(rest) => {
                for number in document.lanes() {
                    places.insert(format!("lane.{number}{rest}"), section);
                }
            }
            None if section.name == "compatibility.pairs" => {
                for at in 0.. {
                    let place = format!("compatibility.pairs.{at}");
                    if !document.has(&place) {
                        break;
                    }
                    places.insert(place, section);
                }
            }
            None => {
                places.insert(section.name.clone(), section);
            }
        }
    }
    places
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::difference::settings;
    use madoguchi_protocol::texts::{Language, find};

    fn one(section_name: &str, name: &str) -> Setting {
        let section = section(section_name).unwrap_or_else(|| panic!("no section {section_name}"));
        section.settings.iter().find(|it| it.name == name).unwrap_or_else(|| panic!("no {name}")).clone()
    }

    #[test]
    fn every_key_of_the_configuration_appears_in_a_form() {
        // That the example has every key that the types have is asserted in tests/example.rs.
        let document: Document = whole().parse().unwrap();
        let places = places(&document);
        for key in settings(&whole()).into_keys() {
            // `reader = { serial = … }` is one setting, whatever is chosen; so is `token = { … }`.
            let key = key.strip_suffix(".serial").unwrap_or(&key);
            let key = key.find(".token.").map_or(key, |at| &key[..at + ".token".len()]);
            let shown = places
                .iter()
                .any(|(place, section)| section.settings.iter().any(|it| it.key_at(place) == key));
            let empty = places.contains_key(key);
            assert!(shown || empty || key == "pin_session", "{key} is in no form");
        }
    }

    #[test]
    fn every_setting_explains_itself() {
        for setting in sections().iter().flat_map(|section| &section.settings) {
            assert!(!setting.help.is_empty(), "{}.{} is not explained", setting.section, setting.name);
        }
    }

    #[test]
    fn every_section_and_setting_has_a_name_in_every_language() {
        let settings = sections().iter().flat_map(|section| &section.settings).map(Setting::text_key);
        let keys: Vec<_> = sections().iter().map(Section::text_key).chain(settings).collect();
        let lacks = |key: &&String| Language::ALL.iter().any(|it| find(*it, key, &[]).is_none());
        let nameless: Vec<_> = keys.iter().filter(lacks).collect();
        assert!(nameless.is_empty(), "{nameless:#?}");
    }

    #[test]
    fn kind_unit_bounds_and_default_come_from_types_and_example() {
        let language = one("site", "language");
        assert_eq!(language.kind, Kind::Choice(vec!["ja".into(), "en".into()]));
        assert_eq!(language.default.as_deref(), Some("\"ja\""));
        let probe = one("uplink", "probe_ms");
        assert_eq!((probe.kind, probe.unit, probe.required), (Kind::Number, Some("ms"), false));
        let limit = one("lane.nfc_reader", "read_limit_ms");
        assert_eq!(limit.bounds, Some((1000, 15_000)));
        let choose = one("lane.face_reader.deadlines", "choose");
        assert_eq!((choose.bounds, choose.unit), (Some((1, 900)), Some("s")));
        assert!(one("site", "institution").required);
        assert!(one("uplink", "url").required && !one("uplink", "addresses").required);
        assert!(one("lane.face_reader", "listen").required);
        assert_eq!(one("lane.nfc_reader", "reader").kind, Kind::Toml);
        assert_eq!(one("uplink", "ca").kind, Kind::Lines);
        assert_eq!(one("site", "holidays").default, None);
        assert!(one("broker", "socket").help.contains("Unix socket"));
    }

    #[test]
    fn a_lanes_generic_reader_may_be_missing_and_its_deadlines_need_no_switch() {
        assert!(section("lane.nfc_reader").unwrap().optional);
        assert!(section("lane.face_reader.phone_setup").unwrap().optional);
        assert!(!section("lane.face_reader.deadlines").unwrap().optional);
        assert!(!section("site").unwrap().optional);
    }

    #[test]
    fn what_is_typed_becomes_toml_and_back() {
        for (kind, text, value) in [
            (Kind::Text, "a \"b\" \\c", None),
            (Kind::Number, "12", Some("12")),
            (Kind::Lines, "/a\n/b", Some("[\"/a\", \"/b\"]")),
            (Kind::Toml, "{ serial = \"1\" }", Some("{ serial = \"1\" }")),
        ] {
            let toml = typed(&kind, text).unwrap();
            assert_eq!(shown(&kind, &toml), text);
            assert!(value.is_none_or(|value| value == toml), "{toml}");
        }
        assert_eq!(typed(&Kind::Text, "  "), None);
    }
}
