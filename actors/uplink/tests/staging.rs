//! A new certificate from the request to its place.
#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test, in helpers too")]

mod support;

use jiff::Timestamp;
use madoguchi_simulator::pki::tls::{TlsAuthority, Validity};
use madoguchi_uplink::{
    HttpsCentre,
    centre::EligibilityCentre,
    staging::{Staging, StagingError},
};
use std::{fs, os::unix::fs::PermissionsExt, time::Duration};
use support::{Hospital, TERMINAL};

#[tokio::test]
async fn a_certificate_goes_from_request_to_place_and_its_key_never_leaves_the_box() {
    let hospital = Hospital::open();
    let folder = hospital.papers.folder.path();
    let staging = Staging::new(&hospital.settings, TERMINAL, folder);
    let request = staging.request().unwrap();
    assert!(request.contains("BEGIN CERTIFICATE REQUEST") && !request.contains("PRIVATE"), "{request}");
    let key = folder.join("staged/terminal.key");
    assert_eq!(fs::metadata(&key).unwrap().permissions().mode() & 0o777, 0o600);
    let before = fs::read(&key).unwrap();
    staging.request().unwrap();
    assert_eq!(fs::read(&key).unwrap(), before, "asked twice, the key stays");

    let answer = folder.join("answer.pem");
    fs::write(&answer, hospital.papers.terminals.answer(&request, Validity::days(400)).unwrap()).unwrap();
    staging.stage(&answer, Timestamp::now()).unwrap();
    staging.prove(Timestamp::now()).await.unwrap();
    staging.swap(Timestamp::now()).await.unwrap();
    assert_eq!(fs::read(&hospital.settings.key).unwrap(), before);
    assert!(!key.exists() && folder.join("terminal.key.previous").exists());
    HttpsCentre::new(&hospital.settings).unwrap().alive(Duration::from_secs(3)).await.unwrap();
}

#[tokio::test]
async fn what_the_centre_does_not_accept_is_not_put_in_place() {
    let hospital = Hospital::open();
    let folder = hospital.papers.folder.path();
    let staging = Staging::new(&hospital.settings, TERMINAL, folder);
    let request = staging.request().unwrap();
    let answer = folder.join("answer.pem");
    let stage = |authority: &TlsAuthority, validity| {
        fs::write(&answer, authority.answer(&request, validity).unwrap()).unwrap();
        staging.stage(&answer, Timestamp::now())
    };
    let before = fs::read(&hospital.settings.certificate).unwrap();

    let ended = stage(&hospital.papers.terminals, Validity::expired());
    assert!(matches!(ended, Err(StagingError::Term { .. })), "{ended:?}");
    let other = Staging::new(&hospital.settings, "another-terminal", folder);
    fs::write(&answer, hospital.papers.terminals.answer(&request, Validity::days(9)).unwrap()).unwrap();
    assert!(matches!(other.stage(&answer, Timestamp::now()), Err(StagingError::Name { .. })));
    assert!(staging.stage(&hospital.settings.certificate, Timestamp::now()).is_err(), "of another key");

    stage(&TlsAuthority::new("strangers").unwrap(), Validity::days(9)).unwrap();
    let swapped = staging.swap(Timestamp::now()).await;
    assert!(matches!(swapped, Err(StagingError::Unproven(_))), "{swapped:?}");
    assert_eq!(fs::read(&hospital.settings.certificate).unwrap(), before);
}
