//! Going on from a given beginning, as text and as token ids, with the sandbox over HTTP.

#![expect(clippy::unwrap_used, reason = "the helpers of tests may panic as tests do")]

use serde_json::{Value, json};
use std::sync::Once;
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

async fn start() -> Server {
    Server::start(Options::default()).await.unwrap()
}

/// Posts to a path at the top of the server, and returns the status and the body.
async fn post(server: &Server, path: &str, body: &Value) -> (u16, Value) {
    let url = format!("{}{path}", server.base_url().trim_end_matches("/v1"));
    let response = client().post(url).json(body).send().await.unwrap();
    (response.status().as_u16(), response.json().await.unwrap())
}

async fn get_ok(server: &Server, path: &str, body: &Value) -> Value {
    let (status, answer) = post(server, path, body).await;
    assert_eq!(status, 200, "{body}: {answer}");
    answer
}

/// A chat request that ends in the beginning of an answer.
fn begun(question: &str, beginning: &str, more: &Value) -> Value {
    let mut body = json!({"model": MODEL, "temperature": 0, "messages": [
        {"role": "user", "content": question},
        {"role": "assistant", "content": beginning},
    ]});
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    body
}

const CHAT: &str = "/v1/chat/completions";
const QUESTION: &str = "How is bread baked?";

fn text(answer: &Value) -> &str {
    answer["choices"][0]["message"]["content"].as_str().unwrap()
}

async fn whole_answer(server: &Server) -> String {
    let body = json!({"model": MODEL, "temperature": 0, "messages": [{"role": "user", "content": QUESTION}]});
    text(&get_ok(server, CHAT, &body).await).to_owned()
}

#[tokio::test]
async fn a_message_of_the_assistant_is_continued_in_both_ways() {
    let server = start().await;
    let whole = whole_answer(&server).await;
    let cut = whole.find(' ').unwrap();
    for more in [json!({}), json!({"continue_final_message": true, "add_generation_prompt": false})] {
        let answer = get_ok(&server, CHAT, &begun(QUESTION, &whole[..cut], &more)).await;
        assert_eq!(text(&answer), &whole[cut..], "only what follows is returned");
        let tokens = table(Encoding::O200kBase).count(&whole[..cut]);
        let asked = table(Encoding::O200kBase).count(QUESTION);
        assert!(answer["usage"]["prompt_tokens"].as_u64().unwrap() >= tokens + asked);
    }
    for more in [json!({"continue_final_message": false}), json!({"add_generation_prompt": true})] {
        let answer = get_ok(&server, CHAT, &begun(QUESTION, &whole[..cut], &more)).await;
        assert_ne!(text(&answer), &whole[cut..], "a new message is begun");
    }
    let all = get_ok(&server, CHAT, &begun(QUESTION, &whole, &json!({}))).await;
    assert_eq!(all["choices"][0]["finish_reason"], "stop");
}

#[tokio::test]
async fn wrong_continuations_are_refused_in_the_servers_words() {
    let server = start().await;
    let both = json!({"continue_final_message": true, "add_generation_prompt": true});
    let (status, refused) = post(&server, CHAT, &begun(QUESTION, "So", &both)).await;
    assert_eq!((status, &refused["error"]["param"]), (400, &json!("continue_final_message")));
    assert_eq!(
        refused["error"]["message"],
        "Cannot set both `continue_final_message` and `add_generation_prompt` to True."
    );
    let left_out = json!({"continue_final_message": true});
    let (status, refused) = post(&server, CHAT, &begun(QUESTION, "So", &left_out)).await;
    assert_eq!(status, 400);
    let message = refused["error"]["message"].as_str().unwrap();
    assert!(message.starts_with("continue_final_message and add_generation_prompt are not compatible."));

    let mut nothing =
        begun(QUESTION, "", &json!({"continue_final_message": true, "add_generation_prompt": false}));
    nothing["messages"].as_array_mut().unwrap().pop();
    let (status, refused) = post(&server, CHAT, &nothing).await;
    assert_eq!(status, 400);
    assert_eq!(
        refused["error"]["message"],
        "Cannot set `continue_final_message` to True when the last message is not from the assistant."
    );
    let mut twice = begun(QUESTION, "One.", &json!({}));
    twice["messages"].as_array_mut().unwrap().push(json!({"role": "assistant", "content": "Two."}));
    let (status, refused) = post(&server, CHAT, &twice).await;
    assert_eq!((status, &refused["error"]["param"]), (400, &json!("messages")));
}

#[tokio::test]
async fn cuts_of_a_chat_request_are_checked_and_obeyed() {
    let server = start().await;
    let ask = |more: Value| begun(QUESTION, "", &more);
    let plain = get_ok(&server, CHAT, &ask(json!({}))).await;
    for cut in [json!({"top_k": 1}), json!({"min_p": 1.0}), json!({"top_p": 0.0})] {
        let mut body = ask(json!({"temperature": 2.0, "seed": 9}));
        body.as_object_mut().unwrap().extend(cut.as_object().unwrap().clone());
        assert_eq!(text(&get_ok(&server, CHAT, &body).await), text(&plain), "{cut}");
    }
    get_ok(&server, CHAT, &ask(json!({"top_k": -1, "min_p": 0}))).await;
    for (more, param) in [(json!({"top_k": -2}), "top_k"), (json!({"min_p": 1.5}), "min_p")] {
        let (status, refused) = post(&server, CHAT, &ask(more)).await;
        assert_eq!((status, &refused["error"]["param"]), (400, &json!(param)));
    }
}

/// Returns the logprob entries of a short answer of a model.
async fn entries(server: &Server, model: &str, temperature: f64) -> Vec<Value> {
    let body = json!({"model": model, "temperature": temperature, "seed": 4, "logprobs": true, "top_logprobs": 20,
        "max_tokens": 60, "messages": [{"role": "user", "content": "이모지로 인사해 줘 🙂"}]});
    get_ok(server, CHAT, &body).await["choices"][0]["logprobs"]["content"].as_array().unwrap().clone()
}

#[tokio::test]
async fn models_give_logprobs_as_real_servers_do() {
    let server = start().await;
    let plain = entries(&server, MODEL, 1.6).await;
    assert!(plain.iter().all(|token| token["top_logprobs"].as_array().unwrap().len() == 20));

    let few = entries(&server, "sandbox-top-5", 1.6).await;
    assert!(few.iter().all(|token| token["top_logprobs"].as_array().unwrap().len() == 5));
    assert_eq!(few[0]["logprob"], plain[0]["logprob"]);

    let bare = entries(&server, "sandbox-no-bytes", 1.6).await;
    assert!(bare.iter().all(|token| token["bytes"].is_null() && token["top_logprobs"][0]["bytes"].is_null()));

    // After temperature: the differences of two logprobs shrink by the temperature.
    let after = entries(&server, "sandbox-after-temperature", 1.6).await;
    for (before, after) in plain.iter().zip(&after) {
        let gap = |token: &Value| {
            let top = |at: usize| token["top_logprobs"][at]["logprob"].as_f64().unwrap();
            top(0) - top(4)
        };
        assert_eq!(before["token"], after["token"], "the same seed draws the same");
        assert!((gap(before) - 1.6 * gap(after)).abs() < 1e-9);
    }
    assert_eq!(entries(&server, "sandbox-after-temperature", 0.0).await, entries(&server, MODEL, 0.0).await);

    let replaced = entries(&server, "sandbox-replaced-pieces", 1.6).await;
    for (plain, replaced) in plain.iter().zip(&replaced) {
        let bytes: Vec<u8> = serde_json::from_value(plain["bytes"].clone()).unwrap();
        let lossy = String::from_utf8_lossy(&bytes).into_owned();
        assert_eq!((&replaced["token"], &replaced["bytes"]), (&json!(lossy), &json!(lossy.as_bytes())));
    }
}

#[tokio::test]
async fn token_ids_lead_back_to_the_same_answer() {
    let server = start().await;
    let whole = whole_answer(&server).await;
    let messages = json!({"messages": [{"role": "user", "content": QUESTION}]});
    let prompt = get_ok(&server, "/apply-template", &messages).await["prompt"].as_str().unwrap().to_owned();
    let ids = get_ok(&server, "/tokenize", &json!({"content": prompt})).await["tokens"].clone();
    assert_eq!(get_ok(&server, "/detokenize", &json!({"tokens": ids})).await["content"], prompt.as_str());

    let more = json!({"temperature": 0, "n_probs": 3, "return_tokens": true});
    let complete = |prompt: Value, more: &Value| {
        let mut body = more.clone();
        body["prompt"] = prompt;
        body
    };
    let answer = get_ok(&server, "/completion", &complete(ids.clone(), &more)).await;
    assert_eq!(answer["content"], whole.as_str());
    assert_eq!((&answer["stop"], &answer["stop_type"]), (&json!(true), &json!("eos")));
    let tokens = answer["tokens"].as_array().unwrap().clone();
    assert_eq!(answer["tokens_predicted"], tokens.len());
    assert_eq!(answer["tokens_evaluated"], ids.as_array().unwrap().len());
    assert_eq!(
        get_ok(&server, "/completion", &complete(json!(prompt), &more)).await["content"],
        whole.as_str()
    );

    // The same tokens as the beginning, then another one: another answer on the same topic.
    let list = answer["completion_probabilities"].as_array().unwrap();
    for at in [2, tokens.len() / 3, tokens.len() / 2] {
        let mut begun = ids.as_array().unwrap().clone();
        begun.extend_from_slice(&tokens[..at]);
        let rest = get_ok(&server, "/completion", &complete(json!(begun), &more)).await;
        assert_eq!(rest["tokens"], json!(tokens[at..]));
        let other = &list[at]["top_logprobs"][1]["id"];
        assert_ne!(other, &tokens[at]);
        begun.push(other.clone());
        let branch = get_ok(&server, "/completion", &complete(json!(begun), &more)).await;
        assert_eq!(branch["prompt"].as_str().unwrap().matches("<|start|>").count(), 2);
    }
    let mixed = json!([prompt, tokens[0], tokens[1]]);
    assert_eq!(get_ok(&server, "/completion", &complete(mixed, &more)).await["tokens"], json!(tokens[2..]));
}

#[tokio::test]
async fn completions_have_llama_cpps_shape() {
    let server = start().await;
    let prompt = "<|start|>user<|message|>What is tea?<|end|><|start|>assistant<|message|>";
    let body = json!({"prompt": prompt, "n_predict": 6, "n_probs": 4, "seed": 5, "temperature": 1.2});
    let answer = get_ok(&server, "/completion", &body).await;
    assert_eq!((&answer["stop_type"], &answer["stopping_word"]), (&json!("limit"), &json!("")));
    assert_eq!((&answer["tokens"], &answer["tokens_predicted"]), (&json!([]), &json!(6)));
    assert_eq!(answer["generation_settings"]["samplers"], json!(["top_k", "top_p", "min_p", "temperature"]));
    for time in ["prompt_ms", "predicted_ms", "predicted_per_second"] {
        assert!(answer["timings"][time].as_f64().unwrap() >= 0.0);
    }
    let list = answer["completion_probabilities"].as_array().unwrap();
    assert_eq!(list.len(), 6);
    for entry in list {
        assert!(entry["logprob"].as_f64().unwrap() <= 0.0 && entry["id"].is_u64());
        assert_eq!(entry["top_logprobs"].as_array().unwrap().len(), 4);
        assert_eq!(entry["bytes"], json!(entry["token"].as_str().unwrap().as_bytes()));
    }

    // What is left after sampling sums up to 1, and is less than what was asked for.
    let mut after = body.clone();
    after["post_sampling_probs"] = true.into();
    after["n_probs"] = 1000.into();
    let answer = get_ok(&server, "/completion", &after).await;
    assert_eq!(answer["completion_probabilities"].as_array().unwrap().len(), 6);
    for entry in answer["completion_probabilities"].as_array().unwrap() {
        let probabilities: Vec<f64> =
            entry["top_probs"].as_array().unwrap().iter().map(|c| c["prob"].as_f64().unwrap()).collect();
        assert!((probabilities.iter().sum::<f64>() - 1.0).abs() < 1e-9 && probabilities.len() <= 40);
        assert!(entry["prob"].as_f64().unwrap() > 0.0 && entry.get("logprob").is_none());
    }

    let stopped = json!({"prompt": prompt, "temperature": 0, "stop": ["."], "n_probs": 0});
    let answer = get_ok(&server, "/completion", &stopped).await;
    assert_eq!((&answer["stop_type"], &answer["stopping_word"]), (&json!("word"), &json!(".")));
    assert!(answer.get("completion_probabilities").is_none());
    assert!(!answer["content"].as_str().unwrap().contains('.'));
    let none = get_ok(&server, "/completion", &json!({"prompt": prompt, "n_predict": 0})).await;
    assert_eq!((&none["content"], &none["stop_type"]), (&json!(""), &json!("limit")));
}

#[tokio::test]
async fn a_streamed_completion_has_a_part_for_each_step_and_an_end() {
    let server = start().await;
    let url = format!("{}/completion", server.base_url().trim_end_matches("/v1"));
    let mut body = json!({"prompt": "<|start|>user<|message|>달은 왜 모양이 바뀌나요?<|end|>", "temperature": 0,
        "n_probs": 2, "return_tokens": true});
    let whole = get_ok(&server, "/completion", &body).await;
    body["stream"] = true.into();
    let response = client().post(url).json(&body).send().await.unwrap();
    let text = response.text().await.unwrap();
    let events: Vec<Value> = text
        .split_terminator("\n\n")
        .map(|event| serde_json::from_str(event.strip_prefix("data: ").unwrap()).unwrap())
        .collect();
    let (end, parts) = events.split_last().unwrap();
    let joined: String = parts.iter().map(|part| part["content"].as_str().unwrap()).collect();
    assert_eq!(whole["content"], joined.as_str());
    assert!(parts.iter().all(|part| part["stop"] == false && part["tokens"].as_array().unwrap().len() == 1));
    assert_eq!((&end["content"], &end["stop"], &end["tokens"]), (&json!(""), &json!(true), &json!([])));
    assert_eq!(end["tokens_predicted"], whole["tokens_predicted"]);
    let streamed: Vec<&Value> =
        parts.iter().flat_map(|part| part["completion_probabilities"].as_array().unwrap()).collect();
    let listed = whole["completion_probabilities"].as_array().unwrap();
    assert_eq!(streamed, listed.iter().collect::<Vec<_>>());
}

#[tokio::test]
async fn what_llama_cpp_s_routes_cannot_take_is_refused() {
    let server = start().await;
    for (body, word) in [
        (json!({}), "prompt"),
        (json!({"prompt": ["a", "b"]}), "one prompt"),
        (json!({"prompt": [[1], [2]]}), "one prompt"),
        (json!({"prompt": [5_000_000]}), "invalid tokens"),
        (json!({"prompt": [true]}), "prompt"),
        (json!({"prompt": "x", "mirostat": 2}), "mirostat"),
        (json!({"prompt": "x", "grammar": "root ::= \"a\""}), "grammar"),
        (json!({"prompt": "x", "samplers": ["magic"]}), "magic"),
        (json!({"prompt": "x", "top_p": 2}), "top_p"),
    ] {
        let (status, refused) = post(&server, "/completion", &body).await;
        let error = &refused["error"];
        assert_eq!(
            (status, &error["code"], &error["type"]),
            (400, &json!(400), &json!("invalid_request_error"))
        );
        assert!(error["message"].as_str().unwrap().contains(word), "{body}: {error}");
    }
    let off = json!({"prompt": "x", "mirostat": 0, "repeat_penalty": 1.0, "grammar": "", "cache_prompt": true,
        "n_predict": 1, "logit_bias": [[5, false], [6, 1.0]], "samplers": ["penalties", "top_k", "temperature"]});
    get_ok(&server, "/completion", &off).await;
    let (status, refused) = post(&server, "/completion", &json!({"prompt": "word ".repeat(9000)})).await;
    assert_eq!((status, &refused["error"]["type"]), (400, &json!("exceed_context_size_error")));
    let (status, _) = post(&server, "/completion", &json!({"prompt": "x", "model": "sandbox-500"})).await;
    assert_eq!(status, 500);
    let pieces = get_ok(&server, "/tokenize", &json!({"content": "a🥐", "with_pieces": true})).await;
    let list = pieces["tokens"].as_array().unwrap();
    assert_eq!(list[0]["piece"], "a");
    assert!(list[1..].iter().any(|token| token["piece"].is_array()));
    let url = format!("{}/props", server.base_url().trim_end_matches("/v1"));
    let props: Value = client().get(url).send().await.unwrap().json().await.unwrap();
    assert_eq!(props["default_generation_settings"]["params"]["top_k"], 40);
    assert!(props["chat_template"].as_str().unwrap().contains("<|start|>assistant"));
}

#[tokio::test]
async fn llama_cpps_routes_want_the_key_too() {
    let server = Server::start(Options { key: Some("right".into()), ..Options::default() }).await.unwrap();
    for path in ["/completion", "/tokenize", "/detokenize", "/apply-template"] {
        assert_eq!(post(&server, path, &json!({})).await.0, 401, "{path}");
    }
    let url = format!("{}/props", server.base_url().trim_end_matches("/v1"));
    assert_eq!(client().get(&url).send().await.unwrap().status(), 401);
    assert_eq!(client().get(&url).bearer_auth("right").send().await.unwrap().status(), 200);
}
