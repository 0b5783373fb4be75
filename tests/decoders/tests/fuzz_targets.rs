//! The fuzz targets and the list of decoders are the same list.

use madoguchi_decoders::ALL;
use std::{collections::BTreeSet, fs, path::Path};

#[test]
fn every_decoder_has_its_fuzz_target_and_every_target_its_decoder() {
    let fuzz = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz");
    let manifest = fs::read_to_string(fuzz.join("Cargo.toml")).unwrap();
    let targets: BTreeSet<_> = manifest
        .split("[[bin]]")
        .skip(1)
        .filter_map(|bin| Some(bin.split_once("name = \"")?.1.split_once('"')?.0.to_owned()))
        .collect();
    let decoders: BTreeSet<_> = ALL.iter().map(|decoder| decoder.name.to_owned()).collect();
    assert_eq!(targets, decoders);
    for target in targets {
        let source = fs::read_to_string(fuzz.join(format!("fuzz_targets/{target}.rs"))).unwrap();
        assert!(source.contains("madoguchi_decoders::"), "{target}");
    }
}
