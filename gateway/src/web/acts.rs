//! What people do on the page: act on a lane's visit, try a device, have one part built anew. Each is a plain form; what
//! came of it is told on the page that follows. Each is in the audit log under the person's identifier.

use super::{
    access::{Person, Refusal, Right},
    site::Site,
    staff::{self, NotDone},
    view::View,
    words::act_key,
};
use actix_web::{
    HttpResponse,
    http::header,
    web::{self, Data, Form, Path, ServiceConfig},
};
use madoguchi_protocol::{
    ActorKind, Address, LaneId,
    messages::{
        audit_log::{Fallback, PersonAct, StaffAct},
        nfc_reader::{ReaderTested, TestReader},
        state::{Detail, State},
    },
};
use maud::{Markup, html};
use serde::Deserialize;

/// How long a test waits for a card or phone, in milliseconds.
pub(super) const TEST_MS: u32 = 12_000;

pub(super) fn routes(config: &mut ServiceConfig) {
    config
        .route("/lanes/{lane}/act", web::post().to(act))
        .route("/lanes/{lane}/test", web::post().to(test))
        .route("/parts/restart", web::post().to(restart));
}

/// What came of an act, in the address of the page that tells it: a name of a text, and nothing else is taken.
#[derive(Deserialize)]
pub(super) struct Said {
    said: Option<String>,
}

/// Everything that can have come of an act.
const TOLD: [&str; 19] = [
    "said-done",
    "said-settled-usual-share",
    "said-settled-declared-share",
    "said-not-now",
    "said-no-answer",
    "said-starting",
    "said-restarted",
    "said-read-my-number-card",
    "said-read-android",
    "said-read-iphone",
    "said-read-other",
    "said-not-readable",
    "said-no-medium",
    "said-reader-lost",
    "said-in-use",
    "said-put-back",
    "said-not-set-aside",
    "said-discarded",
    "said-not-sure",
];

impl Said {
    pub(super) fn is_something(&self) -> bool {
        self.said.is_some()
    }

    /// What came of the act before, in words.
    pub(super) fn notice(&self, view: &View<'_>) -> Markup {
        let key = TOLD.into_iter().find(|key| self.said.as_deref() == Some(*key));
        html! { @if let Some(key) = key { p.notice role="status" { (view.say(key, &[])) } } }
    }
}

/// Leads to the page that tells what came of an act.
pub(super) fn to(page: &str, said: &str) -> HttpResponse {
    HttpResponse::SeeOther().insert_header((header::LOCATION, format!("{page}?said={said}"))).finish()
}

const fn told(refused: &NotDone) -> &'static str {
    match refused {
        NotDone::Starting => "said-starting",
        NotDone::NotNow | NotDone::NotNamed => "said-not-now",
        NotDone::NoAnswer(_) => "said-no-answer",
    }
}

/// `act=portal_screen`
#[derive(Deserialize)]
struct Wanted {
    act: String,
}

/// The acts by their names in forms.
const ACTS: [(&str, StaffAct); 9] = [
    ("take_over", StaffAct::TakeOver),
    ("cancel", StaffAct::Cancel),
    ("confirm_photo", StaffAct::ConfirmPhoto),
    ("my_number_card", StaffAct::SettleByFallback(Fallback::MyNumberCard)),
    ("eligibility_certificate", StaffAct::SettleByFallback(Fallback::EligibilityCertificate)),
    ("portal_screen", StaffAct::SettleByFallback(Fallback::PortalScreen)),
    ("self_declaration", StaffAct::SettleByFallback(Fallback::SelfDeclaration)),
    ("begin_rehearsal", StaffAct::BeginRehearsal),
    ("end_rehearsal", StaffAct::EndRehearsal),
];

/// Acts on the lane's visit (R-24: whoever saw the portal screen is named in the log by their identifier).
async fn act(
    person: Person,
    site: Data<Site>,
    lane: Path<LaneId>,
    wanted: Form<Wanted>,
) -> Result<HttpResponse, Refusal> {
    person.may(Right::Serve)?;
    let (lane, page) = (*lane, format!("/lanes/{lane}"));
    let Some((_, act)) = ACTS.into_iter().find(|(name, _)| *name == wanted.act) else {
        return Ok(to(&page, "said-not-now"));
    };
    match staff::act(&site, lane, act, Some(person.id())).await {
        Ok(()) => {
            person.did(Some(lane), PersonAct::ActedAsStaff(act));
            Ok(to(&page, done(act)))
        }
        Err(refused) => Ok(to(&page, told(&refused))),
    }
}

/// A visit that was settled says what the patient is asked to pay.
const fn done(act: StaffAct) -> &'static str {
    match act {
        StaffAct::SettleByFallback(Fallback::SelfDeclaration) => "said-settled-declared-share",
        StaffAct::SettleByFallback(_) => "said-settled-usual-share",
        _ => "said-done",
    }
}

/// Has the generic reader wait for any card or phone and say what it is.
async fn test(person: Person, site: Data<Site>, lane: Path<LaneId>) -> Result<HttpResponse, Refusal> {
    person.may(Right::Serve)?;
    let (lane, page) = (*lane, format!("/lanes/{lane}"));
    let Some(bus) = site.desk.borrow().clone() else { return Ok(to(&page, "said-starting")) };
    person.did(Some(lane), PersonAct::Tried(ActorKind::NfcReader));
    let tested = bus.ask(Some(lane), None, TestReader { wait_ms: TEST_MS }).await;
    Ok(to(&page, tested.as_ref().map_or("said-no-answer", outcome)))
}

/// What came of a test, by its text.
pub(super) const fn outcome(tested: &ReaderTested) -> &'static str {
    use madoguchi_protocol::evidence::Medium;
    match tested {
        ReaderTested::Read(Medium::MyNumberCard) => "said-read-my-number-card",
        ReaderTested::Read(Medium::Android) => "said-read-android",
        ReaderTested::Read(Medium::Iphone) => "said-read-iphone",
        ReaderTested::ReadOther => "said-read-other",
        ReaderTested::NotReadable => "said-not-readable",
        ReaderTested::NoMedium => "said-no-medium",
        ReaderTested::ReaderLost => "said-reader-lost",
        ReaderTested::InUse => "said-in-use",
    }
}

/// `part=nfc_reader@2`
#[derive(Deserialize)]
struct Part {
    part: String,
}

/// Has one part built anew, without its neighbours: by this process's supervisor, or by its own where it runs in another.
async fn restart(person: Person, site: Data<Site>, wanted: Form<Part>) -> Result<HttpResponse, Refusal> {
    person.may(Right::Serve)?;
    let address = wanted.part.parse::<Address>().ok().filter(|address| can_restart(&person, *address));
    let Some(address) = address.filter(|address| site.states.borrow().contains_key(address)) else {
        return Ok(to("/parts", "said-not-now"));
    };
    let page = address.lane.map_or("/parts".to_owned(), |lane| format!("/lanes/{lane}"));
    person.did(address.lane, PersonAct::Restarted(address.kind));
    if site.restarter.restart(address) {
        return Ok(to(&page, "said-restarted"));
    }
    let Some(bus) = site.desk.borrow().clone() else { return Ok(to(&page, "said-starting")) };
    Ok(to(&page, if bus.restart(address).await.is_ok() { "said-restarted" } else { "said-no-answer" }))
}

/// A clerk restarts devices; parts of the box are for whoever configures it.
fn can_restart(person: &Person, address: Address) -> bool {
    let right = if address.lane.is_some() { Right::Serve } else { Right::Configure };
    address.kind != ActorKind::Gateway && person.can(right)
}

/// Buttons for what can be done to the lane's visit now.
pub(super) fn visit_buttons(view: &View<'_>, person: &Person, lane: LaneId, states: &[&State]) -> Markup {
    let may = states.iter().find_map(|state| match &state.detail {
        Detail::FaceReader { visit: Some(visit), .. } => Some(&visit.staff_may),
        _ => None,
    });
    let Some(may) = may.filter(|_| person.can(Right::Serve)) else { return html! {} };
    html! {
        form.row.no-print method="post" action={ "/lanes/" (lane) "/act" } {
            (person.csrf_field())
            @for (name, act) in ACTS.into_iter().filter(|(_, act)| may.contains(act)) {
                button.second name="act" value=(name) { (view.say(act_key(act), &[])) }
            }
        }
    }
}

/// The button that begins a rehearsal of an outage at the lane while nobody is there, or ends the one that lasts.
pub(super) fn rehearsal_button(view: &View<'_>, person: &Person, lane: LaneId, states: &[&State]) -> Markup {
    let act = states.iter().find_map(|state| match &state.detail {
        Detail::FaceReader { rehearsal: Some(_), .. } => Some(StaffAct::EndRehearsal),
        Detail::FaceReader { visit: None, .. } => Some(StaffAct::BeginRehearsal),
        _ => None,
    });
    let offered = ACTS.into_iter().find(|(_, offered)| Some(*offered) == act);
    let Some((name, act)) = offered.filter(|_| person.can(Right::Serve)) else { return html! {} };
    html! {
        form.row.no-print method="post" action={ "/lanes/" (lane) "/act" } {
            (person.csrf_field())
            button.second name="act" value=(name) { (view.say(act_key(act), &[])) }
        }
    }
}

/// Buttons for one device of a lane.
pub(super) fn device_buttons(view: &View<'_>, person: &Person, address: Address) -> Markup {
    html! {
        div.row.no-print {
            @if let (ActorKind::NfcReader, Some(lane), true) =
                (address.kind, address.lane, person.can(Right::Serve))
            {
                form method="post" action={ "/lanes/" (lane) "/test" } {
                    (person.csrf_field())
                    button.second { (view.say("acts-test-reader", &[])) }
                }
            }
            (restart_button(view, person, address))
        }
    }
}

/// A button that has one part built anew.
pub(super) fn restart_button(view: &View<'_>, person: &Person, address: Address) -> Markup {
    html! {
        @if can_restart(person, address) {
            form.no-print method="post" action="/parts/restart" {
                (person.csrf_field())
                input type="hidden" name="part" value=(address);
                button.second { (view.say("acts-restart", &[])) }
            }
        }
    }
}
