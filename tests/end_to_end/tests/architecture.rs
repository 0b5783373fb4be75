//! The house stands as it was drawn: arrows between crates go one way, and each library is used where it
//! belongs. Asserted over what Cargo says of the workspace.

#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use cargo_metadata::{DependencyKind, Metadata, MetadataCommand, Package, PackageId};
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
    sync::LazyLock,
};

static HOUSE: LazyLock<Metadata> = LazyLock::new(|| {
    MetadataCommand::new()
        .manifest_path(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../Cargo.toml"))
        .other_options(["--locked".to_owned()])
        .exec()
        .unwrap()
});

const PROTOCOL: &str = "madoguchi-protocol";
const RECEPTION: &str = "madoguchi-reception";
const BUS: &str = "madoguchi-bus";
const GATEWAY: &str = "madoguchi";
const SIMULATOR: &str = "madoguchi-simulator";

/// The crates that hold an actor each, and whether they decide about visits (and so may use `reception`).
const ACTORS: [(&str, bool); 7] = [
    ("madoguchi-face-reader", true),
    ("madoguchi-nfc-reader", false),
    ("madoguchi-pin-session", false),
    ("madoguchi-uplink", false),
    ("madoguchi-offline-queue", false),
    ("madoguchi-receipt-computer", false),
    ("madoguchi-audit-log", true),
];

/// Crates that test the others: they may use anything of the house, and nothing of the product uses them.
const TESTS: [&str; 3] = ["madoguchi-end-to-end", "madoguchi-bench", "madoguchi-decoders"];

/// What each crate may use of the house, the tests' crates aside.
fn arrows() -> BTreeMap<&'static str, BTreeSet<&'static str>> {
    let mut arrows = BTreeMap::from([
        (PROTOCOL, BTreeSet::new()),
        (RECEPTION, BTreeSet::from([PROTOCOL])),
        (BUS, BTreeSet::from([PROTOCOL])),
        (SIMULATOR, BTreeSet::from([PROTOCOL])),
    ]);
    for (actor, decides) in ACTORS {
        let mut uses = BTreeSet::from([BUS, PROTOCOL]);
        if decides {
            uses.insert(RECEPTION);
        }
        arrows.insert(actor, uses);
    }
    let mut all: BTreeSet<_> = ACTORS.map(|(actor, _)| actor).into();
    all.extend([BUS, PROTOCOL, RECEPTION]);
    arrows.insert(GATEWAY, all);
    arrows
}

fn members() -> Vec<&'static Package> {
    HOUSE.workspace_packages()
}

/// The crates of the house that a crate depends on in one of these ways.
fn uses<'a>(package: &'a Package, kinds: &[DependencyKind]) -> BTreeSet<&'a str> {
    let of_house = |name: &&str| *name == GATEWAY || name.starts_with("madoguchi-");
    let named = package.dependencies.iter().filter(|dependency| kinds.contains(&dependency.kind));
    named.map(|dependency| dependency.name.as_str()).filter(of_house).collect()
}

#[test]
fn the_drawing_knows_every_crate() {
    let drawn: BTreeSet<_> = arrows().into_keys().chain(TESTS).collect();
    let built: BTreeSet<_> = members().into_iter().map(|member| member.name.as_str()).collect();
    assert_eq!(drawn, built);
}

#[test]
fn arrows_go_one_way_and_no_actor_imports_another() {
    let arrows = arrows();
    for member in members() {
        let Some(allowed) = arrows.get(member.name.as_str()) else { continue };
        let used = uses(member, &[DependencyKind::Normal, DependencyKind::Build]);
        let wrong: Vec<_> = used.difference(allowed).collect();
        assert!(wrong.is_empty(), "{} may not use {wrong:?}", member.name);
    }
}

#[test]
fn the_tests_of_a_crate_add_the_simulator_at_most() {
    let arrows = arrows();
    for member in members() {
        let Some(allowed) = arrows.get(member.name.as_str()) else { continue };
        let mut allowed = allowed.clone();
        allowed.insert(SIMULATOR);
        if member.name.as_str() == SIMULATOR {
            // Its other ends are the real ones.
            allowed.extend(ACTORS.map(|(actor, _)| actor));
        }
        let used = uses(member, &[DependencyKind::Development]);
        let wrong: Vec<_> = used.difference(&allowed).collect();
        assert!(wrong.is_empty(), "the tests of {} may not use {wrong:?}", member.name);
    }
}

#[test]
fn the_product_never_depends_on_the_simulator() {
    let reached = reached_from(GATEWAY);
    assert!(reached.contains(PROTOCOL), "the walk through the dependencies sees nothing");
    for name in TESTS.into_iter().chain([SIMULATOR, "rsa"]) {
        assert!(!reached.contains(name), "the product contains {name}");
    }
}

/// The names of all packages that a crate contains: through normal dependencies, however far.
fn reached_from(name: &str) -> BTreeSet<&'static str> {
    let nodes: BTreeMap<&PackageId, _> =
        HOUSE.resolve.iter().flat_map(|resolve| &resolve.nodes).map(|node| (&node.id, node)).collect();
    let mut seen = BTreeSet::new();
    let mut ahead: Vec<_> =
        members().into_iter().filter(|m| m.name.as_str() == name).map(|m| &m.id).collect();
    while let Some(id) = ahead.pop() {
        if seen.insert(id) {
            let normal = nodes[id]
                .deps
                .iter()
                .filter(|dep| dep.dep_kinds.iter().any(|kind| kind.kind == DependencyKind::Normal));
            ahead.extend(normal.map(|dep| &dep.pkg));
        }
    }
    seen.into_iter().map(|id| HOUSE[id].name.as_str()).collect()
}

#[test]
fn what_is_said_and_what_is_right_do_no_io() {
    for (name, beyond) in [(PROTOCOL, vec!["reqwest", "rusqlite", "sled", "pcsc"]), (RECEPTION, vec!["pcsc"])]
    {
        let reached = reached_from(name);
        for library in ["tokio", "actix", "actix-web", "rumqttc", "mio", "rustls"].into_iter().chain(beyond) {
            assert!(!reached.contains(library), "{name} contains {library}");
        }
    }
}

#[test]
fn what_is_said_and_what_is_right_read_no_clock_and_no_file() {
    for name in [PROTOCOL, RECEPTION] {
        for (path, source) in sources(name) {
            // What only a test does is its own affair.
            let product = source.split("#[cfg(test)]").next().unwrap_or_default();
            for word in ["::now()", "std::fs", "std::net", "std::env", "std::process", "std::thread"] {
                assert!(!product.contains(word), "{path} uses {word}");
            }
        }
    }
}

/// The source files of a crate's library: path and text. Modules of tests have a file name that says so.
fn sources(name: &str) -> Vec<(String, String)> {
    let package = members().into_iter().find(|member| member.name.as_str() == name).unwrap();
    let mut folders = vec![package.manifest_path.with_file_name("src").into_std_path_buf()];
    let mut sources = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let text = path.display().to_string();
            if path.is_dir() {
                folders.push(path);
            } else if text.ends_with(".rs") && !text.ends_with("tests.rs") {
                sources.push((text, fs::read_to_string(path).unwrap()));
            }
        }
    }
    assert!(!sources.is_empty());
    sources
}

/// Who may name a library at all: the others go through it.
const KEPT_TO: [(&str, &[&str]); 5] = [
    // Unmaintained: behind one bounded module.
    ("serde_cbor", &[PROTOCOL]),
    // One way to speak with the broker.
    ("rumqttc", &[BUS]),
    ("pcsc", &["madoguchi-nfc-reader"]),
    ("sled", &["madoguchi-offline-queue"]),
    // Its private-key operations leak through time (RUSTSEC-2023-0071): simulated cards only.
    ("rsa", &[]),
];

#[test]
fn each_library_is_used_where_it_belongs() {
    let product: BTreeSet<_> = arrows().into_keys().filter(|name| *name != SIMULATOR).collect();
    for (library, keepers) in KEPT_TO {
        let users: BTreeSet<_> = members()
            .into_iter()
            .filter(|member| product.contains(member.name.as_str()))
            .filter(|member| {
                let normal = member.dependencies.iter().filter(|d| d.kind != DependencyKind::Development);
                normal.map(|d| d.name.as_str()).any(|name| name == library)
            })
            .map(|member| member.name.as_str())
            .collect();
        assert_eq!(users, keepers.iter().copied().collect(), "{library}");
    }
}

#[test]
fn every_crate_keeps_the_house_rules() {
    for member in members() {
        let manifest = fs::read_to_string(&member.manifest_path).unwrap();
        assert!(manifest.contains("[lints]\nworkspace = true"), "{} has lints of its own", member.name);
        assert_eq!(member.license.as_deref(), Some("Apache-2.0 OR MIT"), "{}", member.name);
        assert_eq!(member.publish.as_deref(), Some(&[][..]), "{} could be published", member.name);
        // Yocto's long-term release ships this one.
        assert_eq!(member.rust_version.as_ref().map(ToString::to_string).as_deref(), Some("1.94.0"));
    }
}
