//! What `madoguchi render` tells the operating system: asserted as properties, and by systemd's and nftables' own
//! checks.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a failed step is a failed test")]

use madoguchi::{
    config::Config,
    render::{self, What},
};
use madoguchi_bus::manifest::{Manifest, Network};
use madoguchi_nfc_reader::pcsc::binding::ReaderBinding;
use madoguchi_protocol::ActorKind;
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    os::unix::fs::PermissionsExt,
    path::Path,
    process::Command,
};

const EXAMPLE: &str = include_str!("../../configs/example.toml");

/// The example as the appliance's configuration, with `lanes` lanes that each have a reader.
fn appliance(lanes: u16) -> Config {
    let text = EXAMPLE.replace("mode = \"managed\"", "mode = \"appliance\"");
    let mut config = Config::parse(Path::new("example.toml"), &text).unwrap();
    let first = config.lane[0].clone();
    config.lane = (1..=lanes)
        .map(|number| {
            let mut lane = first.clone();
            lane.number = number.try_into().unwrap();
            lane.face_reader.listen.set_port(28200 + number);
            lane.nfc_reader.as_mut().unwrap().reader = ReaderBinding::Usb(format!("1-{number}"));
            lane
        })
        .collect();
    config
}

fn units() -> BTreeMap<String, String> {
    render::files(What::Systemd, &appliance(20))
}

fn services() -> BTreeMap<String, String> {
    units().into_iter().filter(|(name, _)| name.ends_with(".service")).collect()
}

/// Every value that a unit gives a setting.
fn values<'a>(unit: &'a str, key: &str) -> Vec<&'a str> {
    unit.lines().filter_map(|line| line.strip_prefix(key)?.strip_prefix('=')).collect()
}

#[test]
fn every_actor_has_a_unit_that_runs_it_alone_under_an_account_of_its_own() {
    let config = appliance(20);
    let units = units();
    let mut accounts = BTreeSet::new();
    for address in render::actors(&config) {
        let run = format!("madoguchi run --only {address} ");
        let unit = units.values().find(|unit| unit.contains(&run)).unwrap_or_else(|| panic!("{address}"));
        let [user] = values(unit, "User")[..] else { panic!("{address}: one account") };
        assert!(accounts.insert(user.to_owned()), "{address}: {user} is another's, too");
    }
    let sysusers = &render::files(What::Sysusers, &config)["madoguchi.conf"];
    for account in accounts {
        assert!(sysusers.contains(&format!("\nu {account} - ")), "{account}");
    }
}

#[test]
fn who_has_no_network_in_the_manifest_has_none_in_its_unit() {
    let config = appliance(2);
    let units = render::files(What::Systemd, &config);
    for address in render::actors(&config) {
        let unit = units.values().find(|unit| unit.contains(&format!("--only {address} "))).unwrap();
        let none = Manifest::get().entry(address.kind).network == Network::None;
        assert_eq!(values(unit, "PrivateNetwork") == ["yes"], none, "{address}");
        assert_eq!(values(unit, "RestrictAddressFamilies") == ["AF_UNIX"], none, "{address}");
        assert_eq!(values(unit, "PrivateDevices"), ["yes"], "{address}");
    }
}

#[test]
fn a_unit_sees_its_own_secrets_and_directories_only() {
    for (name, unit) in services() {
        let secrets = values(&unit, "LoadCredential").len() + values(&unit, "LoadCredentialEncrypted").len();
        let key = name.contains("uplink") || name.contains("face_reader") || name.contains("offline_queue");
        let pcsc = name.contains("pcscd");
        let wanted = if pcsc {
            0
        } else if name.contains("broker") {
            3
        } else {
            1 + usize::from(key)
        };
        assert_eq!(secrets, wanted, "{name}");
        let writes: Vec<_> = values(&unit, "BindPaths")
            .into_iter()
            .filter(|path| path.starts_with("/var/lib/madoguchi/"))
            .collect();
        let may = ActorKind::ALL.into_iter().find(|kind| name.starts_with(&format!("madoguchi-{kind}")));
        let own = may.map_or(0, |kind| {
            Manifest::get().entry(kind).writes.iter().filter(|name| *name != "shared").count()
        });
        assert_eq!(writes.len(), own, "{name}: {writes:?}");
    }
}

#[test]
fn each_lane_has_a_pcsc_service_that_can_open_its_own_reader_only() {
    let config = appliance(20);
    let (units, rules) = (units(), &render::files(What::Udev, &config)["70-madoguchi.rules"]);
    for lane in 1..=20 {
        let service = &units[&format!("madoguchi-pcscd-{lane}.service")];
        let account = format!("madoguchi-pcsc-{lane}");
        assert_eq!(values(service, "User"), [account.as_str()]);
        let socket = &units[&format!("madoguchi-pcscd-{lane}.socket")];
        let listens = values(socket, "ListenStream")[0];
        assert_eq!(values(socket, "SocketMode"), ["0660"]);
        let reader = &units[&format!("madoguchi-nfc_reader-{lane}.service")];
        assert_eq!(values(reader, "Environment"), [format!("PCSCLITE_CSOCK_NAME={listens}")]);
        let group = format!("GROUP=\"{account}\"");
        let owned: Vec<_> = rules.lines().filter(|line| line.contains(&group)).collect();
        assert_eq!(owned.len(), 1, "lane {lane}");
        assert!(owned[0].starts_with(&format!("KERNEL==\"1-{lane}\", ")), "{}", owned[0]);
    }
}

#[test]
fn the_packet_filter_forwards_nothing_and_ties_accounts_to_their_side() {
    let text = &render::files(What::Nftables, &appliance(2))["madoguchi.nft"];
    let chain =
        |name: &str| text.split(&format!("chain {name} {{")).nth(1).unwrap().split("    }\n").next().unwrap();
    for name in ["forward", "input", "output"] {
        assert!(chain(name).contains("policy drop;"), "{name}");
    }
    assert!(!chain("forward").contains("accept"));
    assert!(!chain("input").contains("line0"), "nobody gets in from the line");
    assert!(!chain("input").contains("line1"), "nor from the second");
    let line = "oifname { \"line0\", \"line1\" } meta skuid \"madoguchi-line\" accept";
    assert!(chain("output").contains(line), "{}", chain("output"));
    assert!(!text.contains("dport 53"), "names are looked up nowhere");
    for denied in
        ["madoguchi-pin", "madoguchi-queue", "madoguchi-nfc-1", "madoguchi-audit", "madoguchi-pcsc-2"]
    {
        assert!(chain("output").contains(&format!("meta skuid \"{denied}\" counter drop")), "{denied}");
    }
}

#[test]
fn systemd_makes_the_accounts_without_shell_and_password() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("madoguchi.conf");
    fs::write(&file, &render::files(What::Sysusers, &appliance(2))["madoguchi.conf"]).unwrap();
    let root = directory.path().join("root");
    fs::create_dir_all(root.join("etc")).unwrap();
    let made = Command::new("systemd-sysusers")
        .arg(format!("--root={}", root.display()))
        .arg(&file)
        .output()
        .expect("systemd-sysusers");
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let accounts = fs::read_to_string(root.join("etc/passwd")).unwrap();
    for account in ["madoguchi-broker", "madoguchi-face-2", "madoguchi-pcsc-1", "madoguchi-pin"] {
        let line = accounts.lines().find(|line| line.starts_with(&format!("{account}:"))).expect(account);
        assert!(line.ends_with("/nologin"), "{line}");
    }
}

#[test]
fn the_line_speaks_through_its_tunnel_or_not_at_all() {
    let mut config = appliance(2);
    let rules = |config: &Config| render::files(What::Nftables, config)["madoguchi.nft"].clone();
    let text = rules(&config);
    let drop = text.find("skuid \"madoguchi-line\" rt ipsec missing counter drop").unwrap();
    let accept = text.find("skuid \"madoguchi-line\" accept").unwrap();
    let established = text.rfind("ct state established,related accept").unwrap();
    assert!(drop < accept && drop < established, "{text}");
    // A router of the hospital holds the tunnel: the box can't tell what is inside of it.
    config.uplink.vpn = toml::from_str("mode = \"external\"").unwrap();
    assert!(!rules(&config).contains("rt ipsec"));
}

#[test]
fn nftables_understands_the_rules() {
    let directory = tempfile::tempdir().unwrap();
    let text = &render::files(What::Nftables, &appliance(2))["madoguchi.nft"];
    // The accounts are the appliance's; this machine has root.
    let known: Vec<_> = text.split("skuid \"madoguchi").collect();
    let text = known
        .iter()
        .skip(1)
        .fold(known[0].to_owned(), |text, rest| text + "skuid \"root" + &rest[rest.find('"').unwrap()..]);
    let file = directory.path().join("madoguchi.nft");
    fs::write(&file, text).unwrap();
    // A network of its own, in which nothing is changed but by this.
    let mut alone = Command::new("unshare");
    alone.arg("--net");
    if !rustix::process::geteuid().is_root() {
        alone.args(["--user", "--map-root-user"]);
    }
    // Twice: the second time there is something to replace.
    let load = "/usr/sbin/nft -f \"$0\" && /usr/sbin/nft -f \"$0\" && /usr/sbin/nft list ruleset";
    let loaded = alone.args(["sh", "-c", load]).arg(&file).output().unwrap();
    assert!(loaded.status.success(), "{}", String::from_utf8_lossy(&loaded.stderr));
    assert!(String::from_utf8_lossy(&loaded.stdout).contains("policy drop"));
}

#[test]
fn what_does_not_fit_the_appliance_is_refused_with_its_lane() {
    let directory = tempfile::tempdir().unwrap();
    let refusal = |config: &Config| {
        render::render(What::Systemd, config, directory.path()).expect_err("refused").to_string()
    };
    let mut config = appliance(2);
    config.lane[1].nfc_reader.as_mut().unwrap().pcscd = Some("/elsewhere/pcscd.sock".into());
    assert!(refusal(&config).contains("lane 2"), "{}", refusal(&config));
    let managed = Config::parse(Path::new("example.toml"), EXAMPLE).unwrap();
    assert!(refusal(&managed).contains("mode = \"appliance\""), "{}", refusal(&managed));
}

#[test]
fn the_brokers_passwords_are_new_each_time_and_roots_alone() {
    let directory = tempfile::tempdir().unwrap();
    let password = |name: &str| {
        let output = directory.path().join(name);
        render::render(What::Mosquitto, &appliance(2), &output).unwrap();
        let file = output.join("accounts/nfc_reader-2");
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
        assert!(fs::read_to_string(output.join("passwords")).unwrap().contains("nfc_reader-2:$7$"), "hashed");
        fs::read_to_string(file).unwrap()
    };
    assert_ne!(password("first"), password("second"));
}

/// The rendered units in a directory, with the program that was built instead of the installed one.
fn written() -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    for (name, unit) in units() {
        let unit = unit.replace("/usr/bin/madoguchi ", &format!("{} ", env!("CARGO_BIN_EXE_madoguchi")));
        fs::write(directory.path().join(name), unit).unwrap();
    }
    // The image brings it.
    let configure = "[Service]\nType=oneshot\nExecStart=/bin/true\n";
    fs::write(directory.path().join("madoguchi-configure.service"), configure).unwrap();
    directory
}

#[test]
fn systemd_finds_nothing_wrong_with_the_units() {
    // Newer than the systemd that some machines test with; it says so and goes on.
    const NEWER: [&str; 2] = ["RestartSteps", "RestartMaxDelaySec"];
    let directory = written();
    let files: Vec<_> = fs::read_dir(directory.path()).unwrap().map(|entry| entry.unwrap().path()).collect();
    let checked = Command::new("systemd-analyze")
        .args(["verify", "--man=no", "--recursive-errors=yes"])
        .args(&files)
        .env("SYSTEMD_UNIT_PATH", format!("{}:", directory.path().display()))
        .output()
        .expect("systemd-analyze");
    let said = String::from_utf8_lossy(&checked.stderr).into_owned();
    let ours = |line: &&str| line.contains("madoguchi") && !NEWER.iter().any(|key| line.contains(key));
    let wrong: Vec<_> = said.lines().filter(ours).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(files.len() > 80, "{} units", files.len());
}

#[test]
fn each_service_is_exposed_by_2_0_at_most_and_all_by_1_5_in_the_mean() {
    let directory = written();
    let mut exposures = BTreeMap::new();
    for name in services().keys().filter(|name| !name.contains("configure")) {
        // Lanes are alike.
        if name.contains('-') && name.ends_with("0.service") {
            continue;
        }
        exposures.insert(name.clone(), exposure(&directory.path().join(name)));
    }
    let mean = exposures.values().sum::<f64>() / exposures.len() as f64;
    let worst: Vec<_> = exposures.iter().filter(|(_, exposure)| **exposure > 2.0).collect();
    assert!(worst.is_empty(), "{worst:?}");
    assert!(mean <= 1.5, "{mean}: {exposures:?}");
}

/// What `systemd-analyze security` makes of a unit: 0 is nothing, 10 everything.
fn exposure(unit: &Path) -> f64 {
    let asked = Command::new("systemd-analyze")
        .args(["security", "--offline=true", "--no-pager"])
        .arg(unit)
        .output()
        .expect("systemd-analyze");
    let said = String::from_utf8_lossy(&asked.stdout);
    let line = said.lines().find(|line| line.contains("Overall exposure level"));
    let line =
        line.unwrap_or_else(|| panic!("{}: {}", unit.display(), String::from_utf8_lossy(&asked.stderr)));
    line.split(": ").nth(1).unwrap().split(' ').next().unwrap().parse().unwrap()
}
