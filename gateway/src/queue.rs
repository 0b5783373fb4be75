//! `madoguchi queue`: the offline queue of a stopped gateway, looked into, checked, repaired, exported, retried.
//!
//! Nothing here prints or writes personal data in the clear: lists show what the store keeps beside the sealed contents,
//! an export holds these as they are sealed.

mod keys;

use crate::{
    cli::{Queue, QueueAct},
    config::Config,
};
use anyhow::{Context, Result, bail};
use jiff::{Timestamp, tz::TimeZone};
use madoguchi_offline_queue::store::{
    self, Header, Reason, RecordId, Repaired, Sealed, Stage, Step, Store, StoreConfig, StoreError,
};
use madoguchi_protocol::RequestId;
use serde_json::{Value, json};
use std::{
    fmt::Write as _,
    fs::OpenOptions,
    io::Write as _,
    os::unix::fs::{MetadataExt, OpenOptionsExt},
    path::Path,
    process::ExitCode,
};

/// Records read in one go.
const AT_ONCE: usize = 500;

/// Does what the arguments say; fails where the queue is damaged or something was not done.
pub fn run(arguments: &Queue) -> Result<ExitCode> {
    let config = Config::load(&arguments.config)?.offline_queue.store();
    is_ours(&config)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
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

async fn with_store(config: &StoreConfig, act: &QueueAct) -> Result<ExitCode> {
    let store = match Store::open(config) {
        Ok((store, _)) => store,
        Err(error @ StoreError::InUse) => {
            return Err(error).context("the gateway runs; its page shows the queue");
        }
        Err(error) => return Err(error.into()),
    };
    let done = match act {
        QueueAct::List { all, json } => list(&store, *all, *json).await,
        QueueAct::Show { id } => show(&store, *id).await,
        QueueAct::Check => check(&store).await,
        QueueAct::Export { output, ids } => export(&store, output, ids).await,
        QueueAct::Retry { ids, all } => retry(&store, ids, *all).await,
        QueueAct::Keys => keys::list(&store).await,
        QueueAct::RotateKey => keys::rotate(&store, now()?).await,
        QueueAct::DropOldKeys => keys::drop_old(&store).await,
        QueueAct::Repair | QueueAct::Migrate { .. } => Ok(ExitCode::FAILURE),
    };
    store.close().await;
    done
}

/// Every header in the order of acceptance.
async fn headers(store: &Store) -> Result<Vec<Header>> {
    let (mut all, mut after) = (Vec::new(), 0);
    loop {
        let some = store.list(after, AT_ONCE).await?;
        match some.last() {
            Some((last, _)) => after = *last,
            None => return Ok(all),
        }
        all.extend(some.into_iter().map(|(_, header)| header));
    }
}

async fn list(store: &Store, all: bool, as_json: bool) -> Result<ExitCode> {
    let mut headers = headers(store).await?;
    headers.retain(|header| all || header.stage != Stage::Settled);
    if as_json {
        let all: Vec<_> = headers.iter().map(described).collect();
        println!("{}", serde_json::to_string_pretty(&all)?);
        return Ok(ExitCode::SUCCESS);
    }
    let mut text = String::new();
    for header in &headers {
        writeln!(text, "{}", line(header))?;
    }
    let count = |stages: &[Stage]| headers.iter().filter(|header| stages.contains(&header.stage)).count();
    let oldest = headers
        .iter()
        .find(|header| !matches!(header.stage, Stage::Settled | Stage::SetAside))
        .map_or_else(|| "none".to_owned(), |header| time(header.accepted_at));
    writeln!(
        text,
        "{} wait for the centre, {} answered, {} set aside; oldest: {oldest}",
        count(&[Stage::Accepted]),
        count(&[Stage::Answered, Stage::Delivered]),
        count(&[Stage::SetAside]),
    )?;
    std::io::stdout().write_all(text.as_bytes())?;
    Ok(ExitCode::SUCCESS)
}

async fn show(store: &Store, id: RequestId) -> Result<ExitCode> {
    let header =
        store.look_up(record(id)).await?.with_context(|| format!("the queue knows no record {id}"))?;
    println!("{}", serde_json::to_string_pretty(&described(&header))?);
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

async fn export(store: &Store, output: &Path, ids: &[RequestId]) -> Result<ExitCode> {
    let ids: Vec<_> = if ids.is_empty() {
        let set_aside = |header: &Header| header.stage == Stage::SetAside;
        headers(store).await?.into_iter().filter(set_aside).map(|header| header.id).collect()
    } else {
        ids.iter().map(|id| record(*id)).collect()
    };
    let mut records = Vec::new();
    for id in &ids {
        records.push(store.sealed(*id).await?.with_context(|| format!("the queue knows no record {id}"))?);
    }
    let failed = || format!("{} can't be made", output.display());
    let mut file =
        OpenOptions::new().write(true).create_new(true).mode(0o600).open(output).with_context(failed)?;
    for Sealed { header, request, answer } in &records {
        let mut record = described(header);
        record["request_sealed"] = json!(request.as_deref().map(hexadecimal));
        record["answer_sealed"] = json!(answer.as_deref().map(hexadecimal));
        writeln!(file, "{record}").with_context(failed)?;
    }
    file.sync_all().with_context(failed)?;
    println!(
        "{} records written to {}. Their contents are personal data, sealed with the queue's key: whoever has both the file \
         and the key can read them. Keep them apart, and remove the file when it is not needed any more.",
        records.len(),
        output.display()
    );
    Ok(ExitCode::SUCCESS)
}

async fn retry(store: &Store, ids: &[RequestId], all: bool) -> Result<ExitCode> {
    let ids: Vec<_> = if all {
        let again = |header: &Header| {
            let damaged = header.set_aside.as_ref().is_some_and(|(reason, _)| *reason == Reason::Damaged);
            header.stage == Stage::SetAside && !damaged
        };
        headers(store).await?.into_iter().filter(again).map(|header| header.id).collect()
    } else {
        ids.iter().map(|id| record(*id)).collect()
    };
    let now = now()?;
    let mut failed = false;
    for id in ids {
        match store.put_back(id, now).await? {
            Step::Done => println!("{id}: back in the line"),
            Step::Already(stage) => {
                failed = true;
                println!("{id}: was not set aside ({})", name(stage));
            }
            Step::Unknown => {
                failed = true;
                println!("{id}: the queue knows no such record");
            }
        }
    }
    Ok(if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

fn now() -> Result<u64> {
    Ok(u64::try_from(Timestamp::now().as_millisecond())?)
}

fn line(header: &Header) -> String {
    let Header { id, lane, stage, accepted_at, bytes, set_aside, .. } = header;
    let reason = set_aside
        .as_ref()
        .map(|(reason, note)| format!(": {} {note}", reason_name(*reason)))
        .unwrap_or_default();
    format!("{id}  lane {lane:<3}  {}  {bytes:>6} bytes  {}{reason}", time(*accepted_at), name(*stage))
}

fn described(header: &Header) -> Value {
    let Header { id, lane, stage, accepted_at, changed_at, bytes, outcome: _, set_aside } = header;
    let mut value = json!({
        "id": id.to_string(),
        "lane": lane,
        "stage": name(*stage),
        "accepted_at": time(*accepted_at),
        "stage_since": time(*changed_at),
        "sealed_bytes": bytes,
    });
    if let Some((reason, note)) = set_aside {
        value["reason"] = json!(reason_name(*reason));
        value["note"] = json!(note);
    }
    value
}

const fn name(stage: Stage) -> &'static str {
    match stage {
        Stage::Accepted => "accepted",
        Stage::Answered => "answered",
        Stage::Delivered => "delivered",
        Stage::Settled => "settled",
        Stage::SetAside => "set-aside",
        Stage::Practice => "practice",
    }
}

const fn reason_name(reason: Reason) -> &'static str {
    match reason {
        Reason::Refused => "refused-by-centre",
        Reason::Undecodable => "undecodable",
        Reason::Damaged => "damaged",
        Reason::Undeliverable => "undeliverable",
        Reason::TooOld => "given-up-too-old",
        Reason::MadeRoom => "given-up-for-room",
        Reason::Practice => "practice",
    }
}

/// The time in Japan.
fn time(at: u64) -> String {
    let at = i64::try_from(at).ok().and_then(|at| Timestamp::from_millisecond(at).ok()).unwrap_or_default();
    at.to_zoned(TimeZone::fixed(jiff::tz::offset(9))).strftime("%Y-%m-%dT%H:%M:%S+09:00").to_string()
}

fn record(id: RequestId) -> RecordId {
    RecordId(*id.as_bytes())
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        // Writing to a String can't fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}
