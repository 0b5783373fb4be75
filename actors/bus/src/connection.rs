//! The connection of one actor to the broker.

use crate::{
    broker::Access,
    bus::{Bus, OUTGOING, Shared, state_bytes},
    events::{Direction as Way, Dropped, LinkLost, Message, Refused},
    manifest::Manifest,
    tally::Tally,
    tap,
};
use madoguchi_protocol::{
    Address, Envelope, MessageId, Topic,
    envelope::VERSION,
    figures::Figures,
    messages::state::{Condition, Detail, State},
    topic::Direction,
};
use rumqttc::Transport;
use rumqttc::v5::mqttbytes::{
    QoS,
    v5::{Filter, LastWill, Packet, Publish},
};
use rumqttc::v5::{AsyncClient, Event, EventLoop, MqttOptions};
use serde::de::IgnoredAny;
use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::{
    sync::{mpsc, watch},
    task::JoinHandle,
    time::{Instant, MissedTickBehavior, interval_at, sleep, timeout},
};

/// The broker pings an idle client's absence at one and a half of this.
const KEEP_ALIVE: Duration = Duration::from_secs(5);
/// Nothing at all from the broker for this long, not even a ping's answer: build the connection anew.
const STALLED: Duration = Duration::from_secs(12);
/// Between two attempts to connect.
const RETRY_FIRST: Duration = Duration::from_millis(50);
const RETRY_LAST: Duration = Duration::from_secs(2);
/// States that may wait for the broker's acknowledgement. rumqttc sets a place aside for each, by default
/// for 65,535 of them: 13 MiB for every actor.
const UNACKNOWLEDGED: u16 = 256;
/// How often an actor's figures are said, where they changed.
const FIGURES_EVERY: Duration = Duration::from_secs(5);
/// A message and its topic; the payload is bounded again when it is decoded.
pub(crate) const MAX_PACKET: u32 = 66 * 1024;

/// What came from the broker, replies aside.
pub(crate) enum Delivery {
    /// A command, an event or a state.
    Message(Topic, Vec<u8>),
    /// The connection came up or broke.
    Link(bool),
}

/// The tasks of one connection; dropped, they end and the broker publishes the last will.
pub(crate) struct Connection {
    pub(crate) bus: Bus,
    pub(crate) deliveries: mpsc::Receiver<Delivery>,
    tasks: Vec<JoinHandle<()>>,
}

impl Drop for Connection {
    fn drop(&mut self) {
        for task in &self.tasks {
            task.abort();
        }
    }
}

impl Connection {
    /// Connects in the name of the actor whose counts these are, and goes on trying.
    pub(crate) fn open(access: &Access, tally: Arc<Tally>) -> Self {
        let address = tally.address();
        let manifest = Manifest::get();
        let (outgoing, to_send) = mpsc::channel(OUTGOING);
        let (delivered, deliveries) = mpsc::channel(manifest.entry(address.kind).mailbox);
        let (state, state_changes) = watch::channel(None);
        let (withdraw, withdrawn) = watch::channel(false);
        let bus = Bus(Arc::new(Shared {
            address,
            tally: tally.clone(),
            outgoing,
            state,
            withdrawn: withdraw,
            link: watch::channel(false).0,
            waiting: Mutex::new(HashMap::new()),
        }));
        let (clients, client) = watch::channel(None);
        let filters = filters(manifest, address);
        let writer = Writer { address, tally, client, to_send, state_changes, withdrawn, filters };
        let reader = Reader { access: access.clone(), bus: bus.clone(), delivered, clients };
        let tasks = vec![tokio::spawn(reader.run()), tokio::spawn(writer.run())];
        Self { bus, deliveries, tasks }
    }
}

fn filters(manifest: &Manifest, address: Address) -> Vec<String> {
    let mut filters = manifest.reads(address);
    // Overlapping filters would deliver a message twice.
    filters.sort();
    filters.dedup();
    filters
}

fn state_topic(address: Address) -> String {
    Topic::State { lane: address.lane, actor: address.kind }.to_string()
}

fn figures_topic(address: Address) -> String {
    Topic::Figures { lane: address.lane, actor: address.kind }.to_string()
}

/// Figures in their envelope. That they fit is a test of the table's.
fn figures_bytes(address: Address, figures: &Figures) -> Option<Vec<u8>> {
    let (id, at) = (MessageId::random(), jiff::Timestamp::now());
    let Address { lane, .. } = address;
    Envelope { v: VERSION, id, in_reply_to: None, visit: None, lane, at, body: figures }.encode().ok()
}

/// Polls the broker and hands out what comes. The only task that touches the event loop, so that it never
/// waits for anything but the broker.
struct Reader {
    access: Access,
    bus: Bus,
    delivered: mpsc::Sender<Delivery>,
    clients: watch::Sender<Option<AsyncClient>>,
}

impl Reader {
    async fn run(self) {
        let mut pause = RETRY_FIRST;
        loop {
            match self.connect() {
                Ok((client, events)) => {
                    let since = Instant::now();
                    let why = self.read(client, events).await;
                    if self.bus.0.link.send_replace(false) {
                        self.deliver(Delivery::Link(false));
                        self.bus.emit(&LinkLost { why: &why });
                        if since.elapsed() > RETRY_LAST {
                            pause = RETRY_FIRST;
                        }
                    }
                }
                Err(error) => tracing::warn!(actor = %self.bus.address(), %error, "no access to the broker"),
            }
            self.clients.send_replace(None);
            if self.bus.has_withdrawn() {
                return;
            }
            sleep(pause).await;
            pause = (pause * 2).min(RETRY_LAST);
        }
    }

    fn connect(&self) -> Result<(AsyncClient, EventLoop), std::io::Error> {
        let address = self.bus.address();
        let account = crate::broker::account(address);
        let password = self.access.password(address)?;
        let mut options = MqttOptions::new(account.clone(), self.access.socket.to_string_lossy(), 0);
        options
            .set_transport(Transport::unix())
            .set_credentials(account, password)
            .set_keep_alive(KEEP_ALIVE)
            .set_clean_start(true)
            .set_outgoing_inflight_upper_limit(UNACKNOWLEDGED)
            .set_max_packet_size(Some(MAX_PACKET));
        let lost = State { condition: Condition::Lost, faults: Vec::new(), detail: Detail::None };
        if let Ok(will) = state_bytes(address, lost) {
            options.set_last_will(LastWill::new(state_topic(address), will, QoS::AtLeastOnce, true, None));
        }
        // A capacity of 1: what waits here is lost with the connection, what waits in our own queue is not.
        Ok(AsyncClient::new(options, 1))
    }

    /// Reads until the connection breaks, and says why it did.
    async fn read(&self, client: AsyncClient, mut events: EventLoop) -> String {
        let mut client = Some(client);
        loop {
            match timeout(STALLED, events.poll()).await {
                Err(_) => return "nothing comes from it".into(),
                Ok(Err(error)) => return error.to_string(),
                Ok(Ok(Event::Incoming(Packet::ConnAck(_)))) => {
                    self.clients.send_replace(client.take());
                }
                Ok(Ok(Event::Incoming(Packet::SubAck(_)))) => {
                    if !self.bus.0.link.send_replace(true) {
                        self.deliver(Delivery::Link(true));
                    }
                }
                Ok(Ok(Event::Incoming(Packet::Publish(publish)))) => self.take(publish),
                Ok(Ok(_)) => {}
            }
        }
    }

    fn take(&self, publish: Publish) {
        let topic = std::str::from_utf8(&publish.topic).ok().and_then(|text| text.parse::<Topic>().ok());
        let Some(topic) = topic else {
            self.bus.emit(&Refused { what: Message::UnknownTopic, error: &"no topic of ours" });
            return;
        };
        self.bus.count_message(Way::Received, &topic);
        if let Topic::Message { lane, direction: Direction::Reply, .. } = topic {
            match Envelope::<IgnoredAny>::decode(&publish.payload, lane) {
                Ok(Envelope { in_reply_to: Some(to), .. }) => {
                    self.bus.deliver_reply(to, publish.payload.to_vec())
                }
                Ok(_) => self.bus.emit(&Refused { what: Message::Reply, error: &"a reply to nothing" }),
                Err(error) => self.bus.emit(&Refused { what: Message::Reply, error: &error }),
            }
        } else {
            self.deliver(Delivery::Message(topic, publish.payload.to_vec()));
        }
    }

    fn deliver(&self, delivery: Delivery) {
        if self.delivered.try_send(delivery).is_err() {
            // A command will be repeated by its asker.
            self.bus.emit(&Dropped::Mailbox);
        }
    }
}

/// Subscribes and publishes over whichever client is connected now.
struct Writer {
    address: Address,
    tally: Arc<Tally>,
    client: watch::Receiver<Option<AsyncClient>>,
    to_send: mpsc::Receiver<(String, Vec<u8>)>,
    state_changes: watch::Receiver<Option<State>>,
    withdrawn: watch::Receiver<bool>,
    filters: Vec<String>,
}

impl Writer {
    async fn run(mut self) {
        while let Ok(client) = self.client.wait_for(Option::is_some).await.map(|client| client.clone()) {
            if let Some(client) = client {
                self.serve(client).await;
            }
            // The client is gone; the reader shows the next one.
            if self.client.changed().await.is_err() {
                return;
            }
        }
    }

    async fn serve(&mut self, client: AsyncClient) {
        let filters = self.filters.iter().map(|filter| Filter::new(filter.clone(), QoS::AtLeastOnce));
        if client.subscribe_many(filters).await.is_err() {
            return;
        }
        self.state_changes.mark_changed();
        let mut figures_due = interval_at(Instant::now() + FIGURES_EVERY, FIGURES_EVERY);
        figures_due.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut figures_said = None;
        loop {
            let sent = tokio::select! {
                _ = self.client.changed() => {
                    self.client.mark_changed();
                    return;
                }
                () = until_withdrawn(&mut self.withdrawn) => {
                    // A farewell in good order: the broker drops the last will, which would be a state again.
                    let mut taken_back = true;
                    for topic in [figures_topic(self.address), state_topic(self.address)] {
                        taken_back &= client.publish(topic, QoS::AtLeastOnce, true, Vec::new()).await.is_ok();
                    }
                    if taken_back {
                        let _ = client.disconnect().await;
                    }
                    return;
                }
                changed = self.state_changes.changed() => {
                    let Some(state) = self.state_changes.borrow_and_update().clone() else { continue };
                    if changed.is_err() { return }
                    match state_bytes(self.address, state) {
                        Ok(bytes) => {
                            let topic = state_topic(self.address);
                            tap::note(self.address, &topic, bytes.len());
                            client.publish(topic, QoS::AtLeastOnce, true, bytes).await
                        }
                        Err(error) => {
                            tracing::error!(actor = %self.address, %error, "state can't be sent");
                            continue;
                        }
                    }
                }
                _ = figures_due.tick() => {
                    // A new connection says them again, since a new broker may have forgotten them.
                    let figures = Some(self.tally.figures());
                    if figures == figures_said { continue }
                    let Some(bytes) = figures.as_ref().and_then(|figures| figures_bytes(self.address, figures))
                    else { continue };
                    figures_said = figures;
                    client.publish(figures_topic(self.address), QoS::AtMostOnce, true, bytes).await
                }
                next = self.to_send.recv() => {
                    let Some((topic, bytes)) = next else { return };
                    // Commands are repeated until their reply comes, and a broker that dies takes what it has
                    // acknowledged with it: two acknowledgements of each message would only cost time.
                    tap::note(self.address, &topic, bytes.len());
                    client.publish(topic, QoS::AtMostOnce, false, bytes).await
                }
            };
            if sent.is_err() {
                return;
            }
        }
    }
}

/// Waits until the actor has left for good.
async fn until_withdrawn(withdrawn: &mut watch::Receiver<bool>) {
    if withdrawn.wait_for(|withdrawn| *withdrawn).await.is_err() {
        // Nobody can withdraw any more.
        std::future::pending::<()>().await;
    }
}
