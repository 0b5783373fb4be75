//! The local page: set up, watch and mend the box.
//!
//! One module for each page or subject, each with its `routes`; this one composes them. `frame` is around every page,
//! `visitor` says who looks and in which language, `view` what the gateway knows at that moment, `access` who may do
//! what. `listener` says where the page is reached and bounds what comes; `guard` stands before every handler.

mod access;
mod account;
mod acts;
mod api;
mod assets;
mod certificate;
mod certificates;
mod chart;
mod charts;
mod configuration;
mod counts;
mod events;
mod first_start;
mod frame;
mod guard;
mod keys;
mod lane;
mod lanes;
mod line;
mod listener;
mod log;
mod login;
mod messages;
mod own;
mod own_queue;
mod parts;
mod people;
mod queue;
mod rate;
mod refusal;
mod repairs;
mod sessions;
mod site;
mod staff;
mod status;
mod support;
#[cfg(test)]
mod tests;
mod throttle;
mod v1;
mod view;
mod visitor;
mod words;

pub use certificate::file as page_certificate;
pub use site::Told;
pub use staff::Desk;

use crate::logging;
use crate::{
    board::{Boards, Standings},
    config::Web,
    keeper::Keeper,
    people::Code,
};
use actix_web::{
    HttpRequest, HttpResponse,
    dev::ServerHandle,
    http::StatusCode,
    web::{self, Data, ServiceConfig},
};
use anyhow::Result;
use madoguchi_bus::supervisor::Restarter;
use refusal::Refusal;
use site::Site;
use std::{
    path::{Path, PathBuf},
    sync::Arc,
};
use tokio::sync::watch;
use visitor::Visitor;

/// Every page and subject. A new one is a module and a line here.
fn routes(config: &mut ServiceConfig) {
    assets::routes(config);
    login::routes(config);
    first_start::routes(config);
    account::routes(config);
    keys::routes(config);
    people::routes(config);
    configuration::routes(config);
    lanes::routes(config);
    lane::routes(config);
    acts::routes(config);
    events::routes(config);
    repairs::routes(config);
    queue::routes(config);
    line::routes(config);
    certificates::routes(config);
    charts::routes(config);
    counts::routes(config);
    log::routes(config);
    messages::routes(config);
    parts::routes(config);
    support::routes(config);
    status::routes(config);
    api::routes(config);
    v1::routes(config);
    config.default_service(web::to(nowhere));
}

/// There is no such place, or nothing that can be done so there.
async fn nowhere(visitor: Visitor, request: HttpRequest) -> Result<HttpResponse, Refusal> {
    let (status, key) = if request.resource_map().has_resource(request.path()) {
        (StatusCode::METHOD_NOT_ALLOWED, "refused-method")
    } else {
        (StatusCode::NOT_FOUND, "refused-not-found")
    };
    Err(Refusal::of(&visitor, status, key))
}

/// The pages, which can be served at one place after the other.
pub struct Pages {
    site: Data<Site>,
    state_directory: PathBuf,
    certificate_untaken: watch::Sender<bool>,
    /// Makes the first administrator, while there is none.
    first: Option<Code>,
}

impl Pages {
    /// The pages of this box.
    pub fn new(
        told: watch::Receiver<Arc<Told>>,
        boards: &Boards,
        standings: watch::Receiver<Standings>,
        restarter: Restarter,
        desk: Desk,
        state_directory: &Path,
        keeper: Keeper,
    ) -> Result<Self> {
        let mut site = Site::new(told, boards, standings, restarter, desk, state_directory, keeper);
        let first = site.await_first_administrator()?;
        let site = Data::new(site);
        own::tell(&site, state_directory)?;
        own_queue::answer(&site, state_directory)?;
        first_start::show(state_directory, first.as_ref())?;
        tokio::spawn(site.clone().into_inner().record_the_console());
        tokio::spawn(site.clone().into_inner().record_the_keeper());
        tokio::spawn(events::Hub::run(site.clone()));
        let certificate_untaken = boards.page_certificate_untaken.clone();
        Ok(Self { site, state_directory: state_directory.to_owned(), certificate_untaken, first })
    }

    /// Serves them at a place, on a thread of their own. While nobody can administer the box, the code that makes the
    /// first administrator is shown on the console only: what goes to the journal stays on the disk, so there it says no
    /// more than where the code is.
    pub fn serve(&self, at: &Web) -> Result<ServerHandle> {
        let way = listener::Way::of(at, &self.state_directory, &self.certificate_untaken)?;
        let address = way.address();
        if let Some(code) = self.first.as_ref().filter(|_| self.site.awaits_first_administrator()) {
            if logging::journal_listens() {
                tracing::info!(
                    address,
                    "nobody administers this box yet: `madoguchi console` shows the code to begin with"
                );
            } else {
                let code = code.shown();
                eprintln!(
                    "madoguchi: nobody administers this box yet. Open {address}/first-start and type {code}"
                );
            }
        }
        self.site.is_served(at);
        let handle = listener::serve(self.site.clone(), way)?;
        tracing::info!(address, "the page is served");
        Ok(handle)
    }
}
