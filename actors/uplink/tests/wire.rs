//! The contract's bodies, letter by letter, and answers of any bytes.
#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test, in helpers too")]

use base64::{Engine, engine::general_purpose::STANDARD};
use madoguchi_protocol::{
    LaneId, RequestId, VisitId,
    eligibility::{EligibilityQuery, Validity, Verdict},
    evidence::{ConfirmationRequest, Consent, Evidence, Medium, VerifiedBy},
    messages::uplink::Authenticate,
};
use madoguchi_uplink::{centre::WrongAnswer, wire};
use proptest::prelude::*;
use serde_json::{Value, json};

const ID: &str = "4f2d9c3a-1b2c-4d5e-8f90-a1b2c3d4e5f6";

fn id() -> RequestId {
    ID.parse().unwrap()
}

fn evidence() -> Evidence {
    Evidence {
        medium: Medium::Iphone,
        verified_by: VerifiedBy::Device,
        statement: b"{}".to_vec(),
        certificate: vec![0x30, 0x82],
        signature: vec![0xFF; 3],
    }
}

fn answer() -> Value {
    json!({
        "request_id": ID, "result": "confirmed", "reason": "ok", "validity": "valid",
        "eligibility": {"insurer_number": "06130000", "name": "見本　花子", "name_kana": null},
        "confirmed_at": "2025-10-01T00:30:00Z",
    })
}

fn read(answer: &Value) -> Result<madoguchi_protocol::eligibility::ConfirmationAnswer, WrongAnswer> {
    wire::read_confirmation(answer.to_string().as_bytes(), id())
}

#[test]
fn requests_are_the_contracts_letter_by_letter() {
    let body = wire::authenticate_body(&Authenticate { request_id: id(), evidence: evidence() }).unwrap();
    let mut expected = json!({
        "request_id": ID, "statement": "e30=", "certificate": "MII=", "signature": STANDARD.encode([0xFF; 3]),
        "medium": "iphone", "verified_by": "device",
    });
    assert_eq!(serde_json::from_slice::<Value>(&body).unwrap(), expected);

    let request = ConfirmationRequest {
        request_id: id(),
        visit: VisitId::random(),
        lane: LaneId::new(1).unwrap(),
        at: jiff::Timestamp::now(),
        evidence: evidence(),
        consent: Consent { diagnosis: true, ..Consent::default() },
    };
    let body = wire::confirmation_body(&request, true).unwrap();
    expected["consent"] = json!({
        "specific_health_checkups": false, "pharmacists": false, "diagnosis": true, "operation": false,
        "limit_application": false,
    });
    expected["deferred"] = json!(true);
    assert_eq!(serde_json::from_slice::<Value>(&body).unwrap(), expected);

    let query = EligibilityQuery {
        request_id: id(),
        qualification_date: "20251001".into(),
        insurer_number: "06130000".into(),
        insured_card_symbol: Some("記号".into()),
        insured_identification_number: "12".into(),
        insured_branch_number: None,
        birthdate: "19800101".into(),
        limit_consent: true,
    };
    let expected = json!({
        "request_id": ID, "qualification_date": "20251001", "insurer_number": "06130000",
        "insured_card_symbol": "記号", "insured_identification_number": "12", "insured_branch_number": null,
        "birthdate": "19800101", "limit_consent": true,
    });
    assert_eq!(serde_json::from_slice::<Value>(&wire::query_body(&query).unwrap()).unwrap(), expected);
}

#[test]
fn an_answer_is_read_whole() {
    let read = read(&answer()).unwrap();
    assert_eq!(
        (read.request_id, read.verdict, read.validity),
        (id(), Verdict::Confirmed, Some(Validity::Valid))
    );
    let eligibility = read.eligibility.unwrap();
    assert_eq!(eligibility.name.as_deref(), Some("見本　花子"));
    assert_eq!(eligibility.elements().count(), 2);
    assert_eq!(read.confirmed_at.to_string(), "2025-10-01T00:30:00Z");
}

#[test]
fn every_verdict_of_the_contract_is_known() {
    let verdicts = [
        ("authenticated", Verdict::Confirmed),
        ("not_registered", Verdict::NotRegistered),
        ("expired", Verdict::Expired),
        ("revoked", Verdict::Revoked),
        ("refused", Verdict::Refused),
    ];
    for (word, verdict) in verdicts {
        let body = json!({"request_id": ID, "result": word, "reason": ""}).to_string();
        assert_eq!(wire::read_verdict(body.as_bytes(), id()), Ok(verdict));
    }
}

#[test]
fn an_element_that_is_new_to_us_does_not_stop_visits() {
    let mut newer = answer();
    newer["eligibility"]["something_of_2027"] = json!({"deep": [1, 2]});
    newer["and_another"] = json!(1);
    assert_eq!(read(&newer), read(&answer()));
}

#[test]
fn an_answer_to_another_request_is_not_ours_whatever_it_says() {
    let mut other = answer();
    other["request_id"] = json!(RequestId::random().to_string());
    assert_eq!(read(&other), Err(WrongAnswer::NotOurs));
}

#[test]
fn answers_that_contradict_themselves_are_wrong() {
    let mut without_validity = answer();
    without_validity["validity"] = Value::Null;
    assert_eq!(read(&without_validity), Err(WrongAnswer::Contradictory));
    let mut refused_with_data = answer();
    (refused_with_data["result"], refused_with_data["validity"]) = (json!("refused"), Value::Null);
    assert_eq!(read(&refused_with_data), Err(WrongAnswer::Contradictory));
    let nobody_with_data =
        json!({"request_id": ID, "result": "none", "validity": "none", "eligibility": {}}).to_string();
    assert_eq!(wire::read_query(nobody_with_data.as_bytes(), id()), Err(WrongAnswer::Contradictory));
}

#[test]
fn a_missing_or_ill_typed_field_is_unreadable() {
    for field in ["request_id", "result", "confirmed_at"] {
        let mut lacking = answer();
        lacking.as_object_mut().unwrap().remove(field);
        assert_eq!(read(&lacking), Err(WrongAnswer::Unreadable), "{field}");
        lacking[field] = json!(7);
        assert_eq!(read(&lacking), Err(WrongAnswer::Unreadable), "{field}");
    }
    let nested = format!("{}{}", "[".repeat(20_000), "]".repeat(10_000));
    assert_eq!(wire::read_confirmation(nested.as_bytes(), id()), Err(WrongAnswer::Unreadable));
    let large = vec![b' '; wire::MAX_ANSWER + 1];
    assert_eq!(wire::read_confirmation(&large, id()), Err(WrongAnswer::TooLarge));
}

#[test]
fn only_plain_words_of_the_centre_reach_the_log() {
    assert_eq!(wire::read_error(br#"{"error":"key_reused","reason":"x"}"#).as_deref(), Some("key_reused"));
    assert_eq!(wire::read_error(r#"{"error":"見本 花子 is unknown"}"#.as_bytes()), None);
}

proptest! {
    #[test]
    fn any_bytes_are_read_or_refused_and_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..2000)) {
        prop_assert!(wire::read_confirmation(&bytes, id()).is_err());
        prop_assert!(wire::read_verdict(&bytes, id()).is_err());
        prop_assert!(wire::read_query(&bytes, id()).is_err());
        wire::read_error(&bytes);
    }

    #[test]
    fn a_spoiled_answer_is_refused_or_still_bound_to_its_request(at in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let mut bytes = answer().to_string().into_bytes();
        let at = at.index(bytes.len());
        bytes[at] = byte;
        if let Ok(read) = wire::read_confirmation(&bytes, id()) {
            prop_assert_eq!(read.request_id, id());
            prop_assert_eq!(read.verdict == Verdict::Confirmed, read.validity.is_some());
        }
    }

    #[test]
    fn a_cut_answer_is_unreadable(at in any::<prop::sample::Index>()) {
        let bytes = answer().to_string().into_bytes();
        let cut = &bytes[..at.index(bytes.len())];
        prop_assert_eq!(wire::read_confirmation(cut, id()), Err(WrongAnswer::Unreadable));
    }
}
