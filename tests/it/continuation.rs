//! Going on from a given beginning, against real sockets: what is sent, and what becomes of the answer.

use crate::support::gated::GatedServer;
use futures_util::StreamExt;
use serde_json::{Value, json};
use std::sync::Arc;
use tokenscope::core::branch::Verification;
use tokenscope::core::endpoint::{Endpoint, Limits, ProviderKind};
use tokenscope::core::id::RunId;
use tokenscope::core::request::{Continuation, Means, Prompt, Request, Role, Sampling};
use tokenscope::core::run::{Run, RunStatus};
use tokenscope::core::stream::{FinishReason, StreamEvent, Usage};
use tokenscope::core::time::Timestamp;
use tokenscope::core::token::{Candidate, Piece, Token};
use tokenscope::provider::Client;

fn client(server: &GatedServer, retries: u32) -> Client {
    let endpoint = Endpoint {
        name: "local".into(),
        base_url: server.base_url(),
        provider: ProviderKind::OpenaiChat,
        limits: Limits { retries, ..Limits::default() },
        legacy_max_tokens: true,
    };
    Client::new(&endpoint, Some("key".into())).unwrap()
}

fn candidate(text: &str, bytes: &[u8], logprob: f64, id: u32) -> Candidate {
    Candidate { piece: Piece::new(text, Some(bytes.to_vec())), logprob: Some(logprob), id: Some(id) }
}

fn token(text: &str, logprob: f64, id: u32) -> Token {
    let own = candidate(text, text.as_bytes(), logprob, id);
    Token { piece: own.piece.clone(), logprob: own.logprob, candidates: Box::new([own]), id: Some(id) }
}

fn request() -> Request {
    Request {
        endpoint: "local".into(),
        model: "m-1".into(),
        messages: vec![Prompt::new(Role::User, "날씨는?")],
        sampling: Sampling { max_output_tokens: Some(9), top_logprobs: Some(2), ..Sampling::default() },
        continuation: None,
        stream: true,
    }
}

/// Returns the answer "오늘은 맑아요", a token for each of its two words.
fn parent() -> Run {
    let mut run = Run::new(RunId(1), Arc::new(request()), Timestamp::default());
    let tokens = vec![token("오늘은", -0.5, 10), token(" 맑아요", -0.25, 11)];
    run.apply(StreamEvent::Delta { text: "오늘은 맑아요".to_owned(), tokens }, Timestamp::default());
    run.apply(StreamEvent::Finished(FinishReason::Stop), Timestamp::default());
    run
}

/// Runs the branch at the second word against a server.
async fn branch<T>(
    candidate: &Candidate,
    means: Means,
    retries: u32,
    serve: impl AsyncFnOnce(&GatedServer) -> T,
) -> (Run, T) {
    let parent = parent();
    let continuation = Continuation::new(&parent, 1, candidate, means).unwrap();
    let request = Arc::new(Request { continuation: Some(continuation), ..request() });
    let mut run = Run::continued(RunId(2), Arc::clone(&request), &parent, 1, candidate, Timestamp::default());
    let server = GatedServer::start().await;
    let client = client(&server, retries);
    let follow = async {
        let mut events = std::pin::pin!(client.run(request));
        while let Some(event) = events.next().await {
            run.apply(event, Timestamp::from_millis(1));
        }
    };
    let ((), outcome) = tokio::join!(follow, serve(&server));
    (run, outcome)
}

fn parsed(body: &str) -> Value {
    serde_json::from_str(body).unwrap()
}

/// " 🌧" begins with a space and the first byte of the umbrella's cloud; its other bytes are tokens.
const RAIN: &str = concat!(
    "data: {\"index\":0,\"content\":\"\u{fffd}\",\"tokens\":[51],\"stop\":false,\"id_slot\":-1,\"tokens_predicted\":1,",
    "\"tokens_evaluated\":12,\"completion_probabilities\":[{\"id\":51,\"token\":\"\",\"bytes\":[159,140],\"logprob\":-0.125,",
    "\"top_logprobs\":[{\"id\":51,\"token\":\"\",\"bytes\":[159,140],\"logprob\":-0.125},",
    "{\"id\":52,\"token\":\"\",\"bytes\":[159,141],\"logprob\":-3.5}]}]}\n\n",
    "data: {\"index\":0,\"content\":\"\u{fffd}\",\"tokens\":[53],\"stop\":false,\"completion_probabilities\":[{\"id\":53,",
    "\"token\":\"\",\"bytes\":[167],\"logprob\":-0.0625,\"top_logprobs\":[{\"id\":53,\"token\":\"\",\"bytes\":[167],",
    "\"logprob\":-0.0625}]}]}\n\n",
    "data: {\"index\":0,\"content\":\" 와요\",\"tokens\":[54],\"stop\":false,\"completion_probabilities\":[{\"id\":54,",
    "\"token\":\" 와요\",\"bytes\":[32,236,153,128,236,154,148],\"logprob\":-1.5,\"top_logprobs\":[]}]}\n\n",
    "data: {\"index\":0,\"content\":\"\",\"tokens\":[],\"id_slot\":0,\"stop\":true,\"model\":\"m-1\",\"tokens_predicted\":3,",
    "\"tokens_evaluated\":12,\"generation_settings\":{},\"prompt\":\"\",\"has_new_line\":false,\"truncated\":false,",
    "\"stop_type\":\"eos\",\"stopping_word\":\"\",\"tokens_cached\":14,\"timings\":{\"cache_n\":11}}\n\n",
);

#[tokio::test]
async fn an_exact_branch_goes_on_from_the_very_tokens() {
    let piece = candidate("", &[b' ', 0xf0], -2.0, 50);
    let (run, (template, completion)) = branch(&piece, Means::Exact, 0, async |server| {
        let template = server.answer(200, &[], r#"{"prompt":"<user>날씨는?<model>"}"#).await;
        (template, server.stream(RAIN).await)
    })
    .await;
    assert_eq!(template.line, "POST /apply-template HTTP/1.1");
    assert_eq!(template.header("authorization"), Some("Bearer key"));
    assert_eq!(template.header("content-type"), Some("application/json"));
    assert_eq!(parsed(&template.body)["messages"], json!([{"role": "user", "content": "날씨는?"}]));
    assert_eq!(completion.line, "POST /completion HTTP/1.1");
    let expected = json!({
        "model": "m-1", "prompt": ["<user>날씨는?<model>", 10, 50], "n_predict": 9, "n_probs": 2,
        "post_sampling_probs": false, "return_tokens": true, "stream": true,
    });
    assert_eq!(parsed(&completion.body), expected);

    assert_eq!(run.status, RunStatus::Done(FinishReason::Stop));
    assert_eq!(run.text, "오늘은 🌧 와요");
    assert!(run.is_aligned(), "{:?}", run.alignment());
    let ids: Vec<_> = run.tokens.iter().map(|token| token.id.unwrap()).collect();
    assert_eq!(ids, [10, 50, 51, 53, 54]);
    assert_eq!(run.joint_logprob(0..5), Some(-0.5 - 2.0 - 0.125 - 0.0625 - 1.5));
    let usage = Usage { input_tokens: 12, cached_input_tokens: 11, output_tokens: 3, reasoning_tokens: 0 };
    assert_eq!(run.usage, Some(usage));
    assert_eq!(run.model_reported.as_deref(), Some("m-1"));
    assert_eq!(run.branch.unwrap().badge(), "exact");
    let exchange = run.exchange.unwrap();
    assert!(exchange.url.ends_with("/completion") && !exchange.url.contains("/v1"), "{}", exchange.url);
    assert_eq!(exchange.request, completion.body);
}

#[tokio::test]
async fn a_server_without_the_template_path_is_told_with_the_remedy() {
    let (run, _) =
        branch(&candidate(" 흐려요", " 흐려요".as_bytes(), -2.0, 50), Means::Exact, 3, async |server| {
            server.answer(404, &[], r#"{"error":{"message":"File Not Found","code":404}}"#).await
        })
        .await;
    let RunStatus::Failed(fault) = &run.status else { panic!("{:?}", run.status) };
    assert_eq!(fault.remedy, "Set continues = \"prefill\" for endpoint local: it takes no token numbers");
    assert_eq!(run.text, "오늘은 흐려요");
}

#[tokio::test]
async fn a_server_that_loads_its_model_is_asked_again() {
    let loading = r#"{"error":{"code":503,"message":"Loading model","type":"unavailable_error"}}"#;
    let rain = candidate(" 흐려요", " 흐려요".as_bytes(), -2.0, 50);
    let (run, ()) = branch(&rain, Means::Exact, 2, async |server| {
        server.answer(503, &[("retry-after-ms", "1")], loading).await;
        server.answer(200, &[], r#"{"prompt":"p"}"#).await;
        server.answer(503, &[("retry-after-ms", "1")], loading).await;
        // The template is known by now.
        let document =
            r#"{"content":".","stop":true,"stop_type":"limit","tokens_predicted":1,"tokens_evaluated":4}"#;
        let call = server.answer(200, &[], document).await;
        assert_eq!(call.line, "POST /completion HTTP/1.1");
    })
    .await;
    assert_eq!((run.text.as_str(), run.attempts), ("오늘은 흐려요.", 3));
    assert_eq!(run.status, RunStatus::Done(FinishReason::Length));
}

#[tokio::test]
async fn a_template_that_is_none_fails_with_a_sentence() {
    for reply in ["<html><title>x</title></html>", r#"{"prompt":""}"#] {
        let rain = candidate(" 흐려요", " 흐려요".as_bytes(), -2.0, 50);
        let (run, _) =
            branch(&rain, Means::Exact, 0, async |server| server.answer(200, &[], reply).await).await;
        let RunStatus::Failed(fault) = &run.status else { panic!("{:?}", run.status) };
        assert!(fault.message.contains("is no conversation as the model reads it"), "{fault}");
    }
}

fn chat(pieces: &[&str]) -> String {
    let event = |piece: &&str| {
        let token = json!({"token": piece, "bytes": piece.as_bytes(), "logprob": -0.01, "top_logprobs": []});
        let choice = json!({"index": 0, "delta": {"content": piece}, "logprobs": {"content": [token]}});
        format!("data: {}\n\n", json!({"choices": [choice]}))
    };
    let pieces: String = pieces.iter().map(event).collect();
    pieces + "data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n"
}

#[tokio::test]
async fn a_prefilled_branch_sends_its_beginning_as_the_last_message() {
    let rain = candidate(" 흐려요", " 흐려요".as_bytes(), -2.0, 50);
    // Whether the server repeats the beginning or not.
    for pieces in [&[", 조금"][..], &["오늘은", " 흐려요", ", 조금"]] {
        let (run, call) =
            branch(&rain, Means::Prefill, 0, async |server| server.stream(&chat(pieces)).await).await;
        let body = parsed(&call.body);
        assert_eq!(body["messages"][1], json!({"role": "assistant", "content": "오늘은 흐려요"}));
        assert_eq!(
            (&body["continue_final_message"], &body["add_generation_prompt"]),
            (&json!(true), &json!(false))
        );
        assert_eq!(call.line, "POST /v1/chat/completions HTTP/1.1");
        assert_eq!(run.text, "오늘은 흐려요, 조금");
        let logprobs: Vec<_> = run.tokens.iter().map(|token| token.logprob.unwrap()).collect();
        assert_eq!(logprobs, [-0.5, -2.0, -0.01]);
        assert_eq!(run.branch.unwrap().badge(), "prefill");
        assert!(run.is_aligned());
    }
}

#[tokio::test]
async fn an_asked_branch_is_checked_while_it_streams() {
    let rain = candidate(" 흐려요", " 흐려요".as_bytes(), -2.0, 50);
    for (pieces, verification, badge) in [
        (["오늘", "은 ", "흐려요", "."], Verification::Kept, "≈ asked"),
        (["오늘", "은 ", "맑아요", "."], Verification::Parted { byte: 10, token: 1 }, "parted at 1"),
    ] {
        let (run, call) =
            branch(&rain, Means::Asked, 0, async |server| server.stream(&chat(&pieces)).await).await;
        let body = parsed(&call.body);
        assert_eq!(body["messages"][0]["role"], "system");
        assert!(body["messages"][0]["content"].as_str().unwrap().contains("오늘은 흐려요"));
        assert_eq!(body.get("continue_final_message"), None);
        assert_eq!(run.text, pieces.concat());
        let branch = run.branch.unwrap();
        assert_eq!((branch.verification, branch.badge().as_str()), (verification, badge));
        assert!(run.is_aligned());
    }
}
