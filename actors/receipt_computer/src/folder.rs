//! One shared folder (Req, Res or Face), handled so that neither a crash nor the other side can do harm.
//!
//! Every name is looked up in the opened folder, symbolic links are not followed, and only regular files are read.
//! The folder is opened anew for each operation, since a share may have been mounted again in between, and it is never
//! created: put Req, Res and Face *below* the mount point, and a share that is not mounted is an error instead of an
//! empty local folder that nobody reads.

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use rustix::fs::{
    AtFlags, CWD, Dir, FileType, Mode, OFlags, Stat, fstat, fsync, openat, renameat, statat, unlinkat,
};
use rustix::io::Errno;
use thiserror::Error;

use crate::names::{is_temporary, temporary};
use crate::xml::MAX_BYTES;

/// The most entries of a folder that one look takes in.
pub const MAX_ENTRIES: usize = 10_000;

/// Why a folder could not be used. A name in it is one of [`crate::names`], without personal data.
#[derive(Debug, Error)]
pub enum FolderError {
    /// The folder itself can't be opened: the share is not mounted, or the account may not enter.
    #[error(
        "the folder {path} can't be opened ({source}): is the share mounted, and may this account enter it?"
    )]
    Unreachable {
        /// The folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A file in it can't be written, renamed, read or removed.
    #[error("{what} {name} in {path} failed ({source}): is there space, and may this account do so?")]
    File {
        /// The folder.
        path: PathBuf,
        /// What was tried.
        what: &'static str,
        /// The file.
        name: String,
        /// What the system said.
        source: io::Error,
    },
}

/// What tells one state of a file from another. The inode is no part of it: some CIFS mounts invent a new one each time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stamp {
    /// Its size in bytes.
    pub size: u64,
    /// When it was last written, in nanoseconds since 1970.
    pub modified: i128,
    /// When anything about it last changed. It tells a copy that kept its time of writing from the file before it.
    pub changed: i128,
}

impl Stamp {
    fn of(stat: &Stat) -> Self {
        let nanoseconds = |seconds, rest| i128::from(seconds) * 1_000_000_000 + i128::from(rest);
        Self {
            size: u64::try_from(stat.st_size).unwrap_or(0),
            modified: nanoseconds(stat.st_mtime, stat.st_mtime_nsec),
            changed: nanoseconds(stat.st_ctime, stat.st_ctime_nsec),
        }
    }
}

/// What was found under a name.
#[derive(Debug, PartialEq, Eq)]
pub enum Found {
    /// A regular file that did not change while it was read.
    File(Vec<u8>, Stamp),
    /// A regular file over [`MAX_BYTES`]; it was not read.
    TooLarge(Stamp),
    /// It changed while it was read, or is gone.
    Changing,
    /// A symbolic link, a folder, a pipe or the like; it was not opened for reading.
    NotAFile,
}

/// A shared folder.
#[derive(Debug, Clone)]
pub struct Folder {
    path: PathBuf,
}

impl Folder {
    /// The folder at a path; nothing is touched yet.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether the folder can be reached.
    ///
    /// # Errors
    /// [`FolderError::Unreachable`].
    pub fn check(&self) -> Result<(), FolderError> {
        self.open().map(drop)
    }

    fn open(&self) -> Result<OwnedFd, FolderError> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        openat(CWD, &self.path, flags, Mode::empty())
            .map_err(|errno| FolderError::Unreachable { path: self.path.clone(), source: errno.into() })
    }

    fn failed(&self, what: &'static str, name: &str) -> impl FnOnce(io::Error) -> FolderError {
        let (path, name) = (self.path.clone(), name.to_owned());
        move |source| FolderError::File { path, what, name, source }
    }

    /// Writes a file under its temporary name and makes it durable, folder entry included.
    ///
    /// # Errors
    /// [`FolderError`]; what was written of the temporary file is removed again.
    pub fn write_temporary(&self, name: &str, bytes: &[u8]) -> Result<(), FolderError> {
        let folder = self.open()?;
        let temporary = temporary(name);
        let write = || -> io::Result<()> {
            let _ = unlinkat(&folder, &*temporary, AtFlags::empty());
            let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
            // The receipt computer's account is in the folder's group and has to read and remove it.
            let mut file = File::from(openat(&folder, &*temporary, flags, Mode::from_raw_mode(0o660))?);
            file.write_all(bytes)?;
            file.sync_all()?;
            sync_folder(&folder)
        };
        write().map_err(|source| {
            let _ = unlinkat(&folder, &*temporary, AtFlags::empty());
            self.failed("writing", &temporary)(source)
        })
    }

    /// Gives a file written with [`Folder::write_temporary`] its name, durably.
    ///
    /// # Errors
    /// [`FolderError`]; the temporary file is still there then, unless only the sync of the folder failed.
    pub fn put_in_place(&self, name: &str) -> Result<(), FolderError> {
        let folder = self.open()?;
        renameat(&folder, &*temporary(name), &folder, name)
            .map_err(io::Error::from)
            .and_then(|()| sync_folder(&folder))
            .map_err(self.failed("renaming", name))
    }

    /// Whether the temporary file of this name is there.
    ///
    /// # Errors
    /// [`FolderError`] when that can't be told: "not there" is never guessed.
    pub fn has_temporary(&self, name: &str) -> Result<bool, FolderError> {
        let folder = self.open()?;
        match statat(&folder, &*temporary(name), AtFlags::SYMLINK_NOFOLLOW) {
            Ok(_) => Ok(true),
            Err(Errno::NOENT) => Ok(false),
            Err(errno) => Err(self.failed("looking at", name)(errno.into())),
        }
    }

    /// Removes temporary files that a crash has left, except those of `wanted` names. Returns how many.
    ///
    /// # Errors
    /// [`FolderError`].
    pub fn remove_temporaries(&self, wanted: impl Fn(&str) -> bool) -> Result<usize, FolderError> {
        let folder = self.open()?;
        let mut removed = 0;
        for found in self.names()? {
            if is_temporary(&found) && !wanted(&found) {
                unlinkat(&folder, &*found, AtFlags::empty())
                    .map_err(|errno| self.failed("removing", &found)(errno.into()))?;
                removed += 1;
            }
        }
        Ok(removed)
    }

    /// The names in the folder, at most [`MAX_ENTRIES`], those that are not UTF-8 left out.
    ///
    /// # Errors
    /// [`FolderError`].
    pub fn names(&self) -> Result<Vec<String>, FolderError> {
        let folder = self.open()?;
        let unreadable = |errno: Errno| self.failed("listing", ".")(errno.into());
        let mut names = Vec::new();
        for entry in Dir::read_from(&folder).map_err(unreadable)?.take(MAX_ENTRIES) {
            let entry = entry.map_err(unreadable)?;
            if let Ok(name) = entry.file_name().to_str()
                && !matches!(name, "." | "..")
            {
                names.push(name.to_owned());
            }
        }
        Ok(names)
    }

    /// The stamp of a regular file, or `None` when there is none of that name.
    ///
    /// # Errors
    /// [`FolderError`].
    pub fn stamp(&self, name: &str) -> Result<Option<Stamp>, FolderError> {
        let folder = self.open()?;
        match statat(&folder, name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) if is_regular(&stat) => Ok(Some(Stamp::of(&stat))),
            Ok(_) | Err(Errno::NOENT) => Ok(None),
            Err(errno) => Err(self.failed("looking at", name)(errno.into())),
        }
    }

    /// Reads a file whole. A link is not followed, a pipe is not waited for.
    ///
    /// # Errors
    /// [`FolderError`].
    pub fn read(&self, name: &str) -> Result<Found, FolderError> {
        let folder = self.open()?;
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
        let fd = match openat(&folder, name, flags, Mode::empty()) {
            Ok(fd) => fd,
            Err(Errno::LOOP | Errno::NXIO) => return Ok(Found::NotAFile),
            Err(Errno::NOENT) => return Ok(Found::Changing),
            Err(errno) => return Err(self.failed("reading", name)(errno.into())),
        };
        let read = || -> io::Result<Found> {
            let before = fstat(&fd)?;
            if !is_regular(&before) {
                return Ok(Found::NotAFile);
            }
            let stamp = Stamp::of(&before);
            if stamp.size > MAX_BYTES as u64 {
                return Ok(Found::TooLarge(stamp));
            }
            let mut bytes = Vec::new();
            File::from(fd.try_clone()?).take(MAX_BYTES as u64 + 1).read_to_end(&mut bytes)?;
            let same = Stamp::of(&fstat(&fd)?) == stamp && bytes.len() as u64 == stamp.size;
            Ok(if same { Found::File(bytes, stamp) } else { Found::Changing })
        };
        read().map_err(self.failed("reading", name))
    }

    /// Removes a file if it is still the one with this stamp. A newer one of the same name stays.
    ///
    /// # Errors
    /// [`FolderError`].
    pub fn remove_if(&self, name: &str, stamp: Stamp) -> Result<(), FolderError> {
        if self.stamp(name)? != Some(stamp) {
            return Ok(());
        }
        let folder = self.open()?;
        match unlinkat(&folder, name, AtFlags::empty()) {
            Ok(()) | Err(Errno::NOENT) => sync_folder(&folder).map_err(self.failed("removing", name)),
            Err(errno) => Err(self.failed("removing", name)(errno.into())),
        }
    }
}

fn is_regular(stat: &Stat) -> bool {
    FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile
}

/// Makes a folder's entries durable. CIFS knows no fsync of a folder on many kernels: the server decides there.
fn sync_folder(folder: &OwnedFd) -> io::Result<()> {
    match fsync(folder) {
        Ok(()) | Err(Errno::INVAL | Errno::NOTSUP | Errno::NOSYS) => Ok(()),
        Err(errno) => Err(errno.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    fn folder() -> (tempfile::TempDir, Folder) {
        let dir = tempfile::tempdir().unwrap();
        let folder = Folder::new(dir.path());
        (dir, folder)
    }

    #[test]
    fn a_file_appears_under_its_name_only_when_whole() {
        let (dir, folder) = folder();
        folder.write_temporary("a.xml", b"whole").unwrap();
        assert_eq!(folder.names().unwrap(), ["madoguchi-a.xml.tmp"]);
        assert!(folder.has_temporary("a.xml").unwrap());
        folder.put_in_place("a.xml").unwrap();
        assert_eq!(folder.names().unwrap(), ["a.xml"]);
        assert_eq!(std::fs::read(dir.path().join("a.xml")).unwrap(), b"whole");
    }

    #[test]
    fn a_share_that_is_not_mounted_is_an_error_and_not_an_empty_folder() {
        let (dir, _) = folder();
        let missing = Folder::new(dir.path().join("Face"));
        assert!(matches!(missing.has_temporary("a.xml"), Err(FolderError::Unreachable { .. })));
        assert!(matches!(missing.names(), Err(FolderError::Unreachable { .. })));
        let error = missing.write_temporary("a.xml", b"").unwrap_err().to_string();
        assert!(error.contains("is the share mounted"), "{error}");
    }

    #[test]
    fn links_folders_and_pipes_are_not_read() {
        let (dir, folder) = folder();
        let secret = tempfile::NamedTempFile::new().unwrap();
        symlink(secret.path(), dir.path().join("link")).unwrap();
        std::fs::create_dir(dir.path().join("dir")).unwrap();
        rustix::fs::mknodat(CWD, dir.path().join("pipe"), FileType::Fifo, Mode::from_raw_mode(0o600), 0)
            .unwrap();
        for name in ["link", "dir", "pipe"] {
            assert_eq!(folder.read(name).unwrap(), Found::NotAFile, "{name}");
            assert_eq!(folder.stamp(name).unwrap(), None, "{name}");
        }
        assert_eq!(folder.read("gone").unwrap(), Found::Changing);
    }

    #[test]
    fn a_link_in_the_temporary_names_place_is_replaced_and_not_written_through() {
        let (dir, folder) = folder();
        let victim = tempfile::NamedTempFile::new().unwrap();
        symlink(victim.path(), dir.path().join("madoguchi-a.xml.tmp")).unwrap();
        folder.write_temporary("a.xml", b"result").unwrap();
        assert_eq!(std::fs::read(victim.path()).unwrap(), b"");
    }

    #[test]
    fn a_file_over_four_mebibytes_is_not_read() {
        let (dir, folder) = folder();
        let file = File::create(dir.path().join("big")).unwrap();
        file.set_len(MAX_BYTES as u64).unwrap();
        assert!(matches!(folder.read("big").unwrap(), Found::File(bytes, _) if bytes.len() == MAX_BYTES));
        file.set_len(MAX_BYTES as u64 + 1).unwrap();
        assert!(matches!(folder.read("big").unwrap(), Found::TooLarge(_)));
    }

    #[test]
    fn only_the_very_file_that_was_answered_is_removed() {
        let (dir, folder) = folder();
        std::fs::write(dir.path().join("q"), b"old").unwrap();
        let old = folder.stamp("q").unwrap().unwrap();
        std::fs::write(dir.path().join("q"), b"newer").unwrap();
        folder.remove_if("q", old).unwrap();
        let newer = folder.stamp("q").unwrap().expect("a newer query stays");
        folder.remove_if("q", newer).unwrap();
        assert_eq!(folder.names().unwrap(), Vec::<String>::new());
    }

    #[test]
    fn left_over_temporary_files_go_and_wanted_ones_and_strangers_stay() {
        let (dir, folder) = folder();
        for name in ["madoguchi-a.xml.tmp", "madoguchi-b.xml.tmp", "theirs.tmp", "OQSsiquc01res_1.xml"] {
            std::fs::write(dir.path().join(name), b"").unwrap();
        }
        assert_eq!(folder.remove_temporaries(|name| name == temporary("b.xml")).unwrap(), 1);
        let mut names = folder.names().unwrap();
        names.sort();
        assert_eq!(names, ["OQSsiquc01res_1.xml", "madoguchi-b.xml.tmp", "theirs.tmp"]);
    }
}
