//! The record of a lane's setup for smartphones: by which procedure of the face-auth reader's maker, in which
//! version, when and by whom; with the starts of box and reader at that moment, so that the restarts which have to follow
//! are seen. It is a change of the configuration like any other.

use super::{back, edit, status, text};
use crate::{
    config::document::{Document, EditError},
    house::box_boot,
    web::{
        access::{Person, Refusal},
        frame::Page,
        view::View,
    },
};
use actix_web::{
    HttpResponse,
    http::StatusCode,
    web::{self, Form, Query, ServiceConfig},
};
use jiff::{Timestamp, civil::Date};
use madoguchi_protocol::{
    ActorKind, Address, LaneId,
    messages::state::{Detail, ReaderIdentity},
};
use madoguchi_reception::{
    in_japan,
    makers::{Maker, Makers},
};
use maud::{Markup, html};
use serde::Deserialize;

/// The longest text of the record, in characters.
const LONGEST: usize = 100;
/// The maker's procedure, where no profile names another.
const PROCEDURE: &str = "KB0012308";

pub(super) fn routes(config: &mut ServiceConfig) {
    config
        .route("/configuration/phones", web::get().to(show))
        .route("/configuration/phones", web::post().to(record));
}

/// `?lane=2`
#[derive(Deserialize)]
struct Which {
    lane: Option<LaneId>,
}

/// What was done, as it is typed. Where the reader takes phones itself there is no procedure to follow.
#[derive(Clone, Default, Deserialize)]
#[serde(default)]
struct Record {
    procedure: String,
    version: String,
    on: String,
    by: String,
}

/// The reader that is connected at the lane now.
fn reader_at(view: &View<'_>, lane: LaneId) -> Option<ReaderIdentity> {
    let address = Address { kind: ActorKind::FaceReader, lane: Some(lane) };
    match &view.states.get(&address)?.body.detail {
        Detail::FaceReader { connected: true, reader, .. } => reader.clone().filter(|it| !it.boot.is_empty()),
        _ => None,
    }
}

fn makers(person: &Person) -> Makers {
    let running = person.visitor().site().keeper.status().running.clone();
    running.and_then(|config| config.site.makers().ok()).unwrap_or_default()
}

/// The lane and the configuration that has it.
fn prepared(person: &Person, which: &Which) -> Result<(LaneId, Document), Refusal> {
    let status = status(person)?;
    let document = text(&status).parse::<Document>().ok();
    let nowhere = || Refusal::page(person.visitor(), StatusCode::NOT_FOUND, "refused-not-found");
    which.lane.zip(document).filter(|(lane, it)| it.has(&format!("lane.{lane}"))).ok_or_else(nowhere)
}

async fn show(person: Person, which: Query<Which>) -> Result<HttpResponse, Refusal> {
    let (lane, document) = prepared(&person, &which)?;
    let place = format!("lane.{lane}.face_reader.phone_setup");
    let written = |name: &str| {
        let value = document.get(&format!("{place}.{name}"))?;
        value.parse::<toml_edit::Value>().ok()?.as_str().map(str::to_owned)
    };
    let makers = makers(&person);
    let reader = person.visitor().view(|view| reader_at(view, lane));
    let profile = reader.as_ref().and_then(|it| makers.find(&it.maker));
    let record = Record {
        procedure: written("procedure")
            .unwrap_or_else(|| profile.map_or(PROCEDURE.into(), |maker| maker.procedure.clone())),
        version: written("version").unwrap_or_default(),
        on: in_japan(Timestamp::now()).date().to_string(),
        by: person.name().to_owned(),
    };
    Ok(page(&person, lane, &record, None, StatusCode::OK))
}

/// The page, with what is wrong with what was typed.
fn page(
    person: &Person,
    lane: LaneId,
    record: &Record,
    wrong: Option<&'static str>,
    status: StatusCode,
) -> HttpResponse {
    let makers = makers(person);
    let titled = Page::titled("phones-title").about("lane", &lane.to_string()).with_status(status);
    person.page(&titled, |view| {
        let reader = reader_at(view, lane);
        let profile = reader.as_ref().and_then(|it| makers.find(&it.maker));
        html! {
            p { (view.say("phones-about", &[])) }
            ol { @for key in ["phones-step-follow", "phones-step-record", "phones-step-restart", "phones-step-see"] {
                li { (view.say(key, &[])) }
            } }
            @if let Some(key) = wrong { p.notice.bad role="alert" { (view.say(key, &[])) } }
            @match &reader {
                None => p.notice.bad { (view.say("phones-no-reader", &[])) },
                Some(reader) => (form(view, person, lane, record, reader, profile)),
            }
            p { a href={ "/lanes/" (lane) } { (view.say("page-lane", &[("lane", &lane.to_string())])) } }
            (back(view))
        }
    })
}

fn form(
    view: &View<'_>,
    person: &Person,
    lane: LaneId,
    record: &Record,
    reader: &ReaderIdentity,
    profile: Option<&Maker>,
) -> Markup {
    let maker = profile.map_or(reader.maker.as_str(), |maker| maker.label.as_str());
    let field = |name: &str, kind: &str, value: &str| {
        html! {
            div.field {
                label for=(name) { (view.say(&format!("setting-lane-face-reader-phone-setup-{name}"), &[])) }
                input id=(name) name=(name) type=(kind) value=(value) required maxlength=(LONGEST) autocomplete="off";
            }
        }
    };
    html! {
        p { (view.say("page-reader", &[("maker", maker), ("model", &reader.model), ("software", &reader.software)])) }
        @if profile.is_some_and(|maker| !maker.confirmed) { p { (view.say("phones-unconfirmed", &[])) } }
        form.sheet method="post" action={ "/configuration/phones?lane=" (lane) } {
            (person.csrf_field())
            @if takes_phones(profile) { p { (view.say("phones-by-itself", &[])) } } @else {
                (field("procedure", "text", &record.procedure))
                (field("version", "text", &record.version))
                (field("on", "date", &record.on))
                (field("by", "text", &record.by))
            }
            button { (view.say("phones-record", &[])) }
        }
    }
}

/// Whether the maker's readers take phones themselves, without a generic reader to be set up.
fn takes_phones(profile: Option<&Maker>) -> bool {
    profile.is_some_and(|maker| maker.takes_phones)
}

/// What is wrong with a record.
fn mistake(record: &Record, today: Date) -> Option<&'static str> {
    let texts = [&record.procedure, &record.version, &record.by];
    if texts.iter().any(|text| text.trim().is_empty() || text.chars().count() > LONGEST) {
        return Some("phones-incomplete");
    }
    match record.on.parse::<Date>() {
        Ok(on) if on <= today => None,
        _ => Some("phones-no-day"),
    }
}

/// Writes a record into the text. Without one only the starts are kept.
fn write(
    document: &mut Document,
    lane: LaneId,
    record: Option<&Record>,
    box_boot: &str,
    reader_boot: &str,
) -> Result<(), EditError> {
    let mut set = |name: &str, value: Option<&str>| {
        let quoted = value.map(|value| toml_edit::Value::from(value.trim()).to_string());
        document.set(&format!("lane.{lane}.face_reader.phone_setup.{name}"), quoted.as_deref())
    };
    set("procedure", record.map(|it| it.procedure.as_str()))?;
    set("version", record.map(|it| it.version.as_str()))?;
    set("on", record.map(|it| it.on.as_str()))?;
    set("by", record.map(|it| it.by.as_str()))?;
    set("box_boot", Some(box_boot))?;
    set("reader_boot", Some(reader_boot))
}

async fn record(person: Person, which: Query<Which>, form: Form<Record>) -> Result<HttpResponse, Refusal> {
    let (lane, _) = prepared(&person, &which)?;
    let record = form.into_inner();
    let Some(reader) = person.visitor().view(|view| reader_at(view, lane)) else {
        return Ok(page(&person, lane, &record, None, StatusCode::CONFLICT));
    };
    let by_itself = takes_phones(makers(&person).find(&reader.maker));
    let wrong = mistake(&record, in_japan(Timestamp::now()).date()).filter(|_| !by_itself);
    let Ok(boot) = box_boot().inspect_err(|error| tracing::error!(%error, "no record of a setup")) else {
        return Ok(page(&person, lane, &record, Some("said-no-answer"), StatusCode::SERVICE_UNAVAILABLE));
    };
    if wrong.is_some() {
        return Ok(page(&person, lane, &record, wrong, StatusCode::UNPROCESSABLE_ENTITY));
    }
    let kept = (!by_itself).then_some(&record);
    let write = |document: &mut Document| write(document, lane, kept, &boot.id, &reader.boot);
    edit(&person, "/configuration/change", write).await
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;

    fn record(version: &str, on: &str) -> Record {
        Record { procedure: PROCEDURE.into(), version: version.into(), on: on.into(), by: "ME 12".into() }
    }

    #[test]
    fn r08_a_record_without_version_person_or_a_day_that_was_is_refused() {
        let today: Date = "2025-09-20".parse().unwrap();
        assert_eq!(mistake(&record("1.0", "2025-09-20"), today), None);
        assert_eq!(mistake(&record(" ", "2025-09-20"), today), Some("phones-incomplete"));
        assert_eq!(
            mistake(&Record { by: String::new(), ..record("1", "2025-09-19") }, today),
            Some("phones-incomplete")
        );
        assert_eq!(mistake(&record(&"1".repeat(101), "2025-09-19"), today), Some("phones-incomplete"));
        for day in ["2025-09-21", "", "yesterday", "2025-02-30"] {
            assert_eq!(mistake(&record("1.0", day), today), Some("phones-no-day"), "{day}");
        }
    }

    #[test]
    fn r08_r13_procedure_version_day_person_and_both_starts_are_written_and_read() {
        let lane = LaneId::new(1).unwrap();
        let mut document: Document = include_str!("../../../../configs/example.toml").parse().unwrap();
        let setup = |document: &Document| {
            let config = Config::parse("".as_ref(), &document.to_string()).unwrap();
            config.lane[0].face_reader.phone_setup.clone().unwrap()
        };
        write(&mut document, lane, Some(&record("2.1 \"b\"", "2025-09-20")), "box", "reader").unwrap();
        let kept = setup(&document);
        assert_eq!(kept.record().unwrap(), "KB0012308, version 2.1 \"b\", on 2025-09-20 by ME 12");
        assert_eq!((kept.box_boot.as_str(), kept.reader_boot.as_str()), ("box", "reader"));
        // a reader that takes phones itself has no procedure to follow.
        write(&mut document, lane, None, "box", "reader").unwrap();
        assert_eq!(setup(&document).record(), None);
    }
}
