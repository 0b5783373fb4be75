//! A lane's devices before they are saved: the generic readers that are attached are offered to choose from, and what the
//! form says is tried. Trying changes nothing.

use super::{forms, said, status, text};
use crate::{
    config::{catalogue::Setting, document::Document},
    pcsc,
    web::{
        access::{Person, Refusal},
        acts::{TEST_MS, outcome},
        view::View,
    },
};
use actix_web::{
    HttpResponse,
    http::StatusCode,
    web::{self, Form, Query, ServiceConfig},
};
use jiff::Timestamp;
use madoguchi::render;
use madoguchi_face_reader::{
    tls::LinkSettings,
    trial::{self, Caller},
};
use madoguchi_nfc_reader::pcsc::binding::ReaderBinding;
use madoguchi_protocol::{
    ActorKind, Address, LaneId,
    messages::{audit_log::PersonAct, nfc_reader::TestReader, state::Detail},
};
use maud::{Markup, html};
use serde::Deserialize;
use std::{collections::BTreeMap, io::ErrorKind, net::TcpListener, path::PathBuf, time::Duration};
use tokio::sync::Semaphore;

/// How long a PC/SC service may take to list its readers.
const PATIENCE: Duration = Duration::from_secs(3);
/// Readers are tried one after the other.
static TRIALS: Semaphore = Semaphore::const_new(1);

pub(super) fn routes(config: &mut ServiceConfig) {
    config.route("/configuration/try", web::post().to(try_out));
}

/// The lane whose form this place has.
pub(super) fn lane_of(place: &str) -> Option<LaneId> {
    place.strip_prefix("lane.")?.parse().ok()
}

/// Whether a setting says which generic reader is the lane's.
pub(super) fn is_reader(setting: &Setting) -> bool {
    setting.section == "lane.nfc_reader" && setting.name == "reader"
}

/// The field in which a reader is chosen, beside the setting's own.
pub(super) fn chosen(key: &str) -> String {
    format!("found.{key}")
}

/// A generic reader that is attached.
pub(super) struct Offer {
    name: String,
    binding: Option<ReaderBinding>,
    /// The other lane that has it in the prepared configuration.
    of: Option<u16>,
}

/// The PC/SC service of a lane, as the prepared configuration has it; `None` is this process's own.
fn service(document: &Document, lane: LaneId) -> Option<PathBuf> {
    if document.get("broker.mode").is_some_and(|mode| mode.trim_matches('"') == "appliance") {
        return Some(render::pcsc_socket(lane));
    }
    string(document, &format!("lane.{lane}.nfc_reader.pcscd")).map(PathBuf::from)
}

/// A setting that is a text.
fn string(document: &Document, key: &str) -> Option<String> {
    value(&document.get(key)?)
}

/// A value as TOML, as what it is.
fn value<T: serde::de::DeserializeOwned>(toml: &str) -> Option<T> {
    let mut table: toml::Table = format!("value = {toml}").parse().ok()?;
    table.remove("value")?.try_into().ok()
}

/// How a lane's generic reader is bound; nothing where the setting says nothing sensible.
fn binding(document: &Document, lane: u16) -> Option<ReaderBinding> {
    let place = format!("lane.{lane}.nfc_reader");
    match document.get(&format!("{place}.reader")) {
        Some(written) => value(&written),
        None => document.has(&place).then(ReaderBinding::default),
    }
}

/// The generic readers that are attached to the lane's PC/SC service; none where it does not answer.
pub(super) async fn offers(document: &Document, lane: LaneId) -> Vec<Offer> {
    let service = service(document, lane);
    // The service may hang: it is asked elsewhere.
    let found = web::block(move || pcsc::find(service.as_deref(), PATIENCE)).await;
    let found = found.ok().and_then(Result::ok).unwrap_or_default();
    let others: Vec<_> = document.lanes().into_iter().filter(|number| *number != lane.number()).collect();
    let of = |found: &Option<ReaderBinding>, name: &str| {
        let has = |number: &u16| match binding(document, *number) {
            Some(usb @ ReaderBinding::Usb(_)) => found.as_ref() == Some(&usb),
            Some(binding) => binding.may_be(name),
            None => false,
        };
        others.iter().copied().find(has)
    };
    let offer = |found: madoguchi_nfc_reader::pcsc::binding::Found| Offer {
        of: of(&found.binding, &found.name),
        name: found.name,
        binding: found.binding,
    };
    found.into_iter().map(offer).collect()
}

/// A binding as the setting is written.
fn written(binding: &ReaderBinding) -> String {
    let (name, value) = match binding {
        ReaderBinding::Only => return "\"only\"".into(),
        ReaderBinding::Name(value) => ("name", value),
        ReaderBinding::Serial(value) => ("serial", value),
        ReaderBinding::Usb(value) => ("usb", value),
    };
    format!("{{ {name} = {} }}", toml_edit::Value::from(value.as_str()))
}

/// The field in which one of the attached readers is chosen.
pub(super) fn choice(view: &View<'_>, key: &str, found: &[Offer]) -> Markup {
    let field = chosen(key);
    html! {
        div.field {
            label for=(field) { (view.say("devices-found", &[])) }
            @if found.is_empty() { p { (view.say("configuration-no-readers", &[])) } } @else {
                select id=(field) name=(field) {
                    option value="" selected { (view.say("devices-as-written", &[])) }
                    @for reader in found {
                        @let binding = reader.binding.as_ref().map(written);
                        option value=[&binding] disabled[binding.is_none()] {
                            (reader.name)
                            @if let Some(lane) = reader.of {
                                " (" (view.say("page-lane", &[("lane", &lane.to_string())])) ")"
                            }
                            @if binding.is_none() { " (" (view.say("devices-alike", &[])) ")" }
                        }
                    }
                }
            }
        }
    }
}

/// Buttons that try what the form says, without saving it.
pub(super) fn buttons(view: &View<'_>, place: &str) -> Markup {
    let button = |device: &str, key: &str| {
        html! {
            button.second name="try" value=(device) formnovalidate
                formaction={ "/configuration/try?place=" (place) } { (view.say(key, &[])) }
        }
    };
    html! {
        p { (view.say("devices-try-about", &[])) }
        div.row {
            (button("nfc_reader", "devices-try-nfc"))
            (button("face_reader", "devices-try-face"))
        }
    }
}

/// What came of trying a device, line by line: whether it is well, the text, and what exists in English only.
#[derive(Default)]
pub(super) struct Tried(Vec<Line>);

struct Line {
    good: bool,
    key: &'static str,
    arguments: Vec<(&'static str, String)>,
    detail: Option<String>,
}

impl Tried {
    fn one(good: bool, key: &'static str) -> Self {
        let mut tried = Self::default();
        tried.line(good, key, &[], None);
        tried
    }

    fn line(
        &mut self,
        good: bool,
        key: &'static str,
        arguments: &[(&'static str, &str)],
        detail: Option<String>,
    ) {
        let arguments = arguments.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
        self.0.push(Line { good, key, arguments, detail });
    }

    fn is_good(&self) -> bool {
        self.0.iter().all(|line| line.good)
    }

    /// In words.
    pub(super) fn told(&self, view: &View<'_>) -> Markup {
        html! {
            div.notice.tried.bad[!self.is_good()] role="status" {
                @for Line { good, key, arguments, detail } in &self.0 {
                    @let arguments: Vec<_> = arguments.iter().map(|(name, value)| (*name, value.as_str())).collect();
                    p {
                        (if *good { "✓ " } else { "✖ " }) (view.say(key, &arguments))
                        @if let Some(detail) = detail { " " small lang="en" { "(" (detail) ")" } }
                    }
                }
                p { (view.say("devices-not-saved", &[])) }
            }
        }
    }
}

/// `?place=lane.2`
#[derive(Deserialize)]
struct Place {
    #[serde(default)]
    place: String,
}

/// Tries what the form says and shows the form again, with all that was typed.
async fn try_out(
    person: Person,
    query: Query<Place>,
    form: Form<BTreeMap<String, String>>,
) -> Result<HttpResponse, Refusal> {
    let status = status(&person)?;
    let (Ok(mut document), Some(lane)) = (text(&status).parse::<Document>(), lane_of(&query.place)) else {
        return Err(Refusal::page(person.visitor(), StatusCode::NOT_FOUND, "refused-not-found"));
    };
    if let Err(error) = forms::set(&mut document, &forms::sections_of(&query.place), &form) {
        return Ok(said(&person, StatusCode::UNPROCESSABLE_ENTITY, &error));
    }
    let (kind, tried) = match form.get("try").map(String::as_str) {
        Some("face_reader") => (ActorKind::FaceReader, try_face(&person, &document, lane).await),
        _ => (ActorKind::NfcReader, try_nfc(&person, &document, lane).await),
    };
    if status.running.is_some() {
        person.did(Some(lane), PersonAct::Tried(kind));
    }
    Ok(forms::sheet(&person, &status, &query.place, &document, Some(&tried)).await)
}

/// Whether the generic reader answers, and reads what is held over it. One that a lane has is asked of that lane's actor,
/// which lets patients go first.
async fn try_nfc(person: &Person, document: &Document, lane: LaneId) -> Tried {
    let Some(binding) = binding(document, lane.number()) else {
        return Tried::one(false, "devices-none-written");
    };
    let site = person.visitor().site();
    match in_use_by(person, &binding) {
        Some(other) if other != lane => {
            let mut tried = Tried::default();
            tried.line(false, "devices-of-lane", &[("lane", &other.to_string())], None);
            return tried;
        }
        Some(_) => {
            let Some(bus) = site.desk.borrow().clone() else { return Tried::one(false, "said-starting") };
            let tested = bus.ask(Some(lane), None, TestReader { wait_ms: TEST_MS }).await;
            return tested.map_or_else(
                |_| Tried::one(false, "said-no-answer"),
                |tested| Tried::one(works(outcome(&tested)), outcome(&tested)),
            );
        }
        None => {}
    }
    let Ok(_turn) = TRIALS.try_acquire() else { return Tried::one(false, "devices-busy") };
    let wait = Duration::from_millis(TEST_MS.into());
    match pcsc::try_out(service(document, lane).as_deref(), &binding, wait).await {
        Some(tested) => Tried::one(works(outcome(&tested)), outcome(&tested)),
        None => Tried::one(false, "said-no-answer"),
    }
}

/// Whether what came of a test is good news of the reader.
fn works(outcome: &str) -> bool {
    outcome.starts_with("said-read-")
}

/// The running lane that has the reader which is bound so.
fn in_use_by(person: &Person, binding: &ReaderBinding) -> Option<LaneId> {
    let site = person.visitor().site();
    let running = site.keeper.status().running.clone()?;
    let states = site.states.borrow();
    let has = |lane: &LaneId| {
        let address = Address { kind: ActorKind::NfcReader, lane: Some(*lane) };
        let bound =
            running.lane.iter().find(|one| one.number == *lane).and_then(|one| one.nfc_reader.as_ref());
        let name = states.get(&address).and_then(|state| match &state.body.detail {
            Detail::NfcReader { reader, .. } => reader.as_deref(),
            _ => None,
        });
        let by_name = !matches!(binding, ReaderBinding::Usb(_));
        bound.is_some_and(|bound| bound.reader == *binding)
            || by_name && name.is_some_and(|name| binding.may_be(name))
    };
    running.lanes().into_iter().find(has)
}

/// Whether the box can listen for the face-auth reader where the form says, its certificates fit together, and the reader
/// calls in there. Where the lane listens already, whether its reader is connected.
async fn try_face(person: &Person, document: &Document, lane: LaneId) -> Tried {
    let place = format!("lane.{lane}.face_reader");
    let of = |name: &str| string(document, &format!("{place}.{name}"));
    let path = |name: &str| of(name).map(PathBuf::from);
    let (Some(listen), Some(certificate), Some(key), Some(client_ca)) =
        (of("listen"), path("certificate"), path("key"), path("client_ca"))
    else {
        return Tried::one(false, "devices-face-incomplete");
    };
    let Ok(listen) = listen.parse() else { return Tried::one(false, "devices-face-no-address") };
    let mut tried = Tried::default();
    let running = person.visitor().site().keeper.status().running.clone();
    let listening = running.and_then(|config| {
        config.lane.iter().find(|one| one.face_reader.listen == listen).map(|one| one.number)
    });
    match (listening, TcpListener::bind(listen)) {
        (Some(own), _) if own == lane => {
            tried.line(true, "devices-face-listens", &[], None);
            let connected = is_connected(person, lane);
            let key = if connected { "devices-face-connected" } else { "devices-face-not-connected" };
            tried.line(connected, key, &[], None);
        }
        (Some(other), _) => tried.line(false, "devices-face-of-lane", &[("lane", &other.to_string())], None),
        (None, Ok(_)) => tried.line(true, "devices-face-free", &[("address", &listen.to_string())], None),
        (None, Err(error)) => {
            let key = match error.kind() {
                ErrorKind::AddrInUse => "devices-face-taken",
                ErrorKind::AddrNotAvailable => "devices-face-not-ours",
                _ => "devices-face-not-listening",
            };
            tried.line(false, key, &[("address", &listen.to_string())], Some(error.to_string()));
        }
    }
    let settings = LinkSettings {
        listen,
        certificate,
        key,
        client_ca,
        reader_name: of("reader_name"),
        maker: of("maker"),
    };
    let name = settings.reader_name.clone().unwrap_or_else(|| format!("face-reader-{lane}"));
    match settings.verify() {
        Err(error) => tried.line(false, "mistake-certificate", &[], Some(error.to_string())),
        Ok(()) => {
            let reports = madoguchi_uplink::certificates_in(&settings.certificate, Timestamp::now());
            for report in reports.into_iter().flatten().take(1) {
                let until = madoguchi_reception::in_japan(report.not_after).date().to_string();
                let good = report.days_left >= 0;
                tried.line(
                    good,
                    "devices-face-certificate",
                    &[("name", &report.common_name), ("until", &until)],
                    None,
                );
            }
            tried.line(true, "devices-face-expects", &[("name", &name)], None);
        }
    }
    if listening.is_none() && tried.is_good() {
        match TRIALS.try_acquire() {
            Ok(_turn) => who_calls(&mut tried, lane, &settings).await,
            Err(_) => tried.line(false, "devices-busy", &[], None),
        }
    }
    tried
}

/// Waits for the reader as the lane would.
async fn who_calls(tried: &mut Tried, lane: LaneId, settings: &LinkSettings) {
    let wait = Duration::from_millis(TEST_MS.into());
    match trial::try_out(lane, settings, wait).await {
        Ok(Caller::Reader(hello)) => {
            let told = [("maker", &*hello.maker), ("model", &hello.model), ("software", &hello.software)];
            tried.line(true, "devices-face-called", &told, None);
        }
        Ok(Caller::Refused(why)) => {
            tried.line(false, "devices-face-refused", &[], Some(why.to_string()));
        }
        Ok(Caller::Nobody) => tried.line(false, "devices-face-nobody", &[], None),
        Err(error) => tried.line(false, "mistake-certificate", &[], Some(error.to_string())),
    }
}

/// Whether the running lane's reader is connected.
fn is_connected(person: &Person, lane: LaneId) -> bool {
    let states = person.visitor().site().states.borrow();
    let state = states.get(&Address::of_lane(ActorKind::FaceReader, lane));
    state.is_some_and(|it| matches!(it.body.detail, Detail::FaceReader { connected: true, .. }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::catalogue::section;

    #[test]
    fn what_is_offered_is_written_as_the_setting_is_read() {
        for binding in [
            ReaderBinding::Only,
            ReaderBinding::Serial("SER \"1\" \\".into()),
            ReaderBinding::Name("A reader (1)".into()),
            ReaderBinding::Usb("1-2.3".into()),
        ] {
            assert_eq!(value::<ReaderBinding>(&written(&binding)), Some(binding));
        }
        assert_eq!(value::<ReaderBinding>("{ serial = "), None);
        assert!(section("lane.nfc_reader").unwrap().settings.iter().any(is_reader));
    }

    #[test]
    fn a_lane_without_a_generic_reader_has_none_to_try_and_one_that_says_nothing_takes_the_only_one() {
        let document: Document =
            "[[lane]]\nnumber = 1\n[[lane]]\nnumber = 2\n[lane.nfc_reader]\npcscd = \"/run/a\"\n"
                .parse()
                .unwrap();
        assert_eq!(binding(&document, 1), None);
        assert_eq!(binding(&document, 2), Some(ReaderBinding::Only));
        let lane = |number: u16| LaneId::new(number).unwrap();
        assert_eq!((service(&document, lane(1)), service(&document, lane(2))), (None, Some("/run/a".into())));
    }
}
