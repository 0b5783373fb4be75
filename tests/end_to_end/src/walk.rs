//! The pages of the gateway, each once: what the browser's tests walk through. A new page is a line.

use crate::browser::Browser;
use anyhow::Result;

/// A page.
#[derive(Clone, Copy, Debug)]
pub struct Stop {
    /// What the tests call it.
    pub name: &'static str,
    /// Where it is, without the leading slash and the language; `{id}` is that of a record that was set aside.
    pub path: &'static str,
    /// As whom it is looked at; nobody where it needs no log-in.
    pub role: Option<&'static str>,
    /// What is pressed there first, where the page is the answer to that.
    press: Option<Press>,
}

/// A button, and what the page that answers has; both as selectors.
#[derive(Clone, Copy, Debug)]
struct Press {
    button: &'static str,
    answer: &'static str,
}

const fn open(name: &'static str, path: &'static str) -> Stop {
    Stop { name, path, role: None, press: None }
}

const fn by(role: &'static str, name: &'static str, path: &'static str) -> Stop {
    Stop { name, path, role: Some(role), press: None }
}

const fn after(press: Press, stop: Stop) -> Stop {
    Stop { press: Some(press), ..stop }
}

impl Stop {
    /// Brings the browser there in this language, below the gateway's address `page`, where this record was set aside.
    pub async fn visit(&self, browser: &Browser, page: &str, language: &str, set_aside: &str) -> Result<()> {
        let between = if self.path.contains('?') { '&' } else { '?' };
        let path = self.path.replace("{id}", set_aside);
        browser.go(&format!("{page}{path}{between}lang={language}")).await?;
        if let Some(Press { button, answer }) = self.press {
            browser.value(&format!("document.querySelector('{button}').click()")).await?;
            browser.until(&format!("!!document.querySelector('{answer}')")).await?;
        }
        browser.until("document.readyState === 'complete'").await
    }
}

/// All of them.
pub const STOPS: &[Stop] = &[
    open("login", "login"),
    open("first-start", "first-start"),
    open("status", "status"),
    by("administrator", "lanes", ""),
    by("administrator", "lane", "lanes/1"),
    by("administrator", "repairs", "repairs"),
    by("administrator", "queue", "queue"),
    by("administrator", "queue-record", "queue/{id}"),
    by("administrator", "line", "line"),
    by("administrator", "certificates", "certificates"),
    by("administrator", "charts", "charts"),
    by("administrator", "counts", "counts"),
    by("administrator", "log", "log"),
    by("administrator", "messages", "messages"),
    by("administrator", "parts", "parts"),
    by("administrator", "support", "support"),
    by("administrator", "account", "account"),
    by("administrator", "people", "people"),
    by("administrator", "configuration", "configuration"),
    by("administrator", "configuration-section", "configuration/section?place=uplink"),
    by("administrator", "configuration-lane", "configuration/section?place=lane.1"),
    after(
        Press { button: "button[value=face_reader]", answer: ".tried" },
        by("administrator", "configuration-tried", "configuration/section?place=lane.1"),
    ),
    by("administrator", "configuration-text", "configuration/text"),
    by("administrator", "configuration-change", "configuration/change"),
    by("administrator", "configuration-history", "configuration/history"),
    by("administrator", "configuration-import", "configuration/import"),
    by("administrator", "configuration-setup", "configuration/setup"),
    by("administrator", "configuration-setup-certificates", "configuration/setup/certificates"),
    by("administrator", "configuration-phones", "configuration/phones?lane=1"),
    by("viewer", "forbidden", "people"),
    by("viewer", "not-found", "nowhere"),
];
