//! What systemd is told: readiness, the watchdog's food, the end.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a failed step is a failed test")]

use madoguchi_end_to_end::{House, Options, process::Process};
use rustix::process::Signal;
use std::{
    os::unix::net::UnixDatagram,
    time::{Duration, Instant},
};

/// What the unit's `WatchdogSec` would be; long enough for a machine that builds beside.
const WATCHDOG: Duration = Duration::from_secs(6);
const PATIENCE: Duration = Duration::from_secs(30);

/// The next message, `within` at most.
fn heard(socket: &UnixDatagram, within: Duration) -> Option<String> {
    let mut buffer = [0; 512];
    socket.set_read_timeout(Some(within)).unwrap();
    let length = socket.recv(&mut buffer).ok()?;
    Some(String::from_utf8_lossy(&buffer[..length]).trim().to_string())
}

fn wait_for(socket: &UnixDatagram, wanted: &str) {
    let asked = Instant::now();
    let mut told = Vec::new();
    while asked.elapsed() < PATIENCE {
        match heard(socket, PATIENCE) {
            Some(message) if message == wanted => return,
            other => told.extend(other),
        }
    }
    panic!("{wanted} is not told; told: {told:?}");
}

#[tokio::test]
async fn systemd_is_told_of_readiness_and_the_watchdog_is_fed_while_the_gateway_lives() {
    let house = House::hospital(Options { lanes: 1, ..Options::default() }).await;
    let path = house.directory().join("notify.sock");
    let socket = UnixDatagram::bind(&path).unwrap();
    let mut command = house.madoguchi(&["run"]);
    command.env("NOTIFY_SOCKET", &path).env("WATCHDOG_USEC", WATCHDOG.as_micros().to_string());
    let gateway = Process::start("gateway", command, house.directory());

    wait_for(&socket, "READY=1");
    for _ in 0..3 {
        let asked = Instant::now();
        wait_for(&socket, "WATCHDOG=1");
        assert!(asked.elapsed() < WATCHDOG, "too late: {:?}", asked.elapsed());
    }
    // A gateway that stands still does not feed it.
    gateway.signal(Signal::STOP);
    while heard(&socket, Duration::from_millis(20)).is_some() {}
    assert_eq!(heard(&socket, WATCHDOG), None, "fed by a process that stands still");
    gateway.signal(Signal::CONT);
    wait_for(&socket, "WATCHDOG=1");

    gateway.signal(Signal::TERM);
    wait_for(&socket, "STOPPING=1");
    let (status, _) = gateway.stop(Duration::from_secs(6));
    assert!(status.success(), "{status}");
}
