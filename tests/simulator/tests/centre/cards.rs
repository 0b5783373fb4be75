//! The simulator's own cards, signing as a card does: a DigestInfo, not a message.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use madoguchi_simulator::centre::{CentreRules, Patient, Serial, TrustedAuthority};
use madoguchi_simulator::pki::jpki::{CardCredential, JpkiAuthority, Validity};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::support::{Hospital, Request, json_of, rules};

/// SHA-256 in DER (DOMAIN section 3).
const DIGEST_INFO: [u8; 19] = [
    0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0, 0x04,
    0x20,
];

async fn present(hospital: &Hospital, card: &CardCredential) -> Value {
    let mut body = Request::new().authentication();
    let statement = STANDARD.decode(body["statement"].as_str().unwrap()).unwrap();
    let digest_info = [&DIGEST_INFO[..], &Sha256::digest(&statement)].concat();
    body["certificate"] = json!(STANDARD.encode(card.certificate_der()));
    body["signature"] = json!(STANDARD.encode(card.sign_digest_info(&digest_info).unwrap()));
    json_of(hospital.post("/v1/authenticate", &body).await.unwrap(), 200).await
}

#[tokio::test]
async fn the_simulators_cards_of_two_generations_satisfy_the_centre() {
    let now = Timestamp::now();
    let generations = [JpkiAuthority::generate(1).unwrap(), JpkiAuthority::generate(2).unwrap()];
    let authorities =
        generations.iter().map(|ca| TrustedAuthority::jpki(ca.certificate_der()).unwrap()).collect();
    let hospital = Hospital::open_with(CentreRules { authorities, ..rules() });
    for (number, authority) in generations.iter().enumerate() {
        let card = authority.issue(Validity::valid_at(now)).unwrap();
        assert_eq!(present(&hospital, &card).await["result"], "not_registered");
        let serial = Serial::of_certificate(card.certificate_der()).unwrap();
        hospital.state().patients().insert(serial, Patient::sample(number));
        assert_eq!(present(&hospital, &card).await["result"], "authenticated");
    }
    let in_grace = generations[0].issue(Validity::expired_at(now, 30)).unwrap();
    assert_eq!(
        present(&hospital, &in_grace).await["result"],
        "not_registered",
        "R-32: it has not expired for us"
    );
    let expired = generations[0].issue(Validity::expired_at(now, 100)).unwrap();
    assert_eq!(present(&hospital, &expired).await["result"], "expired");
    let stranger = JpkiAuthority::generate(1).unwrap().issue(Validity::valid_at(now)).unwrap();
    assert_eq!(present(&hospital, &stranger).await["reason"], "issuer_unknown");
}
