//! The queue's keys: where they come from, and which one sealed what.
//!
//! The key file holds one key a line, 64 hexadecimal digits. The first line seals new records; every line
//! opens old ones, so a key is rotated by putting a new line on top and taking the old one away when nothing
//! needs it any more; [`super::rotate`] does that.

use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Read, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};
use zeroize::{Zeroize, Zeroizing};

use super::types::StoreError;

/// The name of the credential that systemd hands over in `$CREDENTIALS_DIRECTORY`.
pub const CREDENTIAL: &str = "queue-key";

/// More than any sensible number of keys.
const MOST_KEYS: usize = 64;
/// A line is a key and its end.
const LARGEST_KEY_FILE: u64 = MOST_KEYS as u64 * 66;

/// The first four bytes of SHA-256 over the key: tells keys apart and gives nothing away.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct KeyId(pub [u8; 4]);

impl std::fmt::Display for KeyId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:08x}", u32::from_be_bytes(self.0))
    }
}

impl std::fmt::Debug for KeyId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        std::fmt::Display::fmt(self, f)
    }
}

/// A key of XChaCha20-Poly1305; wiped when dropped, never printed.
pub(super) struct Key([u8; 32]);

impl Drop for Key {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl Key {
    pub(super) fn bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

/// The keys in force: the first seals, all open.
pub struct KeyRing(Vec<(KeyId, Key)>);

impl KeyRing {
    /// Reads the text of a key file. `path` is for the error only.
    ///
    /// # Errors
    /// [`StoreError::KeyFile`] when there is no key in it or a line is no key.
    pub fn parse(text: &str, path: &Path) -> Result<Self, StoreError> {
        let bad = |why: String| StoreError::KeyFile { path: path.to_owned(), why };
        let mut keys = Vec::new();
        for (number, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
            let key = decode(line.trim())
                .ok_or_else(|| bad(format!("line {} is not a key of 64 hexadecimal digits", number + 1)))?;
            let digest = Sha256::digest(key.bytes());
            keys.push((KeyId([digest[0], digest[1], digest[2], digest[3]]), key));
        }
        if keys.is_empty() {
            return Err(bad("it holds no key".to_owned()));
        }
        Ok(Self(keys))
    }

    /// The file that holds the keys: systemd's credential when the unit has one, else `fallback`.
    pub fn locate(fallback: &Path) -> PathBuf {
        std::env::var_os("CREDENTIALS_DIRECTORY")
            .map(|directory| Path::new(&directory).join(CREDENTIAL))
            .filter(|credential| credential.exists())
            .unwrap_or_else(|| fallback.to_owned())
    }

    /// Whether `path` is systemd's credential, which only whoever made it can change.
    pub(super) fn is_handed_over(path: &Path) -> bool {
        std::env::var_os("CREDENTIALS_DIRECTORY").is_some_and(|directory| path.starts_with(directory))
    }

    /// Loads the keys from `path`. At the first start (`first`: there is no store yet) a missing file is made,
    /// readable by its owner alone; later a missing file is an error, because a new key would open nothing.
    ///
    /// # Errors
    /// [`StoreError::KeyMissing`], [`StoreError::KeyFile`] (others may read it, or it holds no key).
    pub fn load(path: &Path, first: bool) -> Result<Self, StoreError> {
        match read(path) {
            Ok(text) => Self::parse(&text, path),
            Err(StoreError::KeyMissing(_)) if first => {
                let mut text = Zeroizing::new(String::with_capacity(LARGEST_KEY_FILE as usize));
                push_new(&mut text)?;
                write(path, &text, false)?;
                Self::parse(&text, path)
            }
            Err(other) => Err(other),
        }
    }

    /// Puts a new key on top of the file, durably. `needed` are the keys that something is sealed with.
    ///
    /// # Errors
    /// As [`KeyRing::load`], [`StoreError::WrongKey`] where the file lacks a needed key; then it is as it was.
    pub(super) fn add(path: &Path, needed: &[KeyId]) -> Result<Self, StoreError> {
        let old = read(path)?;
        let ring = Self::parse(&old, path)?;
        if let Some(needed) = needed.iter().find(|needed| ring.opening(**needed).is_none()) {
            return Err(StoreError::WrongKey { needed: *needed, given: ring.ids() });
        }
        if ring.0.len() >= MOST_KEYS {
            let why = format!("it holds {MOST_KEYS} keys; drop the old ones first");
            return Err(StoreError::KeyFile { path: path.to_owned(), why });
        }
        let mut text = Zeroizing::new(String::with_capacity(LARGEST_KEY_FILE as usize));
        push_new(&mut text)?;
        for line in lines(&old) {
            text.push_str(line);
            text.push('\n');
        }
        write(path, &text, true)?;
        Self::parse(&text, path)
    }

    /// Takes these keys out of the file, durably.
    ///
    /// # Errors
    /// As [`KeyRing::load`], and where no key would be left; then the file is as it was.
    pub(super) fn remove(path: &Path, gone: &[KeyId]) -> Result<Self, StoreError> {
        let old = read(path)?;
        let mut text = Zeroizing::new(String::with_capacity(LARGEST_KEY_FILE as usize));
        for line in lines(&old) {
            let stays = !Self::parse(line, path)?.ids().iter().any(|id| gone.contains(id));
            if stays {
                text.push_str(line);
                text.push('\n');
            }
        }
        let ring = Self::parse(&text, path)?;
        write(path, &text, true)?;
        Ok(ring)
    }

    /// The key that seals new records.
    pub(super) fn sealing(&self) -> (&KeyId, &Key) {
        let (id, key) = &self.0[0];
        (id, key)
    }

    /// The key with this id, if it is in force.
    pub(super) fn opening(&self, id: KeyId) -> Option<&Key> {
        self.0.iter().find(|(known, _)| *known == id).map(|(_, key)| key)
    }

    /// The ids of all keys in force; the first one seals.
    pub fn ids(&self) -> Vec<KeyId> {
        self.0.iter().map(|(id, _)| *id).collect()
    }
}

/// The text of a key file that its owner alone can read.
fn read(path: &Path) -> Result<Zeroizing<String>, StoreError> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => {
            return Err(StoreError::KeyMissing(path.to_owned()));
        }
        Err(error) => return Err(StoreError::io(format!("opening {}", path.display()))(error)),
    };
    let bad = |why: &str| StoreError::KeyFile { path: path.to_owned(), why: why.to_owned() };
    let meta = file.metadata().map_err(StoreError::io("reading the key file"))?;
    // systemd mounts credentials 0400 or, for a unit with an account of its own, 0440.
    if meta.permissions().mode() & 0o037 != 0 {
        return Err(bad("others may read or change it; set its mode to 0600"));
    }
    if meta.len() > LARGEST_KEY_FILE {
        return Err(bad("it is too large for a key file"));
    }
    // With room for all of it, the text is not left behind in pieces by a growing buffer.
    let mut text = Zeroizing::new(String::with_capacity(LARGEST_KEY_FILE as usize));
    file.take(LARGEST_KEY_FILE).read_to_string(&mut text).map_err(StoreError::io("reading the key file"))?;
    Ok(text)
}

fn lines(text: &str) -> impl Iterator<Item = &str> {
    text.lines().map(str::trim).filter(|line| !line.is_empty())
}

/// A new key as a line of its own.
fn push_new(text: &mut String) -> Result<(), StoreError> {
    let mut key = Zeroizing::new([0u8; 32]);
    getrandom::fill(key.as_mut()).map_err(|error| StoreError::Random(error.to_string()))?;
    for byte in key.iter() {
        for digit in [byte >> 4, byte & 15] {
            text.push(char::from_digit(u32::from(digit), 16).unwrap_or('0'));
        }
    }
    text.push('\n');
    Ok(())
}

/// Makes the file, or with `replace` puts it in the old one's place: after a power cut there is the whole new one, or
/// what was there before.
fn write(path: &Path, text: &str, replace: bool) -> Result<(), StoreError> {
    let failed = || StoreError::io(format!("making the key file {}", path.display()));
    let unfinished = path.with_extension("unfinished");
    let _ = std::fs::remove_file(&unfinished);
    let mut file =
        OpenOptions::new().write(true).create_new(true).mode(0o600).open(&unfinished).map_err(failed())?;
    file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).map_err(failed())?;
    let flags = if replace { rustix::fs::RenameFlags::empty() } else { rustix::fs::RenameFlags::NOREPLACE };
    rustix::fs::renameat_with(rustix::fs::CWD, &unfinished, rustix::fs::CWD, path, flags)
        .map_err(|error| failed()(error.into()))?;
    super::sync_directory_of(path)
}

fn decode(line: &str) -> Option<Key> {
    let digits = line.as_bytes();
    if digits.len() != 64 {
        return None;
    }
    let mut key = Key([0; 32]);
    for (byte, pair) in key.0.iter_mut().zip(digits.chunks_exact(2)) {
        let high = char::from(pair[0]).to_digit(16)?;
        let low = char::from(pair[1]).to_digit(16)?;
        *byte = u8::try_from(high * 16 + low).ok()?;
    }
    Some(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_start_makes_a_key_that_its_owner_alone_can_read() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("key");
        let made = KeyRing::load(&path, true).unwrap();
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(KeyRing::load(&path, false).unwrap().ids(), made.ids());
    }

    #[test]
    fn a_missing_key_is_not_replaced_when_records_need_it() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("key");
        assert!(matches!(KeyRing::load(&path, false), Err(StoreError::KeyMissing(_))));
        assert!(!path.exists());
    }

    #[test]
    fn a_key_that_others_can_read_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("key");
        KeyRing::load(&path, true).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
        assert!(matches!(KeyRing::load(&path, false), Err(StoreError::KeyFile { .. })));
    }

    #[test]
    fn a_line_that_is_no_key_is_named_by_its_number_and_not_repeated() {
        let good = "ab".repeat(32);
        for bad in ["abc".to_owned(), "zz".repeat(32), "é".repeat(32)] {
            let error = KeyRing::parse(&format!("{good}\n{bad}"), Path::new("k")).err().unwrap().to_string();
            assert!(error.contains("line 2"), "{error}");
            assert!(!error.contains(&bad), "the error must not show what may be a key: {error}");
        }
        assert!(KeyRing::parse(" \n", Path::new("k")).is_err());
    }
}
