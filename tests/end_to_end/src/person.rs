//! People who may use the gateway's page: made on the console, logged in by password and authenticator.

use crate::{House, http::Http};
use std::{
    io::Write,
    process::{Command, Stdio},
    sync::atomic::{AtomicU32, Ordering},
    time::{Duration, SystemTime},
};
use totp_rs::TOTP;

/// The password of everybody in these tests.
pub const PASSWORD: &str = "a long walk home";

/// Somebody who may use the page.
pub struct Person {
    /// What they type to log in.
    pub name: String,
    authenticator: TOTP,
}

impl Person {
    /// Adds a person with this role; `command` is the gateway's `people`.
    pub fn add(mut command: Command, name: &str, role: &str) -> Self {
        command.args(["add", name, "--role", role, "--here"]);
        let mut console = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program starts");
        writeln!(console.stdin.take().expect("an input"), "{PASSWORD}").expect("written");
        let output = console.wait_with_output().expect("it ends");
        let said = String::from_utf8_lossy(&output.stdout);
        let address = said.lines().find(|line| line.starts_with("otpauth://"));
        let address = address.unwrap_or_else(|| panic!("{}", String::from_utf8_lossy(&output.stderr)));
        Self { name: name.into(), authenticator: TOTP::from_url(address).expect("an address") }
    }

    /// What the authenticator shows now. Each code works once.
    pub fn code(&self) -> String {
        self.authenticator.generate_current().expect("a clock")
    }

    /// Waits until the authenticator shows another code than this.
    pub async fn next_code(&self, last: &str) -> String {
        loop {
            let code = self.code();
            if code != last {
                return code;
            }
            let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).expect("a clock");
            tokio::time::sleep(Duration::from_secs(30 - now.as_secs() % 30)).await;
        }
    }

    /// Logs in; the session's cookie, as it is sent back.
    pub async fn log_in(&self, page: &Http) -> Option<String> {
        let code = self.code();
        let fields = [("name", self.name.as_str()), ("password", PASSWORD), ("code", code.as_str())];
        let answer = page.post_form("login", None, &fields).await?;
        answer.headers().get("set-cookie")?.to_str().ok()?.split(';').next().map(str::to_owned)
    }
}

/// What an authenticator with this secret (Base32, as a page shows it) shows so many steps of 30 seconds from now.
pub fn code_of(secret: &str, steps: u64) -> String {
    let secret = totp_rs::Secret::Encoded(secret.replace(' ', "")).to_bytes().expect("Base32");
    let totp = TOTP::new(totp_rs::Algorithm::SHA1, 6, 1, 30, secret, None, String::new()).expect("a secret");
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).expect("a clock");
    totp.generate(now.as_secs() + 30 * steps)
}

/// Makes a token with these scopes; `command` is the gateway's `people`.
pub fn token(mut command: Command, name: &str, scopes: &[&str]) -> String {
    command.args(["token", name]);
    for scope in scopes {
        command.args(["--scope", scope]);
    }
    let output = command.output().expect("the program starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

impl House {
    /// Adds a person on the console, with a name of their own.
    pub fn add_person(&self, role: &str) -> Person {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let name = format!("{role} {}", NUMBER.fetch_add(1, Ordering::Relaxed));
        Person::add(self.madoguchi(&["people"]), &name, role)
    }
}
