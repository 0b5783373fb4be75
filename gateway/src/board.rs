//! What the gateway knows of every actor: the newest state of each, gathered from the bus.

use crate::phones::Wanted;
use actix::{Actor, ActorContext, AsyncContext, Context, Handler};
use jiff::Timestamp;
use madoguchi::figures::{Figures, LaneResult, Outcome};
use madoguchi_bus::{Bus, BusActor, Faults, Incoming, RawEvent};
use madoguchi_protocol::{
    Address, Envelope, LaneId, MessageId,
    envelope::{EnvelopeError, VERSION},
    fault::FaultCode,
    figures::Admitted,
    messages::{
        CommandFacts, Commands,
        audit_log::Entry,
        offline_queue::ConfirmationSettled,
        state::{Condition, Detail, Standing, State, SupervisedActor},
    },
};
use std::{collections::BTreeMap, time::Duration};
use tokio::sync::{broadcast, watch};

/// The newest state of each actor.
pub type States = BTreeMap<Address, Envelope<State>>;

/// What an actor has counted.
#[derive(Clone, Debug, Default)]
pub struct Counted {
    /// As far as the table of families foresees it.
    pub series: Vec<Admitted>,
    /// Series that it does not foresee, in all.
    pub refused: u64,
}

/// What each actor has counted.
pub type Tallies = BTreeMap<Address, Counted>;

/// How every actor of this process stands with the supervisor.
pub type Standings = BTreeMap<Address, SupervisedActor>;

/// Results that a listener may be behind before it misses some.
pub const RESULTS: usize = 256;

/// Where the keeper puts what it gathers.
#[derive(Clone, Debug)]
pub struct Boards {
    /// The newest state of each actor.
    pub states: watch::Sender<States>,
    /// What each actor has counted.
    pub tallies: watch::Sender<Tallies>,
    /// The figures of each lane.
    pub figures: watch::Sender<Figures>,
    /// What visits come to, as it happens.
    pub results: broadcast::Sender<LaneResult>,
    /// The lanes that are to take phones.
    pub phones_wanted: watch::Sender<Wanted>,
    /// Whether changed files of the page's certificate are not taken up.
    pub page_certificate_untaken: watch::Sender<bool>,
    /// Since when phones have been down, also before this program started; kept by [`crate::phones::keep`].
    pub phones_down: watch::Sender<Option<Timestamp>>,
}

impl Default for Boards {
    fn default() -> Self {
        Self {
            states: watch::channel(States::new()).0,
            tallies: watch::channel(Tallies::new()).0,
            figures: watch::channel(Figures::default()).0,
            results: broadcast::channel(RESULTS).0,
            page_certificate_untaken: watch::channel(false).0,
            phones_wanted: watch::channel(None).0,
            phones_down: watch::channel(None).0,
        }
    }
}

/// How often the supervisor's view is compared with what was said last.
const COMPARE: Duration = Duration::from_millis(500);
/// How long the first connection to the broker may take before that is a fault.
const FIRST_CONNECTION: Duration = Duration::from_secs(5);

/// The gateway's own actor: it keeps the board, and says how the supervisor's actors stand.
pub struct BoardKeeper {
    bus: Bus,
    boards: Boards,
    standings: watch::Receiver<Standings>,
    /// Whether changed files of the page's certificate are not taken up.
    untaken: watch::Receiver<bool>,
    /// Whether the broker was reached.
    linked: bool,
    /// Of the box itself; every other actor has its own.
    faults: Faults,
}

impl BoardKeeper {
    /// Keeps `boards`; tells the bus of `standings` as they change. `fell_back`: the newest update did not run well.
    pub fn new(bus: Bus, boards: Boards, standings: watch::Receiver<Standings>, fell_back: bool) -> Self {
        let mut faults = Faults::new(bus.clone());
        faults.set(FaultCode::UpdateFellBack, fell_back);
        let untaken = boards.page_certificate_untaken.subscribe();
        Self { bus, boards, standings, untaken, linked: false, faults }
    }

    /// Says how the supervisor's actors stand and what is wrong with the box, on the bus and, since the bus
    /// itself may be what is wrong, on the board.
    fn show(&mut self) {
        let actors: Vec<_> = self.standings.borrow_and_update().values().cloned().collect();
        let gave_up = actors.iter().any(|actor| actor.standing == Standing::GaveUp);
        self.faults.set(FaultCode::ActorGaveUp, gave_up);
        self.faults.set(FaultCode::BoxCertificateNotTaken, *self.untaken.borrow_and_update());
        let faults = self.faults.list();
        let detail = Detail::Gateway { actors };
        self.bus.set_state(faults.clone(), detail.clone());
        let state = State { condition: Condition::Running, faults, detail };
        self.note(self.bus.address(), own(state));
    }

    fn note(&mut self, of: Address, state: Envelope<State>) {
        let mut result = None;
        self.boards.figures.send_modify(|figures| result = figures.see(of, &state.body, state.at));
        self.boards.states.send_modify(|board| {
            board.insert(of, state);
        });
        self.tell(result);
    }

    /// An answer that came after its visit is a result of its own; one during the visit is told by the visit's end.
    fn settled(&self, said: Envelope<ConfirmationSettled>) {
        let (Some(visit), Some(lane)) = (said.visit, said.lane) else { return };
        let settlement = said.body.settlement;
        if settlement.deferred {
            let outcome = Outcome::Settled(settlement);
            self.tell(Some(LaneResult { visit, lane, at: said.at, medium: None, outcome }));
        }
    }

    fn tell(&self, result: Option<LaneResult>) {
        if let Some(result) = result {
            // Nobody may be listening.
            let _ = self.boards.results.send(result);
        }
    }

    /// Takes the new counts of an actor in place of its last.
    fn count(&self, event: &RawEvent) {
        let Some(figures) = event.figures() else { return };
        let of = event.from();
        let (series, refused) = figures.admitted(of.kind);
        self.boards.tallies.send_modify(|tallies| {
            let counted = tallies.entry(of).or_default();
            counted.series = series;
            counted.refused += refused;
        });
    }

    fn link(&mut self, up: bool) {
        self.linked = up;
        self.faults.set(FaultCode::BrokerLost, !up);
        self.show();
    }
}

/// The gateway's own state, as if it had come over the bus.
fn own(body: State) -> Envelope<State> {
    let (id, at) = (MessageId::random(), Timestamp::now());
    Envelope { v: VERSION, id, in_reply_to: None, visit: None, lane: None, at, body }
}

impl Actor for BoardKeeper {
    type Context = Context<Self>;

    fn started(&mut self, context: &mut Self::Context) {
        self.bus.record(None, None, Entry::GatewayStarted);
        self.show();
        context.run_interval(COMPARE, |keeper, _| {
            let untaken = keeper.untaken.has_changed().unwrap_or(false);
            if untaken || keeper.standings.has_changed().unwrap_or(false) {
                keeper.show();
            }
        });
        context.run_later(FIRST_CONNECTION, |keeper, _| {
            if !keeper.linked {
                keeper.link(false);
            }
        });
    }
}

/// The gateway hears no commands.
#[derive(Debug)]
pub enum NoCommands {}

impl Commands for NoCommands {
    const FACTS: &'static [CommandFacts] = &[];
    fn decode(_: &str, _: &[u8], _: Option<LaneId>) -> Result<Envelope<Self>, EnvelopeError> {
        Err(EnvelopeError::Name)
    }
}

impl BusActor for BoardKeeper {
    type Commands = NoCommands;
}

impl Handler<Incoming<NoCommands>> for BoardKeeper {
    type Result = ();

    fn handle(&mut self, incoming: Incoming<NoCommands>, context: &mut Self::Context) {
        match incoming {
            Incoming::State(of, state) => self.note(of, state),
            Incoming::Link(up) => self.link(up),
            Incoming::Stop => {
                self.bus.record(None, None, Entry::GatewayStopped);
                // The other actors stop at the same time; the record gets as far as it can.
                context.run_later(Duration::from_millis(300), |_, context| context.stop());
            }
            Incoming::Command(envelope, _) => match envelope.body {},
            Incoming::Event(event) => {
                self.count(&event);
                if let Some(said) = event.read::<ConfirmationSettled>() {
                    self.settled(said);
                }
            }
        }
    }
}
