//! A disk that is really full: the store on a file system of a few MiB, filled up by somebody else.
//!
//! The test starts itself again in a mount namespace of its own, where it may mount a tmpfs.
#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

mod common;

use std::{
    io::{ErrorKind, Write},
    path::Path,
    process::Command,
};

use common::{config_at, due, id, open};
use madoguchi_offline_queue::store::{Acceptance, Kind, Level, Quota, Step, StoreConfig};

const INSIDE: &str = "MADOGUCHI_QUEUE_SMALL_DISK";

#[test]
fn on_a_full_disk_nothing_new_is_accepted_and_all_that_was_is_settled() {
    if let Ok(disk) = std::env::var(INSIDE) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        return runtime.block_on(inside(Path::new(&disk)));
    }
    let mount_point = tempfile::tempdir().unwrap();
    let script = r#"mount -t tmpfs -o size=8m,mode=0700 none "$1" && exec "$2" --exact "$3" --nocapture"#;
    let done = Command::new("unshare")
        .args(["--user", "--map-root-user", "--mount", "sh", "-c", script, "sh"])
        .arg(mount_point.path())
        .arg(std::env::current_exe().unwrap())
        .arg("on_a_full_disk_nothing_new_is_accepted_and_all_that_was_is_settled")
        .env(INSIDE, mount_point.path())
        .output()
        .expect("unshare is a part of util-linux");
    let said = String::from_utf8_lossy(&done.stdout);
    assert!(done.status.success(), "{said}{}", String::from_utf8_lossy(&done.stderr));
    assert!(said.contains("1 passed"), "the test inside did not run: {said}");
}

fn config(disk: &Path) -> StoreConfig {
    let mut config = config_at(disk);
    config.quota = Quota { keep_free: 0, ballast: 1 << 20, ..Quota::default() };
    config
}

/// Somebody else takes all that is left.
fn fill(disk: &Path) -> std::path::PathBuf {
    let path = disk.join("somebody else's");
    let mut file = std::fs::File::create(&path).unwrap();
    loop {
        match file.write(&[7; 4096]) {
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::StorageFull => return path,
            Err(error) => panic!("{error}"),
        }
    }
}

async fn inside(disk: &Path) {
    let config = config(disk);
    let store = open(&config);
    for n in 0..50 {
        assert_eq!(store.accept(id(n), 1, vec![1; 2000], 1).await.unwrap(), Acceptance::New);
    }
    let in_the_way = fill(disk);

    // The log grows until it can't; then the answer is *full*, not a failure, and stays so.
    let mut more = Vec::new();
    for n in 100.. {
        match store.accept(id(n), 1, vec![1; 2000], 1).await.unwrap() {
            Acceptance::New => more.push(n),
            Acceptance::Full => break,
            other => panic!("{other:?}"),
        }
        assert!(more.len() < 5_000, "the disk is never full");
    }
    assert!(!config.directory.join("ballast").exists(), "the ballast gave the room that is left");
    assert_eq!(store.accept(id(99), 1, vec![], 1).await.unwrap(), Acceptance::Full);
    assert_eq!(store.status().await.unwrap().level, Level::Full);

    // Everything accepted before goes on, and survives opening anew while the disk is still full.
    store.close().await;
    let store = open(&config);
    let accepted: Vec<_> = (0..50).chain(more).collect();
    assert_eq!(store.status().await.unwrap().waiting, accepted.len() as u64);
    for n in &accepted {
        assert_eq!(store.read(id(*n)).await.unwrap().unwrap().request, vec![1; 2000], "{n}");
        assert_eq!(store.answer(id(*n), 1, vec![2; 500], 2).await.unwrap(), Step::Done);
        assert_eq!(store.deliver(id(*n), 3).await.unwrap(), Step::Done);
        assert_eq!(store.settle(id(*n), 4).await.unwrap(), Step::Done);
    }
    assert!(store.due(due(Kind::HandOver, 9), 5).await.unwrap().is_empty());

    // Room again: the ballast is laid again, and accepting goes on.
    std::fs::remove_file(in_the_way).unwrap();
    store.tidy(6).await.unwrap();
    assert_eq!(store.accept(id(99), 1, vec![], 7).await.unwrap(), Acceptance::New);
    assert!(config.directory.join("ballast").exists());
    store.close().await;
}
