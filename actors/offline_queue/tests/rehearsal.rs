//! Practice at one lane: kept until its rehearsal ends, then wiped; asked of nobody, written nowhere, in nobody's way.
#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

mod neighbours;

use std::time::Duration;

use jiff::Timestamp;
use madoguchi_protocol::{evidence::ConfirmationRequest, messages::offline_queue::Accepted};
use neighbours::{Centre, House, confirmation};

/// Practice confirmations of this lane, accepted.
async fn practise(house: &House, lane: u16, count: usize) -> Vec<ConfirmationRequest> {
    let requests: Vec<_> = (0..count).map(|_| confirmation(lane)).collect();
    for request in &requests {
        assert_eq!(house.practise(request).await, Accepted::Accepted);
    }
    requests
}

/// None of these has left the queue for anywhere.
fn untouched(house: &House, requests: &[ConfirmationRequest]) {
    let world = house.world();
    for request in requests {
        assert!(!world.asked.iter().any(|(id, _)| *id == request.request_id), "the centre was asked");
        assert!(!world.files.contains_key(&request.visit), "a file was written");
        assert_eq!(world.settlements(request.visit), 0, "it looks real in the audit log");
        assert!(!world.settled.iter().any(|settled| settled.request_id == request.request_id));
    }
}

#[actix::test]
async fn practice_waits_for_the_end_of_the_rehearsal_and_is_wiped_at_once() {
    let house = House::build(&[1, 2], |_, _| {}).await;
    house.rehearse(1, Some(Timestamp::now()));
    let practised = practise(&house, 1, 40).await;
    assert_eq!(house.practise(&practised[0]).await, Accepted::Accepted, "asked twice, kept once");
    house.until("the page sees practice", |world| world.practice() == Some(40)).await;
    assert_eq!(house.world().counts(), Some((0, 0, 0)), "it is not among those that wait");
    // The other lane is served as ever.
    let real = confirmation(2);
    assert_eq!(house.accept(&real).await, Accepted::Accepted);
    house.until_settled(&real).await;
    house.until("and wiped", |world| world.counts() == Some((0, 0, 1))).await;
    // A restart of the queue does not end it: the lane still rehearses.
    let house = house.restart().await;
    house.until("the page sees practice", |world| world.practice() == Some(40)).await;
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert_eq!(house.world().practice(), Some(40));

    house.rehearse(1, None);
    house.until("all is wiped", |world| world.practice() == Some(0)).await;
    assert!(practised.iter().all(|request| house.world().practised(request.visit)));
    untouched(&house, &practised);
    // What comes too late for its rehearsal does not stay either.
    let late = practise(&house, 1, 1).await;
    house.until("it is wiped", |world| world.practised(late[0].visit)).await;
    house.until("it is gone", |world| world.practice() == Some(0)).await;
    untouched(&house, &late);
    assert_eq!(house.world().counts().unwrap().2, 0, "nothing of it counts as settled");
}

#[actix::test]
async fn practice_of_a_lane_that_is_not_heard_any_more_is_wiped() {
    let house = House::build(&[1], |_, _| {}).await;
    // Nobody ever said that this lane rehearses: its reader was lost before the queue came back.
    let practised = practise(&house, 1, 3).await;
    house
        .until("all is wiped", |world| world.practice() == Some(0) && world.practised(practised[2].visit))
        .await;
    untouched(&house, &practised);
}

#[actix::test]
async fn practice_takes_no_room_from_patients() {
    let house = House::build(&[1, 2], |settings, _| settings.most_records = 3).await;
    house.rehearse(1, Some(Timestamp::now()));
    house.set_centre(Centre::Down);
    practise(&house, 1, 3).await;
    assert_eq!(house.practise(&confirmation(1)).await, Accepted::Full);
    let real: Vec<_> = (0..3).map(|_| confirmation(2)).collect();
    for request in &real {
        assert_eq!(house.accept(request).await, Accepted::Accepted, "practice gives way");
    }
    assert_eq!(house.accept(&confirmation(2)).await, Accepted::Full, "patients don't give way to each other");
    house.set_centre(Centre::Answers(Duration::ZERO));
    for request in &real {
        house.until_settled(request).await;
    }
    house.until("no practice is left", |world| world.practice() == Some(0)).await;
}
