//! Child processes that never outlive this program, and what the kernel knows of TCP ports.

use std::process::{Child, Command};
use std::sync::OnceLock;
use std::sync::mpsc::{Sender, channel};
use std::time::{Duration, Instant};
use std::{fs, io, thread};

const POLL: Duration = Duration::from_millis(2);

type Order = (Command, Sender<io::Result<Child>>);

/// Spawns `command` from a thread that lives as long as this program.
///
/// The kernel sends a parent-death signal (`setpriv --pdeathsig`) when the *thread* that spawned
/// the child ends; from a test's or a pool's thread that would be far too early.
pub fn spawn(command: Command) -> io::Result<Child> {
    static SPAWNER: OnceLock<Sender<Order>> = OnceLock::new();
    let spawner = SPAWNER.get_or_init(|| {
        let (orders, inbox) = channel::<Order>();
        thread::spawn(move || {
            for (mut command, reply) in inbox {
                let _ = reply.send(command.spawn());
            }
        });
        orders
    });
    let (reply, answer) = channel();
    let gone = |_| io::Error::other("the thread that starts processes has ended");
    spawner.send((command, reply)).map_err(|_| io::Error::other("no thread to start processes"))?;
    answer.recv().map_err(gone)?
}

/// Waits until `done` says so, at most `limit`; whether it did.
pub fn wait_until(limit: Duration, mut done: impl FnMut() -> bool) -> bool {
    let begun = Instant::now();
    while !done() {
        if begun.elapsed() > limit {
            return false;
        }
        thread::sleep(POLL);
    }
    true
}

/// Whether some process of this machine listens on TCP port `port`. Asking the kernel's table does
/// not disturb the reader; connecting to it would be the insertion of a card.
pub fn is_listening(port: u16) -> bool {
    const LISTEN: &str = "0A";
    let wanted = format!("{port:04X}");
    ["/proc/net/tcp", "/proc/net/tcp6"].iter().any(|table| {
        fs::read_to_string(table).unwrap_or_default().lines().skip(1).any(|line| {
            let mut columns = line.split_ascii_whitespace().skip(1);
            let (local, _, state) = (columns.next(), columns.next(), columns.next());
            state == Some(LISTEN)
                && local.and_then(|l| l.rsplit_once(':')).is_some_and(|(_, port)| port == wanted)
        })
    })
}

/// Waits for `child` at most `limit`; whether it has ended.
pub fn wait_for_end(child: &mut Child, limit: Duration) -> bool {
    wait_until(limit, || !matches!(child.try_wait(), Ok(None)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_listening_port_is_seen_and_a_closed_one_is_not() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        assert!(is_listening(port));
        drop(listener);
        assert!(!is_listening(port));
    }

    #[test]
    fn a_child_outlives_the_thread_that_asked_for_it() {
        let ask = || {
            let mut command = Command::new("setpriv");
            command.args(["--pdeathsig", "KILL", "sleep", "5"]);
            spawn(command)
        };
        let mut child = thread::spawn(ask).join().unwrap().unwrap();
        assert!(!wait_for_end(&mut child, Duration::from_millis(100)));
        child.kill().unwrap();
        assert!(wait_for_end(&mut child, Duration::from_secs(2)));
    }
}
