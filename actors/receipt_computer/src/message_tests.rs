//! Claims about result and query files, among them properties over any content and any damage.

use proptest::prelude::*;

use super::*;

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn result() -> ResultMessage {
    let mut result = ResultMessage::new();
    result.header.set("ProcessExecutionTime", "20251122093000").unwrap();
    result.header.set("MedicalInstitutionCode", "1312345678").unwrap();
    result.header.set("SegmentOfResult", "1").unwrap();
    result.body.set("ProcessingResultStatus", "1").unwrap();
    result.body.set("QualificationValidity", "1").unwrap();
    let mut qualification = Record::new(QUALIFICATION);
    qualification.set("InsurerNumber", "138057").unwrap();
    qualification.set("InsuredBranchNumber", "01").unwrap();
    qualification.set("Name", "髙橋　太郎").unwrap();
    result.qualifications.push(qualification);
    result
}

fn query(encoding: Encoding) -> QueryMessage {
    let mut header = Record::new(HEADER);
    header.set("QualificationConfirmationDate", "20251122").unwrap();
    header.set("MedicalInstitutionCode", "1312345678").unwrap();
    header.set("ArbitraryFileIdentifier", "uketsuke-7").unwrap();
    let mut search = Record::new(SEARCH);
    search.set("InsurerNumber", "138057").unwrap();
    search.set("InsuredCardSymbol", "記号１").unwrap();
    search.set("InsuredIdentificationNumber", "4260").unwrap();
    search.set("Birthdate", "19700101").unwrap();
    QueryMessage { header, search, encoding }
}

#[test]
fn times_are_japans_whatever_the_machines_zone() {
    assert_eq!(file_time(at("2025-11-22T15:00:01Z")), "20251123000001");
    assert_eq!(file_date(at("2025-11-22T15:00:01Z")), "20251123");
}

#[test]
fn consent_holds_for_24_hours_from_when_it_was_given() {
    let mut qualification = Record::new(QUALIFICATION);
    let given = at("2025-12-31T14:59:59Z");
    for item in ConsentItem::ALL {
        set_consent(&mut qualification, item, item != ConsentItem::Operation, given).unwrap();
    }
    assert_eq!(qualification.get("PharmacistsInfoConsFlg"), Some("1"));
    assert_eq!(qualification.get("PharmacistsInfoConsTime"), Some("20251231235959"));
    assert_eq!(qualification.get("PharmacistsInfoAvailableTime"), Some("20260101235959"));
    assert_eq!(qualification.get("OperationInfoConsFlg"), Some("0"));
    assert_eq!(qualification.get("OperationInfoConsTime"), None);
    assert_eq!(qualification.get("LimitApplicationCertificateRelatedConsFlg"), Some("1"));
    assert_eq!(qualification.get("LimitApplicationCertificateRelatedConsTime"), Some("20251231235959"));
}

#[test]
fn a_result_is_shift_jis_by_default_and_says_so_in_prolog_and_header() {
    let (file, losses) = result().to_file(Encoding::default()).unwrap();
    assert!(losses.is_empty());
    assert!(file.starts_with(b"<?xml version=\"1.0\" encoding=\"Shift_JIS\""));
    assert!(file.windows(4).any(|pair| pair == b"\xFB\xFC\x8B\xB4"), "髙橋 in code page 932");
    let (read, encoding) = ResultMessage::from_file(&file).unwrap();
    assert_eq!(encoding, Encoding::ShiftJis);
    assert_eq!(read.header.get("CharacterCodeIdentifier"), Some("1"));
    assert_eq!(read.qualifications, result().qualifications);
}

#[test]
fn the_known_shape_of_a_result_file_is_pinned() {
    let (file, _) = result().to_file(Encoding::Utf8).unwrap();
    let expected = "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"no\"?>
<XmlMsg>
  <MessageHeader>
    <ProcessExecutionTime>20251122093000</ProcessExecutionTime>
    <MedicalInstitutionCode>1312345678</MedicalInstitutionCode>
    <SegmentOfResult>1</SegmentOfResult>
    <CharacterCodeIdentifier>0</CharacterCodeIdentifier>
  </MessageHeader>
  <MessageBody>
    <ProcessingResultStatus>1</ProcessingResultStatus>
    <QualificationValidity>1</QualificationValidity>
    <ResultList>
      <ResultOfQualificationConfirmation>
        <InsurerNumber>  138057</InsurerNumber>
        <InsuredBranchNumber>01</InsuredBranchNumber>
        <Name>髙橋　太郎</Name>
      </ResultOfQualificationConfirmation>
    </ResultList>
  </MessageBody>
</XmlMsg>
";
    assert_eq!(String::from_utf8(file).unwrap(), expected.replace('\n', "\r\n"));
}

#[test]
fn a_query_is_read_in_both_encodings_and_its_answer_follows_the_headers_wish() {
    for encoding in [Encoding::ShiftJis, Encoding::Utf8] {
        assert_eq!(QueryMessage::from_file(&query(encoding).to_file()), Ok(query(encoding)));
    }
    let mut wish = query(Encoding::ShiftJis);
    wish.header.set("CharacterCodeIdentifier", "0").unwrap();
    assert_eq!(QueryMessage::from_file(&wish.to_file()).unwrap().encoding, Encoding::Utf8);
}

#[test]
fn a_malformed_query_says_in_japanese_what_to_mend() {
    let whole = String::from_utf8(query(Encoding::Utf8).to_file()).unwrap();
    let cases = [
        (
            whole.replace("19700101", "19701301"),
            "MG-Q04",
            "Birthdateは実在する日付（YYYYMMDD）にしてください。",
        ),
        (whole.replace("Birthdate", "Birthday"), "MG-Q04", "Birthdateがありません。"),
        (
            whole.replace("QualificationConfirmSearchInfo", "Search"),
            "MG-Q04",
            "QualificationConfirmSearchInfoが",
        ),
        (whole.replace("UTF-8", "EUC-JP"), "MG-Q02", "Shift_JISまたはUTF-8"),
        (whole[..whole.len() - 12].to_owned(), "MG-Q03", "途中で終わっています"),
        (whole.replace("<XmlMsg>", "<!DOCTYPE x><XmlMsg>"), "MG-Q03", "DOCTYPE"),
    ];
    for (file, code, hint) in cases {
        let error = QueryMessage::from_file(file.as_bytes()).unwrap_err();
        assert_eq!(error.code(), code, "{error}");
        assert!(error.for_staff().contains(hint), "{}", error.for_staff());
        let answer =
            ResultMessage::error(error.code(), &error.for_staff(), at("2025-11-22T00:00:00Z")).unwrap();
        let (file, losses) = answer.to_file(Encoding::ShiftJis).unwrap();
        let (read, _) = ResultMessage::from_file(&file).unwrap();
        assert_eq!((read.header.get("SegmentOfResult"), losses.len()), (Some("9"), 0));
        assert_eq!(read.header.get("ErrorMessage"), Some(&*error.for_staff()));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn any_allowed_name_survives_utf8_and_shift_jis_loses_only_what_it_reports(name in "[^\\p{C}]{1,40}") {
        let mut message = result();
        message.qualifications[0].set("Name", &name).unwrap();
        let (file, losses) = message.to_file(Encoding::Utf8).unwrap();
        prop_assert!(losses.is_empty());
        let read = ResultMessage::from_file(&file).unwrap().0;
        prop_assert_eq!(&read.qualifications, &message.qualifications);

        let (file, losses) = message.to_file(Encoding::ShiftJis).unwrap();
        let read = ResultMessage::from_file(&file).unwrap().0;
        let read = read.qualifications[0].get("Name").unwrap().to_owned();
        prop_assert_eq!(read.chars().count(), name.chars().count());
        for (position, (given, read)) in (1..).zip(name.chars().zip(read.chars())) {
            let lost = losses.iter().find(|loss| loss.position == position);
            match lost {
                Some(loss) => prop_assert_eq!((read, loss.code_point), ('●', u32::from(given))),
                None => prop_assert!(read == given || "〜−—‖¢£¬¥‾".contains(given), "{} {}", given, read),
            }
        }
    }

    #[test]
    fn any_bytes_give_a_typed_error_or_a_message(file in proptest::collection::vec(any::<u8>(), 0..2000)) {
        let _ = QueryMessage::from_file(&file);
        let _ = ResultMessage::from_file(&file);
    }

    #[test]
    fn a_damaged_query_never_panics_and_never_yields_an_unchecked_field(
        cut in 0usize..900, flip in 0usize..900, to in any::<u8>(), shift_jis in any::<bool>()
    ) {
        let mut file = query(if shift_jis { Encoding::ShiftJis } else { Encoding::Utf8 }).to_file();
        if let Some(byte) = file.get_mut(flip) {
            *byte = to;
        }
        file.truncate(cut.max(1));
        if let Ok(read) = QueryMessage::from_file(&file) {
            prop_assert_eq!(QueryMessage::from_file(&read.to_file()).unwrap().search, read.search);
        }
    }

    #[test]
    fn nested_and_repeated_elements_stay_within_bounds(
        tags in proptest::collection::vec(("(XmlMsg|MessageHeader|MessageBody|a)", any::<bool>()), 0..200)
    ) {
        let document: String =
            tags.iter().map(|(name, open)| if *open { format!("<{name}>") } else { format!("</{name}>") }).collect();
        let _ = QueryMessage::from_file(document.as_bytes());
    }
}
