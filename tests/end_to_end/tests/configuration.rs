//! The configuration as people change it: on the page, by hand, on the console.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a failed step is a failed test")]

use madoguchi_end_to_end::{
    House, Options,
    browser::{Browser, DESKTOP},
    person::PASSWORD,
    process::Process,
    visits::{self, Way},
};
use madoguchi_protocol::texts::{Language, text};
use std::{fs, path::Path};

/// Somebody at the page, logged in.
struct Desk<'a> {
    house: &'a House,
    cookie: String,
}

impl<'a> Desk<'a> {
    async fn of(house: &'a House, role: &str) -> Self {
        let person = house.add_person(role);
        let mut cookie = None;
        house.until("the page answers", async |house| house.http().text("status").await.is_some()).await;
        // A page that has only just begun to listen may be asked again.
        for _ in 0..3 {
            cookie = person.log_in(house.http()).await;
            if cookie.is_some() {
                break;
            }
        }
        Self { house, cookie: cookie.expect("a session") }
    }

    async fn get(&self, path: &str) -> (u16, String) {
        let answer = self.house.http().get_as(&self.cookie, path).await.expect("the page answers");
        let status = answer.status().as_u16();
        (status, answer.text().await.unwrap_or_default())
    }

    /// The secret that this session's forms carry.
    async fn csrf(&self) -> String {
        let (_, text) = self.get("status").await;
        let field = text.split("name=\"csrf\" value=\"").nth(1).expect("a form");
        field.split('"').next().expect("a value").to_owned()
    }

    async fn post(&self, path: &str, fields: &[(&str, &str)]) -> (u16, String) {
        let csrf = self.csrf().await;
        let mut all = fields.to_vec();
        all.push(("csrf", &csrf));
        let answer =
            self.house.http().post_form(path, Some(&self.cookie), &all).await.expect("the page answers");
        let status = answer.status().as_u16();
        (status, answer.text().await.unwrap_or_default())
    }

    /// Prepares this text and says what the page shows of it.
    async fn prepare(&self, text: &str) -> String {
        let (status, said) = self.post("configuration/text", &[("text", text)]).await;
        assert_eq!(status, 303, "{said}");
        self.get("configuration/change").await.1
    }

    /// Has what is prepared take effect; the number of the version.
    async fn apply(&self) -> String {
        let (_, shown) = self.get("configuration/change").await;
        let digest = shown.split("name=\"digest\" value=\"").nth(1).unwrap_or_else(|| panic!("{shown}"));
        let digest = digest.split('"').next().expect("a value").to_owned();
        let (status, said) = self.post("configuration/change", &[("digest", &digest)]).await;
        assert_eq!(status, 303, "{said}");
        let (_, shown) = self.get("configuration").await;
        let number = shown.split("name=\"number\" value=\"").nth(1).unwrap_or_else(|| panic!("{shown}"));
        number.split('"').next().expect("a value").to_owned()
    }
}

fn gateway(house: &House, more: &[&str]) -> Process {
    let mut command = house.madoguchi(&["run"]);
    command.args(more);
    Process::start("gateway", command, house.directory())
}

async fn visits_ended(house: &House, lane: u16) -> u64 {
    let states = house.states().await;
    states[format!("face_reader@{lane}")]["detail"]["face_reader"]["visits_ended"]
        .as_u64()
        .unwrap_or(u64::MAX)
}

/// The configuration with another limit for lane 2.
fn with_other_limit(text: &str) -> String {
    let at = text.rfind("[lane.face_reader]").expect("the last lane");
    let section = "[lane.face_reader]\n";
    format!("{}{section}deadlines = {{ choose = 33 }}\n{}", &text[..at], &text[at + section.len()..])
}

#[tokio::test]
async fn a_change_touches_one_lane_alone_and_is_taken_back_by_itself() {
    let mut house = House::hospital(Options { lanes: 2, ..Options::default() }).await;
    let _gateway = gateway(&house, &["--confirm-within", "6"]);
    house.ready().await;
    for lane in [1, 2] {
        let served = visits::serve(&house.lane(lane), Way::Iphone, &format!("iphone#{lane}")).await;
        assert_eq!(served.kind, "done");
        house.until("the visit has ended", async |house| visits_ended(house, lane).await == 1).await;
    }
    let before = fs::read_to_string(house.config()).unwrap();
    let after = with_other_limit(&before);
    let desk = Desk::of(&house, "administrator").await;

    // A patient would be interrupted: whoever applies the change is told.
    let interrupts = |lanes: &str| text(Language::Ja, "configuration-interrupts", &[("lanes", lanes)]);
    let shown = desk.prepare(&after).await;
    assert!(!shown.contains(&interrupts("2")), "{shown}");
    visits::to_iphone_hold(&house.lane(2)).await;
    house
        .until("the patient of lane 2 is seen", async |_| {
            desk.get("configuration/change").await.1.contains(&interrupts("2"))
        })
        .await;
    let (_, shown) = desk.get("configuration/change").await;
    assert!(shown.contains("lane.2.face_reader.deadlines.choose") && shown.contains("33"), "{shown}");
    assert!(shown.contains("face_reader@2") && !shown.contains("face_reader@1"), "{shown}");
    desk.apply().await;
    assert_eq!(fs::read_to_string(house.config()).unwrap(), after);
    house.until("lane 2 is built anew", async |house| visits_ended(house, 2).await == 0).await;
    assert_eq!(visits_ended(&house, 1).await, 1, "lane 1 was not touched");

    house
        .until("nobody confirmed it", async |house| fs::read_to_string(house.config()).unwrap() == before)
        .await;
    house.lanes_are_ready().await;
    assert_eq!(visits_ended(&house, 1).await, 1, "lane 1 was not touched");
    let (_, shown) = desk.get("configuration").await;
    assert!(shown.contains("/configuration/change"), "what was prepared is kept: {shown}");
}

/// How many lines of the level INFO the gateway has logged.
fn informed(house: &House) -> usize {
    let log = fs::read(house.directory().join("gateway.log")).unwrap();
    String::from_utf8_lossy(&log).matches("\"level\":\"INFO\"").count()
}

#[tokio::test]
async fn the_level_of_the_log_changes_while_patients_are_served_and_touches_no_lane() {
    let mut house = House::hospital(Options { lanes: 1, ..Options::default() }).await;
    let mut command = house.madoguchi(&["run"]);
    // It would go before the configuration.
    command.env_remove("MADOGUCHI_LOG");
    let _gateway = Process::start("gateway", command, house.directory());
    house.ready().await;
    let desk = Desk::of(&house, "administrator").await;
    let serve = async |count: u64| {
        assert_eq!(visits::serve(&house.lane(1), Way::Iphone, &format!("iphone#{count}")).await.kind, "done");
        house.until("the visit has ended", async |house| visits_ended(house, 1).await == count).await;
    };
    let before = informed(&house);
    serve(1).await;
    assert!(informed(&house) > before, "a visit is worth a line");

    let whole = fs::read_to_string(house.config()).unwrap();
    desk.prepare(&format!("{whole}\n[log]\nlevel = \"warn\"\n")).await;
    let number = desk.apply().await;
    assert_eq!(desk.post("configuration/confirm", &[("number", &number)]).await.0, 303);
    let before = informed(&house);
    serve(2).await;
    assert_eq!(informed(&house), before, "only what is worth a warning is logged");

    desk.prepare(&format!("{whole}\n[log]\nlevel = \"warn\"\nbus = \"info\"\n")).await;
    let number = desk.apply().await;
    assert_eq!(desk.post("configuration/confirm", &[("number", &number)]).await.0, 303);
    let before = informed(&house);
    serve(3).await;
    assert!(informed(&house) > before, "the events of all actors are the bus's");
}

#[tokio::test]
async fn a_lane_comes_and_goes_on_the_page_and_its_neighbour_works_on() {
    let house = House::open(Options { lanes: 2, ..Options::default() }).await;
    let served = visits::serve(&house.lane(1), Way::Iphone, "iphone#1").await;
    assert_eq!(served.kind, "done");
    house.until("the visit has ended", async |house| visits_ended(house, 1).await == 1).await;
    let desk = Desk::of(&house, "administrator").await;
    let whole = fs::read_to_string(house.config()).unwrap();

    let (status, said) = desk.post("configuration/lanes/remove", &[("number", "2")]).await;
    assert_eq!(status, 303, "{said}");
    let number = desk.apply().await;
    assert_eq!(desk.post("configuration/confirm", &[("number", &number)]).await.0, 303);
    house.until("lane 2 is gone", async |house| house.states().await.get("face_reader@2").is_none()).await;
    desk.prepare(&whole).await;
    let number = desk.apply().await;
    assert_eq!(desk.post("configuration/confirm", &[("number", &number)]).await.0, 303);
    house.lanes_are_ready().await;
    let served = visits::serve(&house.lane(2), Way::Android, "android#2").await;
    assert_eq!(served.kind, "done");
    assert_eq!(visits_ended(&house, 1).await, 1, "lane 1 was not touched");
    let (_, history) = desk.get("configuration/history").await;
    assert!(history.contains("administrator"), "{history}");
}

#[tokio::test]
async fn a_reader_that_a_lane_has_is_tried_by_that_lane_alone_and_patients_go_first() {
    let house = House::open(Options { lanes: 2, ..Options::default() }).await;
    let desk = Desk::of(&house, "administrator").await;
    let config = fs::read_to_string(house.config()).unwrap();
    let readers: Vec<_> = config.lines().filter_map(|line| line.strip_prefix("reader = ")).collect();
    let [own, others] = *readers else { panic!("{readers:?}") };
    let tried = async |reader: &str| {
        let fields = [("try", "nfc_reader"), ("lane.1.nfc_reader.reader", reader)];
        let (status, page) = desk.post("configuration/try?place=lane.1", &fields).await;
        assert_eq!(status, 200, "{page}");
        page
    };
    let says = |key: &str, arguments: &[(&str, &str)]| text(Language::Ja, key, arguments);

    house.lane(1).hold("android").await;
    let page = tried(own).await;
    assert!(page.contains(&says("said-read-android", &[])), "{page}");
    house.lane(1).take_away().await;
    // Whoever stands at the neighbour is not disturbed, whatever lies there.
    house.lane(2).hold("android").await;
    let page = tried(others).await;
    assert!(page.contains(&says("devices-of-lane", &[("lane", "2")])), "{page}");
    house.lane(2).take_away().await;

    visits::to_iphone_hold(&house.lane(1)).await;
    let page = tried(own).await;
    assert!(page.contains(&says("said-in-use", &[])), "{page}");
    house.lane(1).hold("iphone").await;
    assert_eq!(visits::consent(&house.lane(1)).await.kind, "done", "the patient did not notice");
    assert_eq!(fs::read_to_string(house.config()).unwrap(), config, "trying changes nothing");
}

#[tokio::test]
async fn only_who_may_configure_sees_or_changes_the_configuration() {
    let house = House::open(Options { lanes: 1, ..Options::default() }).await;
    let text = fs::read_to_string(house.config()).unwrap();
    for role in ["operator", "auditor", "viewer"] {
        let desk = Desk::of(&house, role).await;
        for path in ["", "/change", "/text", "/history", "/setup", "/section?place=site"] {
            assert_eq!(desk.get(&format!("configuration{path}")).await.0, 403, "{role} {path}");
        }
        for path in ["text", "change", "confirm", "roll-back", "discard", "lanes", "history", "restore"] {
            let fields = [("text", text.as_str()), ("digest", "x"), ("number", "1")];
            assert_eq!(desk.post(&format!("configuration/{path}"), &fields).await.0, 403, "{role} {path}");
        }
    }
    assert_eq!(fs::read_to_string(house.config()).unwrap(), text);
}

#[tokio::test]
async fn a_broken_configuration_brings_up_the_page_that_mends_it() {
    let mut house = House::hospital(Options { lanes: 1, ..Options::default() }).await;
    let sound = fs::read_to_string(house.config()).unwrap();
    let administrator = house.add_person("administrator");
    let broken = sound.replace("institution = ", "instituton = ");
    let line = 1 + broken.lines().position(|line| line.starts_with("instituton")).unwrap();
    fs::write(house.config(), &broken).unwrap();
    let _gateway = gateway(&house, &[]);
    house.until("the page answers", async |house| house.http().text("status").await.is_some()).await;
    let cookie = administrator.log_in(house.http()).await.expect("a session");
    let desk = Desk { house: &house, cookie };
    let answer = house.http().get_as(&desk.cookie, "").await.expect("the page answers");
    assert_eq!(answer.headers()["location"], "/configuration", "where else to go");
    let (_, shown) = desk.get("configuration?lang=ja").await;
    assert!(shown.contains("「institution」の誤りでしょうか"), "{shown}");
    let (_, shown) = desk.get("configuration?lang=en").await;
    assert!(
        shown.contains(&format!("#line-{line}")) && shown.contains("did you mean `institution`?"),
        "{shown}"
    );
    desk.prepare(&sound).await;
    let number = desk.apply().await;
    assert_eq!(desk.post("configuration/confirm", &[("number", &number)]).await.0, 303);
    assert_eq!(fs::read_to_string(house.config()).unwrap(), sound);
    house.ready().await;
    assert_eq!(visits::serve(&house.lane(1), Way::Iphone, "iphone#1").await.kind, "done");
}

#[tokio::test]
async fn a_gateway_killed_before_the_change_is_confirmed_starts_with_what_was_before() {
    let mut house = House::open(Options { lanes: 1, ..Options::default() }).await;
    let before = fs::read_to_string(house.config()).unwrap();
    let desk = Desk::of(&house, "administrator").await;
    desk.prepare(&before.replace("[uplink]\n", "[uplink]\nprobe_ms = 1400\n")).await;
    desk.apply().await;
    assert_ne!(fs::read_to_string(house.config()).unwrap(), before);
    house.kill_gateway();
    house.start_gateway();
    house.ready().await;
    assert_eq!(fs::read_to_string(house.config()).unwrap(), before);
    let logged = text(Language::Ja, "logged-configuration-rolled-back", &[("number", "2")]);
    house
        .until("the audit log has it", async |house| house.page("log?lang=ja").await.contains(&logged))
        .await;
}

#[tokio::test]
async fn processes_of_single_actors_follow_what_takes_effect_and_what_is_taken_back() {
    const ACTORS: [&str; 8] = [
        "pin_session",
        "uplink",
        "offline_queue",
        "receipt_computer",
        "audit_log",
        "face_reader@1",
        "nfc_reader@1",
        "gateway",
    ];
    let mut house = House::hospital(Options { lanes: 1, ..Options::default() }).await;
    let start = |actor| {
        let command = house.madoguchi(&["run", "--only", actor]);
        Process::start(actor, command, house.directory())
    };
    let _processes = ACTORS.map(start);
    house.ready().await;
    assert_eq!(visits::serve(&house.lane(1), Way::Iphone, "iphone#1").await.kind, "done");
    house.until("the visit has ended", async |house| visits_ended(house, 1).await == 1).await;
    let desk = Desk::of(&house, "administrator").await;
    desk.prepare(&with_other_limit(&fs::read_to_string(house.config()).unwrap())).await;
    let number = desk.apply().await;
    house.until("the lane's process follows", async |house| visits_ended(house, 1).await == 0).await;
    house.lanes_are_ready().await;
    assert_eq!(visits::serve(&house.lane(1), Way::Iphone, "iphone#1").await.kind, "done");
    house.until("the visit has ended", async |house| visits_ended(house, 1).await == 1).await;
    assert_eq!(desk.post("configuration/roll-back", &[("number", &number)]).await.0, 303);
    house.until("and goes back", async |house| visits_ended(house, 1).await == 0).await;
}

#[tokio::test]
async fn a_backup_is_restored_on_a_new_box_and_a_changed_one_is_refused() {
    let house = House::hospital(Options { lanes: 1, ..Options::default() }).await;
    let administrator = house.add_person("administrator");
    let folder = tempfile::tempdir().unwrap();
    let passphrase = folder.path().join("passphrase");
    fs::write(&passphrase, "thirteen characters and more\n").unwrap();
    let passphrase = ["--passphrase-file", passphrase.to_str().unwrap()];
    let parcel = folder.path().join("backup");
    let export = |more: &[&str]| {
        let mut command = house.madoguchi(&["config", "export", "--output", parcel.to_str().unwrap()]);
        command.args(passphrase).args(more).output().unwrap()
    };
    let exported = export(&["--with-keys"]);
    assert!(exported.status.success(), "{exported:?}");

    // The old box is gone: configuration, people, certificates and keys.
    let (config, state) = (house.config(), house.directory().join("state"));
    let config_text = fs::read_to_string(&config).unwrap();
    let pki = house.directory().join("pki");
    let kept: Vec<_> = fs::read_dir(&pki).unwrap().map(|entry| entry.unwrap().path()).collect();
    let named: Vec<_> =
        kept.iter().filter(|path| config_text.contains(path.to_str().unwrap())).cloned().collect();
    assert!(named.len() >= 4, "{named:?}");
    for path in named.iter().chain([&config]) {
        fs::remove_file(path).unwrap();
    }
    fs::remove_dir_all(&state).unwrap();

    let import = |parcel: &Path| {
        let mut command = house.madoguchi(&["config", "import", parcel.to_str().unwrap()]);
        command.args(passphrase).output().unwrap()
    };
    let mut changed = fs::read(&parcel).unwrap();
    *changed.last_mut().unwrap() ^= 1;
    let tampered = folder.path().join("tampered");
    fs::write(&tampered, changed).unwrap();
    assert!(!import(&tampered).status.success());
    assert!(!config.exists());

    let imported = import(&parcel);
    assert!(imported.status.success(), "{imported:?}");
    assert_eq!(fs::read_to_string(&config).unwrap(), config_text);
    let mut house = house;
    house.start_gateway();
    house.ready().await;
    // The same people log in on the new box, and find their counters and settings.
    let browser = Browser::open().await.unwrap();
    browser.look(DESKTOP).await.unwrap();
    let page = house.addresses["gateway_page"].as_str().unwrap();
    browser.go(&format!("{page}login?lang=ja")).await.unwrap();
    browser.fill("name", &administrator.name).await.unwrap();
    browser.fill("password", PASSWORD).await.unwrap();
    browser.fill("code", &administrator.code()).await.unwrap();
    browser.enter().await.unwrap();
    browser.until("location.pathname === '/' && !!document.querySelector('.tile')").await.unwrap();
    for language in Language::ALL {
        browser.go(&format!("{page}configuration/section?place=site&lang={}", language.tag())).await.unwrap();
        let title = text(language, "configuration-form", &[]);
        assert_eq!(browser.text("document.querySelector('h1').textContent").await.unwrap(), title);
        let institution = browser.text("document.getElementById('site.institution').value").await.unwrap();
        assert!(config_text.contains(&institution) && institution.len() == 10, "{institution}");
    }
    browser.close().await.unwrap();
    assert_eq!(visits::serve(&house.lane(1), Way::Iphone, "iphone#1").await.kind, "done");
}
