//! From the console's code to the first administrator, and from an invitation to somebody who can log in.

use super::*;

/// What is shown at the second step: the secret for the authenticator.
async fn secret_shown(bench: &Bench, enrolment: &str) -> SecondFactor {
    let page = bench.get("/first-start/account").header(header::COOKIE, enrolment).send().await.unwrap();
    assert_eq!(page.status(), StatusCode::OK);
    let text = page.text().await.unwrap();
    assert!(text.contains("<svg"), "a picture to scan");
    let after = text.split("id=\"secret\">").nth(1).unwrap();
    let secret = after.split('<').next().unwrap().replace(' ', "");
    serde_json::from_value(secret.into()).unwrap()
}

async fn type_code(bench: &Bench, code: &str) -> Response {
    bench.form("/first-start", &[("code", code)]).send().await.unwrap()
}

async fn set_up(bench: &Bench, enrolment: &str, fields: &[(&str, &str)]) -> Response {
    bench.form("/first-start/account", fields).header(header::COOKIE, enrolment).send().await.unwrap()
}

#[actix_web::test]
async fn the_consoles_code_makes_one_administrator_and_no_second() {
    let bench = Bench::open().await;
    let code = bench.first.as_ref().unwrap().shown();
    assert_eq!(type_code(&bench, "0000-0000-0000-0000").await.status(), StatusCode::UNAUTHORIZED);
    let answer = type_code(&bench, &code.to_lowercase()).await;
    assert_eq!(answer.headers()[header::LOCATION], "/first-start/account");
    let (enrolment, attributes) = cookie(&answer).unwrap();
    assert!(attributes.contains("HttpOnly") && attributes.contains("SameSite=Strict"), "{attributes}");
    // Somebody else begins at the same time.
    let (second, _) = cookie(&type_code(&bench, &code).await).unwrap();
    let factor = secret_shown(&bench, &enrolment).await;
    let other_factor = secret_shown(&bench, &second).await;
    assert_ne!(factor.written(), other_factor.written());

    let shown = factor.code(now());
    let wrong = if shown == "000000" { "111111" } else { "000000" };
    for (name, password, again, code) in [
        ("管理者", "short", "short", shown.as_str()),
        ("管理者", PASSWORD, "a long walk hom", shown.as_str()),
        ("管理者", PASSWORD, PASSWORD, wrong),
        ("", PASSWORD, PASSWORD, shown.as_str()),
        ("a<script>", PASSWORD, PASSWORD, shown.as_str()),
    ] {
        let fields = [("name", name), ("password", password), ("again", again), ("code", code)];
        let answer = set_up(&bench, &enrolment, &fields).await;
        assert_eq!(answer.status(), StatusCode::UNPROCESSABLE_ENTITY, "{name} {password}");
        let text = answer.text().await.unwrap();
        assert!(!text.contains(PASSWORD) && !text.contains("<script>"), "nothing typed comes back unescaped");
    }
    assert!(!bench.site.people.read().unwrap().has_administrator());

    let fields = [("name", "管理者"), ("password", PASSWORD), ("again", PASSWORD), ("code", &shown)];
    let answer = set_up(&bench, &enrolment, &fields).await;
    assert_eq!(answer.status(), StatusCode::SEE_OTHER);
    let (session, _) = cookie(&answer).unwrap();
    let page = bench.get("/people").header(header::COOKIE, session).send().await.unwrap();
    assert_eq!(page.status(), StatusCode::OK, "the first is an administrator");

    // The code is worth nothing now, nor is what was begun with it.
    assert_eq!(type_code(&bench, &code).await.status(), StatusCode::UNAUTHORIZED);
    let code = other_factor.code(now());
    let fields = [("name", "second"), ("password", PASSWORD), ("again", PASSWORD), ("code", &code)];
    let answer = set_up(&bench, &second, &fields).await;
    assert_eq!(answer.status(), StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(bench.site.people.read().unwrap().people.len(), 1);
    bench.close().await;
}

#[actix_web::test]
async fn an_invitation_sets_up_its_person_once_and_with_the_role_that_was_given() {
    let bench = Bench::open().await;
    bench.person("管理者", Role::Administrator);
    let code = Code::random().unwrap();
    let added = bench.site.people.change(|it| it.add("花子", Role::Auditor, &code, Timestamp::now()));
    let id = added.unwrap().unwrap();
    let (enrolment, _) = cookie(&type_code(&bench, &code.shown()).await).unwrap();
    let shown = secret_shown(&bench, &enrolment).await.code(now());
    // A name that is sent all the same does not count: the administrator gave it.
    let fields =
        [("name", "管理者二"), ("password", PASSWORD), ("again", PASSWORD), ("code", shown.as_str())];
    assert_eq!(set_up(&bench, &enrolment, &fields).await.status(), StatusCode::SEE_OTHER);
    let register = bench.site.people.read().unwrap();
    let person = register.person(id).unwrap();
    assert_eq!((person.name.as_str(), person.role, person.is_enrolled()), ("花子", Role::Auditor, true));
    assert_eq!(type_code(&bench, &code.shown()).await.status(), StatusCode::UNAUTHORIZED);
    assert_eq!(
        bench.log_in("花子", PASSWORD, &shown).await.status(),
        StatusCode::UNAUTHORIZED,
        "used to set up"
    );
    bench.close().await;
}

#[actix_web::test]
async fn codes_can_t_be_guessed_for_long_nor_the_second_step_be_reached_without_one() {
    let bench = Bench::open().await;
    let tried = async {
        let mut tried = 0;
        while type_code(&bench, "0000-0000-0000-0000").await.status() == StatusCode::UNAUTHORIZED {
            tried += 1;
        }
        tried
    };
    let tried = tokio::time::timeout(std::time::Duration::from_secs(20), tried).await.unwrap();
    assert!(tried <= 4, "{tried}");
    for planted in ["", "enrolment=", &format!("enrolment={}", "a".repeat(64))] {
        let page = bench.get("/first-start/account").header(header::COOKIE, planted).send().await.unwrap();
        assert_eq!(page.headers()[header::LOCATION], "/first-start", "{planted}");
    }
    bench.close().await;
}
