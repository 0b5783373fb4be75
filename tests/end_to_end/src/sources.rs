//! The project's own sources and documents, for tests that hold them against each other.

use std::{
    env, fs,
    path::{Path, PathBuf},
};

/// The folders with sources of our own.
const FOLDERS: [&str; 3] = ["actors", "gateway", "tests"];

/// The project's folder.
pub fn project() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().expect("the project's folder")
}

/// A file of the project as text.
pub fn text(path: &str) -> String {
    fs::read_to_string(project().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Every source file in Rust: its path below the project, and its text.
pub fn rust_files() -> Vec<(String, String)> {
    let project = project();
    let mut paths = Vec::new();
    FOLDERS.iter().for_each(|folder| look_into(&project.join(folder), &mut paths));
    let below = |path: &Path| path.strip_prefix(&project).expect("below the project").display().to_string();
    paths.iter().map(|path| (below(path), fs::read_to_string(path).expect("a source"))).collect()
}

fn look_into(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            if !path.ends_with("target") {
                look_into(&path, found);
            }
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

/// The names of all tests in a source: functions right below a test's attribute, other attributes aside.
pub fn tests_in(source: &str) -> Vec<&str> {
    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let mut is_test = false;
    let test = |line: &'_ str| line == "#[test]" || line.contains("::test]") || line.contains("::test(");
    let mut names = Vec::new();
    for line in source.lines().map(str::trim_start) {
        if line.starts_with("#[") {
            is_test |= test(line);
            continue;
        }
        if !std::mem::take(&mut is_test) {
            continue;
        }
        let rest = line.strip_prefix("async ").unwrap_or(line).strip_prefix("fn ");
        names.extend(rest.and_then(|rest| rest.split(|c| !is_name(c)).next()));
    }
    names
}

/// A document that is made from sources says what they say; with `UPDATE` in the environment it is written anew.
pub fn is_made(path: &str, made: &str) {
    let file = project().join(path);
    if env::var_os("UPDATE").is_some() {
        fs::write(file, made).unwrap_or_else(|error| panic!("{path}: {error}"));
    } else {
        assert_eq!(fs::read_to_string(file).unwrap_or_default(), made, "{path}: run `make doc`");
    }
}

/// The same for what stands between two lines of a document.
pub fn is_made_between(path: &str, begin: &str, end: &str, made: &str) {
    let whole = text(path);
    let (before, rest) = whole.split_once(begin).unwrap_or_else(|| panic!("{path} has no {begin}"));
    let (_, after) = rest.split_once(end).unwrap_or_else(|| panic!("{path} has no {end}"));
    is_made(path, &[before, begin, made, end, after].concat());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tests_are_told_from_other_functions() {
        let source = "#[tokio::test]\n  async fn r01_day() {}\nfn x(a: u8)\n#[test]\n#[cfg(unix)]\nfn y()";
        assert_eq!(tests_in(source), ["r01_day", "y"]);
    }
}
