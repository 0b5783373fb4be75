//! What lies in the receipt computer's folders.

use crate::Verdict;
use madoguchi_receipt_computer::{
    encoding::Encoding,
    message::{MessageError, QueryMessage, ResultMessage},
    names::{self, QueryName},
};

/// A query file.
pub fn query(bytes: &[u8]) -> Verdict {
    match QueryMessage::from_file(bytes) {
        Ok(query) => {
            let file = query.to_file();
            match QueryMessage::from_file(&file) {
                // Shift_JIS has one number for a few characters that Unicode keeps apart.
                Ok(again) if query.encoding == Encoding::ShiftJis => assert_eq!(again.to_file(), file),
                Ok(again) => assert_eq!(again, query),
                Err(error) => assert_eq!(query.encoding, Encoding::ShiftJis, "{error}"),
            }
            Verdict::Accepted
        }
        Err(error) => refused(&error),
    }
}

/// A result file, as a receipt computer reads it back, in both encodings.
pub fn result(bytes: &[u8]) -> Verdict {
    match ResultMessage::from_file(bytes) {
        Ok((result, _)) => {
            for encoding in [Encoding::Utf8, Encoding::ShiftJis] {
                let Ok((file, losses)) = result.to_file(encoding) else {
                    panic!("a result that was read can't be written")
                };
                let again = ResultMessage::from_file(&file);
                assert!(again.is_ok() || !losses.is_empty(), "{encoding:?}: {again:?}");
                assert!(encoding == Encoding::ShiftJis || losses.is_empty(), "UTF-8 loses nothing");
            }
            Verdict::Accepted
        }
        Err(error) => refused(&error),
    }
}

fn refused(error: &MessageError) -> Verdict {
    assert!(!error.for_staff().is_empty(), "staff are told what to mend");
    assert!(error.code().starts_with("MG-Q"));
    Verdict::Refused
}

/// A file's name in the query folder.
pub fn file_name(bytes: &[u8]) -> Verdict {
    let Ok(name) = std::str::from_utf8(bytes) else { return Verdict::Refused };
    match names::query(name) {
        QueryName::Query(id) => {
            let answer = names::answer(&id);
            assert!(!answer.contains(['/', '\\', '\0']) && !answer.starts_with('.'), "{answer:?}");
            Verdict::Accepted
        }
        _ => Verdict::Refused,
    }
}

const QUERY: &str = r#"<?xml version="1.0" encoding="ENCODING" standalone="no"?>
<XmlMsg><MessageHeader><QualificationConfirmationDate>20260105</QualificationConfirmationDate><MedicalInstitutionCode>1312345678</MedicalInstitutionCode><ArbitraryFileIdentifier>A-1</ArbitraryFileIdentifier></MessageHeader><MessageBody><QualificationConfirmSearchInfo><InsurerNumber>06123456</InsurerNumber><InsuredCardSymbol>記号・１</InsuredCardSymbol><InsuredIdentificationNumber>123</InsuredIdentificationNumber><InsuredBranchNumber>01</InsuredBranchNumber><Birthdate>19800401</Birthdate><LimitApplicationCertificateRelatedConsFlg>1</LimitApplicationCertificateRelatedConsFlg></QualificationConfirmSearchInfo></MessageBody></XmlMsg>"#;

const RESULT: &str = r#"<?xml version="1.0" encoding="ENCODING" standalone="no"?>
<XmlMsg><MessageHeader><ProcessExecutionTime>20260105093000</ProcessExecutionTime><MedicalInstitutionCode>1312345678</MedicalInstitutionCode><SegmentOfResult>1</SegmentOfResult></MessageHeader><MessageBody><ProcessingResultStatus>1</ProcessingResultStatus><QualificationValidity>1</QualificationValidity><ResultList><ResultOfQualificationConfirmation><InsurerNumber>06123456</InsurerNumber><Name>髙橋 花子 &amp; 𠮷田</Name><Birthdate>19800401</Birthdate></ResultOfQualificationConfirmation></ResultList></MessageBody></XmlMsg>"#;

/// A query in each encoding.
pub fn query_seeds() -> Vec<Vec<u8>> {
    in_both_encodings(QUERY, |file| QueryMessage::from_file(file).map(|query| query.to_file()))
}

/// A result in each encoding.
pub fn result_seeds() -> Vec<Vec<u8>> {
    in_both_encodings(RESULT, |file| {
        let (result, _) = ResultMessage::from_file(file)?;
        Ok(result.to_file(Encoding::ShiftJis)?.0)
    })
}

fn in_both_encodings(
    document: &str,
    to_shift_jis: impl Fn(&[u8]) -> Result<Vec<u8>, MessageError>,
) -> Vec<Vec<u8>> {
    let utf8 = document.replace("ENCODING", "UTF-8").into_bytes();
    let wish = document
        .replace("ENCODING", "UTF-8")
        .replace("</MessageHeader>", "<CharacterCodeIdentifier>1</CharacterCodeIdentifier></MessageHeader>");
    match to_shift_jis(wish.as_bytes()) {
        // Without the line's end, so that each byte of a seed counts.
        Ok(shift_jis) => vec![utf8, shift_jis.trim_ascii_end().to_vec()],
        Err(error) => panic!("the seed is refused: {error}"),
    }
}

/// Names of queries.
pub fn file_name_seeds() -> Vec<Vec<u8>> {
    ["OQSsiquc01req_1.xml", "OQSsiquc01req_20260105-0001_A.xml"].map(Into::into).into()
}
