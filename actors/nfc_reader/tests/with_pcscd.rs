//! The reader against the real pcscd: media that come, go, tear and hang, and a service that dies or hangs.
#![allow(clippy::unwrap_used)] // a failed unwrap is a failed test

mod support;

use madoguchi_nfc_reader::{
    pcsc::{ListError, Service, View, binding::ReaderBinding, find_readers},
    read::Order,
    trial::try_out,
};
use madoguchi_protocol::{
    evidence::Medium,
    messages::nfc_reader::{ReadOutcome, ReaderTested},
};
use madoguchi_simulator::{
    cards::{self, CardOptions, EndOfFile, Fault, PinBlocked},
    pcscd::{Pcscd, isolated},
};
use pcsc::{Context, Error, Protocols, Scope, ShareMode};
use std::{
    num::NonZeroU8,
    sync::atomic::Ordering,
    time::{Duration, Instant},
};
use support::{Lane, android, card, in_runtime, is_signed, reader};
use tokio::{sync::watch, time::sleep};

/// Runs `body` with the readers of two lanes behind a pcscd of its own.
fn with_two_lanes(test: &str, body: impl AsyncFnOnce(&mut Pcscd, &Lane, &Lane)) {
    isolated(test, |folder| {
        let readers = [reader("LANE1"), reader("LANE2")];
        let mut pcscd = Pcscd::start(folder, &readers).unwrap();
        in_runtime(async {
            let [first, second] = readers.map(Lane::new);
            first.ready().await;
            second.ready().await;
            body(&mut pcscd, &first, &second).await;
        });
    });
}

#[test]
fn every_medium_is_told_by_its_label_and_read_in_its_way() {
    with_two_lanes("every_medium_is_told_by_its_label_and_read_in_its_way", async |_, lane, _| {
        for (kind, medium, pins) in [
            (cards::Medium::Android, Medium::Android, 1),
            (cards::Medium::MyNumberCard, Medium::MyNumberCard, 1),
            (cards::Medium::Iphone, Medium::Iphone, 0),
        ] {
            for options in [
                CardOptions::default(),
                CardOptions { chunk: NonZeroU8::new(100), ..CardOptions::default() },
                CardOptions { end_of_file: EndOfFile::Warning, ..CardOptions::default() },
                CardOptions { end_of_file: EndOfFile::Empty, ..CardOptions::default() },
                CardOptions { end_of_file: EndOfFile::ExactLength, ..CardOptions::default() },
            ] {
                let card = card(kind, options);
                let held = lane.hold(&card).await;
                let outcome = lane.outcome(medium).await;
                assert!(is_signed(&outcome), "{kind}: {outcome:?}");
                // none for an iPhone.
                assert_eq!(card.seen().pins, pins, "{kind}");
                held.remove().await;
                lane.until("an empty reader", |view| view.medium.is_none()).await;
            }
        }
    });
}

#[test]
fn what_can_be_wrong_with_a_medium_is_told_apart() {
    with_two_lanes("what_can_be_wrong_with_a_medium_is_told_apart", async |_, lane, _| {
        use cards::Medium as Kind;
        let options = CardOptions::default;
        let wrong_pin = CardOptions { pin: "9999".to_owned().into(), ..options() };
        let other_lock =
            CardOptions { pin_blocked: PinBlocked::AuthenticationBlocked, ..CardOptions::locked() };
        for (kind, options, expected, outcome) in [
            (Kind::Iphone, options(), Medium::Android, ReadOutcome::WrongMedium { found: Medium::Iphone }),
            (Kind::OldResidentCard, options(), Medium::MyNumberCard, ReadOutcome::OldResidentCard),
            (Kind::Android, wrong_pin, Medium::Android, ReadOutcome::WrongPin { tries_left: 2 }),
            (Kind::Android, CardOptions::last_try(), Medium::Android, ReadOutcome::LastTry),
            (Kind::Android, CardOptions::locked(), Medium::Android, ReadOutcome::Locked),
            (Kind::MyNumberCard, other_lock, Medium::MyNumberCard, ReadOutcome::Locked),
            (
                Kind::Iphone,
                CardOptions { holder_authorised: false, ..options() },
                Medium::Iphone,
                ReadOutcome::HolderNotAuthorised,
            ),
        ] {
            let held = lane.hold(&card(kind, options)).await;
            assert_eq!(lane.outcome(expected).await, outcome);
            held.remove().await;
            lane.until("an empty reader", |view| view.medium.is_none()).await;
        }
    });
}

#[test]
fn a_medium_is_noticed_but_not_touched_before_a_read() {
    with_two_lanes("a_medium_is_noticed_but_not_touched_before_a_read", async |_, lane, _| {
        let card = android();
        let _held = lane.hold(&card).await;
        lane.until("a medium", |view| view.medium.is_some()).await;
        sleep(Duration::from_millis(1500)).await;
        assert_eq!(card.seen().apdus, 0);
        assert!(is_signed(&lane.outcome(Medium::Android).await));
    });
}

#[test]
fn a_medium_that_was_read_signs_for_nobody_else() {
    with_two_lanes("a_medium_that_was_read_signs_for_nobody_else", async |_, lane, _| {
        let card = android();
        let _held = lane.hold(&card).await;
        assert!(is_signed(&lane.outcome(Medium::Android).await));
        let name = lane.keeper.view().borrow().reader.clone().unwrap();
        let context = Context::establish(Scope::System).unwrap();
        // The reading thread lets go a moment after it gave the outcome.
        let other = loop {
            match context.connect(&name, ShareMode::Shared, Protocols::ANY) {
                Ok(other) => break other,
                Err(Error::SharingViolation) => sleep(Duration::from_millis(1)).await,
                Err(error) => panic!("{error}"),
            }
        };
        let mut buffer = [0; 258];
        let select_key = [0x00, 0xA4, 0x02, 0x0C, 0x02, 0x00, 0x17];
        assert_eq!(other.transmit(&select_key, &mut buffer).unwrap(), [0x90, 0x00]);
        let sign = [&[0x80, 0x2A, 0x00, 0x80, 51][..], &[0; 51], &[0]].concat();
        assert_eq!(other.transmit(&sign, &mut buffer).unwrap(), [0x69, 0x82], "the PIN stayed verified");
    });
}

#[test]
fn a_medium_taken_away_at_the_very_end_leaves_no_ghost() {
    with_two_lanes("a_medium_taken_away_at_the_very_end_leaves_no_ghost", async |_, lane, _| {
        for _ in 0..30 {
            let held = lane.hold(&android()).await;
            let outcome = lane.outcome(Medium::Android).await;
            assert!(is_signed(&outcome), "{outcome:?}");
            held.remove().await;
            lane.until("an empty reader", |view| view.medium.is_none()).await;
        }
    });
}

#[test]
fn the_same_stay_is_not_read_again_for_somebody_else() {
    with_two_lanes("the_same_stay_is_not_read_again_for_somebody_else", async |_, lane, _| {
        let card = android();
        let held = lane.hold(&card).await;
        let ended = lane.read(lane.order(Medium::Android)).await;
        assert!(is_signed(&ended.outcome));
        let again = |wait| Order { spent: ended.touched, wait, ..lane.order(Medium::Android) };
        assert_eq!(lane.read(again(Duration::from_millis(800))).await.outcome, ReadOutcome::NoMedium);
        assert_eq!((card.seen().pins, card.seen().signatures), (1, 1));
        let swap = async {
            held.remove().await;
            lane.hold(&card).await
        };
        let (outcome, _held) = tokio::join!(lane.read(again(Duration::from_secs(5))), swap);
        assert!(is_signed(&outcome.outcome), "{:?}", outcome.outcome);
    });
}

#[test]
fn a_phone_swapped_without_a_pause_is_another_one() {
    with_two_lanes("a_phone_swapped_without_a_pause_is_another_one", async |_, lane, _| {
        let mut held = lane.hold(&android()).await;
        let mut ended = lane.read(lane.order(Medium::Android)).await;
        for pause in [0, 1, 5, 20, 100].repeat(6) {
            assert!(is_signed(&ended.outcome), "{:?}", ended.outcome);
            // pcscd's power management looks at the card at different times after a read.
            sleep(Duration::from_millis(pause)).await;
            let order = Order { spent: ended.touched, ..lane.order(Medium::Android) };
            held.remove().await;
            held = lane.hold(&android()).await;
            ended = lane.read(order).await;
        }
        assert!(is_signed(&ended.outcome), "{:?}", ended.outcome);
    });
}

#[test]
fn torn_media_are_told_and_the_next_is_read() {
    with_two_lanes("torn_media_are_told_and_the_next_is_read", async |_, lane, _| {
        for after in [0, 1, 5, 9, 13] {
            let torn = android();
            torn.set_fault(Some(Fault::TearAfter(after)));
            let held = lane.hold(&torn).await;
            assert_eq!(lane.outcome(Medium::Android).await, ReadOutcome::Torn, "after {after}");
            drop(held);
            lane.until("an empty reader", |view| view.medium.is_none()).await;
            let held = lane.hold(&android()).await;
            let outcome = lane.outcome(Medium::Android).await;
            assert!(is_signed(&outcome), "{outcome:?}");
            held.remove().await;
            lane.until("an empty reader", |view| view.medium.is_none()).await;
        }
    });
}

#[test]
fn stuck_medium_ends_at_its_deadline_and_the_reader_serves_the_next() {
    with_two_lanes(
        "stuck_medium_ends_at_its_deadline_and_the_reader_serves_the_next",
        async |_, lane, other| {
            let stuck = android();
            stuck.set_fault(Some(Fault::HangAfter(3)));
            let held = lane.hold(&stuck).await;
            let begun = Instant::now();
            let order = Order { limit: Duration::from_secs(2), ..lane.order(Medium::Android) };
            let neighbour = async {
                let _held = other.hold(&android()).await;
                (is_signed(&other.outcome(Medium::Android).await), begun.elapsed())
            };
            let (ended, (served, took)) = tokio::join!(lane.read(order), neighbour);
            assert_eq!(ended.outcome, ReadOutcome::Stuck);
            // The reader itself would wait for the medium's answer for 60 s.
            let stuck_for = begun.elapsed();
            assert!((2..10).contains(&stuck_for.as_secs()), "{stuck_for:?}");
            assert!(served && took < stuck_for, "the other lane waited as long: {took:?}");
            // While it hangs, a further read is told so and does not hang as well.
            assert_eq!(lane.outcome(Medium::Android).await, ReadOutcome::Stuck);
            held.remove().await;
            lane.until("an empty reader", |view| view.medium.is_none()).await;
            let _next = lane.hold(&android()).await;
            assert!(is_signed(&lane.outcome(Medium::Android).await));
        },
    );
}

#[test]
fn a_read_is_cancelled_at_once_while_waiting_and_while_reading() {
    with_two_lanes("a_read_is_cancelled_at_once_while_waiting_and_while_reading", async |_, lane, _| {
        let slow = card(
            cards::Medium::Android,
            CardOptions { delay: Duration::from_millis(100), ..CardOptions::default() },
        );
        for hold in [false, true] {
            let held = if hold { Some(lane.hold(&slow).await) } else { None };
            let (cancel, cancelled) = watch::channel(false);
            let cancelling = async {
                sleep(Duration::from_millis(350)).await;
                cancel.send_replace(true);
                Instant::now()
            };
            let (ended, at) =
                tokio::join!(lane.read_until(lane.order(Medium::Android), cancelled), cancelling);
            assert_eq!(ended.outcome, ReadOutcome::Cancelled);
            // Reading to the end would take more than a second.
            assert!(at.elapsed() < Duration::from_millis(700), "{:?}", at.elapsed());
            assert_eq!(ended.touched.is_some(), hold);
            drop(held);
            lane.until("an empty reader", |view| view.medium.is_none()).await;
        }
        sleep(Duration::from_millis(300)).await;
        assert_eq!(slow.seen().signatures, 0);
    });
}

#[test]
fn nobody_holding_a_medium_is_told_in_time() {
    with_two_lanes("nobody_holding_a_medium_is_told_in_time", async |_, lane, _| {
        let order = Order { wait: Duration::from_millis(300), ..lane.order(Medium::Android) };
        assert_eq!(lane.read(order).await.outcome, ReadOutcome::NoMedium);
        assert_eq!(lane.seen.load(Ordering::Relaxed), 0);
    });
}

#[test]
fn killed_pcscd_comes_back_by_itself() {
    with_two_lanes("killed_pcscd_comes_back_by_itself", async |pcscd, lane, other| {
        let waiting = async {
            let begun = Instant::now();
            let outcome = lane.outcome(Medium::Android).await;
            (outcome, begun.elapsed())
        };
        let killing = async {
            sleep(Duration::from_millis(200)).await;
            pcscd.kill().unwrap();
        };
        let ((outcome, took), ()) = tokio::join!(waiting, killing);
        assert_eq!(outcome, ReadOutcome::ReaderLost);
        assert!(took < Duration::from_secs(4), "not the whole wait of 5 s: {took:?}");
        lane.until("service down", |view| view.service == Service::Down).await;
        other.until("service down", |view| view.service == Service::Down).await;
        assert_eq!(find_readers(Duration::from_secs(2)), Err(ListError::Down));
        sleep(Duration::from_millis(700)).await;
        pcscd.restart().unwrap();
        for lane in [lane, other] {
            lane.ready().await;
            let _held = lane.hold(&android()).await;
            let outcome = lane.outcome(Medium::Android).await;
            assert!(is_signed(&outcome), "{outcome:?}");
        }
    });
}

#[test]
fn pcscd_killed_during_a_read_ends_it() {
    with_two_lanes("pcscd_killed_during_a_read_ends_it", async |pcscd, lane, _| {
        let slow = card(
            cards::Medium::Android,
            CardOptions { delay: Duration::from_millis(100), ..CardOptions::default() },
        );
        let held = lane.hold(&slow).await;
        let killing = async {
            sleep(Duration::from_millis(500)).await;
            pcscd.kill().unwrap();
        };
        let (outcome, ()) = tokio::join!(lane.outcome(Medium::Android), killing);
        assert_eq!(outcome, ReadOutcome::ReaderLost);
        drop(held);
        pcscd.restart().unwrap();
        lane.ready().await;
        let _held = lane.hold(&android()).await;
        assert!(is_signed(&lane.outcome(Medium::Android).await));
    });
}

#[test]
fn hung_pcscd_is_noticed_and_survived() {
    with_two_lanes("hung_pcscd_is_noticed_and_survived", async |pcscd, lane, other| {
        pcscd.stop().unwrap();
        let begun = Instant::now();
        let outcome = lane.outcome(Medium::Android).await;
        assert!(matches!(outcome, ReadOutcome::ReaderLost), "{outcome:?}");
        assert!(begun.elapsed() < Duration::from_secs(8), "{:?}", begun.elapsed());
        for lane in [lane, other] {
            let view = lane.until("service hung", |view| view.service == Service::Hung).await;
            assert!(!view.is_ready());
        }
        assert_eq!(find_readers(Duration::from_millis(300)), Err(ListError::Hung));
        // Long enough for several threads to be lost.
        sleep(Duration::from_secs(10)).await;
        pcscd.cont().unwrap();
        for lane in [lane, other] {
            lane.ready().await;
            let _held = lane.hold(&android()).await;
            let outcome = lane.outcome(Medium::Android).await;
            assert!(is_signed(&outcome), "{outcome:?}");
        }
    });
}

#[test]
fn pcscd_hung_and_then_killed_comes_back() {
    with_two_lanes("pcscd_hung_and_then_killed_comes_back", async |pcscd, lane, _| {
        pcscd.stop().unwrap();
        lane.until("service hung", |view| view.service == Service::Hung).await;
        pcscd.kill().unwrap();
        pcscd.restart().unwrap();
        lane.ready().await;
        let _held = lane.hold(&android()).await;
        assert!(is_signed(&lane.outcome(Medium::Android).await));
    });
}

#[test]
fn a_reader_that_is_no_lanes_yet_is_offered_and_tried() {
    isolated("a_reader_that_is_no_lanes_yet_is_offered_and_tried", |folder| {
        let new = reader("NEW1");
        let _pcscd = Pcscd::start(folder, &[new.clone(), reader("NEW2")]).unwrap();
        let found = find_readers(Duration::from_secs(5)).unwrap().remove(0);
        in_runtime(async {
            let binding = found.binding.unwrap();
            let trial = |wait| try_out(binding.clone(), Duration::from_millis(wait));
            assert_eq!(trial(200).await, ReaderTested::NoMedium);
            let lane = Lane::new(new);
            let card = card(cards::Medium::MyNumberCard, CardOptions::default());
            let held = lane.hold(&card).await;
            assert_eq!(trial(10_000).await, ReaderTested::Read(Medium::MyNumberCard));
            assert_eq!(card.seen().pins, 0);
            held.remove().await;
            let other = ReaderBinding::Serial("NONE".into());
            assert_eq!(try_out(other, Duration::from_secs(5)).await, ReaderTested::ReaderLost);
        });
    });
}

#[test]
fn sixteen_lanes_read_at_once() {
    isolated("sixteen_lanes_read_at_once", |folder| {
        let readers: Vec<_> = (1..=16).map(|n| reader(&format!("LANE{n}"))).collect();
        let _pcscd = Pcscd::start(folder, &readers).unwrap();
        assert_eq!(find_readers(Duration::from_secs(5)).unwrap().len(), 16);
        in_runtime(async {
            let mut tasks = tokio::task::JoinSet::new();
            for spec in readers {
                let lane = Lane::new(spec);
                lane.ready().await;
                tasks.spawn(async move {
                    let _held = lane.hold(&android()).await;
                    let begun = Instant::now();
                    (lane.outcome(Medium::Android).await, begun.elapsed())
                });
            }
            let ended = tasks.join_all().await;
            println!("slowest of 16: {:?}", ended.iter().map(|(_, took)| took).max());
            assert!(ended.iter().all(|(outcome, _)| is_signed(outcome)));
        });
    });
}

#[test]
fn an_unknown_view_is_not_ready() {
    assert!(!View::UNKNOWN.is_ready());
}
