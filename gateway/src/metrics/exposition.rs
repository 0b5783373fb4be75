//! The two forms in which Prometheus takes metrics: its own text, and OpenMetrics.

use super::sheet::Sheet;
use actix_web::http::header::Accept;
use madoguchi_protocol::figures::{Family, Kind, Value};
use prometheus::{Encoder, TextEncoder};
use std::fmt::Write as _;

/// A form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// Prometheus' own text, version 0.0.4.
    Text,
    /// OpenMetrics, version 1.0.0.
    OpenMetrics,
}

impl Form {
    /// The one that the client prefers; text where it does not say.
    pub(super) fn preferred(accept: &Accept) -> Self {
        let known = accept.ranked().into_iter().find_map(|mime| {
            match (mime.type_().as_str(), mime.subtype().as_str()) {
                ("application", "openmetrics-text") => Some(Self::OpenMetrics),
                ("text" | "*", _) => Some(Self::Text),
                _ => None,
            }
        });
        known.unwrap_or(Self::Text)
    }

    pub(super) const fn content_type(self) -> &'static str {
        match self {
            Self::Text => "text/plain; version=0.0.4; charset=utf-8",
            Self::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
        }
    }

    pub(super) fn write(self, sheet: &Sheet) -> prometheus::Result<String> {
        match self {
            Self::Text => {
                let mut bytes = Vec::new();
                TextEncoder::new().encode(&sheet.metric_families(), &mut bytes)?;
                String::from_utf8(bytes).map_err(|e| prometheus::Error::Msg(e.to_string()))
            }
            // The library does not write this form.
            Self::OpenMetrics => Ok(open_metrics(sheet)),
        }
    }
}

/// A family's name without what OpenMetrics keeps for its samples.
fn base(family: Family) -> &'static str {
    let name = family.name();
    name.strip_suffix("_total").unwrap_or(name)
}

/// Writing into a `String` can't fail, so these results say nothing.
fn open_metrics(sheet: &Sheet) -> String {
    let mut out = String::new();
    for (family, series) in sheet.families() {
        let (base, kind) = (base(family), family.kind());
        let type_name = match kind {
            Kind::Counter => "counter",
            Kind::Gauge => "gauge",
            Kind::Histogram(_) => "histogram",
        };
        let _ = writeln!(out, "# TYPE {base} {type_name}");
        for unit in ["seconds", "bytes"] {
            if base.ends_with(&format!("_{unit}")) {
                let _ = writeln!(out, "# UNIT {base} {unit}");
            }
        }
        let _ = writeln!(out, "# HELP {base} {}", escaped(family.help()));
        for (labels, value) in series {
            let pairs: Vec<_> = family
                .label_names()
                .zip(labels)
                .map(|(name, value)| format!("{name}=\"{}\"", escaped(value)))
                .collect();
            sample(&mut out, family, &pairs, value);
        }
    }
    out.push_str("# EOF\n");
    out
}

fn sample(out: &mut String, family: Family, pairs: &[String], value: &Value) {
    let name = family.name();
    match (value, family.kind()) {
        (Value::Histogram { sum, counts }, Kind::Histogram(bounds)) => {
            let mut upto = 0;
            // Numbers in labels are written as floats, always.
            let ends = bounds.iter().map(|bound| format!("{bound:?}")).chain(["+Inf".to_string()]);
            for (end, count) in ends.zip(counts) {
                upto += count;
                let mut pairs = pairs.to_vec();
                pairs.push(format!("le=\"{end}\""));
                let _ = writeln!(out, "{name}_bucket{} {upto}", braces(&pairs));
            }
            let _ = writeln!(out, "{name}_count{} {upto}", braces(pairs));
            let _ = writeln!(out, "{name}_sum{} {sum:?}", braces(pairs));
        }
        (Value::Number(value), _) => {
            let _ = writeln!(out, "{name}{} {value:?}", braces(pairs));
        }
        (Value::Histogram { .. }, _) => {}
    }
}

fn braces(pairs: &[String]) -> String {
    if pairs.is_empty() { String::new() } else { format!("{{{}}}", pairs.join(",")) }
}

fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('\n', "\\n").replace('"', "\\\"")
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::{http::header::Header, test::TestRequest};

    fn form(accept: &str) -> Form {
        let request = TestRequest::default().insert_header(("accept", accept)).to_http_request();
        Form::preferred(&Accept::parse(&request).unwrap())
    }

    #[test]
    fn the_client_chooses_the_form() {
        let prometheus = "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,\
                          text/plain;version=0.0.4;q=0.5,*/*;q=0.1";
        assert_eq!(form(prometheus), Form::OpenMetrics);
        assert_eq!(form("text/plain,application/openmetrics-text;q=0.1"), Form::Text);
        assert_eq!(form("*/*"), Form::Text);
        assert_eq!(form("image/png"), Form::Text);
    }
}
