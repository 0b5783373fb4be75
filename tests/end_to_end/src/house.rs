//! A simulated hospital and a gateway, each a process of its own.

use crate::{http::Http, lane::Lane, person, process::Process};
use reqwest::Method;
use serde_json::{Value, json};
use std::{
    path::{Path, PathBuf},
    process::Command,
    sync::OnceLock,
    time::{Duration, Instant},
};
use tempfile::TempDir;

/// How long programs may take to be ready. Generous: a machine with two cores may be building beside.
const READY_WITHIN: Duration = Duration::from_secs(60);
/// How long a condition may take to come true, unless a test says otherwise.
pub const SOON: Duration = Duration::from_secs(20);

/// The member of staff who acts in tests.
pub const SOMEBODY: &str = "5eb0d1e5-0000-4000-8000-000000000001";

/// What the gateway logs: what it does itself, without the chatter of its libraries.
const LOG: &str = "debug,rumqttc=info,hyper_util=info,actix_server=info,rustls=info,sled=info";

/// How the hospital is to be.
#[derive(Clone, Debug)]
pub struct Options {
    /// Lanes.
    pub lanes: u16,
    /// USB readers that can be pulled.
    pub hotplug: bool,
    /// Debian's virtual readers instead of the simulator's own.
    pub stock_vpcd: bool,
    /// Lanes left to somebody else's card.
    pub own_card: Vec<u16>,
    /// Further authorities for the centre.
    pub trust_ca: Vec<PathBuf>,
    /// Changes to the gateway's configuration: each text is replaced by the other.
    pub replace: Vec<(String, String)>,
    /// Text put at the end of the gateway's configuration.
    pub append: String,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            lanes: 2,
            hotplug: false,
            stock_vpcd: false,
            own_card: Vec::new(),
            trust_ca: Vec::new(),
            replace: Vec::new(),
            append: String::new(),
        }
    }
}

/// Hospital and gateway. Dropped, both end.
pub struct House {
    /// Ended before the hospital, and while the files are still there.
    gateway: Option<Process>,
    hospital: Process,
    /// The hospital's addresses, `hospital.json`.
    pub addresses: Value,
    control: Http,
    page: Http,
    metrics: Http,
    /// The page as programs use it, with a token.
    api: OnceLock<Http>,
    /// The cookie of somebody who looks at pages.
    session: tokio::sync::Mutex<Option<String>>,
    /// What the gateway's environment has besides.
    environment: Vec<(String, String)>,
    directory: TempDir,
}

/// Where cargo put a program of this workspace.
pub fn program(name: &str) -> PathBuf {
    // Cargo takes a relative directory as below the workspace, and runs tests below their package.
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let target = workspace.join(std::env::var_os("CARGO_TARGET_DIR").unwrap_or_else(|| "target".into()));
    let profile = if cfg!(debug_assertions) { "debug" } else { "release" };
    target.join(profile).join(name)
}

impl House {
    /// Opens a hospital and starts a gateway; returns when every lane shows its first screen and can read.
    pub async fn open(options: Options) -> Self {
        let mut house = Self::hospital(options).await;
        house.start_gateway();
        house.ready().await;
        house
    }

    /// Opens a hospital alone.
    pub async fn hospital(options: Options) -> Self {
        let directory = tempfile::Builder::new().prefix("madoguchi-").tempdir().expect("a directory");
        let mut command = Command::new(program("madoguchi-sim"));
        command.args(["--lanes", &options.lanes.to_string(), "--free-ports", "--control", "127.0.0.1:0"]);
        command.arg("--directory").arg(directory.path());
        if options.hotplug {
            command.arg("--hotplug");
        }
        if options.stock_vpcd {
            command.arg("--stock-vpcd");
        }
        for lane in &options.own_card {
            command.args(["--own-card", &lane.to_string()]);
        }
        for pem in &options.trust_ca {
            command.arg("--trust-ca").arg(pem);
        }
        let mut hospital = Process::start("hospital", command, directory.path());
        let file = directory.path().join("hospital.json");
        let asked = Instant::now();
        while !file.exists() {
            assert!(hospital.is_running(), "the hospital ended:\n{}", hospital.tail());
            assert!(asked.elapsed() < READY_WITHIN, "the hospital is not ready:\n{}", hospital.tail());
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        let text = std::fs::read(&file).expect("hospital.json");
        let addresses: Value = serde_json::from_slice(&text).expect("JSON");
        let address = |key: &str| addresses[key].as_str().expect("an address").to_string();
        let (control, page) = (Http::new(&address("control")), Http::new(&address("gateway_page")));
        let metrics = Http::new(&address("gateway_metrics"));
        let house = Self {
            gateway: None,
            hospital,
            addresses,
            control,
            page,
            metrics,
            api: OnceLock::new(),
            session: tokio::sync::Mutex::new(None),
            environment: Vec::new(),
            directory,
        };
        let mut config = std::fs::read_to_string(house.config()).expect("gateway.toml");
        for (from, to) in &options.replace {
            assert!(config.contains(from), "gateway.toml has no {from:?}");
            config = config.replace(from, to);
        }
        std::fs::write(house.config(), config + &options.append).expect("gateway.toml");
        house
    }

    /// The gateway's configuration file.
    pub fn config(&self) -> PathBuf {
        self.addresses["gateway_config"].as_str().expect("a path").into()
    }

    /// Sets a variable of the environment of gateways that are started from now on.
    pub fn set(&mut self, name: &str, value: &str) {
        self.environment.push((name.into(), value.into()));
    }

    /// Everything that hospital and gateway wrote.
    pub fn directory(&self) -> &Path {
        self.directory.path()
    }

    /// A command of the gateway's program, with the hospital's PC/SC service.
    pub fn madoguchi(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(program("madoguchi"));
        command.args(arguments).arg("--config").arg(self.config());
        command.env("PCSCLITE_CSOCK_NAME", self.addresses["pcscd_socket"].as_str().expect("a path"));
        command.env("MADOGUCHI_LOG", std::env::var("MADOGUCHI_LOG").unwrap_or_else(|_| LOG.into()));
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        command
    }

    /// Starts the gateway; one only.
    pub fn start_gateway(&mut self) {
        self.start_gateway_with(&[]);
    }

    /// Starts the gateway with these variables in its environment; one only.
    pub fn start_gateway_with(&mut self, environment: &[(&str, &str)]) {
        assert!(self.gateway.is_none(), "the gateway runs already");
        let mut command = self.madoguchi(&["run"]);
        command.envs(environment.iter().copied());
        self.gateway = Some(Process::start("gateway", command, self.directory.path()));
    }

    /// The gateway's process.
    pub fn gateway(&mut self) -> &mut Process {
        self.gateway.as_mut().expect("the gateway runs")
    }

    /// Kills the gateway (SIGKILL).
    pub fn kill_gateway(&mut self) {
        self.gateway.take().expect("the gateway runs").kill();
    }

    /// Stops the gateway (SIGTERM); says how long it took.
    pub fn stop_gateway(&mut self) -> Duration {
        let (status, took) = self.gateway.take().expect("the gateway runs").stop(Duration::from_secs(8));
        assert!(status.success(), "the gateway ended with {status}");
        took
    }

    /// Waits until the line is up, every lane shows a screen and its readers are ready.
    pub async fn ready(&mut self) {
        let reachable =
            async |house: &Self| house.states().await["uplink"]["detail"]["uplink"]["reachable"] == true;
        self.until_within(READY_WITHIN, "the line is up", reachable).await;
        self.lanes_are_ready().await;
    }

    /// Waits until every lane shows a screen and its readers are ready.
    pub async fn lanes_are_ready(&self) {
        let lanes = self.lanes();
        self.until_within(READY_WITHIN, "every lane is ready", async |house| {
            let states = house.states().await;
            (1..=lanes).all(|lane| {
                let nfc = &states[format!("nfc_reader@{lane}")]["detail"]["nfc_reader"];
                let face = &states[format!("face_reader@{lane}")]["detail"]["face_reader"];
                face["connected"] == true && nfc["ready"] == true && face["phones_offered"] == true
            })
        })
        .await;
        for lane in 1..=lanes {
            self.lane(lane).wait(&["idle"]).await;
        }
    }

    fn lanes(&self) -> u16 {
        let ports = self.addresses["card_ports"].as_object().expect("ports");
        u16::try_from(ports.len()).expect("few lanes")
    }

    /// One lane.
    pub fn lane(&self, number: u16) -> Lane {
        Lane::new(self.control.clone(), number)
    }

    /// The newest state of each actor by address, as the page has it; `null` while it does not answer.
    pub async fn states(&self) -> Value {
        let text = self.api().text("api/v1/state").await.unwrap_or_default();
        serde_json::from_str::<Value>(&text).map(|mut all| all["states"].take()).unwrap_or(Value::Null)
    }

    /// The faults that an actor says it has now.
    pub async fn faults(&self, address: &str) -> Vec<String> {
        let states = self.states().await;
        let faults = states[address]["faults"].as_array().cloned().unwrap_or_default();
        faults.iter().filter_map(|fault| Some(fault["code"].as_str()?.to_string())).collect()
    }

    /// How the supervisor's actors stand: `(standing, restarts)`.
    pub async fn standing(&self, address: &str) -> (String, u64) {
        let text = self.api().text("api/v1/state").await.unwrap_or_default();
        let all: Value = serde_json::from_str(&text).unwrap_or(Value::Null);
        let actors = all["actors"].as_array().cloned().unwrap_or_default();
        let actor = actors.into_iter().find(|actor| actor["address"] == address).unwrap_or(Value::Null);
        (actor["standing"].as_str().unwrap_or("unknown").into(), actor["restarts"].as_u64().unwrap_or(0))
    }

    /// The page as programs use it. The token is made on the console when it is needed first.
    fn api(&self) -> &Http {
        self.api.get_or_init(|| {
            let token = person::token(self.madoguchi(&["people"]), "tests", &["watch", "serve"]);
            self.page.with_token(&token)
        })
    }

    /// The page, as nobody in particular.
    pub fn http(&self) -> &Http {
        &self.page
    }

    /// What answers a program at this address below `api/v1/`.
    pub async fn answer(&self, path: &str) -> String {
        self.api().text(&format!("api/v1/{path}")).await.unwrap_or_default()
    }

    /// A page of the gateway as text, as an administrator sees it.
    pub async fn page(&self, path: &str) -> String {
        let mut session = self.session.lock().await;
        let known = session.clone().unwrap_or_default();
        let Some(mut answer) = self.page.get_as(&known, path).await else { return String::new() };
        if answer.headers().get("location").is_some_and(|to| to.as_bytes().starts_with(b"/login")) {
            // A gateway that was restarted knows no session of before, and takes no code twice.
            *session = self.add_person("administrator").log_in(&self.page).await;
            let known = session.clone().unwrap_or_default();
            let Some(again) = self.page.get_as(&known, path).await else { return String::new() };
            answer = again;
        }
        answer.text().await.unwrap_or_default()
    }

    /// A page of the gateway that goes on for as long as it is read.
    pub async fn stream(&self, path: &str) -> reqwest::Response {
        // Whoever looked at a page before is logged in.
        self.page("").await;
        let known = self.session.lock().await.clone().unwrap_or_default();
        self.page.get_as(&known, path).await.unwrap_or_else(|| panic!("{path}: nobody answers"))
    }

    /// What Prometheus would scrape now; nothing while the gateway is away.
    pub async fn metrics(&self) -> String {
        self.metrics.text("metrics").await.unwrap_or_default()
    }

    /// A member of staff acts on a lane's visit.
    pub async fn staff(&self, lane: u16, act: &Value) -> (u16, Value) {
        self.staff_says(lane, &json!({ "act": act, "by": SOMEBODY })).await
    }

    /// What staff say of a lane's visit, word for word.
    pub async fn staff_says(&self, lane: u16, said: &Value) -> (u16, Value) {
        let path = format!("api/v1/lanes/{lane}/staff");
        let (status, answer) = self.api().send(Method::POST, &path, Some(said.clone())).await;
        (status.as_u16(), answer)
    }

    /// What took effect at the centre.
    pub async fn effects(&self) -> Vec<Value> {
        self.control.must(Method::GET, "centre/effects", None).await.as_array().cloned().expect("a list")
    }

    /// The files in the receipt computer's folders.
    pub async fn receipts(&self) -> Vec<Value> {
        self.control.must(Method::GET, "receipts", None).await.as_array().cloned().expect("a list")
    }

    /// Switches a fault of the centre on.
    pub async fn centre_fault(&self, fault: Value) {
        self.control.must(Method::POST, "centre/faults", Some(fault)).await;
    }

    /// Switches every fault of the centre off.
    pub async fn centre_well(&self) {
        self.control.must(Method::DELETE, "centre/faults", None).await;
    }

    /// The line goes down.
    pub async fn line_down(&self) {
        self.centre_fault(json!({ "fault": { "kind": "refuse" } })).await;
    }

    /// `kill`, `stop`, `cont` or `restart` for the PC/SC service.
    pub async fn pcscd(&self, act: &str) {
        self.control.must(Method::POST, &format!("pcscd/{act}"), None).await;
    }

    /// Waits until `condition` holds, 20 s at most.
    pub async fn until(&self, what: &str, condition: impl AsyncFn(&Self) -> bool) {
        self.until_within(SOON, what, condition).await;
    }

    /// Waits until `condition` holds, `limit` at most.
    pub async fn until_within(&self, limit: Duration, what: &str, condition: impl AsyncFn(&Self) -> bool) {
        let asked = Instant::now();
        while !condition(self).await {
            assert!(
                asked.elapsed() < limit,
                "not within {limit:?}: {what}\nstates: {:#}\ngateway:\n{}\nhospital:\n{}",
                self.states().await,
                self.gateway.as_ref().map_or("(stopped)".into(), Process::tail),
                self.hospital.tail()
            );
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
    }

    /// Waits until exactly `count` confirmations took effect at the centre, each once, and as many results
    /// stand in the folder Face.
    pub async fn settled(&self, count: usize) {
        self.until(&format!("{count} confirmations are settled"), async |house| {
            let files = house.receipts().await.iter().filter(|file| file["folder"] == "Face").count();
            house.effects().await.len() == count && files == count
        })
        .await;
        let effects = self.effects().await;
        assert!(effects.iter().all(|effect| effect["commits"] == 1), "doubled: {effects:#?}");
    }
}
