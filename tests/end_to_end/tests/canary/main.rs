//! Canaries: PINs and patients' data that go through visits of each kind, with every log at its loudest, and are
//! then looked for in everything that leaves a trace.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a failed step is a failed test")]

mod bus;
mod search;

use bus::{Listeners, Message};
use madoguchi_end_to_end::{House, Lane, Options, http::Http, process::Process, visits};
use reqwest::Method;
use search::Canary;
use serde_json::{Value, json};
use std::{
    fs,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

/// The right PINs, one for each way on which a PIN goes, and a wrong one. Each begins with a zero: see `search`.
const ANDROID: &str = "0739";
const HELD: &str = "0846";
const SLOT: &str = "0592";
const WRONG: &str = "0417";
const PINS: [&str; 4] = [ANDROID, HELD, SLOT, WRONG];

const CARDS: [&str; 3] = ["android", "my_number_card", "iphone"];

/// The entry of the patient behind the card of this number: nothing of it occurs anywhere else.
fn patient(number: usize) -> Value {
    json!({
        "insured_card_classification": "01",
        "insurer_number": "97531864",
        "insured_card_symbol": "鳥籠七三",
        "insured_identification_number": format!("8642097{number}"),
        "insured_branch_number": "01",
        "personal_family_classification": "1",
        "insured_name": "金糸雀　鳴子",
        "name": "金糸雀　鳴子",
        "name_kana": "カナリヤ　ナルコ",
        "sex1": "2",
        "birthdate": "19730219",
        "address": "架空県鳥籠市試験町７－３－９",
        "post_number": "9730219",
        "qualification_date": "20200901",
        "insurer_name": "鳥籠見本健康保険組合",
    })
}

const OF_PATIENTS: [&str; 8] =
    ["金糸雀", "鳴子", "カナリヤ", "97531864", "鳥籠七三", "8642097", "19730219", "鳥籠市試験町"];

struct Hospital {
    house: House,
    control: Http,
    canaries: Vec<Canary>,
    /// Those of them that are serial numbers.
    serials: Vec<Canary>,
    /// Pages of the gateway at many moments.
    pages: Vec<(String, String)>,
}

impl Hospital {
    async fn open() -> Self {
        let house = House::hospital(Options { lanes: 1, ..Options::default() }).await;
        let control = Http::new(house.addresses["control"].as_str().unwrap());
        let mut canaries: Vec<_> = PINS.into_iter().map(Canary::pin).collect();
        canaries.extend(OF_PATIENTS.map(Canary::text));
        let mut serials = Vec::new();
        for (number, card) in CARDS.into_iter().enumerate() {
            let serial = control.must(Method::GET, &format!("cards/{card}"), None).await["serial"].clone();
            let serial = serial.as_str().unwrap().to_owned();
            let byte = |at: usize| u8::from_str_radix(&serial[at..at + 2], 16).unwrap();
            let bytes: Vec<u8> = (0..serial.len()).step_by(2).map(byte).collect();
            canaries.push(Canary::serial(&bytes));
            serials.push(Canary::serial(&bytes));
            control.must(Method::PUT, &format!("cards/{card}/patient"), Some(patient(number))).await;
        }
        fs::create_dir(house.directory().join("cwd")).unwrap();
        Self { house, control, canaries, serials, pages: Vec::new() }
    }

    fn state(&self) -> PathBuf {
        self.house.directory().join("state")
    }

    /// A gateway that logs all it can; what it might write beside its folders goes where it is looked for, too.
    fn gateway(&self) -> Process {
        let here = self.house.directory().join("cwd");
        let mut command = self.house.madoguchi(&["run"]);
        command.env("MADOGUCHI_LOG", "trace").env("TMPDIR", &here).env("HOME", &here).current_dir(&here);
        Process::start("gateway", in_a_group_of_its_own(&command), self.house.directory())
    }

    /// Listens in on a gateway that is ready.
    async fn listeners(&self, folder: &str) -> Listeners {
        let listeners = Listeners::start(&self.state(), &self.house.directory().join(folder));
        let heard = async |_: &House| {
            ["gateway", "face_reader-1", "offline_queue"].iter().all(|it| listeners.heard_by(it))
        };
        self.house.until("the listeners hear something", heard).await;
        listeners
    }

    fn lane(&self) -> Lane {
        self.house.lane(1)
    }

    async fn look_at_pages(&mut self) {
        for path in ["", "?lang=en"] {
            self.pages.push((format!("/{path}"), self.house.page(path).await));
        }
        self.pages.push(("/metrics".into(), self.house.metrics().await));
        self.pages.push(("state".into(), self.house.answer("state").await));
    }

    /// From the consent to the next patient's turn; answers with the last screen's kind.
    async fn finish(&mut self) -> String {
        let lane = self.lane();
        lane.wait(&["consent"]).await;
        self.look_at_pages().await;
        let last = visits::consent(&lane).await.kind;
        self.look_at_pages().await;
        visits::leave(&lane).await;
        last
    }

    /// An Android phone, after a wrong PIN where wanted.
    async fn android(&mut self, wrong_first: bool) -> String {
        let lane = self.lane();
        let pad = visits::to_android_pin(&lane).await;
        if wrong_first {
            lane.pin(WRONG).await;
            lane.wait(&["hold_medium"]).await;
            lane.hold_with(json!({ "card": "android", "pin": ANDROID })).await;
            lane.wait_after(pad.sequence, &["enter_pin"], 20_000).await;
            self.look_at_pages().await;
            lane.pin(ANDROID).await;
        } else {
            lane.pin(ANDROID).await;
            lane.wait_after(pad.sequence, &["hold_medium"], 20_000).await;
            lane.hold_with(json!({ "card": "android", "pin": ANDROID })).await;
        }
        self.finish().await
    }

    async fn card_held(&mut self) -> String {
        let lane = self.lane();
        lane.answer("idle", "use_card").await;
        lane.answer("face_or_pin", "pin").await;
        lane.wait(&["enter_pin"]).await;
        lane.pin(HELD).await;
        lane.wait(&["hold_medium"]).await;
        lane.hold_with(json!({ "card": "my_number_card", "pin": HELD })).await;
        self.finish().await
    }

    async fn card_in_slot(&mut self, how: &str) -> String {
        let lane = self.lane();
        lane.wait(&["idle"]).await;
        let card = json!({ "card": "my_number_card", "pin": SLOT });
        self.control.must(Method::PUT, "lanes/1/slot", Some(card)).await;
        lane.answer("face_or_pin", how).await;
        if how == "pin" {
            visits::type_slot_pin(&lane, SLOT).await;
        }
        self.finish().await
    }

    async fn iphone(&mut self) -> String {
        let lane = self.lane();
        visits::to_iphone_hold(&lane).await;
        lane.hold("iphone").await;
        self.finish().await
    }

    fn absent(&self, place: &str, bytes: &[u8]) {
        for canary in &self.canaries {
            if let Some(found) = canary.find(bytes) {
                panic!("{place}: {found}");
            }
        }
    }

    /// No file below `folder` holds a canary or has one in its name. The receipt computer's results hold what they
    /// must; the hospital's own log is none of the gateway's.
    fn absent_below(&self, folder: &Path) -> usize {
        let mut searched = 0;
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            self.absent("a file's name", path.as_os_str().as_encoded_bytes());
            let kind = fs::symlink_metadata(&path).unwrap().file_type();
            if kind.is_dir() && !path.ends_with("receipts/Face") && !path.ends_with("heard") {
                searched += self.absent_below(&path);
            } else if kind.is_file() && !path.ends_with("hospital.log") {
                self.absent(&path.display().to_string(), &fs::read(&path).unwrap());
                searched += 1;
            }
        }
        searched
    }

    /// What was heard on the bus: no canary in a topic, no PIN in a payload, and nothing of a patient's in what
    /// everybody may hear or what is kept for long.
    fn absent_on_bus(&self, messages: &[Message]) {
        for message in messages {
            let place = format!("{} hears {}", message.account, message.topic);
            self.absent(&place, message.topic.as_bytes());
            let for_all = message.topic.ends_with("/state") || message.topic.contains("/audit_log/");
            for canary in &self.canaries {
                if canary.is_pin() || for_all {
                    assert_eq!(canary.find(&message.payload), None, "{place}");
                }
            }
        }
    }
}

/// Runs `command` in a group of its own (as root), by which `/proc` tells whether the process may be dumped.
fn in_a_group_of_its_own(command: &Command) -> Command {
    let mut wrapped = Command::new("env");
    if rustix::process::geteuid().is_root() {
        wrapped = Command::new("setpriv");
        wrapped.args(["--regid", "65534", "--clear-groups"]);
    }
    wrapped.arg(command.get_program()).args(command.get_args());
    wrapped.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    if let Some(here) = command.get_current_dir() {
        wrapped.current_dir(here);
    }
    wrapped
}

/// Whether the kernel would write a core of this process or let another one look into its memory: the files below
/// `/proc/PID` of one that is not dumpable belong to root and root's group, whoever runs it (`proc(5)`).
fn is_dumpable(process: &Process) -> bool {
    let file = fs::metadata(format!("/proc/{}/limits", process.id())).unwrap();
    (file.uid(), file.gid()) != (0, 0)
}

fn core_limit(process: &Process) -> Vec<String> {
    let limits = fs::read_to_string(format!("/proc/{}/limits", process.id())).unwrap();
    let core = limits.lines().find_map(|line| line.strip_prefix("Max core file size")).unwrap();
    core.split_whitespace().take(2).map(str::to_owned).collect()
}

#[test]
fn the_search_finds_a_pin_in_every_form_and_only_there() {
    let pin = Canary::pin("0739");
    let leaks: [&[u8]; 14] = [
        b"0739",
        b"pin=0739",
        b"{\"digits\":\"0739\"}",
        b"the PIN is 0739.",
        b"VERIFY 00 20 00 80 04 30373339",
        b"[48, 55, 51, 57]",
        b"Pin([0, 7, 3, 9])",
        b"\"sealed\":[48,55,51,57]",
        b"digits/0739/x",
        b"\xa1\x63pin\x640739\xff",
        b"\xff\x440739\x01",
        b"\xff\x84\x00\x07\x03\x09",
        b"\xff\x84\x18\x30\x18\x37\x18\x33\x18\x39",
        b"\x00\x20\x00\x80\x040739\xff",
    ];
    for leak in leaks {
        assert!(pin.find(leak).is_some(), "{}", leak.escape_ascii());
    }
    let chance: [&[u8]; 6] = [
        b"2026-11-22T18:07:39.0739Z",
        b"took 12.0739 ms",
        b"2f1d0739-0739-4739-a073-90739abc0739",
        b"127.0.0.1:50739",
        b"d0739f",
        b"0x0739abcd",
    ];
    for text in chance {
        assert_eq!(pin.find(text), None, "{}", text.escape_ascii());
    }
    let name = Canary::text("金糸雀");
    let (shift_jis, ..) = encoding_rs::SHIFT_JIS.encode("氏名：金糸雀　鳴子");
    assert!(name.find(&shift_jis).is_some());
    assert!(name.find(format!("{:?}", "金糸雀　鳴子".as_bytes()).as_bytes()).is_some());
    assert!(name.find("{\"name\":\"\\u91d1\\u7cf8\\u96c0\"}".as_bytes()).is_some());
    assert!(name.find("6YeR57O46ZuA".as_bytes()).is_some(), "Base64");
    assert_eq!(name.find("金魚、糸、雀".as_bytes()), None);
}

#[tokio::test]
async fn canaries_leave_no_trace() {
    let mut hospital = Hospital::open().await;
    let gateway = hospital.gateway();
    hospital.house.ready().await;
    let listeners = hospital.listeners("heard/first").await;

    // Visits of each kind, and one that begins with a wrong PIN.
    assert_eq!(hospital.android(true).await, "done");
    assert_eq!(hospital.card_held().await, "done");
    assert_eq!(hospital.card_in_slot("face").await, "done");
    assert_eq!(hospital.card_in_slot("pin").await, "done");
    assert_eq!(hospital.iphone().await, "done");
    hospital.house.settled(5).await;
    // The line goes; what is accepted waits in the box, also while the gateway is dead.
    hospital.house.line_down().await;
    assert_eq!(hospital.android(false).await, "deferred");
    assert_eq!(hospital.iphone().await, "deferred");
    let first = listeners.stop();
    gateway.kill();
    let waiting = hospital.absent_below(&hospital.state());
    assert!(waiting >= 5, "only {waiting} files were searched");
    let gateway = hospital.gateway();
    hospital.house.lanes_are_ready().await;
    let listeners = hospital.listeners("heard/second").await;
    assert_eq!(hospital.card_held().await, "deferred");
    hospital.house.centre_well().await;
    hospital.house.settled(8).await;
    assert_eq!(hospital.android(false).await, "done");
    hospital.house.settled(9).await;
    hospital.look_at_pages().await;
    hospital.pages.push(("support".into(), hospital.house.page("support").await));
    let console = hospital.house.madoguchi(&["support"]).output().unwrap();
    hospital.pages.push(("madoguchi support".into(), String::from_utf8(console.stdout).unwrap()));
    let second = listeners.stop();
    assert_eq!(core_limit(&gateway), ["0", "0"], "soft and hard limit of a core file");
    assert!(!is_dumpable(&gateway));
    let (status, _) = gateway.stop(Duration::from_secs(8));
    assert!(status.success(), "{status}");

    for (path, text) in &hospital.pages {
        assert!(!text.is_empty(), "{path} answered nothing");
        hospital.absent(path, text.as_bytes());
    }
    hospital.absent_on_bus(&first);
    hospital.absent_on_bus(&second);
    let searched = hospital.absent_below(hospital.house.directory());
    assert!(searched >= 15, "only {searched} files were searched");

    hospital.the_search_was_able_to_find(&first);
    // A program that does nothing about it can be dumped.
    let mut sleep = Command::new("sleep");
    sleep.arg("60");
    let sleeper = Process::start("sleeper", in_a_group_of_its_own(&sleep), hospital.house.directory());
    hospital.house.until("another program is dumpable", async |_| is_dumpable(&sleeper)).await;
}

impl Hospital {
    /// The canaries did go through, and the search finds them where they must be.
    fn the_search_was_able_to_find(&self, messages: &[Message]) {
        let log = fs::read_to_string(self.house.directory().join("gateway.log")).unwrap();
        assert!(log.contains("\"TRACE\""), "the log was not at its loudest");
        let face = self.house.directory().join("receipts/Face");
        let results: Vec<_> =
            fs::read_dir(face).unwrap().map(|entry| fs::read(entry.unwrap().path()).unwrap()).collect();
        for text in OF_PATIENTS {
            let canary = Canary::text(text);
            assert!(results.iter().any(|result| canary.find(result).is_some()), "{text} is in no result");
        }
        // The receipt computer's actor gets what it writes by the bus, the line's actor the certificates.
        let heard = |account: &str, canary: &Canary| {
            messages
                .iter()
                .any(|message| message.account == account && canary.find(&message.payload).is_some())
        };
        assert!(heard("receipt_computer", &Canary::text("金糸雀")));
        assert!(self.serials.iter().all(|serial| heard("uplink", serial)));
        assert!(
            messages.iter().any(|it| it.account == "nfc_reader-1" && it.topic.ends_with("reply/release_pin"))
        );
        // A PIN in a file beside the others would have been found.
        let planted = self.house.directory().join("state/planted");
        fs::create_dir(&planted).unwrap();
        fs::write(planted.join("notes"), format!("{{\"pin\":\"{HELD}\"}}")).unwrap();
        let search = std::panic::AssertUnwindSafe(|| self.absent_below(&self.state()));
        assert!(std::panic::catch_unwind(search).is_err(), "the planted PIN was not found");
    }
}
