//! How fast the pages are with 64 lanes. States and configuration are put where bus and keeper put them; there is neither
//! a bus nor a reader here, so log and counts say that the audit log does not answer.

use super::*;
use crate::keeper::{Keeper, Status};
use madoguchi_protocol::{
    ActorKind, Address, Envelope, LaneId, MessageId, VisitId,
    envelope::VERSION,
    fault::FaultCode,
    messages::{
        audit_log::{Step, VisitEnd},
        state::{ActiveFault, Condition, Detail, EndedVisit, ReaderIdentity, State, VisitInProgress},
    },
};
use std::time::{Duration, Instant};

const LANES: u16 = 64;
/// How often each page is asked for.
const TIMES: usize = 40;
/// What 19 of 20 answers may take, as the program is built for hospitals.
const WITHIN: Duration = Duration::from_millis(100);
/// The same without optimisation and beside other tests: what grew with the square of the lanes would be far beyond.
const WITHIN_UNOPTIMISED: Duration = Duration::from_secs(3);

fn told(body: State) -> Envelope<State> {
    let (id, at) = (MessageId::random(), Timestamp::now());
    Envelope { v: VERSION, id, in_reply_to: None, visit: None, lane: None, at, body }
}

/// A lane whose third visit is in progress; every eighth one has lost its generic reader.
pub(super) fn lane(boards: &Boards, lane: LaneId) {
    let is_troubled = lane.number().is_multiple_of(8);
    let now = Timestamp::now();
    let face = |ended: u64| Detail::FaceReader {
        connected: true,
        reader: Some(ReaderIdentity {
            maker: "panasonic".into(),
            model: "EXAMPLE-1".into(),
            software: "2.0".into(),
            boot: "1".into(),
        }),
        phones_offered: !is_troubled,
        phones_since: Some(now),
        phones_unmet: Vec::new(),
        visit: Some(VisitInProgress {
            visit: VisitId::random(),
            step: Step::Consent,
            since: now,
            medium: None,
            pin_job: None,
            trouble: None,
            practice: false,
            staff_may: Vec::new(),
        }),
        rehearsal: None,
        visits_ended: ended,
        links_refused: 0,
        last_visit: Some(EndedVisit {
            visit: VisitId::random(),
            ended: now,
            end: VisitEnd::Confirmed,
            medium: None,
            service_ms: 900 + ended,
            waited_ms: 15_000,
        }),
    };
    let lost = ActiveFault { code: FaultCode::NfcReaderLost, since: now };
    let faults = if is_troubled { vec![lost] } else { Vec::new() };
    let nfc =
        Detail::NfcReader { reader: Some("Example Reader (EX000001) 00 00".into()), ready: !is_troubled };
    for (kind, states) in
        [(ActorKind::FaceReader, (0..100).map(face).collect()), (ActorKind::NfcReader, vec![nfc])]
    {
        for detail in states {
            let faults = if kind == ActorKind::NfcReader { faults.clone() } else { Vec::new() };
            let state = State { condition: Condition::Running, faults, detail };
            let address = Address { kind, lane: Some(lane) };
            boards.figures.send_modify(|figures| {
                figures.see(address, &state, now);
            });
            boards.states.send_modify(|all| {
                all.insert(address, told(state));
            });
        }
    }
}

/// The annotated example with 64 lanes.
fn configuration() -> Status {
    let example = include_str!("../../../../configs/example.toml");
    let mut text = example[..=example.find("\n[[lane]]").unwrap()].to_owned();
    for number in 1..=LANES {
        text += &format!(
            "[[lane]]\nnumber = {number}\n[lane.face_reader]\nlisten = \"192.168.10.1:{}\"\n",
            28_200 + number
        );
    }
    let file = "/etc/madoguchi/madoguchi.toml".into();
    let running = Config::parse(Path::new("x"), example).ok().map(Arc::new);
    Status { file, text, running, ..Status::default() }
}

#[actix_web::test]
async fn each_page_of_64_lanes_answers_in_time() {
    let bench = Bench::made(Keeper::showing(configuration()), |_| ()).await;
    for number in 1..=LANES {
        lane(&bench.boards, number.to_string().parse().unwrap());
    }
    let session = bench.session(&bench.person("管理者", Role::Administrator));
    let mut slow = Vec::new();
    for (n, path) in [
        "/",
        "/?big",
        "/lanes/64",
        "/repairs",
        "/queue",
        "/line",
        "/certificates",
        "/charts",
        "/counts",
        "/log",
        "/messages",
        "/parts",
        "/status",
        "/people",
        "/account",
        "/support",
        "/configuration",
        "/configuration/section?place=lane.64",
        "/configuration/text",
        "/configuration/history",
        "/configuration/setup",
        "/configuration/setup/certificates",
        "/configuration/phones?lane=1",
        "/configuration/import",
    ]
    .into_iter()
    .enumerate()
    {
        // From an address of its own, since one alone may not ask as often.
        let address = std::net::IpAddr::from([127, 0, 1, u8::try_from(n + 1).unwrap()]);
        let client = Client::builder().no_proxy().local_address(Some(address)).build().unwrap();
        let mut took = Vec::new();
        for _ in 0..TIMES {
            let began = Instant::now();
            let answer = client.get(bench.url(path)).by(&session).send().await.unwrap();
            let status = answer.status();
            let text = answer.text().await.unwrap();
            took.push(began.elapsed());
            assert_ne!(status, StatusCode::TOO_MANY_REQUESTS, "{path}");
            // These two ask the audit log, which is not there.
            let asks_the_log = ["/counts", "/log"].contains(&path);
            assert!(text.contains("</html>") && (status.is_success() || asks_the_log), "{path}: {status}");
            let tiles = text.matches("<article").count();
            assert_eq!(tiles, if path == "/" || path == "/?big" { usize::from(LANES) } else { 0 }, "{path}");
        }
        took.sort_unstable();
        let (half, most) = (took[TIMES / 2], took[TIMES * 95 / 100 - 1]);
        println!("{path}: p50 {half:?}, p95 {most:?}");
        if most > if cfg!(debug_assertions) { WITHIN_UNOPTIMISED } else { WITHIN } {
            slow.push(format!("{path}: {most:?}"));
        }
    }
    assert!(slow.is_empty(), "{slow:?}");
    bench.close().await;
}
