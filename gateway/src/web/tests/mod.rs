//! The page as its visitors meet it: a server of its own on loopback for each test, without actors behind it.

mod authenticator;
mod first_start;
mod forgery;
mod hostile;
mod keys;
mod live;
mod login;
mod people;
mod roles;
mod speed;
mod tls;

use super::{
    listener::{Way, serve},
    site::{Site, Told},
};
use crate::{
    board::{Boards, Standings},
    config::Config,
    keeper::Keeper,
    people::{Code, Credentials, Password, Role, SecondFactor},
};
use actix_web::{dev::ServerHandle, web::Data};
use jiff::Timestamp;
use madoguchi_bus::supervisor::Restarter;
use madoguchi_protocol::PersonId;
use reqwest::{Client, RequestBuilder, Response, StatusCode, header};
use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    sync::Arc,
};
use tempfile::TempDir;
use tokio::sync::watch;

const PASSWORD: &str = "a long walk home";

/// A page, and what is needed to look at it.
struct Bench {
    site: Data<Site>,
    client: Client,
    /// `127.0.0.1:PORT`
    host: String,
    server: ServerHandle,
    /// The code that the console shows.
    first: Option<Code>,
    directory: TempDir,
    // The page reads these for as long as it lives.
    boards: Boards,
    _standings: watch::Sender<Standings>,
}

/// The annotated example, with what lasts in a directory of the test's own.
fn config(state: &Path) -> Config {
    let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("../configs/example.toml");
    let mut config = Config::load(&example).unwrap();
    config.site.state_directory = state.to_owned();
    config.web.listen = "127.0.0.1:0".parse().unwrap();
    config
}

impl Bench {
    async fn open() -> Self {
        Self::with(|_| ()).await
    }

    async fn with(adapt: impl FnOnce(&mut Config)) -> Self {
        Self::made(crate::keeper::channel().0, adapt).await
    }

    async fn made(keeper: Keeper, adapt: impl FnOnce(&mut Config)) -> Self {
        crate::run::install_cryptography();
        let directory = tempfile::tempdir().unwrap();
        let mut config = config(directory.path());
        adapt(&mut config);
        let boards = Boards::default();
        let (standings, seen) = watch::channel(Standings::new());
        let (_, desk) = watch::channel(None);
        let (_, told) = watch::channel(Arc::new(Told::by(Some(&config)).unwrap()));
        let mut site = Site::new(told, &boards, seen, Restarter::default(), desk, directory.path(), keeper);
        let way = Way::of(&config.web, directory.path(), &boards.page_certificate_untaken).unwrap();
        let host = way.address().rsplit('/').next().unwrap().to_owned();
        let first = site.await_first_administrator().unwrap();
        site.is_served(&config.web);
        let site = Data::new(site);
        let server = serve(site.clone(), way).unwrap();
        let client = Client::builder()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .tls_danger_accept_invalid_certs(true)
            .build()
            .unwrap();
        Self { site, client, host, server, first, directory, boards, _standings: standings }
    }

    fn url(&self, path: &str) -> String {
        format!("{}://{}{path}", if self.site.secure() { "https" } else { "http" }, self.host)
    }

    /// Somebody who is set up.
    fn person(&self, name: &str, role: Role) -> Somebody {
        let second_factor = SecondFactor::random().unwrap();
        let password = Password::typed(PASSWORD.into()).kept().unwrap();
        let credentials =
            Credentials { password, second_factor: second_factor.clone(), last_step: 0, keys: Vec::new() };
        let id = self.site.people.change(|it| {
            let id = it.add(name, role, &Code::random().unwrap(), Timestamp::now())?;
            it.enrol(id, credentials).map(|()| id)
        });
        Somebody { id: id.unwrap().unwrap(), second_factor }
    }

    /// A session of somebody, as after a log-in.
    fn session(&self, of: &Somebody) -> Session {
        let register = self.site.people.read().unwrap();
        let record = register.person(of.id).unwrap();
        let now = std::time::Instant::now();
        let id = self.site.sessions.begin(of.id, record.role, record.generation, now).unwrap();
        let (_, session) = self.site.sessions.find(id.reveal(), true, now).unwrap();
        let cookie = format!("{}={}", self.site.session_cookie(), id.reveal());
        Session { cookie, csrf: session.csrf.reveal().to_owned() }
    }

    fn get(&self, path: &str) -> RequestBuilder {
        self.client.get(self.url(path))
    }

    /// A form as this page's own pages send it, but for what a session adds.
    fn form(&self, path: &str, fields: &[(&str, &str)]) -> RequestBuilder {
        self.client.post(self.url(path)).header("origin", self.url("")).form(fields)
    }

    /// Types these three.
    async fn log_in(&self, name: &str, password: &str, code: &str) -> Response {
        self.form("/login", &[("name", name), ("password", password), ("code", code)]).send().await.unwrap()
    }

    async fn close(self) {
        self.server.stop(false).await;
    }
}

struct Somebody {
    id: PersonId,
    second_factor: SecondFactor,
}

impl Somebody {
    /// What the authenticator shows now.
    fn code(&self) -> String {
        self.second_factor.code(now())
    }

    /// A code that is not right now.
    fn wrong_code(&self) -> &'static str {
        let is_wrong = |code: &&str| self.second_factor.step(code, now(), 0).is_none();
        ["000000", "111111", "222222", "333333"].into_iter().find(is_wrong).unwrap()
    }
}

fn now() -> u64 {
    u64::try_from(Timestamp::now().as_second()).unwrap()
}

struct Session {
    cookie: String,
    csrf: String,
}

/// A request of somebody who is logged in.
trait As {
    fn by(self, session: &Session) -> Self;
}

impl As for RequestBuilder {
    fn by(self, session: &Session) -> Self {
        self.header(header::COOKIE, &session.cookie)
    }
}

/// Whether an answer leads to the log-in.
fn asks_to_log_in(answer: &Response) -> bool {
    let to = answer.headers().get(header::LOCATION).map(|it| it.as_bytes().starts_with(b"/login"));
    answer.status() == StatusCode::SEE_OTHER && to == Some(true)
}

/// The cookie that an answer sets, as it is sent back, with its attributes.
fn cookie(answer: &Response) -> Option<(String, String)> {
    let set = answer.headers().get(header::SET_COOKIE)?.to_str().ok()?;
    let (pair, attributes) = set.split_once(';').unwrap_or((set, ""));
    Some((pair.to_owned(), attributes.to_owned()))
}

/// Writes a certificate for this name that nobody vouches for, and its key.
fn own_certificate(folder: &Path, name: &str) -> (PathBuf, PathBuf) {
    let made = rcgen::generate_simple_self_signed([name.to_owned()]).unwrap();
    let (certificate, key) = (folder.join("c.pem"), folder.join("c.key"));
    fs::write(&certificate, made.cert.pem()).unwrap();
    fs::write(&key, made.signing_key.serialize_pem()).unwrap();
    fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).unwrap();
    (certificate, key)
}
