//! What the gateway knows of every actor: the newest state of each, gathered from the bus.

use actix::{Actor, ActorContext, AsyncContext, Context, Handler};
use madoguchi_bus::{Bus, BusActor, Incoming};
use madoguchi_protocol::{
    Address, Envelope, LaneId,
    envelope::EnvelopeError,
    messages::{
        CommandFacts, Commands,
        audit_log::Entry,
        state::{ActiveFault, Detail, State, SupervisedActor},
    },
};
use std::{collections::BTreeMap, time::Duration};
use tokio::sync::watch;

/// The newest state of each actor.
pub type States = BTreeMap<Address, Envelope<State>>;

/// How every actor of this process stands with the supervisor.
pub type Standings = BTreeMap<Address, SupervisedActor>;

/// How often the supervisor's view is compared with what was said last.
const COMPARE: Duration = Duration::from_millis(500);

/// The gateway's own actor: it keeps the board, and says how the supervisor's actors stand.
pub struct BoardKeeper {
    bus: Bus,
    board: watch::Sender<States>,
    standings: watch::Receiver<Standings>,
    known_faults: BTreeMap<Address, Vec<ActiveFault>>,
}

impl BoardKeeper {
    /// Keeps `board`; tells the bus of `standings` as they change.
    pub fn new(bus: Bus, board: watch::Sender<States>, standings: watch::Receiver<Standings>) -> Self {
        Self { bus, board, standings, known_faults: BTreeMap::new() }
    }

    fn say_standings(&mut self) {
        let actors = self.standings.borrow_and_update().values().cloned().collect();
        self.bus.set_state(Vec::new(), Detail::Gateway { actors });
    }

    /// Records each beginning and end of a fault once.
    fn record_changes(&mut self, of: Address, faults: &[ActiveFault]) {
        let known = self.known_faults.insert(of, faults.to_vec()).unwrap_or_default();
        let is_in = |code, list: &[ActiveFault]| list.iter().any(|fault| fault.code == code);
        for fault in faults.iter().filter(|fault| !is_in(fault.code, &known)) {
            self.bus.record(of.lane, None, Entry::FaultRaised(fault.code));
        }
        for fault in known.iter().filter(|fault| !is_in(fault.code, faults)) {
            self.bus.record(of.lane, None, Entry::FaultCleared(fault.code));
        }
    }
}

impl Actor for BoardKeeper {
    type Context = Context<Self>;

    fn started(&mut self, context: &mut Self::Context) {
        self.bus.record(None, None, Entry::GatewayStarted);
        self.say_standings();
        context.run_interval(COMPARE, |keeper, _| {
            if keeper.standings.has_changed().unwrap_or(false) {
                keeper.say_standings();
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
            Incoming::State(of, state) => {
                self.record_changes(of, &state.body.faults);
                self.board.send_modify(|board| {
                    board.insert(of, state);
                });
            }
            Incoming::Stop => {
                self.bus.record(None, None, Entry::GatewayStopped);
                // The other actors stop at the same time; the record gets as far as it can.
                context.run_later(Duration::from_millis(300), |_, context| context.stop());
            }
            Incoming::Command(envelope, _) => match envelope.body {},
            Incoming::Event(_) | Incoming::Link(_) => {}
        }
    }
}
