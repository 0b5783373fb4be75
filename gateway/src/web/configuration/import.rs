//! A sealed export, taken in on the page: certificates, keys and lists are put where they are missing, and the configuration
//! is prepared as a change. The export's people are not taken in: whoever restores a box administers it already.

use super::{back, mistakes, status};
use crate::{
    config::{Config, parcel::Contents, parcel::ParcelError, restore::put_back, store::Origin},
    keeper::Request,
    web::{
        access::{Person, Refusal, Right},
        frame::Page,
    },
};
use actix_multipart::Multipart;
use actix_web::{
    HttpResponse,
    http::StatusCode,
    web::{self, ServiceConfig},
};
use futures_util::TryStreamExt;
use maud::{Markup, html};
use zeroize::Zeroizing;

/// The longest passphrase, in bytes.
const MOST_PASSPHRASE: usize = 4096;
/// The largest export that is taken here, in bytes; the console takes larger ones.
const MOST_PARCEL: usize = 1000 * 1024;

pub(super) fn routes(config: &mut ServiceConfig) {
    config
        .route("/configuration/import", web::get().to(ask))
        .route("/configuration/import", web::post().to(take));
}

async fn ask(person: Person) -> Result<HttpResponse, Refusal> {
    person.may(Right::Configure)?;
    Ok(form(&person, StatusCode::OK, &html! {}))
}

fn form(person: &Person, status: StatusCode, said: &Markup) -> HttpResponse {
    person.page(&Page::titled("import-title").with_status(status), |view| {
        let say = |key: &str| view.say(key, &[]);
        html! {
            (said)
            p { (say("import-lead")) }
            form.sheet method="post" action="/configuration/import" enctype="multipart/form-data" {
                (person.csrf_field())
                div.field {
                    label for="parcel" { (say("import-file")) }
                    input id="parcel" name="parcel" type="file" required;
                }
                div.field {
                    label for="passphrase" { (say("import-passphrase")) }
                    input id="passphrase" name="passphrase" type="password" required autocomplete="off" maxlength="200";
                }
                button { (say("import-button")) }
            }
            (back(view))
        }
    })
}

/// What was sent: each field whole, none larger than it may be.
struct Sent {
    parcel: Vec<u8>,
    passphrase: Zeroizing<String>,
}

async fn read(mut form: Multipart) -> Option<Sent> {
    let mut sent = Sent { parcel: Vec::new(), passphrase: Zeroizing::default() };
    while let Some(mut field) = form.try_next().await.ok()? {
        let name = field.name().unwrap_or_default().to_owned();
        let most = if name == "parcel" { MOST_PARCEL } else { MOST_PASSPHRASE };
        let mut bytes = Zeroizing::new(Vec::new());
        while let Some(part) = field.try_next().await.ok()? {
            if bytes.len() + part.len() > most {
                return None;
            }
            bytes.extend_from_slice(&part);
        }
        match name.as_str() {
            "parcel" => sent.parcel = std::mem::take(&mut *bytes),
            "passphrase" => *sent.passphrase = String::from_utf8(std::mem::take(&mut *bytes)).ok()?,
            _ => {}
        }
    }
    Some(sent)
}

async fn take(person: Person, form: Multipart) -> Result<HttpResponse, Refusal> {
    let status = status(&person)?;
    let Some(sent) = read(form).await else { return Ok(refused(&person, "import-unreadable", None)) };
    let site = person.visitor().data();
    let broken = |error: &dyn std::fmt::Display| Refusal::broken(person.visitor(), error);
    // Making a key of a passphrase takes memory and a second: one after the other.
    let _turn = site.one_at_a_time.clone().acquire_owned().await.map_err(|error| broken(&error))?;
    let file = status.file.clone();
    let opened = web::block(move || {
        let contents = Contents::open(&sent.parcel, &sent.passphrase)?;
        let config = Config::parse(&file, &contents.configuration)
            .map_err(|it| it.mistake_in(&contents.configuration));
        let left = config.map(|config| put_back(&contents, &config, false).map_err(|it| it.to_string()));
        Ok::<_, ParcelError>((contents, left))
    });
    let (contents, left) = match opened.await.map_err(|error| broken(&error))? {
        Ok(opened) => opened,
        Err(ParcelError::Sealed) => return Ok(refused(&person, "import-sealed", None)),
        Err(error) => return Ok(refused(&person, "import-unreadable", Some(error.to_string()))),
    };
    let left = match left {
        Ok(Ok(left)) => left,
        Ok(Err(reason)) => return Ok(refused(&person, "import-no-files", Some(reason))),
        Err(mistake) => {
            let said = person.visitor().view(|view| mistakes(view, &[mistake]));
            return Ok(self::form(&person, StatusCode::UNPROCESSABLE_ENTITY, &said));
        }
    };
    let request = Request::Stage { text: contents.configuration.clone(), origin: Origin::Import };
    let answer = super::ask(&person, request, "/configuration/change").await?;
    if left.is_empty() || !answer.status().is_redirection() {
        return Ok(answer);
    }
    Ok(person.page(&Page::titled("import-title"), |view| {
        html! {
            p.notice.warn { (view.say("import-left", &[])) }
            ul { @for path in &left { li { code { (path.display()) } } } }
            p { a.button href="/configuration/change" { (view.say("configuration-see-change", &[])) } }
        }
    }))
}

fn refused(person: &Person, key: &str, reason: Option<String>) -> HttpResponse {
    let said = person.visitor().view(|view| {
        html! {
            p.notice.bad role="alert" { (view.say(key, &[])) }
            @if let Some(reason) = &reason { p lang="en" { (reason) } }
        }
    });
    form(person, StatusCode::UNPROCESSABLE_ENTITY, &said)
}
