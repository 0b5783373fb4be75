//! The clock as `uplink` reads it from running chronyds: on their own, following a server whose time is right or wrong, and
//! left alone by it. They run in a network of the test's own and never touch the machine's clock (`chronyd -x`).

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a failed step is a failed test")]

use jiff::Timestamp;
use madoguchi_end_to_end::{
    line::{inside, run},
    process::Process,
};
use madoguchi_protocol::messages::line::ClockStage;
use madoguchi_uplink::clock::{Clock, ClockError, Tracking, ask};
use std::{
    fs,
    path::Path,
    process::Command,
    time::{Duration, Instant},
};
use tokio::time::{Instant as Moment, sleep};

/// Generous: it takes a second.
const LIMIT: Duration = Duration::from_secs(30);

/// A time server on loopback. What it calls the time is set by hand, its own idea of it and nobody else's.
const SERVER: &str = "local stratum 1\nmanual\nport 1123\nallow 127.0.0.0/8\ncmdport 0\n\
                      bindcmdaddress /run/server/socket\npidfile /run/server/pid\n";
/// The box's own, where `chronyc` looks for it, asking sixteen times a second.
const BOX: &str = "server 127.0.0.1 port 1123 minpoll -4 maxpoll -4\nport 0\npidfile /run/box.pid\n";

fn chronyd(name: &'static str, config: &str, directory: &Path) -> Process {
    let file = directory.join(format!("{name}.conf"));
    fs::write(&file, config).unwrap();
    let mut command = Command::new("chronyd");
    command.args(["-x", "-d", "-u", "root", "-f"]).arg(file);
    Process::start(name, command, directory)
}

/// Asks until the answer is as it should be.
async fn until(
    what: &str,
    is: impl Fn(&Result<Tracking, ClockError>) -> bool,
) -> Result<Tracking, ClockError> {
    let asked = Instant::now();
    loop {
        let answer = ask().await;
        if is(&answer) {
            return answer;
        }
        assert!(asked.elapsed() < LIMIT, "{what}: {answer:?}");
        sleep(Duration::from_millis(50)).await;
    }
}

fn stage(tracking: Tracking) -> ClockStage {
    let now = Moment::now();
    Clock::new(now).judge(Some(tracking), now).stage
}

/// Has the server call it a minute and a half later than it is, once it listens.
fn set_ahead() -> bool {
    let ahead = Timestamp::now() + Duration::from_secs(90);
    let mut command = Command::new("chronyc");
    command.args(["-h", "/run/server/socket", "settime", &ahead.strftime("%Y-%m-%d %H:%M:%S").to_string()]);
    command.env("TZ", "UTC").output().unwrap().status.success()
}

#[tokio::test(flavor = "multi_thread")]
async fn running_chrony_is_read_alone_following_off_and_left_by_its_server() {
    if !inside("running_chrony_is_read_alone_following_off_and_left_by_its_server") {
        return;
    }
    run("ip link set lo up");
    // Sockets and numbers of processes of the test's own.
    run("mount -t tmpfs tmpfs /run");
    run("mkdir -m 750 /run/server");
    let directory = tempfile::tempdir().unwrap();
    let nobody = ask().await;
    assert!(matches!(nobody, Err(ClockError::NoAnswer(_))), "{nobody:?}");

    let ours = chronyd("box", BOX, directory.path());
    let alone = until("no server", Result::is_ok).await.unwrap();
    assert_eq!((alone.heard, alone.offset_us, alone.synchronised()), (None, 0, false));

    let server = chronyd("server", SERVER, directory.path());
    let follows = |answer: &Result<Tracking, _>| matches!(answer, Ok(it) if it.synchronised());
    let good = until("a server", follows).await.unwrap();
    assert!(good.offset_us.abs() < 500_000, "{good:?}");
    assert_eq!(stage(good), ClockStage::Good);

    // The server is gone. chrony still calls itself synchronised; that it has heard nothing since is what is seen.
    server.kill();
    let left = until(
        "the server is gone",
        |answer| matches!(answer, Ok(Tracking { heard: Some(ago), .. }) if *ago > Duration::from_secs(2)),
    )
    .await
    .unwrap();
    let later = until("it stays so", |answer| matches!(answer, Ok(it) if it.heard > left.heard)).await;
    assert!(later.unwrap().heard > left.heard);
    ours.kill();

    // A server by whose time the box is a minute and a half behind.
    let _server = chronyd("server", SERVER, directory.path());
    let asked = Instant::now();
    while !set_ahead() {
        assert!(asked.elapsed() < LIMIT, "the server takes no time");
        sleep(Duration::from_millis(50)).await;
    }
    let _ours = chronyd("box", BOX, directory.path());
    let off = |answer: &Result<Tracking, _>| matches!(answer, Ok(it) if it.synchronised() && (85_000_000..95_000_000).contains(&it.offset_us.abs()));
    let off = until("a server that is ahead", off).await.unwrap();
    assert_eq!(stage(off), ClockStage::Critical);
}
