//! The list of compatible readers as a file of its own: imported by the hospital, with the version
//! and the day of the official list that it was copied from. The configuration's own
//! pairs stand beside it.

mod csv_file;
mod difference;
mod judge;
mod toml_file;

pub use difference::Difference;
pub use judge::{CompatibilityList, Slip};

use super::{Config, Site, holidays::decode};
use judge::Draft;
use madoguchi_reception::{compatibility::CompatibilityTable, makers::Makers};
use std::{
    fs::File,
    io::{self, Read},
    path::{Path, PathBuf},
};

/// The largest file, in bytes.
const MAX_BYTES: u64 = 1024 * 1024;

/// A list that can't be used.
#[derive(Debug, thiserror::Error)]
pub enum CompatibilityError {
    /// The file can't be read.
    #[error("{path}: {source}")]
    Unreadable {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The file is larger than any list.
    #[error("{path}: larger than 1 MiB")]
    TooLarge {
        /// Which.
        path: PathBuf,
    },
    /// Mistakes, all of them at once.
    #[error("{path}: {}", lines(slips))]
    Mistaken {
        /// Which file.
        path: PathBuf,
        /// Where and what, in the file's order.
        slips: Vec<Slip>,
    },
}

fn lines(slips: &[Slip]) -> String {
    slips.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}

impl CompatibilityList {
    /// Reads and judges a list: CSV where the file's name ends so, TOML otherwise.
    ///
    /// # Errors
    /// [`CompatibilityError`].
    pub fn load(path: &Path, makers: &Makers) -> Result<Self, CompatibilityError> {
        let unreadable = |source| CompatibilityError::Unreadable { path: path.into(), source };
        let mut bytes = Vec::new();
        let read = File::open(path).and_then(|file| file.take(MAX_BYTES + 1).read_to_end(&mut bytes));
        read.map_err(unreadable)?;
        if bytes.len() as u64 > MAX_BYTES {
            return Err(CompatibilityError::TooLarge { path: path.into() });
        }
        let is_csv = path.extension().is_some_and(|end| end.eq_ignore_ascii_case("csv"));
        Self::parse(&decode(&bytes), is_csv, makers)
            .map_err(|slips| CompatibilityError::Mistaken { path: path.into(), slips })
    }

    /// Judges the text of a list, in CSV or TOML.
    ///
    /// # Errors
    /// Every mistake that was found.
    pub fn parse(text: &str, is_csv: bool, makers: &Makers) -> Result<Self, Vec<Slip>> {
        // Spreadsheets begin a file of UTF-8 so.
        let text = text.trim_start_matches('\u{feff}');
        let draft: Draft = if is_csv { csv_file::read(text)? } else { toml_file::read(text)? };
        draft.judge(makers)
    }

    /// The list as a file in TOML, which [`CompatibilityList::parse`] reads.
    ///
    /// # Errors
    /// None in practice: there is nothing in a list that TOML can't say.
    pub fn to_toml(&self) -> Result<String, toml::ser::Error> {
        Ok(format!("# Written by `madoguchi compatibility import`.\n{}", toml::to_string(self)?))
    }
}

impl Site {
    /// Where the list is, imported or named.
    pub fn compatibility_file(&self) -> PathBuf {
        self.compatibility.clone().unwrap_or_else(|| self.state_directory.join("compatibility.toml"))
    }

    /// The list; none where nothing was imported or named.
    ///
    /// # Errors
    /// [`CompatibilityError`].
    pub fn compatibility_list(
        &self,
        makers: &Makers,
    ) -> Result<Option<CompatibilityList>, CompatibilityError> {
        let path = self.compatibility_file();
        // One that is named must be there.
        if self.compatibility.is_none() && !path.exists() {
            return Ok(None);
        }
        CompatibilityList::load(&path, makers).map(Some)
    }
}

impl Config {
    /// All pairs that the hospital knows: the list's and the configuration's own. Where both know one, the higher
    /// minimum holds.
    ///
    /// # Errors
    /// [`CompatibilityError`].
    pub fn compatibility(&self, makers: &Makers) -> Result<CompatibilityTable, CompatibilityError> {
        let list = self.site.compatibility_list(makers)?;
        let mut table = self.compatibility.clone();
        for pair in list.into_iter().flat_map(|list| list.pairs) {
            match table.pairs.iter_mut().find(|known| known.is_same_pair(&pair)) {
                Some(known) if known.minimum_software < pair.minimum_software => *known = pair,
                Some(_) => {}
                None => table.pairs.push(pair),
            }
        }
        Ok(table)
    }
}
