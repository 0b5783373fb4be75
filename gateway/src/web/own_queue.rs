//! For `madoguchi queue` while the gateway runs: what a person at the box asks of the queue, on a Unix socket that only the
//! gateway's account and root can open. One line of JSON in, one out; only what is listed here can be asked.

use super::site::Site;
use anyhow::Result;
use madoguchi_bus::Bus;
use madoguchi_protocol::messages::{
    Command,
    audit_log::{Author, PersonAct},
    offline_queue::{
        AskKeys, AskOutlook, DiscardRecord, DropOldKeys, ExportRecord, ListRecords, QueueKeys, RecordMended,
        RecordPart, RetryRecord, RotateKey, ShowRecord,
    },
};
use serde::Deserialize;
use serde_json::{Value, json};
use std::{path::Path, sync::Arc, time::Duration};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::UnixStream,
    time::timeout,
};

/// How long whoever connected may take to ask, and to read.
const WITHIN: Duration = Duration::from_secs(5);
/// The longest question, in bytes.
const LONGEST: u64 = 4096;

/// Listens, and answers for as long as the site is there.
pub(super) fn answer(site: &Arc<Site>, state_directory: &Path) -> Result<()> {
    super::own::listen(site, &crate::queue::running::socket(state_directory), |site, stream| async move {
        serve(&site, stream).await;
    })
}

/// `{"ask":"show_record","body":{"id":"…"}}`
#[derive(Deserialize)]
struct Asked {
    ask: String,
    #[serde(default)]
    body: Value,
}

async fn serve(site: &Site, stream: UnixStream) {
    let (read, mut write) = stream.into_split();
    let mut line = String::new();
    let asked = timeout(WITHIN, BufReader::new(read.take(LONGEST)).read_line(&mut line)).await;
    let answer = match (asked, serde_json::from_str(&line)) {
        (Ok(Ok(_)), Ok(asked)) => found(site, asked).await.unwrap_or_else(|why| json!({ "failed": why })),
        _ => json!({ "failed": "this is no question" }),
    };
    // One that does not read is let go.
    let _ = timeout(WITHIN, async {
        write.write_all(format!("{answer}\n").as_bytes()).await?;
        write.shutdown().await
    })
    .await;
}

async fn found(site: &Site, asked: Asked) -> Result<Value, String> {
    let bus = site.desk.borrow().clone().ok_or("the gateway is still starting; try again")?;
    let Asked { ask, body } = asked;
    let did = |act| site.record(None, Author::Console, act);
    match ask.as_str() {
        ListRecords::NAME => relay::<ListRecords>(&bus, body).await.and_then(json_of),
        ShowRecord::NAME => relay::<ShowRecord>(&bus, body).await.and_then(json_of),
        AskOutlook::NAME => relay::<AskOutlook>(&bus, body).await.and_then(json_of),
        AskKeys::NAME => relay::<AskKeys>(&bus, body).await.and_then(json_of),
        RetryRecord::NAME => {
            let wanted: RetryRecord = read(body)?;
            let id = wanted.id;
            let retried = put(&bus, wanted).await?;
            if retried == RecordMended::Done {
                did(PersonAct::QueueRetried(id));
            }
            json_of(retried)
        }
        DiscardRecord::NAME => {
            let wanted: DiscardRecord = read(body)?;
            let act = PersonAct::QueueDiscarded(wanted.id, wanted.why);
            let discarded = put(&bus, wanted).await?;
            if discarded == RecordMended::Done {
                did(act);
            }
            json_of(discarded)
        }
        ExportRecord::NAME => {
            let wanted: ExportRecord = read(body)?;
            // Said once for a record, before anything of it leaves.
            if (wanted.part, wanted.from) == (RecordPart::Request, 0) {
                did(PersonAct::QueueExported(wanted.id));
            }
            json_of(put(&bus, wanted).await?)
        }
        RotateKey::NAME => {
            let keys = relay::<RotateKey>(&bus, body).await?;
            if matches!(keys, QueueKeys::Keys(_)) {
                did(PersonAct::QueueKeyRotated);
            }
            json_of(keys)
        }
        DropOldKeys::NAME => {
            let keys = relay::<DropOldKeys>(&bus, body).await?;
            if matches!(keys, QueueKeys::Keys(_)) {
                did(PersonAct::QueueKeysDropped);
            }
            json_of(keys)
        }
        _ => Err("this can't be asked".into()),
    }
}

fn read<C: Command>(body: Value) -> Result<C, String> {
    serde_json::from_value(body).map_err(|error| error.to_string())
}

async fn relay<C: Command>(bus: &Bus, body: Value) -> Result<C::Reply, String> {
    put(bus, read::<C>(body)?).await
}

async fn put<C: Command>(bus: &Bus, command: C) -> Result<C::Reply, String> {
    bus.ask(None, None, command).await.map_err(|error| format!("the queue does not answer: {error}"))
}

fn json_of(reply: impl serde::Serialize) -> Result<Value, String> {
    serde_json::to_value(reply).map(|reply| json!({ "reply": reply })).map_err(|error| error.to_string())
}
