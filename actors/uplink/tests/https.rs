//! The adapter against a centre that says any bytes, wrong certificates, and lines that lead nowhere.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a failed unwrap is a failed test, in helpers too"
)]

mod support;

use madoguchi_protocol::messages::uplink::{Authenticated, Confirmed};
use madoguchi_simulator::pki::tls::{TlsAuthority, Validity};
use madoguchi_uplink::{
    HttpsCentre, Settings,
    centre::{EligibilityCentre, Failure, NotSent, WrongAnswer},
    desk::Desk,
    wire::MAX_ANSWER,
};
use std::{
    sync::atomic::Ordering,
    time::{Duration, Instant, SystemTime},
};
use support::{
    Hospital, Papers, authentication, confirmation,
    raw::{RawCentre, response},
};
use tokio::net::TcpListener;

const WITHIN: Duration = Duration::from_secs(2);

async fn confirm(settings: &Settings) -> Failure {
    let centre = HttpsCentre::new(settings).unwrap();
    centre.confirm(&confirmation().request, false, WITHIN).await.unwrap_err()
}

#[tokio::test]
async fn oversize_answers_are_cut_off_announced_or_not() {
    let announced = RawCentre::open(|_| response("200 OK", "", &vec![b' '; MAX_ANSWER + 1])).await;
    let too_large = Failure::WrongAnswer(WrongAnswer::TooLarge);
    assert_eq!(confirm(&announced.settings()).await, too_large);

    // One chunk that never ends by itself: 16 MiB would be read by a reader that does not count.
    let chunk = [b"8000\r\n".as_slice(), &[b'x'; 0x8000], b"\r\n"].concat().repeat(512);
    let head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n".to_vec();
    let endless = RawCentre::open(move |_| [head.clone(), chunk.clone()].concat()).await;
    assert_eq!(confirm(&endless.settings()).await, too_large);
}

#[tokio::test]
async fn redirects_are_not_followed_and_other_statuses_are_not_answers() {
    let elsewhere = RawCentre::open(|_| response("200 OK", "", b"{}")).await;
    let location = format!("Location: https://{}/v1/confirmations\r\n", elsewhere.address);
    let centre = RawCentre::open(move |_| response("307 Temporary Redirect", &location, b"")).await;
    assert_eq!(confirm(&centre.settings()).await, Failure::Unexpected { status: 307 });
    assert_eq!(elsewhere.connections.load(Ordering::SeqCst), 0);

    let centre = RawCentre::open(|_| response("202 Accepted", "", b"{}")).await;
    assert_eq!(confirm(&centre.settings()).await, Failure::Unexpected { status: 202 });
}

#[tokio::test]
async fn retry_after_is_read_as_seconds_and_as_a_date() {
    let centre = RawCentre::open(|_| response("503 Busy", "Retry-After: 7\r\n", b"")).await;
    let retry_after = Some(Duration::from_secs(7));
    assert_eq!(confirm(&centre.settings()).await, Failure::Busy { status: 503, retry_after });

    let centre = RawCentre::open(|_| {
        let at = jiff::Timestamp::now() + jiff::SignedDuration::from_secs(60);
        let date = at.strftime("%a, %d %b %Y %H:%M:%S GMT");
        response("429 Slow Down", &format!("Retry-After: {date}\r\n"), b"")
    })
    .await;
    let Failure::Busy { status: 429, retry_after: Some(pause) } = confirm(&centre.settings()).await else {
        panic!("no pause")
    };
    assert!((50..=60).contains(&pause.as_secs()), "{pause:?}");

    let centre = RawCentre::open(|_| response("503 Busy", "Retry-After: soon\r\n", b"")).await;
    assert_eq!(confirm(&centre.settings()).await, Failure::Busy { status: 503, retry_after: None });
}

#[tokio::test]
async fn a_pause_that_the_centre_asks_for_is_kept_up_to_the_cap() {
    let centre = RawCentre::open(|_| response("503 Busy", "Retry-After: 3600\r\n", b"")).await;
    let settings = Settings { longest_pause_ms: 2_500, confirm_ms: 5_000, ..centre.settings() };
    let desk = Desk::new(HttpsCentre::new(&settings).unwrap(), &settings);
    let (patient, first, second) = (authentication(), confirmation(), confirmation());
    let began = Instant::now();
    assert_eq!(desk.confirm(&first).await, Confirmed::Uncertain);
    assert_eq!(centre.requests(), 1);
    // A patient does not wait out a pause that is longer than the deadline: told at once, nothing sent.
    assert_eq!(desk.authenticate(&patient).await, Authenticated::LineDown);
    assert!(began.elapsed() < Duration::from_millis(2_400), "{:?}", began.elapsed());
    assert_eq!(centre.requests(), 1);
    // A confirmation has time enough and is sent when the pause is over.
    assert_eq!(desk.confirm(&second).await, Confirmed::Uncertain);
    assert!(began.elapsed() >= Duration::from_millis(2_500), "{:?}", began.elapsed());
    assert_eq!(centre.requests(), 2);
}

#[tokio::test]
async fn a_connection_is_used_again_and_replaced_after_a_wrong_answer() {
    let centre = RawCentre::open(|head| match head.starts_with("GET") {
        true => response("404 Not Found", "", br#"{"error":"not_found","reason":"never received"}"#),
        false => response("200 OK", "", b"{}"),
    })
    .await;
    let https = HttpsCentre::new(&centre.settings()).unwrap();
    let id = confirmation().request.request_id;
    for _ in 0..5 {
        assert_eq!(https.find_confirmation(id, WITHIN).await, Ok(None));
    }
    assert_eq!(centre.connections.load(Ordering::SeqCst), 1);
    let wrong = https.confirm(&confirmation().request, false, WITHIN).await;
    assert_eq!(wrong, Err(Failure::WrongAnswer(WrongAnswer::Unreadable)));
    assert_eq!(https.find_confirmation(id, WITHIN).await, Ok(None));
    assert_eq!(centre.connections.load(Ordering::SeqCst), 2, "its bytes may have been out of step");
}

#[tokio::test]
async fn random_bytes_instead_of_http_are_a_lost_connection() {
    let centre = RawCentre::open(|_| vec![0xFF; 5000]).await;
    assert_eq!(confirm(&centre.settings()).await, Failure::Lost);
}

#[tokio::test]
async fn a_centre_under_another_ca_or_name_or_expired_gets_no_request() {
    let centre = RawCentre::open(|_| response("200 OK", "", b"{}")).await;
    let name = Settings { server_name: Some("elsewhere.test".into()), ..centre.settings() };
    assert!(matches!(confirm(&name).await, Failure::NotSent(NotSent::Tls(_))));
    TlsAuthority::new("another").unwrap().write(centre.papers.folder.path(), "another").unwrap();
    let ca = Settings { ca: vec![centre.papers.folder.path().join("another.pem")], ..centre.settings() };
    assert!(matches!(confirm(&ca).await, Failure::NotSent(NotSent::Tls(_))));
    assert_eq!(centre.requests(), 0);

    let script = |_: &str| response("200 OK", "", b"{}");
    let expired = RawCentre::open_as(Validity::expired(), &[&rustls::version::TLS13], script).await;
    assert!(matches!(confirm(&expired.settings()).await, Failure::NotSent(NotSent::Tls(_))));
    assert_eq!(expired.requests(), 0);
}

#[tokio::test]
async fn a_centre_that_speaks_only_tls_1_2_gets_no_request() {
    let script = |_: &str| response("200 OK", "", b"{}");
    let old = RawCentre::open_as(Validity::days(30), &[&rustls::version::TLS12], script).await;
    assert!(matches!(confirm(&old.settings()).await, Failure::NotSent(NotSent::Tls(_))));
    assert_eq!(old.requests(), 0);
}

#[tokio::test]
async fn a_terminal_whose_certificate_the_centre_refuses_has_sent_nothing() {
    let hospital = Hospital::open();
    let before = hospital.state().effects().len();
    hospital.papers.issue_terminal(Validity::expired());
    let command = confirmation();
    // The centre's alert can be overtaken by the end of the connection; then it stays uncertain.
    let outcome = hospital.another_desk().confirm(&command).await;
    assert!(matches!(outcome, Confirmed::LineDown | Confirmed::Uncertain), "{outcome:?}");
    assert_eq!(hospital.state().effects().len(), before);
}

#[tokio::test]
async fn a_port_that_never_speaks_tls_is_no_connection_in_time() {
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let papers = Papers::new();
    let centre = HttpsCentre::new(&papers.settings(silent.local_addr().unwrap())).unwrap();
    let command = confirmation();
    let began = Instant::now();
    let failure = centre.confirm(&command.request, false, WITHIN).await;
    assert_eq!(failure, Err(Failure::NotSent(NotSent::TimedOut)));
    assert!(began.elapsed() < Duration::from_millis(1_500), "connect_ms holds: {:?}", began.elapsed());
}

#[tokio::test]
async fn nobody_listening_is_a_refusal() {
    let papers = Papers::new();
    let gone = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    assert_eq!(confirm(&papers.settings(gone)).await, Failure::NotSent(NotSent::Refused));
}

#[tokio::test]
async fn a_plain_http_server_is_no_centre() {
    let plain = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = plain.local_addr().unwrap();
    let answering = tokio::spawn(async move {
        while let Ok((mut stream, _)) = plain.accept().await {
            let _ =
                tokio::io::AsyncWriteExt::write_all(&mut stream, b"HTTP/1.1 204 No Content\r\n\r\n").await;
        }
    });
    let papers = Papers::new();
    assert!(matches!(confirm(&papers.settings(address)).await, Failure::NotSent(NotSent::Tls(_))));
    answering.abort();
}

#[tokio::test]
async fn a_centre_that_is_revoked_or_covered_by_no_sound_list_is_refused() {
    let mut hospital = Hospital::open();
    let day = Duration::from_secs(86_400);
    let (now, other) = (SystemTime::now(), TlsAuthority::new("others").unwrap());
    let servers = &hospital.papers.servers;
    let cases = [
        ("sound", servers.revoke(&[], now + day), None),
        ("revoked", servers.revoke(&[&hospital.identity], now + day), Some("revoked")),
        ("outdated", servers.revoke(&[], now - day), Some("revocation list expired")),
        ("another's", other.revoke(&[], now + day), Some("UnknownRevocationStatus")),
    ];
    for (name, list, refused) in cases {
        let file = hospital.papers.folder.path().join("centre.crl.pem");
        std::fs::write(&file, list.unwrap()).unwrap();
        hospital.settings.crl = vec![file];
        let outcome = HttpsCentre::new(&hospital.settings).unwrap().alive(WITHIN).await;
        match (refused, outcome) {
            (None, outcome) => assert_eq!(outcome, Ok(()), "{name}"),
            (Some(word), Err(Failure::NotSent(why @ (NotSent::Tls(_) | NotSent::Revoked)))) => {
                assert!(why.to_string().contains(word), "{name}: {why}")
            }
            (Some(_), outcome) => panic!("{name}: {outcome:?}"),
        }
    }
}
