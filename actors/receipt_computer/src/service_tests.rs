//! Claims about the whole crate on real folders, without the bus.

use std::fs;
use std::path::Path;

use madoguchi_protocol::RequestId;
use madoguchi_protocol::eligibility::{ConfirmationAnswer, Eligibility, Validity, Verdict};
use madoguchi_protocol::evidence::Consent;

use super::*;

const INSTITUTION: &str = "1312345678";

struct Site {
    dir: tempfile::TempDir,
    begin: Instant,
}

fn now() -> Timestamp {
    "2025-11-22T00:30:00Z".parse().unwrap()
}

impl Site {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        for folder in ["Req", "Res", "Face"] {
            fs::create_dir(dir.path().join(folder)).unwrap();
        }
        Self { dir, begin: Instant::now() }
    }
    fn path(&self, folder: &str) -> PathBuf {
        self.dir.path().join(folder)
    }
    fn config(&self) -> Settings {
        Settings {
            request_folder: self.path("Req"),
            result_folder: self.path("Res"),
            face_folder: self.path("Face"),
            state_folder: self.path("state"),
            institution: INSTITUTION.into(),
            encoding: Encoding::ShiftJis,
            scan_ms: 1_000,
            stable_ms: 1_000,
            query_wait_s: 60,
            days_remembered: 60,
        }
    }
    fn service(&self) -> Service {
        let mut service = Service::open(&self.config(), now()).unwrap();
        service.recover(now()).unwrap();
        service
    }
    fn names(&self, folder: &str) -> Vec<String> {
        names(&self.path(folder))
    }
    /// Looks now and `seconds` later, when what is there has stopped changing.
    fn look(&self, service: &mut Service, seconds: u64) -> Arrivals {
        service.look(self.begin, now(), 8).unwrap();
        service.look(self.begin + Duration::from_secs(seconds), now(), 8).unwrap()
    }
    fn put_query(&self, change: impl FnOnce(String) -> String) {
        let mut header = Record::new(HEADER);
        header.set("QualificationConfirmationDate", "20251122").unwrap();
        header.set("MedicalInstitutionCode", INSTITUTION).unwrap();
        header.set("ArbitraryFileIdentifier", "uketsuke-7").unwrap();
        let mut search = Record::new(crate::fields::SEARCH);
        search.set("InsurerNumber", "138057").unwrap();
        search.set("InsuredIdentificationNumber", "4260").unwrap();
        search.set("Birthdate", "19700101").unwrap();
        search.set("LimitApplicationCertificateRelatedConsFlg", "1").unwrap();
        let file = QueryMessage { header, search, encoding: Encoding::Utf8 }.to_file();
        fs::write(self.path("Req/OQSsiquc01req_7.xml"), change(String::from_utf8(file).unwrap())).unwrap();
    }
    fn answer(&self) -> ResultMessage {
        ResultMessage::from_file(&fs::read(self.path("Res/OQSsiquc01res_7.xml")).unwrap()).unwrap().0
    }
}

fn names(path: &Path) -> Vec<String> {
    fs::read_dir(path).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

fn eligibility() -> Eligibility {
    Eligibility {
        insurer_number: Some("138057".into()),
        insured_identification_number: Some("4260".into()),
        name: Some("𠮷野　花子".into()),
        birthdate: Some("19700101".into()),
        ..Eligibility::default()
    }
}

fn result(verdict: Verdict) -> WriteResult {
    let confirmed = verdict == Verdict::Confirmed;
    WriteResult {
        answer: ConfirmationAnswer {
            request_id: RequestId::from_bytes([1; 16]),
            verdict,
            validity: confirmed.then_some(Validity::Valid),
            eligibility: confirmed.then(eligibility),
            confirmed_at: now(),
        },
        consent: Consent { pharmacists: true, ..Consent::default() },
        consented_at: now(),
        deferred: false,
    }
}

fn visit() -> (LaneId, VisitId) {
    (LaneId::new(2).unwrap(), VisitId::from_bytes([7; 16]))
}

fn found() -> Queried {
    Queried::Found { validity: Validity::Valid, eligibility: Some(eligibility()) }
}

#[test]
fn a_result_bears_the_answer_the_consent_and_the_loss() {
    let site = Site::new();
    let (lane, visit) = visit();
    let written = site.service().write_result(lane, visit, &result(Verdict::Confirmed), now());
    assert_eq!(reply(&written), ResultWritten::Written { lost_characters: 1 });
    let Written { name, losses, now: first } = written.unwrap();
    assert!(first);
    assert_eq!(name, "OQSsiquc01res_face_2_07070707-0707-0707-0707-070707070707_20251122093000.xml");
    assert_eq!((losses[0].element.as_str(), losses[0].position, losses[0].code_point), ("Name", 1, 0x20BB7));
    let (file, encoding) =
        ResultMessage::from_file(&fs::read(site.path("Face").join(name)).unwrap()).unwrap();
    assert_eq!(encoding, Encoding::ShiftJis);
    assert_eq!(file.header.get("ReferenceClassification"), Some("1"));
    assert_eq!(file.header.get("MedicalInstitutionCode"), Some(INSTITUTION));
    assert_eq!(file.body.get("QualificationValidity"), Some("1"));
    let qualification = &file.qualifications[0];
    assert_eq!(qualification.get("Name"), Some("●野　花子"));
    assert_eq!(qualification.get("InsurerNumber"), Some("  138057"));
    assert_eq!(qualification.get("PharmacistsInfoAvailableTime"), Some("20251123093000"));
    assert_eq!(qualification.get("DiagnosisInfoConsFlg"), Some("0"));
}

#[test]
fn a_visit_has_one_file_however_often_it_is_asked_for_and_whoever_takes_it() {
    let site = Site::new();
    let (lane, visit) = visit();
    let ask = |at: &str| {
        let at = at.parse().unwrap();
        site.service().write_result(lane, visit, &result(Verdict::Confirmed), at).unwrap().name
    };
    let first = ask("2025-11-22T00:30:00Z");
    assert_eq!(ask("2025-11-22T00:30:05Z"), first);
    assert_eq!(site.names("Face"), std::slice::from_ref(&first));
    fs::remove_file(site.path("Face").join(&first)).unwrap();
    assert_eq!(ask("2025-11-30T00:00:00Z"), first);
    assert!(site.names("Face").is_empty());
}

#[test]
fn r02_not_registered_is_written_as_an_answer() {
    let site = Site::new();
    let (lane, visit) = visit();
    let written = site.service().write_result(lane, visit, &result(Verdict::NotRegistered), now()).unwrap();
    let name = written.name;
    let (file, _) = ResultMessage::from_file(&fs::read(site.path("Face").join(name)).unwrap()).unwrap();
    assert_eq!(file.header.get("SegmentOfResult"), Some("1"));
    assert_eq!(file.body.get("ProcessingResultStatus"), Some("2"));
    assert!(file.body.get("ProcessingResultMessage").unwrap().contains("利用登録"));
    assert!(file.qualifications.is_empty());
}

#[test]
fn a_share_that_is_away_says_ask_again_and_an_answer_that_does_not_fit_says_do_not() {
    let site = Site::new();
    let (lane, visit) = visit();
    fs::remove_dir(site.path("Face")).unwrap();
    let mut service = Service::open(&site.config(), now()).unwrap();
    let mut ask = |result: &WriteResult| reply(&service.write_result(lane, visit, result, now()));
    assert_eq!(ask(&result(Verdict::Confirmed)), ResultWritten::FolderUnavailable);
    fs::create_dir(site.path("Face")).unwrap();
    let mut bad = result(Verdict::Confirmed);
    bad.answer.eligibility.as_mut().unwrap().birthdate = Some("昭和45年".into());
    assert_eq!(ask(&bad), ResultWritten::Unwritable);
    assert!(matches!(ask(&result(Verdict::Confirmed)), ResultWritten::Written { .. }));
}

#[test]
fn a_query_is_asked_answered_under_its_id_and_removed() {
    let site = Site::new();
    site.put_query(|file| file);
    let mut service = site.service();
    let arrivals = site.look(&mut service, 1);
    let query = &arrivals.pending[0].query;
    assert_eq!((query.insurer_number.as_str(), query.limit_consent), ("138057", true));
    let outcome = service.answer_query(&arrivals.pending[0], &found(), now()).unwrap();
    assert_eq!(outcome, Outcome::Answered(vec![]), "the answer is UTF-8 as the query was: nothing is lost");
    let answer = site.answer();
    assert_eq!(answer.header.get("ArbitraryFileIdentifier"), Some("uketsuke-7"));
    assert_eq!(answer.header.get("ReferenceClassification"), Some("2"));
    assert_eq!(answer.qualifications[0].get("Name"), Some("𠮷野　花子"));
    assert!(site.names("Req").is_empty());
}

#[test]
fn a_crash_before_the_answer_asks_again_under_the_same_request_id() {
    let site = Site::new();
    site.put_query(|file| file);
    let id = |service: &mut Service| site.look(service, 1).pending[0].query.request_id;
    let before = id(&mut site.service());
    assert_eq!(id(&mut site.service()), before);
}

#[test]
fn a_crash_after_the_answer_removes_the_query_without_asking_again() {
    let site = Site::new();
    site.put_query(|file| file);
    let mut service = site.service();
    let pending = site.look(&mut service, 1).pending.remove(0);
    let answer_only = Pending { stamp: Stamp { size: 0, modified: 0, changed: 0 }, ..pending };
    service.answer_query(&answer_only, &found(), now()).unwrap();
    assert_eq!(site.names("Req").len(), 1, "as if the crash had come before the removal");
    fs::remove_file(site.path("Res/OQSsiquc01res_7.xml")).unwrap();
    drop(service);
    let arrivals = site.look(&mut site.service(), 1);
    assert!(arrivals.pending.is_empty() && site.names("Req").is_empty() && site.names("Res").is_empty());
}

#[test]
fn without_a_definite_answer_a_query_waits_and_then_says_so() {
    let site = Site::new();
    site.put_query(|file| file);
    let mut service = site.service();
    let pending = site.look(&mut service, 1).pending.remove(0);
    for said in [Queried::LineDown, Queried::Uncertain] {
        assert_eq!(service.answer_query(&pending, &said, now()).unwrap(), Outcome::Waiting);
    }
    assert!(site.names("Res").is_empty());
    let again = service.look(site.begin + Duration::from_secs(60), now(), 8).unwrap().pending.remove(0);
    assert_eq!(again.query.request_id, pending.query.request_id);
    service.answer_query(&again, &Queried::LineDown, now()).unwrap();
    assert_eq!(site.answer().header.get("ErrorCode"), Some("MG-Q05"));
    assert!(site.names("Req").is_empty());
}

#[test]
fn a_malformed_query_is_answered_with_what_to_mend() {
    for (from, to, hint) in
        [("19700101", "19701301", "Birthdate"), ("1312345678", "1399999999", "この施設の医療機関コード")]
    {
        let site = Site::new();
        site.put_query(|file| file.replace(from, to));
        let arrivals = site.look(&mut site.service(), 1);
        assert_eq!((arrivals.pending.len(), arrivals.malformed), (0, 1));
        let header = site.answer().header;
        assert_eq!(header.get("SegmentOfResult"), Some("9"));
        assert!(header.get("ErrorMessage").unwrap().contains(hint));
        assert!(site.names("Req").is_empty());
    }
}

#[test]
fn a_query_that_is_still_being_written_gets_time_before_it_is_called_cut() {
    let site = Site::new();
    site.put_query(|file| file[..200].to_owned());
    let mut service = site.service();
    assert_eq!(site.look(&mut service, 9).malformed, 0);
    assert_eq!(service.look(site.begin + Duration::from_secs(10), now(), 8).unwrap().malformed, 1);
    assert!(site.answer().header.get("ErrorMessage").unwrap().contains("途中で終わっています"));
}

#[test]
fn a_query_over_four_mebibytes_is_refused_with_an_answer() {
    let site = Site::new();
    let file = fs::File::create(site.path("Req/OQSsiquc01req_7.xml")).unwrap();
    file.set_len(crate::xml::MAX_BYTES as u64 + 1).unwrap();
    assert_eq!(site.look(&mut site.service(), 1).malformed, 1);
    assert_eq!(site.answer().header.get("ErrorCode"), Some("MG-Q01"));
}

#[test]
fn an_institution_code_that_is_not_one_is_refused_at_the_start() {
    let site = Site::new();
    for institution in ["", "131234567", "131234567X"] {
        let config = Settings { institution: institution.into(), ..site.config() };
        assert!(matches!(Service::open(&config, now()), Err(ServiceError::Institution(_))));
    }
}

#[test]
fn what_the_gateway_keeps_names_no_patient() {
    let site = Site::new();
    let (lane, visit) = visit();
    site.put_query(|file| file);
    let mut service = site.service();
    service.write_result(lane, visit, &result(Verdict::Confirmed), now()).unwrap();
    let pending = site.look(&mut service, 1).pending.remove(0);
    service.answer_query(&pending, &found(), now()).unwrap();
    let mut kept = format!("{service:?} {pending:?} {:?}", result(Verdict::Confirmed));
    for name in site.names("state") {
        kept += &String::from_utf8_lossy(&fs::read(site.path("state").join(&name)).unwrap());
    }
    for datum in ["野　花子", "138057", "19700101", "4260,", "\"4260\""] {
        assert!(!kept.contains(datum), "{datum} in {kept}");
    }
}
