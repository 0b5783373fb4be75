//! All of it together: lines, strongSwan at both ends, the hospital, and the gateway.

use super::{
    capture::Capture,
    namespaces::{Place, cable, make, run},
    relay::Relay,
    strongswan::{BOX, GATEWAYS, Papers, Side},
    tls_papers::TlsPapers,
};
use crate::{House, Options};
use serde_json::Value;
use std::{
    net::SocketAddr,
    path::Path,
    time::{Duration, Instant},
};
use tempfile::TempDir;

/// The centre's address behind the tunnels.
const CENTRE: &str = "198.18.0.1:8443";
/// What the gateway calls it. The box has a name server, out on the line, so that asking for it would be seen.
const NAMED: &str = "url = \"https://centre.madoguchi.example:8443\"\naddresses = [\"198.18.0.1\"]\nserver_name = \
                     \"localhost\"\ncrl = [\"CRL\"]";

/// One of the two lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Line {
    /// IPv4 outside.
    Primary,
    /// IPv6 outside.
    Second,
}

impl Line {
    /// Both.
    pub const BOTH: [Self; 2] = [Self::Primary, Self::Second];

    /// The box's interface.
    pub const fn interface(self) -> &'static str {
        match self {
            Self::Primary => "line-a",
            Self::Second => "line-b",
        }
    }

    /// Its name in the gateway's state.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Primary => "primary",
            Self::Second => "second",
        }
    }

    const fn provider(self) -> Place {
        match self {
            Self::Primary => Place::Named("provider-a"),
            Self::Second => Place::Named("provider-b"),
        }
    }
}

/// Everything. Dropped, all of it ends.
pub struct World {
    /// The hospital and the gateway.
    pub house: House,
    /// The box's strongSwan.
    pub near: Side,
    /// The centre's.
    pub far: Side,
    /// The tunnels' certificates.
    pub papers: Papers,
    /// Those of box and centre.
    pub tls: TlsPapers,
    /// Before the centre.
    pub relay: Relay,
    _directory: TempDir,
}

impl World {
    /// Lays the lines, starts strongSwan at both ends and opens the hospital; the gateway is not started. `change` may
    /// change the gateway's configuration.
    pub async fn open(lanes: u16, change: impl FnOnce(String) -> String) -> Self {
        let directory = tempfile::Builder::new().prefix("line-").tempdir().expect("a directory");
        lay_lines();
        let papers = Papers::make(directory.path());
        let mut near = Side::new("near", Place::Box, directory.path());
        let mut far = Side::new("far", Place::Named("centre"), directory.path());
        near.start();
        far.start();
        far.load_gateways(&papers, None);
        let append = change(vpn_section(&papers, &near));
        let house = House::hospital(Options { lanes, append, ..Options::default() }).await;
        let centre = house.addresses["centre"].as_str().expect("an address");
        let to = centre.trim_start_matches("https://").trim_end_matches('/').to_owned();
        let config = std::fs::read_to_string(house.config()).expect("gateway.toml");
        let url = format!("url = \"https://{to}\"");
        assert!(config.contains(&url), "gateway.toml has no {url}");
        let tls = TlsPapers::make(house.directory());
        let named = NAMED.replace("CRL", &tls.at("centre.crl.pem").display().to_string());
        std::fs::write(house.config(), config.replace(&url, &named)).expect("gateway.toml");
        let at: SocketAddr = CENTRE.parse().expect("an address");
        let relay = Relay::start("centre", at, to.parse().expect("an address"));
        Self { house, near, far, papers, tls, relay, _directory: directory }
    }

    /// Starts the gateway and waits until it is ready, with both lines well.
    pub async fn start(&mut self) {
        self.house.start_gateway();
        self.house.ready().await;
        for line in Line::BOTH {
            self.until_stage(line, &["centre_reachable"], Duration::from_secs(60)).await;
        }
    }

    /// What `madoguchi check line` calls broken, with these variables in its environment.
    pub fn broken(&self, environment: &[(&str, &str)]) -> Vec<String> {
        let mut command = self.house.madoguchi(&["check", "line", "--json"]);
        let output = command.envs(environment.iter().copied()).output().expect("the program starts");
        let findings: Vec<Value> =
            serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{output:?}"));
        let broken = findings.iter().filter(|it| it["level"] == "error");
        broken.map(|it| it["found"].as_str().unwrap_or_default().to_owned()).collect()
    }

    /// Listens on both lines.
    pub fn listen(&self) -> [Capture; 2] {
        Line::BOTH.map(|line| Capture::start(line.interface(), self.house.directory()))
    }

    /// Everything on a line vanishes without a word, both ways.
    pub fn cut(&self, line: Line) {
        self.filter(line, "drop");
    }

    /// What comes back on a line vanishes; what goes out arrives.
    pub fn cut_return(&self, line: Line) {
        let towards_box = format!("oifname \"{}\" drop", "box");
        self.filter(line, &towards_box);
    }

    /// A line is well again.
    pub fn mend(&self, line: Line) {
        self.filter(line, "accept");
    }

    fn filter(&self, line: Line, rule: &str) {
        line.provider().nft(&format!(
            "table inet line {{\n chain forward {{ type filter hook forward priority 0; }}\n}}\nflush table inet line\n\
             add rule inet line forward {rule}\n"
        ));
    }

    /// Nothing larger than `bytes` passes a line, and nobody is told.
    pub fn shrink(&self, line: Line, bytes: u32) {
        let provider = line.provider();
        for interface in ["box", "centre"] {
            provider.ip(&format!("link set {interface} mtu {bytes}"));
        }
        provider.nft(
            "table inet silent {\n chain output { type filter hook output priority 0; icmp type \
             destination-unreachable drop; icmpv6 type packet-too-big drop; }\n}\n",
        );
    }

    /// Pulls a line's cable out of the box.
    pub fn unplug(&self, line: Line) {
        Place::Box.ip(&format!("link set {} down", line.interface()));
    }

    /// What the gateway says of its lines.
    pub async fn report(&self) -> Value {
        self.house.states().await["uplink"]["detail"]["uplink"].clone()
    }

    /// Waits until requests go by `line` and the centre answers over it; says how long that took.
    pub async fn until_used(&self, line: Line, limit: Duration) -> Duration {
        let asked = Instant::now();
        self.house
            .until_within(limit, &format!("requests go by the {} line", line.name()), async |house| {
                let detail = house.states().await["uplink"]["detail"]["uplink"].clone();
                detail["reachable"] == true && detail["report"]["used"] == line.name()
            })
            .await;
        asked.elapsed()
    }

    /// Waits until a line has one of these stages; says how long that took.
    pub async fn until_stage(&self, line: Line, stages: &[&str], limit: Duration) -> Duration {
        let asked = Instant::now();
        self.house
            .until_within(limit, &format!("the {} line is {stages:?}", line.name()), async |house| {
                let detail = house.states().await["uplink"]["detail"]["uplink"].clone();
                let ways = detail["report"]["ways"].as_array().cloned().unwrap_or_default();
                ways.iter().any(|way| {
                    way["way"] == line.name() && stages.iter().any(|stage| way["stage"] == **stage)
                })
            })
            .await;
        asked.elapsed()
    }
}

/// Cables, addresses and routes. Neither provider knows the centre's network: only tunnels get there. The box has a
/// default route all the same, so that what did not take the tunnel would be seen on the line.
fn lay_lines() {
    make(&["provider-a", "provider-b", "centre"]);
    let (a, b, centre) = (Place::Named("provider-a"), Place::Named("provider-b"), Place::Named("centre"));
    cable((Place::Box, "line-a", "10.61.1.2/24"), (a, "box", "10.61.1.1/24"));
    cable((Place::Box, "line-b", "fd61:2::2/64"), (b, "box", "fd61:2::1/64"));
    cable((a, "centre", "10.61.3.1/24"), (centre, "line-a", "10.61.3.2/24"));
    cable((b, "centre", "fd61:4::1/64"), (centre, "line-b", "fd61:4::2/64"));
    for (place, key) in [(a, "net.ipv4.ip_forward"), (b, "net.ipv6.conf.all.forwarding")] {
        let set = place.command("sysctl").args(["-q", "-w", &format!("{key}=1")]).status();
        assert!(set.expect("sysctl").success(), "{key}");
    }
    Place::Box.ip("route add default via 10.61.1.1");
    name_server("10.61.1.1");
    Place::Box.ip("-6 route add fd61:4::/64 via fd61:2::1");
    centre.ip("route add 10.61.1.0/24 via 10.61.3.1");
    centre.ip("-6 route add fd61:2::/64 via fd61:4::1");
    centre.ip("addr add 198.18.0.1/32 dev lo");
}

/// Gives the box this name server. Nobody answers there.
fn name_server(address: &str) {
    let file = Path::new("/run/resolv.conf");
    std::fs::write(file, format!("nameserver {address}\noptions timeout:1 attempts:1\n")).expect("a file");
    run(&format!("mount --bind {} /etc/resolv.conf", file.display()));
}

fn vpn_section(papers: &Papers, near: &Side) -> String {
    let at = |name: &str| papers.folder.join(name).display().to_string();
    let (certificate, key, ca) =
        (at(&format!("{BOX}.pem")), at(&format!("{BOX}.key")), at("gateways-ca.pem"));
    let crl = at("gateways.crl.pem");
    let tunnel = |line: Line, local: &str, remote: &str, gateway: &str| {
        format!(
            "\n[uplink.vpn.{}]\nlocal = \"{local}\"\nremote = \"{remote}\"\nidentity = \"{BOX}\"\nremote_identity = \
             \"{gateway}\"\nnetworks = [\"198.18.0.0/24\"]\ncertificate = \"{certificate}\"\nkey = \"{key}\"\nca = \
             [\"{ca}\"]\ncrl = [\"{crl}\"]\nforce_udp = true\n",
            line.name()
        )
    };
    format!(
        "\n[uplink.vpn]\nmode = \"strongswan\"\nsocket = \"{}\"\n{}{}",
        near.socket().display(),
        tunnel(Line::Primary, "10.61.1.2", "10.61.3.2", GATEWAYS[0]),
        tunnel(Line::Second, "fd61:2::2", "fd61:4::2", GATEWAYS[1]),
    )
}
