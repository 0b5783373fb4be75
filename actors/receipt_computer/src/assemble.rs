//! The centre's answers as files, and the receipt computer's queries as questions to the centre.

use jiff::Timestamp;
use madoguchi_protocol::RequestId;
use madoguchi_protocol::eligibility::{ConfirmationAnswer, EligibilityQuery, Verdict};
use madoguchi_protocol::messages::receipt_computer::WriteResult;
use madoguchi_protocol::messages::uplink::Queried;

use crate::fields::{BODY, FieldError, HEADER, QUALIFICATION, Record, Rule};
use crate::message::{ConsentItem, QueryMessage, ResultMessage, file_date, file_time, set_consent};

/// A reader's result. A verdict other than *confirmed* is an answer too: the file says it, without insurances.
///
/// # Errors
/// [`FieldError`] when the centre said something that does not fit the file.
pub fn face_message(institution: &str, result: &WriteResult) -> Result<ResultMessage, FieldError> {
    let ConfirmationAnswer { verdict, validity, eligibility, confirmed_at, .. } = &result.answer;
    let mut message = ResultMessage::new();
    let header = &mut message.header;
    header.set("ProcessExecutionTime", file_time(*confirmed_at))?;
    header.set("QualificationConfirmationDate", file_date(*confirmed_at))?;
    header.set("MedicalInstitutionCode", institution)?;
    header.set("ReferenceClassification", "1")?.set("SegmentOfResult", "1")?;
    message.body.set("ProcessingResultStatus", if *verdict == Verdict::Confirmed { "1" } else { "2" })?;
    if let Some((code, text)) = refusal(*verdict) {
        message.body.set("ProcessingResultCode", code)?.set("ProcessingResultMessage", text)?;
    }
    if let Some(validity) = validity {
        message.body.set("QualificationValidity", validity.digit().to_string())?;
    }
    if let Some(eligibility) = eligibility {
        let mut qualification = qualification(eligibility.elements())?;
        let consent = &result.consent;
        for (item, yes) in [
            (ConsentItem::HealthCheckups, consent.specific_health_checkups),
            (ConsentItem::Pharmacists, consent.pharmacists),
            (ConsentItem::Diagnosis, consent.diagnosis),
            (ConsentItem::Operation, consent.operation),
            (ConsentItem::LimitCertificate, consent.limit_application),
        ] {
            set_consent(&mut qualification, item, yes, result.consented_at)?;
        }
        message.qualifications.push(qualification);
    }
    Ok(message)
}

/// Code (the gateway's own) and text of an answer that is no confirmation.
fn refusal(verdict: Verdict) -> Option<(&'static str, &'static str)> {
    match verdict {
        Verdict::Confirmed => None,
        Verdict::NotRegistered => Some(("MG-R01", "健康保険証としての利用登録がされていません。")),
        Verdict::Expired => Some(("MG-R02", "電子証明書の有効期限が切れています。")),
        Verdict::Revoked => Some(("MG-R03", "電子証明書が失効しています。")),
        Verdict::Refused => Some(("MG-R04", "オンライン資格確認等システムで確認できませんでした。")),
    }
}

fn qualification<'a>(elements: impl Iterator<Item = (&'static str, &'a str)>) -> Result<Record, FieldError> {
    let mut record = Record::new(QUALIFICATION);
    for (name, text) in elements {
        record.set(name, text)?;
    }
    Ok(record)
}

/// What to ask the centre.
///
/// # Errors
/// [`FieldError`] when something is missing, or the query is another institution's.
pub fn eligibility_query(
    request_id: RequestId,
    message: &QueryMessage,
    institution: &str,
) -> Result<EligibilityQuery, FieldError> {
    // Another hospital's query would be billed to this one.
    if message.header.need("MedicalInstitutionCode")? != institution {
        return Err(FieldError::Invalid("MedicalInstitutionCode", Rule::ThisInstitution));
    }
    let search = &message.search;
    let owned = |name| search.get(name).map(str::to_owned);
    Ok(EligibilityQuery {
        request_id,
        qualification_date: message.header.need("QualificationConfirmationDate")?.to_owned(),
        insurer_number: search.need("InsurerNumber")?.trim_start().to_owned(),
        insured_card_symbol: owned("InsuredCardSymbol"),
        insured_identification_number: search.need("InsuredIdentificationNumber")?.to_owned(),
        insured_branch_number: owned("InsuredBranchNumber"),
        birthdate: search.need("Birthdate")?.to_owned(),
        limit_consent: search.get("LimitApplicationCertificateRelatedConsFlg") == Some("1"),
    })
}

/// The answer's header: what the query's said, and when it was answered.
fn answer_header(query: &Record, segment: &str, now: Timestamp) -> Result<Record, FieldError> {
    let mut header = Record::new(HEADER);
    header.set("ProcessExecutionTime", file_time(now))?;
    for name in ["QualificationConfirmationDate", "MedicalInstitutionCode", "ArbitraryFileIdentifier"] {
        header.set(name, query.get(name).unwrap_or_default())?;
    }
    header.set("ReferenceClassification", "2")?.set("SegmentOfResult", segment)?;
    Ok(header)
}

/// The answer to a query that could not be looked up.
///
/// # Errors
/// [`FieldError`] when code or text are too long.
pub fn failure(query: &Record, code: &str, text: &str, now: Timestamp) -> Result<ResultMessage, FieldError> {
    let mut header = answer_header(query, "9", now)?;
    header.set("ErrorCode", code)?.set("ErrorMessage", text)?;
    Ok(ResultMessage { header, body: Record::new(BODY), qualifications: Vec::new() })
}

/// The answer to a query, from what the centre said; `query` is the query's header.
///
/// # Errors
/// [`FieldError`] when the centre said something that does not fit the file.
pub fn query_message(query: &Record, said: &Queried, now: Timestamp) -> Result<ResultMessage, FieldError> {
    match said {
        Queried::Found { validity, eligibility } => {
            let mut body = Record::new(BODY);
            body.set("ProcessingResultStatus", "1")?;
            body.set("QualificationValidity", validity.digit().to_string())?;
            let qualifications =
                eligibility.iter().map(|found| qualification(found.elements())).collect::<Result<_, _>>()?;
            Ok(ResultMessage { header: answer_header(query, "1", now)?, body, qualifications })
        }
        Queried::LineDown | Queried::Uncertain => failure(
            query,
            "MG-Q05",
            "オンライン資格確認等システムから回答がありません。回線の復旧後に、もう一度照会してください。",
            now,
        ),
        Queried::Malformed { .. } => failure(
            query,
            "MG-Q06",
            "オンライン資格確認等システムが照会の内容を受け付けませんでした。保険者番号・記号・番号・生年月日を確かめてください。",
            now,
        ),
    }
}
