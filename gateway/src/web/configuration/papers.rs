//! The wizard's step for certificates and keys: which of the files that the prepared configuration names are there; the
//! request for the terminal's certificate, and a place for what was issued. Once the gateway serves, the certificates' own
//! page renews them (`web/certificates.rs`); until then nothing else can.

use super::{back, button, stage, status, text};
use crate::{
    config::{
        catalogue::{self, Kind},
        document::Document,
        durable,
    },
    keeper::Status,
    web::{
        access::{Person, Refusal},
        frame::Page,
        view::View,
    },
};
use actix_web::{
    HttpResponse,
    http::{StatusCode, header},
    web::{self, Form, ServiceConfig},
};
use jiff::Timestamp;
use madoguchi_protocol::messages::audit_log::PersonAct;
use madoguchi_reception::in_japan;
use madoguchi_uplink::{Settings, certificates_in, only_certificates, staging::Staging};
use maud::{Markup, html};
use serde::Deserialize;
use std::{
    collections::BTreeMap,
    fs,
    io::ErrorKind,
    path::{Path, PathBuf},
};

/// Where the step is.
pub(super) const PAGE: &str = "/configuration/setup/certificates";
/// The largest text that is taken: a chain, or several authorities.
const LARGEST: usize = 64 * 1024;
/// The terminal's own certificate.
const TERMINAL: &str = "uplink.certificate";

pub(super) fn routes(config: &mut ServiceConfig) {
    config
        .route("/configuration/setup/certificates", web::get().to(show))
        .route("/configuration/setup/certificates/request", web::post().to(request))
        .route("/configuration/setup/certificates/put", web::post().to(put))
        .route("/configuration/setup/certificates/again", web::post().to(again));
}

/// A file that the configuration names.
struct Paper {
    path: PathBuf,
    /// The settings that name it, with the keys of their names.
    named: Vec<(String, String)>,
    is_key: bool,
}

/// How a file is found.
enum Found {
    /// It is there; certificates with the day on which the first of them ends.
    There(Option<Timestamp>),
    Missing,
    /// What is wrong with it, in English.
    Wrong(String),
    /// Only the part that needs it may look.
    Hidden,
}

/// Every certificate and key that the configuration names or leaves to its default.
fn papers(document: &Document) -> Vec<Paper> {
    let mut papers = BTreeMap::<PathBuf, Paper>::new();
    for (place, section) in catalogue::places(document) {
        if section.optional && !document.has(&place)
            || place.starts_with("uplink.vpn") && !document.has(&place)
        {
            continue;
        }
        for setting in &section.settings {
            let is_key = matches!(setting.name.as_str(), "key" | "tls_key");
            if !is_key
                && !matches!(setting.name.as_str(), "certificate" | "ca" | "client_ca" | "tls_certificate")
            {
                continue;
            }
            let key = setting.key_at(&place);
            if is_key && document.get(&format!("{place}.token")).is_some() {
                continue;
            }
            let value = document.get(&key).or_else(|| setting.default.clone());
            let paths = value.map(|value| match &setting.kind {
                Kind::Lines => catalogue::shown(&Kind::Lines, &value),
                _ => catalogue::shown(&Kind::Text, &value),
            });
            for path in paths.unwrap_or_default().lines().filter(|path| Path::new(path).is_absolute()) {
                let paper = Paper { path: path.into(), named: Vec::new(), is_key };
                let paper = papers.entry(path.into()).or_insert(paper);
                paper.named.push((key.clone(), setting.text_key()));
            }
        }
    }
    papers.into_values().collect()
}

fn look_at(paper: &Paper, now: Timestamp) -> Found {
    match fs::metadata(&paper.path) {
        Err(error) if error.kind() == ErrorKind::PermissionDenied => return Found::Hidden,
        Err(error) if error.kind() == ErrorKind::NotFound => return Found::Missing,
        Err(error) => return Found::Wrong(error.to_string()),
        Ok(_) if paper.is_key => return Found::There(None),
        Ok(_) => {}
    }
    let reports: Result<Vec<_>, _> = certificates_in(&paper.path, now).into_iter().collect();
    match reports {
        Ok(reports) => Found::There(reports.iter().map(|it| it.not_after).min()),
        Err(error) => Found::Wrong(error.to_string()),
    }
}

/// Whether everything that the configuration names is there.
pub(super) fn are_there(document: &Document) -> bool {
    let now = Timestamp::now();
    let said = ["uplink.url", "site.terminal"].iter().all(|key| document.get(key).is_some());
    let found = |paper: &Paper| match look_at(paper, now) {
        Found::There(ends) => ends.is_none_or(|ends| ends > now),
        Found::Hidden => true,
        Found::Missing | Found::Wrong(_) => false,
    };
    said && papers(document).iter().all(found)
}

/// The line's settings as far as they are said, and the terminal's name.
fn line(document: &Document) -> Option<(Settings, String)> {
    let mut table: toml::Table = document.to_string().parse().ok()?;
    let terminal = table.get("site")?.get("terminal")?.as_str()?.to_owned();
    let settings = table.remove("uplink")?.try_into().ok()?;
    Some((settings, terminal))
}

/// What came of a step: whether it is good, its text, and what exists in English only.
type Said = (bool, &'static str, Option<String>);

async fn show(person: Person) -> Result<HttpResponse, Refusal> {
    let status = status(&person)?;
    Ok(page(&person, &status, None, StatusCode::OK))
}

fn page(person: &Person, status: &Status, said: Option<Said>, code: StatusCode) -> HttpResponse {
    let document = text(status).parse::<Document>().ok();
    person.page(&Page::titled("papers-title").with_status(code), |view| {
        let now = Timestamp::now();
        let papers = document.as_ref().map(papers).unwrap_or_default();
        let found: Vec<_> = papers.iter().map(|paper| (paper, look_at(paper, now))).collect();
        html! {
            @if let Some((good, key, detail)) = &said {
                div.notice.bad[!good] role="status" {
                    (if *good { "✓ " } else { "✖ " }) (view.say(key, &[]))
                    @if let Some(detail) = detail { " " small lang="en" { "(" (detail) ")" } }
                }
            }
            p { (view.say("papers-about", &[])) }
            (list(view, &found, now))
            @if status.running.is_some() {
                p { a href="/certificates" { (view.say("papers-renewal", &[])) } }
            }
            (asking(view, person, document.as_ref(), &found))
            (putting(view, person, &found))
            @if status.prepared.is_some() {
                (button(person, view, "/configuration/setup/certificates/again", "papers-again", "second", &[]))
            }
            p { a href="/configuration/setup" { (view.say("configuration-setup", &[])) } }
            (back(view))
        }
    })
}

/// What a file is for: the settings that name it, each once with its lanes.
fn roles(view: &View<'_>, paper: &Paper) -> String {
    let mut lanes = BTreeMap::<&str, Vec<&str>>::new();
    for (key, name) in &paper.named {
        let lane = key.strip_prefix("lane.").and_then(|rest| rest.split('.').next());
        lanes.entry(name).or_default().extend(lane);
    }
    let role = |(name, lanes): (&&str, &Vec<&str>)| match lanes.is_empty() {
        true => view.say(name, &[]),
        false => {
            format!("{} ({})", view.say(name, &[]), view.say("page-lane", &[("lane", &lanes.join(", "))]))
        }
    };
    lanes.iter().map(role).collect::<Vec<_>>().join(" / ")
}

fn list(view: &View<'_>, found: &[(&Paper, Found)], now: Timestamp) -> Markup {
    html! {
        div.wide tabindex="0" { table.papers {
            thead { tr { @for key in ["papers-which", "papers-file", "papers-state"] {
                th scope="col" { (view.say(key, &[])) }
            } } }
            tbody { @for (paper, found) in found { tr {
                th scope="row" { (roles(view, paper)) }
                td { code { (paper.path.display()) } }
                td { @match found {
                    Found::There(Some(ends)) if *ends <= now => { "✖ " (view.say("papers-ended", &[("day", &day(*ends))])) },
                    Found::There(Some(ends)) => { "✓ " (view.say("papers-until", &[("day", &day(*ends))])) },
                    Found::There(None) => { "✓ " (view.say("papers-there", &[])) },
                    Found::Missing => { "☐ " (view.say("papers-missing", &[])) },
                    Found::Hidden => { "– " (view.say("papers-hidden", &[])) },
                    Found::Wrong(why) => { "✖ " (view.say("papers-wrong", &[])) " " small lang="en" { "(" (why) ")" } },
                } }
            } } }
        } }
    }
}

fn day(at: Timestamp) -> String {
    in_japan(at).date().to_string()
}

/// The request for the terminal's certificate, as long as there is none.
fn asking(
    view: &View<'_>,
    person: &Person,
    document: Option<&Document>,
    found: &[(&Paper, Found)],
) -> Markup {
    if !found.iter().any(|(paper, found)| is_terminals(paper) && matches!(found, Found::Missing)) {
        return html! {};
    }
    html! {
        section {
            h2 { (view.say("papers-request-title", &[])) }
            @if document.and_then(line).is_none() { p { (view.say("papers-line-first", &[])) } } @else {
                p { (view.say("papers-request-about", &[])) }
                form method="post" action="/configuration/setup/certificates/request" {
                    (person.csrf_field())
                    button.second { (view.say("certificates-request", &[])) }
                }
            }
        }
    }
}

fn is_terminals(paper: &Paper) -> bool {
    paper.named.iter().any(|(key, _)| key == TERMINAL)
}

/// A place for each certificate that is missing.
fn putting(view: &View<'_>, person: &Person, found: &[(&Paper, Found)]) -> Markup {
    let missing: Vec<_> = found
        .iter()
        .filter(|(paper, found)| !paper.is_key && matches!(found, Found::Missing))
        .map(|(paper, _)| paper)
        .collect();
    html! {
        @if !missing.is_empty() {
            section {
                h2 { (view.say("papers-put-title", &[])) }
                form.sheet method="post" action="/configuration/setup/certificates/put" {
                    (person.csrf_field())
                    div.field {
                        label for="file" { (view.say("papers-which", &[])) }
                        select id="file" name="file" { @for paper in missing {
                            option value=(paper.path.display()) { (roles(view, paper)) }
                        } }
                    }
                    div.field {
                        label for="certificate" { (view.say("papers-put-about", &[])) }
                        textarea id="certificate" name="certificate" rows="8" required spellcheck="false"
                            placeholder="-----BEGIN CERTIFICATE-----" {}
                    }
                    button { (view.say("papers-put", &[])) }
                }
            }
        }
        @if found.iter().any(|(paper, found)| paper.is_key && !is_made_here(paper) && matches!(found, Found::Missing)) {
            p { (view.say("papers-keys", &[])) }
        }
    }
}

/// Whether a key is made by the request.
fn is_made_here(paper: &Paper) -> bool {
    paper.named.iter().any(|(key, _)| key == "uplink.key")
}

/// Asks for the terminal's certificate. The key is made here and stays; once the line is used, `uplink` goes on with it.
async fn request(person: Person) -> Result<HttpResponse, Refusal> {
    let status = status(&person)?;
    let document = text(&status).parse::<Document>().ok();
    let Some((settings, terminal)) = document.as_ref().and_then(line) else {
        return Ok(page(&person, &status, Some((false, "papers-line-first", None)), StatusCode::CONFLICT));
    };
    let folder = status.state_directory.join("line");
    let asked = web::block(move || Staging::new(&settings, &terminal, &folder).request()).await;
    match asked {
        Ok(Ok(pem)) => {
            person.did(None, PersonAct::CertificateRequested);
            Ok(HttpResponse::Ok()
                .content_type("application/pkcs10")
                .insert_header((header::CONTENT_DISPOSITION, "attachment; filename=\"terminal.csr\""))
                .body(pem))
        }
        Ok(Err(error)) => {
            let said = (false, "certificates-not-written", Some(error.to_string()));
            Ok(page(&person, &status, Some(said), StatusCode::CONFLICT))
        }
        Err(_) => Ok(page(&person, &status, Some((false, "said-no-answer", None)), StatusCode::CONFLICT)),
    }
}

/// `file=/etc/madoguchi/line/centre-ca.pem&certificate=-----BEGIN CERTIFICATE-----…`
#[derive(Deserialize)]
struct Given {
    file: PathBuf,
    certificate: String,
}

/// Puts a certificate where the configuration names it and where there is none. Nothing else is ever written: neither over
/// a file, nor what stands around a certificate in the text.
async fn put(person: Person, given: Form<Given>) -> Result<HttpResponse, Refusal> {
    let status = status(&person)?;
    let Given { file, certificate } = given.into_inner();
    let refuse =
        |key, detail| page(&person, &status, Some((false, key, detail)), StatusCode::UNPROCESSABLE_ENTITY);
    let document = text(&status).parse::<Document>().ok();
    let papers = document.as_ref().map(papers).unwrap_or_default();
    let now = Timestamp::now();
    let Some(paper) = papers.iter().find(|paper| paper.path == file && !paper.is_key) else {
        return Ok(refuse("papers-not-named", None));
    };
    if !matches!(look_at(paper, now), Found::Missing) {
        return Ok(refuse("papers-is-there", None));
    }
    if certificate.len() > LARGEST {
        return Ok(refuse("certificates-too-large", None));
    }
    let done = if is_terminals(paper) {
        let Some((settings, terminal)) = document.as_ref().and_then(line) else {
            return Ok(refuse("papers-line-first", None));
        };
        let folder = status.state_directory.join("line");
        let first = Staging::new(&settings, &terminal, &folder).first(&certificate, now);
        first.map(|_| person.did(None, PersonAct::CertificateSwapped)).map_err(|error| error.to_string())
    } else {
        write(&paper.path, &certificate)
    };
    if let Err(why) = done {
        return Ok(refuse("papers-not-put", Some(why)));
    }
    let judged = judge_anew(&person, &status).await?;
    if !judged.status().is_redirection() {
        return Ok(judged);
    }
    let status = super::status(&person)?;
    Ok(page(&person, &status, Some((true, "papers-put-done", None)), StatusCode::OK))
}

/// Files that were missing when the change was prepared may be there now.
async fn judge_anew(person: &Person, status: &Status) -> Result<HttpResponse, Refusal> {
    stage(person, text(status).to_owned(), PAGE).await
}

/// The same after files were put on the box at its console.
async fn again(person: Person) -> Result<HttpResponse, Refusal> {
    let status = status(&person)?;
    judge_anew(&person, &status).await
}

/// Writes certificates to a new file.
fn write(path: &Path, pem: &str) -> Result<(), String> {
    let certificates = only_certificates(pem, path).map_err(|error| error.to_string())?;
    // Whoever pastes more than certificates has mistaken the file, and a key is none of the page's.
    if pem.contains("PRIVATE KEY") {
        return Err("holds a private key".into());
    }
    let written = || {
        // Every process reads certificates here, with an account of its own.
        path.parent().map_or(Ok(()), fs::create_dir_all)?;
        durable::replace(path, certificates.as_bytes(), 0o644)
    };
    written().map_err(|error: std::io::Error| format!("{}: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(text: &str) -> Vec<String> {
        let document: Document = text.parse().unwrap();
        papers(&document).iter().map(|paper| paper.path.display().to_string()).collect()
    }

    #[test]
    fn every_file_that_is_named_or_left_to_its_default_is_looked_for_once() {
        let link = "certificate = \"/a/box.pem\"\nkey = \"/a/box.key\"\nclient_ca = \"/a/ca.pem\"\n";
        let lanes: String = (1..=2)
            .map(|number| format!("[[lane]]\nnumber = {number}\n[lane.face_reader]\n{link}"))
            .collect();
        let uplink = "[uplink]\nca = [\"/l/one.pem\", \"/l/two.pem\"]\n";
        let files = ["/a/box.key", "/a/box.pem", "/a/ca.pem"];
        let line = [
            "/etc/madoguchi/line/terminal.key",
            "/etc/madoguchi/line/terminal.pem",
            "/l/one.pem",
            "/l/two.pem",
        ];
        assert_eq!(named(&format!("{uplink}{lanes}")), [&files[..], &line[..]].concat());
        // A key in a token is no file.
        let token = "token = { module = \"/m\", label = \"l\", pin_file = \"/p\" }\n";
        assert!(!named(&format!("{uplink}{token}")).contains(&line[0].to_owned()));
    }

    #[test]
    fn only_certificates_are_written_and_a_key_never() {
        let folder = tempfile::tempdir().unwrap();
        let now = Timestamp::now();
        let file = folder.path().join("new/ca.pem");
        let key = rcgen::KeyPair::generate().unwrap();
        let own =
            rcgen::CertificateParams::new(vec!["box.example".into()]).unwrap().self_signed(&key).unwrap();
        let (pem, key) = (own.pem(), key.serialize_pem());
        for wrong in ["", "nothing", &key, &format!("{pem}{key}"), &pem.replace('M', "A")] {
            assert!(write(&file, wrong).is_err(), "{wrong}");
        }
        assert!(!file.exists());
        write(&file, &format!("#!/bin/sh\nsubject=box\n{pem}\nreboot\n")).unwrap();
        assert_eq!(fs::read_to_string(&file).unwrap().trim(), pem.replace('\r', "").trim());
        let paper = Paper { path: file, named: Vec::new(), is_key: false };
        assert!(matches!(look_at(&paper, now), Found::There(Some(_))));
    }

    #[test]
    fn the_lines_settings_are_read_from_what_is_said_so_far() {
        let document: Document =
            "[site]\nterminal = \"box-1\"\n[uplink]\ncertificate = \"/a.pem\"\n".parse().unwrap();
        let (settings, terminal) = line(&document).unwrap();
        assert_eq!((settings.certificate, terminal.as_str()), ("/a.pem".into(), "box-1"));
        assert!(line(&"[uplink]\n".parse().unwrap()).is_none());
    }
}
