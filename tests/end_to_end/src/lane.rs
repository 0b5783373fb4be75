//! A lane, as patients use it.

use crate::http::Http;
use reqwest::Method;
use serde_json::{Value, json};
use std::time::Duration;

/// What a hand needs from the reader to the screen.
const HAND: Duration = Duration::from_millis(250);

/// What a reader shows.
#[derive(Clone, Debug)]
pub struct Screen {
    /// Rises with each screen of the reader.
    pub sequence: u64,
    /// What it is: `idle`, `consent`, ….
    pub kind: String,
    /// All of it.
    pub all: Value,
}

impl Screen {
    fn new(all: Value) -> Self {
        Self {
            sequence: all["sequence"].as_u64().expect("a number"),
            kind: all["kind"].as_str().expect("a kind").into(),
            all,
        }
    }

    /// Headline and text together.
    pub fn words(&self) -> String {
        format!("{} {}", self.all["title"].as_str().unwrap_or(""), self.all["text"].as_str().unwrap_or(""))
    }

    /// Whether this can be touched.
    pub fn offers(&self, choice: &str) -> bool {
        self.all["choices"].as_array().is_some_and(|all| all.iter().any(|it| it["id"] == choice))
    }
}

/// One lane.
pub struct Lane {
    http: Http,
    /// Its number.
    pub number: u16,
}

impl Lane {
    /// A lane of the hospital whose control interface is at `control`.
    pub fn of_hospital(control: &str, number: u16) -> Self {
        Self::new(Http::new(control), number)
    }

    /// Waits until phones are offered, `patience` at most; says whether they are.
    pub async fn offers_phones(&self, patience: Duration) -> bool {
        let asked = std::time::Instant::now();
        while asked.elapsed() < patience {
            // The hospital answers with an error while nobody has sent a screen.
            let (status, answer) =
                self.http.send(Method::GET, &self.path("screen?after=0&timeout_ms=1000"), None).await;
            if status.is_success() && answer["kind"] == "idle" && Screen::new(answer).offers("use_phone") {
                return true;
            }
            tokio::time::sleep(Duration::from_millis(250)).await;
        }
        false
    }

    pub(crate) fn new(http: Http, number: u16) -> Self {
        Self { http, number }
    }

    fn path(&self, rest: &str) -> String {
        format!("lanes/{}/{rest}", self.number)
    }

    /// The present screen.
    pub async fn screen(&self) -> Screen {
        self.wait(&[]).await
    }

    /// Waits for a screen of one of these kinds, 20 s at most.
    pub async fn wait(&self, kinds: &[&str]) -> Screen {
        self.wait_after(0, kinds, 20_000).await
    }

    /// Waits for a screen newer than `after` of one of these kinds.
    pub async fn wait_after(&self, after: u64, kinds: &[&str], timeout_ms: u64) -> Screen {
        let kinds = if kinds.is_empty() { String::new() } else { format!("&wait_kind={}", kinds.join(",")) };
        let path = self.path(&format!("screen?after={after}&timeout_ms={timeout_ms}{kinds}"));
        let (status, answer) = self.http.send(Method::GET, &path, None).await;
        if !status.is_success() {
            let shown: Vec<_> = self.screens(0).await.into_iter().map(|screen| screen.kind).collect();
            panic!("lane {}: {answer}\nshown so far: {shown:?}", self.number);
        }
        Screen::new(answer)
    }

    /// The screens shown after number `after`.
    pub async fn screens(&self, after: u64) -> Vec<Screen> {
        let all = self.http.must(Method::GET, &self.path(&format!("screens?after={after}")), None).await;
        all.as_array().cloned().unwrap_or_default().into_iter().map(Screen::new).collect()
    }

    /// Touches a choice on the present screen.
    pub async fn touch(&self, choice: &str) {
        self.http.must(Method::POST, &self.path("touch"), Some(json!({ "choice": choice }))).await;
    }

    /// Waits for a screen of this kind, touches a choice on it, and says which screen it was.
    pub async fn answer(&self, kind: &str, choice: &str) -> Screen {
        let screen = self.wait(&[kind]).await;
        self.touch(choice).await;
        screen
    }

    /// Types a PIN.
    pub async fn pin(&self, digits: &str) {
        self.http.must(Method::POST, &self.path("pin"), Some(json!({ "digits": digits }))).await;
    }

    /// Waits until the reader asks for the PIN of the card in its slot.
    pub async fn slot_asks_for_pin(&self) {
        for _ in 0..400 {
            let view = self.http.must(Method::GET, &format!("lanes/{}", self.number), None).await;
            if view["reader"]["slot_pin_wanted"] == true {
                return;
            }
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
        panic!("lane {}: the reader does not ask for the slot's PIN", self.number);
    }

    /// Holds a card or phone over the generic reader.
    pub async fn hold(&self, card: &str) {
        self.hold_with(json!({ "card": card })).await;
    }

    /// Holds a card or phone with mishaps.
    pub async fn hold_with(&self, medium: Value) {
        self.http.must(Method::PUT, &self.path("medium"), Some(medium)).await;
    }

    /// Takes away what is held.
    pub async fn take_away(&self) {
        self.http.must(Method::DELETE, &self.path("medium"), None).await;
    }

    /// Takes away what is held and then touches a choice.
    pub async fn take_away_and_touch(&self, choice: &str) {
        self.take_away().await;
        self.touch_after_taking_away(choice).await;
    }

    /// Touches a choice with the hand that took a medium away: it is not back at the screen sooner than this, and by then
    /// the gateway has noticed, so that what is touched is not about a medium that is just leaving.
    pub async fn touch_after_taking_away(&self, choice: &str) {
        tokio::time::sleep(HAND).await;
        self.touch(choice).await;
    }

    /// Puts a card into the face-auth reader's slot.
    pub async fn insert(&self, card: &str) {
        self.http.must(Method::PUT, &self.path("slot"), Some(json!({ "card": card }))).await;
    }

    /// Takes it out.
    pub async fn eject(&self) {
        self.http.must(Method::DELETE, &self.path("slot"), None).await;
    }

    /// Decides what the camera sees.
    pub async fn face(&self, matches: bool) {
        self.http.must(Method::PUT, &self.path("face"), Some(json!({ "matches": matches }))).await;
    }

    /// `disconnect`, `connect` or `restart` for the face-auth reader; `canon` puts one in its place that takes phones
    /// itself.
    pub async fn face_reader(&self, act: &str) {
        self.http.must(Method::POST, &self.path(&format!("face_reader/{act}")), None).await;
    }

    /// `plug` or `unplug` for the generic reader.
    pub async fn nfc_reader(&self, act: &str) {
        self.http.must(Method::POST, &self.path(&format!("nfc_reader/{act}")), None).await;
    }
}
