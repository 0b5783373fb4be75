//! axe-core: what on a page keeps people out.

use crate::browser::Browser;
use serde_json::Value;
use std::{fs, path::Path};

/// axe-core, as `.ci/install` put it beside these tests.
pub fn script() -> String {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("axe/node_modules/axe-core/axe.min.js");
    fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}; run .ci/install", file.display()))
}

/// What axe finds on the page that is shown: rule, impact and where, of what is serious or critical.
pub async fn findings(browser: &Browser, axe: &str) -> Vec<String> {
    browser.value(&format!("{axe}; true")).await.unwrap();
    let run = "axe.run(document, { resultTypes: ['violations'] }).then(it => it.violations.map(v => \
               ({ id: v.id, impact: v.impact, at: v.nodes.map(n => n.html + ' ' + n.failureSummary) })))";
    let found = browser.value(run).await.unwrap();
    let serious = |it: &&Value| it["impact"] == "serious" || it["impact"] == "critical";
    found.as_array().expect("a list").iter().filter(serious).map(Value::to_string).collect()
}
