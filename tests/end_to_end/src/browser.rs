//! A real Chromium, driven by WebDriver (W3C) through Debian's chromedriver. The few calls that tests need are made here:
//! the crates for it bring a licence that this house does not take in.

use crate::process::Process;
use anyhow::{Context, Result, bail};
use base64::Engine;
use reqwest::{Client, Method};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use std::{
    path::Path,
    process::Command,
    time::{Duration, Instant},
};
use tempfile::TempDir;

/// How long driver and browser may take to be there. Generous, for a machine that builds beside.
const THERE_WITHIN: Duration = Duration::from_secs(60);
/// How long something on a page may take to come true.
const SOON: Duration = Duration::from_secs(20);
/// What a page is looked at with, unless a test says otherwise.
pub const DESKTOP: Look = Look { width: 1280, height: 900, dark: false };
/// A phone held upright, at night.
pub const PHONE: Look = Look { width: 360, height: 740, dark: true };

/// Size of the window in CSS pixels, and which colours are preferred.
#[derive(Clone, Copy, Debug)]
pub struct Look {
    /// Width.
    pub width: u32,
    /// Height.
    pub height: u32,
    /// Dark rather than light.
    pub dark: bool,
}

/// A browser with one window and a profile of its own.
pub struct Browser {
    client: Client,
    /// The driver's address of the session.
    session: String,
    /// The browser's process, which does not end with its driver.
    process: Option<Pid>,
    _driver: Process,
    _folder: TempDir,
}

impl Browser {
    /// Starts driver and browser.
    pub async fn open() -> Result<Self> {
        let folder = tempfile::Builder::new().prefix("madoguchi-browser-").tempdir()?;
        let mut command = Command::new("chromedriver");
        command.arg("--port=0");
        let mut driver = Process::start("driver", command, folder.path());
        let port = port(&mut driver).await.context("`.ci/install` installs chromium-driver")?;
        let client = Client::builder().no_proxy().timeout(Duration::from_secs(120)).build()?;
        let profile = format!("--user-data-dir={}", folder.path().join("profile").display());
        let wanted = json!({ "capabilities": { "alwaysMatch": {
            "browserName": "chrome",
            "acceptInsecureCerts": true,
            "goog:loggingPrefs": { "browser": "ALL" },
            "goog:chromeOptions": { "args": [
                "--headless=new",
                // The pages are our own, and the sandbox does not start for root.
                "--no-sandbox",
                "--disable-gpu",
                "--disable-dev-shm-usage",
                "--no-first-run",
                "--disable-background-networking",
                "--disable-component-update",
                "--disable-sync",
                "--hide-scrollbars",
                profile,
            ] },
        } } });
        let base = format!("http://127.0.0.1:{port}/session");
        let made = ask(&client, Method::POST, &base, &wanted).await?;
        let id = made["sessionId"].as_str().context("a session")?;
        let process = made["capabilities"]["goog:processID"].as_i64().context("the browser's process")?;
        let process = Pid::from_raw(i32::try_from(process)?);
        let session = format!("{base}/{id}");
        Ok(Self { client, session, process, _driver: driver, _folder: folder })
    }

    async fn ask(&self, method: Method, path: &str, body: &Value) -> Result<Value> {
        ask(&self.client, method, &format!("{}{path}", self.session), body).await
    }

    /// A command of Chromium's own protocol.
    async fn chromium(&self, command: &str, parameters: Value) -> Result<Value> {
        let body = json!({ "cmd": command, "params": parameters });
        self.ask(Method::POST, "/goog/cdp/execute", &body).await.with_context(|| command.to_owned())
    }

    /// How the pages are looked at from now on.
    pub async fn look(&self, look: Look) -> Result<()> {
        let Look { width, height, dark } = look;
        let size = json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": false });
        self.chromium("Emulation.setDeviceMetricsOverride", size).await?;
        let scheme = if dark { "dark" } else { "light" };
        let media = json!({ "features": [{ "name": "prefers-color-scheme", "value": scheme }] });
        self.chromium("Emulation.setEmulatedMedia", media).await.map(|_| ())
    }

    /// Goes to a page and waits until it is loaded.
    pub async fn go(&self, address: &str) -> Result<()> {
        self.ask(Method::POST, "/url", &json!({ "url": address })).await.map(|_| ())
    }

    /// Where the browser is.
    pub async fn address(&self) -> Result<String> {
        let address = self.ask(Method::GET, "/url", &Value::Null).await?;
        Ok(address.as_str().unwrap_or_default().to_owned())
    }

    /// What an expression of JavaScript comes to on the page, awaited where it is a promise. Not bound by the page's
    /// policy, which forbids the page itself such things.
    pub async fn value(&self, expression: &str) -> Result<Value> {
        let asked = json!({ "expression": expression, "awaitPromise": true, "returnByValue": true });
        let mut answer = self.chromium("Runtime.evaluate", asked).await?;
        if !answer["exceptionDetails"].is_null() {
            bail!("on the page: {}", answer["exceptionDetails"]);
        }
        Ok(answer["result"]["value"].take())
    }

    /// The same as text; empty where it is none.
    pub async fn text(&self, expression: &str) -> Result<String> {
        Ok(self.value(expression).await?.as_str().unwrap_or_default().to_owned())
    }

    /// Waits until an expression is true.
    pub async fn until(&self, expression: &str) -> Result<()> {
        let asked = Instant::now();
        while self.value(expression).await.unwrap_or(Value::Null) != true {
            if asked.elapsed() > SOON {
                let page =
                    self.text("document.body ? document.body.innerText : ''").await.unwrap_or_default();
                bail!("not within {SOON:?}: {expression}\nat {}:\n{page}", self.address().await?);
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        Ok(())
    }

    /// Types text, key by key, to whatever has the focus.
    pub async fn type_text(&self, text: &str) -> Result<()> {
        let keys = text
            .chars()
            .flat_map(|key| ["keyDown", "keyUp"].map(|act| json!({ "type": act, "value": key.to_string() })));
        let actions =
            json!({ "actions": [{ "type": "key", "id": "keyboard", "actions": keys.collect::<Vec<_>>() }] });
        self.ask(Method::POST, "/actions", &actions).await.map(|_| ())
    }

    /// Presses Enter.
    pub async fn enter(&self) -> Result<()> {
        self.type_text("\u{e007}").await
    }

    /// Moves on with Tab, as somebody without a mouse does, until an expression of the focused element (`it`) is true;
    /// fails where it can't be reached so, or where what has the focus can't be seen to have it.
    pub async fn tab_to(&self, what: &str) -> Result<()> {
        for _ in 0..200 {
            self.type_text("\u{e004}").await?;
            let there = format!("(it => !!it && it !== document.body && !!({what}))(document.activeElement)");
            if self.value(&there).await? == true {
                let seen = "(it => { const style = getComputedStyle(it); \
                            return style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) > 0; })\
                            (document.activeElement)";
                if self.value(seen).await? != true {
                    bail!("{what} has the focus and does not show it");
                }
                return Ok(());
            }
        }
        bail!("Tab never leads to {what} at {}", self.address().await?)
    }

    /// Moves on to the field of this id and types into it.
    pub async fn fill(&self, id: &str, text: &str) -> Result<()> {
        self.tab_to(&format!("it.id === '{id}'")).await?;
        self.type_text(text).await
    }

    /// Chooses a file for the field that this selector finds.
    pub async fn choose_file(&self, selector: &str, file: &Path) -> Result<()> {
        let wanted = json!({ "using": "css selector", "value": selector });
        let found = self.ask(Method::POST, "/element", &wanted).await?;
        let id = found.as_object().and_then(|found| found.values().next()?.as_str()).context("a field")?;
        let path = json!({ "text": file.display().to_string() });
        self.ask(Method::POST, &format!("/element/{id}/value"), &path).await.map(|_| ())
    }

    /// From now on has this cookie (`name=value`) of the site that is shown, and no other.
    pub async fn be(&self, cookie: Option<&str>) -> Result<()> {
        self.ask(Method::DELETE, "/cookie", &Value::Null).await?;
        if let Some((name, value)) = cookie.and_then(|cookie| cookie.split_once('=')) {
            let cookie = json!({ "cookie": { "name": name, "value": value, "path": "/", "httpOnly": true } });
            self.ask(Method::POST, "/cookie", &cookie).await?;
        }
        Ok(())
    }

    /// Connects a security key, in software, that has its finger's owner already; it waits for a touch until it is
    /// [`touched`](Self::touch). Its name.
    pub async fn connect_key(&self) -> Result<String> {
        self.chromium("WebAuthn.enable", json!({})).await?;
        let key = json!({ "options": {
            "protocol": "ctap2", "transport": "usb", "hasUserVerification": true, "isUserVerified": true,
            "automaticPresenceSimulation": false,
        } });
        let added = self.chromium("WebAuthn.addVirtualAuthenticator", key).await?;
        Ok(added["authenticatorId"].as_str().context("a security key")?.to_owned())
    }

    /// Touches this security key whenever it is asked for, from now on.
    pub async fn touch(&self, key: &str) -> Result<()> {
        let touched = json!({ "authenticatorId": key, "enabled": true });
        self.chromium("WebAuthn.setAutomaticPresenceSimulation", touched).await.map(|_| ())
    }

    /// A picture of what is seen, PNG.
    pub async fn picture(&self) -> Result<Vec<u8>> {
        let picture = self.ask(Method::GET, "/screenshot", &Value::Null).await?;
        let text = picture.as_str().context("a picture")?;
        Ok(base64::engine::general_purpose::STANDARD.decode(text)?)
    }

    /// What the pages made the browser complain about since it was asked last: scripts that fail, things that the
    /// policy forbids.
    pub async fn complaints(&self) -> Result<Vec<String>> {
        let log = self.ask(Method::POST, "/se/log", &json!({ "type": "browser" })).await?;
        let entries = log.as_array().cloned().unwrap_or_default();
        // An answer that is meant to be 4xx is logged as well: that is the test's own doing.
        let meant = |text: &str| text.contains("the server responded with a status of 4");
        let serious = entries.iter().filter(|it| it["level"] == "SEVERE" || it["level"] == "WARNING");
        let texts = serious.map(|it| it["message"].as_str().unwrap_or_default().to_owned());
        Ok(texts.filter(|text| !meant(text)).collect())
    }

    /// Ends the browser in good order.
    pub async fn close(mut self) -> Result<()> {
        self.ask(Method::DELETE, "", &Value::Null).await?;
        self.process = None;
        Ok(())
    }
}

/// A test that fails does not come to [`Browser::close`].
impl Drop for Browser {
    fn drop(&mut self) {
        if let Some(process) = self.process {
            // It may be gone already.
            let _ = kill_process(process, Signal::KILL);
        }
    }
}

/// The port that the driver says it listens on.
async fn port(driver: &mut Process) -> Result<u16> {
    let asked = Instant::now();
    loop {
        let said = std::fs::read_to_string(&driver.log).unwrap_or_default();
        let port = said
            .split("successfully on port ")
            .nth(1)
            .and_then(|rest| rest.split(['.', '\n']).next()?.parse().ok());
        match port {
            Some(port) if port != 0 => return Ok(port),
            _ if !driver.is_running() => bail!("chromedriver ended: {said}"),
            _ if asked.elapsed() > THERE_WITHIN => bail!("chromedriver says no port: {said}"),
            _ => tokio::time::sleep(Duration::from_millis(20)).await,
        }
    }
}

async fn ask(client: &Client, method: Method, address: &str, body: &Value) -> Result<Value> {
    let mut request = client.request(method, address);
    if !body.is_null() {
        request = request.json(body);
    }
    let mut answer: Value = request.send().await?.json().await?;
    if let Some(error) = answer["value"]["error"].as_str() {
        bail!("{error}: {}", answer["value"]["message"]);
    }
    Ok(answer["value"].take())
}
