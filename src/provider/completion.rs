//! llama.cpp's own wire: `/apply-template` and `/completion`, where a prompt may hold token numbers.
//!
//! Owns both request bodies and the shape of the reply. It is used where an answer is to go on from
//! given tokens: the conversation as the server's template writes it, then the numbers, so that the
//! model stands exactly where it stood. Never cuts a text into tokens itself.
//!
//! Invariant: what the server reports are the model's own probabilities, not those after sampling.

use super::json::{Flag, List, Maybe, Number, Text};
use super::reply::{WireToken, is_set};
use super::said::{Said, mended};
use crate::core::request::{Continuation, Means, Request, Sampling};
use crate::core::stream::Usage;
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};

/// The path, from the server's root, that writes a conversation as the model's template does.
pub(super) const TEMPLATE: &str = "/apply-template";

/// The path, from the server's root, that goes on from a prompt.
pub(super) const COMPLETION: &str = "/completion";

/// Returns the tokens the answer is to go on from, where it is to go on by their numbers.
pub(super) fn given_tokens(request: &Request) -> Option<&[u32]> {
    let Continuation { tokens, means, .. } = request.continuation.as_ref()?;
    (*means == Means::Exact && !tokens.is_empty()).then_some(tokens)
}

/// Returns the root of the server at a base URL: its own paths are not under the version.
pub(super) fn root(base_url: &str) -> &str {
    base_url.strip_suffix("/v1").unwrap_or(base_url)
}

/// Returns the body that asks for the conversation as the model reads it. Further fields go with it, as
/// the template's own parameters are among them.
pub(super) fn template_body(request: &Request) -> Value {
    let messages = request.messages.iter();
    let messages: Value = messages
        .map(|prompt| json!({"role": prompt.role.name(), "content": prompt.content.as_ref()}))
        .collect();
    let mut body = Map::from_iter([("messages".to_owned(), messages)]);
    body.insert("model".to_owned(), json!(request.model.as_ref()));
    body.extend(request.sampling.extra.clone());
    Value::Object(body)
}

/// Returns the conversation in the reply to that; `None` where there is none.
pub(super) fn template(reply: &str) -> Option<String> {
    #[derive(Default, Deserialize)]
    #[serde(default)]
    struct Template<'a> {
        #[serde(borrow)]
        prompt: Text<'a>,
    }
    let prompt = mended(reply, |reply| {
        let template = serde_json::from_str::<Maybe<Template<'_>>>(reply)?.0.unwrap_or_default();
        Ok(template.prompt.0.into_owned())
    })?;
    (!prompt.is_empty()).then_some(prompt)
}

/// Returns the body that goes on from `tokens` after the conversation.
///
/// A response format is not sent: its grammar would want a second document behind the beginning.
pub(super) fn completion_body(request: &Request, template: &str, tokens: &[u32]) -> Value {
    let Sampling {
        temperature,
        top_p,
        max_output_tokens,
        seed,
        stop,
        presence_penalty,
        frequency_penalty,
        logit_bias,
        top_logprobs,
        response_format: _,
        extra,
    } = &request.sampling;
    let mut body = Map::new();
    let mut put = |name: &str, value: Option<Value>| {
        if let Some(value) = value {
            body.insert(name.to_owned(), value);
        }
    };
    let prompt = [json!(template)].into_iter().chain(tokens.iter().map(|token| json!(token)));
    put("model", Some(json!(request.model.as_ref())));
    put("prompt", Some(prompt.collect()));
    put("temperature", temperature.map(Value::from));
    put("top_p", top_p.map(Value::from));
    put("n_predict", max_output_tokens.map(Value::from));
    put("seed", seed.map(Value::from));
    put("stop", (!stop.is_empty()).then(|| json!(stop)));
    put("presence_penalty", presence_penalty.map(Value::from));
    put("frequency_penalty", frequency_penalty.map(Value::from));
    put("logit_bias", (!logit_bias.is_empty()).then(|| json!(logit_bias)));
    // With none at all the server would not report the chosen token's either.
    put("n_probs", top_logprobs.map(|candidates| Value::from(candidates.max(1))));
    put("post_sampling_probs", Some(Value::Bool(false)));
    put("return_tokens", Some(Value::Bool(true)));
    put("stream", Some(Value::Bool(request.stream)));
    body.extend(extra.clone());
    Value::Object(body)
}

/// One event of a stream, or a whole document.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Completion<'a> {
    #[serde(borrow)]
    content: Option<Text<'a>>,
    #[serde(borrow, rename = "completion_probabilities", alias = "probs")]
    probabilities: List<WireToken<'a>>,
    #[serde(borrow)]
    model: Text<'a>,
    stop: Flag,
    #[serde(borrow)]
    stop_type: Text<'a>,
    /// What said the same before there was `stop_type`.
    stopped_limit: Flag,
    tokens_evaluated: Number,
    tokens_predicted: Number,
    timings: Maybe<Timings>,
    generation_settings: Maybe<Settings>,
    #[serde(borrow)]
    error: Option<&'a RawValue>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Settings {
    temperature: Number,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Timings {
    /// Tokens of the prompt that were in the cache.
    cache_n: Number,
}

impl Completion<'_> {
    /// Returns what it says.
    pub(super) fn said(self) -> Said {
        let finish = match (self.stop.0, self.stop_type.0.as_ref()) {
            (_, "limit") => "length",
            (_, "eos" | "word") => "stop",
            (true, "" | "none") if self.stopped_limit.0 => "length",
            (true, "" | "none") => "stop",
            (false, "" | "none") => "",
            (_, other) => other,
        };
        let finish = finish.to_owned();
        // Every event counts the tokens so far; only the last is a bill.
        let usage = if self.stop.0 { self.usage() } else { None };
        let has_content = self.content.is_some();
        Said {
            is_error: is_set(self.error),
            is_reply: has_content,
            is_answer: has_content,
            model: self.model.0.into_owned(),
            text: self.content.map(|content| content.0.into_owned()).unwrap_or_default(),
            tokens: self.probabilities.0.into_iter().map(WireToken::token).collect(),
            usage,
            finish,
            temperature: self.generation_settings.0.and_then(|settings| settings.temperature.0),
            ..Said::default()
        }
    }

    fn usage(&self) -> Option<Usage> {
        let cached = self.timings.0.as_ref().and_then(|timings| timings.cache_n.count());
        Some(Usage {
            input_tokens: self.tokens_evaluated.count()?,
            cached_input_tokens: cached.unwrap_or(0),
            output_tokens: self.tokens_predicted.count()?,
            reasoning_tokens: 0,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::said::Wire;
    use super::*;
    use crate::core::request::{Prompt, ResponseFormat, Role};
    use std::collections::BTreeMap;

    fn request(means: Means, tokens: &[u32]) -> Request {
        let extra = json!({"top_k": 40, "chat_template_kwargs": {"enable_thinking": false}});
        Request {
            endpoint: "e".into(),
            model: "m".into(),
            messages: vec![Prompt::new(Role::User, "안녕")],
            sampling: Sampling {
                temperature: Some(0.7),
                top_p: Some(0.9),
                max_output_tokens: Some(200),
                seed: Some(7),
                stop: vec!["END".to_owned()],
                presence_penalty: Some(0.5),
                frequency_penalty: Some(-0.5),
                logit_bias: BTreeMap::from([(15, -100.0)]),
                top_logprobs: Some(5),
                response_format: Some(ResponseFormat::JsonObject),
                extra: extra.as_object().cloned().unwrap_or_default(),
            },
            continuation: Some(Continuation { prefix: "가".into(), tokens: tokens.into(), means }),
            stream: true,
        }
    }

    #[test]
    fn everything_set_is_sent_under_this_servers_names() {
        let request = request(Means::Exact, &[1, 2]);
        let body = completion_body(&request, "<user>안녕<assistant>", given_tokens(&request).unwrap());
        let expected = json!({
            "model": "m", "prompt": ["<user>안녕<assistant>", 1, 2], "temperature": 0.7, "top_p": 0.9,
            "n_predict": 200, "seed": 7, "stop": ["END"], "presence_penalty": 0.5, "frequency_penalty": -0.5,
            "logit_bias": {"15": -100.0}, "n_probs": 5, "post_sampling_probs": false, "return_tokens": true,
            "stream": true, "top_k": 40, "chat_template_kwargs": {"enable_thinking": false},
        });
        assert_eq!(body, expected);
        let expected = json!({
            "model": "m", "messages": [{"role": "user", "content": "안녕"}], "top_k": 40,
            "chat_template_kwargs": {"enable_thinking": false},
        });
        assert_eq!(template_body(&request), expected);
    }

    #[test]
    fn numbers_are_used_only_where_they_are_exact_and_there() {
        assert_eq!(given_tokens(&request(Means::Prefill, &[1])), None);
        assert_eq!(given_tokens(&request(Means::Exact, &[])), None);
        let mut none = request(Means::Exact, &[1]);
        none.sampling.top_logprobs = Some(0);
        assert_eq!(completion_body(&none, "t", &[1])["n_probs"], 1);
        none.sampling.top_logprobs = None;
        assert_eq!(completion_body(&none, "t", &[1]).get("n_probs"), None);
    }

    #[test]
    fn the_servers_own_paths_are_beside_its_version() {
        assert_eq!(root("http://h:1/v1"), "http://h:1");
        assert_eq!(root("http://h:1/llm/v1"), "http://h:1/llm");
        assert_eq!(root("http://h:1"), "http://h:1");
    }

    #[test]
    fn a_template_is_a_text_or_none() {
        assert_eq!(template(r#"{"prompt":"<s>안녕"}"#).as_deref(), Some("<s>안녕"));
        for reply in [r#"{"prompt":""}"#, r#"{"prompt":7}"#, r#"{"error":"x"}"#, "[]", "<html>"] {
            assert_eq!(template(reply), None, "{reply}");
        }
    }

    #[test]
    fn events_and_documents_are_read() {
        let piece = Wire::Completion
            .read(
                r#"{"index":0,"content":"가","tokens":[30],"stop":false,"id_slot":0,"tokens_predicted":1,
                "tokens_evaluated":9,"completion_probabilities":[{"id":30,"token":"가","bytes":[234,176,128],
                "logprob":-0.25,"top_logprobs":[{"id":30,"token":"","bytes":[128],"logprob":-0.25},
                {"id":31,"token":"","bytes":[129],"logprob":-3.4028234663852886e+38}]}]}"#,
            )
            .unwrap();
        assert_eq!((piece.text.as_str(), piece.finish.as_str(), piece.usage), ("가", "", None));
        let [token] = piece.tokens.as_slice() else { panic!("{:?}", piece.tokens) };
        assert_eq!((token.id, token.logprob, token.candidates[1].logprob), (Some(30), Some(-0.25), None));
        assert!(token.stands_for_more() && token.chosen() == Some(0));
        let last = r#"{"content":"","stop":true,"model":"m","stop_type":"limit","tokens_predicted":3,
            "tokens_evaluated":9,"timings":{"cache_n":8}}"#;
        let last = Wire::Completion.read(last).unwrap();
        let usage = Usage { input_tokens: 9, cached_input_tokens: 8, output_tokens: 3, reasoning_tokens: 0 };
        assert_eq!((last.finish.as_str(), last.usage, last.model.as_str()), ("length", Some(usage), "m"));
        let finish = |text: &str| Wire::Completion.read(text).unwrap().finish;
        assert_eq!(finish(r#"{"content":"a","stop":true,"stopped_limit":true}"#), "length");
        assert_eq!(finish(r#"{"content":"a","stop":true,"stopped_eos":true}"#), "stop");
        assert_eq!(finish(r#"{"content":"a","stop":true,"stop_type":"word"}"#), "stop");
        assert!(
            Wire::Completion.read(r#"{"error":{"code":503,"message":"Loading model"}}"#).unwrap().is_error
        );
        assert!(Wire::Completion.read("<html>").is_none());
    }
}
