//! The configuration's format, and how a file of one format becomes one of another.
//!
//! A file says its format with `format = N`; without it, it is of format 1. A program reads files of its own format and
//! of every earlier one. A step between two formats goes both ways, since an appliance may fall back to the image
//! that it had before: the newer program therefore keeps, beside the configuration, what the file would be in every
//! earlier format, and the older one takes that in place of a file that it does not understand.

use toml_edit::DocumentMut;

/// The format that this program reads and writes.
pub const CURRENT: u32 = 1;

/// A step between two formats.
pub struct Migration {
    /// The older format; the newer one is the next number.
    pub from: u32,
    /// Makes a document of the newer format.
    pub forward: fn(&mut DocumentMut),
    /// Makes one of the older format. What it can't say is left out.
    pub backward: fn(&mut DocumentMut),
}

/// Every step, oldest first. There has been one format so far.
pub const MIGRATIONS: &[Migration] = &[];

/// A text can't be brought to a format.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FormatError {
    /// It is no TOML.
    #[error("no TOML: {0}")]
    NoToml(String),
    /// It does not say a format properly.
    #[error("format: give a whole number from 1 on, or leave it out for 1")]
    NoFormat,
    /// There is no way from the one to the other.
    #[error("format: this program knows no way from format {from} to {to}")]
    NoWay {
        /// The text's.
        from: u32,
        /// The wanted one.
        to: u32,
    },
}

/// The format that a text says it has.
pub fn format_of(text: &str) -> Result<u32, FormatError> {
    let document: DocumentMut =
        text.parse().map_err(|error: toml_edit::TomlError| FormatError::NoToml(error.to_string()))?;
    said(&document)
}

fn said(document: &DocumentMut) -> Result<u32, FormatError> {
    match document.get("format") {
        None => Ok(1),
        Some(item) => item
            .as_integer()
            .and_then(|number| u32::try_from(number).ok())
            .filter(|number| *number >= 1)
            .ok_or(FormatError::NoFormat),
    }
}

/// The text in format `to`. One that is in it already is not touched.
pub fn bring(text: &str, to: u32, migrations: &[Migration]) -> Result<String, FormatError> {
    let mut document: DocumentMut =
        text.parse().map_err(|error: toml_edit::TomlError| FormatError::NoToml(error.to_string()))?;
    let from = said(&document)?;
    let mut now = from;
    while now != to {
        let step = |from: u32| {
            migrations
                .iter()
                .find(|migration| migration.from == from)
                .ok_or(FormatError::NoWay { from: now, to })
        };
        if now < to {
            (step(now)?.forward)(&mut document);
            now += 1;
        } else {
            (step(now - 1)?.backward)(&mut document);
            now -= 1;
        }
    }
    if now == from {
        return Ok(text.to_owned());
    }
    document["format"] = toml_edit::value(i64::from(now));
    Ok(document.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An invented history: format 2 calls `colour` `paint`, format 3 moves it into `[wall]`.
    const INVENTED: &[Migration] = &[
        Migration {
            from: 1,
            forward: |d| rename(d, "colour", "paint"),
            backward: |d| rename(d, "paint", "colour"),
        },
        Migration {
            from: 2,
            forward: |document| {
                if let Some(paint) = document.remove("paint") {
                    document["wall"] = toml_edit::table();
                    document["wall"]["paint"] = paint;
                }
            },
            backward: |document| {
                if let Some(toml_edit::Item::Table(mut wall)) = document.remove("wall")
                    && let Some(paint) = wall.remove("paint")
                {
                    document["paint"] = paint;
                }
            },
        },
    ];

    fn rename(document: &mut DocumentMut, from: &str, to: &str) {
        if let Some(item) = document.remove(from) {
            document[to] = item;
        }
    }

    #[test]
    fn a_file_goes_forward_and_backward_over_several_formats_with_its_comments() {
        let one = "# the hospital's\nsize = 3 # metres\ncolour = \"red\"\n";
        let three = bring(one, 3, INVENTED).unwrap();
        assert!(three.contains("# the hospital's\nsize = 3 # metres"), "{three}");
        assert!(three.contains("[wall]\npaint = \"red\""), "{three}");
        assert_eq!(format_of(&three), Ok(3));
        let back = bring(&three, 1, INVENTED).unwrap();
        assert!(back.contains("colour = \"red\"") && back.contains("# metres"), "{back}");
        assert_eq!(format_of(&back), Ok(1));
    }

    #[test]
    fn a_file_of_the_wanted_format_is_not_touched() {
        let odd = "size   =   3   # metres";
        assert_eq!(bring(odd, 1, INVENTED).unwrap(), odd);
    }

    #[test]
    fn a_format_from_the_future_is_named() {
        let future = "format = 4\n";
        assert_eq!(bring(future, 3, INVENTED), Err(FormatError::NoWay { from: 4, to: 3 }));
        for bad in ["format = 0", "format = \"2\"", "format = -1"] {
            assert_eq!(format_of(bad), Err(FormatError::NoFormat), "{bad}");
        }
    }

    #[test]
    fn the_steps_lead_to_the_current_format_without_a_gap() {
        let steps: Vec<_> = MIGRATIONS.iter().map(|migration| migration.from).collect();
        assert_eq!(steps, (1..CURRENT).collect::<Vec<_>>());
    }
}
