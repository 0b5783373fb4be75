//! What administrators do about people and tokens.

use super::*;

async fn post(bench: &Bench, session: &Session, path: &str, fields: &[(&str, &str)]) -> (StatusCode, String) {
    let mut all = vec![("csrf", session.csrf.as_str())];
    all.extend(fields);
    let answer = bench.form(path, &all).by(session).send().await.unwrap();
    (answer.status(), answer.text().await.unwrap())
}

/// The secret that a page shows once.
fn secret(text: &str) -> Option<&str> {
    text.split("id=\"secret\">").nth(1)?.split('<').next()
}

#[actix_web::test]
async fn somebody_is_added_changed_reset_disabled_and_let_in_again() {
    let bench = Bench::open().await;
    let session = bench.session(&bench.person("管理者", Role::Administrator));
    let (status, text) = post(&bench, &session, "/people", &[("name", "花子"), ("role", "operator")]).await;
    assert_eq!(status, StatusCode::OK);
    let code = Code::typed(secret(&text).unwrap()).unwrap();
    let find = || bench.site.people.read().unwrap().named("花子").cloned().unwrap();
    let id = find().id;
    assert_eq!(
        bench.site.people.read().unwrap().with_code(&code, Timestamp::now()).map(|it| it.id),
        Some(id)
    );
    let again = bench.get("/people").by(&session).send().await.unwrap().text().await.unwrap();
    assert!(again.contains("花子") && secret(&again).is_none(), "shown once");

    let (status, _) = post(&bench, &session, "/people", &[("name", "花子"), ("role", "viewer")]).await;
    assert_eq!(status, StatusCode::CONFLICT);
    post(&bench, &session, &format!("/people/{id}/role"), &[("role", "auditor")]).await;
    assert_eq!(find().role, Role::Auditor);
    let (_, text) = post(&bench, &session, &format!("/people/{id}/recover"), &[]).await;
    assert_ne!(Code::typed(secret(&text).unwrap()).unwrap().digest(), code.digest());
    post(&bench, &session, &format!("/people/{id}/disable"), &[]).await;
    assert!(find().disabled);
    post(&bench, &session, &format!("/people/{id}/enable"), &[]).await;
    assert!(!find().disabled);
    bench.close().await;
}

#[actix_web::test]
async fn the_last_administrator_can_t_remove_themself() {
    let bench = Bench::open().await;
    let only = bench.person("管理者", Role::Administrator);
    let session = bench.session(&only);
    for (act, fields) in [("role", &[("role", "viewer")][..]), ("recover", &[]), ("disable", &[])] {
        let (status, _) = post(&bench, &session, &format!("/people/{}/{act}", only.id), fields).await;
        assert_eq!(status, StatusCode::CONFLICT, "{act}");
    }
    assert!(bench.site.people.read().unwrap().has_administrator());
    bench.close().await;
}

#[actix_web::test]
async fn a_token_opens_what_its_scopes_say_until_it_is_revoked() {
    let bench = Bench::open().await;
    let session = bench.session(&bench.person("管理者", Role::Administrator));
    let (status, _) = post(&bench, &session, "/tokens", &[("name", "nothing")]).await;
    assert_eq!(status, StatusCode::CONFLICT, "a token needs a scope");
    let fields = [("name", "mirror"), ("watch", "on"), ("configure", "on")];
    let (_, text) = post(&bench, &session, "/tokens", &fields).await;
    let token = secret(&text).unwrap().to_owned();
    let state = async || bench.get("/api/v1/state").bearer_auth(&token).send().await.unwrap().status();
    assert_eq!(state().await, StatusCode::OK);
    let act = bench.client.post(bench.url("/api/v1/lanes/1/staff")).bearer_auth(&token);
    let act = act.json(&serde_json::json!({ "act": "cancel" })).send().await.unwrap();
    assert_eq!(act.status(), StatusCode::FORBIDDEN);
    let id = bench.site.people.read().unwrap().tokens[0].id;
    let scopes = bench.site.people.read().unwrap().tokens[0].scopes.clone();
    assert_eq!(scopes, [crate::people::Right::Watch].into());
    post(&bench, &session, &format!("/tokens/{id}/revoke"), &[]).await;
    assert_eq!(state().await, StatusCode::UNAUTHORIZED);
    bench.close().await;
}

#[actix_web::test]
async fn a_new_password_needs_the_old_one_and_ends_every_session() {
    let bench = Bench::open().await;
    let hanako = bench.person("花子", Role::Operator);
    let (here, there) = (bench.session(&hanako), bench.session(&hanako));
    let new = "another long walk";
    let code = hanako.code();
    let fields = |current, code| [("current", current), ("code", code), ("password", new), ("again", new)];
    let (status, _) = post(&bench, &here, "/account/password", &fields("not the password", &code)).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    let (status, _) = post(&bench, &here, "/account/password", &fields(PASSWORD, &code)).await;
    assert_eq!(status, StatusCode::SEE_OTHER);
    for session in [&here, &there] {
        assert!(asks_to_log_in(&bench.get("/").by(session).send().await.unwrap()));
    }
    let register = bench.site.people.read().unwrap();
    let kept = register.person(hanako.id).unwrap().credentials.clone().unwrap();
    assert!(Password::typed(new.into()).is(Some(&kept.password)));
    bench.close().await;
}
