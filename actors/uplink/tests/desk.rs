//! What the desk tries, in which order and how much at once: with a centre that only writes down what it is asked.
#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test, in helpers too")]

use madoguchi_protocol::{
    LaneId, RequestId, VisitId,
    eligibility::{ConfirmationAnswer, Eligibility, EligibilityQuery, Validity, Verdict},
    evidence::{ConfirmationRequest, Consent, Evidence, Medium, VerifiedBy},
    messages::uplink::{Authenticate, Authenticated, Confirm, Confirmed},
};
use madoguchi_uplink::{
    EligibilityCentre, Settings,
    centre::{Failure, NotSent},
    desk::Desk,
};
use std::{
    collections::VecDeque,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};
use tokio::{task::JoinSet, time::sleep};

/// Answers confirmations by the script, then with *confirmed*; holds them back while `held` is set.
#[derive(Clone, Default)]
struct Scripted(Arc<Inner>);

#[derive(Default)]
struct Inner {
    confirmations: Mutex<VecDeque<Failure>>,
    lookups: Mutex<VecDeque<Result<bool, Failure>>>,
    asked: Mutex<Vec<&'static str>>,
    held: AtomicBool,
    under_way: AtomicUsize,
}

impl Scripted {
    fn new(
        confirmations: impl IntoIterator<Item = Failure>,
        lookups: impl IntoIterator<Item = Result<bool, Failure>>,
    ) -> Self {
        let centre = Self::default();
        centre.0.confirmations.lock().unwrap().extend(confirmations);
        centre.0.lookups.lock().unwrap().extend(lookups);
        centre
    }

    fn asked(&self) -> Vec<&'static str> {
        std::mem::take(&mut self.0.asked.lock().unwrap())
    }

    fn ask(&self, what: &'static str) {
        self.0.asked.lock().unwrap().push(what);
    }

    async fn until_under_way(&self, count: usize) {
        while self.0.under_way.load(Ordering::SeqCst) < count {
            sleep(Duration::from_millis(1)).await;
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

impl EligibilityCentre for Scripted {
    async fn alive(&self, _: Duration) -> Result<(), Failure> {
        Ok(())
    }

    async fn authenticate(&self, _: &Authenticate, _: Duration) -> Result<Verdict, Failure> {
        self.ask("authenticate");
        Ok(Verdict::Confirmed)
    }

    async fn confirm(
        &self,
        request: &ConfirmationRequest,
        _: bool,
        _: Duration,
    ) -> Result<ConfirmationAnswer, Failure> {
        self.ask("confirm");
        self.0.under_way.fetch_add(1, Ordering::SeqCst);
        while self.0.held.load(Ordering::SeqCst) {
            sleep(Duration::from_millis(1)).await;
        }
        self.0.under_way.fetch_sub(1, Ordering::SeqCst);
        let failure = self.0.confirmations.lock().unwrap().pop_front();
        failure.map_or_else(|| Ok(answer(request.request_id)), Err)
    }

    async fn find_confirmation(
        &self,
        request: RequestId,
        _: Duration,
    ) -> Result<Option<ConfirmationAnswer>, Failure> {
        self.ask("find");
        let found = self.0.lookups.lock().unwrap().pop_front().unwrap_or(Ok(false))?;
        Ok(found.then(|| answer(request)))
    }

    async fn query(
        &self,
        _: &EligibilityQuery,
        _: Duration,
    ) -> Result<(Validity, Option<Eligibility>), Failure> {
        Ok((Validity::None, None))
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

fn confirmation(deferred: bool) -> Confirm {
    let request = ConfirmationRequest {
        request_id: RequestId::random(),
        visit: VisitId::random(),
        lane: LaneId::new(1).unwrap(),
        at: jiff::Timestamp::UNIX_EPOCH,
        evidence: evidence(),
        consent: Consent::default(),
    };
    Confirm { request, deferred }
}

fn desk(centre: &Scripted, in_flight: usize) -> Arc<Desk<Scripted>> {
    let settings = Settings { in_flight, confirm_ms: 1_000, authenticate_ms: 500, ..Settings::default() };
    Arc::new(Desk::new(centre.clone(), &settings))
}

#[tokio::test]
async fn what_is_uncertain_is_looked_up_before_it_is_sent_again() {
    let centre = Scripted::new([Failure::TimedOut], [Err(Failure::TimedOut), Ok(false)]);
    let desk = desk(&centre, 8);
    let command = confirmation(false);
    assert_eq!(desk.confirm(&command).await, Confirmed::Uncertain);
    assert_eq!(centre.asked(), ["confirm"]);
    assert_eq!(desk.confirm(&command).await, Confirmed::Uncertain);
    assert_eq!(centre.asked(), ["find"], "not sent while its fate is unknown");
    assert_eq!(desk.confirm(&command).await, Confirmed::Answer(answer(command.request.request_id)));
    assert_eq!(centre.asked(), ["find", "confirm"]);
    assert!(matches!(desk.confirm(&confirmation(false)).await, Confirmed::Answer(_)));
    assert_eq!(centre.asked(), ["confirm"], "another request is not concerned");
}

#[tokio::test]
async fn a_line_that_is_down_while_looking_up_leaves_it_uncertain() {
    let down = Failure::NotSent(NotSent::Refused);
    let centre = Scripted::new([Failure::TimedOut], [Err(down)]);
    let desk = desk(&centre, 8);
    let command = confirmation(false);
    assert_eq!(desk.confirm(&command).await, Confirmed::Uncertain);
    assert_eq!(
        desk.confirm(&command).await,
        Confirmed::Uncertain,
        "it may have reached the centre the first time"
    );
}

#[tokio::test]
async fn a_connection_that_breaks_twice_is_not_tried_a_third_time() {
    let centre = Scripted::new([Failure::Lost, Failure::Lost], []);
    assert_eq!(desk(&centre, 8).confirm(&confirmation(false)).await, Confirmed::Uncertain);
    assert_eq!(centre.asked(), ["confirm", "find", "confirm"]);
}

#[tokio::test]
async fn deferred_confirmations_leave_half_of_the_line_to_patients_who_stand_here() {
    let centre = Scripted::default();
    centre.0.held.store(true, Ordering::SeqCst);
    let desk = desk(&centre, 4);
    let mut backlog = JoinSet::new();
    for _ in 0..20 {
        let desk = desk.clone();
        backlog.spawn(async move { desk.confirm(&confirmation(true)).await });
    }
    centre.until_under_way(2).await;
    sleep(Duration::from_millis(50)).await;
    assert_eq!(centre.0.under_way.load(Ordering::SeqCst), 2, "half of four");
    let authenticate = Authenticate { request_id: RequestId::random(), evidence: evidence() };
    assert_eq!(desk.authenticate(&authenticate).await, Authenticated::Verdict(Verdict::Confirmed));
    centre.0.held.store(false, Ordering::SeqCst);
    let answers = backlog.join_all().await;
    assert!(answers.iter().all(|answer| matches!(answer, Confirmed::Answer(_))), "{answers:?}");
}

#[tokio::test]
async fn more_than_can_wait_are_turned_away_at_once_and_the_rest_at_their_deadline() {
    let centre = Scripted::default();
    centre.0.held.store(true, Ordering::SeqCst);
    let desk = desk(&centre, 2);
    let mut crowd = JoinSet::new();
    for _ in 0..2 + 2 * 8 {
        let desk = desk.clone();
        crowd.spawn(async move { desk.confirm(&confirmation(false)).await });
    }
    centre.until_under_way(2).await;
    sleep(Duration::from_millis(20)).await;
    let began = std::time::Instant::now();
    assert_eq!(desk.confirm(&confirmation(false)).await, Confirmed::Uncertain);
    assert!(began.elapsed() < Duration::from_millis(800), "{:?}", began.elapsed());
    sleep(Duration::from_millis(1_100)).await;
    centre.0.held.store(false, Ordering::SeqCst);
    let answers = crowd.join_all().await;
    let answered = answers.iter().filter(|answer| matches!(answer, Confirmed::Answer(_))).count();
    assert_eq!((answers.len(), answered), (18, 2), "those that waited were never sent");
}
