//! Security keys: added after a proof, used after the password, and refused in every way in which an answer can be wrong.

use super::{authenticator::Authenticator, *};
use madoguchi::security_key::LARGEST_ANSWER;

/// A page that is looked at by the name that every machine has for itself.
async fn bench() -> Bench {
    let mut bench = Bench::open().await;
    bench.host = bench.host.replace("127.0.0.1", "localhost");
    bench
}

impl Bench {
    async fn sent(&self, session: &Session, path: &str, fields: &[(&str, &str)]) -> (StatusCode, String) {
        let mut all = vec![("csrf", session.csrf.as_str())];
        all.extend(fields);
        let answer = self.form(path, &all).by(session).send().await.unwrap();
        (answer.status(), answer.text().await.unwrap())
    }

    /// Whoever is set up has one code for each step of time; the next one is as good as new.
    fn unused_code(&self, of: &Somebody) -> String {
        let forgotten = self.site.people.change(|it| {
            let mut credentials = it.person(of.id).unwrap().credentials.clone().unwrap();
            credentials.last_step = 0;
            it.people.iter_mut().find(|it| it.id == of.id).unwrap().credentials = Some(credentials);
            Ok::<_, std::convert::Infallible>(())
        });
        forgotten.unwrap().unwrap();
        of.code()
    }

    /// What the browser is told when they begin to add a key.
    async fn begins_to_add(&self, of: &Somebody, session: &Session, name: &str) -> Option<String> {
        let code = self.unused_code(of);
        let fields = [("name", name), ("current", PASSWORD), ("code", code.as_str())];
        let (status, _) = self.sent(session, "/account/keys", &fields).await;
        if status != StatusCode::SEE_OTHER {
            return None;
        }
        told(self.get("/account/keys").by(session).send().await.unwrap()).await
    }

    async fn adds(&self, of: &Somebody, name: &str) -> Authenticator {
        let (session, key) = (self.session(of), Authenticator::new(&self.url("")));
        let asked = self.begins_to_add(of, &session, name).await.unwrap();
        let answer = key.adds(&asked);
        let (status, _) = self.sent(&session, "/account/keys/answer", &[("answer", &answer)]).await;
        assert_eq!(status, StatusCode::OK);
        key
    }

    fn keys(&self, of: &Somebody) -> Vec<String> {
        let register = self.site.people.read().unwrap();
        let keys = &register.person(of.id).unwrap().credentials.as_ref().unwrap().keys;
        keys.iter().map(|key| key.name.clone()).collect()
    }

    /// Name and password: the cookie, and what the browser is told.
    async fn asked(&self, name: &str) -> Option<(String, String)> {
        self.site.throttle.forget();
        let answer = self.form("/login/key", &[("name", name), ("password", PASSWORD)]).send().await.unwrap();
        let (bound, attributes) = cookie(&answer)?;
        assert!(attributes.contains("HttpOnly") && attributes.contains("SameSite=Strict"), "{attributes}");
        let page = self.get("/login/key").header(header::COOKIE, &bound).send().await.unwrap();
        Some((bound, told(page).await?))
    }

    async fn answers(&self, bound: &str, answer: &str) -> Response {
        let form = self.form("/login/key/answer", &[("answer", answer)]);
        form.header(header::COOKIE, bound).send().await.unwrap()
    }

    /// Whether the key as `adapt` makes it lets them in.
    async fn opens(&self, name: &str, key: &mut Authenticator, adapt: impl Fn(String) -> String) -> bool {
        let (bound, asked) = self.asked(name).await.unwrap();
        let answer = adapt(key.opens(&asked));
        let answer = self.answers(&bound, &answer).await;
        assert!([StatusCode::SEE_OTHER, StatusCode::UNAUTHORIZED].contains(&answer.status()));
        answer.status() == StatusCode::SEE_OTHER && answer.headers()[header::LOCATION] == "/"
    }
}

/// What a page tells the browser.
async fn told(page: Response) -> Option<String> {
    let text = page.text().await.unwrap();
    let told = text.split("data-told=\"").nth(1)?.split('"').next()?;
    Some(told.replace("&quot;", "\"").replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&"))
}

#[actix_web::test]
async fn a_key_is_added_after_password_and_code_and_lets_in_after_the_password_alone() {
    let bench = bench().await;
    let hanako = bench.person("花子", Role::Operator);
    let mut key = bench.adds(&hanako, "予備のキー").await;
    assert_eq!(bench.keys(&hanako), ["予備のキー"]);
    let (bound, asked) = bench.asked("花子").await.unwrap();
    let answer = bench.answers(&bound, &key.opens(&asked)).await;
    assert_eq!(answer.status(), StatusCode::SEE_OTHER);
    let session = answer.headers().get_all(header::SET_COOKIE).iter();
    let session: Vec<_> = session.filter_map(|it| it.to_str().ok()?.split(';').next()).collect();
    let session = session.iter().find(|it| it.starts_with("session=")).unwrap().to_string();
    let page = bench.get("/").header(header::COOKIE, session).send().await.unwrap();
    assert!(page.text().await.unwrap().contains("花子"));
    // The authenticator stays as good as before.
    let code = bench.unused_code(&hanako);
    assert_eq!(bench.log_in("花子", PASSWORD, &code).await.status(), StatusCode::SEE_OTHER);
    bench.close().await;
}

#[actix_web::test]
async fn nobody_adds_or_removes_a_key_at_a_screen_left_alone() {
    let bench = bench().await;
    let hanako = bench.person("花子", Role::Viewer);
    bench.adds(&hanako, "first").await;
    let session = bench.session(&hanako);
    let id = bench.site.people.read().unwrap().person(hanako.id).unwrap().credentials.clone().unwrap();
    let id = id.keys[0].id();
    let code = bench.unused_code(&hanako);
    for (password, code) in [("another long walk", code.as_str()), (PASSWORD, hanako.wrong_code())] {
        bench.site.throttle.forget();
        let fields = [("name", "second"), ("current", password), ("code", code)];
        let (status, _) = bench.sent(&session, "/account/keys", &fields).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
        let fields = [("key", id.as_str()), ("current", password), ("code", code)];
        let (status, _) = bench.sent(&session, "/account/keys/remove", &fields).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    }
    let page = bench.get("/account/keys").by(&session).send().await.unwrap();
    assert_eq!(page.headers()[header::LOCATION], "/account", "nothing is asked for");
    // What was asked in one session is not answered in another.
    let asked = bench.begins_to_add(&hanako, &session, "second").await.unwrap();
    let elsewhere = bench.session(&hanako);
    let answer = Authenticator::new(&bench.url("")).adds(&asked);
    let (status, _) = bench.sent(&elsewhere, "/account/keys/answer", &[("answer", &answer)]).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(bench.keys(&hanako), ["first"]);
    bench.close().await;
}

#[actix_web::test]
async fn a_new_keys_answer_is_taken_once_and_only_as_it_was_asked_for() {
    let bench = bench().await;
    let hanako = bench.person("花子", Role::Viewer);
    let session = bench.session(&hanako);
    let wrong: [fn(&mut Authenticator); 3] = [
        |key| key.origin = "http://localhost.elsewhere.example".into(),
        |key| key.name = Some("elsewhere.example".into()),
        |key| key.touched = 0,
    ];
    for adapt in wrong {
        let asked = bench.begins_to_add(&hanako, &session, "key").await.unwrap();
        let mut key = Authenticator::new(&bench.url(""));
        adapt(&mut key);
        let answer = key.adds(&asked);
        let (status, _) = bench.sent(&session, "/account/keys/answer", &[("answer", &answer)]).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    }
    // CBOR, and then JSON, that nests as deep as there is room for.
    let key = Authenticator::new(&bench.url(""));
    let asked = bench.begins_to_add(&hanako, &session, "key").await.unwrap();
    let mut deep: serde_json::Value = serde_json::from_str(&key.adds(&asked)).unwrap();
    deep["response"]["attestationObject"] = passki::Passki::base64_encode(&[0x81; 11_000]).into();
    for deep in [deep.to_string(), "[".repeat(LARGEST_ANSWER)] {
        let (status, _) = bench.sent(&session, "/account/keys/answer", &[("answer", &deep)]).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
        bench.begins_to_add(&hanako, &session, "key").await.unwrap();
    }
    let old = bench.begins_to_add(&hanako, &session, "key").await.unwrap();
    let asked = bench.begins_to_add(&hanako, &session, "key").await.unwrap();
    let answers = [
        (key.adds(&old), StatusCode::UNPROCESSABLE_ENTITY, "another challenge"),
        (key.adds(&asked), StatusCode::UNPROCESSABLE_ENTITY, "the challenge was used up"),
    ];
    for (answer, status, why) in answers {
        let sent = bench.sent(&session, "/account/keys/answer", &[("answer", &answer)]).await;
        assert_eq!(sent.0, status, "{why}");
    }
    assert!(bench.keys(&hanako).is_empty());
    bench.close().await;
}

#[actix_web::test]
async fn a_key_lets_in_only_by_a_right_and_new_answer_to_what_was_asked() {
    let bench = bench().await;
    let hanako = bench.person("花子", Role::Operator);
    let mut key = bench.adds(&hanako, "key").await;
    let as_it_is = |answer: String| answer;
    assert!(bench.opens("花子", &mut key, as_it_is).await);

    let right = key.origin.clone();
    for wrong in ["http://elsewhere.example".to_owned(), right.replace("http:", "https:")] {
        key.origin = wrong;
        assert!(!bench.opens("花子", &mut key, as_it_is).await, "{}", key.origin);
    }
    key.origin = right;
    key.name = Some("elsewhere.example".into());
    assert!(!bench.opens("花子", &mut key, as_it_is).await, "signed for another page");
    key.name = None;
    key.touched = 0;
    assert!(!bench.opens("花子", &mut key, as_it_is).await, "nobody was there");
    key.touched = 0x05;
    let altered = |answer: String| {
        let at = answer.find("\"signature\":\"").unwrap() + 40;
        let other = if &answer[at..=at] == "A" { "B" } else { "A" };
        format!("{}{other}{}", &answer[..at], &answer[at + 1..])
    };
    assert!(!bench.opens("花子", &mut key, altered).await, "another signature");
    for nonsense in ["", "{}", "null", "\u{0}"] {
        assert!(!bench.opens("花子", &mut key, |_| nonsense.into()).await, "{nonsense:?}");
    }
    let padded = |answer: String| answer + &" ".repeat(LARGEST_ANSWER);
    assert!(!bench.opens("花子", &mut key, padded).await, "too large");

    // An answer to another challenge, and the same answer twice.
    let (_, asked_before) = bench.asked("花子").await.unwrap();
    let (bound, asked) = bench.asked("花子").await.unwrap();
    assert_eq!(bench.answers(&bound, &key.opens(&asked_before)).await.status(), StatusCode::UNAUTHORIZED);
    let answer = key.opens(&asked);
    assert_eq!(bench.answers(&bound, &answer).await.status(), StatusCode::UNAUTHORIZED, "used up");
    let (bound, asked) = bench.asked("花子").await.unwrap();
    let answer = key.opens(&asked);
    assert_eq!(bench.answers("key=planted", &answer).await.status(), StatusCode::UNAUTHORIZED);
    assert_eq!(bench.answers(&bound, &answer).await.status(), StatusCode::SEE_OTHER);
    assert_eq!(bench.answers(&bound, &answer).await.status(), StatusCode::UNAUTHORIZED, "played again");

    // A copy that was used less often.
    key.uses -= 2;
    assert!(!bench.opens("花子", &mut key, as_it_is).await, "the counter went back");
    key.uses += 1;
    assert!(bench.opens("花子", &mut key, as_it_is).await, "and the key itself goes on");
    bench.close().await;
}

#[actix_web::test]
async fn a_key_that_was_removed_or_is_anothers_lets_nobody_in() {
    let bench = bench().await;
    let (hanako, taro) = (bench.person("花子", Role::Operator), bench.person("太郎", Role::Operator));
    let mut key = bench.adds(&hanako, "key").await;
    let mut other = bench.adds(&taro, "key").await;
    assert!(!bench.opens("花子", &mut other, |answer| answer).await);
    let (bound, asked) = bench.asked("花子").await.unwrap();

    let (here, elsewhere) = (bench.session(&hanako), bench.session(&hanako));
    let register = bench.site.people.read().unwrap();
    let id = register.person(hanako.id).unwrap().credentials.as_ref().unwrap().keys[0].id();
    let code = bench.unused_code(&hanako);
    let fields = [("key", id.as_str()), ("current", PASSWORD), ("code", code.as_str())];
    let (status, _) = bench.sent(&here, "/account/keys/remove", &fields).await;
    assert_eq!(status, StatusCode::OK);
    assert!(bench.keys(&hanako).is_empty());
    assert!(asks_to_log_in(&bench.get("/").by(&elsewhere).send().await.unwrap()), "logged out elsewhere");
    // Also where it was asked for before.
    assert_eq!(bench.answers(&bound, &key.opens(&asked)).await.status(), StatusCode::UNAUTHORIZED);
    assert!(bench.asked("花子").await.is_none(), "nothing is asked for any more");
    assert!(bench.opens("太郎", &mut other, |answer| answer).await);

    // Nor does one whose person was reset meanwhile.
    let (bound, asked) = bench.asked("太郎").await.unwrap();
    let code = Code::random().unwrap();
    bench.site.people.change(|it| it.recover(taro.id, &code, Timestamp::now())).unwrap().unwrap();
    assert_eq!(bench.answers(&bound, &other.opens(&asked)).await.status(), StatusCode::UNAUTHORIZED);
    bench.close().await;
}

#[actix_web::test]
async fn who_has_a_key_is_told_to_nobody_without_the_password_and_wrong_keys_are_held_up_like_wrong_codes() {
    let bench = bench().await;
    let hanako = bench.person("花子", Role::Operator);
    bench.person("太郎", Role::Operator);
    let mut key = bench.adds(&hanako, "key").await;
    let mut said = Vec::new();
    for (name, password) in
        [("花子", "wrong, but long enough"), ("太郎", PASSWORD), ("次郎", PASSWORD), ("", "")]
    {
        bench.site.throttle.forget();
        let answer =
            bench.form("/login/key", &[("name", name), ("password", password)]).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::UNAUTHORIZED);
        assert!(cookie(&answer).is_none());
        said.push(answer.text().await.unwrap().replace(&format!("value=\"{name}\""), ""));
    }
    assert!(said.windows(2).all(|pair| pair[0] == pair[1]), "the answers differ");

    bench.site.throttle.forget();
    key.touched = 0;
    let mut tries = 0;
    let refused = loop {
        let fields = [("name", "花子"), ("password", PASSWORD)];
        let answer = bench.form("/login/key", &fields).send().await.unwrap();
        let Some((bound, _)) = cookie(&answer) else { break answer };
        let page = bench.get("/login/key").header(header::COOKIE, &bound).send().await.unwrap();
        let wrong = key.opens(&told(page).await.unwrap());
        assert_eq!(bench.answers(&bound, &wrong).await.status(), StatusCode::UNAUTHORIZED);
        tries += 1;
        assert!(tries < 12, "guesses are cut short");
    };
    assert_eq!(refused.status(), StatusCode::TOO_MANY_REQUESTS);
    bench.close().await;
}

#[actix_web::test]
async fn keys_are_bounded_in_number_told_apart_by_name_and_nobodys_twice() {
    let bench = bench().await;
    let (hanako, taro) = (bench.person("花子", Role::Viewer), bench.person("太郎", Role::Viewer));
    let first = bench.adds(&hanako, "one").await;
    let (session, other) = (bench.session(&hanako), bench.session(&taro));
    for bad in ["ONE", "", "a<b", &"x".repeat(41)] {
        assert!(bench.begins_to_add(&hanako, &session, bad).await.is_none(), "{bad:?}");
    }
    let asked = bench.begins_to_add(&taro, &other, "mine").await.unwrap();
    let (status, _) = bench.sent(&other, "/account/keys/answer", &[("answer", &first.adds(&asked))]).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(bench.keys(&taro).is_empty(), "it is another's");
    // The browser is told which keys are there already, so that it offers another one.
    let excludes = |asked: String| {
        serde_json::from_str::<serde_json::Value>(&asked).unwrap()["excludeCredentials"]
            .as_array()
            .unwrap()
            .len()
    };
    assert_eq!(excludes(asked), 0);
    assert_eq!(excludes(bench.begins_to_add(&hanako, &session, "two").await.unwrap()), 1);
    for name in ["two", "three", "four", "five"] {
        bench.adds(&hanako, name).await;
    }
    assert!(bench.begins_to_add(&hanako, &session, "six").await.is_none());
    bench.close().await;
}

#[actix_web::test]
async fn where_the_page_has_no_name_it_says_why_no_key_can_be_used_and_what_to_do() {
    for (names, said) in
        [(&[][..], "web.names"), (&["madoguchi.hospital.example"][..], "madoguchi.hospital.example")]
    {
        let bench =
            Bench::with(|config| config.web.names = names.iter().map(|&it| it.into()).collect()).await;
        let hanako = bench.person("花子", Role::Viewer);
        let session = bench.session(&hanako);
        for (page, session) in [("/login?lang=en", None), ("/account?lang=en", Some(&session))] {
            let request = bench.get(page);
            let request = if let Some(session) = session { request.by(session) } else { request };
            let text = request.send().await.unwrap().text().await.unwrap();
            assert!(text.contains(said) && !text.contains("data-with-key"), "{page}");
        }
        let code = bench.unused_code(&hanako);
        let fields = [("name", "key"), ("current", PASSWORD), ("code", code.as_str())];
        bench.sent(&session, "/account/keys", &fields).await;
        let page = bench.get("/account/keys").by(&session).send().await.unwrap();
        assert_eq!(page.headers()[header::LOCATION], "/account", "nothing is asked for");
        bench.close().await;
    }
}

#[actix_web::test]
async fn under_its_name_a_key_is_bound_to_the_name_and_to_tls() {
    let bench = Bench::with(|config| config.web.names = vec!["Madoguchi.hospital.example".into()]).await;
    let hanako = bench.person("花子", Role::Viewer);
    let session = bench.session(&hanako);
    let code = bench.unused_code(&hanako);
    let fields = [("csrf", session.csrf.as_str()), ("name", "key"), ("current", PASSWORD), ("code", &code)];
    let host = "madoguchi.hospital.example";
    let by_name = |request: RequestBuilder| request.header("host", host).by(&session);
    let post = |path: &str, fields: &[(&str, &str)]| {
        let form = bench.client.post(bench.url(path)).header("origin", format!("https://{host}"));
        by_name(form.form(fields))
    };
    assert_eq!(post("/account/keys", &fields).send().await.unwrap().status(), StatusCode::SEE_OTHER);
    let asked = told(by_name(bench.get("/account/keys")).send().await.unwrap()).await.unwrap();
    assert!(asked.contains(&format!("\"id\":\"{host}\"")), "{asked}");
    let answer = Authenticator::new(&format!("https://{host}")).adds(&asked);
    let fields = [("csrf", session.csrf.as_str()), ("answer", &answer)];
    assert_eq!(post("/account/keys/answer", &fields).send().await.unwrap().status(), StatusCode::OK);
    assert_eq!(bench.keys(&hanako), ["key"]);
    // Under another name of the box it is not even asked for.
    let mut bench = bench;
    bench.host = bench.host.replace("127.0.0.1", "localhost");
    assert!(bench.asked("花子").await.is_none());
    bench.close().await;
}
