//! Plain HTTP with JSON, enough for the control interface and the page.

use reqwest::{Client, Method, RequestBuilder, Response, StatusCode};
use serde_json::Value;
use std::time::Duration;

/// One base address.
#[derive(Clone)]
pub struct Http {
    client: Client,
    base: String,
    /// A program's token, where the other end wants one.
    token: Option<String>,
}

impl Http {
    /// Requests below `base`, which ends with a slash.
    pub fn new(base: &str) -> Self {
        // Plain HTTP only, but the library wants to know which cryptography it would use. A second call finds
        // the same provider installed.
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        // Where an answer leads elsewhere, that is the answer.
        let client = Client::builder()
            .timeout(Duration::from_secs(120))
            .no_proxy()
            // The servers close a connection that has been idle for 5 s: a request must not cross that.
            .pool_idle_timeout(Duration::from_secs(1))
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .expect("a client");
        Self { client, base: base.into(), token: None }
    }

    /// The same, as a program with this token.
    pub fn with_token(&self, token: &str) -> Self {
        Self { token: Some(token.into()), ..self.clone() }
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let request = self.client.request(method, format!("{}{path}", self.base));
        match &self.token {
            Some(token) => request.bearer_auth(token),
            None => request,
        }
    }

    /// Sends a request; answers status and body (`null` where there is none).
    pub async fn send(&self, method: Method, path: &str, body: Option<Value>) -> (StatusCode, Value) {
        let mut request = self.request(method.clone(), path);
        if let Some(body) = body {
            request = request.json(&body);
        }
        let response = request.send().await.unwrap_or_else(|error| panic!("{method} {path}: {error:?}"));
        let status = response.status();
        let bytes = response.bytes().await.unwrap_or_default();
        (status, serde_json::from_slice(&bytes).unwrap_or(Value::Null))
    }

    /// An answer that goes on for as long as it is read.
    pub async fn stream(&self, path: &str) -> Response {
        self.request(Method::GET, path).send().await.unwrap_or_else(|error| panic!("{path}: {error:?}"))
    }

    /// Sends a request that must succeed.
    pub async fn must(&self, method: Method, path: &str, body: Option<Value>) -> Value {
        let (status, answer) = self.send(method.clone(), path, body.clone()).await;
        assert!(status.is_success(), "{method} {path} {body:?}: {status} {answer}");
        answer
    }

    /// The text at `path`, or nothing where nobody listens.
    pub async fn text(&self, path: &str) -> Option<String> {
        self.request(Method::GET, path).send().await.ok()?.text().await.ok()
    }

    /// The answer at `path` for a browser with this cookie, or nothing where nobody listens.
    pub async fn get_as(&self, cookie: &str, path: &str) -> Option<Response> {
        self.request(Method::GET, path).header("cookie", cookie).send().await.ok()
    }

    /// Sends a form as a page of the same site does; the answer, or nothing where nobody listens.
    pub async fn post_form(
        &self,
        path: &str,
        cookie: Option<&str>,
        fields: &[(&str, &str)],
    ) -> Option<Response> {
        let mut request = self.request(Method::POST, path).header("origin", self.base.trim_end_matches('/'));
        if let Some(cookie) = cookie {
            request = request.header("cookie", cookie);
        }
        request.form(fields).send().await.ok()
    }
}
