//! A security key in a real Chromium: added on the account, used to log in, by keyboard alone.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a failed step is a failed test")]

use madoguchi_end_to_end::{
    House, Options, axe,
    browser::{Browser, DESKTOP, Look, PHONE},
    first_start,
    person::{self, PASSWORD},
};
use madoguchi_protocol::texts::{Language, text};
use std::fs;

async fn says(browser: &Browser, language: Language, key: &str) {
    let words = serde_json::to_string(&text(language, key, &[])).unwrap();
    browser.until(&format!("document.body.innerText.includes({words})")).await.unwrap();
}

/// What keeps people out of the page that is shown, on a desk and on a phone, light and dark.
async fn looked_at(browser: &Browser, axe: &str) {
    for look in [DESKTOP, PHONE, Look { dark: true, ..DESKTOP }] {
        browser.look(look).await.unwrap();
        assert_eq!(axe::findings(browser, axe).await, Vec::<String>::new(), "{look:?}");
        let wide = "document.documentElement.scrollWidth > document.documentElement.clientWidth + 1";
        assert_eq!(browser.value(wide).await.unwrap(), false, "{look:?}: wider than the window");
    }
}

/// On the page for logging in, once the browser offers keys.
async fn log_in_with_key(browser: &Browser) {
    browser.until("!document.querySelector('[data-with-key]').hidden").await.unwrap();
    browser.fill("name", "管理 花子").await.unwrap();
    browser.fill("password", PASSWORD).await.unwrap();
    browser.tab_to("it.getAttribute('formaction') === '/login/key'").await.unwrap();
    browser.enter().await.unwrap();
    browser.until("location.pathname === '/' && !!document.querySelector('.tile')").await.unwrap();
}

/// Exports configuration and people, loses them, and restores them.
fn on_a_new_box(house: &House) {
    let folder = tempfile::tempdir().unwrap();
    let [passphrase, parcel] = ["passphrase", "backup"].map(|name| folder.path().join(name));
    fs::write(&passphrase, "thirteen characters and more\n").unwrap();
    let run = |arguments: &[&str]| {
        let mut command = house.madoguchi(&[&["config"], arguments].concat());
        let done = command.arg("--passphrase-file").arg(&passphrase).output().unwrap();
        assert!(done.status.success(), "{done:?}");
    };
    let parcel = parcel.to_str().unwrap();
    run(&["export", "--output", parcel]);
    fs::remove_file(house.config()).unwrap();
    fs::remove_dir_all(house.directory().join("state")).unwrap();
    run(&["import", parcel]);
}

#[tokio::test]
async fn a_security_key_is_added_in_japanese_and_lets_in_in_english_in_place_of_the_code() {
    let mut house = House::hospital(Options { lanes: 1, ..Options::default() }).await;
    house.start_gateway();
    let code = first_start::console_code(&house).await;
    let by_address = house.addresses["gateway_page"].as_str().unwrap().to_owned();
    // Browsers offer keys over TLS, and to the machine itself, under its name.
    let page = by_address.replace("127.0.0.1", "localhost");
    let (axe, browser) = (axe::script(), Browser::open().await.unwrap());
    browser.look(DESKTOP).await.unwrap();
    browser.go(&format!("{page}first-start?lang=ja")).await.unwrap();
    let secret = first_start::set_up(&browser, &code, Some("管理 花子")).await;
    browser.until("location.pathname === '/' && !!document.querySelector('.tile')").await.unwrap();

    let key = browser.connect_key().await.unwrap();
    browser.go(&format!("{page}account")).await.unwrap();
    says(&browser, Language::Ja, "keys-none").await;
    browser.until("!document.querySelector('[data-with-key]').hidden").await.unwrap();
    looked_at(&browser, &axe).await;
    browser.fill("key-name", "予備のキー").await.unwrap();
    browser.fill("add-current", PASSWORD).await.unwrap();
    // The present code was used to set up.
    browser.fill("add-code", &person::code_of(&secret, 1)).await.unwrap();
    browser.enter().await.unwrap();
    browser.until("location.pathname === '/account/keys'").await.unwrap();
    says(&browser, Language::Ja, "keys-waits").await;
    looked_at(&browser, &axe).await;
    browser.touch(&key).await.unwrap();
    // Whoever loads the page anew is asked again, for the same.
    browser.go(&format!("{page}account/keys")).await.unwrap();
    says(&browser, Language::Ja, "keys-added").await;
    browser.until("document.body.innerText.includes('予備のキー')").await.unwrap();
    looked_at(&browser, &axe).await;

    browser.look(DESKTOP).await.unwrap();
    browser.tab_to("it.closest('form')?.action.endsWith('/logout')").await.unwrap();
    browser.enter().await.unwrap();
    browser.until("location.pathname === '/login'").await.unwrap();
    browser.go(&format!("{page}login?lang=en")).await.unwrap();
    browser.until("!document.querySelector('[data-with-key]').hidden").await.unwrap();
    looked_at(&browser, &axe).await;
    log_in_with_key(&browser).await;

    // By person in the audit log; and by its address the page says why there is no key.
    browser.go(&format!("{page}log")).await.unwrap();
    says(&browser, Language::En, "did-add-key").await;
    browser.go(&format!("{by_address}login?lang=en")).await.unwrap();
    says(&browser, Language::En, "keys-no-name").await;
    assert_eq!(browser.value("!document.querySelector('[data-with-key]')").await.unwrap(), true);

    // The box is lost, a new one restored from a backup: the same key lets in.
    house.stop_gateway();
    on_a_new_box(&house);
    house.start_gateway();
    house.until("the page answers", async |house| house.http().text("status").await.is_some()).await;
    browser.go(&format!("{page}login?lang=en")).await.unwrap();
    log_in_with_key(&browser).await;
    assert_eq!(browser.complaints().await.unwrap(), Vec::<String>::new());
    browser.close().await.unwrap();
}
