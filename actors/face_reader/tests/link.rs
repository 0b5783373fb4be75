//! The device link with real TLS over loopback, seen from a reader's end.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a failed unwrap is a failed test, in helpers too"
)]

mod reader;

use madoguchi_face_reader::{
    Timings,
    link::{FaceReaderLink, LinkEnd, LinkEvent, NotConnected},
    tls::{LinkSettings, LinkSetupError, TlsLink},
    trial::{Caller, try_out},
};
use madoguchi_protocol::{
    LaneId,
    cbor::{self, CborError},
    device::{FromReader, ToReader},
};
use reader::{Authority, Bench, hello};
use std::time::Duration;
use tokio::time::timeout;

fn quick() -> Timings {
    Timings {
        hello: Duration::from_millis(400),
        ping: Duration::from_millis(100),
        missed_pings: 2,
        write: Duration::from_millis(400),
        linger: Duration::from_millis(300),
    }
}

fn patient() -> Timings {
    Timings::default()
}

async fn heard(link: &mut TlsLink) -> LinkEvent {
    timeout(Duration::from_secs(5), link.receive()).await.expect("the link says something within 5 s")
}

async fn counted(link: &TlsLink, name: &str) {
    let counts = link.counts();
    for _ in 0..100 {
        if counts.of(name) > 0 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("nothing was counted as {name}: {:?}", counts.all());
}

#[tokio::test]
async fn reader_is_welcomed_and_frames_go_both_ways() {
    let bench = Bench::new();
    let mut link = bench.link(patient());
    let mut reader = bench.reader("face-reader-1").await;
    reader.say(&FromReader::Hello(hello())).await;
    assert_eq!(reader.hear().await, Some(ToReader::Welcome { version: 1, lane: LaneId::new(1).unwrap() }));
    assert_eq!(heard(&mut link).await, LinkEvent::Up(hello()));

    let touch = FromReader::Touch { screen: 3, choice: "card".into() };
    reader.say(&touch).await;
    assert_eq!(heard(&mut link).await, LinkEvent::Frame(touch));
    let ping = ToReader::Ping { number: 77 };
    link.send(ping.clone()).await.unwrap();
    assert_eq!(reader.hear().await, Some(ping));

    link.send(ToReader::Goodbye { reason: "maintenance".into() }).await.unwrap();
    assert_eq!(reader.hear().await, Some(ToReader::Goodbye { reason: "maintenance".into() }));
    assert_eq!(reader.hear().await, None);
    assert_eq!(heard(&mut link).await, LinkEvent::Down(LinkEnd::Ended));
    assert_eq!(link.send(ToReader::Ping { number: 1 }).await, Err(NotConnected));
}

#[tokio::test]
async fn bad_frames_end_the_connection_with_a_reason_and_are_counted() {
    let touch = |choice: String| cbor::encode(&FromReader::Touch { screen: 1, choice }).unwrap();
    let cases: [(&str, Vec<u8>); 7] = [
        ("frame_too_large", u32::MAX.to_be_bytes().to_vec()),
        ("frame_too_large", (cbor::MAX_BYTES as u32 + 1).to_be_bytes().to_vec()),
        ("frame_malformed", reader::framed(&[0xff, 0x00])),
        ("frame_malformed", reader::framed(&[])),
        ("frame_too_deep", reader::framed(&[&[0x81; 40][..], &[0]].concat())),
        ("frame_unknown", reader::framed(&cbor::encode(&"open_the_door").unwrap())),
        ("text_too_long", reader::framed(&touch("x".repeat(401)))),
    ];
    for (name, bytes) in cases {
        let bench = Bench::new();
        let mut link = bench.link(patient());
        let mut reader = bench.greeted(&mut link).await;
        reader.say_raw(&bytes).await;
        let Some(ToReader::Goodbye { reason }) = reader.hear().await else { panic!("{name}: no goodbye") };
        assert!(reason.contains("refused"), "{name}: {reason}");
        assert_eq!(reader.hear().await, None, "{name}");
        let LinkEvent::Down(end) = heard(&mut link).await else { panic!("{name}: still up") };
        assert_eq!(end.name(), name);
        assert_eq!(end.to_string(), reason);
        counted(&link, name).await;
        // The lane serves the next connection at once.
        bench.greeted(&mut link).await;
    }
}

#[tokio::test]
async fn refused_frame_says_goodbye_although_much_more_input_waits() {
    let bench = Bench::new();
    let mut link = bench.link(patient());
    let mut reader = bench.greeted(&mut link).await;
    let mut flood = u32::MAX.to_be_bytes().to_vec();
    flood.resize(100_000, 0xaa);
    reader.say_raw(&flood).await;
    assert!(matches!(reader.hear().await, Some(ToReader::Goodbye { .. })));
    assert_eq!(
        heard(&mut link).await,
        LinkEvent::Down(LinkEnd::Frame(CborError::TooLarge(u32::MAX as usize)))
    );
}

#[tokio::test]
async fn certificate_of_another_lane_is_refused() {
    let bench = Bench::new();
    let mut link = bench.link(patient());
    let mut reader = bench.reader("face-reader-2").await;
    reader.say(&FromReader::Hello(hello())).await;
    let Some(ToReader::Goodbye { reason }) = reader.hear().await else { panic!("no goodbye") };
    assert!(reason.contains("face-reader-2") && reason.contains("face-reader-1"), "{reason}");
    assert!(matches!(heard(&mut link).await, LinkEvent::Refused(LinkEnd::WrongCertificate { .. })));
    counted(&link, "wrong_certificate").await;
}

#[tokio::test]
async fn certificate_of_another_authority_or_none_gets_no_connection() {
    let bench = Bench::new();
    let link = bench.link(patient());
    let stranger = Authority::new();
    for identity in [Some(stranger.issue("face-reader-1", true)), None] {
        // TLS 1.3 lets a client finish before the server has judged it: the refusal comes with the first read.
        if let Ok(mut reader) = bench.connect(identity).await {
            reader.try_say(&FromReader::Hello(hello())).await;
            assert_eq!(reader.hear().await, None);
        }
    }
    counted(&link, "handshake").await;
}

#[tokio::test]
async fn plain_text_and_silence_get_no_connection() {
    let bench = Bench::new();
    let link = bench.link(quick());
    let mut plain = bench.tcp().await;
    tokio::io::AsyncWriteExt::write_all(&mut plain, b"GET / HTTP/1.1\r\n\r\n").await.unwrap();
    counted(&link, "handshake").await;
    let _silent = bench.tcp().await;
    let _reader_without_hello = bench.reader("face-reader-1").await;
    counted(&link, "no_hello").await;
}

#[tokio::test]
async fn hello_must_come_first_and_once_and_in_our_version() {
    let bench = Bench::new();
    let mut link = bench.link(patient());
    let mut early = bench.reader("face-reader-1").await;
    early.say(&FromReader::Pong { number: 1 }).await;
    assert!(matches!(early.hear().await, Some(ToReader::Goodbye { .. })));
    let mut newer = bench.reader("face-reader-1").await;
    newer.say(&FromReader::Hello(madoguchi_protocol::device::Hello { version: 2, ..hello() })).await;
    assert!(matches!(newer.hear().await, Some(ToReader::Goodbye { .. })));
    counted(&link, "version").await;
    let mut twice = bench.greeted(&mut link).await;
    twice.say(&FromReader::Hello(hello())).await;
    assert!(matches!(twice.hear().await, Some(ToReader::Goodbye { .. })));
    assert_eq!(heard(&mut link).await, LinkEvent::Down(LinkEnd::HelloOutOfTurn));
}

#[tokio::test]
async fn reader_of_another_maker_than_configured_is_refused() {
    let bench = Bench::new();
    let settings = LinkSettings { maker: Some("canon".into()), ..bench.settings.clone() };
    let link = TlsLink::start(LaneId::new(1).unwrap(), &settings, patient()).unwrap();
    let mut reader = bench.reader("face-reader-1").await;
    reader.say(&FromReader::Hello(hello())).await;
    assert!(matches!(reader.hear().await, Some(ToReader::Goodbye { .. })));
    counted(&link, "wrong_maker").await;
}

#[tokio::test]
async fn second_connection_of_a_reader_replaces_the_first() {
    let bench = Bench::new();
    let mut link = bench.link(patient());
    let mut first = bench.greeted(&mut link).await;
    let mut second = bench.greeted(&mut link).await;
    assert!(matches!(first.hear().await, Some(ToReader::Goodbye { .. })));
    assert_eq!(first.hear().await, None);
    link.send(ToReader::Ping { number: 9 }).await.unwrap();
    assert_eq!(second.hear().await, Some(ToReader::Ping { number: 9 }));
    second.say(&FromReader::SlotCard { present: true }).await;
    assert_eq!(heard(&mut link).await, LinkEvent::Frame(FromReader::SlotCard { present: true }));
    counted(&link, "replaced").await;
}

#[tokio::test]
async fn reader_that_answers_no_pings_is_dead_and_one_that_does_lives() {
    let bench = Bench::new();
    let mut link = bench.link(quick());
    let mut reader = bench.greeted(&mut link).await;
    for _ in 0..6 {
        let Some(ToReader::Ping { number }) = reader.hear().await else { panic!("no ping") };
        reader.say(&FromReader::Pong { number }).await;
    }
    assert_eq!(heard(&mut link).await, LinkEvent::Down(LinkEnd::Unanswered));
}

#[tokio::test]
async fn frame_that_trickles_in_for_ever_is_a_dead_reader() {
    let bench = Bench::new();
    let mut link = bench.link(quick());
    let mut reader = bench.greeted(&mut link).await;
    let trickle = tokio::spawn(async move {
        reader.try_say_raw(&1000u32.to_be_bytes()).await;
        while reader.try_say_raw(&[0]).await {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    });
    assert_eq!(heard(&mut link).await, LinkEvent::Down(LinkEnd::Unanswered));
    trickle.await.unwrap();
}

#[tokio::test]
async fn reader_that_does_not_read_is_cut_off_and_the_sender_never_waits() {
    let bench = Bench::new();
    let mut link = bench.link(quick());
    let _deaf = bench.greeted(&mut link).await;
    let mut screen = reader::screen(1);
    screen.text = "x".repeat(60_000);
    let began = std::time::Instant::now();
    let mut sent = 0;
    while link.send(ToReader::Show(screen.clone())).await.is_ok() {
        sent += 1;
        assert!(sent < 100_000, "the outbox is bounded");
        tokio::task::yield_now().await;
    }
    assert!(began.elapsed() < Duration::from_secs(20));
    assert!(matches!(heard(&mut link).await, LinkEvent::Down(LinkEnd::Slow)));
}

#[tokio::test]
async fn address_that_is_taken_is_tried_again_until_it_is_free() {
    let bench = Bench::new();
    let squatter = std::net::TcpListener::bind(bench.settings.listen).unwrap();
    let mut link = bench.link(patient());
    tokio::time::sleep(Duration::from_millis(100)).await;
    drop(squatter);
    bench.greeted(&mut link).await;
}

#[test]
fn missing_or_empty_certificate_files_are_named() {
    let bench = Bench::new();
    let absent = LinkSettings { certificate: "/nowhere/at-all.pem".into(), ..bench.settings.clone() };
    let empty = bench.folder.path().join("empty.pem");
    std::fs::write(&empty, "").unwrap();
    let hollow = LinkSettings { client_ca: empty, ..bench.settings.clone() };
    for (settings, name) in [(absent, "at-all.pem"), (hollow, "empty.pem")] {
        let error = TlsLink::start(LaneId::new(1).unwrap(), &settings, patient()).err().unwrap();
        assert!(matches!(error, LinkSetupError::Pem { .. }));
        assert!(error.to_string().contains(name), "{error}");
    }
}

#[tokio::test]
async fn a_trial_tells_who_called_and_frees_the_address() {
    let bench = Bench::new();
    let trial = |wait| try_out(LaneId::new(1).unwrap(), &bench.settings, wait);
    assert_eq!(trial(Duration::from_millis(50)).await.unwrap(), Caller::Nobody);

    // Somebody else's reader is told of, and does not end the trial.
    let stranger = async { drop(bench.reader("face-reader-2").await) };
    let (caller, ()) = tokio::join!(trial(Duration::from_secs(1)), stranger);
    let caller = caller.unwrap();
    assert!(matches!(caller, Caller::Refused(LinkEnd::WrongCertificate { .. })), "{caller:?}");
    let both = async {
        drop(bench.reader("face-reader-2").await);
        let mut reader = bench.reader("face-reader-1").await;
        reader.say(&FromReader::Hello(hello())).await;
        reader
    };
    let (caller, _reader) = tokio::join!(trial(Duration::from_secs(10)), both);
    assert_eq!(caller.unwrap(), Caller::Reader(hello()));

    // The lane can be set up at once.
    let mut link = bench.link(patient());
    bench.greeted(&mut link).await;
}

#[tokio::test]
async fn a_new_certificate_is_shown_to_the_next_connection_and_the_present_one_goes_on() {
    let bench = Bench::new();
    let mut link = bench.link(patient());
    let mut untaken = link.certificate_untaken();
    let mut reader = bench.greeted(&mut link).await;
    let new = bench.another();
    // Without its key it is not taken up, which is told, and the old one stays.
    bench.replace_certificate(&new);
    timeout(Duration::from_secs(20), untaken.wait_for(|untaken| *untaken)).await.unwrap().unwrap();
    bench.replace_key(&new);
    bench.until_shown(&new).await;
    assert!(!*untaken.borrow_and_update());
    reader.say(&FromReader::SlotCard { present: true }).await;
    loop {
        match heard(&mut link).await {
            // Those who only looked.
            LinkEvent::Refused(_) => {}
            event => {
                assert_eq!(event, LinkEvent::Frame(FromReader::SlotCard { present: true }));
                break;
            }
        }
    }
}
