//! The Yocto layer, as far as it can be judged without Yocto: its files are what a layer wants, its licences and crates
//! are the project's, and what it puts on the box is what the Debian image has.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a failed step is a failed test")]

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Every file of the layer, from the project's root.
fn files() -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![root().join("yocto/meta-madoguchi")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() { folders.push(path) } else { found.push(path) }
        }
    }
    assert!(found.len() >= 10, "{found:?}");
    found
}

fn metadata() -> impl Iterator<Item = PathBuf> {
    let is_metadata = |path: &PathBuf| {
        path.extension().is_some_and(|end| ["bb", "bbclass", "conf", "inc"].iter().any(|one| end == *one))
    };
    files().into_iter().filter(is_metadata)
}

/// A setting of a recipe, its continued lines as one.
fn value(text: &str, key: &str) -> Option<String> {
    let joined = text.replace("\\\n", " ");
    joined.lines().find_map(|line| {
        let rest = line.strip_prefix(key)?.trim_start();
        let rest = rest.strip_prefix(['?', '+', ':', '.']).unwrap_or(rest).strip_prefix('=')?;
        Some(rest.trim().trim_matches('"').split_whitespace().collect::<Vec<_>>().join(" "))
    })
}

#[test]
fn the_layer_says_which_release_it_is_for_and_what_it_needs() {
    let layer = read("yocto/meta-madoguchi/conf/layer.conf");
    assert_eq!(value(&layer, "LAYERSERIES_COMPAT_madoguchi").as_deref(), Some("wrynose"));
    let needs = value(&layer, "LAYERDEPENDS_madoguchi").unwrap();
    assert_eq!(needs, "core openembedded-layer networking-layer");
    for file in ["README.md", "SECURITY.md", "conf/distro/madoguchi-box.conf"] {
        assert!(root().join("yocto/meta-madoguchi").join(file).exists(), "{file}");
    }
    let kas = read("yocto/kas.yml");
    for layer in ["yocto/meta-madoguchi", "meta-oe", "meta-networking", "branch: wrynose"] {
        assert!(kas.contains(layer), "{layer}");
    }
}

#[test]
fn every_line_of_the_metadata_is_one_that_bitbake_knows() {
    const WORDS: [&str; 7] = ["inherit ", "require ", "include ", "addtask ", "deltask ", "def ", "python "];
    for path in metadata() {
        let text = fs::read_to_string(&path).unwrap();
        let (mut in_body, mut continued) = (false, false);
        for (number, line) in text.lines().enumerate() {
            let at = format!("{}:{}: {line}", path.display(), number + 1);
            assert!(!line.contains('\t') && line == line.trim_end(), "{at}: tabs or blanks at the end");
            if in_body {
                // A function ends with its brace; a Python one with the next line that is not indented.
                in_body = line != "}" && (line.is_empty() || line.starts_with(' '));
                assert!(line.is_empty() || line == "}" || line.starts_with(' ') || !in_body, "{at}");
                if in_body || line == "}" {
                    continue;
                }
            }
            if continued || line.is_empty() || line.starts_with('#') {
                continued = continued && line.ends_with('\\');
                continue;
            }
            continued = line.ends_with('\\');
            in_body = line.ends_with("{") || (line.starts_with("def ") && line.ends_with(':'));
            let known = in_body || WORDS.iter().any(|word| line.starts_with(word)) || line.contains('=');
            assert!(known, "{at}: what is this?");
            let quotes = line.matches('"').count();
            assert!(in_body || quotes % 2 == 0 || continued, "{at}: a quotation mark is missing");
        }
        assert!(!in_body || text.ends_with('\n'), "{}: a function does not end", path.display());
    }
}

#[test]
fn each_recipe_has_the_projects_licence_by_its_checksum() {
    let mut recipes = 0;
    for path in metadata().filter(|path| path.extension().is_some_and(|end| end == "bb")) {
        let text = fs::read_to_string(&path).unwrap();
        assert_eq!(value(&text, "LICENSE").as_deref(), Some("Apache-2.0 | MIT"), "{}", path.display());
        recipes += 1;
        for entry in value(&text, "LIC_FILES_CHKSUM").unwrap_or_default().split_whitespace() {
            let (file, checksum) = entry.strip_prefix("file://").unwrap().split_once(";md5=").unwrap();
            let said = Command::new("md5sum").arg(root().join(file)).output().unwrap();
            assert!(
                String::from_utf8_lossy(&said.stdout).starts_with(checksum),
                "{}: {file}",
                path.display()
            );
        }
    }
    assert_eq!(recipes, 3);
}

#[test]
fn every_crate_of_the_lock_file_is_pinned_by_its_checksum() {
    let said = Command::new(root().join("yocto/crates")).output().expect("python3");
    assert!(said.status.success(), "{}", String::from_utf8_lossy(&said.stderr));
    let said = String::from_utf8_lossy(&said.stdout).into_owned();
    let lock: toml::Table = read("Cargo.lock").parse().unwrap();
    let mut pinned = 0;
    for package in lock["package"].as_array().unwrap() {
        let Some(checksum) = package.get("checksum") else { continue };
        let (name, version) = (package["name"].as_str().unwrap(), package["version"].as_str().unwrap());
        let line = format!("SRC_URI[{name}-{version}.sha256sum] = \"{}\"", checksum.as_str().unwrap());
        assert!(said.contains(&line), "{line}");
        assert!(said.contains(&format!("crate://crates.io/{name}/{version} ")), "{name}");
        pinned += 1;
    }
    assert!(pinned > 100, "{pinned}");
}

#[test]
fn both_images_have_the_same_files_and_the_same_services_switched_off() {
    let recipe =
        read("yocto/meta-madoguchi/recipes-madoguchi/madoguchi-appliance/madoguchi-appliance_0.1.0.bb");
    assert!(recipe.contains("${S}/image/files/. ${D}/"), "all of image/files, as it is");
    assert!(read("image/build").contains("$here/files/."), "all of image/files, as it is");
    // Units of the house are rendered by the program itself, on either box.
    let units = root().join("image/files/usr/lib/systemd/system");
    let own: BTreeSet<_> =
        fs::read_dir(units).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    for unit in ["madoguchi-configure.service", "madoguchi-etc.service", "madoguchi-healthy.service"] {
        assert!(own.contains(unit), "{unit}");
    }
    assert!(!own.iter().any(|unit| unit.contains("nfc_reader") || unit.contains("broker")), "{own:?}");
    let debian = switched_off(&read("image/mkosi/mkosi.finalize"));
    let yocto = switched_off(&recipe);
    assert!(yocto.len() >= 10 && yocto.is_subset(&debian), "{:?}", yocto.difference(&debian));
}

/// The units that a script masks, by the loop's list.
fn switched_off(script: &str) -> BTreeSet<String> {
    let list = script.split("for unit in ").nth(1).unwrap().split("; do").next().unwrap();
    list.replace('\\', " ").split_whitespace().map(str::to_owned).collect()
}

#[test]
fn both_images_have_slots_of_the_same_size() {
    let wks = read("yocto/meta-madoguchi/files/wic/madoguchi.wks.in");
    for (file, part) in [("10-esp", "ESP"), ("20-root", "_root"), ("21-root-verity", "_verity")] {
        let size = value(&read(&format!("image/mkosi/mkosi.repart/{file}.conf")), "SizeMinBytes").unwrap();
        let line = wks.lines().find(|line| line.starts_with("part ") && line.contains(part)).unwrap();
        assert!(line.contains(&format!("--fixed-size {size}")), "{file}: {size}, and {line}");
    }
}
