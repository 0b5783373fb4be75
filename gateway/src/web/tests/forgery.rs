//! Requests that another site has a browser send.

use super::*;

/// A form that changes something, sent by somebody who is logged in.
fn change(bench: &Bench, fields: &[(&str, &str)]) -> RequestBuilder {
    bench.client.post(bench.url("/account/end-others")).form(fields)
}

#[actix_web::test]
async fn a_form_without_the_sessions_secret_changes_nothing() {
    let bench = Bench::open().await;
    let hanako = bench.person("花子", Role::Operator);
    let (mine, other) = (bench.session(&hanako), bench.session(&hanako));
    let guessed = "0".repeat(64);
    for csrf in ["", guessed.as_str(), other.csrf.as_str()] {
        let answer =
            change(&bench, &[("csrf", csrf)]).header("origin", bench.url("")).by(&mine).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::FORBIDDEN, "{csrf}");
    }
    assert_eq!(bench.get("/").by(&other).send().await.unwrap().status(), StatusCode::OK, "nothing was ended");
    let own = change(&bench, &[("csrf", &mine.csrf)]).header("origin", bench.url("")).by(&mine);
    assert_eq!(own.send().await.unwrap().status(), StatusCode::OK);
    assert!(asks_to_log_in(&bench.get("/").by(&other).send().await.unwrap()));
    bench.close().await;
}

#[actix_web::test]
async fn a_form_of_another_site_changes_nothing_even_with_the_secret() {
    let bench = Bench::open().await;
    let session = bench.session(&bench.person("花子", Role::Operator));
    let own = bench.url("");
    let sent = |origin: Option<&str>, site: Option<&str>| {
        let mut request = change(&bench, &[("csrf", &session.csrf)]).by(&session);
        if let Some(origin) = origin {
            request = request.header("origin", origin);
        }
        if let Some(site) = site {
            request = request.header("sec-fetch-site", site);
        }
        request.send()
    };
    for (origin, site) in [
        (None, None),
        (Some("null"), None),
        (Some("http://elsewhere.example"), None),
        (Some("http://127.0.0.1:1"), None),
        (Some("http://elsewhere.example"), Some("cross-site")),
        (Some(own.as_str()), Some("cross-site")),
        (Some(own.as_str()), Some("same-site")),
        (None, Some("same-origin")),
    ] {
        let answer = sent(origin, site).await.unwrap();
        assert_eq!(answer.status(), StatusCode::FORBIDDEN, "{origin:?} {site:?}");
    }
    assert_eq!(sent(Some(&own), Some("same-origin")).await.unwrap().status(), StatusCode::OK);
    bench.close().await;
}

#[actix_web::test]
async fn nobody_is_logged_in_by_another_site() {
    let bench = Bench::open().await;
    let hanako = bench.person("花子", Role::Operator);
    let fields = [("name", "花子"), ("password", PASSWORD), ("code", &hanako.code())];
    let forged =
        bench.client.post(bench.url("/login")).header("origin", "http://elsewhere.example").form(&fields);
    let answer = forged.send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::FORBIDDEN);
    assert!(cookie(&answer).is_none());
    bench.close().await;
}

#[actix_web::test]
async fn a_program_can_t_ride_on_a_cookie_nor_a_page_on_a_token() {
    let bench = Bench::open().await;
    let session = bench.session(&bench.person("管理者", Role::Administrator));
    let answer = bench.get("/api/v1/state").by(&session).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::UNAUTHORIZED);
    let token = crate::people::Secret::random().unwrap();
    let scopes = crate::people::Right::FOR_PROGRAMS.into();
    let made = bench.site.people.change(|it| it.add_token("x", scopes, token.digest(), Timestamp::now()));
    made.unwrap().unwrap();
    let page = bench.get("/people").bearer_auth(token.reveal()).send().await.unwrap();
    assert!(asks_to_log_in(&page));
    assert_eq!(
        bench.get("/api/v1/state").bearer_auth(token.reveal()).send().await.unwrap().status(),
        StatusCode::OK
    );
    bench.close().await;
}

#[actix_web::test]
async fn a_name_of_somebody_elses_that_points_to_the_box_is_answered_nothing() {
    let bench = Bench::with(|config| config.web.names = vec!["box.example".into()]).await;
    for (host, status) in [
        ("rebound.example", StatusCode::MISDIRECTED_REQUEST),
        ("box.example", StatusCode::OK),
        ("localhost", StatusCode::OK),
    ] {
        let answer = bench.get("/login").header("host", host).send().await.unwrap();
        assert_eq!(answer.status(), status, "{host}");
    }
    bench.close().await;
}
