//! A list of compatible readers in TOML.

use super::judge::{Draft, Lines, Row, Slip};
use serde::Deserialize;
use toml::Spanned;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    version: Option<Spanned<String>>,
    as_of: Option<Spanned<String>>,
    #[serde(default)]
    pairs: Vec<Spanned<Pair>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Pair {
    maker: Spanned<String>,
    face_reader: Spanned<String>,
    generic_reader: Spanned<String>,
    minimum_software: Spanned<String>,
}

pub(super) fn read(text: &str) -> Result<Draft, Vec<Slip>> {
    let lines = Lines::new(text);
    let line = |at: usize| lines.of(at);
    let placed = |value: Spanned<String>| (line(value.span().start), value.into_inner());
    let file: File = toml::from_str(text).map_err(|error| {
        vec![Slip::new(line(error.span().map_or(0, |span| span.start)), error.message().to_string())]
    })?;
    let row = |pair: Spanned<Pair>| {
        let at = line(pair.span().start);
        let Pair { maker, face_reader, generic_reader, minimum_software } = pair.into_inner();
        Row {
            line: at,
            maker: placed(maker),
            face_reader: placed(face_reader),
            generic_reader: placed(generic_reader),
            minimum_software: placed(minimum_software),
        }
    };
    Ok(Draft {
        version: file.version.map(placed),
        as_of: file.as_of.map(placed),
        rows: file.pairs.into_iter().map(row).collect(),
    })
}
