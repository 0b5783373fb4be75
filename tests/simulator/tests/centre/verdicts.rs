//! What the centre says to evidence, good and bad.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use madoguchi_simulator::centre::{
    CardGrace, CentreRules, ConfirmationResult, Medium, Patient, TrustedAuthority, Validity, VerifiedBy,
};
use rcgen::{KeyUsagePurpose, RsaKeySize};
use serde_json::json;

use crate::media::{Authority, Card, policy};
use crate::support::{CARD, Hospital, JPKI, Request, json_of, rules};

async fn verdict(hospital: &Hospital, request: &Request<'_>) -> (String, String) {
    let answer = hospital.authenticate(request).await;
    (answer["result"].as_str().unwrap().into(), answer["reason"].as_str().unwrap().into())
}

async fn refusal(hospital: &Hospital, card: &Card) -> String {
    let (result, reason) = verdict(hospital, &Request::of(card)).await;
    assert_eq!(result, "refused");
    reason
}

#[tokio::test]
async fn a_good_card_is_authenticated_and_that_changes_nothing() {
    let hospital = Hospital::open();
    let request = Request::new();
    let answer = hospital.authenticate(&request).await;
    let id = request.statement.request_id;
    assert_eq!(answer, json!({"request_id": id, "result": "authenticated", "reason": "ok"}));
    assert_eq!(hospital.state().effects(), []);
}

#[tokio::test]
async fn a_good_card_is_confirmed_with_its_holders_eligibility_and_consent() {
    let hospital = Hospital::open();
    let mut request = Request::new();
    request.consent.limit_application = true;
    hospital.authenticate(&request).await;
    let answer = hospital.confirm(&request).await;
    assert_eq!(answer.result, ConfirmationResult::Confirmed);
    assert_eq!(answer.validity, Some(Validity::Valid));
    let eligibility = answer.eligibility.unwrap();
    assert_eq!(eligibility.name.as_deref(), Some("試験　太郎"));
    assert_eq!(eligibility.limit_application_certificate_related_cons_flg.as_deref(), Some("1"));
    assert_eq!(eligibility.disqualification_date, None);
    let effects = hospital.state().effects();
    assert_eq!(effects.len(), 1);
    let effect = &effects[0];
    assert_eq!((effect.commits, effect.lane, effect.visit), (1, 3, request.statement.visit));
}

#[tokio::test]
async fn the_state_of_an_insurance_is_told_and_several_or_none_show_no_entry() {
    let hospital = Hospital::open();
    for (validity, shown) in [
        (Validity::NotValid, true),
        (Validity::NotValidNewExists, true),
        (Validity::MedicalAidNotRegistered, true),
        (Validity::None, false),
        (Validity::Several, false),
    ] {
        hospital.state().patients().insert(CARD.serial(), Patient::sample(1).with_validity(validity));
        let answer = hospital.confirm(&Request::new()).await;
        assert_eq!((answer.result, answer.validity), (ConfirmationResult::Confirmed, Some(validity)));
        assert_eq!(answer.eligibility.is_some(), shown);
    }
}

#[tokio::test]
async fn r02_a_genuine_card_that_is_not_registered_is_told_so_and_gets_no_eligibility() {
    let hospital = Hospital::open();
    hospital.state().patients().set_registered(&CARD.serial(), false);
    let answer = hospital.confirm(&Request::new()).await;
    assert_eq!(answer.result, ConfirmationResult::NotRegistered);
    assert!(answer.eligibility.is_none() && answer.validity.is_none());
    assert_eq!(verdict(&hospital, &Request::new()).await.0, "not_registered");
}

#[tokio::test]
async fn an_unknown_holder_is_not_registered_unless_unknown_ones_are_accepted() {
    let hospital = Hospital::open_with(rules());
    assert_eq!(hospital.confirm(&Request::new()).await.result, ConfirmationResult::NotRegistered);
    hospital.state().set_accept_unknown(true);
    let first = hospital.confirm(&Request::new()).await;
    assert_eq!(first.result, ConfirmationResult::Confirmed);
    let second = hospital.confirm(&Request::new()).await;
    assert!(first.eligibility == second.eligibility, "the same card is the same patient each time");
}

#[tokio::test]
async fn r31_an_expired_phone_has_no_grace_and_r32_an_expired_card_has_three_months() {
    let card = JPKI.card_expired_for(10);
    let hospital = Hospital::open();
    hospital.state().patients().insert(card.serial(), Patient::sample(2));
    let mut request = Request::of(&card);
    assert_eq!(verdict(&hospital, &request).await, ("authenticated".into(), "ok_within_grace".into()));
    request.medium = Medium::Android;
    assert_eq!(verdict(&hospital, &request).await, ("expired".into(), "certificate_expired".into()));
    (request.medium, request.verified_by) = (Medium::Iphone, VerifiedBy::Device);
    assert_eq!(hospital.confirm(&request).await.result, ConfirmationResult::Expired);
    let long_ago = JPKI.card_expired_for(100);
    assert_eq!(verdict(&hospital, &Request::of(&long_ago)).await.0, "expired");
}

#[tokio::test]
async fn r32_a_centre_without_grace_takes_no_expired_card() {
    let hospital = Hospital::open_with(CentreRules { card_grace: CardGrace::Nothing, ..rules() });
    assert_eq!(verdict(&hospital, &Request::of(&JPKI.card_expired_for(1))).await.0, "expired");
}

#[tokio::test]
async fn a_revoked_certificate_is_told_so_until_it_is_taken_off_the_list() {
    let hospital = Hospital::open();
    hospital.state().set_revoked(CARD.serial(), true);
    assert_eq!(hospital.confirm(&Request::new()).await.result, ConfirmationResult::Revoked);
    hospital.state().set_revoked(CARD.serial(), false);
    assert_eq!(hospital.confirm(&Request::new()).await.result, ConfirmationResult::Confirmed);
}

#[tokio::test]
async fn issuers_are_told_apart_by_key_since_generations_share_a_name() {
    let newer = Authority::jpki();
    let hospital = Hospital::open();
    let card = newer.card();
    assert_eq!(refusal(&hospital, &card).await, "issuer_unknown");
    hospital.state().trust(newer.trusted());
    hospital.state().patients().insert(card.serial(), Patient::sample(3));
    assert_eq!(verdict(&hospital, &Request::of(&card)).await.0, "authenticated");
    assert_eq!(verdict(&hospital, &Request::new()).await.0, "authenticated", "the older generation goes on");
}

#[tokio::test]
async fn a_certificate_for_another_purpose_is_refused() {
    let hospital = Hospital::open();
    let other_policy = [0x2a, 0x83, 0x08, 0x8c, 0x9b, 0x55, 0x08, 0x05, 0x01, 0x03, 0x0a];
    let for_signing =
        JPKI.card_with(|p| p.custom_extensions = vec![policy(&other_policy)], RsaKeySize::_2048);
    assert_eq!(refusal(&hospital, &for_signing).await, "certificate_policy_wrong");
    let without = JPKI.card_with(|p| p.custom_extensions.clear(), RsaKeySize::_2048);
    assert_eq!(refusal(&hospital, &without).await, "certificate_policy_wrong");
    let usage = vec![KeyUsagePurpose::KeyEncipherment];
    let enciphering = JPKI.card_with(|p| p.key_usages = usage, RsaKeySize::_2048);
    assert_eq!(refusal(&hospital, &enciphering).await, "certificate_key_usage_wrong");
    let too_long = JPKI.card_with(|_| {}, RsaKeySize::_3072);
    assert_eq!(refusal(&hospital, &too_long).await, "certificate_key_wrong");
    let tomorrow = std::time::SystemTime::now() + std::time::Duration::from_secs(crate::media::DAY);
    let early = JPKI.card_with(|p| p.not_before = tomorrow.into(), RsaKeySize::_2048);
    assert_eq!(refusal(&hospital, &early).await, "certificate_not_yet_valid");
}

#[tokio::test]
async fn somebody_elses_ca_can_be_trusted_without_jpkis_policy() {
    let theirs = Authority::new("Somebody else's cards");
    let card = theirs.card_with(|params| params.custom_extensions.clear(), RsaKeySize::_3072);
    let hospital = Hospital::open_with(CentreRules { accept_unknown: true, ..rules() });
    assert_eq!(refusal(&hospital, &card).await, "issuer_unknown");
    for authority in TrustedAuthority::foreign_from_pem(theirs.pem.as_bytes()).unwrap() {
        hospital.state().trust(authority);
    }
    assert_eq!(verdict(&hospital, &Request::of(&card)).await.0, "authenticated");
}

#[test]
fn what_is_no_ca_is_not_trusted_and_the_error_says_what_to_give() {
    let error = |outcome: Result<_, _>| match outcome {
        Err(error) => madoguchi_simulator::centre::AuthorityError::to_string(&error),
        Ok(_) => panic!("it was taken for a CA"),
    };
    assert!(error(TrustedAuthority::jpki(&CARD.certificate)).contains("not a CA's"));
    assert!(error(TrustedAuthority::jpki(b"junk")).contains("no X.509 certificate"));
    assert!(TrustedAuthority::foreign_from_pem(b"-----BEGIN NOTHING-----").is_err());
    assert!(TrustedAuthority::foreign_from_pem(b"").is_err());
}

#[tokio::test]
async fn a_signature_over_anything_else_is_refused() {
    let hospital = Hospital::open();
    let request = Request::new();
    let mut body = request.authentication();
    body["signature"] = json!(STANDARD.encode(CARD.sign(b"something else")));
    let answer = json_of(hospital.post("/v1/authenticate", &body).await.unwrap(), 200).await;
    assert_eq!((&answer["result"], &answer["reason"]), (&json!("refused"), &json!("signature_wrong")));
    // Another card's key with this card's certificate.
    body["signature"] =
        json!(STANDARD.encode(JPKI.card().sign(&serde_json::to_vec(&request.statement).unwrap())));
    let answer = json_of(hospital.post("/v1/authenticate", &body).await.unwrap(), 200).await;
    assert_eq!(answer["reason"], "signature_wrong");
    body["certificate"] = json!(STANDARD.encode(b"junk"));
    let answer = json_of(hospital.post("/v1/authenticate", &body).await.unwrap(), 200).await;
    assert_eq!(answer["reason"], "certificate_unreadable");
}

#[tokio::test]
async fn a_statement_is_fresh_for_ten_minutes_and_a_deferred_one_for_72_hours() {
    let hospital = Hospital::open();
    let hour = 3_600;
    for (request, expected) in [
        (Request::new().aged(590), "ok"),
        (Request::new().aged(610), "statement_stale"),
        (Request::new().aged(-110), "ok"),
        (Request::new().aged(-130), "statement_in_the_future"),
        (Request::new().aged(71 * hour).deferred(), "ok"),
        (Request::new().aged(73 * hour).deferred(), "statement_stale"),
        (Request::new().aged(-130).deferred(), "statement_in_the_future"),
    ] {
        assert_eq!(hospital.confirm(&request).await.reason, expected);
    }
}

#[tokio::test]
async fn a_nonce_serves_one_request_only() {
    let hospital = Hospital::open();
    let first = Request::new();
    assert_eq!(hospital.authenticate(&first).await["result"], "authenticated");
    let mut second = Request::new();
    second.statement.nonce = first.statement.nonce.clone();
    assert_eq!(hospital.confirm(&second).await.reason, "nonce_reused");
    assert_eq!(hospital.confirm(&first).await.result, ConfirmationResult::Confirmed);
}

#[tokio::test]
async fn r18_r19_a_medium_is_verified_only_as_it_can_be() {
    let hospital = Hospital::open();
    for (medium, verified_by, status) in [
        (Medium::Iphone, VerifiedBy::Device, 200),
        (Medium::Iphone, VerifiedBy::Pin, 422),
        (Medium::Android, VerifiedBy::Pin, 200),
        (Medium::Android, VerifiedBy::Face, 422),
        (Medium::MyNumberCard, VerifiedBy::Face, 200),
        (Medium::MyNumberCard, VerifiedBy::Staff, 200),
        (Medium::MyNumberCard, VerifiedBy::Device, 422),
    ] {
        let mut request = Request::new();
        (request.medium, request.verified_by) = (medium, verified_by);
        let answer = hospital.post("/v1/authenticate", &request.authentication()).await.unwrap();
        assert_eq!(answer.status().as_u16(), status, "{medium:?} verified by {verified_by:?}");
    }
}
