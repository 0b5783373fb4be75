//! Do phones work today? What patients ask at the counter and on the telephone, answered for anybody: a page
//! that only reads and names no patient, lane or fault.

use super::view::{View, clock};
use madoguchi_protocol::texts::Language;
use madoguchi_reception::availability::Today;
use maud::{DOCTYPE, Markup, html};

/// The whole page.
pub(super) fn status(view: &View<'_>) -> Markup {
    let (sign, key, since) = match view.phones_today() {
        Today::Accepted { since } => ("○", "status-yes", since),
        Today::Down { since } => ("×", "status-no", since),
        Today::NotWanted => ("×", "status-not-here", None),
    };
    let other = if view.language == Language::Ja { Language::En } else { Language::Ja };
    html! {
        (DOCTYPE)
        html lang=(view.language.tag()) {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta http-equiv="refresh" content="30";
                title { (view.say("status-title", &[])) }
                link rel="stylesheet" href="/style.css";
            }
            body.status {
                header {
                    h1 { (view.say("status-title", &[])) }
                    a href={ "/status?lang=" (other.tag()) } lang=(other.tag()) {
                        (view.say("page-other-language", &[]))
                    }
                }
                main {
                    p.answer { span.sign { (sign) } " " (view.say(key, &[])) }
                    @if since.is_some() { p { (view.since(since)) } }
                    p { (view.say("status-card", &[])) }
                    p { small { (view.say("status-as-of", &[("now", &clock(view.now))])) } }
                }
            }
        }
    }
}
