//! The files that belong into an export, and their way back to where the configuration names them.

use super::{Config, difference, durable, parcel::Contents};
use std::{
    fs, io,
    path::{Path, PathBuf},
};

/// Settings that name a file which belongs into an export.
const FILES: [&str; 7] = ["certificate", "ca", "client_ca", "crl", "holidays", "makers", "compatibility"];
/// The setting that names a private key.
const KEY: &str = "key";

/// Why a file was not put back.
#[derive(Debug, thiserror::Error)]
pub enum RestoreError {
    /// The export has a file that nobody asked for.
    #[error("{}: the export's configuration names no such file", .0.display())]
    NotNamed(PathBuf),
    /// The disk, or the account's rights.
    #[error("{}: {source}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

/// The certificates and lists that a configuration names.
pub fn public_files(configuration: &str) -> Vec<PathBuf> {
    named(configuration, &FILES)
}

/// The private keys that a configuration names.
pub fn keys(configuration: &str) -> Vec<PathBuf> {
    named(configuration, &[KEY])
}

/// The files that a configuration names under settings called so.
fn named(text: &str, names: &[&str]) -> Vec<PathBuf> {
    let mut paths = Vec::new();
    for (key, value) in difference::settings(text) {
        if !names.contains(&key.rsplit('.').next().unwrap_or(&key)) {
            continue;
        }
        match format!("v = {value}").parse::<toml::Table>().ok().and_then(|mut table| table.remove("v")) {
            Some(toml::Value::String(path)) => paths.push(path.into()),
            Some(toml::Value::Array(items)) => {
                paths.extend(items.iter().filter_map(|item| Some(item.as_str()?.into())))
            }
            _ => {}
        }
    }
    paths.sort();
    paths.dedup();
    paths
}

/// Puts an export's files back; only what its configuration names is written, wherever else the export would have it.
/// Unless it may go `over` others, a file that is there and says something else stays: those are returned.
///
/// # Errors
/// A file that is not named, before anything is written; or one that can't be written.
pub fn put_back(contents: &Contents, config: &Config, over: bool) -> Result<Vec<PathBuf>, RestoreError> {
    let (mut public, private) = (public_files(&contents.configuration), keys(&contents.configuration));
    public.push(config.site.compatibility_file());
    let files = contents.files.iter().map(|(path, text)| (&public, path, text, 0o644));
    let keys = contents.keys.iter().map(|key| (&private, &key.path, &key.pem, 0o600));
    let all: Vec<_> = files.chain(keys).collect();
    if let Some((_, path, ..)) = all.iter().find(|(named, path, ..)| !is_named(named, path)) {
        return Err(RestoreError::NotNamed(path.into()));
    }
    let mut left = Vec::new();
    for (_, path, text, mode) in all {
        let path = Path::new(path);
        match fs::read(path) {
            Ok(there) if there == text.as_bytes() => {}
            Ok(_) if !over => left.push(path.to_owned()),
            _ => put(path, text, mode).map_err(|source| RestoreError::File { path: path.into(), source })?,
        }
    }
    Ok(left)
}

fn is_named(named: &[PathBuf], path: &str) -> bool {
    let path = Path::new(path);
    path.is_absolute() && named.iter().any(|it| it == path)
}

fn put(path: &Path, text: &str, mode: u32) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        // Every process reads certificates here, with an account of its own.
        fs::create_dir_all(folder)?;
    }
    durable::replace(path, text.as_bytes(), mode)
}
