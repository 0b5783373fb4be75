//! What is installed and what is not, with a stand-in for systemd-sysupdate that notes what it was given.

use super::*;
use crate::update::bundle::{MACHINE, PRODUCT, describe, sign};
use aws_lc_rs::signature::Ed25519KeyPair;
use std::os::unix::fs::PermissionsExt;

struct Appliance {
    places: Places,
    directory: tempfile::TempDir,
}

const PARTS: [&[u8]; 3] = [b"an invented root", b"its hashes", b"a kernel"];

impl Appliance {
    /// A box that runs 0.1.0; writing into a slot ends with `status`.
    fn new(status: u8) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let at = |name: &str| directory.path().join(name);
        let key = MakersKey::of(&pair(7)).unwrap();
        fs::write(at("update.pub"), format!("{key}\n")).unwrap();
        fs::write(at("os-release"), "ID=debian\nIMAGE_ID=madoguchi\nIMAGE_VERSION=0.1.0\n").unwrap();
        fs::create_dir(at("gateway")).unwrap();
        let (staged, seen) = (at("staged"), at("seen"));
        let script = format!(
            "#!/bin/sh\necho \"$@\" >{seen}\nls {staged} >>{seen}\ncat {staged}/*.root >>{seen}\nexit {status}\n",
            seen = seen.display(),
            staged = staged.display()
        );
        fs::write(at("sysupdate"), script).unwrap();
        fs::set_permissions(at("sysupdate"), fs::Permissions::from_mode(0o755)).unwrap();
        let places = Places {
            key: at("update.pub"),
            os_release: at("os-release"),
            staged,
            gateway: at("gateway"),
            sysupdate: at("sysupdate"),
        };
        Self { places, directory }
    }

    fn install(&self, bundle: &[u8]) -> Result<Header> {
        let path = self.directory.path().join("bundle");
        fs::write(&path, bundle).unwrap();
        install(&mut File::open(path).unwrap(), &self.places, "this boot")
    }

    fn seen(&self) -> Option<String> {
        fs::read_to_string(self.directory.path().join("seen")).ok()
    }

    fn attempt(&self) -> Option<Attempt> {
        outcome::read(&outcome::file(&self.places.gateway))
    }
}

fn pair(seed: u8) -> Ed25519KeyPair {
    Ed25519KeyPair::from_seed_unchecked(&[seed; 32]).unwrap()
}

fn bundle(version: &str, maker: u8) -> Vec<u8> {
    let part = |number: usize| describe(&mut &PARTS[number][..]).unwrap();
    let header = Header {
        product: PRODUCT.into(),
        machine: MACHINE.into(),
        version: version.parse().unwrap(),
        root_hash: "ab".repeat(32),
        root: part(0),
        verity: part(1),
        kernel: part(2),
    };
    [sign(&header, &pair(maker)).unwrap(), PARTS.concat()].concat()
}

#[test]
fn a_good_bundle_gets_into_the_slot_and_is_written_down() {
    let appliance = Appliance::new(0);
    appliance.install(&bundle("0.2.0", 7)).unwrap();
    let seen = appliance.seen().unwrap();
    assert!(seen.starts_with("update 0.2.0\n"), "{seen}");
    let uuid = "abababab-abab-abab-abab-abababababab";
    for name in [format!("madoguchi_0.2.0_{uuid}.root"), format!("madoguchi_0.2.0_{uuid}.verity")] {
        assert!(seen.contains(&name), "{name}: {seen}");
    }
    assert!(seen.ends_with("an invented root"), "{seen}");
    assert!(!appliance.places.staged.exists(), "the room is given back");
    let attempt = appliance.attempt().unwrap();
    assert_eq!((attempt.to.to_string().as_str(), attempt.stage), ("0.2.0", Stage::Installed));
}

#[test]
fn nothing_is_written_of_a_bundle_that_is_foreign_older_or_damaged() {
    let good = bundle("0.2.0", 7);
    let mut changed_at_its_end = good.clone();
    *changed_at_its_end.last_mut().unwrap() ^= 1;
    for (what, bundle) in [
        ("foreign", bundle("0.2.0", 8)),
        ("older", bundle("0.0.9", 7)),
        ("the same", bundle("0.1.0", 7)),
        ("changed at its end", changed_at_its_end),
        ("cut", good[..good.len() - 1].to_vec()),
        ("lengthened", [good.clone(), vec![0]].concat()),
        ("something else", b"MZ and so on, and so on".to_vec()),
    ] {
        let appliance = Appliance::new(0);
        assert!(appliance.install(&bundle).is_err(), "{what}");
        assert_eq!((appliance.seen(), appliance.attempt()), (None, None), "{what}");
        assert!(!appliance.places.staged.exists(), "{what}: nothing was unpacked");
    }
}

#[test]
fn a_slot_that_cannot_be_written_is_an_error_and_no_attempt() {
    let appliance = Appliance::new(1);
    let error = appliance.install(&bundle("0.2.0", 7)).unwrap_err().to_string();
    assert!(error.contains("slot"), "{error}");
    assert_eq!(appliance.attempt(), None);
    assert!(!appliance.places.staged.exists());
}
