//! The queue at its limits: full, unable to write, and with what the centre will not take. Nothing that was
//! accepted is lost, and nothing is accepted that can't be kept.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a failed step is a failed test")]

use madoguchi_end_to_end::{
    House, Options,
    process::Process,
    visits::{self, Way},
};
use madoguchi_protocol::fault::FaultCode;
use serde_json::json;
use std::{
    fs::{self, File},
    io::{ErrorKind, Write},
    path::Path,
    process::Command,
};

const QUEUE: &str = "offline_queue";

fn with_queue(settings: &str) -> Options {
    Options { lanes: 1, append: format!("\n[offline_queue]\n{settings}\n"), ..Options::default() }
}

/// A visit by iPhone, to its last screen. Each patient has a phone of their own.
async fn visit(house: &House, patient: usize) -> String {
    let lane = house.lane(1);
    visits::present(&lane, Way::Iphone, &format!("iphone#{patient}")).await;
    let last = visits::consent(&lane).await;
    lane.take_away().await;
    for way_out in ["finish", "cancel"] {
        if last.offers(way_out) {
            lane.touch(way_out).await;
            break;
        }
    }
    lane.wait(&["idle"]).await;
    last.kind
}

async fn set_aside(house: &House) -> u64 {
    house.states().await[QUEUE]["detail"]["offline_queue"]["set_aside"].as_u64().unwrap_or(0)
}

#[tokio::test]
async fn full_queue_leads_to_the_fallbacks() {
    let house = House::open(with_queue("most_records = 2")).await;
    house.line_down().await;
    assert_eq!(visit(&house, 1).await, "deferred");
    assert_eq!(visit(&house, 2).await, "deferred");
    house.raised(QUEUE, FaultCode::QueueFull).await;
    assert_eq!(visit(&house, 3).await, "fallback", "nothing more fits");
    // Room again, and everything goes on.
    house.centre_well().await;
    house.settled(2).await;
    house.cleared(QUEUE).await;
    assert_eq!(visit(&house, 3).await, "done");
    house.settled(3).await;
}

#[tokio::test]
async fn store_that_cannot_write_accepts_nothing() {
    let mut house = House::hospital(with_queue("")).await;
    let folder = house.directory().join("state/queue");
    fs::create_dir_all(house.directory().join("state")).unwrap();
    fs::write(&folder, "a file where the queue's folder should be").unwrap();
    house.start_gateway();
    house.ready().await;
    house.raised(QUEUE, FaultCode::QueueFailed).await;
    assert_eq!(visit(&house, 1).await, "fallback");
    assert!(house.effects().await.is_empty(), "what is not kept is not sent");
    // Mended without a restart.
    fs::remove_file(&folder).unwrap();
    house.cleared(QUEUE).await;
    assert_eq!(visit(&house, 1).await, "done");
    house.settled(1).await;
}

/// The gateway with its queue on a disk of a few MiB of its own, in a mount namespace of its own.
fn on_small_disk(house: &House) -> Process {
    let queue = house.directory().join("state/queue");
    fs::create_dir_all(&queue).unwrap();
    let gateway = house.madoguchi(&["run"]);
    let options: &[&str] =
        if rustix::process::geteuid().is_root() { &[] } else { &["--user", "--map-root-user"] };
    let mut command = Command::new("unshare");
    command.args(options).args(["--mount", "sh", "-c"]);
    command.arg(r#"mount -t tmpfs -o size=8m,mode=0700 none "$0" && exec "$@""#).arg(queue);
    command.arg(gateway.get_program()).args(gateway.get_args());
    command.envs(gateway.get_envs().filter_map(|(name, value)| Some((name, value?))));
    Process::start("gateway", command, house.directory())
}

/// Somebody else takes all that is left.
fn fill(path: &Path) {
    let mut file = File::create(path).unwrap();
    for size in [4096, 1] {
        loop {
            match file.write(&vec![7; size]) {
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::StorageFull => break,
                Err(error) => panic!("{error}"),
            }
        }
    }
}

#[tokio::test]
async fn full_disk_accepts_nothing_more_and_settles_what_was_accepted() {
    let mut house = House::hospital(with_queue("keep_free_mib = 0\nballast_mib = 1")).await;
    let gateway = on_small_disk(&house);
    house.ready().await;
    house.line_down().await;
    let mut accepted = 0;
    while accepted < 2 {
        accepted += 1;
        assert_eq!(visit(&house, accepted).await, "deferred");
    }
    // Through the process's own view of the file system.
    let seen = Path::new("/proc").join(gateway.id().to_string()).join("root");
    let queue = house.directory().join("state/queue");
    let in_the_way = seen.join(queue.strip_prefix("/").unwrap()).join("somebody else's");
    fill(&in_the_way);
    // The store's own pages have room for a few more at most.
    while visit(&house, accepted + 1).await == "deferred" {
        accepted += 1;
        assert!(accepted < 12, "the disk is never full");
    }
    house.raised(QUEUE, FaultCode::QueueFull).await;
    house.centre_well().await;
    house.settled(accepted).await;
    fs::remove_file(in_the_way).unwrap();
    house.cleared(QUEUE).await;
    assert_eq!(visit(&house, accepted + 1).await, "done");
    house.settled(accepted + 1).await;
}

#[tokio::test]
async fn malformed_confirmation_is_set_aside() {
    let house = House::open(with_queue("")).await;
    let refuses =
        json!({ "fault": { "kind": "status", "code": 422 }, "path": "/v1/confirmations", "remaining": 1 });
    house.centre_fault(refuses).await;
    let last = visit(&house, 1).await;
    assert!(["deferred", "fallback"].contains(&last.as_str()), "nobody confirmed it: {last}");
    house.raised(QUEUE, FaultCode::ConfirmationSetAside).await;
    house.until("it is set aside", async |house| set_aside(house).await == 1).await;
    // It holds nobody up, and is not tried again.
    assert_eq!(visit(&house, 2).await, "done");
    house.settled(1).await;
    assert_eq!(set_aside(&house).await, 1);
}
