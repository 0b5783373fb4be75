//! The conductor of a lane: feeds [`Visit`] with what the patient did and what the bus said, and carries out
//! what it wants done. It decides nothing about a visit itself.

use crate::{
    connection::Timings,
    interrupted::Interrupted,
    link::{FaceReaderLink, LinkEvent},
    meter::Meter,
    phones::Phones,
    rehearsal::Rehearsal,
    settings::{Settings, SetupError, Surroundings},
    stopwatch::Stopwatch,
    tls::TlsLink,
};
use actix::{Actor, ActorContext, ActorFutureExt, AsyncContext, Context, Handler, SpawnHandle, WrapFuture};
use jiff::Timestamp;
use madoguchi_bus::{
    Bus, BusActor, Faults, Incoming, RawEvent, Responder,
    events::{DeviceLinkCame, DeviceLinkRefused, PinJudged},
};
use madoguchi_protocol::{
    ActorKind, Address, Envelope, LaneId, RequestId, VisitId,
    device::{FromReader, Hello, Screen, SlotResult, ToReader},
    evidence::{Medium, VerifiedBy},
    fault::FaultCode,
    messages::{
        audit_log::{Entry, VisitEnd},
        face_reader::{ActAsStaff, FaceReaderCommand, StaffActed},
        nfc_reader::ReadProgress,
        offline_queue::ConfirmationSettled,
        state::{Condition, Detail, EndedVisit, ReaderIdentity, State},
    },
};
use madoguchi_reception::{Fresh, Input, Visit, makers::Wording, readiness::Readiness};
use std::time::Duration;
use tokio::sync::{mpsc, watch};

/// Frames that may wait for the link; beyond that the newest screen is all that matters, and the link is dying.
const OUTBOX: usize = 32;
/// See [`FaceReader::refused`].
const REFUSALS_TOLD_AFTER: Duration = Duration::from_secs(1);
/// What a stopping lane leaves the patient's last screen and the visit's last records to get out.
const FAREWELL: Duration = Duration::from_millis(300);

/// A lane's face-auth reader and its visit. One for each lane.
pub struct FaceReader<L: FaceReaderLink = TlsLink> {
    pub(crate) bus: Bus,
    pub(crate) lane: LaneId,
    pub(crate) visit: Visit,
    meter: Meter,
    phones: Phones,
    pub(crate) rehearsal: Rehearsal,
    /// Of the connected reader's maker.
    pub(crate) wording: Wording,
    /// Until the actor has started.
    link: Option<L>,
    outbox: mpsc::Sender<ToReader>,
    to_send: Option<mpsc::Receiver<ToReader>>,
    reader: Option<Hello>,
    pub(crate) faults: Faults,
    pub(crate) interrupted: Interrupted,
    pub(crate) visits_ended: u64,
    links_refused: u64,
    /// A refusal was counted and is not published yet.
    refusal_waits: bool,
    pub(crate) last_ended: Option<EndedVisit>,
    pub(crate) stopwatch: Stopwatch,
    /// Runs until the visit's present deadline.
    pub(crate) deadline: Option<SpawnHandle>,
    /// The question to `nfc_reader` that has no answer yet.
    pub(crate) reading: Option<SpawnHandle>,
    /// The confirmation that the patient waits for.
    pub(crate) confirming: Option<RequestId>,
    /// Who waits for the answer to a staff act.
    pub(crate) staff: Option<Responder>,
    phones_ready: bool,
    /// Whether changed certificate files of the link are not taken up; until the actor has started.
    untaken: Option<watch::Receiver<bool>>,
}

impl FaceReader {
    /// A lane whose reader connects over TLS. Needs a Tokio runtime; listens at once.
    pub fn new(bus: Bus, settings: &Settings, surroundings: Surroundings) -> Result<Self, SetupError> {
        settings.deadlines.check()?;
        settings.check_rehearsal()?;
        let link = TlsLink::start(surroundings.premises.lane, &settings.link(), Timings::default())?;
        let untaken = Some(link.certificate_untaken());
        Ok(Self { untaken, ..Self::with_link(bus, link, settings, surroundings) })
    }
}

impl<L: FaceReaderLink> FaceReader<L> {
    /// A lane whose reader is reached through another adapter.
    pub fn with_link(bus: Bus, link: L, settings: &Settings, surroundings: Surroundings) -> Self {
        let lane = surroundings.premises.lane;
        let visit = Visit::new(surroundings.premises.clone(), settings.deadlines, surroundings.language);
        let (outbox, to_send) = mpsc::channel(OUTBOX);
        Self {
            faults: Faults::new(bus.clone()),
            bus,
            lane,
            visit,
            meter: Meter::default(),
            interrupted: Interrupted::new(surroundings.language, settings.deadlines.result),
            wording: Wording::default(),
            phones: Phones::new(surroundings, settings.phone_setup.clone()),
            rehearsal: Rehearsal::new(settings.rehearsal_minutes),
            link: Some(link),
            outbox,
            to_send: Some(to_send),
            reader: None,
            visits_ended: 0,
            links_refused: 0,
            refusal_waits: false,
            last_ended: None,
            stopwatch: Stopwatch::default(),
            deadline: None,
            reading: None,
            confirming: None,
            staff: None,
            phones_ready: false,
            untaken: None,
        }
    }

    /// Takes one input to the visit, carries out what follows, and says how the lane stands.
    pub(crate) fn feed(&mut self, input: Input, context: &mut Context<Self>) {
        self.step(input, context);
        let ready = self.phones.ready(Timestamp::now());
        if ready != self.phones_ready {
            self.phones_ready = ready;
            self.step(Input::PhonesReady(ready), context);
        }
        self.follow_rehearsal(context);
        self.publish();
    }

    fn step(&mut self, input: Input, context: &mut Context<Self>) {
        let now = Timestamp::now();
        let mut nonce = [0; 16];
        if let Err(error) = getrandom::fill(&mut nonce) {
            // Without random numbers no statement can be made; deadlines bring the lane back to idle.
            tracing::error!(lane = %self.lane, %error, "no random numbers");
            return;
        }
        let fresh = Fresh { visit: VisitId::random(), request: RequestId::random(), nonce };
        self.meter.input(&input, now);
        let outputs = self.visit.step(input, now, fresh);
        let present = self.visit.in_progress();
        for output in outputs {
            self.meter.output(&output, present.as_ref(), now, self.bus.tally());
            self.carry_out(output, now, context);
        }
        self.stopwatch.see(self.visit.in_progress().as_ref(), now);
    }

    fn publish(&mut self) {
        let identity = |hello: &Hello| ReaderIdentity {
            maker: hello.maker.clone(),
            model: hello.model.clone(),
            software: hello.software.clone(),
            boot: hello.boot.clone(),
        };
        let detail = Detail::FaceReader {
            connected: self.reader.is_some(),
            reader: self.reader.as_ref().map(identity),
            phones_offered: self.visit.phones_offered(),
            phones_since: self.phones.readiness().and_then(Readiness::since),
            phones_unmet: self.phones.readiness().map(Readiness::unmet).unwrap_or_default(),
            visit: self.visit.in_progress(),
            rehearsal: self.visit.rehearsal(),
            visits_ended: self.visits_ended,
            links_refused: self.links_refused,
            // Practice is no figure of the lane.
            last_visit: self.last_ended.filter(|ended| ended.end != VisitEnd::Practised),
        };
        self.bus.set_state(self.faults.list(), detail);
    }

    pub(crate) fn say(&self, frame: ToReader) {
        if self.outbox.try_send(frame).is_err() {
            tracing::warn!(lane = %self.lane, "a frame was dropped: the device link takes none");
        }
    }

    pub(crate) fn show(&self, screen: Screen) {
        self.say(ToReader::Show(screen));
    }

    pub(crate) fn record(&self, at: Timestamp, visit: Option<VisitId>, entry: Entry) {
        self.bus.record_at(at, Some(self.lane), visit, entry);
    }

    fn reader_came(&mut self, hello: Hello, context: &mut Context<Self>) {
        if self.reader.is_some() {
            // One connection replaced another: what the old one was in the middle of is lost with it.
            self.reader_went(context);
        }
        self.bus.emit(&DeviceLinkCame);
        let now = Timestamp::now();
        self.phones.face_reader(Some(&hello), now);
        self.faults.set_at(FaultCode::FaceReaderLost, false, now);
        let shown = hello.visit;
        self.reader = Some(hello);
        self.wording = self.phones.wording();
        self.step(Input::ReadsPhones(self.phones.read_by_face_reader()), context);
        if shown.is_some_and(|visit| self.was_cut_short(visit)) {
            let screen = self.interrupted.begin();
            self.show(screen);
            let over = context.run_later(self.interrupted.lasts(), Self::interruption_read);
            self.interrupted.until(over);
            self.feed(Input::Link { up: true }, context);
        } else {
            self.feed(Input::Link { up: true }, context);
        }
    }

    /// Whether the reader shows a visit that neither goes on nor came to a good end.
    fn was_cut_short(&self, shown: VisitId) -> bool {
        let goes_on = self.visit.in_progress().is_some_and(|present| present.visit == shown);
        let ended_well =
            self.last_ended.is_some_and(|last| last.visit == shown && last.end != VisitEnd::Interrupted);
        !goes_on && !ended_well
    }

    /// The patient has read that the visit was interrupted: the lane's present screen follows.
    pub(crate) fn interruption_read(&mut self, context: &mut Context<Self>) {
        if self.interrupted.end(context) && self.reader.is_some() {
            self.feed(Input::Link { up: true }, context);
        }
    }

    fn reader_went(&mut self, context: &mut Context<Self>) {
        let now = Timestamp::now();
        self.reader = None;
        self.interrupted.end(context);
        self.phones.face_reader(None, now);
        self.faults.set_at(FaultCode::FaceReaderLost, true, now);
        self.feed(Input::Link { up: false }, context);
    }

    /// Counts a refusal; a flood of them becomes one publication each second.
    fn refused(&mut self, context: &mut Context<Self>) {
        self.links_refused += 1;
        self.bus.emit(&DeviceLinkRefused);
        if !std::mem::replace(&mut self.refusal_waits, true) {
            context.run_later(REFUSALS_TOLD_AFTER, |actor, _| {
                actor.refusal_waits = false;
                actor.publish();
            });
        }
    }

    /// Has the fault of a certificate that is not taken up follow.
    fn follow_certificate(&self, mut untaken: watch::Receiver<bool>, context: &mut Context<Self>) {
        let changed = async move { untaken.changed().await.is_ok().then_some(untaken) };
        context.spawn(changed.into_actor(self).map(|untaken, actor, context| {
            let Some(mut untaken) = untaken else { return };
            let is = *untaken.borrow_and_update();
            actor.faults.set_at(FaultCode::BoxCertificateNotTaken, is, Timestamp::now());
            actor.publish();
            actor.follow_certificate(untaken, context);
        }));
    }

    fn hear(&mut self, frame: FromReader, context: &mut Context<Self>) {
        match frame {
            FromReader::Touch { screen, choice } => {
                if self.interrupted.is_touched(screen, &choice) {
                    self.interruption_read(context);
                } else {
                    self.feed(Input::Touch { screen, choice }, context);
                }
            }
            FromReader::SealedPin { screen, job, sealed } => {
                self.feed(Input::PinSealed { screen, job, sealed }, context);
            }
            FromReader::SlotCard { present } => self.feed(Input::SlotCard { present }, context),
            FromReader::SlotResult { visit, result } => {
                self.judge_pin(visit, &result);
                self.feed(Input::Slot { visit, result }, context);
            }
            // The link itself answers for these.
            FromReader::Hello(_) | FromReader::Pong { .. } => {}
        }
    }

    /// Counts what became of a PIN that the reader's own slot took.
    fn judge_pin(&self, visit: VisitId, result: &SlotResult) {
        let outcome = match result {
            SlotResult::Signed { verified_by: VerifiedBy::Pin, .. } => "verified",
            SlotResult::WrongPin { .. } => "wrong",
            SlotResult::LastTry => "last_try",
            SlotResult::Locked => "locked",
            _ => return,
        };
        let medium = self.meter.medium().unwrap_or(Medium::MyNumberCard);
        self.bus.emit(&PinJudged { visit: Some(visit), medium, outcome });
    }

    fn neighbour(&mut self, from: Address, state: State, context: &mut Context<Self>) {
        let running = state.condition == Condition::Running;
        match (from.kind, state.detail) {
            (ActorKind::NfcReader, detail) if from.lane == Some(self.lane) => {
                let name = match detail {
                    Detail::NfcReader { reader, ready: true } if running => reader,
                    _ => None,
                };
                let usable = name.is_some();
                self.phones.generic_reader(name);
                self.feed(Input::NfcReader { usable }, context);
            }
            (ActorKind::Uplink, detail) => {
                let up = running && matches!(detail, Detail::Uplink { reachable: true, .. });
                self.feed(Input::Line { up }, context);
            }
            _ => {}
        }
    }

    fn event(&mut self, event: &RawEvent, context: &mut Context<Self>) {
        if let Some(Envelope { visit: Some(visit), body: progress, .. }) = event.read::<ReadProgress>() {
            self.feed(Input::Progress { visit, progress }, context);
        } else if let Some(settled) = event.read::<ConfirmationSettled>() {
            self.feed(Input::Settled(settled.body), context);
        }
    }

    fn command(
        &mut self,
        envelope: Envelope<FaceReaderCommand>,
        responder: Responder,
        context: &mut Context<Self>,
    ) {
        let FaceReaderCommand::ActAsStaff(ActAsStaff { act, by }) = envelope.body;
        // Staff act on the visit that they see: one that has been followed by another is left alone.
        let present = self.visit.in_progress().map(|visit| visit.visit);
        if envelope.visit.is_some() && envelope.visit != present {
            return responder.reply::<ActAsStaff>(&StaffActed::NotNow);
        }
        self.staff = Some(responder);
        self.feed(Input::Staff(act, by), context);
    }

    /// The patient is told, the reader is let go, and the context ends when both are on their way.
    fn stop(&mut self, context: &mut Context<Self>) {
        self.interrupted.end(context);
        self.feed(Input::Stopping, context);
        self.say(ToReader::Goodbye { reason: "the gateway stops".into() });
        context.run_later(FAREWELL, |_, context| context.stop());
    }
}

impl<L: FaceReaderLink> Actor for FaceReader<L> {
    type Context = Context<Self>;

    fn started(&mut self, context: &mut Self::Context) {
        let now = Timestamp::now();
        self.phones.ready(now);
        if let Some(untaken) = self.untaken.take() {
            self.follow_certificate(untaken, context);
        }
        // Until the reader has come, it is not there.
        self.faults.set_at(FaultCode::FaceReaderLost, true, now);
        self.publish();
        let (Some(link), Some(to_send)) = (self.link.take(), self.to_send.take()) else { return };
        // A future of this context: it ends with the actor, and the link with it.
        context.spawn(pump(link, to_send, context.address()).into_actor(self).map(|(), _, _| ()));
    }
}

/// Carries events from the link to the actor and frames from the actor to the link.
async fn pump<L: FaceReaderLink>(
    mut link: L,
    mut to_send: mpsc::Receiver<ToReader>,
    actor: actix::Addr<FaceReader<L>>,
) {
    loop {
        tokio::select! {
            event = link.receive() => {
                if actor.send(Heard(event)).await.is_err() {
                    return;
                }
            }
            Some(frame) = to_send.recv() => {
                // Nobody is connected: there is nobody to show it to, and the next hello brings a new screen.
                let _ = link.send(frame).await;
            }
        }
    }
}

/// What the link said.
struct Heard(LinkEvent);

impl actix::Message for Heard {
    type Result = ();
}

impl<L: FaceReaderLink> Handler<Heard> for FaceReader<L> {
    type Result = ();

    fn handle(&mut self, Heard(event): Heard, context: &mut Self::Context) {
        match event {
            LinkEvent::Up(hello) => self.reader_came(hello, context),
            LinkEvent::Frame(frame) => self.hear(frame, context),
            LinkEvent::Down(end) => {
                if end.is_refusal() {
                    self.refused(context);
                }
                self.reader_went(context);
            }
            LinkEvent::Refused(_) => self.refused(context),
        }
    }
}

impl<L: FaceReaderLink> BusActor for FaceReader<L> {
    type Commands = FaceReaderCommand;
}

impl<L: FaceReaderLink> Handler<Incoming<FaceReaderCommand>> for FaceReader<L> {
    type Result = ();

    fn handle(&mut self, incoming: Incoming<FaceReaderCommand>, context: &mut Self::Context) {
        match incoming {
            Incoming::Command(envelope, responder) => self.command(envelope, responder, context),
            Incoming::Event(event) => self.event(&event, context),
            Incoming::State(from, state) => self.neighbour(from, state.body, context),
            // Questions are repeated by the bus, states are said again: nothing to do here.
            Incoming::Link(_) => {}
            Incoming::Stop => self.stop(context),
        }
    }
}
