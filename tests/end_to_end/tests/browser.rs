//! The page in a real Chromium: used by keyboard alone, and looked at by axe for what keeps people out.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a failed step is a failed test")]

use madoguchi_end_to_end::{
    House, Options, axe,
    browser::{Browser, DESKTOP, Look, PHONE},
    first_start,
    person::{self, PASSWORD},
    visits,
    walk::STOPS,
};
use madoguchi_protocol::texts::{Language, text};

fn base(house: &House) -> String {
    house.addresses["gateway_page"].as_str().unwrap().to_owned()
}

/// Sets up, and is led to the lanes.
async fn set_up(browser: &Browser, code: &str, name: Option<&str>) -> String {
    let secret = first_start::set_up(browser, code, name).await;
    browser.until("location.pathname === '/' && !!document.querySelector('.tile')").await.unwrap();
    secret
}

/// Logs out by the button, and in again with the next code.
async fn out_and_in(browser: &Browser, name: &str, secret: &str) {
    browser.tab_to("it.closest('form')?.action.endsWith('/logout')").await.unwrap();
    browser.enter().await.unwrap();
    browser.until("location.pathname === '/login'").await.unwrap();
    browser.fill("name", name).await.unwrap();
    browser.fill("password", PASSWORD).await.unwrap();
    // The present one was used to set up.
    browser.fill("code", &person::code_of(secret, 1)).await.unwrap();
    browser.enter().await.unwrap();
    browser.until("location.pathname === '/' && !!document.querySelector('.tile')").await.unwrap();
}

async fn says(browser: &Browser, language: Language, key: &str) {
    let words = text(language, key, &[]);
    let quoted = serde_json::to_string(&words).unwrap();
    browser.until(&format!("document.body.innerText.includes({quoted})")).await.unwrap();
    let tag = browser.text("document.documentElement.lang").await.unwrap();
    assert_eq!(tag, language.tag());
}

#[tokio::test]
async fn from_the_first_start_to_the_lanes_by_keyboard_alone_in_both_languages() {
    let mut house = House::hospital(Options { lanes: 2, ..Options::default() }).await;
    house.start_gateway();
    let code = first_start::console_code(&house).await;
    let page = base(&house);
    let browser = Browser::open().await.unwrap();
    browser.look(DESKTOP).await.unwrap();

    // In Japanese: the first administrator.
    browser.go(&format!("{page}first-start?lang=ja")).await.unwrap();
    says(&browser, Language::Ja, "first-nobody").await;
    let secret = set_up(&browser, &code, Some("管理 花子")).await;
    says(&browser, Language::Ja, "lanes-title").await;
    out_and_in(&browser, "管理 花子", &secret).await;

    // They add a clerk, who reads English.
    browser.tab_to("it.getAttribute('href') === '/people'").await.unwrap();
    browser.enter().await.unwrap();
    browser.until("location.pathname === '/people' && !!document.getElementById('name')").await.unwrap();
    browser.fill("name", "Clerk Two").await.unwrap();
    browser.enter().await.unwrap();
    browser.until("!!document.getElementById('secret')").await.unwrap();
    let invitation = browser.text("document.getElementById('secret').textContent").await.unwrap();
    browser.tab_to("it.closest('form')?.action.endsWith('/logout')").await.unwrap();
    browser.enter().await.unwrap();
    browser.until("location.pathname === '/login'").await.unwrap();

    browser.tab_to("it.lang === 'en'").await.unwrap();
    browser.enter().await.unwrap();
    says(&browser, Language::En, "login-title").await;
    browser.tab_to("it.closest('main') && it.getAttribute('href') === '/first-start'").await.unwrap();
    browser.enter().await.unwrap();
    browser.until("location.pathname === '/first-start' && !!document.getElementById('code')").await.unwrap();
    let secret = set_up(&browser, &invitation, None).await;
    says(&browser, Language::En, "lanes-title").await;
    out_and_in(&browser, "Clerk Two", &secret).await;
    says(&browser, Language::En, "role-operator").await;
    // A clerk finds no way to what is for administrators.
    assert_eq!(browser.value("!document.querySelector('a[href=\"/people\"]')").await.unwrap(), true);
    // The skip link comes first and leads past the navigation.
    browser.go(&page).await.unwrap();
    browser.type_text("\u{e004}").await.unwrap();
    assert_eq!(browser.text("document.activeElement.className").await.unwrap(), "skip");
    browser.enter().await.unwrap();
    browser.until("document.activeElement.id === 'main'").await.unwrap();
    assert_eq!(browser.complaints().await.unwrap(), Vec::<String>::new());
    browser.close().await.unwrap();
}

/// Looks at a page in both languages, light and dark, on a desk and on a phone; `visit` brings the browser there.
async fn look_at(
    browser: &Browser,
    axe: &str,
    name: &str,
    visit: impl AsyncFn(&str) -> anyhow::Result<()>,
    found: &mut Vec<String>,
) {
    for (language, looks) in
        [("ja", [DESKTOP, Look { dark: true, ..DESKTOP }]), ("en", [PHONE, Look { dark: false, ..PHONE }])]
    {
        browser.look(looks[0]).await.unwrap();
        visit(language).await.unwrap();
        for look in looks {
            browser.look(look).await.unwrap();
            let here = axe::findings(browser, axe).await;
            found.extend(here.into_iter().map(|what| format!("{name} {language} {look:?}: {what}")));
            let wide = "document.documentElement.scrollWidth > document.documentElement.clientWidth + 1";
            if browser.value(wide).await.unwrap() == true {
                found.push(format!("{name} {language} {look:?}: wider than the window"));
            }
        }
    }
}

#[tokio::test]
async fn axe_finds_nothing_serious_on_any_page_light_or_dark_large_or_small() {
    let mut house = House::hospital(Options { lanes: 2, ..Options::default() }).await;
    house.start_gateway();
    house.ready().await;
    let set_aside = visits::one_set_aside(&house).await;
    let (axe, page) = (axe::script(), base(&house));
    let browser = Browser::open().await.unwrap();

    // That axe does find something where there is something.
    browser.go("data:text/html,<html><body><img src='x'><input></body></html>").await.unwrap();
    assert!(!axe::findings(&browser, &axe).await.is_empty(), "axe is blind");

    let mut found = Vec::new();
    let mut logged_in = None;
    for stop in STOPS {
        if stop.role != logged_in {
            let cookie = match stop.role {
                Some(role) => house.add_person(role).log_in(house.http()).await,
                None => None,
            };
            browser.go(&format!("{page}login")).await.unwrap();
            browser.be(cookie.as_deref()).await.unwrap();
            logged_in = stop.role;
        }
        let visit = async |language: &str| stop.visit(&browser, &page, language, &set_aside).await;
        look_at(&browser, &axe, stop.name, visit, &mut found).await;
    }
    // Where somebody sets up their password and second factor, which takes a code.
    let added = house.madoguchi(&["people", "add", "new", "--role", "viewer"]).output().unwrap();
    let code = String::from_utf8_lossy(&added.stdout);
    let code = code.split_whitespace().find(|word| word.matches('-').count() >= 2).expect("a code");
    let answer = house.http().post_form("first-start", None, &[("code", code)]).await.unwrap();
    let cookie = answer.headers()["set-cookie"].to_str().unwrap().split(';').next().unwrap().to_owned();
    browser.go(&format!("{page}login")).await.unwrap();
    browser.be(Some(&cookie)).await.unwrap();
    let account =
        async |language: &str| browser.go(&format!("{page}first-start/account?lang={language}")).await;
    look_at(&browser, &axe, "first-start-account", account, &mut found).await;
    assert_eq!(
        browser.value("!!document.getElementById('secret')").await.unwrap(),
        true,
        "the page was seen"
    );
    assert!(found.is_empty(), "{}", found.join("\n\n"));
    assert_eq!(browser.complaints().await.unwrap(), Vec::<String>::new());
    browser.close().await.unwrap();
}
