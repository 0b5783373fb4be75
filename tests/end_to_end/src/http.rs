//! Plain HTTP with JSON, enough for the control interface and the page.

use reqwest::{Client, Method, StatusCode};
use serde_json::Value;
use std::time::Duration;

/// One base address.
#[derive(Clone)]
pub struct Http {
    client: Client,
    base: String,
}

impl Http {
    /// Requests below `base`, which ends with a slash.
    pub fn new(base: &str) -> Self {
        // Plain HTTP only, but the library wants to know which cryptography it would use. A second call finds
        // the same provider installed.
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let client = Client::builder()
            .timeout(Duration::from_secs(120))
            .no_proxy()
            // The servers close a connection that has been idle for 5 s: a request must not cross that.
            .pool_idle_timeout(Duration::from_secs(1))
            .build();
        Self { client: client.expect("a client"), base: base.into() }
    }

    /// Sends a request; answers status and body (`null` where there is none).
    pub async fn send(&self, method: Method, path: &str, body: Option<Value>) -> (StatusCode, Value) {
        let mut request = self.client.request(method.clone(), format!("{}{path}", self.base));
        if let Some(body) = body {
            request = request.json(&body);
        }
        let response = request.send().await.unwrap_or_else(|error| panic!("{method} {path}: {error:?}"));
        let status = response.status();
        let bytes = response.bytes().await.unwrap_or_default();
        (status, serde_json::from_slice(&bytes).unwrap_or(Value::Null))
    }

    /// An answer that goes on for as long as it is read.
    pub async fn stream(&self, path: &str) -> reqwest::Response {
        self.client
            .get(format!("{}{path}", self.base))
            .send()
            .await
            .unwrap_or_else(|e| panic!("{path}: {e:?}"))
    }

    /// Sends a request that must succeed.
    pub async fn must(&self, method: Method, path: &str, body: Option<Value>) -> Value {
        let (status, answer) = self.send(method.clone(), path, body.clone()).await;
        assert!(status.is_success(), "{method} {path} {body:?}: {status} {answer}");
        answer
    }

    /// The text at `path`, or nothing where nobody listens.
    pub async fn text(&self, path: &str) -> Option<String> {
        self.client.get(format!("{}{path}", self.base)).send().await.ok()?.text().await.ok()
    }

    /// Sends a request with a bearer token.
    pub async fn post_as(&self, token: &str, path: &str, body: &Value) -> (StatusCode, Value) {
        let request = self.client.post(format!("{}{path}", self.base)).bearer_auth(token).json(body);
        let response = request.send().await.unwrap_or_else(|error| panic!("POST {path}: {error}"));
        let status = response.status();
        (status, response.json().await.unwrap_or(Value::Null))
    }
}
