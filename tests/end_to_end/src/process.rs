//! A program under test: started, signalled and ended by its own process id.

use rustix::process::{Pid, Signal, kill_process};
use std::{
    fs::File,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    time::{Duration, Instant},
};

/// A running program whose output goes to a file.
pub struct Process {
    child: Child,
    name: &'static str,
    /// Where its output is.
    pub log: PathBuf,
}

impl Process {
    /// Starts `command`; what it prints is appended to `<directory>/<name>.log`.
    pub fn start(name: &'static str, mut command: Command, directory: &Path) -> Self {
        let log = directory.join(format!("{name}.log"));
        let output = File::options().create(true).append(true).open(&log).expect("a log file");
        let child = command
            .stdin(Stdio::null())
            .stdout(output.try_clone().expect("a file handle"))
            .stderr(output)
            .spawn()
            .unwrap_or_else(|error| {
                panic!("{name} does not start ({command:?}): {error}; run `cargo build --workspace`")
            });
        Self { child, name, log }
    }

    /// Its process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Sends a signal.
    pub fn signal(&self, signal: Signal) {
        let pid = Pid::from_raw(self.child.id().cast_signed()).expect("a process id");
        kill_process(pid, signal).expect("the process is there");
    }

    /// Sends SIGKILL and waits for the end.
    pub fn kill(mut self) {
        self.child.kill().expect("it can be killed");
        self.child.wait().expect("it ends");
    }

    /// Sends SIGTERM; says how it ended and how long that took.
    pub fn stop(mut self, within: Duration) -> (ExitStatus, Duration) {
        self.signal(Signal::TERM);
        let asked = Instant::now();
        while asked.elapsed() < within {
            if let Some(status) = self.child.try_wait().expect("a status") {
                return (status, asked.elapsed());
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        panic!("{} does not stop within {within:?}:\n{}", self.name, self.tail());
    }

    /// Whether it still runs.
    pub fn is_running(&mut self) -> bool {
        self.child.try_wait().expect("a status").is_none()
    }

    /// The end of what it printed.
    pub fn tail(&self) -> String {
        let log = std::fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<_> = log.lines().collect();
        lines[lines.len().saturating_sub(40)..].join("\n")
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if self.child.try_wait().ok().flatten().is_none() {
            // In good order first: it may have children of its own.
            self.signal(Signal::TERM);
            let asked = Instant::now();
            while asked.elapsed() < Duration::from_secs(6) {
                if self.child.try_wait().ok().flatten().is_some() {
                    return;
                }
                std::thread::sleep(Duration::from_millis(10));
            }
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}

/// The child processes of `parent`: id and name of each, from /proc.
pub fn children(parent: u32) -> Vec<(u32, String)> {
    let processes = std::fs::read_dir("/proc").expect("/proc");
    processes
        .filter_map(|entry| {
            let id: u32 = entry.ok()?.file_name().to_str()?.parse().ok()?;
            // `id (name) state parent …`; a name may hold spaces and parentheses itself.
            let line = std::fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
            let (start, rest) = line.rsplit_once(')')?;
            let is_child = rest.split_whitespace().nth(1)?.parse() == Ok(parent);
            is_child.then(|| (id, start.split_once('(').map_or("", |(_, name)| name).to_owned()))
        })
        .collect()
}

/// Whether a process runs: one that has ended and is not yet collected does not.
pub fn runs(id: u32) -> bool {
    let line = std::fs::read_to_string(format!("/proc/{id}/stat")).unwrap_or_default();
    line.rsplit_once(')').is_some_and(|(_, rest)| !rest.trim_start().starts_with('Z'))
}

/// Sends SIGKILL to a process that this test's programs started.
pub fn kill(id: u32) {
    let pid = Pid::from_raw(id.cast_signed()).expect("a process id");
    kill_process(pid, Signal::KILL).expect("the process is there");
}
