//! Pictures of every page of the gateway in both languages, and of some as a phone shows them in the dark; taken in a real
//! browser of a simulated hospital in which something happens.

use super::camera::shrink;
use crate::{
    House, Options,
    browser::{Browser, Look},
    visits::{self, Way},
    walk::{STOPS, Stop},
};
use anyhow::{Context, Result, bail};
use madoguchi_protocol::{fault::FaultCode, texts::Language};
use std::{
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
};

/// All pictures of pages together stay below this: they are part of the sources.
pub const MAX_BYTES: u64 = 3 << 20;
/// How a desk's screen shows them.
const DESK: Look = Look { width: 1100, height: 800, dark: false };
/// How a phone shows them at night.
const PHONE: Look = Look { width: 390, height: 780, dark: true };
/// Those that people look at on the way.
const ON_A_PHONE: [&str; 4] = ["lanes", "lane", "repairs", "status"];

/// The folder that has index and pictures.
pub fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../gateway/docs")
}

/// One picture.
#[derive(Clone, Copy, Debug)]
pub struct Shot {
    stop: &'static Stop,
    language: Language,
    look: Look,
}

impl Shot {
    /// The file's name.
    pub fn file(self) -> String {
        let how = if self.look.dark { "-phone" } else { "" };
        format!("{}{how}-{}.png", self.stop.name, self.language.tag())
    }
}

/// All of them, in the order of the pages.
pub fn shots() -> Vec<Shot> {
    let mut all = Vec::new();
    for stop in STOPS {
        all.extend(Language::ALL.map(|language| Shot { stop, language, look: DESK }));
        if ON_A_PHONE.contains(&stop.name) {
            all.push(Shot { stop, language: Language::Ja, look: PHONE });
        }
    }
    all
}

/// `PAGES.md` of these pictures.
pub fn index(shots: &[Shot]) -> String {
    let mut text = String::from(
        "# The pages in pictures\n\nMade by `make pictures` of a simulated hospital with three lanes: at the first a \
         patient types a PIN, the second has lost\nits generic reader, the third is idle; the centre has refused a confirmation. Names and numbers are \
         invented. A page that is newer than the pictures is missing until they are taken anew.\n\n\
         | page | 日本語 | English |\n|---|---|---|\n",
    );
    let picture = |shot: Shot| format!("![{}](pictures/{})", shot.stop.name, shot.file());
    let on_desk = |shot: &&Shot| !shot.look.dark && shot.language == Language::Ja;
    for stop in shots.iter().filter(on_desk).map(|shot| shot.stop) {
        let [ja, en] = Language::ALL.map(|language| picture(Shot { stop, language, look: DESK }));
        let name = if stop.role.is_none() { format!("{} (no log-in)", stop.name) } else { stop.name.into() };
        // Writing to a String can't fail.
        let _ = writeln!(text, "| {name} | {ja} | {en} |");
    }
    text.push_str("\n## On a phone, in the dark\n\n");
    for shot in shots.iter().filter(|shot| shot.look.dark) {
        let _ = writeln!(text, "{}", picture(*shot));
    }
    text
}

/// Takes every picture anew and writes the index; tells each name to `progress`.
pub async fn take_all(progress: impl Fn(&str)) -> Result<()> {
    let pictures = folder().join("pictures");
    fs::create_dir_all(&pictures)?;
    let mut house = House::open(Options { lanes: 3, hotplug: true, ..Options::default() }).await;
    let (session, set_aside) = something_happens(&mut house).await?;
    let page = house.addresses["gateway_page"].as_str().context("an address")?.to_owned();
    let browser = Browser::open().await?;
    let mut total = 0;
    let mut wanted = Vec::new();
    for shot in shots() {
        browser.go(&format!("{page}login")).await?;
        let cookie = match shot.stop.role {
            None => None,
            Some("administrator") => Some(session.clone()),
            Some(role) => house.add_person(role).log_in(house.http()).await,
        };
        browser.be(cookie.as_deref()).await?;
        browser.look(shot.look).await?;
        shot.stop.visit(&browser, &page, shot.language.tag(), &set_aside).await?;
        without_this_machine(&browser).await?;
        let raw = house.directory().join("raw.png");
        fs::write(&raw, browser.picture().await?)?;
        let name = shot.file();
        shrink(&raw, &pictures.join(&name))?;
        total += fs::metadata(pictures.join(&name))?.len();
        progress(&name);
        wanted.push(name);
    }
    browser.close().await?;
    for entry in fs::read_dir(&pictures)? {
        let entry = entry?;
        // Of a page that is no more.
        if !wanted.iter().any(|name| entry.file_name() == name.as_str()) {
            fs::remove_file(entry.path())?;
        }
    }
    if total > MAX_BYTES {
        bail!("the pictures have {total} bytes together; {MAX_BYTES} are allowed");
    }
    fs::write(folder().join("PAGES.md"), index(&shots()))?;
    Ok(())
}

/// Visits, one set aside, one in progress, a reader that is lost, a change that is prepared. The administrator's cookie, and the id of
/// what was set aside.
async fn something_happens(house: &mut House) -> Result<(String, String)> {
    for (lane, way) in [(1, Way::Android), (2, Way::Iphone), (3, Way::CardByFace), (1, Way::Iphone)] {
        visits::serve(&house.lane(lane), way, &format!("{}#{lane}", way.kind())).await;
    }
    house.settled(4).await;
    let set_aside = visits::one_set_aside(house).await;
    visits::leave(&house.lane(1)).await;
    house.centre_well().await;
    visits::to_android_pin(&house.lane(1)).await;
    house.lane(2).nfc_reader("unplug").await;
    house.raised("nfc_reader@2", FaultCode::NfcReaderLost).await;
    let cookie = house.add_person("administrator").log_in(house.http()).await.context("a session")?;
    let form = house.http().get_as(&cookie, "configuration/text").await.context("a page")?.text().await?;
    let csrf = form.split("name=\"csrf\" value=\"").nth(1).and_then(|rest| rest.split('"').next());
    let changed =
        fs::read_to_string(house.config())?.replacen("[site]\n", "[site]\nphones_down_hours = 48\n", 1);
    let fields = [("csrf", csrf.context("a form")?), ("text", changed.as_str())];
    house.http().post_form("configuration/text", Some(&cookie), &fields).await.context("an answer")?;
    Ok((cookie, set_aside))
}

/// What a page says of the machine on which the pictures are taken is of no interest.
async fn without_this_machine(browser: &Browser) -> Result<()> {
    let neutral = "(() => { const bundle = document.querySelector('pre.bundle'); if (!bundle) return; \
                   bundle.textContent = bundle.textContent.replace(/^Linux .*$/m, 'Linux 6.12.0 x86_64')\
                   .replace(/^(processors|up for|load|MemTotal|MemAvailable|network socket [^:]*): .*$/gm, '$1: …'); })()";
    browser.value(neutral).await.map(|_| ())
}
