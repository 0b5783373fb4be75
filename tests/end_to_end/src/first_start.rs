//! The first minutes at a new box, in a browser and by keyboard alone.

use crate::{House, browser::Browser, person};
use std::fs;

/// The code that the gateway showed on its console.
pub async fn console_code(house: &House) -> String {
    let find = || {
        let log = fs::read_to_string(house.directory().join("gateway.log")).unwrap_or_default();
        log.lines()
            .find_map(|line| line.split_once("/first-start and type ").map(|(_, code)| code.to_owned()))
    };
    house.until("the console shows a code", async |_| find().is_some()).await;
    find().expect("it was there")
}

/// Types code, password and the authenticator's digits, from the page `/first-start` on. The authenticator's secret.
pub async fn set_up(browser: &Browser, code: &str, name: Option<&str>) -> String {
    browser.fill("code", code).await.expect("typed");
    browser.enter().await.expect("sent");
    let there = "location.pathname === '/first-start/account' && !!document.getElementById('secret')";
    browser.until(there).await.expect("the second step");
    let secret = browser.text("document.getElementById('secret').textContent").await.expect("a secret");
    if let Some(name) = name {
        browser.fill("name", name).await.expect("typed");
    }
    browser.fill("password", person::PASSWORD).await.expect("typed");
    browser.fill("again", person::PASSWORD).await.expect("typed");
    browser.fill("code", &person::code_of(&secret, 0)).await.expect("typed");
    browser.enter().await.expect("sent");
    secret
}
