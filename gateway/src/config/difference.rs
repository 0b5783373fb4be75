//! What differs between two configurations, setting by setting.

use serde::Serialize;
use std::collections::BTreeMap;
use toml::{Table, Value};

/// A setting that differs. Values are written as in TOML.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Change {
    /// Which: `site.language`, `lane.2.face_reader.listen` (2 is the lane's number).
    pub key: String,
    /// What it was; `None` where it was not set.
    pub old: Option<String>,
    /// What it becomes; `None` where it is no longer set.
    pub new: Option<String>,
}

/// What stands in place of a secret.
pub const HIDDEN: &str = "(hidden)";
/// The last word of a setting's name that says that its value is a secret.
const SECRETS: [&str; 6] = ["password", "passphrase", "secret", "token", "pin", "credential"];

/// Whether a setting's value is never shown. Files that hold secrets are named by paths, which are shown.
pub fn is_secret(key: &str) -> bool {
    let name = key.rsplit('.').next().unwrap_or(key);
    name.rsplit('_').next().is_some_and(|word| SECRETS.contains(&word))
}

/// What differs, in the order of keys. A text that is no TOML counts as empty.
pub fn difference(old: &str, new: &str) -> Vec<Change> {
    let (old, new) = (settings(old), settings(new));
    let mut changes = Vec::new();
    let mut keys: Vec<_> = old.keys().chain(new.keys()).collect();
    keys.sort();
    keys.dedup();
    for key in keys {
        let (was, becomes) = (old.get(key), new.get(key));
        if was != becomes {
            let show = |value: Option<&String>| {
                value.map(|value| if is_secret(key) { HIDDEN.to_owned() } else { value.clone() })
            };
            changes.push(Change { key: key.clone(), old: show(was), new: show(becomes) });
        }
    }
    changes
}

/// Every setting that a text sets, by its key.
pub fn settings(text: &str) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    if let Ok(table) = text.parse::<Table>() {
        flatten(&Value::Table(table), "", &mut found);
    }
    found
}

fn flatten(value: &Value, key: &str, found: &mut BTreeMap<String, String>) {
    let further = |name: &str| if key.is_empty() { name.to_owned() } else { format!("{key}.{name}") };
    match value {
        Value::Table(table) => {
            if table.is_empty() && !key.is_empty() {
                found.insert(key.to_owned(), "{}".into());
            }
            for (name, value) in table {
                flatten(value, &further(name), found);
            }
        }
        Value::Array(items) if !items.is_empty() && items.iter().all(Value::is_table) => {
            for (at, item) in items.iter().enumerate() {
                // A lane is known by its number, wherever it stands in the file.
                let number = item.get("number").and_then(Value::as_integer).filter(|_| key == "lane");
                flatten(item, &further(&number.map_or(at.to_string(), |number| number.to_string())), found);
            }
        }
        other => {
            found.insert(key.to_owned(), other.to_string());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn change(key: &str, old: Option<&str>, new: Option<&str>) -> Change {
        Change { key: key.into(), old: old.map(Into::into), new: new.map(Into::into) }
    }

    #[test]
    fn settings_are_compared_by_key_and_lanes_by_their_number() {
        let old = "[site]\nlanguage = \"ja\"\n[[lane]]\nnumber = 1\nphones = \"use\"\n[[lane]]\nnumber = 2\n";
        let new = "# moved\n[[lane]]\nnumber = 2\n[[lane]]\nnumber = 1\n[site]\nlanguage = \"en\"\n";
        assert_eq!(
            difference(old, new),
            [
                change("lane.1.phones", Some("\"use\""), None),
                change("site.language", Some("\"ja\""), Some("\"en\""))
            ]
        );
        assert_eq!(difference(old, old), []);
    }

    #[test]
    fn what_is_no_toml_counts_as_empty() {
        assert_eq!(difference("= =", "a = 1"), [change("a", None, Some("1"))]);
    }

    #[test]
    fn secrets_are_never_shown_and_paths_are() {
        let new =
            "[web]\nkey = \"/etc/a.key\"\nadmin_password = \"opensesame\"\n[broker]\npasswords = \"/p\"\n";
        let shown = difference("", new);
        assert!(shown.contains(&change("web.admin_password", None, Some(HIDDEN))), "{shown:?}");
        assert!(shown.contains(&change("web.key", None, Some("\"/etc/a.key\""))), "{shown:?}");
        assert!(shown.contains(&change("broker.passwords", None, Some("\"/p\""))), "{shown:?}");
        assert!(!format!("{shown:?}").contains("opensesame"));
    }
}
