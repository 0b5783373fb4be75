//! `DEVICE_LINK.md` against the code: what makers are told is what the box does.

#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test, in helpers too")]

use hpke::{
    Deserializable, HpkeError, Kem, OpModeR, OpModeS, Serializable,
    aead::ChaCha20Poly1305,
    kdf::HkdfSha256,
    kem::X25519HkdfSha256,
    rand_core::{TryCryptoRng, TryRng},
};
use madoguchi_face_reader::Timings;
use madoguchi_protocol::{
    LaneId, VisitId, cbor,
    device::{
        self, Choice, FromReader, Hello, MAX_TEXT, PinPad, Screen, SlotMethod, SlotResult, ToReader, VERSION,
    },
    evidence::VerifiedBy,
    pin::{INFO_FROM_DEVICE, PinJob, PublicKey, SealedPin, associated_data},
};
use serde::{Serialize, de::DeserializeOwned};
use std::{collections::BTreeSet, convert::Infallible, fmt::Debug};

const DOCUMENT: &str = include_str!("../DEVICE_LINK.md");

/// The value in the document's row `| name | hexadecimal |`.
fn row(name: &str) -> Vec<u8> {
    let start = format!("| {name} | `");
    let line = DOCUMENT.lines().find_map(|line| line.strip_prefix(&start));
    let hex = line.and_then(|line| line.strip_suffix("` |")).unwrap_or_else(|| panic!("no row {name:?}"));
    (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn visit() -> VisitId {
    VisitId::from_bytes(row("visit").try_into().unwrap())
}

fn lane() -> LaneId {
    LaneId::new(2).unwrap()
}

const JOB: PinJob = PinJob(4711);

/// Gives the document's ephemeral key material instead of random bytes.
struct Fixed;

impl TryRng for Fixed {
    type Error = Infallible;
    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        unreachable!("sealing asks for bytes")
    }
    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        unreachable!("sealing asks for bytes")
    }
    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        bytes.copy_from_slice(&row("ephemeral key material"));
        Ok(())
    }
}

impl TryCryptoRng for Fixed {}

#[test]
fn worked_example_of_sealing_a_pin_comes_out_as_written() {
    let private = <X25519HkdfSha256 as Kem>::PrivateKey::from_bytes(&row("box's private key")).unwrap();
    let public = X25519HkdfSha256::sk_to_pk(&private);
    assert_eq!(hex(&public.to_bytes()), hex(&row("box's public key")));
    let (ephemeral, encapsulated) = X25519HkdfSha256::derive_keypair(&row("ephemeral key material"));
    assert_eq!(hex(&ephemeral.to_bytes()), hex(&row("ephemeral private key")));
    assert_eq!(hex(&encapsulated.to_bytes()), hex(&row("encapsulated")));
    assert_eq!(hex(INFO_FROM_DEVICE), hex(&row("info")));
    let data = associated_data(visit(), lane(), JOB);
    assert_eq!(hex(&data), hex(&row("associated data")));

    let (sent, ciphertext) =
        hpke::single_shot_seal_with_rng::<ChaCha20Poly1305, HkdfSha256, X25519HkdfSha256>(
            &OpModeS::Base,
            &public,
            INFO_FROM_DEVICE,
            &row("digits"),
            &data,
            &mut Fixed,
        )
        .unwrap();
    assert_eq!(hex(&sent.to_bytes()), hex(&row("encapsulated")));
    assert_eq!(hex(&ciphertext), hex(&row("ciphertext")));

    let open = |data: &[u8]| -> Result<Vec<u8>, HpkeError> {
        hpke::single_shot_open::<ChaCha20Poly1305, HkdfSha256, X25519HkdfSha256>(
            &OpModeR::Base,
            &private,
            &sent,
            INFO_FROM_DEVICE,
            &ciphertext,
            data,
        )
    };
    assert_eq!(open(&data).unwrap(), b"1234");
    assert!(open(&associated_data(visit(), lane(), PinJob(4712))).is_err());
}

fn same<T: Serialize + DeserializeOwned + PartialEq + Debug>(name: &str, frame: T) {
    assert_eq!(hex(&device::encode_frame(&frame).unwrap()), hex(&row(name)), "{name}");
    assert_eq!(device::decode_frame::<T>(&row(name)[4..]).unwrap(), frame, "{name}");
}

#[test]
fn worked_frames_come_out_as_written() {
    same(
        "hello",
        FromReader::Hello(Hello {
            version: 1,
            maker: "panasonic".into(),
            model: "FR-1".into(),
            software: "2.4.0".into(),
            boot: "9f3a".into(),
            reads_phones: false,
            visit: None,
        }),
    );
    same("welcome", ToReader::Welcome { version: 1, lane: lane() });
    same("touch", FromReader::Touch { screen: 3, choice: "use_phone".into() });
    same("ping", ToReader::Ping { number: 5 });
    same("pong", FromReader::Pong { number: 5 });
    same(
        "sealed pin",
        FromReader::SealedPin {
            screen: 4,
            job: JOB,
            sealed: SealedPin { encapsulated: row("encapsulated"), ciphertext: row("ciphertext") },
        },
    );
}

/// One of each frame, with every optional part present.
fn all_frames() -> (Vec<FromReader>, Vec<ToReader>) {
    let result = |result| FromReader::SlotResult { visit: visit(), result };
    let from = vec![
        FromReader::Hello(Hello {
            version: VERSION,
            maker: String::new(),
            model: String::new(),
            software: String::new(),
            boot: String::new(),
            reads_phones: true,
            visit: None,
        }),
        FromReader::Touch { screen: 0, choice: String::new() },
        FromReader::SealedPin {
            screen: 0,
            job: JOB,
            sealed: SealedPin { encapsulated: vec![], ciphertext: vec![] },
        },
        FromReader::SlotCard { present: true },
        result(SlotResult::Signed { verified_by: VerifiedBy::Face, certificate: vec![], signature: vec![] }),
        result(SlotResult::FaceMismatch),
        result(SlotResult::WrongPin { tries_left: 2 }),
        result(SlotResult::LastTry),
        result(SlotResult::Locked),
        result(SlotResult::CardRemoved),
        result(SlotResult::OldResidentCard),
        result(SlotResult::NotReadable),
        result(SlotResult::HolderNotAuthorised),
        result(SlotResult::Cancelled),
        FromReader::Pong { number: 0 },
    ];
    let to = vec![
        ToReader::Welcome { version: VERSION, lane: lane() },
        ToReader::Show(Screen {
            number: 0,
            kind: String::new(),
            language: String::new(),
            title: String::new(),
            text: String::new(),
            choices: vec![Choice { id: String::new(), label: String::new() }],
            pin_pad: Some(PinPad { job: JOB, public_key: PublicKey([0; 32]) }),
            visit: Some(visit()),
        }),
        ToReader::ReadSlot {
            visit: visit(),
            method: SlotMethod::Face,
            statement: vec![],
            last_try_allowed: false,
        },
        ToReader::CancelSlot { visit: visit() },
        ToReader::Ping { number: 0 },
        ToReader::Goodbye { reason: String::new() },
    ];
    (from, to)
}

/// Every map key, and every text that stands for a variant without fields.
fn words(bytes: &[u8], found: &mut BTreeSet<String>) {
    fn walk(item: &serde_json::Value, found: &mut BTreeSet<String>) {
        match item {
            serde_json::Value::Object(map) => {
                for (key, value) in map {
                    found.insert(key.clone());
                    walk(value, found);
                }
            }
            serde_json::Value::Array(items) => items.iter().for_each(|item| walk(item, found)),
            serde_json::Value::String(text) if !text.is_empty() => {
                found.insert(text.clone());
            }
            _ => {}
        }
    }
    walk(&serde_json::from_slice(bytes).unwrap(), found);
}

#[test]
fn every_name_on_the_wire_stands_in_the_document() {
    let (from, to) = all_frames();
    let mut found = BTreeSet::new();
    for frame in &from {
        words(&serde_json::to_vec(frame).unwrap(), &mut found);
    }
    for frame in &to {
        words(&serde_json::to_vec(frame).unwrap(), &mut found);
    }
    let grammar = DOCUMENT.split("```cddl").nth(1).and_then(|rest| rest.split("```").next()).unwrap();
    let missing: Vec<_> = found
        .iter()
        .filter(|word| **word != visit().to_string())
        .filter(|word| !grammar.contains(&format!("{word}:")) && !grammar.contains(&format!("\"{word}\"")))
        .collect();
    assert!(missing.is_empty(), "the document's grammar lacks {missing:?}");
}

#[test]
fn numbers_in_the_document_are_those_of_the_code() {
    let timings = Timings::default();
    for (what, number) in [
        ("Largest frame, bytes", cbor::MAX_BYTES as u64),
        ("Deepest nesting", cbor::MAX_DEPTH as u64),
        ("Longest text, characters", MAX_TEXT as u64),
        ("Version of the frames", u64::from(VERSION)),
        ("Time for the TLS handshake, and again for the hello, s", timings.hello.as_secs()),
        ("Time between two pings, s", timings.ping.as_secs()),
        ("Unanswered pings that make a dead reader", u64::from(timings.missed_pings)),
        ("Time to take one frame, s", timings.write.as_secs()),
    ] {
        assert!(DOCUMENT.contains(&format!("| {what} | {number} |")), "{what}: {number}");
    }
}
