//! The sandbox over HTTP on loopback, as any client sees it.

#![expect(clippy::unwrap_used, reason = "the helpers of tests may panic as tests do")]

use serde_json::{Value, json};
use std::sync::Once;
use tokenscope::core::context::framing_tokens;
use tokenscope::core::model::Encoding;
use tokenscope::sandbox::{MODEL, Options, Server};
use tokenscope::tokenizer::table;

static TLS: Once = Once::new();

fn client() -> reqwest::Client {
    TLS.call_once(|| {
        // Another test of this process may have installed it already.
        let _ = rustls::crypto::ring::default_provider().install_default();
    });
    reqwest::Client::builder().no_proxy().build().unwrap()
}

async fn start(options: Options) -> Server {
    Server::start(options).await.unwrap()
}

async fn post(server: &Server, body: &Value) -> reqwest::Response {
    client()
        .post(format!("{}/chat/completions", server.base_url()))
        .bearer_auth(server.key().unwrap_or("any"))
        .json(body)
        .send()
        .await
        .unwrap()
}

async fn ask(server: &Server, body: &Value) -> Value {
    let response = post(server, body).await;
    assert_eq!(response.status(), 200, "{body}");
    response.json().await.unwrap()
}

/// A request for `question` with more fields.
fn request(question: &str, more: &Value) -> Value {
    let mut body = json!({"model": MODEL, "messages": [{"role": "user", "content": question}]});
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    body
}

/// Returns the events of a complete stream, without the final `[DONE]`.
async fn events(server: &Server, body: &Value) -> Vec<Value> {
    let response = post(server, body).await;
    assert_eq!(response.status(), 200);
    assert!(response.headers()["content-type"].to_str().unwrap().starts_with("text/event-stream"));
    let text = response.text().await.unwrap();
    let mut data: Vec<&str> =
        text.split_terminator("\n\n").map(|e| e.strip_prefix("data: ").unwrap()).collect();
    assert_eq!(data.pop(), Some("[DONE]"));
    data.into_iter().map(|data| serde_json::from_str(data).unwrap()).collect()
}

fn text_of(events: &[Value], choice: usize) -> String {
    let deltas = events.iter().filter_map(|event| event["choices"].get(0)).filter(|c| c["index"] == choice);
    deltas.filter_map(|delta| delta["delta"]["content"].as_str()).collect()
}

fn text(answer: &Value) -> &str {
    answer["choices"][0]["message"]["content"].as_str().unwrap()
}

#[tokio::test]
async fn an_answer_is_told_whole_or_in_pieces_with_the_same_tokens() {
    let server = start(Options::default()).await;
    let more = json!({"seed": 7, "temperature": 1.2, "logprobs": true, "top_logprobs": 5});
    let body = request("고양이는 왜 골골거려요?", &more);
    let whole = ask(&server, &body).await;
    let mut body = body;
    body["stream"] = true.into();
    body["stream_options"] = json!({"include_usage": true});
    let events = events(&server, &body).await;

    assert_eq!(text_of(&events, 0), text(&whole));
    let streamed: Vec<&Value> = events
        .iter()
        .filter_map(|event| event["choices"][0]["logprobs"]["content"].as_array())
        .flatten()
        .collect();
    let whole_tokens = whole["choices"][0]["logprobs"]["content"].as_array().unwrap();
    assert_eq!(streamed, whole_tokens.iter().collect::<Vec<_>>());

    let bytes: Vec<u8> = whole_tokens
        .iter()
        .flat_map(|token| token["bytes"].as_array().unwrap())
        .map(|byte| u8::try_from(byte.as_u64().unwrap()).unwrap())
        .collect();
    assert_eq!(String::from_utf8_lossy(&bytes), text(&whole));
    for token in whole_tokens {
        let candidates = token["top_logprobs"].as_array().unwrap();
        assert_eq!(candidates.len(), 5);
        let logprobs: Vec<f64> = candidates.iter().map(|c| c["logprob"].as_f64().unwrap()).collect();
        assert!(logprobs.is_sorted_by(|a, b| a >= b));
        let chosen = token["logprob"].as_f64().unwrap();
        assert!(chosen <= 0.0);
        if let Some(listed) = candidates.iter().find(|c| c["bytes"] == token["bytes"]) {
            assert_eq!(listed["logprob"], token["logprob"]);
        } else {
            assert!(chosen <= logprobs[4]);
        }
    }

    assert_eq!(events[0]["choices"][0]["delta"]["role"], "assistant");
    let last = events.last().unwrap();
    assert_eq!(last["choices"], json!([]));
    assert_eq!(last["usage"], whole["usage"]);
    assert!(events[..events.len() - 1].iter().all(|event| event["usage"].is_null()));
    let closing = &events[events.len() - 2]["choices"][0];
    assert_eq!((&closing["finish_reason"], &closing["delta"]), (&json!("stop"), &json!({})));
    assert_eq!(whole["usage"]["completion_tokens"], whole_tokens.len());
    let prompt = framing_tokens(1) + table(Encoding::O200kBase).count("고양이는 왜 골골거려요?");
    assert_eq!(whole["usage"]["prompt_tokens"], prompt);
}

#[tokio::test]
async fn temperature_zero_and_seeds_repeat_in_every_process() {
    let (one, other) =
        (start(Options { seed: 1, ..Options::default() }).await, start(Options::default()).await);
    for more in [json!({"temperature": 0}), json!({"seed": 42}), json!({"seed": -3, "temperature": 1.7})] {
        let body = request("Tell me something about rain", &more);
        assert_eq!(text(&ask(&one, &body).await), text(&ask(&other, &body).await));
    }
    let body = request("Tell me something about rain", &json!({}));
    let mut answers = std::collections::BTreeSet::new();
    for _ in 0..8 {
        answers.insert(text(&ask(&one, &body).await).to_owned());
    }
    assert!(answers.len() > 1, "without a seed, answers differ");
}

#[tokio::test]
async fn several_choices_differ_and_the_first_is_the_single_one() {
    let server = start(Options::default()).await;
    let single = ask(&server, &request("How is bread baked?", &json!({"seed": 5}))).await;
    let body = request("How is bread baked?", &json!({"seed": 5, "n": 4}));
    let four = ask(&server, &body).await;
    let choices = four["choices"].as_array().unwrap();
    assert_eq!(choices[0]["message"], single["choices"][0]["message"]);
    let distinct: std::collections::BTreeSet<&str> =
        choices.iter().map(|choice| choice["message"]["content"].as_str().unwrap()).collect();
    assert!(distinct.len() > 1);
    let mut body = body;
    body["stream"] = true.into();
    let events = events(&server, &body).await;
    for (index, choice) in choices.iter().enumerate() {
        assert_eq!(text_of(&events, index), choice["message"]["content"].as_str().unwrap());
    }
}

#[tokio::test]
async fn an_answer_ends_at_its_limit_or_at_a_stop_text() {
    let server = start(Options::default()).await;
    let plain = ask(&server, &request("What is tea?", &json!({"temperature": 0}))).await;
    let full = text(&plain).to_owned();
    assert_eq!(plain["choices"][0]["finish_reason"], "stop");

    for field in ["max_tokens", "max_completion_tokens"] {
        let short = ask(&server, &request("What is tea?", &json!({"temperature": 0, field: 4}))).await;
        assert_eq!(short["choices"][0]["finish_reason"], "length");
        assert_eq!(short["usage"]["completion_tokens"], 4);
        assert!(full.starts_with(text(&short)) && !text(&short).is_empty());
    }

    let stop: String = full.chars().skip(20).take(5).collect();
    for stops in [json!(stop), json!(["\u{1}", stop])] {
        let more = json!({"temperature": 0, "stop": stops, "logprobs": true});
        let mut body = request("What is tea?", &more);
        let stopped = ask(&server, &body).await;
        assert_eq!(text(&stopped), &full[..full.find(&stop).unwrap()]);
        assert_eq!(stopped["choices"][0]["finish_reason"], "stop");
        body["stream"] = true.into();
        assert_eq!(text_of(&events(&server, &body).await, 0), text(&stopped));
    }
}

#[tokio::test]
async fn a_bias_by_token_id_forces_or_bars_a_token() {
    let server = start(Options::default()).await;
    let id = table(Encoding::O200kBase).encode(" the")[0].to_string();
    let ask_with = |bias: f64| {
        request("What is the moon?", &json!({"temperature": 0, "max_tokens": 40, "logit_bias": {&id: bias}}))
    };
    let forced = ask(&server, &ask_with(100.0)).await;
    assert!(text(&forced).starts_with(" the the the"));
    let barred = ask(&server, &ask_with(-100.0)).await;
    assert!(!text(&barred).contains(" the "));
}

#[tokio::test]
async fn content_may_be_parts_and_roles_are_openai_s() {
    let server = start(Options::default()).await;
    let body = json!({
        "model": MODEL, "temperature": 0, "user": "u1", "metadata": {"a": "b"}, "store": false,
        "parallel_tool_calls": true, "service_tier": "auto", "response_format": {"type": "text"}, "tools": [],
        "messages": [
            {"role": "developer", "content": "한국어로 답해 줘."},
            {"role": "user", "content": [{"type": "text", "text": "Why do "}, {"type": "text", "text": "bees buzz?"}]},
            {"role": "assistant", "content": null},
            {"role": "tool", "tool_call_id": "t", "content": "bees and honey"},
        ],
    });
    let answer = ask(&server, &body).await;
    assert!(text(&answer).contains('벌'), "{}", text(&answer));
}

async fn refusal(server: &Server, body: &Value) -> (u16, Value) {
    let response = post(server, body).await;
    let status = response.status().as_u16();
    assert!(response.headers().contains_key("x-request-id"));
    let error = response.json::<Value>().await.unwrap()["error"].clone();
    for field in ["message", "type", "param", "code"] {
        assert!(error.get(field).is_some(), "{field} in {error}");
    }
    (status, error)
}

#[tokio::test]
async fn refused_fields_are_named() {
    let server = start(Options::default()).await;
    let cases = [
        (json!({"temperature": 2.5}), "temperature"),
        (json!({"temperature": "hot"}), "temperature"),
        (json!({"top_p": -0.1}), "top_p"),
        (json!({"n": 0}), "n"),
        (json!({"n": 1.5}), "n"),
        (json!({"stop": ["a", "b", "c", "d", "e"]}), "stop"),
        (json!({"stop": [""]}), "stop"),
        (json!({"presence_penalty": 3}), "presence_penalty"),
        (json!({"frequency_penalty": -3}), "frequency_penalty"),
        (json!({"logit_bias": {"x": 1}}), "logit_bias"),
        (json!({"logit_bias": {"5": 101}}), "logit_bias"),
        (json!({"top_logprobs": 3}), "top_logprobs"),
        (json!({"logprobs": true, "top_logprobs": 21}), "top_logprobs"),
        (json!({"max_tokens": 0}), "max_tokens"),
        (json!({"max_tokens": 5, "max_completion_tokens": 5}), "max_tokens"),
        (json!({"stream_options": {"include_usage": true}}), "stream_options"),
        (json!({"response_format": {"type": "xml"}}), "response_format"),
        (json!({"tools": [{"type": "function"}]}), "tools"),
        (json!({"temprature": 1}), "temprature"),
        (json!({"messages": []}), "messages"),
        (json!({"messages": "hello"}), "messages"),
        (json!({"messages": [{"role": "robot", "content": "x"}]}), "messages[0].role"),
        (json!({"messages": [{"role": "user"}]}), "messages[0].content"),
        (
            json!({"messages": [{"role": "user", "content": [{"type": "image_url"}]}]}),
            "messages[0].content[0].type",
        ),
        (json!({"max_tokens": 9000}), "messages"),
    ];
    for (more, param) in cases {
        let (status, error) = refusal(&server, &request("Hi", &more)).await;
        assert_eq!((status, error["param"].as_str()), (400, Some(param)), "{more}");
        assert_eq!(error["type"], "invalid_request_error");
    }
    let (_, error) = refusal(&server, &request("Hi", &json!({"temprature": 1}))).await;
    assert_eq!(error["message"], "Unrecognized request argument supplied: temprature");
    let (_, error) = refusal(&server, &request(&"word ".repeat(9000), &json!({}))).await;
    assert_eq!(error["code"], "context_length_exceeded");
    let (status, error) = refusal(&server, &request("Hi", &json!({"model": "gpt-9"}))).await;
    assert_eq!((status, error["code"].as_str()), (404, Some("model_not_found")));
}

#[tokio::test]
async fn null_fields_count_as_absent() {
    let server = start(Options::default()).await;
    let nulls = json!({"temperature": null, "stop": null, "logprobs": null, "top_logprobs": null, "seed": null,
        "max_tokens": null, "stream_options": null, "unheard_of": null, "logit_bias": null});
    ask(&server, &request("Hi", &nulls)).await;
}

#[tokio::test]
async fn wrong_keys_paths_methods_and_bodies_are_refused() {
    let server = start(Options { key: Some("right".into()), ..Options::default() }).await;
    let url = |path: &str| format!("{}{path}", server.base_url());
    let client = client();
    let status = |request: reqwest::RequestBuilder| async {
        let response = request.send().await.unwrap();
        let status = response.status().as_u16();
        (status, response.json::<Value>().await.unwrap()["error"]["code"].clone())
    };
    assert_eq!(status(client.get(url("/models"))).await, (401, Value::Null));
    assert_eq!(
        status(client.get(url("/models")).bearer_auth("wrong")).await,
        (401, json!("invalid_api_key"))
    );
    let allowed = |request: reqwest::RequestBuilder| request.bearer_auth("right");
    assert_eq!(status(allowed(client.get(url("/nowhere")))).await.0, 404);
    assert_eq!(status(allowed(client.get(url("/chat/completions")))).await.0, 405);
    assert_eq!(status(allowed(client.get(url("/models/none")))).await.0, 404);
    for body in ["{", "[]", "", "{\"model\":", "\u{feff}{}"] {
        assert_eq!(status(allowed(client.post(url("/chat/completions")).body(body))).await.0, 400, "{body}");
    }
    let deep = "[".repeat(100_000);
    assert_eq!(status(allowed(client.post(url("/chat/completions")).body(deep))).await.0, 400);
}

#[tokio::test]
async fn a_body_over_the_limit_is_refused() {
    let server = start(Options::default()).await;
    let body = format!("\"{}\"", "x".repeat(33 << 20));
    let sent = client().post(format!("{}/chat/completions", server.base_url())).body(body).send().await;
    // The server may answer and close before it has read all of it.
    if let Ok(response) = sent {
        assert_eq!(response.status(), 413);
        assert_eq!(response.json::<Value>().await.unwrap()["error"]["code"], "request_too_large");
    }
}

#[tokio::test]
async fn all_models_are_listed() {
    let server = start(Options::default()).await;
    let list: Value =
        client().get(format!("{}/models", server.base_url())).send().await.unwrap().json().await.unwrap();
    let ids: Vec<&str> = list["data"].as_array().unwrap().iter().map(|m| m["id"].as_str().unwrap()).collect();
    assert_eq!(ids[0], MODEL);
    assert!(ids.len() >= 9, "{ids:?}");
    let readme = include_str!("../../README.md");
    for id in ids {
        assert!(readme.contains(&format!("`{id}`")), "the README does not name {id}");
        let url = format!("{}/models/{id}", server.base_url());
        let one: Value = client().get(url).send().await.unwrap().json().await.unwrap();
        assert_eq!((&one["id"], &one["object"]), (&json!(id), &json!("model")));
    }
}

#[tokio::test]
async fn models_that_refuse() {
    let server = start(Options::default()).await;
    let body = request("Hi", &json!({"model": "sandbox-429"}));
    for _ in 0..2 {
        let response = post(&server, &body).await;
        assert_eq!(response.status(), 429);
        assert_eq!(response.headers()["retry-after"], "1");
    }
    ask(&server, &body).await;
    let (status, error) = refusal(&server, &request("Hi", &json!({"model": "sandbox-500"}))).await;
    assert_eq!((status, error["type"].as_str()), (500, Some("server_error")));
    let picky = "sandbox-refuses-temperature";
    let (status, error) =
        refusal(&server, &request("Hi", &json!({"model": picky, "temperature": 0.3}))).await;
    assert_eq!((status, error["param"].as_str()), (400, Some("temperature")));
    assert_eq!(error["code"], "unsupported_value");
    ask(&server, &request("Hi", &json!({"model": picky}))).await;
    ask(&server, &request("Hi", &json!({"model": picky, "temperature": 1}))).await;
}

#[tokio::test]
async fn a_cut_answer_ends_in_an_error() {
    let server = start(Options::default()).await;
    // An answer of two tokens is over before one breaks off by itself.
    for (stream, most) in [(true, 100), (false, 100), (true, 2), (false, 2)] {
        let more = json!({"model": "sandbox-cut", "stream": stream, "max_tokens": most});
        let body = request("What is tea?", &more);
        let mut response = post(&server, &body).await;
        let mut received = Vec::new();
        let end = loop {
            match response.chunk().await {
                Ok(Some(chunk)) => received.extend_from_slice(&chunk),
                end => break end,
            }
        };
        assert!(end.is_err() && !received.is_empty());
        assert!(!String::from_utf8_lossy(&received).contains("[DONE]"));
    }
}

#[tokio::test]
async fn a_stalled_answer_stays_open_until_the_server_goes() {
    let server = start(Options::default()).await;
    let mut response =
        post(&server, &request("What is tea?", &json!({"model": "sandbox-stall", "stream": true}))).await;
    let mut text = String::new();
    while text.matches("data: ").count() < 5 {
        text.push_str(&String::from_utf8_lossy(&response.chunk().await.unwrap().unwrap()));
    }
    drop(server);
    while let Ok(Some(chunk)) = response.chunk().await {
        text.push_str(&String::from_utf8_lossy(&chunk));
    }
    assert!(!text.contains("[DONE]") && !text.contains("\"finish_reason\":\"stop\""));
}

#[tokio::test]
async fn models_that_behave_oddly() {
    let server = start(Options::default()).await;
    let more = json!({"model": "sandbox-no-logprobs", "logprobs": true, "top_logprobs": 3});
    assert!(ask(&server, &request("Hi", &more)).await["choices"][0]["logprobs"].is_null());

    let question = "달은 왜 모양이 바뀌나요?";
    let more = json!({"model": "sandbox-utf8", "temperature": 0, "stream": true});
    let mut response = post(&server, &request(question, &more)).await;
    let (mut split, mut all) = (false, Vec::new());
    while let Some(chunk) = response.chunk().await.unwrap() {
        split |= std::str::from_utf8(&chunk).is_err();
        all.extend_from_slice(&chunk);
    }
    assert!(split, "some chunk ends inside a character");
    assert!(String::from_utf8(all).unwrap().ends_with("data: [DONE]\n\n"));

    let more = json!({"model": "sandbox-reasoning", "temperature": 0});
    let mut body = request("Why do cats purr?", &more);
    let answer = ask(&server, &body).await;
    let reasoning = answer["choices"][0]["message"]["reasoning_content"].as_str().unwrap();
    assert!(reasoning.contains("cats") && reasoning.contains("English"), "{reasoning}");
    assert!(answer["usage"]["completion_tokens_details"]["reasoning_tokens"].as_u64().unwrap() > 0);
    body["stream"] = true.into();
    let events = events(&server, &body).await;
    let streamed: String = events
        .iter()
        .filter_map(|event| event["choices"][0]["delta"]["reasoning_content"].as_str())
        .collect();
    assert_eq!(streamed, reasoning);
    assert_eq!(text_of(&events, 0), text(&answer));
}

#[tokio::test]
async fn many_answers_at_once_are_all_complete() {
    let server = start(Options::default()).await;
    let bodies: Vec<Value> = (0..24)
        .map(|seed| request("Tell me about stars", &json!({"seed": seed, "stream": true, "logprobs": true})))
        .collect();
    let answers = futures_util::future::join_all(bodies.iter().map(|body| events(&server, body))).await;
    for (events, body) in answers.iter().zip(&bodies) {
        let mut alone = body.clone();
        alone["stream"] = false.into();
        assert_eq!(text_of(events, 0), text(&ask(&server, &alone).await));
    }
}

#[tokio::test]
async fn a_port_that_is_taken_is_a_fault_with_a_remedy() {
    let server = start(Options::default()).await;
    let port = server.base_url().split(':').nth(2).unwrap().trim_end_matches("/v1").parse().unwrap();
    let fault = Server::start(Options { port, ..Options::default() }).await.unwrap_err();
    assert!(fault.message.contains(&port.to_string()) && !fault.remedy.is_empty());
    assert!(Server::start(Options { rate: Some(0.0), ..Options::default() }).await.is_err());
}

#[tokio::test]
async fn a_dropped_server_listens_no_more() {
    let server = start(Options::default()).await;
    let url = format!("{}/models", server.base_url());
    assert!(client().get(&url).send().await.is_ok());
    drop(server);
    // The listener closes as soon as its task runs; this task only has to let it.
    while client().get(&url).send().await.is_ok() {
        tokio::task::yield_now().await;
    }
}
