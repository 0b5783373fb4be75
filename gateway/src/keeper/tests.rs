//! The keeper with a house that only notes what it is asked to become.

use super::{Keeper, Refusal, Request, Start, Task, Why, applied_path, channel, in_effect, task::Household};
use crate::config::{
    Config,
    store::{Author, Digest, Origin},
};
use madoguchi_protocol::PersonId;
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use std::{
    cell::RefCell,
    fs,
    path::{Path, PathBuf},
    rc::Rc,
    time::Duration,
};

fn somebody() -> Author {
    Author::Person(PersonId::from_bytes([7; 16]))
}

/// A box with certificates that fit and a configuration of two lanes.
struct Site {
    folder: tempfile::TempDir,
}

impl Site {
    fn new() -> Self {
        crate::run::install_cryptography();
        let folder = tempfile::tempdir().unwrap();
        let authority_key = KeyPair::generate().unwrap();
        let mut authority = CertificateParams::new(Vec::<String>::new()).unwrap();
        authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let issuer = Issuer::from_params(&authority, &authority_key);
        let leaf =
            CertificateParams::new(vec!["box.example".to_owned()]).unwrap().signed_by(&key, &issuer).unwrap();
        let write = |name: &str, pem: String| {
            use std::os::unix::fs::PermissionsExt;
            let path = folder.path().join(name);
            fs::write(&path, pem).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        };
        write("ca.pem", authority.self_signed(&authority_key).unwrap().pem());
        write("box.pem", leaf.pem());
        write("box.key", key.serialize_pem());
        let site = Self { folder };
        fs::write(site.file(), site.text()).unwrap();
        site
    }

    fn file(&self) -> PathBuf {
        self.folder.path().join("madoguchi.toml")
    }

    fn state(&self) -> PathBuf {
        self.folder.path().join("state")
    }

    fn says(&self) -> String {
        fs::read_to_string(self.file()).unwrap()
    }

    fn text(&self) -> String {
        let pems = |prefix: &str| {
            let at = |name: &str| format!("{:?}", self.folder.path().join(name));
            let ca = if prefix == "ca" {
                format!("ca = [{}]", at("ca.pem"))
            } else {
                format!("client_ca = {}", at("ca.pem"))
            };
            format!("{ca}\ncertificate = {}\nkey = {}\n", at("box.pem"), at("box.key"))
        };
        let lane = |number: u16| {
            format!(
                "[[lane]]\nnumber = {number}\n[lane.face_reader]\nlisten = \"127.0.0.1:{}\"\n{}",
                28_200 + number,
                pems("client_ca")
            )
        };
        format!(
            "# the hospital's own words\n[site]\ninstitution = \"1312345678\"\nterminal = \"t\"\n\
             state_directory = {:?}\nlanguage = \"ja\"\n[uplink]\nurl = \"https://centre.example\"\n{}\
             [receipt_computer]\nrequest_folder = \"/r\"\nresult_folder = \"/s\"\nface_folder = \"/f\"\n{}{}",
            self.state(),
            pems("ca"),
            lane(1),
            lane(2)
        )
    }

    /// The configuration in English.
    fn english(&self) -> String {
        self.text().replace("language = \"ja\"", "language = \"en\"")
    }

    fn start(&self) -> (Task<Noted>, Keeper, Log) {
        let start = Start::look(&self.file(), &self.state()).unwrap();
        let (keeper, ends) = channel();
        let log = Log::default();
        (Task::new(start, Noted(log.clone()), ends, None).unwrap(), keeper, log)
    }
}

/// What the house was asked to become: the languages of its configurations; "none" for an empty one.
type Log = Rc<RefCell<Vec<String>>>;

struct Noted(Log);

impl Household for Noted {
    async fn settle(&mut self, config: Option<&Config>) -> anyhow::Result<()> {
        let language = config.map_or("none", |config| config.site.language.tag());
        self.0.borrow_mut().push(language.to_owned());
        // A site that phones are not used at stands for one that can't be made.
        match config.map(|config| config.site.phones) {
            Some(crate::config::Phones::DoNotUse) => anyhow::bail!("the house can't be made so"),
            _ => Ok(()),
        }
    }

    fn note(&mut self, number: u32, _by: Option<Author>, why: Option<Why>) {
        self.0.borrow_mut().push(format!("{number} {why:?}"));
    }
}

/// The scenario, while the keeper works.
async fn while_it_works<T>(task: &mut Task<Noted>, scenario: impl Future<Output = T>) -> T {
    tokio::select! {
        () = task.work() => panic!("the keeper ended"),
        done = scenario => done,
    }
}

async fn stage(keeper: &Keeper, text: String) {
    keeper.ask(Request::Stage { text, origin: Origin::Page }, somebody()).await.unwrap();
}

async fn apply(keeper: &Keeper) -> Result<(), Refusal> {
    let digest = keeper.status().prepared.as_ref().expect("a change is prepared").digest.clone();
    keeper.ask(Request::Apply(digest), somebody()).await
}

#[tokio::test(start_paused = true)]
async fn a_confirmed_change_stays_and_is_history() {
    let site = Site::new();
    let (mut task, keeper, log) = site.start();
    while_it_works(&mut task, async {
        stage(&keeper, site.english()).await;
        let prepared = keeper.status().prepared.clone().unwrap();
        assert_eq!(prepared.mistakes, []);
        let changes: Vec<_> = prepared.changes.iter().map(|change| change.key.as_str()).collect();
        assert_eq!(changes, ["site.language"]);
        assert_eq!(site.says(), site.text(), "nothing takes effect by being prepared");
        apply(&keeper).await.unwrap();
        assert_eq!(site.says(), site.english());
        let number = keeper.status().waiting.as_ref().unwrap().version.number;
        keeper.ask(Request::Confirm(number), somebody()).await.unwrap();
        tokio::time::sleep(Duration::from_secs(200)).await;
    })
    .await;
    assert_eq!(*log.borrow(), ["en", "2 None", "2 Some(Confirmed)"]);
    assert_eq!(site.says(), site.english());
    let history = keeper.status().history.clone();
    assert_eq!(history.iter().map(|version| version.number).collect::<Vec<_>>(), [2, 1]);
    assert_eq!((history[0].by, history[0].origin), (somebody(), Origin::Page));
    assert_eq!((history[1].by, history[1].origin), (Author::Console, Origin::File));
}

#[tokio::test(start_paused = true)]
async fn a_change_that_nobody_confirms_within_90_seconds_is_taken_back_by_itself() {
    let site = Site::new();
    let (mut task, keeper, log) = site.start();
    while_it_works(&mut task, async {
        stage(&keeper, site.english()).await;
        apply(&keeper).await.unwrap();
        tokio::time::sleep(Duration::from_secs(89)).await;
        assert_eq!(site.says(), site.english());
        tokio::time::sleep(Duration::from_secs(2)).await;
    })
    .await;
    assert_eq!(*log.borrow(), ["en", "2 None", "ja", "2 Some(NotConfirmed)"]);
    assert_eq!(site.says(), site.text());
    let status = keeper.status();
    assert!(status.waiting.is_none());
    assert_eq!(status.outcome.as_ref().unwrap().why, Why::NotConfirmed);
    assert_eq!(status.prepared.as_ref().unwrap().staged.text, site.english(), "nobody has to type it again");
    assert_eq!(status.history.len(), 1);
    assert_eq!(in_effect(&site.file()).unwrap().1, site.text(), "other processes are told");
}

#[tokio::test(start_paused = true)]
async fn a_gateway_that_ends_before_the_change_is_confirmed_takes_it_back_at_its_next_start() {
    let site = Site::new();
    let (mut task, keeper, _) = site.start();
    while_it_works(&mut task, async {
        stage(&keeper, site.english()).await;
        apply(&keeper).await.unwrap();
    })
    .await;
    drop(task);
    assert_eq!(site.says(), site.english());
    assert_eq!(in_effect(&site.file()).unwrap().1, site.english());

    let (_task, keeper, _) = site.start();
    assert_eq!(site.says(), site.text());
    assert_eq!(in_effect(&site.file()).unwrap().1, site.text());
    let status = keeper.status();
    assert_eq!(status.outcome.as_ref().unwrap().why, Why::Interrupted);
    assert_eq!(status.prepared.as_ref().unwrap().staged.text, site.english());
    assert!(status.waiting.is_none());
}

#[tokio::test(start_paused = true)]
async fn a_file_that_was_changed_by_hand_after_an_unconfirmed_change_is_left_as_it_is() {
    let site = Site::new();
    let (mut task, keeper, _) = site.start();
    while_it_works(&mut task, async {
        stage(&keeper, site.english()).await;
        apply(&keeper).await.unwrap();
    })
    .await;
    drop(task);
    let by_hand = site.text() + "# by hand\n";
    fs::write(site.file(), &by_hand).unwrap();
    let (_task, _, _) = site.start();
    assert_eq!(site.says(), by_hand);
}

#[tokio::test(start_paused = true)]
async fn what_is_not_sound_never_takes_effect_and_the_mistake_names_setting_and_line() {
    let site = Site::new();
    let (mut task, keeper, log) = site.start();
    let cases = [
        (site.text().replace("1312345678", "13"), "site.institution"),
        (site.text().replace("https://centre.example", "http://centre.example"), "uplink.url"),
        (site.text().replace("127.0.0.1:28202", "127.0.0.1:28201"), "lane.2.face_reader.listen"),
        (site.text().replace("language = \"ja\"", "language = \"fr\""), "site.language"),
        (site.text().replacen("box.pem", "missing.pem", 1), "uplink.certificate"),
        (site.text().replace("/state\"", "/elsewhere\""), "site.state_directory"),
    ];
    while_it_works(&mut task, async {
        for (text, key) in cases {
            let line = 1 + text
                .lines()
                .zip(site.text().lines())
                .position(|(new, old)| new != old)
                .expect("one line differs");
            stage(&keeper, text).await;
            let mistakes = keeper.status().prepared.as_ref().unwrap().mistakes.clone();
            assert_eq!(mistakes[0].key.as_deref(), Some(key), "{mistakes:?}");
            assert_eq!(mistakes[0].line, Some(line), "{mistakes:?}");
            assert!(matches!(apply(&keeper).await, Err(Refusal::Unsound(_))), "{key}");
        }
    })
    .await;
    assert!(log.borrow().is_empty(), "{:?}", log.borrow());
    assert_eq!(site.says(), site.text());
}

#[tokio::test(start_paused = true)]
async fn a_house_that_cannot_be_made_so_is_at_once_what_it_was() {
    let site = Site::new();
    let (mut task, keeper, log) = site.start();
    while_it_works(&mut task, async {
        stage(&keeper, site.english().replace("[uplink]", "phones = \"do_not_use\"\n[uplink]")).await;
        assert!(matches!(apply(&keeper).await, Err(Refusal::NotApplied(_))));
    })
    .await;
    assert_eq!(log.borrow().first().map(String::as_str), Some("en"));
    assert_eq!(log.borrow()[1], "ja");
    assert_eq!(site.says(), site.text());
    assert!(keeper.status().waiting.is_none());
}

#[tokio::test(start_paused = true)]
async fn what_is_applied_is_what_was_seen() {
    let site = Site::new();
    let (mut task, keeper, _) = site.start();
    while_it_works(&mut task, async {
        stage(&keeper, site.english()).await;
        let seen = keeper.status().prepared.as_ref().unwrap().digest.clone();
        // Somebody else prepares another change meanwhile.
        stage(&keeper, site.english() + "# another\n").await;
        assert!(matches!(keeper.ask(Request::Apply(seen), somebody()).await, Err(Refusal::Changed)));
        let nonsense = Digest::given("x");
        assert!(matches!(keeper.ask(Request::Apply(nonsense), somebody()).await, Err(Refusal::Changed)));
        apply(&keeper).await.unwrap();
        stage(&keeper, site.text()).await;
        assert!(matches!(apply(&keeper).await, Err(Refusal::Waiting)), "one change at a time");
        keeper.ask(Request::RollBack, somebody()).await.unwrap();
        assert!(matches!(keeper.ask(Request::RollBack, somebody()).await, Err(Refusal::NothingWaits)));
        assert!(matches!(keeper.ask(Request::Confirm(2), somebody()).await, Err(Refusal::NothingWaits)));
    })
    .await;
    assert_eq!(site.says(), site.text());
}

#[tokio::test(start_paused = true)]
async fn a_file_edited_by_hand_is_noticed_and_can_be_taken_in_or_put_back() {
    let site = Site::new();
    let (mut task, keeper, _) = site.start();
    while_it_works(&mut task, async {
        fs::write(site.file(), site.english()).unwrap();
        tokio::time::sleep(Duration::from_secs(2)).await;
        assert_eq!(keeper.status().by_hand, Some(site.english()));
        // It comes first: a change on the page would undo it unseen.
        stage(&keeper, site.text() + "# on the page\n").await;
        assert!(matches!(apply(&keeper).await, Err(Refusal::FileEdited)));
        keeper.ask(Request::RestoreFile, somebody()).await.unwrap();
        assert_eq!((site.says(), keeper.status().by_hand.clone()), (site.text(), None));

        fs::write(site.file(), site.english()).unwrap();
        tokio::time::sleep(Duration::from_secs(2)).await;
        keeper.ask(Request::StageFile, somebody()).await.unwrap();
        apply(&keeper).await.unwrap();
        let status = keeper.status();
        assert_eq!(status.waiting.as_ref().unwrap().version.origin, Origin::File);
        keeper.ask(Request::Confirm(2), somebody()).await.unwrap();
    })
    .await;
    assert_eq!(site.says(), site.english());
    assert_eq!(fs::read_to_string(applied_path(&site.file())).unwrap(), site.english());
}

#[tokio::test(start_paused = true)]
async fn a_change_concerns_the_actors_whose_settings_differ_and_no_others() {
    let site = Site::new();
    let (mut task, keeper, _) = site.start();
    let of = |text: String| {
        let keeper = &keeper;
        async move {
            stage(keeper, text).await;
            let status = keeper.status();
            let prepared = status.prepared.as_ref().unwrap();
            assert_eq!(prepared.mistakes, []);
            prepared.concerned.iter().map(ToString::to_string).collect::<Vec<_>>()
        }
    };
    let lane_2 = "[[lane]]\nnumber = 2\n";
    while_it_works(&mut task, async {
        let reader = site.text().replace(lane_2, "[[lane]]\nnumber = 2\n[lane.nfc_reader]\n");
        assert_eq!(of(reader).await, ["nfc_reader@2"]);
        let phones = site.text().replace(lane_2, "[[lane]]\nnumber = 2\nphones = \"do_not_use\"\n");
        assert_eq!(of(phones).await, ["face_reader@2"]);
        let probe = site.text().replace("[uplink]\n", "[uplink]\nprobe_ms = 900\n");
        assert_eq!(of(probe).await, ["uplink"]);
        let without = site.text().split(lane_2).next().unwrap().to_owned();
        // `uplink` watches the ends of the certificates of all device links.
        assert_eq!(of(without).await, ["face_reader@2", "uplink"]);
        assert_eq!(of(site.text() + "# nothing but a remark\n").await, [""; 0]);
    })
    .await;
}

#[test]
fn the_state_directory_is_found_in_a_file_that_cannot_be_used() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("madoguchi.toml");
    let whereabouts = |text: &str| {
        fs::write(&file, text).unwrap();
        super::whereabouts(&file, Some(Path::new("/otherwise")))
    };
    assert_eq!(whereabouts("[site]\nstate_directory = \"/a\"\n"), Path::new("/a"));
    assert_eq!(whereabouts("[site\nstate_directory = \"/b\"\n"), Path::new("/b"));
    assert_eq!(whereabouts("nothing"), Path::new("/otherwise"));
}
