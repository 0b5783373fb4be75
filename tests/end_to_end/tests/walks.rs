//! What people do on the page when something goes wrong, in a real Chromium, in both languages.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a failed step is a failed test")]

use madoguchi_end_to_end::{
    House, Options,
    browser::{Browser, DESKTOP},
    first_start,
    line::TlsPapers,
    process::Process,
    visits::{self, Way},
};
use madoguchi_protocol::{
    fault::FaultCode,
    texts::{Language, text},
};
use madoguchi_simulator::{
    hospital::{MAKER, MODEL},
    pki::tls::Validity,
};
use std::{fs, net::TcpListener, time::Duration};

/// A browser in which somebody with this role is logged in.
async fn browser_of(house: &House, role: &str) -> Browser {
    let cookie = house.add_person(role).log_in(house.http()).await.expect("a session");
    let browser = Browser::open().await.unwrap();
    browser.look(DESKTOP).await.unwrap();
    browser.go(&address(house, "login")).await.unwrap();
    browser.be(Some(&cookie)).await.unwrap();
    browser
}

fn address(house: &House, path: &str) -> String {
    format!("{}{path}", house.addresses["gateway_page"].as_str().unwrap())
}

async fn go(house: &House, browser: &Browser, path: &str, language: Language) {
    let between = if path.contains('?') { '&' } else { '?' };
    let path = format!("{path}{between}lang={}", language.tag());
    browser.go(&address(house, &path)).await.unwrap();
    assert_eq!(browser.text("document.documentElement.lang").await.unwrap(), language.tag());
}

/// Waits until the page says these words.
async fn says(browser: &Browser, words: &str) {
    let quoted = serde_json::to_string(words).unwrap();
    browser.until(&format!("document.body.innerText.includes({quoted})")).await.unwrap();
}

#[tokio::test]
async fn a_clerk_sees_a_reader_lost_and_has_it_mended_and_may_not_configure() {
    let house = House::open(Options { lanes: 2, hotplug: true, ..Options::default() }).await;
    let browser = browser_of(&house, "operator").await;
    let lane = house.lane(1);
    for language in Language::ALL {
        let words = |key: &str| text(language, key, &[]);
        let lost = |part: &str| words(&format!("fault-{}-{part}", FaultCode::NfcReaderLost.name()));
        go(&house, &browser, "", language).await;
        let configures = "!!document.querySelector('a[href=\"/configuration\"]')";
        assert_eq!(browser.value(configures).await.unwrap(), false);

        // The tile tells it at once, without being loaded again; the repairs say what to do and where.
        browser.value("window.isTheSame = true").await.unwrap();
        lane.nfc_reader("unplug").await;
        says(&browser, &lost("staff")).await;
        assert_eq!(browser.value("window.isTheSame").await.unwrap(), true);
        browser.tab_to("it.getAttribute('href') === '/repairs'").await.unwrap();
        browser.enter().await.unwrap();
        browser.until("location.pathname === '/repairs'").await.unwrap();
        says(&browser, &lost("action")).await;
        browser.tab_to("it.getAttribute('href') === '/lanes/1'").await.unwrap();
        browser.enter().await.unwrap();
        browser
            .until("location.pathname === '/lanes/1' && !!document.querySelector('.trouble-words')")
            .await
            .unwrap();

        // Plugged in again it is well, and proves it with a card.
        lane.nfc_reader("plug").await;
        browser.until("!document.querySelector('.trouble-words')").await.unwrap();
        house.lanes_are_ready().await;
        says(&browser, &words("page-nfc-ready")).await;
        lane.hold("my_number_card").await;
        browser.tab_to("it.closest('form')?.action.endsWith('/lanes/1/test')").await.unwrap();
        browser.enter().await.unwrap();
        says(&browser, &words("said-read-my-number-card")).await;
        lane.take_away().await;

        go(&house, &browser, "configuration", language).await;
        says(&browser, &words("refused-forbidden")).await;
    }
    assert_eq!(browser.complaints().await.unwrap(), Vec::<String>::new());
    browser.close().await.unwrap();
}

#[tokio::test]
async fn a_change_that_takes_the_page_away_is_taken_back_by_itself_and_is_in_the_audit_log() {
    let house = House::hospital(Options { lanes: 1, ..Options::default() }).await;
    let mut command = house.madoguchi(&["run"]);
    command.args(["--confirm-within", "6"]);
    let _gateway = Process::start("gateway", command, house.directory());
    house.until("the page answers", async |house| house.http().text("status").await.is_some()).await;
    let browser = browser_of(&house, "administrator").await;
    let before = fs::read_to_string(house.config()).unwrap();
    for language in Language::ALL {
        let words = |key: &str| text(language, key, &[]);
        // A mistake is told where it was made, and can't be applied.
        go(&house, &browser, "configuration/section?place=site", language).await;
        browser.value("document.getElementById('site.institution').select()").await.unwrap();
        browser.fill("site.institution", "123").await.unwrap();
        browser.enter().await.unwrap();
        browser.until("location.pathname === '/configuration/change'").await.unwrap();
        says(&browser, &words("mistake-institution")).await;
        browser.tab_to("it.closest('form')?.action.endsWith('/configuration/discard')").await.unwrap();
        browser.enter().await.unwrap();
        browser.until("location.pathname === '/configuration'").await.unwrap();

        // The page moves to where this browser never looks for it, so nobody confirms.
        let elsewhere = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        go(&house, &browser, "configuration/section?place=web", language).await;
        browser.value("document.getElementById('web.listen').select()").await.unwrap();
        browser.fill("web.listen", &elsewhere.to_string()).await.unwrap();
        browser.enter().await.unwrap();
        browser.until("location.pathname === '/configuration/change'").await.unwrap();
        says(&browser, &elsewhere.to_string()).await;
        browser
            .tab_to("it.tagName === 'BUTTON' && it.closest('form')?.action.endsWith('/configuration/change')")
            .await
            .unwrap();
        browser.enter().await.unwrap();
        house
            .until("it took effect", async |house| fs::read_to_string(house.config()).unwrap() != before)
            .await;
        house
            .until("it was taken back", async |house| fs::read_to_string(house.config()).unwrap() == before)
            .await;
        house
            .until_within(Duration::from_secs(30), "the page is back", async |house| {
                house.http().text("status").await.is_some()
            })
            .await;
        go(&house, &browser, "configuration", language).await;
        says(&browser, &words("configuration-was-not-confirmed")).await;
        let number = 1 + u32::from(language == Language::En);
        let logged = |number: &str| text(language, "logged-configuration-rolled-back", &[("number", number)]);
        house
            .until("the audit log has it", async |house| {
                let log = house.page(&format!("log?lang={}", language.tag())).await;
                log.matches(&logged("2")).count() + log.matches(&logged("3")).count() >= number as usize
            })
            .await;
        go(&house, &browser, "configuration/change", language).await;
        browser.tab_to("it.closest('form')?.action.endsWith('/configuration/discard')").await.unwrap();
        browser.enter().await.unwrap();
        browser.until("location.pathname === '/configuration'").await.unwrap();
    }
    browser.close().await.unwrap();
}

/// What has to be typed into the wizard's forms, by form and field: what the hospital wrote for its gateway.
fn given(file: &str) -> Vec<(String, Vec<(String, String)>)> {
    let mut forms: Vec<(String, Vec<(String, String)>)> = Vec::new();
    let mut place = String::new();
    for line in file.lines().map(str::trim) {
        if let Some(section) = line.strip_prefix('[') {
            let section = section.trim_matches(['[', ']']);
            place = match section.strip_prefix("lane") {
                Some(below) => format!("lane.1{below}"),
                None if section == "compatibility.pairs" => "compatibility.pairs.0".into(),
                None => section.into(),
            };
            let form = if place.starts_with("lane.1") { "lane.1" } else { &place };
            if forms.iter().all(|(known, _)| known != form) {
                forms.push((form.into(), Vec::new()));
            }
        } else if let Some((name, value)) = line.split_once(" = ").filter(|_| !line.starts_with('#')) {
            let value = value.trim_start_matches("[\"").trim_end_matches("\"]").trim_matches('"');
            forms.last_mut().unwrap().1.push((format!("{place}.{name}"), value.into()));
        }
    }
    forms
}

/// Fills a form of the configuration.
async fn type_into(browser: &Browser, fields: &[(String, String)]) {
    for (key, value) in fields {
        let (key, value) = (serde_json::to_string(key).unwrap(), serde_json::to_string(value).unwrap());
        let typed = format!("document.getElementById({key}).value = {value}; true");
        browser.value(&typed).await.unwrap_or_else(|error| panic!("{key}: {error}"));
    }
}

/// Fills a form of the configuration and sends it.
async fn fill(browser: &Browser, fields: &[(String, String)]) {
    type_into(browser, fields).await;
    // What a lane need not have is there where something is said of it.
    let switch = "document.querySelectorAll('input[name^=\"there.\"]').forEach(it => { \
                  const place = it.name.slice(6) + '.'; \
                  it.checked = [...document.querySelectorAll('input, select, textarea')] \
                  .some(field => field.id.startsWith(place) && field.value); }); true";
    browser.value(switch).await.unwrap();
    browser.tab_to("it.tagName === 'BUTTON' && !!it.closest('form.sheet')").await.unwrap();
    browser.enter().await.unwrap();
    browser.until("location.pathname === '/configuration/change'").await.unwrap();
}

/// By keyboard: a lane's devices are found and tried with what the form says, before anything of it is saved.
async fn try_devices(house: &House, browser: &Browser, fields: &[(String, String)], language: Language) {
    let lane = house.lane(1);
    lane.hold("my_number_card").await;
    let listen = &fields.iter().find(|(key, _)| key == "lane.1.face_reader.listen").unwrap().1;
    let words = |key: &str, arguments: &[(&str, &str)]| text(language, key, arguments);
    go(house, browser, "configuration/section?place=lane.1", language).await;
    let press = async |device: &str| {
        browser.tab_to(&format!("it.name === 'try' && it.value === '{device}'")).await.unwrap();
        browser.enter().await.unwrap();
        browser.until("location.pathname === '/configuration/try'").await.unwrap();
    };
    press("face_reader").await;
    says(browser, &words("devices-face-incomplete", &[])).await;
    type_into(browser, fields).await;
    press("face_reader").await;
    says(browser, &words("devices-face-free", &[("address", listen)])).await;
    // The reader calls until the lane is there.
    let introduced = [("maker", MAKER), ("model", MODEL), ("software", "9.9.9")];
    says(browser, &words("devices-face-called", &introduced)).await;
    // The reader that is attached is offered, under a name that stays.
    let offered = "(() => { const it = document.getElementById('found.lane.1.nfc_reader.reader'); \
                   it.selectedIndex = 1; return it.value; })()";
    let offered = browser.text(offered).await.unwrap();
    assert!(["{ serial =", "{ name ="].iter().any(|how| offered.starts_with(how)), "{offered}");
    press("nfc_reader").await;
    says(browser, &words("said-read-my-number-card", &[])).await;
    let kept = "document.getElementById('lane.1.nfc_reader.reader').value";
    assert_eq!(browser.text(kept).await.unwrap(), offered, "what was typed is still there");
    lane.take_away().await;
    go(house, browser, "configuration/section?place=lane.1", language).await;
    let saved = browser.text("document.getElementById('lane.1.face_reader.listen').value").await.unwrap();
    assert_eq!(saved, "", "nothing was saved");
}

/// Those who issue certificates for a box that has none: the wizard leads to them and back.
struct Issuers {
    papers: TlsPapers,
    centres: String,
}

impl Issuers {
    /// The terminal's certificate and key, and the centre's authority, are not on the box yet.
    fn before_the_first(house: &House) -> Self {
        let papers = TlsPapers::make(house.directory());
        let centres = fs::read_to_string(papers.at("centre-ca.pem")).unwrap();
        for name in ["centre-ca.pem", "uplink.pem", "uplink.key"] {
            fs::remove_file(papers.at(name)).unwrap();
        }
        Self { papers, centres }
    }

    /// Takes the request out and puts in place what was issued.
    async fn serve(&self, house: &House, browser: &Browser, language: Language) {
        let words = |key: &str| text(language, key, &[]);
        let put = async |name: &str, pem: &str| {
            let pem = serde_json::to_string(pem).unwrap();
            let chosen = format!(
                "(() => {{ const it = document.getElementById('file'); \
                 it.selectedIndex = [...it.options].findIndex(one => one.value.endsWith('{name}')); \
                 document.getElementById('certificate').value = {pem}; return it.selectedIndex >= 0; }})()"
            );
            assert_eq!(browser.value(&chosen).await.unwrap(), true, "{name} is missing");
            browser.tab_to("it.tagName === 'BUTTON' && !!it.closest('form.sheet')").await.unwrap();
            browser.enter().await.unwrap();
            browser.until("location.pathname.endsWith('/certificates/put')").await.unwrap();
        };
        go(house, browser, "configuration/setup/certificates", language).await;
        put("centre-ca.pem", "no certificate").await;
        says(browser, &words("papers-not-put")).await;
        put("centre-ca.pem", &self.centres).await;
        says(browser, &words("papers-put-done")).await;

        go(house, browser, "configuration/setup/certificates", language).await;
        let request = "(() => { const it = document.querySelector('form[action$=\"/request\"]'); \
                       return fetch(it.action, { method: 'POST', body: new URLSearchParams(new FormData(it)) })\
                       .then(answer => answer.text()); })()";
        let request = browser.text(request).await.unwrap();
        assert!(request.contains("BEGIN CERTIFICATE REQUEST"), "{request}");
        let issued = self.papers.terminals.answer(&request, Validity::days(400)).unwrap();
        put("uplink.pem", &issued).await;
        says(browser, &words("papers-put-done")).await;
        let open = "document.querySelector('table.papers').innerText.includes('☐')";
        assert_eq!(browser.value(open).await.unwrap(), false, "nothing is missing");
    }
}

/// the maker's procedure is recorded, takes effect, is shown, and wants both restarts again.
async fn record_the_procedure(house: &House, browser: &Browser, language: Language) {
    go(house, browser, "lanes/1", language).await;
    browser.tab_to("it.getAttribute('href') === '/configuration/phones?lane=1'").await.unwrap();
    browser.enter().await.unwrap();
    browser.until("location.pathname === '/configuration/phones'").await.unwrap();
    says(browser, &text(language, "phones-about", &[])).await;
    go(house, browser, "configuration/phones?lane=1", language).await;
    for (field, value) in [("procedure", "KB0012308"), ("version", "2.0"), ("by", "ME 12")] {
        browser.value(&format!("document.getElementById('{field}').value = '{value}'; true")).await.unwrap();
    }
    let day = browser.text("document.getElementById('on').value").await.unwrap();
    browser.tab_to("it.tagName === 'BUTTON' && !!it.closest('form.sheet')").await.unwrap();
    browser.enter().await.unwrap();
    browser.until("location.pathname === '/configuration/change'").await.unwrap();
    apply_and_confirm(browser).await;
    go(house, browser, "lanes/1", language).await;
    let record = [("procedure", "KB0012308"), ("version", "2.0"), ("on", day.as_str()), ("by", "ME 12")];
    says(browser, &text(language, "phones-recorded", &record)).await;
    says(browser, &text(language, "readiness-box-restarted-what", &[])).await;
    says(browser, &text(language, "readiness-reader-restarted-what", &[])).await;
}

/// By keyboard: the change that is shown takes effect, and somebody is there to say that it may stay.
async fn apply_and_confirm(browser: &Browser) {
    browser
        .tab_to("it.tagName === 'BUTTON' && it.closest('form')?.action.endsWith('/configuration/change')")
        .await
        .unwrap();
    browser.enter().await.unwrap();
    browser.until("!!document.getElementById('countdown')").await.unwrap();
    browser.tab_to("it.closest('form')?.action.endsWith('/configuration/confirm')").await.unwrap();
    browser.enter().await.unwrap();
    browser.until("!document.getElementById('countdown')").await.unwrap();
}

/// A gateway without a configuration, at whose page its first administrator has just been set up.
async fn first_start_of_a_new_box(house: &House, name: &str, language: Language) -> (Process, Browser) {
    let listen = address(house, "").trim_start_matches("http://").trim_end_matches('/').to_owned();
    let mut command = house.madoguchi(&["run"]);
    command.args(["--listen", &listen, "--state-directory"]).arg(house.directory().join("state"));
    let gateway = Process::start("gateway", command, house.directory());
    let code = first_start::console_code(house).await;
    let browser = Browser::open().await.unwrap();
    browser.look(DESKTOP).await.unwrap();
    go(house, &browser, "first-start", language).await;
    first_start::set_up(&browser, &code, Some(name)).await;
    (gateway, browser)
}

/// From a box without a configuration to its first visit, by the wizard.
async fn first_start_to_first_visit(language: Language) {
    let house = House::hospital(Options { lanes: 1, ..Options::default() }).await;
    let forms = given(&fs::read_to_string(house.config()).unwrap());
    assert!(forms.len() >= 7, "{forms:?}");
    let issuers = Issuers::before_the_first(&house);
    fs::remove_file(house.config()).unwrap();
    let (_gateway, browser) = first_start_of_a_new_box(&house, "管理 花子", language).await;

    // Nothing runs, so this is where they are led.
    browser.until("location.pathname === '/configuration'").await.unwrap();
    says(&browser, &text(language, "configuration-none", &[])).await;
    browser.tab_to("it.getAttribute('href') === '/configuration/setup'").await.unwrap();
    browser.enter().await.unwrap();
    browser.until("location.pathname === '/configuration/setup'").await.unwrap();
    browser.tab_to("it.closest('form')?.action.endsWith('/configuration/setup')").await.unwrap();
    browser.enter().await.unwrap();
    browser.until("!!document.querySelector('ol.steps')").await.unwrap();
    for (form, fields) in &forms {
        if form.starts_with("compatibility") {
            go(&house, &browser, "configuration", language).await;
            browser.tab_to("it.closest('form')?.action.endsWith('/configuration/pairs')").await.unwrap();
            browser.enter().await.unwrap();
            browser.until("location.search.includes('compatibility.pairs.0')").await.unwrap();
        } else {
            go(&house, &browser, &format!("configuration/section?place={form}"), language).await;
        }
        if form == "lane.1" {
            try_devices(&house, &browser, fields, language).await;
        }
        fill(&browser, fields).await;
        // Each step can be left and taken up again.
        go(&house, &browser, "status", language).await;
    }
    go(&house, &browser, "configuration/setup", language).await;
    browser.tab_to("it.getAttribute('href') === '/configuration/setup/certificates'").await.unwrap();
    browser.enter().await.unwrap();
    browser.until("location.pathname === '/configuration/setup/certificates'").await.unwrap();
    issuers.serve(&house, &browser, language).await;
    go(&house, &browser, "configuration/setup", language).await;
    let open = "document.querySelector('ol.steps').innerText.includes('☐')";
    assert_eq!(browser.value(open).await.unwrap(), false, "every step is done");
    go(&house, &browser, "configuration/change", language).await;
    apply_and_confirm(&browser).await;

    // The test visit proves it.
    house.lanes_are_ready().await;
    go(&house, &browser, "configuration/setup", language).await;
    let proof = "document.querySelector('ul.proof').innerText";
    assert!(browser.text(proof).await.unwrap().contains('☐'), "no visit yet");
    assert_eq!(visits::serve(&house.lane(1), Way::Android, "android").await.kind, "done");
    house
        .until("the visit has ended", async |house| {
            house.states().await["face_reader@1"]["detail"]["face_reader"]["visits_ended"] == 1
        })
        .await;
    go(&house, &browser, "configuration/setup", language).await;
    let proven = browser.text(proof).await.unwrap();
    assert!(!proven.contains('☐') && proven.matches('✓').count() == 4, "{proven}");
    go(&house, &browser, "lanes/1", language).await;
    browser.value("document.querySelectorAll('details').forEach(it => it.open = true)").await.unwrap();
    says(&browser, &text(language, "end-confirmed", &[])).await;
    // The next visit is shown live; what the reader has opened stays open.
    assert_eq!(visits::serve(&house.lane(1), Way::Iphone, "iphone").await.kind, "done");
    browser.until("document.querySelectorAll('details[open] tbody tr').length === 2").await.unwrap();
    // An event that comes while the page is looked at again is not lost: it is looked at once more.
    let twice = "performance.clearResourceTimings(); \
                 for (const _ of 'ab') htmx.trigger('#live', 'sse:lane-1')";
    browser.value(twice).await.unwrap();
    let looked = "performance.getEntriesByType('resource').filter(it => it.name.includes('/lanes/1')).length";
    browser.until(&format!("{looked} >= 2")).await.unwrap();
    record_the_procedure(&house, &browser, language).await;
    assert_eq!(browser.complaints().await.unwrap(), Vec::<String>::new());
    browser.close().await.unwrap();
}

#[tokio::test]
async fn from_a_box_without_a_configuration_to_the_first_visit_by_the_wizard_in_japanese() {
    first_start_to_first_visit(Language::Ja).await;
}

#[tokio::test]
async fn from_a_box_without_a_configuration_to_the_first_visit_by_the_wizard_in_english() {
    first_start_to_first_visit(Language::En).await;
}

/// A backup of a box, restored on a new one with the page.
async fn backup_to_new_box(language: Language) {
    let house = House::hospital(Options { lanes: 1, ..Options::default() }).await;
    let folder = tempfile::tempdir().unwrap();
    let (passphrase, parcel) = (folder.path().join("passphrase"), folder.path().join("backup"));
    const WORDS: &str = "thirteen characters and more";
    fs::write(&passphrase, WORDS).unwrap();
    let mut export =
        house.madoguchi(&["config", "export", "--with-keys", "--output", parcel.to_str().unwrap()]);
    let exported = export.arg("--passphrase-file").arg(&passphrase).output().unwrap();
    assert!(exported.status.success(), "{exported:?}");
    let before = fs::read_to_string(house.config()).unwrap();
    let pki = house.directory().join("pki");
    let named = |path: &std::path::PathBuf| before.contains(path.to_str().unwrap());
    let files: Vec<_> =
        fs::read_dir(&pki).unwrap().map(|entry| entry.unwrap().path()).filter(named).collect();
    assert!(files.len() >= 4, "{files:?}");
    for path in files.iter().chain([&house.config()]) {
        fs::remove_file(path).unwrap();
    }

    let (_gateway, browser) = first_start_of_a_new_box(&house, "Administrator", language).await;
    browser.until("location.pathname === '/configuration'").await.unwrap();
    for (words, said) in [("thirteen characters and less", Some("import-sealed")), (WORDS, None)] {
        go(&house, &browser, "configuration/import", language).await;
        browser.choose_file("#parcel", &parcel).await.unwrap();
        browser.fill("passphrase", words).await.unwrap();
        browser.enter().await.unwrap();
        match said {
            Some(key) => says(&browser, &text(language, key, &[])).await,
            None => browser.until("location.pathname === '/configuration/change'").await.unwrap(),
        }
        assert_eq!(files.iter().all(|path| path.exists()), said.is_none());
    }
    apply_and_confirm(&browser).await;
    assert_eq!(fs::read_to_string(house.config()).unwrap(), before);
    house.lanes_are_ready().await;
    assert_eq!(visits::serve(&house.lane(1), Way::Iphone, "iphone").await.kind, "done");
    browser.close().await.unwrap();
}

#[tokio::test]
async fn a_backup_is_restored_on_a_new_box_on_the_page_in_japanese() {
    backup_to_new_box(Language::Ja).await;
}

#[tokio::test]
async fn a_backup_is_restored_on_a_new_box_on_the_page_in_english() {
    backup_to_new_box(Language::En).await;
}
