//! The harness: one actor, its connection, and the decoding between them.

use crate::{
    broker::Access,
    bus::Bus,
    connection::{Connection, Delivery},
    events::{FaultChanged, Message, Refused},
    incoming::{FIGURES, Incoming, RawEvent},
    replies::{Heard, Responder, Standing, reply_topic},
    tally::Tally,
};
use actix::{Actor, Addr, AsyncContext, Context, Handler, fut::wrap_future};
use madoguchi_protocol::{
    Address, Envelope, Topic,
    messages::{
        Commands,
        audit_log::{Entry, RecordEntry},
        state::{Condition, Detail, State},
        supervision::{RESTART, Restart, RestartBegun},
    },
    topic::Direction,
};
use std::{sync::Arc, time::Duration};
use tokio::sync::{Notify, oneshot};

/// Why an actor can't start. The supervisor logs it and tries again.
pub type StartError = Box<dyn std::error::Error + Send + Sync>;

/// An actor of the house.
pub trait BusActor: Actor<Context = Context<Self>> + Handler<Incoming<Self::Commands>> {
    /// What it hears.
    type Commands: Commands;
}

/// A running actor, for its supervisor.
pub(crate) struct Hosted<A: BusActor> {
    addr: Addr<A>,
    bus: Bus,
    /// Ends when the actor stops or panics.
    pub(crate) ended: oneshot::Receiver<()>,
}

/// Wakes a supervisor that is to build an actor anew.
pub(crate) type Wake = Arc<Notify>;

/// Builds an actor and starts it on this thread. `factory` gets the actor's handle to the bus; `wake` is told when
/// somebody who may wants it built anew.
pub(crate) fn start<A: BusActor>(
    access: &Access,
    tally: Arc<Tally>,
    wake: Wake,
    factory: impl FnOnce(Bus) -> Result<A, StartError>,
) -> Result<Hosted<A>, StartError> {
    let connection = Connection::open(access, tally);
    let bus = connection.bus.clone();
    let actor = factory(bus.clone())?;
    let (alive, ended) = oneshot::channel::<()>();
    let addr = A::create(|context| {
        // The context drops this future when the actor stops, and also when it panics.
        context.spawn(wrap_future::<_, A>(async move {
            let _alive = alive;
            std::future::pending::<()>().await;
        }));
        actor
    });
    tokio::spawn(feed(connection, addr.clone(), wake));
    Ok(Hosted { addr, bus, ended })
}

impl<A: BusActor> Hosted<A> {
    /// Asks the actor to put things away, waits up to `patience`, and says that it stopped, or, where it leaves for
    /// good, nothing at all, so that the broker keeps no state of it.
    pub(crate) async fn stop(mut self, patience: Duration, leaves: bool) {
        if self.addr.send(Incoming::Stop).await.is_ok() {
            let _ = tokio::time::timeout(patience, &mut self.ended).await;
        }
        if leaves {
            self.bus.withdraw();
            let gone = async { self.bus.link().wait_for(|up| !up).await.is_ok() };
            let _ = tokio::time::timeout(Duration::from_secs(1), gone).await;
            return;
        }
        self.bus.put_state(State { condition: Condition::Stopped, faults: Vec::new(), detail: Detail::None });
        // Long enough to be written; the last will would otherwise say *lost*.
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// Hands deliveries to the actor one by one. Waiting for each to be handled keeps the actor's own mailbox
/// empty, so the connection's bounded queue is the only one.
async fn feed<A: BusActor>(mut connection: Connection, addr: Addr<A>, wake: Wake) {
    let heard = Heard::default();
    while let Some(delivery) = connection.deliveries.recv().await {
        if let Some(incoming) = decode::<A::Commands>(&connection.bus, &heard, &wake, delivery)
            && addr.send(incoming).await.is_err()
        {
            // The actor has gone: drop the connection, and the broker publishes the last will.
            return;
        }
    }
}

fn decode<C: Commands>(bus: &Bus, heard: &Heard, wake: &Wake, delivery: Delivery) -> Option<Incoming<C>> {
    let (topic, payload) = match delivery {
        Delivery::Link(up) => return Some(Incoming::Link(up)),
        Delivery::Message(topic, payload) => (topic, payload),
    };
    let refuse = |error: &dyn std::fmt::Display| {
        bus.emit(&Refused { what: Message::On(&topic), error });
    };
    match &topic {
        // A state that was withdrawn: its actor no longer exists.
        Topic::State { .. } if payload.is_empty() => None,
        Topic::State { lane, actor } => match Envelope::<State>::decode(&payload, *lane) {
            Ok(state) => Some(Incoming::State(Address { kind: *actor, lane: *lane }, state)),
            Err(error) => {
                refuse(&error);
                None
            }
        },
        Topic::Message { lane, actor, direction: Direction::Event, name } => {
            let (from, name, lane, tally) = (*actor, name.clone(), *lane, bus.0.tally.clone());
            Some(Incoming::Event(RawEvent { from, name, lane, payload, tally }))
        }
        Topic::Figures { lane, actor } => {
            let (from, name, lane, tally) = (*actor, FIGURES.into(), *lane, bus.0.tally.clone());
            Some(Incoming::Event(RawEvent { from, name, lane, payload, tally }))
        }
        Topic::Message { lane, name, direction: Direction::Command, .. } if name == RESTART => {
            match Envelope::<Restart>::decode(&payload, *lane) {
                Ok(command) => restart(bus, heard, wake, &command),
                Err(error) => refuse(&error),
            }
            None
        }
        Topic::Message { lane, name, direction: Direction::Command, actor } => {
            let command = match C::decode(name, &payload, *lane) {
                Ok(command) => command,
                Err(error) => {
                    refuse(&error);
                    return None;
                }
            };
            match heard.hear(command.id) {
                Standing::InProgress => return None,
                Standing::Answered(reply) => {
                    bus.publish(reply_topic(*actor, name, *lane), reply);
                    return None;
                }
                Standing::New => {}
            }
            let Some(facts) = C::FACTS.iter().find(|facts| facts.name == name) else {
                heard.forget(command.id);
                return None;
            };
            let responder = Responder {
                bus: bus.clone(),
                heard: heard.clone(),
                actor: *actor,
                name: facts.name,
                id: command.id,
                lane: *lane,
                visit: command.visit,
            };
            Some(Incoming::Command(command, responder))
        }
        Topic::Message { direction: Direction::Reply, .. } => None,
    }
}

/// Answers a wish for a restart, then has the supervisor carry it out. Repeats of it are answered only.
fn restart(bus: &Bus, heard: &Heard, wake: &Wake, command: &Envelope<Restart>) {
    let Address { kind: actor, lane } = bus.address();
    // What is said on a lane's topics to an actor of the box is none of the box's restarts.
    if command.lane != lane {
        return;
    }
    match heard.hear(command.id) {
        Standing::InProgress => {}
        Standing::Answered(reply) => bus.publish(reply_topic(actor, RESTART, lane), reply),
        Standing::New => {
            let (bus, heard, visit) = (bus.clone(), heard.clone(), command.visit);
            Responder { bus, heard, actor, name: RESTART, id: command.id, lane, visit }
                .reply_with(&RestartBegun {});
            wake.notify_one();
        }
    }
}

impl Bus {
    /// A handle without an actor: for tools and tests that only ask and listen to replies. Everything else
    /// that reaches it is dropped.
    pub fn connect(access: &Access, address: Address) -> BusClient {
        let mut connection = Connection::open(access, Arc::new(Tally::new(address)));
        let bus = connection.bus.clone();
        let drain = tokio::spawn(async move { while connection.deliveries.recv().await.is_some() {} });
        BusClient { bus, drain }
    }

    /// Records in the audit log, in the background and repeated until it is recorded.
    pub fn record(
        &self,
        lane: Option<madoguchi_protocol::LaneId>,
        visit: Option<madoguchi_protocol::VisitId>,
        entry: Entry,
    ) {
        self.record_at(jiff::Timestamp::now(), lane, visit, entry);
    }

    /// The same, of what happened at a time that is known better. A fault's beginning and end are logged and counted
    /// with it.
    pub fn record_at(
        &self,
        at: jiff::Timestamp,
        lane: Option<madoguchi_protocol::LaneId>,
        visit: Option<madoguchi_protocol::VisitId>,
        entry: Entry,
    ) {
        match entry {
            Entry::FaultRaised(fault) => self.emit(&FaultChanged { fault, lasts: true }),
            Entry::FaultCleared(fault) => self.emit(&FaultChanged { fault, lasts: false }),
            _ => {}
        }
        self.tell(lane, visit, RecordEntry { at, entry });
    }
}

/// See [`Bus::connect`]. Ends its connection when dropped.
#[derive(Debug)]
pub struct BusClient {
    /// The handle.
    pub bus: Bus,
    drain: tokio::task::JoinHandle<()>,
}

impl Drop for BusClient {
    fn drop(&mut self) {
        self.drain.abort();
    }
}
