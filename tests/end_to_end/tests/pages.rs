//! The pages as a browser without script gets them, and their live parts as one with script does.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a failed step is a failed test")]

use madoguchi_end_to_end::{
    House, Options,
    visits::{self, Way},
};
use madoguchi_protocol::{
    fault::FaultCode,
    texts::{Language, text},
};
use reqwest::Response;
use serde_json::{Value, json};
use std::time::Duration;
use tokio::time::timeout;

const PAGES: [&str; 11] =
    ["", "lanes/1", "repairs", "queue", "line", "counts", "log", "messages", "parts", "support", "status"];

fn says(key: &str) -> String {
    text(Language::Ja, key, &[])
}

/// Reads the live parts until one of this name says `words`.
async fn event(house: &House, path: &str, name: &str, words: &str) {
    let mut answer = house.stream(path).await;
    assert_eq!(answer.headers()["content-type"], "text/event-stream");
    let listen = async {
        let mut heard = String::new();
        loop {
            heard += &String::from_utf8_lossy(&answer.chunk().await.unwrap().expect("it goes on"));
            let is_it = |event: &str| event.starts_with(&format!("event: {name}\n")) && event.contains(words);
            if heard.split("\n\n").any(is_it) {
                return;
            }
        }
    };
    timeout(Duration::from_secs(20), listen).await.unwrap_or_else(|_| panic!("{name} never said {words:?}"));
}

#[tokio::test]
async fn every_page_is_there_in_both_languages_and_tells_what_happened() {
    let house = House::open(Options { lanes: 2, hotplug: true, ..Options::default() }).await;
    let lane = house.lane(1);
    visits::serve(&lane, Way::Android, "android").await;
    visits::serve(&lane, Way::CardByFace, "my_number_card").await;
    house.settled(2).await;
    for language in Language::ALL {
        for path in PAGES {
            let page = house.page(&format!("{path}?lang={}", language.tag())).await;
            assert!(page.contains(&format!("<html lang=\"{}\">", language.tag())), "/{path}: {page}");
            assert!(page.contains("0800-080-4583"), "/{path} tells the call centre's number (R-09)");
        }
    }
    // The lane's own page: how long the visits took, and how they ended.
    house
        .until("the lane's page shows both visits", async |house| {
            house.page("lanes/1?lang=ja").await.matches(&says("end-confirmed")).count() == 2
        })
        .await;
    // The audit log, the newest first, by lane; the counts, as an estimate.
    let log = house.page("log?lang=ja&lane=1").await;
    assert!(log.contains(&says("logged-visit-started")), "{log}");
    let other = house.page("log?lang=ja&lane=2").await;
    assert!(!other.contains(&says("logged-visit-started")), "{other}");
    let auditor = Clerk::of(&house, "auditor").await;
    assert_eq!(auditor.press("log/chain", ("x", "")).await, "303 See Other");
    house
        .until("the chain was read", async |_| {
            auditor.page("log?lang=ja").await.contains("class=\"notice good\"")
        })
        .await;
    let counts = house.page("counts?lang=ja").await;
    assert!(counts.contains(&says("counts-estimate")), "{counts}");
    assert!(counts.contains(&says("reason-confirmed-online")), "{counts}");
    let csv = house.page("counts.csv").await;
    assert_eq!(
        csv.lines().filter(|line| line.starts_with("estimate,") && line.contains(",yes,")).count(),
        2,
        "{csv}"
    );
    // What is said on the bus, by name only.
    assert!(house.page("messages").await.contains("madoguchi/v1/box/audit_log/command/read_log"));
    assert!(house.page("lanes/9").await.contains(&text(Language::Ja, "lane-unknown", &[("lane", "9")])));

    // A reader that is pulled is seen at once by whoever looks: on the tile, among what needs attention, and in
    // the other language as well.
    let lost = FaultCode::NfcReaderLost.name();
    let staff = |language| text(language, &format!("fault-{lost}-staff"), &[]);
    let (ja, en) = (staff(Language::Ja), staff(Language::En));
    let watch = async {
        tokio::join!(
            event(&house, "events?lang=ja", "lane-1", &ja),
            event(&house, "events?lang=en&only=lane-1", "lane-1", &en),
            event(&house, "events?lang=ja", "attention", &ja),
        );
    };
    let pull = async {
        tokio::time::sleep(Duration::from_millis(200)).await;
        lane.nfc_reader("unplug").await;
    };
    tokio::join!(watch, pull);
    let repairs = house.page("repairs?lang=ja").await;
    assert!(repairs.contains(&ja) && repairs.contains("href=\"/lanes/1\""), "{repairs}");
    lane.nfc_reader("plug").await;
    event(&house, "events?lang=ja", "lane-1", &says("doing-idle")).await;
    let lane_page = house.page("lanes/1?lang=ja").await;
    assert!(lane_page.contains(&ja), "the fault that is over is among the last faults: {lane_page}");
}

/// A clerk at the page, with what the page's forms carry.
struct Clerk<'h> {
    house: &'h House,
    cookie: String,
}

impl<'h> Clerk<'h> {
    async fn of(house: &'h House, role: &str) -> Self {
        let cookie = house.add_person(role).log_in(house.http()).await.expect("logged in");
        Self { house, cookie }
    }

    async fn page(&self, path: &str) -> String {
        let answer = self.house.http().get_as(&self.cookie, path).await.expect("an answer");
        answer.text().await.unwrap()
    }

    async fn send(&self, path: &str, more: &[(&str, &str)]) -> Response {
        let page = self.page("account").await;
        let csrf = page.split("name=\"csrf\" value=\"").nth(1).and_then(|rest| rest.split('"').next());
        let fields = [&[("csrf", csrf.expect("a form's secret"))], more].concat();
        self.house.http().post_form(path, Some(&self.cookie), &fields).await.expect("an answer")
    }

    /// Presses a button that gives a file: what it is to be called, and what is in it.
    async fn post(&self, path: &str, field: (&str, &str)) -> (String, String) {
        let answer = self.send(path, &[field]).await;
        let name = answer.headers().get("content-disposition").expect("a file").to_str().unwrap().to_owned();
        (name, answer.text().await.unwrap())
    }

    /// Presses a button; gives the name of what came of it.
    async fn press(&self, path: &str, field: (&str, &str)) -> String {
        self.fill_in(path, &[field]).await
    }

    /// Sends a form; gives the name of what came of it.
    async fn fill_in(&self, path: &str, fields: &[(&str, &str)]) -> String {
        let answer = self.send(path, fields).await;
        let to = answer.headers().get("location").map(|to| to.to_str().unwrap().to_owned());
        to.and_then(|to| Some(to.split_once("?said=")?.1.to_owned()))
            .unwrap_or_else(|| answer.status().to_string())
    }
}

#[tokio::test]
async fn a_clerk_tries_a_reader_restarts_it_and_enters_the_portal_screen_r24_r31() {
    let house = House::open(Options { lanes: 2, ..Options::default() }).await;
    let lane = house.lane(1);
    let clerk = Clerk::of(&house, "operator").await;
    let viewer = Clerk::of(&house, "viewer").await;
    assert!(clerk.page("lanes/1").await.contains("action=\"/lanes/1/test\""));
    assert!(!viewer.page("lanes/1").await.contains("<form method=\"post\" action=\"/lanes/1/"));
    assert_eq!(viewer.press("lanes/1/test", ("x", "")).await, "403 Forbidden");

    // Trying the reader: what is held is named, and is not the next patient's.
    let (said, ()) = tokio::join!(clerk.press("lanes/1/test", ("x", "")), async {
        lane.hold("android").await;
    });
    assert_eq!(said, "said-read-android");
    assert!(clerk.page("lanes/1?lang=ja&said=said-read-android").await.contains(&says("said-read-android")));
    lane.take_away().await;

    // One reader is built anew and its neighbours are not.
    let before = house.standing("nfc_reader@2").await;
    assert_eq!(clerk.press("parts/restart", ("part", "nfc_reader@1")).await, "said-restarted");
    house.until("it was restarted", async |house| house.standing("nfc_reader@1").await.1 == 1).await;
    house.lanes_are_ready().await;
    for neighbour in ["nfc_reader@2", "face_reader@1", "offline_queue"] {
        assert_eq!(house.standing(neighbour).await, before, "{neighbour}");
    }
    assert_eq!(
        clerk.press("parts/restart", ("part", "uplink")).await,
        "said-not-now",
        "not a clerk's to restart"
    );

    // A phone that is not registered: the portal screen, seen by this member of staff.
    visits::present(&lane, Way::Android, "android_unregistered").await;
    lane.wait(&["fallback"]).await;
    house
        .until("the button is there", async |_| {
            clerk.page("lanes/1").await.contains("value=\"portal_screen\"")
        })
        .await;
    let settled = clerk.press("lanes/1/act", ("act", "portal_screen")).await;
    assert_eq!(settled, "said-settled-usual-share");
    lane.take_away().await;
    lane.wait(&["idle"]).await;
    let log = house.page("log?lang=ja&lane=1").await;
    assert!(log.contains("operator") && log.contains(&says("act-settle-portal-screen")), "{log}");
    assert_eq!(clerk.press("lanes/1/act", ("act", "portal_screen")).await, "said-not-now", "nobody is there");

    // One whose certificate has expired can't log in to the portal: there is no button for it.
    visits::present(&lane, Way::Android, "android_expired").await;
    lane.wait(&["fallback"]).await;
    house
        .until("the other buttons are there, and no more those of the visit before", async |_| {
            let page = clerk.page("lanes/1").await;
            page.contains("value=\"eligibility_certificate\"") && !page.contains("value=\"portal_screen\"")
        })
        .await;
}

#[tokio::test]
async fn a_clerk_begins_and_ends_a_rehearsal_on_the_lanes_page() {
    let house = House::open(Options { lanes: 1, ..Options::default() }).await;
    let clerk = Clerk::of(&house, "operator").await;
    assert_eq!(clerk.press("lanes/1/act", ("act", "end_rehearsal")).await, "said-not-now", "there is none");
    for (act, then) in [("begin_rehearsal", "end_rehearsal"), ("end_rehearsal", "begin_rehearsal")] {
        let button = format!("value=\"{act}\"");
        house
            .until(&format!("{button} is there"), async |_| clerk.page("lanes/1").await.contains(&button))
            .await;
        assert_eq!(clerk.press("lanes/1/act", ("act", act)).await, "said-done");
        let other = format!("value=\"{then}\"");
        house
            .until("the other button follows", async |_| {
                let page = clerk.page("lanes/1").await;
                page.contains(&other) && !page.contains(&button)
            })
            .await;
    }
    let viewer = Clerk::of(&house, "viewer").await;
    assert!(!viewer.page("lanes/1").await.contains("rehearsal\""), "whoever only watches has no button");
}

/// A record that the centre refuses for good is seen on the page without personal data, copied, sent again and settled;
/// who did it stands in the audit log.
#[tokio::test]
async fn record_that_was_set_aside_is_seen_copied_sent_again_and_settled() {
    let house = House::open(Options::default()).await;
    let (clerk, viewer) = (Clerk::of(&house, "operator").await, Clerk::of(&house, "viewer").await);
    visits::one_set_aside(&house).await;
    house.centre_well().await;

    // On the page, to whoever watches; the buttons for whoever may.
    let page = clerk.page("queue?lang=ja").await;
    assert!(page.contains(&says("queue-reason-refused-by-centre")) && page.contains("http-400"), "{page}");
    assert!(page.contains(&says("queue-when-full-nothing")), "{page}");
    let id = page.split("action=\"/queue/").nth(1).and_then(|rest| rest.split('/').next()).unwrap();
    let seen = viewer.page("queue").await;
    assert!(seen.contains(id) && !seen.contains("action=\"/queue/"), "{seen}");
    for act in ["retry", "export"] {
        assert_eq!(viewer.press(&format!("queue/{id}/{act}"), ("x", "")).await, "403 Forbidden");
    }
    let record = viewer.page(&format!("queue/{id}?lang=ja")).await;
    assert!(record.contains(&says("queue-stage-set-aside")), "{record}");
    for personal in ["statement", "signature"] {
        assert!(!record.contains(personal) && !page.contains(personal), "{personal} is shown");
    }
    let unknown = viewer.page("queue/00000000-0000-4000-8000-000000000000?lang=ja").await;
    assert!(unknown.contains(&says("queue-unknown")), "{unknown}");

    // The console of the running gateway tells the same and copies the same.
    let said = |arguments: &[&str]| {
        let output = house.madoguchi(&[&["queue"], arguments].concat()).output().unwrap();
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap()
    };
    assert!(said(&["list"]).contains("1 set aside"));
    let shown: Value = serde_json::from_str(&said(&["show", id])).unwrap();
    assert_eq!((&shown["stage"], &shown["note"]), (&json!("set-aside"), &json!("http-400")));
    let file = house.directory().join("copy");
    said(&["export", "--output", file.to_str().unwrap()]);
    let copy: Value = serde_json::from_str(std::fs::read_to_string(&file).unwrap().trim()).unwrap();
    let (answer, downloaded) = clerk.post(&format!("queue/{id}/export"), ("x", "")).await;
    assert!(answer.contains(&format!("madoguchi-queue-{id}.jsonl")), "{answer}");
    assert_eq!(serde_json::from_str::<Value>(downloaded.trim()).unwrap(), copy);
    assert!(copy["request_sealed"].as_str().unwrap().len() > 1000, "the whole request");

    // A new key while it runs: sealed anew in the background, the old one can go, and the copy is another one.
    said(&["rotate-key"]);
    house.until("the old key can go", async |_| said(&["keys"]).contains("drop-old-keys")).await;
    assert!(said(&["drop-old-keys"]).contains("is gone"));

    assert_eq!(clerk.press(&format!("queue/{id}/retry"), ("x", "")).await, "said-put-back");
    house.settled(1).await;
    house
        .until("nothing is set aside", async |house| {
            house.states().await["offline_queue"]["detail"]["offline_queue"]["set_aside"] == 0
        })
        .await;
    assert_eq!(clerk.press(&format!("queue/{id}/retry"), ("x", "")).await, "said-not-set-aside");
    assert_eq!(house.effects().await.len(), 1);
    let auditor = Clerk::of(&house, "auditor").await;
    for key in ["did-retry-record", "did-export-record"] {
        let did = text(Language::Ja, key, &[("id", id)]);
        house.until(key, async |_| auditor.page("log?lang=ja").await.contains(&did)).await;
    }
    assert!(auditor.page("log?lang=ja").await.contains(&says("did-rotate-queue-key")));
}

/// What a person discards on the page is wiped for good, with a reason and a confirmation, and counted; who did it stands in
/// the audit log.
#[tokio::test]
async fn record_that_was_set_aside_is_discarded_with_a_reason_by_whoever_may() {
    let house = House::open(Options::default()).await;
    let (clerk, viewer) = (Clerk::of(&house, "operator").await, Clerk::of(&house, "viewer").await);
    visits::one_set_aside(&house).await;
    let page = clerk.page("queue?lang=ja").await;
    let id = page.split("action=\"/queue/").nth(1).and_then(|rest| rest.split('/').next()).unwrap();
    let (path, record) = (format!("queue/{id}/discard"), format!("queue/{id}?lang=ja"));
    assert!(clerk.page(&record).await.contains(&says("queue-discard-lead")));
    assert!(!viewer.page(&record).await.contains(&says("queue-discard-lead")));

    let whole = [("why", "confirmed-otherwise"), ("sure", "on")];
    assert_eq!(viewer.fill_in(&path, &whole).await, "403 Forbidden");
    for half in [&whole[..1], &[("why", ""), ("sure", "on")], &[("why", "never mind"), ("sure", "on")]] {
        assert_eq!(clerk.fill_in(&path, half).await, "said-not-sure", "{half:?}");
    }
    assert!(clerk.page(&record).await.contains(&says("queue-stage-set-aside")), "nothing was done so far");

    assert_eq!(clerk.fill_in(&path, &whole).await, "said-discarded");
    assert_eq!(clerk.fill_in(&path, &whole).await, "said-not-set-aside");
    let after = clerk.page(&record).await;
    for key in ["queue-stage-settled", "queue-reason-discarded", "queue-discard-confirmed-otherwise"] {
        assert!(after.contains(&says(key)), "{key}: {after}");
    }
    house
        .until("it is counted as discarded and nothing is set aside", async |house| {
            let detail = house.states().await["offline_queue"]["detail"]["offline_queue"].clone();
            detail["discarded"] == 1 && detail["set_aside"] == 0
        })
        .await;
    let counted = "madoguchi_queue_given_up_total{reason=\"discarded\"} 1";
    house.until("the metrics count it", async |house| house.metrics().await.contains(counted)).await;
    let why = says("queue-discard-confirmed-otherwise");
    let did = text(Language::Ja, "did-discard-record", &[("id", id), ("why", &why)]);
    let auditor = Clerk::of(&house, "auditor").await;
    house.until("the audit log names it", async |_| auditor.page("log?lang=ja").await.contains(&did)).await;
    house.centre_well().await;
    assert!(house.effects().await.is_empty(), "the centre never hears of it");
}
