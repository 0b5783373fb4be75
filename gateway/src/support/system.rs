//! What the box is and how it is doing, from the kernel.

use std::{fs, path::Path, thread::available_parallelism};

/// The program's and the operating system's versions.
pub(super) fn versions() -> String {
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let release = fs::read_to_string("/etc/os-release").unwrap_or_default();
    let system = release.lines().find_map(|line| line.strip_prefix("PRETTY_NAME="));
    format!(
        "madoguchi {}\n{}\nLinux {} {}\n",
        env!("CARGO_PKG_VERSION"),
        system.unwrap_or("(unknown system)").trim_matches('"'),
        kernel.trim(),
        std::env::consts::ARCH,
    )
}

/// Processors, memory, load, how long it has been up, and which network sockets are up. No addresses.
pub(super) fn facts() -> String {
    let processors = available_parallelism().map_or(0, usize::from);
    let first = |path: &str, words: usize| {
        let text = fs::read_to_string(path).unwrap_or_default();
        text.split_whitespace().take(words).collect::<Vec<_>>().join(" ")
    };
    let memory = fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let memory =
        memory.lines().filter(|line| ["MemTotal:", "MemAvailable:"].iter().any(|it| line.starts_with(it)));
    let mut facts = format!(
        "processors: {processors}\nup for: {} s\nload: {}\n",
        first("/proc/uptime", 1),
        first("/proc/loadavg", 3)
    );
    for line in memory {
        facts.push_str(&format!("{}\n", line.split_whitespace().collect::<Vec<_>>().join(" ")));
    }
    for (name, state) in sockets(Path::new("/sys/class/net")) {
        facts.push_str(&format!("network socket {name}: {state}\n"));
    }
    facts
}

/// Network sockets and whether they are up, by name; a few dozen at most.
fn sockets(folder: &Path) -> Vec<(String, String)> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten().take(32);
    let state = |name: &str| fs::read_to_string(folder.join(name).join("operstate")).unwrap_or_default();
    let mut all: Vec<_> = entries
        .filter_map(|entry| entry.file_name().into_string().ok())
        .map(|name| (name.clone(), state(&name).trim().to_owned()))
        .collect();
    all.sort();
    all
}
