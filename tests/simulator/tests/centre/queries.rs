//! Looking patients up by their insurance details.

use madoguchi_simulator::centre::Patient;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::{CARD, Hospital, json_of};

fn query() -> Value {
    json!({
        "request_id": Uuid::new_v4(), "qualification_date": "20251001", "insurer_number": "99999999",
        "insured_card_symbol": "試験", "insured_identification_number": "00000001", "insured_branch_number": "01",
        "birthdate": "19700101", "limit_consent": false,
    })
}

async fn ask(hospital: &Hospital, query: &Value) -> Value {
    json_of(hospital.post("/v1/queries", query).await.unwrap(), 200).await
}

#[tokio::test]
async fn a_patient_is_found_by_insurance_details_and_symbol_and_branch_may_be_missing() {
    let hospital = Hospital::open();
    let mut query = query();
    let answer = ask(&hospital, &query).await;
    assert_eq!((&answer["result"], &answer["validity"]), (&json!("found"), &json!("valid")));
    assert_eq!(answer["eligibility"]["name"], "試験　太郎");
    assert_eq!(answer["eligibility"]["disqualification_date"], Value::Null);
    query["request_id"] = json!(Uuid::new_v4());
    query["insured_card_symbol"] = Value::Null;
    query["insured_branch_number"] = json!("");
    assert_eq!(ask(&hospital, &query).await["result"], "found");
}

#[tokio::test]
async fn nobody_is_found_where_one_detail_differs() {
    let hospital = Hospital::open();
    for (field, value) in [
        ("insurer_number", "88888888"),
        ("insured_card_symbol", "別"),
        ("insured_identification_number", "00000002"),
        ("insured_branch_number", "02"),
        ("birthdate", "19700102"),
    ] {
        let mut query = query();
        query[field] = json!(value);
        let answer = ask(&hospital, &query).await;
        let expected = json!({"request_id": query["request_id"], "result": "none", "validity": "none", "eligibility": null});
        assert_eq!(answer, expected, "{field}");
    }
}

#[tokio::test]
async fn an_insurance_lost_before_the_day_asked_about_is_not_valid() {
    let hospital = Hospital::open();
    let mut patient = Patient::sample(0);
    patient.eligibility.disqualification_date = Some("20250401".into());
    hospital.state().patients().insert(CARD.serial(), patient);
    assert_eq!(ask(&hospital, &query()).await["validity"], "not_valid");
}

#[tokio::test]
async fn a_query_again_gets_the_same_answer_and_a_changed_one_an_error() {
    let hospital = Hospital::open();
    let mut query = query();
    let first = ask(&hospital, &query).await;
    hospital.state().patients().insert(CARD.serial(), Patient::sample(4));
    let again = hospital.post("/v1/queries", &query).await.unwrap();
    assert_eq!(again.headers()["Idempotent-Replayed"], "true");
    assert_eq!(json_of(again, 200).await, first);
    assert_eq!(hospital.state().queries_answered(), 1);
    query["birthdate"] = json!("19700102");
    assert_eq!(hospital.post("/v1/queries", &query).await.unwrap().status(), 422);
}

#[tokio::test]
async fn a_query_with_a_day_that_does_not_exist_or_a_field_too_long_is_an_error() {
    let hospital = Hospital::open();
    for (field, value) in [
        ("qualification_date", "20250229"),
        ("birthdate", "1970-1-1"),
        ("insurer_number", "123456789"),
        ("insured_branch_number", "001"),
    ] {
        let mut query = query();
        query[field] = json!(value);
        assert_eq!(hospital.post("/v1/queries", &query).await.unwrap().status(), 400, "{field}");
    }
}
