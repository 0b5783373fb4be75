//! `madoguchi queue`: the offline queue looked into, exported, retried, its key rotated, while the gateway runs or is stopped;
//! what was set aside discarded while it runs; checked, repaired and migrated while it is stopped.
//!
//! Nothing here prints or writes personal data in the clear: lists show what the store keeps beside the sealed contents,
//! an export holds these as they are sealed.

mod keys;
mod records;
pub mod running;
pub mod words;

use crate::{
    cli::{Queue, QueueAct},
    config::Config,
};
use anyhow::{Context, Result, bail};
use jiff::Timestamp;
use madoguchi_offline_queue::store::{self, Repaired, Store, StoreConfig, StoreError};
use madoguchi_protocol::{
    RequestId,
    messages::offline_queue::{DiscardReason, RecordMended, RecordPart, RecordReason, RecordStage},
};
use records::Records;
use running::Running;
use std::{
    fmt::Write as _,
    fs::OpenOptions,
    io::Write as _,
    os::unix::fs::{MetadataExt, OpenOptionsExt},
    path::Path,
    process::ExitCode,
};
use words::{described, line, stage_name, time};

/// Records checked in one go.
const AT_ONCE: usize = 500;

/// Does what the arguments say; fails where the queue is damaged or something was not done.
pub fn run(arguments: &Queue) -> Result<ExitCode> {
    let config = Config::load(&arguments.config)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    // These need the store itself.
    let itself = matches!(arguments.act, QueueAct::Check | QueueAct::Repair | QueueAct::Migrate { .. });
    if let Some(gateway) = Running::find(&config.site.state_directory).filter(|_| !itself) {
        return runtime.block_on(act(&Records::Running(gateway), &arguments.act));
    }
    let config = config.offline_queue.store();
    is_ours(&config)?;
    match &arguments.act {
        QueueAct::Repair => repair(&config),
        QueueAct::Migrate { to } => migrate(&config, *to),
        act => runtime.block_on(with_store(&config, act)),
    }
}

/// There is a queue, and what this process makes beside it belongs to the gateway's account.
fn is_ours(config: &StoreConfig) -> Result<()> {
    let directory = &config.directory;
    let Ok(about) = std::fs::metadata(directory.join("queue.db")) else {
        return Err(StoreError::NoQueue(directory.clone()).into());
    };
    let (owner, user) = (about.uid(), rustix::process::geteuid().as_raw());
    if owner != user {
        bail!(
            "the queue in {} belongs to the account with number {owner}; run this as that account (sudo -u '#{owner}' …), \
             or the gateway could not open it afterwards",
            directory.display()
        );
    }
    Ok(())
}

async fn with_store(config: &StoreConfig, wanted: &QueueAct) -> Result<ExitCode> {
    let store = match Store::open(config) {
        Ok((store, _)) => store,
        Err(error @ StoreError::InUse) => {
            return Err(error).context("the gateway runs; its page shows the queue");
        }
        Err(error) => return Err(error.into()),
    };
    let done = match wanted {
        QueueAct::Check => check(&store).await,
        wanted => act(&Records::Stopped(store.clone()), wanted).await,
    };
    store.close().await;
    done
}

async fn act(records: &Records, act: &QueueAct) -> Result<ExitCode> {
    match act {
        QueueAct::List { all, json } => list(records, *all, *json).await,
        QueueAct::Show { id } => show(records, *id).await,
        QueueAct::Export { output, ids } => export(records, output, ids).await,
        QueueAct::Retry { ids, all } => retry(records, ids, *all).await,
        QueueAct::Discard { ids, reason, yes } => discard(records, ids, (*reason).into(), *yes).await,
        QueueAct::Keys => keys::list(records).await,
        QueueAct::RotateKey => keys::rotate(records, now()?).await,
        QueueAct::DropOldKeys => keys::drop_old(records).await,
        QueueAct::Check | QueueAct::Repair | QueueAct::Migrate { .. } => Ok(ExitCode::FAILURE),
    }
}

async fn list(queue: &Records, all: bool, as_json: bool) -> Result<ExitCode> {
    let mut records = queue.all(false).await?;
    records.retain(|record| all || record.stage != RecordStage::Settled);
    if as_json {
        let all: Vec<_> = records.iter().map(described).collect();
        println!("{}", serde_json::to_string_pretty(&all)?);
        return Ok(ExitCode::SUCCESS);
    }
    let mut text = String::new();
    for record in &records {
        writeln!(text, "{}", line(record))?;
    }
    let count = |stages: &[RecordStage]| records.iter().filter(|it| stages.contains(&it.stage)).count();
    let oldest = records
        .iter()
        .find(|it| !matches!(it.stage, RecordStage::Settled | RecordStage::SetAside))
        .map_or_else(|| "none".to_owned(), |record| time(record.accepted_at));
    writeln!(
        text,
        "{} wait for the centre, {} answered, {} set aside; oldest: {oldest}",
        count(&[RecordStage::Accepted]),
        count(&[RecordStage::Answered, RecordStage::Delivered]),
        count(&[RecordStage::SetAside]),
    )?;
    if let Some(outlook) = queue.outlook().await? {
        writeln!(text, "{}", words::outlook(&outlook))?;
    }
    std::io::stdout().write_all(text.as_bytes())?;
    Ok(ExitCode::SUCCESS)
}

async fn show(records: &Records, id: RequestId) -> Result<ExitCode> {
    println!("{}", serde_json::to_string_pretty(&described(&records.one(id).await?))?);
    Ok(ExitCode::SUCCESS)
}

async fn check(store: &Store) -> Result<ExitCode> {
    let (mut after, mut looked_at, mut damaged) = (0, 0, 0);
    loop {
        let scrubbed = store.scrub(after, AT_ONCE, None).await?;
        looked_at += scrubbed.looked_at;
        damaged += scrubbed.damaged.len();
        for id in &scrubbed.damaged {
            println!("damaged: {id}; the gateway sets it aside when it starts");
        }
        match scrubbed.last {
            Some(last) => after = last,
            None => break,
        }
    }
    let set_aside = store.status().await?.set_aside;
    println!("{looked_at} records checked, {damaged} damaged, {set_aside} set aside before");
    Ok(if damaged == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn migrate(config: &StoreConfig, to: i64) -> Result<ExitCode> {
    let from = match store::migrate(config, to) {
        Err(error @ StoreError::InUse) => return Err(error).context("the gateway runs"),
        from => from?,
    };
    println!("the queue was of format {from} and is now of format {to}");
    Ok(ExitCode::SUCCESS)
}

fn repair(config: &StoreConfig) -> Result<ExitCode> {
    let now = Timestamp::now().as_millisecond();
    let Repaired { kept, damaged, without_record, put_aside } =
        match store::repair(config, &now.to_string(), u64::try_from(now)?) {
            Err(error @ StoreError::InUse) => return Err(error).context("the gateway runs"),
            repaired => repaired?,
        };
    for id in &damaged {
        println!("damaged: {id}; what is left of it is set aside");
    }
    if without_record > 0 {
        println!("{without_record} sealed contents belong to no record that can still be read");
    }
    println!(
        "{kept} records kept, {} of them damaged; the file as it was is in {}: remove it when nobody needs it any more",
        damaged.len(),
        put_aside.display()
    );
    Ok(ExitCode::SUCCESS)
}

async fn export(records: &Records, output: &Path, ids: &[RequestId]) -> Result<ExitCode> {
    let wanted = if ids.is_empty() {
        records.all(true).await?
    } else {
        let mut wanted = Vec::new();
        for id in ids {
            wanted.push(records.one(*id).await?);
        }
        wanted
    };
    let failed = || format!("{} can't be made", output.display());
    let mut file =
        OpenOptions::new().write(true).create_new(true).mode(0o600).open(output).with_context(failed)?;
    for record in &wanted {
        let request = records.sealed(record.id, RecordPart::Request).await?;
        let answer = records.sealed(record.id, RecordPart::Answer).await?;
        let exported = words::exported(record, request.as_deref(), answer.as_deref());
        writeln!(file, "{exported}").with_context(failed)?;
    }
    file.sync_all().with_context(failed)?;
    println!(
        "{} records written to {}. Their contents are personal data, sealed with the queue's key: whoever has both the file \
         and the key can read them. Keep them apart, and remove the file when it is not needed any more.",
        wanted.len(),
        output.display()
    );
    Ok(ExitCode::SUCCESS)
}

async fn retry(records: &Records, ids: &[RequestId], all: bool) -> Result<ExitCode> {
    let ids: Vec<_> = if all {
        let mut again = records.all(true).await?;
        again.retain(|it| !matches!(it.reason, Some((RecordReason::Damaged, _))));
        again.into_iter().map(|record| record.id).collect()
    } else {
        ids.to_vec()
    };
    let mut done = true;
    for id in ids {
        done &= tell(id, records.retry(id).await?, "back in the line");
    }
    Ok(if done { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Without `yes` it shows what would be wiped and fails: nothing brings a record back.
async fn discard(records: &Records, ids: &[RequestId], why: DiscardReason, yes: bool) -> Result<ExitCode> {
    if !yes {
        for id in ids {
            println!("{}", line(&records.one(*id).await?));
        }
        bail!("nothing was discarded; the same with --yes wipes what is listed here for good");
    }
    let mut done = true;
    for id in ids {
        let outcome = records.discard(*id, why).await?;
        done &= tell(*id, outcome, &format!("discarded ({}) and wiped", why.name()));
    }
    Ok(if done { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Says what came of an act on a record, and whether it was done.
fn tell(id: RequestId, outcome: RecordMended, done: &str) -> bool {
    match outcome {
        RecordMended::Done => println!("{id}: {done}"),
        RecordMended::NotSetAside(stage) => println!("{id}: was not set aside ({})", stage_name(stage)),
        RecordMended::Unknown => println!("{id}: the queue knows no such record"),
    }
    outcome == RecordMended::Done
}

fn now() -> Result<u64> {
    Ok(u64::try_from(Timestamp::now().as_millisecond())?)
}
