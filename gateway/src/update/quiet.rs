//! A quiet moment: no lane has a visit in progress, and none has had one for a while.

use anyhow::{Context, Result, bail};
use serde_json::Value;
use std::{
    io::Read,
    os::unix::net::UnixStream,
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};

/// How long it must have been quiet: somebody who has just gone may come back.
pub const QUIET: Duration = Duration::from_secs(60);
/// How often is looked.
const LOOK: Duration = Duration::from_secs(2);
/// The longest answer, in bytes.
const LONGEST: u64 = 16 * 1024 * 1024;

/// Waits until the gateway of this state directory has shown no visit for [`QUIET`]; `patience` at most.
pub fn wait(state_directory: &Path, patience: Duration) -> Result<()> {
    let asked = Instant::now();
    let mut since = None;
    loop {
        match states(state_directory) {
            Ok(states) if visits(&states) == 0 => {
                let since = *since.get_or_insert_with(Instant::now);
                if since.elapsed() >= QUIET {
                    return Ok(());
                }
            }
            // A gateway that does not answer says nothing about the lanes: wait.
            _ => since = None,
        }
        if asked.elapsed() > patience {
            bail!("patients were at the readers all the time; try again, or say --now");
        }
        thread::sleep(LOOK);
    }
}

/// How many visits are in progress.
fn visits(states: &Value) -> usize {
    let in_progress = |state: &Value| !state["detail"]["face_reader"]["visit"].is_null();
    states["states"]
        .as_object()
        .map_or(0, |states| states.values().filter(|state| in_progress(state)).count())
}

/// Where the gateway tells the box's own programs what it knows.
pub fn socket(state_directory: &Path) -> PathBuf {
    state_directory.join("gateway/state.sock")
}

/// What the gateway knows of every actor.
pub fn states(state_directory: &Path) -> Result<Value> {
    let limit = Duration::from_secs(5);
    let stream = UnixStream::connect(socket(state_directory)).context("the gateway does not answer")?;
    stream.set_read_timeout(Some(limit))?;
    let mut answer = Vec::new();
    stream.take(LONGEST).read_to_end(&mut answer)?;
    serde_json::from_slice(&answer).context("the gateway gives no JSON")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_visit_in_progress_at_any_lane_is_seen() {
        let lane =
            |visit: Value| json!({ "detail": { "face_reader": { "connected": true, "visit": visit } } });
        let quiet = json!({ "states": { "face_reader@1": lane(Value::Null), "uplink": { "detail": {} } } });
        assert_eq!(visits(&quiet), 0);
        let busy =
            json!({ "states": { "face_reader@1": lane(Value::Null), "face_reader@2": lane(json!({})) } });
        assert_eq!(visits(&busy), 1);
    }
}
