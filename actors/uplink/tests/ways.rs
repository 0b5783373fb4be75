//! Two lines to one centre: requests change over, also those under way, and return.
#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test, in helpers too")]

use madoguchi_protocol::{
    LaneId, RequestId, VisitId,
    eligibility::{ConfirmationAnswer, Eligibility, EligibilityQuery, Validity, Verdict},
    evidence::{ConfirmationRequest, Consent, Evidence, Medium, VerifiedBy},
    messages::{
        line::{Stage, Way},
        uplink::{Authenticate, Authenticated, Confirm, Confirmed},
    },
};
use madoguchi_uplink::{
    EligibilityCentre, Settings,
    centre::{Failure, NotSent},
    desk::Desk,
    line::LineState,
    outage::Kept,
    vpn::tunnel::Tunnel,
    ways::Ways,
};
use std::{
    collections::HashSet,
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::{
    sync::watch,
    time::{Instant, sleep, timeout},
};

/// What becomes of what is sent over a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    Arrives,
    /// Arrives, and the answer vanishes: one-way loss.
    AnswerVanishes,
    Vanishes,
    NoRoute,
}

/// The centre behind both lines, and what took effect there.
#[derive(Default)]
struct Behind(Mutex<HashSet<RequestId>>);

/// One line to it.
struct Line {
    behind: Arc<Behind>,
    fate: watch::Receiver<Fate>,
}

impl Line {
    /// Carries one request there and the answer back; never comes back where either vanishes.
    async fn carry<T>(
        &self,
        within: Duration,
        act: impl FnOnce(&mut HashSet<RequestId>) -> T,
    ) -> Result<T, Failure> {
        let fate = *self.fate.borrow();
        let answer = match fate {
            Fate::NoRoute => return Err(Failure::NotSent(NotSent::Refused)),
            Fate::Vanishes => None,
            Fate::Arrives | Fate::AnswerVanishes => Some(act(&mut self.behind.0.lock().unwrap())),
        };
        match answer {
            Some(answer) if fate == Fate::Arrives => Ok(answer),
            _ => {
                sleep(within).await;
                Err(Failure::TimedOut)
            }
        }
    }
}

fn answer(request_id: RequestId) -> ConfirmationAnswer {
    ConfirmationAnswer {
        request_id,
        verdict: Verdict::Confirmed,
        validity: Some(Validity::Valid),
        eligibility: None,
        confirmed_at: jiff::Timestamp::UNIX_EPOCH,
    }
}

impl EligibilityCentre for Line {
    async fn alive(&self, within: Duration) -> Result<(), Failure> {
        self.carry(within, |_| ()).await
    }

    async fn authenticate(&self, _: &Authenticate, within: Duration) -> Result<Verdict, Failure> {
        self.carry(within, |_| Verdict::Confirmed).await
    }

    async fn confirm(
        &self,
        request: &ConfirmationRequest,
        _: bool,
        within: Duration,
    ) -> Result<ConfirmationAnswer, Failure> {
        let id = request.request_id;
        let doubled = self.carry(within, |done| !done.insert(id)).await?;
        assert!(!doubled, "sent again without having been looked up");
        Ok(answer(id))
    }

    async fn find_confirmation(
        &self,
        id: RequestId,
        within: Duration,
    ) -> Result<Option<ConfirmationAnswer>, Failure> {
        self.carry(within, |done| done.contains(&id).then(|| answer(id))).await
    }

    async fn query(
        &self,
        _: &EligibilityQuery,
        within: Duration,
    ) -> Result<(Validity, Option<Eligibility>), Failure> {
        self.carry(within, |_| (Validity::Valid, None)).await
    }
}

struct Bench {
    desk: Arc<Desk<Line>>,
    fates: [watch::Sender<Fate>; 2],
    behind: Arc<Behind>,
}

impl Bench {
    /// Two lines that are well, probed as the actor probes them. Time is paused: it leaps where all wait.
    async fn open() -> Self {
        let behind = Arc::new(Behind::default());
        let fates = [Fate::Arrives; 2].map(|fate| watch::channel(fate).0);
        let line = |fate: &watch::Sender<Fate>| Line { behind: behind.clone(), fate: fate.subscribe() };
        let ways = [(Way::Primary, Some(line(&fates[0]))), (Way::Second, Some(line(&fates[1])))];
        let settings = Settings::default();
        let ways = Ways::new(ways, false, Duration::from_secs(settings.return_s), Kept::default());
        let desk = Arc::new(Desk::with_ways(ways, &settings));
        for at in 0..2 {
            let desk = desk.clone();
            tokio::spawn(async move {
                let mut ticks = tokio::time::interval(Duration::from_millis(settings.probe_every_ms));
                ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
                loop {
                    ticks.tick().await;
                    desk.probe(at).await;
                }
            });
        }
        let bench = Self { desk, fates, behind };
        bench.until(Way::Primary, Stage::CentreReachable, Duration::from_secs(1)).await;
        bench
    }

    fn set(&self, line: usize, fate: Fate) {
        self.fates[line].send_replace(fate);
    }

    /// Waits until requests go by `way` and it has this stage; says how long that took.
    async fn until(&self, way: Way, stage: Stage, limit: Duration) -> Duration {
        let (asked, mut standing) = (Instant::now(), self.desk.standing());
        let there = standing.wait_for(|it| {
            it.report.used == Some(way) && it.report.ways.iter().any(|it| it.way == way && it.stage == stage)
        });
        let outcome = timeout(limit, there).await.map(|_| ());
        assert!(outcome.is_ok(), "{way:?} is not {stage:?}: {:?}", self.desk.standing().borrow().report);
        asked.elapsed()
    }
}

fn evidence() -> Evidence {
    Evidence {
        medium: Medium::Android,
        verified_by: VerifiedBy::Pin,
        statement: vec![],
        certificate: vec![],
        signature: vec![],
    }
}

fn confirmation() -> Confirm {
    let request = ConfirmationRequest {
        request_id: RequestId::random(),
        visit: VisitId::random(),
        lane: LaneId::new(1).unwrap(),
        at: jiff::Timestamp::now(),
        evidence: evidence(),
        consent: Consent::default(),
    };
    Confirm { request, deferred: false }
}

#[tokio::test(start_paused = true)]
async fn requests_change_over_to_the_second_line_and_return() {
    let bench = Bench::open().await;
    bench.set(0, Fate::Vanishes);
    let took = bench.until(Way::Second, Stage::CentreReachable, Duration::from_secs(3)).await;
    println!("a cut primary was known after {took:?}");
    assert_eq!(bench.desk.confirm(&confirmation()).await, Confirmed::Answer(answer_of(&bench)));
    bench.set(0, Fate::Arrives);
    let took = bench.until(Way::Primary, Stage::CentreReachable, Duration::from_secs(30)).await;
    assert!(took >= Duration::from_secs(10), "it had no time to settle: {took:?}");
    assert_eq!(bench.desk.standing().borrow().report.changes, 2);
}

/// The answer to the only confirmation that took effect.
fn answer_of(bench: &Bench) -> ConfirmationAnswer {
    let done = bench.behind.0.lock().unwrap();
    assert_eq!(done.len(), 1);
    answer(*done.iter().next().unwrap())
}

#[tokio::test(start_paused = true)]
async fn what_was_under_way_when_the_line_was_cut_is_answered_over_the_other_within_five_seconds() {
    for fate in [Fate::Vanishes, Fate::AnswerVanishes, Fate::NoRoute] {
        let bench = Bench::open().await;
        bench.set(0, fate);
        let asked = Instant::now();
        let confirm = confirmation();
        let (confirmed, authenticated) = tokio::join!(bench.desk.confirm(&confirm), async {
            let request = Authenticate { request_id: RequestId::random(), evidence: evidence() };
            bench.desk.authenticate(&request).await
        });
        assert_eq!(confirmed, Confirmed::Answer(answer(confirm.request.request_id)), "{fate:?}");
        assert_eq!(authenticated, Authenticated::Verdict(Verdict::Confirmed), "{fate:?}");
        assert!(asked.elapsed() < Duration::from_secs(5), "{fate:?}: {:?}", asked.elapsed());
        assert_eq!(bench.behind.0.lock().unwrap().len(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn both_lines_cut_is_line_down_and_the_first_that_recovers_is_used_within_two_seconds() {
    let bench = Bench::open().await;
    bench.set(0, Fate::NoRoute);
    bench.set(1, Fate::NoRoute);
    let mut standing = bench.desk.standing();
    let down = standing.wait_for(|it| it.line == LineState::Down);
    timeout(Duration::from_secs(3), down).await.unwrap().unwrap();
    assert_eq!(bench.desk.confirm(&confirmation()).await, Confirmed::LineDown);
    bench.set(1, Fate::Arrives);
    let took = bench.until(Way::Second, Stage::CentreReachable, Duration::from_secs(2)).await;
    println!("a line that recovered was used after {took:?}");
    assert!(matches!(bench.desk.confirm(&confirmation()).await, Confirmed::Answer(_)));
}

#[tokio::test(start_paused = true)]
async fn without_a_tunnel_nothing_is_sent() {
    let ways = Ways::<Line>::new([(Way::Primary, None)], true, Duration::ZERO, Kept::default());
    let desk = Desk::with_ways(ways, &Settings::default());
    assert_eq!(desk.confirm(&confirmation()).await, Confirmed::LineDown);
    desk.ways().tunnel(0, Tunnel::Connecting);
    let query = desk.ways().ask(|_| async { Ok(()) }).await;
    assert_eq!(query, Err(Failure::NotSent(NotSent::NoTunnel)));
}
