//! A list of compatible readers in CSV, as a spreadsheet saves it: `version,…` and `as_of,…`, the line of column names,
//! then a line for each pair.

use super::judge::{Draft, Lines, Row, Slip};
use csv::{Position, StringRecord};

const COLUMNS: [&str; 4] = ["maker", "face_reader", "generic_reader", "minimum_software"];

pub(super) fn read(text: &str) -> Result<Draft, Vec<Slip>> {
    let lines = Lines::new(text);
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .trim(csv::Trim::All)
        .from_reader(text.as_bytes());
    let (mut draft, mut slips) = (Draft { version: None, as_of: None, rows: Vec::new() }, Vec::new());
    // Where each of the columns is, once their names have come.
    let mut columns: Option<[usize; 4]> = None;
    for record in reader.records() {
        let record = match record {
            Ok(record) => record,
            Err(error) => {
                slips.push(Slip::new(line_of(text, &lines, error.position()), error.to_string()));
                break;
            }
        };
        let line = line_of(text, &lines, record.position());
        let placed = |at: usize| (line, record.get(at).unwrap_or_default().to_owned());
        if record.iter().all(str::is_empty) {
            continue;
        }
        match (columns, record.get(0).unwrap_or_default()) {
            (None, "version") => draft.version = Some(placed(1)),
            (None, "as_of") => draft.as_of = Some(placed(1)),
            (None, _) => match find_columns(&record) {
                Ok(found) => columns = Some(found),
                Err(message) => {
                    slips.push(Slip::new(line, message));
                    break;
                }
            },
            (Some([maker, face_reader, generic_reader, minimum_software]), _) => draft.rows.push(Row {
                line,
                maker: placed(maker),
                face_reader: placed(face_reader),
                generic_reader: placed(generic_reader),
                minimum_software: placed(minimum_software),
            }),
        }
    }
    if slips.is_empty() { Ok(draft) } else { Err(slips) }
}

/// The line of a record. The library's own count is behind by the line feeds and empty lines before it.
fn line_of(text: &str, lines: &Lines, position: Option<&Position>) -> usize {
    let at = position.and_then(|position| usize::try_from(position.byte()).ok()).unwrap_or(0).min(text.len());
    let skipped = text.as_bytes()[at..].iter().take_while(|byte| b"\r\n".contains(byte)).count();
    lines.of(at + skipped)
}

fn find_columns(record: &StringRecord) -> Result<[usize; 4], String> {
    let named: Vec<_> = record.iter().filter(|name| !name.is_empty()).collect();
    if let Some(stranger) = named.iter().find(|name| !COLUMNS.contains(name)) {
        let shown: String = stranger.chars().take(40).collect();
        return Err(format!("there is no column {shown:?}; the columns are {}", COLUMNS.join(",")));
    }
    let at = |column: &str| record.iter().position(|name| name == column);
    match COLUMNS.map(at) {
        [Some(maker), Some(face_reader), Some(generic_reader), Some(minimum)] => {
            Ok([maker, face_reader, generic_reader, minimum])
        }
        _ => Err(format!("a column is missing; the columns are {}", COLUMNS.join(","))),
    }
}
