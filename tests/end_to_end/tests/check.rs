//! `madoguchi check`, and what a mistake in the configuration leads to.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a failed step is a failed test")]

use madoguchi_end_to_end::{House, Options, house::program};
use madoguchi_simulator::pki::tls::{TlsAuthority, Validity};
use serde_json::Value;
use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

const EXAMPLE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../configs/example.toml");

fn one_lane() -> Options {
    Options { lanes: 1, ..Options::default() }
}

/// What a check found.
struct Checked {
    code: i32,
    findings: Vec<Value>,
}

impl Checked {
    fn new(output: &Output) -> Self {
        let text = String::from_utf8_lossy(&output.stdout);
        let findings = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {output:?}"));
        Self { code: output.status.code().expect("an exit code"), findings }
    }

    fn of(&self, what: &str) -> Vec<&Value> {
        self.findings.iter().filter(|finding| finding["what"] == what).collect()
    }

    /// The findings on `what` say this level, one of them these words; anything but "ok" says what to do.
    fn says(&self, what: &str, level: &str, words: &str) {
        let all = self.of(what);
        let fits =
            |it: &&&Value| it["level"] == level && it["found"].as_str().is_some_and(|f| f.contains(words));
        let found = all.iter().find(fits).unwrap_or_else(|| panic!("no {level} {words:?} in {all:#?}"));
        let todo = found["todo"].as_str().unwrap_or("");
        assert_eq!(todo.is_empty(), level == "ok", "{found:#}");
    }

    /// Nothing but `what` is an error.
    fn only_error(&self, what: &str) {
        assert_eq!(self.code, 1, "{:#?}", self.findings);
        let errors: Vec<_> = self.findings.iter().filter(|finding| finding["level"] == "error").collect();
        assert!(!errors.is_empty() && errors.iter().all(|error| error["what"] == what), "{errors:#?}");
    }
}

/// Checks the house's configuration as `edit` changes it.
fn check(house: &House, edit: impl FnOnce(String) -> String) -> Checked {
    let text = fs::read_to_string(house.config()).unwrap();
    fs::write(house.config(), edit(text.clone())).unwrap();
    let output = house.madoguchi(&["check", "--json"]).output().unwrap();
    fs::write(house.config(), text).unwrap();
    Checked::new(&output)
}

fn as_it_is(text: String) -> String {
    text
}

#[tokio::test]
async fn check_finds_a_running_house_well_for_people_and_programs() {
    let house = House::open(Options::default()).await;
    let checked = Checked::new(&house.madoguchi(&["check", "--json"]).output().unwrap());
    assert_eq!(checked.code, 0, "{:#?}", checked.findings);
    for (what, count) in
        [("configuration", 1), ("broker", 1), ("readers", 2), ("line", 1), ("clock", 1), ("disk", 1)]
    {
        assert_eq!(checked.of(what).len(), count, "{what}");
    }
    checked.says("configuration", "ok", "2 lane(s)");
    checked.says("broker", "ok", "answers");
    checked.says("readers", "ok", "lane 2: ");
    checked.says("line", "ok", "answers in");
    checked.says("certificates", "ok", "device-link.pem");
    checked.says("certificates", "ok", "uplink.pem");
    // The same for a person: one line for each finding, and a second one where something is to be done.
    let output = house.madoguchi(&["check"]).output().unwrap();
    assert!(output.status.success());
    let text = String::from_utf8(output.stdout).unwrap();
    let (todos, lines): (Vec<_>, Vec<_>) = text.lines().partition(|line| line.trim_start().starts_with('→'));
    assert_eq!(lines.len(), checked.findings.len(), "{text}");
    assert_eq!(todos.len(), checked.findings.iter().filter(|it| !it["todo"].is_null()).count(), "{text}");
}

#[tokio::test]
async fn check_names_what_is_wrong_and_what_to_do() {
    let house = House::hospital(one_lane()).await;
    // The gateway would start its broker: no error.
    let stopped = check(&house, as_it_is);
    stopped.says("broker", "warning", "does not run");
    assert_eq!(stopped.code, 0, "{:#?}", stopped.findings);
    // Nobody would start this one.
    let external =
        "\n[broker]\nmode = \"external\"\nsocket = \"/nowhere/broker.sock\"\npasswords = \"/nowhere\"\n";
    let checked = check(&house, |text| text + external);
    checked.says("broker", "error", "/nowhere/broker.sock");
    checked.only_error("broker");

    let checked = check(&house, |text| text.replace("reader = { name = \"", "reader = { name = \"Another "));
    checked.says("readers", "error", "not attached");
    checked.only_error("readers");

    let checked = check(&house, |text| text.replace("uplink.pem", "missing.pem"));
    checked.says("certificates", "error", "missing.pem");
    assert_eq!(checked.code, 1);

    let pki = house.directory().join("pki");
    let authority = TlsAuthority::new("Invented terminal authority").unwrap();
    authority.client("late", Validity::expired()).unwrap().write(&pki, "expired").unwrap();
    authority.client("soon", Validity::days(30)).unwrap().write(&pki, "soon").unwrap();
    let checked = check(&house, |text| text.replace("/uplink.", "/expired."));
    checked.says("certificates", "error", "expired.pem");
    assert_eq!(checked.code, 1);
    let checked = check(&house, |text| text.replace("/device-link.", "/soon."));
    checked.says("certificates", "warning", "soon.pem");
    assert_eq!(checked.code, 0, "{:#?}", checked.findings);

    house.line_down().await;
    let checked = check(&house, as_it_is);
    checked.says("line", "error", "does not answer");
    checked.only_error("line");
    house.centre_well().await;

    house.pcscd("kill").await;
    let checked = check(&house, as_it_is);
    checked.says("readers", "error", "");
    checked.only_error("readers");
    house.pcscd("restart").await;
    assert_eq!(check(&house, as_it_is).code, 0);
}

/// A folder with a configuration made from the example.
fn written(text: &str) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("madoguchi.toml");
    fs::write(&file, text).unwrap();
    (folder, file)
}

fn madoguchi(act: &str, file: &Path) -> Output {
    let mut command = Command::new(program("madoguchi"));
    command.args([act, "--config"]).arg(file).env("PCSCLITE_CSOCK_NAME", "/nowhere/pcscd.sock");
    if act == "check" {
        command.arg("--json");
    }
    command.output().unwrap()
}

#[test]
fn the_example_configuration_is_taken() {
    let checked = Checked::new(&madoguchi("check", Path::new(EXAMPLE)));
    checked.says("configuration", "ok", "2 lane(s)");
}

/// Both `check` and `run` of a single actor refuse the text with these words; `run` starts nothing. (The gateway's own
/// process serves the page that mends it: see configuration.rs.)
fn refused(text: &str, words: &[&str]) {
    let (folder, file) = written(text);
    let checked = Checked::new(&madoguchi("check", &file));
    for word in words {
        checked.says("configuration", "error", word);
    }
    checked.only_error("configuration");
    let ran = Command::new(program("madoguchi"))
        .args(["run", "--only", "uplink", "--config"])
        .arg(&file)
        .output()
        .unwrap();
    assert_eq!(ran.status.code(), Some(1), "{ran:?}");
    let said = String::from_utf8_lossy(&ran.stderr);
    assert!(words.iter().all(|word| said.contains(word)), "{said}");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "nothing is written");
}

#[test]
fn an_unknown_key_is_refused_with_its_line_and_the_nearest_key() {
    let example = fs::read_to_string(EXAMPLE).unwrap();
    for (right, wrong) in [
        ("url = ", "urll = "),
        ("state_directory = ", "state_dir = "),
        ("face_folder = ", "face_foldr = "),
        ("minimum_software = ", "minimum_sofware = "),
        ("reader_boot = ", "reader_bot = "),
        ("[receipt_computer]", "[receipt_compter]"),
        ("#choose = 60", "chose = 60"),
        ("phones = \"do_not_use\"", "phones = \"do_not_us\""),
    ] {
        let text = example.replacen(right, wrong, 1);
        let line = 1 + text.lines().position(|line| line.starts_with(wrong)).expect("the wrong line");
        let meant = right.trim_start_matches('#').split([' ', ']']).next().unwrap().trim_matches('[');
        let meant = if wrong.starts_with("phones") { "do_not_use" } else { meant };
        refused(&text, &[&format!("line {line}: "), &format!("did you mean `{meant}`?")]);
    }
}

#[test]
fn a_value_of_another_type_and_half_a_file_are_refused_with_their_line() {
    let example = fs::read_to_string(EXAMPLE).unwrap();
    let wrong_type = example.replace("number = 2", "number = \"two\"");
    let line = 1 + wrong_type.lines().position(|line| line.starts_with("number = \"two\"")).unwrap();
    refused(&wrong_type, &[&format!("line {line}: "), "invalid type: string"]);
    let at = example.find("[lane.nfc_reader]").unwrap();
    let truncated = &example[..at + "[lane.nfc".len()];
    refused(truncated, &[&format!("line {}: ", truncated.lines().count())]);
    refused("", &["missing field"]);
    refused("\u{0}\u{1}", &["line 1: "]);
    refused(&format!("site = {}", "[".repeat(100_000)), &["line 1: "]);
}

#[test]
fn values_that_cannot_be_are_refused_with_a_reason() {
    let example = fs::read_to_string(EXAMPLE).unwrap();
    let with = |from: &str, to: &str| {
        assert!(example.contains(from), "{from}");
        example.replacen(from, to, 1)
    };
    refused(&with("1319999999", "131999999"), &["site.institution", "10 digits"]);
    refused(
        &with(":28202", ":28201"),
        &["lane.2.face_reader.listen", "192.168.10.1:28201 belongs to another lane"],
    );
    refused(&with("number = 2", "number = 1"), &["number 1 is given twice"]);
    refused(&with("number = 2", "number = 0"), &["a lane is a number from 1 to 999"]);
    refused(
        &with("#listen = \"127.0.0.1:8480\"", "listen = \"0.0.0.0:8480\""),
        &["web.listen", "every network"],
    );
}

#[test]
fn an_actor_that_the_configuration_lacks_is_refused() {
    for (actor, words) in [
        ("nfc_reader@2", "the configuration has no such actor"),
        ("uplink@1", "uplink@1"),
        ("nfc_reader", "nfc_reader"),
        ("uplnk", "uplnk"),
    ] {
        let output = Command::new(program("madoguchi"))
            .args(["run", "--only", actor, "--config", EXAMPLE])
            .output()
            .unwrap();
        assert!(!output.status.success(), "{actor}");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(said.contains(words), "{actor}: {said}");
    }
}

#[test]
fn a_file_of_two_mebibytes_is_no_configuration() {
    let example = fs::read_to_string(EXAMPLE).unwrap();
    let padding = "# padding\n".repeat(2 * 1024 * 1024 / 10);
    refused(&(example + &padding), &["more than the 1 MiB"]);
}

#[test]
fn a_missing_file_and_a_folder_are_named() {
    let folder = tempfile::tempdir().unwrap();
    for path in [folder.path().join("none.toml"), folder.path().to_path_buf()] {
        let checked = Checked::new(&madoguchi("check", &path));
        checked.says("configuration", "error", &path.display().to_string());
        checked.only_error("configuration");
    }
}
