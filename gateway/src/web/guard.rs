//! Before any handler: what comes too often, under a strange name or too slowly is refused, and a request that changes
//! something must come from this page itself (CSRF).
//!
//! For the latter two independent checks: the browser says where the request comes from (`Sec-Fetch-Site`, `Origin`),
//! and whoever is logged in must send the secret that only this session's forms carry. Below `/api/` cookies count for
//! nothing, so there is nothing to check.

use super::{
    access::{CSRF, Caller},
    listener::MAX_BODY,
    refusal::Refusal,
    site::Site,
    visitor::{Visitor, origin},
};
use actix_web::{
    Error, HttpRequest, ResponseError,
    body::{BoxBody, MessageBody},
    dev::{Payload, ServiceRequest, ServiceResponse},
    http::{StatusCode, header},
    middleware::Next,
    web::{self, Bytes, Data},
};
use std::{
    net::IpAddr,
    time::{Duration, Instant},
};

/// The largest body of a form: a lane's settings, whose every character is escaped, take a third of it.
const MAX_FORM: usize = 64 * 1024;
/// Where more is taken, up to the limit that is configured for bodies: a whole configuration, an export.
const LARGE_FORMS: [&str; 2] = ["/configuration/text", "/configuration/import"];

/// How long reading and answering one request may take. What an answer streams afterwards takes as long as it likes.
const ANSWERED_WITHIN: Duration = Duration::from_secs(30);

/// Looks at a request and passes it on, or refuses it.
pub(super) async fn guard(
    mut request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let Some(site) = request.app_data::<Data<Site>>().cloned() else {
        return Err(actix_web::error::ErrorInternalServerError("the site is not wired"));
    };
    let visitor = Visitor::of(request.request(), site.clone());
    let checked = match admit(&request, &site, &visitor) {
        Ok(()) if !request.method().is_safe() && !is_api(request.path()) => {
            // A slow body must not hold this up for longer than any other.
            let checked =
                tokio::time::timeout(ANSWERED_WITHIN, own_form(&mut request, &site, &visitor)).await;
            checked.unwrap_or_else(|_| Err(too_slow(&visitor)))
        }
        admitted => admitted,
    };
    if let Err(refusal) = checked {
        tracing::debug!(%refusal, path = request.path(), "not passed on");
        return Ok(request.into_response(refusal.error_response()));
    }
    match tokio::time::timeout(ANSWERED_WITHIN, next.call(request)).await {
        Ok(answer) => Ok(answer?.map_into_boxed_body()),
        Err(_) => Err(too_slow(&visitor).into()),
    }
}

fn is_api(path: &str) -> bool {
    path.starts_with("/api/")
}

fn too_slow(visitor: &Visitor) -> Refusal {
    Refusal::of(visitor, StatusCode::REQUEST_TIMEOUT, "refused-too-slow")
}

/// Rate and name.
fn admit(request: &ServiceRequest, site: &Data<Site>, visitor: &Visitor) -> Result<(), Refusal> {
    // A program with a token is known and may ask as often as it is built to.
    let known = is_api(request.path()) && Caller::of(request.request(), site).is_some();
    if !known && !site.rate.allows(origin(request.request()), Instant::now()) {
        return Err(Refusal::too_many(visitor, Duration::from_secs(1)));
    }
    let host = request.headers().get(header::HOST).and_then(|it| it.to_str().ok()).unwrap_or_default();
    if is_ours(host, |name| site.is_called(name)) {
        Ok(())
    } else {
        Err(Refusal::of(visitor, StatusCode::MISDIRECTED_REQUEST, "refused-strange-name"))
    }
}

/// Whether a browser may know this box by that name: any address, and the names of the configuration. A page elsewhere
/// can have a name of its own point to this box (DNS rebinding), but it can't give it one of these.
fn is_ours(host: &str, is_called: impl Fn(&str) -> bool) -> bool {
    named(host).is_none_or(|name| name.eq_ignore_ascii_case("localhost") || is_called(name))
}

/// The name, without its port, by which a browser knows this box; nothing where it knows it by its address only.
pub(super) fn named(host: &str) -> Option<&str> {
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|digit| digit.is_ascii_digit()) => name,
        _ => host,
    };
    let is_address = name.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>().is_ok();
    (!is_address).then_some(name)
}

async fn own_form(request: &mut ServiceRequest, site: &Site, visitor: &Visitor) -> Result<(), Refusal> {
    let stranger = || Refusal::page(visitor, StatusCode::FORBIDDEN, "refused-stranger");
    if !comes_from_here(request.request()) {
        return Err(stranger());
    }
    let most = if LARGE_FORMS.contains(&request.path()) { MAX_BODY } else { MAX_FORM };
    let unread = |status| Refusal::page(visitor, status, "refused-too-large");
    let sent = request.extract::<web::Payload>().await.map_err(|_| unread(StatusCode::BAD_REQUEST))?;
    let body = match sent.to_bytes_limited(most).await {
        Ok(Ok(body)) => body,
        Ok(Err(error)) => return Err(unread(error.as_response_error().status_code())),
        Err(_) => return Err(unread(StatusCode::PAYLOAD_TOO_LARGE)),
    };
    request.set_payload(again(body.clone()));
    let cookie = request.cookie(site.session_cookie());
    let session = cookie.and_then(|it| site.sessions.find(it.value(), true, Instant::now()));
    let Some((_, session)) = session else { return Ok(()) };
    let is_form = request.headers().get(header::CONTENT_TYPE).is_some_and(|it| {
        let it = it.as_bytes();
        it.starts_with(b"application/x-www-form-urlencoded") || it.starts_with(b"multipart/form-data")
    });
    if !is_form {
        return Err(stranger());
    }
    if carries(&body, session.csrf.reveal()) { Ok(()) } else { Err(stranger()) }
}

/// Whether the browser says that the request comes from a page of this site. One that says nothing is refused.
fn comes_from_here(request: &HttpRequest) -> bool {
    let says = |name: header::HeaderName| request.headers().get(name).and_then(|it| it.to_str().ok());
    if let Some(from) = says(header::HeaderName::from_static("sec-fetch-site"))
        && from != "same-origin"
        && from != "none"
    {
        return false;
    }
    let host = says(header::HOST).unwrap_or_default();
    let without_scheme = |origin: &str| origin.split_once("://").map(|(_, rest)| rest.to_owned());
    says(header::ORIGIN).and_then(without_scheme).is_some_and(|origin| !host.is_empty() && origin == host)
}

/// Whether a form carries the session's secret: as the field `csrf`, in either encoding of forms. The secret is 64
/// hexadecimal digits, so no encoding changes it, and nobody who lacks it can write it.
fn carries(body: &[u8], secret: &str) -> bool {
    let urlencoded = format!("{CSRF}={secret}");
    let multipart = format!("name=\"{CSRF}\"\r\n\r\n{secret}\r\n");
    body.split(|byte| *byte == b'&').any(|field| field == urlencoded.as_bytes())
        || body.windows(multipart.len()).any(|part| part == multipart.as_bytes())
}

/// A body that was read, to be read again.
fn again(body: Bytes) -> Payload {
    let (_, mut payload) = actix_http::h1::Payload::create(true);
    payload.unread_data(body);
    Payload::from(payload)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_whole_secret_in_its_own_field_counts() {
        let secret = "ab12";
        assert!(carries(b"csrf=ab12", secret));
        assert!(carries(b"name=x&csrf=ab12&y=1", secret));
        assert!(carries(
            b"--b\r\nContent-Disposition: form-data; name=\"csrf\"\r\n\r\nab12\r\n--b--",
            secret
        ));
        for wrong in ["", "csrf=", "csrf=ab1", "csrf=ab123", "xcsrf=ab12", "note=csrf%3Dab12", "csrf=AB12"] {
            assert!(!carries(wrong.as_bytes(), secret), "{wrong}");
        }
    }

    #[test]
    fn a_name_that_somebody_else_points_to_the_box_is_not_ours() {
        let is_called = |name: &str| name.eq_ignore_ascii_case("madoguchi.hospital.example");
        for ours in [
            "127.0.0.1:8480",
            "192.168.10.1",
            "[::1]:8480",
            "localhost:8480",
            "Madoguchi.hospital.example:443",
            "madoguchi.hospital.example",
        ] {
            assert!(is_ours(ours, is_called), "{ours}");
        }
        for strange in
            ["", "rebound.example:8480", "madoguchi.hospital.example.evil", "127.0.0.1.evil", "a:b"]
        {
            assert!(!is_ours(strange, is_called), "{strange}");
        }
    }
}
