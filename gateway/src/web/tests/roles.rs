//! Every route against every role: one table, and a look into the sources that none is missing in it.

use super::*;
use crate::people::Right;
use std::{collections::BTreeSet, fs};

/// Who may.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Needs {
    /// Nobody need be logged in.
    Nothing,
    /// Whoever is logged in.
    Person,
    /// Persons with this right.
    Right(Right),
    /// Programs with this scope.
    Scope(Right),
}

use Needs::{Nothing, Person, Scope};

const fn right(right: Right) -> Needs {
    Needs::Right(right)
}

/// Method, path, a body that the route takes, and who may.
const ROUTES: &[(&str, &str, &str, Needs)] = &[
    ("get", "/login", "", Nothing),
    ("post", "/login", "name=x&password=y&code=z", Nothing),
    ("get", "/login/key", "", Nothing),
    ("post", "/login/key", "name=x&password=y", Nothing),
    ("post", "/login/key/answer", "answer=x", Nothing),
    ("post", "/logout", "", Person),
    ("get", "/first-start", "", Nothing),
    ("post", "/first-start", "code=x", Nothing),
    ("get", "/first-start/account", "", Nothing),
    ("post", "/first-start/account", "password=x&again=y&code=z", Nothing),
    ("get", "/account", "", Person),
    ("post", "/account/password", "current=x&code=y&password=z&again=w", Person),
    ("post", "/account/end-others", "", Person),
    ("get", "/account/keys", "", Person),
    ("post", "/account/keys", "name=x&current=y&code=z", Person),
    ("post", "/account/keys/answer", "answer=x", Person),
    ("post", "/account/keys/remove", "key=x&current=y&code=z", Person),
    ("get", "/people", "", right(Right::ManagePeople)),
    ("post", "/people", "name=new&role=viewer", right(Right::ManagePeople)),
    ("post", "/people/{id}/role", "role=viewer", right(Right::ManagePeople)),
    ("post", "/people/{id}/recover", "", right(Right::ManagePeople)),
    ("post", "/people/{id}/disable", "", right(Right::ManagePeople)),
    ("post", "/people/{id}/enable", "", right(Right::ManagePeople)),
    ("post", "/tokens", "name=new&watch=on", right(Right::ManagePeople)),
    ("post", "/tokens/{id}/revoke", "", right(Right::ManagePeople)),
    ("get", "/", "", right(Right::Watch)),
    ("get", "/lanes/{lane}", "", right(Right::Watch)),
    ("post", "/lanes/{lane}/act", "act=cancel", right(Right::Serve)),
    ("post", "/lanes/{lane}/test", "", right(Right::Serve)),
    ("post", "/parts/restart", "part=nfc_reader@1", right(Right::Serve)),
    ("get", "/events", "", right(Right::Watch)),
    ("get", "/repairs", "", right(Right::Watch)),
    ("get", "/queue", "", right(Right::Watch)),
    ("get", "/queue/{id}", "", right(Right::Watch)),
    ("post", "/queue/{id}/retry", "", right(Right::MendQueue)),
    ("post", "/queue/{id}/discard", "why=no-patient&sure=on", right(Right::MendQueue)),
    ("post", "/queue/{id}/export", "", right(Right::MendQueue)),
    ("get", "/line", "", right(Right::Watch)),
    ("post", "/line/walk", "", right(Right::Watch)),
    ("get", "/certificates", "", right(Right::Watch)),
    ("post", "/certificates/request", "", right(Right::Configure)),
    ("post", "/certificates/stage", "certificate=x", right(Right::Configure)),
    ("post", "/certificates/prove", "", right(Right::Configure)),
    ("post", "/certificates/swap", "", right(Right::Configure)),
    ("get", "/charts", "", right(Right::Watch)),
    ("get", "/parts", "", right(Right::Watch)),
    ("get", "/counts", "", right(Right::ReadCounts)),
    ("get", "/counts.csv", "", right(Right::ReadCounts)),
    ("get", "/log", "", right(Right::ReadAudit)),
    ("post", "/log/chain", "", right(Right::ReadAudit)),
    ("get", "/messages", "", right(Right::ReadMessages)),
    ("get", "/configuration", "", right(Right::Configure)),
    ("get", "/configuration/change", "", right(Right::Configure)),
    ("get", "/configuration/history", "", right(Right::Configure)),
    ("get", "/configuration/import", "", right(Right::Configure)),
    ("post", "/configuration/import", "x=y", right(Right::Configure)),
    ("get", "/configuration/section", "", right(Right::Configure)),
    ("get", "/configuration/setup", "", right(Right::Configure)),
    ("get", "/configuration/text", "", right(Right::Configure)),
    ("post", "/configuration/change", "digest=x", right(Right::Configure)),
    ("post", "/configuration/confirm", "number=1", right(Right::Configure)),
    ("post", "/configuration/discard", "", right(Right::Configure)),
    ("post", "/configuration/file", "", right(Right::Configure)),
    ("post", "/configuration/history", "number=1", right(Right::Configure)),
    ("post", "/configuration/lanes", "number=5", right(Right::Configure)),
    ("post", "/configuration/lanes/remove", "number=5", right(Right::Configure)),
    ("post", "/configuration/pairs", "", right(Right::Configure)),
    ("post", "/configuration/restore", "", right(Right::Configure)),
    ("post", "/configuration/roll-back", "number=1", right(Right::Configure)),
    ("post", "/configuration/section", "site.language=en", right(Right::Configure)),
    ("post", "/configuration/setup", "", right(Right::Configure)),
    ("get", "/configuration/setup/certificates", "", right(Right::Configure)),
    ("post", "/configuration/setup/certificates/again", "", right(Right::Configure)),
    ("post", "/configuration/setup/certificates/put", "file=/x&certificate=y", right(Right::Configure)),
    ("post", "/configuration/setup/certificates/request", "", right(Right::Configure)),
    ("post", "/configuration/setup/folders", "", right(Right::Configure)),
    ("get", "/configuration/phones", "", right(Right::Configure)),
    ("post", "/configuration/phones", "version=1", right(Right::Configure)),
    ("post", "/configuration/try", "try=nfc_reader", right(Right::Configure)),
    ("post", "/configuration/text", "text=x", right(Right::Configure)),
    ("get", "/support", "", right(Right::TakeBundle)),
    ("post", "/support", "", right(Right::TakeBundle)),
    ("get", "/status", "", Nothing),
    ("get", "/api/v1/state", "", Scope(Right::Watch)),
    ("get", "/api/v1/openapi.json", "", Scope(Right::Watch)),
    ("get", "/api/v1/lanes", "", Scope(Right::Watch)),
    ("get", "/api/v1/lanes/{lane}", "", Scope(Right::Watch)),
    ("get", "/api/v1/readiness", "", Scope(Right::Watch)),
    ("get", "/api/v1/faults", "", Scope(Right::Watch)),
    ("get", "/api/v1/counts", "", Scope(Right::ReadCounts)),
    ("get", "/api/v1/results", "", Scope(Right::Watch)),
    ("post", "/api/v1/lanes/{lane}/staff", "{\"act\":\"cancel\"}", Scope(Right::Serve)),
];

/// A path with something in place of what it leaves open.
fn concrete(path: &str) -> String {
    path.replace("{id}", &PersonId::random().to_string()).replace("{lane}", "1")
}

fn request(bench: &Bench, method: &str, path: &str, body: &str) -> RequestBuilder {
    let url = bench.url(&concrete(path));
    if method == "get" {
        return bench.client.get(url);
    }
    let kind = if body.starts_with('{') { "application/json" } else { "application/x-www-form-urlencoded" };
    bench.client.post(url).header("origin", bench.url("")).header("content-type", kind).body(body.to_owned())
}

#[actix_web::test]
async fn each_role_gets_what_the_table_of_rights_gives_it_and_nothing_else() {
    let bench = Bench::open().await;
    // One more, so that nothing is refused for want of an administrator.
    bench.person("another", Role::Administrator);
    for (n, role) in Role::ALL.into_iter().enumerate() {
        let somebody = bench.person(&format!("somebody {n}"), role);
        for (method, path, body, needs) in ROUTES {
            let session = bench.session(&somebody);
            let with_csrf = format!("csrf={}&{body}", session.csrf);
            let body = if body.starts_with('{') { (*body).to_owned() } else { with_csrf };
            let answer = request(&bench, method, path, &body).by(&session).send().await.unwrap();
            let (status, to_log_in) = (answer.status(), asks_to_log_in(&answer));
            let may = match needs {
                Nothing | Person => true,
                Needs::Right(right) => role.may(*right),
                Scope(_) => {
                    assert_eq!(status, StatusCode::UNAUTHORIZED, "{role:?} {method} {path}: no token");
                    continue;
                }
            };
            assert_eq!(status == StatusCode::FORBIDDEN, !may, "{role:?} {method} {path}: {status}");
            assert!(!to_log_in || matches!(*path, "/logout"), "{role:?} {method} {path}");
            bench.site.throttle.forget();
            bench.site.rate.forget();
        }
    }
    bench.close().await;
}

#[actix_web::test]
async fn without_a_log_in_only_what_says_so_answers() {
    let bench = Bench::open().await;
    bench.person("管理者", Role::Administrator);
    for (method, path, body, needs) in ROUTES {
        let answer = request(&bench, method, path, body).send().await.unwrap();
        match needs {
            Nothing => assert!(!asks_to_log_in(&answer), "{method} {path}"),
            Person | Needs::Right(_) => {
                assert!(asks_to_log_in(&answer), "{method} {path}: {}", answer.status())
            }
            Scope(_) => assert_eq!(answer.status(), StatusCode::UNAUTHORIZED, "{method} {path}"),
        }
    }
    bench.close().await;
}

#[actix_web::test]
async fn each_scope_of_a_token_opens_its_own_routes_only() {
    let bench = Bench::open().await;
    for scope in Right::FOR_PROGRAMS {
        let token = crate::people::Secret::random().unwrap();
        let made = bench.site.people.change(|it| {
            it.add_token(&scope.name().replace('_', " "), [scope].into(), token.digest(), Timestamp::now())
        });
        made.unwrap().unwrap();
        for (method, path, body, needs) in ROUTES {
            let Scope(needed) = needs else { continue };
            let answer =
                request(&bench, method, path, body).bearer_auth(token.reveal()).send().await.unwrap();
            assert_ne!(answer.status(), StatusCode::UNAUTHORIZED, "{scope:?} {path}");
            assert_eq!(answer.status() == StatusCode::FORBIDDEN, scope != *needed, "{scope:?} {path}");
        }
    }
    bench.close().await;
}

/// `.route("PATH", web::METHOD()` and the attribute `#[METHOD("PATH")]` in the page's sources.
fn routes_of_the_sources() -> BTreeSet<(String, String)> {
    let mut found = BTreeSet::new();
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("src/web")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() && path.file_name() != Some("tests".as_ref()) {
                folders.push(path);
            } else if path.extension() == Some("rs".as_ref()) {
                let text: String = fs::read_to_string(&path).unwrap().split_whitespace().collect();
                for route in text.split(".route(\"").skip(1) {
                    let (path, rest) = route.split_once("\",web::").unwrap();
                    let method = rest.split_once('(').unwrap().0;
                    found.insert((method.to_owned(), path.to_owned()));
                }
            }
        }
    }
    found
}

#[test]
fn the_table_has_every_route_and_no_other() {
    let table: BTreeSet<_> =
        ROUTES.iter().map(|(method, path, ..)| ((*method).to_owned(), (*path).to_owned())).collect();
    assert_eq!(table.len(), ROUTES.len(), "no route stands there twice");
    assert_eq!(table, routes_of_the_sources());
}
