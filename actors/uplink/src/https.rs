//! The adapter: HTTPS with mutual TLS 1.3, as `CENTRE.md` says.

use crate::{
    centre::{EligibilityCentre, Failure, NotSent, WrongAnswer},
    settings::{Settings, SetupError, Target, ms},
    tls::Papers,
    wire::{self, MAX_ANSWER},
};
use jiff::Timestamp;
use madoguchi_protocol::{
    RequestId,
    eligibility::{ConfirmationAnswer, Eligibility, EligibilityQuery, Validity, Verdict},
    evidence::ConfirmationRequest,
    messages::uplink::Authenticate,
};
use reqwest::{
    Client, Method, RequestBuilder, Response, StatusCode,
    dns::{Addrs, Name, Resolve, Resolving},
    header::{CONTENT_TYPE, RETRY_AFTER},
    redirect, retry,
};
use rustls::{AlertDescription, CertificateError, ClientConfig};
use std::{
    error::Error as StdError,
    io,
    net::{IpAddr, SocketAddr},
    sync::{PoisonError, RwLock},
    time::Duration,
};

/// How long a connection is kept without a request. Below the centre's own limit, so that it is seldom the
/// centre that closes one.
const IDLE: Duration = Duration::from_secs(30);
const IDEMPOTENCY_KEY: &str = "Idempotency-Key";

/// The eligibility centre over HTTPS.
pub struct HttpsCentre {
    target: Target,
    tls: ClientConfig,
    connect: Duration,
    in_flight: usize,
    /// Replaced as a whole when an answer was not ours: its connections may be out of step.
    requests: RwLock<Client>,
    /// Probes have a connection of their own: they must neither wait for requests nor share their fate.
    probes: Client,
}

impl HttpsCentre {
    /// Reads the files and makes ready; connects to nobody yet.
    pub fn new(settings: &Settings) -> Result<Self, SetupError> {
        Self::bound(settings, None)
    }

    /// The same, for requests that leave from the address `source` only.
    pub fn bound(settings: &Settings, source: Option<IpAddr>) -> Result<Self, SetupError> {
        Self::with_papers(settings, &Papers::read(settings)?, source)
    }

    /// The same, with certificates that were read before.
    pub fn with_papers(
        settings: &Settings,
        papers: &Papers,
        source: Option<IpAddr>,
    ) -> Result<Self, SetupError> {
        let target = Target { source, ..settings.check()? };
        let tls = papers.0.clone();
        let connect = ms(settings.connect_ms);
        Ok(Self {
            requests: RwLock::new(client(&target, &tls, connect, settings.in_flight)?),
            probes: client(&target, &tls, ms(settings.probe_ms).min(connect), 1)?,
            in_flight: settings.in_flight,
            target,
            tls,
            connect,
        })
    }

    /// Where its requests leave from.
    pub fn source(&self) -> Option<IpAddr> {
        self.target.source
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let client = self.requests.read().unwrap_or_else(PoisonError::into_inner).clone();
        client.request(method, format!("{}{path}", self.target.base))
    }

    fn post(&self, path: &str, body: Result<Vec<u8>, serde_json::Error>) -> Result<RequestBuilder, Failure> {
        let body = body.map_err(|error| Failure::NotSent(NotSent::Other(error.to_string())))?;
        Ok(self.request(Method::POST, path).header(CONTENT_TYPE, "application/json").body(body))
    }

    /// Sends, and reads the answer with `read`.
    async fn exchange<T>(
        &self,
        request: RequestBuilder,
        within: Duration,
        read: impl FnOnce(&[u8]) -> Result<T, WrongAnswer>,
    ) -> Result<T, Failure> {
        let outcome = match send(request, within).await? {
            (StatusCode::OK, bytes) => read(&bytes).map_err(Failure::WrongAnswer),
            (status, _) => Err(Failure::Unexpected { status: status.as_u16() }),
        };
        if matches!(outcome, Err(Failure::WrongAnswer(_))) {
            self.renew();
        }
        outcome
    }

    /// Puts the connections out of use; requests under way on them end as they may.
    fn renew(&self) {
        match client(&self.target, &self.tls, self.connect, self.in_flight) {
            Ok(fresh) => *self.requests.write().unwrap_or_else(PoisonError::into_inner) = fresh,
            Err(error) => tracing::error!(%error, "connections could not be renewed"),
        }
    }
}

impl EligibilityCentre for HttpsCentre {
    async fn alive(&self, within: Duration) -> Result<(), Failure> {
        let request = self.probes.get(format!("{}/v1/alive", self.target.base));
        match send(request, within).await? {
            (StatusCode::NO_CONTENT, _) => Ok(()),
            (status, _) => Err(Failure::Unexpected { status: status.as_u16() }),
        }
    }

    async fn authenticate(&self, request: &Authenticate, within: Duration) -> Result<Verdict, Failure> {
        let post = self.post("/v1/authenticate", wire::authenticate_body(request))?;
        self.exchange(post, within, |bytes| wire::read_verdict(bytes, request.request_id)).await
    }

    async fn confirm(
        &self,
        request: &ConfirmationRequest,
        deferred: bool,
        within: Duration,
    ) -> Result<ConfirmationAnswer, Failure> {
        let id = request.request_id;
        let post = self
            .post("/v1/confirmations", wire::confirmation_body(request, deferred))?
            .header(IDEMPOTENCY_KEY, id.to_string());
        self.exchange(post, within, |bytes| wire::read_confirmation(bytes, id)).await
    }

    async fn find_confirmation(
        &self,
        request: RequestId,
        within: Duration,
    ) -> Result<Option<ConfirmationAnswer>, Failure> {
        let get = self.request(Method::GET, &format!("/v1/confirmations/{request}"));
        match self.exchange(get, within, |bytes| wire::read_confirmation(bytes, request)).await {
            Ok(answer) => Ok(Some(answer)),
            Err(Failure::Unexpected { status: 404 }) => Ok(None),
            Err(failure) => Err(failure),
        }
    }

    async fn query(
        &self,
        query: &EligibilityQuery,
        within: Duration,
    ) -> Result<(Validity, Option<Eligibility>), Failure> {
        let post = self.post("/v1/queries", wire::query_body(query))?;
        self.exchange(post, within, |bytes| wire::read_query(bytes, query.request_id)).await
    }
}

fn client(target: &Target, tls: &ClientConfig, connect: Duration, idle: usize) -> Result<Client, SetupError> {
    Client::builder()
        .tls_backend_preconfigured(tls.clone())
        .https_only(true)
        .http1_only()
        .no_proxy()
        .redirect(redirect::Policy::none())
        // What is tried again is decided in one place: the desk.
        .retry(retry::never())
        .referer(false)
        .user_agent(concat!("madoguchi/", env!("CARGO_PKG_VERSION")))
        .connect_timeout(connect)
        .tcp_nodelay(true)
        .pool_idle_timeout(IDLE)
        .pool_max_idle_per_host(idle)
        .local_address(target.source)
        .dns_resolver(OneHost(target.clone()))
        .build()
        .map_err(|error| SetupError::Client(describe(&error)))
}

/// Whatever name is asked for, the host of the setting is connected to; the name asked for is the one that the
/// certificate must bear. Where the settings give the centre's addresses, nobody is asked for them.
struct OneHost(Target);

impl Resolve for OneHost {
    fn resolve(&self, _: Name) -> Resolving {
        let Target { host, addresses, source, .. } = self.0.clone();
        Box::pin(async move {
            let found: Vec<SocketAddr> = if addresses.is_empty() {
                tokio::net::lookup_host((host, 0)).await?.collect()
            } else {
                addresses.into_iter().map(|address| (address, 0).into()).collect()
            };
            // Only addresses of its family can be connected to from `source`.
            let fits = |it: &SocketAddr| source.is_none_or(|source| source.is_ipv4() == it.is_ipv4());
            let found: Vec<_> = found.into_iter().filter(fits).collect();
            Ok(Box::new(found.into_iter()) as Addrs)
        })
    }
}

/// Sends and reads the whole answer within the deadline; turns every status that is none of a contract's
/// answers into its failure.
async fn send(request: RequestBuilder, within: Duration) -> Result<(StatusCode, Vec<u8>), Failure> {
    let mut response = request.timeout(within).send().await.map_err(|error| classify(&error))?;
    let status = response.status();
    let retry_after = retry_after(&response);
    let body = read_bounded(&mut response).await;
    if status.is_success() {
        return Ok((status, body?));
    }
    if let Some(error) = body.ok().as_deref().and_then(wire::read_error) {
        tracing::debug!(status = status.as_u16(), error, "the centre's error");
    }
    match status.as_u16() {
        status @ (429 | 503) => Err(Failure::Busy { status, retry_after }),
        status @ (400 | 413 | 415 | 422) => Err(Failure::Malformed { status }),
        status @ 500.. => Err(Failure::CentreFailed { status }),
        status => Err(Failure::Unexpected { status }),
    }
}

/// An answer over [`MAX_ANSWER`] is cut off: what is left of it is never read.
async fn read_bounded(response: &mut Response) -> Result<Vec<u8>, Failure> {
    let too_large = Failure::WrongAnswer(WrongAnswer::TooLarge);
    if response.content_length().is_some_and(|length| length > MAX_ANSWER as u64) {
        return Err(too_large);
    }
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| classify(&error))? {
        if body.len() + chunk.len() > MAX_ANSWER {
            return Err(too_large);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

/// RFC 9110, section 10.2.3: seconds, or a date.
fn retry_after(response: &Response) -> Option<Duration> {
    let text = response.headers().get(RETRY_AFTER)?.to_str().ok()?.trim();
    match text.parse() {
        Ok(seconds) => Some(Duration::from_secs(seconds)),
        Err(_) => {
            let at = jiff::fmt::rfc2822::parse(text).ok()?.timestamp();
            Duration::try_from(at.duration_since(Timestamp::now())).ok()
        }
    }
}

/// What an error of the client means: the difference between *nothing was sent* and *nobody knows* is what
/// everything else hangs on, so anything in doubt is *sent*.
fn classify(error: &reqwest::Error) -> Failure {
    let rustls = find_rustls(error);
    if error.is_connect() {
        return Failure::NotSent(match (rustls, find_io(error)) {
            (Some(rustls::Error::InvalidCertificate(CertificateError::Revoked)), _) => NotSent::Revoked,
            (Some(tls), _) => NotSent::Tls(tls.to_string()),
            _ if error.is_dns() => NotSent::NoAddress,
            (_, Some(kind)) if is_refusal(kind) => NotSent::Refused,
            _ if error.is_timeout() => NotSent::TimedOut,
            _ => NotSent::Other(describe(error)),
        });
    }
    // In TLS 1.3 the client has finished its handshake before the server judges its certificate: the refusal
    // comes as an alert after the request was written, and nobody has read it.
    match rustls {
        Some(rustls::Error::AlertReceived(alert)) if refuses_certificate(*alert) => Failure::NotSent(
            NotSent::Tls(format!("the centre refuses this terminal's certificate ({alert:?})")),
        ),
        _ if error.is_timeout() => Failure::TimedOut,
        _ => Failure::Lost,
    }
}

fn refuses_certificate(alert: AlertDescription) -> bool {
    use AlertDescription as A;
    matches!(
        alert,
        A::NoCertificate
            | A::BadCertificate
            | A::UnsupportedCertificate
            | A::CertificateRevoked
            | A::CertificateExpired
            | A::CertificateUnknown
            | A::UnknownCA
            | A::AccessDenied
            | A::CertificateRequired
    )
}

fn is_refusal(kind: io::ErrorKind) -> bool {
    use io::ErrorKind as K;
    matches!(
        kind,
        K::ConnectionRefused
            | K::NetworkUnreachable
            | K::HostUnreachable
            | K::NetworkDown
            | K::AddrNotAvailable
    )
}

/// The error and all its causes.
fn causes<'a>(error: &'a (dyn StdError + 'static)) -> impl Iterator<Item = &'a (dyn StdError + 'static)> {
    std::iter::successors(Some(error), |&error| {
        // An `io::Error` names the cause of what it wraps, and leaves out what it wraps.
        match error.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
            Some(wrapped) => Some(wrapped as &(dyn StdError + 'static)),
            None => error.source(),
        }
    })
    .take(16)
}

fn find_rustls<'a>(error: &'a (dyn StdError + 'static)) -> Option<&'a rustls::Error> {
    causes(error).find_map(|cause| cause.downcast_ref())
}

fn find_io(error: &(dyn StdError + 'static)) -> Option<io::ErrorKind> {
    causes(error).filter_map(|cause| cause.downcast_ref::<io::Error>()).map(io::Error::kind).last()
}

/// The innermost cause: the outer ones only say that a request failed.
fn describe(error: &(dyn StdError + 'static)) -> String {
    causes(error).last().map(ToString::to_string).unwrap_or_default()
}
