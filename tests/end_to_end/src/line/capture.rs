//! What leaves the box on a line, packet by packet.

use super::namespaces::run;
use crate::process::Process;
use std::{
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, Instant},
};

/// What may be seen on a line: the tunnel itself (IKE and ESP, in UDP or not), what finds a neighbour's hardware address,
/// and IPv6's word to all on the cable about who listens to which group. ICMP's own complaints bear the beginning of
/// packets of the tunnel, nothing else.
const TUNNEL: &str = "udp port 500 or udp port 4500 or esp or arp or icmp or icmp6 or ip6 dst net ff02::/16";

/// A tcpdump that writes.
pub struct Capture {
    process: Process,
    file: PathBuf,
}

impl Capture {
    /// Listens on an interface of the box.
    pub fn start(interface: &'static str, directory: &Path) -> Self {
        let file = directory.join(format!("{interface}.pcap"));
        let mut command = Command::new("tcpdump");
        // -U: what was seen is in the file at once. The snapshot holds whole packets.
        command.args(["-i", interface, "-U", "-n", "-s", "0", "-Z", "root", "-w"]).arg(&file);
        let process = Process::start(interface, command, directory);
        let asked = Instant::now();
        while !file.exists() {
            assert!(asked.elapsed() < Duration::from_secs(20), "tcpdump does not listen: {}", process.tail());
            std::thread::sleep(Duration::from_millis(20));
        }
        Self { process, file }
    }

    /// Ends; checks that nothing but tunnels was seen, that tunnels were, and that none of `words` is there to read. Says
    /// how many packets there were.
    ///
    /// # Panics
    /// Where something of a visit was seen.
    pub fn only_tunnels(self, words: &[&str]) -> usize {
        let Self { process, file } = self;
        process.stop(Duration::from_secs(5));
        let name = file.display();
        let outside = run(&format!("tcpdump -n -r {name} not ( {TUNNEL} )"));
        assert!(outside.trim().is_empty(), "seen outside of the tunnel:\n{outside}");
        let tunnels = run(&format!("tcpdump -n -r {name} udp port 4500 or esp")).lines().count();
        assert!(tunnels > 0, "no tunnel was seen on {name}: the capture saw nothing");
        let bytes = std::fs::read(&file).expect("the capture");
        for word in words {
            assert!(
                !bytes.windows(word.len()).any(|at| at == word.as_bytes()),
                "{word:?} can be read on the line"
            );
        }
        tunnels
    }
}
