//! What the gateway says to systemd's journal, read back out of a real one.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a failed step is a failed test")]

use madoguchi_end_to_end::{
    House, Options,
    process::Process,
    visits::{self, Way},
};
use serde_json::Value;
use std::{
    collections::BTreeSet,
    fs,
    process::Command,
    time::{Duration, Instant},
};

/// In a mount namespace of its own, so that the machine's journal has no part in it: a journal service that keeps its
/// files in `$1` and ends with the gateway, which takes this shell's place and has the journal for its output as a unit
/// has.
const UNIT: &str = "
set -e
mount -t tmpfs -o mode=755 none /run
mkdir -p /run/systemd/journal /run/log/journal
mount --bind \"$1\" /run/log/journal
mount --bind \"$2\" /etc/systemd/journald.conf
setpriv --pdeathsig TERM /lib/systemd/systemd-journald &
until [ -S /run/systemd/journal/stdout ]; do sleep 0.05; done
shift 2
exec systemd-cat --identifier=madoguchi sh -c '
    export JOURNAL_STREAM=$(stat -L -c %d:%i /proc/self/fd/2)
    exec \"$@\"' unit \"$@\"
";

/// The gateway as a unit of systemd that logs to the journal in `journal`.
fn unit(house: &House) -> Command {
    let (journal, conf) = (house.directory().join("journal"), house.directory().join("journald.conf"));
    fs::create_dir_all(&journal).unwrap();
    fs::write(&conf, "[Journal]\nStorage=volatile\nReadKMsg=no\nAudit=no\n").unwrap();
    let gateway = house.madoguchi(&["run"]);
    let mut command = Command::new("unshare");
    command.args(["--mount", "sh", "-c", UNIT, "unit"]).args([&journal, &conf]);
    command.arg(gateway.get_program()).args(gateway.get_args());
    command.envs(gateway.get_envs().filter_map(|(name, value)| Some((name, value?))));
    // The configuration's own levels.
    command.env_remove("MADOGUCHI_LOG");
    command
}

/// The gateway's lines in the journal so far: priority and line.
fn lines(house: &House) -> Vec<(u8, Value)> {
    let journal = house.directory().join("journal");
    let said = Command::new("journalctl")
        .args(["--output=json", "--all", "--identifier=madoguchi", "--directory"])
        .arg(journal)
        .output()
        .unwrap();
    let said = String::from_utf8(said.stdout).unwrap();
    said.lines()
        .map(|entry| {
            let entry: Value = serde_json::from_str(entry).unwrap();
            let text = entry["MESSAGE"].as_str().expect("a text").to_owned();
            let line = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"));
            (entry["PRIORITY"].as_str().unwrap().parse().unwrap(), line)
        })
        .collect()
}

fn levels(lines: &[(u8, Value)]) -> BTreeSet<(u8, String)> {
    lines.iter().map(|(priority, line)| (*priority, line["level"].as_str().unwrap().to_owned())).collect()
}

#[tokio::test]
async fn the_journal_has_each_line_whole_under_its_priority() {
    let house = House::hospital(Options { lanes: 1, ..Options::default() }).await;
    let gateway = Process::start("gateway", unit(&house), house.directory());
    house.lanes_are_ready().await;
    let lane = house.lane(1);
    assert_eq!(visits::serve(&lane, Way::Android, "android").await.kind, "done");
    lane.face_reader("disconnect").await;

    // A reader that is gone is a warning; `journalctl --priority=warning` finds it.
    let asked = Instant::now();
    let found = loop {
        let lines = lines(&house);
        if lines.iter().any(|(priority, _)| *priority == 4) {
            break lines;
        }
        assert!(asked.elapsed() < Duration::from_secs(30), "no warning among {lines:#?}");
        tokio::time::sleep(Duration::from_millis(200)).await;
    };
    let known =
        [(3, "ERROR"), (4, "WARN"), (6, "INFO")].map(|(priority, level)| (priority, level.to_owned()));
    let levels = levels(&found);
    assert!(levels.is_subset(&BTreeSet::from(known)), "{levels:?}");
    assert!(levels.iter().any(|(priority, _)| *priority == 6), "{levels:?}");
    // The journal stays on the disk: whoever reads it there can't become the box's first administrator.
    let code = fs::read_to_string(house.directory().join("state/gateway/first-start-code")).unwrap();
    let said = format!("{found:?}");
    assert!(said.contains("nobody administers this box yet"), "{said}");
    assert!(!code.trim().is_empty() && !said.contains(code.trim()), "the code is in the journal");
    let (status, _) = gateway.stop(Duration::from_secs(8));
    assert!(status.success(), "{status}");
}
