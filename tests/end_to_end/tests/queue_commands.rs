//! `madoguchi queue …` on the queue of a stopped gateway, and what only a running one does.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a failed step is a failed test")]

use madoguchi_end_to_end::{
    House, Options,
    visits::{self, Way},
};
use serde_json::Value;
use std::{
    collections::BTreeSet,
    fs,
    os::unix::fs::PermissionsExt,
    path::Path,
    process::{Command, Output},
};

const PAGE: usize = 4096;

fn queue(house: &House, arguments: &[&str]) -> Output {
    house.madoguchi(&[&["queue"], arguments].concat()).output().unwrap()
}

/// What a command that succeeds prints.
fn said(house: &House, arguments: &[&str]) -> String {
    let output = queue(house, arguments);
    assert!(output.status.success(), "{arguments:?}: {output:?}");
    String::from_utf8(output.stdout).unwrap()
}

fn listed(house: &House) -> Vec<Value> {
    serde_json::from_str(&said(house, &["list", "--json"])).unwrap()
}

fn id(record: &Value) -> &str {
    record["id"].as_str().unwrap()
}

/// A gateway that was stopped while two deferred visits waited.
async fn with_two_that_wait() -> House {
    let mut house = House::open(Options::default()).await;
    house.line_down().await;
    for lane in [1, 2] {
        let last = visits::serve(&house.lane(lane), Way::Android, &format!("android#{lane}")).await;
        assert_eq!(last.kind, "deferred", "{}", last.words());
    }
    // A running gateway tells the same; looking through the file itself needs it stopped.
    let running = said(&house, &["list"]);
    assert!(running.contains("2 wait for the centre, 0 answered, 0 set aside"), "{running}");
    assert!(running.contains("hours of outage left") && running.contains("when full: nothing"), "{running}");
    let check = queue(&house, &["check"]);
    assert!(!check.status.success());
    let why = String::from_utf8(check.stderr).unwrap();
    assert!(why.contains("the gateway runs") && why.contains("stop the gateway first"), "{why}");
    house.stop_gateway();
    house
}

#[tokio::test]
async fn list_and_show_tell_what_waits_without_personal_data() {
    let house = with_two_that_wait().await;
    let text = said(&house, &["list"]);
    assert!(text.contains("2 wait for the centre, 0 answered, 0 set aside"), "{text}");
    let records = listed(&house);
    assert_eq!(records.iter().map(|record| record["lane"].as_u64().unwrap()).collect::<Vec<_>>(), [1, 2]);
    for record in &records {
        assert_eq!(record["stage"], "accepted");
        let keys: BTreeSet<_> = record.as_object().unwrap().keys().map(String::as_str).collect();
        let known = ["accepted_at", "id", "lane", "sealed_bytes", "stage", "stage_since"];
        assert_eq!(keys, BTreeSet::from(known), "anything new here must not be personal data");
        let shown: Value = serde_json::from_str(&said(&house, &["show", id(record)])).unwrap();
        assert_eq!(shown, *record);
    }
    let unknown = queue(&house, &["show", "00000000-0000-4000-8000-000000000000"]);
    assert!(!unknown.status.success());
    assert!(said(&house, &["check"]).contains("2 records checked, 0 damaged"));
}

#[tokio::test]
async fn export_is_sealed_and_for_its_owner_alone() {
    let house = with_two_that_wait().await;
    let records = listed(&house);
    let file = house.directory().join("export");
    let path = file.to_str().unwrap();
    let warning = said(&house, &["export", "--output", path, id(&records[0])]);
    assert!(warning.contains("personal data") && warning.contains("key"), "{warning}");
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    let text = fs::read_to_string(&file).unwrap();
    let exported: Value = serde_json::from_str(text.trim()).unwrap();
    assert_eq!(id(&exported), id(&records[0]));
    let sealed = exported["request_sealed"].as_str().unwrap();
    assert!(sealed.len() > 1000, "the whole request, signature and all: {}", sealed.len());
    // In the clear, a request holds the centre's words and the statement's.
    for word in ["certificate", "institution", "nonce"] {
        let clear: String = word.bytes().map(|byte| format!("{byte:02x}")).collect();
        assert!(!sealed.contains(&clear), "{word} can be read");
    }
    let again = queue(&house, &["export", "--output", path, id(&records[0])]);
    assert!(!again.status.success(), "nothing is written over");
}

#[tokio::test]
async fn record_that_was_set_aside_is_retried_and_settled() {
    let mut house = House::open(Options::default()).await;
    visits::one_set_aside(&house).await;
    house.stop_gateway();
    let records = listed(&house);
    assert_eq!(records.len(), 1);
    assert_eq!(records[0]["reason"], "refused-by-centre");
    assert_eq!(records[0]["note"], "http-400");
    let text = said(&house, &["retry", "--all"]);
    assert!(text.contains(id(&records[0])) && text.contains("back in the line"), "{text}");
    let again = queue(&house, &["retry", id(&records[0])]);
    assert!(!again.status.success(), "it is not set aside any more");
    house.centre_well().await;
    house.lane(1).take_away().await;
    house.start_gateway();
    house.settled(1).await;
}

#[tokio::test]
async fn record_that_was_set_aside_is_discarded_while_the_gateway_runs_and_nothing_of_it_stays() {
    let mut house = House::open(Options::default()).await;
    visits::one_set_aside(&house).await;
    let records = listed(&house);
    let discard = |more: &[&str]| {
        queue(&house, &[&["discard", id(&records[0]), "--reason", "unconfirmable"], more].concat())
    };
    let listing = discard(&[]);
    assert!(!listing.status.success(), "not without --yes");
    assert!(String::from_utf8(listing.stdout).unwrap().contains("refused-by-centre http-400"));
    assert!(String::from_utf8(listing.stderr).unwrap().contains("nothing was discarded"));
    assert_eq!(listed(&house), records);

    let done = discard(&["--yes"]);
    assert!(done.status.success(), "{done:?}");
    assert!(!discard(&["--yes"]).status.success(), "it is not set aside any more");
    assert!(listed(&house).is_empty());
    let shown: Value = serde_json::from_str(&said(&house, &["show", id(&records[0])])).unwrap();
    assert_eq!((&shown["stage"], &shown["sealed_bytes"]), (&"settled".into(), &0.into()), "{shown}");
    assert_eq!((&shown["reason"], &shown["note"]), (&"discarded".into(), &"unconfirmable".into()), "{shown}");
    house.cleared("offline_queue").await;

    // A stopped gateway can neither count it nor write it down.
    visits::leave(&house.lane(1)).await;
    house.stop_gateway();
    let stopped = queue(&house, &["discard", id(&records[0]), "--reason", "no-patient", "--yes"]);
    assert!(!stopped.status.success());
    let why = String::from_utf8(stopped.stderr).unwrap();
    assert!(why.contains("audit log"), "{why}");
}

#[tokio::test]
async fn damaged_queue_is_found_by_check_and_mended_by_repair() {
    let mut house = with_two_that_wait().await;
    let before = listed(&house);
    let file = house.directory().join("state/queue/store/queue.db");
    let mut bytes = fs::read(&file).unwrap();
    // The third page of the file is the root of an index: what it says stands elsewhere, too.
    bytes[2 * PAGE..3 * PAGE].fill(0xa5);
    fs::write(&file, bytes).unwrap();

    let check = queue(&house, &["check"]);
    assert!(!check.status.success());
    let why = String::from_utf8(check.stderr).unwrap();
    assert!(why.contains("madoguchi queue repair"), "it says what to do: {why}");
    let text = said(&house, &["repair"]);
    assert!(text.contains("2 records kept, 0 of them damaged"), "{text}");
    assert_eq!(listed(&house), before);
    assert!(said(&house, &["check"]).contains("2 records checked, 0 damaged"));

    house.centre_well().await;
    house.start_gateway();
    house.settled(2).await;
}

#[tokio::test]
async fn gateway_mends_a_damaged_queue_when_it_starts() {
    let mut house = with_two_that_wait().await;
    let directory = house.directory().join("state/queue/store");
    let mut bytes = fs::read(directory.join("queue.db")).unwrap();
    bytes[2 * PAGE..3 * PAGE].fill(0xa5);
    fs::write(directory.join("queue.db"), bytes).unwrap();
    house.centre_well().await;
    house.start_gateway();
    house.settled(2).await;
    let names = fs::read_dir(&directory).unwrap().flatten().map(|entry| entry.file_name());
    let aside = names.filter(|name| name.to_string_lossy().contains("damaged")).count();
    assert_eq!(aside, 1, "the damaged file is kept");
}

#[tokio::test]
async fn key_is_rotated_and_the_old_one_dropped_and_nobody_is_lost() {
    let mut house = with_two_that_wait().await;
    let (records, key) = (listed(&house), house.directory().join("state/queue/queue-key"));
    let before = fs::read_to_string(&key).unwrap();
    assert!(said(&house, &["drop-old-keys"]).contains("no key can go"));
    let text = said(&house, &["rotate-key"]);
    assert!(text.contains("2 sealed parts were sealed anew") && text.contains("drop-old-keys"), "{text}");
    let both = fs::read_to_string(&key).unwrap();
    assert!(both.ends_with(&before) && both.lines().count() == 2, "the new one is on top");
    assert!(said(&house, &["drop-old-keys"]).contains("is gone"));
    let after = fs::read_to_string(&key).unwrap();
    assert_eq!(after.trim(), both.lines().next().unwrap());
    assert_eq!(fs::metadata(&key).unwrap().permissions().mode() & 0o777, 0o600);
    assert!(said(&house, &["check"]).contains("2 records checked, 0 damaged"));
    assert_eq!(listed(&house), records);
    house.centre_well().await;
    for lane in [1, 2] {
        house.lane(lane).take_away().await;
    }
    house.start_gateway();
    house.settled(2).await;
}

#[tokio::test]
async fn key_that_systemd_hands_over_is_not_changed() {
    let house = with_two_that_wait().await;
    let credentials = house.directory().join("credentials");
    fs::create_dir(&credentials).unwrap();
    fs::copy(house.directory().join("state/queue/queue-key"), credentials.join("queue-key")).unwrap();
    let before = fs::read_to_string(credentials.join("queue-key")).unwrap();
    for act in ["rotate-key", "drop-old-keys"] {
        let mut command = house.madoguchi(&["queue", act]);
        let output = command.env("CREDENTIALS_DIRECTORY", &credentials).output().unwrap();
        assert!(!output.status.success());
        let why = String::from_utf8(output.stderr).unwrap();
        assert!(why.contains("credential") && why.contains("The queue's key"), "{why}");
        assert_eq!(fs::read_to_string(credentials.join("queue-key")).unwrap(), before);
    }
}

/// systemd's credentials below a directory of the test's own, with a host key of their own.
fn systemd(directory: &Path, program: &str) -> Command {
    let mut command = Command::new(program);
    command.current_dir(directory).env("SYSTEMD_CREDENTIAL_SECRET", directory.join("host-key"));
    command
}

/// The README's commands for a new key, but for the restart of the unit, and never with a TPM.
fn key_as_the_readme_says(directory: &Path) -> Output {
    let readme = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../README.md")).unwrap();
    let lines = readme.split("```\ncd /var/lib/madoguchi-keys\n").nth(1).expect("the commands");
    let (lines, restart) = lines.split("```").next().unwrap().split_once("systemctl restart").unwrap();
    assert_eq!(restart.trim(), "madoguchi-offline_queue.service");
    assert!(lines.contains("systemd-creds encrypt "));
    let lines = lines.replace("systemd-creds encrypt ", "systemd-creds encrypt --with-key=host ");
    systemd(directory, "sh").args(["-c", &lines]).output().unwrap()
}

#[tokio::test]
async fn new_key_goes_into_systemds_credential_by_the_readmes_commands_and_no_key_is_lost() {
    let house = with_two_that_wait().await;
    let directory = house.directory().join("credentials");
    let (sealed, handed_over) = (directory.join("queue-key.cred"), directory.join("queue-key"));
    fs::create_dir(&directory).unwrap();
    let key = house.directory().join("state/queue/queue-key");
    let before = fs::read_to_string(&key).unwrap();
    let mut first = systemd(&directory, "systemd-creds");
    first.args(["encrypt", "--with-key=host", "--name=queue-key"]).arg(&key).arg(&sealed);
    assert!(first.status().unwrap().success());

    let done = key_as_the_readme_says(&directory);
    assert!(done.status.success(), "{done:?}");
    // What systemd does when it starts the unit.
    let mut hand_over = systemd(&directory, "systemd-creds");
    hand_over.args(["decrypt", "--name=queue-key", "queue-key.cred", "queue-key"]);
    assert!(hand_over.status().unwrap().success());
    fs::set_permissions(&handed_over, fs::Permissions::from_mode(0o400)).unwrap();
    let both = fs::read_to_string(&handed_over).unwrap();
    assert_eq!(both.lines().count(), 2, "the new one and the old one");
    assert_eq!(both.lines().last(), Some(before.trim()));
    let with_both = |act| {
        let mut command = house.madoguchi(&["queue", act]);
        let output = command.env("CREDENTIALS_DIRECTORY", &directory).output().unwrap();
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap()
    };
    assert!(with_both("check").contains("2 records checked, 0 damaged"));
    let keys = with_both("keys");
    assert!(keys.lines().next().unwrap().ends_with("seals") && keys.contains("still needed"), "{keys}");

    // A credential that can't be read is not replaced by one that lacks the old key.
    fs::write(&sealed, "another machine's").unwrap();
    assert!(!key_as_the_readme_says(&directory).status.success());
    assert_eq!(fs::read_to_string(&sealed).unwrap(), "another machine's");
}
