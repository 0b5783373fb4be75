//! A new certificate from the request to its place.
#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test, in helpers too")]

mod support;

use jiff::Timestamp;
use madoguchi_protocol::messages::{line::Way, uplink::Bearer};
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
async fn the_first_certificate_of_a_box_needs_none_before_it_and_takes_no_others_place() {
    let hospital = Hospital::open();
    let folder = hospital.papers.folder.path();
    let staging = Staging::new(&hospital.settings, TERMINAL, folder);
    let answer = |validity| hospital.papers.terminals.answer(&staging.request().unwrap(), validity).unwrap();
    let now = Timestamp::now();
    let there = staging.first(&answer(Validity::days(9)), now);
    assert!(matches!(there, Err(StagingError::InPlace(_))), "{there:?}");

    for path in [&hospital.settings.certificate, &hospital.settings.key] {
        fs::remove_file(path).unwrap();
    }
    assert!(matches!(staging.first(&answer(Validity::expired()), now), Err(StagingError::Term { .. })));
    let text = format!("#!/bin/sh\n{}reboot\n", answer(Validity::days(9)));
    staging.first(&text, now).unwrap();
    let put = fs::read_to_string(&hospital.settings.certificate).unwrap();
    assert!(put.starts_with("-----BEGIN CERTIFICATE-----\n") && !put.contains("reboot"), "{put}");
    let mode = fs::metadata(&hospital.settings.key).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
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

#[tokio::test]
async fn a_swap_that_is_cut_short_between_its_two_files_is_finished_at_the_next_start() {
    let hospital = Hospital::open();
    let folder = hospital.papers.folder.path();
    let staging = Staging::new(&hospital.settings, TERMINAL, folder);
    let request = staging.request().unwrap();
    let answer = folder.join("answer.pem");
    fs::write(&answer, hospital.papers.terminals.answer(&request, Validity::days(400)).unwrap()).unwrap();
    staging.stage(&answer, Timestamp::now()).unwrap();
    let file = |path: &std::path::Path| fs::read(path).unwrap();
    let old = (file(&hospital.settings.key), file(&hospital.settings.certificate));
    assert!(!staging.finish().unwrap(), "nothing was begun");

    // Something stands in the certificate's way, so that only the key gets in place.
    let obstacle = folder.join("terminal.pem.new");
    fs::create_dir(&obstacle).unwrap();
    let cut = staging.swap(Timestamp::now()).await;
    assert!(matches!(cut, Err(StagingError::Write { .. })), "{cut:?}");
    assert_ne!(file(&hospital.settings.key), old.0);
    assert_eq!(file(&hospital.settings.certificate), old.1);
    assert!(HttpsCentre::new(&hospital.settings).is_err(), "the two don't fit together");

    fs::remove_dir(&obstacle).unwrap();
    let started_anew = Staging::new(&hospital.settings, TERMINAL, folder);
    assert!(started_anew.finish().unwrap());
    HttpsCentre::new(&hospital.settings).unwrap().alive(Duration::from_secs(3)).await.unwrap();
    let previous = (file(&folder.join("terminal.key.previous")), file(&folder.join("terminal.pem.previous")));
    assert!(previous == old, "what was there before is kept, not what was half in place");
    assert!(!started_anew.finish().unwrap() && !started_anew.is_staged());
}

#[tokio::test]
async fn a_tunnels_certificate_must_name_the_box_as_each_line_with_it_does() {
    let mut hospital = Hospital::open();
    let folder = hospital.papers.folder.path().to_owned();
    let line = |name: &str, identity: &str| {
        format!(
            "[{name}]\nlocal = \"192.0.2.1\"\nremote = \"192.0.2.2\"\nidentity = \"{identity}\"\nremote_identity = \
             \"gateway\"\nnetworks = [\"198.18.0.0/24\"]\ncertificate = \"{0}/vpn.pem\"\nkey = \"{0}/vpn.key\"\n",
            folder.display()
        )
    };
    let of = Bearer::Tunnel(Way::Second);
    assert!(Staging::of(&hospital.settings, TERMINAL, &folder, of).is_none(), "no tunnel of the box");
    let vpn = ["mode = \"strongswan\"\n", &line("primary", "box-a.example"), &line("second", "198.51.100.7")];
    hospital.settings.vpn = toml::from_str(&vpn.concat()).unwrap();
    let staging = Staging::of(&hospital.settings, TERMINAL, &folder, of).unwrap();
    let request = staging.request().unwrap();
    let terminals = Staging::new(&hospital.settings, TERMINAL, &folder).request().unwrap();
    assert_ne!(request, terminals, "a key of its own");

    let answer = folder.join("answer.pem");
    let authority = TlsAuthority::new("tunnels").unwrap();
    // Another key's, and one without the address.
    let others = authority.server(&["box-a.example", "198.51.100.7"], Validity::days(9)).unwrap();
    fs::write(&answer, others.certificate_pem()).unwrap();
    assert!(staging.stage(&answer, Timestamp::now()).is_err(), "of another key");
    let one = Staging::of(&hospital.settings, TERMINAL, &folder, Bearer::Tunnel(Way::Primary)).unwrap();
    fs::write(&answer, authority.answer(&terminals, Validity::days(9)).unwrap()).unwrap();
    fs::copy(folder.join("staged/terminal.key"), folder.join("staged/tunnel-primary.key")).unwrap();
    let unnamed = one.stage(&answer, Timestamp::now());
    assert!(matches!(unnamed, Err(StagingError::Name { .. })), "{unnamed:?}");

    fs::write(&answer, authority.answer(&request, Validity::days(9)).unwrap()).unwrap();
    staging.stage(&answer, Timestamp::now()).unwrap();
    staging.swap(Timestamp::now()).await.unwrap();
    assert_eq!(fs::read(folder.join("vpn.pem")).unwrap(), fs::read(&answer).unwrap());
    assert_eq!(fs::metadata(folder.join("vpn.key")).unwrap().permissions().mode() & 0o777, 0o600);
}
