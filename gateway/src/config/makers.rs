//! The makers' profiles that the configuration names, or those that are shipped.

use super::Site;
use madoguchi_reception::makers::Makers;
use std::{fs::File, io::Read, path::PathBuf};

const SHIPPED: &str = include_str!("../../../configs/makers.toml");
/// The largest file, in bytes.
const MAX_BYTES: u64 = 256 * 1024;

/// The profiles can't be used.
#[derive(Debug, thiserror::Error)]
#[error("site.makers {}: {reason}", path.display())]
pub struct MakersError {
    path: PathBuf,
    reason: String,
}

impl Site {
    /// The makers' profiles.
    ///
    /// # Errors
    /// [`MakersError`] where the file that is named can't be read or is wrong.
    pub fn makers(&self) -> Result<Makers, MakersError> {
        let path = self.makers.clone().unwrap_or_else(|| "(shipped)".into());
        let failed = |reason: String| MakersError { path: path.clone(), reason };
        let mut text = String::from(SHIPPED);
        if let Some(path) = &self.makers {
            text.clear();
            let read = File::open(path).and_then(|file| file.take(MAX_BYTES + 1).read_to_string(&mut text));
            read.map_err(|error| failed(error.to_string()))?;
        }
        if text.len() as u64 > MAX_BYTES {
            return Err(failed(format!("larger than {MAX_BYTES} bytes")));
        }
        let makers: Makers = toml::from_str(&text).map_err(|error| failed(error.to_string()))?;
        makers.check().map_err(|error| failed(error.to_string()))?;
        Ok(makers)
    }
}
