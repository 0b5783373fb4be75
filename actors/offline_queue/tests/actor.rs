//! The queue as an actor, on a real broker, with neighbours that do what the test wants.
#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

mod neighbours;

use std::time::{Duration, Instant};

use madoguchi_protocol::{
    RequestId,
    eligibility::{Validity, Verdict},
    evidence::ConfirmationRequest,
    fault::FaultCode,
    messages::{
        offline_queue::{AcceptConfirmation, Accepted, ConfirmationStanding, Settlement},
        state::Detail,
    },
};
use neighbours::{Centre, House, confirmation};

const CONFIRMED: Settlement =
    Settlement { verdict: Verdict::Confirmed, validity: Some(Validity::Valid), deferred: false };

fn answers() -> Centre {
    Centre::Answers(Duration::ZERO)
}

#[actix::test]
async fn a_confirmation_is_answered_written_recorded_and_wiped() {
    let house = House::build(&[1], |_, _| {}).await;
    let request = confirmation(1);
    let begin = Instant::now();
    assert_eq!(house.accept(&request).await, Accepted::Accepted);
    let accepted = begin.elapsed();
    house.until("the lane hears of it", |world| !world.settled.is_empty()).await;
    println!("accepted after {accepted:?}, settled on the lane after {:?}", begin.elapsed());
    house.until_settled(&request).await;
    {
        let world = house.world();
        assert_eq!(world.settled[0].request_id, request.request_id);
        assert_eq!(world.settled[0].settlement, CONFIRMED);
        let file = &world.files[&request.visit];
        assert_eq!((file.consent, file.consented_at, file.deferred), (request.consent, request.at, false));
        assert_eq!(world.asked, [(request.request_id, false)]);
    }
    assert_eq!(house.standing(&request).await, ConfirmationStanding::Settled(CONFIRMED));
    house.until("the page sees it", |world| world.counts() == Some((0, 0, 1))).await;
    assert_eq!(house.standing(&confirmation(1)).await, ConfirmationStanding::Unknown);
}

#[actix::test]
async fn a_repeated_confirmation_takes_effect_once() {
    let house = House::build(&[1], |_, _| {}).await;
    let request = confirmation(1);
    assert_eq!(house.accept(&request).await, Accepted::Accepted);
    house.until_settled(&request).await;
    assert_eq!(house.accept(&request).await, Accepted::AlreadySettled(CONFIRMED));
    let house = house.restart().await;
    assert_eq!(house.accept(&request).await, Accepted::AlreadySettled(CONFIRMED));
    assert_eq!(house.world().asked.len(), 1);
    assert_eq!(house.world().settlements(request.visit), 1);
}

#[actix::test]
async fn what_was_accepted_while_the_line_was_down_is_settled_when_it_is_back() {
    // Pauses of a minute: only the line's own state can be what starts the drain.
    let house = House::build(&[1, 2, 3, 4], |settings, _| {
        settings.live_ms = 300;
        settings.first_pause_ms = 60_000;
    })
    .await;
    house.set_centre(Centre::Down);
    let mut requests = Vec::new();
    for _ in 0..10 {
        for lane in 1..=4 {
            let request = confirmation(lane);
            assert_eq!(house.accept(&request).await, Accepted::Accepted);
            requests.push(request);
        }
    }
    house.until("all wait", |world| world.counts() == Some((40, 0, 0))).await;
    assert!(matches!(
        house.world().queue.as_ref().unwrap().detail,
        Detail::OfflineQueue { oldest: Some(_), .. }
    ));
    let house = house.restart().await;
    tokio::time::sleep(Duration::from_millis(400)).await;
    assert_eq!(house.standing(&requests[0]).await, ConfirmationStanding::Waiting);

    house.world().asked.clear();
    house.set_centre(answers());
    for request in &requests {
        house.until_settled(request).await;
    }
    let world = house.world();
    assert_eq!(world.committed.len(), 40);
    assert_eq!(world.files.len(), 40);
    assert!(world.files.values().all(|file| file.deferred), "they came after the visits");
    assert!(world.asked.iter().all(|(_, deferred)| *deferred));
    assert!(requests.iter().all(|request| world.settlements(request.visit) == 1));
    // Oldest first in each lane, up to what is under way at once.
    for lane in 1..=4u16 {
        let of_lane: Vec<_> = requests.iter().filter(|request| request.lane.number() == lane).collect();
        for (place, (id, _)) in
            world.asked.iter().filter(|(id, _)| of_lane.iter().any(|r| r.request_id == *id)).enumerate()
        {
            let age = of_lane.iter().position(|request| request.request_id == *id).unwrap();
            assert!(age.abs_diff(place) < 4, "lane {lane}: the record of age {age} came at place {place}");
        }
    }
}

#[actix::test]
async fn a_live_visit_is_answered_while_a_backlog_drains() {
    let house = House::build(&[1, 2], |settings, _| {
        settings.in_flight = 2;
        settings.live_ms = 2_000;
    })
    .await;
    house.set_centre(Centre::Down);
    for _ in 0..60 {
        house.accept(&confirmation(1)).await;
    }
    tokio::time::sleep(Duration::from_millis(2_100)).await;
    house.set_centre(Centre::Answers(Duration::from_millis(100)));
    house.until("the drain runs", |world| world.committed.len() > 2).await;
    let live = confirmation(2);
    let begin = Instant::now();
    house.accept(&live).await;
    house.until("the live one is answered", |world| world.committed.contains(&live.request_id)).await;
    let (took, drained) = (begin.elapsed(), house.world().committed.len());
    assert!(drained < 20, "it waited for {drained} of the backlog");
    assert!(took < Duration::from_millis(1_500), "{took:?}");
}

#[actix::test]
async fn malformed_confirmation_is_set_aside() {
    let house = House::build(&[1], |_, _| {}).await;
    let bad = confirmation(1);
    house.set_centre(Centre::CallsMalformed(bad.request_id));
    house.accept(&bad).await;
    let good = confirmation(1);
    house.accept(&good).await;
    house.until_settled(&good).await;
    house.until("the page sees it", |world| world.counts() == Some((0, 1, 1))).await;
    assert_eq!(house.standing(&bad).await, ConfirmationStanding::SetAside);
    let world = house.world();
    assert!(world.has_fault(FaultCode::ConfirmationSetAside));
    let told = world.settled.iter().find(|settled| settled.request_id == bad.request_id).unwrap();
    assert_eq!(told.settlement.verdict, Verdict::Refused, "the patient need not wait in vain");
    let asked = |id: RequestId| world.asked.iter().filter(|(asked, _)| *asked == id).count();
    assert_eq!(asked(bad.request_id), 1, "it is not retried");
    assert!(!world.files.contains_key(&bad.visit));
}

#[actix::test]
async fn a_centre_that_commits_and_drops_the_answer_is_asked_again_with_the_same_id() {
    let house = House::build(&[1, 2], |_, _| {}).await;
    house.set_centre(Centre::CommitsThenDrops);
    // Many rounds: a pause that ends just while the store is asked must not be slept through.
    for round in 1..=20 {
        let requests: Vec<_> = (0..8).map(|n| confirmation(1 + n % 2)).collect();
        for request in &requests {
            house.accept(request).await;
        }
        for request in &requests {
            house.until_settled(request).await;
        }
        let world = house.world();
        assert_eq!(world.committed.len(), 8 * round);
        assert_eq!(world.files.len(), 8 * round);
        assert!(requests.iter().all(|request| world.settlements(request.visit) == 1));
    }
}

#[actix::test]
async fn one_record_that_stays_uncertain_holds_nobody_up() {
    let house = House::build(&[1], |_, _| {}).await;
    let stuck = confirmation(1);
    house.set_centre(Centre::UncertainAbout(stuck.request_id));
    house.accept(&stuck).await;
    for _ in 0..10 {
        let other = confirmation(1);
        house.accept(&other).await;
        house.until_settled(&other).await;
    }
    assert_eq!(house.standing(&stuck).await, ConfirmationStanding::Waiting);
    house.set_centre(answers());
    house.until_settled(&stuck).await;
}

#[actix::test]
async fn result_waits_for_the_receipt_folder() {
    let house = House::build(&[1], |settings, _| settings.first_pause_ms = 60_000).await;
    house.set_folder(false);
    let request = confirmation(1);
    house.accept(&request).await;
    house.until("the patient is answered all the same", |world| !world.settled.is_empty()).await;
    assert_eq!(house.standing(&request).await, ConfirmationStanding::Settled(CONFIRMED));
    let house = house.restart().await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert!(house.world().files.is_empty());
    house.set_folder(true);
    house.until_settled(&request).await;
    let world = house.world();
    assert_eq!(world.files.len(), 1);
    assert_eq!(world.asked.len(), 1, "what was answered is not asked again");
    assert!(!world.files[&request.visit].deferred, "the answer came during the visit");
}

#[actix::test]
async fn many_lanes_are_under_way_at_once() {
    let lanes: Vec<u16> = (1..=16).collect();
    let house = House::build(&lanes, |_, _| {}).await;
    house.set_centre(Centre::Answers(Duration::from_millis(500)));
    let requests: Vec<_> = lanes.iter().map(|lane| confirmation(*lane)).collect();
    let begin = Instant::now();
    for request in &requests {
        house.accept(request).await;
    }
    for request in &requests {
        house.until_settled(request).await;
    }
    println!("16 lanes, 500 ms at the centre each: {:?}", begin.elapsed());
    assert!(house.world().most_under_way >= 12, "{} at once", house.world().most_under_way);
    assert!(begin.elapsed() < Duration::from_secs(4), "one after the other would take 8 s");
}

#[actix::test]
async fn full_queue_leads_to_the_fallbacks() {
    let house = House::build(&[1], |settings, _| settings.most_records = 3).await;
    house.set_centre(Centre::Down);
    let requests: Vec<_> = (0..3).map(|_| confirmation(1)).collect();
    for request in &requests {
        assert_eq!(house.accept(request).await, Accepted::Accepted);
    }
    assert_eq!(house.accept(&confirmation(1)).await, Accepted::Full);
    assert_eq!(house.accept(&requests[0]).await, Accepted::Accepted, "what is accepted stays");
    house.until("the page sees it", |world| world.has_fault(FaultCode::QueueFull)).await;
    house.set_centre(answers());
    for request in &requests {
        house.until_settled(request).await;
    }
    house.until("there is room again", |world| !world.has_fault(FaultCode::QueueFull)).await;
    assert_eq!(house.accept(&confirmation(1)).await, Accepted::Accepted);
}

#[actix::test]
async fn store_that_cannot_write_accepts_nothing() {
    let blocked = |settings: &mut madoguchi_offline_queue::Settings, _: &std::path::Path| {
        std::fs::write(&settings.folder, "in the way").unwrap();
    };
    let house = House::build(&[1], blocked).await;
    assert_eq!(house.accept(&confirmation(1)).await, Accepted::Failed);
    house.until("the page sees it", |world| world.has_fault(FaultCode::QueueFailed)).await;
    std::fs::remove_file(house.directory().join("queue")).unwrap();
    house.until("it mends itself", |world| !world.has_fault(FaultCode::QueueFailed)).await;
    assert_eq!(house.accept(&confirmation(1)).await, Accepted::Accepted);
}

#[actix::test]
async fn a_confirmation_of_another_lane_is_refused() {
    let house = House::build(&[1], |_, _| {}).await;
    let stolen = ConfirmationRequest { lane: neighbours::lane(2), ..confirmation(1) };
    let command = AcceptConfirmation { request: stolen.clone(), practice: false };
    let bus = house.bus(1);
    let said = bus.ask(Some(neighbours::lane(1)), Some(stolen.visit), command).await.unwrap();
    assert_eq!(said, Accepted::Failed);
}
