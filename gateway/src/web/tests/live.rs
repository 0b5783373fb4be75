//! The live parts: what the events of a lane tell those who watch.

use super::{speed::lane, *};
use crate::web::events::Hub;
use madoguchi_protocol::MessageId;
use std::time::Duration;

/// Generous: beside other tests.
const WITHIN: Duration = Duration::from_secs(20);

#[actix_web::test]
async fn a_lane_that_changed_is_told_also_where_its_tile_looks_as_before() {
    let bench = Bench::open().await;
    lane(&bench.boards, "1".parse().unwrap());
    let hub = tokio::spawn(Hub::run(bench.site.clone()));
    let session = bench.session(&bench.person("管理者", Role::Administrator));
    let mut watched = bench.get("/events?lang=en&only=lane-1").by(&session).send().await.unwrap();
    let mut told = async || {
        let event = tokio::time::timeout(WITHIN, watched.chunk()).await.expect("an event").unwrap().unwrap();
        assert!(event.starts_with(b"event: lane-1\n"), "{event:?}");
    };
    told().await;
    // The lane's own page shows more than the tile and looks again at each of these.
    for _ in 0..3 {
        bench.boards.states.send_modify(|all| all.values_mut().for_each(|it| it.id = MessageId::random()));
        told().await;
    }
    hub.abort();
    bench.close().await;
}
