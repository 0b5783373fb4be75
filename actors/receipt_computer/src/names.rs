//! The names of files, made and checked in one place. None of them bears personal data.

use std::fmt;

use jiff::Timestamp;
use thiserror::Error;

use crate::message::file_time;

const FACE_PREFIX: &str = "OQSsiquc01res_face_";
const RESULT_PREFIX: &str = "OQSsiquc01res_";
const QUERY_PREFIX: &str = "OQSsiquc01req_";
const SUFFIX: &str = ".xml";
/// How files being written begin: neither what receipt computers look for, nor hidden.
const TEMPORARY_PREFIX: &str = "madoguchi-";
const TEMPORARY_SUFFIX: &str = ".tmp";

/// The longest id of a query, in characters: the bound of `ArbitraryFileIdentifier`.
pub const MAX_ID: usize = 50;

/// An id that can't be part of a file's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("a file's id has 1 to {MAX_ID} of the characters A-Z a-z 0-9 . _ - and does not begin with a dot")]
pub struct BadId;

/// The free part of a file's name: safe on every file system and in every shell, no path in it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FileId(String);

impl FileId {
    /// Checks an id.
    ///
    /// # Errors
    /// [`BadId`].
    pub fn new(id: &str) -> Result<Self, BadId> {
        let allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-');
        let fine = (1..=MAX_ID).contains(&id.len()) && id.bytes().all(allowed) && !id.starts_with('.');
        fine.then(|| Self(id.to_owned())).ok_or(BadId)
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for FileId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// `OQSsiquc01res_face_<lane>_<visit>_<yyyyMMddHHmmss>.xml`, the time in JST: it names its lane and its visit, so that
/// nobody ever takes "the next file". Receipt computers match `\AOQSsiquc01res_face_.+_(\d{14})\.xml\z`.
pub fn face_result(lane: u16, visit: &FileId, at: Timestamp) -> String {
    format!("{FACE_PREFIX}{lane}_{visit}_{}{SUFFIX}", file_time(at))
}

/// `OQSsiquc01res_<id>.xml`, the answer to the query of the same id.
pub fn answer(query: &FileId) -> String {
    format!("{RESULT_PREFIX}{query}{SUFFIX}")
}

/// What a name in the query folder is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum QueryName {
    /// A query, with its id.
    Query(FileId),
    /// It looks like a query, but no answer can be named after it.
    BadId,
    /// Another file, none of our business.
    Other,
}

/// Reads a name in the query folder: `OQSsiquc01req_<id>.xml`.
pub fn query(name: &str) -> QueryName {
    let Some(id) = name.strip_prefix(QUERY_PREFIX).and_then(|rest| rest.strip_suffix(SUFFIX)) else {
        return QueryName::Other;
    };
    match FileId::new(id) {
        // Its answer would look like a face-auth reader's result.
        Ok(id) if id.as_str().starts_with("face_") => QueryName::BadId,
        Ok(id) => QueryName::Query(id),
        Err(BadId) => QueryName::BadId,
    }
}

/// The name under which a file is written before it is renamed to `name`.
pub fn temporary(name: &str) -> String {
    format!("{TEMPORARY_PREFIX}{name}{TEMPORARY_SUFFIX}")
}

/// Whether a name is one of [`temporary`]'s.
pub fn is_temporary(name: &str) -> bool {
    name.starts_with(TEMPORARY_PREFIX) && name.ends_with(TEMPORARY_SUFFIX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// `\AOQSsiquc01res_face_.+_(\d{14})\.xml\z`, without a regular expression.
    fn receipt_computer_takes(name: &str) -> bool {
        let inner = name.strip_prefix("OQSsiquc01res_face_").and_then(|rest| rest.strip_suffix(".xml"));
        let split = inner.and_then(|inner| inner.rsplit_once('_'));
        split.is_some_and(|(free, digits)| {
            !free.is_empty() && digits.len() == 14 && digits.bytes().all(|b| b.is_ascii_digit())
        })
    }

    #[test]
    fn a_face_result_bears_lane_visit_and_japans_time() {
        let visit = FileId::new("0f8a7c9e-3a54-4d61-9a54-2f6a5a0f1c11").unwrap();
        let name = face_result(12, &visit, "2025-11-22T15:00:00Z".parse().unwrap());
        assert_eq!(name, "OQSsiquc01res_face_12_0f8a7c9e-3a54-4d61-9a54-2f6a5a0f1c11_20251123000000.xml");
        assert!(receipt_computer_takes(&name));
        assert!(!receipt_computer_takes(&temporary(&name)));
    }

    #[test]
    fn a_query_is_answered_under_the_same_id() {
        let QueryName::Query(id) = query("OQSsiquc01req_20251122-0001.a.xml") else { panic!("a query") };
        assert_eq!(answer(&id), "OQSsiquc01res_20251122-0001.a.xml");
    }

    #[test]
    fn a_name_with_a_path_trick_is_no_query() {
        for id in ["", "..", ".hidden", "../../etc/passwd", "a/b", "a\\b", "a b", "a\0b", "窓口", "face_1"]
        {
            assert_eq!(query(&format!("OQSsiquc01req_{id}.xml")), QueryName::BadId, "{id:?}");
        }
        let long = "x".repeat(MAX_ID + 1);
        assert_eq!(query(&format!("OQSsiquc01req_{long}.xml")), QueryName::BadId);
        for other in
            ["OQSsiquc01res_1.xml", "OQSsiquc01req_1.xml.tmp", "OQSsiquc01req_1.XML", "Thumbs.db", ""]
        {
            assert_eq!(query(other), QueryName::Other, "{other:?}");
        }
    }

    proptest! {
        #[test]
        fn whatever_the_name_an_answer_stays_a_plain_name(name in ".*") {
            for name in [name.clone(), format!("OQSsiquc01req_{name}.xml")] {
                if let QueryName::Query(id) = query(&name) {
                    let answer = answer(&id);
                    prop_assert!(!answer.contains(['/', '\\', '\0']) && answer.is_ascii() && answer.len() < 100);
                    prop_assert!(!receipt_computer_takes(&answer));
                    prop_assert_eq!(&name, &format!("OQSsiquc01req_{id}.xml"));
                }
            }
        }

        #[test]
        fn every_face_result_is_one_that_receipt_computers_take(
            lane in 1u16..=999, visit in "[A-Za-z0-9][A-Za-z0-9._-]{0,49}", second in 0i64..4_000_000_000
        ) {
            let at = Timestamp::from_second(second).unwrap();
            let name = face_result(lane, &FileId::new(&visit).unwrap(), at);
            prop_assert!(receipt_computer_takes(&name));
            prop_assert!(is_temporary(&temporary(&name)));
        }
    }
}
