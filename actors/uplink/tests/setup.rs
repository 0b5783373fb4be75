//! Files that are missing, wrong or unsafe, and what `madoguchi check` says of certificates.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a failed unwrap is a failed test, in helpers too"
)]

mod support;

use jiff::{SignedDuration, Timestamp};
use madoguchi_simulator::pki::tls::Validity;
use madoguchi_uplink::{HttpsCentre, Settings, SetupError, certificates, certificates::Role};
use std::{fs, os::unix::fs::PermissionsExt};
use support::{Papers, TERMINAL};

fn settings(papers: &Papers) -> Settings {
    papers.settings("127.0.0.1:1".parse().unwrap())
}

fn problem(settings: &Settings) -> String {
    match HttpsCentre::new(settings) {
        Ok(_) => panic!("it was taken"),
        Err(error) => error.to_string(),
    }
}

#[test]
fn each_file_error_names_the_file_and_what_to_do() {
    let papers = Papers::new();
    let good = settings(&papers);
    assert!(HttpsCentre::new(&good).is_ok());

    let missing = Settings { certificate: papers.folder.path().join("nowhere.pem"), ..good.clone() };
    let text = problem(&missing);
    assert!(text.contains("nowhere.pem") && text.contains("install the file"), "{text}");

    let no_pem = papers.folder.path().join("ca.der");
    fs::write(&no_pem, papers.servers.certificate_der()).unwrap();
    let text = problem(&Settings { ca: vec![no_pem], ..good.clone() });
    assert!(text.contains("ca.der") && text.contains("holds no certificate"), "{text}");

    let huge = papers.folder.path().join("huge.pem");
    fs::write(&huge, vec![b'-'; 300_000]).unwrap();
    let text = problem(&Settings { ca: vec![huge], ..good.clone() });
    assert!(text.contains("huge.pem") && text.contains("larger than"), "{text}");

    let text = problem(&Settings { ca: vec![], ..good });
    assert!(text.contains("uplink.ca") && text.contains("name the CA"), "{text}");
}

#[test]
fn a_key_of_another_certificate_is_refused_at_the_start() {
    let papers = Papers::new();
    let other = papers.terminals.client("terminal-2", Validity::days(30)).unwrap();
    other.write(papers.folder.path(), "other").unwrap();
    let mixed = Settings { key: papers.folder.path().join("other.key"), ..settings(&papers) };
    assert!(matches!(HttpsCentre::new(&mixed), Err(SetupError::Pair { .. })));
}

#[test]
fn a_key_that_everybody_may_read_is_refused() {
    let papers = Papers::new();
    let settings = settings(&papers);
    fs::set_permissions(&settings.key, fs::Permissions::from_mode(0o644)).unwrap();
    let text = problem(&settings);
    assert!(text.contains("terminal.key") && text.contains("chmod 640"), "{text}");
}

#[test]
fn certificates_are_reported_with_the_days_they_have_left() {
    let papers = Papers::new();
    let settings = settings(&papers);
    let now = Timestamp::now();
    let reports: Vec<_> = certificates(&settings, now).into_iter().map(Result::unwrap).collect();
    let [terminal, ca] = reports.as_slice() else { panic!("{reports:?}") };
    assert_eq!((terminal.role, terminal.common_name.as_str()), (Role::Terminal, TERMINAL));
    // As the test's own authority issues them: none of the stages of an end is near.
    assert!((299..=300).contains(&terminal.days_left), "{terminal:?}");
    assert_eq!(terminal.file, settings.certificate);
    assert_eq!((ca.role, ca.common_name.as_str()), (Role::CentreCa, "servers"));

    let later = now + SignedDuration::from_hours(24 * 400);
    let expired = certificates(&settings, later).remove(0).unwrap();
    assert!(expired.days_left < 0 && expired.not_after < later, "{expired:?}");
}

#[test]
fn a_certificate_file_that_is_missing_is_reported_and_the_others_still_are() {
    let papers = Papers::new();
    let settings = Settings { certificate: "/nowhere/terminal.pem".into(), ..settings(&papers) };
    let reports = certificates(&settings, Timestamp::now());
    assert!(reports[0].as_ref().is_err_and(|error| error.to_string().contains("/nowhere/terminal.pem")));
    assert!(reports[1].is_ok());
}
