//! The local page: set up, watch and mend the box. On loopback only.
//!
//! One module for each page or subject, each with its `routes`; this one composes them. `frame` is around every page,
//! `visitor` says who looks and in which language, `view` what the gateway knows at that moment.

mod api;
mod assets;
mod chart;
mod counts;
mod events;
mod frame;
mod lane;
mod lanes;
mod line;
mod log;
mod messages;
mod parts;
mod queue;
mod repairs;
mod staff;
mod status;
mod view;
mod visitor;
mod words;

pub use staff::Desk;

use crate::{
    board::{Boards, Standings, States},
    config::{Config, HolidaysError, Web, shipped_holidays},
    keeper::Keeper,
};
use actix_web::{
    App, HttpServer,
    dev::{Server, ServerHandle},
    http::header,
    middleware::DefaultHeaders,
    web::{self, Data, ServiceConfig},
};
use anyhow::{Context, Result};
use jiff::{SignedDuration, Timestamp};
use madoguchi::figures::Figures;
use madoguchi_protocol::texts::Language;
use madoguchi_reception::holidays::Holidays;
use std::{fs, io::Write, os::unix::fs::OpenOptionsExt, path::Path, sync::Arc};
use tokio::sync::watch;

/// The largest request body: a member of staff's action is a few words.
const MAX_BODY: usize = 4 * 1024;

/// What the handlers share.
struct Site {
    states: watch::Receiver<States>,
    standings: watch::Receiver<Standings>,
    figures: watch::Receiver<Figures>,
    hub: events::Hub,
    desk: Desk,
    token: String,
    told: watch::Receiver<Arc<Told>>,
    #[allow(dead_code, reason = "the pages that ask the keeper come next")]
    keeper: Keeper,
}

/// What the configuration tells the page; it may change at any time.
pub struct Told {
    /// The first language, where nobody chose one.
    language: Language,
    holidays: Holidays,
    /// After which phones have been down too long.
    patience: SignedDuration,
}

impl Told {
    /// What this configuration tells; without one, the defaults.
    pub fn by(config: Option<&Config>) -> Result<Self, HolidaysError> {
        Ok(match config {
            Some(config) => Self {
                language: config.site.language,
                holidays: config.site.holidays()?,
                patience: SignedDuration::from_hours(config.site.phones_down_hours.into()),
            },
            None => Self {
                language: Language::default(),
                holidays: shipped_holidays()?,
                patience: SignedDuration::from_hours(24),
            },
        })
    }
}

impl Site {
    /// The first language, where nobody chose one.
    fn language(&self) -> Language {
        self.told.borrow().language
    }

    /// What the gateway knows at this moment.
    fn view<T>(&self, language: Language, read: impl FnOnce(&view::View<'_>) -> T) -> T {
        let told = self.told.borrow().clone();
        read(&view::View {
            language,
            states: &self.states.borrow(),
            standings: &self.standings.borrow(),
            figures: &self.figures.borrow(),
            holidays: &told.holidays,
            patience: told.patience,
            now: Timestamp::now(),
        })
    }
}

/// What may be loaded and where forms may go: this page's own files, and nothing inline.
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; \
     connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'";

/// Every page and subject. A new one is a module and a line here.
fn routes(config: &mut ServiceConfig) {
    assets::routes(config);
    lanes::routes(config);
    lane::routes(config);
    events::routes(config);
    repairs::routes(config);
    queue::routes(config);
    line::routes(config);
    counts::routes(config);
    log::routes(config);
    messages::routes(config);
    parts::routes(config);
    status::routes(config);
    staff::routes(config);
    api::routes(config);
}

/// The pages, which can be served at one place after the other.
pub struct Pages(Data<Site>);

impl Pages {
    /// The pages of this box.
    pub fn new(
        told: watch::Receiver<Arc<Told>>,
        boards: &Boards,
        standings: watch::Receiver<Standings>,
        desk: Desk,
        token: String,
        keeper: Keeper,
    ) -> Self {
        let site = Data::new(Site {
            states: boards.states.subscribe(),
            figures: boards.figures.subscribe(),
            hub: events::Hub::new(),
            standings,
            desk,
            token,
            told,
            keeper,
        });
        tokio::spawn(events::Hub::run(site.clone()));
        Self(site)
    }

    /// Serves them at a place, on threads of their own.
    pub fn serve(&self, at: &Web) -> Result<ServerHandle> {
        let (site, listen) = (self.0.clone(), at.listen);
        let server: Server = HttpServer::new(move || {
            App::new()
                .app_data(site.clone())
                .app_data(web::JsonConfig::default().limit(MAX_BODY))
                .wrap(
                    DefaultHeaders::new()
                        .add((header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY))
                        .add((header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
                        .add((header::REFERRER_POLICY, "no-referrer"))
                        .add((header::CACHE_CONTROL, "no-store")),
                )
                .configure(routes)
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
