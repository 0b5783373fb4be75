//! Answers of the eligibility centre.

use crate::{Verdict, samples};
use madoguchi_uplink::wire;

/// The body of any answer, read as each kind of answer and as an error.
pub fn answer(bytes: &[u8]) -> Verdict {
    let asked = samples::request_id();
    let verdict = wire::read_verdict(bytes, asked);
    let confirmation = wire::read_confirmation(bytes, asked);
    let query = wire::read_query(bytes, asked);
    let error = wire::read_error(bytes);

    if let Ok(answer) = &confirmation {
        assert_eq!(answer.request_id, asked, "an answer is bound to its request");
        assert!(answer.validity.is_some() || answer.eligibility.is_none());
    }
    if let Some(word) = &error {
        let plain = |byte: u8| byte.is_ascii_lowercase() || byte == b'_';
        assert!(word.bytes().all(plain), "nothing of a person gets into an error");
    }
    let accepted = Verdict::of(verdict).or(Verdict::of(confirmation)).or(Verdict::of(query));
    assert!(accepted == Verdict::Refused || bytes.len() <= wire::MAX_ANSWER);
    accepted.or(Verdict::of(error.ok_or(())))
}

/// An answer of each kind.
pub fn seeds() -> Vec<Vec<u8>> {
    let id = samples::request_id();
    [
        format!(r#"{{"request_id":"{id}","result":"authenticated","reason":"ok"}}"#),
        format!(r#"{{"request_id":"{id}","result":"not_registered","reason":"not_registered"}}"#),
        format!(
            r#"{{"request_id":"{id}","result":"confirmed","reason":"ok_within_grace","validity":"valid","eligibility":{{"insurer_number":"06123456","name":"窓口　太郎","birthdate":"19800401"}},"confirmed_at":"2026-01-05T00:30:00Z"}}"#
        ),
        format!(
            r#"{{"request_id":"{id}","result":"revoked","reason":"certificate_revoked","validity":null,"eligibility":null,"confirmed_at":"2026-01-05T00:30:00Z"}}"#
        ),
        format!(
            r#"{{"request_id":"{id}","result":"found","validity":"not_valid_new_exists","eligibility":{{"insurer_name":"試験健康保険組合"}}}}"#
        ),
        format!(r#"{{"request_id":"{id}","result":"none","validity":"none","eligibility":null}}"#),
        r#"{"error":"terminal_unknown"}"#.into(),
    ]
    .map(String::into_bytes)
    .into()
}
