//! The readers' screens in a browser: `/` shows all lanes side by side with what a person at the counter has in
//! hand (cards, phones, a face, plugs); `/reader/{lane}` shows one reader alone, as large as the window.
//!
//! The pages use the control interface like any other script; only how they follow the screens is their own
//! (`/events`, server-sent events).

use super::{
    Refusal,
    lanes::{counter, find},
};
use crate::hospital::Hospital;
use actix_web::{
    HttpResponse,
    body::{BodySize, MessageBody},
    get,
    http::header,
    web::{Bytes, Data, Path, Query, ServiceConfig},
};
use serde::Deserialize;
use std::{
    convert::Infallible,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};
use tokio::{sync::mpsc, time::sleep};
use utoipa::IntoParams;

/// A card that was torn away says nothing: the reader is looked at this often.
const LOOK_EVERY: Duration = Duration::from_millis(250);
/// Changes that may wait for a slow browser.
const WAITING: usize = 64;
/// Nothing from elsewhere is loaded, and nothing inline is run.
const POLICY: &str = "default-src 'self'; frame-ancestors 'none'";

pub(super) fn routes(config: &mut ServiceConfig) {
    config.service(hall).service(reader).service(script).service(style).service(icon).service(follow);
}

fn file(kind: &'static str, content: &'static str) -> HttpResponse {
    HttpResponse::Ok()
        .content_type(kind)
        .insert_header((header::CONTENT_SECURITY_POLICY, POLICY))
        .insert_header((header::CACHE_CONTROL, "no-cache"))
        .body(content)
}

const PAGE: &str = include_str!("pages/page.html");

/// All lanes.
#[get("/")]
async fn hall() -> HttpResponse {
    file("text/html; charset=utf-8", PAGE)
}

/// One reader.
#[get("/reader/{lane}")]
async fn reader(hospital: Data<Hospital>, lane: Path<u16>) -> Result<HttpResponse, Refusal> {
    find(&hospital, *lane)?;
    Ok(file("text/html; charset=utf-8", PAGE))
}

#[get("/pages/reader.js")]
async fn script() -> HttpResponse {
    file("text/javascript; charset=utf-8", include_str!("pages/reader.js"))
}

#[get("/pages/style.css")]
async fn style() -> HttpResponse {
    file("text/css; charset=utf-8", include_str!("pages/style.css"))
}

#[get("/pages/icon.svg")]
async fn icon() -> HttpResponse {
    file("image/svg+xml", include_str!("pages/icon.svg"))
}

/// Whom to follow.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
struct Follow {
    /// One lane only.
    lane: Option<u16>,
}

/// Each lane as it is now, and again at each change: what `GET /lanes/{lane}` answers, as server-sent events.
#[utoipa::path(get, path = "/events", params(Follow),
    responses((status = 200, content_type = "text/event-stream", body = String), (status = 404, body = Refusal)))]
#[get("/events")]
async fn follow(hospital: Data<Hospital>, query: Query<Follow>) -> Result<HttpResponse, Refusal> {
    let lanes: Vec<u16> = match query.lane {
        Some(lane) => find(&hospital, lane).map(|_| vec![lane])?,
        None => hospital.lanes.keys().copied().collect(),
    };
    let (events, waiting) = mpsc::channel(WAITING);
    for lane in lanes {
        tokio::spawn(tell_changes(hospital.clone(), lane, events.clone()));
    }
    Ok(HttpResponse::Ok()
        .content_type("text/event-stream")
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .body(Events(waiting)))
}

/// Tells each change of a lane until the browser is gone.
async fn tell_changes(hospital: Data<Hospital>, number: u16, events: mpsc::Sender<Bytes>) {
    let Some(lane) = hospital.lanes.get(&number) else { return };
    let mut view = lane.reader.follow();
    let mut said = String::new();
    loop {
        view.mark_unchanged();
        let Ok(now) = serde_json::to_string(&counter(number, lane).await) else { return };
        if now != said {
            let event = Bytes::from(format!("data: {now}\n\n"));
            if events.send(event).await.is_err() {
                return;
            }
            said = now;
        }
        tokio::select! {
            _ = view.changed() => {}
            () = sleep(LOOK_EVERY) => {}
            () = events.closed() => return,
        }
    }
}

/// A body without an end.
struct Events(mpsc::Receiver<Bytes>);

impl MessageBody for Events {
    type Error = Infallible;

    fn size(&self) -> BodySize {
        BodySize::Stream
    }

    fn poll_next(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, Infallible>>> {
        self.0.poll_recv(context).map(|event| event.map(Ok))
    }
}
