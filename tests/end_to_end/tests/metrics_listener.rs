//! Who may scrape: with TLS, client certificates and a password on the listener, a real client and a real Prometheus get
//! the metrics with all three and nothing with less.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a failed step is a failed test")]

use madoguchi_end_to_end::{House, Options, prometheus::Prometheus};
use madoguchi_simulator::pki::tls::{Identity, TlsAuthority, Validity};
use reqwest::Client;
use rustls::{ClientConfig, RootCertStore};
use std::{fs, os::unix::fs::PermissionsExt, time::Duration};

/// Actors say their figures every five seconds; a busy machine may take its time.
const WITHIN: Duration = Duration::from_secs(60);
const USER: &str = "prometheus";
const PASSWORD: &str = "an invented password";

fn client(authority: &TlsAuthority, identity: Option<&Identity>) -> Client {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let mut roots = RootCertStore::empty();
    roots.add(authority.certificate_der()).unwrap();
    let config = ClientConfig::builder().with_root_certificates(roots);
    let config = match identity {
        Some(identity) => {
            config.with_client_auth_cert(vec![identity.certificate_der()], identity.key_der()).unwrap()
        }
        None => config.with_no_client_auth(),
    };
    Client::builder().tls_backend_preconfigured(config).no_proxy().build().unwrap()
}

/// The status and the body of a scrape; nothing where there was no connection.
async fn scrape(
    client: &Client,
    url: &str,
    password: Option<&str>,
    accept: &str,
) -> Option<(u16, String, String)> {
    let mut request = client.get(url).header("accept", accept);
    if let Some(password) = password {
        request = request.basic_auth(USER, Some(password));
    }
    let answer = request.send().await.ok()?;
    let kind = answer.headers().get("content-type").map_or("", |it| it.to_str().unwrap()).to_owned();
    Some((answer.status().as_u16(), kind, answer.text().await.ok()?))
}

#[tokio::test(flavor = "multi_thread")]
async fn only_who_has_certificate_and_password_gets_the_metrics() {
    let options = Options {
        lanes: 1,
        append: format!(
            "\n[metrics.tls]\ncertificate = \"METRICS/box.pem\"\nkey = \"METRICS/box.key\"\nclient_ca = \"METRICS/scrapers.pem\"\n\
             \n[metrics.password]\nuser = \"{USER}\"\nfile = \"METRICS/password\"\n"
        ),
        ..Options::default()
    };
    let mut house = House::hospital(options).await;
    let folder = house.directory().join("metrics");
    fs::create_dir(&folder).unwrap();
    let boxes = TlsAuthority::new("boxes").unwrap();
    boxes.write(&folder, "boxes").unwrap();
    boxes.server(&["127.0.0.1"], Validity::days(90)).unwrap().write(&folder, "box").unwrap();
    let scrapers = TlsAuthority::new("scrapers").unwrap();
    scrapers.write(&folder, "scrapers").unwrap();
    let prometheus = scrapers.client("prometheus", Validity::days(90)).unwrap();
    prometheus.write(&folder, "prometheus").unwrap();
    let stranger = TlsAuthority::new("strangers").unwrap().client("prometheus", Validity::days(90)).unwrap();
    let expired = scrapers.client("prometheus", Validity::expired()).unwrap();
    fs::write(folder.join("password"), PASSWORD).unwrap();
    fs::set_permissions(folder.join("password"), fs::Permissions::from_mode(0o600)).unwrap();
    let config = fs::read_to_string(house.config()).unwrap();
    fs::write(house.config(), config.replace("METRICS", &folder.display().to_string())).unwrap();
    house.start_gateway();
    house.ready().await;

    let plain = format!("{}metrics", house.addresses["gateway_metrics"].as_str().unwrap());
    let url = plain.replace("http://", "https://");
    let known = client(&boxes, Some(&prometheus));
    let text = "text/plain;version=0.0.4";
    let (status, kind, body) = scrape(&known, &url, Some(PASSWORD), text).await.unwrap();
    assert_eq!((status, kind.split(';').next().unwrap()), (200, "text/plain"));
    assert!(body.contains("\nmadoguchi_lanes 1\n"), "{body}");
    assert!(
        body.contains("madoguchi_certificate_expiry_timestamp_seconds{certificate=\"metrics\"}"),
        "{body}"
    );
    let open = "application/openmetrics-text;version=1.0.0";
    let (status, kind, body) = scrape(&known, &url, Some(PASSWORD), open).await.unwrap();
    assert_eq!((status, kind.split(';').next().unwrap()), (200, "application/openmetrics-text"));
    assert!(body.ends_with("# EOF\n"));
    // A certificate alone is not enough, nor is a password.
    for password in [None, Some("another password")] {
        let (status, _, body) = scrape(&known, &url, password, text).await.unwrap();
        assert_eq!((status, body.as_str()), (401, ""));
    }
    for identity in [None, Some(&stranger), Some(&expired)] {
        assert_eq!(scrape(&client(&boxes, identity), &url, Some(PASSWORD), text).await, None);
    }
    // Without TLS there is nothing that a scrape could read.
    let answer = scrape(&known, &plain, Some(PASSWORD), text).await;
    assert!(answer.is_none_or(|(status, _, body)| status != 200 && !body.contains("madoguchi_")));

    // The same for Prometheus: one job as its configuration describes it, and one without certificate or password.
    let server = Prometheus::watching(&house, |config| {
        let job = "  - job_name: madoguchi\n";
        assert!(config.contains(job));
        let (before, rest) = config.split_once(job).unwrap();
        let tls = |client: &str| {
            format!(
                "    scheme: https\n    tls_config: {{ca_file: {0}/boxes.pem{client}}}\n",
                folder.display()
            )
        };
        let own = format!(", cert_file: {0}/prometheus.pem, key_file: {0}/prometheus.key", folder.display());
        let password =
            format!("    basic_auth: {{username: {USER}, password_file: {}/password}}\n", folder.display());
        let stranger = "  - job_name: stranger\n";
        let without = "  - job_name: without_password\n";
        format!(
            "{before}{job}{}{password}{rest}{stranger}{}{password}{targets}{without}{}{targets}",
            tls(&own),
            tls(""),
            tls(&own),
            targets = rest
                .split_once("    static_configs")
                .map(|(_, it)| format!("    static_configs{it}"))
                .unwrap(),
        )
    })
    .await;
    for (job, is_up) in [("madoguchi", 1.0), ("stranger", 0.0), ("without_password", 0.0)] {
        server.until(&format!("up{{job=\"{job}\"}}"), WITHIN, |up| up == is_up).await;
    }
    let refused = "madoguchi_metrics_scrapes_refused_total{job=\"madoguchi\"}";
    server.until(refused, WITHIN, |count| count >= 2.0).await;
}
