//! The virtual readers seen through PC/SC: cards come, go and are torn away.

#![allow(clippy::unwrap_used, clippy::expect_used)] // helpers of tests are tests

mod support;

use std::ffi::CString;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use madoguchi_simulator::cards::{Card, CardOptions, Ended, Fault, Insertion, Medium, serve};
use madoguchi_simulator::pcscd::{Pcscd, PcscdError, ReaderSpec, isolated, start_for_lanes};
use pcsc::{Context, Disposition, Error, Protocols, ReaderState, Scope, ShareMode, State};
use support::{READ_TOKEN_INFO, SELECT_JPKI, SELECT_TOKEN_INFO, card, credential, reader};
use tokio::runtime::Runtime;

/// A lane as these tests see it: its reader, PC/SC's view of it, and a place where cards live.
struct Lane {
    name: CString,
    context: Context,
    runtime: Runtime,
    reader: ReaderSpec,
}

impl Lane {
    fn of(pcscd: &Pcscd, index: usize) -> Self {
        let reader = pcscd.readers()[index].clone();
        Self {
            name: CString::new(reader.pcsc_name()).unwrap(),
            context: Context::establish(Scope::User).unwrap(),
            runtime: tokio::runtime::Builder::new_multi_thread()
                .worker_threads(1)
                .enable_all()
                .build()
                .unwrap(),
            reader,
        }
    }

    fn insert(&self, card: &Card) -> Insertion {
        self.runtime.block_on(serve(card.clone(), self.reader.address())).unwrap()
    }

    /// Waits for `wanted`; how long it took.
    fn wait_for(&self, wanted: State) -> Duration {
        let begun = Instant::now();
        let mut states = [ReaderState::new(self.name.clone(), State::UNAWARE)];
        while !states[0].event_state().contains(wanted) {
            states[0].sync_current_state();
            self.context
                .get_status_change(Duration::from_secs(5), &mut states)
                .unwrap_or_else(|error| panic!("{wanted:?} did not come: {error}"));
        }
        begun.elapsed()
    }

    fn connect(&self) -> pcsc::Card {
        self.context.connect(&self.name, ShareMode::Shared, Protocols::ANY).unwrap()
    }
}

fn label(card: &pcsc::Card) -> Result<String, Error> {
    let mut buffer = [0; 300];
    for apdu in [SELECT_JPKI, SELECT_TOKEN_INFO] {
        assert_eq!(card.transmit(apdu, &mut buffer)?, [0x90, 0x00]);
    }
    let answer = card.transmit(READ_TOKEN_INFO, &mut buffer)?;
    assert_eq!(answer.len(), 162);
    Ok(String::from_utf8_lossy(&answer[..32]).trim().to_owned())
}

fn one_lane(folder: &Path) -> (Pcscd, Lane) {
    let pcscd = Pcscd::start(folder, &[reader("LANE1")]).unwrap();
    let lane = Lane::of(&pcscd, 0);
    (pcscd, lane)
}

#[test]
fn insertion_and_removal_are_noticed_without_polling() {
    isolated("insertion_and_removal_are_noticed_without_polling", |folder| {
        let (_pcscd, lane) = one_lane(folder);
        let card = card(Medium::Android);
        let mut all: [Vec<Duration>; 2] = Default::default();
        for _ in 0..10 {
            lane.wait_for(State::EMPTY);
            // From a thread of its own, so that what is measured is the wake-up of a waiting client.
            let (inside, times) = thread::scope(|scope| {
                let insertion = scope.spawn(|| {
                    thread::sleep(Duration::from_millis(30));
                    (Instant::now(), lane.insert(&card))
                });
                lane.wait_for(State::PRESENT);
                let seen = Instant::now();
                let (begun, inside) = insertion.join().unwrap();
                let came = seen.saturating_duration_since(begun);
                let begun = Instant::now();
                lane.runtime.block_on(inside.remove());
                lane.wait_for(State::EMPTY);
                ((), [came, begun.elapsed()])
            });
            let () = inside;
            all.iter_mut().zip(times).for_each(|(all, time)| all.push(time));
        }
        // Half of them: a busy machine may hold up one or the other. Polling would take 200 ms for half of them.
        let medians = all.map(|mut times| {
            times.sort();
            times[times.len() / 2]
        });
        println!("median of 10: insertion {:?}, removal {:?}", medians[0], medians[1]);
        assert!(medians.iter().all(|time| *time < Duration::from_millis(100)), "{medians:?}");
    });
}

#[test]
fn a_card_torn_mid_apdu_is_an_error_and_the_next_card_is_taken() {
    isolated("a_card_torn_mid_apdu_is_an_error_and_the_next_card_is_taken", |folder| {
        let (_pcscd, lane) = one_lane(folder);
        let torn = card(Medium::MyNumberCard);
        torn.set_fault(Some(Fault::TearAfter(2)));
        let mut inside = lane.insert(&torn);
        // A second card waits at once behind it: the swap must not go unseen.
        let next = card(Medium::Android);
        let waiting = lane.insert(&next);
        lane.wait_for(State::PRESENT);
        let handle = lane.connect();
        let error = label(&handle).unwrap_err();
        assert_eq!(error, Error::NotTransacted);
        assert_eq!(lane.runtime.block_on(inside.ended()), Ended::Torn);
        // Whatever the old handle says from now on, it is never the next card's answer.
        thread::sleep(Duration::from_millis(50));
        let mut buffer = [0; 300];
        assert_eq!(handle.transmit(SELECT_JPKI, &mut buffer), Err(Error::RemovedCard));
        drop(handle);
        lane.wait_for(State::PRESENT);
        assert_eq!(label(&lane.connect()).unwrap(), "JPKIAPGPSETOKEN");
        assert!(waiting.is_in());
        lane.runtime.block_on(waiting.remove());
        lane.wait_for(State::EMPTY);
        let _again = lane.insert(&torn);
        lane.wait_for(State::PRESENT);
        assert_eq!(label(&lane.connect()).unwrap(), "JPKIAPICCTOKEN2", "held again, it reads");
    });
}

#[test]
fn a_card_that_hangs_is_freed_by_taking_it_away() {
    isolated("a_card_that_hangs_is_freed_by_taking_it_away", |folder| {
        let (_pcscd, lane) = one_lane(folder);
        let stuck = card(Medium::MyNumberCard);
        stuck.set_fault(Some(Fault::HangAfter(1)));
        let inside = lane.insert(&stuck);
        lane.wait_for(State::PRESENT);
        let handle = lane.connect();
        thread::scope(|scope| {
            let reading = scope.spawn(|| (label(&handle), Instant::now()));
            thread::sleep(Duration::from_millis(300));
            assert!(!reading.is_finished(), "it hangs");
            let begun = Instant::now();
            lane.runtime.block_on(inside.remove());
            let (answer, ended) = reading.join().unwrap();
            assert_eq!(answer, Err(Error::NotTransacted));
            // The reader itself would wait for the card's answer for 60 s.
            assert!(ended.duration_since(begun) < Duration::from_secs(5));
        });
    });
}

#[test]
fn a_slow_card_takes_its_time_and_other_lanes_do_not_notice() {
    isolated("a_slow_card_takes_its_time_and_other_lanes_do_not_notice", |folder| {
        let pcscd = Pcscd::start(folder, &[reader("LANE1"), reader("LANE2")]).unwrap();
        let (slow_lane, quick_lane) = (Lane::of(&pcscd, 0), Lane::of(&pcscd, 1));
        let options = CardOptions { delay: Duration::from_millis(200), ..CardOptions::default() };
        let _slow = slow_lane.insert(&Card::new(Medium::MyNumberCard, credential(), options));
        let _quick = quick_lane.insert(&card(Medium::Iphone));
        slow_lane.wait_for(State::PRESENT);
        quick_lane.wait_for(State::PRESENT);
        let timed = |lane: &Lane| {
            let handle = lane.connect();
            let begun = Instant::now();
            (label(&handle).unwrap(), begun.elapsed())
        };
        thread::scope(|scope| {
            let slow = scope.spawn(|| timed(&slow_lane));
            let (quick_label, quick) = timed(&quick_lane);
            let (slow_label, slow) = slow.join().unwrap();
            assert_eq!((&*slow_label, &*quick_label), ("JPKIAPICCTOKEN2", "JPKIAPIOSTOKEN"));
            // Three commands of 200 ms; behind the slow one the quick one would take as long.
            assert!(slow >= Duration::from_millis(600) && quick * 2 < slow, "{slow:?} {quick:?}");
        });
    });
}

#[test]
fn dropping_the_handle_resets_the_card() {
    isolated("dropping_the_handle_resets_the_card", |folder| {
        let (_pcscd, lane) = one_lane(folder);
        let card = card(Medium::MyNumberCard);
        let _inside = lane.insert(&card);
        lane.wait_for(State::PRESENT);
        let handle = lane.connect();
        label(&handle).unwrap();
        let before = card.seen().resets;
        assert!(handle.disconnect(Disposition::ResetCard).is_ok());
        assert_eq!(card.seen().resets, before + 1);
    });
}

#[test]
fn pcscd_killed_hung_and_started_again_serves_the_same_reader() {
    isolated("pcscd_killed_hung_and_started_again_serves_the_same_reader", |folder| {
        let (mut pcscd, lane) = one_lane(folder);
        let card = card(Medium::Android);
        let mut inside = lane.insert(&card);
        lane.wait_for(State::PRESENT);
        let first = pcscd.pid().unwrap();

        pcscd.stop().unwrap();
        let hung = Instant::now();
        thread::scope(|scope| {
            let connecting = scope.spawn(|| label(&lane.connect()).unwrap());
            thread::sleep(Duration::from_millis(300));
            assert!(!connecting.is_finished());
            pcscd.cont().unwrap();
            assert_eq!(connecting.join().unwrap(), "JPKIAPGPSETOKEN");
        });
        assert!(hung.elapsed() >= Duration::from_millis(300));

        pcscd.kill().unwrap();
        assert_eq!(pcscd.pid(), None);
        assert!(Context::establish(Scope::User).is_err());
        assert_eq!(lane.runtime.block_on(inside.ended()), Ended::ReaderGone);

        pcscd.restart().unwrap();
        assert_ne!(pcscd.pid().unwrap(), first);
        let lane = Lane::of(&pcscd, 0);
        let _inside = lane.insert(&card);
        lane.wait_for(State::PRESENT);
        assert_eq!(label(&lane.connect()).unwrap(), "JPKIAPGPSETOKEN");
    });
}

#[test]
fn sixteen_readers_keep_their_names_and_work_at_once() {
    isolated("sixteen_readers_keep_their_names_and_work_at_once", |folder| {
        let readers: Vec<_> = (1..=16).map(|lane| reader(&format!("LANE{lane}"))).collect();
        let pcscd = Pcscd::start(folder, &readers).unwrap();
        let lanes: Vec<_> = (0..16).map(|index| Lane::of(&pcscd, index)).collect();
        let listed = lanes[0].context.list_readers_owned().unwrap();
        for reader in &readers {
            assert!(listed.contains(&CString::new(reader.pcsc_name()).unwrap()), "{listed:?}");
        }
        thread::scope(|scope| {
            for (lane, medium) in lanes.iter().zip(Medium::ALL.into_iter().cycle()) {
                scope.spawn(move || {
                    let _inside = lane.insert(&card(medium));
                    lane.wait_for(State::PRESENT);
                    assert_eq!(label(&lane.connect()).unwrap(), medium.label());
                });
            }
        });
    });
}

#[test]
fn more_than_16_readers_get_several_pcscd_and_leave_nothing_behind() {
    let folder = tempfile::tempdir().unwrap();
    let readers: Vec<_> = (1..=17).map(|lane| reader(&format!("LANE{lane}"))).collect();
    assert!(matches!(Pcscd::start(folder.path(), &readers), Err(PcscdError::TooManyReaders(17))));
    let daemons = start_for_lanes(folder.path(), &readers).unwrap();
    assert_eq!(daemons.iter().map(|pcscd| pcscd.readers().len()).collect::<Vec<_>>(), [16, 1]);
    let pids: Vec<_> = daemons.iter().map(|pcscd| pcscd.pid().unwrap()).collect();
    drop(daemons);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    for pid in pids {
        assert!(!Path::new(&format!("/proc/{pid}")).exists());
    }
}

#[test]
fn a_taken_port_and_a_path_too_long_are_told() {
    let folder = tempfile::tempdir().unwrap();
    let reader = reader("LANE1");
    let _taken = std::net::TcpListener::bind(reader.address()).unwrap();
    let started = Pcscd::start(&folder.path().join("p"), std::slice::from_ref(&reader));
    assert!(matches!(started, Err(PcscdError::PortTaken(port)) if port == reader.port()));
    let deep = folder.path().join("x".repeat(100));
    assert!(matches!(Pcscd::start(&deep, &[reader]), Err(PcscdError::SocketPathTooLong(_))));
}
