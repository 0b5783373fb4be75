//! A centre with one hospital's terminal in front of it.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use madoguchi_simulator::centre::{
    Centre, CentreConfig, CentrePapers, CentreRules, CentreState, ConfirmationAnswer, Consent, Medium,
    Patient, Statement, VerifiedBy,
};
use madoguchi_simulator::pki::tls::{Identity, TlsAuthority, Validity};
use reqwest::{Client, RequestBuilder, Response};
use rustls::pki_types::CertificateDer;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::media::{Authority, Card, rand_bytes};

pub const INSTITUTION: &str = "1399999999";
pub const TERMINAL: &str = "terminal-1";

/// RSA keys take a while to make: one authority and one card serve every test that needs nothing special.
pub static JPKI: LazyLock<Authority> = LazyLock::new(Authority::jpki);
pub static CARD: LazyLock<Card> = LazyLock::new(|| JPKI.card());

pub struct Hospital {
    pub servers: TlsAuthority,
    pub terminals: TlsAuthority,
    pub centre: Centre,
    pub client: Client,
}

impl Hospital {
    /// A centre that trusts [`JPKI`] and knows the holder of [`CARD`].
    pub fn open() -> Self {
        let hospital = Self::open_with(rules());
        hospital.state().patients().insert(CARD.serial(), Patient::sample(0));
        hospital
    }

    pub fn open_with(rules: CentreRules) -> Self {
        let servers = TlsAuthority::new("servers").unwrap();
        let terminals = TlsAuthority::new("terminals").unwrap();
        let address = SocketAddr::from(([127, 0, 0, 1], 0));
        let centre = start(&servers, &terminals, address, CentreState::new(rules));
        let identity = terminals.client(TERMINAL, Validity::days(30)).unwrap();
        let client = client(&servers, Some(&identity));
        Self { servers, terminals, centre, client }
    }

    pub fn state(&self) -> &Arc<CentreState> {
        self.centre.state()
    }

    pub fn url(&self, path: &str) -> String {
        format!("https://{}{path}", self.centre.address())
    }

    pub async fn post(&self, path: &str, body: &Value) -> reqwest::Result<Response> {
        self.client.post(self.url(path)).json(body).send().await
    }

    pub async fn get(&self, path: &str) -> reqwest::Result<Response> {
        self.client.get(self.url(path)).send().await
    }

    pub async fn authenticate(&self, request: &Request<'_>) -> Value {
        json_of(self.post("/v1/authenticate", &request.authentication()).await.unwrap(), 200).await
    }

    pub fn post_confirmation(&self, request: &Request<'_>) -> RequestBuilder {
        let key = request.statement.request_id.to_string();
        let post = self.client.post(self.url("/v1/confirmations")).header("Idempotency-Key", key);
        post.json(&request.confirmation())
    }

    pub async fn send(&self, request: &Request<'_>) -> reqwest::Result<Response> {
        self.post_confirmation(request).send().await
    }

    pub async fn confirm(&self, request: &Request<'_>) -> ConfirmationAnswer {
        let answer = json_of(self.send(request).await.unwrap(), 200).await;
        serde_json::from_value(answer).unwrap()
    }

    pub fn commits(&self, request: &Request<'_>) -> u32 {
        self.state().effect(request.statement.request_id).map_or(0, |effect| effect.commits)
    }
}

pub fn rules() -> CentreRules {
    CentreRules {
        authorities: vec![JPKI.trusted()],
        institutions: BTreeSet::from([INSTITUTION.to_owned()]),
        ..CentreRules::default()
    }
}

pub fn start(
    servers: &TlsAuthority,
    terminals: &TlsAuthority,
    address: SocketAddr,
    state: Arc<CentreState>,
) -> Centre {
    let identity = servers.server(&["localhost", "127.0.0.1"], Validity::days(30)).unwrap();
    let papers = CentrePapers::Fixed {
        identity: Box::new(identity),
        terminal_authorities: vec![terminals.certificate_der()],
    };
    Centre::start(CentreConfig { address, papers, state }).unwrap()
}

pub fn client(servers: &TlsAuthority, identity: Option<&Identity>) -> Client {
    let config = client_config(servers.certificate_der(), identity, rustls::DEFAULT_VERSIONS);
    Client::builder()
        .tls_backend_preconfigured(config)
        .no_proxy()
        .tcp_nodelay(true)
        .timeout(Duration::from_secs(10))
        .build()
        .unwrap()
}

pub fn client_config(
    root: CertificateDer<'static>,
    identity: Option<&Identity>,
    versions: &[&'static rustls::SupportedProtocolVersion],
) -> rustls::ClientConfig {
    let mut roots = rustls::RootCertStore::empty();
    roots.add(root).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(versions)
        .unwrap()
        .with_root_certificates(roots);
    match identity {
        Some(identity) => {
            config.with_client_auth_cert(vec![identity.certificate_der()], identity.key_der()).unwrap()
        }
        None => config.with_no_client_auth(),
    }
}

pub async fn json_of(response: Response, status: u16) -> Value {
    assert_eq!(response.status().as_u16(), status);
    response.json().await.unwrap()
}

/// A visit's request; each field can be spoiled before it is sent.
pub struct Request<'a> {
    pub statement: Statement,
    pub card: &'a Card,
    pub medium: Medium,
    pub verified_by: VerifiedBy,
    pub consent: Consent,
    pub deferred: bool,
}

impl Request<'static> {
    pub fn new() -> Self {
        Request::of(&CARD)
    }
}

impl<'a> Request<'a> {
    pub fn of(card: &'a Card) -> Self {
        let statement = Statement {
            v: 1,
            institution: INSTITUTION.into(),
            terminal: TERMINAL.into(),
            lane: 3,
            visit: Uuid::new_v4(),
            request_id: Uuid::new_v4(),
            at: Timestamp::now(),
            nonce: STANDARD.encode(rand_bytes::<16>()),
        };
        let (medium, verified_by) = (Medium::MyNumberCard, VerifiedBy::Pin);
        Self { statement, card, medium, verified_by, consent: Consent::default(), deferred: false }
    }

    /// Signed so many seconds ago.
    pub fn aged(mut self, seconds: i64) -> Self {
        self.statement.at = Timestamp::now() - jiff::SignedDuration::from_secs(seconds);
        self
    }

    pub fn deferred(mut self) -> Self {
        self.deferred = true;
        self
    }

    pub fn authentication(&self) -> Value {
        let signed = serde_json::to_vec(&self.statement).unwrap();
        json!({
            "request_id": self.statement.request_id,
            "statement": STANDARD.encode(&signed),
            "certificate": STANDARD.encode(&self.card.certificate),
            "signature": STANDARD.encode(self.card.sign(&signed)),
            "medium": self.medium,
            "verified_by": self.verified_by,
        })
    }

    pub fn confirmation(&self) -> Value {
        let mut body = self.authentication();
        body["consent"] = json!(self.consent);
        body["deferred"] = json!(self.deferred);
        body
    }
}
