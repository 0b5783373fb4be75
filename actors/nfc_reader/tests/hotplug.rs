//! Readers that are plugged and pulled, through pcscd's own hot-plug.
#![allow(clippy::unwrap_used)] // a failed unwrap is a failed test

mod support;

use madoguchi_nfc_reader::pcsc::{Service, View};
use madoguchi_protocol::{evidence::Medium, messages::nfc_reader::ReadOutcome};
use madoguchi_simulator::{
    cards::Fault,
    pcscd::{HotplugPcscd, isolated},
};
use std::time::{Duration, Instant};
use support::{Lane, android, in_runtime, is_signed, reader};
use tokio::time::sleep;

#[test]
fn pulled_reader_ends_its_lanes_read_and_comes_back_under_another_number() {
    isolated("pulled_reader_ends_its_lanes_read_and_comes_back_under_another_number", |folder| {
        let readers = [reader("SER123"), reader("SER456")];
        let mut pcscd = HotplugPcscd::start(folder, &readers).unwrap();
        in_runtime(async {
            let [first, second] = readers.map(Lane::new);
            first.until("a service without reader", |view| view.service == Service::Up).await;
            assert_eq!(first.outcome(Medium::Android).await, ReadOutcome::ReaderLost);

            // The second lane's reader comes first: neither lane may take the other's.
            pcscd.plug("SER456").unwrap();
            second.ready().await;
            sleep(Duration::from_millis(300)).await;
            assert!(!first.keeper.view().borrow().is_ready());
            pcscd.plug("SER123").unwrap();
            first.ready().await;
            let before = first.keeper.view().borrow().reader.clone();

            // Pulled while a medium is being read.
            let stuck = android();
            stuck.set_fault(Some(Fault::HangAfter(6)));
            let _held = first.hold(&stuck).await;
            let begun = Instant::now();
            let pulling = async {
                sleep(Duration::from_millis(300)).await;
                tokio::task::block_in_place(|| pcscd.unplug("SER123").unwrap());
            };
            let neighbour = async {
                let _held = second.hold(&android()).await;
                second.outcome(Medium::Android).await
            };
            let (outcome, (), served) = tokio::join!(first.outcome(Medium::Android), pulling, neighbour);
            assert_eq!(outcome, ReadOutcome::ReaderLost);
            assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
            assert!(is_signed(&served), "the other lane noticed: {served:?}");
            assert_eq!(first.until("no reader", |view| view.reader.is_none()).await.service, Service::Up);
            assert!(second.keeper.view().borrow().is_ready());

            // Both replugged in another order: the numbers change, the lanes don't.
            tokio::task::block_in_place(|| {
                pcscd.unplug("SER456").unwrap();
                pcscd.plug("SER123").unwrap();
                pcscd.plug("SER456").unwrap();
            });
            first.ready().await;
            second.ready().await;
            assert_ne!(first.keeper.view().borrow().reader, before, "the number was to change");
            for lane in [&first, &second] {
                let _held = lane.hold(&android()).await;
                let outcome = lane.outcome(Medium::Android).await;
                assert!(is_signed(&outcome), "{outcome:?}");
            }
        });
    });
}

#[test]
fn a_reader_pulled_while_a_medium_is_awaited_is_told_at_once() {
    isolated("a_reader_pulled_while_a_medium_is_awaited_is_told_at_once", |folder| {
        let readers = [reader("SER123")];
        let mut pcscd = HotplugPcscd::start(folder, &readers).unwrap();
        pcscd.plug("SER123").unwrap();
        in_runtime(async {
            let [lane] = readers.map(Lane::new);
            lane.ready().await;
            let pulling = async {
                sleep(Duration::from_millis(200)).await;
                tokio::task::block_in_place(|| pcscd.unplug("SER123").unwrap());
                Instant::now()
            };
            let (outcome, pulled) = tokio::join!(lane.outcome(Medium::Android), pulling);
            assert_eq!(outcome, ReadOutcome::ReaderLost);
            assert!(
                pulled.elapsed() < Duration::from_secs(4),
                "not the whole wait of 5 s: {:?}",
                pulled.elapsed()
            );
            let gone = lane.until("no reader", |view| !view.is_ready()).await;
            assert_eq!(gone, View { service: Service::Up, reader: None, medium: None });
        });
    });
}
