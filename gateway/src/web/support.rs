//! The support bundle: shown in full, then saved as it was shown.

use super::{
    access::{Person, Refusal, Right},
    frame::Page,
    site::Site,
};
use crate::{
    people::Digest,
    support::{self, Known},
};
use actix_web::{
    HttpResponse,
    http::{StatusCode, header},
    web::{self, Data, Form, ServiceConfig},
};
use jiff::Timestamp;
use madoguchi_protocol::messages::audit_log::PersonAct;
use madoguchi_reception::in_japan;
use maud::html;
use serde::Deserialize;
use serde_json::{Value, json};
use std::{
    collections::VecDeque,
    sync::{Mutex, PoisonError},
};

/// Bundles that were shown and can be saved.
const KEPT: usize = 4;

pub(super) fn routes(config: &mut ServiceConfig) {
    config.route("/support", web::get().to(show)).route("/support", web::post().to(save));
}

/// Bundles that were shown, the oldest first, each with the session that saw it.
#[derive(Default)]
pub(super) struct Shown(Mutex<VecDeque<(Digest, String)>>);

impl Shown {
    fn keep(&self, session: Digest, text: String) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.retain(|(of, _)| *of != session);
        if kept.len() >= KEPT {
            kept.pop_front();
        }
        kept.push_back((session, text));
    }

    fn of(&self, session: Digest) -> Option<String> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.iter().find(|(of, _)| *of == session).map(|(_, text)| text.clone())
    }
}

/// What the running gateway says of itself, for a bundle made here or on the console.
pub(super) fn told(site: &Site) -> Value {
    let mut told = super::api::state_of(site);
    let figures = site.figures.borrow();
    let lanes =
        site.states.borrow().keys().map(|address| address.lane).collect::<std::collections::BTreeSet<_>>();
    let (mut faults, mut times) = (Vec::new(), Vec::new());
    for lane in lanes {
        let Some(of_lane) = figures.of(lane) else { continue };
        for past in &of_lane.faults {
            let (code, of) = (past.code.name(), past.of.name());
            faults.push(
                json!({ "lane": lane, "fault": code, "of": of, "began": past.began, "ended": past.ended }),
            );
        }
        if let (Some(lane), Some((service, waited))) = (lane, of_lane.typical()) {
            times.push(json!({
                "lane": lane, "visits": of_lane.visits.len(),
                "service_ms": [service.half, service.nine_in_ten], "waited_ms": [waited.half, waited.nine_in_ten],
            }));
        }
    }
    told["faults"] = faults.into();
    told["figures"] = times.into();
    told["log"] = support::recent_lines().into();
    told
}

async fn show(person: Person, site: Data<Site>) -> Result<HttpResponse, Refusal> {
    person.may(Right::TakeBundle)?;
    let register = site.people.read().map_err(|error| Refusal::broken(person.visitor(), &error))?;
    let status = site.keeper.status();
    let known = Known {
        file: status.file.clone(),
        state_directory: status.state_directory.clone(),
        running: Some(told(&site)),
        names: support::names(&register),
    };
    // It looks at files and asks other programs.
    let text = web::block(move || support::bundle(&known)).await;
    let text = text.map_err(|error| Refusal::broken(person.visitor(), &error))?;
    site.bundles.keep(person.session_id(), text.clone());
    Ok(person.page(&Page::titled("support-title"), |view| {
        let say = |key: &str| view.say(key, &[]);
        html! {
            p { (say("support-lead")) }
            form.row.no-print method="post" action="/support" {
                (person.csrf_field())
                button { (say("support-save")) }
            }
            pre.bundle tabindex="0" lang="en" aria-label=(say("support-title")) { (text) }
        }
    }))
}

#[derive(Deserialize)]
struct Nothing {}

/// Hands out what this session was shown last, and nothing else.
async fn save(person: Person, site: Data<Site>, _form: Form<Nothing>) -> Result<HttpResponse, Refusal> {
    person.may(Right::TakeBundle)?;
    let gone = || Refusal::page(person.visitor(), StatusCode::NOT_FOUND, "support-gone");
    let text = site.bundles.of(person.session_id()).ok_or_else(gone)?;
    person.did(None, PersonAct::TookBundle);
    let name = in_japan(Timestamp::now()).strftime("madoguchi-support-%Y%m%d-%H%M.txt");
    Ok(HttpResponse::Ok()
        .content_type("text/plain; charset=utf-8")
        .insert_header((header::CONTENT_DISPOSITION, format!("attachment; filename=\"{name}\"")))
        .body(text))
}
