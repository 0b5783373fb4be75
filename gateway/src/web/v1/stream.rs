//! What visits come to, as it happens: server-sent events, each an [`Outcome`] as JSON under the visit's identifier.

use super::model::{Mistake, Outcome};
use crate::web::{
    access::{Caller, Right},
    refusal::Refusal,
};
use actix_web::{HttpResponse, http::StatusCode, web::Bytes};
use futures_util::stream;
use madoguchi::figures::LaneResult;
use std::{
    convert::Infallible,
    sync::{Arc, LazyLock},
    time::Duration,
};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore, broadcast},
    time::timeout,
};

/// Programs that may listen at the same time.
const MOST_LISTENERS: usize = 16;
/// Something is said this often at least, so that a connection that is gone is noticed.
const ALIVE: Duration = Duration::from_secs(15);

static LISTENERS: LazyLock<Arc<Semaphore>> = LazyLock::new(|| Arc::new(Semaphore::new(MOST_LISTENERS)));

struct Listener {
    _place: OwnedSemaphorePermit,
    results: broadcast::Receiver<LaneResult>,
    greeted: bool,
}

/// Results from now on, for as long as it is listened to: events `result` with an Outcome, and `missed` where the
/// listener was too slow for some. Scope `watch`.
#[utoipa::path(get, path = "/api/v1/results", responses(
    (status = 200, description = "server-sent events", content_type = "text/event-stream", body = String),
    (status = 401, body = Mistake), (status = 403, body = Mistake), (status = 429, body = Mistake),
    (status = 503, body = Mistake),
))]
pub(super) async fn results(caller: Caller) -> Result<HttpResponse, Refusal> {
    caller.may(Right::Watch)?;
    let place = LISTENERS.clone().try_acquire_owned().map_err(|_| {
        Refusal::json(StatusCode::SERVICE_UNAVAILABLE, "too_many", "too many programs listen already")
    })?;
    let results = caller.site().results.subscribe();
    let listener = Listener { _place: place, results, greeted: false };
    let events = stream::unfold(listener, async |mut listener| {
        let event = listener.next().await?;
        Some((Ok::<_, Infallible>(event), listener))
    });
    Ok(HttpResponse::Ok().content_type("text/event-stream").streaming(events))
}

impl Listener {
    async fn next(&mut self) -> Option<Bytes> {
        if !std::mem::replace(&mut self.greeted, true) {
            return Some(Bytes::from_static(b": listening\n\n"));
        }
        match timeout(ALIVE, self.results.recv()).await {
            Err(_) => Some(Bytes::from_static(b": alive\n\n")),
            Ok(Ok(result)) => {
                let outcome = Outcome::of(&result);
                let data = serde_json::to_string(&outcome).ok()?;
                Some(Bytes::from(format!("event: result\nid: {}\ndata: {data}\n\n", outcome.visit)))
            }
            Ok(Err(broadcast::error::RecvError::Lagged(count))) => {
                Some(Bytes::from(format!("event: missed\ndata: {{\"count\":{count}}}\n\n")))
            }
            Ok(Err(broadcast::error::RecvError::Closed)) => None,
        }
    }
}
