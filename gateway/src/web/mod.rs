//! The page, the state as JSON, staff's actions, and the metrics. On loopback only.

mod metrics;
mod page;
mod staff;
mod status;
mod view;

pub use staff::Desk;

use crate::{
    board::{Standings, States},
    config::Config,
};
use actix_web::{
    App, HttpResponse, HttpServer, Responder,
    dev::{Server, ServerHandle},
    http::header,
    middleware::DefaultHeaders,
    web::{self, Data},
};
use anyhow::{Context, Result};
use jiff::{SignedDuration, Timestamp};
use madoguchi_protocol::texts::Language;
use madoguchi_reception::holidays::Holidays;
use maud::Markup;
use serde::Deserialize;
use std::{fs, io::Write, os::unix::fs::OpenOptionsExt, path::Path};
use tokio::sync::watch;
use view::View;

/// The largest request body: a member of staff's action is a few words.
const MAX_BODY: usize = 4 * 1024;

/// What the handlers share.
struct Shown {
    states: watch::Receiver<States>,
    standings: watch::Receiver<Standings>,
    desk: Desk,
    token: String,
    language: Language,
    holidays: Holidays,
    /// After which phones have been down too long.
    patience: SignedDuration,
}

impl Shown {
    /// What `page` makes of the present moment, as an answer.
    fn page(&self, chosen: &Chosen, page: impl Fn(&View<'_>) -> Markup) -> HttpResponse {
        let view = View {
            language: chosen.lang.unwrap_or(self.language),
            states: &self.states.borrow(),
            standings: &self.standings.borrow(),
            holidays: &self.holidays,
            patience: self.patience,
            now: Timestamp::now(),
        };
        HttpResponse::Ok().content_type("text/html; charset=utf-8").body(page(&view).into_string())
    }
}

/// Starts the page's server on its own threads.
pub fn start(
    config: &Config,
    states: watch::Receiver<States>,
    standings: watch::Receiver<Standings>,
    desk: Desk,
    token: String,
) -> Result<ServerHandle> {
    let shown = Data::new(Shown {
        states,
        standings,
        desk,
        token,
        language: config.site.language,
        holidays: config.site.holidays()?,
        patience: SignedDuration::from_hours(config.site.phones_down_hours.into()),
    });
    let listen = config.web.listen;
    let server: Server = HttpServer::new(move || {
        App::new()
            .app_data(shown.clone())
            .app_data(web::JsonConfig::default().limit(MAX_BODY))
            .wrap(
                DefaultHeaders::new()
                    .add((header::CONTENT_SECURITY_POLICY, "default-src 'none'; style-src 'self'"))
                    .add((header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
                    .add((header::REFERRER_POLICY, "no-referrer"))
                    .add((header::CACHE_CONTROL, "no-store")),
            )
            .route("/", web::get().to(lanes))
            .route("/status", web::get().to(status))
            .route("/style.css", web::get().to(style))
            .route("/state.json", web::get().to(state))
            .route("/metrics", web::get().to(metrics))
            .route("/lanes/{lane}/staff", web::post().to(staff::act))
    })
    .workers(1)
    .disable_signals()
    .bind(listen)
    .with_context(|| {
        format!("the page can't listen on {listen} (web.listen); is the gateway running already?")
    })?
    .run();
    let handle = server.handle();
    tokio::spawn(server);
    tracing::info!(%listen, "the page is served");
    Ok(handle)
}

/// A secret that staff's tools show with each action; made at the first start, readable by the gateway's
/// account only.
pub fn staff_token(state_directory: &Path) -> Result<String> {
    let path = state_directory.join("staff-token");
    let what = || format!("the staff token {}", path.display());
    if let Ok(token) = fs::read_to_string(&path) {
        return Ok(token.trim().to_string());
    }
    fs::create_dir_all(state_directory).with_context(what)?;
    let token = madoguchi_protocol::MessageId::random().to_string();
    let mut file =
        fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path).with_context(what)?;
    file.write_all(token.as_bytes()).and_then(|()| file.sync_all()).with_context(what)?;
    Ok(token)
}

/// `?lang=en`
#[derive(Deserialize)]
struct Chosen {
    lang: Option<Language>,
}

async fn lanes(shown: Data<Shown>, chosen: web::Query<Chosen>) -> impl Responder {
    shown.page(&chosen, page::lanes)
}

async fn status(shown: Data<Shown>, chosen: web::Query<Chosen>) -> impl Responder {
    shown.page(&chosen, status::status)
}

async fn style() -> impl Responder {
    HttpResponse::Ok().content_type("text/css; charset=utf-8").body(include_str!("style.css"))
}

async fn state(shown: Data<Shown>) -> impl Responder {
    let states = shown.states.borrow();
    let by_address: std::collections::BTreeMap<_, _> =
        states.iter().map(|(address, envelope)| (address.to_string(), &envelope.body)).collect();
    let actors: Vec<_> = shown.standings.borrow().values().cloned().collect();
    HttpResponse::Ok().json(serde_json::json!({ "states": by_address, "actors": actors }))
}

async fn metrics(shown: Data<Shown>) -> impl Responder {
    match metrics::text(&shown.states.borrow(), &shown.standings.borrow()) {
        Ok(text) => HttpResponse::Ok().content_type("text/plain; version=0.0.4; charset=utf-8").body(text),
        Err(error) => {
            tracing::error!(%error, "the metrics can't be written");
            HttpResponse::InternalServerError().finish()
        }
    }
}
