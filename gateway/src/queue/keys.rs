//! `madoguchi queue keys | rotate-key | drop-old-keys`.

use super::records::Records;
use anyhow::{Result, bail};
use madoguchi_offline_queue::{
    operator,
    store::{Resealing, Store},
};
use madoguchi_protocol::messages::offline_queue::{AskKeys, DropOldKeys, QueueKey, QueueKeys, RotateKey};
use std::process::ExitCode;

/// Parts sealed anew in one step.
const AT_ONCE: usize = 200;

/// A new key, and everything sealed anew with it. Cut short, it goes on at the next start of the gateway or of this.
pub(super) async fn rotate(records: &Records, now: u64) -> Result<ExitCode> {
    let keys = match records {
        Records::Running(gateway) => {
            let keys = known(gateway.ask(RotateKey {})?)?;
            println!(
                "the gateway seals everything anew while it runs; `madoguchi queue keys` says when that is done"
            );
            keys
        }
        Records::Stopped(store) => {
            store.rotate_key().await?;
            reseal(store, now).await?;
            of(store).await?
        }
    };
    Ok(tell(&keys))
}

async fn reseal(store: &Store, now: u64) -> Result<()> {
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
    Ok(())
}

/// Each key, and whether it can go.
pub(super) async fn list(records: &Records) -> Result<ExitCode> {
    Ok(tell(&match records {
        Records::Running(gateway) => known(gateway.ask(AskKeys {})?)?,
        Records::Stopped(store) => of(store).await?,
    }))
}

/// Takes what nothing needs any more out of the key file.
pub(super) async fn drop_old(records: &Records) -> Result<ExitCode> {
    let (before, after) = match records {
        Records::Running(gateway) => (known(gateway.ask(AskKeys {})?)?, known(gateway.ask(DropOldKeys {})?)?),
        Records::Stopped(store) => {
            let before = of(store).await?;
            store.drop_old_keys().await?;
            (before, of(store).await?)
        }
    };
    let mut gone = before.iter().filter(|key| !after.iter().any(|stays| stays.id == key.id)).peekable();
    if gone.peek().is_none() {
        println!("no key can go");
    }
    for key in gone {
        println!("{} is gone; exports made with it can be read with a copy of that key only", key.id);
    }
    Ok(tell(&after))
}

async fn of(store: &Store) -> Result<Vec<QueueKey>> {
    known(operator::keys(store, Ok(())).await?)
}

fn known(keys: QueueKeys) -> Result<Vec<QueueKey>> {
    match keys {
        QueueKeys::Keys(keys) => Ok(keys),
        QueueKeys::Refused(why) => bail!(why),
    }
}

fn tell(keys: &[QueueKey]) -> ExitCode {
    for QueueKey { id, newest, needed } in keys {
        let standing = match (newest, needed) {
            (true, _) => "seals",
            (false, true) => "still needed: something is sealed with it",
            (false, false) => {
                "nothing is sealed with it any more; `madoguchi queue drop-old-keys` removes it"
            }
        };
        println!("{id}  {standing}");
    }
    ExitCode::SUCCESS
}
