//! What the tests of the virtual readers share.
#![allow(dead_code)] // each test program uses its own part
#![allow(clippy::unwrap_used)] // helpers of tests are tests

use std::os::unix::net::UnixListener;
use std::sync::{Mutex, OnceLock};

use jiff::Timestamp;
use madoguchi_simulator::cards::{Card, CardOptions, Medium};
use madoguchi_simulator::hospital::reserve_port;
use madoguchi_simulator::pcscd::ReaderSpec;
use madoguchi_simulator::pki::jpki::{CardCredential, JpkiAuthority, Validity};

pub const SELECT_JPKI: &[u8] =
    &[0x00, 0xA4, 0x04, 0x0C, 0x0A, 0xD3, 0x92, 0xF0, 0x00, 0x26, 0x01, 0x00, 0x00, 0x00, 0x01];
pub const SELECT_TOKEN_INFO: &[u8] = &[0x00, 0xA4, 0x02, 0x0C, 0x02, 0x00, 0x06];
pub const READ_TOKEN_INFO: &[u8] = &[0x00, 0xB0, 0x00, 0x00, 0xA0];

pub fn credential() -> CardCredential {
    static CREDENTIAL: OnceLock<CardCredential> = OnceLock::new();
    let make = || JpkiAuthority::generate(1).unwrap().issue(Validity::valid_at(Timestamp::now())).unwrap();
    CREDENTIAL.get_or_init(make).clone()
}

pub fn card(medium: Medium) -> Card {
    Card::new(medium, credential(), CardOptions::default())
}

/// A reader on a port that nobody else gets while this program runs. Two ports in a row: a stock vpcd takes both.
pub fn reader(name: &str) -> ReaderSpec {
    use std::hash::{BuildHasher, RandomState};
    static RESERVED: Mutex<Vec<UnixListener>> = Mutex::new(Vec::new());
    let chance = RandomState::new();
    let port = (0_u64..)
        .map(|attempt| 20_000 + 2 * (chance.hash_one(attempt) % 4_000) as u16)
        .find(|port| {
            let both = reserve_port(*port).zip(reserve_port(port + 1));
            both.map(|(one, other)| RESERVED.lock().unwrap().extend([one, other])).is_some()
        })
        .unwrap();
    ReaderSpec::new(name, port).unwrap()
}
