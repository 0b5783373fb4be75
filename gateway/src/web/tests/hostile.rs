//! Requests that no browser sends: paths out of the site, headers in values, bodies without end, clients without haste.

use super::{super::throttle::Origin, *};
use std::time::{Duration, Instant};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

/// How long a busy machine may take beyond a limit.
const SLACK: Duration = Duration::from_secs(20);

/// Sends bytes as they are; everything that comes back until the other end closes.
async fn raw(bench: &Bench, sent: &[u8]) -> String {
    let mut stream = TcpStream::connect(&bench.host).await.unwrap();
    stream.write_all(sent).await.unwrap();
    let mut heard = Vec::new();
    let _ = timeout(SLACK, stream.read_to_end(&mut heard)).await.expect("the page closes");
    String::from_utf8_lossy(&heard).into_owned()
}

/// The page still serves whoever behaves.
async fn still_serves(bench: &Bench) {
    assert_eq!(bench.get("/login").send().await.unwrap().status(), StatusCode::OK);
}

#[actix_web::test]
async fn no_path_leads_out_of_the_site() {
    let bench = Bench::open().await;
    let session = bench.session(&bench.person("管理者", Role::Administrator));
    for path in [
        "/../../etc/passwd",
        "/..%2f..%2fetc%2fpasswd",
        "/%2e%2e/%2e%2e/etc/passwd",
        "/style.css/../../Cargo.toml",
        "/style.css%00.html",
        "//etc/passwd",
        "/people/..%2f..%2f/role",
        "/\\..\\..\\etc\\passwd",
    ] {
        let request = format!(
            "GET {path} HTTP/1.1\r\nHost: {}\r\nCookie: {}\r\nConnection: close\r\n\r\n",
            bench.host, session.cookie
        );
        let heard = raw(&bench, request.as_bytes()).await;
        let status = heard.split(' ').nth(1).unwrap_or_default();
        assert!(["400", "404", "405"].contains(&status), "{path}: {heard}");
        assert!(!heard.contains("root:") && !heard.contains("[package]"), "{path}");
    }
    bench.close().await;
}

#[actix_web::test]
async fn nothing_that_is_sent_becomes_a_header_or_markup() {
    let bench = Bench::open().await;
    bench.person("花子", Role::Operator);
    for path in [
        "/login?next=%0d%0aSet-Cookie:%20session=planted",
        "/login?next=//elsewhere.example/",
        "/login?lang=en%0d%0aX-Planted:%201",
        "/x%0d%0aX-Planted:%201",
        "/login?next=%22%3E%3Cscript%3E",
        "/%3Cscript%3Ealert(1)%3C/script%3E",
    ] {
        let answer = bench.get(path).send().await.unwrap();
        assert!(!answer.headers().contains_key("x-planted"), "{path}");
        assert!(
            answer
                .headers()
                .get(header::SET_COOKIE)
                .is_none_or(|it| !it.to_str().unwrap().contains("planted"))
        );
        let text = answer.text().await.unwrap();
        assert!(!text.contains("<script>") && !text.contains("elsewhere.example"), "{path}");
    }
    let fields = [("name", "\"><script>alert(1)</script>"), ("password", "x"), ("code", "\r\n")];
    let text = bench.form("/login", &fields).send().await.unwrap().text().await.unwrap();
    assert!(!text.contains("<script>"), "{text}");
    bench.close().await;
}

#[actix_web::test]
async fn every_answer_forbids_what_a_page_need_not_do() {
    let bench = Bench::open().await;
    for path in ["/login", "/status", "/nowhere", "/style.css", "/api/v1/state", "/"] {
        let answer = bench.get(path).send().await.unwrap();
        let headers = answer.headers();
        let policy = headers[header::CONTENT_SECURITY_POLICY].to_str().unwrap();
        assert!(policy.starts_with("default-src 'none'"), "{path}: {policy}");
        assert!(!policy.contains("unsafe") && !policy.contains('*'), "{policy}");
        assert_eq!(headers[header::X_CONTENT_TYPE_OPTIONS], "nosniff", "{path}");
        assert_eq!(headers[header::X_FRAME_OPTIONS], "DENY", "{path}");
        assert!(headers.contains_key(header::REFERRER_POLICY), "{path}");
        assert!(
            !headers.contains_key("access-control-allow-origin") && !headers.contains_key("server"),
            "{path}"
        );
        let cached = headers[header::CACHE_CONTROL].to_str().unwrap();
        assert_eq!(cached == "no-store", path != "/style.css", "{path}: {cached}");
        let text = answer.text().await.unwrap();
        for inline in ["<style", " style=", "javascript:", " onclick=", " onload="] {
            assert!(!text.contains(inline), "{path} has {inline}");
        }
    }
    bench.close().await;
}

#[actix_web::test]
async fn heads_and_bodies_without_end_are_refused() {
    let bench = Bench::open().await;
    let huge = "x".repeat(2 * 1024 * 1024);
    let answer =
        bench.form("/login", &[("name", huge.as_str()), ("password", "x"), ("code", "1")]).send().await;
    // Refused before all of it was sent: the client sees either the answer or the closed connection.
    assert!(answer.map_or(true, |it| it.status() == StatusCode::PAYLOAD_TOO_LARGE));
    let session = bench.session(&bench.person("花子", Role::Operator));
    let answer = bench.form("/account/end-others", &[("csrf", huge.as_str())]).by(&session).send().await;
    assert!(answer.map_or(true, |it| it.status() == StatusCode::PAYLOAD_TOO_LARGE));
    // A form of a few fields takes less than a whole configuration does, with a session or without.
    let large = "x".repeat(100 * 1024);
    let administrator = bench.session(&bench.person("管理者", Role::Administrator));
    for (path, field, most) in [
        ("/login", "name", false),
        ("/configuration/section", "x", false),
        ("/configuration/text", "text", true),
    ] {
        let fields =
            [(field, large.as_str()), ("csrf", &administrator.csrf), ("password", "x"), ("code", "1")];
        let answer = bench.form(path, &fields).by(&administrator).send().await;
        let too_large = answer.map_or(true, |it| it.status() == StatusCode::PAYLOAD_TOO_LARGE);
        assert_eq!(too_large, !most, "{path}");
    }
    let answer =
        bench.form("/login", &[("name", large.as_str()), ("password", "x"), ("code", "1")]).send().await;
    assert!(answer.map_or(true, |it| it.status() == StatusCode::PAYLOAD_TOO_LARGE));
    for head in [
        format!("GET /{huge} HTTP/1.1\r\nHost: {}\r\n\r\n", bench.host),
        format!("GET / HTTP/1.1\r\nHost: {}\r\nX-Huge: {huge}\r\n\r\n", bench.host),
        format!("GET / HTTP/1.1\r\nHost: {}\r\n{}\r\n", bench.host, "X: y\r\n".repeat(5000)),
    ] {
        let mut stream = TcpStream::connect(&bench.host).await.unwrap();
        let _ = stream.write_all(head.as_bytes()).await;
        let mut heard = Vec::new();
        let _ = timeout(SLACK, stream.read_to_end(&mut heard)).await.expect("the page closes");
        let heard = String::from_utf8_lossy(&heard);
        assert!(heard.is_empty() || heard.contains(" 400 ") || heard.contains(" 431 "), "{heard}");
    }
    still_serves(&bench).await;
    bench.close().await;
}

#[actix_web::test]
async fn slow_clients_are_let_go_and_keep_nobody_waiting() {
    let bench = Bench::open().await;
    let mut slow = Vec::new();
    for _ in 0..100 {
        let mut stream = TcpStream::connect(&bench.host).await.unwrap();
        stream.write_all(b"GET /login HTTP/1.1\r\nHost: 127.0.0.1\r\nX-").await.unwrap();
        slow.push(stream);
    }
    let began = Instant::now();
    still_serves(&bench).await;
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
    for mut stream in slow {
        let mut heard = Vec::new();
        let ended =
            timeout(super::super::listener::HEAD_WITHIN + SLACK, stream.read_to_end(&mut heard)).await;
        assert!(ended.is_ok(), "a head that never ends is waited for");
    }
    still_serves(&bench).await;
    bench.close().await;
}

#[actix_web::test]
async fn a_flood_from_one_address_is_cut() {
    let bench = Bench::open().await;
    let began = Instant::now();
    let mut cut = false;
    while !cut && began.elapsed() < SLACK {
        // What may come at once is used up already.
        let from = Origin::of(Some("127.0.0.1".parse().unwrap()));
        while bench.site.rate.allows(from, Instant::now()) {}
        let mut burst = tokio::task::JoinSet::new();
        for _ in 0..50 {
            burst.spawn(bench.get("/style.css").send());
        }
        for answer in burst.join_all().await {
            let answer = answer.unwrap();
            cut |= answer.status() == StatusCode::TOO_MANY_REQUESTS
                && answer.headers().contains_key("retry-after");
        }
    }
    assert!(cut, "nothing was refused");
    // Another address is served all the while.
    let elsewhere =
        Client::builder().no_proxy().local_address(Some("127.0.0.2".parse().unwrap())).build().unwrap();
    assert_eq!(elsewhere.get(bench.url("/login")).send().await.unwrap().status(), StatusCode::OK);
    bench.close().await;
}
