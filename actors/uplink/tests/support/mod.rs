//! The simulated centre with one terminal in front of it.
#![allow(dead_code, reason = "each test program uses its own part")]
#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test, in helpers too")]

pub mod raw;

use jiff::Timestamp;
use madoguchi_protocol::{
    LaneId, RequestId, VisitId,
    eligibility::EligibilityQuery,
    evidence::{ConfirmationRequest, Consent, Evidence, Medium, Statement, VerifiedBy},
    messages::uplink::{Authenticate, Confirm, QueryEligibility},
};
use madoguchi_simulator::{
    centre::{
        Centre, CentreConfig, CentrePapers, CentreRules, CentreState, Fault, Injection, Patient, Serial,
        TrustedAuthority,
    },
    pki::{
        jpki::{self, CardCredential, JpkiAuthority},
        tls::{Identity, TlsAuthority, Validity},
    },
};
use madoguchi_uplink::{HttpsCentre, Settings, desk::Desk};
use sha2::{Digest, Sha256};
use std::{
    collections::BTreeSet,
    net::SocketAddr,
    sync::{Arc, LazyLock},
};
use tempfile::TempDir;
use uuid::Uuid;

pub const INSTITUTION: &str = "1399999999";
pub const TERMINAL: &str = "terminal-1";
/// What the centre's certificate says; it listens on an address.
pub const CENTRE: &str = "centre.test";

/// RSA keys take a while to make, so all tests share one authority and one card.
static JPKI: LazyLock<JpkiAuthority> = LazyLock::new(|| JpkiAuthority::generate(1).unwrap());
static CARD: LazyLock<CardCredential> =
    LazyLock::new(|| JPKI.issue(jpki::Validity::valid_at(Timestamp::now())).unwrap());

/// Certificates of a terminal and of the centre, in files.
pub struct Papers {
    pub folder: TempDir,
    pub servers: TlsAuthority,
    pub terminals: TlsAuthority,
}

impl Papers {
    pub fn new() -> Self {
        let papers = Self {
            folder: tempfile::tempdir().unwrap(),
            servers: TlsAuthority::new("servers").unwrap(),
            terminals: TlsAuthority::new("terminals").unwrap(),
        };
        papers.servers.write(papers.folder.path(), "centre-ca").unwrap();
        papers.issue_terminal(Validity::days(300));
        papers
    }

    pub fn issue_terminal(&self, validity: Validity) {
        self.terminals.client(TERMINAL, validity).unwrap().write(self.folder.path(), "terminal").unwrap();
    }

    /// Short deadlines: what is about waiting must not make the tests wait.
    pub fn settings(&self, address: SocketAddr) -> Settings {
        let at = |name: &str| self.folder.path().join(name);
        Settings {
            url: format!("https://{address}"),
            server_name: Some(CENTRE.into()),
            ca: vec![at("centre-ca.pem")],
            certificate: at("terminal.pem"),
            key: at("terminal.key"),
            connect_ms: 500,
            authenticate_ms: 1_200,
            confirm_ms: 2_000,
            query_ms: 2_000,
            probe_every_ms: 100,
            probe_ms: 300,
            ..Settings::default()
        }
    }
}

/// A centre that knows one card's holder, and a desk in front of it.
pub struct Hospital {
    pub papers: Papers,
    pub identity: Identity,
    pub centre: Centre,
    pub settings: Settings,
    pub desk: Desk<HttpsCentre>,
}

impl Hospital {
    pub fn open() -> Self {
        Self::open_with(|_| {})
    }

    pub fn open_with(change: impl FnOnce(&mut Settings)) -> Self {
        let papers = Papers::new();
        let state = CentreState::new(CentreRules {
            authorities: vec![TrustedAuthority::jpki(JPKI.certificate_der()).unwrap()],
            institutions: BTreeSet::from([INSTITUTION.to_owned()]),
            ..CentreRules::default()
        });
        state.patients().insert(serial(), Patient::sample(0));
        let identity = papers.servers.server(&[CENTRE], Validity::days(30)).unwrap();
        let centre = Centre::start(CentreConfig {
            address: SocketAddr::from(([127, 0, 0, 1], 0)),
            papers: CentrePapers::Fixed {
                identity: Box::new(identity.clone()),
                terminal_authorities: vec![papers.terminals.certificate_der()],
            },
            state,
        })
        .unwrap();
        let mut settings = papers.settings(centre.address());
        change(&mut settings);
        let desk = Desk::new(HttpsCentre::new(&settings).unwrap(), &settings);
        Self { papers, identity, centre, settings, desk }
    }

    /// Another desk with the settings as they are now, and no memory.
    pub fn another_desk(&self) -> Desk<HttpsCentre> {
        Desk::new(HttpsCentre::new(&self.settings).unwrap(), &self.settings)
    }

    pub fn state(&self) -> &Arc<CentreState> {
        self.centre.state()
    }

    pub fn fault(&self, fault: Fault, path: &str, times: u32) {
        self.state().faults().inject(Injection::from(fault).on(path).times(times)).unwrap();
    }

    pub fn always(&self, fault: Fault, path: &str) {
        self.state().faults().inject(Injection::from(fault).on(path)).unwrap();
    }

    /// How often the confirmation took effect, and how often its answer was given again.
    pub fn effect(&self, request: &ConfirmationRequest) -> (u32, u32) {
        let id = Uuid::from_bytes(*request.request_id.as_bytes());
        self.state().effect(id).map_or((0, 0), |effect| (effect.commits, effect.replays))
    }

    pub fn wrong_answers(&self) -> u64 {
        self.desk.standing().borrow().wrong_answers
    }
}

pub fn serial() -> Serial {
    Serial::of_certificate(CARD.certificate_der()).unwrap()
}

pub fn evidence(request_id: RequestId, visit: VisitId) -> Evidence {
    let statement = Statement {
        v: 1,
        institution: INSTITUTION.into(),
        terminal: TERMINAL.into(),
        lane: LaneId::new(2).unwrap(),
        visit,
        request_id,
        at: Timestamp::now(),
        nonce: base64::Engine::encode(&base64::engine::general_purpose::STANDARD, request_id.as_bytes()),
    };
    let statement = serde_json::to_vec(&statement).unwrap();
    let mut digest_info =
        b"\x30\x31\x30\x0D\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x01\x05\x00\x04\x20".to_vec();
    digest_info.extend_from_slice(&Sha256::digest(&statement));
    Evidence {
        medium: Medium::MyNumberCard,
        verified_by: VerifiedBy::Pin,
        statement,
        certificate: CARD.certificate_der().to_vec(),
        signature: CARD.sign_digest_info(&digest_info).unwrap(),
    }
}

pub fn authentication() -> Authenticate {
    let request_id = RequestId::random();
    Authenticate { request_id, evidence: evidence(request_id, VisitId::random()) }
}

pub fn confirmation() -> Confirm {
    let (request_id, visit) = (RequestId::random(), VisitId::random());
    let request = ConfirmationRequest {
        request_id,
        visit,
        lane: LaneId::new(2).unwrap(),
        at: Timestamp::now(),
        evidence: evidence(request_id, visit),
        consent: Consent { pharmacists: true, ..Consent::default() },
    };
    Confirm { request, deferred: false }
}

pub fn query() -> QueryEligibility {
    QueryEligibility {
        query: EligibilityQuery {
            request_id: RequestId::random(),
            qualification_date: "20251001".into(),
            insurer_number: "00000000".into(),
            insured_card_symbol: None,
            insured_identification_number: "1".into(),
            insured_branch_number: None,
            birthdate: "19800101".into(),
            limit_consent: false,
        },
    }
}
