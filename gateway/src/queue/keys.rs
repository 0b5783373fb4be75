//! `madoguchi queue keys | rotate-key | drop-old-keys`.

use anyhow::Result;
use madoguchi_offline_queue::store::{KeyInForce, Resealing, Store};
use std::process::ExitCode;

/// Parts sealed anew in one step.
const AT_ONCE: usize = 200;

/// A new key, and everything sealed anew with it. Cut short, it goes on at the next start of the gateway or of this.
pub(super) async fn rotate(store: &Store, now: u64) -> Result<ExitCode> {
    let newest = store.rotate_key().await?;
    println!("key {newest} seals from now on");
    let mut pass = Resealing::default();
    while !pass.done {
        pass = store.reseal(pass, AT_ONCE).await?;
    }
    // What the old key had sealed stands in the log until it is emptied.
    store.tidy(now).await?;
    println!("{} sealed parts were sealed anew", pass.sealed_anew);
    if pass.damaged > 0 {
        println!("{} are damaged and stay as they are; their key stays needed for them", pass.damaged);
    }
    list(store).await
}

/// Each key, and whether it can go.
pub(super) async fn list(store: &Store) -> Result<ExitCode> {
    for KeyInForce { id, newest, needed } in store.keys().await? {
        let standing = match (newest, needed) {
            (true, _) => "seals",
            (false, true) => "still needed: something is sealed with it",
            (false, false) => {
                "nothing is sealed with it any more; `madoguchi queue drop-old-keys` removes it"
            }
        };
        println!("{id}  {standing}");
    }
    Ok(ExitCode::SUCCESS)
}

/// Takes what nothing needs any more out of the key file.
pub(super) async fn drop_old(store: &Store) -> Result<ExitCode> {
    let gone = store.drop_old_keys().await?;
    for id in &gone {
        println!("{id} is gone; exports made with it can be read with a copy of that key only");
    }
    if gone.is_empty() {
        println!("no key can go");
    }
    list(store).await
}
