//! The support bundle: what helps is in it, and nobody's name and no secret.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a failed step is a failed test")]

use madoguchi_end_to_end::{
    House, Options,
    person::{self, PASSWORD, Person},
    visits::{self, Way},
};
use serde_json::Value;
use std::{collections::BTreeSet, fs, os::unix::fs::PermissionsExt, path::Path};

const NAME: &str = "鳥籠 花子";
const COMMENT: &str = "担当は金糸雀さん";
/// The longest bundle, in bytes.
const LONGEST: usize = 256 * 1024;

/// Every text in a JSON file that is long enough to be a secret.
fn texts(value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::String(text) if text.len() >= 20 => {
            found.insert(text.clone());
        }
        Value::Array(all) => all.iter().for_each(|it| texts(it, found)),
        Value::Object(all) => all.values().for_each(|it| texts(it, found)),
        _ => {}
    }
}

/// Passwords' hashes, second factors, tokens' digests, keys, the broker's passwords: as they lie on the box.
fn secrets(house: &House) -> BTreeSet<String> {
    let state = house.directory().join("state");
    let mut found = BTreeSet::new();
    let people = fs::read(state.join("gateway/people.json")).unwrap();
    texts(&serde_json::from_slice(&people).unwrap(), &mut found);
    assert!(found.iter().any(|text| text.starts_with("$argon2id$")), "{found:?}");
    let lines = |path: &Path, found: &mut BTreeSet<String>| {
        let text = String::from_utf8_lossy(&fs::read(path).unwrap()).into_owned();
        found.extend(text.lines().map(str::trim).filter(|it| it.len() >= 20).map(str::to_owned));
    };
    for folder in [house.directory().join("pki"), state.join("broker/accounts"), state.join("queue")] {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            if name.ends_with(".key") || name.contains("key") || folder.ends_with("accounts") {
                lines(&path, &mut found);
            }
        }
    }
    // Identifiers by which the audit log knows people, and the frame around keys, are none.
    let is_identifier = |text: &str| text.len() == 36 && text.matches('-').count() == 4;
    found.retain(|text| !text.starts_with("-----") && !is_identifier(text));
    // Points in time are none either.
    found.retain(|text| !(text.starts_with("20") && text.ends_with('Z')));
    found
}

#[tokio::test]
async fn a_support_bundle_is_shown_before_it_is_saved_and_holds_no_name_and_no_secret() {
    let mut house = House::hospital(Options {
        lanes: 2,
        hotplug: true,
        append: format!("# {COMMENT}\n"),
        ..Options::default()
    })
    .await;
    house.start_gateway();
    house.ready().await;
    let token = person::token(house.madoguchi(&["people"]), "鳥籠の表示板", &["watch"]);
    let administrator = Person::add(house.madoguchi(&["people"]), NAME, "administrator");
    let cookie = administrator.log_in(house.http()).await.expect("a session");
    visits::serve(&house.lane(1), Way::Android, "android").await;
    house.settled(1).await;
    house.lane(2).nfc_reader("unplug").await;
    house.raised("nfc_reader@2", madoguchi_protocol::fault::FaultCode::NfcReaderLost).await;

    // What is saved is what was shown.
    let page = house.http().get_as(&cookie, "support").await.unwrap().text().await.unwrap();
    let shown = page.split("<pre").nth(1).unwrap().split_once('>').unwrap().1.split("</pre>").next().unwrap();
    let csrf = page.split("name=\"csrf\" value=\"").nth(1).unwrap().split('"').next().unwrap();
    let saved = house.http().post_form("support", Some(&cookie), &[("csrf", csrf)]).await.unwrap();
    assert!(saved.headers()["content-disposition"].to_str().unwrap().contains("attachment"));
    let saved = saved.text().await.unwrap();
    let escaped =
        saved.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;");
    assert_eq!(escaped, shown);
    house
        .until("the audit log has it", async |house| {
            house.page("log?lang=en").await.contains("saved the support bundle")
        })
        .await;

    // The same on the console, kept for its owner alone.
    let file = house.directory().join("bundle.txt");
    let told = house.madoguchi(&["support", "--output", file.to_str().unwrap()]).output().unwrap();
    assert!(told.status.success(), "{}", String::from_utf8_lossy(&told.stderr));
    let console = String::from_utf8(told.stdout).unwrap();
    assert_eq!(fs::read_to_string(&file).unwrap(), console);
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);

    let secrets = secrets(&house);
    assert!(secrets.len() > 20, "{}", secrets.len());
    for (place, bundle) in [("the page's", &saved), ("the console's", &console)] {
        assert!(bundle.len() <= LONGEST, "{place}: {}", bundle.len());
        for part in [
            concat!("madoguchi ", env!("CARGO_PKG_VERSION")),
            "MemTotal",
            "certificates",
            "nfc-reader-lost",
            "\"service_ms\"",
            "face_reader@1",
            "offline_queue {",
            "site.institution = ",
            "\"level\":\"INFO\"",
        ] {
            assert!(bundle.contains(part), "{place} bundle lacks {part}: {bundle}");
        }
        let session = cookie.split_once('=').unwrap().1;
        for gone in [NAME, "花子", "鳥籠", COMMENT, PASSWORD, &token, session] {
            assert!(!bundle.contains(gone), "{place} bundle has {gone}");
        }
        for secret in &secrets {
            assert!(!bundle.contains(secret.as_str()), "{place} bundle has {secret}");
        }
    }
}
