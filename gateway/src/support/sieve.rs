//! The last sieve: what is somebody's name, or looks like a key, a token or a digest, is taken out wherever it stands.

/// So many letters and digits in a row are no word, number or identifier of ours (a UUID has twelve).
const RUN: usize = 32;

/// The text without `names`, without long runs of letters and digits, and without signs that steer a terminal.
pub(super) fn clean(text: &str, names: &[String]) -> String {
    let mut clean = text.to_owned();
    // One letter is no name, and would take half of the text with it.
    for name in names.iter().filter(|name| name.chars().count() > 1) {
        clean = clean.replace(name.as_str(), "(name)");
    }
    let mut out = String::with_capacity(clean.len());
    let mut run = String::new();
    for letter in clean.chars().chain(['\n']) {
        if letter.is_ascii_alphanumeric() || letter == '+' || letter == '=' {
            run.push(letter);
            continue;
        }
        if run.len() >= RUN {
            out.push_str("(taken out)");
        } else {
            out.push_str(&run);
        }
        run.clear();
        if letter == '\n' || !letter.is_control() {
            out.push(letter);
        }
    }
    out.pop();
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_keys_and_steering_signs_are_taken_out_and_nothing_else() {
        let names = ["管理 花子".to_owned(), "x".to_owned()];
        let key = "0123456789abcdef0123456789ABCDEF";
        let text = format!("{key}\n管理 花子 max\u{1b}[31m Bearer {key}{key}.");
        assert_eq!(clean(&text, &names), "(taken out)\n(name) max[31m Bearer (taken out).");
        for kept in [
            "lane.1.face_reader.deadlines.phone_authenticates = 90",
            "5eb0d1e5-0000-4000-8000-000000000001",
            "2025-09-19T00:00:00Z 203.0.113.10 1319999999",
            "/var/lib/madoguchi/queue",
        ] {
            assert_eq!(clean(kept, &names), kept);
        }
    }
}
