//! The list of holidays that the configuration names, or the one that is shipped.

use super::Site;
use madoguchi_reception::holidays::{BadHolidays, Holidays};
use std::{fs::File, io::Read, path::PathBuf};

/// The largest list, in bytes. The Cabinet Office's has all days since 1955 in 25 KB.
const MAX_BYTES: u64 = 256 * 1024;

/// The list of holidays can't be used.
#[derive(Debug, thiserror::Error)]
#[error("site.holidays {}: {reason}; fetch syukujitsu.csv from the Cabinet Office anew", path.display())]
pub struct HolidaysError {
    path: PathBuf,
    reason: String,
}

/// The list that is shipped.
///
/// # Errors
/// Never in a program whose tests passed.
pub fn shipped_holidays() -> Result<Holidays, HolidaysError> {
    Holidays::shipped().map_err(|error| HolidaysError { path: "(shipped)".into(), reason: error.to_string() })
}

impl Site {
    /// The holidays on which the call centre is closed.
    ///
    /// # Errors
    /// [`HolidaysError`] where the file that is named can't be read or is no such list.
    pub fn holidays(&self) -> Result<Holidays, HolidaysError> {
        let Some(path) = &self.holidays else { return shipped_holidays() };
        let failed = |reason: String| HolidaysError { path: path.clone(), reason };
        let mut bytes = Vec::new();
        let read = File::open(path).and_then(|file| file.take(MAX_BYTES + 1).read_to_end(&mut bytes));
        read.map_err(|error| failed(error.to_string()))?;
        if bytes.len() as u64 > MAX_BYTES {
            return Err(failed(format!("larger than {MAX_BYTES} bytes")));
        }
        decode(&bytes).parse().map_err(|error: BadHolidays| failed(error.to_string()))
    }
}

/// The Cabinet Office publishes in Shift_JIS, as spreadsheets do in Japan; others have turned it into UTF-8.
pub(super) fn decode(bytes: &[u8]) -> String {
    match std::str::from_utf8(bytes) {
        Ok(text) => text.to_owned(),
        Err(_) => encoding_rs::SHIFT_JIS.decode(bytes).0.into_owned(),
    }
}
