//! What a browser says for a security key.

use crate::Verdict;
use aws_lc_rs::{
    digest::{SHA256, digest},
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair},
};
use madoguchi::security_key::{LARGEST_ANSWER, read_added, read_used};
use passki::{ClientData, Passki, StoredPasskey};
use serde_json::{Value, json};
use std::sync::LazyLock;

const NAME: &str = "localhost";
const ORIGIN: &str = "http://localhost:8480";
const ID: [u8; 16] = [7; 16];

/// A key of these tests alone.
static PAIR: LazyLock<Option<EcdsaKeyPair>> =
    LazyLock::new(|| EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).ok());

fn library() -> Passki {
    Passki::new(NAME, &[ORIGIN], "decoders")
}

/// An answer, as if the challenge in it were the one that was asked: what is behind the challenge is tried, too.
pub fn answer(input: &[u8]) -> Verdict {
    let Ok(text) = std::str::from_utf8(input) else { return Verdict::Refused };
    let verdict = added(text).or(used(text));
    assert!(verdict == Verdict::Refused || text.len() <= LARGEST_ANSWER);
    verdict
}

/// The state that the library keeps, with the challenge that this answer bears.
fn state(client_data: &str) -> Option<Value> {
    let challenge = Passki::base64_decode(&ClientData::from_base64(client_data).ok()?.challenge).ok()?;
    let user = json!({ "id": "", "name": "", "displayName": "" });
    Some(json!({ "challenge": challenge, "user": user, "allowed_credentials": [ID],
                 "user_verification": "preferred" }))
}

fn added(text: &str) -> Verdict {
    let Ok(answer) = read_added(text) else { return Verdict::Refused };
    let state = state(&answer.response.client_data_json).and_then(|it| serde_json::from_value(it).ok());
    let Some(state) = state else { return Verdict::Refused };
    let made = library().finish_passkey_registration(&answer, &state);
    if let Ok(made) = &made {
        assert_eq!(Passki::base64_decode(&answer.raw_id).ok().as_ref(), Some(&made.credential_id));
    }
    Verdict::of(made)
}

fn used(text: &str) -> Verdict {
    let Ok(answer) = read_used(text) else { return Verdict::Refused };
    let state = state(&answer.response.client_data_json).and_then(|it| serde_json::from_value(it).ok());
    let (Some(state), Some(public_key)) = (state, public_key()) else { return Verdict::Refused };
    let mut stored = StoredPasskey::default();
    stored.credential_id = ID.to_vec();
    stored.public_key = public_key;
    // ES256 in COSE.
    stored.algorithm = -7;
    stored.counter = 1;
    let used = library().finish_passkey_authentication(&answer, &state, &stored);
    if let Ok(used) = &used {
        assert!(used.counter > stored.counter);
    }
    Verdict::of(used)
}

/// The public key as COSE has it: ES256, P-256, x and y.
fn public_key() -> Option<Vec<u8>> {
    let point = PAIR.as_ref()?.public_key().as_ref();
    let (x, y) = (point.get(1..33)?, point.get(33..65)?);
    Some([b"\xa5\x01\x02\x03\x26\x20\x01\x21\x58\x20", x, b"\x22\x58\x20", y].concat())
}

/// What the authenticator tells of itself: for whom, who was there, how often it was used.
fn data(flags: u8) -> Vec<u8> {
    [digest(&SHA256, NAME.as_bytes()).as_ref(), &[flags, 0, 0, 0, 2]].concat()
}

/// A key that is added, and the same used.
pub fn seeds() -> Vec<Vec<u8>> {
    let make = || {
        let client_data = |act: &str| {
            let challenge = Passki::base64_encode(&[9; 32]);
            json!({ "type": act, "challenge": challenge, "origin": ORIGIN }).to_string()
        };
        let whole = |response: Value| {
            let id = Passki::base64_encode(&ID);
            json!({ "id": id, "rawId": id, "type": "public-key", "response": response,
                    "clientExtensionResults": {} })
            .to_string()
            .into_bytes()
        };
        let id_length = u16::try_from(ID.len()).ok()?.to_be_bytes();
        let told = [data(0x45), [0; 16].to_vec(), id_length.to_vec(), ID.to_vec(), public_key()?].concat();
        let head = b"\xa3\x63fmt\x64none\x67attStmt\xa0\x68authData\x58";
        let object = [head, &[u8::try_from(told.len()).ok()?][..], &told].concat();
        let added = whole(json!({
            "clientDataJSON": Passki::base64_encode(client_data("webauthn.create").as_bytes()),
            "attestationObject": Passki::base64_encode(&object),
            "transports": ["usb", "unheard-of"],
        }));
        let (told, said) = (data(0x05), client_data("webauthn.get"));
        let signed = [told.as_slice(), digest(&SHA256, said.as_bytes()).as_ref()].concat();
        let signature = PAIR.as_ref()?.sign(&SystemRandom::new(), &signed).ok()?;
        let used = whole(json!({
            "clientDataJSON": Passki::base64_encode(said.as_bytes()),
            "authenticatorData": Passki::base64_encode(&told),
            "signature": Passki::base64_encode(signature.as_ref()),
        }));
        Some(vec![added, used])
    };
    make().unwrap_or_default()
}
