//! Answers in a form: JSON objects and documents of a schema from the sandbox over HTTP.

#![expect(clippy::unwrap_used, reason = "the helpers of tests may panic as tests do")]

use serde_json::{Value, json};
use std::sync::Once;
use tokenscope::sandbox::{MODEL, Options, Server};

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

async fn post(server: &Server, body: &Value) -> (u16, Value) {
    let url = format!("{}/chat/completions", server.base_url());
    let response = client().post(url).json(body).send().await.unwrap();
    (response.status().as_u16(), response.json().await.unwrap())
}

/// A request for a document of a schema.
fn request(question: &str, schema: &Value, more: &Value) -> Value {
    let mut body = json!({
        "model": MODEL,
        "messages": [{"role": "user", "content": question}],
        "response_format": {"type": "json_schema", "json_schema": {"name": "reply", "strict": true, "schema": schema}},
    });
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    body
}

async fn ask(server: &Server, body: &Value) -> (String, Value) {
    let (status, answer) = post(server, body).await;
    assert_eq!(status, 200, "{body}: {answer}");
    let choice = &answer["choices"][0];
    (choice["message"]["content"].as_str().unwrap().to_owned(), choice.clone())
}

/// Whether a value is what a schema of the supported kind demands, read afresh from its definition.
fn is_valid(schema: &Value, value: &Value, whole: &Value) -> bool {
    if let Some(target) = schema["$ref"].as_str() {
        return is_valid(whole.pointer(&target[1..]).unwrap(), value, whole);
    }
    if let Some(parts) = schema["anyOf"].as_array() {
        return parts.iter().any(|part| is_valid(part, value, whole));
    }
    if let Some(list) = schema["enum"].as_array() {
        return list.contains(value);
    }
    if let Some(wanted) = schema.get("const") {
        return wanted == value;
    }
    let bound = |name: &str| schema[name].as_f64();
    let count = |name: &str| schema[name].as_u64().and_then(|count| usize::try_from(count).ok());
    let kinds: Vec<&str> = match &schema["type"] {
        Value::Array(kinds) => kinds.iter().map(|kind| kind.as_str().unwrap()).collect(),
        kind => vec![kind.as_str().unwrap()],
    };
    kinds.iter().any(|kind| match (*kind, value) {
        ("null", Value::Null) | ("boolean", Value::Bool(_)) => true,
        ("string", Value::String(text)) => {
            let length = text.chars().count();
            count("minLength").is_none_or(|least| length >= least)
                && count("maxLength").is_none_or(|most| length <= most)
        }
        ("integer" | "number", Value::Number(number)) => {
            let number_value = number.as_f64().unwrap();
            (*kind == "number" || number.is_i64())
                && bound("minimum").is_none_or(|least| number_value >= least)
                && bound("maximum").is_none_or(|most| number_value <= most)
                && bound("exclusiveMinimum").is_none_or(|least| number_value > least)
        }
        ("array", Value::Array(items)) => {
            count("minItems").is_none_or(|least| items.len() >= least)
                && count("maxItems").is_none_or(|most| items.len() <= most)
                && items.iter().all(|item| is_valid(&schema["items"], item, whole))
        }
        ("object", Value::Object(members)) => {
            let properties = &schema["properties"];
            let required = schema["required"].as_array().cloned().unwrap_or_default();
            required.iter().all(|name| members.contains_key(name.as_str().unwrap()))
                && members.iter().all(|(name, member)| {
                    properties.get(name).is_some_and(|schema| is_valid(schema, member, whole))
                })
        }
        _ => false,
    })
}

/// Schemas that together use all that is supported.
fn schemas() -> Vec<Value> {
    vec![
        json!({"type": "object", "properties": {
            "verdict": {"type": "string", "enum": ["good", "bad", "mixed", "good enough"]},
            "reason": {"type": "string", "description": "one sentence"},
            "score": {"type": "integer", "minimum": 1, "maximum": 10},
            "sure": {"type": "boolean"},
        }, "required": ["verdict", "reason", "score", "sure"], "additionalProperties": false}),
        json!({"type": "object", "properties": {
            "이름": {"type": "string", "minLength": 3, "maxLength": 12},
            "tags": {"type": "array", "items": {"type": "string", "maxLength": 20}, "minItems": 2, "maxItems": 4},
            "weight": {"type": "number", "exclusiveMinimum": 0, "maximum": 2.5},
            "note": {"type": ["string", "null"], "maxLength": 40},
            "kind": {"const": "a \"quoted\" \\ value 🙂"},
            "part": {"anyOf": [{"type": "null"}, {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}]},
        }, "required": ["이름", "tags", "weight"]}),
        json!({"$defs": {"node": {"type": "object", "properties": {
            "word": {"type": "string", "maxLength": 15},
            "next": {"anyOf": [{"$ref": "#/$defs/node"}, {"type": "null"}]},
            "more": {"type": "array", "items": {"$ref": "#/$defs/node"}},
        }, "required": ["word", "next"]}}, "$ref": "#/$defs/node"}),
        json!({"type": "array", "items": {"enum": [1, 12, 120, -3.5, "x", null, true, {"a": [1]}]}, "minItems": 1}),
        json!({"type": "number", "minimum": -0.75, "maximum": -0.25}),
    ]
}

#[tokio::test]
async fn every_answer_parses_and_is_valid() {
    let server = start().await;
    for schema in schemas() {
        for (temperature, seed, question) in [
            (0.0, 1, "Is rising early good?"),
            (1.0, 2, "고양이는 왜 골골거려요?"),
            (1.8, 3, "How is bread baked?"),
            (2.0, 4, "🙂?"),
        ] {
            let body = request(question, &schema, &json!({"temperature": temperature, "seed": seed}));
            let (text, choice) = ask(&server, &body).await;
            assert_eq!(choice["finish_reason"], "stop", "{text}");
            let value: Value = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"));
            assert!(is_valid(&schema, &value, &schema), "{text}\nis not of {schema}");
        }
    }
}

/// Returns the verdict schema, the simplest one of a choice and a text.
fn verdict() -> Value {
    schemas().swap_remove(0)
}

#[tokio::test]
async fn members_stand_in_the_order_of_the_schema() {
    let server = start().await;
    // Written by hand: a map of the test would sort them.
    let body = format!(
        r#"{{"model": "{MODEL}", "temperature": 0, "messages": [{{"role": "user", "content": "What is tea?"}}],
        "response_format": {{"type": "json_schema", "json_schema": {{"name": "x", "schema": {{"type": "object",
        "properties": {{"zeta": {{"type": "string"}}, "alpha": {{"type": "boolean"}}, "mid": {{"type": "null"}}}},
        "required": ["alpha", "mid", "zeta"]}}}}}}}}"#
    );
    let url = format!("{}/chat/completions", server.base_url());
    let answer: Value = client().post(url).body(body).send().await.unwrap().json().await.unwrap();
    let text = answer["choices"][0]["message"]["content"].as_str().unwrap();
    let at = |name: &str| text.find(name).unwrap();
    assert!(at("\"zeta\"") < at("\"alpha\"") && at("\"alpha\"") < at("\"mid\""), "{text}");
    assert!(text.starts_with("{\"zeta\": \"") && text.ends_with("\"mid\": null}"), "{text}");
}

#[tokio::test]
async fn texts_are_about_the_question_in_its_language() {
    let server = start().await;
    for (question, words) in [
        ("고양이는 왜 골골거려요?", ["고양이", "골골"]),
        ("How is bread baked?", ["bread", "dough"]),
        ("비는 왜 와요?", ["비", "구름"]),
    ] {
        for schema in [Some(verdict()), None] {
            let body = match &schema {
                Some(schema) => request(question, schema, &json!({"temperature": 0.3, "seed": 2})),
                None => request(
                    question,
                    &json!({}),
                    &json!({
                        "temperature": 0.3, "seed": 2, "response_format": {"type": "json_object"}
                    }),
                ),
            };
            let (text, _) = ask(&server, &body).await;
            let value: Value = serde_json::from_str(&text).unwrap();
            assert!(value.is_object());
            let low = text.to_lowercase();
            assert!(words.iter().any(|word| low.contains(word)), "{question}: {text}");
            let is_korean = |text: &str| text.chars().any(|letter| ('가'..='힣').contains(&letter));
            assert_eq!(is_korean(&text), is_korean(question), "{text}");
        }
    }
}

#[tokio::test]
async fn probabilities_are_those_after_the_mask() {
    let server = start().await;
    let more = json!({"temperature": 0, "logprobs": true, "top_logprobs": 20});
    let (text, choice) = ask(&server, &request("Is rising early good?", &verdict(), &more)).await;
    let tokens = choice["logprobs"]["content"].as_array().unwrap();
    let joined: String = tokens.iter().map(|token| token["token"].as_str().unwrap()).collect();
    assert_eq!(joined, text);
    let mut before = String::new();
    let mut choices = 0;
    for token in tokens {
        let list = token["top_logprobs"].as_array().unwrap();
        assert_eq!(
            list[0],
            json!({"token": token["token"], "logprob": token["logprob"], "bytes": token["bytes"]})
        );
        let probability = |entry: &Value| entry["logprob"].as_f64().unwrap().exp();
        let sum: f64 = list.iter().map(probability).sum();
        assert!(sum <= 1.0 + 1e-9 && sum > 0.5, "{sum}");
        if before.ends_with("\"sure\": ") {
            // Nothing but the two values and their spellings is left.
            let said: Vec<&str> = list.iter().map(|entry| entry["token"].as_str().unwrap()).collect();
            assert!(said.contains(&"true") && said.contains(&"false"), "{said:?}");
            assert!(
                said.iter().all(|piece| "true".starts_with(piece) || "false".starts_with(piece)),
                "{said:?}"
            );
            assert!((sum - 1.0).abs() < 1e-9);
            choices += 1;
        }
        before.push_str(token["token"].as_str().unwrap());
    }
    assert_eq!(choices, 1);
}

#[tokio::test]
async fn every_value_of_a_list_comes_up_as_often_as_it_says() {
    let server = start().await;
    let schema = json!({"enum": ["red", "blue", "early"]});
    let more = json!({"temperature": 1, "n": 128, "seed": 8, "logprobs": true, "top_logprobs": 20});
    let (_, answer) = post(&server, &request("Is rising early good?", &schema, &more)).await;
    let choices = answer["choices"].as_array().unwrap();
    let count = choices.iter().filter(|choice| choice["message"]["content"] == "\"early\"").count();
    let first = &choices[0]["logprobs"]["content"][1]["top_logprobs"];
    let probability: f64 = first
        .as_array()
        .unwrap()
        .iter()
        .filter(|entry| entry["token"].as_str().unwrap().starts_with('e'))
        .map(|entry| entry["logprob"].as_f64().unwrap().exp())
        .sum();
    let (share, deviation) = (128.0 * probability, (128.0 * probability * (1.0 - probability)).sqrt());
    let counted = f64::from(u32::try_from(count).unwrap());
    assert!((counted - share).abs() < 4.5 * deviation, "{counted} for {share}");
    assert!(probability > 0.4, "the topic's own word is the likeliest: {probability}");
}

#[tokio::test]
async fn a_document_is_cut_at_the_limit_and_gone_on_with() {
    let server = start().await;
    let plain = request("How is bread baked?", &verdict(), &json!({"temperature": 0}));
    let (whole, _) = ask(&server, &plain).await;
    let mut short = plain.clone();
    short["max_tokens"] = 7.into();
    let (cut, choice) = ask(&server, &short).await;
    assert_eq!(choice["finish_reason"], "length");
    assert!(whole.starts_with(&cut) && serde_json::from_str::<Value>(&cut).is_err());

    let mut begun = plain.clone();
    begun["messages"].as_array_mut().unwrap().push(json!({"role": "assistant", "content": cut}));
    let (rest, _) = ask(&server, &begun).await;
    let value: Value = serde_json::from_str(&(cut + &rest)).unwrap();
    assert!(is_valid(&verdict(), &value, &verdict()));

    begun["messages"][1]["content"] = "{ \"other\"".into();
    let (status, refused) = post(&server, &begun).await;
    assert_eq!((status, &refused["error"]["param"]), (400, &json!("response_format")));
}

#[tokio::test]
async fn a_streamed_document_is_the_same() {
    let server = start().await;
    let mut body = request("달은 왜 모양이 바뀌나요?", &verdict(), &json!({"temperature": 1.2, "seed": 6}));
    let (whole, _) = ask(&server, &body).await;
    body["stream"] = true.into();
    let url = format!("{}/chat/completions", server.base_url());
    let stream = client().post(url).json(&body).send().await.unwrap().text().await.unwrap();
    let told: String = stream
        .split_terminator("\n\n")
        .filter_map(|event| serde_json::from_str::<Value>(event.strip_prefix("data: ")?).ok())
        .filter_map(|event| event["choices"][0]["delta"]["content"].as_str().map(str::to_owned))
        .collect();
    assert_eq!(told, whole);
}

#[tokio::test]
async fn forms_that_are_not_understood_are_refused() {
    let server = start().await;
    for (format, word) in [
        (json!({"type": "grammar"}), "grammar"),
        (json!({}), "type"),
        (json!({"type": "json_schema"}), "json_schema"),
        (json!({"type": "json_schema", "json_schema": {"schema": {"type": "null"}}}), "name"),
        (
            json!({"type": "json_schema", "json_schema": {"name": "x", "schema": {"type": "string", "pattern": "a"}}}),
            "'pattern'",
        ),
        (
            json!({"type": "json_schema", "json_schema": {"name": "x", "strict": 1, "schema": {"type": "null"}}}),
            "strict",
        ),
    ] {
        let body = request("Hi", &json!({}), &json!({"response_format": format}));
        let (status, refused) = post(&server, &body).await;
        assert_eq!((status, &refused["error"]["param"]), (400, &json!("response_format")), "{refused}");
        assert!(refused["error"]["message"].as_str().unwrap().contains(word), "{refused}");
    }
}
