//! Where Prometheus finds the metrics, and who may read them.

use super::Reason;
use serde::Deserialize;
use std::{
    net::{IpAddr, SocketAddr},
    path::PathBuf,
};

/// The listener of `/metrics`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Metrics {
    /// Where it listens: loopback, or one address of the hospital's side.
    pub listen: SocketAddr,
    /// TLS; required where it does not listen on loopback.
    pub tls: Option<MetricsTls>,
    /// A password (HTTP basic authentication).
    pub password: Option<MetricsPassword>,
}

/// The listener's certificate, and whose clients it takes.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MetricsTls {
    /// Certificate chain, PEM.
    pub certificate: PathBuf,
    /// Its private key, PEM.
    pub key: PathBuf,
    /// The authority that issued the certificates of those who may scrape, PEM. Without it none is asked for.
    pub client_ca: Option<PathBuf>,
}

/// Who may scrape by password.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MetricsPassword {
    /// The name.
    pub user: String,
    /// A file with the password in it, which others must not be able to read.
    pub file: PathBuf,
}

impl Default for Metrics {
    fn default() -> Self {
        Self { listen: SocketAddr::from(([127, 0, 0, 1], 9480)), tls: None, password: None }
    }
}

impl Metrics {
    /// What is wrong with these settings; `centre` is the address of the line's far end, where it is known.
    pub(super) fn contradiction(&self, centre: Option<IpAddr>) -> Option<Reason> {
        let address = self.listen.ip();
        let wrong = |key| Some(Reason::of("metrics.listen", key, &[("address", &address.to_string())]));
        if address.is_unspecified() {
            return wrong("mistake-metrics-everywhere");
        }
        if address.is_loopback() {
            return None;
        }
        if centre == Some(address) {
            return wrong("mistake-metrics-line");
        }
        match &self.tls {
            None => wrong("mistake-metrics-tls"),
            Some(tls) if tls.client_ca.is_none() && self.password.is_none() => wrong("mistake-metrics-who"),
            Some(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wrong(listen: &str, tls: Option<bool>, password: bool) -> Option<Reason> {
        let metrics = Metrics {
            listen: listen.parse().unwrap(),
            tls: tls.map(|client_ca| MetricsTls {
                certificate: "/c".into(),
                key: "/k".into(),
                client_ca: client_ca.then(|| "/ca".into()),
            }),
            password: password.then(|| MetricsPassword { user: "prometheus".into(), file: "/p".into() }),
        };
        metrics.contradiction("203.0.113.7".parse().ok())
    }

    #[test]
    fn off_loopback_nobody_scrapes_without_tls_and_proof_of_who_they_are() {
        assert_eq!(wrong("127.0.0.1:9480", None, false), None);
        assert_eq!(wrong("192.0.2.1:9480", Some(true), false), None);
        assert_eq!(wrong("192.0.2.1:9480", Some(false), true), None);
        assert!(wrong("192.0.2.1:9480", None, true).is_some());
        assert!(wrong("192.0.2.1:9480", Some(false), false).is_some());
    }

    #[test]
    fn the_lines_side_is_refused() {
        for listen in ["0.0.0.0:9480", "[::]:9480", "203.0.113.7:9480"] {
            assert!(wrong(listen, Some(true), true).is_some(), "{listen}");
        }
    }
}
