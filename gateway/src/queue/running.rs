//! The running gateway's side: `madoguchi queue` asks it over a Unix socket of its own.

use anyhow::{Context, Result, bail};
use madoguchi_protocol::messages::Command;
use serde_json::{Value, json};
use std::{
    io::{Read, Write},
    os::unix::net::UnixStream,
    path::{Path, PathBuf},
    time::Duration,
};

/// Longer than any question's own deadline.
const WITHIN: Duration = Duration::from_secs(20);
/// The longest answer, in bytes: a hundred records, or a piece of an export as a list of numbers.
const LONGEST: u64 = 1 << 20;

/// Where the gateway answers what is asked of the queue.
pub fn socket(state_directory: &Path) -> PathBuf {
    state_directory.join("gateway/queue.sock")
}

/// The gateway that runs.
pub(super) struct Running(PathBuf);

impl Running {
    /// The gateway of this state directory; `None` where none runs.
    pub(super) fn find(state_directory: &Path) -> Option<Self> {
        let socket = socket(state_directory);
        UnixStream::connect(&socket).is_ok().then_some(Self(socket))
    }

    /// Asks, and waits for the answer.
    pub(super) fn ask<C: Command>(&self, command: C) -> Result<C::Reply> {
        let mut stream = UnixStream::connect(&self.0).context("the gateway does not answer")?;
        stream.set_read_timeout(Some(WITHIN))?;
        stream.set_write_timeout(Some(WITHIN))?;
        let question = json!({ "ask": C::NAME, "body": serde_json::to_value(command)? });
        stream.write_all(format!("{question}\n").as_bytes())?;
        let mut answer = Vec::new();
        stream.take(LONGEST).read_to_end(&mut answer).context("the gateway does not answer")?;
        let mut answer: Value = serde_json::from_slice(&answer).context("the gateway gives no JSON")?;
        if let Some(why) = answer["failed"].as_str() {
            bail!("the gateway: {why}");
        }
        serde_json::from_value(answer["reply"].take()).context("the gateway is of another version")
    }
}
