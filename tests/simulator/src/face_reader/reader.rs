//! A simulated reader as scripts and people handle it.

use super::{
    link,
    seal::seal,
    slot::{self, SlotCard, Wanted},
    view::{History, Shown, View},
};
use crate::pki::tls::Identity;
use madoguchi_protocol::{
    LaneId, VisitId,
    device::{FromReader, Hello, Screen, SlotMethod, SlotResult, ToReader, VERSION},
    pin,
};
use rustls::pki_types::CertificateDer;
use std::{
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::{
    sync::{mpsc, oneshot, watch},
    task::JoinHandle,
    time::{sleep, timeout},
};
use zeroize::Zeroizing;

/// How long the camera looks.
const FACE_TAKES: Duration = Duration::from_millis(30);
/// How long the patient may take to type the PIN of the slot's card.
const SLOT_PIN_WITHIN: Duration = Duration::from_secs(60);
/// How long a reader that takes phones itself waits for one, and how often it looks.
const PHONE_WITHIN: Duration = Duration::from_secs(20);
const LOOKS_EVERY: Duration = Duration::from_millis(25);
/// Frames that wait to be sent to the box.
const OUTBOX: usize = 32;

/// Who the reader is and where its box listens.
#[derive(Clone)]
pub struct ReaderConfig {
    /// Where the box listens for this lane.
    pub address: SocketAddr,
    /// A name in the box's server certificate.
    pub server_name: String,
    /// The authority of the box's server certificate.
    pub authority: CertificateDer<'static>,
    /// The reader's client certificate.
    pub identity: Identity,
    /// The maker's short name: `panasonic`, `canon`, ….
    pub maker: String,
    /// The model.
    pub model: String,
    /// Software version, dotted numbers.
    pub software: String,
    /// Whether it reads phones itself.
    pub reads_phones: bool,
}

/// Why a touch or a PIN did not get to the box.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TouchError {
    /// The link to the box is down.
    #[error("the reader is not connected to the box; wait until it is, or connect it")]
    NotConnected,
    /// The screen has no such choice.
    #[error("the screen {screen:?} has no choice {choice:?}; it has {offered}")]
    NoSuchChoice {
        /// The screen's kind.
        screen: String,
        /// What was to be touched.
        choice: String,
        /// What could be.
        offered: String,
    },
    /// Nothing asks for a PIN.
    #[error("the screen {0:?} has no PIN pad and the slot asks for no PIN")]
    NoPinPad(String),
    /// Not 4 digits.
    #[error("a PIN has 4 digits")]
    NotAPin,
    /// The box sent a key that can't be used.
    #[error(transparent)]
    Seal(#[from] super::seal::SealError),
    /// The box does not take what the reader says.
    #[error("too many frames wait for the box")]
    Busy,
}

/// One reader. Clones are the same reader; it ends with the last of them.
#[derive(Clone)]
pub struct SimulatedReader(Arc<Owned>);

struct Owned {
    inner: Arc<Inner>,
    task: JoinHandle<()>,
}

impl Drop for Owned {
    fn drop(&mut self) {
        self.task.abort();
    }
}

pub(super) struct Inner {
    pub(super) config: ReaderConfig,
    /// Whether it wants to be connected, and how often it was restarted.
    pub(super) power: watch::Sender<Power>,
    view: watch::Sender<View>,
    state: Mutex<State>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Power {
    pub(super) connect: bool,
    pub(super) boots: u32,
}

#[derive(Default)]
struct State {
    /// Where frames for the box go while it is connected.
    outbox: Option<mpsc::Sender<FromReader>>,
    lane: Option<LaneId>,
    screen: Option<Screen>,
    history: History,
    /// The visit of the screen that the last connection ended with.
    visit_shown_last: Option<VisitId>,
    slot: Option<SlotCard>,
    /// What is held over the reader itself.
    held: Option<SlotCard>,
    /// A reader of Canon's stands in this one's place.
    canon: bool,
    reading: Option<Reading>,
}

/// A [`ToReader::ReadSlot`] in progress.
struct Reading {
    visit: VisitId,
    /// Where the PIN for the slot goes.
    pin: Option<oneshot::Sender<Zeroizing<Vec<u8>>>>,
    task: JoinHandle<()>,
}

impl SimulatedReader {
    /// Switches a reader on. It connects by itself and again whenever the link breaks. Needs a Tokio runtime.
    pub fn start(config: ReaderConfig) -> Result<Self, rustls::Error> {
        let tls = link::client_config(&config)?;
        let inner = Arc::new(Inner {
            config,
            power: watch::Sender::new(Power { connect: true, boots: 1 }),
            view: watch::Sender::new(View { face_matches: true, ..View::default() }),
            state: Mutex::default(),
        });
        let task = tokio::spawn(link::keep_connected(inner.clone(), tls));
        Ok(Self(Arc::new(Owned { inner, task })))
    }

    /// What a person sees now.
    pub fn view(&self) -> View {
        self.0.inner.view.borrow().clone()
    }

    /// Follows what a person sees.
    pub fn follow(&self) -> watch::Receiver<View> {
        self.0.inner.view.subscribe()
    }

    /// Waits until `wanted` holds for what a person sees; nothing when it does not within `limit`.
    pub async fn wait_for(&self, limit: Duration, wanted: impl Fn(&View) -> bool) -> Option<View> {
        let mut view = self.follow();
        let found = timeout(limit, view.wait_for(|view| wanted(view))).await;
        found.ok()?.ok().map(|view| view.clone())
    }

    /// The screens shown after number `sequence`, oldest first; the last 200 are remembered.
    pub fn screens_since(&self, sequence: u64) -> Vec<Shown> {
        self.0.inner.state().history.since(sequence)
    }

    /// Touches a choice on the present screen.
    pub fn touch(&self, choice: &str) -> Result<(), TouchError> {
        let state = self.0.inner.state();
        let screen = state.screen.as_ref().ok_or(TouchError::NotConnected)?;
        if !screen.choices.iter().any(|known| known.id == choice) {
            return Err(TouchError::NoSuchChoice {
                screen: screen.kind.clone(),
                choice: choice.into(),
                offered: screen.choices.iter().map(|known| known.id.as_str()).collect::<Vec<_>>().join(", "),
            });
        }
        state.say(FromReader::Touch { screen: screen.number, choice: choice.into() })
    }

    /// Types a PIN: on the box's PIN pad, where the screen has one (it leaves the reader only sealed), or for
    /// the card in the slot, where the reader asks for it.
    pub fn type_pin(&self, digits: &str) -> Result<(), TouchError> {
        if digits.len() != pin::DIGITS || !digits.bytes().all(|digit| digit.is_ascii_digit()) {
            return Err(TouchError::NotAPin);
        }
        let digits = Zeroizing::new(digits.as_bytes().to_vec());
        let mut state = self.0.inner.state();
        if let Some(pin) = state.reading.as_mut().and_then(|reading| reading.pin.take()) {
            drop(state);
            self.0.inner.change(|view| view.slot_pin_wanted = false);
            return pin.send(digits).map_err(|_| TouchError::NotConnected);
        }
        let (screen, lane) = state.screen.as_ref().zip(state.lane).ok_or(TouchError::NotConnected)?;
        let no_pad = || TouchError::NoPinPad(screen.kind.clone());
        let pad = screen.pin_pad.as_ref().ok_or_else(no_pad)?;
        let sealed = seal(&digits, pad, screen.visit.ok_or_else(no_pad)?, lane)?;
        state.say(FromReader::SealedPin { screen: screen.number, job: pad.job, sealed })
    }

    /// Puts a card into the slot (instead of the one in it), or takes it out.
    pub fn set_slot(&self, card: Option<SlotCard>) {
        let mut state = self.0.inner.state();
        let id = card.as_ref().map(|card| card.id.clone());
        let present = card.is_some();
        state.slot = card;
        let reading = if present { None } else { state.reading.take() };
        // Not connected: the box is told with the next hello.
        state.say(FromReader::SlotCard { present }).ok();
        if let Some(reading) = &reading {
            reading.task.abort();
            state.say(FromReader::SlotResult { visit: reading.visit, result: SlotResult::CardRemoved }).ok();
        }
        drop(state);
        self.0.inner.change(|view| {
            view.slot = id;
            view.slot_pin_wanted &= present;
        });
    }

    /// Whether the camera will take the person for the card's holder.
    pub fn set_face(&self, matches: bool) {
        self.0.inner.change(|view| view.face_matches = matches);
    }

    /// Holds a card or phone over the reader itself, or takes it away. A reader that takes no phones does not notice.
    pub fn set_held(&self, card: Option<SlotCard>) {
        self.0.inner.state().held = card;
    }

    /// Whether it reads phones itself.
    pub fn reads_phones(&self) -> bool {
        self.0.inner.config.reads_phones || self.0.inner.state().canon
    }

    /// Puts a reader of Canon's, which reads phones itself, in this one's place and switches it on.
    pub fn become_canon(&self) {
        self.0.inner.state().canon = true;
        self.restart();
    }

    /// Breaks the link and stays away.
    pub fn disconnect(&self) {
        self.0.inner.power.send_modify(|power| power.connect = false);
    }

    /// Connects again.
    pub fn connect(&self) {
        self.0.inner.power.send_modify(|power| power.connect = true);
    }

    /// Restarts: the link breaks, and the next hello tells of a new boot.
    pub fn restart(&self) {
        // What it showed is forgotten with everything else.
        let mut state = self.0.inner.state();
        state.screen = None;
        state.visit_shown_last = None;
        drop(state);
        self.0.inner.power.send_modify(|power| {
            power.boots += 1;
            power.connect = true;
        });
    }
}

impl State {
    fn say(&self, frame: FromReader) -> Result<(), TouchError> {
        let outbox = self.outbox.as_ref().ok_or(TouchError::NotConnected)?;
        outbox.try_send(frame).map_err(|_| TouchError::Busy)
    }
}

impl Inner {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self, change: impl FnOnce(&mut View)) {
        self.view.send_if_modified(|view| {
            let before = view.clone();
            change(view);
            let changed = *view != before;
            view.change += u64::from(changed);
            changed
        });
    }

    /// How the reader introduces itself.
    pub(super) fn hello(&self) -> Hello {
        let state = self.state();
        Hello {
            version: VERSION,
            maker: if state.canon { "canon".into() } else { self.config.maker.clone() },
            model: self.config.model.clone(),
            software: self.config.software.clone(),
            boot: format!("boot-{}", self.power.borrow().boots),
            reads_phones: self.config.reads_phones || state.canon,
            visit: state.visit_shown_last,
        }
    }

    /// The box welcomed it; what the queue it gets brings is to be sent.
    pub(super) fn welcomed(&self, lane: LaneId) -> mpsc::Receiver<FromReader> {
        let (outbox, to_send) = mpsc::channel(OUTBOX);
        let mut state = self.state();
        state.outbox = Some(outbox);
        state.lane = Some(lane);
        if state.slot.is_some() {
            state.say(FromReader::SlotCard { present: true }).ok();
        }
        drop(state);
        self.change(|view| {
            view.connected = true;
            view.goodbye = None;
        });
        to_send
    }

    pub(super) fn lost(&self) {
        let mut state = self.state();
        state.outbox = None;
        if let Some(screen) = state.screen.take() {
            state.visit_shown_last = screen.visit;
        }
        if let Some(reading) = state.reading.take() {
            reading.task.abort();
        }
        drop(state);
        self.change(|view| {
            view.connected = false;
            view.screen = None;
            view.slot_pin_wanted = false;
        });
    }

    /// Does what the box says. Pings are answered here too.
    pub(super) fn obey(self: &Arc<Self>, frame: ToReader) {
        match frame {
            ToReader::Welcome { .. } => {}
            ToReader::Show(screen) => {
                let mut state = self.state();
                let shown = state.history.note(&screen);
                state.screen = Some(screen);
                drop(state);
                self.change(|view| view.screen = Some(shown));
            }
            ToReader::ReadSlot { visit, method, statement, last_try_allowed } => {
                self.read_slot(visit, method, statement, last_try_allowed);
            }
            ToReader::CancelSlot { visit } => self.cancel_slot(visit),
            ToReader::Ping { number } => {
                self.state().say(FromReader::Pong { number }).ok();
            }
            ToReader::Goodbye { reason } => self.change(|view| view.goodbye = Some(reason)),
        }
    }

    /// What is held over the reader, waited for as long as its screen's patience lasts.
    async fn phone_held(&self) -> Option<SlotCard> {
        let appears = async {
            loop {
                if let Some(card) = self.state().held.clone() {
                    return card;
                }
                sleep(LOOKS_EVERY).await;
            }
        };
        timeout(PHONE_WITHIN, appears).await.ok()
    }

    fn cancel_slot(&self, visit: VisitId) {
        let mut state = self.state();
        if let Some(reading) = state.reading.take_if(|reading| reading.visit == visit) {
            reading.task.abort();
            state.say(FromReader::SlotResult { visit, result: SlotResult::Cancelled }).ok();
        }
        drop(state);
        self.change(|view| view.slot_pin_wanted = false);
    }

    fn read_slot(
        self: &Arc<Self>,
        visit: VisitId,
        method: SlotMethod,
        statement: Vec<u8>,
        last_try_allowed: bool,
    ) {
        let mut state = self.state();
        if let Some(before) = state.reading.take() {
            before.task.abort();
        }
        let by_phone = method.medium().is_phone();
        let in_slot = state.slot.clone();
        if in_slot.is_none() && !by_phone {
            state.say(FromReader::SlotResult { visit, result: SlotResult::CardRemoved }).ok();
            return;
        }
        let (pin, typed) = oneshot::channel();
        let asks_for_pin = matches!(method, SlotMethod::Pin | SlotMethod::Android);
        let inner = self.clone();
        let task = tokio::spawn(async move {
            let pin = if asks_for_pin {
                timeout(SLOT_PIN_WITHIN, typed).await.ok().and_then(Result::ok)
            } else {
                sleep(FACE_TAKES).await;
                Some(Zeroizing::new(Vec::new()))
            };
            let result = match pin {
                None => SlotResult::Cancelled,
                Some(pin) => {
                    let card = if by_phone { inner.phone_held().await } else { in_slot };
                    let face_matches = inner.view.borrow().face_matches;
                    let wanted =
                        Wanted { method, face_matches, pin: &pin, last_try_allowed, statement: &statement };
                    card.map_or(SlotResult::NotReadable, |card| slot::read(&card.card, &wanted))
                }
            };
            let mut state = inner.state();
            if state.reading.take_if(|reading| reading.visit == visit).is_some() {
                state.say(FromReader::SlotResult { visit, result }).ok();
            }
        });
        state.reading = Some(Reading { visit, pin: asks_for_pin.then_some(pin), task });
        drop(state);
        self.change(|view| view.slot_pin_wanted = asks_for_pin);
    }
}
