//! A configuration's text, changed setting by setting: comments and order stay as a person wrote them.

use super::{Reason, mistake::line_at};
use std::str::FromStr;
use toml_edit::{ArrayOfTables, DocumentMut, InlineTable, Item, Table, TableLike, Value};

/// Why a setting can't be changed in a text.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EditError {
    /// The text is no TOML.
    #[error("line {line}: {message}")]
    NoToml {
        /// Counted from 1.
        line: usize,
        /// What is wrong.
        message: String,
    },
    /// There is no such place.
    #[error("{0}: there is no such place in the configuration")]
    NoPlace(String),
    /// The value is none.
    #[error("{key}: {value} is no value of TOML")]
    NoValue {
        /// Whose.
        key: String,
        /// What was given.
        value: String,
    },
    /// A lane of this number exists.
    #[error("lane: number {0} is given already")]
    LaneExists(u16),
}

impl EditError {
    /// For people who read another language than English.
    pub fn reason(&self) -> Reason {
        match self {
            Self::NoToml { message, .. } => Reason::of_parser(message, None),
            Self::NoPlace(place) => Reason::of(place, "mistake-no-place", &[]),
            Self::NoValue { key, value } => Reason::of(key, "mistake-no-value", &[("value", value)]),
            Self::LaneExists(number) => {
                Reason::of("lane", "mistake-lane-exists", &[("number", &number.to_string())])
            }
        }
    }
}

/// A text that can be changed. Keys are those of [`super::difference`]: `lane.2.phones`.
#[derive(Clone, Debug)]
pub struct Document(DocumentMut);

impl FromStr for Document {
    type Err = EditError;

    fn from_str(text: &str) -> Result<Self, EditError> {
        text.parse().map(Self).map_err(|error: toml_edit::TomlError| EditError::NoToml {
            line: line_at(text, error.span().map_or(0, |span| span.start)),
            message: error.message().to_owned(),
        })
    }
}

impl std::fmt::Display for Document {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

impl Document {
    /// The value of a setting as TOML, where it is set.
    pub fn get(&self, key: &str) -> Option<String> {
        let (section, name) = key.rsplit_once('.').unwrap_or(("", key));
        let item = find(self.0.as_table(), section)?.get(name)?;
        item.as_value().map(|value| value.clone().decorated("", "").to_string())
    }

    /// Sets a setting to a value as TOML, or leaves it to its default. Sections are made where they are missing, lanes are
    /// not.
    pub fn set(&mut self, key: &str, value: Option<&str>) -> Result<(), EditError> {
        let (section, name) = key.rsplit_once('.').unwrap_or(("", key));
        match value {
            None => {
                if let Some(table) = find_mut(self.0.as_table_mut(), section) {
                    table.remove(name);
                }
                Ok(())
            }
            Some(text) => {
                let no_value = || EditError::NoValue { key: key.into(), value: text.into() };
                let value: Value = text.parse().map_err(|_| no_value())?;
                let table =
                    make(self.0.as_table_mut(), section).ok_or_else(|| EditError::NoPlace(key.into()))?;
                match table.get_mut(name) {
                    Some(Item::Value(former)) => {
                        // The comment behind the value is about the setting, not about the value.
                        let decor = former.decor().clone();
                        *former = value;
                        *former.decor_mut() = decor;
                    }
                    _ => {
                        table.insert(name, Item::Value(value));
                    }
                }
                Ok(())
            }
        }
    }

    /// Whether there is a section: `lane.2.nfc_reader`.
    pub fn has(&self, section: &str) -> bool {
        find(self.0.as_table(), section).is_some()
    }

    /// Makes a section where it is missing, empty.
    pub fn make(&mut self, section: &str) -> Result<(), EditError> {
        make(self.0.as_table_mut(), section).map(|_| ()).ok_or_else(|| EditError::NoPlace(section.into()))
    }

    /// Takes a whole section out.
    pub fn remove(&mut self, section: &str) -> Result<(), EditError> {
        let no_place = || EditError::NoPlace(section.into());
        let (above, name) = section.rsplit_once('.').unwrap_or(("", section));
        if let Some(list) = list_mut(self.0.as_table_mut(), above) {
            let at = position(list, above, name).ok_or_else(no_place)?;
            list.remove(at);
            return Ok(());
        }
        let table = find_mut(self.0.as_table_mut(), above).ok_or_else(no_place)?;
        table.remove(name).map(|_| ()).ok_or_else(no_place)
    }

    /// The numbers of the lanes, as they stand in the text.
    pub fn lanes(&self) -> Vec<u16> {
        let tables = self.0.get("lane").and_then(Item::as_array_of_tables);
        let number = |table: &Table| u16::try_from(table.get("number")?.as_integer()?).ok();
        tables.into_iter().flat_map(|tables| tables.iter().filter_map(number)).collect()
    }

    /// Adds a lane, empty but for its number.
    pub fn add_lane(&mut self, number: u16) -> Result<(), EditError> {
        if self.lanes().contains(&number) {
            return Err(EditError::LaneExists(number));
        }
        let mut lane = Table::new();
        lane["number"] = toml_edit::value(i64::from(number));
        self.append("lane", lane).map(|_| ())
    }

    /// Adds a pair to the table of compatible readers; says its key.
    pub fn add_pair(&mut self) -> Result<String, EditError> {
        let at = self.append("compatibility.pairs", Table::new())?;
        Ok(format!("compatibility.pairs.{at}"))
    }

    /// Adds a table to a list of tables, which is made where it is missing; says which one it is.
    fn append(&mut self, list: &str, table: Table) -> Result<usize, EditError> {
        let no_place = || EditError::NoPlace(list.into());
        let (above, name) = list.rsplit_once('.').unwrap_or(("", list));
        let above = make(self.0.as_table_mut(), above).ok_or_else(no_place)?;
        let empty = || Item::ArrayOfTables(ArrayOfTables::new());
        let is_empty = |item: &Item| item.as_array().is_some_and(toml_edit::Array::is_empty);
        if above.get(name).is_none_or(is_empty) {
            above.insert(name, empty());
        }
        let tables = above.get_mut(name).and_then(Item::as_array_of_tables_mut).ok_or_else(no_place)?;
        tables.push(table);
        Ok(tables.len() - 1)
    }
}

/// Where in a list a table is: a lane by its number, another by its place.
fn position(tables: &ArrayOfTables, list: &str, name: &str) -> Option<usize> {
    if list == "lane" {
        let number: i64 = name.parse().ok()?;
        return tables
            .iter()
            .position(|table| table.get("number").and_then(Item::as_integer) == Some(number));
    }
    name.parse().ok().filter(|at| *at < tables.len())
}

fn find<'a>(root: &'a Table, section: &str) -> Option<&'a dyn TableLike> {
    let mut here: &dyn TableLike = root;
    let mut parts = section.split('.').filter(|part| !part.is_empty());
    while let Some(part) = parts.next() {
        let item = here.get(part)?;
        here = match item.as_array_of_tables() {
            Some(tables) => tables.get(position(tables, part, parts.next()?)?)?,
            None => item.as_table_like()?,
        };
    }
    Some(here)
}

fn find_mut<'a>(root: &'a mut Table, section: &str) -> Option<&'a mut dyn TableLike> {
    walk(root, section, |_, _| None)
}

fn make<'a>(root: &'a mut Table, section: &str) -> Option<&'a mut dyn TableLike> {
    walk(root, section, |table, name| {
        // Under a table that is written on one line, what is made is, too.
        let item = if table.is_inline() {
            Item::Value(Value::InlineTable(InlineTable::new()))
        } else {
            Item::Table(Table::new())
        };
        table.table.insert(name, item);
        Some(())
    })
}

/// A table on the way, with what is not known of it by its trait.
struct Here<'a> {
    table: &'a mut dyn TableLike,
    inline: bool,
}

impl Here<'_> {
    fn is_inline(&self) -> bool {
        self.inline
    }
}

fn walk<'a>(
    root: &'a mut Table,
    section: &str,
    missing: impl Fn(&mut Here<'_>, &str) -> Option<()>,
) -> Option<&'a mut dyn TableLike> {
    let mut here = Here { table: root, inline: false };
    let mut parts = section.split('.').filter(|part| !part.is_empty());
    while let Some(part) = parts.next() {
        if here.table.get(part).is_none_or(Item::is_none) {
            missing(&mut here, part)?;
        }
        let item = here.table.get_mut(part)?;
        let inline = item.is_inline_table();
        let table: &mut dyn TableLike = if item.is_array_of_tables() {
            let tables = item.as_array_of_tables_mut()?;
            let at = position(tables, part, parts.next()?)?;
            tables.get_mut(at)?
        } else {
            item.as_table_like_mut()?
        };
        here = Here { table, inline };
    }
    Some(here.table)
}

fn list_mut<'a>(root: &'a mut Table, list: &str) -> Option<&'a mut ArrayOfTables> {
    let (above, name) = list.rsplit_once('.').unwrap_or(("", list));
    find_mut(root, above)?.get_mut(name)?.as_array_of_tables_mut()
}

/// The line on which a setting, or the nearest section above it, stands. Counted from 1.
pub fn line_of(text: &str, key: &str) -> Option<usize> {
    let covers =
        |place: &str| key.strip_prefix(place).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'));
    let nearest =
        places(text).into_iter().filter(|(place, _)| covers(place)).max_by_key(|(place, _)| place.len());
    nearest.map(|(_, start)| line_at(text, start))
}

/// The setting that stands on a line: what a mistake that is known by its line is about.
pub fn key_at(text: &str, line: usize) -> Option<String> {
    let start = text.split_inclusive('\n').take(line.checked_sub(1)?).map(str::len).sum::<usize>();
    let end = start + text.get(start..)?.split('\n').next().map_or(0, str::len);
    // Of a section and what is in it on the same line, the innermost.
    places(text).into_iter().rfind(|(_, at)| (start..=end).contains(at)).map(|(key, _)| key)
}

/// Every section and setting of a text with the byte at which it begins, outer ones first. A text that is no TOML has
/// none; one with a wrong value has.
fn places(text: &str) -> Vec<(String, usize)> {
    let mut found = Vec::new();
    if let Ok(document) = toml_edit::Document::parse(text) {
        gather(document.as_table(), "", &mut found);
    }
    found
}

fn gather(table: &dyn TableLike, above: &str, found: &mut Vec<(String, usize)>) {
    for (name, _) in table.iter() {
        let Some((key, item)) = table.get_key_value(name) else { continue };
        let place = if above.is_empty() { name.to_owned() } else { format!("{above}.{name}") };
        if let Some(tables) = item.as_array_of_tables() {
            for (at, table) in tables.iter().enumerate() {
                let number = table.get("number").and_then(Item::as_integer).filter(|_| place == "lane");
                let place = format!("{place}.{}", number.map_or(at.to_string(), |number| number.to_string()));
                found.extend(table.span().map(|span| (place.clone(), span.start)));
                gather(table, &place, found);
            }
        } else {
            found.extend(key.span().or_else(|| item.span()).map(|span| (place.clone(), span.start)));
            if let Some(table) = item.as_table_like() {
                gather(table, &place, found);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "\
# The hospital
[site]
language = \"ja\" # until the new signs hang
phones = \"use\"

# Counter 1
[[lane]]
number = 1
[lane.face_reader]
listen = \"127.0.0.1:1\"

# Counter 2
[[lane]]
number = 2
";

    fn edited(edit: impl FnOnce(&mut Document)) -> String {
        let mut document: Document = TEXT.parse().unwrap();
        edit(&mut document);
        document.to_string()
    }

    #[test]
    fn a_changed_setting_leaves_comments_and_order_alone() {
        let text = edited(|document| document.set("site.language", Some("\"en\"")).unwrap());
        assert_eq!(text, TEXT.replace("\"ja\"", "\"en\""));
        let text =
            edited(|document| document.set("lane.1.face_reader.listen", Some("\"127.0.0.1:2\"")).unwrap());
        assert_eq!(text, TEXT.replace("127.0.0.1:1", "127.0.0.1:2"));
    }

    #[test]
    fn a_setting_is_left_to_its_default_and_a_missing_section_is_made() {
        assert_eq!(edited(|d| d.set("site.phones", None).unwrap()), TEXT.replace("phones = \"use\"\n", ""));
        assert_eq!(edited(|d| d.set("site.nothing", None).unwrap()), TEXT);
        let text = edited(|d| d.set("lane.2.face_reader.deadlines.choose", Some("30")).unwrap());
        let document: Document = text.parse().unwrap();
        assert_eq!(document.get("lane.2.face_reader.deadlines.choose").as_deref(), Some("30"), "{text}");
        assert!(text.starts_with("# The hospital\n[site]"));
    }

    #[test]
    fn lanes_come_and_go_by_their_number() {
        let text = edited(|document| {
            document.add_lane(7).unwrap();
            document.remove("lane.1").unwrap();
            assert_eq!(document.add_lane(2), Err(EditError::LaneExists(2)));
        });
        let document: Document = text.parse().unwrap();
        assert_eq!(document.lanes(), [2, 7]);
        assert!(text.contains("# Counter 2") && !text.contains("127.0.0.1:1"), "{text}");
        assert!(document.has("lane.7") && !document.has("lane.1"));
    }

    #[test]
    fn what_is_no_place_or_no_value_is_refused_by_its_key() {
        let mut document: Document = TEXT.parse().unwrap();
        let no_place = document.set("lane.3.phones", Some("\"use\""));
        assert_eq!(no_place, Err(EditError::NoPlace("lane.3.phones".into())));
        assert!(matches!(document.set("site.language", Some("en")), Err(EditError::NoValue { .. })));
        let broken = "a = 1\nb = = 2".parse::<Document>().unwrap_err();
        assert!(matches!(broken, EditError::NoToml { line: 2, .. }), "{broken}");
    }

    #[test]
    fn the_line_of_a_setting_is_found() {
        assert_eq!(line_of(TEXT, "site.language"), Some(3));
        assert_eq!(line_of(TEXT, "lane.1.face_reader.listen"), Some(10));
        assert_eq!(line_of(TEXT, "lane.2.number"), Some(14));
        assert_eq!(line_of(TEXT, "lane.2.phones"), Some(13), "the section's, where the setting is not set");
        assert_eq!(line_of(TEXT, "site.institution"), Some(2));
        assert_eq!(key_at(TEXT, 10).as_deref(), Some("lane.1.face_reader.listen"));
        assert_eq!(key_at(TEXT, 1), None);
    }

    #[test]
    fn a_pair_is_added_to_the_table_of_readers() {
        let text = edited(|document| {
            let key = document.add_pair().unwrap();
            document.set(&format!("{key}.maker"), Some("\"panasonic\"")).unwrap();
        });
        assert!(text.contains("[[compatibility.pairs]]\nmaker = \"panasonic\""), "{text}");
    }
}
