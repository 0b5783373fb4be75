//! What the tests of the store share.
#![allow(dead_code, reason = "each test program uses a part of it")]
#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use madoguchi_offline_queue::store::{Due, Kind, Quota, RecordId, Store, StoreConfig};

/// A store in a temporary directory, with limits that don't depend on the disk of the machine.
pub fn config(dir: &tempfile::TempDir) -> StoreConfig {
    config_at(dir.path())
}

pub fn config_at(path: &Path) -> StoreConfig {
    let mut config = StoreConfig::new(path.join("queue"), path.join("key"));
    config.quota = Quota { keep_free: 0, ballast: 1 << 16, ..Quota::default() };
    config
}

pub fn open(config: &StoreConfig) -> Store {
    Store::open(config).unwrap().0
}

pub fn id(number: u32) -> RecordId {
    let mut bytes = [0x5a; 16];
    bytes[..4].copy_from_slice(&number.to_be_bytes());
    RecordId(bytes)
}

/// Everything of a kind, nothing in hand, nothing live.
pub fn due(kind: Kind, limit: usize) -> Due {
    Due {
        kind,
        live_since: u64::MAX,
        limit,
        per_lane: limit,
        in_hand: Vec::new(),
        waiting: Vec::new(),
        live_only: false,
        after_lane: 0,
    }
}

pub fn write_key(path: &Path, text: &str) {
    let _ = std::fs::remove_file(path);
    let mut file = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path).unwrap();
    file.write_all(text.as_bytes()).unwrap();
}

/// What a bad sector would do, at a place where it hits this record's request.
pub fn flip_a_sealed_byte(config: &StoreConfig, id: RecordId) {
    let path = config.directory.join("queue.db");
    let sealed: Vec<u8> = rusqlite::Connection::open(&path)
        .unwrap()
        .query_row(
            "SELECT sealed FROM body WHERE seq_part = (SELECT seq * 2 FROM record WHERE id = ?)",
            [id.0],
            |row| row.get(0),
        )
        .unwrap();
    let mut file = std::fs::read(&path).unwrap();
    let at = file.windows(sealed.len()).position(|window| window == sealed).unwrap();
    file[at + sealed.len() - 1] ^= 0x40;
    std::fs::write(&path, file).unwrap();
}
