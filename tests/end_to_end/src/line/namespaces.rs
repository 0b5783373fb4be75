//! Namespaces: a test's own, and those that it makes inside.

use std::{
    fs::File,
    os::fd::AsFd,
    process::{Command, Stdio},
};

/// Says that the test runs inside its own namespaces already.
const INSIDE: &str = "MADOGUCHI_INSIDE_NAMESPACES";

/// Runs the test `name` of this program anew, in a network, mount and process namespace of its own, unless it is there
/// already. Says whether it is: a test begins with `if !inside("its_name") { return; }`.
///
/// # Panics
/// Where the test fails inside, or where no namespace can be made; the message says what to do.
pub fn inside(name: &str) -> bool {
    if std::env::var_os(INSIDE).is_some() {
        return true;
    }
    let mut command = Command::new("unshare");
    // Without root, a user namespace in which the test is root.
    if !rustix::process::geteuid().is_root() {
        command.args(["--user", "--map-root-user"]);
    }
    command.args(["--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc", "--"]);
    command.arg(std::env::current_exe().expect("this program")).args(["--exact", name, "--nocapture"]);
    let output =
        command.env(INSIDE, "1").stdin(Stdio::null()).output().expect("unshare (package util-linux)");
    let (out, error) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    println!("{out}");
    assert!(
        output.status.success() && out.contains("1 passed"),
        "{name} failed inside its namespaces ({}). If unshare was refused: run the tests as root, or allow user \
         namespaces (sysctl kernel.unprivileged_userns_clone=1).\n{error}",
        output.status
    );
    false
}

/// Runs a command to its end.
///
/// # Panics
/// Where it fails.
pub fn run(line: &str) -> String {
    let mut words = line.split_whitespace();
    let program = words.next().expect("a program");
    let output = Command::new(program).args(words).stdin(Stdio::null()).output();
    let output = output.unwrap_or_else(|error| panic!("{line}: {error}; run .ci/install"));
    let (out, error) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{line}: {}\n{out}{error}", output.status);
    out.into_owned()
}

/// A place in the network: the box itself, or a namespace beside it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// The test's own.
    Box,
    /// Beside it, by this name.
    Named(&'static str),
}

impl Place {
    /// Runs `ip` there.
    pub fn ip(self, arguments: &str) -> String {
        match self {
            Self::Box => run(&format!("ip {arguments}")),
            Self::Named(name) => run(&format!("ip -n {name} {arguments}")),
        }
    }

    /// A command there.
    pub fn command(self, program: &str) -> Command {
        match self {
            Self::Box => Command::new(program),
            Self::Named(name) => {
                let mut command = Command::new("ip");
                command.args(["netns", "exec", name, program]);
                command
            }
        }
    }

    /// Loads rules of nftables there.
    pub fn nft(self, rules: &str) {
        use std::io::Write;
        let mut command = self.command("nft");
        let mut child =
            command.args(["-f", "-"]).stdin(Stdio::piped()).spawn().expect("nft (package nftables)");
        child.stdin.take().expect("its input").write_all(rules.as_bytes()).expect("nft reads");
        assert!(child.wait().expect("nft ends").success(), "nft refuses:\n{rules}");
    }
}

/// Takes this thread into a namespace; what it opens belongs there, whoever uses it later.
pub fn enter(name: &str) {
    let namespace = File::open(format!("/run/netns/{name}")).expect("the namespace");
    let network = Some(rustix::thread::LinkNameSpaceType::Network);
    rustix::thread::move_into_link_name_space(namespace.as_fd(), network).expect("a thread may go there");
}

/// A cable between two places: the interface's name and addresses at each end.
pub fn cable(from: (Place, &str, &str), to: (Place, &str, &str)) {
    let ends = ["madend0", "madend1"];
    run(&format!("ip link add {} type veth peer name {}", ends[0], ends[1]));
    for ((place, name, address), end) in [from, to].into_iter().zip(ends) {
        if let Place::Named(namespace) = place {
            run(&format!("ip link set {end} netns {namespace}"));
        }
        place.ip(&format!("link set {end} name {name}"));
        // Without the wait for whether somebody else has this address: nobody has.
        let nodad = if address.contains(':') { " nodad" } else { "" };
        place.ip(&format!("addr add {address} dev {name}{nodad}"));
        place.ip(&format!("link set {name} up"));
    }
}

/// Makes the namespaces beside the box. Their names are seen in this mount namespace only.
pub fn make(names: &[&str]) {
    run("mount -t tmpfs none /run");
    // pcscd wants its folder there, too.
    for folder in ["/run/netns", "/run/pcscd"] {
        std::fs::create_dir_all(folder).expect("a folder in /run");
    }
    // What /sys says of network sockets is what those said that mounted it.
    run("mount -t sysfs none /sys");
    run("ip link set lo up");
    for name in names {
        run(&format!("ip netns add {name}"));
        run(&format!("ip -n {name} link set lo up"));
    }
}
