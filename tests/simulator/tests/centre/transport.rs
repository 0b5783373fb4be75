//! Who is let in, and what is not even looked at.

use std::os::unix::fs::PermissionsExt;

use madoguchi_simulator::pki::tls::{Identity, TlsAuthority, Validity};
use reqwest::Client;
use serde_json::{Value, json};

use crate::support::{Hospital, Request, TERMINAL, client, client_config, json_of};

async fn gets_in(hospital: &Hospital, client: &Client) -> bool {
    client.get(hospital.url("/v1/alive")).send().await.is_ok_and(|answer| answer.status() == 204)
}

fn client_of(hospital: &Hospital, identity: &Identity) -> Client {
    client(&hospital.servers, Some(identity))
}

#[tokio::test]
async fn only_a_current_client_certificate_of_the_terminals_ca_gets_in() {
    let hospital = Hospital::open();
    assert!(gets_in(&hospital, &hospital.client).await);
    assert!(!gets_in(&hospital, &client(&hospital.servers, None)).await);
    let strangers = TlsAuthority::new("terminals").unwrap();
    let stranger = strangers.client(TERMINAL, Validity::days(1)).unwrap();
    assert!(!gets_in(&hospital, &client_of(&hospital, &stranger)).await);
    let expired = hospital.terminals.client(TERMINAL, Validity::expired()).unwrap();
    assert!(!gets_in(&hospital, &client_of(&hospital, &expired)).await);
    let server = hospital.terminals.server(&["localhost"], Validity::days(1)).unwrap();
    assert!(
        !gets_in(&hospital, &client_of(&hospital, &server)).await,
        "a server's certificate is no client's"
    );
}

#[tokio::test]
async fn tls_1_2_is_not_spoken() {
    let hospital = Hospital::open();
    let identity = hospital.terminals.client(TERMINAL, Validity::days(1)).unwrap();
    for (version, expected) in [(&rustls::version::TLS12, false), (&rustls::version::TLS13, true)] {
        let config = client_config(hospital.servers.certificate_der(), Some(&identity), &[version]);
        let client = Client::builder().tls_backend_preconfigured(config).no_proxy().build().unwrap();
        assert_eq!(gets_in(&hospital, &client).await, expected);
    }
}

#[tokio::test]
async fn a_statement_of_another_terminal_or_institution_is_an_error_and_no_verdict() {
    let hospital = Hospital::open();
    let mut request = Request::new();
    request.statement.terminal = "terminal-2".into();
    assert_eq!(json_of(hospital.send(&request).await.unwrap(), 401).await["error"], "wrong_terminal");
    let mut request = Request::new();
    request.statement.institution = "0000000000".into();
    assert_eq!(json_of(hospital.send(&request).await.unwrap(), 401).await["error"], "unknown_institution");
    assert_eq!(hospital.state().effects(), []);
}

#[tokio::test]
async fn what_is_not_of_the_contract_gets_an_error_that_says_why() {
    let hospital = Hospital::open();
    let good = Request::new().authentication();
    let spoil = |field: &str, value: Value| {
        let mut body = good.clone();
        body[field] = value;
        body
    };
    for body in [
        json!({}),
        json!([]),
        spoil("statement", json!("%%%")),
        spoil("statement", json!("e30=")),
        spoil("medium", json!("passport")),
        spoil("surplus", json!(1)),
    ] {
        let error = json_of(hospital.post("/v1/authenticate", &body).await.unwrap(), 400).await;
        assert_eq!(error["error"], "bad_request");
        assert!(!error["reason"].as_str().unwrap().is_empty());
    }
    let mut version = Request::new();
    version.statement.v = 2;
    let mut nonce = Request::new();
    nonce.statement.nonce = "AAAA".into();
    let mut institution = Request::new();
    institution.statement.institution = "12345".into();
    for request in [version, nonce, institution] {
        let answer = hospital.post("/v1/authenticate", &request.authentication()).await.unwrap();
        assert_eq!(answer.status(), 400);
    }
}

#[tokio::test]
async fn wrong_types_sizes_paths_and_methods_have_their_own_status() {
    let hospital = Hospital::open();
    let url = hospital.url("/v1/authenticate");
    let text =
        hospital.client.post(&url).header("Content-Type", "text/plain").body("{}").send().await.unwrap();
    assert_eq!(json_of(text, 415).await["error"], "wrong_content_type");
    let large = json!({ "statement": "A".repeat(64 * 1024) });
    assert_eq!(
        json_of(hospital.post("/v1/authenticate", &large).await.unwrap(), 413).await["error"],
        "too_large"
    );
    assert_eq!(json_of(hospital.get("/v2/alive").await.unwrap(), 404).await["error"], "not_found");
    assert_eq!(json_of(hospital.get("/v1/authenticate").await.unwrap(), 405).await["error"], "wrong_method");
}

#[tokio::test]
async fn the_contract_is_published_and_names_every_path_and_field() {
    let hospital = Hospital::open();
    let document = json_of(hospital.get("/v1/openapi.json").await.unwrap(), 200).await;
    assert!(document["openapi"].as_str().unwrap().starts_with("3."));
    for (path, method) in [
        ("/v1/alive", "get"),
        ("/v1/authenticate", "post"),
        ("/v1/confirmations", "post"),
        ("/v1/confirmations/{request_id}", "get"),
        ("/v1/queries", "post"),
    ] {
        assert!(document["paths"][path][method].is_object(), "{method} {path} is missing");
    }
    let schemas = &document["components"]["schemas"];
    // Every field that is really sent is a field of the document.
    for (schema, body) in [
        ("AuthenticateRequest", Request::new().authentication()),
        ("ConfirmationRequest", Request::new().confirmation()),
        ("Statement", serde_json::to_value(Request::new().statement).unwrap()),
        ("ConfirmationAnswer", json_of(hospital.send(&Request::new()).await.unwrap(), 200).await),
    ] {
        for field in body.as_object().unwrap().keys() {
            assert!(schemas[schema]["properties"][field].is_object(), "{schema}.{field} is missing");
        }
    }
}

#[test]
fn written_keys_are_readable_by_their_owner_alone_even_over_an_older_file() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("terminal.key"), "old").unwrap();
    let authority = TlsAuthority::new("terminals").unwrap();
    let files =
        authority.client(TERMINAL, Validity::days(1)).unwrap().write(folder.path(), "terminal").unwrap();
    assert_eq!(std::fs::metadata(&files.key).unwrap().permissions().mode() & 0o777, 0o600);
    assert!(std::fs::read_to_string(&files.key).unwrap().starts_with("-----BEGIN PRIVATE KEY-----"));
    assert!(std::fs::read_to_string(&files.certificate).unwrap().starts_with("-----BEGIN CERTIFICATE-----"));
    let root = authority.write(folder.path(), "ca").unwrap();
    assert_eq!(std::fs::read_to_string(root).unwrap(), authority.certificate_pem());
}
