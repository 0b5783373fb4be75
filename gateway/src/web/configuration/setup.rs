//! First start: the configuration of a new box, step by step, and the proof that each lane works. What was given so far
//! is kept as the change that is being prepared, so each step can be left and taken up again, also after a restart.

use super::{back, mistakes, papers, stage, status, text};
use crate::{
    config::{
        catalogue,
        document::{Document, EditError},
    },
    keeper::Status,
    pcsc,
    web::{
        access::{Person, Refusal},
        frame::Page,
        view::View,
    },
};
use actix_web::{
    HttpResponse,
    web::{self, ServiceConfig},
};
use madoguchi_nfc_reader::pcsc::binding::Found;
use madoguchi_protocol::{ActorKind, Address, LaneId, messages::state::Detail, readiness::TermId};
use maud::{Markup, html};
use std::{fs, path::Path, time::Duration};

/// How long the PC/SC service may take to list its readers.
const PATIENCE: Duration = Duration::from_secs(3);
/// The steps before the lanes.
const STEPS: [&str; 3] = ["site", "uplink", "receipt_computer"];
/// Those that can be left out: the networks.
const NETWORKS: [&str; 3] = ["web", "appliance.counter", "appliance.line"];
/// The receipt computer's folders, as settings.
const FOLDERS: [&str; 3] = ["request_folder", "result_folder", "face_folder"];

pub(super) fn routes(config: &mut ServiceConfig) {
    config
        .route("/configuration/setup", web::get().to(show))
        .route("/configuration/setup", web::post().to(begin))
        .route("/configuration/setup/folders", web::post().to(try_folders));
}

/// A configuration in which everything is still to be said.
fn blank(state_directory: &Path) -> Result<String, EditError> {
    let mut document = "format = 1\n".parse::<Document>()?;
    let quoted = toml_edit::Value::from(state_directory.display().to_string()).to_string();
    document.set("site.state_directory", Some(&quoted))?;
    STEPS.iter().try_for_each(|step| document.make(step))?;
    document.add_lane(1)?;
    document.make("lane.1.face_reader")?;
    Ok(document.to_string())
}

async fn begin(person: Person) -> Result<HttpResponse, Refusal> {
    let status = status(&person)?;
    match blank(&status.state_directory) {
        Ok(text) => stage(&person, text, "/configuration/setup").await,
        Err(error) => Ok(super::said(&person, actix_web::http::StatusCode::CONFLICT, &error)),
    }
}

/// Whether everything that a form's sections can't be without is said.
fn is_said(document: &Document, place: &str) -> bool {
    super::forms::sections_of(place).iter().all(|(place, section)| {
        let needed = document.has(place) || !section.optional;
        !needed || section.settings.iter().all(|it| !it.required || document.get(&it.key_at(place)).is_some())
    })
}

async fn show(person: Person) -> Result<HttpResponse, Refusal> {
    let status = status(&person)?;
    let document = text(&status).parse::<Document>().ok();
    // The service may hang: it is asked elsewhere.
    let readers =
        web::block(|| pcsc::find(None, PATIENCE)).await.ok().and_then(Result::ok).unwrap_or_default();
    Ok(person.page(&Page::titled("configuration-setup"), |view| {
        html! {
            p { (view.say("configuration-setup-about", &[])) }
            @match &document {
                Some(document) if status.prepared.is_some() || status.running.is_some() => {
                    (steps(&person, view, &status, document, &readers))
                }
                _ => (super::button(&person, view, "/configuration/setup", "configuration-setup-begin", "", &[])),
            }
            (back(view))
        }
    }))
}

fn steps(
    person: &Person,
    view: &View<'_>,
    status: &Status,
    document: &Document,
    readers: &[Found],
) -> Markup {
    let say = |key: &str| view.say(key, &[]);
    let mark = |place: &str| if is_said(document, place) { "✓ " } else { "☐ " };
    let wrong = status.prepared.as_ref().map_or(&status.mistakes, |prepared| &prepared.mistakes);
    html! {
        ol.steps {
            @for step in STEPS {
                li {
                    (mark(step))
                    a href={ "/configuration/section?place=" (step) } {
                        (catalogue::section(step).map_or(String::new(), |section| say(&section.text_key())))
                    }
                    @if step == "receipt_computer" && is_said(document, step) {
                        (super::button(person, view, "/configuration/setup/folders", "configuration-try-folders", "second", &[]))
                    }
                }
            }
            @for place in NETWORKS {
                li {
                    (if document.has(place) { "✓ " } else { "– " })
                    a href={ "/configuration/section?place=" (place) } {
                        (catalogue::section(place).map_or(String::new(), |section| say(&section.text_key())))
                    }
                    " " small { (say("configuration-optional")) }
                }
            }
            @for number in document.lanes() {
                @let place = format!("lane.{number}");
                li { (mark(&place)) a href={ "/configuration/section?place=" (place) } {
                    (view.say("page-lane", &[("lane", &number.to_string())]))
                } }
            }
            li {
                (if papers::are_there(document) { "✓ " } else { "☐ " })
                a href=(papers::PAGE) { (say("papers-title")) }
            }
        }
        @if let Some(free) = (1..=LaneId::MAX).find(|number| !document.lanes().contains(number)) {
            (super::button(person, view, "/configuration/lanes", "configuration-lane-add", "second", &[("number", &free.to_string())]))
        }
        p { (say("configuration-attached-readers")) }
        @if readers.is_empty() { p { (say("configuration-no-readers")) } }
        @else { ul { @for reader in readers { li { code { (reader.name) } } } } }
        (mistakes(view, wrong))
        p { a.button href="/configuration/change" { (say("configuration-check")) } }
        @if let Some(config) = &status.running { (proof(view, &config.lanes())) }
    }
}

/// Whether it works: what each lane's devices say, and whether a visit was served there since the lane was set up.
fn proof(view: &View<'_>, lanes: &[LaneId]) -> Markup {
    let detail = |kind, lane: LaneId| {
        view.states.get(&Address { kind, lane: Some(lane) }).map(|state| &state.body.detail)
    };
    let mark = |done: bool, key: &str| html! { li { (if done { "✓ " } else { "☐ " }) (view.say(key, &[])) } };
    html! {
        h2 { (view.say("configuration-prove", &[])) }
        p { (view.say("configuration-prove-about", &[])) }
        ul.proof { @for lane in lanes {
            @let (linked, served) = match detail(ActorKind::FaceReader, *lane) {
                Some(Detail::FaceReader { connected, visits_ended, .. }) => (*connected, *visits_ended > 0),
                _ => (false, false),
            };
            li {
                a href={ "/lanes/" (lane) } { (view.say("page-lane", &[("lane", &lane.to_string())])) }
                ul {
                    (mark(linked, "configuration-prove-face"))
                    @if let Some(Detail::FaceReader { phones_unmet, .. }) = detail(ActorKind::FaceReader, *lane) {
                        @let done = !phones_unmet.iter().any(|term| term.id == TermId::Procedure);
                        li { (if done { "✓ " } else { "☐ " })
                            a href={ "/configuration/phones?lane=" (lane) } { (view.say("configuration-prove-procedure", &[])) } }
                    }
                    @if let Some(Detail::NfcReader { ready, .. }) = detail(ActorKind::NfcReader, *lane) {
                        (mark(*ready, "configuration-prove-nfc"))
                    }
                    (mark(served, "configuration-prove-visit"))
                }
            }
        } }
    }
}

/// Writes and removes a file in each of the receipt computer's folders.
async fn try_folders(person: Person) -> Result<HttpResponse, Refusal> {
    let status = status(&person)?;
    let document = text(&status).parse::<Document>().ok();
    let tried: Vec<_> = FOLDERS
        .iter()
        .filter_map(|name| document.as_ref()?.get(&format!("receipt_computer.{name}")))
        .map(|value| catalogue::shown(&catalogue::Kind::Text, &value))
        .map(|folder| (try_folder(Path::new(&folder)).err().map(|error| error.to_string()), folder))
        .collect();
    Ok(person.page(&Page::titled("configuration-setup"), |view| {
        html! {
            ul { @for (error, folder) in &tried {
                li {
                    code { (folder) } " "
                    @match error {
                        None => { "✓ " (view.say("configuration-folder-good", &[])) }
                        Some(error) => { strong { (view.say("configuration-folder-bad", &[])) } " " span lang="en" { (error) } }
                    }
                }
            } }
            p { a href="/configuration/setup" { (view.say("configuration-back", &[])) } }
        }
    }))
}

fn try_folder(folder: &Path) -> std::io::Result<()> {
    // No receipt computer takes a file of this name.
    let path = folder.join(format!(".madoguchi-{}.tmp", std::process::id()));
    fs::write(&path, "tried")?;
    fs::remove_file(&path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_box_is_asked_for_everything_that_cannot_be_left_out() {
        let text = blank(Path::new("/var/lib/madoguchi")).unwrap();
        let document: Document = text.parse().unwrap();
        for step in STEPS {
            assert!(!is_said(&document, step), "{step}");
        }
        assert!(!is_said(&document, "lane.1"));
    }

    #[test]
    fn a_step_is_done_when_what_it_needs_is_said() {
        let example = include_str!("../../../../configs/example.toml");
        let document: Document = example.parse().unwrap();
        for place in ["site", "uplink", "receipt_computer", "lane.1", "lane.2"] {
            assert!(is_said(&document, place), "{place}");
        }
    }

    #[test]
    fn a_folder_that_cannot_be_written_is_told_from_one_that_can() {
        let folder = tempfile::tempdir().unwrap();
        try_folder(folder.path()).unwrap();
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
        assert!(try_folder(&folder.path().join("none")).is_err());
    }
}
