//! One valid message of each kind, all of the box or of lane 1. The people in them are invented.

use jiff::Timestamp;
use madoguchi_audit_log::line::{Hash, Line, What};
use madoguchi_protocol::{
    Envelope, LaneId, MessageId, PersonId, RequestId, VisitId, cbor,
    device::*,
    eligibility::{ConfirmationAnswer, Eligibility, EligibilityQuery, Validity, Verdict},
    envelope::VERSION,
    evidence::{ConfirmationRequest, Consent, Evidence, Medium, VerifiedBy},
    fault::FaultCode,
    figures::{Family, Figures, Kind, Said, Series, Value},
    messages::{
        audit_log::*, face_reader::*, nfc_reader::*, offline_queue::*, pin_session::*, receipt_computer::*,
        state::*, uplink::*,
    },
    pin::{PinJob, PublicKey, SealedPin},
};
use serde::Serialize;

const AT: Timestamp = Timestamp::constant(1_767_572_400, 0);
const JOB: PinJob = PinJob(4711);
const KEY: PublicKey = PublicKey([9; 32]);

/// The request that all answers belong to.
pub fn request_id() -> RequestId {
    RequestId::from_bytes([7; 16])
}

fn visit() -> VisitId {
    VisitId::from_bytes([3; 16])
}

fn lane() -> LaneId {
    match LaneId::new(1) {
        Ok(lane) => lane,
        Err(error) => panic!("{error}"),
    }
}

fn sealed() -> SealedPin {
    SealedPin { encapsulated: vec![5; 32], ciphertext: vec![6; 20] }
}

fn evidence() -> Evidence {
    Evidence {
        medium: Medium::Android,
        verified_by: VerifiedBy::Pin,
        statement: br#"{"v":1,"institution":"1312345678"}"#.to_vec(),
        certificate: vec![0x30, 0x82, 0x00, 0x02, 0x05, 0x00],
        signature: vec![8; 256],
    }
}

fn request() -> ConfirmationRequest {
    ConfirmationRequest {
        request_id: request_id(),
        visit: visit(),
        lane: lane(),
        at: AT,
        evidence: evidence(),
        consent: Consent { pharmacists: true, ..Consent::default() },
    }
}

fn eligibility() -> Eligibility {
    Eligibility {
        insurer_number: Some("06123456".into()),
        name: Some("窓口　太郎".into()),
        ..Eligibility::default()
    }
}

fn answer() -> ConfirmationAnswer {
    ConfirmationAnswer {
        request_id: request_id(),
        verdict: Verdict::Confirmed,
        validity: Some(Validity::Valid),
        eligibility: Some(eligibility()),
        confirmed_at: AT,
    }
}

fn settlement() -> Settlement {
    Settlement { verdict: Verdict::Confirmed, validity: Some(Validity::Valid), deferred: true }
}

fn encoded<T: Serialize>(value: &T) -> Vec<u8> {
    match cbor::encode(value) {
        Ok(bytes) => bytes,
        Err(error) => panic!("a sample can't be encoded: {error}"),
    }
}

fn of_lane<T: Serialize>(body: T) -> Vec<u8> {
    encoded(&Envelope {
        v: VERSION,
        id: MessageId::from_bytes([1; 16]),
        in_reply_to: Some(MessageId::from_bytes([2; 16])),
        visit: Some(visit()),
        lane: Some(lane()),
        at: AT,
        body,
    })
}

fn of_box<T: Serialize>(body: T) -> Vec<u8> {
    encoded(&Envelope {
        v: VERSION,
        id: MessageId::from_bytes([1; 16]),
        in_reply_to: None,
        visit: None,
        lane: None,
        at: AT,
        body,
    })
}

/// Commands, replies, events and states.
pub fn messages() -> Vec<Vec<u8>> {
    let mut all = commands();
    all.extend(replies());
    all.extend(said_unasked());
    all
}

fn commands() -> Vec<Vec<u8>> {
    let query = EligibilityQuery {
        request_id: request_id(),
        qualification_date: "20260105".into(),
        insurer_number: "06123456".into(),
        insured_card_symbol: Some("記号".into()),
        insured_identification_number: "123".into(),
        insured_branch_number: None,
        birthdate: "19800401".into(),
        limit_consent: true,
    };
    vec![
        of_lane(ActAsStaff {
            act: StaffAct::SettleByFallback(Fallback::PortalScreen),
            by: Some(PersonId::from_bytes([7; 16])),
        }),
        of_lane(ReadMedium {
            expected: Medium::Android,
            statement: evidence().statement,
            pin_job: Some(JOB),
            last_try_allowed: false,
            wait_ms: 60_000,
        }),
        of_lane(CancelRead {}),
        of_lane(TestReader { wait_ms: 10_000 }),
        of_box(ReadLog {
            filter: LogFilter {
                lane: Some(lane()),
                visit: Some(visit()),
                by: Some(PersonId::from_bytes([7; 16])),
                ..LogFilter::default()
            },
            before: Some(4711),
            limit: 50,
        }),
        of_box(AskChain { anew: true }),
        of_box(ReadReport { month: jiff::civil::date(2026, 1, 1), from_row: 200 }),
        of_lane(HoldPin { job: JOB, sealed: sealed() }),
        of_lane(ReleasePin { job: JOB, reader_key: KEY }),
        of_lane(DropPin { job: JOB }),
        of_lane(Authenticate { request_id: request_id(), evidence: evidence() }),
        of_lane(Confirm { request: request(), deferred: false }),
        of_box(QueryEligibility { query }),
        of_lane(AcceptConfirmation { request: request(), practice: false }),
        of_lane(AskConfirmation { request_id: request_id() }),
        of_box(ListRecords { set_aside: true, after: 4711, limit: 50 }),
        of_box(ExportRecord { id: request_id(), part: RecordPart::Answer, from: 32_768 }),
        of_lane(WriteResult {
            answer: answer(),
            consent: Consent::default(),
            consented_at: AT,
            deferred: false,
        }),
        of_lane(RecordEntry {
            at: AT,
            entry: Entry::ConfirmationSettled(Verdict::Confirmed, Some(Validity::Valid), Deferral::Live),
        }),
    ]
}

fn replies() -> Vec<Vec<u8>> {
    vec![
        of_lane(StaffActed::NotNow),
        of_lane(ReadOutcome::Signed {
            medium: Medium::Android,
            certificate: evidence().certificate,
            signature: evidence().signature,
        }),
        of_lane(ReadOutcome::WrongPin { tries_left: 2 }),
        of_lane(PinJobOpened { job: JOB, public_key: KEY }),
        of_lane(PinHeld::Held),
        of_lane(PinReleased::Released(sealed())),
        of_lane(Authenticated::Verdict(Verdict::Expired)),
        of_lane(Confirmed::Answer(answer())),
        of_box(Queried::Found { validity: Validity::Several, eligibility: Some(eligibility()) }),
        of_lane(Accepted::AlreadySettled(settlement())),
        of_lane(ConfirmationStanding::Settled(settlement())),
        of_lane(ResultWritten::Written { lost_characters: 1 }),
        of_lane(ReaderTested::Read(Medium::Iphone)),
        of_box(LogPage {
            lines: vec![LoggedLine {
                n: 7,
                at: AT,
                lane: Some(lane()),
                visit: Some(visit()),
                what: Logged::Entry(Entry::VisitEnded(VisitEnd::Fallback(Fallback::PortalScreen))),
            }],
            older: Some(7),
        }),
        of_box(ChainKnown { reading: false, found: Some(ChainFound { at: AT, whole: Some((1, 7)) }) }),
        of_box(ReportRows {
            rows: vec![ReportRow {
                lane: Some(lane()),
                hour: 9,
                medium: "android".into(),
                established: "online".into(),
                payment: "usual_share".into(),
                counts: "yes".into(),
                reason: "confirmed_online".into(),
                visits: 2,
            }],
            next: None,
        }),
    ]
}

/// A counter and a histogram, as the table of families has them.
fn figures() -> Figures {
    let series =
        |labels: &[&str], value| Series { labels: labels.iter().map(|text| (*text).into()).collect(), value };
    let counted = series(&["android", "confirmed"], Value::Number(3.0));
    let Kind::Histogram(bounds) = Family::VisitAnswer.kind() else { unreachable!("times are a histogram") };
    let times = Value::Histogram { sum: 1.5, counts: vec![1; bounds.len() + 1] };
    let said = |family: Family, series| Said { name: family.name().into(), series: vec![series] };
    Figures {
        families: vec![
            said(Family::VisitsEnded, counted),
            said(Family::VisitAnswer, series(&["android"], times)),
        ],
    }
}

fn said_unasked() -> Vec<Vec<u8>> {
    let state = |detail| State {
        condition: Condition::Running,
        faults: vec![ActiveFault { code: FaultCode::LineDown, since: AT }],
        detail,
    };
    vec![
        of_lane(ReadProgress::MediumSeen),
        of_lane(ReadProgress::TakeAwayFirst),
        of_lane(ConfirmationSettled { request_id: request_id(), settlement: settlement() }),
        of_lane(state(face_reader_detail())),
        of_lane(figures()),
        of_box(state(Detail::PinSession { open_jobs: 2 })),
        of_box(state(Detail::Gateway {
            actors: vec![SupervisedActor {
                address: "nfc_reader@2".into(),
                standing: Standing::Restarting,
                restarts: 3,
            }],
        })),
    ]
}

/// From text, so that what is added to it with a default needs no change here.
fn face_reader_detail() -> Detail {
    let text = r#"{"face_reader": {
        "connected": true,
        "reader": {"maker": "maker", "model": "M-1", "software": "1.2.3"},
        "phones_offered": true,
        "visit": {
            "visit": "03030303-0303-0303-0303-030303030303",
            "step": "enter_pin",
            "since": "2026-01-05T00:20:00Z",
            "medium": "android",
            "pin_job": 4711,
            "trouble": "wrong-pin"
        },
        "visits_ended": 12
    }}"#;
    match serde_json::from_str(text) {
        Ok(detail) => detail,
        Err(error) => panic!("the sample of a face-auth reader's state: {error}"),
    }
}

/// A line of the audit log, without its line feed.
pub fn audit_line() -> Vec<u8> {
    let line = Line {
        n: 7,
        at: AT,
        noted: AT,
        id: Some(MessageId::from_bytes([1; 16])),
        lane: Some(lane()),
        visit: Some(visit()),
        what: What::Entry(Entry::MediumRead(Medium::Android, VerifiedBy::Pin)),
        prev: Hash::ZERO,
    };
    match line.seal() {
        Ok((bytes, _)) => bytes.trim_ascii_end().to_vec(),
        Err(error) => panic!("a sample can't be sealed: {error}"),
    }
}

/// A stream for each frame of the device link.
pub fn frames() -> Vec<Vec<u8>> {
    let from_reader = [
        FromReader::Hello(Hello {
            version: madoguchi_protocol::device::VERSION,
            maker: "maker".into(),
            model: "M-1".into(),
            software: "1.2.3".into(),
            boot: "b1".into(),
            reads_phones: false,
            visit: None,
        }),
        FromReader::Touch { screen: 3, choice: "android".into() },
        FromReader::SealedPin { screen: 4, job: JOB, sealed: sealed() },
        FromReader::SlotCard { present: true },
        FromReader::SlotResult {
            visit: visit(),
            result: SlotResult::Signed {
                verified_by: VerifiedBy::Face,
                certificate: evidence().certificate,
                signature: evidence().signature,
            },
        },
        FromReader::SlotResult { visit: visit(), result: SlotResult::WrongPin { tries_left: 2 } },
        FromReader::Pong { number: 1 },
    ];
    let to_reader = [
        ToReader::Welcome { version: madoguchi_protocol::device::VERSION, lane: lane() },
        ToReader::Show(Screen {
            number: 4,
            kind: "enter_pin".into(),
            language: "ja".into(),
            title: "暗証番号".into(),
            text: "4桁の暗証番号を入力してください。".into(),
            choices: vec![Choice { id: "cancel".into(), label: "中止".into() }],
            pin_pad: Some(PinPad { job: JOB, public_key: KEY }),
            visit: Some(visit()),
        }),
        ToReader::ReadSlot {
            visit: visit(),
            method: SlotMethod::Face,
            statement: evidence().statement,
            last_try_allowed: false,
        },
        ToReader::CancelSlot { visit: visit() },
        ToReader::Ping { number: 1 },
        ToReader::Goodbye { reason: "another reader took the lane".into() },
    ];
    from_reader.iter().map(frame).chain(to_reader.iter().map(frame)).collect()
}

fn frame<T: Serialize>(message: &T) -> Vec<u8> {
    match encode_frame(message) {
        Ok(bytes) => bytes,
        Err(error) => panic!("a sample can't be framed: {error}"),
    }
}
