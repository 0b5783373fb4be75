//! One form for each section and each lane, made from the catalogue of settings.

use super::{back, devices, edit, mistakes, status, text, why};
use crate::{
    config::{
        Mistake,
        catalogue::{self, Kind, Section, Setting, shown, typed},
        document::{Document, EditError},
    },
    keeper::Status,
    web::{
        access::{Person, Refusal, Right},
        frame::Page,
        view::View,
    },
};
use actix_web::{
    HttpResponse,
    http::StatusCode,
    web::{self, Form, Query, ServiceConfig},
};
use maud::{Markup, html};
use serde::Deserialize;
use std::collections::BTreeMap;

pub(super) fn routes(config: &mut ServiceConfig) {
    config
        .route("/configuration/section", web::get().to(show))
        .route("/configuration/section", web::post().to(change));
}

/// `?place=lane.2`
#[derive(Deserialize)]
struct Place {
    #[serde(default)]
    place: String,
}

/// The sections of one form, each with its place: a lane's form has everything below the lane.
pub(super) fn sections_of(place: &str) -> Vec<(String, &'static Section)> {
    if place.strip_prefix("lane.").is_some_and(|number| number.parse::<u16>().is_ok()) {
        let of_lane = catalogue::sections().iter().filter_map(|section| {
            let below = section.name.strip_prefix("lane")?;
            Some((format!("{place}{below}"), section))
        });
        return of_lane.collect();
    }
    let name = match place.strip_prefix("compatibility.pairs.") {
        Some(at) if at.parse::<usize>().is_ok() => "compatibility.pairs",
        _ => place,
    };
    match catalogue::section(name) {
        Some(section) if !name.starts_with("lane") => vec![(place.to_owned(), section)],
        _ => Vec::new(),
    }
}

async fn show(person: Person, query: Query<Place>) -> Result<HttpResponse, Refusal> {
    let status = status(&person)?;
    let place = &query.place;
    let (Ok(document), false) = (text(&status).parse::<Document>(), sections_of(place).is_empty()) else {
        return Err(Refusal::page(person.visitor(), StatusCode::NOT_FOUND, "refused-not-found"));
    };
    Ok(sheet(&person, &status, place, &document, None).await)
}

/// Everything that a form's fields are made from.
struct Sheet<'a> {
    view: &'a View<'a>,
    document: &'a Document,
    wrong: &'a [Mistake],
    /// The generic readers that are attached, where the form has to do with them.
    found: &'a [devices::Offer],
}

/// The form of a place, with what came of trying a device.
pub(super) async fn sheet(
    person: &Person,
    status: &Status,
    place: &str,
    document: &Document,
    tried: Option<&devices::Tried>,
) -> HttpResponse {
    let wrong: &[Mistake] = status.prepared.as_ref().map_or(&status.mistakes, |prepared| &prepared.mistakes);
    let lane = devices::lane_of(place);
    let found = match lane {
        Some(lane) => devices::offers(document, lane).await,
        None => Vec::new(),
    };
    person.page(&Page::titled("configuration-form"), |view| {
        let sheet = Sheet { view, document, wrong, found: &found };
        html! {
            @if let Some(tried) = tried { (tried.told(view)) }
            (mistakes(view, wrong))
            form.sheet method="post" action={ "/configuration/section?place=" (place) } {
                (person.csrf_field())
                @for (place, section) in &sections_of(place) { (fields(&sheet, place, section)) }
                // The first button is the one that the return key presses.
                button { (view.say("configuration-check", &[])) }
                @if lane.is_some() { (devices::buttons(view, place)) }
            }
            (back(view))
        }
    })
}

/// A section's fields.
fn fields(sheet: &Sheet<'_>, place: &str, section: &Section) -> Markup {
    let view = sheet.view;
    let there = sheet.document.has(place);
    html! {
        fieldset {
            legend { (view.say(&section.text_key(), &[])) }
            @if section.optional {
                label.choice {
                    input type="checkbox" name={ "there." (place) } value="yes" checked[there];
                    (view.say("configuration-section-there", &[]))
                }
                input type="hidden" name={ "asked." (place) } value="yes";
            }
            @for setting in &section.settings { (field(sheet, place, setting)) }
        }
    }
}

fn field(sheet: &Sheet<'_>, place: &str, setting: &Setting) -> Markup {
    let Sheet { view, document, wrong, found } = *sheet;
    let key = setting.key_at(place);
    let value = document.get(&key).map_or(String::new(), |value| shown(&setting.kind, &value));
    let default = setting.default.as_deref().map(|value| shown(&setting.kind, value));
    let mistake = wrong.iter().find(|mistake| mistake.key.as_deref() == Some(&key));
    let invalid = mistake.is_some().then_some("true");
    let hint = format!("{key}-hint");
    html! {
        @if devices::is_reader(setting) { (devices::choice(view, &key, found)) }
        div.field {
            label for=(key) {
                (view.say(&setting.text_key(), &[]))
                @if let Some(unit) = setting.unit { " (" (unit) ")" }
                @if setting.required { " " strong { (view.say("configuration-required", &[])) } }
            }
            @match &setting.kind {
                Kind::Choice(words) => { select id=(key) name=(key) aria-invalid=[invalid] aria-describedby=(hint) {
                    option value="" selected[value.is_empty()] {
                        @match &default {
                            Some(default) => (view.say("configuration-default", &[("value", default)])),
                            None => "–",
                        }
                    }
                    @for word in words { option value=(word) selected[*word == value] { (word) } }
                } }
                Kind::Number => { input id=(key) name=(key) type="number" value=(value) placeholder=[&default]
                    min=[setting.bounds.map(|(least, _)| least)] max=[setting.bounds.map(|(_, most)| most)]
                    required[setting.required] aria-invalid=[invalid] aria-describedby=(hint); }
                Kind::Lines => { textarea id=(key) name=(key) rows="3" placeholder=[&default]
                    aria-invalid=[invalid] aria-describedby=(hint) { "\n" (value) } }
                Kind::Text | Kind::Toml => { input id=(key) name=(key) value=(value) placeholder=[&default]
                    autocomplete="off" spellcheck="false" aria-invalid=[invalid] aria-describedby=(hint); }
            }
            @if let Some(mistake) = mistake { span.wrong { (why(view, &mistake.reason)) } }
            details.hint id=(hint) {
                summary { code { (key) } }
                span lang="en" { (setting.help) }
            }
        }
    }
}

async fn change(
    person: Person,
    query: Query<Place>,
    form: Form<BTreeMap<String, String>>,
) -> Result<HttpResponse, Refusal> {
    person.may(Right::Configure)?;
    let sections = sections_of(&query.place);
    if sections.is_empty() {
        return Err(Refusal::page(person.visitor(), StatusCode::NOT_FOUND, "refused-not-found"));
    }
    edit(&person, "/configuration/change", |document| set(document, &sections, &form)).await
}

/// Sets what was typed. A field that the form did not have is left as it is; an empty one is left to its default.
pub(super) fn set(
    document: &mut Document,
    sections: &[(String, &'static Section)],
    form: &BTreeMap<String, String>,
) -> Result<(), EditError> {
    for (place, section) in sections {
        // A reader that was chosen from those that are attached is used, and goes before what is written.
        let chosen = |key: &str| form.get(&devices::chosen(key)).filter(|it| !it.is_empty());
        let is_chosen = section.settings.iter().any(|setting| chosen(&setting.key_at(place)).is_some());
        let is_there = is_chosen || form.contains_key(&format!("there.{place}"));
        let switched_off = form.contains_key(&format!("asked.{place}")) && !is_there;
        if switched_off {
            if document.has(place) {
                document.remove(place)?;
            }
            continue;
        }
        if is_there {
            document.make(place)?;
        }
        for setting in &section.settings {
            let key = setting.key_at(place);
            let Some(given) = chosen(&key).or_else(|| form.get(&key)) else { continue };
            let given = given.replace("\r\n", "\n");
            let now = document.get(&key).map_or(String::new(), |value| shown(&setting.kind, &value));
            // What nobody touched is not written anew: the file stays as its author wrote it.
            if given.trim() != now.trim() {
                document.set(&key, typed(&setting.kind, &given).as_deref())?;
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "[site]\nlanguage = \"ja\" # signs\n[[lane]]\nnumber = 2\n[lane.face_reader]\nlisten = \"127.0.0.1:1\"\n";

    fn after(place: &str, fields: &[(&str, &str)]) -> String {
        let mut document: Document = TEXT.parse().unwrap();
        let form = fields.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        set(&mut document, &sections_of(place), &form).unwrap();
        document.to_string()
    }

    #[test]
    fn what_nobody_touched_stays_as_it_was_written() {
        assert_eq!(after("site", &[("site.language", "ja")]), TEXT);
        assert_eq!(after("site", &[("site.language", "en")]), TEXT.replace("\"ja\"", "\"en\""));
    }

    #[test]
    fn a_lanes_generic_reader_comes_and_goes_by_its_switch() {
        let asked = ("asked.lane.2.nfc_reader", "yes");
        let with = after("lane.2", &[asked, ("there.lane.2.nfc_reader", "yes")]);
        assert!(with.parse::<Document>().unwrap().has("lane.2.nfc_reader"), "{with}");
        assert!(with.contains("[lane.nfc_reader]"), "{with}");
        assert_eq!(after("lane.2", &[asked]), TEXT);
    }

    #[test]
    fn a_reader_that_is_chosen_from_those_attached_is_used_whatever_else_the_form_says() {
        let found = "{ serial = \"SER123\" }";
        let fields = [
            ("asked.lane.2.nfc_reader", "yes"),
            ("found.lane.2.nfc_reader.reader", found),
            ("lane.2.nfc_reader.reader", "\"only\""),
        ];
        let document: Document = after("lane.2", &fields).parse().unwrap();
        assert_eq!(document.get("lane.2.nfc_reader.reader").as_deref(), Some(found));
        let none = [fields[0], ("found.lane.2.nfc_reader.reader", ""), fields[2]];
        assert_eq!(after("lane.2", &none), TEXT);
    }

    #[test]
    fn a_form_reaches_its_own_sections_only() {
        assert!(sections_of("lane").is_empty());
        assert!(sections_of("nothing").is_empty());
        assert!(sections_of("lane.2").len() >= 4);
        assert_eq!(sections_of("compatibility.pairs.0").len(), 1);
        assert_eq!(after("site", &[("lane.2.number", "3")]), TEXT);
    }
}
