//! A strongSwan of its own for each end, with its certificates.

use super::{
    namespaces::Place,
    token::{MODULE, Token},
};
use crate::process::Process;
use madoguchi_simulator::pki::tls::{Identity, TlsAuthority, Validity};
use std::{
    fs,
    path::{Path, PathBuf},
    time::{Duration, Instant, SystemTime},
};

/// Who the box and its two counterparts are.
pub const BOX: &str = "box.example";
/// See [`BOX`].
pub const GATEWAYS: [&str; 2] = ["gateway-a.example", "gateway-b.example"];

/// The tunnels' certificates.
pub struct Papers {
    /// Where they are.
    pub folder: PathBuf,
    /// Issues the gateways' certificates.
    pub gateways: TlsAuthority,
    /// Issues the box's.
    pub boxes: TlsAuthority,
}

impl Papers {
    /// Makes all of them below `directory`.
    pub fn make(directory: &Path) -> Self {
        let folder = directory.join("vpn-papers");
        fs::create_dir_all(&folder).expect("a folder");
        let papers = Self {
            gateways: TlsAuthority::new("Invented VPN gateways").expect("an authority"),
            boxes: TlsAuthority::new("Invented VPN terminals").expect("an authority"),
            folder,
        };
        papers.gateways.write(&papers.folder, "gateways-ca").expect("a file");
        papers.boxes.write(&papers.folder, "boxes-ca").expect("a file");
        papers.revoke_gateways(&[]);
        papers.box_certificate(Validity::days(30));
        for gateway in GATEWAYS {
            papers.gateway_certificate(gateway, Validity::days(30));
        }
        papers
    }

    /// Gives the box a certificate in place of the one that it has.
    pub fn box_certificate(&self, validity: Validity) -> Identity {
        self.box_certificate_of(&self.boxes, validity)
    }

    /// The same, of this authority.
    pub fn box_certificate_of(&self, of: &TlsAuthority, validity: Validity) -> Identity {
        let identity = of.server(&[BOX], validity).expect("a certificate");
        identity.write(&self.folder, BOX).expect("a file");
        identity
    }

    /// Gives the box a list of these revoked certificates of gateways.
    pub fn revoke_gateways(&self, revoked: &[&Identity]) {
        let until = SystemTime::now() + Duration::from_secs(86_400);
        put(&self.folder.join("gateways.crl.pem"), &self.gateways.revoke(revoked, until).expect("a list"));
    }

    /// Gives a gateway a certificate in place of the one that it has.
    pub fn gateway_certificate(&self, name: &str, validity: Validity) -> Identity {
        let identity = self.gateways.server(&[name], validity).expect("a certificate");
        identity.write(&self.folder, name).expect("a file");
        identity
    }
}

/// Puts a file in place as a whole: who reads it meanwhile gets the old or the new one.
pub(super) fn put(path: &Path, text: &str) {
    let new = path.with_extension("new");
    fs::write(&new, text).expect("a file");
    fs::rename(&new, path).expect("a file");
}

/// One end's strongSwan.
pub struct Side {
    name: &'static str,
    place: Place,
    directory: PathBuf,
    process: Option<Process>,
    token: Option<Token>,
}

impl Side {
    /// Prepares a strongSwan at `place`; [`Side::start`] starts it.
    pub(super) fn new(name: &'static str, place: Place, directory: &Path) -> Self {
        let directory = directory.join(name);
        for folder in ["x509", "x509ca", "x509crl", "private"] {
            fs::create_dir_all(directory.join("swanctl").join(folder)).expect("a folder");
        }
        let side = Self { name, place, directory, process: None, token: None };
        let (socket, log) = (side.socket(), side.directory.join("charon.log"));
        let text = format!(
            "charon-systemd {{\n  load_modular = no\n  load = random nonce openssl pem pkcs1 pkcs8 x509 revocation \
             constraints pubkey kdf hmac sha1 sha2 aes gcm curve25519 kernel-libipsec kernel-netlink socket-default \
             vici updown\n  retransmit_timeout = 1.0\n  retransmit_base = 1.0\n  retransmit_tries = 5\n  plugins {{\n    \
             kernel-netlink {{\n      mtu = 1180\n      mss = 1140\n    }}\n    vici {{\n      socket = unix://{}\n    }}\n  }}\n  filelog {{\n    log {{\n      path = {}\n      \
             default = 1\n      flush_line = yes\n    }}\n  }}\n  journal {{\n    default = -1\n  }}\n}}\n",
            socket.display(),
            log.display()
        );
        fs::write(side.directory.join("strongswan.conf"), text).expect("strongswan.conf");
        side
    }

    /// Its control socket.
    pub fn socket(&self) -> PathBuf {
        self.directory.join("vici")
    }

    /// What it wrote down.
    pub fn log(&self) -> String {
        fs::read_to_string(self.directory.join("charon.log")).unwrap_or_default()
    }

    /// Has it know a token from its next start on.
    pub fn know(&mut self, token: &Token) {
        let file = self.directory.join("strongswan.conf");
        let text = fs::read_to_string(&file).expect("strongswan.conf");
        let modules = format!("plugins {{\n    pkcs11 {{ modules {{ softhsm {{ path = {MODULE} }} }} }}\n");
        let text = text.replace("load = random", "load = pkcs11 random").replace("plugins {\n", &modules);
        fs::write(&file, text).expect("strongswan.conf");
        self.token = Some(token.clone());
    }

    /// Starts it, or starts it anew.
    pub fn start(&mut self) {
        let _ = fs::remove_file(self.socket());
        let mut command = self.place.command("charon-systemd");
        command.envs(self.token.iter().map(Token::environment));
        command.env("STRONGSWAN_CONF", self.directory.join("strongswan.conf"));
        command.env("SWANCTL_DIR", self.directory.join("swanctl"));
        self.process = Some(Process::start(self.name, command, &self.directory));
        let asked = Instant::now();
        while !self.socket().exists() {
            assert!(
                asked.elapsed() < Duration::from_secs(20),
                "{} does not start:\n{}",
                self.name,
                self.log()
            );
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Kills it; its tunnels are gone without a word.
    pub fn kill(&mut self) {
        if let Some(process) = self.process.take() {
            // `ip netns exec` becomes the daemon, so this is the daemon itself.
            process.kill();
        }
    }

    /// The centre's end: takes both tunnels, with the certificates as they are now. `crl` is a list of revoked
    /// certificates of the box's authority.
    pub fn load_gateways(&self, papers: &Papers, crl: Option<&str>) {
        let swanctl = self.directory.join("swanctl");
        let put = |from: &str, folder: &str| {
            let from = papers.folder.join(from);
            let name = from.file_name().expect("a name").to_owned();
            fs::copy(from, swanctl.join(folder).join(name)).expect("a copy");
        };
        put("boxes-ca.pem", "x509ca");
        for gateway in GATEWAYS {
            put(&format!("{gateway}.pem"), "x509");
            put(&format!("{gateway}.key"), "private");
        }
        if let Some(crl) = crl {
            fs::write(swanctl.join("x509crl/boxes.pem"), crl).expect("a list");
        }
        let revocation = if crl.is_some() { "strict" } else { "relaxed" };
        let connection = |name: &str, local: &str, gateway: &str| {
            format!(
                "  {name} {{\n    version = 2\n    local_addrs = {local}\n    pools = {name}\n    mobike = no\n    encap = \
                 yes\n    unique = replace\n    local {{\n      certs = {gateway}.pem\n      id = {gateway}\n    }}\n    \
                 remote {{\n      id = {BOX}\n      revocation = {revocation}\n    }}\n    children {{\n      centre \
                 {{\n        local_ts = 198.18.0.0/24\n      }}\n    }}\n  }}\n"
            )
        };
        let text = format!(
            "connections {{\n{}{}}}\npools {{\n  a {{\n    addrs = 198.19.1.0/24\n  }}\n  b {{\n    addrs = \
             198.19.2.0/24\n  }}\n}}\n",
            connection("a", "10.61.3.2", GATEWAYS[0]),
            connection("b", "fd61:4::2", GATEWAYS[1])
        );
        fs::write(swanctl.join("swanctl.conf"), text).expect("swanctl.conf");
        self.swanctl(&[
            "--load-all",
            "--clear",
            "--file",
            &swanctl.join("swanctl.conf").display().to_string(),
        ]);
    }

    /// A command of swanctl.
    pub fn swanctl(&self, arguments: &[&str]) -> String {
        let mut command = std::process::Command::new("swanctl");
        command.args(arguments).arg("--uri").arg(format!("unix://{}", self.socket().display()));
        command.env("SWANCTL_DIR", self.directory.join("swanctl"));
        let output = command.output().expect("swanctl (package strongswan-swanctl)");
        let (out, error) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(output.status.success(), "swanctl {arguments:?}: {out}{error}\n{}", self.log());
        out.into_owned()
    }
}
