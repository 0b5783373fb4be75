//! Is the log whole? Reads every line of every file and names the first that is not as it was written.
//!
//! What the chain alone can't show is a log whose end was cut off, or that was written anew from the beginning. Against
//! both, the log's head (number and hash) is noted elsewhere, in the system's journal at each start and each new file,
//! and can be given here to be looked for.

use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use thiserror::Error;

use crate::line::{Hash, Line, LineError, LogEvent, MAX_LINE, What};

/// How a file of the log begins; then the number of its first line and the day, then [`SUFFIX`].
pub(crate) const PREFIX: &str = "audit-";
/// How a file of the log ends.
pub(crate) const SUFFIX: &str = ".jsonl";

/// A log that is whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// The number of the first line that is kept; 0 for an empty log.
    pub first: u64,
    /// The number of the last line; 0 for an empty log.
    pub last: u64,
    /// The last line's hash.
    pub head: Hash,
    /// Bytes of a line that is being written, or was torn by a crash, at the very end.
    pub torn: u64,
}

/// Why a log is not whole.
#[derive(Debug, Error)]
pub enum VerifyError {
    /// A file can't be read.
    #[error("{path} can't be read ({source})")]
    Io {
        /// Which.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The first line that is not as it was written.
    #[error("{file}, line {line}: {why}")]
    Broken {
        /// The file's name.
        file: String,
        /// The line in the file, from 1.
        line: u64,
        /// What is wrong with it.
        why: Why,
    },
    /// The log begins after line 1, and nothing in it says that what was before was removed in good order.
    #[error("the log begins with line {0}; the lines before it are gone and their removal is not on record")]
    BeginningGone(u64),
    /// The head that was noted elsewhere is not in the log.
    #[error(
        "line {0} is not in the log as it was noted elsewhere: the end was cut off, or the log was written anew"
    )]
    HeadGone(u64),
}

/// What is wrong with a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum Why {
    /// By itself.
    #[error(transparent)]
    Line(#[from] LineError),
    /// It does not follow the line before.
    #[error("a line before it is missing, was added or was exchanged")]
    NotInSequence,
    /// It has no end.
    #[error("it is torn, and the log goes on in another file")]
    Torn,
}

/// The log's files in order.
pub(crate) fn files(folder: &Path) -> Result<Vec<PathBuf>, VerifyError> {
    let failed = |source| VerifyError::Io { path: folder.to_owned(), source };
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        if name.starts_with(PREFIX) && name.ends_with(SUFFIX) {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

/// Hands every line of one file to `each`, with its number in the file. Returns how many bytes after the last line feed
/// are left over.
pub(crate) fn each_line(
    path: &Path,
    mut each: impl FnMut(u64, Result<(Line, Hash), LineError>) -> Result<(), VerifyError>,
) -> Result<u64, VerifyError> {
    let failed = |source| VerifyError::Io { path: path.to_owned(), source };
    let mut reader = BufReader::new(File::open(path).map_err(failed)?);
    let mut bytes = Vec::new();
    for number in 1.. {
        bytes.clear();
        reader.by_ref().take(MAX_LINE as u64).read_until(b'\n', &mut bytes).map_err(failed)?;
        if bytes.is_empty() {
            break;
        }
        match bytes.split_last() {
            Some((b'\n', line)) => each(number, Line::unseal(line))?,
            _ if bytes.len() < MAX_LINE => return Ok(bytes.len() as u64),
            _ => {
                each(number, Err(LineError::Malformed))?;
                skip_line(&mut reader).map_err(failed)?;
            }
        }
    }
    Ok(0)
}

fn skip_line(reader: &mut impl BufRead) -> io::Result<()> {
    loop {
        let buffer = reader.fill_buf()?;
        let (used, done) = match buffer.iter().position(|byte| *byte == b'\n') {
            Some(at) => (at + 1, true),
            None => (buffer.len(), buffer.is_empty()),
        };
        reader.consume(used);
        if done {
            return Ok(());
        }
    }
}

/// Verifies the log in a folder; `noted` is a line's number and hash that were noted elsewhere.
///
/// # Errors
/// [`VerifyError`], naming the first line that is broken.
pub fn verify(folder: &Path, noted: Option<(u64, Hash)>) -> Result<Report, VerifyError> {
    let mut report = Report { first: 0, last: 0, head: Hash::ZERO, torn: 0 };
    let mut beginning = None;
    let mut removals = Vec::new();
    let mut noted_found = false;
    for path in files(folder)? {
        let file = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let broken = |line, why| VerifyError::Broken { file: file.clone(), line, why };
        if report.torn > 0 {
            return Err(broken(1, Why::Torn));
        }
        report.torn = each_line(&path, |number, line| {
            let (line, hash) = line.map_err(|error| broken(number, error.into()))?;
            if beginning.is_none() {
                beginning = Some((line.n, line.prev));
                report.first = line.n;
            } else if line.n != report.last + 1 || line.prev != report.head {
                return Err(broken(number, Why::NotInSequence));
            }
            if let What::Log(LogEvent::Removed { through, hash }) = line.what {
                removals.push((through + 1, hash));
            }
            noted_found |= noted == Some((line.n, hash));
            (report.last, report.head) = (line.n, hash);
            Ok(())
        })?;
    }
    match beginning {
        None | Some((1, Hash::ZERO)) => {}
        Some(beginning) if removals.contains(&beginning) => {}
        Some((first, _)) => return Err(VerifyError::BeginningGone(first)),
    }
    match noted {
        // A line whose time was over can't be looked for any more.
        Some((n, _)) if !noted_found && n >= report.first => Err(VerifyError::HeadGone(n)),
        _ => Ok(report),
    }
}
