//! The loopback server: where it listens, who may ask, and what all answers share.
//!
//! Owns the listener, the key and the model, which is built by the first request that needs it. Never
//! binds anything but 127.0.0.1.
//!
//! ```text
//! start ─► listening ─► (first question) model loaded ─► … ─► dropped ─► connections end
//! ```

use super::chat;
use super::corpus;
use super::fault::{MODELS, Pace, RateLimit};
use super::llama;
use super::model::{Model, Random};
use super::refusal::Refusal;
use crate::core::fault::{Fault, FaultKind};
use crate::core::model::Encoding;
use crate::tokenizer;
use axum::Router;
use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{DefaultBodyLimit, Path, Request};
use axum::http::{HeaderValue, Method, StatusCode, Uri, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Json, Response};
use axum::routing::{get, post};
use axum::serve::ListenerExt;
use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// Longest body that is read.
const LONGEST_BODY: usize = 32 << 20;
/// Time to the first token of a server with a pace.
const FIRST_TOKEN: Duration = Duration::from_millis(150);

/// The model; it does not change, so all servers of the process share one.
static EMBEDDED: OnceLock<Model> = OnceLock::new();

/// Returns the model, building it on a blocking thread the first time.
pub(super) async fn model() -> Result<&'static Model, Refusal> {
    if let Some(model) = EMBEDDED.get() {
        return Ok(model);
    }
    let build = || Model::new(tokenizer::table(Encoding::O200kBase), corpus::embedded());
    tokio::task::spawn_blocking(move || EMBEDDED.get_or_init(build)).await.map_err(|_| chat::internal())
}

/// How a server is started.
#[derive(Clone, Default)]
pub struct Options {
    /// Port on 127.0.0.1; 0 takes any free one.
    pub port: u16,
    /// The key requests must carry; `None` answers everybody on this machine.
    pub key: Option<String>,
    /// Tokens a second; `None` answers as fast as possible.
    pub rate: Option<f64>,
    /// Where the seeds of requests without one come from.
    pub seed: u64,
}

impl std::fmt::Debug for Options {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Options")
            .field("port", &self.port)
            .field("key", &self.key.as_ref().map(|_| "…"))
            .field("rate", &self.rate)
            .finish_non_exhaustive()
    }
}

/// A running server; dropping it stops it.
#[derive(Debug)]
pub struct Server {
    port: u16,
    key: Option<String>,
    task: JoinHandle<()>,
    /// Dropped with the server; everything that runs for it waits for that.
    _alive: watch::Sender<()>,
}

impl Server {
    /// Starts a server.
    ///
    /// # Errors
    ///
    /// When the port cannot be listened on, or the rate is no positive number.
    pub async fn start(options: Options) -> Result<Self, Fault> {
        if options.rate.is_some_and(|rate| !rate.is_finite() || rate <= 0.0) {
            return Err(Fault::new(
                FaultKind::Local,
                "the rate must be a positive number of tokens a second",
            ));
        }
        let cannot = |error: std::io::Error| {
            let message = format!("cannot listen on 127.0.0.1:{}: {error}", options.port);
            Fault::new(FaultKind::Local, message).remedy("Choose another port, or 0 for any free one")
        };
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, options.port)).await.map_err(cannot)?;
        let port = listener.local_addr().map_err(cannot)?.port();
        let (alive, stopping) = watch::channel(());
        let key = options.key.clone();
        let mut stop = Stopping(stopping.clone());
        let state = Arc::new(State::new(options, stopping));
        let task = tokio::spawn(async move {
            // Without it, the kernel holds a token back until the one before is acknowledged.
            let listener = listener.tap_io(|connection| {
                let _ = connection.set_nodelay(true);
            });
            let serving = axum::serve(listener, router(&state))
                .with_graceful_shutdown(async move { stop.wait().await });
            // It retries failed accepts itself and ends only when it is told to.
            let _ = serving.await;
        });
        Ok(Self { port, key, task, _alive: alive })
    }

    /// Returns the base URL for clients, ending in `/v1`.
    #[must_use]
    pub fn base_url(&self) -> String {
        format!("http://127.0.0.1:{}/v1", self.port)
    }

    /// Returns the key requests must carry.
    #[must_use]
    pub fn key(&self) -> Option<&str> {
        self.key.as_deref()
    }

    /// Waits until the server ends, which it does only when the runtime shuts down.
    pub async fn stopped(self) {
        let Self { task, _alive, .. } = self;
        // An error means that it ended by being aborted or by a panic; either way it ended.
        let _ = task.await;
    }
}

/// What all requests share.
pub(super) struct State {
    key: Option<String>,
    pace: Option<Pace>,
    seeds: Mutex<Random>,
    stopping: watch::Receiver<()>,
    pub(super) rate_limit: RateLimit,
}

impl State {
    fn new(options: Options, stopping: watch::Receiver<()>) -> Self {
        Self {
            key: options.key,
            pace: options.rate.map(|rate| Pace { first: FIRST_TOKEN, rate }),
            seeds: Mutex::new(Random::new(options.seed)),
            stopping,
            rate_limit: RateLimit::default(),
        }
    }

    /// Returns the pace of the answers.
    pub(super) fn pace(&self) -> Option<Pace> {
        self.pace
    }

    /// Returns 64 random bits.
    pub(super) fn draw(&self) -> u64 {
        self.seeds.lock().unwrap_or_else(PoisonError::into_inner).bits()
    }

    /// Returns the seconds since 1970.
    #[expect(clippy::unused_self, reason = "the clock is part of what a server has")]
    pub(super) fn now(&self) -> u64 {
        SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
    }

    /// Returns what to wait on for the server's end.
    pub(super) fn stopping(&self) -> Stopping {
        Stopping(self.stopping.clone())
    }
}

/// Waits for the server's end.
pub(super) struct Stopping(watch::Receiver<()>);

impl Stopping {
    pub(super) async fn wait(&mut self) {
        // Nothing is ever sent: the only change is that the sender is gone.
        while self.0.changed().await.is_ok() {}
    }
}

fn router(state: &Arc<State>) -> Router {
    let (asked, listed, found) = (Arc::clone(state), Arc::clone(state), Arc::clone(state));
    let completions = post(move |body: Result<Bytes, BytesRejection>| async move {
        chat::answer(asked, body.map_err(|rejection| unreadable(&rejection))?).await
    });
    let completing = Arc::clone(state);
    let completion = post(move |body: Result<Bytes, BytesRejection>| async move {
        match body {
            Ok(body) => llama::completion(completing, body).await,
            Err(rejection) => unreadable(&rejection).into_response(),
        }
    });
    let list = get(move || async move { Json(super::body::models(listed.now())) });
    let one = get(move |Path(name): Path<String>| async move {
        match MODELS.iter().find(|(known, _)| *known == name) {
            Some((name, _)) => Ok(Json(super::body::model(name, found.now()))),
            None => Err(Refusal::of("model", format!("The model '{name}' does not exist"))
                .status(StatusCode::NOT_FOUND)
                .code("model_not_found")),
        }
    });
    let (identified, authorized) = (Arc::clone(state), Arc::clone(state));
    Router::new()
        .route("/v1/chat/completions", completions)
        .route("/v1/models", list)
        .route("/v1/models/{name}", one)
        .route("/completion", completion)
        .route("/tokenize", post(llama::tokenize))
        .route("/detokenize", post(llama::detokenize))
        .route("/apply-template", post(llama::apply_template))
        .route("/props", get(|| async { Json(llama::props()) }))
        .fallback(|method: Method, uri: Uri| async move {
            Refusal::new(StatusCode::NOT_FOUND, format!("Invalid URL ({method} {})", uri.path()))
        })
        .method_not_allowed_fallback(|method: Method, uri: Uri| async move {
            let message = format!(
                "Not allowed to {method} on {}. (HINT: Perhaps you meant to use a different HTTP method?)",
                uri.path()
            );
            Refusal::new(StatusCode::METHOD_NOT_ALLOWED, message).code("method_not_allowed")
        })
        .layer(DefaultBodyLimit::max(LONGEST_BODY))
        .layer(middleware::from_fn(move |request: Request, next: Next| {
            authorize(Arc::clone(&authorized), request, next)
        }))
        .layer(middleware::map_response(move |response: Response| {
            let id = format!("req_{:016x}", identified.draw());
            async move { identify(response, &id) }
        }))
}

/// Lets a request pass that carries the key.
async fn authorize(state: Arc<State>, request: Request, next: Next) -> Response {
    let Some(key) = &state.key else { return next.run(request).await };
    let given = request.headers().get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let given = given
        .and_then(|value| value.split_once(' '))
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"));
    let message = match given {
        Some((_, given)) if given.trim() == key => return next.run(request).await,
        Some(_) => "Incorrect API key provided. The sandbox was started with another one.",
        None => {
            "You didn't provide an API key. You need to provide it in an Authorization header using Bearer \
             auth (i.e. Authorization: Bearer YOUR_KEY)."
        }
    };
    let refusal = Refusal::new(StatusCode::UNAUTHORIZED, message);
    (if given.is_some() { refusal.code("invalid_api_key") } else { refusal }).into_response()
}

/// Gives a response its identifier.
fn identify(mut response: Response, id: &str) -> Response {
    if let Ok(id) = HeaderValue::from_str(id) {
        response.headers_mut().insert("x-request-id", id);
    }
    response
}

fn unreadable(rejection: &BytesRejection) -> Refusal {
    let status = rejection.status();
    if status == StatusCode::PAYLOAD_TOO_LARGE {
        let message = format!("The request is too large: a body has at most {LONGEST_BODY} bytes.");
        return Refusal::new(status, message).code("request_too_large");
    }
    Refusal::new(status, "The body of the request could not be read.")
}
