//! Request bodies of Chat Completions, exactly as they go over the wire.
//!
//! Pure. Omitted parameters are not sent at all, so that the server decides, and further fields are
//! merged last, so that the user has the last word.

use crate::core::endpoint::Endpoint;
use crate::core::request::{Request, Sampling};
use serde_json::{Map, Value, json};

/// Returns the JSON body with which `request` is sent to `endpoint`.
///
/// The output limit goes as `max_completion_tokens`, or as `max_tokens` where the endpoint knows no
/// other name. A limit among the further fields replaces it whatever its name, as servers refuse both.
#[must_use]
pub fn request_body(request: &Request, endpoint: &Endpoint) -> Value {
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
        extra,
    } = &request.sampling;
    let mut body = Map::new();
    let mut put = |name: &str, value: Option<Value>| {
        if let Some(value) = value {
            body.insert(name.to_owned(), value);
        }
    };
    let messages = request.messages.iter();
    let messages =
        messages.map(|prompt| json!({"role": prompt.role.name(), "content": prompt.content.as_ref()}));
    put("model", Some(json!(request.model.as_ref())));
    put("messages", Some(messages.collect()));
    put("temperature", temperature.map(Value::from));
    put("top_p", top_p.map(Value::from));
    let limit = if endpoint.legacy_max_tokens { "max_tokens" } else { "max_completion_tokens" };
    let limited = ["max_tokens", "max_completion_tokens"].iter().any(|name| extra.contains_key(*name));
    put(limit, max_output_tokens.filter(|_| !limited).map(Value::from));
    put("seed", seed.map(Value::from));
    put("stop", (!stop.is_empty()).then(|| json!(stop)));
    put("presence_penalty", presence_penalty.map(Value::from));
    put("frequency_penalty", frequency_penalty.map(Value::from));
    put("logit_bias", (!logit_bias.is_empty()).then(|| json!(logit_bias)));
    put("logprobs", top_logprobs.map(|_| Value::Bool(true)));
    put("top_logprobs", top_logprobs.map(Value::from));
    put("stream", Some(Value::Bool(request.stream)));
    put("stream_options", request.stream.then(|| json!({"include_usage": true})));
    body.extend(extra.clone());
    Value::Object(body)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::endpoint::{Limits, ProviderKind};
    use crate::core::request::{Prompt, Role};
    use std::collections::BTreeMap;

    fn endpoint(legacy_max_tokens: bool) -> Endpoint {
        Endpoint {
            name: "e".into(),
            base_url: "http://h/v1".into(),
            provider: ProviderKind::OpenaiChat,
            limits: Limits::default(),
            legacy_max_tokens,
        }
    }

    fn request(sampling: Sampling, stream: bool) -> Request {
        Request {
            endpoint: "e".into(),
            model: "m".into(),
            messages: vec![Prompt::new(Role::System, "be kind"), Prompt::new(Role::User, "안녕 \"you\"")],
            sampling,
            stream,
        }
    }

    fn extra(value: &Value) -> Map<String, Value> {
        value.as_object().cloned().unwrap_or_default()
    }

    #[test]
    fn what_is_omitted_is_not_sent() {
        let body = request_body(&request(Sampling::default(), false), &endpoint(false));
        let messages =
            json!([{"role":"system","content":"be kind"},{"role":"user","content":"안녕 \"you\""}]);
        assert_eq!(body, json!({"model":"m","messages":messages,"stream":false}));
    }

    #[test]
    fn everything_set_is_sent_under_its_wire_name() {
        let sampling = Sampling {
            temperature: Some(0.7),
            top_p: Some(0.9),
            max_output_tokens: Some(200),
            seed: Some(-7),
            stop: vec!["\n".to_owned(), "END".to_owned()],
            presence_penalty: Some(0.5),
            frequency_penalty: Some(-0.5),
            logit_bias: BTreeMap::from([(50256, -100.0)]),
            top_logprobs: Some(5),
            extra: extra(&json!({"top_k": 40, "temperature": 0.1})),
        };
        let mut body = request_body(&request(sampling, true), &endpoint(false));
        body["messages"].take();
        let expected = json!({
            "model": "m", "messages": null, "stream": true, "stream_options": {"include_usage": true},
            "temperature": 0.1, "top_p": 0.9, "max_completion_tokens": 200, "seed": -7,
            "stop": ["\n", "END"], "presence_penalty": 0.5, "frequency_penalty": -0.5,
            "logit_bias": {"50256": -100.0}, "logprobs": true, "top_logprobs": 5, "top_k": 40,
        });
        assert_eq!(body, expected);
    }

    #[test]
    fn no_candidates_still_ask_for_logprobs() {
        let sampling = Sampling { top_logprobs: Some(0), ..Sampling::default() };
        let body = request_body(&request(sampling, false), &endpoint(false));
        assert_eq!((&body["logprobs"], &body["top_logprobs"]), (&json!(true), &json!(0)));
    }

    #[test]
    fn the_output_limit_has_one_name() {
        let limits = |sampling: &Sampling, legacy| {
            let body = request_body(&request(sampling.clone(), false), &endpoint(legacy));
            (body.get("max_tokens").cloned(), body.get("max_completion_tokens").cloned())
        };
        let plain = Sampling { max_output_tokens: Some(9), ..Sampling::default() };
        assert_eq!(limits(&plain, false), (None, Some(json!(9))));
        assert_eq!(limits(&plain, true), (Some(json!(9)), None));
        let own = Sampling { extra: extra(&json!({"max_tokens": 3})), ..plain };
        assert_eq!(limits(&own, false), (Some(json!(3)), None));
    }
}
