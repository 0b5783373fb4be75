//! The API against its own description: schemathesis invents requests from it, with tokens of every scope and without
//! one, and judges every answer. No answer is a failure of the server's, and none is outside the description.
//!
//! `make test` does so with a fixed seed and few examples, `make api-test` with many.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a failed step is a failed test")]

use madoguchi_end_to_end::{
    House, Options, person,
    visits::{self, Way},
};
use madoguchi_protocol::texts::{Language, text};
use serde_json::Value;
use std::{
    env, fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

/// What each answer is held to.
const CHECKS: &str = "not_a_server_error,status_code_conformance,content_type_conformance,\
                      response_headers_conformance,response_schema_conformance";
/// The stream has no end; the test of the API listens to it.
const STREAM: &str = "/api/v1/results";
/// All that a program's token can be given.
const SCOPES: [&str; 5] = ["watch", "serve", "mend_queue", "read_counts", "read_audit"];

/// The tool, as `.ci/install` put it beside these tests.
fn tool() -> PathBuf {
    let tool = Path::new(env!("CARGO_MANIFEST_DIR")).join("schemathesis/venv/bin/schemathesis");
    assert!(tool.exists(), "{}: run .ci/install", tool.display());
    tool
}

/// Examples of each kind of request, and the seed they are made from.
fn wanted(name: &str, otherwise: &str) -> String {
    env::var(name).unwrap_or_else(|_| otherwise.into())
}

/// Asks all that the description offers, with this token or without one.
async fn ask_all(house: &House, description: &Path, token: Option<&str>) -> Output {
    let page = house.addresses["gateway_page"].as_str().unwrap().trim_end_matches('/');
    let mut command = Command::new(tool());
    command.arg("run").arg(description).args(["--url", page, "--checks", CHECKS, "--exclude-path", STREAM]);
    command.args(["--max-examples", &wanted("MADOGUCHI_API_EXAMPLES", "4")]);
    command.args(["--seed", &wanted("MADOGUCHI_API_SEED", "1")]);
    command.args(["--phases", "examples,coverage,fuzzing", "--request-timeout", "20", "--no-color"]);
    command.args(["--continue-on-failure", "--warnings", "off", "--suppress-health-check", "all"]);
    // Nothing of it is written anywhere, and nobody is told of it.
    command.current_dir(house.directory()).env("HOME", house.directory()).env("NO_COLOR", "1");
    if let Some(token) = token {
        command.args(["--header", &format!("Authorization: Bearer {token}")]);
    }
    tokio::task::spawn_blocking(move || command.output().expect("schemathesis starts")).await.unwrap()
}

#[tokio::test]
async fn no_request_that_schemathesis_invents_gets_a_failure_or_an_answer_outside_the_description() {
    let house = House::open(Options { lanes: 2, ..Options::default() }).await;
    // Something is there to be told: a visit, its counts, and one in progress.
    visits::serve(&house.lane(1), Way::Android, "android").await;
    house.settled(1).await;
    visits::to_android_pin(&house.lane(2)).await;

    let token = |name: &str, scopes: &[&str]| person::token(house.madoguchi(&["people"]), name, scopes);
    let mut callers = vec![("every scope".to_owned(), Some(token("all of them", &SCOPES)))];
    callers.extend(SCOPES.map(|scope| (scope.to_owned(), Some(token(&format!("{scope} only"), &[scope])))));
    callers.push(("no token".into(), None));

    let api = house.http().with_token(callers[0].1.as_deref().unwrap());
    let mut described: Value = api.must(reqwest::Method::GET, "api/v1/openapi.json", None).await;
    // Two lanes that are there and one that is not, so that it is not among 999 that they are looked for.
    for path in described["paths"].as_object_mut().unwrap().values_mut() {
        for operation in path.as_object_mut().unwrap().values_mut() {
            let Some(parameter) = operation.get_mut("parameters").and_then(|all| all.get_mut(0)) else {
                continue;
            };
            if parameter["name"] == "lane" {
                parameter["schema"]["maximum"] = 3.into();
            }
        }
    }
    let description = house.directory().join("openapi.json");
    fs::write(&description, described.to_string()).unwrap();

    for (who, token) in &callers {
        let output = ask_all(&house, &description, token.as_deref()).await;
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success(), "{who}: {said}\n{}", String::from_utf8_lossy(&output.stderr));
        println!("{who}:\n{said}");
    }
    // It was asked indeed: what can be done was done.
    let log = house.page("log?lang=en").await;
    let done = ["act-cancel", "act-take-over", "act-begin-rehearsal", "act-end-rehearsal"];
    assert!(done.iter().any(|key| log.contains(&text(Language::En, key, &[]))), "{log}");
}

#[tokio::test]
async fn schemathesis_finds_an_answer_that_is_not_described() {
    let house = House::open(Options { lanes: 1, ..Options::default() }).await;
    let token = person::token(house.madoguchi(&["people"]), "all of them", &SCOPES);
    let api = house.http().with_token(&token);
    let mut described: Value = api.must(reqwest::Method::GET, "api/v1/openapi.json", None).await;
    described["components"]["schemas"]["Lane"]["properties"]["lane"]["minimum"] = 500.into();
    let description = house.directory().join("openapi.json");
    fs::write(&description, described.to_string()).unwrap();
    let output = ask_all(&house, &description, Some(&token)).await;
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(!output.status.success() && said.contains("violates schema"), "{said}");
}
