//! The HTTP client of one endpoint.
//!
//! Owns the connection pool, the key and the limit on concurrency. `async-openai` builds the
//! requests (paths, headers, bodies); the response is taken from it before it reads a byte, because
//! its stream has neither back-pressure nor bounds and hides status and headers.
//!
//! Invariant: the key goes to the endpoint's own host only, and is in no message, record or log.

use super::completion::{TEMPLATE, root, template, template_body};
use super::decoder::Bounds;
use super::refusal::{Limit, Place};
use super::reply::model_names;
use super::retry::{Advice, Failure, Policy};
use super::run::Run;
use crate::core::endpoint::Endpoint;
use crate::core::fault::{Fault, FaultKind};
use crate::core::request::Request;
use crate::core::stream::StreamEvent;
use async_openai::config::Config;
use async_openai::error::OpenAIError;
use async_openai::middleware::HttpRequestFactory;
use futures_util::StreamExt;
use futures_util::stream::{self, Stream};
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue};
use reqwest::{Response, Url};
use secrecy::{ExposeSecret, SecretString};
use serde::de::IgnoredAny;
use serde_json::value::RawValue;
use std::error::Error;
use std::fmt::{self, Display, Formatter};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout, timeout_at};

/// Most that is read of an error's body, in bytes.
const ERROR_BYTES: usize = 256 * 1024;

/// Both forms, as some servers answer 406 where only the one they do not send is accepted.
const ACCEPTED: HeaderValue = HeaderValue::from_static("text/event-stream, application/json");

const JSON: &str = "application/json";

/// Sends requests to one endpoint. Clones share connections and limits.
#[derive(Clone)]
pub struct Client {
    shared: Arc<Shared>,
}

/// What the runs of a client share.
pub(super) struct Shared {
    openai: async_openai::Client<Door>,
    http: reqwest::Client,
    pub(super) endpoint: Endpoint,
    has_key: bool,
    base_url: Arc<str>,
    pub(super) permits: Arc<Semaphore>,
    pub(super) policy: Policy,
    pub(super) bounds: Bounds,
    runs: AtomicU64,
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("endpoint", &self.shared.endpoint.name).finish_non_exhaustive()
    }
}

impl Client {
    /// Returns a client for the endpoint; without a key no `Authorization` header is sent at all.
    ///
    /// # Errors
    /// When the base URL is none that can be asked, the key cannot be sent, or TLS cannot be set up.
    pub fn new(endpoint: &Endpoint, key: Option<SecretString>) -> Result<Self, Fault> {
        Self::with_policy(endpoint, key, Policy::default(), Bounds::default())
    }

    pub(crate) fn with_policy(
        endpoint: &Endpoint,
        key: Option<SecretString>,
        policy: Policy,
        bounds: Bounds,
    ) -> Result<Self, Fault> {
        let local = |message: String| Fault::new(FaultKind::Local, message);
        let url = base_url(endpoint)?;
        let has_key = key.is_some();
        let door = Door::new(&url, key).map_err(|_| {
            local(format!("The key of endpoint {} holds characters that cannot be sent", endpoint.name))
                .remedy("Look for a line break or quotes in it")
        })?;
        // An error only means that a provider is installed already.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let http = http_client(&url, endpoint).map_err(|error| {
            local(format!("Cannot set up connections to endpoint {}: {}", endpoint.name, innermost(&error)))
                .remedy("Check the certificates of this machine and its proxy settings")
        })?;
        let base_url = door.base.as_str().into();
        Ok(Self {
            shared: Arc::new(Shared {
                openai: async_openai::Client::build(http.clone(), door)
                    .with_http_service(handing_over(http.clone())),
                http,
                endpoint: endpoint.clone(),
                has_key,
                base_url,
                permits: Arc::new(Semaphore::new(
                    endpoint.limits.concurrency.clamp(1, Semaphore::MAX_PERMITS),
                )),
                policy,
                bounds,
                runs: AtomicU64::new(0),
            }),
        })
    }

    /// Returns the steps of one run of the request.
    ///
    /// Nothing is sent before the stream is polled, and dropping it closes the connection. It waits
    /// for its turn, then gives `Attempt`, maybe `Retrying` and further attempts, `Opened`, deltas,
    /// `Usage`, `Exchanged`, and as the last exactly one of `Finished` and `Failed`.
    pub fn run(&self, request: Arc<Request>) -> impl Stream<Item = StreamEvent> + Send + use<> {
        self.run_within(request, None)
    }

    /// Returns the steps of one run, as [`Self::run`] does. With a timeout the first byte and each further
    /// one are waited for so long, whatever the endpoint's own limits are.
    pub fn run_within(
        &self,
        request: Arc<Request>,
        timeout: Option<Duration>,
    ) -> impl Stream<Item = StreamEvent> + Send + use<> {
        let number = self.shared.runs.fetch_add(1, Ordering::Relaxed);
        let mut place = self.shared.place(Some(Arc::clone(&request.model)));
        if let Some(timeout) = timeout {
            place.wait_within(timeout);
        }
        let run = Run::new(Arc::clone(&self.shared), place, request, number);
        stream::unfold(run, |mut run| async move { run.next().await.map(|event| (event, run)) }).fuse()
    }

    /// Returns the names of the endpoint's models, in its order.
    ///
    /// # Errors
    /// When the endpoint cannot be reached, refuses, or sends no list.
    pub async fn models(&self) -> Result<Vec<String>, Fault> {
        let shared = &self.shared;
        let place = shared.place(None);
        let limit = within(shared.endpoint.limits.first_byte_ms);
        let sent = timeout(limit, shared.get_models(&place)).await;
        let mut response = match sent {
            Ok(Ok(response)) => response,
            Ok(Err(failure)) => return Err(*failure.fault),
            Err(_) => return Err(place.timed_out(Limit::FirstByte)),
        };
        if !response.status().is_success() {
            return Err(*shared.read_refusal(&place, &mut response).await.1.fault);
        }
        let text = shared.read_text(&place, &mut response, "is no list of models").await?;
        match model_names(&text) {
            Ok(Some(names)) => Ok(names),
            Ok(None) | Err(_) => Err(place.malformed("is no list of models", &text)),
        }
    }
}

impl Shared {
    /// Returns where a request for `model` goes, for the sentences of faults.
    pub(super) fn place(&self, model: Option<Arc<str>>) -> Place {
        Place {
            endpoint: Arc::clone(&self.endpoint.name),
            base_url: Arc::clone(&self.base_url),
            model,
            has_key: self.has_key,
            limits: self.endpoint.limits.clone(),
            has_timeout: false,
        }
    }

    /// Sends a completion request and returns its response, of whatever status, with the body unread.
    pub(super) async fn post(&self, place: &Place, body: &RawValue) -> Result<Response, Failure> {
        response(place, self.openai.chat().create_byot::<_, IgnoredAny>(body).await)
    }

    async fn get_models(&self, place: &Place) -> Result<Response, Failure> {
        response(place, self.openai.models().list_byot::<IgnoredAny>().await)
    }

    /// Returns the conversation of a request as the server's template writes it for the model.
    pub(super) async fn template(&self, place: &Place, request: &Request) -> Result<String, Failure> {
        let body = serde_json::value::to_raw_value(&template_body(request))
            .map_err(|error| unsent(place, &error.to_string()))?;
        let mut response = self.post_native(place, TEMPLATE, &body).await?;
        if !response.status().is_success() {
            let mut failure = self.read_refusal(place, &mut response).await.1;
            if failure.fault.kind == FaultKind::NotFound {
                failure.fault.remedy = format!(
                    "Set continues = \"prefill\" for endpoint {}: it takes no token numbers",
                    place.endpoint
                );
            }
            return Err(failure);
        }
        let what = "is no conversation as the model reads it";
        let text = self.read_text(place, &mut response, what).await.map_err(Failure::lasting)?;
        template(&text).ok_or_else(|| Failure::lasting(place.malformed(what, &text)))
    }

    /// Sends a request to a path of the server's own, outside its version.
    pub(super) async fn post_native(
        &self,
        place: &Place,
        path: &str,
        body: &RawValue,
    ) -> Result<Response, Failure> {
        let door = self.openai.config();
        let mut url = Url::parse(&format!("{}{path}", root(door.api_base())))
            .map_err(|error| unsent(place, &error.to_string()))?;
        if !door.query.is_empty() {
            url.query_pairs_mut().extend_pairs(&door.query);
        }
        let request = self.http.post(url).headers(door.headers()).header(CONTENT_TYPE, JSON);
        request.body(body.get().to_owned()).send().await.map_err(|error| transport(place, &error))
    }

    /// Reads the whole of a small response; `what` it otherwise is, for the sentence.
    async fn read_text(&self, place: &Place, response: &mut Response, what: &str) -> Result<String, Fault> {
        let mut body = Vec::new();
        let limit = within(self.endpoint.limits.between_bytes_ms);
        loop {
            match timeout(limit, response.chunk()).await {
                Err(_) => return Err(place.timed_out(Limit::BetweenBytes)),
                Ok(Err(error)) => return Err(place.cut(&innermost(&error))),
                Ok(Ok(None)) => return Ok(String::from_utf8_lossy(&body).into_owned()),
                Ok(Ok(Some(bytes))) if body.len() + bytes.len() > self.bounds.frame => {
                    return Err(place.malformed(&format!("{what}: it does not end"), ""));
                }
                Ok(Ok(Some(bytes))) => body.extend_from_slice(&bytes),
            }
        }
    }

    /// Reads a response that is no success; returns its body and what it means.
    pub(super) async fn read_refusal(&self, place: &Place, response: &mut Response) -> (String, Failure) {
        let status = response.status();
        if status.is_redirection() {
            let target = response.headers().get(http::header::LOCATION);
            let target = target.map(|target| String::from_utf8_lossy(target.as_bytes()));
            let target = target.map(|target| match response.url().join(&target) {
                Ok(url) => url.to_string(),
                Err(_) => target.into_owned(),
            });
            let fault = place.redirected(status.as_u16(), target.as_deref());
            return (String::new(), Failure::lasting(fault));
        }
        let mut body = Vec::new();
        let deadline = Instant::now() + within(self.endpoint.limits.between_bytes_ms);
        // The status already says that it failed: a body that stalls or breaks off only says less.
        while body.len() < ERROR_BYTES
            && let Ok(Ok(Some(bytes))) = timeout_at(deadline, response.chunk()).await
        {
            body.extend_from_slice(&bytes[..bytes.len().min(ERROR_BYTES - body.len())]);
        }
        let body = String::from_utf8_lossy(&body).into_owned();
        let advice = Advice::from_headers(response.headers(), SystemTime::now());
        let failure = Failure::reported(place.refused(status.as_u16(), &body), advice);
        (body, failure)
    }
}

/// Returns the endpoint's base URL, checked.
fn base_url(endpoint: &Endpoint) -> Result<Url, Fault> {
    let refuse = |what: &str| {
        let name = &endpoint.name;
        Fault::new(FaultKind::Local, format!("The base URL of endpoint {name} {what}"))
            .remedy("Write it like https://api.openai.com/v1 or http://127.0.0.1:8080/v1")
    };
    let mut url =
        Url::parse(endpoint.base_url.trim()).map_err(|error| refuse(&format!("is none: {error}")))?;
    if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() {
        return Err(refuse("does not begin with http:// or https:// and a host"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        // It would be sent as a second credential, and shown wherever the URL is.
        return Err(refuse("holds a user name or password; set a key instead"));
    }
    url.set_fragment(None);
    Ok(url)
}

fn http_client(url: &Url, endpoint: &Endpoint) -> reqwest::Result<reqwest::Client> {
    let builder = reqwest::Client::builder()
        .user_agent(concat!("tokenscope/", env!("CARGO_PKG_VERSION")))
        .connect_timeout(within(endpoint.limits.connect_ms))
        .redirect(reqwest::redirect::Policy::none());
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
    let is_loopback =
        host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback());
    if is_loopback {
        // A proxy from the environment cannot reach this machine's own servers.
        let builder = builder.no_proxy();
        // Without TLS the system's certificates, which take milliseconds to load, are not needed.
        if url.scheme() == "http" { builder.tls_certs_only([]).build() } else { builder.build() }
    } else {
        builder.build()
    }
}

/// The endpoint as `async-openai` sees it. Its own configurations read keys from the environment and
/// would send them to any host.
struct Door {
    base: String,
    query: Vec<(String, String)>,
    headers: HeaderMap,
    key: SecretString,
}

impl Door {
    fn new(url: &Url, key: Option<SecretString>) -> Result<Self, http::header::InvalidHeaderValue> {
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT, ACCEPTED);
        if let Some(key) = &key {
            let mut value = HeaderValue::try_from(format!("Bearer {}", key.expose_secret()))?;
            value.set_sensitive(true);
            headers.insert(AUTHORIZATION, value);
        }
        let mut base = url.clone();
        base.set_query(None);
        Ok(Self {
            base: base.as_str().trim_end_matches('/').to_owned(),
            query: url.query_pairs().into_owned().collect(),
            headers,
            key: key.unwrap_or_default(),
        })
    }
}

impl Config for Door {
    fn headers(&self) -> HeaderMap {
        self.headers.clone()
    }

    fn url(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }

    fn query(&self) -> Vec<(&str, &str)> {
        self.query.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect()
    }

    fn api_base(&self) -> &str {
        &self.base
    }

    fn api_key(&self) -> &SecretString {
        &self.key
    }
}

/// A response on its way past `async-openai`. The error is the one value of ours it passes on as it is.
#[derive(Debug)]
struct HandedOver(Response);

impl Display for HandedOver {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str("the response was handed over")
    }
}

impl Error for HandedOver {}

/// Returns the service that sends requests. Taking the place of the built-in one also switches off
/// its own retries, which nobody would see.
fn handing_over(
    http: reqwest::Client,
) -> impl tower::Service<HttpRequestFactory, Response = Response, Error = OpenAIError, Future: Send + 'static>
+ Clone
+ Send
+ Sync
+ 'static {
    tower::service_fn(move |factory: HttpRequestFactory| {
        let http = http.clone();
        async move {
            let response = http.execute(factory.build().await?).await?;
            Err(OpenAIError::Boxed(Box::new(HandedOver(response))))
        }
    })
}

/// Returns the response that was handed over, or why there is none.
fn response(place: &Place, result: Result<IgnoredAny, OpenAIError>) -> Result<Response, Failure> {
    match result {
        Err(OpenAIError::Boxed(error)) => match error.downcast::<HandedOver>() {
            Ok(handed) => Ok(handed.0),
            Err(error) => Err(unsent(place, &error.to_string())),
        },
        Err(OpenAIError::Reqwest(error)) => Err(transport(place, &error)),
        Err(error) => Err(unsent(place, &error.to_string())),
        Ok(_) => Err(unsent(place, "the response was lost")),
    }
}

fn unsent(place: &Place, reason: &str) -> Failure {
    let fault = place.unreachable(reason);
    Failure::lasting(Fault { kind: FaultKind::Local, ..fault })
}

/// Returns what a failure of the connection means.
fn transport(place: &Place, error: &reqwest::Error) -> Failure {
    if error.is_builder() {
        unsent(place, &innermost(error))
    } else if error.is_connect() && error.is_timeout() {
        Failure::passing(place.timed_out(Limit::Connect))
    } else if error.is_connect() {
        Failure::passing(place.unreachable(&innermost(error)))
    } else {
        let reason = innermost(error);
        // `hyper` says so of an answer that does not begin like HTTP, such as a TLS alert.
        if reason.starts_with("invalid HTTP") {
            Failure::lasting(place.no_http(&reason))
        } else {
            Failure::passing(place.cut(&reason))
        }
    }
}

/// Returns a limit as a duration. A configured "never" must not overflow the clock.
pub(super) fn within(ms: u64) -> Duration {
    const YEAR_MS: u64 = 365 * 24 * 3600 * 1000;
    Duration::from_millis(ms.min(YEAR_MS))
}

/// Returns the message of the error at the bottom: those above only say that something failed, and
/// repeat the URL.
pub(super) fn innermost(error: &dyn Error) -> String {
    let mut error = error;
    while let Some(source) = error.source() {
        error = source;
    }
    error.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::endpoint::{Limits, ProviderKind};

    fn endpoint(base_url: &str) -> Endpoint {
        Endpoint {
            name: "e".into(),
            base_url: base_url.into(),
            provider: ProviderKind::OpenaiChat,
            limits: Limits::default(),
            legacy_max_tokens: false,
        }
    }

    #[test]
    fn base_urls_that_cannot_be_asked_are_refused_with_the_remedy() {
        for url in ["", "api.openai.com/v1", "file:///etc/passwd", "http://user:secret@h/v1", "http://"] {
            let fault = Client::new(&endpoint(url), None).unwrap_err();
            assert_eq!(fault.kind, FaultKind::Local, "{url}");
            assert!(fault.remedy.contains("https://"), "{fault}");
            assert!(!fault.to_string().contains("secret"), "{fault}");
        }
    }

    #[test]
    fn paths_follow_the_base_url_and_its_query_is_kept() {
        let url = base_url(&endpoint(" http://h:1/v1/?api-version=2&x=%20 ")).unwrap();
        let door = Door::new(&url, None).unwrap();
        assert_eq!(door.url("/models"), "http://h:1/v1/models");
        assert_eq!(door.query(), [("api-version", "2"), ("x", " ")]);
    }

    #[test]
    fn a_key_is_sent_as_bearer_and_never_shown() {
        let url = base_url(&endpoint("http://h/v1")).unwrap();
        let door = Door::new(&url, Some("sk-secret".into())).unwrap();
        assert_eq!(door.headers[AUTHORIZATION], "Bearer sk-secret");
        assert!(!format!("{:?}", door.headers).contains("secret"));
        assert!(!Door::new(&url, None).unwrap().headers.contains_key(AUTHORIZATION));
        let fault = Client::new(&endpoint("http://h/v1"), Some("sk-secret\n".into())).unwrap_err();
        assert!(!fault.to_string().contains("secret"), "{fault}");
        let client = Client::new(&endpoint("http://h/v1"), Some("sk-secret".into())).unwrap();
        assert_eq!(format!("{client:?}"), "Client { endpoint: \"e\", .. }");
    }
}
