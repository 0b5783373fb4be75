//! Good bundles are taken; foreign, changed, cut, lengthened, older and other ones are not.

use super::*;

fn pair() -> Ed25519KeyPair {
    Ed25519KeyPair::from_seed_unchecked(&[7; 32]).unwrap()
}

fn bundle(change: impl FnOnce(&mut Header)) -> Vec<u8> {
    let parts: [&[u8]; 3] = [b"an invented root", b"its hashes", b"a kernel"];
    let part = |number: usize| describe(&mut &parts[number][..]).unwrap();
    let mut header = Header {
        product: PRODUCT.into(),
        machine: MACHINE.into(),
        version: "0.2.0".parse().unwrap(),
        root_hash: "ab".repeat(32),
        root: part(0),
        verity: part(1),
        kernel: part(2),
    };
    change(&mut header);
    [sign(&header, &pair()).unwrap(), parts.concat()].concat()
}

fn key() -> MakersKey {
    MakersKey::of(&pair()).unwrap()
}

#[test]
fn a_good_bundle_is_taken_and_newer_only_is_installed() {
    let header = check(&mut bundle(|_| ()).as_slice(), &key()).unwrap();
    assert!(header.fits("0.1.9".parse().unwrap()).is_ok());
    for running in ["0.2.0", "0.2.1", "1.0.0"] {
        let refused = header.fits(running.parse().unwrap());
        assert!(matches!(refused, Err(BundleError::NotNewer { .. })), "{running}");
    }
}

#[test]
fn a_bundle_of_another_maker_is_refused() {
    let other = MakersKey::of(&Ed25519KeyPair::from_seed_unchecked(&[8; 32]).unwrap()).unwrap();
    assert!(matches!(check(&mut bundle(|_| ()).as_slice(), &other), Err(BundleError::Foreign)));
}

#[test]
fn a_bundle_of_another_product_or_machine_is_refused() {
    for change in [(|header: &mut Header| header.product = "another".into()) as fn(&mut Header), |header| {
        header.machine = "riscv".into()
    }] {
        let header = check(&mut bundle(change).as_slice(), &key()).unwrap();
        assert!(matches!(header.fits("0.1.0".parse().unwrap()), Err(BundleError::OtherBox { .. })));
    }
}

#[test]
fn no_byte_of_a_bundle_can_be_changed_taken_away_or_added() {
    let good = bundle(|_| ());
    for at in 0..good.len() {
        let mut changed = good.clone();
        changed[at] ^= 1;
        assert!(check(&mut changed.as_slice(), &key()).is_err(), "byte {at} changed");
        assert!(check(&mut &good[..at], &key()).is_err(), "cut at byte {at}");
    }
    assert!(check(&mut [good, vec![0]].concat().as_slice(), &key()).is_err());
}

#[test]
fn a_signed_header_that_makes_no_sense_is_refused() {
    for change in [
        (|header: &mut Header| header.root.bytes = 0) as fn(&mut Header),
        |header| header.kernel.bytes = u64::MAX,
        |header| header.root_hash = "../../etc".into(),
        |header| header.verity.sha256 = "AB".repeat(32),
    ] {
        let refused = check(&mut bundle(change).as_slice(), &key());
        assert!(matches!(refused, Err(BundleError::Damaged(_))), "{refused:?}");
    }
}

#[test]
fn partitions_are_named_by_the_halves_of_the_root_hash() {
    let change = |header: &mut Header| header.root_hash = format!("{}{}", "01".repeat(16), "ef".repeat(16));
    let header = check(&mut bundle(change).as_slice(), &key()).unwrap();
    let [data, hashes] = header.partition_uuids();
    assert_eq!(data, "01010101-0101-0101-0101-010101010101");
    assert_eq!(hashes, "efefefef-efef-efef-efef-efefefefefef");
}
