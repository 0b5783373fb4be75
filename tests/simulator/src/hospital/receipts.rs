//! What stands in the receipt computer's folders, as the receipt computer would read it.

use serde::Serialize;
use std::{fs, io, path::Path};

/// One file.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct Receipt {
    /// `Face` or `Res`.
    pub folder: String,
    /// The file's name.
    pub name: String,
    /// `Shift_JIS` or `UTF-8`, as the prolog says.
    pub encoding: String,
    /// Its text.
    pub text: String,
}

/// The results in `Face` and `Res`, by name.
pub(super) fn list(receipts: &Path) -> io::Result<Vec<Receipt>> {
    let mut found = Vec::new();
    for folder in ["Face", "Res"] {
        for entry in fs::read_dir(receipts.join(folder))? {
            let entry = entry?;
            let name = entry.file_name().to_string_lossy().into_owned();
            // Anything else is on its way to its name.
            if name.ends_with(".xml")
                && let Ok(bytes) = fs::read(entry.path())
            {
                found.push(decode(folder, name, &bytes));
            }
        }
    }
    found.sort_by(|a, b| (&a.folder, &a.name).cmp(&(&b.folder, &b.name)));
    Ok(found)
}

fn decode(folder: &str, name: String, bytes: &[u8]) -> Receipt {
    let prolog = bytes.get(..bytes.len().min(100)).unwrap_or_default();
    let is_sjis = String::from_utf8_lossy(prolog).contains("Shift_JIS");
    let encoding = if is_sjis { encoding_rs::SHIFT_JIS } else { encoding_rs::UTF_8 };
    let text = encoding.decode(bytes).0.into_owned();
    Receipt { folder: folder.into(), name, encoding: encoding.name().into(), text }
}
