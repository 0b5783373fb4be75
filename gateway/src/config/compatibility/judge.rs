//! What makes a list of compatible readers: the same for each form of file.

use jiff::civil::Date;
use madoguchi_reception::{compatibility::Pair, makers::Makers};
use serde::Serialize;
use std::fmt;

/// The most pairs of a list. The official one has some dozens.
const MAX_PAIRS: usize = 1_000;
/// The longest text in it, in characters.
const MAX_TEXT: usize = 128;

/// A list of compatible readers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CompatibilityList {
    /// Its version, as its authors or the hospital call it.
    pub version: String,
    /// The day of the official list that it was copied from.
    pub as_of: Date,
    /// The pairs.
    pub pairs: Vec<Pair>,
}

/// A mistake in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Slip {
    /// Counted from 1.
    pub line: usize,
    /// What is wrong, and what would be right.
    pub message: String,
}

impl Slip {
    pub(super) fn new(line: usize, message: impl Into<String>) -> Self {
        Self { line, message: message.into() }
    }
}

impl fmt::Display for Slip {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.message)
    }
}

/// Where the lines of a text end.
pub(super) struct Lines(Vec<usize>);

impl Lines {
    pub(super) fn new(text: &str) -> Self {
        Self(text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n').map(|(at, _)| at).collect())
    }

    /// The line of the byte at this place, counted from 1.
    pub(super) fn of(&self, at: usize) -> usize {
        1 + self.0.partition_point(|end| *end < at)
    }
}

/// A value and its line.
pub(super) type Placed = (usize, String);

/// A list as its file has it, not judged yet.
pub(super) struct Draft {
    pub version: Option<Placed>,
    pub as_of: Option<Placed>,
    pub rows: Vec<Row>,
}

/// A pair as its file has it.
pub(super) struct Row {
    pub line: usize,
    pub maker: Placed,
    pub face_reader: Placed,
    pub generic_reader: Placed,
    pub minimum_software: Placed,
}

impl Draft {
    /// Judges all of it, and tells every mistake at once: nobody wants to mend a list line by line.
    pub(super) fn judge(self, makers: &Makers) -> Result<CompatibilityList, Vec<Slip>> {
        let mut slips = Vec::new();
        let version = self.version.map(|placed| text("version", placed, &mut slips));
        if version.is_none() {
            slips.push(Slip::new(
                1,
                "the list has no version; write version = \"…\" (CSV: version,…) at its top",
            ));
        }
        let as_of = self.as_of.map(|(line, text)| day(line, &text, &mut slips));
        if as_of.is_none() {
            slips.push(Slip::new(
                1,
                "the list has no as_of, the day of the official list, such as 2026-03-31",
            ));
        }
        if self.rows.is_empty() {
            slips.push(Slip::new(1, "there is no pair in it"));
        }
        if let Some(row) = self.rows.get(MAX_PAIRS) {
            slips.push(Slip::new(row.line, format!("more than {MAX_PAIRS} pairs")));
        }
        let mut pairs: Vec<(usize, Pair)> = Vec::new();
        for row in self.rows.into_iter().take(MAX_PAIRS) {
            let line = row.line;
            let Some(pair) = row.judge(makers, &mut slips) else { continue };
            match pairs.iter().find(|(_, known)| known.is_same_pair(&pair)) {
                Some((first, _)) => {
                    slips.push(Slip::new(line, format!("{pair} stands in line {first} already")));
                }
                None => pairs.push((line, pair)),
            }
        }
        match (version, as_of.flatten()) {
            (Some(version), Some(as_of)) if slips.is_empty() => Ok(CompatibilityList {
                version,
                as_of,
                pairs: pairs.into_iter().map(|(_, pair)| pair).collect(),
            }),
            _ => {
                slips.sort_by_key(|slip| slip.line);
                Err(slips)
            }
        }
    }
}

impl Row {
    fn judge(self, makers: &Makers, slips: &mut Vec<Slip>) -> Option<Pair> {
        let before = slips.len();
        let (maker_line, maker) = (self.maker.0, text("maker", self.maker, slips).to_lowercase());
        // What was found to be no text is no name either, and is not compared with any.
        if slips.len() == before && makers.find(&maker).is_none() {
            slips.push(Slip::new(maker_line, unknown_maker(&maker, makers)));
        }
        let face_reader = text("face_reader", self.face_reader, slips);
        let generic_reader = text("generic_reader", self.generic_reader, slips);
        let (line, version) = self.minimum_software;
        let minimum = version
            .parse()
            .map_err(|error| slips.push(Slip::new(line, format!("minimum_software: {error}"))));
        let minimum_software = minimum.ok()?;
        (slips.len() == before).then_some(Pair { maker, face_reader, generic_reader, minimum_software })
    }
}

/// A text that must say something.
fn text(name: &str, (line, text): Placed, slips: &mut Vec<Slip>) -> String {
    let text = text.trim();
    if text.is_empty() {
        slips.push(Slip::new(line, format!("{name} is empty")));
    } else if text.chars().count() > MAX_TEXT || text.chars().any(char::is_control) {
        slips.push(Slip::new(line, format!("{name} must have at most {MAX_TEXT} characters, all printable")));
    }
    text.to_owned()
}

fn day(line: usize, text: &str, slips: &mut Vec<Slip>) -> Option<Date> {
    // Spreadsheets write 2026/3/31.
    let parts: Vec<_> = text.trim().split(['-', '/']).map(str::parse::<i16>).collect();
    let day = match parts[..] {
        [Ok(year), Ok(month), Ok(day)] => i8::try_from(month)
            .ok()
            .zip(i8::try_from(day).ok())
            .and_then(|(month, day)| Date::new(year, month, day).ok()),
        _ => None,
    };
    if day.is_none() {
        let shown: String = text.chars().take(40).collect();
        slips.push(Slip::new(line, format!("as_of: {shown:?} is no day; write it as 2026-03-31")));
    }
    day
}

fn unknown_maker(maker: &str, makers: &Makers) -> String {
    let names: Vec<_> = makers.maker.iter().map(|maker| maker.name.as_str()).collect();
    let nearest = names.iter().map(|name| (strsim::damerau_levenshtein(maker, name), name)).min();
    let hint = match nearest {
        Some((distance, name)) if distance * 2 <= name.len() => format!("; did you mean {name}?"),
        _ => String::new(),
    };
    let shown: String = maker.chars().take(40).collect();
    format!("maker: there is no profile of {shown:?}, only of {}{hint}", names.join(", "))
}
