//! The provider against real sockets: every quirk, failure and limit as a server shows it.

use crate::support::gated::{Call, GatedServer};
use futures_util::{FutureExt, StreamExt};
use serde_json::json;
use std::fmt::Write as _;
use std::sync::Arc;
use tokenscope::core::bench::limiter::{Allowance, RateLimits};
use tokenscope::core::endpoint::{Endpoint, Limits, ProviderKind};
use tokenscope::core::exchange::Exchange;
use tokenscope::core::fault::{Fault, FaultKind};
use tokenscope::core::request::{Prompt, Request, Role, Sampling};
use tokenscope::core::stream::{FinishReason, StreamEvent, Usage};
use tokenscope::core::token::Token;
use tokenscope::provider::{Client, request_body};

fn endpoint(server: &GatedServer, limits: Limits) -> Endpoint {
    Endpoint {
        name: "local".into(),
        base_url: server.base_url(),
        provider: ProviderKind::OpenaiChat,
        limits,
        legacy_max_tokens: false,
    }
}

fn no_retries() -> Limits {
    Limits { retries: 0, ..Limits::default() }
}

fn request() -> Arc<Request> {
    Arc::new(Request {
        endpoint: "local".into(),
        model: "m-1".into(),
        messages: vec![Prompt::new(Role::User, "안녕")],
        sampling: Sampling { top_logprobs: Some(2), ..Sampling::default() },
        continuation: None,
        stream: true,
    })
}

/// What a run gave, folded.
#[derive(Debug, Default)]
struct Seen {
    /// Kinds of the events in order, neighbours of one kind once.
    order: Vec<&'static str>,
    text: String,
    reasoning: String,
    tokens: Vec<Token>,
    usage: Option<Usage>,
    retried: Vec<(Fault, u64)>,
    /// The model and request id of `Opened`.
    opened: Option<[Option<Box<str>>; 2]>,
    limits: Vec<RateLimits>,
    exchange: Arc<Exchange>,
    ending: Option<Result<FinishReason, Fault>>,
}

impl Seen {
    fn add(&mut self, event: StreamEvent) {
        assert_eq!(self.ending, None, "{event:?} came after the ending");
        let kind = match event {
            StreamEvent::Attempt { .. } => "attempt",
            StreamEvent::Retrying { fault, delay_ms } => {
                self.retried.push((fault, delay_ms));
                "retrying"
            }
            StreamEvent::Opened { model, request_id } => {
                self.opened = Some([model, request_id]);
                "opened"
            }
            StreamEvent::Limits(limits) => {
                self.limits.push(limits);
                "limits"
            }
            StreamEvent::Delta { text, tokens } => {
                self.text.push_str(&text);
                self.tokens.extend(tokens);
                "delta"
            }
            StreamEvent::Reasoning { text } => {
                self.reasoning.push_str(&text);
                "reasoning"
            }
            StreamEvent::Usage(usage) => {
                self.usage = Some(usage);
                "usage"
            }
            StreamEvent::Exchanged(exchange) => {
                self.exchange = exchange;
                "exchanged"
            }
            StreamEvent::Finished(reason) => {
                self.ending = Some(Ok(reason));
                "finished"
            }
            StreamEvent::Failed(fault) => {
                self.ending = Some(Err(fault));
                "failed"
            }
        };
        if self.order.last() != Some(&kind) {
            self.order.push(kind);
        }
    }

    fn frames(&self) -> Vec<&str> {
        self.exchange.frames().map(|(_, frame)| frame).collect()
    }

    #[track_caller]
    fn fault(&self) -> &Fault {
        self.ending.as_ref().unwrap().as_ref().unwrap_err()
    }

    #[track_caller]
    fn reason(&self) -> &FinishReason {
        self.ending.as_ref().unwrap().as_ref().unwrap()
    }
}

async fn collect(client: &Client) -> Seen {
    let mut seen = Seen::default();
    let mut events = std::pin::pin!(client.run(request()));
    while let Some(event) = events.next().await {
        seen.add(event);
    }
    seen
}

/// Runs a request against a server that answers it as `serve` says.
async fn against<T>(limits: Limits, serve: impl AsyncFnOnce(&GatedServer) -> T) -> (Seen, T) {
    let server = GatedServer::start().await;
    let client = Client::new(&endpoint(&server, limits), None).unwrap();
    tokio::join!(collect(&client), serve(&server))
}

async fn streamed(body: &str) -> Seen {
    against(no_retries(), async |server| server.stream(body).await).await.0
}

const ANSWER: &str = concat!(
    "data: {\"id\":\"c\",\"model\":\"m-1-2026\",\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"\"},",
    "\"logprobs\":null,\"finish_reason\":null}],\"usage\":null}\n\n",
    "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"안녕 \"},\"logprobs\":{\"content\":[{\"token\":\"안녕 \",",
    "\"logprob\":-0.25,\"bytes\":[236,149,136,235,133,149,32],\"top_logprobs\":[{\"token\":\"안녕 \",\"logprob\":-0.25,",
    "\"bytes\":[236,149,136,235,133,149,32]},{\"token\":\"Hi\",\"logprob\":-2.5,\"bytes\":[72,105]}]}]},",
    "\"finish_reason\":null}],\"usage\":null}\n\n",
    "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"🙂\"},\"logprobs\":{\"content\":[{\"token\":\"🙂\",",
    "\"logprob\":-9999.0,\"bytes\":null,\"top_logprobs\":[]}]},\"finish_reason\":null}],\"usage\":null}\n\n",
    "data: {\"choices\":[{\"index\":0,\"delta\":{},\"logprobs\":null,\"finish_reason\":\"stop\"}],\"usage\":null}\n\n",
    "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":9,\"completion_tokens\":2,\"total_tokens\":11,",
    "\"prompt_tokens_details\":{\"cached_tokens\":4}}}\n\n",
    "data: [DONE]\n\n",
);

#[track_caller]
fn assert_answer(seen: &Seen) {
    assert_eq!(seen.text, "안녕 🙂");
    assert_eq!(seen.reason(), &FinishReason::Stop);
    let usage = Usage { input_tokens: 9, cached_input_tokens: 4, output_tokens: 2, reasoning_tokens: 0 };
    assert_eq!(seen.usage, Some(usage));
    assert_eq!(seen.opened, Some([Some("m-1-2026".into()), Some("req-1".into())]));
    assert_eq!(seen.order, ["attempt", "opened", "delta", "usage", "exchanged", "finished"]);
    let logprobs: Vec<_> = seen.tokens.iter().map(|token| token.logprob).collect();
    assert_eq!(logprobs, [Some(-0.25), None]);
    assert_eq!(seen.tokens[0].candidates[1].piece.text(), "Hi");
    assert_eq!(seen.tokens[1].piece.given_bytes(), None);
    assert_eq!(seen.frames().len(), 6);
    assert_eq!(seen.frames()[5], "[DONE]");
}

#[tokio::test]
async fn a_whole_answer_arrives_with_everything_that_was_sent() {
    let (seen, call) = against(no_retries(), async |server| server.stream(ANSWER).await).await;
    assert_answer(&seen);
    assert_eq!(call.line, "POST /v1/chat/completions HTTP/1.1");
    assert_eq!(call.header("content-type"), Some("application/json"));
    assert_eq!(call.header("authorization"), None);
    let server = GatedServer::start().await;
    let expected = request_body(&request(), &endpoint(&server, no_retries()));
    assert_eq!(serde_json::from_str::<serde_json::Value>(&call.body).unwrap(), expected);
    assert_eq!(seen.exchange.request, call.body);
    assert!(seen.exchange.url.ends_with("/v1/chat/completions"), "{}", seen.exchange.url);
    assert_eq!(seen.exchange.status, Some(200));
    assert!(seen.exchange.headers.contains(&("x-request-id".to_owned(), "req-1".to_owned())));
}

#[tokio::test]
async fn bytes_may_be_cut_anywhere() {
    for size in [1, 2, 3, 7, 64, 1000] {
        let (seen, ()) = against(no_retries(), async |server| {
            let mut call = server.accept().await;
            call.open().await;
            for piece in ANSWER.as_bytes().chunks(size) {
                call.send(piece).await;
            }
            call.finish().await;
        })
        .await;
        assert_answer(&seen);
    }
}

#[tokio::test]
async fn deltas_arrive_as_they_are_sent() {
    let server = GatedServer::start().await;
    let client = Client::new(&endpoint(&server, no_retries()), None).unwrap();
    let mut events = std::pin::pin!(client.run(request()));
    assert_eq!(events.next().await, Some(StreamEvent::Attempt { number: 1 }));
    let (first, mut call) = tokio::join!(events.next(), async {
        let mut call = server.accept().await;
        call.open().await;
        call.send(b"data: {\"choices\":[{\"delta\":{\"content\":\"one\"}}]}\n\n").await;
        call
    });
    assert_eq!(first, Some(StreamEvent::Opened { model: None, request_id: Some("req-1".into()) }));
    assert_eq!(events.next().await, Some(StreamEvent::Delta { text: "one".into(), tokens: vec![] }));
    call.send(b"data: {\"choices\":[{\"delta\":{\"content\":\"two\"}}]}\n\n").await;
    assert_eq!(events.next().await, Some(StreamEvent::Delta { text: "two".into(), tokens: vec![] }));
}

#[tokio::test]
async fn framing_quirks_do_not_matter() {
    let crlf = ANSWER.replace('\n', "\r\n");
    let noisy = format!("\u{feff}: PROCESSING\n\n{}", ANSWER.replace("data: ", "id: 1\nretry: 5\ndata:"));
    let unended = ANSWER.trim_end().to_owned();
    let undone = ANSWER.replace("data: [DONE]\n\n", "");
    for (body, frames) in [(crlf, 6), (noisy, 6), (unended, 6), (undone, 5)] {
        let seen = streamed(&body).await;
        assert_eq!((seen.text.as_str(), seen.reason()), ("안녕 🙂", &FinishReason::Stop), "{body}");
        assert_eq!(seen.frames().len(), frames);
    }
}

#[tokio::test]
async fn the_end_is_not_waited_for_after_done() {
    let (seen, mut call) = against(no_retries(), async |server| {
        let mut call = server.accept().await;
        call.open().await;
        call.send(ANSWER.as_bytes()).await;
        call
    })
    .await;
    assert_answer(&seen);
    call.closed().await;
}

#[tokio::test]
async fn a_complete_answer_on_a_silent_connection_is_complete() {
    let limits = Limits { between_bytes_ms: 20, ..no_retries() };
    let (seen, _call) = against(limits, async |server| {
        let mut call = server.accept().await;
        call.open().await;
        let body = "data: {\"choices\":[{\"delta\":{\"content\":\"a\"},\"finish_reason\":\"length\"}]}\n\n";
        call.send(body.as_bytes()).await;
        call
    })
    .await;
    assert_eq!((seen.text.as_str(), seen.reason()), ("a", &FinishReason::Length));
}

#[tokio::test]
async fn done_without_a_reason_is_an_end_and_says_so() {
    let seen = streamed("data: {\"choices\":[{\"delta\":{\"content\":\"a\"}}]}\n\ndata: [DONE]\n\n").await;
    assert_eq!(seen.reason(), &FinishReason::Other("unstated".into()));
}

#[tokio::test]
async fn an_answer_that_breaks_off_is_cut_and_kept() {
    let half = "data: {\"choices\":[{\"delta\":{\"content\":\"half\"}}]}\n\n";
    let within = format!("{half}data: {{\"choices\":[{{\"del");
    for body in [half, within.as_str()] {
        for ends_well in [true, false] {
            let (seen, ()) = against(Limits::default(), async |server| {
                let mut call = server.accept().await;
                call.open().await;
                call.send(body.as_bytes()).await;
                if ends_well { call.finish().await } else { call.cut().await }
            })
            .await;
            assert_eq!(seen.text, "half");
            assert_eq!(seen.fault().kind, FaultKind::Cut, "{}", seen.fault());
            assert_eq!(seen.fault().request_id.as_deref(), Some("req-1"));
            assert_eq!(seen.order, ["attempt", "opened", "delta", "exchanged", "failed"]);
            assert_eq!(seen.frames()[0], half.trim_start_matches("data: ").trim_end());
        }
    }
}

#[tokio::test]
async fn a_document_instead_of_a_stream_is_an_answer() {
    let body = json!({
        "model": "m-1-2026",
        "choices": [{"index": 0, "message": {"role": "assistant", "content": "whole", "reasoning_content": "why"},
            "logprobs": {"content": [{"token": "whole", "logprob": -0.5, "bytes": null, "top_logprobs": []}]},
            "finish_reason": "length"}],
        "usage": {"prompt_tokens": 3, "completion_tokens": 1},
    })
    .to_string();
    let headers = [("content-type", "application/json")];
    let (seen, _) = against(no_retries(), async |server| server.answer(200, &headers, &body).await).await;
    assert_eq!((seen.text.as_str(), seen.reasoning.as_str()), ("whole", "why"));
    assert_eq!((seen.tokens.len(), seen.reason()), (1, &FinishReason::Length));
    assert_eq!(seen.order, ["attempt", "opened", "reasoning", "delta", "usage", "exchanged", "finished"]);
    assert_eq!(seen.frames(), [body.as_str()]);
}

#[tokio::test]
async fn what_is_no_answer_is_malformed_and_quoted() {
    let cases = [
        ("<!doctype html><html><head><title>Sign in</title></head></html>", "Sign in"),
        ("Internal Server Error", "Internal Server Error"),
        ("{\"choices\":[", "choices"),
        ("{\"hello\":1}", "hello"),
        ("data: oops\n\n", "oops"),
    ];
    for (body, quote) in cases {
        let (seen, _) = against(Limits::default(), async |server| server.answer(200, &[], body).await).await;
        let fault = seen.fault();
        assert_eq!(fault.kind, FaultKind::Malformed, "{fault}");
        assert!(
            fault.message.contains(quote) && fault.message.contains("model m-1 at endpoint local"),
            "{fault}"
        );
        assert!(fault.remedy.contains("base URL"), "{fault}");
        assert_eq!(seen.order, ["attempt", "exchanged", "failed"]);
        assert!(seen.frames().concat().contains(quote));
    }
}

#[tokio::test]
async fn python_literals_and_half_characters_do_not_lose_the_reply() {
    let seen = streamed(concat!(
        "data: {\"choices\":[{\"delta\":{\"content\":\"a\"},\"logprobs\":{\"content\":[{\"token\":\"a\",\"logprob\":-Infinity,",
        "\"top_logprobs\":[{\"token\":\"NaN\",\"logprob\":NaN}]}]}}]}\n\n",
        "data: {\"choices\":[{\"delta\":{\"content\":\"\\ud83d\"},\"finish_reason\":\"stop\"}]}\n\n",
    ))
    .await;
    assert_eq!(seen.text, "a\u{fffd}");
    assert_eq!(seen.tokens[0].logprob, None);
    assert_eq!(
        (seen.tokens[0].candidates[0].piece.text(), seen.tokens[0].candidates[0].logprob),
        ("NaN", None)
    );
}

#[tokio::test]
async fn llama_cpp_is_read_as_it_is() {
    let seen = streamed(concat!(
        "data: {\"choices\":[{\"finish_reason\":null,\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":null}}],",
        "\"created\":1,\"id\":\"x\",\"model\":\"gpt-3.5-turbo\",\"system_fingerprint\":\"b1\",\"object\":\"chat.completion.chunk\"}\n\n",
        "data: {\"choices\":[{\"finish_reason\":null,\"index\":0,\"delta\":{\"content\":\"🙂\"},\"logprobs\":{\"content\":[{\"id\":7,",
        "\"token\":\"🙂\",\"bytes\":[240,159,153,130],\"logprob\":-0.1,\"top_logprobs\":[{\"id\":130,\"token\":\"\u{fffd}\",",
        "\"bytes\":[130],\"logprob\":-0.1}]}]}}]}\n\n",
        "data: {\"choices\":[{\"finish_reason\":\"stop\",\"index\":0,\"delta\":{}}]}\n\n",
        "data: {\"choices\":[],\"usage\":{\"completion_tokens\":4,\"prompt_tokens\":5,\"total_tokens\":9},",
        "\"timings\":{\"prompt_n\":5}}\n\n",
        "data: [DONE]\n\n",
    ))
    .await;
    assert_eq!((seen.text.as_str(), seen.reason()), ("🙂", &FinishReason::Stop));
    assert_eq!(seen.tokens[0].piece.given_bytes(), Some("🙂".as_bytes()));
    assert_eq!(seen.tokens[0].candidates[0].piece.bytes(), [130]);
    assert_eq!(seen.usage.unwrap().output_tokens, 4);
    let seen =
        streamed("error: {\"code\":500,\"message\":\"slot broke\",\"type\":\"server_error\"}\n\n").await;
    assert_eq!((seen.fault().kind, seen.fault().status), (FaultKind::Server, Some(500)));
}

#[tokio::test]
async fn an_error_in_the_middle_keeps_what_came_and_is_not_retried() {
    let delta = "data: {\"choices\":[{\"delta\":{\"content\":\"half\"}}]}\n\n";
    for error in [
        "data: {\"error\":{\"message\":\"overloaded\",\"code\":502}}\n\n",
        "data: {\"object\":\"error\",\"message\":\"overloaded\",\"type\":\"InternalServerError\",\"code\":500}\n\n",
        "data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"error\",\"error\":{\"message\":\"overloaded\",\"code\":502}}]}\n\n",
        "event: error\ndata: {\"type\":\"server_error\",\"message\":\"overloaded\"}\n\n",
    ] {
        let (seen, _) =
            against(Limits::default(), async |server| server.stream(&format!("{delta}{error}")).await).await;
        assert_eq!(seen.text, "half");
        assert_eq!(seen.fault().kind, FaultKind::Server, "{error}");
        assert!(seen.fault().message.contains("overloaded"), "{}", seen.fault());
        assert_eq!(seen.frames().len(), 2);
    }
}

#[tokio::test]
async fn a_rate_limit_is_waited_for_as_the_server_asks() {
    let (seen, ()) = against(Limits::default(), async |server| {
        let body =
            "{\"error\":{\"message\":\"slow down\",\"type\":\"requests\",\"code\":\"rate_limit_exceeded\"}}";
        server.answer(429, &[("retry-after-ms", "3"), ("x-request-id", "first")], body).await;
        server.stream(ANSWER).await;
    })
    .await;
    assert_eq!(seen.text, "안녕 🙂");
    assert_eq!(seen.order[..3], ["attempt", "retrying", "attempt"]);
    let (fault, delay_ms) = &seen.retried[0];
    assert_eq!((fault.kind, fault.status, *delay_ms), (FaultKind::RateLimited, Some(429), 3));
    assert_eq!((fault.retry_after_ms, fault.request_id.as_deref()), (Some(3), Some("first")));
}

#[tokio::test]
async fn what_a_server_says_of_its_limits_is_told_of_every_response() {
    let headers = |remaining: &'static str| {
        [
            ("x-ratelimit-limit-requests", "60"),
            ("x-ratelimit-remaining-requests", remaining),
            ("x-ratelimit-reset-requests", "1m30s"),
            ("x-ratelimit-remaining-tokens", "soon"),
        ]
    };
    let (seen, ()) = against(Limits { retries: 1, ..Limits::default() }, async |server| {
        let busy = [&headers("0")[..], &[("retry-after-ms", "1")]].concat();
        server.answer(429, &busy, "{}").await;
        let mut call = server.accept().await;
        let stream = [&headers("59")[..], &[("content-type", "text/event-stream")]].concat();
        call.open_as(200, &stream).await;
        call.send(ANSWER.as_bytes()).await;
        call.finish().await;
    })
    .await;
    assert_eq!(seen.reason(), &FinishReason::Stop);
    let limits = |remaining| {
        let reset = std::time::Duration::from_secs(90);
        let requests = Allowance { limit: Some(60), remaining, reset };
        RateLimits { requests: Some(requests), tokens: None }
    };
    assert_eq!(seen.limits, [limits(0), limits(59)]);
}

#[tokio::test]
async fn failures_before_the_first_delta_are_retried_as_often_as_allowed() {
    let wait = [("retry-after-ms", "1")];
    let limits = Limits { retries: 2, ..Limits::default() };
    let (seen, ()) = against(limits, async |server| {
        for _ in 0..3 {
            server.answer(500, &wait, "broken").await;
        }
    })
    .await;
    assert_eq!(seen.order, ["attempt", "retrying", "attempt", "retrying", "attempt", "exchanged", "failed"]);
    assert_eq!((seen.fault().kind, seen.fault().status), (FaultKind::Server, Some(500)));
    assert_eq!((seen.exchange.status, seen.frames()), (Some(500), vec!["broken"]));
    // An error that comes as the first event of a stream of status 200 is one before the first delta.
    let limits = Limits { retries: 1, ..Limits::default() };
    let (seen, ()) = against(limits, async |server| {
        let mut call = server.accept().await;
        call.open_as(200, &wait).await;
        call.send(b"data: {\"error\":{\"message\":\"busy\",\"code\":\"server_is_overloaded\"}}\n\n").await;
        call.finish().await;
        server.stream(ANSWER).await;
    })
    .await;
    assert_eq!((seen.text.as_str(), seen.retried.len()), ("안녕 🙂", 1));
}

#[tokio::test]
async fn what_waiting_does_not_mend_is_not_retried() {
    let quota = "{\"error\":{\"message\":\"out of credit\",\"type\":\"insufficient_quota\",\"code\":\"insufficient_quota\"}}";
    let vllm = "{\"object\":\"error\",\"message\":\"bad temperature\",\"type\":\"BadRequestError\",\"param\":\"temperature\",\"code\":400}";
    let none = ("x-none", "");
    let cases = [
        (401, none, "{\"error\":{\"message\":\"no key\"}}", FaultKind::Unauthorized),
        (404, none, "{\"detail\":\"Not Found\"}", FaultKind::NotFound),
        (400, none, vllm, FaultKind::Refused),
        (429, ("retry-after", "1"), quota, FaultKind::Quota),
        (429, ("retry-after", "3600"), "later", FaultKind::RateLimited),
        (503, ("x-should-retry", "false"), "down", FaultKind::Server),
    ];
    for (status, header, body, kind) in cases {
        let (seen, _) =
            against(Limits::default(), async |server| server.answer(status, &[header], body).await).await;
        assert_eq!((seen.fault().kind, seen.fault().status), (kind, Some(status)), "{}", seen.fault());
        assert_eq!(seen.order, ["attempt", "exchanged", "failed"]);
        assert_eq!(seen.frames(), [body]);
    }
}

#[tokio::test]
async fn an_unreachable_server_is_named_with_the_remedy() {
    // Bound but not listening: the port is refused, and nobody else can get it.
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let base_url = format!("http://{}/v1", socket.local_addr().unwrap());
    let endpoint = Endpoint { base_url, ..endpoint(&GatedServer::start().await, no_retries()) };
    let seen = collect(&Client::new(&endpoint, None).unwrap()).await;
    let fault = seen.fault();
    assert_eq!(fault.kind, FaultKind::Unreachable);
    assert!(fault.message.contains("model m-1 at endpoint local"), "{fault}");
    assert!(fault.remedy.contains("is running") && fault.remedy.contains(&endpoint.base_url), "{fault}");
}

#[tokio::test]
async fn a_server_that_does_not_speak_http_is_told_from_one_that_is_away() {
    let (seen, ()) = against(Limits::default(), async |server| {
        // The alert with which a TLS server refuses a plain request.
        server.accept().await.raw(b"\x15\x03\x01\x00\x02\x02\x16").await;
    })
    .await;
    assert_eq!(seen.fault().kind, FaultKind::Malformed, "{}", seen.fault());
    assert!(seen.fault().remedy.contains("https://"), "{}", seen.fault());
}

#[tokio::test]
async fn a_stall_names_the_limit_that_struck() {
    // Nobody accepts, but the system has completed the connection.
    let limits = Limits { first_byte_ms: 30, ..Limits::default() };
    let (seen, ()) = against(limits, async |_| ()).await;
    assert_eq!(seen.fault().kind, FaultKind::Timeout);
    assert!(seen.fault().remedy.contains("first_byte_ms"), "{}", seen.fault());

    let limits = Limits { first_byte_ms: 300, ..Limits::default() };
    let (seen, _call) = against(limits, async |server| {
        let mut call = server.accept().await;
        call.open().await;
        call
    })
    .await;
    assert!(seen.fault().remedy.contains("first_byte_ms"), "{}", seen.fault());

    let limits = Limits { between_bytes_ms: 30, ..Limits::default() };
    let (seen, _call) = against(limits, async |server| {
        let mut call = server.accept().await;
        call.open().await;
        call.send(b"data: {\"choices\":[{\"delta\":{\"content\":\"half\"}}]}\n\n").await;
        call
    })
    .await;
    assert_eq!(seen.text, "half");
    assert!(seen.fault().remedy.contains("between_bytes_ms"), "{}", seen.fault());
}

#[tokio::test]
async fn an_endless_line_is_bounded() {
    let (seen, ()) = against(no_retries(), async |server| {
        let mut call = server.accept().await;
        call.open().await;
        let piece = vec![b'x'; 1024 * 1024];
        call.send(b"data: ").await;
        for _ in 0..9 {
            call.send(&piece).await;
        }
        call.closed().await;
    })
    .await;
    assert_eq!(seen.fault().kind, FaultKind::Malformed);
    assert!(seen.fault().message.contains("8 MiB"), "{}", seen.fault());
}

#[tokio::test]
async fn a_key_is_sent_to_its_host_and_not_to_a_redirect_target() {
    let (server, other) = (GatedServer::start().await, GatedServer::start().await);
    let client = Client::new(&endpoint(&server, Limits::default()), Some("sk-secret".into())).unwrap();
    let target = format!("{}/chat/completions", other.base_url());
    let headers = [("location", target.as_str()), ("set-cookie", "session=1")];
    let (seen, call) = tokio::join!(collect(&client), server.answer(307, &headers, ""));
    assert_eq!(call.header("authorization"), Some("Bearer sk-secret"));
    assert!(seen.fault().message.contains(&target), "{}", seen.fault());
    assert!(seen.fault().remedy.contains(&other.base_url()), "{}", seen.fault());
    assert_eq!(seen.fault().status, Some(307));
    assert!(other.accept().now_or_never().is_none());
    let everything = format!("{seen:?}");
    assert!(!everything.contains("sk-secret") && !everything.contains("session=1"), "{everything}");
}

#[tokio::test]
async fn text_of_the_server_is_printable_in_faults_and_ids() {
    let headers = [("x-request-id", "id\u{9b}31m")];
    let body = "{\"error\":{\"message\":\"\\u001b[2Jgone\\u202e\",\"param\":\"\\u001b[1m\"}}";
    let (seen, _) = against(no_retries(), async |server| server.answer(400, &headers, body).await).await;
    let shown = seen.fault().to_string() + seen.fault().param.as_deref().unwrap();
    assert!(!shown.contains(|c: char| c.is_control() || c == '\u{202e}'), "{shown:?}");
    assert!(shown.contains("gone"), "{shown}");
}

#[tokio::test]
async fn dropping_a_run_closes_its_connection() {
    let server = GatedServer::start().await;
    let client = Client::new(&endpoint(&server, no_retries()), None).unwrap();
    let mut events = Box::pin(client.run(request()));
    let mut call: Call = {
        let ((), call) = tokio::join!(
            async { while !matches!(events.next().await.unwrap(), StreamEvent::Delta { .. }) {} },
            async {
                let mut call = server.accept().await;
                call.open().await;
                call.send(b"data: {\"choices\":[{\"delta\":{\"content\":\"one\"}}]}\n\n").await;
                call
            }
        );
        call
    };
    drop(events);
    call.closed().await;
}

#[tokio::test]
async fn only_so_many_requests_are_under_way() {
    let server = GatedServer::start().await;
    let limits = Limits { concurrency: 1, ..no_retries() };
    let client = Client::new(&endpoint(&server, limits), None).unwrap();
    let mut first = Box::pin(client.run(request()));
    assert_eq!(first.next().await, Some(StreamEvent::Attempt { number: 1 }));
    let mut second = Box::pin(client.clone().run(request()));
    assert_eq!(second.next().now_or_never(), None);
    drop(first);
    assert_eq!(second.next().await, Some(StreamEvent::Attempt { number: 1 }));
}

#[tokio::test]
async fn a_run_has_one_ending_however_often_it_is_asked() {
    let server = GatedServer::start().await;
    let client = Client::new(&endpoint(&server, no_retries()), None).unwrap();
    let mut events = Box::pin(client.run(request()));
    tokio::join!(
        async { while !matches!(events.next().await, Some(StreamEvent::Finished(_))) {} },
        server.stream(ANSWER)
    );
    assert_eq!(events.next().await, None);
    assert_eq!(events.next().await, None);
}

#[tokio::test]
async fn models_are_listed_or_the_failure_said() {
    let server = GatedServer::start().await;
    let client = Client::new(&endpoint(&server, no_retries()), Some("k".into())).unwrap();
    let list = "{\"object\":\"list\",\"data\":[{\"id\":\"b\"},{\"id\":\"a\"}]}";
    let (models, call) = tokio::join!(client.models(), server.answer(200, &[], list));
    assert_eq!(models.unwrap(), ["b", "a"]);
    assert_eq!(
        (call.line.as_str(), call.header("authorization")),
        ("GET /v1/models HTTP/1.1", Some("Bearer k"))
    );
    let (models, _) =
        tokio::join!(client.models(), server.answer(401, &[], "{\"error\":{\"message\":\"wrong\"}}"));
    let fault = models.unwrap_err();
    assert_eq!((fault.kind, fault.status), (FaultKind::Unauthorized, Some(401)));
    let (models, _) = tokio::join!(client.models(), server.answer(200, &[], "<html>"));
    assert_eq!(models.unwrap_err().kind, FaultKind::Malformed);
}

#[tokio::test]
async fn ten_thousand_tokens_arrive_whole() {
    let (mut body, mut expected) = (String::new(), String::new());
    for index in 0..10_000 {
        let _ = write!(expected, "{index} ");
        let _ = write!(body, "data: {{\"choices\":[{{\"delta\":{{\"content\":\"{index} \"}}}}]}}\n\n");
    }
    body.push_str("data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n");
    let seen = streamed(&body).await;
    assert_eq!(seen.text, expected);
    assert_eq!(seen.frames().len(), 10_002);
}
