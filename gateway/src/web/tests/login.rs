//! Logging in: who gets in, what is told to who does not, and what a session is worth.

use super::{super::throttle::Origin, *};
use std::time::{Duration, Instant};

#[actix_web::test]
async fn only_name_password_and_code_together_let_somebody_in() {
    let bench = Bench::open().await;
    let hanako = bench.person("花子", Role::Operator);
    let (code, wrong) = (hanako.code(), hanako.wrong_code());
    for (name, password, code) in [
        ("花子", PASSWORD, wrong),
        ("花子", "another long walk", code.as_str()),
        ("太郎", PASSWORD, code.as_str()),
    ] {
        let answer = bench.log_in(name, password, code).await;
        assert_eq!(answer.status(), StatusCode::UNAUTHORIZED, "{name}");
        assert!(cookie(&answer).is_none());
    }
    let answer = bench.log_in("花子", PASSWORD, &code).await;
    assert_eq!(answer.status(), StatusCode::SEE_OTHER);
    assert_eq!(answer.headers()[header::LOCATION], "/");
    let (cookie, _) = cookie(&answer).unwrap();
    let page = bench.get("/").header(header::COOKIE, &cookie).send().await.unwrap();
    assert_eq!(page.status(), StatusCode::OK);
    assert!(page.text().await.unwrap().contains("花子"));
    // A code that was looked over somebody's shoulder is worth nothing.
    let again = bench.log_in("花子", PASSWORD, &code).await;
    assert_eq!(again.status(), StatusCode::UNAUTHORIZED);
    bench.close().await;
}

#[actix_web::test]
async fn a_session_has_a_new_id_at_each_log_in_and_one_that_was_planted_is_never_taken() {
    let bench = Bench::open().await;
    let hanako = bench.person("花子", Role::Operator);
    let before = bench.session(&hanako);
    let planted = format!("session={}", "a".repeat(64));
    for sent in [&planted, &before.cookie] {
        let page = bench.get("/login").header(header::COOKIE, sent).send().await.unwrap();
        assert!(cookie(&page).is_none(), "whoever only looks is given nothing");
    }
    let fields = [("name", "花子"), ("password", PASSWORD), ("code", &hanako.code()), ("csrf", &before.csrf)];
    let answer = bench.form("/login", &fields).by(&before).send().await.unwrap();
    let (new, _) = cookie(&answer).unwrap();
    assert!(new != before.cookie && new != planted);
    for dead in [&before.cookie, &planted] {
        let page = bench.get("/").header(header::COOKIE, dead).send().await.unwrap();
        assert!(asks_to_log_in(&page), "{dead}");
    }
    bench.close().await;
}

#[actix_web::test]
async fn logging_out_ends_the_session_at_the_box_not_only_in_the_browser() {
    let bench = Bench::open().await;
    let session = bench.session(&bench.person("花子", Role::Viewer));
    let answer = bench.form("/logout", &[("csrf", &session.csrf)]).by(&session).send().await.unwrap();
    let (gone, attributes) = cookie(&answer).unwrap();
    assert_eq!(gone, "session=");
    assert!(attributes.contains("Max-Age=0"), "{attributes}");
    assert!(asks_to_log_in(&bench.get("/").by(&session).send().await.unwrap()));
    bench.close().await;
}

#[actix_web::test]
async fn cookies_are_for_this_site_over_tls_only_and_no_script_reads_them() {
    for (secure, name) in [(false, "session="), (true, "__Host-session=")] {
        // Off the box there is no other way than TLS; here loopback stands for the counter network.
        let bench = if secure {
            Bench::with(|config| {
                let folder = config.site.state_directory.clone();
                let (certificate, key) = own_certificate(&folder, "localhost");
                (config.web.tls_certificate, config.web.tls_key) = (Some(certificate), Some(key));
            })
            .await
        } else {
            Bench::open().await
        };
        let hanako = bench.person("花子", Role::Operator);
        let answer = bench.log_in("花子", PASSWORD, &hanako.code()).await;
        let (cookie, attributes) = cookie(&answer).unwrap();
        assert!(cookie.starts_with(name), "{cookie}");
        assert!(cookie.len() >= name.len() + 64, "256 random bits");
        for wanted in ["HttpOnly", "SameSite=Strict", "Path=/"] {
            assert!(attributes.contains(wanted), "{attributes}");
        }
        assert_eq!(attributes.contains("Secure"), secure, "{attributes}");
        assert!(!attributes.contains("Domain"), "{attributes}");
        assert_eq!(answer.headers().contains_key(header::STRICT_TRANSPORT_SECURITY), secure);
        bench.close().await;
    }
}

#[actix_web::test]
async fn whoever_is_disabled_or_reset_is_out_at_once() {
    let bench = Bench::open().await;
    bench.person("管理者", Role::Administrator);
    for change in ["disable", "recover"] {
        let somebody = bench.person(change, Role::Operator);
        let session = bench.session(&somebody);
        assert_eq!(bench.get("/").by(&session).send().await.unwrap().status(), StatusCode::OK);
        let code = Code::random().unwrap();
        let done = bench.site.people.change(|it| match change {
            "disable" => it.set_disabled(somebody.id, true),
            _ => it.recover(somebody.id, &code, Timestamp::now()),
        });
        done.unwrap().unwrap();
        assert!(asks_to_log_in(&bench.get("/").by(&session).send().await.unwrap()), "{change}");
    }
    bench.close().await;
}

#[actix_web::test]
async fn who_exists_is_told_neither_by_words_nor_by_time() {
    let bench = Bench::open().await;
    let hanako = bench.person("花子", Role::Operator);
    let wrong = hanako.wrong_code();
    let mut said = Vec::new();
    let mut took = [Vec::new(), Vec::new()];
    for round in 0..8 {
        for (kind, name) in [(0, "花子"), (1, "太郎")] {
            // Each failure costs, so what has failed is forgotten between the rounds.
            bench.site.throttle.forget();
            let began = Instant::now();
            let answer = bench.log_in(name, "wrong, but long enough", wrong).await;
            assert_eq!(answer.status(), StatusCode::UNAUTHORIZED, "round {round}");
            let text = answer.text().await.unwrap();
            took[kind].push(began.elapsed());
            said.push(text.replace(name, "…"));
        }
    }
    assert!(said.windows(2).all(|pair| pair[0] == pair[1]), "the answers differ");
    let [known, unknown] = took.map(|mut times| {
        times.sort();
        times[times.len() / 2]
    });
    // Half a digest more or less would show; noise of a busy machine does not count.
    let (less, more) = (known.min(unknown), known.max(unknown));
    assert!(more < less * 2 + Duration::from_millis(20), "known {known:?}, unknown {unknown:?}");
    bench.close().await;
}

#[actix_web::test]
async fn guessing_waits_longer_and_longer_and_its_victim_gets_in_from_elsewhere() {
    let bench = Bench::open().await;
    let hanako = bench.person("花子", Role::Operator);
    let wrong = hanako.wrong_code();
    let mut refused = None;
    for _ in 0..12 {
        let answer = bench.log_in("花子", PASSWORD, wrong).await;
        if answer.status() == StatusCode::TOO_MANY_REQUESTS {
            refused = Some(answer);
            break;
        }
    }
    let refused = refused.expect("guesses are cut short");
    let wait: u64 = refused.headers()[header::RETRY_AFTER].to_str().unwrap().parse().unwrap();
    assert!(wait >= 1);
    // A few more, so that the wait outlasts a slow machine.
    let (here, mut at) = (Origin::of(Some("127.0.0.1".parse().unwrap())), Instant::now());
    for _ in 0..12 {
        if let Err(after) = bench.site.throttle.begin("花子", here, at) {
            at += after;
        }
    }
    // The right words don't help there before the wait is over, but they do at another address of the machine.
    assert_eq!(bench.log_in("花子", PASSWORD, &hanako.code()).await.status(), StatusCode::TOO_MANY_REQUESTS);
    let elsewhere = Client::builder()
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .local_address(Some("127.0.0.2".parse().unwrap()))
        .build()
        .unwrap();
    let fields = [("name", "花子"), ("password", PASSWORD), ("code", &hanako.code())];
    let answer = elsewhere
        .post(bench.url("/login"))
        .header("origin", bench.url(""))
        .form(&fields)
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), StatusCode::SEE_OTHER);
    assert_eq!(answer.headers()[header::LOCATION], "/");
    bench.close().await;
}
