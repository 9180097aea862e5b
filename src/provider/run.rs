//! One run of a request: attempts, waits, the answer, one ending.
//!
//! Owns the order of the events and the times within which a server must act. Never looks into what
//! arrives; that is the decoder's.
//!
//! ```text
//! Queued ─ permit ─► Sending ─ response ─► Reading ─ ending ─► Ended
//!                     ▲  └── failed ──┐      │ failed before the first delta
//!                     └─── Waiting ◄──┴──────┘
//! ```
//!
//! Invariant: nothing is spawned, so dropping a run drops its connection; and nothing is sent again
//! once a part of the answer was handed on.

use super::body::request_body;
use super::client::{Shared, innermost, within};
use super::completion::{COMPLETION, completion_body, given_tokens, root};
use super::decoder::{Decoder, Ending};
use super::refusal::{Limit, Place, quoted};
use super::retry::{Advice, Failure};
use super::said::Wire;
use crate::core::bench::limiter::RateLimits;
use crate::core::exchange::Exchange;
use crate::core::fault::{Fault, FaultKind};
use crate::core::request::Request;
use crate::core::stream::StreamEvent;
use http::HeaderMap;
use reqwest::Response;
use serde_json::value::RawValue;
use std::collections::VecDeque;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::{Instant, sleep, timeout_at};

/// Longest wait for what may follow a complete answer (usage, `[DONE]`, the end of the body): servers
/// that leave the connection open would otherwise keep it going for the whole between-bytes limit.
const TRAILER: Duration = Duration::from_secs(2);

/// Headers under which servers give a request its id.
const REQUEST_ID_HEADERS: [&str; 3] = ["x-request-id", "request-id", "apim-request-id"];

/// One run.
pub(super) struct Run {
    shared: Arc<Shared>,
    request: Arc<Request>,
    place: Place,
    /// Number among the client's runs; makes the jitter differ between them.
    number: u64,
    attempt: u32,
    wire: Wire,
    body: Option<Box<RawValue>>,
    exchange: Exchange,
    permit: Option<OwnedSemaphorePermit>,
    phase: Phase,
    events: VecDeque<StreamEvent>,
}

enum Phase {
    Queued,
    Sending,
    Reading(Box<Reading>),
    Waiting(Duration),
    Ended,
}

struct Reading {
    response: Response,
    decoder: Decoder,
    request_id: Option<Box<str>>,
    sent: Instant,
    /// Whether any byte of the body has arrived.
    begun: bool,
}

impl Run {
    /// Returns a run that has not begun.
    pub(super) fn new(shared: Arc<Shared>, place: Place, request: Arc<Request>, number: u64) -> Self {
        let wire = if given_tokens(&request).is_some() { Wire::Completion } else { Wire::Chat };
        Self {
            wire,
            shared,
            request,
            place,
            number,
            attempt: 0,
            body: None,
            exchange: Exchange::default(),
            permit: None,
            phase: Phase::Queued,
            events: VecDeque::new(),
        }
    }

    /// Returns the next event, `None` after the ending.
    pub(super) async fn next(&mut self) -> Option<StreamEvent> {
        loop {
            if let Some(event) = self.events.pop_front() {
                return Some(event);
            }
            self.phase = match std::mem::replace(&mut self.phase, Phase::Ended) {
                Phase::Queued => self.enter().await,
                Phase::Sending => self.send().await,
                Phase::Reading(reading) => self.read(reading).await,
                Phase::Waiting(delay) => {
                    sleep(delay).await;
                    self.begin()
                }
                Phase::Ended => return None,
            };
        }
    }

    async fn enter(&mut self) -> Phase {
        // Held until the run ends, waits included: a server that is busy is not helped by others' requests.
        self.permit = Arc::clone(&self.shared.permits).acquire_owned().await.ok();
        self.begin()
    }

    fn begin(&mut self) -> Phase {
        self.attempt += 1;
        self.events.push_back(StreamEvent::Attempt { number: self.attempt });
        Phase::Sending
    }

    async fn send(&mut self) -> Phase {
        self.exchange = Exchange::default();
        let sent = Instant::now();
        let deadline = sent + within(self.place.limits.first_byte_ms);
        let posted = timeout_at(deadline, self.post()).await;
        let mut response = match posted {
            Ok(Ok(response)) => response,
            Ok(Err(failure)) => return self.end(Err(failure), false),
            Err(_) => {
                // Not sent again: the server may well be at work on it, and would only have more to do.
                return self.end(Err(Failure::lasting(self.place.timed_out(Limit::FirstByte))), false);
            }
        };
        self.exchange.status = Some(response.status().as_u16());
        self.exchange.headers = kept_headers(response.headers());
        let request_id = request_id(response.headers());
        let header = |name: &str| response.headers().get(name).and_then(|value| value.to_str().ok());
        self.events.extend(RateLimits::from_headers(header).map(StreamEvent::Limits));
        if response.status().is_success() {
            let advice = Advice::from_headers(response.headers(), SystemTime::now());
            let bounds = self.shared.bounds.clone();
            let decoder = Decoder::new(self.wire, self.place.clone(), advice, request_id.clone(), bounds);
            return Phase::Reading(Box::new(Reading { response, decoder, request_id, sent, begun: false }));
        }
        let (body, mut failure) = self.shared.read_refusal(&self.place, &mut response).await;
        self.exchange.push(sent.elapsed(), &body);
        failure.fault.request_id = request_id.map(String::from);
        self.end(Err(failure), false)
    }

    /// Sends the request; before it, where the answer is to go on from tokens, asks for what they follow.
    async fn post(&mut self) -> Result<Response, Failure> {
        let tokens = given_tokens(&self.request);
        self.exchange.url = match tokens {
            Some(_) => format!("{}{COMPLETION}", root(&self.place.base_url)),
            None => format!("{}/chat/completions", self.place.base_url),
        };
        let body = match self.body.take() {
            Some(body) => body,
            None => self.written(tokens).await?,
        };
        let body = self.body.insert(body);
        match tokens {
            Some(_) => self.shared.post_native(&self.place, COMPLETION, body).await,
            None => self.shared.post(&self.place, body).await,
        }
    }

    /// Returns the body of the request, which all attempts send.
    async fn written(&self, tokens: Option<&[u32]>) -> Result<Box<RawValue>, Failure> {
        let body = match tokens {
            Some(tokens) => {
                let template = self.shared.template(&self.place, &self.request).await?;
                completion_body(&self.request, &template, tokens)
            }
            None => request_body(&self.request, &self.shared.endpoint),
        };
        serde_json::value::to_raw_value(&body).map_err(|error| {
            let message =
                format!("The request to endpoint {} cannot be written: {error}", self.place.endpoint);
            Failure::lasting(Fault::new(FaultKind::Local, message))
        })
    }

    async fn read(&mut self, mut reading: Box<Reading>) -> Phase {
        let limits = &self.place.limits;
        let between = within(limits.between_bytes_ms);
        let (limit, deadline) = if reading.decoder.is_complete() {
            (Limit::BetweenBytes, Instant::now() + between.min(TRAILER))
        } else if reading.begun {
            (Limit::BetweenBytes, Instant::now() + between)
        } else {
            (Limit::FirstByte, reading.sent + within(limits.first_byte_ms))
        };
        let chunk = timeout_at(deadline, reading.response.chunk()).await;
        let at = reading.sent.elapsed();
        let flow = match chunk {
            Ok(Ok(Some(bytes))) => {
                reading.begun = true;
                reading.decoder.feed(&bytes, at, &mut self.exchange)
            }
            Ok(Ok(None)) => ControlFlow::Break(reading.decoder.finish(at, &mut self.exchange)),
            Ok(Err(error)) => {
                let failure = Failure::passing(self.place.cut(&innermost(&error)));
                ControlFlow::Break(reading.decoder.interrupted(failure))
            }
            Err(_) => {
                let failure = Failure::lasting(self.place.timed_out(limit));
                ControlFlow::Break(reading.decoder.interrupted(failure))
            }
        };
        self.events.extend(reading.decoder.events());
        match flow {
            ControlFlow::Continue(()) => Phase::Reading(reading),
            ControlFlow::Break(mut ending) => {
                if let Err(failure) = &mut ending {
                    failure.fault.request_id = reading.request_id.take().map(String::from);
                }
                self.end(ending, reading.decoder.has_shown())
            }
        }
    }

    /// Ends the attempt, and with it the run unless another follows.
    fn end(&mut self, ending: Ending, has_shown: bool) -> Phase {
        let event = match ending {
            Ok(reason) => StreamEvent::Finished(reason),
            Err(mut failure) => {
                let retries = if has_shown { 0 } else { self.place.limits.retries };
                let delay = self.shared.policy.delay(&mut failure, self.number, self.attempt, retries);
                if let Some(delay) = delay.filter(|_| !has_shown) {
                    let delay_ms = u64::try_from(delay.as_millis()).unwrap_or(u64::MAX);
                    self.events.push_back(StreamEvent::Retrying { fault: *failure.fault, delay_ms });
                    return Phase::Waiting(delay);
                }
                StreamEvent::Failed(*failure.fault)
            }
        };
        let body = self.body.take().map(Box::<str>::from);
        let mut exchange = std::mem::take(&mut self.exchange);
        exchange.request = body.map(String::from).unwrap_or_default();
        self.events.push_back(StreamEvent::Exchanged(Arc::new(exchange)));
        self.events.push_back(event);
        self.permit = None;
        Phase::Ended
    }
}

/// Returns the headers as they are kept: printable, cut, and without cookies.
fn kept_headers(headers: &HeaderMap) -> Vec<(String, String)> {
    headers
        .iter()
        .filter(|(name, _)| !name.as_str().starts_with("set-cookie"))
        .map(|(name, value)| (name.to_string(), quoted(&String::from_utf8_lossy(value.as_bytes()))))
        .collect()
}

fn request_id(headers: &HeaderMap) -> Option<Box<str>> {
    let value = REQUEST_ID_HEADERS.iter().find_map(|name| headers.get(*name))?;
    Some(quoted(&String::from_utf8_lossy(value.as_bytes())).into())
}

#[cfg(test)]
mod tests {
    use super::super::client::Client;
    use super::super::decoder::Bounds;
    use super::super::retry::Policy;
    use super::*;
    use crate::core::endpoint::{Endpoint, Limits, ProviderKind};
    use crate::core::request::Sampling;
    use futures_util::StreamExt;
    use http::HeaderValue;

    /// Returns the events of a run against a port where nobody listens.
    async fn unanswered(retries: u32) -> Vec<StreamEvent> {
        // Bound but not listening: the port is refused, and nobody else can get it.
        let socket = tokio::net::TcpSocket::new_v4().unwrap();
        socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let address = socket.local_addr().unwrap();
        let endpoint = Endpoint {
            name: "e".into(),
            base_url: format!("http://{address}/v1"),
            provider: ProviderKind::OpenaiChat,
            limits: Limits { retries, first_byte_ms: u64::MAX, ..Limits::default() },
            legacy_max_tokens: false,
        };
        let policy = Policy { base: Duration::from_millis(8), seed: 1, ..Policy::default() };
        let client = Client::with_policy(&endpoint, None, policy, Bounds::default()).unwrap();
        let request = Request {
            endpoint: "e".into(),
            model: "m".into(),
            messages: Vec::new(),
            sampling: Sampling::default(),
            continuation: None,
            stream: true,
        };
        client.run(Arc::new(request)).collect().await
    }

    #[tokio::test]
    async fn a_connection_that_fails_is_tried_again_after_growing_delays() {
        let mut events = unanswered(2).await.into_iter();
        for (number, delays) in [(1, 6..=8), (2, 12..=16)] {
            assert_eq!(events.next(), Some(StreamEvent::Attempt { number }));
            let Some(StreamEvent::Retrying { fault, delay_ms }) = events.next() else {
                panic!("no retry after attempt {number}")
            };
            assert_eq!(fault.kind, FaultKind::Unreachable);
            assert!(delays.contains(&delay_ms), "{delay_ms}");
        }
        assert_eq!(events.next(), Some(StreamEvent::Attempt { number: 3 }));
        assert!(matches!(events.next(), Some(StreamEvent::Exchanged(exchange)) if exchange.status.is_none()));
        assert!(matches!(events.next(), Some(StreamEvent::Failed(_))));
        assert_eq!(events.next(), None);
    }

    #[test]
    fn kept_headers_hold_no_cookies_and_nothing_hostile() {
        let mut headers = HeaderMap::new();
        headers.insert("set-cookie", HeaderValue::from_static("session=1"));
        headers.insert("server", HeaderValue::from_bytes(b"a\xff\tb").unwrap());
        let long = "x".repeat(5000);
        headers.insert("x-long", HeaderValue::from_str(&long).unwrap());
        let kept = kept_headers(&headers);
        let names: Vec<_> = kept.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["server", "x-long"]);
        assert!(
            kept.iter().all(|(_, value)| value.len() < 500 && !value.contains(char::is_control)),
            "{kept:?}"
        );
    }
}
