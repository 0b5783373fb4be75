//! The readers' pages and the interface that they use, over HTTP.

#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test, in helpers too")]

use madoguchi_simulator::{
    control,
    hospital::{Hospital, Options},
};
use reqwest::StatusCode;
use std::{net::TcpListener, sync::Arc, time::Duration};
use tokio::time::timeout;

struct Open {
    url: String,
    client: reqwest::Client,
    server: actix_web::dev::ServerHandle,
    _directory: tempfile::TempDir,
}

impl Open {
    async fn new() -> Self {
        // reqwest wants one, even for plain HTTP.
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let directory = tempfile::tempdir().unwrap();
        let options = Options {
            lanes: 2,
            directory: directory.path().into(),
            own_card: vec![],
            trust_ca: vec![],
            hotplug: false,
            stock_vpcd: false,
            readers_elsewhere: false,
            free_ports: true,
        };
        let hospital = Hospital::open(&options).await.unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let server = control::start(Arc::new(hospital), listener).unwrap();
        Self { url, client: reqwest::Client::new(), server, _directory: directory }
    }

    async fn get(&self, path: &str) -> reqwest::Response {
        self.client.get(format!("{}{path}", self.url)).send().await.unwrap()
    }
}

/// The next server-sent event, as JSON.
async fn event(stream: &mut reqwest::Response) -> serde_json::Value {
    let piece = timeout(Duration::from_secs(5), stream.chunk()).await.unwrap().unwrap().unwrap();
    let text = std::str::from_utf8(&piece).unwrap();
    let json = text.strip_prefix("data: ").and_then(|text| text.strip_suffix("\n\n"));
    serde_json::from_str(json.unwrap_or_else(|| panic!("one event at a time, not {text:?}"))).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_follow_their_lanes_and_load_nothing_from_elsewhere() {
    let open = Open::new().await;
    for path in ["/", "/reader/2"] {
        let page = open.get(path).await;
        assert_eq!(page.status(), StatusCode::OK);
        assert_eq!(page.headers()["content-security-policy"], "default-src 'self'; frame-ancestors 'none'");
        let text = page.text().await.unwrap();
        assert!(!text.contains("http://") && !text.contains("https://"), "{path}");
        let named = text.split('"').filter(|word| word.starts_with('/'));
        let mut files = 0;
        for file in named {
            assert_eq!(open.get(file).await.status(), StatusCode::OK, "{file}");
            files += 1;
        }
        assert!(files >= 4, "{path} names {files} files");
    }
    assert_eq!(open.get("/reader/3").await.status(), StatusCode::NOT_FOUND);
    assert_eq!(open.get("/events?lane=3").await.status(), StatusCode::NOT_FOUND);

    let mut stream = open.get("/events?lane=2").await;
    let first = event(&mut stream).await;
    assert_eq!((&first["lane"], &first["reader"]["slot"]), (&2.into(), &serde_json::Value::Null));
    let slot = open.client.put(format!("{}/lanes/2/slot", open.url));
    let put = slot.json(&serde_json::json!({"card": "my_number_card"})).send().await.unwrap();
    assert_eq!(put.status(), StatusCode::NO_CONTENT);
    assert_eq!(event(&mut stream).await["reader"]["slot"], "my_number_card");
    open.server.stop(false).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn description_names_what_is_served_and_refusals_say_why() {
    let open = Open::new().await;
    let description: serde_json::Value = open.get("/openapi.json").await.json().await.unwrap();
    let paths = description["paths"].as_object().unwrap();
    for path in ["/lanes", "/lanes/{lane}/screen", "/lanes/{lane}/touch", "/lanes/{lane}/pin", "/events"] {
        assert!(paths.contains_key(path), "{path}");
    }
    // Each described address that takes no body is really there.
    for (path, methods) in paths.iter().filter(|(path, _)| *path != "/events") {
        if methods.get("get").is_some() {
            let there = path.replace("{lane}", "1").replace("{card}", "android");
            let status = open
                .get(&format!("{there}{}", if there.ends_with("screen") { "?timeout_ms=1" } else { "" }))
                .await
                .status();
            let fits = match there.as_str() {
                // There is an administrator only where the simulator starts the gateway itself.
                "/administrator" => status == StatusCode::NOT_FOUND,
                _ => status == StatusCode::OK || status == StatusCode::GATEWAY_TIMEOUT,
            };
            assert!(fits, "{there}: {status}");
        }
    }
    let touch = open.client.post(format!("{}/lanes/1/touch", open.url));
    let refused = touch.json(&serde_json::json!({"choice": "use_phone"})).send().await.unwrap();
    assert_eq!(refused.status(), StatusCode::CONFLICT);
    let refusal: serde_json::Value = refused.json().await.unwrap();
    assert!(refusal["error"].is_string() && refusal["reason"].as_str().unwrap().contains("not connected"));
    open.server.stop(false).await;
}
