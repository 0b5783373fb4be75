//! Messages and topics of the bus.

use crate::{Verdict, samples, survives_a_round_trip};
use madoguchi_protocol::{
    ActorKind, Address, Envelope, LaneId, Topic,
    envelope::EnvelopeError,
    figures::Figures,
    messages::{
        Command, Commands, audit_log::*, face_reader::*, nfc_reader::*, offline_queue::*, pin_session::*,
        receipt_computer::*, state::State, supervision::*, uplink::*,
    },
};
use serde::{Serialize, de::DeserializeOwned};
use std::fmt::Debug;

/// An envelope around any command, reply, event or state, as the bus hands it to each of them.
pub fn message(bytes: &[u8]) -> Verdict {
    by_name::<FaceReaderCommand>(bytes);
    by_name::<NfcReaderCommand>(bytes);
    by_name::<PinSessionCommand>(bytes);
    by_name::<UplinkCommand>(bytes);
    by_name::<OfflineQueueCommand>(bytes);
    by_name::<ReceiptComputerCommand>(bytes);
    by_name::<AuditLogCommand>(bytes);

    command::<ActAsStaff>(bytes)
        .or(command::<ReadMedium>(bytes))
        .or(command::<CancelRead>(bytes))
        .or(command::<TestReader>(bytes))
        .or(command::<OpenPinJob>(bytes))
        .or(command::<HoldPin>(bytes))
        .or(command::<ReleasePin>(bytes))
        .or(command::<DropPin>(bytes))
        .or(command::<Authenticate>(bytes))
        .or(command::<Confirm>(bytes))
        .or(command::<QueryEligibility>(bytes))
        .or(command::<AcceptConfirmation>(bytes))
        .or(command::<AskConfirmation>(bytes))
        .or(command::<ListRecords>(bytes))
        .or(command::<ShowRecord>(bytes))
        .or(command::<RetryRecord>(bytes))
        .or(command::<DiscardRecord>(bytes))
        .or(command::<ExportRecord>(bytes))
        .or(command::<WriteResult>(bytes))
        .or(command::<RecordEntry>(bytes))
        .or(command::<ReadLog>(bytes))
        .or(command::<AskChain>(bytes))
        .or(command::<ReadReport>(bytes))
        .or(envelope::<Restart>(bytes))
        .or(envelope::<RestartBegun>(bytes))
        .or(envelope::<ReadProgress>(bytes))
        .or(envelope::<ConfirmationSettled>(bytes))
        .or(envelope::<State>(bytes))
        .or(figures(bytes))
}

/// A message of each kind.
pub fn message_seeds() -> Vec<Vec<u8>> {
    samples::messages()
}

/// The way of the bus: the command's name comes from the topic.
fn by_name<C: Commands>(bytes: &[u8]) {
    for facts in C::FACTS {
        for lane in lanes() {
            let read = C::decode(facts.name, bytes, lane);
            assert!(!matches!(read, Err(EnvelopeError::Name)), "{} is not known by its name", facts.name);
        }
    }
    assert!(matches!(C::decode("no_such_command", bytes, None), Err(EnvelopeError::Name)));
}

fn command<C>(bytes: &[u8]) -> Verdict
where
    C: Command + PartialEq + Debug,
    C::Reply: PartialEq + Debug,
{
    envelope::<C>(bytes).or(envelope::<C::Reply>(bytes))
}

fn envelope<T: Serialize + DeserializeOwned + PartialEq + Debug>(bytes: &[u8]) -> Verdict {
    let mut verdict = Verdict::Refused;
    for lane in lanes() {
        if let Ok(envelope) = Envelope::<T>::decode(bytes, lane) {
            assert_eq!(envelope.lane, lane, "nobody speaks for a neighbour");
            survives_a_round_trip(&envelope);
            verdict = Verdict::Accepted;
        }
    }
    verdict
}

/// Figures, and what of them the table of families admits: its own texts only.
fn figures(bytes: &[u8]) -> Verdict {
    for lane in lanes() {
        let Ok(envelope) = Envelope::<Figures>::decode(bytes, lane) else { continue };
        let said: usize = envelope.body.families.iter().map(|family| family.series.len()).sum();
        let (admitted, refused) = envelope.body.admitted(ActorKind::FaceReader);
        assert_eq!(admitted.len() as u64 + refused, said as u64, "each series is admitted or counted");
        assert!(admitted.iter().all(|series| series.family.labels().len() == series.labels.len()));
    }
    envelope::<Figures>(bytes)
}

/// The box's topics, and those of the lane that the seeds belong to.
fn lanes() -> [Option<LaneId>; 2] {
    [None, LaneId::new(1).ok()]
}

/// A topic, and an actor's address as on the command line.
pub fn topic(bytes: &[u8]) -> Verdict {
    let Ok(text) = std::str::from_utf8(bytes) else { return Verdict::Refused };
    let topic = text.parse::<Topic>();
    if let Ok(topic) = &topic {
        assert_eq!(topic.to_string(), text, "a topic has one spelling");
    }
    let address = text.parse::<Address>();
    if let Ok(address) = &address {
        assert_eq!(address.to_string(), text, "an address has one spelling");
    }
    Verdict::of(topic).or(Verdict::of(address))
}

/// A topic of each kind and two addresses.
pub fn topic_seeds() -> Vec<Vec<u8>> {
    [
        "madoguchi/v1/lane/2/nfc_reader/command/read_medium",
        "madoguchi/v1/lane/999/pin_session/reply/release_pin",
        "madoguchi/v1/lane/1/offline_queue/event/confirmation_settled",
        "madoguchi/v1/box/uplink/state",
        "madoguchi/v1/lane/2/face_reader/figures",
        "uplink",
        "nfc_reader@12",
    ]
    .map(Into::into)
    .into()
}
