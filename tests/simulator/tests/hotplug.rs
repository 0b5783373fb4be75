//! Readers plugged and unplugged: pcscd's own hot-plug over a mocked USB bus.

#![allow(clippy::unwrap_used, clippy::expect_used)] // helpers of tests are tests

mod support;

use std::ffi::CString;
use std::thread;
use std::time::{Duration, Instant};

use madoguchi_simulator::cards::{Ended, Fault, Medium, serve};
use madoguchi_simulator::pcscd::{HotplugPcscd, PcscdError, isolated};
use pcsc::{Context, Error, Protocols, ReaderState, Scope, ShareMode, State};
use support::{SELECT_JPKI, card, reader};

fn names(context: &Context) -> Vec<String> {
    let names = context.list_readers_owned().unwrap();
    names.into_iter().map(|name| name.into_string().unwrap()).collect()
}

/// Waits until PC/SC shows exactly `wanted`; how long that took.
fn wait_for_names(context: &Context, wanted: &[String]) -> Duration {
    let begun = Instant::now();
    while names(context) != wanted {
        assert!(begun.elapsed() < Duration::from_secs(5), "{:?} instead of {wanted:?}", names(context));
        thread::sleep(Duration::from_millis(1));
    }
    begun.elapsed()
}

#[test]
fn a_reader_is_plugged_used_unplugged_and_plugged_again() {
    isolated("a_reader_is_plugged_used_unplugged_and_plugged_again", |folder| {
        let readers = [reader("SER123"), reader("SER456")];
        let mut pcscd = HotplugPcscd::start(folder, &readers).unwrap();
        let context = Context::establish(Scope::User).unwrap();
        wait_for_names(&context, &[]);
        let (first, second) = (readers[0].usb_pcsc_name(0), readers[1].usb_pcsc_name(1));

        // A client that waits for new readers is woken.
        let mut pnp = [ReaderState::new(pcsc::PNP_NOTIFICATION(), State::UNAWARE)];
        thread::scope(|scope| {
            let waiter = scope.spawn(|| {
                Context::establish(Scope::User).unwrap().get_status_change(Duration::from_secs(5), &mut pnp)
            });
            thread::sleep(Duration::from_millis(100));
            pcscd.plug("SER123").unwrap();
            waiter.join().unwrap().expect("the new reader is announced");
        });
        wait_for_names(&context, std::slice::from_ref(&first));
        pcscd.plug("SER456").unwrap();
        wait_for_names(&context, &[first.clone(), second.clone()]);
        assert!(matches!(pcscd.plug("SER999"), Err(PcscdError::UnknownReader(_))));

        // A card in the first; the reader is pulled while the card hangs.
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let stuck = card(Medium::MyNumberCard);
        let mut inside = runtime.block_on(serve(stuck.clone(), readers[0].address())).unwrap();
        let name = CString::new(first.clone()).unwrap();
        let mut states = [ReaderState::new(name.clone(), State::UNAWARE)];
        while !states[0].event_state().contains(State::PRESENT) {
            states[0].sync_current_state();
            context.get_status_change(Duration::from_secs(5), &mut states).unwrap();
        }
        let handle = context.connect(&name, ShareMode::Shared, Protocols::ANY).unwrap();
        let mut buffer = [0; 300];
        assert_eq!(handle.transmit(SELECT_JPKI, &mut buffer).unwrap(), [0x90, 0x00]);
        stuck.set_fault(Some(Fault::HangAfter(0)));
        thread::scope(|scope| {
            let waiting = scope.spawn(|| {
                let mut buffer = [0; 300];
                (handle.transmit(SELECT_JPKI, &mut buffer).map(<[u8]>::len), Instant::now())
            });
            thread::sleep(Duration::from_millis(100));
            let begun = Instant::now();
            pcscd.unplug("SER123").unwrap();
            let (answer, ended) = waiting.join().unwrap();
            println!("pulled out in flight: {answer:?} after {:?}", ended.duration_since(begun));
            assert!(answer.is_err() && ended.duration_since(begun) < Duration::from_secs(3));
        });
        assert_eq!(runtime.block_on(inside.ended()), Ended::ReaderGone);
        drop(handle);
        wait_for_names(&context, std::slice::from_ref(&second));
        assert_eq!(
            context.connect(&name, ShareMode::Shared, Protocols::ANY).err(),
            Some(Error::UnknownReader)
        );

        // Plugged again it has its old name, and takes a card.
        pcscd.plug("SER123").unwrap();
        let again = Instant::now();
        while !names(&context).contains(&first) {
            assert!(again.elapsed() < Duration::from_secs(5));
        }
        let next = card(Medium::Android);
        let _inside = runtime.block_on(serve(next.clone(), readers[0].address())).unwrap();
        while next.seen().resets == 0 {
            assert!(again.elapsed() < Duration::from_secs(5));
            thread::sleep(Duration::from_millis(1));
        }
        thread::sleep(Duration::from_millis(20));
        let handle = context.connect(&name, ShareMode::Shared, Protocols::ANY).unwrap();
        assert_eq!(handle.transmit(SELECT_JPKI, &mut buffer).unwrap(), [0x90, 0x00]);
    });
}

#[test]
fn a_reader_without_serial_number_has_the_bare_name() {
    isolated("a_reader_without_serial_number_has_the_bare_name", |folder| {
        let readers = [reader("A"), reader("B")];
        let mut pcscd = HotplugPcscd::start(folder, &readers).unwrap();
        let context = Context::establish(Scope::User).unwrap();
        for reader in &readers {
            pcscd.plug_without_serial(reader.name()).unwrap();
        }
        let bare = "Madoguchi Virtual USB Reader";
        wait_for_names(&context, &[format!("{bare} 00 00"), format!("{bare} 01 00")]);
        let (pid, socket) = (pcscd.pid(), pcscd.socket());
        drop(pcscd);
        assert!(!std::path::Path::new(&format!("/proc/{pid}")).exists() && !socket.exists());
        assert!(!folder.exists(), "nothing is left behind");
    });
}

#[test]
fn pcscd_killed_on_the_bus_finds_its_readers_again() {
    isolated("pcscd_killed_on_the_bus_finds_its_readers_again", |folder| {
        let readers = [reader("A"), reader("B")];
        let mut pcscd = HotplugPcscd::start(folder, &readers).unwrap();
        pcscd.plug("A").unwrap();
        pcscd.plug("B").unwrap();
        pcscd.unplug("B").unwrap();
        let first = pcscd.pid();
        pcscd.kill().unwrap();
        let begun = Instant::now();
        while Context::establish(Scope::User).is_ok() {
            assert!(begun.elapsed() < Duration::from_secs(5), "it is killed");
        }
        pcscd.restart().unwrap();
        assert_ne!(pcscd.pid(), first);
        wait_for_names(&Context::establish(Scope::User).unwrap(), &[readers[0].usb_pcsc_name(0)]);
        pcscd.stop().unwrap();
        pcscd.cont().unwrap();
        pcscd.plug("B").unwrap();
    });
}
