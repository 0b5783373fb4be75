//! An export of the gateway's configuration, sealed, and what is in it once it was opened.

use crate::Verdict;
use jiff::Timestamp;
use madoguchi::config::parcel::{Contents, Head, Key};
use std::collections::BTreeMap;

/// What can be told of an export without its passphrase.
pub fn head(bytes: &[u8]) -> Verdict {
    match Head::read(bytes) {
        Ok((_, sealed)) => {
            assert!(sealed.len() < bytes.len(), "the head is not part of what was sealed");
            Verdict::Accepted
        }
        Err(_) => Verdict::Refused,
    }
}

/// What was sealed in an export.
pub fn contents(bytes: &[u8]) -> Verdict {
    let Ok(contents) = Contents::read(bytes) else { return Verdict::Refused };
    match serde_json::to_vec(&contents) {
        Ok(again) => assert_eq!(Contents::read(&again).ok(), Some(contents), "read again, it is another one"),
        Err(error) => panic!("what was read can't be written: {error}"),
    }
    Verdict::Accepted
}

/// As `madoguchi config export` writes it.
pub fn head_seeds() -> Vec<Vec<u8>> {
    sample().seal("thirteen characters").into_iter().collect()
}

/// With everything that can be in one.
pub fn contents_seeds() -> Vec<Vec<u8>> {
    serde_json::to_vec(&sample()).into_iter().collect()
}

fn sample() -> Contents {
    Contents {
        at: Timestamp::UNIX_EPOCH,
        configuration: "[site]\n".into(),
        people: Some("{}".into()),
        files: BTreeMap::from([("/etc/madoguchi/line/terminal.pem".to_owned(), "invented".to_owned())]),
        keys: vec![Key { path: "/etc/madoguchi/line/terminal.key".into(), pem: "invented".into() }],
    }
}
