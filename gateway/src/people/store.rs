//! The file that keeps the register: `gateway/people.json` below the state directory, for the gateway's account only.
//! It is replaced as a whole, so that a power cut leaves the old or the new one. Page and console both change it: each
//! change is made under a lock, on what the file says then.

use super::Register;
use rustix::fs::{Gid, Uid};
use std::{
    fs::{self, DirBuilder, File, OpenOptions},
    io::{self, Read, Write},
    os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

/// The largest file: 500 people with five security keys each, of the longest that there are, and as many tokens have less.
const MAX_BYTES: u64 = 16 * 1024 * 1024;

/// Why people are not known or not changed.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The file system.
    #[error("{path}: {source}")]
    File {
        /// Which file.
        path: PathBuf,
        /// What.
        source: io::Error,
    },
    /// Not what a register looks like.
    #[error(
        "{path} is damaged ({source}): put a backup in its place, or remove it and begin anew by the console's code"
    )]
    Damaged {
        /// Which file.
        path: PathBuf,
        /// Where.
        source: serde_json::Error,
    },
}

/// By which a changed file is known: every change makes a new file.
type Stamp = Option<(u64, u64, i64, i64)>;

/// The file.
#[derive(Debug)]
pub struct Store {
    folder: PathBuf,
    read: Mutex<Option<(Stamp, Arc<Register>)>>,
}

impl Store {
    /// The one below this state directory. Nothing is made before something is kept.
    pub fn of(state_directory: &Path) -> Self {
        Self { folder: state_directory.join("gateway"), read: Mutex::new(None) }
    }

    fn path(&self) -> PathBuf {
        self.folder.join("people.json")
    }

    /// What the file says now. Where there is none, there is nobody.
    pub fn read(&self) -> Result<Arc<Register>, StoreError> {
        let path = self.path();
        let mut read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        let stamp = match fs::metadata(&path) {
            Ok(found) => Some((found.dev(), found.ino(), found.mtime(), found.mtime_nsec())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(source) => return Err(StoreError::File { path, source }),
        };
        if let Some((of, register)) = &*read
            && *of == stamp
        {
            return Ok(register.clone());
        }
        let register = Arc::new(self.load()?);
        *read = Some((stamp, register.clone()));
        Ok(register)
    }

    fn load(&self) -> Result<Register, StoreError> {
        let path = self.path();
        let file = match File::open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Register::default()),
            Err(source) => return Err(StoreError::File { path, source }),
        };
        let mut text = zeroize::Zeroizing::new(String::new());
        file.take(MAX_BYTES)
            .read_to_string(&mut text)
            .map_err(|source| StoreError::File { path: path.clone(), source })?;
        serde_json::from_str(&text).map_err(|source| StoreError::Damaged { path, source })
    }

    /// Changes the register. What `change` refuses is not kept. On the medium when this returns.
    pub fn change<T, E>(
        &self,
        change: impl FnOnce(&mut Register) -> Result<T, E>,
    ) -> Result<Result<T, E>, StoreError> {
        let _locked = self.lock().map_err(|source| self.failed(source))?;
        let mut register = self.load()?;
        let done = match change(&mut register) {
            Ok(done) => done,
            Err(refused) => return Ok(Err(refused)),
        };
        self.keep(&register).map_err(|source| self.failed(source))?;
        Ok(Ok(done))
    }

    fn failed(&self, source: io::Error) -> StoreError {
        StoreError::File { path: self.path(), source }
    }

    /// Held by whoever changes the register; the kernel gives it back however the program ends.
    fn lock(&self) -> io::Result<File> {
        DirBuilder::new().recursive(true).mode(0o700).create(&self.folder)?;
        let lock = self.create(&self.folder.join("people.lock"))?;
        lock.lock()?;
        Ok(lock)
    }

    fn keep(&self, register: &Register) -> io::Result<()> {
        let text = zeroize::Zeroizing::new(serde_json::to_vec_pretty(register)?);
        let being_written = self.folder.join("people.new");
        let mut file = self.create(&being_written)?;
        file.set_len(0)?;
        file.write_all(&text)?;
        file.sync_all()?;
        fs::rename(&being_written, self.path())?;
        File::open(&self.folder)?.sync_all()
    }

    /// A file for the gateway's account only, also where root makes it on the console: it belongs to whom the folder
    /// belongs.
    fn create(&self, path: &Path) -> io::Result<File> {
        let file = OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(path)?;
        let (folder, made) = (fs::metadata(&self.folder)?, file.metadata()?);
        if (folder.uid(), folder.gid()) != (made.uid(), made.gid()) && rustix::process::geteuid().is_root() {
            rustix::fs::fchown(&file, Some(Uid::from_raw(folder.uid())), Some(Gid::from_raw(folder.gid())))?;
        }
        Ok(file)
    }
}

#[cfg(test)]
mod tests {
    use super::{
        super::{Code, Refused, Role},
        *,
    };
    use jiff::Timestamp;
    use std::os::unix::fs::PermissionsExt;

    fn add(store: &Store, name: &str) -> Result<(), Refused> {
        let code = Code::random().unwrap();
        store.change(|it| it.add(name, Role::Viewer, &code, Timestamp::now()).map(|_| ())).unwrap()
    }

    #[test]
    fn what_one_process_changes_another_sees_and_nothing_is_lost_between_them() {
        let directory = tempfile::tempdir().unwrap();
        let (page, console) = (Store::of(directory.path()), Store::of(directory.path()));
        assert!(page.read().unwrap().people.is_empty());
        std::thread::scope(|scope| {
            for (store, from) in [(&page, 0), (&console, 20)] {
                scope.spawn(move || (from..from + 20).for_each(|n| add(store, &format!("n{n}")).unwrap()));
            }
        });
        assert_eq!(page.read().unwrap().people.len(), 40);
        assert_eq!(console.read().unwrap().people.len(), 40);
        assert_eq!(add(&page, "n3"), Err(Refused::NameTaken));
    }

    #[test]
    fn others_cannot_read_it_and_a_damaged_file_is_said_to_be_so() {
        let directory = tempfile::tempdir().unwrap();
        let store = Store::of(directory.path());
        add(&store, "花子").unwrap();
        for file in ["people.json", "people.lock"] {
            let mode =
                fs::metadata(directory.path().join("gateway").join(file)).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600, "{file}");
        }
        fs::write(store.path(), "{\"people\": [").unwrap();
        assert!(matches!(store.read(), Err(StoreError::Damaged { .. })));
        let changed = store.change(|_| Ok::<_, Refused>(()));
        assert!(matches!(changed, Err(StoreError::Damaged { .. })), "and is not written over");
    }
}
