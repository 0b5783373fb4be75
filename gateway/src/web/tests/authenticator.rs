//! A security key of our own, for tests: what browser and key together answer, right or wrong in any one respect.

use aws_lc_rs::{
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair},
};
use passki::Passki;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

/// Somebody was there, and was known by finger or PIN.
const TOUCHED: u8 = 0x05;
/// A new key is told of.
const TELLS_KEY: u8 = 0x40;

/// The key, and the browser that it is at.
pub(super) struct Authenticator {
    pair: EcdsaKeyPair,
    id: Vec<u8>,
    /// How often it says it was used.
    pub(super) uses: u32,
    /// What the browser says where it is.
    pub(super) origin: String,
    /// For whom it signs, where it is not whoever asks.
    pub(super) name: Option<String>,
    /// What it says of who was there.
    pub(super) touched: u8,
}

impl Authenticator {
    pub(super) fn new(origin: &str) -> Self {
        let mut id = vec![0; 32];
        getrandom::fill(&mut id).unwrap();
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).unwrap();
        Self { pair, id, uses: 0, origin: origin.to_owned(), name: None, touched: TOUCHED }
    }

    fn data(&self, asked_for: &Value, flags: u8) -> Vec<u8> {
        let name = self.name.as_deref().or(asked_for.as_str()).unwrap();
        let mut data = Sha256::digest(name).to_vec();
        data.push(flags);
        data.extend(self.uses.to_be_bytes());
        data
    }

    fn client_data(&self, act: &str, told: &Value) -> Vec<u8> {
        let challenge = &told["challenge"];
        json!({ "type": act, "challenge": challenge, "origin": self.origin, "crossOrigin": false })
            .to_string()
            .into_bytes()
    }

    /// A new key's answer.
    pub(super) fn adds(&self, told: &str) -> String {
        let told: Value = serde_json::from_str(told).unwrap();
        let mut data = self.data(&told["rp"]["id"], self.touched | TELLS_KEY);
        data.extend([0; 16]);
        data.extend(u16::try_from(self.id.len()).unwrap().to_be_bytes());
        data.extend(&self.id);
        // The public key as COSE has it: ES256, P-256, x and y.
        let point = &self.pair.public_key().as_ref()[1..];
        data.extend(b"\xa5\x01\x02\x03\x26\x20\x01\x21\x58\x20");
        data.extend(&point[..32]);
        data.extend(b"\x22\x58\x20");
        data.extend(&point[32..]);
        let mut object = b"\xa3\x63fmt\x64none\x67attStmt\xa0\x68authData\x58".to_vec();
        object.push(u8::try_from(data.len()).unwrap());
        object.extend(data);
        self.answer(json!({
            "clientDataJSON": Passki::base64_encode(&self.client_data("webauthn.create", &told)),
            "attestationObject": Passki::base64_encode(&object),
            "transports": ["usb"],
        }))
    }

    /// The answer of a key that is used once more.
    pub(super) fn opens(&mut self, told: &str) -> String {
        self.uses += 1;
        let told: Value = serde_json::from_str(told).unwrap();
        let data = self.data(&told["rpId"], self.touched);
        let client_data = self.client_data("webauthn.get", &told);
        let signed = [data.as_slice(), Sha256::digest(&client_data).as_slice()].concat();
        let signature = self.pair.sign(&SystemRandom::new(), &signed).unwrap();
        self.answer(json!({
            "clientDataJSON": Passki::base64_encode(&client_data),
            "authenticatorData": Passki::base64_encode(&data),
            "signature": Passki::base64_encode(signature.as_ref()),
            "userHandle": null,
        }))
    }

    fn answer(&self, response: Value) -> String {
        let id = Passki::base64_encode(&self.id);
        json!({
            "id": id, "rawId": id, "type": "public-key", "response": response,
            "clientExtensionResults": {}, "authenticatorAttachment": "cross-platform",
        })
        .to_string()
    }
}
