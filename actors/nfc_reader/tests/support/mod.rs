//! What the tests with a real pcscd share: a lane's reader, media to hold, and a read without the bus.
#![allow(dead_code, clippy::unwrap_used)] // each test program uses its own part; a failed unwrap is a failed test

use jiff::Timestamp;
use madoguchi_nfc_reader::{
    jpki::Pin,
    pcsc::{Stay, View, binding::ReaderBinding, keeper::ReaderKeeper, medium::MediumReader},
    read::{Ended, Order, carry_out},
};
use madoguchi_protocol::{evidence::Medium, messages::nfc_reader::ReadOutcome};
use madoguchi_simulator::{
    cards::{self, Card, CardOptions, Insertion},
    pcscd::ReaderSpec,
    pki::jpki::{CardCredential, JpkiAuthority, Validity},
};
use std::{
    net::TcpListener,
    sync::{
        OnceLock,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};
use tokio::sync::watch;

pub const STATEMENT: &[u8] = b"a statement";

pub fn credential() -> CardCredential {
    static CREDENTIAL: OnceLock<CardCredential> = OnceLock::new();
    let make = || JpkiAuthority::generate(1).unwrap().issue(Validity::valid_at(Timestamp::now())).unwrap();
    CREDENTIAL.get_or_init(make).clone()
}

pub fn card(medium: cards::Medium, options: CardOptions) -> Card {
    Card::new(medium, credential(), options)
}

pub fn android() -> Card {
    card(cards::Medium::Android, CardOptions::default())
}

/// A reader on a port that is free now and that no other reader of this program has.
pub fn reader(name: &str) -> ReaderSpec {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    // Each test runs in a process of its own: start where others hardly do.
    let start = std::process::id() as usize * 37;
    let free = |port: &u16| TcpListener::bind(("127.0.0.1", *port)).is_ok();
    let port = std::iter::repeat_with(|| NEXT.fetch_add(1, Ordering::Relaxed))
        .map(|next| 12_000 + ((start + next) % 8_000) as u16)
        .find(free)
        .unwrap();
    ReaderSpec::new(name, port).unwrap()
}

pub fn in_runtime<T>(body: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap().block_on(body)
}

/// A lane's reader as the actor has it.
pub struct Lane {
    pub spec: ReaderSpec,
    pub keeper: ReaderKeeper,
    pub media: MediumReader,
    pub seen: AtomicUsize,
    pub released: AtomicUsize,
}

impl Lane {
    pub fn new(spec: ReaderSpec) -> Self {
        let binding = ReaderBinding::Serial(spec.name().to_owned());
        Self {
            spec,
            keeper: ReaderKeeper::start(binding),
            media: MediumReader::default(),
            seen: AtomicUsize::new(0),
            released: AtomicUsize::new(0),
        }
    }

    pub async fn until(&self, what: &str, wanted: impl Fn(&View) -> bool) -> View {
        let mut view = self.keeper.view();
        let found = tokio::time::timeout(Duration::from_secs(15), view.wait_for(wanted)).await;
        match found {
            Ok(view) => view.unwrap().clone(),
            Err(_) => panic!("{what} did not come: {:?}", self.keeper.view().borrow()),
        }
    }

    pub async fn ready(&self) {
        self.until("a reader", View::is_ready).await;
    }

    pub async fn hold(&self, card: &Card) -> Insertion {
        cards::serve(card.clone(), self.spec.address()).await.unwrap()
    }

    pub fn order(&self, expected: Medium) -> Order {
        Order {
            expected: Some(expected),
            statement: STATEMENT.to_vec(),
            last_try_allowed: false,
            wait: Duration::from_secs(5),
            limit: Duration::from_secs(5),
            spent: None,
        }
    }

    /// Reads with the PIN 1234, never cancelled.
    pub async fn read(&self, order: Order) -> Ended {
        let (_never, cancelled) = watch::channel(false);
        self.read_until(order, cancelled).await
    }

    pub async fn read_until(&self, order: Order, cancelled: watch::Receiver<bool>) -> Ended {
        let seen = || {
            self.seen.fetch_add(1, Ordering::Relaxed);
        };
        let release = async || {
            self.released.fetch_add(1, Ordering::Relaxed);
            Pin::new(zeroize::Zeroizing::new(*b"1234"))
        };
        carry_out(order, &self.media, self.keeper.view(), cancelled, seen, release).await
    }

    pub async fn outcome(&self, expected: Medium) -> ReadOutcome {
        self.read(self.order(expected)).await.outcome
    }

    pub fn stay(&self) -> Option<Stay> {
        self.keeper.view().borrow().medium
    }
}

pub fn is_signed(outcome: &ReadOutcome) -> bool {
    let certificate = credential().certificate_der().to_vec();
    matches!(outcome, ReadOutcome::Signed { certificate: read, signature, .. }
        if *read == certificate && signature.len() == 256)
}
