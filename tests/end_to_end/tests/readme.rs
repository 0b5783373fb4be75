//! The README says what is so: its table of actors is the manifest's, and what it points to exists.

#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use madoguchi_bus::manifest::{Manifest, Network, Per};
use madoguchi_end_to_end::sources::{is_made_between, project, text};
use madoguchi_protocol::ActorKind;

const BEGIN: &str = "<!-- actors: made from configs/actors.toml by `make doc` -->\n";
const END: &str = "<!-- /actors -->\n";

fn table() -> String {
    let mut table = String::from(
        "| actor | one per | asks | says | listens to | network | devices | writes |\n|---|---|---|---|---|---|---|---|\n",
    );
    for kind in ActorKind::ALL {
        let entry = Manifest::get().entry(kind);
        let per = match entry.per {
            Per::Lane => "lane",
            Per::Box => "box",
        };
        let network = match entry.network {
            Network::None => "–",
            Network::Counter => "counter",
            Network::Line => "line",
        };
        let asks = entry.asks.iter().map(|command| format!("{}/{}", command.to, command.name));
        let listens = entry.listens.iter().map(ToString::to_string);
        let cells = [
            format!("`{kind}`"),
            per.to_owned(),
            list(asks),
            list(entry.says.iter().cloned()),
            list(listens),
            network.to_owned(),
            list(entry.devices.iter().cloned()),
            list(entry.writes.iter().cloned()),
        ];
        table += &format!("| {} |\n", cells.join(" | "));
    }
    table
}

fn list(names: impl Iterator<Item = String>) -> String {
    let names: Vec<_> = names.map(|name| format!("`{name}`")).collect();
    if names.is_empty() { "–".to_owned() } else { names.join(", ") }
}

#[test]
fn the_table_of_actors_is_the_manifests() {
    is_made_between("README.md", BEGIN, END, &table());
}

#[test]
fn every_file_and_folder_that_the_readme_names_exists() {
    let readme = text("README.md");
    let links = readme.split("](").skip(1).filter_map(|rest| rest.split_once(')')).map(|(link, _)| link);
    let folders = readme.lines().filter_map(|line| line.strip_prefix("| `")?.split_once("/` |"));
    let named: Vec<_> = links.chain(folders.map(|(folder, _)| folder)).collect();
    assert!(named.len() > 20, "{named:?}");
    for name in named {
        assert!(project().join(name).exists(), "{name}");
    }
}

#[test]
fn every_target_that_the_readme_names_can_be_made() {
    let readme = text("README.md");
    let makefile = text("Makefile");
    let named: Vec<_> = readme
        .split("make ")
        .skip(1)
        .filter_map(|rest| rest.split(|c: char| !c.is_ascii_lowercase()).next())
        .filter(|word| readme.contains(&format!("`make {word}`")))
        .collect();
    assert!(named.len() > 3, "{named:?}");
    for target in named {
        assert!(makefile.contains(&format!("\n{target}:")), "make {target}");
    }
}
