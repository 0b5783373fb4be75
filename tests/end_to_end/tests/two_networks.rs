//! The counters' network and the closed lines never meet: probed from both sides of a box whose kernel would forward, with
//! the packet filter that the configuration gives, and what the same probes find without it.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a failed step is a failed test")]

use madoguchi_end_to_end::{
    House, Options,
    house::program,
    line::{Place, cable, enter, inside, make, run},
};
use std::{
    fs,
    net::{SocketAddr, TcpListener},
    path::Path,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

const COUNTER: Place = Place::Named("counter-host");
const PROVIDERS: Place = Place::Named("line-host");
/// Where the box is on each side, and who is there beside it.
const BOX_COUNTER: &str = "192.168.10.1";
const BOX_LINES: [&str; 2] = ["10.0.0.2", "10.0.1.2"];
const COUNTER_HOST: &str = "192.168.10.50";
const LINE_HOSTS: [&str; 2] = ["10.0.0.1", "10.0.1.1"];
/// What listens in the hospital and at the provider, and on the box at every address: something left by mistake.
const PORT: u16 = 5_555;

/// Two network sockets for lines, one for the counters, and each side knows the way to the other: through the box.
fn lay_cables() {
    make(&["counter-host", "line-host"]);
    cable((Place::Box, "counter0", "192.168.10.1/24"), (COUNTER, "box", "192.168.10.50/24"));
    cable((Place::Box, "line0", "10.0.0.2/24"), (PROVIDERS, "box-a", "10.0.0.1/24"));
    cable((Place::Box, "line1", "10.0.1.2/24"), (PROVIDERS, "box-b", "10.0.1.1/24"));
    COUNTER.ip("route add default via 192.168.10.1");
    PROVIDERS.ip("route add default via 10.0.0.2");
    run("sysctl -q -w net.ipv4.ip_forward=1");
}

/// The accounts of the house, as systemd-sysusers makes them, seen by this test alone.
fn make_accounts(rendered: &Path) {
    let root = rendered.join("root");
    fs::create_dir_all(root.join("etc")).unwrap();
    let rules = rendered.join("madoguchi.conf");
    run(&format!("systemd-sysusers --root={} {}", root.display(), rules.display()));
    for name in ["passwd", "group"] {
        let (ours, own) = (root.join("etc").join(name), Path::new("/etc").join(name));
        let known = fs::read_to_string(&own).unwrap();
        let made = fs::read_to_string(&ours).unwrap();
        let taken = |line: &&str| !known.lines().any(|old| old.split(':').next() == line.split(':').next());
        let more: Vec<_> = made.lines().filter(taken).collect();
        fs::write(&ours, known.trim_end().to_owned() + "\n" + &more.join("\n") + "\n").unwrap();
        run(&format!("mount --bind {} {}", ours.display(), own.display()));
    }
}

/// Somebody who tries to connect: where, under which account, to which address and port.
type Probe<'a> = (Place, &'a str, &'a str, u16);

/// Those of the probes that get a connection within a second, all of them side by side.
fn reached<'a>(probes: &[Probe<'a>]) -> Vec<Probe<'a>> {
    let started: Vec<_> = probes
        .iter()
        .map(|&(place, account, address, port)| {
            let connect = format!("exec 3<>/dev/tcp/{address}/{port}");
            let mut command = place.command("setpriv");
            command.args([
                "--reuid",
                account,
                "--clear-groups",
                "--",
                "timeout",
                "1",
                "bash",
                "-c",
                &connect,
            ]);
            command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("setpriv")
        })
        .collect();
    let all = started.into_iter().zip(probes);
    all.filter_map(|(mut child, probe)| child.wait().unwrap().success().then_some(*probe)).collect()
}

/// Waits until every one of the probes gets a connection.
async fn all_reach(probes: &[Probe<'_>]) {
    let asked = Instant::now();
    loop {
        let found = reached(probes);
        if found.len() == probes.len() {
            return;
        }
        assert!(asked.elapsed() < Duration::from_secs(60), "of {probes:?} only {found:?}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

fn none_reaches(probes: &[Probe<'_>]) {
    assert_eq!(reached(probes), [], "of {probes:?}");
}

/// Something that listens on every address of a place.
fn listen(place: Place) -> TcpListener {
    std::thread::spawn(move || {
        if let Place::Named(name) = place {
            enter(name);
        }
        TcpListener::bind(("0.0.0.0", PORT)).expect("a free port")
    })
    .join()
    .expect("a listener")
}

/// What listens on the box, but for its loopback.
fn listening() -> Vec<u16> {
    let text = fs::read_to_string("/proc/self/net/tcp").unwrap();
    let mut ports: Vec<_> = text
        .lines()
        .skip(1)
        .filter_map(|line| {
            let mut words = line.split_whitespace().skip(1);
            let (local, _, state) = (words.next()?, words.next()?, words.next()?);
            let (address, port) = local.split_once(':')?;
            let open = state == "0A" && !address.ends_with("7F");
            open.then(|| u16::from_str_radix(port, 16).ok())?
        })
        .collect();
    ports.sort_unstable();
    ports.dedup();
    ports
}

/// Renders for the appliance from the house's configuration, with what is changed in it, and loads the packet filter.
fn load_filter(house: &House, rendered: &Path, more: &str) {
    let config = fs::read_to_string(house.config()).unwrap();
    // An appliance knows readers by their USB side.
    let config: String = config
        .lines()
        .map(|line| if line.starts_with("reader = {") { "reader = { serial = \"LANE1\" }" } else { line })
        .fold(String::new(), |text, line| text + line + "\n");
    let file = rendered.join("appliance.toml");
    let appliance = "\n[broker]\nmode = \"appliance\"\n[appliance.second_line]\ninterface = \"line1\"\n";
    fs::write(&file, config + appliance + more).unwrap();
    for what in ["sysusers", "nftables"] {
        let mut command = Command::new(program("madoguchi"));
        command.args(["render", what, "--output"]).arg(rendered).arg("--config").arg(&file);
        let output = command.output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
    if !fs::read_to_string("/etc/passwd").unwrap().contains("madoguchi-line") {
        make_accounts(rendered);
    }
    run(&format!("nft -f {}", rendered.join("madoguchi.nft").display()));
}

const VPN: &str = r#"
[uplink.vpn]
mode = "strongswan"
[uplink.vpn.primary]
local = "10.0.0.2"
remote = "10.0.0.1"
identity = "box.example"
remote_identity = "gateway.example"
networks = ["198.18.0.0/24"]
"#;

#[tokio::test(flavor = "multi_thread")]
async fn counters_and_lines_never_meet_and_each_account_keeps_to_its_side() {
    if !inside("counters_and_lines_never_meet_and_each_account_keeps_to_its_side") {
        return;
    }
    lay_cables();
    let rendered = tempfile::tempdir().unwrap();
    let mut house = House::hospital(Options { lanes: 1, ..Options::default() }).await;
    // The page on the counters' network, where it speaks TLS with a certificate of its own.
    let config = fs::read_to_string(house.config()).unwrap();
    let page: SocketAddr =
        config.split("[web]\nlisten = \"").nth(1).unwrap().split('"').next().unwrap().parse().unwrap();
    let moved = format!("[web]\nlisten = \"{BOX_COUNTER}:{}\"", page.port());
    let config = config.replace(&format!("[web]\nlisten = \"{page}\""), &moved);
    fs::write(house.config(), config).unwrap();
    house.start_gateway();
    // Held until the end; the kernel takes connections by itself.
    let _left_by_mistake = [Place::Box, COUNTER, PROVIDERS].map(listen);
    let page: Probe<'_> = (COUNTER, "root", BOX_COUNTER, page.port());
    all_reach(&[page]).await;

    // Without the filter: the probes do find what there is to be found.
    let across = [
        (COUNTER, "root", BOX_LINES[0], PORT),
        (COUNTER, "root", LINE_HOSTS[0], PORT),
        (COUNTER, "root", LINE_HOSTS[1], PORT),
        (PROVIDERS, "root", BOX_COUNTER, PORT),
        (PROVIDERS, "root", COUNTER_HOST, PORT),
    ];
    all_reach(&across).await;

    load_filter(&house, rendered.path(), "");
    // From the counters: the page, nothing else of the box, nobody at the lines.
    all_reach(&[page]).await;
    none_reaches(&across);
    none_reaches(&[(COUNTER, "root", BOX_COUNTER, PORT), (COUNTER, "root", BOX_LINES[1], PORT)]);
    // From the lines: nothing of the box, at any of its addresses.
    let open = listening();
    assert!(open.contains(&page.3) && open.contains(&PORT), "{open:?}");
    let addresses = [BOX_LINES[0], BOX_LINES[1], BOX_COUNTER];
    let of_box: Vec<_> =
        open.iter().flat_map(|port| addresses.map(|address| (PROVIDERS, "root", address, *port))).collect();
    none_reaches(&of_box);
    let refused = run("nft list chain inet madoguchi forward");
    assert!(refused.contains("packets") && !refused.contains("packets 0 "), "counted: {refused}");
    // The accounts: the line's gets to both lines alone, the others' nowhere by themselves.
    all_reach(&LINE_HOSTS.map(|address| (Place::Box, "madoguchi-line", address, PORT))).await;
    let others = ["madoguchi-face-1", "madoguchi", "madoguchi-pin", "madoguchi-queue", "root", "nobody"];
    let mut sides: Vec<_> = others
        .iter()
        .flat_map(|account| LINE_HOSTS.map(|address| (Place::Box, *account, address, PORT)))
        .collect();
    let all = others.iter().chain(&["madoguchi-line"]);
    sides.extend(all.map(|account| (Place::Box, *account, COUNTER_HOST, PORT)));
    none_reaches(&sides);

    // Where the box holds the tunnels, nothing of the line's account leaves outside of them.
    load_filter(&house, rendered.path(), VPN);
    none_reaches(&LINE_HOSTS.map(|address| (Place::Box, "madoguchi-line", address, PORT)));
    all_reach(&[page]).await;
}
