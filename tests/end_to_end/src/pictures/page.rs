//! A screen as a page of its own, as the simulated readers' page draws it.

use madoguchi_protocol::device::Screen;

const STYLE: &str = include_str!("../../../simulator/src/control/pages/style.css");

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// The page, without anything that is loaded from elsewhere.
pub fn html(screen: &Screen) -> String {
    let pad = screen.pin_pad.as_ref().map_or(String::new(), |_| {
        let keys: String = "123456789C0←".chars().map(|key| format!("<button>{key}</button>")).collect();
        format!("<p class=\"dots\">○○○○</p><div class=\"pad\">{keys}</div>")
    });
    let choices: String =
        screen.choices.iter().map(|choice| format!("<button>{}</button>", escape(&choice.label))).collect();
    format!(
        "<!doctype html><html lang=\"{language}\"><meta charset=\"utf-8\"><style>{STYLE}</style>\
         <body class=\"single\"><main><section class=\"lane\"><div class=\"screen\" lang=\"{language}\">\
         <h3>{title}</h3><p class=\"text\">{text}</p>{pad}<div class=\"choices\">{choices}</div>\
         </div></section></main></body></html>",
        language = escape(&screen.language),
        title = escape(&screen.title),
        text = escape(&screen.text),
    )
}
